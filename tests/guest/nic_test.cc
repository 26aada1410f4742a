// Each NIC that we support is shown to be deterministic with a live peer.
#include "tests/guest/guest_run.h"

namespace reprise::testing {
namespace {

class Nic : public ::testing::TestWithParam<const char*> {};

TEST_P(Nic, PingsAndRepeatsAndReplays) {
  const GuestRun run;
  run.deploy(pinging_pair(3, GetParam()));
  ASSERT_TRUE(run.record("a.trace", {"--console", run.path("consoles")}));
  const std::string alice = file_text(run.folder() / "consoles" / "alice.log");
  EXPECT_NE(alice.find("ping: 3 sent, 3 received"), std::string::npos) << alice;
  ASSERT_TRUE(run.record("b.trace"));
  EXPECT_TRUE(are_identical(run, "a.trace", "b.trace"));
  EXPECT_TRUE(replays_identically(run.replay("a.trace"), 2));
}

INSTANTIATE_TEST_SUITE_P(Supported, Nic, ::testing::Values("e1000", "vmxnet3", "virtio-net"), [](const auto& nic) {
  std::string name = nic.param;
  std::erase(name, '-');
  return name;
});

}  // namespace
}  // namespace reprise::testing
