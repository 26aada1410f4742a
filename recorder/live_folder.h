// Where a run that goes on can be spoken to: sockets in a folder of its own, OUT.partial/live, that only its user can enter.
#pragma once

#include <filesystem>
#include <string>

#include "trace_format/status.h"

namespace reprise {

/// "live".
[[nodiscard]] std::string live_folder_name();

/// The folder while its run goes on; gone, with all that is in it, when this is. A run that is killed leaves it, which disturbs nobody.
class LiveFolder {
 public:
  /// Makes it in `run_folder`, with mode 0700. kRunFailed.
  [[nodiscard]] static Result<LiveFolder> create(const std::filesystem::path& run_folder);
  ~LiveFolder();
  LiveFolder(LiveFolder&& other) noexcept;
  LiveFolder& operator=(LiveFolder&&) = delete;
  LiveFolder(const LiveFolder&) = delete;
  LiveFolder& operator=(const LiveFolder&) = delete;

  /// A listening Unix stream socket `name` in it, with mode 0600, non-blocking and close-on-exec. The caller closes it. kRunFailed.
  [[nodiscard]] Result<int> listen(const std::string& name) const;

 private:
  explicit LiveFolder(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;  // empty: moved from
};

/// The other end: a blocking socket, connected to `name` of the run that is recorded into `run_folder`. The caller closes it. kUsage when
/// there is no such socket (the run has no --realtime), kRunFailed when nobody listens.
[[nodiscard]] Result<int> connect_to_run(const std::filesystem::path& run_folder, const std::string& name);

}  // namespace reprise
