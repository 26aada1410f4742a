// What is left of the streams of a killed run, and copies of it that are finished streams. For recover.
#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <map>
#include <vector>

#include "trace_format/age_keys.h"
#include "trace_format/ids.h"
#include "trace_format/status.h"

namespace reprise {

/// Of each guest: the number of its sent frames that are kept.
using KeptFrames = std::vector<uint64_t>;

/// What is kept of a guest's stream: a prefix.
struct KeptGuest {
  uint64_t events = 0;
  uint64_t frames_sent = 0;
  bool ended = false;                  ///< the stream's own end is kept, and it is not kAborted
  std::map<uint32_t, uint64_t> needs;  ///< of each sender whose frames are received: the highest number of one, plus 1
};

/// The streams of a run, and what opens them. Refers to what it is made of.
struct KilledRun {
  const std::filesystem::path& directory;
  const std::vector<AgeIdentity>& identities;
};

/// Where finished streams are written, and for whom; no recipients: not encrypted. Refers to what it is made of.
struct CopiedRun {
  const std::filesystem::path& directory;
  const std::vector<AgeRecipient>& recipients;
};

/// All that can be trusted of the stream, up to the first reception of a frame that is not in `frames`.
[[nodiscard]] KeptGuest keep_guest(const KilledRun& run, GuestIndex guest, const KeptFrames& frames);

/// Writes the first `kept.events` of the stream in `from` as a finished stream into `to`. If its own end is not among them, it ends aborted
/// at the last of them.
[[nodiscard]] Status copy_guest(const KilledRun& from, const CopiedRun& to, GuestIndex guest, const KeptGuest& kept);

/// Writes the events of frames in `frames` that can be trusted of the network's stream. True if that is all of a stream that was finished.
[[nodiscard]] Result<bool> copy_network(const KilledRun& from, const CopiedRun& to, const KeptFrames& frames);

}  // namespace reprise
