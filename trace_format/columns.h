// A chunk's columns by name. What each holds, byte by byte, is in trace.capnp.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "trace_format/digest.h"
#include "trace_format/event.h"

namespace reprise {

/// In the order of trace.capnp, which is the order of the digest.
enum GuestColumn : size_t {
  kOrder,
  kClockGroup,
  kClockTime,
  kClockValue,
  kSentTime,
  kSentSize,
  kSentPayload,
  kReceivedTime,
  kReceivedSender,
  kReceivedFrame,
  kEmbeddedSize,
  kEmbeddedPayload,
  kConsoleTime,
  kConsoleBytes,
  kEndColumn,
  kInputTime,
  kInputBytes,
  kGuestColumnCount
};
/// Those of a chunk without console input, which are the first.
inline constexpr size_t kGuestColumnsWithoutInput = kInputTime;

enum NetworkColumn : size_t { kVerdict, kNetworkTime, kTransit, kNetworkSender, kNetworkFrame, kReceiver, kNetworkColumnCount };

inline constexpr size_t kMaxColumnCount = kGuestColumnCount;

/// Columns being written; a network stream leaves the last ones empty. Reused from chunk to chunk.
struct ColumnBuffers {
  std::array<std::vector<uint8_t>, kMaxColumnCount> data;

  void clear() {
    for (auto& column : data) {
      column.clear();
    }
  }
};

using ColumnViews = std::array<ByteView, kMaxColumnCount>;

[[nodiscard]] inline ColumnViews views_of(const ColumnBuffers& buffers) {
  ColumnViews views;
  for (size_t i = 0; i < kMaxColumnCount; ++i) {
    views[i] = buffers.data[i];
  }
  return views;
}

/// How many columns a chunk has: those of console input are there only if they hold something.
[[nodiscard]] inline size_t column_count(bool network, const ColumnViews& columns) {
  if (network) {
    return kNetworkColumnCount;
  }
  return columns[kInputTime].empty() && columns[kInputBytes].empty() ? kGuestColumnsWithoutInput : size_t{kGuestColumnCount};
}

/// The digest of a chunk: XXH3-128 of first and last time and of each of the first `column_count` columns with its length before it.
[[nodiscard]] Digest digest_columns(const ColumnViews& columns, size_t column_count, VirtualTime first, VirtualTime last);

/// The digest of a stream: XXH3-128 of its chunks' digests, one after another.
[[nodiscard]] Digest digest_of_digests(const std::vector<Digest>& digests);

/// "order", "clockGroup", ...: the names of trace.capnp.
[[nodiscard]] std::string_view column_name(bool network, size_t column);

/// What a column's first byte says about the rest (trace.capnp).
enum class ColumnCodec : uint8_t { kRaw = 0, kZstd = 1, kVarintPlanes = 2 };

/// Clock rules: how the values of a group of reads go on (trace.capnp).
inline constexpr uint8_t kRuleFollowsTime = 0;
inline constexpr uint8_t kRuleDifference = 1;

/// A run of clock reads with equal steps is worth a group of its own from this many on (FORMAT.md).
inline constexpr uint64_t kMinEqualSteps = 4;

}  // namespace reprise
