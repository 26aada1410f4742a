#include "recorder/near_name.h"

#include <gtest/gtest.h>

namespace reprise {
namespace {

TEST(NearName, FindsTheNearest) {
  EXPECT_EQ(near_name("kernal", {"append", "kernel", "initrd"}), "kernel");
  EXPECT_EQ(near_name("node1", {"node-10", "node-1", "nodes"}), "node-1");
}

TEST(NearName, FindsNothingFarAway) {
  EXPECT_EQ(near_name("zebra", {"append", "kernel", "initrd"}), "");
  EXPECT_EQ(near_name("x", {}), "");
  EXPECT_EQ(near_name(std::string(1000, 'k'), {std::string(999, 'k')}), "");
  EXPECT_EQ(near_name_hint("zebra", {"kernel"}), "");
}

TEST(NearName, FirstOfEquallyNear) {
  EXPECT_EQ(near_name_hint("ha", {"hb", "hc"}), " (did you mean 'hb'?)");
}

}  // namespace
}  // namespace reprise
