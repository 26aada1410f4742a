#include "recorder/size_budget.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/temporary_folder.h"
#include "trace_format/limits.h"
#include "trace_format/trace_writer.h"

namespace reprise {
namespace {

/// A folder with the streams of two guests and the network, and a clock that each look moves on.
class SizeBudgetTest : public ::testing::Test {
 protected:
  void grow(const std::string& name, uint64_t bytes) const {
    std::ofstream(folder_ / name).close();
    std::filesystem::resize_file(folder_ / name, bytes);
  }
  bool used_up(SizeBudget& budget) { return budget.used_up(host_now_ += SizeBudget::kLookEvery); }

  static constexpr uint64_t kMiB = 1 << 20;
  static constexpr uint64_t kReserve = 3 * 8 << 10;  ///< of three streams
  testing::TemporaryFolder folder_;
  std::chrono::steady_clock::time_point host_now_;
};

TEST_F(SizeBudgetTest, KeepsRoomForWhatIsNotInTheFilesYet) {
  grow("guest-0.stream", kMiB);
  grow("guest-1.stream", kMiB);
  grow("network.stream", kMiB);
  grow("run.info", kMiB);
  const uint64_t needed = 4 * kMiB + kMiB / 2 + kReserve;  // an eighth for the index
  SizeBudget enough(folder_.path(), needed, 2);
  EXPECT_FALSE(used_up(enough));
  SizeBudget too_small(folder_.path(), needed - 1, 2);
  EXPECT_TRUE(used_up(too_small));
}

TEST_F(SizeBudgetTest, ExpectsTheLastTurnToBeTwiceTheLargest) {
  SizeBudget budget(folder_.path(), 10 * kMiB + kReserve, 2);
  grow("guest-0.stream", 2 * kMiB);
  EXPECT_FALSE(used_up(budget)) << "what is there at the first look has not grown in a turn";
  grow("guest-0.stream", 4 * kMiB);
  EXPECT_FALSE(used_up(budget)) << "4 MiB, an eighth of that, and 2 x 2 MiB to come";
  grow("guest-0.stream", 4 * kMiB + 1);
  EXPECT_FALSE(used_up(budget));
  grow("guest-0.stream", 5 * kMiB + kMiB / 2);
  EXPECT_TRUE(used_up(budget)) << "5.5 MiB, an eighth of that, and still 2 x 2 MiB to come";
}

TEST_F(SizeBudgetTest, CountsTheRowsThatAreInNoFileYet) {
  const auto writer = create_stream(folder_.path(), StreamId::guest({0}));
  ASSERT_TRUE(writer.ok());
  const std::vector<uint8_t> frame(50'000, 1);
  for (int i = 0; i < 4; ++i) {
    (*writer)->append_frame_sent({i}, frame);
  }
  SizeBudget enough(folder_.path(), kReserve + 300'000, 2);
  EXPECT_FALSE(used_up(enough));
  SizeBudget too_small(folder_.path(), kReserve + 200'000, 2);
  EXPECT_TRUE(used_up(too_small));
}

// Two chunks of each stream, and what its sink holds back.
TEST_F(SizeBudgetTest, OfAnEncryptedRunKeepsRoomForTheRowsThatNobodySees) {
  const uint64_t needed = kReserve + 3 * (2 * kSealBytes + 64 * 1024);
  SizeBudget enough(folder_.path(), needed, 2, true);
  EXPECT_FALSE(used_up(enough));
  SizeBudget too_small(folder_.path(), needed - 1, 2, true);
  EXPECT_TRUE(used_up(too_small));
}

TEST_F(SizeBudgetTest, LooksSeldomAndStaysUsedUp) {
  SizeBudget budget(folder_.path(), kMiB, 2);
  EXPECT_FALSE(used_up(budget));
  grow("guest-0.stream", 2 * kMiB);
  EXPECT_FALSE(budget.used_up(host_now_ + SizeBudget::kLookEvery / 2)) << "not yet looked again";
  EXPECT_TRUE(used_up(budget));
  grow("guest-0.stream", 0);
  EXPECT_TRUE(used_up(budget));
}

TEST_F(SizeBudgetTest, SmallestHoldsTheProvenanceAndEachStream) {
  RunInfo run;
  const uint64_t none = SizeBudget::smallest(run);
  run.guests.resize(2);
  EXPECT_GE(SizeBudget::smallest(run), none + 2 * (8U << 10));
  run.platform_xml = std::string(kMiB, ' ');
  EXPECT_GE(SizeBudget::smallest(run), none + 2 * (8U << 10) + kMiB);
}

}  // namespace
}  // namespace reprise
