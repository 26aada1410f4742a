#include "recorder/run_streams.h"

#include <fmt/format.h>

#include "trace_format/embedded_image.h"

namespace reprise {
namespace {

namespace fs = std::filesystem;

Status make_folder(const fs::path& folder) {
  std::error_code error;
  if (fs::create_directory(folder, error)) {
    return {};
  }
  return error ? Error{ErrorKind::kRunFailed, fmt::format("{}: cannot be created: {}", folder.string(), error.message())}
               : Error{ErrorKind::kUsage, fmt::format("{} is there already: a run is going on or was killed; keep what it recorded with "
                                                      "'reprise recover {} -o FILE', or remove the folder",
                                                      folder.string(), folder.string())};
}

Status open_streams(const RecordOptions& options, const RunInfo& run, const std::vector<ImageInfo>& seeds, RunStreams& streams) {
  if (!options.recipients.empty()) {
    streams.identities.push_back(generate_age_identity());
    streams.recipients = options.recipients;
    streams.recipients.push_back(recipient_of(streams.identities.front()));
  }
  RETURN_IF_ERROR(save_run_info(streams.folder, run, streams.recipients));
  RETURN_IF_ERROR(embed_images(streams.folder, seeds, streams.recipients));
  const StreamOptions stream_options{.durable = options.durable, .recipients = streams.recipients};
  ASSIGN_OR_RETURN(streams.network, create_stream(streams.folder, StreamId::network(), stream_options));
  return {};
}

}  // namespace

Result<RunStreams> begin_streams(const RecordOptions& options, const RunInfo& run, const std::vector<ImageInfo>& seeds) {
  RunStreams streams;
  streams.folder = fs::absolute(options.output).string() + ".partial";
  RETURN_IF_ERROR(make_folder(streams.folder));
  if (const Status opened = open_streams(options, run, seeds, streams); !opened.ok()) {
    remove_streams(streams);
    return opened.error();
  }
  return streams;
}

void remove_streams(RunStreams& streams) {
  streams.network.reset();
  std::error_code ignored;
  fs::remove_all(streams.folder, ignored);
}

}  // namespace reprise
