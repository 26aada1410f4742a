// The header of an age file: text that says, for each recipient, how to get the key of this file.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "trace_format/age_crypto.h"
#include "trace_format/io.h"
#include "trace_format/status.h"

namespace reprise {

/// What a reader accepts at most, and a writer writes.
inline constexpr size_t kMaxAgeHeaderBytes = 64u << 10;
inline constexpr size_t kMaxAgeStanzas = 20;

/// The key of one file, wrapped for one recipient.
struct AgeStanza {
  std::vector<std::string> arguments;  ///< at least one; the first is the kind
  std::vector<uint8_t> body;
};

inline constexpr size_t kFileKeyBytes = 16;
using FileKey = Secret<kFileKeyBytes>;

struct AgeHeader {
  std::vector<AgeStanza> stanzas;  ///< of all kinds, also unknown ones
  std::string authenticated;       ///< the text that `mac` is about
  HmacDigest mac;
  uint64_t bytes = 0;  ///< where the payload begins
};

/// The whole header, ready to be written. Arguments must be of visible ASCII characters, at least one each (CHECK).
[[nodiscard]] std::string encode_age_header(const std::vector<AgeStanza>& stanzas, const FileKey& file_key);

/// kBadTrace, naming the line, when `source` does not begin with an age header within the limits. Whether the header is authentic shows
/// only when one has the file's key: check_age_header().
[[nodiscard]] Result<AgeHeader> read_age_header(const ByteSource& source);
/// kBadTrace when the header was altered after it was written with `file_key`.
[[nodiscard]] Status check_age_header(const AgeHeader& header, const FileKey& file_key, const std::string& name);

}  // namespace reprise
