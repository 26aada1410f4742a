// What the program says on standard output.
#pragma once

#include <string_view>

#include "trace_format/status.h"

namespace reprise {

/// Writes all of `text` to standard output. False when its reader is gone (`| head`): nobody wants more, and that is no error.
/// kRunFailed when it cannot be written (disk full).
[[nodiscard]] Result<bool> write_output(std::string_view text);

/// The same, for what is written at once: a reader that is gone is fine.
[[nodiscard]] Status print(std::string_view text);

}  // namespace reprise
