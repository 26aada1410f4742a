// A whole trace of anybody: refused in one line, or read to the end. What verify finds sound, every cursor gives.
#include <algorithm>
#include <memory>

#include "tests/fuzz/scripted_trace.h"
#include "tests/memory_file.h"
#include "trace_format/embedded_image.h"
#include "trace_format/trace_reader.h"
#include "trace_format/verify.h"

namespace reprise {
namespace {

constexpr size_t kMostEvents = 5000;
constexpr uint32_t kMostGuests = 8;

/// What may be said about an input, and only about one that verify does not find sound.
void check_error(const Error& error, bool sound) {
  CHECK(!sound && error.kind == ErrorKind::kBadTrace && error.message.starts_with("input: "));
}

void walk_guest(TraceReader& trace, GuestIndex guest, bool sound) {
  const auto cursor = trace.guest_events(guest);
  GuestEvent event;
  std::vector<VirtualTime> times;
  for (size_t i = 0; i < kMostEvents; ++i) {
    const Result<bool> more = cursor->next(event);
    if (!more.ok()) {
      return check_error(more.error(), sound);
    }
    if (!*more) {
      break;
    }
    CHECK(event.at.ns >= 0 && (times.empty() || event.at >= times.back()));
    CHECK(event.kind != EventKind::kFrameReceived || (!event.payload.empty() && event.payload.size() <= kMaxFrameBytes));
    times.push_back(event.at);
  }
  CHECK(!sound || !times.empty() || trace.run().guests[guest.value].omitted);
  if (times.empty()) {
    return;
  }
  const VirtualTime middle = times[times.size() / 2];
  if (const Status sought = cursor->seek(middle); !sought.ok()) {
    return check_error(sought.error(), sound);
  }
  const Result<bool> found = cursor->next(event);
  CHECK(!found.ok() || (*found && event.at == middle));
  for (size_t i = 0; i < kMostEvents; ++i) {
    const Result<bool> more = cursor->next_received(event);
    if (!more.ok()) {
      return check_error(more.error(), sound);
    }
    if (!*more) {
      return;
    }
    CHECK(event.kind == EventKind::kFrameReceived && event.at >= middle);
  }
}

void walk_network(TraceReader& trace, bool sound) {
  const auto cursor = trace.network_events();
  NetworkEvent event;
  VirtualTime last;
  uint64_t events = 0;
  for (; events < kMostEvents; ++events) {
    const Result<bool> more = cursor->next(event);
    if (!more.ok()) {
      return check_error(more.error(), sound);
    }
    if (!*more) {
      break;
    }
    CHECK(event.at >= last && event.sequence.value == events);
    last = event.at;
  }
  const NetworkStatistics& statistics = trace.network_statistics();
  CHECK(!sound || events == kMostEvents || events == statistics.frames_delivered + statistics.frames_dropped);
}

/// Whatever a part of an image claims, the file that is made of it is no larger than what the parts hold.
void extract_images(const TraceReader& trace, size_t input_bytes) {
  std::vector<uint8_t> image;
  for (const GuestInfo& guest : trace.run().guests) {
    for (const ImageInfo& info : guest.images) {
      image.clear();
      const Result<bool> found = extract_image(trace, info.sha256, "image", [&](const std::filesystem::path&) {
        return Result<std::unique_ptr<ByteSink>>(std::make_unique<testing::MemorySink>(&image));
      });
      CHECK(found.ok() ? *found || image.empty() : found.error().kind == ErrorKind::kBadTrace);
      CHECK(image.empty() || input_bytes > 128);
    }
  }
}

void walk(TraceReader& trace, bool sound) {
  const auto guests = std::min(kMostGuests, static_cast<uint32_t>(trace.run().guests.size()));
  for (GuestIndex guest; guest.value < guests; ++guest.value) {
    walk_guest(trace, guest, sound);
    const Result<uint64_t> equal = trace.equal_chunks(guest, trace, guest);
    CHECK(equal.ok() ? *equal == trace.chunk_count(guest) : !sound);
    CHECK(trace.guest_columns(guest).size() <= 15 && trace.page_digests(guest).size() <= trace.chunk_count(guest));
  }
  walk_network(trace, sound);
}

}  // namespace
}  // namespace reprise

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace reprise;
  fuzz::Script script(data, size);
  const uint8_t mode = script.take<uint8_t>() % 4;
  std::vector<uint8_t> bytes;
  if (mode >= 2) {
    bytes = fuzz::scripted_trace(script);
  } else {
    const ByteView rest = script.take_bytes(size);
    bytes.assign(rest.begin(), rest.end());
    if (mode == 0) {
      fuzz::repair_checksums(bytes);
    }
  }
  const Result<VerifiedTrace> verified = verify_trace(testing::MemorySource(bytes));
  if (!verified.ok()) {
    check_error(verified.error(), false);
  }
  // What every event's check finds sound, the checksums alone find sound, with the same counts.
  const Result<VerifiedTrace> checksums = verify_trace(testing::MemorySource(bytes), VerifyDepth::kChecksums);
  if (checksums.ok()) {
    CHECK(!verified.ok() || (checksums->chunks == verified->chunks && checksums->network_events == verified->network_events));
  } else {
    check_error(checksums.error(), verified.ok());
  }
  const auto trace = TraceReader::open(std::make_unique<testing::MemorySource>(bytes));
  if (trace.ok()) {
    walk(**trace, verified.ok());
    extract_images(**trace, bytes.size());
  } else {
    check_error(trace.error(), verified.ok());
  }
  return 0;
}
