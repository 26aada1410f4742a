// A <cluster> of hundreds of hosts, as TANSIV's users have it.
#include "recorder/simgrid_network.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/recorder/simgrid_fixture.h"

namespace reprise {
namespace {

constexpr const char* kCluster =
    "<config><prop id=\"network/latency-factor\" value=\"1\"/></config>\n"
    "<zone id=\"site\" routing=\"Full\">\n"
    "<cluster id=\"rack\" prefix=\"rack-\" suffix=\".example\" radical=\"0-200\" speed=\"10Gf,0f,0f\" core=\"16\" bw=\"10Gbps\" "
    "lat=\"1.0E-1s\" "
    "router_id=\"router\"><prop id=\"watt_off\" value=\"8.81\"/></cluster>\n</zone>";

TEST(SimgridCluster, AGuestOnEachOf201Hosts) {
  Lines hosts;
  for (int i = 0; i <= 200; ++i) {
    hosts.push_back(fmt::format("rack-{}.example", i));
  }
  const auto network = make_simgrid_network(write_platform(kCluster), on_hosts(hosts), {});
  ASSERT_TRUE(network.ok()) << network.error().message;
  EXPECT_GT((*network)->lookahead().ns, 190 * kMs);
  EXPECT_LT((*network)->lookahead().ns, 200 * kMs);
}

TEST(SimgridCluster, MistakesInItAreNamedByTheUsersFile) {
  const auto file = write_platform(std::string(kCluster) + "<host/>");
  const auto network = make_simgrid_network(file, on_hosts({"rack-0.example"}), {});
  ASSERT_FALSE(network.ok());
  EXPECT_EQ(network.error().message.rfind(file + ":7: ", 0), 0U) << network.error().message;
}

// SimGrid then reads a copy of the platform, beside which there are no profiles.
TEST(SimgridNetwork, LatencyFactorOfOneLeavesProfilesWhereTheyAre) {
  const auto state = write_state("1.0 0\n");
  const auto platform = write_platform(
      "<config><prop id=\"network/latency-factor\" value=\"1\"/></config><zone id=\"z\" routing=\"Full\"><host id=\"h0\" speed=\"1Gf\"/>"
      "<host id=\"h1\" speed=\"1Gf\"/><link id=\"l\" bandwidth=\"1Gbps\" latency=\"100us\" state_file=\"" +
      state + "\"/><route src=\"h0\" dst=\"h1\"><link_ctn id=\"l\"/></route></zone>");
  ToyParticipants toys(2);
  toys.send(2 * kSecond, 0, 1, 60);
  ASSERT_EQ(failure(simulate(platform, guests(2), toys, {3 * kSecond})), "");
  EXPECT_EQ(toys.verdicts, (Lines{"2000000000 0:0>1 dropped 1"}));
}

}  // namespace
}  // namespace reprise
