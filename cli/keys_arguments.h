// The options that name keys: which open what a command reads, and for whom what it writes is encrypted.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "cli/command_line.h"
#include "trace_format/age_keys.h"
#include "trace_format/status.h"
#include "trace_format/trace_reader.h"
#include "trace_format/trace_summary.h"

namespace reprise {

/// Adds --identity FILE, repeatable. No key is ever taken from a place that was not named.
void add_identity_option(CommandLine& line);
/// Adds --encrypt-to RECIPIENT, repeatable, with `meaning` as its explanation.
void add_encrypt_to_option(CommandLine& line, const char* meaning);
/// Both, and --plain: for a command that makes a trace of a trace.
void add_copy_options(CommandLine& line);

/// kUsage when a file of --identity has none.
[[nodiscard]] Result<std::vector<AgeIdentity>> identities_of(const CommandLine& line);
/// kUsage when one of --encrypt-to is none, or there are more than kMaxRecipients.
[[nodiscard]] Result<std::vector<AgeRecipient>> recipients_of(const CommandLine& line);
/// Of a command with add_copy_options(). kUsage when `input` is encrypted and the copy would be plain without --plain.
[[nodiscard]] Result<FileKeys> copy_keys_of(const CommandLine& line, const std::filesystem::path& input);

/// What the trace or the unfinished run that operand `name` names holds, with --identity.
[[nodiscard]] Result<TraceSummary> open_summary(const CommandLine& line, const std::string& name, DropDetail drops);
/// The trace that operand `name` names, with --identity.
[[nodiscard]] Result<std::unique_ptr<TraceReader>> open_trace(const CommandLine& line, const std::string& name);

}  // namespace reprise
