#include "recorder/pacing.h"

#include <gtest/gtest.h>

namespace reprise {
namespace {

using std::chrono::milliseconds;

constexpr int64_t kMs = 1'000'000;

Pacing::Clock::time_point at(milliseconds host) {
  return Pacing::Clock::time_point{} + std::chrono::hours(1) + host;
}

TEST(Pacing, VirtualTimeIsFactorTimesTheHosts) {
  Pacing twice(2);
  twice.begin(at(milliseconds(0)));
  EXPECT_EQ(twice.due({10 * kMs}), at(milliseconds(5)));
  twice.let_run({10 * kMs}, at(milliseconds(5)));
  EXPECT_EQ(twice.due({30 * kMs}), at(milliseconds(15)));
}

TEST(Pacing, ALateWakeUpOfTheHostIsMadeUpFor) {
  Pacing pacing(1);
  pacing.begin(at(milliseconds(0)));
  pacing.let_run({10 * kMs}, at(milliseconds(110)));
  EXPECT_EQ(pacing.due({20 * kMs}), at(milliseconds(20)));
}

TEST(Pacing, LostTimeIsNotMadeUpFor) {
  Pacing pacing(1);
  pacing.begin(at(milliseconds(0)));
  pacing.let_run({10 * kMs}, at(milliseconds(5'000)));  // a slow boot
  EXPECT_EQ(pacing.due({20 * kMs}), at(milliseconds(5'010)));
}

TEST(Pacing, TheEndOfTimeIsFarAway) {
  Pacing slow(Pacing::kSlowest);
  slow.begin(at(milliseconds(0)));
  EXPECT_GT(slow.due(VirtualTime::never()), at(std::chrono::hours(24 * 365)));
}

TEST(Pacing, TurnsAreAsLongForThePerson) {
  EXPECT_EQ(Pacing::longest_turn(1).ns, 5 * kMs);
  EXPECT_EQ(Pacing::longest_turn(Pacing::kSlowest).ns, 5'000);
  EXPECT_EQ(Pacing::longest_turn(Pacing::kFastest).ns, 5'000 * kMs);
}

}  // namespace
}  // namespace reprise
