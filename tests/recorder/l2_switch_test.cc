#include "recorder/l2_switch.h"

#include <gtest/gtest.h>

#include "tests/recorder/toy_participants.h"

namespace reprise {
namespace {

std::vector<uint32_t> ports(const std::vector<GuestIndex>& guests) {
  std::vector<uint32_t> values;
  for (const auto guest : guests) {
    values.push_back(guest.value);
  }
  return values;
}

using Ports = std::vector<uint32_t>;

TEST(L2Switch, FloodsWhatItDoesNotKnow) {
  L2Switch l2(4);
  EXPECT_EQ(ports(l2.receivers({1}, toy_frame(1, 3, 60))), (Ports{0, 2, 3}));
}

TEST(L2Switch, LearnsFromSources) {
  L2Switch l2(4);
  EXPECT_EQ(ports(l2.receivers({3}, toy_frame(3, kEverybody, 60))), (Ports{0, 1, 2}));
  EXPECT_EQ(ports(l2.receivers({1}, toy_frame(1, 3, 60))), (Ports{3}));
}

TEST(L2Switch, FollowsAStationThatMoves) {
  L2Switch l2(3);
  static_cast<void>(l2.receivers({1}, toy_frame(9, kEverybody, 60)));
  EXPECT_EQ(ports(l2.receivers({0}, toy_frame(0, 9, 60))), (Ports{1}));
  static_cast<void>(l2.receivers({2}, toy_frame(9, kEverybody, 60)));
  EXPECT_EQ(ports(l2.receivers({0}, toy_frame(0, 9, 60))), (Ports{2}));
}

TEST(L2Switch, DoesNotSendBackToTheSamePort) {
  L2Switch l2(3);
  static_cast<void>(l2.receivers({1}, toy_frame(9, kEverybody, 60)));
  EXPECT_EQ(ports(l2.receivers({1}, toy_frame(1, 9, 60))), (Ports{}));
}

TEST(L2Switch, FloodsMulticastAlways) {
  L2Switch l2(3);
  auto frame = toy_frame(0, 1, 60);
  frame[0] = 0x33;  // IPv6 neighbour discovery
  frame[1] = 0x33;
  EXPECT_EQ(ports(l2.receivers({0}, frame)), (Ports{1, 2}));
  // Even when somebody claims to be the group.
  auto forged = toy_frame(2, 0, 60);
  std::copy(frame.begin(), frame.begin() + 6, forged.begin() + 6);
  static_cast<void>(l2.receivers({2}, forged));
  EXPECT_EQ(ports(l2.receivers({0}, frame)), (Ports{1, 2}));
}

TEST(L2Switch, RuntsGoNowhere) {
  L2Switch l2(2);
  const std::vector<uint8_t> runt(13, 0xff);
  EXPECT_EQ(ports(l2.receivers({0}, runt)), (Ports{}));
  EXPECT_EQ(ports(l2.receivers({0}, {})), (Ports{}));
  EXPECT_EQ(ports(l2.receivers({0}, toy_frame(0, kEverybody, 14))), (Ports{1}));
}

TEST(L2Switch, LooksAtNothingBehindTheAddresses) {
  L2Switch l2(3);
  static_cast<void>(l2.receivers({2}, toy_frame(2, kEverybody, 60)));
  for (const auto& [high, low] : {std::pair{0x81, 0x00}, {0x86, 0xdd}, {0x88, 0xa8}, {0x00, 0x26}}) {
    auto frame = toy_frame(0, 2, 60);
    frame[12] = static_cast<uint8_t>(high);
    frame[13] = static_cast<uint8_t>(low);
    EXPECT_EQ(ports(l2.receivers({0}, frame)), (Ports{2}));
  }
}

TEST(L2Switch, TableIsBounded) {
  L2Switch l2(2);
  auto frame = toy_frame(0, kEverybody, 60);
  for (uint32_t i = 0; i < 70'000; ++i) {
    frame[8] = static_cast<uint8_t>(i >> 16);
    frame[9] = static_cast<uint8_t>(i >> 8);
    frame[10] = static_cast<uint8_t>(i);
    static_cast<void>(l2.receivers({0}, frame));
  }
  EXPECT_EQ(ports(l2.receivers({1},
                               [&] {
                                 auto late = toy_frame(1, 0, 60);
                                 std::copy(frame.begin() + 6, frame.begin() + 12, late.begin());
                                 return late;
                               }())),
            (Ports{0}))
      << "not learned any more, so flooded; with two ports that is the same";
  EXPECT_EQ(ports(l2.receivers({0},
                               [&] {
                                 auto late = toy_frame(0, 0, 60);
                                 std::copy(frame.begin() + 6, frame.begin() + 12, late.begin());
                                 return late;
                               }())),
            (Ports{1}))
      << "a learned station would be at the sender's own port";
}

}  // namespace
}  // namespace reprise
