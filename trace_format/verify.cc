#include "trace_format/verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "trace_format/encrypted_io.h"
#include "trace_format/index.h"
#include "trace_format/run_check.h"
#include "trace_format/run_info_codec.h"
#include "trace_format/trace_index.h"

namespace reprise {
namespace {

Error bad_trace(std::string message) {
  return Error{ErrorKind::kBadTrace, std::move(message)};
}

/// Walks the file from its header to its trailer, chunk by chunk, and rebuilds the index on the way: no byte lies outside a checksum, and
/// the root says nothing that the chunks do not say.
class Verification {
 public:
  Verification(const ByteSource& source, TraceIndex& index, const Trailer& trailer, VerifyDepth depth)
      : source_(source), index_(index), trailer_(trailer), events_too_(depth == VerifyDepth::kEvents), check_(index.run(), index.root()) {
    for (const GuestInfo& guest : index_.run().guests) {
      (void)guest;
      streams_.emplace_back(StreamId{static_cast<uint32_t>(streams_.size())});
    }
    streams_.emplace_back(StreamId::network());
    last_.resize(streams_.size());
  }

  Result<VerifiedTrace> run() {
    uint64_t offset = kFileHeaderBytes;
    const uint64_t end = source_.size() - kTrailerBytes;
    while (offset < end) {
      if (Status status = take_chunk(offset, end); !status.ok()) {
        return place(offset, status.error().message);
      }
      ++counts_.chunks;
      offset += stored_.size();
    }
    RETURN_IF_ERROR(compare_root());
    RETURN_IF_ERROR(sum_up());
    return counts_;
  }

 private:
  [[nodiscard]] Error place(uint64_t offset, const std::string& what) {
    std::string remedy =
        index_.run().partial ? "make the part again from the run's trace" : "'reprise recover' keeps what each guest did before it";
    if (const std::optional<VirtualTime> last = last_time_of(offset); last.has_value()) {
      // A frame that was sent in the chunk and arrives in the part would be needed for its bytes.
      remedy += fmt::format(
          ", 'reprise trim' keeps what comes after: with --from later than {} ns and than the arrival of what was on its way then",
          last->ns);
    }
    return bad_trace(fmt::format("{}: chunk {} at byte {}: {}; {} chunks before it are sound; {}", source_.name(), counts_.chunks, offset,
                                 what, counts_.chunks, remedy));
  }

  /// Of the events of a damaged chunk, as the index knows it.
  [[nodiscard]] std::optional<VirtualTime> last_time_of(uint64_t offset) {
    for (const StreamIndexer& stream : streams_) {
      const StreamId id = stream.summary().stream;
      for (uint64_t number = 0; number < index_.stream(id).chunks; ++number) {
        const Result<ChunkRecord> record = index_.chunk(id, number);
        if (record.ok() && record->offset == offset) {
          return record->header.last;
        }
      }
    }
    return std::nullopt;
  }

  Status take_chunk(uint64_t offset, uint64_t end) {
    ASSIGN_OR_RETURN(const ChunkHeader header, read_stored_chunk(source_, offset, end, stored_));
    if (std::string wrong = place_error(header.kind, offset); !wrong.empty()) {
      return bad_trace(std::move(wrong));
    }
    switch (header.kind) {
      case ChunkKind::kGuest:
      case ChunkKind::kNetwork:
        return take_events(header, offset);
      case ChunkKind::kPage:
        return take_page(header, offset);
      case ChunkKind::kRun:
        return take_run(offset);
      case ChunkKind::kRoot:
        return {};  // it was read to open the trace
    }
    kept_.push_back(offset);
    return {};
  }

  [[nodiscard]] std::string place_error(ChunkKind kind, uint64_t offset) const {
    if ((kind == ChunkKind::kRun) != (offset == kFileHeaderBytes || offset == trailer_.run_offset)) {
      return "run information belongs at the beginning and before the root, and only there";
    }
    return (kind == ChunkKind::kRoot) != (offset == trailer_.root_offset) ? "a root belongs at the end, and only there" : "";
  }

