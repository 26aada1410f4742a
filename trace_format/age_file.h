// Encryption at rest: a sink and a source that stand before a file's own and make it an age v1 file (https://age-encryption.org/v1, X25519
// recipients), which the program 'age' opens too.
//
// The payload is a row of chunks of 64 KiB, each sealed by itself with its number and whether it is the last. So any place can be read
// alone, and no chunk can be changed, moved, left out or added without notice.
#pragma once

#include <memory>
#include <vector>

#include "trace_format/age_keys.h"
#include "trace_format/io.h"
#include "trace_format/status.h"

namespace reprise {

/// What is written to the result goes encrypted to `inner`, for any one of `recipients` (1 to 20, else kUsage) to read. A new random key
/// for each call. The header is written before this returns.
///
/// The last up to 64 KiB stay in memory until more comes or close(): sync() is about the whole chunks before them. Without close() the file
/// has no last chunk, and only decrypt_unfinished() reads it; that goes for a close() after a failed call too. The first error is returned
/// by every later call. If sync() was called after the last write(), close() syncs what it writes.
[[nodiscard]] Result<std::unique_ptr<ByteSink>> encrypt_to(std::unique_ptr<ByteSink> inner, const std::vector<AgeRecipient>& recipients);

/// Whether `source` begins as an age file (also the ASCII form and future versions, which decrypt() refuses with the reason).
[[nodiscard]] bool is_age_file(const ByteSource& source);

/// The plaintext of an age file; its size is what the plaintext has. Checked here: header, length, the last chunk; each other chunk when it
/// is read. Nothing is ever given out unchecked. Holds up to 1 MiB of plaintext.
///
/// kUsage when no identity fits (the message says how to name one); kBadTrace when the file is altered or cut off. read_at() gives
/// kBadTrace for an altered chunk, with its number and place in the file.
[[nodiscard]] Result<std::unique_ptr<ByteSource>> decrypt(std::unique_ptr<ByteSource> inner, const std::vector<AgeIdentity>& identities);

/// As decrypt(), for a file whose writer may have been killed: without a last chunk, the plaintext is that of the whole chunks. What
/// follows them and is not a valid last chunk is left out, so whoever can cut the file or spoil its end can hide that end; nothing else.
[[nodiscard]] Result<std::unique_ptr<ByteSource>> decrypt_unfinished(std::unique_ptr<ByteSource> inner,
                                                                     const std::vector<AgeIdentity>& identities);

/// As decrypt_unfinished(), for who looks for what is left: an altered chunk reads as zeros, which are no chunk of a trace. What is given
/// out else is what was written, at its place: each chunk is sealed by itself.
[[nodiscard]] Result<std::unique_ptr<ByteSource>> decrypt_damaged(std::unique_ptr<ByteSource> inner,
                                                                  const std::vector<AgeIdentity>& identities);

}  // namespace reprise
