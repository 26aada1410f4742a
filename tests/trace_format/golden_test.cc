// Traces of released versions are read for ever.
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "tests/trace_format/sample_run.h"
#include "trace_format/verify.h"

namespace reprise {
namespace {

namespace fs = std::filesystem;

std::string hex(const Digest& digest) {
  std::string text;
  for (const uint8_t byte : digest) {
    text += fmt::format("{:02x}", byte);
  }
  return text;
}

void expect_small_script(const fs::path& path) {
  ASSERT_TRUE(testing::ok(verify_trace(path)));
  const auto read = testing::read_script(path);
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_TRUE(read->guests == testing::small_script().guests);
  const auto reader = TraceReader::open(path);
  ASSERT_TRUE(reader.ok());
  // Digests hold for all writers of version 1: a change here is a change of the format.
  EXPECT_EQ(hex((*reader)->guest_digest({0})), "50f3ad6e3c1d209311e7f1b12aa0b277");
  EXPECT_EQ(hex((*reader)->guest_digest({1})), "eab99f7b4b87ff12161e195dcc16fa66");
  EXPECT_EQ(hex((*reader)->network_digest()), "4a9b3ae877977fd2a3c11293184b9daf");
}

TEST(Golden, Version1IsRead) {
  expect_small_script(fs::path(GOLDEN_FOLDER) / "v1.0.golden");
}

// The compressed bytes may differ with zstd's release; all else may not.
TEST(Golden, TheSameRunIsWrittenTheSameWay) {
  const testing::TemporaryFolder folder;
  write_trace(testing::small_script(), folder / "new.trace");
  expect_small_script(folder / "new.trace");
}

}  // namespace
}  // namespace reprise
