// Frames over a Unix socket, and programs at its other end that mean no good.
#include "gateway/frame_socket.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

#include "tests/gateway/collected_output.h"

namespace reprise {
namespace {

using Bytes = std::vector<uint8_t>;

Bytes stream_of(const std::vector<Bytes>& frames) {
  Bytes stream;
  for (const Bytes& frame : frames) {
    append_frame(stream, frame);
  }
  return stream;
}

TEST(FrameStream, LengthIsFourBytesBigEndian) {
  EXPECT_EQ(stream_of({Bytes(14, 7)}), (Bytes{0, 0, 0, 14, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7}));
  const Bytes large = stream_of({Bytes(65535, 0)});
  EXPECT_EQ(Bytes(large.begin(), large.begin() + 4), (Bytes{0, 0, 0xff, 0xff}));
}

// Wherever the stream is cut, the same frames come out.
TEST(FrameStream, FramesComeWholeHoweverTheyArrive) {
  const std::vector<Bytes> frames = {Bytes(14, 1), Bytes(60, 2), Bytes(300, 3)};
  const Bytes stream = stream_of(frames);
  for (size_t cut = 0; cut <= stream.size(); ++cut) {
    FrameStreamReader reader;
    std::vector<Bytes> got;
    Bytes frame;
    for (const ByteView part : {ByteView(stream).first(cut), ByteView(stream).subspan(cut)}) {
      reader.put(part);
      while (reader.next(frame).value()) {
        got.push_back(frame);
      }
    }
    EXPECT_EQ(got, frames) << "cut at " << cut;
  }
}

TEST(FrameStream, WhatIsNoFrameIsRefused) {
  for (const uint32_t length : {0U, 1U, 13U, 65536U, 0x7fffffffU, 0xffffffffU}) {
    FrameStreamReader reader;
    reader.put(Bytes{static_cast<uint8_t>(length >> 24U), static_cast<uint8_t>(length >> 16U), static_cast<uint8_t>(length >> 8U),
                     static_cast<uint8_t>(length)});
    Bytes frame;
    const Result<bool> whole = reader.next(frame);
    ASSERT_FALSE(whole.ok()) << length;
    EXPECT_NE(whole.error().message.find(fmt::format("a frame of {} bytes", length)), std::string::npos);
  }
}

class FrameSocketTest : public ::testing::Test {
 protected:
  FrameSocketTest() {
    std::array<int, 2> ends{};
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
    peer_ = ends[0];
    socket_ = std::make_unique<FrameSocket>(ends[1]);
  }
  ~FrameSocketTest() override { hang_up(); }
  void hang_up() {
    if (peer_ >= 0) {
      close(peer_);
      peer_ = -1;
    }
  }
  void say(const Bytes& bytes) const {
    ASSERT_EQ(send(peer_, bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
  }
  void exchange() { ASSERT_TRUE(socket_->exchange({}, output_).ok()); }

  int peer_ = -1;
  std::unique_ptr<FrameSocket> socket_;
  testing::CollectedOutput output_;
};

TEST_F(FrameSocketTest, FramesGoBothWays) {
  say(stream_of({Bytes(14, 1), Bytes(1514, 2)}));
  socket_->deliver({}, Bytes(60, 3));
  exchange();
  EXPECT_EQ(output_.frames, (std::vector<Bytes>{Bytes(14, 1), Bytes(1514, 2)}));
  Bytes got(100);
  EXPECT_EQ(recv(peer_, got.data(), got.size(), MSG_DONTWAIT), 64);
  got.resize(64);
  EXPECT_EQ(got, stream_of({Bytes(60, 3)}));
}

TEST_F(FrameSocketTest, NothingThereIsNothing) {
  exchange();
  EXPECT_TRUE(output_.frames.empty());
  EXPECT_TRUE(socket_->in_use());
}

TEST_F(FrameSocketTest, WhoSpeaksNonsenseIsHungUpOn) {
  say(stream_of({Bytes(14, 1)}));
  say({0xff, 0xff, 0xff, 0xff, 1, 2, 3});
  exchange();
  EXPECT_EQ(output_.frames.size(), 1U) << "what came before is good";
  ASSERT_EQ(output_.lines.size(), 1U);
  EXPECT_NE(output_.lines[0].find("a frame of 4294967295 bytes"), std::string::npos) << output_.lines[0];
  EXPECT_FALSE(socket_->in_use());
  std::array<char, 1> byte{};
  EXPECT_EQ(recv(peer_, byte.data(), byte.size(), MSG_DONTWAIT), 0) << "closed";
  exchange();
  socket_->deliver({}, Bytes(60, 3));
  exchange();
  EXPECT_EQ(output_.lines.size(), 1U) << "once";
}

TEST_F(FrameSocketTest, WhoGoesAwayInTheMiddleOfAFrameIsGone) {
  say({0, 0, 0, 60, 1, 2, 3});
  exchange();
  EXPECT_TRUE(socket_->in_use());
  hang_up();
  exchange();
  EXPECT_TRUE(output_.frames.empty());
  ASSERT_EQ(output_.lines.size(), 1U);
  EXPECT_NE(output_.lines[0].find("it hung up"), std::string::npos);
}

TEST_F(FrameSocketTest, WhoTakesNothingLosesFramesAndCostsNoMemory) {
  const Bytes frame(1514, 9);
  for (size_t i = 0; i < 4 * FrameSocket::kMostWaiting / frame.size(); ++i) {
    socket_->deliver({}, frame);
  }
  exchange();
  hang_up();
  exchange();
  ASSERT_EQ(output_.lines.size(), 1U);
  EXPECT_EQ(output_.lines[0].find("; 0 frames"), std::string::npos) << output_.lines[0];
}

TEST(FrameSocket, NobodyThereIsSaid) {
  const auto socket = FrameSocket::connect("/nowhere/socket");
  ASSERT_FALSE(socket.ok());
  EXPECT_EQ(socket.error().kind, ErrorKind::kUsage);
  EXPECT_NE(socket.error().message.find("/nowhere/socket: nobody can be reached there"), std::string::npos);
}

}  // namespace
}  // namespace reprise
