#include "trace_format/trace_reader.h"

#include "trace_format/footer.h"
#include "trace_format/guest_cursor.h"
#include "trace_format/network_columns.h"

namespace reprise {
namespace {

class ChunkedNetworkCursor final : public NetworkCursor {
 public:
  ChunkedNetworkCursor(const ByteSource& source, const Footer& footer) : source_(source), stream_(footer.network()) {
    decoder_.start(ColumnViews{}, VirtualTime{});
  }

  Result<bool> next(NetworkEvent& event) override {
    while (!decoder_.next(event)) {
      CHECK(!decoder_.failed());  // load() has checked every column
      if (next_chunk_ == stream_.chunks.size()) {
        return false;
      }
      decoder_.start(ColumnViews{}, VirtualTime{});
      RETURN_IF_ERROR(load_indexed(source_, stream_.chunks[next_chunk_], loader_, chunk_));
      decoder_.start(chunk_.columns, chunk_.header.first);
      ++next_chunk_;
    }
    event.sequence.value = sequence_++;
    return true;
  }

 private:
  const ByteSource& source_;
  const StreamIndex& stream_;
  ChunkLoader loader_;
  LoadedChunk chunk_;
  size_t next_chunk_ = 0;
  uint64_t sequence_ = 0;
  NetworkDecoder decoder_;
};

class TraceFile final : public TraceReader {
 public:
  TraceFile(std::unique_ptr<ByteSource> source, Footer footer) : source_(std::move(source)), footer_(std::move(footer)) {
    for (const StreamIndex& stream : footer_.streams) {
      digests_.push_back(chunk_digests_of(stream));
      bases_.push_back(sequence_bases(stream));
    }
  }

  const RunInfo& run() const override { return footer_.run; }
  const GuestStatistics& guest_statistics(GuestIndex guest) const override { return footer_.streams[slot(guest)].guest; }
  const NetworkStatistics& network_statistics() const override { return footer_.network().network; }
  uint64_t file_bytes() const override { return source_->size(); }

  std::optional<GuestIndex> guest_by_name(const std::string& name) const override {
    for (uint32_t i = 0; i < footer_.run.guests.size(); ++i) {
      if (footer_.run.guests[i].name == name) {
        return GuestIndex{i};
      }
    }
    return std::nullopt;
  }

  Digest guest_digest(GuestIndex guest) const override { return digest_of_digests(digests_[slot(guest)]); }
  Digest network_digest() const override { return digest_of_digests(digests_[0]); }
  const std::vector<Digest>& chunk_digests(GuestIndex guest) const override { return digests_[slot(guest)]; }

  std::unique_ptr<GuestCursor> guest_events(GuestIndex guest) override {
    return std::make_unique<ChunkedGuestCursor>(*source_, footer_, bases_[slot(guest)], guest);
  }
  std::unique_ptr<NetworkCursor> network_events() override { return std::make_unique<ChunkedNetworkCursor>(*source_, footer_); }

 private:
  [[nodiscard]] size_t slot(GuestIndex guest) const {
    CHECK(guest.value < footer_.run.guests.size());
    return size_t{1} + guest.value;
  }

  std::unique_ptr<ByteSource> source_;
  Footer footer_;
  std::vector<std::vector<Digest>> digests_;  ///< by place in footer_.streams
  std::vector<std::vector<SequenceBase>> bases_;
};

}  // namespace

Result<std::unique_ptr<TraceReader>> TraceReader::open(const std::filesystem::path& path) {
  ASSIGN_OR_RETURN(auto source, open_file(path));
  ASSIGN_OR_RETURN(auto footer, read_footer(*source, FileKind::kTrace));
  return std::unique_ptr<TraceReader>(std::make_unique<TraceFile>(std::move(source), std::move(footer)));
}

}  // namespace reprise