  /// The place of the stream in `streams_`, if a chunk of it may lie here.
  Result<size_t> enter(StreamId stream) {
    const size_t slot = stream.is_network() ? streams_.size() - 1 : stream.value;
    if (!stream.is_network() && slot + 1 >= streams_.size()) {
      return bad_trace(fmt::format("it belongs to guest {}; the run has {}", stream.value, streams_.size() - 1));
    }
    if (slot < reached_) {
      return bad_trace(fmt::format("a chunk of {} behind a later stream", stream_name(stream)));
    }
    reached_ = slot;
    return slot;
  }

  Status take_events(const ChunkHeader& header, uint64_t offset) {
    ASSIGN_OR_RETURN(const size_t slot, enter(header.stream));
    // Of a chunk that is not unpacked the index has what its header says.
    chunk_.header = header;
    if (events_too_) {
      RETURN_IF_ERROR(loader_.unpack_checked(header, stored_, chunk_));
    }
    if (std::string wrong = continuity_error(last_[slot] ? &*last_[slot] : nullptr, header); !wrong.empty()) {
      return bad_trace(std::move(wrong));
    }
    last_[slot] = header;
    if (std::string wrong = events_too_ ? check_.take(chunk_) : ""; !wrong.empty()) {
      return bad_trace(std::move(wrong));
    }
    if (header.stream.is_network()) {
      rows_.frames_delivered += header.clock_reads;
      rows_.frames_dropped += header.frames_sent;
    }
    if (streams_[slot].page_full()) {
      return bad_trace("the index has no page where one belongs");
    }
    streams_[slot].add(chunk_, offset);
    counts_.stored_bytes += stored_.size();
    counts_.raw_bytes += header.raw_size;
    return {};
  }

  Status take_page(const ChunkHeader& header, uint64_t offset) {
    ASSIGN_OR_RETURN(const size_t slot, enter(header.stream));
    if (streams_[slot].page_empty()) {
      return bad_trace("a page of the index that belongs to nothing");
    }
    ASSIGN_OR_RETURN(const std::vector<uint8_t> expected, streams_[slot].take_page(offset));
    const StreamSummary& summary = index_.stream(header.stream);
    const size_t number = streams_[slot].summary().pages.size() - 1;
    if (number >= summary.pages.size()) {
      return bad_trace("a page of the index that the root does not know");
    }
    // Compared by meaning, not by bytes: another release of zstd compresses otherwise, and a newer minor version knows more fields.
    ASSIGN_OR_RETURN(const auto found, unpack_page(stored_, summary, number, source_.size()));
    StreamSummary rebuilt = summary;
    rebuilt.pages[number] = streams_[slot].summary().pages[number];
    rebuilt.pages[number].stored_size = summary.pages[number].stored_size;
    ASSIGN_OR_RETURN(const auto wanted, unpack_page(expected, rebuilt, number, source_.size()));
    const bool same = summary.pages[number].offset == offset && summary.pages[number].stored_size == header.stored_size &&
                      std::equal(found.begin(), found.end(), wanted.begin(), wanted.end(), [&](const ChunkRecord& a, const ChunkRecord& b) {
                        return a.header == b.header && a.offset == b.offset && (!events_too_ || a.digest == b.digest);
                      });
    return same ? Status{} : Status(bad_trace("a page of the index that does not describe the chunks before it"));
  }

  Status take_run(uint64_t offset) {
    // The first copy, or the second, which was read to open the trace.
    if (offset == kFileHeaderBytes) {
      ASSIGN_OR_RETURN(const RunInfo first, unpack_run_info(stored_));
      (void)first;
      first_run_ = stored_;
      return {};
    }
    return stored_ == first_run_ ? Status{} : Status(bad_trace("the run information is not that of the beginning"));
  }

