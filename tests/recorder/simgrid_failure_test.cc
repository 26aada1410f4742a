// Links and hosts that go down.
#include "recorder/simgrid_network.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/recorder/simgrid_fixture.h"
#include "tests/recorder/toy_participants.h"

namespace reprise {
namespace {

TEST(SimgridNetwork, LinkThatIsDownDropsFrames) {
  const auto state = write_state("1.0 0\n2.0 1\n");
  ToyParticipants toys(2);
  toys.send(kSecond / 2, 0, 1, 60);
  toys.send(kSecond - 50 * kUs, 0, 1, 60);  // on the wire when the link goes down
  toys.send(kSecond - 40 * kUs, 1, 0, 60);
  toys.send(kSecond * 3 / 2, 0, 1, 60);
  toys.send(kSecond * 5 / 2, 0, 1, 60);
  ASSERT_EQ(failure(simulate(pair_of_hosts("bandwidth=\"1Gbps\" latency=\"100us\" state_file=\"" + state + "\""), guests(2), toys,
                             {3 * kSecond})),
            "");
  EXPECT_EQ(toys.verdicts, (Lines{"500100480 0:0>1 delivered", "999950000 0:1>1 dropped 2", "999960000 1:0>0 dropped 2",
                                  "1500000000 0:2>1 dropped 1", "2500100480 0:3>1 delivered"}));
  EXPECT_EQ(toys.violations, Lines{});
}

TEST(SimgridNetwork, FrameOnTheWireFailsWithItsLink) {
  const auto state = write_state("1.0 0\n2.0 1\n");
  ToyParticipants toys(2);
  toys.send(kSecond - 200 * kUs, 0, 1, 60);
  toys.send(kSecond - 150 * kUs, 0, 1, 15000);  // started at -52 us, done at +70 us
  toys.send(kSecond - 149 * kUs, 1, 0, 60);     // shares the link with it: 0.96 us instead of 0.48
  ASSERT_EQ(failure(simulate(pair_of_hosts("bandwidth=\"1Gbps\" latency=\"100us\" state_file=\"" + state + "\""), guests(2), toys,
                             VirtualTime{3 * kSecond})),
            "");
  EXPECT_EQ(toys.verdicts, (Lines{"999850000 0:1>1 dropped 2", "999900480 0:0>1 delivered", "999951960 1:0>0 delivered"}));
  EXPECT_EQ(toys.violations, Lines{});
}

TEST(SimgridNetwork, HostThatIsDownDropsFrames) {
  const auto state = write_state("1.0 0\n2.0 1\n");
  const auto platform =
      write_platform("<zone id=\"z\" routing=\"Full\"><host id=\"h0\" speed=\"1Gf\"/><host id=\"h1\" speed=\"1Gf\" state_file=\"" + state +
                     "\"/><link id=\"l\" bandwidth=\"1Gbps\" latency=\"100us\"/>"
                     "<route src=\"h0\" dst=\"h1\"><link_ctn id=\"l\"/></route></zone>");
  ToyParticipants toys(2);
  toys.send(kSecond * 3 / 2, 0, 1, 60);
  toys.send(kSecond * 3 / 2 + 1, 1, 0, 60);
  toys.send(kSecond * 5 / 2, 0, 1, 60);
  ASSERT_EQ(failure(simulate(platform, guests(2), toys, {3 * kSecond})), "");
  EXPECT_EQ(toys.verdicts, (Lines{"1500000000 0:0>1 dropped 0", "1500000001 1:0>0 dropped 0", "2500100480 0:1>1 delivered"}));
}

TEST(SimgridNetwork, LosingTheLastFrameWithoutEndIsADeadLock) {
  const auto state = write_state("1.0 0\n");
  ToyParticipants toys(2);
  toys.send(2 * kSecond, 0, 1, 60);
  const Status status =
      simulate(pair_of_hosts("bandwidth=\"1Gbps\" latency=\"100us\" state_file=\"" + state + "\""), guests(2), toys, VirtualTime::never());
  EXPECT_TRUE(has(failure(status), "dead-lock")) << failure(status);
  EXPECT_EQ(toys.verdicts, (Lines{"2000000000 0:0>1 dropped 1"}));
  EXPECT_LE(toys.horizons.back(), 3 * kSecond) << "must be noticed at once, not at the end of SimGrid's time";
}

}  // namespace
}  // namespace reprise
