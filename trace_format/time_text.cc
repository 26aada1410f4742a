#include "trace_format/time_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>

#include "trace_format/event_text.h"

namespace reprise {
namespace {

struct Unit {
  std::string_view name;
  int64_t ns;
};

constexpr std::array<Unit, 5> kUnits = {{{"ns", 1}, {"us", 1'000}, {"ms", 1'000'000}, {"s", 1'000'000'000}, {"min", 60'000'000'000}}};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

Error refuse(std::string_view text, std::string_view why) {
  constexpr size_t kMost = 100;  // bytes that a message quotes: a file may hold megabytes here
  const std::string quoted = text.size() <= kMost ? printable(text) : printable(text.substr(0, kMost)) + "...";
  return {ErrorKind::kUsage, fmt::format("'{}' is not a time: {}; write it as 30s, 1.5s, 250ms, 10us, 5ns or 2min", quoted, why)};
}

/// Takes the digits at the front of `text` off.
std::string_view take_digits(std::string_view& text) {
  const auto* const end = std::find_if_not(text.begin(), text.end(), is_digit);
  const std::string_view digits = text.substr(0, static_cast<size_t>(end - text.begin()));
  text.remove_prefix(digits.size());
  return digits;
}

}  // namespace

Result<VirtualTime> parse_time(std::string_view text) {
  std::string_view rest = text;
  const std::string_view whole = take_digits(rest);
  if (whole.empty()) {
    return refuse(text, "it does not begin with a digit");
  }
  std::string_view fraction;
  if (rest.starts_with('.')) {
    rest.remove_prefix(1);
    fraction = take_digits(rest);
    if (fraction.empty()) {
      return refuse(text, "no digit follows the point");
    }
  }
  const auto* const unit = std::find_if(kUnits.begin(), kUnits.end(), [&](const Unit& u) { return u.name == rest; });
  if (unit == kUnits.end()) {
    return refuse(text, rest.empty() ? "the unit is missing" : "its unit is unknown");
  }

  int64_t ns = 0;
  for (const char digit : whole) {
    if (__builtin_mul_overflow(ns, int64_t{10}, &ns) || __builtin_add_overflow(ns, int64_t{digit - '0'}, &ns)) {
      return refuse(text, "it is beyond 292 years");
    }
  }
  if (__builtin_mul_overflow(ns, unit->ns, &ns)) {
    return refuse(text, "it is beyond 292 years");
  }
  // Horner's scheme from the last digit: the sum is whole exactly if every step is, and no step exceeds the unit tenfold.
  int64_t part = 0;
  for (const char digit : std::string(fraction.rbegin(), fraction.rend())) {
    part += (digit - '0') * unit->ns;
    if (part % 10 != 0) {
      return refuse(text, "it is not a whole number of nanoseconds");
    }
    part /= 10;
  }
  if (__builtin_add_overflow(ns, part, &ns) || VirtualTime{ns} == VirtualTime::never()) {
    return refuse(text, "it is beyond 292 years");
  }
  return VirtualTime{ns};
}

}  // namespace reprise
