#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <limits>
#include <system_error>
#include <utility>

#include "cli/command.h"
#include "cli/command_line.h"
#include "cli/example_folders.h"
#include "cli/keys_arguments.h"
#include "cli/size_argument.h"
#include "cli/standard_output.h"
#include "recorder/pacing.h"
#include "recorder/recording.h"
#include "trace_format/event_text.h"

namespace reprise {
namespace {

/// One line on a terminal that overwrites itself, and is gone at the end.
class ProgressLine {
 public:
  ProgressLine() : on_terminal_(isatty(STDERR_FILENO) == 1) {}
  ~ProgressLine() { hide(); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  void show(VirtualTime now) {
    if (on_terminal_) {
      say(fmt::format("\rrecording: {} s of virtual time\x1b[K", seconds_text(now)));
      shown_ = true;
    }
  }
  /// A line that stays.
  void note(const std::string& text) {
    hide();
    say(fmt::format("reprise: {}\n", text));
  }

 private:
  void hide() {
    if (std::exchange(shown_, false)) {
      say("\r\x1b[K");
    }
  }

  bool on_terminal_;
  bool shown_ = false;
};

CommandLine record_command_line(bool example) {
  namespace options = boost::program_options;
  CommandLine line(
      "reprise record {PLATFORM DEPLOYMENT | --example NAME} -o FILE [--until T] [--max-size SIZE] [--seed N] [--durable] [--no-trace] "
      "[--realtime FACTOR] [--expose-gateway] "
      "[--console DIR] "
      "[--encrypt-to RECIPIENT]... [-- SIMGRID-OPTIONS]",
      "Runs the guests of DEPLOYMENT on the network of PLATFORM and records all that reaches them, until every guest has ended\n"
      "or T is reached, or the trace is as large as SIZE allows. What follows '--' goes to SimGrid.",
      "reprise record examples/ping/platform.xml examples/ping/deployment.xml -o ping.trace --until 30s");
  if (!example) {
    line.add_operand("PLATFORM");
    line.add_operand("DEPLOYMENT");
  }
  line.options().add_options()("example", options::value<std::string>()->value_name("NAME"),
                               "platform and deployment of an example: 'reprise examples' lists them");
  line.options().add_options()("output,o", options::value<std::string>()->value_name("FILE"), "the trace to write")(
      "until", options::value<std::string>()->value_name("T"), "stop all guests at exactly this virtual time (30s, 250ms)")(
      "max-size", options::value<std::string>()->value_name("SIZE"),
      "stop all guests before the trace grows larger than this (64K, 100M, 2G)")(
      "seed", options::value<std::string>()->value_name("N"), "of the guests' and the network's random numbers (default: 1)")(
      "durable", "sync what is recorded twice a second: a power failure loses at most a second")("no-trace", "run without recording")(
      "console", options::value<std::string>()->value_name("DIR"),
      "write each guest's console to DIR/NAME.log; not encrypted, with --encrypt-to neither");
  line.options().add_options()(
      "realtime", options::value<std::string>()->value_name("FACTOR"),
      "virtual time runs at most FACTOR times as fast as the host's clock (1.0, or 0.001 to 1000), so that a person can take part: "
      "'reprise console'. Time that is lost, as in a slow boot, is not made up for. Nothing that a guest sees changes, but that a run "
      "without "
      "an end waits where all guests are idle for ever");
  line.options().add_options()(
      "expose-gateway", "let a gateway's 'forward' listen on addresses that other machines can reach, too: they then reach the guest");
  add_encrypt_to_option(line,
                        "encrypt the trace, and all that is on the disk while the run goes on, for this public key (age1..., as age-keygen "
                        "prints it); repeatable. A run that is killed then loses what is not written yet: of each guest the chunk being "
                        "filled and up to 64 KiB more, also with --durable");
  return line;
}

Result<uint64_t> max_size_of(const CommandLine& line, bool trace) {
  if (!line.has("max-size")) {
    return uint64_t{0};
  }
  if (!trace) {
    return line.usage_error("--max-size: with --no-trace there is no trace to limit");
  }
  const Result<uint64_t> size = parse_size(line.text("max-size"));
  if (!size.ok() || *size == 0) {
    return line.usage_error("--max-size: " + (size.ok() ? "must be larger than 0" : size.error().message));
  }
  return *size;
}

Result<double> realtime_of(const CommandLine& line) {
  if (!line.has("realtime")) {
    return 0.0;
  }
  const std::string text = line.text("realtime");
  double factor = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), factor);
  if (problem != std::errc() || end != text.data() + text.size() || !(factor >= Pacing::kSlowest && factor <= Pacing::kFastest)) {
    return line.usage_error(
        fmt::format("--realtime: '{}' is not a number from {} to {}", printable(text), Pacing::kSlowest, Pacing::kFastest));
  }
  return factor;
}

Result<RecordOptions> record_options(const CommandLine& line, const Arguments& simgrid_options) {
  RecordOptions options;
  if (line.has("example")) {
    ASSIGN_OR_RETURN(const Example example, find_example(line.text("example")));
    options.platform = example.folder / "platform.xml";
    options.deployment = example.folder / "deployment.xml";
  } else {
    options.platform = line.text("PLATFORM");
    options.deployment = line.text("DEPLOYMENT");
  }
  options.output = line.text_or("output", "");
  options.trace = !line.has("no-trace");
  options.durable = line.has("durable");
  options.expose_gateway = line.has("expose-gateway");
  options.console_folder = line.text_or("console", "");
  options.simgrid_options = simgrid_options;
  ASSIGN_OR_RETURN(options.recipients, recipients_of(line));
  if (options.trace && options.output.empty()) {
    return line.usage_error("-o FILE is missing; --no-trace runs without recording");
  }
  if (!options.trace && !options.recipients.empty()) {
    return line.usage_error("--encrypt-to: with --no-trace there is no trace to encrypt");
  }
  ASSIGN_OR_RETURN(options.until, line.time_or("until", VirtualTime::never()));
  if (options.until == VirtualTime{}) {
    return line.usage_error("--until: must be later than 0");
  }
  ASSIGN_OR_RETURN(options.realtime, realtime_of(line));
  ASSIGN_OR_RETURN(options.max_size_bytes, max_size_of(line, options.trace));
  ASSIGN_OR_RETURN(options.seed, line.number_or("seed", options.seed, 0, std::numeric_limits<uint64_t>::max()));
  return options;
}

Result<std::string> outcome_text(const RecordOptions& options, const RecordOutcome& outcome) {
  std::string text;
  for (const RecordedGuest& guest : outcome.guests) {
    // A gateway does not end by itself: it closes with the run.
    text += fmt::format("{}: {} at {} s\n{}", printable(guest.name), guest.is_gateway ? "closed" : end_reason_name(guest.reason),
                        seconds_text(guest.end), guest.words);
  }
  if (!options.trace) {
    return text;
  }
  std::error_code error;
  const uintmax_t size = std::filesystem::file_size(options.output, error);
  if (error) {
    return Error{ErrorKind::kRunFailed, fmt::format("{}: {}", options.output.string(), error.message())};
  }
  if (outcome.full_at.has_value()) {
    text += fmt::format("stopped at {} s by --max-size\n", seconds_text(*outcome.full_at));
  }
  text += fmt::format("{}: {} bytes\n", printable(options.output.string()), size);
  if (options.max_size_bytes != 0 && size > options.max_size_bytes) {
    text += fmt::format("that is {} bytes more than --max-size: the guests wrote them in the last moment of the run\n",
                        size - options.max_size_bytes);
  }
  return text;
}

}  // namespace

Result<int> record_command(const Arguments& arguments) {
  const auto separator = std::find(arguments.begin(), arguments.end(), "--");
  const bool example = std::any_of(arguments.begin(), separator,
                                   [](const std::string& word) { return word == "--example" || word.starts_with("--example="); });
  CommandLine line = record_command_line(example);
  ASSIGN_OR_RETURN(const bool go_on, line.parse(Arguments(arguments.begin(), separator)));
  if (!go_on) {
    return kExitDone;
  }
  const Arguments simgrid_options(separator == arguments.end() ? separator : separator + 1, arguments.end());
  ASSIGN_OR_RETURN(RecordOptions options, record_options(line, simgrid_options));
  RecordOutcome outcome;
  {
    ProgressLine progress;
    options.progress = [&progress](VirtualTime now) { progress.show(now); };
    options.held_up = [&progress](const HeldUp& held_up) { progress.note(held_up_text(held_up)); };
    ASSIGN_OR_RETURN(outcome, record(options));
  }
  ASSIGN_OR_RETURN(const std::string text, outcome_text(options, outcome));
  RETURN_IF_ERROR(print(text));
  return kExitDone;
}

}  // namespace reprise
