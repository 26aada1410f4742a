// Walks the chunks of one stream file, as its writer left it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>

#include "trace_format/chunk.h"
#include "trace_format/io.h"
#include "trace_format/status.h"
#include "trace_format/trace_writer.h"

namespace reprise {

class StreamFile {
 public:
  /// Checks the file's header only.
  [[nodiscard]] static Result<StreamFile> open(const std::filesystem::path& directory, StreamId stream);

  /// Loads the next chunk; false at the end of the file. kBadTrace when it is damaged, or does not follow the one before.
  [[nodiscard]] Result<bool> next(LoadedChunk& chunk);
  /// The bytes of the chunk that next() gave.
  [[nodiscard]] ByteView stored() const { return loader_->stored(); }
  /// The last chunk that next() gave ends the stream.
  [[nodiscard]] bool ended() const { return last_ && last_->ends; }
  [[nodiscard]] const std::string& name() const { return source_->name(); }

 private:
  StreamFile(std::unique_ptr<ByteSource> source, StreamId stream)
      : source_(std::move(source)), stream_(stream), loader_(std::make_unique<ChunkLoader>()) {}

  std::unique_ptr<ByteSource> source_;
  StreamId stream_;
  std::unique_ptr<ChunkLoader> loader_;
  uint64_t offset_ = kFileHeaderBytes;
  std::optional<ChunkHeader> last_;
};

}  // namespace reprise
