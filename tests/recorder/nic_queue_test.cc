#include "recorder/nic_queue.h"

#include <gtest/gtest.h>

#include "recorder/simgrid_time.h"

namespace reprise {
namespace {

TEST(NicQueue, FramesWaitForTheWire) {
  NicQueue nic;
  LinkEntrance link;
  EXPECT_EQ(nic.enqueue({100}, 12'000'000, link).ns, 100);
  EXPECT_EQ(nic.enqueue({100}, 480'000, link).ns, 12'100);
  EXPECT_EQ(nic.enqueue({12'200}, 480'000, link).ns, 12'580);
  EXPECT_EQ(nic.enqueue({50'000}, 480'000, link).ns, 50'000);
}

TEST(NicQueue, FractionsDoNotAddUp) {
  NicQueue nic;
  LinkEntrance link;
  VirtualTime last;
  for (int i = 0; i <= 1000; ++i) {
    last = nic.enqueue({0}, 48'800, link);
  }
  EXPECT_EQ(last.ns, 48'800);
}

TEST(NicQueue, StartsIncreaseEvenOnAnInfinitelyFastLink) {
  NicQueue nic;
  LinkEntrance link;
  EXPECT_EQ(nic.enqueue({7}, 0, link).ns, 7);
  EXPECT_EQ(nic.enqueue({7}, 0, link).ns, 8);
  EXPECT_EQ(nic.enqueue({7}, 0, link).ns, 9);
}

TEST(NicQueue, TwoNicsNeverEnterALinkAtOnce) {
  NicQueue a;
  NicQueue b;
  LinkEntrance link;
  EXPECT_EQ(a.enqueue({7}, 12'000'000, link).ns, 7);
  EXPECT_EQ(b.enqueue({7}, 12'000'000, link).ns, 8);
  EXPECT_EQ(a.enqueue({7}, 12'000'000, link).ns, 12'007);
  EXPECT_EQ(b.enqueue({7}, 12'000'000, link).ns, 12'008);
}

TEST(NicQueue, TimesBeyondEveryRunDoNotOverflow) {
  NicQueue nic;
  LinkEntrance link;
  VirtualTime last;
  for (int i = 0; i < 1000; ++i) {
    const VirtualTime next = nic.enqueue({0}, serialisation_ps(65'535, 1e-9), link);
    EXPECT_TRUE(i == 0 || next > last);
    last = next;
  }
}

TEST(LinkEntrance, ForgetsThePast) {
  LinkEntrance link;
  EXPECT_EQ(link.claim({5}).ns, 5);
  EXPECT_EQ(link.claim({5}).ns, 6);
  link.forget_before({6});
  EXPECT_EQ(link.claim({6}).ns, 7);
}

TEST(SimgridTime, NanosecondsSurviveTheRoundTrip) {
  for (int64_t ns :
       {int64_t{0}, int64_t{1}, int64_t{112'000}, int64_t{999'999'999}, int64_t{12'345'678'901'234}, int64_t{29'999'999'999'999}}) {
    EXPECT_EQ(from_simgrid(to_simgrid({ns})).ns, ns);
  }
}

TEST(SimgridTime, DeliveriesRoundUp) {
  EXPECT_EQ(from_simgrid(112.0000001e-6).ns, 112'000);
  EXPECT_EQ(from_simgrid(112.0005e-6).ns, 112'001);
  EXPECT_EQ(from_simgrid(111.9999999999e-6).ns, 112'000);
}

TEST(SimgridTime, LookaheadStaysBelowLatency) {
  EXPECT_EQ(lookahead_for(9.9999999999999991e-05).ns, 98'000);
  EXPECT_EQ(lookahead_for(2e-9).ns, 1);
  EXPECT_EQ(lookahead_for(1e-9).ns, 0);
  EXPECT_EQ(lookahead_for(0).ns, 0);
}

}  // namespace
}  // namespace reprise
