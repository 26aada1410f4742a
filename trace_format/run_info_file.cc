#include "trace_format/run_info_file.h"

#include <fmt/format.h>

#include "trace_format/chunk.h"
#include "trace_format/encrypted_io.h"
#include "trace_format/framing.h"
#include "trace_format/io.h"
#include "trace_format/run_info_codec.h"
#include "trace_format/trace_writer.h"

namespace reprise {

std::filesystem::path run_info_file_name() {
  return "run.info";
}

Status save_run_info(const std::filesystem::path& directory, const RunInfo& run, const std::vector<AgeRecipient>& recipients) {
  ASSIGN_OR_RETURN(const std::vector<uint8_t> chunk, pack_run_info(run));
  ASSIGN_OR_RETURN(auto sink, create_output(directory / run_info_file_name(), recipients));
  RETURN_IF_ERROR(sink->write(encode_file_header(FileKind::kRunInfo, StreamId::network())));
  RETURN_IF_ERROR(sink->write(chunk));
  return sink->close();
}

Result<RunInfo> load_run_info(const std::filesystem::path& directory, const std::vector<AgeIdentity>& identities) {
  ASSIGN_OR_RETURN(auto source, open_input(directory / run_info_file_name(), identities));
  RETURN_IF_ERROR(check_file_header(*source, FileKind::kRunInfo, StreamId::network()));
  std::vector<uint8_t> stored;
  Result<ChunkHeader> header = read_stored_chunk(*source, kFileHeaderBytes, source->size(), stored);
  Result<RunInfo> run = header.ok() ? unpack_run_info(stored) : Result<RunInfo>(header.error());
  if (!run.ok()) {
    return Error{ErrorKind::kBadTrace,
                 fmt::format("{}: the run information at byte {}: {}", source->name(), kFileHeaderBytes, run.error().message)};
  }
  if (kFileHeaderBytes + stored.size() != source->size()) {
    return Error{ErrorKind::kBadTrace, fmt::format("{}: bytes after its end at byte {}", source->name(), kFileHeaderBytes + stored.size())};
  }
  return run;
}

}  // namespace reprise
