#include "recorder/guest_protocol.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <thread>
#include <utility>

namespace reprise {
namespace {

/// A channel, and the bare other end of its connection.
class GuestProtocolTest : public ::testing::Test {
 protected:
  GuestProtocolTest() { connect(); }
  ~GuestProtocolTest() override { hang_up(); }
  void connect() {
    hang_up();
    std::array<int, 2> ends{};
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
    channel_ = std::make_unique<GuestChannel>(ends[0]);
    other_ = ends[1];
  }
  void hang_up() {
    if (other_ >= 0) {
      close(std::exchange(other_, -1));
    }
  }
  void write_raw(const std::vector<uint8_t>& bytes) const {
    ASSERT_EQ(::send(other_, bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
  }
  /// The error of the next receive().
  std::string refusal() {
    Message message;
    const Status status = channel_->receive(message);
    if (status.ok()) {
      return "accepted";
    }
    EXPECT_EQ(status.error().kind, ErrorKind::kRunFailed);
    return status.error().message;
  }
  /// The wire's bytes, from the words of guest_protocol.cc's header; independent of its code.
  static std::vector<uint8_t> wire(uint32_t type, uint32_t guest, uint64_t number, int64_t at, int64_t until, uint32_t claimed,
                                   const std::vector<uint8_t>& payload = {}) {
    std::vector<uint8_t> bytes;
    const auto add = [&bytes](const auto& value) {
      const auto* from = reinterpret_cast<const uint8_t*>(&value);
      bytes.insert(bytes.end(), from, from + sizeof value);
    };
    add(type);
    add(guest);
    add(number);
    add(at);
    add(until);
    add(claimed);
    add(uint32_t{0});
    bytes.insert(bytes.end(), payload.begin(), payload.end());
    return bytes;
  }

  std::unique_ptr<GuestChannel> channel_;
  int other_ = -1;
};

const std::vector<uint8_t> kPayload = {1, 2, 3, 0, 255};

TEST_F(GuestProtocolTest, SendsTheBytesThatItSays) {
  ASSERT_TRUE(
      channel_
          ->send({.type = MessageType::kDeliver, .guest = 7, .number = 1ULL << 40U, .at = {-5}, .until = VirtualTime::never()}, kPayload)
          .ok());
  std::array<uint8_t, 100> buffer{};
  EXPECT_LT(recv(other_, buffer.data(), buffer.size(), MSG_DONTWAIT), 0) << "nothing leaves before flush()";
  ASSERT_TRUE(channel_->flush().ok());
  const ssize_t n = recv(other_, buffer.data(), buffer.size(), MSG_DONTWAIT);
  EXPECT_EQ(std::vector<uint8_t>(buffer.begin(), buffer.begin() + n), wire(6, 7, 1ULL << 40U, -5, VirtualTime::never().ns, 5, kPayload));
  ASSERT_TRUE(channel_->flush().ok());
  EXPECT_LT(recv(other_, buffer.data(), buffer.size(), MSG_DONTWAIT), 0) << "flushed once";
}

TEST_F(GuestProtocolTest, EveryTypeArrivesWithAllItsFields) {
  for (uint32_t type = 1; type <= 8; ++type) {
    write_raw(wire(type, 3, 4, 5, 6, 5, kPayload));
    Message message;
    ASSERT_TRUE(channel_->receive(message).ok()) << type;
    EXPECT_EQ(static_cast<uint32_t>(message.type), type);
    EXPECT_EQ(message.guest, 3U);
    EXPECT_EQ(message.number, 4U);
    EXPECT_EQ(message.at.ns, 5);
    EXPECT_EQ(message.until.ns, 6);
    EXPECT_EQ(message.payload, kPayload);
  }
}

TEST_F(GuestProtocolTest, MessagesMayComeInPieces) {
  const auto bytes = wire(2, 0, 9, 100, 0, 5, kPayload);
  // Byte by byte: the reader blocks for each.
  std::thread writer([&] {
    for (const uint8_t byte : bytes) {
      write_raw({byte});
    }
  });
  Message message;
  const Status status = channel_->receive(message);
  writer.join();
  ASSERT_TRUE(status.ok()) << status.error().message;
  EXPECT_EQ(message.number, 9U);
  EXPECT_EQ(message.payload, kPayload);
}

TEST_F(GuestProtocolTest, SeveralInOneReadAreKept) {
  std::vector<uint8_t> bytes;
  for (uint64_t i = 0; i < 3; ++i) {
    const auto one = wire(2, 0, i, 0, 0, 5, kPayload);
    bytes.insert(bytes.end(), one.begin(), one.end());
  }
  bytes.pop_back();  // of the last one a byte is missing
  write_raw(bytes);
  Message message;
  for (uint64_t i = 0; i < 2; ++i) {
    ASSERT_TRUE(channel_->receive(message).ok());
    EXPECT_EQ(message.number, i);
  }
  write_raw({kPayload.back()});
  ASSERT_TRUE(channel_->receive(message).ok());
  EXPECT_EQ(message.number, 2U);
  EXPECT_EQ(message.payload, kPayload);
}

TEST_F(GuestProtocolTest, WhatHasArrivedIsTakenWithoutWaiting) {
  Message message;
  const auto next = [&] {
    const Result<bool> whole = channel_->next(message);
    EXPECT_TRUE(whole.ok());
    return *whole;
  };
  ASSERT_TRUE(channel_->take_arrived().ok()) << "nothing there is no error";
  EXPECT_FALSE(next());
  auto bytes = wire(2, 0, 1, 0, 0, 5, kPayload);
  const auto more = wire(2, 0, 2, 0, 0, 5, kPayload);
  bytes.insert(bytes.end(), more.begin(), more.begin() + 43);  // the second lacks two bytes
  write_raw(bytes);
  EXPECT_FALSE(next()) << "not before it is taken in";
  ASSERT_TRUE(channel_->take_arrived().ok());
  ASSERT_TRUE(next());
  EXPECT_EQ(message.number, 1U);
  EXPECT_FALSE(next());
  write_raw({more.begin() + 43, more.end()});
  ASSERT_TRUE(channel_->take_arrived().ok());
  ASSERT_TRUE(next());
  EXPECT_EQ(message.number, 2U);
  EXPECT_EQ(message.payload, kPayload);
  EXPECT_FALSE(next());
  hang_up();
  EXPECT_FALSE(channel_->take_arrived().ok());
}

TEST_F(GuestProtocolTest, LargestPayload) {
  const std::vector<uint8_t> largest(kMaxMessagePayload, 0xab);
  GuestChannel guest(std::exchange(other_, -1));
  std::thread sender([&] {
    ASSERT_TRUE(guest.send({.type = MessageType::kFrame, .number = 1}, largest).ok());
    ASSERT_TRUE(guest.send({.type = MessageType::kAtDeadline}).ok());
    ASSERT_TRUE(guest.flush().ok());
  });
  Message message;
  const Status status = channel_->receive(message);
  ASSERT_TRUE(status.ok()) << status.error().message;
  EXPECT_EQ(message.payload, largest);
  ASSERT_TRUE(channel_->receive(message).ok());
  EXPECT_TRUE(message.payload.empty()) << "nothing stays of the message before";
  sender.join();
}

TEST_F(GuestProtocolTest, LargeBuffersLeaveWithoutFlush) {
  GuestChannel guest(std::exchange(other_, -1));
  const std::vector<uint8_t> frame(60'000, 1);
  std::thread sender([&] {
    for (uint64_t i = 0; i < 18; ++i) {  // 17 x 60,040 bytes are below 1 MiB, 18 above
      ASSERT_TRUE(guest.send({.type = MessageType::kFrame, .number = i}, frame).ok());
    }
  });
  Message message;
  for (uint64_t i = 0; i < 18; ++i) {
    ASSERT_TRUE(channel_->receive(message).ok());
    EXPECT_EQ(message.number, i);
  }
  sender.join();
}

TEST_F(GuestProtocolTest, UnknownTypesAreRefused) {
  for (const uint32_t type : {0U, 11U, 0xffffffffU}) {
    connect();
    write_raw(wire(type, 0, 0, 0, 0, 0));
    EXPECT_EQ(refusal(), "a message on the guest's connection is not understood (type " + std::to_string(type) + ", 0 bytes)");
  }
}

TEST_F(GuestProtocolTest, LengthsOverTheLimitAreRefusedBeforeAnythingIsTaken) {
  for (const uint32_t claimed : {kMaxMessagePayload + 1, 0xffffffffU}) {
    connect();
    write_raw(wire(2, 0, 0, 0, 0, claimed));
    EXPECT_EQ(refusal(), "a message on the guest's connection is not understood (type 2, " + std::to_string(claimed) + " bytes)");
  }
}

TEST_F(GuestProtocolTest, ClosedEnd) {
  hang_up();
  EXPECT_EQ(refusal(), "the other end of the guest's connection is gone (closed)");
  ASSERT_TRUE(channel_->send({.type = MessageType::kGrant}).ok()) << "only buffered";
  const Status flushed = channel_->flush();
  ASSERT_FALSE(flushed.ok()) << "and no SIGPIPE";
  EXPECT_EQ(flushed.error().message, "the other end of the guest's connection is gone (Broken pipe)");
}

TEST_F(GuestProtocolTest, ClosedInTheMiddleOfAMessage) {
  const auto bytes = wire(2, 0, 0, 0, 0, 5, kPayload);
  for (const size_t size : {size_t{1}, size_t{39}, size_t{40}, size_t{44}}) {
    connect();
    write_raw({bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(size)});
    hang_up();
    EXPECT_EQ(refusal(), "the other end of the guest's connection is gone (closed)") << size;
  }
}

TEST_F(GuestProtocolTest, MovedChannelTakesBuffersAndConnectionAlong) {
  write_raw(wire(7, 0, 1, 0, 0, 0));
  write_raw(wire(7, 0, 2, 0, 0, 0));
  Message message;
  ASSERT_TRUE(channel_->receive(message).ok());
  ASSERT_TRUE(channel_->send({.type = MessageType::kHello}).ok());
  GuestChannel moved(std::move(*channel_));
  channel_.reset();
  ASSERT_TRUE(moved.receive(message).ok());
  EXPECT_EQ(message.number, 2U);
  ASSERT_TRUE(moved.flush().ok());
  std::array<uint8_t, 100> buffer{};
  EXPECT_EQ(recv(other_, buffer.data(), buffer.size(), MSG_DONTWAIT), 40);
}

}  // namespace
}  // namespace reprise
