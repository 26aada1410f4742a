#include "qemu_hooks/plugin_args.h"

#include <gtest/gtest.h>

namespace reprise {
namespace {

using Words = std::vector<std::string>;

std::string refusal(const Words& words) {
  const auto args = parse_plugin_args(words);
  if (args.ok()) {
    return "accepted";
  }
  EXPECT_EQ(args.error().kind, ErrorKind::kUsage);
  return args.error().message;
}

TEST(PluginArgs, EveryOption) {
  const auto live = parse_plugin_args({"mode=live", "channel=5", "guest=3", "icount_shift=10", "stream_folder=/a,b=c", "console=/x.log"});
  ASSERT_TRUE(live.ok()) << live.error().message;
  EXPECT_EQ(live->mode, PluginArgs::Mode::kLive);
  EXPECT_EQ(live->channel, 5);
  EXPECT_EQ(live->guest.value, 3U);
  EXPECT_EQ(live->icount_shift, 10U);
  EXPECT_EQ(live->stream_folder, "/a,b=c");
  EXPECT_EQ(live->console, "/x.log");
  EXPECT_FALSE(live->show_console);
  const auto shown = parse_plugin_args({"channel=5", "guest=3", "show_console=on"});
  ASSERT_TRUE(shown.ok()) << shown.error().message;
  EXPECT_TRUE(shown->show_console);
  EXPECT_EQ(refusal({"channel=5", "guest=0", "show_console=yes"}), "plugin option 'show_console=yes': want on");
  EXPECT_EQ(live->trace, "");
  const auto replay = parse_plugin_args({"trace=/run.trace", "guest=4294967295", "channel=0", "mode=replay"});
  ASSERT_TRUE(replay.ok()) << replay.error().message;
  EXPECT_EQ(replay->mode, PluginArgs::Mode::kReplay);
  EXPECT_EQ(replay->channel, 0);
  EXPECT_EQ(replay->guest.value, 4'294'967'295U);
  EXPECT_EQ(replay->trace, "/run.trace");
}

TEST(PluginArgs, KeysMayBeSeveral) {
  const AgeRecipient first = recipient_of(generate_age_identity());
  const AgeRecipient second = recipient_of(generate_age_identity());
  const auto live = parse_plugin_args({"channel=5", "guest=3", "recipient=" + text(first), "recipient=" + text(second)});
  ASSERT_TRUE(live.ok()) << live.error().message;
  EXPECT_EQ(live->recipients, (std::vector{first, second}));
  EXPECT_EQ(refusal({"channel=5", "guest=0", "recipient=age1"}).rfind("recipient 'age1': ", 0), 0U);
  const auto replay = parse_plugin_args({"mode=replay", "trace=/t", "channel=5", "guest=3", "identity=/a,b", "identity=/c"});
  ASSERT_TRUE(replay.ok()) << replay.error().message;
  EXPECT_EQ(replay->identities, (std::vector<std::string>{"/a,b", "/c"}));
}

TEST(PluginArgs, UnknownAndWithoutValue) {
  EXPECT_EQ(refusal({"channel=5", "guest=0", "colour=blue"}), "unknown plugin option 'colour'");
  EXPECT_EQ(refusal({"channel=5", "guest=0", "=x"}), "unknown plugin option ''");
  EXPECT_EQ(refusal({"channel=5", "guest=0", "console"}), "plugin option 'console' has no value");
  EXPECT_EQ(refusal({"channel=5", "guest=0", "mode=record"}), "plugin option 'mode=record': want live or replay");
}

TEST(PluginArgs, WhatIsMissing) {
  EXPECT_EQ(refusal({"mode=live", "guest=0"}), "plugin option 'channel' is missing");
  EXPECT_EQ(refusal({"mode=live", "guest=0", "channel=-1"}), "plugin option 'channel' is missing");
  EXPECT_EQ(refusal({"mode=live", "channel=5"}), "plugin option 'guest' is missing");
  EXPECT_EQ(refusal({"mode=replay", "channel=5", "guest=0"}), "plugin option 'trace' is missing");
  EXPECT_EQ(refusal({"channel=5", "guest=0"}), "accepted") << "live is the default";
}

TEST(PluginArgs, Numbers) {
  for (const char* text : {"", "x", "5x", " 5", "0x5", "+5", "99999999999"}) {
    for (const char* name : {"channel", "guest", "icount_shift"}) {
      const std::string word = std::string(name) + "=" + text;
      EXPECT_EQ(refusal({"channel=5", "guest=0", word}), "plugin option '" + word + "' is not a number in range");
    }
  }
  EXPECT_EQ(refusal({"channel=5", "guest=-1"}), "plugin option 'guest=-1' is not a number in range");
}

}  // namespace
}  // namespace reprise
