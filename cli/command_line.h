// The arguments of one subcommand: a thin layer over Boost.Program_options, which throws where we return.
#pragma once

#include <boost/program_options.hpp>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cli/command.h"
#include "trace_format/ids.h"
#include "trace_format/status.h"

namespace reprise {

/// What a subcommand takes and how it explains itself.
class CommandLine {
 public:
  /// `synopsis` is the line after "usage: ", `summary` says what the command does, `example` is a line to copy.
  CommandLine(std::string synopsis, std::string summary, std::string example);

  /// To add named options.
  [[nodiscard]] boost::program_options::options_description& options() { return options_; }
  /// Adds an operand; all are required, and come in the order of these calls.
  void add_operand(const std::string& name);

  /// Parses; kUsage with the remedy for what is unknown, missing, doubled or too much. False when --help was asked for and printed.
  [[nodiscard]] Result<bool> parse(const Arguments& arguments);

  [[nodiscard]] bool has(const std::string& name) const { return values_.count(name) != 0; }
  /// Requires has(name), which is true of operands after parse().
  [[nodiscard]] std::string text(const std::string& name) const { return values_[name].as<std::string>(); }
  [[nodiscard]] std::string text_or(const std::string& name, const std::string& fallback) const {
    return has(name) ? text(name) : fallback;
  }
  [[nodiscard]] std::vector<std::string> texts(const std::string& name) const;
  [[nodiscard]] Result<VirtualTime> time_or(const std::string& name, VirtualTime fallback) const;
  /// kUsage when the value is not a decimal number from `smallest` to `largest`.
  [[nodiscard]] Result<uint64_t> number_or(const std::string& name, uint64_t fallback, uint64_t smallest, uint64_t largest) const;

  /// The value of -o FILE, which a command writes that reads operand `input`. kUsage when it is missing, or is the very file that is read:
  /// what is left of a damaged trace must not take the place of the trace.
  [[nodiscard]] Result<std::string> output_beside(const std::string& input) const;

  /// A kUsage error that ends with where to read more.
  [[nodiscard]] Error usage_error(const std::string& message) const;

 private:
  [[nodiscard]] std::string help() const;

  std::string synopsis_;
  std::string summary_;
  std::string example_;
  boost::program_options::options_description options_;
  boost::program_options::options_description operands_;
  boost::program_options::positional_options_description positions_;
  std::vector<std::string> operand_names_;
  boost::program_options::variables_map values_;
};

}  // namespace reprise
