// What a replay says before it starts a guest. With guests: tests/guest.
#include "replayer/replay.h"

#include <gtest/gtest.h>

#include "tests/analysis/synthetic_trace.h"

namespace reprise {
namespace {

using namespace testing;

// Under the sanitizers an overflow in the search for the context would be seen.
TEST(Replay, LooksBackFromTheLastInstantsThatThereAre) {
  constexpr int64_t kLate = 4'000'000'000'000'000'000;
  Script script;
  script.add_guest("alice", {sent(10, ethernet_frame(1, 2, 60, 0xa0)), end(99, EndReason::kUntil)});
  script.add_guest("bob", {sent(20, ethernet_frame(2, 1, 60, 0xb0)), received(kLate, 0, 0), end(kLate + 1, EndReason::kUntil)});
  script.network = {delivered(kLate - 5, 10, 0, 0, 1)};
  for (GuestInfo& guest : script.run.guests) {
    guest.kind = GuestKind::kGateway;  // nothing is run for it
  }
  const TemporaryFolder folder;
  write_trace(script, folder.path() / "t.trace");
  std::vector<GuestReplay> results;
  ReplayOptions options;
  options.trace = folder.path() / "t.trace";
  const Status status = replay(options, [&](const GuestReplay& result) { results.push_back(result); });
  ASSERT_TRUE(status.ok()) << status.error().message;
  ASSERT_EQ(results.size(), 2U);
  EXPECT_FALSE(results[0].divergence.has_value());
  ASSERT_TRUE(results[1].divergence.has_value());
  EXPECT_EQ(results[1].divergence->at.ns, kLate);
  EXPECT_EQ(results[1].divergence->context.size(), 1U);
}

}  // namespace
}  // namespace reprise
