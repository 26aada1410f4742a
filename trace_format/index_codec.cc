// Root and pages as Cap'n Proto messages.
#include <fmt/format.h>

#include <algorithm>

#include "trace_format/columns.h"
#include "trace_format/index.h"
#include "trace_format/limits.h"
#include "trace_format/message_chunk.h"

namespace reprise {
namespace {

uint64_t load_be(const uint8_t* bytes) {
  uint64_t value = 0;
  for (int i = 0; i < 8; ++i) {
    value = value << 8 | bytes[i];
  }
  return value;
}

void store_be(uint8_t* bytes, uint64_t value) {
  for (int i = 7; i >= 0; --i) {
    bytes[i] = static_cast<uint8_t>(value);
    value >>= 8;
  }
}

Error bad_trace(std::string message) {
  return Error{ErrorKind::kBadTrace, std::move(message)};
}

/// Of how many columns a summary has the sizes.
size_t summed_columns(const StreamSummary& stream) {
  if (stream.stream.is_network()) {
    return kNetworkColumnCount;
  }
  return stream.columns[kInputTime].raw_bytes == 0 ? kGuestColumnsWithoutInput : size_t{kGuestColumnCount};
}

void build_chunk(schema::ChunkEntry::Builder builder, const ChunkRecord& record) {
  const ChunkHeader& header = record.header;
  builder.setOffset(record.offset);
  builder.setFirstNs(header.first.ns);
  builder.setLastNs(header.last.ns);
  builder.setClockReads(header.clock_reads);
  builder.setFramesSent(header.frames_sent);
  builder.setFramesReceived(header.frames_received);
  builder.setConsoleBytes(header.console_bytes);
  builder.setClockReadsBefore(header.before.clock_reads);
  builder.setFramesSentBefore(header.before.frames_sent);
  builder.setFramesReceivedBefore(header.before.frames_received);
  builder.setConsoleBytesBefore(header.before.console_bytes);
  builder.setBytesReceived(header.bytes_received);
  builder.setDigestHigh(load_be(record.digest.data()));
  builder.setDigestLow(load_be(record.digest.data() + 8));
  builder.setRawSize(header.raw_size);
  builder.setStoredSize(header.stored_size);
  builder.setEnds(header.ends ? 1 : 0);
}

ChunkRecord read_chunk(schema::ChunkEntry::Reader reader, StreamId stream, uint64_t sequence) {
  ChunkRecord record;
  ChunkHeader& header = record.header;
  header.stream = stream;
  header.kind = stream.is_network() ? ChunkKind::kNetwork : ChunkKind::kGuest;
  header.sequence = sequence;
  record.offset = reader.getOffset();
  header.first.ns = reader.getFirstNs();
  header.last.ns = reader.getLastNs();
  header.clock_reads = reader.getClockReads();
  header.frames_sent = reader.getFramesSent();
  header.frames_received = reader.getFramesReceived();
  header.console_bytes = reader.getConsoleBytes();
  header.before = {reader.getClockReadsBefore(), reader.getFramesSentBefore(), reader.getFramesReceivedBefore(),
                   reader.getConsoleBytesBefore()};
  header.bytes_received = reader.getBytesReceived();
  store_be(record.digest.data(), reader.getDigestHigh());
  store_be(record.digest.data() + 8, reader.getDigestLow());
  header.raw_size = reader.getRawSize();
  header.stored_size = reader.getStoredSize();
  header.ends = reader.getEnds() != 0;
  return record;
}

void build_statistics(schema::GuestStatistics::Builder builder, const StreamSummary& stream) {
  const GuestStatistics& guest = stream.guest;
  builder.setFramesSent(guest.frames_sent);
  builder.setFramesReceived(guest.frames_received);
  builder.setBytesSent(guest.bytes_sent);
  builder.setBytesReceived(guest.bytes_received);
  auto reads = builder.initClockReads(kClockSourceCount);
  for (unsigned i = 0; i < reads.size(); ++i) {
    reads.set(i, guest.clock_reads[i]);
  }
  builder.setConsoleBytes(guest.console_bytes);
  builder.setConsoleInputBytes(guest.console_input_bytes);
  builder.setFirstNs(guest.first.ns);
  builder.setLastNs(guest.last.ns);
  builder.setEnded(guest.ended);
  builder.setEndReason(static_cast<uint8_t>(guest.end_reason));
  builder.setDeliveriesImplied(stream.deliveries_implied);
}

void build_summary(schema::StreamSummary::Builder builder, const StreamSummary& stream) {
  builder.setChunks(stream.chunks);
  auto pages = builder.initPages(static_cast<unsigned>(stream.pages.size()));
  for (unsigned i = 0; i < pages.size(); ++i) {
    const PageRecord& page = stream.pages[i];
    pages[i].setOffset(page.offset);
    pages[i].setStoredSize(page.stored_size);
    pages[i].setChunks(page.chunks);
    pages[i].setFirstNs(page.first.ns);
    pages[i].setLastNs(page.last.ns);
    pages[i].setFramesSentBefore(page.frames_sent_before);
    pages[i].setDigestHigh(load_be(page.digest.data()));
    pages[i].setDigestLow(load_be(page.digest.data() + 8));
  }
  builder.setDigest(capnp::Data::Reader(stream.digest.data(), stream.digest.size()));
  auto columns = builder.initColumns(static_cast<unsigned>(summed_columns(stream)));
  for (unsigned i = 0; i < columns.size(); ++i) {
    columns[i].setRawBytes(stream.columns[i].raw_bytes);
    columns[i].setStoredBytes(stream.columns[i].stored_bytes);
  }
  if (stream.stream.is_network()) {
    builder.setFramesDelivered(stream.network.frames_delivered);
    builder.setFramesDropped(stream.network.frames_dropped);
  } else {
    build_statistics(builder.initGuest(), stream);
  }
}

std::string read_statistics(schema::GuestStatistics::Reader reader, StreamSummary& stream) {
  GuestStatistics& guest = stream.guest;
  guest.frames_sent = reader.getFramesSent();
  guest.frames_received = reader.getFramesReceived();
  guest.bytes_sent = reader.getBytesSent();
  guest.bytes_received = reader.getBytesReceived();
  const auto reads = reader.getClockReads();
  for (unsigned i = 0; i < reads.size(); ++i) {
    if (i < kClockSourceCount) {
      guest.clock_reads[i] = reads[i];
    } else if (reads[i] != 0) {
      return "clock sources that this program does not know";
    }
  }
  guest.console_bytes = reader.getConsoleBytes();
  guest.console_input_bytes = reader.getConsoleInputBytes();
  if (guest.console_input_bytes > guest.console_bytes) {
    return "more console input than console bytes";
  }
  guest.first.ns = reader.getFirstNs();
  guest.last.ns = reader.getLastNs();
  guest.ended = reader.getEnded();
  if (reader.getEndReason() > static_cast<uint8_t>(kLastEndReason)) {
    return "an end reason that this program does not know";
  }
  guest.end_reason = static_cast<EndReason>(reader.getEndReason());
  if (guest.first.ns < 0 || guest.last < guest.first) {
    return "times that are not in order";
  }
  stream.deliveries_implied = reader.getDeliveriesImplied();
  return "";
}

std::string read_pages(schema::StreamSummary::Reader reader, uint64_t file_bytes, StreamSummary& stream) {
  const auto pages = reader.getPages();
  if (pages.size() != (stream.chunks + kChunksPerPage - 1) / kChunksPerPage) {
    return fmt::format("{} pages for {} chunks", pages.size(), stream.chunks);
  }
  std::vector<Digest> digests;
  uint64_t left = stream.chunks;
  for (const auto entry : pages) {
    PageRecord page{entry.getOffset(),    entry.getStoredSize(), entry.getChunks(),
                    {entry.getFirstNs()}, {entry.getLastNs()},   entry.getFramesSentBefore()};
    store_be(page.digest.data(), entry.getDigestHigh());
    store_be(page.digest.data() + 8, entry.getDigestLow());
    if (page.chunks != std::min<uint64_t>(left, kChunksPerPage)) {
      return "a page that does not hold as many chunks as it should";
    }
    left -= page.chunks;
    const VirtualTime earliest = stream.pages.empty() ? VirtualTime{} : stream.pages.back().last;
    const uint64_t sent = stream.pages.empty() ? 0 : stream.pages.back().frames_sent_before;
    if (page.first < earliest || page.last < page.first || page.frames_sent_before < sent) {
      return "pages that are not in order";
    }
    if (page.stored_size > kMaxStoredBytes || page.offset > file_bytes || file_bytes - page.offset < kChunkHeaderBytes + page.stored_size) {
      return "a page beyond the end of the file";
    }
    digests.push_back(page.digest);
    stream.pages.push_back(page);
  }
  const auto digest = reader.getDigest();
  stream.digest = digest_of_digests(digests);
  return std::equal(digest.begin(), digest.end(), stream.digest.begin(), stream.digest.end()) ? "" : "the digest is not that of its pages";
}

std::string read_summary(schema::StreamSummary::Reader reader, uint64_t file_bytes, StreamSummary& stream) {
  stream.chunks = reader.getChunks();
  if (stream.chunks > file_bytes) {
    return "more chunks than the file can hold";
  }
  if (std::string wrong = read_pages(reader, file_bytes, stream); !wrong.empty()) {
    return wrong;
  }
  const auto columns = reader.getColumns();
  const bool network = stream.stream.is_network();
  if (network ? columns.size() != kNetworkColumnCount
              : columns.size() != kGuestColumnsWithoutInput && columns.size() != size_t{kGuestColumnCount}) {
    return fmt::format("sizes of {} columns", columns.size());
  }
  for (unsigned i = 0; i < columns.size(); ++i) {
    stream.columns[i] = {columns[i].getRawBytes(), columns[i].getStoredBytes()};
  }
  if (stream.stream.is_network()) {
    stream.network = {reader.getFramesDelivered(), reader.getFramesDropped()};
    return "";
  }
  return read_statistics(reader.getGuest(), stream);
}

std::string read_root(schema::Root::Reader reader, const RunInfo& run, uint64_t file_bytes, Root& root) {
  const auto guests = reader.getGuests();
  if (guests.size() != run.guests.size()) {
    return fmt::format("{} streams for {} guests", guests.size(), run.guests.size());
  }
  root.guests.resize(guests.size());
  for (uint32_t i = 0; i < guests.size(); ++i) {
    root.guests[i].stream = StreamId{i};
    if (std::string wrong = read_summary(guests[i], file_bytes, root.guests[i]); !wrong.empty()) {
      return fmt::format("guest {}: {}", i, wrong);
    }
    const bool has_stream = root.guests[i].chunks != 0;
    if (has_stream == run.guests[i].omitted) {
      return fmt::format("guest {}: {}", i, has_stream ? "a stream, though it is left out" : "no stream, though it is not left out");
    }
    if (run.partial && root.guests[i].deliveries_implied) {
      return fmt::format("guest {}: implied deliveries in a part of a run, which may not say when a frame was sent", i);
    }
  }
  if (std::string wrong = read_summary(reader.getNetwork(), file_bytes, root.network); !wrong.empty()) {
    return "network: " + wrong;
  }
  for (const uint64_t offset : reader.getKept()) {
    const uint64_t earliest = root.kept.empty() ? kFileHeaderBytes : root.kept.back() + kChunkHeaderBytes;
    if (offset < earliest || offset > file_bytes || file_bytes - offset < kChunkHeaderBytes) {
      return "kept chunks that are not in order, or beyond the end of the file";
    }
    root.kept.push_back(offset);
  }
  return "";
}

}  // namespace

Result<std::vector<uint8_t>> StreamIndexer::take_page(uint64_t offset) {
  CHECK(!page_.empty());
  capnp::MallocMessageBuilder message(1u << 13);
  auto chunks = message.initRoot<schema::Page>().initChunks(static_cast<unsigned>(page_.size()));
  std::vector<Digest> digests;
  for (unsigned i = 0; i < chunks.size(); ++i) {
    build_chunk(chunks[i], page_[i]);
    digests.push_back(page_[i].digest);
  }
  ASSIGN_OR_RETURN(std::vector<uint8_t> stored,
                   pack_message(ChunkKind::kPage, summary_.stream, summary_.pages.size(), message_words(message)));
  summary_.pages.push_back({offset, static_cast<uint32_t>(stored.size() - kChunkHeaderBytes), static_cast<uint32_t>(page_.size()),
                            page_.front().header.first, page_.back().header.last, page_.front().header.before.frames_sent,
                            digest_of_digests(digests)});
  page_.clear();
  return stored;
}

Result<std::vector<ChunkRecord>> unpack_page(ByteView stored, const StreamSummary& stream, size_t number, uint64_t file_bytes) {
  ASSIGN_OR_RETURN(const std::vector<uint64_t> words, unpack_message(stored, ChunkKind::kPage, stream.stream, number));
  const PageRecord& page = stream.pages[number];
  std::vector<ChunkRecord> records;
  std::vector<Digest> digests;
  const std::string wrong = read_message_root<schema::Page>(words, [&](schema::Page::Reader root) -> std::string {
    const auto chunks = root.getChunks();
    if (chunks.size() != page.chunks) {
      return fmt::format("{} chunks, not {}", chunks.size(), page.chunks);
    }
    for (const auto entry : chunks) {
      const ChunkRecord record = read_chunk(entry, stream.stream, number * kChunksPerPage + records.size());
      if (!records.empty()) {
        if (std::string error = continuity_error(&records.back().header, record.header); !error.empty()) {
          return error;
        }
      }
      const ChunkHeader& header = record.header;
      if (entry.getEnds() > 1 || header.first.ns < 0 || header.last < header.first || header.raw_size > kMaxChunkRawBytes ||
          header.stored_size > kMaxStoredBytes || record.offset > file_bytes ||
          file_bytes - record.offset < kChunkHeaderBytes + header.stored_size) {
        return fmt::format("chunk {}: mark, times, sizes or place out of range", header.sequence);
      }
      digests.push_back(record.digest);
      records.push_back(record);
    }
    return records.front().header.first == page.first && records.back().header.last == page.last &&
                   records.front().header.before.frames_sent == page.frames_sent_before && digest_of_digests(digests) == page.digest
               ? ""
               : "it is not the page that the root describes";
  });
  if (!wrong.empty()) {
    return bad_trace(wrong);
  }
  return records;
}

Result<std::vector<uint8_t>> pack_root(const Root& root) {
  capnp::MallocMessageBuilder message(1u << 12);
  auto builder = message.initRoot<schema::Root>();
  auto guests = builder.initGuests(static_cast<unsigned>(root.guests.size()));
  for (unsigned i = 0; i < guests.size(); ++i) {
    build_summary(guests[i], root.guests[i]);
  }
  build_summary(builder.initNetwork(), root.network);
  auto kept = builder.initKept(static_cast<unsigned>(root.kept.size()));
  for (unsigned i = 0; i < kept.size(); ++i) {
    kept.set(i, root.kept[i]);
  }
  return pack_message(ChunkKind::kRoot, StreamId::network(), 0, message_words(message));
}

Result<Root> unpack_root(ByteView stored, const RunInfo& run, uint64_t file_bytes) {
  ASSIGN_OR_RETURN(const std::vector<uint64_t> words, unpack_message(stored, ChunkKind::kRoot, StreamId::network()));
  Root root;
  const std::string wrong =
      read_message_root<schema::Root>(words, [&](schema::Root::Reader reader) { return read_root(reader, run, file_bytes, root); });
  if (!wrong.empty()) {
    return bad_trace(wrong);
  }
  return root;
}

}  // namespace reprise
