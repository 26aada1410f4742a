#include "recorder/frame_fates.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>

namespace reprise {
namespace {

FrameFates one_link(const LinkImpairments& impairments, uint64_t seed = 1, const std::string& name = "l") {
  FrameFates fates(seed);
  fates.add_link(name, impairments);
  return fates;
}

std::string text(const std::vector<FrameFate>& fates) {
  std::string all;
  for (const FrameFate& fate : fates) {
    all += fate.lost ? "lost " : fmt::format("{}+{} ", fate.jitter.ns, fate.hold.ns);
  }
  return all;
}

/// Which of the first frames from guest 0 to guest 1 are lost, as '1's.
std::string losses(const FrameFates& fates, uint64_t frames) {
  std::string all;
  for (uint64_t i = 0; i < frames; ++i) {
    all += fates.of({{0}, {i}, {1}}).front().lost ? '1' : '0';
  }
  return all;
}

TEST(FrameFates, AreTheSameEverywhere) {
  // Golden, and computed once more in Python from the algorithms: a change of these changes every recording over such a link.
  EXPECT_EQ(losses(one_link({.loss = 0.3}), 40), "1000010101010101111101100011101000000100");
  const FrameFates all = one_link({.loss = 0.2, .duplicate = 0.5, .reorder = 0.3, .reorder_delay = {5'000'000}, .jitter = {1'000'000}});
  std::string fates;
  for (uint64_t i = 0; i < 6; ++i) {
    fates += text(all.of({{3}, {i + 0xffffffff}, {2}})) + "/ ";
  }
  EXPECT_EQ(fates, "282071+5000000 / 862951+5000000 / 683522+0 795862+0 / 710041+5000000 / 788155+0 645395+0 / lost / ");
}

TEST(FrameFates, HangOnSeedLinkSenderReceiverAndNumberAlone) {
  const LinkImpairments half{.loss = 0.5};
  const std::string base = losses(one_link(half), 64);
  EXPECT_EQ(losses(one_link(half), 64), base);
  EXPECT_NE(losses(one_link(half, 2), 64), base);
  EXPECT_NE(losses(one_link(half, uint64_t{1} << 32 | 1), 64), base);
  EXPECT_NE(losses(one_link(half, 1, "m"), 64), base);
  const FrameFates fates = one_link(half);
  int other_receiver = 0;
  int other_sender = 0;
  int other_way = 0;
  for (uint64_t i = 0; i < 64; ++i) {
    const bool lost = fates.of({{0}, {i}, {1}}).front().lost;
    other_receiver += lost != fates.of({{0}, {i}, {2}}).front().lost ? 1 : 0;
    other_sender += lost != fates.of({{2}, {i}, {1}}).front().lost ? 1 : 0;
    other_way += lost != fates.of({{1}, {i}, {0}}).front().lost ? 1 : 0;
  }
  for (const int differing : {other_receiver, other_sender, other_way}) {
    EXPECT_GT(differing, 16);
    EXPECT_LT(differing, 48);
  }
}

TEST(FrameFates, RatesAreThoseOfTheLink) {
  constexpr int kFrames = 20'000;
  const FrameFates fates = one_link({.loss = 0.1, .duplicate = 0.2, .reorder = 0.05, .reorder_delay = {1000}, .jitter = {999}});
  int lost = 0;
  int doubled = 0;
  int held = 0;
  double jitter = 0;
  for (uint64_t i = 0; i < kFrames; ++i) {
    const auto of = fates.of({{0}, {i}, {1}});
    lost += of.front().lost ? 1 : 0;
    doubled += of.size() == 2 ? 1 : 0;
    held += of.front().hold.ns == 1000 ? 1 : 0;
    jitter += static_cast<double>(of.front().jitter.ns);
    EXPECT_GE(of.front().jitter.ns, 0);
    EXPECT_LE(of.front().jitter.ns, 999);
  }
  // Five standard deviations of the binomial distribution.
  const auto expect_share = [](int count, double share) {
    EXPECT_NEAR(count, kFrames * share, 5 * std::sqrt(kFrames * share * (1 - share)));
  };
  expect_share(lost, 0.1);
  expect_share(doubled, 0.9 * 0.2);
  expect_share(held, 0.05);
  EXPECT_NEAR(jitter / kFrames, 499.5, 5 * 288.7 / std::sqrt(kFrames));
}

TEST(FrameFates, EndsOfTheRangesAreCertain) {
  for (uint64_t i = 0; i < 200; ++i) {
    EXPECT_EQ(text(one_link({.loss = 1}).of({{0}, {i}, {1}})), "lost ");
    EXPECT_EQ(text(one_link({.duplicate = 1}).of({{0}, {i}, {1}})), "0+0 0+0 ");
    EXPECT_EQ(text(one_link({.reorder = 1, .reorder_delay = {7}}).of({{0}, {i}, {1}})), "0+7 ");
  }
  EXPECT_TRUE(one_link({}).empty());
  EXPECT_EQ(text(one_link({}).of({{0}, {0}, {1}})), "0+0 ");
}

TEST(FrameFates, LinksFollowOneAnother) {
  FrameFates fates(1);
  fates.add_link("a", {.duplicate = 1, .jitter = {1000}});
  fates.add_link("b", {.loss = 0.5, .duplicate = 1, .jitter = {1000}});
  bool one_of_two_lost = false;
  for (uint64_t i = 0; i < 50; ++i) {
    const auto of = fates.of({{0}, {i}, {1}});
    // Itself, a's copy, and b's copy if it was not lost there.
    ASSERT_EQ(of.size(), of[0].lost ? 2U : 3U);
    one_of_two_lost = one_of_two_lost || of[0].lost != of[1].lost;
    EXPECT_TRUE(of.size() == 2 || !of[2].lost) << "a copy is made behind the loss";
    EXPECT_NE(of[0].jitter, of[1].jitter);
  }
  EXPECT_TRUE(one_of_two_lost);
}

}  // namespace
}  // namespace reprise
