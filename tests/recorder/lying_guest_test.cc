// The barrier believes a guest no further than it can check: any other process could be at the other end.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "tests/recorder/barrier_fixture.h"

namespace reprise {
namespace {

/// Guest 1 of two says something that no guest of ours would.
class LyingGuestTest : public BarrierTest {
 protected:
  /// The error of the quantum 100 to 200; names guest 1.
  std::string failure() {
    stop(0, 200);
    const std::string text = run(200);
    EXPECT_EQ(barrier_->broken_guest(), std::optional(GuestIndex{1})) << text;
    const std::string prefix = "guest 'guest1' failed at virtual time 100 ns: ";
    EXPECT_TRUE(text.starts_with(prefix)) << text;
    return text.substr(std::min(prefix.size(), text.size()));
  }
  void start() {
    meet(2);
    frame(1, 0, 50);
    stop(0, 100);
    stop(1, 100);
    ASSERT_EQ(run(100), "sent 1/0@50; next 100");
  }
};

TEST_F(LyingGuestTest, GapInItsFrameNumbers) {
  start();
  frame(1, 2, 150);
  EXPECT_EQ(failure(), "it sent a frame out of order");
}

TEST_F(LyingGuestTest, FrameNumberTwice) {
  start();
  frame(1, 0, 150);
  EXPECT_EQ(failure(), "it sent a frame out of order");
}

TEST_F(LyingGuestTest, FrameInThePast) {
  start();
  frame(1, 1, 99);
  EXPECT_EQ(failure(), "it sent a frame out of order");
}

TEST_F(LyingGuestTest, FrameBeforeItsOwnFrameBefore) {
  start();
  frame(1, 1, 150);
  frame(1, 2, 149);
  EXPECT_EQ(failure(), "it sent a frame out of order");
}

TEST_F(LyingGuestTest, EmptyFrame) {
  start();
  say(1, {.type = MessageType::kFrame, .number = 1, .at = {150}});
  EXPECT_EQ(failure(), "it sent a frame out of order");
}

TEST_F(LyingGuestTest, FrameAfterItsEnd) {
  start();
  end(1, 150);
  frame(1, 1, 160);
  EXPECT_EQ(failure(), "it speaks out of turn");
}

TEST_F(LyingGuestTest, FrameAfterItStopped) {
  start();
  stop(1, 200);
  frame(1, 1, 160);
  EXPECT_EQ(failure(), "it speaks out of turn");
}

TEST_F(LyingGuestTest, UnknownReasonOfItsEnd) {
  start();
  end(1, 150, static_cast<EndReason>(6));
  EXPECT_EQ(failure(), "it ended for no known reason");
}

TEST_F(LyingGuestTest, RecordersMessage) {
  for (const MessageType type : {MessageType::kDeliver, MessageType::kGrant, MessageType::kFinish}) {
    guests_.clear();
    start();
    say(1, {.type = type});
    EXPECT_EQ(failure(), "it sent a message that only the recorder may send");
  }
}

TEST_F(LyingGuestTest, Garbage) {
  start();
  const std::array<char, 40> zeros{};
  ASSERT_EQ(write(guests_[1]->fd(), zeros.data(), zeros.size()), 40);
  EXPECT_EQ(failure(), "a message on the guest's connection is not understood (type 0, 0 bytes)");
}

TEST_F(LyingGuestTest, StoppedFromOutside) {
  start();
  end(1, 150, EndReason::kAborted);
  EXPECT_EQ(failure(), "it was stopped from outside");
}

TEST_F(LyingGuestTest, SaysThatItFailed) {
  start();
  const std::string why = "disk full";
  say(1, {.type = MessageType::kFailed}, {why.begin(), why.end()});
  EXPECT_EQ(failure(), "disk full");
}

TEST_F(LyingGuestTest, HangsUp) {
  start();
  frame(1, 1, 150);
  guests_[1].reset();
  const std::string text = failure();
  EXPECT_TRUE(text.starts_with("the other end of the guest's connection is gone")) << text;
}

TEST_F(LyingGuestTest, SaysThatItFailedInTerminalCodes) {
  start();
  const std::string why = "\x1b[2Jnothing happened\r";
  say(1, {.type = MessageType::kFailed}, {why.begin(), why.end()});
  EXPECT_EQ(failure(), "\\x1b[2Jnothing happened\\x0d");
}

TEST_F(LyingGuestTest, IntroducesItselfTwice) {
  start();
  say(1, {.type = MessageType::kHello});
  EXPECT_EQ(failure(), "it speaks out of turn");
}

TEST_F(LyingGuestTest, StopsEarly) {
  start();
  stop(1, 199);
  EXPECT_EQ(failure(), "it stopped at 199 ns, before 200 ns, to which it was to run");
}

TEST_F(LyingGuestTest, EndsInItsPast) {
  start();
  end(1, 99);
  EXPECT_EQ(failure(), "it ended at 99 ns, which is in its past");
}

TEST_F(LyingGuestTest, EndsBeforeItsLastFrame) {
  start();
  frame(1, 1, 150);
  end(1, 149);
  EXPECT_EQ(failure(), "it ended at 149 ns, which is in its past");
}

TEST_F(LyingGuestTest, EndsForAnEndOfTheRunThatIsNotThere) {
  start();
  end(1, 200, EndReason::kUntil);
  EXPECT_EQ(failure(), "it ended at 200 ns for the end of the run, which is not there");
}

/// The network skips the time in which nobody sends: a frame out of it would come too late for its receiver.
TEST_F(BarrierTest, GuestThatSendsBeforeItSaidItCould) {
  meet(2, 1000);
  frame(1, 0, 400);
  stop(1, 500);
  EXPECT_EQ(run(500, {delivery(450, 1, 0, 0)}),
            "guest 'guest1' failed at virtual time 0 ns: it sent a frame at 400 ns, but had said that it would send none before 450 ns");
  EXPECT_EQ(barrier_->broken_guest(), std::optional(GuestIndex{1}));
}

TEST_F(BarrierTest, ADeliveryLetsItsReceiverSend) {
  meet(2, 1000);
  frame(1, 0, 450);
  stop(1, 500, 1000);
  EXPECT_EQ(run(500, {delivery(450, 1, 0, 0)}), "sent 1/0@450; next 1000");
  EXPECT_EQ(run(1000), "sent; next 1000");
  frame(1, 1, 999);  // but only once
  stop(1, 1100);
  stop(0, 1100);
  EXPECT_EQ(run(1100), "guest 'guest1' failed at virtual time 1000 ns: it sent a frame out of order");
}

TEST_F(BarrierTest, ADeliveryOfLongAgoIsNoLeaveToSend) {
  meet(1, 1000);
  stop(0, 500, 1000);
  EXPECT_EQ(run(500, {delivery(450, 0, 0, 0)}), "sent; next 1000");
  frame(0, 0, 700);
  stop(0, 800);
  EXPECT_EQ(run(800, {delivery(750, 0, 0, 0)}),
            "guest 'guest0' failed at virtual time 500 ns: it sent a frame at 700 ns, but had said that it would send none before 750 ns");
}

TEST_F(BarrierTest, GuestThatGoesOnAfterTheEnd) {
  meet(1, 0, {.until = {300}});
  stop(0, 300);
  EXPECT_EQ(run(300), "guest 'guest0' failed at virtual time 0 ns: it goes on after 300 ns, where it was to end");
}

TEST_F(BarrierTest, GuestThatEndsAtAnotherTimeThanItWasTold) {
  meet(1, 0, {.until = {300}});
  end(0, 299, EndReason::kUntil);
  EXPECT_EQ(run(300), "guest 'guest0' failed at virtual time 0 ns: it ended at 299 ns for the end of the run, which is not there");
}

TEST_F(BarrierTest, GuestThatEndsElsewhereThanWhereItStoppedBehindTheEnd) {
  meet(1, 0, {.until = {300}});
  stop(0, 320);
  EXPECT_EQ(run(290), "sent; next 290");
  end(0, 320, EndReason::kUntil);
  EXPECT_EQ(run(300), "guest 'guest0' failed at virtual time 290 ns: it ended at 320 ns for the end of the run, which is not there");
}

TEST_F(BarrierTest, FloodOfFrames) {
  meet(1, 0, {.max_held_bytes = 4 * (sizeof(SentFrame) + 2)});
  for (uint64_t i = 0; i < 4; ++i) {
    frame(0, i, i < 2 ? 50 : VirtualTime::never().ns - 1);
  }
  stop(0, 100);
  EXPECT_EQ(run(100), "sent 0/0@50 0/1@50; next 100");
  for (uint64_t i = 4; i < 7; ++i) {
    frame(0, i, VirtualTime::never().ns - 1);
  }
  stop(0, 200);
  EXPECT_EQ(run(200), fmt::format("guest 'guest0' failed at virtual time 100 ns: it sent more than {} bytes of frames before it stopped at "
                                  "200 ns",
                                  4 * (sizeof(SentFrame) + 2)))
      << "what it says it sent in a far future is held too";
}

/// Half a message must keep nobody waiting: neither the other guests nor who wants to end the run.
TEST_F(BarrierTest, GuestThatHoldsBackTheRestOfAMessage) {
  meet(2);
  const auto type = static_cast<uint32_t>(MessageType::kFrame);
  ASSERT_EQ(write(guests_[0]->fd(), &type, sizeof type), static_cast<ssize_t>(sizeof type));
  ASSERT_EQ(shutdown(guests_[1]->fd(), SHUT_WR), 0);
  EXPECT_EQ(run(100), "guest 'guest1' failed at virtual time 0 ns: the other end of the guest's connection is gone (closed)");
}

TEST_F(BarrierTest, GuestThatDoesNotIntroduceItself) {
  make(2);
  say(0, {.type = MessageType::kHello});
  stop(0, 0);
  stop(1, 0);
  const Status met = barrier_->meet();
  ASSERT_FALSE(met.ok());
  EXPECT_EQ(met.error().message, "guest 'guest1' failed at virtual time 0 ns: it speaks out of turn");
  EXPECT_EQ(barrier_->broken_guest(), std::optional(GuestIndex{1}));
}

}  // namespace
}  // namespace reprise
