#include "trace_format/output_file.h"

#include <fmt/format.h>

#include <system_error>

#include "trace_format/encrypted_io.h"
#include "trace_format/verify.h"

namespace reprise {
namespace {

namespace fs = std::filesystem;

Status write_temporary(const fs::path& temporary, const OutputOptions& options, const std::function<Status(ByteSink&)>& write) {
  std::error_code ignored;
  fs::remove(temporary, ignored);  // of a run that was killed
  std::vector<AgeRecipient> recipients = options.recipients;
  std::vector<AgeIdentity> own;
  if (options.verify && !recipients.empty()) {
    own.push_back(generate_age_identity());
    recipients.push_back(recipient_of(own.front()));
  }
  {
    ASSIGN_OR_RETURN(const auto sink, create_output(temporary, recipients, options.create));
    RETURN_IF_ERROR(write(*sink));
  }
  if (options.verify) {
    const Result<VerifiedTrace> sound = verify_trace(temporary, own);
    return sound.ok() ? Status{} : Status(sound.error());
  }
  return {};
}

}  // namespace

Status write_output(const fs::path& output, const OutputOptions& options, const std::function<Status(ByteSink&)>& write) {
  // In the same folder: a rename does not cross file systems.
  const fs::path temporary = output.parent_path() / ("." + output.filename().string() + ".joining");
  Status status = write_temporary(temporary, options, write);
  std::error_code code;
  if (status.ok()) {
    fs::rename(temporary, output, code);
    if (code) {
      status =
          Error{ErrorKind::kRunFailed, fmt::format("{}: cannot rename the finished trace to this: {}", output.string(), code.message())};
    }
  }
  if (!status.ok()) {
    fs::remove(temporary, code);
    return status;
  }
  return sync_directory(output.parent_path());
}

}  // namespace reprise
