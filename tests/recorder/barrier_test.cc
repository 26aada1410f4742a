#include "recorder/barrier.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <array>
#include <optional>

namespace reprise {
namespace {

/// The guests are the test: it writes what they are going to say before it lets the barrier wait for them, all in one thread.
class BarrierTest : public ::testing::Test {
 protected:
  /// A barrier that waits for what never comes fails its test instead of stopping it.
  BarrierTest() : patience_(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC)) {
    const itimerspec ten_seconds{.it_interval = {}, .it_value = {.tv_sec = 10, .tv_nsec = 0}};
    CHECK(timerfd_settime(patience_, 0, &ten_seconds, nullptr) == 0);
  }
  ~BarrierTest() override { close(patience_); }

  void make(uint32_t guests, Barrier::Options options = {}) {
    if (options.interrupt_fd < 0) {
      options.interrupt_fd = patience_;
    }
    std::vector<GuestChannel> channels;
    std::vector<std::string> names;
    for (uint32_t i = 0; i < guests; ++i) {
      std::array<int, 2> ends{};
      CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
      channels.emplace_back(ends[0]);
      guests_.emplace_back(ends[1]);
      names.push_back("guest" + std::to_string(i));
    }
    barrier_.emplace(std::move(channels), std::move(names), std::move(options));
  }
  /// All guests stand at 0 and are idle until `idle_ns`.
  void meet(uint32_t guests, int64_t idle_ns = 0, Barrier::Options options = {}) {
    make(guests, std::move(options));
    for (uint32_t i = 0; i < guests; ++i) {
      say(i, {.type = MessageType::kHello});
      stop(i, 0, idle_ns);
    }
    ASSERT_TRUE(barrier_->meet().ok());
  }
  void say(uint32_t guest, const Message& message, const std::vector<uint8_t>& payload = {}) {
    ASSERT_TRUE(guests_[guest]->send(message, payload).ok());
    ASSERT_TRUE(guests_[guest]->flush().ok());
  }
  void frame(uint32_t guest, uint64_t number, int64_t at) {
    say(guest, {.type = MessageType::kFrame, .number = number, .at = {at}}, {static_cast<uint8_t>(guest), static_cast<uint8_t>(number)});
  }
  void stop(uint32_t guest, int64_t at, int64_t idle_ns = 0) {
    say(guest, {.type = MessageType::kAtDeadline, .at = {at}, .until = {idle_ns}});
  }
  void end(uint32_t guest, int64_t at, EndReason reason = EndReason::kPowerOff) {
    say(guest, {.type = MessageType::kEnded, .number = static_cast<uint64_t>(reason), .at = {at}});
  }
  static Delivery delivery(int64_t at, uint32_t receiver, uint32_t sender, uint64_t number) {
    return {.at = {at},
            .receiver = {receiver},
            .frame = {.sent_at = {0}, .sender = {sender}, .number = {number}, .payload = std::make_shared<std::vector<uint8_t>>(14, 0x5a)}};
  }
  /// All that the recorder has sent to `guest`: "deliver 1/0 at 120", "grant 200", "finish 300".
  std::vector<std::string> heard(uint32_t guest) {
    std::vector<std::string> lines;
    std::array<char, 1> byte{};
    while (guests_[guest]->has_buffered_input() || recv(guests_[guest]->fd(), byte.data(), 1, MSG_DONTWAIT | MSG_PEEK) == 1) {
      Message message;
      CHECK(guests_[guest]->receive(message).ok());
      if (message.type == MessageType::kDeliver) {
        EXPECT_EQ(message.payload, std::vector<uint8_t>(14, 0x5a));
        lines.push_back(fmt::format("deliver {}/{} at {}", message.guest, message.number, message.at.ns));
      } else {
        lines.push_back(fmt::format("{} {}", message.type == MessageType::kGrant ? "grant" : "finish", message.at.ns));
      }
    }
    return lines;
  }
  /// "sent 0/1@50 1/0@60; next 100; ended 2@70; finished", or the error.
  std::string run(int64_t horizon, const std::vector<Delivery>& deliveries = {}) {
    const auto advance = barrier_->run_until({horizon}, deliveries);
    if (!advance.ok()) {
      EXPECT_EQ(advance.error().kind, ErrorKind::kRunFailed);
      return advance.error().message;
    }
    std::string text = "sent";
    for (const SentFrame& sent : advance->sent) {
      EXPECT_EQ(*sent.payload, (std::vector<uint8_t>{static_cast<uint8_t>(sent.sender.value), static_cast<uint8_t>(sent.number.value)}));
      text += fmt::format(" {}/{}@{}", sent.sender.value, sent.number.value, sent.sent_at.ns);
    }
    text += advance->earliest_send == VirtualTime::never() ? "; next never" : fmt::format("; next {}", advance->earliest_send.ns);
    for (const auto& [guest, at] : advance->ended) {
      text += fmt::format("; ended {}@{}", guest.value, at.ns);
    }
    return text + (advance->finished ? "; finished" : "");
  }

