#include "launcher/child_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <set>
#include <sstream>
#include <vector>

namespace reprise {
namespace {

using namespace std::chrono_literals;

ChildProcess shell(const std::string& script, ChildOptions options = {}) {
  options.command = {"/bin/sh", "-c", script};
  auto child = ChildProcess::start(options);
  CHECK(child.ok());
  return std::move(child).value();
}

/// A pipe whose write end only children have: its read end sees the end of file when the last of them is gone.
struct LifeLine {
  LifeLine() { CHECK(pipe2(ends, O_CLOEXEC) == 0); }
  ~LifeLine() {
    let_go();
    close(ends[0]);
  }
  LifeLine(const LifeLine&) = delete;
  LifeLine& operator=(const LifeLine&) = delete;
  void let_go() {
    if (ends[1] >= 0) {
      close(ends[1]);
      ends[1] = -1;
    }
  }
  /// True when all holders end within a generous time.
  [[nodiscard]] bool all_gone() {
    let_go();
    pollfd poll_end{.fd = ends[0], .events = POLLIN, .revents = 0};
    char byte = 0;
    return poll(&poll_end, 1, 10'000) == 1 && read(ends[0], &byte, 1) == 0;
  }
  int ends[2] = {-1, -1};
};

std::string read_line(int fd) {
  std::string line;
  for (char c = 0; read(fd, &c, 1) == 1 && c != '\n';) {
    line += c;
  }
  return line;
}

TEST(ChildProcess, ExitCode) {
  ChildProcess child = shell("exit 3");
  const auto status = child.wait_for(10s);
  ASSERT_TRUE(status.has_value());
  EXPECT_EQ(describe_wait_status(*status), "exited with code 3");
  EXPECT_EQ(child.wait_for(0ms), status) << "asking again gives the same";
}

TEST(ChildProcess, KilledBySignal) {
  ChildProcess child = shell("kill -KILL $$");
  const auto status = child.wait_for(10s);
  ASSERT_TRUE(status.has_value());
  EXPECT_EQ(describe_wait_status(*status), "was killed by signal 9 (Killed)");
}

TEST(ChildProcess, StillRunningThenKilled) {
  ChildProcess child = shell("exec sleep 1000");
  EXPECT_FALSE(child.wait_for(1ms).has_value());
  pollfd poll_exit{.fd = child.exit_fd(), .events = POLLIN, .revents = 0};
  EXPECT_EQ(poll(&poll_exit, 1, 0), 0) << "exit_fd is quiet while it runs";
  child.kill();
  const auto status = child.wait_for(0ms);
  ASSERT_TRUE(status.has_value());
  EXPECT_EQ(WTERMSIG(*status), SIGKILL);
  EXPECT_EQ(poll(&poll_exit, 1, 0), 1);
}

TEST(ChildProcess, OutputIsStandardErrorAndOnRequestStandardOutput) {
  ChildProcess quiet = shell("echo out; echo err >&2");
  ASSERT_TRUE(quiet.wait_for(10s).has_value());
  EXPECT_EQ(quiet.output(), "err\n");
  ChildProcess loud = shell("echo out; echo err >&2", {.capture_stdout = true});
  ASSERT_TRUE(loud.wait_for(10s).has_value());
  EXPECT_EQ(loud.output(), "out\nerr\n");
}

TEST(ChildProcess, OutputCanBeShown) {
  ChildProcess child = shell("printf '\\033[2Jnothing\\r\\nsecond line' >&2");
  ASSERT_TRUE(child.wait_for(10s).has_value());
  EXPECT_EQ(child.printable_output(), "\\x1b[2Jnothing\\x0d\nsecond line");
}

TEST(ChildProcess, OutputIsTheLast64KiB) {
  ChildProcess child = shell("head -c 70000 /dev/zero | tr '\\0' a >&2; echo end >&2");
  ASSERT_TRUE(child.wait_for(10s).has_value());
  EXPECT_EQ(child.output(), std::string(65'536 - 4, 'a') + "end\n");
  EXPECT_EQ(child.output().size(), 65'536U) << "reading takes nothing away";
}

TEST(ChildProcess, StandardInputIsEmpty) {
  ChildProcess child = shell("cat; exit 4");
  const auto status = child.wait_for(10s);
  ASSERT_TRUE(status.has_value());
  EXPECT_EQ(WEXITSTATUS(*status), 4);
}

TEST(ChildProcess, InheritsTheDescriptorUnderTheSameNumber) {
  LifeLine given;
  ChildProcess child = shell(fmt::format("echo hello >&{}", given.ends[1]), {.inherited_fd = given.ends[1]});
  given.let_go();
  EXPECT_EQ(read_line(given.ends[0]), "hello");
  ASSERT_TRUE(child.wait_for(10s).has_value());
}

TEST(ChildProcess, NothingElseOfOursIsOpenInTheChild) {
  const LifeLine given;
  // What the test's own parent left open for everybody is not ours to judge.
  std::set<int> expected = {0, 1, 2, given.ends[1]};
  for (int fd = 3; fd < 1024; ++fd) {
    if (const int flags = fcntl(fd, F_GETFD); flags >= 0 && (flags & FD_CLOEXEC) == 0) {
      expected.insert(fd);
    }
  }
  auto child = ChildProcess::start({.command = {"/bin/ls", "/proc/self/fd"}, .inherited_fd = given.ends[1], .capture_stdout = true});
  ASSERT_TRUE(child.ok());
  ASSERT_TRUE(child->wait_for(10s).has_value());
  std::istringstream listing(child->output());
  std::vector<int> unexpected;
  for (int fd = 0; listing >> fd;) {
    if (!expected.contains(fd)) {
      unexpected.push_back(fd);
    }
  }
  EXPECT_EQ(unexpected.size(), 1U) << "one is ls's own: the folder that it lists";
}

TEST(ChildProcess, HasItsOwnGroup) {
  const ChildProcess child = shell("exec sleep 1000");
  EXPECT_EQ(getpgid(child.pid()), child.pid());
  EXPECT_NE(getpgid(child.pid()), getpgrp());
}

TEST(ChildProcess, DestructorLeavesNoProcess) {
  LifeLine life;
  {
    // The shell's own child holds the line too: it is in the group.
    ChildProcess child = shell(fmt::format("sleep 1000 & echo started >&{}; wait", life.ends[1]), {.inherited_fd = life.ends[1]});
    EXPECT_EQ(read_line(life.ends[0]), "started");
  }
  EXPECT_TRUE(life.all_gone());
}

TEST(ChildProcess, WhenItEndsTheRestOfItsGroupGoesToo) {
  LifeLine life;
  ChildProcess child = shell("sleep 1000 & exit 0", {.inherited_fd = life.ends[1]});
  const auto status = child.wait_for(10s);
  ASSERT_TRUE(status.has_value());
  EXPECT_EQ(describe_wait_status(*status), "exited with code 0");
  EXPECT_TRUE(life.all_gone());
}

TEST(ChildProcess, DiesWithUsWhenAsked) {
  LifeLine life;
  const pid_t parent = fork();
  ASSERT_GE(parent, 0);
  if (parent == 0) {
    ChildProcess child = shell("echo up >&2; exec sleep 1000", {.inherited_fd = life.ends[1], .die_with_us = true});
    while (child.output().empty()) {
      static_cast<void>(child.wait_for(1ms));
    }
    _exit(0);  // without destructors, as a crash would
  }
  int status = 0;
  ASSERT_EQ(waitpid(parent, &status, 0), parent);
  EXPECT_TRUE(life.all_gone());
}

TEST(ChildProcess, BlockedSignalsAreNotInherited) {
  sigset_t blocked;
  sigset_t before;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTERM);
  ASSERT_EQ(sigprocmask(SIG_BLOCK, &blocked, &before), 0);
  ChildProcess child = shell("exec sleep 1000");
  ASSERT_EQ(sigprocmask(SIG_SETMASK, &before, nullptr), 0);
  ASSERT_EQ(::kill(child.pid(), SIGTERM), 0);
  const auto status = child.wait_for(10s);
  ASSERT_TRUE(status.has_value());
  EXPECT_EQ(describe_wait_status(*status), "was killed by signal 15 (Terminated)");
}

TEST(ChildProcess, SaysWhatCannotBeExecuted) {
  auto child = ChildProcess::start({.command = {"/no/such/program", "--version"}});
  ASSERT_TRUE(child.ok());
  const auto status = child->wait_for(10s);
  ASSERT_TRUE(status.has_value());
  EXPECT_EQ(describe_wait_status(*status), "exited with code 127");
  EXPECT_EQ(child->output(), "cannot execute /no/such/program: No such file or directory\n");
}

TEST(ChildProcess, MovesTakeTheProcessAlong) {
  LifeLine life;
  std::vector<ChildProcess> children;
  for (int i = 0; i < 3; ++i) {
    children.push_back(shell("exec sleep 1000", {.inherited_fd = life.ends[1]}));
  }
  const pid_t last = children[2].pid();
  children[0] = std::move(children[2]);
  EXPECT_EQ(children[0].pid(), last);
  EXPECT_EQ(::kill(last, 0), 0) << "still alive after the moves";
  children.clear();
  EXPECT_TRUE(life.all_gone());
}

}  // namespace
}  // namespace reprise
