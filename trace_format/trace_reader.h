// Reading a trace. Every byte is hostile: sizes are checked against limits before anything is allocated, checksums before anything is
// believed.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "trace_format/age_keys.h"
#include "trace_format/digest.h"
#include "trace_format/event.h"
#include "trace_format/io.h"
#include "trace_format/run_info.h"
#include "trace_format/status.h"

namespace reprise {

struct ChunkHeader;

/// Walks one guest's events in order.
class GuestCursor {
 public:
  virtual ~GuestCursor() = default;
  /// Stores the next event in `event` and returns true; false when the stream is at its end (after its kEnd event, if it has one).
  /// Payloads of received frames are fetched from their sender's stream. Views are valid until the next call.
  [[nodiscard]] virtual Result<bool> next(GuestEvent& event) = 0;
  /// As next(), but goes on to the next received frame. What lies between is not decoded event by event: cheap beside a walk over
  /// everything.
  [[nodiscard]] virtual Result<bool> next_received(GuestEvent& event) = 0;
  /// The same for whatever reaches the guest: received frames and console input.
  [[nodiscard]] virtual Result<bool> next_input(GuestEvent& event) = 0;
  /// Makes next() give the first event with at >= `from` (of all kinds). Decodes at most two chunks.
  [[nodiscard]] virtual Status seek(VirtualTime from) = 0;
  /// The numbers that the next events will have.
  [[nodiscard]] virtual EventNumbers numbers() const = 0;
  /// Makes next() give the first event of chunk `chunk` of this stream (see TraceReader::equal_chunks).
  [[nodiscard]] virtual Status seek_chunk(uint64_t chunk) = 0;
};

/// Walks the network's events in order.
class NetworkCursor {
 public:
  virtual ~NetworkCursor() = default;
  [[nodiscard]] virtual Result<bool> next(NetworkEvent& event) = 0;
  /// Makes next() give the first event with at >= `from`; returns the number that it has, or would have if there is none. Of each guest,
  /// and of the network's own stream, decodes one chunk at most.
  [[nodiscard]] virtual Result<uint64_t> seek(VirtualTime from) = 0;
};

/// What one column takes in a trace.
struct ColumnUse {
  std::string_view name;  ///< as in trace.capnp
  uint64_t raw_bytes = 0;
  uint64_t stored_bytes = 0;
};

/// An open trace. Not for use by two threads at a time. Memory does not grow with the file: cursors hold a few decoded chunks each.
class TraceReader {
 public:
  /// kBadTrace when `path` is not a trace, damaged or of an unknown major version; kUsage when it cannot be opened.
  /// Reads header, trailer, run information and root only. kUsage too when it is encrypted for none of `identities`.
  [[nodiscard]] static Result<std::unique_ptr<TraceReader>> open(const std::filesystem::path& path,
                                                                 const std::vector<AgeIdentity>& identities = {});
  /// The same of bytes that need not be a file.
  [[nodiscard]] static Result<std::unique_ptr<TraceReader>> open(std::unique_ptr<ByteSource> source);
  virtual ~TraceReader() = default;

  [[nodiscard]] virtual const RunInfo& run() const = 0;
  [[nodiscard]] virtual const GuestStatistics& guest_statistics(GuestIndex guest) const = 0;
  [[nodiscard]] virtual const NetworkStatistics& network_statistics() const = 0;
  /// Reads the network's own chunks, of which a trace has few.
  [[nodiscard]] virtual Result<DropCounts> drop_counts() = 0;
  /// Of the plaintext, if it is encrypted.
  [[nodiscard]] virtual uint64_t file_bytes() const = 0;
  [[nodiscard]] virtual std::optional<GuestIndex> guest_by_name(const std::string& name) const = 0;

  /// Equal digests mean equal streams (events, times, values; for received frames the reference, not the payload).
  [[nodiscard]] virtual Digest guest_digest(GuestIndex guest) const = 0;
  /// Equal ones mean equal network events, if the guests' digests are equal too.
  [[nodiscard]] virtual Digest network_digest() const = 0;
  /// How many chunks, from the first on, are equal in this trace's stream of `guest` and in the other's of `other_guest`. Goes down the
  /// hash tree: reads at most one page of each index.
  [[nodiscard]] virtual Result<uint64_t> equal_chunks(GuestIndex guest, TraceReader& other, GuestIndex other_guest) = 0;
  [[nodiscard]] virtual uint64_t chunk_count(GuestIndex guest) const = 0;
  /// Of the pages and chunks of the guest's stream. Requires numbers in range.
  [[nodiscard]] virtual std::vector<Digest> page_digests(GuestIndex guest) const = 0;
  [[nodiscard]] virtual Result<Digest> chunk_digest(GuestIndex guest, uint64_t chunk) = 0;

  /// What each column of a stream takes, summed over its chunks; columns that hold nothing are left out.
  [[nodiscard]] virtual std::vector<ColumnUse> guest_columns(GuestIndex guest) const = 0;
  [[nodiscard]] virtual std::vector<ColumnUse> network_columns() const = 0;

  /// Calls `take` with each chunk that belongs to no stream: parts of images (embedded_image.h), and kinds that this program does not
  /// know. Of their headers only kind and size are read.
  [[nodiscard]] virtual Status for_each_kept_chunk(const std::function<Status(const ChunkHeader& header, ByteView stored)>& take) const = 0;

  /// Cursors must not outlive the reader.
  [[nodiscard]] virtual std::unique_ptr<GuestCursor> guest_events(GuestIndex guest) = 0;
  [[nodiscard]] virtual std::unique_ptr<NetworkCursor> network_events() = 0;
};

}  // namespace reprise
