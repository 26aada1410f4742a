// What "the same" means: a digest over canonical (uncompressed) columns, so that another zstd or Cap'n Proto release changes nothing.
#pragma once

#include <array>
#include <cstdint>

namespace reprise {

using Digest = std::array<uint8_t, 16>;  ///< XXH3-128 in canonical (big-endian) form; finds accidents, not forgers

}  // namespace reprise
