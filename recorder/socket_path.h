// Unix sockets in folders whose paths are longer than an address of one has room for.
#pragma once

#include <sys/un.h>

#include <filesystem>
#include <string>

#include "trace_format/status.h"

namespace reprise {

/// The address of `name` (at most 80 bytes) in the open folder `folder`. Good while that is open, in this process.
[[nodiscard]] sockaddr_un socket_in_folder(int folder, const std::string& name);

/// Connects to the stream socket at `path`. kUsage with the reason.
[[nodiscard]] Result<int> connect_to_socket(const std::filesystem::path& path);

}  // namespace reprise
