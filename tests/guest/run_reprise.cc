#include "tests/guest/run_reprise.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <thread>

namespace reprise::testing {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::milliseconds kPollPause{5};

std::string quoted(const std::string& word) {
  constexpr const char* kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=,+@";
  return !word.empty() && word.find_first_not_of(kPlain) == std::string::npos ? word : "'" + word + "'";
}

std::string command_text(const std::vector<std::string>& arguments, const RunOptions& options) {
  std::string text;
  for (const auto& [name, value] : options.environment) {
    text += value.has_value() ? name + "=" + quoted(*value) + " " : fmt::format("env -u {} ", name);
  }
  if (options.nice != 0) {
    text += fmt::format("nice -n {} ", options.nice);
  }
  text += REPRISE_PROGRAM;
  for (const std::string& argument : arguments) {
    text += " " + quoted(argument);
  }
  return text;
}

std::string all_of(int fd) {
  std::string text(static_cast<size_t>(lseek(fd, 0, SEEK_END)), '\0');
  EXPECT_EQ(pread(fd, text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
  return text;
}

}  // namespace

RunningReprise::RunningReprise(const std::vector<std::string>& arguments, const RunOptions& options)
    : out_fd_(memfd_create("stdout", MFD_CLOEXEC)),
      err_fd_(memfd_create("stderr", MFD_CLOEXEC)),
      command_(command_text(arguments, options)),
      limit_(options.limit) {
  std::vector<char*> argv = {const_cast<char*>(REPRISE_PROGRAM)};
  for (const std::string& argument : arguments) {
    argv.push_back(const_cast<char*>(argument.c_str()));
  }
  argv.push_back(nullptr);
  pid_ = fork();
  if (pid_ == 0) {
    // The tests have one thread, so setenv after fork is safe.
    for (const auto& [name, value] : options.environment) {
      value.has_value() ? setenv(name.c_str(), value->c_str(), 1) : unsetenv(name.c_str());
    }
    setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + options.nice);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(out_fd_, STDOUT_FILENO);
    dup2(err_fd_, STDERR_FILENO);
    execv(argv[0], argv.data());
    _exit(127);
  }
  EXPECT_GT(pid_, 0) << command_;
}

RunningReprise::~RunningReprise() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  close(out_fd_);
  close(err_fd_);
}

void RunningReprise::signal(int number) const {
  ASSERT_GT(pid_, 0);
  EXPECT_EQ(kill(pid_, number), 0);
}

bool RunningReprise::running() const {
  siginfo_t info{};
  return pid_ > 0 && waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == 0;
}

Outcome RunningReprise::wait() {
  std::string hang;
  if (!wait_until([this] { return !running(); }, limit_)) {
    hang = fmt::format("\n(the test killed it after {} s)\n", limit_.count());
    kill(pid_, SIGKILL);
  }
  int status = 0;
  EXPECT_EQ(waitpid(pid_, &status, 0), pid_);
  pid_ = -1;
  return {.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1,
          .out = all_of(out_fd_),
          .err = all_of(err_fd_) + hang,
          .command = command_};
}

Outcome run_reprise(const std::vector<std::string>& arguments, const RunOptions& options) {
  return RunningReprise(arguments, options).wait();
}

::testing::AssertionResult exits(const Outcome& outcome, int code) {
  if (outcome.exit_code == code) {
    return ::testing::AssertionSuccess();
  }
  return ::testing::AssertionFailure() << "exit code " << outcome.exit_code << ", want " << code << "\nrepeat it: " << outcome.command
                                       << "\nstdout:\n"
                                       << outcome.out << "stderr:\n"
                                       << outcome.err;
}

::testing::AssertionResult complains(const Outcome& outcome, int code, const std::string& text) {
  if (const auto right = exits(outcome, code); !right) {
    return right;
  }
  if (outcome.err.rfind("reprise: ", 0) == 0 && outcome.err.find(text) != std::string::npos) {
    return ::testing::AssertionSuccess();
  }
  return ::testing::AssertionFailure() << "no message 'reprise: ...' with '" << text << "'\nrepeat it: " << outcome.command << "\nstderr:\n"
                                       << outcome.err;
}

::testing::AssertionResult replays_identically(const Outcome& outcome, size_t guests) {
  if (const auto right = exits(outcome, 0); !right) {
    return right;
  }
  size_t identical = 0;
  for (size_t at = 0; (at = outcome.out.find(": identical, ", at)) != std::string::npos; ++at) {
    ++identical;
  }
  if (identical == guests) {
    return ::testing::AssertionSuccess();
  }
  return ::testing::AssertionFailure() << "want " << guests << " identical guests\nrepeat it: " << outcome.command << "\nstdout:\n"
                                       << outcome.out;
}

nlohmann::json json_of(const Outcome& outcome) {
  return nlohmann::json::parse(outcome.out, nullptr, false);
}

std::vector<pid_t> qemus_of(const fs::path& path) {
  std::vector<pid_t> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator("/proc", error)) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) {
      continue;
    }
    // A zombie's command line is empty.
    const std::string words = file_text(entry.path() / "cmdline");
    if (words.substr(0, words.find('\0')).find("qemu-system") != std::string::npos && words.find(path.string()) != std::string::npos) {
      found.push_back(static_cast<pid_t>(std::stol(name)));
    }
  }
  return found;
}

bool wait_until(const std::function<bool()>& condition, std::chrono::seconds limit) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) {
      return false;
    }
    std::this_thread::sleep_for(kPollPause);
  }
  return true;
}

std::string file_text(const fs::path& path) {
  // Not through istreambuf_iterator, which throws when a file of /proc goes with its process.
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

BusyCores::BusyCores(unsigned processes) {
  for (unsigned i = 0; i < processes; ++i) {
    const pid_t pid = fork();
    if (pid == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      for (std::atomic<unsigned> spin = 0;;) {
        ++spin;
      }
    }
    EXPECT_GT(pid, 0);
    if (pid > 0) {
      spinning_.push_back(pid);
    }
  }
}

BusyCores::~BusyCores() {
  for (const pid_t pid : spinning_) {
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
  }
}

}  // namespace reprise::testing
