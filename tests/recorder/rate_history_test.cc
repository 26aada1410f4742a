#include "recorder/rate_history.h"

#include <gtest/gtest.h>

namespace reprise {
namespace {

TEST(RateHistory, KnowsThePast) {
  RateHistory rate(1e6);
  rate.change({100}, 2e6);
  rate.change({200}, 3e6);
  EXPECT_EQ(rate.at({0}), 1e6);
  EXPECT_EQ(rate.at({99}), 1e6);
  EXPECT_EQ(rate.at({100}), 2e6);
  EXPECT_EQ(rate.at({1000}), 3e6);
  rate.forget_before({150});
  EXPECT_EQ(rate.at({150}), 2e6);
  EXPECT_EQ(rate.at({200}), 3e6);
}

}  // namespace
}  // namespace reprise
