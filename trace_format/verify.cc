#include "trace_format/verify.h"

#include <fmt/format.h>

#include "trace_format/footer.h"
#include "trace_format/guest_cursor.h"
#include "trace_format/trace_reader.h"

namespace reprise {
namespace {

Status verify_stream(const ByteSource& source, const StreamIndex& stream, ChunkLoader& loader, LoadedChunk& chunk) {
  StreamIndex rebuilt;
  for (const ChunkRecord& record : stream.chunks) {
    RETURN_IF_ERROR(load_indexed(source, record, loader, chunk));
    add_chunk(rebuilt, chunk, record.offset);
  }
  if (!stream.stream.is_network() && rebuilt.guest != stream.guest) {
    return Error{ErrorKind::kBadTrace,
                 fmt::format("{}: the footer's statistics of {} are not those of its events", source.name(), stream_name(stream.stream))};
  }
  return {};
}

Status verify_payloads(TraceReader& reader, GuestIndex guest) {
  if (reader.guest_statistics(guest).frames_received == 0) {
    return {};
  }
  const auto cursor = reader.guest_events(guest);
  GuestEvent event;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, cursor->next(event));
    if (!more) {
      return {};
    }
  }
}

}  // namespace

Status verify_trace(const std::filesystem::path& path) {
  ASSIGN_OR_RETURN(const auto source, open_file(path));
  ASSIGN_OR_RETURN(const auto footer, read_footer(*source, FileKind::kTrace));
  ChunkLoader loader;
  LoadedChunk chunk;
  for (const StreamIndex& stream : footer.streams) {
    RETURN_IF_ERROR(verify_stream(*source, stream, loader, chunk));
  }
  ASSIGN_OR_RETURN(const auto reader, TraceReader::open(path));
  for (uint32_t i = 0; i < footer.run.guests.size(); ++i) {
    RETURN_IF_ERROR(verify_payloads(*reader, GuestIndex{i}));
  }
  return {};
}

}  // namespace reprise
