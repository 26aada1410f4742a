#include "recorder/live_folder.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <string>

#include "tests/temporary_folder.h"

namespace reprise {
namespace {

namespace fs = std::filesystem;

unsigned mode_of(const fs::path& path) {
  struct stat status {};
  return stat(path.c_str(), &status) == 0 ? status.st_mode & 07777U : 0;
}

class LiveFolderTest : public ::testing::Test {
 protected:
  const testing::TemporaryFolder temporary_;
  const fs::path run_ = temporary_.path() / std::string(200, 'x');  // longer than a socket's address
  void SetUp() override { fs::create_directory(run_); }
};

TEST_F(LiveFolderTest, CarriesBytesWhateverThePathsLength) {
  auto live = LiveFolder::create(run_);
  ASSERT_TRUE(live.ok()) << live.error().message;
  const auto listening = live->listen("console");
  ASSERT_TRUE(listening.ok()) << listening.error().message;
  EXPECT_EQ(mode_of(run_ / "live"), 0700U);
  EXPECT_EQ(mode_of(run_ / "live" / "console"), 0600U);
  const auto client = connect_to_run(run_, "console");
  ASSERT_TRUE(client.ok()) << client.error().message;
  const int server = accept(*listening, nullptr, nullptr);
  ASSERT_GE(server, 0);
  ASSERT_EQ(write(*client, "hi", 2), 2);
  std::array<char, 8> buffer{};
  EXPECT_EQ(read(server, buffer.data(), buffer.size()), 2);
  for (const int fd : {server, *client, *listening}) {
    close(fd);
  }
}

TEST_F(LiveFolderTest, IsGoneWithTheRun) {
  {
    auto live = LiveFolder::create(run_);
    ASSERT_TRUE(live.ok());
    const LiveFolder moved = std::move(*live);
    EXPECT_TRUE(fs::exists(run_ / "live"));
  }
  EXPECT_FALSE(fs::exists(run_ / "live"));
}

TEST_F(LiveFolderTest, ARunWithoutOneSaysHowToHaveIt) {
  const auto client = connect_to_run(run_, "console");
  ASSERT_FALSE(client.ok());
  EXPECT_EQ(client.error().kind, ErrorKind::kUsage);
  EXPECT_NE(client.error().message.find("--realtime"), std::string::npos) << client.error().message;
}

TEST_F(LiveFolderTest, ASocketThatNobodyListensToIsAnError) {
  auto live = LiveFolder::create(run_);
  ASSERT_TRUE(live.ok());
  const auto listening = live->listen("console");
  ASSERT_TRUE(listening.ok());
  close(*listening);
  const auto client = connect_to_run(run_, "console");
  ASSERT_FALSE(client.ok());
  EXPECT_EQ(client.error().kind, ErrorKind::kRunFailed);
}

}  // namespace
}  // namespace reprise
