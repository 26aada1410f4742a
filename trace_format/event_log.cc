#include "trace_format/event_log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <new>
#include <system_error>

#include "trace_format/log_layout.h"

namespace reprise {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kLogBytes = kLogPage + kLogSlots * (kLogPage + kSlotRowBytes);

static_assert(kSlotRowBytes <= kMaxSlotRowBytes && kSlotRowBytes < uint64_t{1} << (64 - Committed::kRunBits));

uint64_t slot_at(uint64_t number) {
  return kLogPage + number % kLogSlots * (kLogPage + kSlotRowBytes);
}

SlotHeader& slot_of(uint8_t* memory, uint64_t number) {
  return *std::launder(reinterpret_cast<SlotHeader*>(memory + slot_at(number)));
}

Error log_error(const fs::path& path, const char* what, int number) {
  return Error{ErrorKind::kRunFailed, fmt::format("{}: {}: {}", path.string(), what, std::generic_category().message(number))};
}

/// Puts the headers in place, and touches each page now: the guest's thread is not to wait for it.
void lay_out(uint8_t* memory) {
  for (uint32_t i = 0; i < kLogSlots; ++i) {
    new (memory + slot_at(i)) SlotHeader();
  }
  for (uint64_t at = 0; at < kLogBytes; at += kLogPage) {
    auto& byte = *const_cast<volatile uint8_t*>(memory + at);
    byte = byte;
  }
}

LogHeader header_of(StreamId stream, uint32_t slots) {
  LogHeader header;
  header.magic = kLogMagic;
  header.version = kLogVersion;
  header.stream = stream.value;
  header.slots = slots;
  header.slot_rows = kSlotRowBytes;
  header.boot = boot_id();
  header.checksum = checksum_of(header);
  return header;
}

/// The file of a log: open, locked, `size` bytes reserved, with its header. Closed and removed again if a step fails.
Result<int> create_log_file(const fs::path& path, const LogHeader& header, uint64_t size, const LogCalls& calls) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (fd < 0) {
    return log_error(path, "cannot create", errno);
  }
  const auto fail = [&](const char* what, int number) {
    ::close(fd);
    ::unlink(path.c_str());
    return log_error(path, what, number);
  };
  // Of the open file, not of the process: it ends with the writer however that ends, and a reader can ask for it without taking it.
  struct flock lock = {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  if (::fcntl(fd, F_OFD_SETLK, &lock) != 0) {
    return fail("cannot lock", errno);
  }
  if (const int failed = calls.reserve(fd, static_cast<off_t>(size)); failed != 0) {
    return fail(fmt::format("cannot reserve {} bytes", size).c_str(), failed);
  }
  if (::pwrite(fd, &header, sizeof header, 0) != static_cast<ssize_t>(sizeof header)) {
    return fail("cannot write", errno != 0 ? errno : EIO);
  }
  return fd;
}

}  // namespace

fs::path log_file_name(StreamId stream) {
  return stream.is_network() ? "network.log" : fmt::format("guest-{}.log", stream.value);
}

LogCalls LogCalls::of_the_system() {
  LogCalls calls;
  calls.reserve = [](int fd, off_t size) { return ::posix_fallocate(fd, 0, size); };
  calls.map = [](size_t size, int flags, int fd) { return ::mmap(nullptr, size, PROT_READ | PROT_WRITE, flags, fd, 0); };
  calls.sync = [](void* at, size_t size) { return ::msync(at, size, MS_SYNC); };
  return calls;
}

EventLog::EventLog(fs::path path, int fd, uint8_t* memory, const LogCalls& calls)
    : path_(std::move(path)), fd_(fd), memory_(memory), calls_(calls) {
  lay_out(memory_);
}

EventLog::~EventLog() {
  ::munmap(memory_, kLogBytes);
  if (fd_ >= 0) {
    ::close(fd_);
  }
}

Result<std::unique_ptr<EventLog>> EventLog::create(const fs::path& path, StreamId stream, const LogCalls& calls) {
  ASSIGN_OR_RETURN(const int fd, create_log_file(path, header_of(stream, kLogSlots), kLogBytes, calls));
  void* const memory = calls.map(kLogBytes, MAP_SHARED, fd);
  if (memory == MAP_FAILED) {
    const int number = errno;
    ::close(fd);
    ::unlink(path.c_str());
    return log_error(path, "cannot map", number);
  }
  return std::unique_ptr<EventLog>(new EventLog(path, fd, static_cast<uint8_t*>(memory), calls));
}

