// Traces of released versions are read for ever.
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "tests/trace_format/process_script.h"
#include "trace_format/embedded_image.h"

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

/// Digests hold for all writers of version 2: a change here is a change of the format.
struct Golden {
  const char* file;
  testing::Script script;
  std::vector<std::string> guest_digests;
  std::string network_digest;
};

std::vector<Golden> goldens() {
  std::vector<Golden> all = {{"v2.0-small.golden",
                              testing::small_script(),
                              {"a6c1a0047edeec11dabf213b0b2469ec", "56fd1bfa2aacf1841bd96fb8b008f0f4"},
                              "faa032e3dc417844659080e28c8a007f"},
                             {"v2.0-chunks.golden",
                              testing::random_script(2, 200),
                              {"b839bcb7c6e2a131413289b369f1c35d", "eaf7950420936b6c030409af1e4b53d1", "614dfe87004770d415885b645591ccfe"},
                              "cc1aa9a1d1c8ad99d87dc43aa533f7af"}};
  // The same runs as a later minor version writes them, and what it added.
  all.push_back(all[0]);
  all.back().file = "v2.1-small.golden";
  all.push_back(all[1]);
  all.back().file = "v2.1-chunks.golden";
  all.push_back({"v2.1-process.golden",
                 testing::process_script(),
                 {"5c27ea9a2989a7c8b4d03d16aa1a92df", "6777897478f9a4681f43191f0bd2d84c"},
                 "faa032e3dc417844659080e28c8a007f"});
  all.push_back(all[0]);
  all.back().file = "v2.2-small.golden";
  all.push_back(all[1]);
  all.back().file = "v2.2-chunks.golden";
  all.push_back(all[4]);
  all.back().file = "v2.2-process.golden";
  all.push_back({"v2.2-typed.golden",
                 testing::typed_script(2, 200),
                 {"4c18411cf49c32de3d87887b59dd5129", "dcb222acea7832e1be38607789c51084", "614dfe87004770d415885b645591ccfe"},
                 "cc1aa9a1d1c8ad99d87dc43aa533f7af"});
  // And what 2.2 added: the first guest of the small run is a gateway.
  all.push_back(all[0]);
  all.back().file = "v2.2-gateway.golden";
  all.back().script = testing::gateway_script();
  return all;
}

void expect_golden(const Golden& golden, const fs::path& path) {
  SCOPED_TRACE(path.string());
  ASSERT_TRUE(testing::verified(path));
  const auto read = testing::read_script(path);
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_TRUE(read->guests == golden.script.guests);
  const auto reader = TraceReader::open(path);
  ASSERT_TRUE(reader.ok());
  EXPECT_EQ((*reader)->run().guests[0].kind, golden.script.run.guests[0].kind);
  for (uint32_t i = 0; i < golden.guest_digests.size(); ++i) {
    EXPECT_EQ(hex((*reader)->guest_digest({i})), golden.guest_digests[i]);
  }
  EXPECT_EQ(hex((*reader)->network_digest()), golden.network_digest);
}

TEST(Golden, Version2IsRead) {
  for (const Golden& golden : goldens()) {
    expect_golden(golden, fs::path(GOLDEN_FOLDER) / golden.file);
  }
}

// The compressed bytes may differ with zstd's release; all else may not.
TEST(Golden, TheSameRunIsWrittenTheSameWay) {
  const testing::TemporaryFolder folder;
  for (const Golden& golden : goldens()) {
    write_trace(golden.script, folder / "new.trace");
    expect_golden(golden, folder / "new.trace");
  }
}

// What 2.2 added, too: the small run with an image in its trace.
TEST(Golden, AnImageIsRead) {
  const testing::TemporaryFolder folder;
  testing::write_trace_with_image(folder / "new.trace");
  for (const fs::path& path : {fs::path(GOLDEN_FOLDER) / "v2.2-image.golden", folder / "new.trace"}) {
    expect_golden(goldens().front(), path);
    const auto reader = TraceReader::open(path);
    ASSERT_TRUE(reader.ok());
    const fs::path out = folder / ("image of " + path.filename().string());
    const auto found = extract_image(**reader, testing::kCarriedImage, out);
    ASSERT_TRUE(found.ok() && *found);
    EXPECT_EQ(testing::file_bytes(out), testing::carried_image());
  }
}

TEST(Golden, TheLargeOneHasManyChunks) {
  const auto reader = TraceReader::open(fs::path(GOLDEN_FOLDER) / "v2.0-chunks.golden");
  ASSERT_TRUE(reader.ok());
  EXPECT_GT((*reader)->chunk_count({0}), 2U);
}

}  // namespace
}  // namespace reprise
