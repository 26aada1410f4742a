// A person at a guest's console: what is typed is recorded, and a replay needs nobody at the keyboard.
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "tests/guest/guest_run.h"
#include "trace_format/event_text.h"
#include "trace_format/rewrite.h"

extern char** environ;

namespace reprise::testing {
namespace {

/// `reprise console` with pipes for a keyboard and a screen, or with a terminal for both.
class Console {
 public:
  enum class On { kPipes, kTerminal };
  explicit Console(const std::vector<std::string>& arguments, On on = On::kPipes) {
    std::array<int, 2> keys{};    // read by the program, written by us
    std::array<int, 2> screen{};  // the other way
    if (on == On::kPipes) {
      CHECK(pipe2(keys.data(), O_CLOEXEC) == 0 && pipe2(screen.data(), O_CLOEXEC) == 0);
    } else {
      keys[1] = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
      CHECK(keys[1] >= 0 && grantpt(keys[1]) == 0 && unlockpt(keys[1]) == 0);
      screen[0] = dup(keys[1]);
      std::array<char, 64> name{};
      CHECK(ptsname_r(keys[1], name.data(), name.size()) == 0);
      keys[0] = open(name.data(), O_RDWR | O_NOCTTY | O_CLOEXEC);
      screen[1] = dup(keys[0]);
      terminal_ = dup(keys[0]);
      CHECK(tcgetattr(terminal_, &before_) == 0);
    }
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, keys[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, screen[1], STDOUT_FILENO);
    if (on == On::kTerminal) {
      posix_spawn_file_actions_adddup2(&actions, screen[1], STDERR_FILENO);
    }
    std::vector<std::string> words = {REPRISE_PROGRAM, "console"};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> argv;
    for (std::string& word : words) {
      argv.push_back(word.data());
    }
    argv.push_back(nullptr);
    CHECK(posix_spawn(&pid_, REPRISE_PROGRAM, &actions, nullptr, argv.data(), environ) == 0);
    posix_spawn_file_actions_destroy(&actions);
    close(keys[0]);
    close(screen[1]);
    keys_ = keys[1];
    screen_ = screen[0];
  }
  ~Console() {
    close(keys_);
    close(screen_);
    if (terminal_ >= 0) {
      close(terminal_);
    }
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
  }
  Console(const Console&) = delete;
  Console& operator=(const Console&) = delete;

