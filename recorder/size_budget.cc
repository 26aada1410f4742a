#include "recorder/size_budget.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include "trace_format/limits.h"

namespace reprise {
namespace {

namespace fs = std::filesystem;

/// What a stream's writer holds and may not shrink: a chunk that is open, and one that is being compressed.
constexpr uint64_t kReserveOfStream = 2 * kSealBytes;
/// The trace's end repeats the provenance, which is in the folder, and has an index entry for each chunk, which is at least this many times
/// as large: it was sealed because it was full.
constexpr uint64_t kIndexShare = 8;
/// Of the provenance, beside the user's two files: mostly the command line and the images of each guest.
constexpr uint64_t kProvenanceOfGuest = 4096;

/// A guest's, and the network's.
uint64_t streams_of(size_t guests) {
  return guests + 1;
}

}  // namespace

uint64_t SizeBudget::smallest(const RunInfo& run) {
  const uint64_t provenance = run.platform_xml.size() + run.deployment_xml.size() + run.guests.size() * kProvenanceOfGuest;
  return provenance + streams_of(run.guests.size()) * kReserveOfStream + kSealBytes;
}

SizeBudget::SizeBudget(fs::path folder, uint64_t max_bytes, size_t guests)
    : folder_(std::move(folder)), max_bytes_(max_bytes), streams_(streams_of(guests)) {}

bool SizeBudget::used_up(std::chrono::steady_clock::time_point host_now) {
  if (used_up_ || host_now < next_look_) {
    return used_up_;
  }
  next_look_ = host_now + kLookEvery;
  const uint64_t bytes = bytes_in_folder();
  if (seen_ != 0) {
    largest_growth_ = std::max(largest_growth_, bytes - std::min(bytes, seen_));
  }
  seen_ = bytes;
  // The last turn is yet to come. Twice what was most: guests may get busier.
  used_up_ = bytes + bytes / kIndexShare + 2 * largest_growth_ + streams_ * kReserveOfStream > max_bytes_;
  return used_up_;
}

uint64_t SizeBudget::bytes_in_folder() const {
  uint64_t bytes = 0;
  std::error_code error;
  for (fs::directory_iterator file(folder_, error), end; !error && file != end; file.increment(error)) {
    std::error_code gone;
    const uint64_t size = file->file_size(gone);
    bytes += gone ? 0 : size;
  }
  return bytes;
}

}  // namespace reprise
