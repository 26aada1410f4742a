// Runs the program `reprise` as a user does, and says how to do it again by hand.
#pragma once

#include <gtest/gtest.h>
#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace reprise::testing {

struct Outcome {
  int exit_code = -1;   ///< -1 when a signal ended it
  std::string out;      ///< standard output
  std::string err;      ///< standard error
  std::string command;  ///< to be pasted into a shell
};

struct RunOptions {
  std::vector<std::pair<std::string, std::optional<std::string>>> environment;  ///< variables to set, or to unset (nullopt)
  int nice = 0;                                                                 ///< added to our own
  std::chrono::seconds limit{120};                                              ///< what takes longer hangs
};

/// `reprise` while it runs. The destructor kills it (its guests end by themselves then).
class RunningReprise {
 public:
  explicit RunningReprise(const std::vector<std::string>& arguments, const RunOptions& options = {});
  ~RunningReprise();
  RunningReprise(const RunningReprise&) = delete;
  RunningReprise& operator=(const RunningReprise&) = delete;

  void signal(int number) const;
  [[nodiscard]] bool running() const;
  /// Waits for its end. Kills it after the limit, which no test comes near: a hang becomes a failure that shows its output.
  Outcome wait();

 private:
  pid_t pid_ = -1;
  int out_fd_ = -1;
  int err_fd_ = -1;
  std::string command_;
  std::chrono::seconds limit_;
};

Outcome run_reprise(const std::vector<std::string>& arguments, const RunOptions& options = {});

/// `EXPECT_TRUE(exits(outcome, 0))`: on failure shows the command to repeat and all that it wrote.
::testing::AssertionResult exits(const Outcome& outcome, int code);
/// The same for standard error, which must hold `text`.
::testing::AssertionResult complains(const Outcome& outcome, int code, const std::string& text);
/// Exit code 0, and one "identical" line for each of `guests` guests.
::testing::AssertionResult replays_identically(const Outcome& outcome, size_t guests);

/// Standard output as JSON; null when it is none.
nlohmann::json json_of(const Outcome& outcome);

/// The QEMU processes (no zombies) whose command line names `path`.
std::vector<pid_t> qemus_of(const std::filesystem::path& path);

/// Asks `condition` again and again until it holds; false after `limit`.
bool wait_until(const std::function<bool()>& condition, std::chrono::seconds limit = std::chrono::seconds(60));

/// The whole file, empty when there is none.
std::string file_text(const std::filesystem::path& path);

/// Keeps cores busy while it lives: one spinning process for each.
class BusyCores {
 public:
  explicit BusyCores(unsigned processes = 2);
  ~BusyCores();
  BusyCores(const BusyCores&) = delete;
  BusyCores& operator=(const BusyCores&) = delete;

 private:
  std::vector<pid_t> spinning_;
};

}  // namespace reprise::testing
