// A trace appears under its name when it is complete, and not before: written to a temporary file beside it, synced, renamed.
#pragma once

#include <filesystem>
#include <functional>
#include <vector>

#include "trace_format/age_keys.h"
#include "trace_format/io.h"
#include "trace_format/status.h"

namespace reprise {

struct OutputOptions {
  SinkFactory create = create_file;  ///< how the temporary file is made
  bool verify = false;               ///< read all of it before the rename
  /// For whom it is encrypted; empty: it is not. With `verify` also for a key that is made for this reading and forgotten after it.
  std::vector<AgeRecipient> recipients;
};

/// `write` writes the trace to the sink, syncs and closes it. `output` is replaced only by a complete file; on an error nothing is left
/// beside it.
[[nodiscard]] Status write_output(const std::filesystem::path& output, const OutputOptions& options,
                                  const std::function<Status(ByteSink&)>& write);

}  // namespace reprise
