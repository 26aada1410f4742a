// What later versions than 2.0 added, each in one short run.
#pragma once

#include "tests/trace_format/sample_run.h"

namespace reprise::testing {

/// small_script() as two native processes: with their clock, one that exits and one that crashes.
[[nodiscard]] Script process_script();

/// small_script() with a gateway in the place of its first guest, as 2.2 has them.
[[nodiscard]] Script gateway_script();

/// small_script(), and an image of 5,000 bytes in the trace, whose SHA-256 is kCarriedImage.
void write_trace_with_image(const std::filesystem::path& output);
inline constexpr const char* kCarriedImage = "1b5c855ff1052578ee7d262a7a7b784281ff77178d83435e3fc858874e8a5b10";
[[nodiscard]] std::vector<uint8_t> carried_image();

}  // namespace reprise::testing
