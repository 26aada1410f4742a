#include "trace_format/stream_file.h"

#include <fmt/format.h>

namespace reprise {

Result<StreamFile> StreamFile::open(const std::filesystem::path& directory, StreamId stream) {
  ASSIGN_OR_RETURN(auto source, open_file(directory / stream_file_name(stream)));
  RETURN_IF_ERROR(check_file_header(*source, FileKind::kStream, stream));
  return StreamFile(std::move(source), stream);
}

Result<bool> StreamFile::next(LoadedChunk& chunk) {
  if (offset_ == source_->size()) {
    return false;
  }
  RETURN_IF_ERROR(loader_->load(*source_, offset_, source_->size(), chunk));
  const auto place = [&](const std::string& what) {
    return Error{ErrorKind::kBadTrace, fmt::format("{}: chunk at byte {}: {}", source_->name(), offset_, what)};
  };
  if (chunk.header.stream != stream_) {
    return place(fmt::format("belongs to {}", stream_name(chunk.header.stream)));
  }
  if (const std::string wrong = continuity_error(last_ ? &*last_ : nullptr, chunk.header); !wrong.empty()) {
    return place(wrong);
  }
  last_ = chunk.header;
  offset_ += loader_->stored().size();
  return true;
}

}  // namespace reprise
