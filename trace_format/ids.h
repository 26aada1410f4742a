// The distinct types of distinct worlds: no bare integer crosses a header.
#pragma once

#include <compare>
#include <cstdint>
#include <limits>

namespace reprise {

/// A span of virtual time in nanoseconds. May be negative as a difference.
struct Duration {
  int64_t ns = 0;
  auto operator<=>(const Duration&) const = default;
};

/// A point in the virtual time of a run, in nanoseconds since the guests' power-on. Never negative in a trace.
struct VirtualTime {
  int64_t ns = 0;
  auto operator<=>(const VirtualTime&) const = default;

  /// Later than every time of any run.
  static constexpr VirtualTime never() { return {std::numeric_limits<int64_t>::max()}; }
};

constexpr VirtualTime operator+(VirtualTime t, Duration d) {
  // never() stays never(): an idle guest plus a lookahead is still idle for ever.
  return t == VirtualTime::never() ? t : VirtualTime{t.ns + d.ns};
}
constexpr VirtualTime operator-(VirtualTime t, Duration d) {
  return {t.ns - d.ns};
}
constexpr Duration operator-(VirtualTime a, VirtualTime b) {
  return {a.ns - b.ns};
}
constexpr Duration operator+(Duration a, Duration b) {
  return {a.ns + b.ns};
}

/// A guest's place in the run, from 0, in the order of deployment.xml. Orders events of equal virtual time.
struct GuestIndex {
  uint32_t value = 0;
  auto operator<=>(const GuestIndex&) const = default;
};

/// Counts the events of one kind in one stream, from 0.
struct SeqNo {
  uint64_t value = 0;
  auto operator<=>(const SeqNo&) const = default;
};

}  // namespace reprise