  void type(const std::string& text) const { CHECK(write(keys_, text.data(), text.size()) == static_cast<ssize_t>(text.size())); }
  /// Waits until the screen shows `text` behind what was waited for before.
  ::testing::AssertionResult shows(const std::string& text) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(120);
    for (;;) {
      if (const size_t at = shown_.find(text, looked_at_); at != std::string::npos) {
        looked_at_ = at + text.size();
        return ::testing::AssertionSuccess();
      }
      pollfd polled{.fd = screen_, .events = POLLIN, .revents = 0};
      std::array<char, 4096> buffer;
      const ssize_t n = poll(&polled, 1, 1000) == 1 ? read(screen_, buffer.data(), buffer.size()) : -1;
      if (n == 0 || std::chrono::steady_clock::now() > end) {
        return ::testing::AssertionFailure() << "the console never showed '" << text << "'; it showed:\n" << shown_;
      }
      shown_.append(buffer.data(), static_cast<size_t>(n > 0 ? n : 0));
    }
  }
  /// Keys come one by one and without echo, as a guest wants them.
  [[nodiscard]] bool terminal_is_raw() const {
    termios now{};
    return tcgetattr(terminal_, &now) == 0 && (now.c_lflag & (ICANON | ECHO | ISIG)) == 0;
  }
  [[nodiscard]] bool terminal_is_as_before() const {
    termios now{};
    return tcgetattr(terminal_, &now) == 0 && now.c_lflag == before_.c_lflag && now.c_iflag == before_.c_iflag &&
           now.c_oflag == before_.c_oflag;
  }
  int exit_code() {
    int status = 0;
    CHECK(waitpid(std::exchange(pid_, -1), &status, 0) > 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  pid_t pid_ = -1;
  int keys_ = -1;
  int screen_ = -1;
  int terminal_ = -1;
  termios before_{};
  std::string shown_;
  size_t looked_at_ = 0;
};

/// A paced recording of shells that has begun.
class Recording {
 public:
  Recording(const GuestRun& run, const std::string& trace) : recording_(run.record_command(trace, {"--realtime", "1"})) {
    begun_ = wait_until([path = run.path(trace + ".partial/live/console")] { return std::filesystem::exists(path); });
  }
  [[nodiscard]] bool begun() const { return begun_; }
  Outcome wait() { return recording_.wait(); }

 private:
  RunningReprise recording_;
  bool begun_ = false;
};

/// All that was typed at guest 0's console.
std::string typed_in(const GuestRun& run, const std::string& trace) {
  std::string text;
  const auto reader = run.open(trace);
  const auto cursor = reader->guest_events({0});
  for (GuestEvent event; cursor->next(event).value();) {
    if (event.kind == EventKind::kConsoleInput) {
      text.push_back(static_cast<char>(event.byte));
    }
  }
  return text;
}

TEST(Console, WhatIsTypedIsRecordedAndReplayed) {
  const GuestRun run;
  run.deploy({{.name = "alice", .append = "run=shell"}});
  Recording recording(run, "a.trace");
  ASSERT_TRUE(recording.begun());
  Console console({"alice", "--run", run.path("a.trace.partial")});
  ASSERT_TRUE(console.shows("/ # "));
  EXPECT_TRUE(complains(run_reprise({"console", "carol", "--run", run.path("a.trace.partial")}), 2, "no guest 'carol' in this run"));
  console.type("echo $((6*7)) is the answer\n");
  ASSERT_TRUE(console.shows("42 is the answer"));
  ASSERT_TRUE(console.shows("/ # "));
  console.type("exit\n");
  ASSERT_TRUE(console.shows("guest: done, exit 0"));
  EXPECT_EQ(console.exit_code(), 0) << "it ends with its guest";
  ASSERT_TRUE(exits(recording.wait(), 0));
  EXPECT_FALSE(std::filesystem::exists(run.path("a.trace.partial")));

  EXPECT_EQ(typed_in(run, "a.trace"), "echo $((6*7)) is the answer\nexit\n");
  EXPECT_EQ(run.stats("a.trace")["guests"][0]["console_input_bytes"], 33);
  EXPECT_NE(run_reprise({"dump", run.path("a.trace"), "--kind", "console"}).out.find(" input 0x65 'e'\n"), std::string::npos);
  EXPECT_TRUE(exits(run_reprise({"verify", run.path("a.trace")}), 0));
  EXPECT_TRUE(replays_identically(run.replay("a.trace"), 1));
  EXPECT_TRUE(replays_identically(run.replay("a.trace"), 1)) << "and again";

  const auto reader = run.open("a.trace");
  const auto change = [done = false](GuestIndex, GuestEvent& event, std::span<uint8_t>) mutable {
    if (event.kind == EventKind::kConsoleInput && event.byte == '7' && !done) {
      event.byte = '8';
      done = true;
    }
  };
  ASSERT_TRUE(rewrite_trace(*reader, run.path("altered.trace"), change).ok());
  const Outcome altered = run.replay("altered.trace");
  EXPECT_TRUE(exits(altered, 1));
  EXPECT_NE(altered.out.find("alice: diverged: console #"), std::string::npos) << altered.out;
  EXPECT_NE(altered.out.find("expected: 0x37 '7'\n  actual:   0x38 '8'"), std::string::npos) << altered.out;
  EXPECT_TRUE(exits(run.diff("a.trace", "altered.trace"), 1));
}

// More than the UART takes, and more than may wait: all of it arrives, in order, and is replayed.
TEST(Console, APasteArrivesWhole) {
  const GuestRun run;
  run.deploy({{.name = "alice", .append = "run=shell"}});
  Recording recording(run, "a.trace");
  ASSERT_TRUE(recording.begun());
  Console console({"alice", "--run", run.path("a.trace.partial")});
  ASSERT_TRUE(console.shows("/ # "));
  std::string paste = "cat > /dev/null\n";
  for (int i = 0; i < 250; ++i) {
    paste += "line " + std::to_string(i) + " of a long paste that nobody types by hand\n";
  }
  console.type(paste + "\x04" + "exit\n");
  ASSERT_TRUE(console.shows("guest: done, exit 0"));
  ASSERT_TRUE(exits(recording.wait(), 0));
  EXPECT_EQ(typed_in(run, "a.trace"), paste + "\x04" + "exit\n");
  EXPECT_TRUE(replays_identically(run.replay("a.trace"), 1));
}

TEST(Console, ATerminalIsRawWhileAPersonTypesAndAsItWasAfterThat) {
  const GuestRun run;
  run.deploy({{.name = "alice", .append = "run=shell"}});
  Recording recording(run, "a.trace");
  ASSERT_TRUE(recording.begun());
  Console leaving({"alice", "--run", run.path("a.trace")}, Console::On::kTerminal);
  ASSERT_TRUE(leaving.shows("the console of alice; Ctrl-] leaves it"));
  ASSERT_TRUE(leaving.shows("/ # "));
  EXPECT_TRUE(leaving.terminal_is_raw());
  leaving.type("echo I was here\r");
  ASSERT_TRUE(leaving.shows("\nI was here"));
  leaving.type("\x1d");
  EXPECT_EQ(leaving.exit_code(), 0);
  EXPECT_TRUE(leaving.terminal_is_as_before());
  // The run goes on, and whoever comes later sees what was printed.
  Console ending({"alice", "--run", run.path("a.trace")}, Console::On::kTerminal);
  ASSERT_TRUE(ending.shows("\nI was here"));
  ending.type("exit\r");
  EXPECT_EQ(ending.exit_code(), 0);
  EXPECT_TRUE(ending.terminal_is_as_before());
  ASSERT_TRUE(exits(recording.wait(), 0));
  EXPECT_EQ(typed_in(run, "a.trace"), "echo I was here\rexit\r");
}

// Both guests are idle when somebody types: what one of them then sends must reach the other in its future. The latency is short beside the
// turn in which an idle run waits.
TEST(Console, GuestsTalkBecauseSomebodyTyped) {
  const GuestRun run;
  run.deploy({{.name = "alice", .append = "run=shell"}, {.name = "bob", .append = "run=shell"}}, "100us");
  Recording recording(run, "a.trace");
  ASSERT_TRUE(recording.begun());
  Console alice({"alice", "--run", run.path("a.trace.partial")});
  Console bob({"bob", "--run", run.path("a.trace.partial")});
  ASSERT_TRUE(alice.shows("/ # "));
  ASSERT_TRUE(bob.shows("/ # "));
  bob.type("nc -l -p 9\n");
  ASSERT_TRUE(bob.shows("nc -l -p 9\r\n"));
  alice.type("until nc 10.0.0.2 9; do :; done\n");
  ASSERT_TRUE(alice.shows("until nc 10.0.0.2 9; do :; done\r\n"));
  for (int i = 0; i < 20; ++i) {
    const std::string line = "line " + std::to_string(i);
    alice.type(line + "\n");
    ASSERT_TRUE(bob.shows(line + "\r\n"));
  }
  alice.type("\x03");
  bob.type("\x03");
  ASSERT_TRUE(alice.shows("/ # "));
  ASSERT_TRUE(bob.shows("/ # "));
  alice.type("exit\n");
  bob.type("exit\n");
  ASSERT_TRUE(exits(recording.wait(), 0));
  EXPECT_TRUE(replays_identically(run.replay("a.trace"), 2));
}

TEST(ConsoleRefusal, ARunThatIsNotPacedTakesNothing) {
  const GuestRun run;
  run.deploy({{.name = "alice", .append = "run=shell"}});
  RunningReprise recording(run.record_command("a.trace", {"--until", "1000s"}));
  ASSERT_TRUE(wait_until([&run] { return std::filesystem::exists(run.path("a.trace.partial/guest-0.log")); }));
  EXPECT_TRUE(complains(run_reprise({"console", "alice", "--run", run.path("a.trace.partial")}), 2, "record it with --realtime 1.0"));
  recording.signal(SIGKILL);  // whose folder stays, however far the run came
  static_cast<void>(recording.wait());
  EXPECT_TRUE(complains(run_reprise({"console", "alice", "--run", run.path("a.trace.partial")}), 2, "nobody records into "));
}

}  // namespace
}  // namespace reprise::testing
