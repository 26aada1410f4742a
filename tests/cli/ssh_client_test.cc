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

TEST(SshClientTest, ASessionWithAGuestThatWentSilentEnds) {
  const auto command = ssh_command_line({.guest = "vm", .run = "run.partial", .gateway = "gw", .to = {"172.16.0.10", 22}},
                                        {.user = "root", .key = "", .arguments = {"-oServerAliveInterval=0"}});
  const auto first = std::ranges::find(command, "-oServerAliveInterval=0");
  const auto ours = std::ranges::find(command, "ServerAliveInterval=30");
  EXPECT_TRUE(first < ours && ours != command.end()) << "unless its user wants it otherwise";
}

TEST(SshClientTest, ConnectionsThatAreSharedByAUsersConfigurationAreNot) {
  const auto command = ssh_command_line({.guest = "vm", .run = "run.partial", .gateway = "gw", .to = {"172.16.0.10", 22}},
                                        {.user = "root", .key = "", .arguments = {"-oControlPath=mine"}});
  const auto first = std::ranges::find(command, "-oControlPath=mine");
  const auto ours = std::ranges::find(command, "ControlPath=none");
  EXPECT_TRUE(first < ours && ours != command.end()) << "ssh takes the first value that it is given: the user's own word counts";
}

}  // namespace
}  // namespace reprise
