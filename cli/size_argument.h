// Sizes on the command line.
#pragma once

#include <cstdint>
#include <string_view>

#include "trace_format/status.h"

namespace reprise {

/// Parses "4096", "64K", "100M", "2G": digits, and perhaps a unit of 2^10, 2^20 or 2^30 bytes, without blanks. In bytes. kUsage with the
/// forms that are understood.
[[nodiscard]] Result<uint64_t> parse_size(std::string_view text);

}  // namespace reprise
