// The walk over what the network did: the rows of its own stream, and the deliveries that the guests' receptions imply.
#pragma once

#include <cstdint>
#include <memory>
#include <queue>
#include <tuple>
#include <vector>

#include "trace_format/chunk_cache.h"
#include "trace_format/guest_columns.h"
#include "trace_format/network_columns.h"
#include "trace_format/trace_index.h"
#include "trace_format/trace_reader.h"

namespace reprise {

class MergedNetworkCursor final : public NetworkCursor {
 public:
  /// Both must outlive it.
  MergedNetworkCursor(TraceIndex& index, ChunkCache& chunks);
  ~MergedNetworkCursor() override;
  MergedNetworkCursor(const MergedNetworkCursor&) = delete;
  MergedNetworkCursor& operator=(const MergedNetworkCursor&) = delete;

  Result<bool> next(NetworkEvent& event) override;
  Result<uint64_t> seek(VirtualTime from) override;

 private:
  /// One ordered source of network events.
  class Source;
  class StoredRows;
  class Receptions;
  using Key = std::tuple<int64_t, uint32_t, uint64_t, uint32_t, size_t>;  ///< at, sender, frame, receiver, source

  [[nodiscard]] Status queue_next_of(size_t source);

  std::vector<std::unique_ptr<Source>> sources_;
  std::priority_queue<Key, std::vector<Key>, std::greater<>> order_;
  ChunkCache& chunks_;
  bool started_ = false;
  uint64_t sequence_ = 0;  ///< of the next event
};

}  // namespace reprise
