// Standard streams that are closed, full, or read by nobody.
#include <array>

#include "tests/cli/program.h"

namespace reprise::testing {
namespace {

// Who cannot be told anything is told nothing; the exit code is the same.
TEST_F(ProgramTest, StandardErrorThatCannotBeWrittenChangesNoExitCode) {
  std::string bytes = content(trace(ping_script(), "a.trace"));
  const std::string cut = file("cut.trace", bytes.substr(0, bytes.size() / 2));
  posix_spawn_file_actions_t full;
  posix_spawn_file_actions_init(&full);
  posix_spawn_file_actions_addopen(&full, STDERR_FILENO, "/dev/full", O_WRONLY, 0);
  EXPECT_EQ(spawn({"verify", cut}, full).exit_code, 3);
  posix_spawn_file_actions_destroy(&full);
  posix_spawn_file_actions_t closed;
  posix_spawn_file_actions_init(&closed);
  for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    posix_spawn_file_actions_addclose(&closed, standard);
  }
  EXPECT_EQ(spawn({"verify", cut}, closed).exit_code, 3);
  EXPECT_EQ(spawn({"stats", cut + ".none"}, closed).exit_code, 2);
  EXPECT_EQ(spawn({"trim", (folder_.path() / "a.trace").string(), "-o", (folder_.path() / "part.trace").string()}, closed).exit_code, 0);
  posix_spawn_file_actions_destroy(&closed);
  EXPECT_EQ(run({"verify", (folder_.path() / "part.trace").string()}).exit_code, 0);
}

TEST_F(ProgramTest, AReaderThatIsGoneIsNoError) {
  Script script = ping_script();
  for (uint64_t i = 0; i < 5000; ++i) {
    script.guests[0].insert(script.guests[0].end() - 1, clock_read(24'000, ClockSource::kTsc, i));
  }
  const std::string path = trace(script, "long.trace");
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe2(ends.data(), O_CLOEXEC), 0);
  ASSERT_EQ(close(ends[0]), 0);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  EXPECT_EQ(spawn({"dump", path}, actions).exit_code, 0);
  EXPECT_EQ(spawn({"stats", path}, actions).exit_code, 0);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
}

TEST_F(ProgramTest, AFullDiskIsAnError) {
  const Outcome outcome = run({"stats", trace(ping_script(), "a.trace")}, "/dev/full");
  EXPECT_EQ(outcome.exit_code, 5);
  EXPECT_EQ(outcome.err, "reprise: standard output: No space left on device\n");
}

}  // namespace
}  // namespace reprise::testing
