#include "qemu_hooks/console_log.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string_view>

#include "tests/analysis/synthetic_trace.h"

namespace reprise {
namespace {

std::string content(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

void append(ConsoleLog& log, std::string_view text) {
  for (const char c : text) {
    log.append(static_cast<uint8_t>(c));
  }
}

TEST(ConsoleLog, WritesLineByLine) {
  const testing::TemporaryFolder folder;
  const auto path = folder.path() / "alice.log";
  auto log = ConsoleLog::create(path);
  ASSERT_TRUE(log.ok());
  append(*log, "one\ntw");
  EXPECT_EQ(content(path), "one\n");
  append(*log, "o\r\n\xff");
  EXPECT_EQ(content(path), "one\ntwo\r\n");
  log->flush();
  log->flush();
  EXPECT_EQ(content(path), "one\ntwo\r\n\xff");
}

TEST(ConsoleLog, LinesWithoutEndAreWrittenToo) {
  const testing::TemporaryFolder folder;
  const auto path = folder.path() / "alice.log";
  auto log = ConsoleLog::create(path);
  ASSERT_TRUE(log.ok());
  append(*log, std::string(4097, 'a'));
  EXPECT_EQ(content(path).size(), 4096U);
}

TEST(ConsoleLog, EmptiesWhatIsThere) {
  const testing::TemporaryFolder folder;
  const auto path = folder.path() / "alice.log";
  std::ofstream(path) << "of the run before";
  ASSERT_TRUE(ConsoleLog::create(path).ok());
  EXPECT_EQ(content(path), "");
}

TEST(ConsoleLog, SaysWhatItCannotCreate) {
  const auto log = ConsoleLog::create("/no/such/folder/alice.log");
  ASSERT_FALSE(log.ok());
  EXPECT_EQ(log.error().kind, ErrorKind::kRunFailed);
  EXPECT_EQ(log.error().message, "/no/such/folder/alice.log: cannot create the console log: No such file or directory");
}

TEST(ConsoleLog, ADiskThatIsFullDoesNotStopTheGuest) {
  auto full = ConsoleLog::create("/dev/full");
  ASSERT_TRUE(full.ok());
  append(*full, std::string(10'000, 'a') + "\n");
  full->flush();
  ConsoleLog none;
  append(none, "nobody reads this\n");
  none.flush();
}

}  // namespace
}  // namespace reprise
