// A barrier whose guests are the test.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "recorder/barrier.h"

namespace reprise {

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
  void stop(uint32_t guest, int64_t at, int64_t idle_ns = 0, uint64_t typed_waiting = 0) {
    say(guest, {.type = MessageType::kAtDeadline, .number = typed_waiting, .at = {at}, .until = {idle_ns}});
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
    Message message;
    for (;;) {
      const Result<bool> whole = guests_[guest]->next(message);
      CHECK(whole.ok());
      if (!*whole) {
        std::array<char, 1> byte{};
        if (recv(guests_[guest]->fd(), byte.data(), 1, MSG_DONTWAIT | MSG_PEEK) != 1) {
          return lines;
        }
        CHECK(guests_[guest]->take_arrived().ok());
        continue;
      }
      if (message.type == MessageType::kDeliver) {
        EXPECT_EQ(message.payload, std::vector<uint8_t>(14, 0x5a));
        lines.push_back(fmt::format("deliver {}/{} at {}", message.guest, message.number, message.at.ns));
      } else if (message.type == MessageType::kType) {
        lines.push_back(fmt::format("type {} at {}", std::string(message.payload.begin(), message.payload.end()), message.at.ns));
      } else {
        lines.push_back(fmt::format("{} {}", message.type == MessageType::kGrant ? "grant" : "finish", message.at.ns));
      }
    }
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

}  // namespace reprise
