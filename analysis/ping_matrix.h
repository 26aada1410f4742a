// Round trips between all guests of a run, as `reprise validate` has them measured, against what the platform says.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "trace_format/ids.h"
#include "trace_format/status.h"
#include "trace_format/trace_reader.h"

namespace reprise {

/// What the round trip of a ping should be; nothing of a guest to itself.
struct ExpectedRoundTrip {
  Duration least;      ///< both ways' latencies, and the frame's time at the slowest link of each
  Duration spread;     ///< that jitter and reordering may add
  bool lossy = false;  ///< a ping may be lost
};

/// How far off a round trip may be.
struct PingTolerance {
  double percent = 1;           ///< of the expected one, either way; 0 or more
  Duration processing{50'000};  ///< that the two guests may need on top
};

struct PingPair {
  GuestIndex from;
  GuestIndex to;
  std::vector<std::optional<Duration>> samples;  ///< round trips; nothing where no reply came
  std::optional<ExpectedRoundTrip> expected;     ///< nothing of a guest to itself
  std::optional<std::string> problem;            ///< why it is not as the platform says
};

struct PingMatrix {
  std::vector<std::string> names;
  std::vector<PingPair> pairs;  ///< from * guests + to
};

/// The bytes of a ping on the wire as the model counts them: Ethernet 14, IPv4 20, ICMP 8, payload 56.
inline constexpr uint64_t kPingFrameBytes = 98;

/// Takes the round trips from the consoles of `trace`. kRunFailed, with the guest's name, when one did not print what it should have.
[[nodiscard]] Result<PingMatrix> read_ping_matrix(TraceReader& trace);

/// Fills in `expected` (from * guests + to) and each pair's `problem`. Guests' pings of themselves are held against kMostSelfPing.
void judge(PingMatrix& matrix, const std::vector<ExpectedRoundTrip>& expected, const PingTolerance& tolerance);
inline constexpr Duration kMostSelfPing{100'000};

/// The matrix as fping prints it, in ms, and below it the pairs that are out of tolerance.
[[nodiscard]] std::string ping_matrix_text(const PingMatrix& matrix);
[[nodiscard]] std::string ping_matrix_json(const PingMatrix& matrix);
/// A heat map: how far each pair's mean is off, in per cent of what is expected.
[[nodiscard]] std::string ping_matrix_svg(const PingMatrix& matrix);

}  // namespace reprise
