#include "cli/ssh_client.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace reprise {
namespace {

TEST(SshClientTest, ACommandsExitCodeIsGiven) {
  EXPECT_EQ(run_and_wait({"sh", "-c", "exit 127"}).value(), 127);
  EXPECT_EQ(run_and_wait({"sh", "-c", "kill -KILL $$"}).value(), 128 + 9);
}

TEST(SshClientTest, ACommandThatIsNotThereIsTheMachinesLack) {
  const Result<int> code = run_and_wait({"reprise-no-such-program"});
  ASSERT_FALSE(code.ok());
  EXPECT_EQ(code.error().kind, ErrorKind::kMachine);
  EXPECT_EQ(code.error().message, "reprise-no-such-program: No such file or directory; on Debian it is in the package openssh-client");
}

/// Whether ssh is given `option` by us, behind the user's `own`: it takes the first value that it is given, so that the user's word counts.
bool stands_behind(const std::string& own, const std::string& option) {
  const auto command = ssh_command_line({.guest = "vm", .run = "run.partial", .gateway = "gw", .to = {"172.16.0.10", 22}},
                                        {.user = "root", .key = "", .arguments = {own}});
  const auto ours = std::ranges::find(command, option);
  return ours != command.end() && std::ranges::find(command, own) < ours;
}

TEST(SshClientTest, ASessionWithAGuestThatWentSilentEnds) {
  EXPECT_TRUE(stands_behind("-oServerAliveInterval=0", "ServerAliveInterval=30"));
  EXPECT_TRUE(stands_behind("-oServerAliveCountMax=9", "ServerAliveCountMax=4"));
}

TEST(SshClientTest, ConnectionsThatAreSharedByAUsersConfigurationAreNot) {
  EXPECT_TRUE(stands_behind("-oControlPath=mine", "ControlPath=none"));
  EXPECT_TRUE(stands_behind("-oControlMaster=yes", "ControlMaster=no"));
}

}  // namespace
}  // namespace reprise
