// How a file's key is handed to its recipients: age's X25519 stanzas.
#pragma once

#include <string>
#include <vector>

#include "trace_format/age_header.h"
#include "trace_format/age_keys.h"
#include "trace_format/status.h"

namespace reprise {

[[nodiscard]] AgeStanza wrap_file_key(const FileKey& file_key, const AgeRecipient& recipient);

/// The file key of `header`, which is authentic then. kUsage when no identity fits (or none is given), also when only a passphrase or
/// another kind of key would; kBadTrace when the header was altered or made to deceive. `name` is the file, for messages.
[[nodiscard]] Result<FileKey> unwrap_file_key(const AgeHeader& header, const std::vector<AgeIdentity>& identities, const std::string& name);

}  // namespace reprise
