// The bytes of a log file, for its writer and its reader. A log lives as long as its run is unfinished; recover and the readers of a
// running recording read it. In the host's byte order: it is not moved between machines before the run is finished.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "trace_format/event.h"

namespace reprise {

inline constexpr uint64_t kLogPage = 4096;
/// Readers refuse logs with larger slots before they take memory.
inline constexpr uint64_t kMaxSlotRowBytes = 1u << 20;
inline constexpr uint32_t kMaxLogSlots = 64;
inline constexpr std::array<uint8_t, 8> kLogMagic = {0x89, 'R', 'P', 'R', 'L', 'O', 'G', '\n'};
inline constexpr uint32_t kLogVersion = 1;

/// The kernel's name for the time since it was started, as text.
using BootId = std::array<char, 36>;
/// Zeros if it cannot be read.
[[nodiscard]] BootId boot_id();

/// At byte 0. The slots follow at multiples of kLogPage.
struct LogHeader {
  std::array<uint8_t, 8> magic{};
  uint32_t version = 0;
  uint32_t stream = 0;
  uint32_t slots = 0;  ///< 0: the rows are in the writer's memory only
  BootId boot{};
  uint64_t slot_rows = 0;  ///< bytes of rows in a slot, after its header's page
  uint64_t checksum = 0;   ///< XXH3-64 of all before
};
static_assert(sizeof(LogHeader) == 72);
[[nodiscard]] uint64_t checksum_of(const LogHeader& header);

/// Vouches for what a slot held at one instant.
struct Mark {
  uint64_t chunk = 0;  ///< number + 1; 0: none
  int64_t first_ns = 0;
  uint64_t previous = 0;
  uint64_t committed = 0;
  uint64_t hash = 0;
};
/// Of the mark's other fields and of `rows`.
[[nodiscard]] uint64_t hash_of(const Mark& mark, ByteView rows);

struct SlotHeader {
  std::atomic<uint64_t> chunk{0};  ///< number + 1; 0: never used, or being opened
  std::atomic<int64_t> first_ns{0};
  std::atomic<uint64_t> previous{0};   ///< what `committed` of the chunk before this one was in the end; chunk 0: 0
  std::atomic<uint64_t> committed{0};  ///< Committed::word()
  uint64_t newest_mark = 0;            ///< the writer's own
  std::array<Mark, 2> marks{};
};
static_assert(std::atomic<uint64_t>::is_always_lock_free && sizeof(SlotHeader) == 120 && sizeof(SlotHeader) <= kLogPage);

}  // namespace reprise
