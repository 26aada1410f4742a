// The one identity that fuzz inputs are encrypted for.
#pragma once

#include <algorithm>

#include "trace_format/age_keys.h"

namespace reprise::fuzz {

inline AgeIdentity fixed_identity() {
  SecretKey secret;
  std::ranges::fill(secret.bytes(), uint8_t{0x42});
  return AgeIdentity(secret);
}

}  // namespace reprise::fuzz
