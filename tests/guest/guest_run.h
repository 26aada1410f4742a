// A run in a few words: a folder of its own, a platform, a deployment, and the commands on its traces.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "tests/guest/run_reprise.h"
#include "trace_format/trace_reader.h"

namespace reprise::testing {

struct GuestSpec {
  std::string name;
  std::string append;  ///< what it does: see examples/guest/README.md
  std::string nic = "vmxnet3";
  std::string kernel = "${REPRISE_GUESTS}/vmlinux";
  std::string initrd = "${REPRISE_GUESTS}/guest.cpio";  ///< empty: none
  std::string icount_shift = {};                        ///< empty: 0
  std::string seed = {};                                ///< empty: none
};

/// Alice pings Bob `count` times, then tells him that she is done.
std::vector<GuestSpec> pinging_pair(int count, const std::string& nic = "vmxnet3");

/// A folder that goes when the test has passed and stays when it has failed, so that the printed commands work.
class GuestRun {
 public:
  GuestRun();
  ~GuestRun();
  GuestRun(const GuestRun&) = delete;
  GuestRun& operator=(const GuestRun&) = delete;

  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }
  [[nodiscard]] std::string path(const std::string& name) const { return (folder_ / name).string(); }
  std::string write(const std::string& name, const std::string& text) const;
  /// An executable shell script.
  std::string write_program(const std::string& name, const std::string& text) const;

  /// Guest i has address 10.0.0.(i+1)/24 and runs on host node-i. All hosts have a link of 1 Gbit/s and `latency` to one switch.
  void deploy(const std::vector<GuestSpec>& guests, const std::string& latency = "5ms") const;

  /// The arguments of `reprise record` of what was deployed, into `trace`.
  [[nodiscard]] std::vector<std::string> record_command(const std::string& trace, const std::vector<std::string>& more = {}) const;
  /// Success when `reprise record` has succeeded.
  [[nodiscard]] ::testing::AssertionResult record(const std::string& trace, const std::vector<std::string>& more = {},
                                                  const RunOptions& options = {}) const;

  [[nodiscard]] Outcome replay(const std::string& trace, const std::vector<std::string>& more = {}, const RunOptions& options = {}) const;
  [[nodiscard]] Outcome diff(const std::string& left, const std::string& right) const;  ///< with --json
  [[nodiscard]] nlohmann::json stats(const std::string& trace) const;
  [[nodiscard]] std::unique_ptr<TraceReader> open(const std::string& trace) const;

 private:
  std::filesystem::path folder_;
};

/// Neither `diff` nor the digests of the chunks tell the two traces apart.
::testing::AssertionResult are_identical(const GuestRun& run, const std::string& left, const std::string& right);

}  // namespace reprise::testing
