#include "trace_format/rewrite.h"

#include <fmt/format.h>

#include <system_error>
#include <vector>

#include "trace_format/kept_chunks.h"
#include "trace_format/trace_writer.h"

namespace reprise {
namespace {

namespace fs = std::filesystem;

/// Appends `event`; true if it was the end.
Result<bool> append(StreamWriter& writer, const GuestEvent& event, EventKind kind, ByteView payload) {
  switch (kind) {
    case EventKind::kClockRead:
      writer.append_clock_read(event.at, event.source, event.value);
      return false;
    case EventKind::kFrameSent:
      writer.append_frame_sent(event.at, payload);
      return false;
    case EventKind::kFrameReceived:
      writer.append_frame_received(event.at, event.sender, event.sender_frame, static_cast<uint32_t>(payload.size()));
      return false;
    case EventKind::kConsoleByte:
      writer.append_console_byte(event.at, event.byte);
      return false;
    case EventKind::kConsoleInput:
      writer.append_console_input(event.at, event.byte);
      return false;
    case EventKind::kEnd:
      RETURN_IF_ERROR(writer.finish(event.at, event.reason));
      return true;
  }
  return false;
}

Status rewrite_guest(TraceReader& trace, const fs::path& directory, GuestIndex guest, const EventEdit& edit, const StreamOptions& options) {
  ASSIGN_OR_RETURN(const auto writer, create_stream(directory, StreamId::guest(guest), options));
  const auto cursor = trace.guest_events(guest);
  std::vector<uint8_t> payload;
  VirtualTime last;
  GuestEvent event;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, cursor->next(event));
    if (!more) {
      return writer->status();
    }
    const EventKind kind = event.kind;
    payload.assign(event.payload.begin(), event.payload.end());
    edit(guest, event, kind == EventKind::kFrameSent ? std::span<uint8_t>(payload) : std::span<uint8_t>());
    if (event.at < last) {
      return Error{ErrorKind::kUsage, fmt::format("guest {}: an event was moved to {} ns, before the event at {} ns that precedes it",
                                                  guest.value, event.at.ns, last.ns)};
    }
    last = event.at;
    ASSIGN_OR_RETURN(const bool ended, append(*writer, event, kind, payload));
    if (ended) {
      return {};
    }
  }
}

Status rewrite_network(TraceReader& trace, const fs::path& directory, const StreamOptions& options) {
  ASSIGN_OR_RETURN(const auto writer, create_stream(directory, StreamId::network(), options));
  const auto cursor = trace.network_events();
  NetworkEvent event;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, cursor->next(event));
    if (!more) {
      return writer->finish(VirtualTime{}, EndReason::kUntil);
    }
    writer->append_network(event);
  }
}

Status rewrite_into(TraceReader& trace, const fs::path& directory, const fs::path& output, const EventEdit& edit,
                    const StreamOptions& options) {
  RETURN_IF_ERROR(rewrite_network(trace, directory, options));
  for (uint32_t i = 0; i < trace.run().guests.size(); ++i) {
    RETURN_IF_ERROR(rewrite_guest(trace, directory, GuestIndex{i}, edit, options));
  }
  ASSIGN_OR_RETURN(const auto kept, create_kept_chunks(directory, options.recipients));
  RETURN_IF_ERROR(trace.for_each_kept_chunk([&](const ChunkHeader&, ByteView stored) { return kept->write(stored); }));
  RETURN_IF_ERROR(kept->close());
  return join_streams(directory, trace.run(), output);
}

}  // namespace

Status rewrite_trace(TraceReader& trace, const fs::path& output, const EventEdit& edit, const StreamOptions& options) {
  const fs::path directory = output.string() + ".rewriting";
  std::error_code code;
  if (!fs::create_directory(directory, code)) {
    return Error{ErrorKind::kRunFailed, fmt::format("{}: cannot create the folder: {}", directory.string(),
                                                    code ? code.message() : "it is there already; remove it if no rewrite is running")};
  }
  Status status = rewrite_into(trace, directory, output, edit, options);
  if (!status.ok()) {
    fs::remove_all(directory, code);
  }
  return status;
}

}  // namespace reprise
