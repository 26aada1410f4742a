#include "trace_format/join.h"

#include <fmt/format.h>

#include <system_error>

#include "trace_format/delivery_sequence.h"
#include "trace_format/guest_columns.h"
#include "trace_format/kept_chunks.h"
#include "trace_format/network_columns.h"
#include "trace_format/network_rows.h"
#include "trace_format/run_info_file.h"
#include "trace_format/stream_file.h"
#include "trace_format/trace_assembly.h"
#include "trace_format/trace_writer.h"

namespace reprise {
namespace {

namespace fs = std::filesystem;

Error disk_error(const fs::path& path, const char* what, const std::error_code& code) {
  return Error{ErrorKind::kRunFailed, fmt::format("{}: {}: {}", path.string(), what, code.message())};
}

Error without_end(const StreamFile& file, const fs::path& directory) {
  return Error{ErrorKind::kBadTrace,
               fmt::format("{}: the stream has no end: its writer was killed; `reprise recover {}` makes a trace of what is there",
                           file.name(), directory.string())};
}

/// The streams of a run, and what opens them.
struct Streams {
  const fs::path& directory;
  const std::vector<AgeIdentity>& identities;
};

Result<StreamFile> open_stream(const Streams& streams, StreamId stream) {
  auto file = StreamFile::open(streams.directory, stream, streams.identities);
  if (!file.ok()) {
    return Error{ErrorKind::kBadTrace, file.error().message};
  }
  return file;
}

void add_receptions(const LoadedChunk& chunk, DeliverySequence& receptions) {
  if (chunk.header.frames_received == 0) {
    return;
  }
  GuestDecoder decoder;
  decoder.start(chunk.columns, chunk.header.first);
  while (decoder.load_piece()) {
    const bool received = decoder.piece_kind() == EventKind::kFrameReceived;
    decoder.skip_piece();
    if (received) {
      receptions.add(decoder.at(), decoder.piece_sender(), decoder.piece_sender_frame());
    }
  }
}

/// Copies the chunks of a guest's stream, checking each on the way.
Status copy_guest(const Streams& streams, StreamId stream, TraceAssembly& trace, DeliverySequence& receptions) {
  ASSIGN_OR_RETURN(auto file, open_stream(streams, stream));
  trace.begin_stream(stream);
  LoadedChunk chunk;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, file.next(chunk));
    if (!more) {
      break;
    }
    RETURN_IF_ERROR(trace.add(chunk, file.stored()));
    add_receptions(chunk, receptions);
  }
  if (!file.ended()) {
    return without_end(file, streams.directory);
  }
  return trace.end_stream();
}

/// Calls `row(event)` for each event of the network's stream.
template <typename Row>
Status for_each_row(const Streams& streams, Row row) {
  ASSIGN_OR_RETURN(auto file, open_stream(streams, StreamId::network()));
  LoadedChunk chunk;
  NetworkDecoder decoder;
  NetworkEvent event;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, file.next(chunk));
    if (!more) {
      return file.ended() ? Status{} : Status(without_end(file, streams.directory));
    }
    decoder.start(chunk.columns, chunk.header.first);
    while (decoder.next(event)) {
      RETURN_IF_ERROR(row(event));
    }
  }
}

bool is_delivery(const NetworkEvent& event, size_t guests) {
  return event.kind == NetworkEvent::Kind::kDelivered && event.receiver.value < guests;
}

/// For each guest, whether its receptions are, time for time and frame for frame, the first deliveries that the network made to it. Those
/// that come later reached a guest that had ended.
Result<std::vector<bool>> find_implied(const Streams& streams, const std::vector<DeliverySequence>& receptions,
                                       const std::vector<bool>& left_out) {
  std::vector<DeliverySequence> delivered(receptions.size());
  RETURN_IF_ERROR(for_each_row(streams, [&](const NetworkEvent& event) {
    if (is_delivery(event, receptions.size()) && delivered[event.receiver.value].count() < receptions[event.receiver.value].count()) {
      delivered[event.receiver.value].add(event.at, event.sender, event.sender_frame);
    }
    return Status{};
  }));
  std::vector<bool> implied(receptions.size());
  for (size_t i = 0; i < receptions.size(); ++i) {
    implied[i] = left_out[i] || delivered[i] == receptions[i];
  }
  return implied;
}

