#include "trace_format/trace_index.h"

#include <fmt/format.h>

#include <algorithm>

#include "trace_format/run_info_codec.h"

namespace reprise {
namespace {

// About 50 KB each.
constexpr size_t kCachedPages = 32;

/// `run`: as far as it is known.
Error damaged(const ByteSource& source, const RunInfo& run, const char* what, uint64_t offset, const std::string& why) {
  const char* remedy = run.partial ? "make the part again from the run's trace" : "'reprise recover' keeps the chunks that are sound";
  return Error{ErrorKind::kBadTrace, fmt::format("{}: {} at byte {}: {}; {}", source.name(), what, offset, why, remedy)};
}

}  // namespace

Result<TraceIndex> TraceIndex::open(const ByteSource& source) {
  RETURN_IF_ERROR(check_file_header(source, FileKind::kTrace, StreamId::network()));
  ASSIGN_OR_RETURN(const Trailer trailer, read_trailer(source));
  TraceIndex index(source);
  std::vector<uint8_t> stored;
  const auto read = [&](uint64_t offset, uint64_t end, const char* what) -> Status {
    const Result<ChunkHeader> header = read_stored_chunk(source, offset, end, stored);
    if (!header.ok()) {
      return damaged(source, index.run_, what, offset, header.error().message);
    }
    return offset + stored.size() == end ? Status{}
                                         : Status(damaged(source, index.run_, what, offset, "it does not end where the next part begins"));
  };
  RETURN_IF_ERROR(read(trailer.run_offset, trailer.root_offset, "run information"));
  Result<RunInfo> run = unpack_run_info(stored);
  if (!run.ok()) {
    return damaged(source, index.run_, "run information", trailer.run_offset, run.error().message);
  }
  index.run_ = std::move(*run);
  RETURN_IF_ERROR(read(trailer.root_offset, source.size() - kTrailerBytes, "root"));
  Result<Root> root = unpack_root(stored, index.run_, source.size());
  if (!root.ok()) {
    return damaged(source, index.run_, "root", trailer.root_offset, root.error().message);
  }
  index.root_ = std::move(*root);
  return index;
}

Result<std::shared_ptr<const TraceIndex::Page>> TraceIndex::page(StreamId stream, size_t number) {
  const auto found = std::find_if(pages_.begin(), pages_.end(),
                                  [&](const CachedPage& cached) { return cached.stream == stream && cached.number == number; });
  if (found != pages_.end()) {
    pages_.splice(pages_.begin(), pages_, found);
    return pages_.front().page;
  }
  const StreamSummary& summary = root_.summary(stream);
  const PageRecord& record = summary.pages[number];
  std::vector<uint8_t> stored;
  const Result<ChunkHeader> header =
      read_stored_chunk(*source_, record.offset, record.offset + kChunkHeaderBytes + record.stored_size, stored);
  Result<Page> page = header.ok() ? unpack_page(stored, summary, number, source_->size()) : Result<Page>(header.error());
  if (!page.ok()) {
    return damaged(*source_, run_, fmt::format("page {} of the index of {}", number, stream_name(stream)).c_str(), record.offset,
                   page.error().message);
  }
  if (pages_.size() == kCachedPages) {
    pages_.pop_back();
  }
  pages_.push_front({stream, number, std::make_shared<const Page>(std::move(*page))});
  return pages_.front().page;
}

Result<ChunkRecord> TraceIndex::chunk(StreamId stream, uint64_t number) {
  CHECK(number < root_.summary(stream).chunks);
  ASSIGN_OR_RETURN(const auto records, page(stream, number / kChunksPerPage));
  return (*records)[number % kChunksPerPage];
}

Result<uint64_t> TraceIndex::first_chunk_from(StreamId stream, VirtualTime from) {
  const StreamSummary& summary = root_.summary(stream);
  const auto found = std::lower_bound(summary.pages.begin(), summary.pages.end(), from,
                                      [](const PageRecord& page, VirtualTime time) { return page.last < time; });
  if (found == summary.pages.end()) {
    return summary.chunks;
  }
  const auto number = static_cast<size_t>(found - summary.pages.begin());
  ASSIGN_OR_RETURN(const auto records, page(stream, number));
  const auto chunk = std::lower_bound(records->begin(), records->end(), from,
                                      [](const ChunkRecord& record, VirtualTime time) { return record.header.last < time; });
  return number * kChunksPerPage + static_cast<uint64_t>(chunk - records->begin());
}

Result<std::optional<uint64_t>> TraceIndex::chunk_of_frame(GuestIndex sender, SeqNo frame) {
  const auto none = std::optional<uint64_t>();
  if (sender.value >= root_.guests.size()) {
    return none;
  }
  const StreamSummary& summary = root_.guests[sender.value];
  const auto after = std::upper_bound(summary.pages.begin(), summary.pages.end(), frame.value,
                                      [](uint64_t number, const PageRecord& page) { return number < page.frames_sent_before; });
  if (after == summary.pages.begin()) {
    return none;
  }
  const auto number = static_cast<size_t>(after - summary.pages.begin()) - 1;
  ASSIGN_OR_RETURN(const auto records, page(summary.stream, number));
  const auto chunk = std::upper_bound(records->begin(), records->end(), frame.value,
                                      [](uint64_t wanted, const ChunkRecord& record) { return wanted < record.header.before.frames_sent; });
  const ChunkHeader& header = (chunk - 1)->header;
  if (frame.value - header.before.frames_sent >= header.frames_sent) {
    return none;
  }
  return std::optional(number * kChunksPerPage + static_cast<uint64_t>(chunk - records->begin()) - 1);
}

}  // namespace reprise
