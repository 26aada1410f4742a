#include "cli/command_line.h"

#include <fmt/format.h>

#include <charconv>
#include <exception>
#include <filesystem>
#include <sstream>
#include <system_error>
#include <utility>

#include "cli/standard_output.h"
#include "trace_format/event_text.h"
#include "trace_format/time_text.h"

namespace reprise {

namespace options = boost::program_options;

CommandLine::CommandLine(std::string synopsis, std::string summary, std::string example)
    : synopsis_(std::move(synopsis)), summary_(std::move(summary)), example_(std::move(example)), options_("options") {
  options_.add_options()("help,h", "print this text");
}

void CommandLine::add_operand(const std::string& name) {
  operands_.add_options()(name.c_str(), options::value<std::string>());
  positions_.add(name.c_str(), 1);
  operand_names_.push_back(name);
}

Result<bool> CommandLine::parse(const Arguments& arguments) {
  using options::command_line_style::allow_guessing;
  using options::command_line_style::unix_style;
  options::options_description all;
  all.add(options_).add(operands_);
  try {
    // No guessing: an abbreviation that works today would be ambiguous with tomorrow's option.
    const options::parsed_options parsed =
        options::command_line_parser(arguments).options(all).positional(positions_).style(unix_style & ~allow_guessing).run();
    for (const options::option& option : parsed.options) {
      if (option.position_key == -1 && operands_.find_nothrow(option.string_key, false) != nullptr) {
        return usage_error(fmt::format("unrecognised option '--{}'", printable(option.string_key)));
      }
    }
    options::store(parsed, values_);
    options::notify(values_);
  } catch (const options::too_many_positional_options_error&) {
    return usage_error("too many operands");
  } catch (const std::exception& error) {
    return usage_error(printable(error.what()));
  }
  if (has("help")) {
    RETURN_IF_ERROR(print(help()));
    return false;
  }
  for (const std::string& name : operand_names_) {
    if (!has(name)) {
      return usage_error(fmt::format("{} is missing", name));
    }
  }
  return true;
}

std::vector<std::string> CommandLine::texts(const std::string& name) const {
  return has(name) ? values_[name].as<std::vector<std::string>>() : std::vector<std::string>();
}

Result<VirtualTime> CommandLine::time_or(const std::string& name, VirtualTime fallback) const {
  if (!has(name)) {
    return fallback;
  }
  Result<VirtualTime> time = parse_time(text(name));
  if (!time.ok()) {
    return usage_error(fmt::format("--{}: {}", name, time.error().message));
  }
  return time;
}

Result<uint64_t> CommandLine::number_or(const std::string& name, uint64_t fallback, uint64_t smallest, uint64_t largest) const {
  if (!has(name)) {
    return fallback;
  }
  const std::string value = text(name);
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc() || end != value.data() + value.size() || number < smallest || number > largest) {
    return usage_error(fmt::format("--{}: '{}' is not a number from {} to {}", name, printable(value), smallest, largest));
  }
  return number;
}

Result<std::string> CommandLine::output_beside(const std::string& input) const {
  if (!has("output")) {
    return usage_error("-o FILE is missing");
  }
  std::string output = text("output");
  std::error_code not_there;
  if (std::filesystem::equivalent(text(input), output, not_there)) {
    return usage_error(fmt::format("-o: {} is what is read; give what is written another name", printable(output)));
  }
  return output;
}

Error CommandLine::usage_error(const std::string& message) const {
  return {ErrorKind::kUsage, fmt::format("{}\nusage: {}\n'reprise {} --help' explains each option", message, synopsis_,
                                         synopsis_.substr(sizeof "reprise", synopsis_.find(' ', sizeof "reprise") - sizeof "reprise"))};
}

std::string CommandLine::help() const {
  std::ostringstream text;
  text << "usage: " << synopsis_ << "\n\n" << summary_ << "\n\n" << options_ << "\nexample:\n  " << example_ << "\n";
  return text.str();
}

}  // namespace reprise
