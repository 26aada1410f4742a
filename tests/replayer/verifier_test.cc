#include "replayer/verifier.h"

#include <gtest/gtest.h>

#include "tests/analysis/synthetic_trace.h"

namespace reprise {
namespace {

using namespace testing;

/// Verifies `alice` or `bob` of ping_script() against what a test lets them do.
class VerifierTest : public ::testing::Test {
 protected:
  void open(uint32_t guest, const Script& script = ping_script()) {
    reader_ = make_trace(script, folder_.path() / "t.trace");
    auto verifier = Verifier::create(*reader_, GuestIndex{guest});
    ASSERT_TRUE(verifier.ok()) << verifier.error().message;
    verifier_ = std::move(verifier).value();
  }
  /// Does what the script says, up to but without event `stop`. False at the first call that the verifier refuses.
  bool play(const std::vector<ScriptEvent>& events, size_t stop) {
    for (size_t i = 0; i < stop; ++i) {
      if (!play(events[i])) {
        return false;
      }
    }
    return true;
  }
  bool play(const ScriptEvent& event) {
    Verifier::Input input;
    switch (event.kind) {
      case EventKind::kClockRead:
        return verifier_->clock_read({event.at}, event.source, event.value);
      case EventKind::kFrameSent:
        return verifier_->frame_sent({event.at}, event.payload);
      case EventKind::kFrameReceived:
      case EventKind::kConsoleInput:
        return verifier_->take_input({event.at}, input);
      case EventKind::kConsoleByte:
        return verifier_->console_byte({event.at}, event.byte);
      case EventKind::kEnd:
        return verifier_->ended({event.at}, event.reason);
    }
    return false;
  }
  /// "STREAM #N @NS FIELD: EXPECTED / ACTUAL"
  [[nodiscard]] std::string mismatch() const {
    if (!verifier_->mismatch().has_value()) {
      return "none";
    }
    const Mismatch& m = *verifier_->mismatch();
    return m.stream + " #" + std::to_string(m.sequence.value) + " @" + std::to_string(m.at.ns) + " " + m.field + ": " + m.expected + " / " +
           m.actual;
  }
  /// What the verifier says when event `index` of alice is `instead`.
  std::string alice_differs(size_t index, const ScriptEvent& instead) {
    open(0);
    EXPECT_TRUE(play(ping_script().guests[0], index));
    EXPECT_FALSE(play(instead));
    return mismatch();
  }

