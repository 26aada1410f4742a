#include "recorder/size_budget.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include "trace_format/event_log.h"
#include "trace_format/kept_chunks.h"
#include "trace_format/limits.h"
#include "trace_format/run_info_file.h"
#include "trace_format/trace_writer.h"

namespace reprise {
namespace {

namespace fs = std::filesystem;

/// A chunk's header, its columns' pointers, and what a column of noise takes beyond its rows; of each stream.
constexpr uint64_t kReserveOfStream = 8U << 10;
/// The trace's end repeats the provenance, which is in the folder, and has an index entry for each chunk, which is at least this many times
/// as large: it was sealed because it was full.
constexpr uint64_t kIndexShare = 8;
/// Of the provenance, beside the user's two files: mostly the command line and the images of each guest.
constexpr uint64_t kProvenanceOfGuest = 4096;

/// Of an encrypted stream: a chunk that is being filled, one that is being compressed, and what its sink waits for to fill its own.
constexpr uint64_t kUnseenOfStream = 2 * kSealBytes + (64U << 10);

/// For each guest's stream, and the network's.
uint64_t reserve_of_streams(size_t guests, bool encrypted) {
  return (guests + 1) * (kReserveOfStream + (encrypted ? kUnseenOfStream : 0));
}

/// 0 when it is not there.
uint64_t file_bytes(const fs::path& path) {
  std::error_code error;
  const uintmax_t size = fs::file_size(path, error);
  return error ? 0 : size;
}

uint64_t bytes_of_stream(const fs::path& folder, StreamId stream) {
  const Result<LogReader> log = LogReader::open(folder / log_file_name(stream), stream);
  return file_bytes(folder / stream_file_name(stream)) + (log.ok() ? log->newest_row_bytes() : 0);
}

}  // namespace

uint64_t SizeBudget::smallest(const RunInfo& run, bool encrypted) {
  const uint64_t provenance = run.platform_xml.size() + run.deployment_xml.size() + run.guests.size() * kProvenanceOfGuest;
  return provenance + reserve_of_streams(run.guests.size(), encrypted) + kSealBytes;
}

SizeBudget::SizeBudget(fs::path folder, uint64_t max_bytes, size_t guests, bool encrypted)
    : folder_(std::move(folder)), max_bytes_(max_bytes), guests_(guests), reserve_(reserve_of_streams(guests, encrypted)) {}

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
  used_up_ = bytes + bytes / kIndexShare + 2 * largest_growth_ + reserve_ > max_bytes_;
  return used_up_;
}

uint64_t SizeBudget::bytes_in_folder() const {
  uint64_t bytes = bytes_of_stream(folder_, StreamId::network()) + file_bytes(folder_ / run_info_file_name()) +
                   file_bytes(folder_ / kept_chunks_file_name());
  for (uint32_t i = 0; i < guests_; ++i) {
    bytes += bytes_of_stream(folder_, StreamId{i});
  }
  return bytes;
}

}  // namespace reprise
