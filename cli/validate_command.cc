#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <system_error>
#include <utility>

#include "analysis/ping_matrix.h"
#include "cli/command.h"
#include "cli/command_line.h"
#include "cli/standard_output.h"
#include "recorder/ping_plan.h"
#include "recorder/recording.h"
#include "trace_format/event_text.h"

namespace reprise {
namespace {

namespace fs = std::filesystem;

CommandLine validate_command_line() {
  namespace options = boost::program_options;
  CommandLine line(
      "reprise validate PLATFORM DEPLOYMENT [--tolerance PERCENT] [--processing T] [--samples N] [--json] [--svg FILE] [-o FILE]",
      "Every guest of DEPLOYMENT pings every other and itself, one guest after another. Prints the round trips in ms, and holds\n"
      "each against the platform's own: the latencies of both ways, and 98 bytes at the rate of the slowest link of each. Exit\n"
      "code 1 if one is further off than the tolerance. The guests are the demo guest; what DEPLOYMENT has them do is left out.",
      "reprise validate examples/ping/platform.xml examples/ping/deployment.xml --svg pings.svg");
  line.add_operand("PLATFORM");
  line.add_operand("DEPLOYMENT");
  line.options().add_options()("tolerance", options::value<std::string>()->value_name("PERCENT"),
                               "how far a round trip may be off, in per cent of the platform's (default: 1)")(
      "processing", options::value<std::string>()->value_name("T"), "what the two guests may need on top (default: 50us)")(
      "samples", options::value<std::string>()->value_name("N"), "pings from each guest to each (default: 10)")(
      "seed", options::value<std::string>()->value_name("N"), "of the guests' and the network's random numbers (default: 1)")(
      "json", "for programs")("svg", options::value<std::string>()->value_name("FILE"), "write a heat map")(
      "output,o", options::value<std::string>()->value_name("FILE"), "keep the run's trace");
  return line;
}

Result<PingTolerance> tolerance_of(const CommandLine& line) {
  PingTolerance tolerance;
  if (line.has("tolerance")) {
    const std::string text = line.text("tolerance");
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), tolerance.percent);
    if (problem != std::errc() || end != text.data() + text.size() || !(tolerance.percent >= 0 && tolerance.percent <= 1000)) {
      return line.usage_error(fmt::format("--tolerance: '{}' is not a number of per cent from 0 to 1000", printable(text)));
    }
  }
  ASSIGN_OR_RETURN(const VirtualTime processing, line.time_or("processing", VirtualTime{tolerance.processing.ns}));
  tolerance.processing = {processing.ns};
  return tolerance;
}

/// A folder of its own, gone with this.
class TemporaryFolder {
 public:
  static Result<TemporaryFolder> make() {
    std::error_code error;
    std::string name = (fs::temp_directory_path(error) / "reprise-validate-XXXXXX").string();
    if (error || mkdtemp(name.data()) == nullptr) {
      return Error{ErrorKind::kRunFailed, fmt::format("{}: cannot make a folder there ({}); give the trace a name with -o FILE", name,
                                                      error ? error.message() : std::strerror(errno))};
    }
    return TemporaryFolder(name);
  }
  TemporaryFolder(TemporaryFolder&& other) noexcept : path_(std::move(other.path_)) { other.path_.clear(); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(TemporaryFolder&&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    if (!path_.empty()) {
      fs::remove_all(path_, ignored);
    }
  }
  [[nodiscard]] const fs::path& path() const { return path_; }

 private:
  explicit TemporaryFolder(fs::path path) : path_(std::move(path)) {}
  fs::path path_;
};

/// As the model has it: see recorder/README.md.
int64_t one_way_ns(const NetworkModel::PathFacts& path) {
  return std::llround(path.latency_seconds * 1e9 + static_cast<double>(kPingFrameBytes) / path.bytes_per_second * 1e9);
}

std::vector<ExpectedRoundTrip> expected_of(const RecordOutcome& outcome) {
  const size_t guests = outcome.guests.size();
  std::vector<ExpectedRoundTrip> expected(guests * guests);
  for (size_t from = 0; from < guests; ++from) {
    for (size_t to = 0; to < guests; ++to) {
      if (from != to) {
        const auto& forth = outcome.paths[from * guests + to];
        const auto& back = outcome.paths[to * guests + from];
        expected[from * guests + to] = {.least = {one_way_ns(forth) + one_way_ns(back)},
                                        .spread = forth.most_delay + back.most_delay,
                                        .lossy = forth.lossy || back.lossy};
      }
    }
  }
  return expected;
}

Status write_file(const std::string& path, const std::string& text) {
  std::ofstream out(path, std::ios::binary);
  out << text;
  out.close();
  return out ? Status{} : Error{ErrorKind::kRunFailed, fmt::format("{}: cannot be written: {}", printable(path), std::strerror(errno))};
}

}  // namespace

Result<int> validate_command(const Arguments& arguments) {
  CommandLine line = validate_command_line();
  ASSIGN_OR_RETURN(const bool go_on, line.parse(arguments));
  if (!go_on) {
    return kExitDone;
  }
  ASSIGN_OR_RETURN(const PingTolerance tolerance, tolerance_of(line));
  ASSIGN_OR_RETURN(const uint64_t samples, line.number_or("samples", 10, 1, 1000));
  RecordOptions options;
  ASSIGN_OR_RETURN(options.seed, line.number_or("seed", options.seed, 0, UINT64_MAX));
  options.platform = line.text("PLATFORM");
  options.deployment = line.text("DEPLOYMENT");
  std::optional<TemporaryFolder> folder;
  if (!line.has("output")) {
    ASSIGN_OR_RETURN(TemporaryFolder made, TemporaryFolder::make());
    folder.emplace(std::move(made));
  }
  options.output = folder.has_value() ? folder->path() / "validate.trace" : fs::path(line.text("output"));
  options.until = VirtualTime{3'600'000'000'000};  // a guest that lost its turn must not wait for ever
  options.adjust = [samples](Deployment& deployment) { return plan_pings(deployment, samples); };
  ASSIGN_OR_RETURN(const RecordOutcome outcome, record(options));
  ASSIGN_OR_RETURN(const auto trace, TraceReader::open(options.output));
  ASSIGN_OR_RETURN(PingMatrix matrix, read_ping_matrix(*trace));
  judge(matrix, expected_of(outcome), tolerance);
  if (line.has("svg")) {
    RETURN_IF_ERROR(write_file(line.text("svg"), ping_matrix_svg(matrix)));
  }
  RETURN_IF_ERROR(print(line.has("json") ? ping_matrix_json(matrix) : ping_matrix_text(matrix)));
  for (const PingPair& pair : matrix.pairs) {
    if (pair.problem.has_value()) {
      return kExitDifference;
    }
  }
  return kExitDone;
}

}  // namespace reprise