  TemporaryFolder folder_;
  std::unique_ptr<TraceReader> reader_;
  std::unique_ptr<Verifier> verifier_;
};

TEST_F(VerifierTest, WhatWasRecordedIsIdentical) {
  for (uint32_t guest = 0; guest < 2; ++guest) {
    const auto events = ping_script().guests[guest];
    open(guest);
    EXPECT_TRUE(play(events, events.size())) << mismatch();
    EXPECT_EQ(mismatch(), "none");
    EXPECT_FALSE(verifier_->trace_error().has_value());
    EXPECT_EQ(verifier_->counts().frames, 3U);
    EXPECT_EQ(verifier_->counts().clock_reads, guest == 0 ? 4U : 2U);
    EXPECT_EQ(verifier_->counts().console_bytes, guest == 0 ? 2U : 1U);
  }
}

TEST_F(VerifierTest, ClockRead) {
  EXPECT_EQ(alice_differs(1, clock_read(201, ClockSource::kHpet, 20)), "clock #1 @200 virtual_ns: 200 / 201");
  EXPECT_EQ(alice_differs(1, clock_read(200, ClockSource::kRtc, 20)), "clock #1 @200 source: hpet / rtc");
  EXPECT_EQ(alice_differs(1, clock_read(200, ClockSource::kHpet, 21)), "clock #1 @200 value: 20 / 21");
}

TEST_F(VerifierTest, ConsoleByte) {
  EXPECT_EQ(alice_differs(2, console(299, 'A')), "console #0 @300 virtual_ns: 300 / 299");
  EXPECT_EQ(alice_differs(2, console(300, 'B')), "console #0 @300 byte: 0x41 'A' / 0x42 'B'");
}

TEST_F(VerifierTest, SentFrame) {
  EXPECT_EQ(alice_differs(5, sent(2001, ethernet_frame(1, 2, 98, 0x22))), "frame #1 @2000 virtual_ns: 2000 / 2001");
  auto payload = ethernet_frame(1, 2, 98, 0x22);
  payload[40] = 0x23;
  EXPECT_EQ(alice_differs(5, sent(2000, payload)), "frame #1 @2000 payload: 98 bytes, byte 40 is 0x22 / 98 bytes, byte 40 is 0x23");
  EXPECT_EQ(alice_differs(5, sent(2000, ethernet_frame(1, 2, 97, 0x22))), "frame #1 @2000 payload: 98 bytes, byte 97 is 0x22 / 97 bytes");
  EXPECT_EQ(alice_differs(5, sent(2000, ethernet_frame(1, 2, 99, 0x22))), "frame #1 @2000 payload: 98 bytes / 99 bytes, byte 98 is 0x22");
}

TEST_F(VerifierTest, End) {
  EXPECT_EQ(alice_differs(9, end(30'001, EndReason::kPowerOff)), "end #0 @30000 virtual_ns: 30000 / 30001");
  EXPECT_EQ(alice_differs(9, end(30'000, EndReason::kTripleFault)), "end #0 @30000 reason: power-off / triple fault");
}

TEST_F(VerifierTest, AnotherKindIsShownAsALineOfDump) {
  EXPECT_EQ(alice_differs(2, clock_read(300, ClockSource::kTsc, 9)),
            "console #0 @300 kind: 300 alice console #0 0x41 'A' / 300 alice clock #2 tsc 9");
  EXPECT_EQ(alice_differs(4, console(1050, 'x')), "clock #2 @1100 kind: 1100 alice clock #2 tsc 1100 / 1050 alice console #1 0x78 'x'");
  EXPECT_EQ(alice_differs(4, end(1050, EndReason::kReset)), "clock #2 @1100 kind: 1100 alice clock #2 tsc 1100 / 1050 alice end reset");
  const std::string extra_frame = alice_differs(4, sent(1050, ethernet_frame(1, 2, 60, 0x44)));
  EXPECT_NE(extra_frame.find("/ 1050 alice frame #1 sent alice/1 60 bytes"), std::string::npos) << extra_frame;
}

TEST_F(VerifierTest, OutputAfterTheEndOfTheTrace) {
  open(0);
  EXPECT_TRUE(play(ping_script().guests[0], 9));
  EXPECT_FALSE(verifier_->at_open_end()) << "a power-off is not an open end";
  EXPECT_FALSE(play(console(29'000, 'z')));
  EXPECT_EQ(mismatch(), "end #0 @30000 kind: 30000 alice end power-off / 29000 alice console #2 0x7a 'z'");
}

TEST_F(VerifierTest, DeliveriesComeAtTheirTimesWithTheSendersBytes) {
  open(1);
  EXPECT_EQ(verifier_->next_input().ns, 11'000);
  EXPECT_TRUE(play(ping_script().guests[1][0]));
  Verifier::Input input;
  ASSERT_TRUE(verifier_->take_input({11'000}, input));
  EXPECT_EQ(std::vector<uint8_t>(input.frame.begin(), input.frame.end()), ethernet_frame(1, 2, 60, 0x11));
  EXPECT_EQ(verifier_->next_input().ns, 12'000);
  EXPECT_TRUE(play(ping_script().guests[1][2]));
  ASSERT_TRUE(verifier_->take_input({12'000}, input));
  EXPECT_EQ(std::vector<uint8_t>(input.frame.begin(), input.frame.end()), ethernet_frame(1, 2, 98, 0x22));
  EXPECT_EQ(verifier_->next_input(), VirtualTime::never());
}

TEST_F(VerifierTest, DeliveryBeforeTheGuestDidWhatPrecedesIt) {
  open(1);
  Verifier::Input input;
  EXPECT_FALSE(verifier_->take_input({11'000}, input));
  EXPECT_NE(mismatch().find("clock #0 @150 kind: 150 bob clock #0 pit 65535 / 11000 bob frame #0 received alice/0 60 bytes"),
            std::string::npos)
      << mismatch();
}

// The clock read of the same instant has the same number in its own stream.
TEST_F(VerifierTest, DeliveryBeforeAClockReadOfTheSameInstant) {
  Script script = ping_script();
  script.guests[1][0].at = 11'000;
  open(1, script);
  Verifier::Input input;
  EXPECT_FALSE(verifier_->take_input({11'000}, input));
  EXPECT_TRUE(mismatch().starts_with("clock #0 @11000 kind: ")) << mismatch();
}

TEST_F(VerifierTest, ConsoleInputComesAmongTheFrames) {
  Script script = ping_script();
  script.guests[1].insert(script.guests[1].begin() + 3, typed(11'500, 'x'));
  open(1, script);
  EXPECT_TRUE(play(script.guests[1], 3));
  EXPECT_EQ(verifier_->next_input().ns, 11'500);
  Verifier::Input input;
  ASSERT_TRUE(verifier_->take_input({11'500}, input));
  EXPECT_TRUE(input.frame.empty());
  EXPECT_EQ(input.byte, 'x');
  EXPECT_EQ(verifier_->next_input().ns, 12'000);
  EXPECT_EQ(verifier_->counts().console_bytes, 1U);
}

TEST_F(VerifierTest, ConsoleInputThatTheGuestHasNoRoomFor) {
  Script script = ping_script();
  script.guests[1].insert(script.guests[1].begin() + 3, typed(11'500, 'x'));
  open(1, script);
  EXPECT_TRUE(play(script.guests[1], 4));
  EXPECT_FALSE(verifier_->console_refused({11'500}));
  EXPECT_EQ(mismatch(), "console #0 @11500 input: taken by the guest's console / its console has no room for it");
}

TEST_F(VerifierTest, LateConsoleInput) {
  Script script = ping_script();
  script.guests[1].insert(script.guests[1].begin() + 3, typed(11'500, 'x'));
  open(1, script);
  EXPECT_TRUE(play(script.guests[1], 3));
  Verifier::Input input;
  EXPECT_FALSE(verifier_->take_input({11'501}, input));
  EXPECT_EQ(mismatch(), "console #0 @11500 virtual_ns: 11500 / 11501");
}

TEST_F(VerifierTest, LateDelivery) {
  open(1);
  EXPECT_TRUE(play(ping_script().guests[1][0]));
  Verifier::Input input;
  EXPECT_FALSE(verifier_->take_input({11'001}, input));
  EXPECT_EQ(mismatch(), "frame #0 @11000 virtual_ns: 11000 / 11001");
}

TEST_F(VerifierTest, WhereAndHowTheRecordingEnds) {
  open(0);
  EXPECT_EQ(verifier_->end().ns, 30'000);
  EXPECT_EQ(verifier_->end_reason(), EndReason::kPowerOff);
  EXPECT_FALSE(verifier_->stops_at_end());
}

TEST_F(VerifierTest, OpenEnds) {
  for (const EndReason reason : {EndReason::kUntil, EndReason::kAborted}) {
    Script script = ping_script();
    script.guests[1].back() = end(40'000, reason);
    std::filesystem::remove(folder_.path() / "t.trace");
    open(1, script);
    EXPECT_EQ(verifier_->end().ns, 40'000);
    EXPECT_TRUE(verifier_->stops_at_end());
    EXPECT_FALSE(verifier_->at_open_end());
    EXPECT_TRUE(play(script.guests[1], script.guests[1].size() - 1)) << mismatch();
    EXPECT_TRUE(verifier_->at_open_end());
    EXPECT_TRUE(verifier_->ended({40'000}, reason));
  }
}

TEST_F(VerifierTest, EmptyStream) {
  Script script = ping_script();
  script.add_guest("carol", {end(0, EndReason::kUntil)});
  open(2, script);
  EXPECT_EQ(verifier_->next_input(), VirtualTime::never());
  EXPECT_TRUE(verifier_->at_open_end());
  EXPECT_FALSE(verifier_->clock_read({0}, ClockSource::kTsc, 0));
}

}  // namespace
}  // namespace reprise
