// What the program says on standard output, and on standard error.
#pragma once

#include <string_view>

#include "trace_format/status.h"

namespace reprise {

/// Writes all of `text` to standard output. False when its reader is gone (`| head`): nobody wants more, and that is no error.
/// kRunFailed when it cannot be written (disk full).
[[nodiscard]] Result<bool> write_output(std::string_view text);

/// The same, for what is written at once: a reader that is gone is fine.
[[nodiscard]] Status print(std::string_view text);

/// Writes `text` to standard error as far as it can be written: where nobody can be told, there is nobody to tell.
void say(std::string_view text);

/// Gives descriptors 0 to 2 that are closed to /dev/null. Otherwise the next file that is opened gets such a number, and our words.
void occupy_standard_streams();

}  // namespace reprise
