// Whether a run that is being recorded still fits into the file size that its user allows.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>

#include "trace_format/run_info.h"

namespace reprise {

/// Watches the folder in which the streams of a run grow. Guests write them, each on its own, so a run cannot be stopped at an exact
/// byte: room is kept for all that is not in the files yet.
class SizeBudget {
 public:
  /// How far guests may run between two looks. A guest that sends 300 MB a second writes 3 MB in it; a turn costs far less than 1 % of it.
  static constexpr Duration kLongestTurn{10'000'000};

  /// The smallest budget with which `run` can record anything.
  [[nodiscard]] static uint64_t smallest(const RunInfo& run, bool encrypted = false);

  /// Of the run whose streams are in `folder`. Requires max_bytes >= smallest(). Of an `encrypted` one the rows that are not in the stream
  /// files cannot be seen: room is kept for as many as there may be.
  SizeBudget(std::filesystem::path folder, uint64_t max_bytes, size_t guests, bool encrypted = false);

  /// True once the trace might become too large if the run went on for more than one turn; stays true. Looks at the
  /// files at most every kLookEvery of the host's time: guests that have nothing to do take many turns in that.
  [[nodiscard]] bool used_up(std::chrono::steady_clock::time_point host_now);
  static constexpr std::chrono::milliseconds kLookEvery{2};

 private:
  /// What the streams take at most when they are sealed now: their files, and the rows in their logs as if those did not shrink.
  [[nodiscard]] uint64_t bytes_in_folder() const;

  std::filesystem::path folder_;
  uint64_t max_bytes_;
  size_t guests_;
  uint64_t reserve_;             ///< of all streams
  uint64_t seen_ = 0;            ///< at the last look
  uint64_t largest_growth_ = 0;  ///< between two looks
  std::chrono::steady_clock::time_point next_look_ = std::chrono::steady_clock::time_point::min();
  bool used_up_ = false;
};

}  // namespace reprise
