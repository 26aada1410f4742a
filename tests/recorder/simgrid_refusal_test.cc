// What is refused, and with which words. No refusal leaves an engine behind, so these could share a process.
#include "recorder/simgrid_network.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/recorder/simgrid_fixture.h"
#include "tests/recorder/toy_participants.h"

namespace reprise {
namespace {

std::string load_failure(const std::string& platform, const std::vector<Attachment>& attachments, const Lines& options = {}) {
  auto network = make_simgrid_network(platform, attachments, options);
  EXPECT_FALSE(network.ok());
  if (network.ok()) {
    return "";
  }
  EXPECT_EQ(network.error().kind, ErrorKind::kUsage);
  return network.error().message;
}

TEST(SimgridRefusal, UnknownHostNamesTheNearOne) {
  const auto message = load_failure(star(3), on_hosts({"h0", "h11"}));
  EXPECT_TRUE(has(message, "deployment.xml:5: actor 'g1'") && has(message, "no host 'h11'") && has(message, "did you mean 'h1'"))
      << message;
}

TEST(SimgridRefusal, MissingPlatform) {
  const auto message = load_failure("nowhere/platform.xml", guests(2));
  EXPECT_TRUE(has(message, "nowhere/platform.xml: cannot be read: No such file")) << message;
}

TEST(SimgridRefusal, BrokenPlatformNamesTheLine) {
  const auto unclosed = write_platform("<zone id=\"z\" routing=\"Full\">");
  EXPECT_TRUE(has(load_failure(unclosed, guests(1)), unclosed + ":4: not well-formed")) << load_failure(unclosed, guests(1));
  const auto attribute = write_platform("<zone id=\"z\" routing=\"Full\">\n<host id=\"h0\" speeed=\"1Gf\"/></zone>");
  EXPECT_TRUE(has(load_failure(attribute, guests(1)), attribute + ":5: ")) << load_failure(attribute, guests(1));
  EXPECT_TRUE(has(load_failure(attribute, guests(1)), "Bad attribute `speeed'"));
  const auto unit = write_platform("<zone id=\"z\" routing=\"Full\"><link id=\"l\" bandwidth=\"1Gfoo\" latency=\"1us\"/></zone>");
  EXPECT_TRUE(has(load_failure(unit, guests(1)), "unknown unit: Gfoo")) << load_failure(unit, guests(1));
}

TEST(SimgridRefusal, WhatMakesSimgridAbortIsStillAMessage) {
  const auto actor =
      write_platform("<zone id=\"z\" routing=\"Full\"><host id=\"h0\" speed=\"1Gf\"/></zone>\n<actor host=\"h0\" function=\"foo\"/>");
  const auto message = load_failure(actor, guests(1));
  EXPECT_TRUE(has(message, "Function 'foo' not registered")) << message;
}

TEST(SimgridRefusal, PathWithoutLatency) {
  const auto message = load_failure(pair_of_hosts("bandwidth=\"1Gbps\" latency=\"0us\""), guests(2));
  EXPECT_TRUE(has(message, "host 'h0'") && has(message, "host 'h1'") && has(message, "latency=")) << message;
}

TEST(SimgridRefusal, LinkWithoutBandwidth) {
  const auto message = load_failure(pair_of_hosts("bandwidth=\"0Bps\" latency=\"1us\""), guests(2));
  EXPECT_TRUE(has(message, "link 'l'") && has(message, "no bandwidth")) << message;
}

TEST(SimgridRefusal, TwoGuestsOnAHostWithoutLoopbackLatency) {
  const auto message = load_failure(pair_of_hosts("bandwidth=\"1Gbps\" latency=\"1us\""), on_hosts({"h1", "h1"}));
  EXPECT_TRUE(has(message, "actor 'g1': host 'h1' is the same as that of deployment.xml:4: actor 'g0'")) << message;
}

TEST(SimgridRefusal, NoRoute) {
  const auto message = load_failure(
      write_platform("<zone id=\"z\" routing=\"Full\"><host id=\"h0\" speed=\"1Gf\"/><host id=\"h1\" speed=\"1Gf\"/></zone>"), guests(2));
  EXPECT_TRUE(has(message, "no route") && has(message, "'h0'") && has(message, "'h1'")) << message;
}

TEST(SimgridRefusal, LatencyProfiles) {
  const auto file = pair_of_hosts("bandwidth=\"1Gbps\" latency=\"1us\" latency_file=\"lat.txt\"");
  EXPECT_TRUE(has(load_failure(file, guests(2)), file + ":4: latency profiles are not supported")) << load_failure(file, guests(2));
  const auto connected = write_platform("<trace_connect kind=\"LATENCY\" trace=\"t\" element=\"l\"/>");
  EXPECT_TRUE(has(load_failure(connected, guests(1)), "latency profiles are not supported"));
}

TEST(SimgridRefusal, LinkPropertiesNameTheirLine) {
  const auto high =
      pair_of_hosts("bandwidth=\"1Gbps\" latency=\"1us\"", {"<prop id=\"jitter\" value=\"1ms\"/>", "<prop id=\"loss\" value=\"2\"/>"});
  EXPECT_TRUE(has(load_failure(high, guests(2)), high + ":6: loss '2' is not a probability")) << load_failure(high, guests(2));
  const auto near = pair_of_hosts("bandwidth=\"1Gbps\" latency=\"1us\"", {"<prop id=\"los\" value=\"0.1\"/>"});
  EXPECT_TRUE(has(load_failure(near, guests(2)), near + ":5: unknown property 'los' of a link (did you mean 'loss'?)"));
  const auto half = pair_of_hosts("bandwidth=\"1Gbps\" latency=\"1us\"", {"<prop id=\"reorder\" value=\"0.1\"/>"});
  EXPECT_TRUE(has(load_failure(half, guests(2)), half + ":4: reorder needs to know")) << load_failure(half, guests(2));
  const auto twice =
      pair_of_hosts("bandwidth=\"1Gbps\" latency=\"1us\"", {"<prop id=\"loss\" value=\"0\"/>", "<prop id=\"loss\" value=\"0.1\"/>"});
  EXPECT_TRUE(has(load_failure(twice, guests(2)), twice + ":6: property 'loss' is given twice"));
  const auto host =
      write_platform("<zone id=\"z\" routing=\"Full\"><host id=\"h0\" speed=\"1Gf\">\n<prop id=\"loss\" value=\"0.1\"/></host></zone>");
  EXPECT_TRUE(has(load_failure(host, guests(1)), host + ":5: property 'loss' has a meaning in a <link> only"))
      << load_failure(host, guests(1));
}

TEST(SimgridRefusal, BandwidthProfilesUnderOtherModels) {
  const auto profile = write_state("1.0 12500000\n");
  const auto platform = pair_of_hosts("bandwidth=\"1Gbps\" latency=\"1us\" bandwidth_file=\"" + profile + "\"");
  const auto message = load_failure(platform, guests(2), {"--cfg=network/model:LV08"});
  EXPECT_TRUE(has(message, platform + ":4: bandwidth profiles need the network model CM02")) << message;
}

TEST(SimgridRefusal, BandwidthProfileWithZero) {
  const auto profile = write_state("0.000001 0\n1.0 12500000\n");
  const auto platform = pair_of_hosts("bandwidth=\"1Gbps\" latency=\"1us\" bandwidth_file=\"" + profile + "\"");
  EXPECT_TRUE(has(load_failure(platform, guests(2)), profile + ":1: a bandwidth of 0; want")) << load_failure(platform, guests(2));
}

TEST(SimgridRefusal, ProfileThatIsNotThere) {
  const auto platform = pair_of_hosts("bandwidth=\"1Gbps\" latency=\"1us\" bandwidth_file=\"nowhere.txt\"");
  EXPECT_TRUE(has(load_failure(platform, guests(2)), platform + ":4: profile 'nowhere.txt': there is no such file"))
      << load_failure(platform, guests(2));
}

TEST(SimgridRefusal, SettingsThatSimgridLooksAtWhenAFrameIsSent) {
  const auto platform = star(2);
  EXPECT_TRUE(has(load_failure(platform, guests(2), {"--cfg=network/bandwidth-factor:0"}), "refuses this platform or its options"));
  EXPECT_TRUE(has(load_failure(platform, guests(2), {"--cfg=network/bandwidth-factor:-1"}), "refuses this platform or its options"));
  EXPECT_TRUE(has(load_failure(platform, guests(2), {"--cfg=network/bandwidth-factor:0:1;1000:0"}), "refuses"));
}

TEST(SimgridRefusal, Options) {
  const auto platform = star(2);
  EXPECT_TRUE(has(load_failure(platform, guests(2), {"--help"}), "want --cfg=NAME:VALUE"));
  EXPECT_TRUE(has(load_failure(platform, guests(2), {"--cfg=network/latency-factor:2"}), "network/latency-factor cannot be used"));
  EXPECT_TRUE(has(load_failure(platform, guests(2), {"--cfg=host/model:ptask_L07"}), "not supported"));
  EXPECT_TRUE(has(load_failure(platform, guests(2), {"--cfg=no/such:1"}), "Bad config key: no/such"))
      << load_failure(platform, guests(2), {"--cfg=no/such:1"});
}

TEST(SimgridVersion, IsMajorAndMinor) {
  const std::string version = simgrid_version();
  EXPECT_EQ(std::count(version.begin(), version.end(), '.'), 1) << version;
}

}  // namespace
}  // namespace reprise
