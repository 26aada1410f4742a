// What the events of one chunk owe to the rest of the run.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "trace_format/chunk.h"
#include "trace_format/index.h"
#include "trace_format/run_info.h"

namespace reprise {

/// Takes the chunks of a trace, checked each by itself, stream after stream: guests that the run has, frames that were sent, the network's
/// order from chunk to chunk, numbers that begin at 0, the bounds of a part of a run.
class RunCheck {
 public:
  /// `run` and `root` must outlive it.
  RunCheck(const RunInfo& run, const Root& root);
  /// What is wrong with the next chunk, or "".
  [[nodiscard]] std::string take(const LoadedChunk& chunk);
  /// After the last chunk: what is wrong with the frames that events refer to, or "".
  [[nodiscard]] std::string finish() const;

 private:
  /// Frames of one sender: [begin, end).
  struct Frames {
    uint64_t begin = ~uint64_t{0};
    uint64_t end = 0;
    void add(uint64_t frame);
    [[nodiscard]] bool within(const Frames& others) const { return end == 0 || (begin >= others.begin && end <= others.end); }
  };

  [[nodiscard]] std::string take_guest(const LoadedChunk& chunk);
  [[nodiscard]] std::string take_receptions(const LoadedChunk& chunk);
  [[nodiscard]] std::string take_rows(const LoadedChunk& chunk);
  [[nodiscard]] std::string first_numbers_error(const ChunkHeader& header) const;
  [[nodiscard]] std::string guest_bounds_error(const LoadedChunk& chunk) const;
  [[nodiscard]] std::string unknown_guest(GuestIndex guest) const;

  const RunInfo& run_;
  const Root& root_;
  std::vector<Frames> sent_;      ///< by each guest, as far as the trace has them
  std::vector<Frames> received_;  ///< of each sender, by whomever, as far as its stream must have them
  std::vector<Frames> in_rows_;   ///< of each sender, in the network's rows
  std::vector<uint64_t> frame_of_;
  std::optional<NetworkEvent> last_row_;
};

}  // namespace reprise
