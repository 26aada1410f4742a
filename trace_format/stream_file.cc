#include "trace_format/stream_file.h"

#include <fmt/format.h>

#include "trace_format/encrypted_io.h"

namespace reprise {

Result<StreamFile> StreamFile::open(const std::filesystem::path& directory, StreamId stream, const std::vector<AgeIdentity>& identities) {
  ASSIGN_OR_RETURN(auto source, open_input(directory / stream_file_name(stream), identities));
  return check(std::move(source), stream);
}

Result<StreamFile> StreamFile::open_unfinished(const std::filesystem::path& directory, StreamId stream,
                                               const std::vector<AgeIdentity>& identities) {
  ASSIGN_OR_RETURN(auto source, open_unfinished_input(directory / stream_file_name(stream), identities));
  return check(std::move(source), stream);
}

Result<StreamFile> StreamFile::check(std::unique_ptr<ByteSource> source, StreamId stream) {
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

UnfinishedStream::UnfinishedStream(std::filesystem::path directory, StreamId stream, std::vector<AgeIdentity> identities)
    : directory_(std::move(directory)), stream_(stream), identities_(std::move(identities)) {
  reopen();
}

void UnfinishedStream::reopen() {
  if (auto file = StreamFile::open_unfinished(directory_, stream_, identities_); !file.ok()) {
    damage_ = file.error().message;
  } else if (file_) {
    file_->go_on_in(std::move(*file));
  } else {
    file_.emplace(std::move(*file));
  }
  if (!log_) {
    if (auto log = LogReader::open(directory_ / log_file_name(stream_), stream_); log.ok()) {
      log_.emplace(std::move(*log));
    }
  }
}

bool UnfinishedStream::live() const {
  return log_ && log_->live();
}

bool UnfinishedStream::next(LoadedChunk& chunk) {
  if (last_ && last_->ends) {
    return false;
  }
  if (next_sealed(chunk)) {
    return true;
  }
  const Found found = next_logged(chunk);
  if (found != Found::kGone) {
    return found == Found::kChunk;
  }
  // Its slot was given to another chunk since we looked, so it is in the stream file now; or there is none.
  reopen();
  return next_sealed(chunk);
}

bool UnfinishedStream::next_sealed(LoadedChunk& chunk) {
  while (file_) {
    const Result<bool> more = file_->next(chunk);
    if (!more.ok()) {
      damage_ = more.error().message;
      return false;
    }
    damage_.clear();
    if (!*more) {
      return false;
    }
    if (chunk.header.sequence == wanted()) {
      last_ = chunk.header;
      given_.reset();
      sealed_ = true;
      return true;
    }
    // Else it came from the log before it was in the file.
  }
  return false;
}

UnfinishedStream::Found UnfinishedStream::next_logged(LoadedChunk& chunk) {
  for (;;) {
    // In this order: if the chunk after it is there, this one does not grow any more.
    const bool followed = log_ && log_->chunk(wanted() + 1, following_);
    if (!log_ || !log_->chunk(wanted(), logged_)) {
      return Found::kGone;
    }
    const bool whole = followed && following_.previous == logged_.committed();
    const bool grown = given_ != logged_.committed();
    if (grown && !build(chunk)) {
      return Found::kNothing;
    }
    if (whole || given_header_.ends) {
      last_ = given_header_;
      given_.reset();
    }
    if (grown) {
      return Found::kChunk;
    }
    if (!whole) {
      return Found::kNothing;
    }
  }
}

bool UnfinishedStream::build(LoadedChunk& chunk) {
  ChunkBuilder builder(stream_);
  if (last_) {
    builder.go_on_after(*last_);
  }
  if (!builder.build(logged_.rows(), columns_)) {
    return false;  // nothing yet, or damaged
  }
  if (!continuity_error(last_ ? &*last_ : nullptr, builder.header()).empty() || !load_built(builder.header(), columns_, chunk).empty()) {
    return false;
  }
  given_ = logged_.committed();
  given_header_ = builder.header();
  sealed_ = false;
  return true;
}

}  // namespace reprise
