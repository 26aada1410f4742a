#include "trace_format/kept_chunks.h"

#include <fmt/format.h>

#include <system_error>

#include "trace_format/chunk.h"
#include "trace_format/encrypted_io.h"
#include "trace_format/framing.h"

namespace reprise {
namespace {

namespace fs = std::filesystem;

bool has_file(const fs::path& directory) {
  std::error_code error;
  return fs::exists(directory / kept_chunks_file_name(), error);
}

/// Calls `take` until a chunk is not sound or `take` fails.
Status walk(const ByteSource& source, const std::function<Status(ByteView stored)>& take) {
  std::vector<uint8_t> stored;
  for (uint64_t offset = kFileHeaderBytes; offset < source.size(); offset += stored.size()) {
    const Result<ChunkHeader> header = read_stored_chunk(source, offset, source.size(), stored);
    if (!header.ok() || is_known(header->kind)) {
      return Error{ErrorKind::kBadTrace, fmt::format("{}: chunk at byte {}: {}", source.name(), offset,
                                                     header.ok() ? "it belongs to a stream" : header.error().message)};
    }
    RETURN_IF_ERROR(take(stored));
  }
  return {};
}

}  // namespace

fs::path kept_chunks_file_name() {
  return "kept.chunks";
}

Result<std::unique_ptr<ByteSink>> create_kept_chunks(const fs::path& directory, const std::vector<AgeRecipient>& recipients) {
  ASSIGN_OR_RETURN(auto sink, create_output(directory / kept_chunks_file_name(), recipients));
  RETURN_IF_ERROR(sink->write(encode_file_header(FileKind::kKeptChunks, StreamId::network())));
  return sink;
}

Status for_each_kept_chunk(const fs::path& directory, const std::vector<AgeIdentity>& identities,
                           const std::function<Status(ByteView stored)>& take) {
  if (!has_file(directory)) {
    return {};
  }
  ASSIGN_OR_RETURN(const auto source, open_input(directory / kept_chunks_file_name(), identities));
  RETURN_IF_ERROR(check_file_header(*source, FileKind::kKeptChunks, StreamId::network()));
  return walk(*source, take);
}

Status copy_kept_chunks(const fs::path& from, const std::vector<AgeIdentity>& identities, const fs::path& to,
                        const std::vector<AgeRecipient>& recipients) {
  if (!has_file(from)) {
    return {};
  }
  ASSIGN_OR_RETURN(auto sink, create_kept_chunks(to, recipients));
  const auto source = open_damaged_input(from / kept_chunks_file_name(), identities);
  Status written;
  if (source.ok() && check_file_header(**source, FileKind::kKeptChunks, StreamId::network()).ok()) {
    // How far the source is sound is not of interest: what follows is lost.
    [[maybe_unused]] const Status walked = walk(**source, [&](ByteView stored) { return written = sink->write(stored); });
  }
  RETURN_IF_ERROR(written);
  return sink->close();
}

}  // namespace reprise
