// Alter one thing in a trace: diff must name exactly that thing.
#include "analysis/diff.h"

#include <gtest/gtest.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "tests/analysis/synthetic_trace.h"
#include "trace_format/trim.h"

namespace reprise::testing {
namespace {

constexpr size_t kAlice = 0;
constexpr size_t kBob = 1;

class DiffTest : public ::testing::Test {
 protected:
  /// Differences between the ping script and the same with `alter` applied.
  std::vector<Difference> diff_after(const std::function<void(Script&)>& alter, const std::vector<std::string>& guests = {}) {
    Script altered = ping_script();
    alter(altered);
    return diff_of(ping_script(), altered, guests);
  }

  std::vector<Difference> diff_of(const Script& left_script, const Script& right_script, const std::vector<std::string>& guests = {}) {
    const auto left = make_trace(left_script, folder_.path() / ("left" + std::to_string(count_)));
    const auto right = make_trace(right_script, folder_.path() / ("right" + std::to_string(count_++)));
    Result<std::vector<Difference>> result = diff_traces(*left, *right, guests);
    EXPECT_TRUE(result.ok()) << result.error().message;
    return result.ok() ? std::move(result).value() : std::vector<Difference>();
  }

  TemporaryFolder folder_;
  int count_ = 0;
};

/// "guest stream sequence virtual_ns field left right", one a difference.
std::vector<std::string> summary(const std::vector<Difference>& differences) {
  std::vector<std::string> lines;
  for (const Difference& d : differences) {
    lines.push_back(d.guest + " " + d.stream + " " + std::to_string(d.sequence.value) + " " + std::to_string(d.at.ns) + " " + d.field +
                    " " + d.left + " | " + d.right);
  }
  return lines;
}

using Lines = std::vector<std::string>;

TEST_F(DiffTest, FindsNothingInIdenticalTraces) {
  EXPECT_EQ(summary(diff_after([](Script&) {})), Lines{});
}

TEST_F(DiffTest, IgnoresProvenance) {
  EXPECT_EQ(summary(diff_after([](Script& script) { script.run.seed = 8; })), Lines{});
}

TEST_F(DiffTest, NamesAClockValue) {
  EXPECT_EQ(summary(diff_after([](Script& script) { script.guests[kAlice][4].value = 1101; })),
            Lines{"alice clock 2 1100 value 1100 | 1101"});
}

TEST_F(DiffTest, NamesAClockSource) {
  EXPECT_EQ(summary(diff_after([](Script& script) { script.guests[kAlice][1].source = ClockSource::kRtc; })),
            Lines{"alice clock 1 200 source hpet | rtc"});
}

TEST_F(DiffTest, NamesAClockTime) {
  EXPECT_EQ(summary(diff_after([](Script& script) { script.guests[kBob][0].at = 151; })), Lines{"bob clock 0 150 virtual_ns 150 | 151"});
}

TEST_F(DiffTest, NamesAConsoleByte) {
  EXPECT_EQ(summary(diff_after([](Script& script) { script.guests[kAlice][8].byte = 0xff; })),
            Lines{"alice console 1 24000 byte 0x0a '\\n' | 0xff"});
}

TEST_F(DiffTest, NamesAKeyThatWasTyped) {
  EXPECT_EQ(summary(diff_after([](Script& script) { script.guests[kAlice][8].kind = EventKind::kConsoleInput; })),
            Lines{"alice console 1 24000 kind 24000 alice console #1 0x0a '\\n' | 24000 alice console #1 input 0x0a '\\n'"});
}

TEST_F(DiffTest, NamesAnEndReason) {
  EXPECT_EQ(summary(diff_after([](Script& script) { script.guests[kAlice].back().reason = EndReason::kReset; })),
            Lines{"alice end 0 30000 reason power-off | reset"});
}

TEST_F(DiffTest, NamesAnEndTime) {
  EXPECT_EQ(summary(diff_after([](Script& script) { script.guests[kBob].back().at = 40'001; })),
            Lines{"bob end 0 40000 virtual_ns 40000 | 40001"});
}

TEST_F(DiffTest, NamesAPayloadByteAtTheSenderAndAtTheReceiver) {
  // bob's own stream is the same in both traces: it refers to alice's frame.
  EXPECT_EQ(summary(diff_after([](Script& script) { script.guests[kAlice][5].payload[37] = 0x23; })),
            (Lines{"alice frame 1 2000 payload byte 37 of 98: 0x22 | byte 37 of 98: 0x23",
                   "bob frame 1 12000 payload byte 37 of 98: 0x22 | byte 37 of 98: 0x23"}));
}

TEST_F(DiffTest, NamesAPayloadLength) {
  EXPECT_EQ(summary(diff_after([](Script& script) { script.guests[kBob][4].payload.resize(59); })),
            (Lines{"alice frame 2 23000 payload byte 59 of 60: 0x33 | byte 59 of 59: none",
                   "bob frame 2 13000 payload byte 59 of 60: 0x33 | byte 59 of 59: none"}));
}

TEST_F(DiffTest, NamesAPayloadThatIsLonger) {
  EXPECT_EQ(summary({diff_after([](Script& script) { script.guests[kBob][4].payload.resize(61); })[1]}),
            Lines{"bob frame 2 13000 payload byte 60 of 60: none | byte 60 of 61: 0x00"});
}

TEST_F(DiffTest, NamesADeliveryTimeWhenNothingLiesBetween) {
  EXPECT_EQ(summary(diff_after([](Script& script) { script.guests[kBob][3].at = 12'001; })),
            Lines{"bob frame 1 12000 virtual_ns 12000 | 12001"});
}

TEST_F(DiffTest, NamesADeliveryTimeThatMovedBeyondAnotherEvent) {
  const auto move_later = [](Script& script) {
    script.guests[kBob][1].at = 11'060;  // beyond the clock read at 11,050
    std::swap(script.guests[kBob][1], script.guests[kBob][2]);
  };
  EXPECT_EQ(summary(diff_after(move_later)), Lines{"bob frame 0 11000 virtual_ns 11000 | 11060"});
  Script altered = ping_script();
  move_later(altered);
  EXPECT_EQ(summary(diff_of(altered, ping_script())), Lines{"bob frame 0 11000 virtual_ns 11060 | 11000"});
}

TEST_F(DiffTest, NamesADeliveryThatMovedBehindAnEventOfTheSameInstant) {
  Script left = ping_script();
  left.guests[kBob][2].at = 11'000;
  Script right = left;
  right.guests[kBob][1].at = 11'060;
  std::swap(right.guests[kBob][1], right.guests[kBob][2]);
  EXPECT_EQ(summary(diff_of(left, right)), Lines{"bob frame 0 11000 virtual_ns 11000 | 11060"});
  EXPECT_EQ(summary(diff_of(right, left)), Lines{"bob frame 0 11000 virtual_ns 11060 | 11000"});
}

TEST_F(DiffTest, NamesADeliveryThatChangedPlacesWithAnother) {
  const auto swap_frames = [](Script& script) {
    script.guests[kBob][1].sender_frame = 1;
    script.guests[kBob][3].sender_frame = 0;
  };
  EXPECT_EQ(summary(diff_after(swap_frames)), Lines{"bob frame 0 11000 virtual_ns 11000 | 12000"});
}

TEST_F(DiffTest, NamesASender) {
  Script left = ping_script();
  left.add_guest("carol", {sent(1000, ethernet_frame(1, 2, 60, 0x11)), end(40'000, EndReason::kUntil)});
  Script right = left;
  right.guests[kBob][1].sender = 2;
  right.guests[kBob][2].value = 1;  // what follows is not the first
  EXPECT_EQ(summary(diff_of(left, right)), Lines{"bob frame 0 11000 sender alice | carol"});
}

TEST_F(DiffTest, NamesAnExtraEventWithBothEvents) {
  EXPECT_EQ(summary(diff_after([](Script& script) {
              script.guests[kAlice].insert(script.guests[kAlice].begin() + 3, clock_read(400, ClockSource::kAcpiPm, 9));
            })),
            Lines{"alice clock 2 400 kind 1000 alice frame #0 sent alice/0 60 bytes 52:54:00:00:00:01 > 52:54:00:00:00:02 0x0800 "
                  "xxh3:a2b2f917b79c8617 | 400 alice clock #2 acpi_pm 9"});
}

TEST_F(DiffTest, NamesAReceivedFrameThatWasSentInstead) {
  const auto differences = diff_after([](Script& script) { script.guests[kBob][3] = sent(12'000, ethernet_frame(2, 1, 60, 0x99)); });
  ASSERT_EQ(differences.size(), 3U);  // alice receives bob's first frame: now this one, which the network took from him earlier
  EXPECT_EQ(summary({differences[0]}), Lines{"alice frame 2 23000 payload byte 14 of 60: 0x33 | byte 14 of 60: 0x99"});
  EXPECT_EQ(differences[1].guest, "bob");
  EXPECT_EQ(differences[1].field, "kind");
  EXPECT_EQ(differences[1].sequence.value, 1U);
  EXPECT_EQ(differences[2].field, "sent_ns");
}

TEST_F(DiffTest, ReportsAFrameNumberOnlyWhenTheGuestSawTheSame) {
  // alice sends an additional frame that nobody gets: bob receives the same bytes at the same times, from frames with other numbers.
  const auto differences = diff_after([](Script& script) {
    script.guests[kAlice].insert(script.guests[kAlice].begin() + 3, sent(900, ethernet_frame(1, 9, 60, 0x44)));
    script.guests[kBob][1].sender_frame = 1;
    script.guests[kBob][3].sender_frame = 2;
  });
  ASSERT_EQ(differences.size(), 2U);
  EXPECT_EQ(summary({differences[1]}), Lines{"bob frame 0 11000 frame alice/0 | alice/1"});
}

TEST_F(DiffTest, TrustsNoFrameNumberOnceTheNumbersDisagree) {
  const auto differences = diff_after([](Script& script) {
    script.guests[kAlice].insert(script.guests[kAlice].begin() + 3, sent(900, ethernet_frame(1, 9, 60, 0x44)));
    script.guests[kBob][1].sender_frame = 1;
    script.guests[kBob][3].sender_frame = 2;
    script.guests[kBob][3].at = 12'001;
  });
  ASSERT_EQ(differences.size(), 2U);
  EXPECT_EQ(summary({differences[1]}), Lines{"bob frame 1 12000 virtual_ns 12000 | 12001"});
}

TEST_F(DiffTest, ReportsAMissingGuest) {
  Script with_carol = ping_script();
  with_carol.add_guest("carol", {end(5, EndReason::kHalt)});
  EXPECT_EQ(summary(diff_of(ping_script(), with_carol)), Lines{"carol guest 0 0 present absent | present"});
  EXPECT_EQ(summary(diff_of(with_carol, ping_script())), Lines{"carol guest 0 0 present present | absent"});
}

TEST_F(DiffTest, MatchesGuestsByName) {
  Script swapped = ping_script();
  std::swap(swapped.run.guests[0], swapped.run.guests[1]);
  std::swap(swapped.guests[0], swapped.guests[1]);
  for (auto& events : swapped.guests) {
    for (ScriptEvent& event : events) {
      event.sender = 1 - event.sender;
    }
  }
  for (NetworkEvent& event : swapped.network) {
    event.sender.value = 1 - event.sender.value;
    event.receiver.value = 1 - event.receiver.value;
  }
  EXPECT_EQ(summary(diff_of(ping_script(), swapped)), Lines{});
  swapped.guests[kAlice][2].value = 1;  // bob's
  EXPECT_EQ(summary(diff_of(ping_script(), swapped)), Lines{"bob clock 1 11050 value 11050 | 1"});
}

TEST_F(DiffTest, NamesWhatTheNetworkDid) {
  EXPECT_EQ(summary(diff_after([](Script& script) { script.network[1].at.ns = 12'005; })),
            Lines{"bob network 1 12000 virtual_ns 12000 | 12005"});
  EXPECT_EQ(summary(diff_after([](Script& script) { script.network.pop_back(); })),
            Lines{"alice network 2 23000 present present | absent"});
  EXPECT_EQ(
      summary(diff_after([](Script& script) {
        script.network = {dropped(2000, 0, 1, 1, DropReason::kLoss), script.network[0], script.network[2]};
      })),
      Lines{"bob network 0 2000 kind 12000 bob network #1 delivered alice/1 sent 2000 | 2000 bob network #0 dropped alice/1 sent 2000: "
            "loss"});
}

// A delivery that its receiver's stream does not imply keeps the time at which it was sent.
TEST_F(DiffTest, NamesWhenAFrameWasSent) {
  Script left = ping_script();
  left.network[2].at.ns = 23'001;
  Script right = left;
  right.network[2].sent_at.ns = 12'999;
  EXPECT_EQ(summary(diff_of(left, right)), Lines{"alice network 2 23001 sent_ns 13000 | 12999"});
}

TEST_F(DiffTest, NamesADropReason) {
  Script left = ping_script();
  left.network[0] = dropped(1000, 0, 0, 1, DropReason::kLoss);
  Script right = left;
  right.network[0].reason = DropReason::kLinkDown;
  EXPECT_EQ(summary(diff_of(left, right)), Lines{"bob network 0 1000 reason loss | link down"});
}

// Only who forges a trace writes that. Two of them once had a difference there: the same text on both sides.
TEST_F(DiffTest, ANetworkEventOfAGuestThatTheRunDoesNotHaveIsDamage) {
  Script forged = ping_script();
  forged.network[0] = dropped(1000, 0, 0, 48, DropReason::kHostDown);
  const auto left = make_trace(forged, folder_.path() / "left");
  forged.guests[kBob][0].value = 1;
  const Result<std::vector<Difference>> result = diff_traces(*left, *make_trace(forged, folder_.path() / "right"));
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().kind, ErrorKind::kBadTrace);
  EXPECT_EQ(result.error().message,
            "the left trace is damaged: its network has an event of guest 48, the run 2 guests; 'reprise verify' says where");
}

TEST_F(DiffTest, LimitsItselfToTheGuestsAskedFor) {
  const auto alter = [](Script& script) {
    script.guests[kAlice][0].value = 1;
    script.guests[kBob][0].value = 1;
    script.network[2].at.ns = 23'001;  // alice receives it
  };
  EXPECT_EQ(summary(diff_after(alter)).size(), 3U);
  EXPECT_EQ(summary(diff_after(alter, {"bob"})), Lines{"bob clock 0 150 value 65535 | 1"});
}

TEST_F(DiffTest, RefusesAGuestThatNeitherTraceHas) {
  const auto left = make_trace(ping_script(), folder_.path() / "left");
  const auto right = make_trace(ping_script(), folder_.path() / "right");
  const auto result = diff_traces(*left, *right, {"mallory"});
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().kind, ErrorKind::kUsage);
  EXPECT_NE(result.error().message.find("no guest 'mallory'"), std::string::npos);
  EXPECT_NE(result.error().message.find("alice, bob"), std::string::npos);
}

// Found by diff_fuzz: with the part on the left, its missing guest was a difference.
TEST_F(DiffTest, AGuestThatAPartLeavesOutIsNoDifferenceOnEitherSide) {
  const auto whole = make_trace(ping_script(), folder_.path() / "whole");
  ASSERT_TRUE(trim_trace(*whole, folder_.path() / "part", {.guests = {"alice"}}).ok());
  const auto part = TraceReader::open(folder_.path() / "part");
  ASSERT_TRUE(part.ok()) << part.error().message;
  EXPECT_EQ(summary(*diff_traces(*whole, **part)), Lines{});
  EXPECT_EQ(summary(*diff_traces(**part, *whole)), Lines{});
}

TEST_F(DiffTest, PrintsBothEvents) {
  EXPECT_EQ(diff_text({}, "a", "b"), "identical\n");
  EXPECT_EQ(diff_text(diff_after([](Script& script) { script.guests[kAlice][4].value = 1101; }), "ping.trace", "b"),
            "alice: first difference: clock #2 at 1100 ns, value\n"
            "  ping.trace:  1100 alice clock #2 tsc 1100\n"
            "               value: 1100\n"
            "  b:           1100 alice clock #2 tsc 1101\n"
            "               value: 1101\n");
}

TEST_F(DiffTest, PrintsJson) {
  EXPECT_EQ(nlohmann::json::parse(diff_json({})), nlohmann::json::parse(R"({"identical": true, "differences": []})"));
  EXPECT_EQ(nlohmann::json::parse(diff_json(diff_after([](Script& script) { script.guests[kAlice][4].value = 1101; }))),
            nlohmann::json::parse(R"({"identical": false, "differences": [{"guest": "alice", "stream": "clock", "sequence": 2,
                                     "virtual_ns": 1100, "field": "value", "left": "1100", "right": "1101"}]})"));
}

TEST_F(DiffTest, PrintsJsonOfNamesThatAreNotUtf8) {
  Difference difference;
  difference.guest = "\xff\xfe";
  EXPECT_NO_THROW(EXPECT_EQ(nlohmann::json::parse(diff_json({difference}))["differences"].size(), 1U));
}

}  // namespace
}  // namespace reprise::testing
