#include "replayer/trace_consistency.h"

#include <gtest/gtest.h>

#include "tests/analysis/synthetic_trace.h"

namespace reprise {
namespace {

using namespace testing;

/// "FIELD: EXPECTED / ACTUAL, frame #N @NS", or "consistent".
std::string contradiction(const Script& script, uint32_t guest) {
  const TemporaryFolder folder;
  const auto reader = make_trace(script, folder.path() / "t.trace");
  const auto found = find_contradiction(*reader, GuestIndex{guest});
  if (!found.ok()) {
    return found.error().message;
  }
  if (!found->has_value()) {
    return "consistent";
  }
  const Mismatch& m = **found;
  EXPECT_EQ(m.stream, "frame");
  return m.field + ": " + m.expected + " / " + m.actual + ", frame #" + std::to_string(m.sequence.value) + " @" + std::to_string(m.at.ns);
}

// In ping_script(): bob's events 1 and 3 are received frames.
constexpr uint32_t kAlice = 0;
constexpr uint32_t kBob = 1;

TEST(TraceConsistency, AgreesWithItself) {
  EXPECT_EQ(contradiction(ping_script(), kAlice), "consistent");
  EXPECT_EQ(contradiction(ping_script(), kBob), "consistent");
}

TEST(TraceConsistency, NamesADeliveryThatWasMoved) {
  Script script = ping_script();
  script.guests[kBob][3].at += 1;
  EXPECT_EQ(contradiction(script, kBob), "virtual_ns: 12000 (the network's delivery) / 12001 (the guest's stream), frame #1 @12001");
  EXPECT_EQ(contradiction(script, kAlice), "consistent") << "the other guest is not concerned";
  script.guests[kBob][3].at -= 2;
  EXPECT_EQ(contradiction(script, kBob), "virtual_ns: 12000 (the network's delivery) / 11999 (the guest's stream), frame #1 @11999");
}

TEST(TraceConsistency, NamesAnotherFrameOfTheSender) {
  Script script = ping_script();
  script.guests[kBob][3].sender_frame = 0;
  EXPECT_EQ(contradiction(script, kBob), "sender: alice/1 / alice/0, frame #1 @12000");
}

TEST(TraceConsistency, NamesAnotherSender) {
  Script script = ping_script();
  script.add_guest("carol",
                   {sent(10, ethernet_frame(3, 2, 60, 0x55)), sent(20, ethernet_frame(3, 2, 98, 0x55)), end(30'000, EndReason::kHalt)});
  script.guests[kBob][3].sender = 2;
  EXPECT_EQ(contradiction(script, kBob), "sender: alice/1 / carol/1, frame #1 @12000");
}

TEST(TraceConsistency, NamesAFrameThatNobodyDelivered) {
  Script script = ping_script();
  script.network.erase(script.network.begin() + 1);
  EXPECT_EQ(contradiction(script, kBob), "present: not delivered by the network / alice/1, frame #1 @12000");
  script.run.complete = false;
  EXPECT_EQ(contradiction(script, kBob), "consistent") << "the network's stream of a recovered run may end first";
}

TEST(TraceConsistency, NamesADeliveryThatTheGuestNeverTook) {
  Script script = ping_script();
  std::vector<ScriptEvent>& alice = script.guests[kAlice];
  alice.erase(alice.begin() + 6, alice.end() - 1);
  EXPECT_EQ(contradiction(script, kAlice), "present: bob/0 / not received by the guest, frame #2 @23000");
  alice.back().at = 23'000;
  EXPECT_EQ(contradiction(script, kAlice), "consistent") << "she ended at that instant";
}

TEST(TraceConsistency, DropsAndOthersFramesAreNotDeliveries) {
  Script script = ping_script();
  script.network.insert(script.network.begin() + 1, dropped(11'500, 0, 1, kBob, DropReason::kLoss));
  EXPECT_EQ(contradiction(script, kBob), "consistent");
  script.network[1] = delivered(11'500, 1000, 0, 0, 0);
  EXPECT_EQ(contradiction(script, kBob), "consistent");
}

// With icount-shift 3, guest time moves in steps of 8 ns: the guest takes a frame at the first step not before its delivery.
TEST(TraceConsistency, GuestTimeMovesInSteps) {
  Script script = ping_script();
  script.run.guests[kBob].icount_shift = 3;
  for (const int64_t late : {0, 7}) {
    script.guests[kBob][3].at = 12'000 + late;
    EXPECT_EQ(contradiction(script, kBob), "consistent") << late;
  }
  for (const int64_t off : {-1, 8}) {
    script.guests[kBob][3].at = 12'000 + off;
    EXPECT_NE(contradiction(script, kBob).find("virtual_ns: 12000"), std::string::npos) << off;
  }
  script.run.guests[kAlice].icount_shift = 3;
  script.run.guests[kBob].icount_shift = 0;
  script.guests[kBob][3].at = 12'001;
  EXPECT_NE(contradiction(script, kBob), "consistent") << "the receiver's shift counts";
}

}  // namespace
}  // namespace reprise
