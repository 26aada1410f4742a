#include "trace_format/join.h"

#include <fmt/format.h>

#include <system_error>

#include "trace_format/footer.h"
#include "trace_format/limits.h"
#include "trace_format/run_info_file.h"
#include "trace_format/stream_file.h"
#include "trace_format/trace_writer.h"
#include "trace_format/verify.h"

namespace reprise {
namespace {

namespace fs = std::filesystem;

Error disk_error(const fs::path& path, const char* what, const std::error_code& code) {
  return Error{ErrorKind::kRunFailed, fmt::format("{}: {}: {}", path.string(), what, code.message())};
}

/// Copies the chunks of one stream to `sink` at `offset`, which it moves on, checking each on the way.
Result<StreamIndex> copy_stream(const fs::path& directory, StreamId stream, ByteSink& sink, uint64_t& offset) {
  auto file = StreamFile::open(directory, stream);
  if (!file.ok()) {
    return Error{ErrorKind::kBadTrace, file.error().message};
  }
  StreamIndex index;
  index.stream = stream;
  LoadedChunk chunk;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, file->next(chunk));
    if (!more) {
      break;
    }
    RETURN_IF_ERROR(sink.write(file->stored()));
    add_chunk(index, chunk, offset);
    offset += file->stored().size();
  }
  if (!file->ended()) {
    return Error{ErrorKind::kBadTrace,
                 fmt::format("{}: the stream has no end: its writer was killed; `reprise recover {}` makes a trace of "
                             "what is there",
                             file->name(), directory.string())};
  }
  return index;
}

Status write_trace(const fs::path& directory, const RunInfo& run, ByteSink& sink) {
  RETURN_IF_ERROR(sink.write(encode_file_header(FileKind::kTrace, StreamId::network())));
  uint64_t offset = kFileHeaderBytes;
  Footer footer;
  footer.run = run;
  ASSIGN_OR_RETURN(auto network, copy_stream(directory, StreamId::network(), sink, offset));
  footer.streams.push_back(std::move(network));
  for (uint32_t i = 0; i < run.guests.size(); ++i) {
    ASSIGN_OR_RETURN(auto guest, copy_stream(directory, StreamId{i}, sink, offset));
    footer.streams.push_back(std::move(guest));
  }
  RETURN_IF_ERROR(write_footer(sink, offset, footer));
  RETURN_IF_ERROR(sink.sync());
  return sink.close();
}

Status write_temporary(const fs::path& directory, const RunInfo& run, const fs::path& temporary, const JoinOptions& options) {
  std::error_code ignored;
  fs::remove(temporary, ignored);  // of a join that was killed
  {
    ASSIGN_OR_RETURN(auto sink, options.create(temporary));
    RETURN_IF_ERROR(write_trace(directory, run, *sink));
  }
  return options.verify ? verify_trace(temporary) : Status{};
}

}  // namespace

Status join_to(const fs::path& directory, const RunInfo& run, const fs::path& output, const JoinOptions& options) {
  if (const std::string wrong = run_info_error(run); !wrong.empty()) {
    return Error{ErrorKind::kUsage, fmt::format("{}: {}", output.string(), wrong)};
  }
  // In the same folder: a rename does not cross file systems.
  const fs::path temporary = output.parent_path() / ("." + output.filename().string() + ".joining");
  Status status = write_temporary(directory, run, temporary, options);
  std::error_code code;
  if (status.ok()) {
    fs::rename(temporary, output, code);
    if (code) {
      status = disk_error(output, "cannot rename the finished trace to this", code);
    }
  }
  if (!status.ok()) {
    fs::remove(temporary, code);
    return status;
  }
  return sync_directory(output.parent_path());
}

Status remove_streams(const fs::path& directory, size_t guests) {
  std::vector<fs::path> names = {stream_file_name(StreamId::network()), run_info_file_name()};
  for (uint32_t i = 0; i < guests; ++i) {
    names.push_back(stream_file_name(StreamId{i}));
  }
  std::error_code code;
  for (const fs::path& name : names) {
    fs::remove(directory / name, code);
    if (code) {
      return disk_error(directory / name, "cannot remove", code);
    }
  }
  // A folder that holds something else is not ours to remove.
  fs::remove(directory, code);
  if (code && code != std::errc::directory_not_empty) {
    return disk_error(directory, "cannot remove", code);
  }
  return {};
}

Status join_streams(const fs::path& directory, const RunInfo& run, const fs::path& output) {
  RETURN_IF_ERROR(join_to(directory, run, output, JoinOptions{}));
  return remove_streams(directory, run.guests.size());
}

}  // namespace reprise
