#include "trace_format/recover_trace.h"

#include <fmt/format.h>

#include <memory>
#include <optional>
#include <set>
#include <system_error>
#include <vector>

#include "trace_format/encrypted_io.h"
#include "trace_format/guest_columns.h"
#include "trace_format/index.h"
#include "trace_format/kept_chunks.h"
#include "trace_format/network_columns.h"
#include "trace_format/run_info_codec.h"
#include "trace_format/stream_file.h"
#include "trace_format/stream_recovery.h"

namespace reprise {
namespace {

namespace fs = std::filesystem;

/// Writes the chunks of each stream that follow one another from the first on into stream files, and those of no stream into theirs. Keeps
/// one stream file open: a trace's chunks come stream after stream. What goes on with a stream after another one began is no trace's, and
/// is left out.
class StreamSplitter {
 public:
  /// Encrypted for `recipients`, if any.
  StreamSplitter(fs::path folder, std::vector<AgeRecipient> recipients) : folder_(std::move(folder)), recipients_(std::move(recipients)) {}

  Status add(const ChunkHeader& header, ByteView stored) {
    if (header.kind == ChunkKind::kRun && !run_.has_value()) {
      if (Result<RunInfo> run = unpack_run_info(stored); run.ok()) {
        run_ = std::move(*run);
      }
      return {};
    }
    if (header.kind == ChunkKind::kRoot) {
      root_.assign(stored.begin(), stored.end());
    }
    if (!is_known(header.kind)) {
      return keep(stored);
    }
    if (header.kind != ChunkKind::kGuest && header.kind != ChunkKind::kNetwork) {
      return {};
    }
    return add_to_stream(header, stored);
  }

  Result<RunInfo> finish() {
    RETURN_IF_ERROR(close_stream());
    if (kept_ != nullptr) {
      RETURN_IF_ERROR(kept_->close());
    }
    if (!run_.has_value()) {
      return Error{ErrorKind::kBadTrace, "it has no sound run information at either end"};
    }
    return *run_;
  }

  /// The trace's root, if it is sound. Requires that finish() succeeded.
  [[nodiscard]] std::optional<Root> root(uint64_t file_bytes) const {
    Result<Root> root = root_.empty() ? Result<Root>(Error{ErrorKind::kBadTrace, {}}) : unpack_root(root_, *run_, file_bytes);
    return root.ok() ? std::optional(std::move(*root)) : std::nullopt;
  }

 private:
  Status add_to_stream(const ChunkHeader& header, ByteView stored) {
    const bool goes_on = last_ && last_->stream == header.stream;
    if (!continuity_error(goes_on ? &*last_ : nullptr, header).empty()) {
      return {};  // something is missing before it
    }
    if (!goes_on) {
      if (!begun_.insert(header.stream.value).second) {
        return {};
      }
      RETURN_IF_ERROR(close_stream());
      ASSIGN_OR_RETURN(stream_, create_output(folder_ / stream_file_name(header.stream), recipients_));
      RETURN_IF_ERROR(stream_->write(encode_file_header(FileKind::kStream, header.stream)));
    }
    last_ = header;
    return stream_->write(stored);
  }
  Status close_stream() {
    const std::unique_ptr<ByteSink> stream = std::move(stream_);
    return stream == nullptr ? Status{} : stream->close();
  }
  Status keep(ByteView stored) {
    if (kept_ == nullptr) {
      ASSIGN_OR_RETURN(kept_, create_kept_chunks(folder_, recipients_));
    }
    return kept_->write(stored);
  }

  fs::path folder_;
  std::vector<AgeRecipient> recipients_;
  std::unique_ptr<ByteSink> kept_;
  std::unique_ptr<ByteSink> stream_;  ///< of last_
  std::optional<ChunkHeader> last_;   ///< the last chunk that was taken
  std::set<uint32_t> begun_;
  std::optional<RunInfo> run_;
  std::vector<uint8_t> root_;
};

struct FirstReception {
  GuestIndex sender;
  SeqNo frame;
};

std::optional<FirstReception> first_reception(const fs::path& folder, const std::vector<AgeIdentity>& identities, GuestIndex guest) {
  UnfinishedStream stream(folder, StreamId::guest(guest), identities);
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

/// Of which guests the network's stream leaves the deliveries out, because receptions imply them, when there is no root to say so: if it
/// has no delivery of the first frame that a guest received, it has none of the others.
std::vector<bool> find_left_out(const fs::path& folder, const std::vector<AgeIdentity>& identities, size_t guests) {
  std::vector<std::optional<FirstReception>> first;
  std::vector<bool> left_out;
  for (uint32_t i = 0; i < guests; ++i) {
    first.push_back(first_reception(folder, identities, GuestIndex{i}));
    left_out.push_back(first.back().has_value());
  }
  UnfinishedStream stream(folder, StreamId::network(), identities);
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

Result<ScanResult> recover_in(const fs::path& trace, const fs::path& work, const fs::path& output, const FileKeys& keys) {
  ASSIGN_OR_RETURN(const auto source, open_damaged_input(trace, keys.identities));
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
  // What goes to the disk on the way is as secret as the output.
  const std::vector<AgeIdentity> own = {generate_age_identity()};
  StreamSplitter streams(found, keys.recipients.empty() ? keys.recipients : std::vector{recipient_of(own.front())});
  ASSIGN_OR_RETURN(const ScanResult scan,
                   scan_chunks(*source, [&](const ChunkHeader& header, ByteView stored) { return streams.add(header, stored); }));
  Result<RunInfo> run = streams.finish();
  if (!run.ok()) {
    return Error{run.error().kind, fmt::format("{}: cannot recover: {}", trace.string(), run.error().message)};
  }
  if (run->partial) {
    return Error{ErrorKind::kUsage, fmt::format("{}: a part of a run: recover the trace that it was made from", trace.string())};
  }
  std::vector<bool> left_out;
  if (const auto root = streams.root(source->size()); root.has_value()) {
    for (const StreamSummary& guest : root->guests) {
      left_out.push_back(guest.deliveries_implied);
    }
  } else {
    left_out = find_left_out(found, own, run->guests.size());
  }
  RETURN_IF_ERROR(recover_streams(found, *run, kept, output, {own, keys.recipients}, left_out));
  return scan;
}

}  // namespace

Result<ScanResult> recover_trace(const fs::path& trace, const fs::path& output, const FileKeys& keys) {
  const fs::path work = output.string() + ".recovering";
  std::error_code code;
  if (!fs::create_directory(work, code)) {
    return Error{ErrorKind::kRunFailed, fmt::format("{}: cannot create the folder: {}", work.string(),
                                                    code ? code.message() : "it is there already; remove it if no recovery is running")};
  }
  Result<ScanResult> result = recover_in(trace, work, output, keys);
  fs::remove_all(work, code);
  return result;
}

}  // namespace reprise
