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
  EXPECT_EQ(failure(), "QEMU was stopped from outside");
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
