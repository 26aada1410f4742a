// The two ways in which age writes bytes as text.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "trace_format/event.h"
#include "trace_format/status.h"

namespace reprise {

/// Base 64 of RFC 4648, section 4, without padding.
[[nodiscard]] std::string base64_text(ByteView bytes);
/// None unless `text` is exactly what base64_text() gives for the bytes.
[[nodiscard]] std::optional<std::vector<uint8_t>> base64_bytes(std::string_view text);

/// Bech32 (BIP 173) of a 32-byte key. `prefix` is all upper or all lower case, and the rest is written likewise.
[[nodiscard]] std::string bech32_text(std::string_view prefix, std::span<const uint8_t, 32> key);
/// Fills `key`, or says what is wrong with `text` (kUsage). The message has no word of `text`: it may be a secret.
[[nodiscard]] Status bech32_key(std::string_view text, std::string_view prefix, std::span<uint8_t, 32> key);

}  // namespace reprise
