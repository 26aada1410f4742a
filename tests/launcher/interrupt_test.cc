#include "launcher/interrupt.h"

#include <gtest/gtest.h>

namespace reprise {
namespace {

TEST(Interrupt, IsEachSignalThatAsksForAnEnd) {
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    const Interrupt interrupt;
    EXPECT_FALSE(interrupt.arrived()) << number;
    ASSERT_EQ(raise(number), 0);
    EXPECT_TRUE(interrupt.arrived()) << number;
    EXPECT_TRUE(interrupt.arrived()) << number << ": to ask takes nothing away";
  }
}

TEST(Interrupt, AHangUpThatIsIgnoredIsNone) {
  ASSERT_NE(signal(SIGHUP, SIG_IGN), SIG_ERR);
  {
    const Interrupt interrupt;
    ASSERT_EQ(raise(SIGHUP), 0);
    EXPECT_FALSE(interrupt.arrived());
    ASSERT_EQ(raise(SIGTERM), 0);
    EXPECT_TRUE(interrupt.arrived());
  }
  ASSERT_NE(signal(SIGHUP, SIG_DFL), SIG_ERR);
}

}  // namespace
}  // namespace reprise
