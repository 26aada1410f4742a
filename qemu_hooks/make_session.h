// The session that the options ask for: the same for the plugin and for the host of a native process.
#pragma once

#include <memory>
#include <string>

#include "qemu_hooks/plugin_args.h"
#include "qemu_hooks/session.h"
#include "trace_format/status.h"

namespace reprise {

/// Opens what `args` name (console log, stream or trace) and, live, introduces the guest to the recorder by `build_id`.
[[nodiscard]] Result<std::unique_ptr<GuestSession>> make_session(const PluginArgs& args, const std::string& build_id);

}  // namespace reprise
