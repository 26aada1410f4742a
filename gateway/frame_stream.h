// Ethernet frames in a byte stream: before each its length in 4 bytes, big-endian, as QEMU's `-netdev stream` and passt have them.
#pragma once

#include <cstdint>
#include <vector>

#include "trace_format/event.h"
#include "trace_format/status.h"

namespace reprise {

inline constexpr uint32_t kSmallestFrame = 14;  ///< an Ethernet header
inline constexpr uint32_t kLargestFrame = 65535;

/// Cuts frames out of what arrives. Holds at most one frame that is not whole, and what was put in last.
class FrameStreamReader {
 public:
  void put(ByteView bytes);
  /// Takes the next whole frame: true, or false when there is none. kRunFailed when a length is not kSmallestFrame to kLargestFrame:
  /// nothing after it can be understood.
  [[nodiscard]] Result<bool> next(std::vector<uint8_t>& frame);

 private:
  std::vector<uint8_t> bytes_;
  size_t begin_ = 0;
};

/// Appends `frame` to `stream`.
void append_frame(std::vector<uint8_t>& stream, ByteView frame);

}  // namespace reprise
