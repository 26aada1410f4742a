// Opens what Reprise reads and creates what it writes, encrypted or not: nothing above it knows which.
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "trace_format/age_keys.h"
#include "trace_format/io.h"
#include "trace_format/status.h"

namespace reprise {

/// The file, or its plaintext if it is an age file. The errors of open_file() and decrypt(); kUsage with the remedy when it is encrypted
/// and none of `identities` fits.
[[nodiscard]] Result<std::unique_ptr<ByteSource>> open_input(const std::filesystem::path& path, const std::vector<AgeIdentity>& identities);

/// As open_input(), for a file whose writer goes on or was killed: an encrypted one ends with its last whole chunk (decrypt_unfinished()).
[[nodiscard]] Result<std::unique_ptr<ByteSource>> open_unfinished_input(const std::filesystem::path& path,
                                                                        const std::vector<AgeIdentity>& identities);

/// As open_unfinished_input(), for a damaged file: altered chunks of an encrypted one read as zeros (decrypt_damaged()).
[[nodiscard]] Result<std::unique_ptr<ByteSource>> open_damaged_input(const std::filesystem::path& path,
                                                                     const std::vector<AgeIdentity>& identities);

/// What `create` makes, which takes the plaintext if there are recipients. On an error no file is left.
[[nodiscard]] Result<std::unique_ptr<ByteSink>> create_output(const std::filesystem::path& path,
                                                              const std::vector<AgeRecipient>& recipients,
                                                              const SinkFactory& create = create_file);

/// Whether `path` is an age file; false when it cannot be opened, which whoever reads it will say.
[[nodiscard]] bool is_encrypted(const std::filesystem::path& path);

}  // namespace reprise
