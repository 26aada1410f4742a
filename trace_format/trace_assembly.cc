#include "trace_format/trace_assembly.h"

#include "trace_format/run_info_codec.h"

namespace reprise {

Result<TraceAssembly> TraceAssembly::begin(ByteSink& sink, const RunInfo& run) {
  ASSIGN_OR_RETURN(std::vector<uint8_t> run_chunk, pack_run_info(run));
  TraceAssembly assembly(sink, std::move(run_chunk));
  assembly.root_.guests.reserve(run.guests.size());
  RETURN_IF_ERROR(assembly.write(encode_file_header(FileKind::kTrace, StreamId::network())));
  RETURN_IF_ERROR(assembly.write(assembly.run_chunk_));
  return assembly;
}

Status TraceAssembly::write(ByteView bytes) {
  RETURN_IF_ERROR(sink_->write(bytes));
  offset_ += bytes.size();
  return {};
}

void TraceAssembly::begin_stream(StreamId stream) {
  CHECK(!open_.has_value() && (stream.is_network() || stream.value == root_.guests.size()));
  open_.emplace(stream);
  last_.reset();
}

Status TraceAssembly::add(const LoadedChunk& chunk, ByteView stored) {
  CHECK(open_.has_value() && continuity_error(last_ ? &*last_ : nullptr, chunk.header).empty());
  last_ = chunk.header;
  open_->add(chunk, offset_);
  RETURN_IF_ERROR(write(stored));
  return open_->page_full() ? write_page() : Status{};
}

Status TraceAssembly::write_page() {
  ASSIGN_OR_RETURN(const std::vector<uint8_t> page, open_->take_page(offset_));
  return write(page);
}

Status TraceAssembly::end_stream() {
  CHECK(open_.has_value());
  if (!open_->page_empty()) {
    RETURN_IF_ERROR(write_page());
  }
  StreamSummary summary = open_->finish();
  open_.reset();
  if (summary.stream.is_network()) {
    root_.network = std::move(summary);
  } else {
    root_.guests.push_back(std::move(summary));
  }
  return {};
}

Status TraceAssembly::keep(ByteView stored) {
  root_.kept.push_back(offset_);
  return write(stored);
}

Status TraceAssembly::finish() {
  CHECK(!open_.has_value());
  Trailer trailer;
  trailer.run_offset = offset_;
  RETURN_IF_ERROR(write(run_chunk_));
  trailer.root_offset = offset_;
  ASSIGN_OR_RETURN(const std::vector<uint8_t> root, pack_root(root_));
  RETURN_IF_ERROR(write(root));
  RETURN_IF_ERROR(write(encode_trailer(trailer, offset_ + kTrailerBytes)));
  RETURN_IF_ERROR(sink_->sync());
  return sink_->close();
}

}  // namespace reprise
