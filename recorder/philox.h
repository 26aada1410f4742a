// Random numbers that are a function of their place, not of how many were drawn before.
#pragma once

#include <array>
#include <cstdint>

namespace reprise {

/// One block of Philox4x32-10, from J. K. Salmon, M. A. Moraes, R. O. Dror and D. E. Shaw, "Parallel random numbers: as easy as 1, 2, 3"
/// (SC'11). The same numbers on every machine. Rejected: std::mt19937 with std::*_distribution, whose results the standard leaves to the
/// library, and any generator with a state, whose numbers hang on the order in which frames are looked at.
[[nodiscard]] std::array<uint32_t, 4> philox4x32(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key);

}  // namespace reprise