  int patience_;
  std::vector<std::optional<GuestChannel>> guests_;
  std::optional<Barrier> barrier_;
};

using Lines = std::vector<std::string>;

TEST_F(BarrierTest, FramesAreOrderedByTimeThenGuestThenNumber) {
  meet(3);
  frame(2, 0, 10);
  frame(2, 1, 30);
  frame(2, 2, 30);
  stop(2, 100);
  frame(1, 0, 30);
  stop(1, 100);
  frame(0, 0, 30);
  frame(0, 1, 40);
  stop(0, 100);
  EXPECT_EQ(run(100), "sent 2/0@10 0/0@30 1/0@30 2/1@30 2/2@30 0/1@40; next 100");
  for (uint32_t i = 0; i < 3; ++i) {
    EXPECT_EQ(heard(i), Lines{"grant 100"});
  }
  EXPECT_EQ(barrier_->now().ns, 100);
}

TEST_F(BarrierTest, AFrameAtTheHorizonBelongsToTheNextQuantum) {
  meet(2);
  frame(1, 0, 99);
  frame(1, 1, 100);
  stop(1, 100, 500);
  stop(0, 100, 500);
  EXPECT_EQ(run(100), "sent 1/0@99; next 100") << "the held frame is what may be sent next";
  frame(0, 0, 100);
  stop(0, 200, 500);
  stop(1, 200, 500);
  // Both are idle until 500: only a delivery wakes them.
  EXPECT_EQ(run(200, {delivery(150, 0, 1, 7), delivery(150, 1, 0, 7)}), "sent 0/0@100 1/1@100; next 500")
      << "and takes its place in the order, though it was there first";
}

TEST_F(BarrierTest, IdleGuestsAreNotWoken) {
  meet(2, 1000);
  EXPECT_EQ(run(100), "sent; next 1000");
  EXPECT_EQ(run(1000), "sent; next 1000") << "the horizon is exclusive";
  EXPECT_EQ(heard(0), Lines{});
  EXPECT_EQ(heard(1), Lines{});
  stop(0, 1001, VirtualTime::never().ns);
  stop(1, 1001, VirtualTime::never().ns);
  EXPECT_EQ(run(1001), "sent; next never");
  EXPECT_EQ(heard(0), Lines{"grant 1001"});
  EXPECT_EQ(run(5000), "sent; next never");
  EXPECT_EQ(heard(0), Lines{});
}

TEST_F(BarrierTest, DeliveriesWakeTheirReceiverOnlyAndComeInOrder) {
  meet(3, VirtualTime::never().ns);
  stop(1, 200, VirtualTime::never().ns);
  EXPECT_EQ(run(200, {delivery(120, 1, 0, 0), delivery(120, 1, 2, 5), delivery(250, 1, 0, 1)}), "sent; next never");
  EXPECT_EQ(heard(1), (Lines{"deliver 0/0 at 120", "deliver 2/5 at 120", "deliver 0/1 at 250", "grant 200"}));
  EXPECT_EQ(heard(0), Lines{});
  EXPECT_EQ(heard(2), Lines{});
}

TEST_F(BarrierTest, EarliestSendIsTheFirstGuestsAndNotBeforeTheHorizon) {
  meet(2);
  stop(0, 100, 700);
  stop(1, 100, 300);
  EXPECT_EQ(run(100), "sent; next 300");
  stop(1, 310, 5);  // busy again: what it says of the past means now
  EXPECT_EQ(run(310), "sent; next 310");
}

TEST_F(BarrierTest, UntilFinishesAllGuests) {
  meet(2, VirtualTime::never().ns, {.until = {300}});
  EXPECT_EQ(run(200), "sent; next never");
  frame(0, 0, 250);
  end(0, 300, EndReason::kUntil);
  end(1, 300, EndReason::kUntil);
  EXPECT_EQ(run(300), "sent 0/0@250; next never; ended 0@300; ended 1@300; finished");
  EXPECT_EQ(heard(0), Lines{"finish 300"}) << "idle or not";
  EXPECT_EQ(heard(1), Lines{"finish 300"});
  ASSERT_EQ(barrier_->ends().size(), 2U);
  EXPECT_EQ(barrier_->ends()[1].at.ns, 300);
  EXPECT_EQ(barrier_->ends()[1].reason, EndReason::kUntil);
}

TEST_F(BarrierTest, GuestsThatEndedAreReportedOnceAndLeftAlone) {
  meet(2);
  frame(1, 0, 40);
  end(1, 60, EndReason::kHalt);
  stop(0, 100, 0);
  EXPECT_EQ(run(100), "sent 1/0@40; next 100; ended 1@60");
  stop(0, 200, 900);
  EXPECT_EQ(run(200, {delivery(150, 1, 0, 0)}), "sent; next 900");
  EXPECT_EQ(heard(1), Lines{"grant 100"}) << "nothing is delivered to who has ended";
  guests_[1].reset();
  EXPECT_EQ(run(300, std::vector<Delivery>(20'000, delivery(250, 1, 0, 1))), "sent; next 900") << "not even into a buffer";
  end(0, 950);
  EXPECT_EQ(run(1000), "sent; next never; ended 0@950; finished");
  EXPECT_EQ(barrier_->ends()[0].at.ns, 950);
  EXPECT_EQ(barrier_->ends()[0].reason, EndReason::kPowerOff);
  EXPECT_EQ(barrier_->ends()[1].reason, EndReason::kHalt);
  EXPECT_FALSE(barrier_->broken_guest().has_value());
}

// Which guest's end is read first is the host's affair; the order of the report is not.
TEST_F(BarrierTest, EndsAreOrderedByTimeThenGuest) {
  meet(3);
  end(0, 70);
  end(1, 60);
  end(2, 60);
  EXPECT_EQ(run(100), "sent; next never; ended 1@60; ended 2@60; ended 0@70; finished");
}

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

TEST_F(BarrierTest, InterruptStopsTheWait) {
  std::array<int, 2> signal{};
  ASSERT_EQ(pipe(signal.data()), 0);
  meet(2, 0, {.interrupt_fd = signal[0]});
  ASSERT_EQ(write(signal[1], "!", 1), 1);
  EXPECT_EQ(run(100), "interrupted at virtual time 0 ns");
  EXPECT_FALSE(barrier_->broken_guest().has_value());
  EXPECT_EQ(heard(0), Lines{"grant 100"});
  barrier_->dismiss();
  Message message;
  EXPECT_FALSE(guests_[0]->receive(message).ok()) << "dismissed guests see the recorder gone";
  close(signal[0]);
  close(signal[1]);
}

TEST_F(BarrierTest, TellsItsProgress) {
  std::vector<int64_t> seen;
  meet(1, VirtualTime::never().ns, {.progress = [&seen](VirtualTime now) { seen.push_back(now.ns); }});
  static_cast<void>(run(100));
  static_cast<void>(run(250));
  EXPECT_EQ(seen, (std::vector<int64_t>{100, 250}));
}

TEST_F(BarrierTest, CountsTheNetworksVerdicts) {
  meet(1);
  NetworkEvent event;
  barrier_->on_network_event(event);
  barrier_->on_network_event(event);
  event.kind = NetworkEvent::Kind::kDropped;
  barrier_->on_network_event(event);
  EXPECT_EQ(barrier_->network_statistics().frames_delivered, 2U);
  EXPECT_EQ(barrier_->network_statistics().frames_dropped, 1U);
}

using BarrierDeathTest = BarrierTest;

TEST_F(BarrierDeathTest, NothingIsDeliveredInAGuestsPast) {
  meet(1, VirtualTime::never().ns);
  ASSERT_EQ(run(100), "sent; next never");
  EXPECT_DEATH(static_cast<void>(barrier_->run_until({200}, {delivery(99, 0, 0, 0)})), "delivery.at >= now_");
  EXPECT_DEATH(static_cast<void>(barrier_->run_until({100}, {})), "horizon > now_");
}

}  // namespace
}  // namespace reprise
