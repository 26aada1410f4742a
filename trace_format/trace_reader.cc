#include "trace_format/trace_reader.h"

#include <fmt/format.h>

#include <algorithm>

#include "trace_format/chunk_cache.h"
#include "trace_format/encrypted_io.h"
#include "trace_format/guest_cursor.h"
#include "trace_format/limits.h"
#include "trace_format/network_cursor.h"
#include "trace_format/trace_index.h"

namespace reprise {
namespace {

class TraceFile final : public TraceReader {
 public:
  TraceFile(std::unique_ptr<ByteSource> source, TraceIndex index)
      : source_(std::move(source)), index_(std::move(index)), chunks_(*source_, index_) {}

  const RunInfo& run() const override { return index_.run(); }
  const GuestStatistics& guest_statistics(GuestIndex guest) const override { return summary(guest).guest; }
  const NetworkStatistics& network_statistics() const override { return index_.root().network.network; }
  uint64_t file_bytes() const override { return source_->size(); }

  std::optional<GuestIndex> guest_by_name(const std::string& name) const override {
    const std::vector<GuestInfo>& guests = run().guests;
    for (uint32_t i = 0; i < guests.size(); ++i) {
      if (guests[i].name == name && !guests[i].omitted) {
        return GuestIndex{i};
      }
    }
    return std::nullopt;
  }

  Digest guest_digest(GuestIndex guest) const override { return summary(guest).digest; }
  Digest network_digest() const override {
    // Which deliveries are not in the network's own stream is part of what happened.
    std::vector<Digest> digests = {index_.root().network.digest};
    for (const StreamSummary& guest : index_.root().guests) {
      digests.push_back(Digest{static_cast<uint8_t>(guest.deliveries_implied ? 1 : 0)});
    }
    return digest_of_digests(digests);
  }

  uint64_t chunk_count(GuestIndex guest) const override { return summary(guest).chunks; }
  std::vector<Digest> page_digests(GuestIndex guest) const override {
    std::vector<Digest> digests;
    for (const PageRecord& page : summary(guest).pages) {
      digests.push_back(page.digest);
    }
    return digests;
  }
  Result<Digest> chunk_digest(GuestIndex guest, uint64_t chunk) override {
    ASSIGN_OR_RETURN(const ChunkRecord record, index_.chunk(StreamId::guest(guest), chunk));
    return record.digest;
  }

  Result<uint64_t> equal_chunks(GuestIndex guest, TraceReader& other, GuestIndex other_guest) override {
    const std::vector<Digest> mine = page_digests(guest);
    const std::vector<Digest> theirs = other.page_digests(other_guest);
    const auto [page, unused] = std::mismatch(mine.begin(), mine.end(), theirs.begin(), theirs.end());
    const uint64_t common = std::min(chunk_count(guest), other.chunk_count(other_guest));
    uint64_t equal = std::min<uint64_t>(static_cast<uint64_t>(page - mine.begin()) * kChunksPerPage, common);
    for (; equal < common; ++equal) {
      ASSIGN_OR_RETURN(const Digest left, chunk_digest(guest, equal));
      ASSIGN_OR_RETURN(const Digest right, other.chunk_digest(other_guest, equal));
      if (left != right) {
        break;
      }
    }
    return equal;
  }

  std::vector<ColumnUse> guest_columns(GuestIndex guest) const override { return column_uses(false, summary(guest).columns); }
  std::vector<ColumnUse> network_columns() const override { return column_uses(true, index_.root().network.columns); }

  Status for_each_kept_chunk(const std::function<Status(const ChunkHeader& header, ByteView stored)>& take) const override {
    std::vector<uint8_t> stored;
    for (const uint64_t offset : index_.root().kept) {
      const Result<ChunkHeader> header = read_stored_chunk(*source_, offset, source_->size(), stored);
      const Status taken = !header.ok() ? Status(header.error())
                           : is_known(header->kind)
                               ? Status(Error{ErrorKind::kBadTrace, "it belongs to a stream, other than the root says"})
                               : take(*header, stored);
      if (!taken.ok() && taken.error().kind == ErrorKind::kBadTrace) {
        return Error{ErrorKind::kBadTrace, fmt::format("{}: chunk at byte {}: {}", source_->name(), offset, taken.error().message)};
      }
      RETURN_IF_ERROR(taken);
    }
    return {};
  }

  std::unique_ptr<GuestCursor> guest_events(GuestIndex guest) override {
    CHECK(guest.value < run().guests.size());
    return std::make_unique<ChunkedGuestCursor>(index_, chunks_, guest);
  }
  Result<DropCounts> drop_counts() override {
    DropCounts counts{};
    for (uint64_t i = 0; i < index_.stream(StreamId::network()).chunks; ++i) {
      ASSIGN_OR_RETURN(const auto chunk, chunks_.chunk(StreamId::network(), i));
      count_drops(chunk->columns, counts);
    }
    return counts;
  }
  std::unique_ptr<NetworkCursor> network_events() override { return std::make_unique<MergedNetworkCursor>(index_, chunks_); }

 private:
  [[nodiscard]] const StreamSummary& summary(GuestIndex guest) const {
    CHECK(guest.value < run().guests.size());
    return index_.root().guests[guest.value];
  }

  std::unique_ptr<ByteSource> source_;
  TraceIndex index_;
  ChunkCache chunks_;
};

}  // namespace

Result<std::unique_ptr<TraceReader>> TraceReader::open(const std::filesystem::path& path, const std::vector<AgeIdentity>& identities) {
  ASSIGN_OR_RETURN(auto source, open_input(path, identities));
  return open(std::move(source));
}

Result<std::unique_ptr<TraceReader>> TraceReader::open(std::unique_ptr<ByteSource> source) {
  ASSIGN_OR_RETURN(auto index, TraceIndex::open(*source));
  return std::unique_ptr<TraceReader>(std::make_unique<TraceFile>(std::move(source), std::move(index)));
}

}  // namespace reprise
