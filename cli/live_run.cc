#include "cli/live_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <system_error>
#include <vector>

#include "trace_format/event_text.h"
#include "trace_format/stream_file.h"

namespace reprise {
namespace {

namespace fs = std::filesystem;

constexpr const char* kRemedy = "'reprise record ... --realtime 1.0 -o OUT' makes OUT.partial while it records";

std::string shown(const fs::path& path) {
  return printable(path.string());
}

/// The recorder holds the network's stream as long as it runs.
bool is_live(const fs::path& folder) {
  return UnfinishedStream(folder, StreamId::network()).live();
}

Result<fs::path> named_run(const fs::path& run) {
  std::error_code error;
  fs::path folder = run;
  // The trace that it is going to be names it too.
  if (!fs::is_directory(folder, error)) {
    folder = run.string() + ".partial";
  }
  if (!fs::is_directory(folder, error)) {
    return Error{ErrorKind::kUsage, fmt::format("--run: {} is no folder of a run; {}", shown(run), kRemedy)};
  }
  if (!is_live(folder)) {
    return Error{ErrorKind::kUsage, fmt::format("--run: nobody records into {} (any more); {}", shown(folder), kRemedy)};
  }
  return folder;
}

}  // namespace

void add_run_option(CommandLine& line) {
  line.options().add_options()("run", boost::program_options::value<std::string>()->value_name("FOLDER"),
                               "the run: OUT.partial, which 'reprise record -o OUT' makes (default: the only one in the current folder)");
}

Result<fs::path> find_live_run(const fs::path& run, const fs::path& here) {
  if (!run.empty()) {
    return named_run(run);
  }
  std::error_code error;
  std::vector<std::string> live;
  for (fs::directory_iterator entry(here, error), end; !error && entry != end; entry.increment(error)) {
    std::error_code not_a_folder;
    if (entry->path().extension() == ".partial" && entry->is_directory(not_a_folder) && is_live(entry->path())) {
      live.push_back(entry->path().filename().string());
    }
  }
  if (error) {
    return Error{ErrorKind::kRunFailed, fmt::format("{}: cannot be listed: {}", shown(here), error.message())};
  }
  if (live.empty()) {
    return Error{ErrorKind::kUsage, fmt::format("no run is being recorded into {}; name one with --run FOLDER; {}", shown(here), kRemedy)};
  }
  if (live.size() > 1) {
    std::sort(live.begin(), live.end());
    std::string list;
    for (const std::string& name : live) {
      list += " " + printable(name);
    }
    return Error{ErrorKind::kUsage, fmt::format("{} runs are being recorded here; choose one with --run:{}", live.size(), list)};
  }
  return here / live.front();
}

Result<fs::path> find_live_run(const CommandLine& line) {
  std::error_code error;
  const fs::path here = fs::current_path(error);
  if (error && !line.has("run")) {
    return Error{ErrorKind::kRunFailed, fmt::format("the current folder cannot be found: {}", error.message())};
  }
  return find_live_run(fs::path(line.text_or("run", "")), here);
}

}  // namespace reprise
