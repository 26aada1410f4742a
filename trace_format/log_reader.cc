#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <system_error>
#include <utility>

#include "trace_format/event_log.h"
#include "trace_format/framing.h"
#include "trace_format/log_layout.h"

namespace reprise {

BootId boot_id() {
  BootId id{};
  const int fd = ::open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
  if (fd >= 0) {
    if (::read(fd, id.data(), id.size()) != static_cast<ssize_t>(id.size())) {
      id = {};
    }
    ::close(fd);
  }
  return id;
}

uint64_t checksum_of(const LogHeader& header) {
  return XXH3_64bits(&header, offsetof(LogHeader, checksum));
}

uint64_t hash_of(const Mark& mark, ByteView rows) {
  const std::array<uint64_t, 5> parts = {mark.chunk, static_cast<uint64_t>(mark.first_ns), mark.previous, mark.committed,
                                         XXH3_64bits(rows.data(), rows.size())};
  return XXH3_64bits(parts.data(), sizeof parts);
}

Result<LogReader> LogReader::open(const std::filesystem::path& path, StreamId stream) {
  // O_NONBLOCK: a FIFO is refused below instead of waited for.
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) {
    return Error{ErrorKind::kUsage, fmt::format("{}: cannot open: {}", path.string(), std::generic_category().message(errno))};
  }
  LogReader reader(fd, 0, 0, false);
  const auto bad = [&](const std::string& what) { return Error{ErrorKind::kBadTrace, fmt::format("{}: {}", path.string(), what)}; };
  struct stat st = {};
  LogHeader header;
  if (::fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || !reader.read(0, &header, sizeof header)) {
    return bad("not a log: too short, or not a regular file");
  }
  if (header.magic != kLogMagic || header.checksum != checksum_of(header)) {
    return bad("not a log, or its header is damaged");
  }
  if (header.version != kLogVersion) {
    return bad(fmt::format("a log of version {}; this program reads {}: use the release that wrote it", header.version, kLogVersion));
  }
  if (header.stream != stream.value) {
    return bad(fmt::format("the log of {}, not of {}", stream_name(StreamId{header.stream}), stream_name(stream)));
  }
  if (header.slots > kMaxLogSlots || header.slot_rows > kMaxSlotRowBytes || header.slot_rows % kLogPage != 0) {
    return bad(fmt::format("{} slots of {} bytes are above the limits", header.slots, header.slot_rows));
  }
  reader.slots_ = header.slots;
  reader.slot_rows_ = header.slot_rows;
  reader.whole_ = header.boot == boot_id() && header.boot != BootId{};
  return reader;
}

LogReader::~LogReader() {
  if (fd_ >= 0) {
    ::close(fd_);
  }
}

LogReader::LogReader(LogReader&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), slots_(other.slots_), slot_rows_(other.slot_rows_), whole_(other.whole_) {}

bool LogReader::live() const {
  struct flock lock = {};
  lock.l_type = F_RDLCK;
  lock.l_whence = SEEK_SET;
  return ::fcntl(fd_, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

bool LogReader::chunk(uint64_t number, LogChunk& chunk) const {
  if (slots_ == 0) {
    return false;
  }
  const uint64_t at = kLogPage + number % slots_ * (kLogPage + slot_rows_);
  return whole_ ? committed_chunk(number, at, chunk) : marked_chunk(number, at, chunk);
}

bool LogReader::committed_chunk(uint64_t number, uint64_t slot_at, LogChunk& chunk) const {
  static_assert(offsetof(SlotHeader, committed) == offsetof(SlotHeader, first_ns) + 16);
  uint64_t before = 0;
  uint64_t after = 0;
  std::array<uint64_t, 3> fields{};  // first_ns, previous, committed
  if (!read(slot_at, &before, sizeof before) || before != number + 1) {
    return false;
  }
  std::atomic_thread_fence(std::memory_order_acquire);
  if (!read(slot_at + offsetof(SlotHeader, first_ns), fields.data(), sizeof fields)) {
    return false;
  }
  chunk.first.ns = static_cast<int64_t>(fields[0]);
  chunk.previous = Committed::of(fields[1]);
  const Committed committed = Committed::of(fields[2]);
  if (committed.bytes > slot_rows_ || chunk.first.ns < 0) {
    return false;
  }
  std::atomic_thread_fence(std::memory_order_acquire);
  chunk.bytes.resize(committed.bytes);
  chunk.run = committed.run;
  if (!read(slot_at + kLogPage, chunk.bytes.data(), committed.bytes)) {
    return false;
  }
  std::atomic_thread_fence(std::memory_order_acquire);
  return read(slot_at, &after, sizeof after) && after == before;
}

bool LogReader::marked_chunk(uint64_t number, uint64_t slot_at, LogChunk& chunk) const {
  std::array<Mark, 2> marks;
  if (!read(slot_at + offsetof(SlotHeader, marks), marks.data(), sizeof marks)) {
    return false;
  }
  std::sort(marks.begin(), marks.end(), [](const Mark& a, const Mark& b) { return a.committed > b.committed; });
  for (const Mark& mark : marks) {
    const Committed committed = Committed::of(mark.committed);
    if (mark.chunk != number + 1 || committed.bytes > slot_rows_ || mark.first_ns < 0) {
      continue;
    }
    chunk.bytes.resize(committed.bytes);
    if (read(slot_at + kLogPage, chunk.bytes.data(), committed.bytes) && mark.hash == hash_of(mark, chunk.bytes)) {
      chunk.first.ns = mark.first_ns;
      chunk.previous = Committed::of(mark.previous);
      chunk.run = committed.run;
      return true;
    }
  }
  return false;
}

uint64_t LogReader::newest_row_bytes() const {
  std::vector<std::pair<uint64_t, uint64_t>> rows;  // chunk, bytes
  for (uint32_t slot = 0; slot < slots_; ++slot) {
    const uint64_t slot_at = kLogPage + slot * (kLogPage + slot_rows_);
    uint64_t chunk = 0;
    uint64_t committed = 0;
    if (read(slot_at, &chunk, sizeof chunk) && read(slot_at + offsetof(SlotHeader, committed), &committed, sizeof committed)) {
      rows.emplace_back(chunk, Committed::of(committed).bytes);
    }
  }
  std::sort(rows.rbegin(), rows.rend());
  uint64_t bytes = 0;
  for (size_t i = 0; i < std::min<size_t>(rows.size(), 2); ++i) {
    bytes += rows[i].second;
  }
  return bytes;
}

bool LogReader::read(uint64_t at, void* to, uint64_t size) const {
  auto* bytes = static_cast<uint8_t*>(to);
  while (size > 0) {
    const ssize_t n = ::pread(fd_, bytes, size, static_cast<off_t>(at));
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n <= 0) {
      return false;
    }
    bytes += n;
    at += static_cast<uint64_t>(n);
    size -= static_cast<uint64_t>(n);
  }
  return true;
}

}  // namespace reprise
