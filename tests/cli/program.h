// The program as a user meets it: exit codes, messages, output.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "tests/analysis/synthetic_trace.h"

extern char** environ;

namespace reprise::testing {

/// How a program ended, and what it wrote.
struct Outcome {
  int exit_code = -1;
  std::string out;
  std::string err;
};

inline std::string content(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// A folder for a test's files, and the program to run on them.
class ProgramTest : public ::testing::Test {
 protected:
  /// Runs the program; what it writes goes to files, `output` instead when it is given.
  Outcome run(std::vector<std::string> words, const std::string& output = "") {
    const std::string out = output.empty() ? (folder_.path() / "stdout").string() : output;
    const std::string err = (folder_.path() / "stderr").string();
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    const Outcome outcome = spawn(std::move(words), actions);
    posix_spawn_file_actions_destroy(&actions);
    return {outcome.exit_code, output.empty() ? content(out) : "", content(err)};
  }

  /// Runs the program with the standard streams that `actions` open; what it writes is theirs.
  static Outcome spawn(std::vector<std::string> words, const posix_spawn_file_actions_t& actions) {
    words.insert(words.begin(), REPRISE_PROGRAM);
    std::vector<char*> argv;
    for (std::string& word : words) {
      argv.push_back(word.data());
    }
    argv.push_back(nullptr);
    pid_t pid = 0;
    int status = 0;
    EXPECT_EQ(posix_spawn(&pid, argv[0], &actions, nullptr, argv.data(), environ), 0);
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_TRUE(WIFEXITED(status));
    return {WEXITSTATUS(status), "", ""};
  }

  /// Writes the trace of `script` and gives its path.
  std::string trace(const Script& script, const std::string& name) {
    write_trace(script, folder_.path() / name);
    return (folder_.path() / name).string();
  }

  std::string file(const std::string& name, const std::string& bytes) {
    std::ofstream(folder_.path() / name, std::ios::binary) << bytes;
    return (folder_.path() / name).string();
  }

  TemporaryFolder folder_;
};

}  // namespace reprise::testing
