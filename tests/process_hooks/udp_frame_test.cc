#include "process_hooks/udp_frame.h"

#include <gtest/gtest.h>

#include <random>

namespace reprise {
namespace {

const MacAddress kAlice = {0x52, 0x54, 0, 0, 0, 1};
const MacAddress kBob = {0x52, 0x54, 0, 0, 0, 2};

Datagram sample(size_t bytes = 5) {
  return {.from = {{0x0a000001}, 4000}, .to = {{0x0a000002}, 5000}, .payload = std::vector<uint8_t>(bytes, 'x')};
}

/// The one's complement sum of `bytes`: 0xffff when a checksum is among them and right.
uint32_t folded_sum(ByteView bytes, uint32_t sum = 0) {
  for (size_t i = 0; i < bytes.size(); ++i) {
    sum += i % 2 == 0 ? static_cast<uint32_t>(bytes[i]) << 8 : bytes[i];
  }
  while (sum >> 16 != 0) {
    sum = (sum & 0xffff) + (sum >> 16);
  }
  return sum;
}

TEST(UdpFrame, IsReadAsItWasWritten) {
  for (const size_t bytes : {0, 1, 5, 1472, 8972}) {
    const std::vector<uint8_t> frame = udp_frame(kAlice, kBob, sample(bytes), 7);
    EXPECT_EQ(frame.size(), 42 + bytes);
    const auto read = datagram_in(frame);
    ASSERT_TRUE(read.has_value()) << bytes;
    EXPECT_EQ(read->from.address, Ipv4Address{0x0a000001});
    EXPECT_EQ(read->from.port, 4000);
    EXPECT_EQ(read->to.address, Ipv4Address{0x0a000002});
    EXPECT_EQ(read->to.port, 5000);
    EXPECT_EQ(read->payload.size(), bytes);
  }
}

TEST(UdpFrame, HasTheChecksumsThatAKernelWants) {
  for (const size_t bytes : {4, 5}) {
    const std::vector<uint8_t> frame = udp_frame(kAlice, kBob, sample(bytes), 7);
    const ByteView view(frame);
    EXPECT_EQ(folded_sum(view.subspan(14, 20)), 0xffffU);
    const uint32_t pseudo_header = 17 + 8 + static_cast<uint32_t>(bytes) + folded_sum(view.subspan(26, 8));
    EXPECT_EQ(folded_sum(view.subspan(34), pseudo_header), 0xffffU);
  }
}

TEST(UdpFrame, PaddingIsNoPayload) {
  std::vector<uint8_t> frame = udp_frame(kAlice, kBob, sample(), 7);
  frame.resize(60);
  EXPECT_EQ(datagram_in(frame)->payload.size(), 5U);
}

// A guest may send anything.
TEST(UdpFrame, HostileFramesAreNone) {
  const std::vector<uint8_t> good = udp_frame(kAlice, kBob, sample(40), 7);
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(datagram_in(ByteView(good).first(size)).has_value()) << size;
  }
  const auto with = [&](size_t at, uint8_t value) {
    std::vector<uint8_t> frame = good;
    frame[at] = value;
    return datagram_in(frame).has_value();
  };
  EXPECT_FALSE(with(12, 0x86));  // another protocol
  EXPECT_FALSE(with(14, 0x65));  // IPv6
  EXPECT_FALSE(with(14, 0x44));  // a header that is too short
  EXPECT_FALSE(with(14, 0x4f));  // a header that covers the ports
  EXPECT_FALSE(with(16, 0xff));  // longer than the frame
  EXPECT_FALSE(with(20, 0x20));  // a fragment that more follow
  EXPECT_FALSE(with(21, 0x01));  // a later fragment
  EXPECT_FALSE(with(23, 6));     // TCP
  EXPECT_FALSE(with(38, 0xff));  // UDP longer than IP
  EXPECT_FALSE(with(39, 7));     // UDP shorter than its header
  std::mt19937 random(1);
  for (int i = 0; i < 100'000; ++i) {
    std::vector<uint8_t> frame = good;
    for (int k = 0; k < 4; ++k) {
      frame[random() % 42] = static_cast<uint8_t>(random());
    }
    frame.resize(random() % (frame.size() + 1));
    const auto read = datagram_in(frame);
    EXPECT_TRUE(!read.has_value() || read->payload.size() <= frame.size());
    [[maybe_unused]] const auto answer = arp_answer(frame, {0x0a000002}, kBob);
  }
}

TEST(Arp, ARequestForUsIsAnswered) {
  std::vector<uint8_t> request(60);
  std::copy(kBroadcastMac.begin(), kBroadcastMac.end(), request.begin());
  std::copy(kAlice.begin(), kAlice.end(), request.begin() + 6);
  const std::vector<uint8_t> body = {8, 6, 0, 1, 8, 0, 6, 4, 0, 1, 0x52, 0x54, 0, 0, 0, 1, 10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 10, 0, 0, 2};
  std::copy(body.begin(), body.end(), request.begin() + 12);
  const auto answer = arp_answer(request, {0x0a000002}, kBob);
  ASSERT_TRUE(answer.has_value());
  const std::vector<uint8_t> expected = {0x52, 0x54, 0,    0, 0, 1, 0x52, 0x54, 0, 0, 0, 2,    8,    6, 0, 1, 8, 0,  6, 4, 0,
                                         2,    0x52, 0x54, 0, 0, 0, 2,    10,   0, 0, 2, 0x52, 0x54, 0, 0, 0, 1, 10, 0, 0, 1};
  EXPECT_EQ(std::vector<uint8_t>(answer->begin(), answer->begin() + 42), expected);
  EXPECT_EQ(answer->size(), 60U);
  EXPECT_FALSE(arp_answer(request, {0x0a000003}, kBob).has_value());
  request[21] = 2;  // an answer is not answered
  EXPECT_FALSE(arp_answer(request, {0x0a000002}, kBob).has_value());
}

TEST(Addresses, AreParsed) {
  EXPECT_EQ(*parse_mac("52:54:00:00:00:01"), kAlice);
  EXPECT_EQ(*parse_ipv4("10.0.0.1"), Ipv4Address{0x0a000001});
  for (const char* wrong : {"", "52:54:00:00:00", "52-54-00-00-00-01", "52:54:00:00:00:0g"}) {
    EXPECT_FALSE(parse_mac(wrong).ok()) << wrong;
  }
  for (const char* wrong : {"", "10.0.0", "10.0.0.256", "10.0.0.1/24"}) {
    EXPECT_FALSE(parse_ipv4(wrong).ok()) << wrong;
  }
}

}  // namespace
}  // namespace reprise
