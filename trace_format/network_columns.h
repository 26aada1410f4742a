// The network's events to columns and back. They are few beside the guests' (frames, not clock reads), so there are no runs here.
#pragma once

#include <cstdint>
#include <tuple>
#include <vector>

#include "trace_format/byte_codec.h"
#include "trace_format/columns.h"
#include "trace_format/event.h"

namespace reprise {

/// The network's events are in the order of this; equal ones may follow one another.
[[nodiscard]] inline auto network_order(const NetworkEvent& event) {
  return std::tuple(event.at, event.sender, event.sender_frame, event.receiver);
}

/// Fills the columns of one chunk at a time. The caller checks the order of events.
class NetworkEncoder {
 public:
  /// Starts a chunk in `columns` (cleared here), which must outlive it. The first event must be at `first`.
  void begin(ColumnBuffers& columns, VirtualTime first);
  void append(const NetworkEvent& event);

  [[nodiscard]] uint64_t bytes() const { return bytes_; }
  [[nodiscard]] VirtualTime last() const { return {static_cast<int64_t>(last_ns_)}; }
  [[nodiscard]] uint64_t delivered() const { return delivered_; }
  [[nodiscard]] uint64_t dropped() const { return dropped_; }

 private:
  void put(NetworkColumn column, uint64_t value) { bytes_ += put_varint(columns_->data[column], value); }

  ColumnBuffers* columns_ = nullptr;
  uint64_t last_ns_ = 0;
  uint64_t bytes_ = 0;
  uint64_t delivered_ = 0;
  uint64_t dropped_ = 0;
  std::vector<uint64_t> frame_of_;  ///< last frame of each sender in the chunk
};

/// Gives the events of one chunk. Safe on any bytes.
class NetworkDecoder {
 public:
  /// `columns` must outlive it.
  void start(const ColumnViews& columns, VirtualTime first);
  /// The next event, all fields but `sequence`. False at the end or on bad bytes.
  bool next(NetworkEvent& event);
  [[nodiscard]] bool failed() const;
  /// Nothing is left in any column.
  [[nodiscard]] bool drained() const;

 private:
  std::array<ColumnReader, kNetworkColumnCount> column_;
  bool bad_ = false;
  uint64_t ns_ = 0;
  std::vector<uint64_t> frame_of_;
};

/// Adds the drops of a chunk of the network, which was checked.
void count_drops(const ColumnViews& columns, DropCounts& counts);

}  // namespace reprise
