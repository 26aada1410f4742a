// The plugin's options: `-plugin reprise_qemu_hooks.so,mode=live,channel=5,...`. The launcher writes them; an unknown one is an error.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "trace_format/age_keys.h"
#include "trace_format/ids.h"
#include "trace_format/status.h"

namespace reprise {

struct PluginArgs {
  enum class Mode { kLive, kReplay };
  Mode mode = Mode::kLive;
  int channel = -1;                      ///< inherited socket to the recorder or the replayer; required
  GuestIndex guest;                      ///< required
  uint32_t icount_shift = 0;             ///< as on QEMU's command line
  std::string stream_folder;             ///< live: where the stream is written; empty: record nothing
  bool durable = false;                  ///< live: the stream is synced while it is written
  std::vector<AgeRecipient> recipients;  ///< live: for whom the stream is encrypted; one in each option
  bool show_console = false;             ///< live: what the console prints goes to the recorder too
  std::string trace;                     ///< replay: the trace; required then
  std::vector<std::string> identities;   ///< replay: files with keys that open the trace; one in each option
  std::string console;                   ///< console log; empty: none
};

/// kUsage with the option's name.
[[nodiscard]] Result<PluginArgs> parse_plugin_args(const std::vector<std::string>& args);

}  // namespace reprise
