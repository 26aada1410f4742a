#include "trace_format/recover_trace.h"

#include <fmt/format.h>

#include <map>
#include <memory>
#include <optional>
#include <system_error>
#include <vector>

#include "trace_format/guest_columns.h"
#include "trace_format/network_columns.h"
#include "trace_format/run_info_codec.h"
#include "trace_format/stream_file.h"
#include "trace_format/stream_recovery.h"

namespace reprise {
namespace {

namespace fs = std::filesystem;

/// Writes the chunks of each stream that follow one another from the first on into stream files.
class StreamSplitter {
 public:
  explicit StreamSplitter(fs::path folder) : folder_(std::move(folder)) {}

  Status add(const ChunkHeader& header, ByteView stored) {
    if (header.kind == ChunkKind::kRun && !run_.has_value()) {
      if (Result<RunInfo> run = unpack_run_info(stored); run.ok()) {
        run_ = std::move(*run);
      }
      return {};
    }
    if (header.kind != ChunkKind::kGuest && header.kind != ChunkKind::kNetwork) {
      return {};
    }
    Stream& stream = streams_[header.stream.value];
    if (!continuity_error(stream.last ? &*stream.last : nullptr, header).empty()) {
      return {};  // something is missing before it
    }
    if (stream.file == nullptr) {
      ASSIGN_OR_RETURN(stream.file, create_file(folder_ / stream_file_name(header.stream)));
      RETURN_IF_ERROR(stream.file->write(encode_file_header(FileKind::kStream, header.stream)));
    }
    stream.last = header;
    return stream.file->write(stored);
  }

  Result<RunInfo> finish() {
    for (auto& [number, stream] : streams_) {
      if (stream.file != nullptr) {  // its first chunk is there
        RETURN_IF_ERROR(stream.file->close());
      }
    }
    if (!run_.has_value()) {
      return Error{ErrorKind::kBadTrace, "it has no sound run information at either end"};
    }
    return *run_;
  }

 private:
  struct Stream {
    std::unique_ptr<ByteSink> file;
    std::optional<ChunkHeader> last;
  };
  fs::path folder_;
  std::map<uint32_t, Stream> streams_;
  std::optional<RunInfo> run_;
};

struct FirstReception {
  GuestIndex sender;
  SeqNo frame;
};

std::optional<FirstReception> first_reception(const fs::path& folder, GuestIndex guest) {
  UnfinishedStream stream(folder, StreamId::guest(guest));
  LoadedChunk chunk;
  GuestDecoder decoder;
  while (stream.next(chunk)) {
    decoder.start(chunk.columns, chunk.header.first);
    while (chunk.header.frames_received != 0 && decoder.load_piece()) {
      if (decoder.piece_kind() == EventKind::kFrameReceived) {
        return FirstReception{decoder.piece_sender(), decoder.piece_sender_frame()};
      }
      decoder.skip_piece();
    }
  }
  return std::nullopt;
}

/// Of which guests the network's stream leaves the deliveries out, because receptions imply them. The root said so; if the stream has no
/// delivery of the first frame that a guest received, it has none of the others.
std::vector<bool> find_left_out(const fs::path& folder, size_t guests) {
  std::vector<std::optional<FirstReception>> first;
  std::vector<bool> left_out;
  for (uint32_t i = 0; i < guests; ++i) {
    first.push_back(first_reception(folder, GuestIndex{i}));
    left_out.push_back(first.back().has_value());
  }
  UnfinishedStream stream(folder, StreamId::network());
  LoadedChunk chunk;
  NetworkDecoder decoder;
  NetworkEvent event;
  while (stream.next(chunk)) {
    decoder.start(chunk.columns, chunk.header.first);
    while (decoder.next(event)) {
      const uint32_t receiver = event.receiver.value;
      if (event.kind == NetworkEvent::Kind::kDelivered && receiver < guests && first[receiver].has_value() &&
          first[receiver]->sender == event.sender && first[receiver]->frame == event.sender_frame) {
        left_out[receiver] = false;
      }
    }
  }
  return left_out;
}

Result<ScanResult> recover_in(const fs::path& trace, const fs::path& work, const fs::path& output) {
  ASSIGN_OR_RETURN(const auto source, open_file(trace));
  // A header that is sound may say that this is no trace of ours to read; a damaged one says nothing.
  if (const Status header = check_file_header(*source, FileKind::kTrace, StreamId::network());
      !header.ok() && has_sound_file_header(*source)) {
    return header.error();
  }
  const fs::path found = work / "found";
  const fs::path kept = work / "kept";
  for (const fs::path& folder : {found, kept}) {
    std::error_code code;
    if (!fs::create_directory(folder, code)) {
      return Error{ErrorKind::kRunFailed, fmt::format("{}: cannot create the folder: {}", folder.string(), code.message())};
    }
  }
  StreamSplitter streams(found);
  ASSIGN_OR_RETURN(const ScanResult scan,
                   scan_chunks(*source, [&](const ChunkHeader& header, ByteView stored) { return streams.add(header, stored); }));
  Result<RunInfo> run = streams.finish();
  if (!run.ok()) {
    return Error{run.error().kind, fmt::format("{}: cannot recover: {}", trace.string(), run.error().message)};
  }
  if (run->partial) {
    return Error{ErrorKind::kUsage, fmt::format("{}: a part of a run: recover the trace that it was made from", trace.string())};
  }
  RETURN_IF_ERROR(recover_streams(found, *run, kept, output, find_left_out(found, run->guests.size())));
  return scan;
}

}  // namespace

Result<ScanResult> recover_trace(const fs::path& trace, const fs::path& output) {
  const fs::path work = output.string() + ".recovering";
  std::error_code code;
  if (!fs::create_directory(work, code)) {
    return Error{ErrorKind::kRunFailed, fmt::format("{}: cannot create the folder: {}", work.string(),
                                                    code ? code.message() : "it is there already; remove it if no recovery is running")};
  }
  Result<ScanResult> result = recover_in(trace, work, output);
  fs::remove_all(work, code);
  return result;
}

}  // namespace reprise
