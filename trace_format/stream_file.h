// Walks the chunks of one stream while its run goes on, or as its writer left it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "trace_format/age_keys.h"
#include "trace_format/chunk.h"
#include "trace_format/chunk_builder.h"
#include "trace_format/event_log.h"
#include "trace_format/io.h"
#include "trace_format/status.h"
#include "trace_format/trace_writer.h"

namespace reprise {

/// The sealed chunks of a stream file.
class StreamFile {
 public:
  /// Checks the file's header only. kUsage when it is encrypted for none of `identities`.
  [[nodiscard]] static Result<StreamFile> open(const std::filesystem::path& directory, StreamId stream,
                                               const std::vector<AgeIdentity>& identities = {});
  /// The same for a stream that its writer has not finished: see open_unfinished_input().
  [[nodiscard]] static Result<StreamFile> open_unfinished(const std::filesystem::path& directory, StreamId stream,
                                                          const std::vector<AgeIdentity>& identities = {});

  /// Loads the next chunk; false at the end of the file. kBadTrace when it is damaged, or does not follow the one before.
  [[nodiscard]] Result<bool> next(LoadedChunk& chunk);
  /// The bytes of the chunk that next() gave.
  [[nodiscard]] ByteView stored() const { return loader_->stored(); }
  /// The last chunk that next() gave ends the stream.
  [[nodiscard]] bool ended() const { return last_ && last_->ends; }
  [[nodiscard]] const std::string& name() const { return source_->name(); }
  /// Goes on in the same place in `newer`, the same file opened later.
  void go_on_in(StreamFile newer) { source_ = std::move(newer.source_); }

 private:
  static Result<StreamFile> check(std::unique_ptr<ByteSource> source, StreamId stream);
  StreamFile(std::unique_ptr<ByteSource> source, StreamId stream)
      : source_(std::move(source)), stream_(stream), loader_(std::make_unique<ChunkLoader>()) {}

  std::unique_ptr<ByteSource> source_;
  StreamId stream_;
  std::unique_ptr<ChunkLoader> loader_;
  uint64_t offset_ = kFileHeaderBytes;
  std::optional<ChunkHeader> last_;
};

/// All that can be trusted of a stream whose run is not finished: the sealed chunks up to the first that is missing, cut off or damaged,
/// then the log's from there on. Together a true prefix of the stream. Chunks of the log are built in memory as their writer would have
/// sealed them; the newest is what is committed of it at the moment.
///
/// The stream may be written meanwhile. A chunk that moves from the log to the stream file is found in one of them.
class UnfinishedStream {
 public:
  /// Never fails: a stream without files has no chunks, nor has one that is encrypted for none of `identities`.
  UnfinishedStream(std::filesystem::path directory, StreamId stream, std::vector<AgeIdentity> identities = {});

  /// Loads the next chunk; false at the end of what there is. Later there may be more: then the newest chunk comes again, if it has grown,
  /// with the same sequence; the caller skips the events that it has seen.
  [[nodiscard]] bool next(LoadedChunk& chunk);
  /// The chunk that next() gave last is in the stream file, and stored() are its bytes there. Else it came from the log.
  [[nodiscard]] bool sealed() const { return sealed_; }
  [[nodiscard]] ByteView stored() const { return file_->stored(); }
  /// The stream is being recorded by a process that is there.
  [[nodiscard]] bool live() const;
  /// Why the sealed chunks end where they do, if not by the end of the file; for a message.
  [[nodiscard]] const std::string& damage() const { return damage_; }

 private:
  enum class Found { kChunk, kNothing, kGone };

  [[nodiscard]] uint64_t wanted() const { return last_ ? last_->sequence + 1 : 0; }
  bool next_sealed(LoadedChunk& chunk);
  /// kGone: the log does not have the chunk, or not any more.
  Found next_logged(LoadedChunk& chunk);
  bool build(LoadedChunk& chunk);
  /// Looks at the files as they are now.
  void reopen();

  std::filesystem::path directory_;
  StreamId stream_;
  std::vector<AgeIdentity> identities_;
  std::optional<StreamFile> file_;
  std::optional<LogReader> log_;
  std::optional<ChunkHeader> last_;  ///< of the last whole chunk
  bool sealed_ = false;
  std::string damage_;
  LogChunk logged_;
  LogChunk following_;
  std::optional<Committed> given_;  ///< what next() gave of the chunk after last_
  ChunkHeader given_header_;
  ColumnBuffers columns_;
};

}  // namespace reprise
