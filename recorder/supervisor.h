// Starts the guests' QEMUs and process hosts, and sees that none is left behind.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "launcher/child_process.h"
#include "launcher/guest_program.h"
#include "recorder/guest_protocol.h"
#include "trace_format/age_keys.h"
#include "trace_format/run_info.h"
#include "trace_format/status.h"

namespace reprise {

class Supervisor {
 public:
  struct Options {
    std::filesystem::path stream_folder;   ///< empty: record nothing
    std::filesystem::path console_folder;  ///< empty: no console logs
    std::filesystem::path seed_folder;     ///< where the images of seeds are, whose paths in the run are names only
    bool durable = false;                  ///< streams are synced while they are written
    bool show_consoles = false;            ///< what consoles print comes over the channels too
    std::vector<AgeRecipient> recipients;  ///< for whom streams are encrypted; empty: they are not
  };

  /// Starts one QEMU or process host for each guest of `run`; `channels` are the recorder's ends, in GuestIndex order.
  [[nodiscard]] static Result<Supervisor> start(const GuestPrograms& programs, const RunInfo& run, const Options& options,
                                                std::vector<GuestChannel>& channels);

  /// How a guest's QEMU or process host ended and what it said, for an error message. Waits a moment for it.
  [[nodiscard]] std::string describe_end(GuestIndex guest);
  /// Whether it ended because this machine lacks something, or has another QEMU than it needs: by its exit code. Waits as describe_end().
  [[nodiscard]] bool misses_something(GuestIndex guest);
  /// What it has said, printable.
  [[nodiscard]] std::string words_of(GuestIndex guest) const;
  /// Waits for all guests to end by themselves, then kills what is left.
  void wait_then_kill();

 private:
  std::vector<ChildProcess> children_;
  std::vector<GuestKind> kinds_;
};

}  // namespace reprise
