#include "trace_format/run_info_file.h"

#include "trace_format/footer.h"
#include "trace_format/io.h"
#include "trace_format/trace_writer.h"

namespace reprise {

std::filesystem::path run_info_file_name() {
  return "run.info";
}

Status save_run_info(const std::filesystem::path& directory, const RunInfo& run) {
  ASSIGN_OR_RETURN(auto sink, create_file(directory / run_info_file_name()));
  RETURN_IF_ERROR(sink->write(encode_file_header(FileKind::kRunInfo, StreamId::network())));
  RETURN_IF_ERROR(write_footer(*sink, kFileHeaderBytes, Footer{run, {}}));
  return sink->close();
}

Result<RunInfo> load_run_info(const std::filesystem::path& directory) {
  ASSIGN_OR_RETURN(auto source, open_file(directory / run_info_file_name()));
  ASSIGN_OR_RETURN(auto footer, read_footer(*source, FileKind::kRunInfo));
  return std::move(footer.run);
}

}  // namespace reprise
