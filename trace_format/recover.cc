#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <system_error>
#include <vector>

#include "trace_format/guest_columns.h"
#include "trace_format/join.h"
#include "trace_format/network_columns.h"
#include "trace_format/run_info_file.h"
#include "trace_format/stream_file.h"
#include "trace_format/trace_writer.h"

namespace reprise {
namespace {

namespace fs = std::filesystem;

/// What is left of a stream: its chunks up to the first that is missing, cut off or damaged.
class Remains {
 public:
  Remains(const fs::path& directory, StreamId stream) {
    if (auto file = StreamFile::open(directory, stream); file.ok()) {
      file_.emplace(std::move(*file));
    }
  }
  /// False at the end of what can be trusted.
  [[nodiscard]] bool next(LoadedChunk& chunk) {
    if (!file_) {
      return false;
    }
    const Result<bool> more = file_->next(chunk);
    return more.ok() && *more;
  }

 private:
  std::optional<StreamFile> file_;
};

/// How far a stream goes.
struct Extent {
  VirtualTime end;         ///< of its last sealed event
  bool by_itself = false;  ///< the guest ended; nothing is missing
};

Extent extent_of(const fs::path& directory, StreamId stream) {
  Remains remains(directory, stream);
  LoadedChunk chunk;
  Extent extent;
  while (remains.next(chunk)) {
    extent.end = chunk.header.last;
    extent.by_itself = chunk.header.ends && (stream.is_network() || chunk.guest.end_reason != EndReason::kAborted);
  }
  return extent;
}

/// Copies the events before `cut`. The stream ends as it did, or at `cut`.
Status copy_guest(const fs::path& from, const fs::path& to, StreamId stream, VirtualTime cut) {
  Remains remains(from, stream);
  ASSIGN_OR_RETURN(const auto writer, create_stream(to, stream));
  LoadedChunk chunk;
  GuestDecoder decoder;
  GuestEvent event;
  while (remains.next(chunk)) {
    decoder.start(chunk.columns, chunk.header.first);
    while (decoder.next(event)) {
      if (event.at >= cut) {
        return writer->finish(cut, EndReason::kAborted);
      }
      switch (event.kind) {
        case EventKind::kClockRead:
          writer->append_clock_read(event.at, event.source, event.value);
          break;
        case EventKind::kFrameSent:
          writer->append_frame_sent(event.at, event.payload);
          break;
        case EventKind::kFrameReceived:
          writer->append_frame_received(event.at, event.sender, event.sender_frame, 1);
          break;
        case EventKind::kConsoleByte:
          writer->append_console_byte(event.at, event.byte);
          break;
        case EventKind::kEnd:
          return writer->finish(event.at, event.reason);
      }
    }
  }
  return writer->finish(cut, EndReason::kAborted);
}

Status copy_network(const fs::path& from, const fs::path& to, VirtualTime cut) {
  Remains remains(from, StreamId::network());
  ASSIGN_OR_RETURN(const auto writer, create_stream(to, StreamId::network()));
  LoadedChunk chunk;
  NetworkDecoder decoder;
  NetworkEvent event;
  while (remains.next(chunk)) {
    decoder.start(chunk.columns, chunk.header.first);
    while (decoder.next(event) && event.at < cut) {
      writer->append_network(event);
    }
  }
  return writer->finish(VirtualTime{}, EndReason::kAborted);
}

Status recover_into(const fs::path& directory, RunInfo run, const fs::path& work, const fs::path& output) {
  // Events at the cut itself go: a stream that ends there may have lost others of the same time.
  VirtualTime cut = VirtualTime::never();
  for (uint32_t i = 0; i < run.guests.size(); ++i) {
    const Extent extent = extent_of(directory, StreamId{i});
    if (!extent.by_itself) {
      cut = std::min(cut, extent.end);
    }
  }
  run.complete = cut == VirtualTime::never() && extent_of(directory, StreamId::network()).by_itself;
  RETURN_IF_ERROR(copy_network(directory, work, cut));
  for (uint32_t i = 0; i < run.guests.size(); ++i) {
    RETURN_IF_ERROR(copy_guest(directory, work, StreamId{i}, cut));
  }
  OutputOptions options;
  options.verify = true;
  return join_to(work, run, output, options);
}

}  // namespace

Status recover_run(const fs::path& directory, const fs::path& output) {
  auto run = load_run_info(directory);
  if (!run.ok()) {
    return Error{ErrorKind::kBadTrace, fmt::format("{}: cannot recover: {}", directory.string(), run.error().message)};
  }
  const fs::path work = output.string() + ".recovering";
  std::error_code code;
  if (!fs::create_directory(work, code)) {
    return Error{ErrorKind::kRunFailed, fmt::format("{}: cannot create the folder: {}", work.string(),
                                                    code ? code.message() : "it is there already; remove it if no recovery is running")};
  }
  Status status = recover_into(directory, std::move(*run), work, output);
  fs::remove_all(work, code);
  return status;
}

}  // namespace reprise