  Status compare_root() {
    for (StreamIndexer& stream : streams_) {
      const StreamId id = stream.summary().stream;
      if (!stream.page_empty()) {
        return bad_trace(fmt::format("{}: {}: the index lacks its last page", source_.name(), stream_name(id)));
      }
      const bool omitted = !id.is_network() && index_.run().guests[id.value].omitted;
      const size_t slot = id.is_network() ? streams_.size() - 1 : id.value;
      if (!omitted && (!last_[slot] || !last_[slot]->ends)) {
        return bad_trace(fmt::format("{}: {}: the stream has no end", source_.name(), stream_name(id)));
      }
      if (std::string wrong = root_error(stream.finish(), index_.stream(id)); !wrong.empty()) {
        return bad_trace(fmt::format("{}: {}: the root's {} not those of the chunks", source_.name(), stream_name(id), wrong));
      }
    }
    return kept_ == index_.root().kept ? Status{}
                                       : Status(bad_trace(source_.name() + ": the root does not list the chunks of unknown kinds"));
  }

  [[nodiscard]] std::string root_error(const StreamSummary& rebuilt, const StreamSummary& root) const {
    if (rebuilt.chunks != root.chunks || (events_too_ && rebuilt.digest != root.digest)) {
      return "chunks and digest are";
    }
    if (!events_too_) {
      return "";
    }
    if (!root.stream.is_network() && rebuilt.guest != root.guest) {
      return "statistics are";
    }
    const bool same_columns = std::equal(
        rebuilt.columns.begin(), rebuilt.columns.end(), root.columns.begin(),
        [](const ColumnSizes& a, const ColumnSizes& b) { return a.raw_bytes == b.raw_bytes && a.stored_bytes == b.stored_bytes; });
    return same_columns ? "" : "column sizes are";
  }

  Status sum_up() {
    if (std::string wrong = events_too_ ? check_.finish() : ""; !wrong.empty()) {
      return bad_trace(fmt::format("{}: {}", source_.name(), wrong));
    }
    uint64_t implied = 0;
    for (const StreamSummary& stream : index_.root().guests) {
      implied += stream.deliveries_implied ? stream.guest.frames_received : 0;
      counts_.clock_reads += clock_reads_of(stream.guest);
      counts_.frames_sent += stream.guest.frames_sent;
      counts_.frames_received += stream.guest.frames_received;
      counts_.console_bytes += stream.guest.console_bytes;
    }
    const NetworkStatistics& network = index_.root().network.network;
    if (network.frames_delivered != rows_.frames_delivered + implied || network.frames_dropped != rows_.frames_dropped) {
      return bad_trace(fmt::format("{}: network: the root's statistics are not those of the chunks", source_.name()));
    }
    counts_.network_events = network.frames_delivered + network.frames_dropped;
    return {};
  }

  static uint64_t clock_reads_of(const GuestStatistics& guest) {
    uint64_t sum = 0;
    for (const uint64_t reads : guest.clock_reads) {
      sum += reads;
    }
    return sum;
  }

  const ByteSource& source_;
  TraceIndex& index_;
  const Trailer trailer_;
  const bool events_too_;
  RunCheck check_;
  std::vector<uint8_t> stored_;
  ChunkLoader loader_;
  LoadedChunk chunk_;
  std::vector<StreamIndexer> streams_;  ///< guests, then the network
  size_t reached_ = 0;                  ///< the stream that the last chunk belonged to
  std::vector<std::optional<ChunkHeader>> last_;
  NetworkStatistics rows_;  ///< of the network's own stream
  std::vector<uint64_t> kept_;
  std::vector<uint8_t> first_run_;
  VerifiedTrace counts_;
};

}  // namespace

Result<VerifiedTrace> verify_trace(const std::filesystem::path& path, const std::vector<AgeIdentity>& identities, VerifyDepth depth) {
  ASSIGN_OR_RETURN(const auto source, open_input(path, identities));
  return verify_trace(*source, depth);
}

Result<VerifiedTrace> verify_trace(const ByteSource& source, VerifyDepth depth) {
  ASSIGN_OR_RETURN(TraceIndex index, TraceIndex::open(source));
  ASSIGN_OR_RETURN(const Trailer trailer, read_trailer(source));
  return Verification(source, index, trailer, depth).run();
}

}  // namespace reprise