/// Writes the network's rows but those that the guests' receptions imply.
Status write_network(const Streams& streams, const std::vector<DeliverySequence>& receptions, const std::vector<bool>& implied,
                     const std::vector<bool>& left_out, TraceAssembly& trace) {
  trace.begin_stream(StreamId::network());
  NetworkRows rows(trace);
  NetworkStatistics statistics;
  for (size_t i = 0; i < receptions.size(); ++i) {
    statistics.frames_delivered += left_out[i] ? receptions[i].count() : 0;
  }
  std::vector<uint64_t> delivered(receptions.size());
  RETURN_IF_ERROR(for_each_row(streams, [&](const NetworkEvent& event) {
    ++(event.kind == NetworkEvent::Kind::kDelivered ? statistics.frames_delivered : statistics.frames_dropped);
    if (is_delivery(event, receptions.size())) {
      const uint32_t receiver = event.receiver.value;
      if (delivered[receiver]++ < receptions[receiver].count() && implied[receiver] && !left_out[receiver]) {
        return Status{};
      }
    }
    return rows.append(event);
  }));
  RETURN_IF_ERROR(rows.finish());
  RETURN_IF_ERROR(trace.end_stream());
  trace.set_network_statistics(statistics);
  return {};
}

Status write_trace(const Streams& streams, const RunInfo& run, std::vector<bool> left_out, ByteSink& sink) {
  left_out.resize(run.guests.size());
  ASSIGN_OR_RETURN(TraceAssembly trace, TraceAssembly::begin(sink, run));
  std::vector<DeliverySequence> receptions(run.guests.size());
  for (uint32_t i = 0; i < run.guests.size(); ++i) {
    RETURN_IF_ERROR(copy_guest(streams, StreamId{i}, trace, receptions[i]));
  }
  ASSIGN_OR_RETURN(const std::vector<bool> implied, find_implied(streams, receptions, left_out));
  for (uint32_t i = 0; i < run.guests.size(); ++i) {
    trace.set_deliveries_implied(GuestIndex{i}, implied[i]);
  }
  RETURN_IF_ERROR(write_network(streams, receptions, implied, left_out, trace));
  RETURN_IF_ERROR(for_each_kept_chunk(streams.directory, streams.identities, [&](ByteView stored) { return trace.keep(stored); }));
  return trace.finish();
}

}  // namespace

Status join_to(const fs::path& directory, const RunInfo& run, const fs::path& output, const OutputOptions& options,
               const std::vector<AgeIdentity>& identities, const std::vector<bool>& left_out) {
  return write_output(output, options, [&](ByteSink& sink) { return write_trace({directory, identities}, run, left_out, sink); });
}

Status remove_streams(const fs::path& directory, size_t guests) {
  std::vector<fs::path> names = {stream_file_name(StreamId::network()), run_info_file_name(), kept_chunks_file_name()};
  for (uint32_t i = 0; i < guests; ++i) {
    names.push_back(stream_file_name(StreamId{i}));
  }
  std::error_code code;
  for (const fs::path& name : names) {
    fs::remove(directory / name, code);
    if (code) {
      return disk_error(directory / name, "cannot remove", code);
    }
  }
  // A folder that holds something else is not ours to remove.
  fs::remove(directory, code);
  if (code && code != std::errc::directory_not_empty) {
    return disk_error(directory, "cannot remove", code);
  }
  return {};
}

Status join_streams(const fs::path& directory, const RunInfo& run, const fs::path& output, const FileKeys& keys) {
  OutputOptions options;
  options.recipients = keys.recipients;
  RETURN_IF_ERROR(join_to(directory, run, output, options, keys.identities));
  return remove_streams(directory, run.guests.size());
}

}  // namespace reprise
