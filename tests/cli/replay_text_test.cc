#include "cli/replay_text.h"

#include <gtest/gtest.h>

namespace reprise {
namespace {

TEST(ReplayText, IsOneLineWhenIdentical) {
  GuestReplay guest;
  guest.name = "alice";
  guest.end = VirtualTime{10'726'155'164};
  guest.frames = 36;
  guest.clock_reads = 25'696'212;
  guest.console_bytes = 412;
  EXPECT_EQ(replay_text(guest), "alice: identical, 10.726155164 s, 36 frames, 25696212 clock reads, 412 console bytes\n");
}

TEST(ReplayText, ShowsTheDivergenceAndWhatWentBefore) {
  GuestReplay guest;
  guest.name = "alice";
  guest.divergence = Divergence{"alice",        "clock",
                                SeqNo{17},      VirtualTime{12'345},
                                "value",        "alice says 5\x1b",
                                "alice says 6", {"12000 alice console #1 0x41 'A'", "12100 alice clock #16 tsc 12100"}};
  EXPECT_EQ(replay_text(guest),
            "alice: diverged: clock #17 at 12345 ns, value\n"
            "  expected: alice says 5\\x1b\n"
            "  actual:   alice says 6\n"
            "  before it:\n"
            "    12000 alice console #1 0x41 'A'\n"
            "    12100 alice clock #16 tsc 12100\n");
}

TEST(ReplayText, LeavesTheNumberOfAnEndOut) {
  GuestReplay guest;
  guest.name = "bob";
  guest.divergence = Divergence{"bob", "end", SeqNo{}, VirtualTime{9}, "reason", "power-off", "reset", {}};
  EXPECT_EQ(replay_text(guest), "bob: diverged: end at 9 ns, reason\n  expected: power-off\n  actual:   reset\n");
}

}  // namespace
}  // namespace reprise
