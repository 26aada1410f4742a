#include "cli/keys_arguments.h"

#include <fmt/format.h>

#include "trace_format/encrypted_io.h"
#include "trace_format/event_text.h"

namespace reprise {
namespace {

boost::program_options::typed_value<std::vector<std::string>>* texts(const char* name) {
  return boost::program_options::value<std::vector<std::string>>()->value_name(name);
}

}  // namespace

void add_identity_option(CommandLine& line) {
  line.options().add_options()("identity", texts("FILE"), "the key that opens an encrypted trace (age-keygen makes one); repeatable");
}

void add_encrypt_to_option(CommandLine& line, const char* meaning) {
  line.options().add_options()("encrypt-to", texts("RECIPIENT"), meaning);
}

void add_copy_options(CommandLine& line) {
  add_identity_option(line);
  add_encrypt_to_option(line, "encrypt what is written for this public key (age1...); repeatable");
  line.options().add_options()("plain", "do not encrypt what is written, though what is read is encrypted");
}

Result<std::vector<AgeIdentity>> identities_of(const CommandLine& line) {
  const std::vector<std::string> files = line.texts("identity");
  return load_age_identities(std::vector<std::filesystem::path>(files.begin(), files.end()));
}

Result<std::vector<AgeRecipient>> recipients_of(const CommandLine& line) {
  std::vector<AgeRecipient> recipients;
  for (const std::string& text : line.texts("encrypt-to")) {
    const Result<AgeRecipient> recipient = parse_age_recipient(text);
    if (!recipient.ok()) {
      return line.usage_error("--encrypt-to: " + printable(recipient.error().message));
    }
    recipients.push_back(*recipient);
  }
  if (recipients.size() > kMaxRecipients) {
    return line.usage_error(fmt::format("--encrypt-to: {} recipients; at most {} are possible", recipients.size(), kMaxRecipients));
  }
  return recipients;
}

Result<FileKeys> copy_keys_of(const CommandLine& line, const std::filesystem::path& input) {
  FileKeys keys;
  ASSIGN_OR_RETURN(keys.identities, identities_of(line));
  ASSIGN_OR_RETURN(keys.recipients, recipients_of(line));
  if (line.has("plain") && !keys.recipients.empty()) {
    return line.usage_error("--plain and --encrypt-to exclude each other");
  }
  if (keys.recipients.empty() && !line.has("plain") && is_encrypted(input)) {
    return line.usage_error(
        fmt::format("{}: encrypted, and what is written would not be: give --encrypt-to RECIPIENT, or --plain to "
                    "have it readable for everybody",
                    printable(input.string())));
  }
  return keys;
}

Result<TraceSummary> open_summary(const CommandLine& line, const std::string& name, DropDetail drops) {
  ASSIGN_OR_RETURN(const std::vector<AgeIdentity> identities, identities_of(line));
  return read_summary(line.text(name), identities, drops);
}

Result<std::unique_ptr<TraceReader>> open_trace(const CommandLine& line, const std::string& name) {
  ASSIGN_OR_RETURN(const std::vector<AgeIdentity> identities, identities_of(line));
  return TraceReader::open(line.text(name), identities);
}

}  // namespace reprise
