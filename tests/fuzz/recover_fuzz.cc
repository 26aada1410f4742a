// The folder of a killed run, with streams and logs of whatever contents: something is always recovered, it is a sound trace, and has
// what was sealed and refers to nobody. Or a damaged trace: what is recovered of it is sound, and of a sound one, all of it.
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <numeric>

#include "tests/fuzz/scripted_trace.h"
#include "tests/temporary_folder.h"
#include "trace_format/event_log.h"
#include "trace_format/log_layout.h"
#include "trace_format/recover_trace.h"
#include "trace_format/stream_file.h"
#include "trace_format/trace_reader.h"
#include "trace_format/trace_writer.h"
#include "trace_format/verify.h"

namespace reprise {
namespace {

namespace fs = std::filesystem;
using Bytes = std::vector<uint8_t>;

constexpr uint32_t kGuests = 2;
constexpr int kMostChunks = 5;
constexpr uint64_t kSlotRows = kLogPage;

const testing::TemporaryFolder& folder() {
  static const testing::TemporaryFolder kFolder;
  return kFolder;
}

void put(Bytes& to, const void* bytes, size_t size) {
  const auto* begin = static_cast<const uint8_t*>(bytes);
  to.insert(to.end(), begin, begin + size);
}

void write(const fs::path& path, const Bytes& bytes) {
  std::ofstream(path, std::ios::binary).write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

/// Chunks as told, and perhaps a torn one.
Bytes stream_file(fuzz::Script& script, StreamId stream) {
  const FileHeaderBytes head = encode_file_header(FileKind::kStream, stream);
  Bytes bytes(head.begin(), head.end());
  const uint8_t chunks = script.take<uint8_t>() % kMostChunks;
  ChunkHeader previous;
  for (uint8_t i = 0; i < chunks; ++i) {
    ChunkHeader header;
    const Bytes stored = fuzz::scripted_chunk(script, stream, i == 0 ? nullptr : &previous, header);
    put(bytes, stored.data(), stored.size());
    previous = header;
  }
  bytes.resize(bytes.size() - std::min<size_t>(bytes.size(), script.take<uint8_t>()));
  return bytes;
}

/// Slots as told, of a log that is whole or (another boot's) only as good as its marks.
Bytes log_file(fuzz::Script& script, StreamId stream) {
  LogHeader header;
  header.magic = kLogMagic;
  header.version = kLogVersion;
  header.stream = stream.value;
  header.slots = 1 + script.take<uint8_t>() % kLogSlots;
  header.slot_rows = kSlotRows;
  const bool whole = script.take<uint8_t>() % 2 == 0;
  header.boot = whole ? boot_id() : BootId{};
  header.checksum = checksum_of(header);
  Bytes bytes;
  put(bytes, &header, sizeof header);
  for (uint32_t i = 0; i < header.slots; ++i) {
    bytes.resize(kLogPage + i * (kLogPage + kSlotRows));
    const ByteView rows = script.take_bytes(script.take<uint16_t>() % kSlotRows);
    Mark mark;
    mark.chunk = script.take<uint8_t>();
    mark.first_ns = script.take<int64_t>();
    mark.previous = script.take<uint64_t>();
    mark.committed = Committed{rows.size(), script.take<uint64_t>() & Committed::kMaxRun}.word();
    mark.hash = hash_of(mark, rows);
    const std::array<uint64_t, 5> slot = {mark.chunk, static_cast<uint64_t>(mark.first_ns), mark.previous, mark.committed, 0};
    static_assert(sizeof slot == offsetof(SlotHeader, marks));
    put(bytes, slot.data(), sizeof slot);
    put(bytes, &mark, sizeof mark);
    bytes.resize(2 * kLogPage + i * (kLogPage + kSlotRows));
    put(bytes, rows.data(), rows.size());
  }
  return bytes;
}

void fill(const fs::path& directory, fuzz::Script& script) {
  RunInfo run;
  run.guests.resize(kGuests);
  for (uint32_t i = 0; i < kGuests; ++i) {
    run.guests[i].name = std::string(1, static_cast<char>('a' + i));
  }
  CHECK(save_run_info(directory, run).ok());
  for (const StreamId stream : {StreamId{0}, StreamId{1}, StreamId::network()}) {
    const uint8_t files = script.take<uint8_t>();
    if ((files & 1) != 0) {
      write(directory / stream_file_name(stream), stream_file(script, stream));
    }
    if ((files & 2) != 0) {
      write(directory / log_file_name(stream), log_file(script, stream));
    }
  }
}

struct Events {
  uint64_t clock_reads = 0;
  uint64_t frames_sent = 0;
  uint64_t console_bytes = 0;
};

/// What is sealed of a guest before the first chunk that refers to another guest's frame, which might be lost: nothing may take it away.
Events safe_events(const fs::path& directory, StreamId guest) {
  Events events;
  auto file = StreamFile::open(directory, guest);
  LoadedChunk chunk;
  while (file.ok()) {
    const Result<bool> more = file->next(chunk);
    if (!more.ok() || !*more || chunk.header.frames_received != 0) {
      break;
    }
    events.clock_reads += chunk.header.clock_reads;
    events.frames_sent += chunk.header.frames_sent;
    events.console_bytes += chunk.header.console_bytes;
  }
  return events;
}

void check_kept(const fs::path& output, GuestIndex guest, const Events& safe) {
  const auto trace = TraceReader::open(output);
  CHECK(trace.ok());
  const GuestStatistics& kept = (*trace)->guest_statistics(guest);
  CHECK(std::accumulate(std::begin(kept.clock_reads), std::end(kept.clock_reads), uint64_t{0}) >= safe.clock_reads);
  CHECK(kept.frames_sent >= safe.frames_sent && kept.console_bytes >= safe.console_bytes);
}

Status recover_run_as_told(fuzz::Script& script, const fs::path& output) {
  const fs::path directory = folder().folder("run.trace.partial");
  fill(directory, script);
  const Status status = recover_run(directory, output);
  for (uint32_t i = 0; i < kGuests && status.ok(); ++i) {
    check_kept(output, GuestIndex{i}, safe_events(directory, StreamId{i}));
  }
  fs::remove_all(directory);
  return status;
}

/// Bytes as they are, or a trace as told with some bytes changed.
Status recover_trace_as_told(fuzz::Script& script, bool scripted, const fs::path& output) {
  Bytes bytes;
  if (scripted) {
    bytes = fuzz::scripted_trace(script);
    while (!script.at_end()) {
      bytes[script.take<uint32_t>() % bytes.size()] ^= script.take<uint8_t>();
    }
  } else {
    const ByteView rest = script.take_bytes(std::numeric_limits<size_t>::max());
    bytes.assign(rest.begin(), rest.end());
    fuzz::repair_checksums(bytes);
  }
  const fs::path trace = folder() / "damaged.trace";
  write(trace, bytes);
  const Result<ScanResult> result = recover_trace(trace, output);
  CHECK(!result.ok() || result->lost_bytes <= bytes.size());
  if (const auto sound = verify_trace(trace); sound.ok() && result.ok()) {
    const auto kept = verify_trace(output);
    CHECK(result->lost_bytes == 0 && kept.ok());
    CHECK(kept->clock_reads == sound->clock_reads && kept->frames_sent == sound->frames_sent);
    CHECK(kept->frames_received == sound->frames_received && kept->console_bytes == sound->console_bytes);
    CHECK(kept->network_events == sound->network_events);
  }
  return result.ok() ? Status{} : Status(result.error());
}

}  // namespace
}  // namespace reprise

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace reprise;
  fuzz::Script script(data, size);
  const fs::path output = folder() / "run.trace";
  const uint8_t mode = script.take<uint8_t>() % 4;
  const Status status = mode >= 2 ? recover_trace_as_told(script, mode == 2, output) : recover_run_as_told(script, output);
  if (status.ok()) {
    CHECK(verify_trace(output).ok());
    fs::remove(output);
  } else {
    std::fprintf(stderr, "%s\n", status.error().message.c_str());
    // A part of a run is no trace to recover: the one that it was made from is.
    CHECK(mode >= 2 && (status.error().kind == ErrorKind::kBadTrace || status.error().kind == ErrorKind::kUsage));
  }
  CHECK(fs::is_empty(folder().path()) || fs::remove(folder() / "damaged.trace"));
  return 0;
}
