#include "tests/bench/running_bench.h"

#include <fmt/format.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "tests/bench/synthetic_run.h"
#include "trace_format/trace_writer.h"

namespace reprise::bench {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr int kRounds = 100;
constexpr int kPatienceMs = 10'000;
constexpr double kBarMs = 200;

/// What a program prints, while it runs.
class Output {
 public:
  explicit Output(const std::string& command) : pipe_(popen(command.c_str(), "r")) { CHECK(pipe_ != nullptr); }
  ~Output() { pclose(pipe_); }
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  /// Waits until `lines` have been printed in all. False when nothing comes for long.
  bool wait_for(int lines) {
    std::array<char, 4096> buffer{};
    while (lines_ < lines) {
      pollfd ready{.fd = fileno(pipe_), .events = POLLIN, .revents = 0};
      if (poll(&ready, 1, kPatienceMs) != 1) {
        return false;
      }
      const ssize_t n = read(ready.fd, buffer.data(), buffer.size());
      if (n <= 0) {
        return false;
      }
      lines_ += static_cast<int>(std::count(buffer.begin(), buffer.begin() + n, '\n'));
    }
    return true;
  }

 private:
  FILE* pipe_;
  int lines_ = 0;
};

}  // namespace

Status measure_watching(const fs::path& reprise, const fs::path& folder, Figures& figures) {
  const fs::path run = folder / "watched.trace.partial";
  fs::create_directory(run);
  RETURN_IF_ERROR(save_run_info(run, synthetic_run_info(2, 1)));
  ASSIGN_OR_RETURN(const auto network, create_stream(run, StreamId::network()));
  ASSIGN_OR_RETURN(const auto silent, create_stream(run, StreamId::guest({1})));
  ASSIGN_OR_RETURN(const auto guest, create_stream(run, StreamId::guest({0})));
  Output output(fmt::format("'{}' dump --follow '{}'", reprise.string(), run.string()));

  std::vector<double> lags_ms;
  std::mt19937 random(1);
  const std::vector<uint8_t> frame(64);
  for (int i = 0; i < kRounds; ++i) {
    const Clock::time_point appended = Clock::now();
    guest->append_frame_sent({i}, frame);
    if (!output.wait_for(i + 1)) {
      return Error{ErrorKind::kRunFailed, fmt::format("{}: 'dump --follow' does not show frame {}", run.string(), i)};
    }
    if (i > 0) {  // the first waits for the program to start
      lags_ms.push_back(std::chrono::duration<double, std::milli>(Clock::now() - appended).count());
    }
    // Not in step with the follower, which looks at equal intervals.
    std::this_thread::sleep_for(std::chrono::milliseconds(random() % 60));
  }
  RETURN_IF_ERROR(guest->finish({kRounds}, EndReason::kHalt));
  RETURN_IF_ERROR(silent->finish({kRounds}, EndReason::kHalt));
  RETURN_IF_ERROR(network->finish({kRounds}, EndReason::kUntil));
  std::sort(lags_ms.begin(), lags_ms.end());
  figures.add(fmt::format("an event in `dump --follow`, the latest of {}", lags_ms.size()), lags_ms.back(), "ms", Bar::kAtMost, kBarMs);
  figures.note("an event in `dump --follow`: median", fmt::format("{:.0f} ms", lags_ms[lags_ms.size() / 2]));
  return {};
}

}  // namespace reprise::bench
