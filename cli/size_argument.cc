#include "cli/size_argument.h"

#include <fmt/format.h>

#include <charconv>

#include "trace_format/event_text.h"

namespace reprise {
namespace {

Error refuse(std::string_view text, std::string_view why) {
  return {ErrorKind::kUsage, fmt::format("'{}' is not a size: {}; write it as 64K, 100M, 2G or a number of bytes", printable(text), why)};
}

}  // namespace

Result<uint64_t> parse_size(std::string_view text) {
  uint64_t bytes = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), bytes);
  if (problem == std::errc::invalid_argument) {
    return refuse(text, "it does not begin with a digit");
  }
  const std::string_view unit = text.substr(static_cast<size_t>(end - text.data()));
  unsigned shift = 0;
  if (!unit.empty()) {
    constexpr std::string_view kUnits = "KMG";
    const size_t which = unit.size() == 1 ? kUnits.find(unit[0]) : std::string_view::npos;
    if (which == std::string_view::npos) {
      return refuse(text, "its unit is unknown");
    }
    shift = 10 * (static_cast<unsigned>(which) + 1);
  }
  if (problem == std::errc::result_out_of_range || bytes > UINT64_MAX >> shift) {
    return refuse(text, "it is beyond 2^64 bytes");
  }
  return bytes << shift;
}

}  // namespace reprise