Result<std::unique_ptr<EventLog>> EventLog::create_without_rows(const fs::path& path, StreamId stream, const LogCalls& calls) {
  ASSIGN_OR_RETURN(const int fd, create_log_file(path, header_of(stream, 0), kLogPage, calls));
  auto log = in_memory();
  log->path_ = path;
  log->fd_ = fd;
  return log;
}

std::unique_ptr<EventLog> EventLog::in_memory() {
  const LogCalls calls = LogCalls::of_the_system();
  void* const memory = calls.map(kLogBytes, MAP_PRIVATE | MAP_ANONYMOUS, -1);
  CHECK(memory != MAP_FAILED);  // as when new fails
  return std::unique_ptr<EventLog>(new EventLog({}, -1, static_cast<uint8_t*>(memory), calls));
}

RowSpace EventLog::open(uint64_t number, VirtualTime first) {
  SlotHeader& slot = slot_of(memory_, number);
  // A reader that meets the slot while it changes sees 0, before or after its copy, and takes the chunk from the stream file.
  slot.chunk.store(0, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_release);
  slot.committed.store(0, std::memory_order_relaxed);
  slot.first_ns.store(first.ns, std::memory_order_relaxed);
  slot.previous.store(number == 0 ? 0 : slot_of(memory_, number - 1).committed.load(std::memory_order_relaxed), std::memory_order_relaxed);
  slot.chunk.store(number + 1, std::memory_order_release);
  return {memory_ + slot_at(number) + kLogPage, &slot.committed};
}

Rows EventLog::rows(uint64_t number) const {
  const SlotHeader& slot = slot_of(memory_, number);
  CHECK(slot.chunk.load(std::memory_order_acquire) == number + 1);
  const Committed committed = Committed::of(slot.committed.load(std::memory_order_acquire));
  return {{slot.first_ns.load(std::memory_order_relaxed)}, {memory_ + slot_at(number) + kLogPage, committed.bytes}, committed.run};
}

bool EventLog::mark(uint64_t from) {
  bool changed = false;
  for (uint32_t i = 0; i < kLogSlots; ++i) {
    SlotHeader& slot = slot_of(memory_, i);
    const uint64_t chunk = slot.chunk.load(std::memory_order_acquire);
    if (chunk <= from) {
      continue;  // never used, being opened, or in the stream file
    }
    Mark& newest = slot.marks[slot.newest_mark];
    Mark mark;
    mark.chunk = chunk;
    mark.first_ns = slot.first_ns.load(std::memory_order_relaxed);
    mark.previous = slot.previous.load(std::memory_order_relaxed);
    mark.committed = slot.committed.load(std::memory_order_acquire);
    if (newest.chunk == mark.chunk && newest.committed == mark.committed) {
      continue;
    }
    mark.hash = hash_of(mark, {memory_ + slot_at(chunk - 1) + kLogPage, Committed::of(mark.committed).bytes});
    // The other one stays as it is: the disk may get this page before or after those of the rows.
    slot.newest_mark ^= 1;
    slot.marks[slot.newest_mark] = mark;
    changed = true;
  }
  return changed;
}

Status EventLog::sync() {
  if (fd_ >= 0 && calls_.sync(memory_, kLogBytes) != 0) {
    return log_error(path_, "cannot sync to the device", errno);
  }
  return {};
}

Status EventLog::remove() {
  if (fd_ >= 0 && ::unlink(path_.c_str()) != 0) {
    return log_error(path_, "cannot remove", errno);
  }
  // Who follows the stream has the file open yet, and must not take its writer for one that goes on.
  struct flock lock = {};
  lock.l_type = F_UNLCK;
  lock.l_whence = SEEK_SET;
  if (fd_ >= 0 && ::fcntl(fd_, F_OFD_SETLK, &lock) != 0) {
    return log_error(path_, "cannot unlock", errno);
  }
  return {};
}

}  // namespace reprise
