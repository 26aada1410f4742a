#include "tests/bench/stream_bench.h"

#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "tests/bench/allocations.h"
#include "tests/bench/synthetic_run.h"
#include "trace_format/trace_reader.h"
#include "trace_format/trace_writer.h"

namespace reprise::bench {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr size_t kDrawn = 1 << 16;
constexpr uint64_t kUnevenSteps = 4096;
constexpr size_t kNoiseBytes = 8 << 20;
constexpr size_t kSmallFrame = 64;
constexpr size_t kLargeFrame = 1500;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

double cpu_seconds(clockid_t clock) {
  timespec time{};
  CHECK(clock_gettime(clock, &time) == 0);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

/// Ticks of the cheapest clock there is: a single append takes little longer than to read a clock.
uint64_t ticks() {
#if defined(__x86_64__)
  return __builtin_ia32_rdtsc();
#else
  return static_cast<uint64_t>(Clock::now().time_since_epoch().count());
#endif
}

double ns_per_tick() {
  constexpr auto kLong = std::chrono::milliseconds(20);
  const Clock::time_point start = Clock::now();
  const uint64_t first = ticks();
  while (Clock::now() - start < kLong) {
  }
  return seconds_since(start) * 1e9 / static_cast<double>(ticks() - first);
}

/// What goes into the streams, drawn beforehand so that the drawing is not measured.
struct Feed {
  std::vector<int64_t> steps = std::vector<int64_t>(kDrawn);
  std::vector<uint8_t> noise = std::vector<uint8_t>(kNoiseBytes + kLargeFrame);

  Feed() {
    std::mt19937_64 random(1);
    for (int64_t& step : steps) {
      step = static_cast<int64_t>(random() % kUnevenSteps);
    }
    for (uint8_t& byte : noise) {
      byte = static_cast<uint8_t>(random());
    }
  }
};

/// Appends event number `i` to a stream.
class Load {
 public:
  explicit Load(const Feed& feed) : feed_(feed) {}
  virtual ~Load() = default;
  virtual void append(StreamWriter& writer, uint64_t i) = 0;
  [[nodiscard]] VirtualTime now() const { return now_; }

 protected:
  const Feed& feed_;
  VirtualTime now_;
};

class EvenReads final : public Load {
 public:
  using Load::Load;
  void append(StreamWriter& writer, uint64_t /*i*/) override {
    now_.ns += 40;
    writer.append_clock_read(now_, ClockSource::kTsc, static_cast<uint64_t>(now_.ns));
  }
};

class UnevenReads final : public Load {
 public:
  using Load::Load;
  void append(StreamWriter& writer, uint64_t i) override {
    now_.ns += feed_.steps[i % kDrawn];
    writer.append_clock_read(now_, ClockSource::kTsc, static_cast<uint64_t>(now_.ns));
  }
};

template <size_t kBytes>
class Frames final : public Load {
 public:
  using Load::Load;
  void append(StreamWriter& writer, uint64_t i) override {
    now_.ns += feed_.steps[i % kDrawn];
    writer.append_frame_sent(now_, ByteView(feed_.noise.data() + i * kBytes % kNoiseBytes, kBytes));
  }
};

fs::path file_of(const fs::path& folder) {
  return folder / stream_file_name(StreamId::guest({0}));
}

/// One kind of event to append.
struct Series {
  std::string name;
  uint64_t events = 0;
  double bar = 0;  ///< M/s
  std::function<std::unique_ptr<Load>()> make_load;
};

/// Appends without a pause. "A core" is the time of the thread that appends, without what it waits for: another process's load is not ours.
Status measure_append_rate(const fs::path& folder, const Series& series, Figures& figures) {
  ASSIGN_OR_RETURN(const auto writer, create_stream(folder, StreamId::guest({0})));
  const auto load = series.make_load();
  const auto events = static_cast<double>(series.events);
  const double all_before = cpu_seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu_seconds(CLOCK_THREAD_CPUTIME_ID);
  for (uint64_t i = 0; i < series.events; ++i) {  // until the columns and the queue have reached their size
    load->append(*writer, i);
  }
  const uint64_t allocations = allocations_of_this_thread();
  const uint64_t stalls = writer->stalls();
  const double before = cpu_seconds(CLOCK_THREAD_CPUTIME_ID);
  const Clock::time_point start = Clock::now();
  for (uint64_t i = series.events; i < 2 * series.events; ++i) {
    load->append(*writer, i);
  }
  const double by_clock = seconds_since(start);
  const double own = cpu_seconds(CLOCK_THREAD_CPUTIME_ID) - before;
  const uint64_t allocated = allocations_of_this_thread() - allocations;
  const uint64_t waits = writer->stalls() - stalls;
  RETURN_IF_ERROR(writer->finish(load->now(), EndReason::kPowerOff));
  const double others = cpu_seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu_seconds(CLOCK_THREAD_CPUTIME_ID) - all_before;
  fs::remove(file_of(folder));

  figures.add(fmt::format("append {}, a core", series.name), events / 1e6 / own, "M/s", Bar::kAtLeast, series.bar,
              "MCAP 0.72 M messages/s with zstd (mcap m1_throughput_results.csv)");
  figures.add(fmt::format("append {}: allocations", series.name), static_cast<double>(allocated) * 1e6 / events, "in 1 M events",
              Bar::kAtMost, 0);
  figures.note(fmt::format("append {}: by the clock, waiting {} times for the compressing thread", series.name, waits),
               fmt::format("{:.1f} M/s", events / 1e6 / by_clock));
  figures.note(fmt::format("append {}: the compressing thread", series.name), fmt::format("{:.1f} M/s", 2 * events / 1e6 / others));
  return {};
}

Status measure_append_latency(const fs::path& folder, const Series& series, Figures& figures) {
  ASSIGN_OR_RETURN(const auto writer, create_stream(folder, StreamId::guest({0})));
  const auto load = series.make_load();
  std::vector<uint32_t> samples(series.events / 4);
  for (uint64_t i = 0; i < samples.size(); ++i) {
    const uint64_t before = ticks();
    load->append(*writer, i);
    samples[i] = static_cast<uint32_t>(std::min<uint64_t>(ticks() - before, UINT32_MAX));
  }
  const auto at = samples.begin() + static_cast<int64_t>(samples.size() * 999 / 1000);
  std::nth_element(samples.begin(), at, samples.end());
  figures.add(fmt::format("append {}: p99.9", series.name), *at * ns_per_tick(), "ns", Bar::kAtMost, 1000,
              "Hermit 37,000 ns a system call (its README)");
  RETURN_IF_ERROR(writer->finish(load->now(), EndReason::kPowerOff));
  fs::remove(file_of(folder));
  return {};
}

/// The trace of one guest that does `events` times what `load` says.
Status write_trace_of(Load& load, uint64_t events, const fs::path& output) {
  const fs::path folder = output.string() + ".partial";
  fs::create_directory(folder);
  {
    ASSIGN_OR_RETURN(const auto network, create_stream(folder, StreamId::network()));
    ASSIGN_OR_RETURN(const auto guest, create_stream(folder, StreamId::guest({0})));
    for (uint64_t i = 0; i < events; ++i) {
      load.append(*guest, i);
    }
    RETURN_IF_ERROR(guest->finish(load.now(), EndReason::kPowerOff));
    RETURN_IF_ERROR(network->finish(load.now(), EndReason::kPowerOff));
  }
  return join_streams(folder, synthetic_run_info(1, 1), output);
}

struct Walk {
  double seconds = 0;  ///< of all threads' CPU time
  uint64_t events = 0;
  uint64_t bytes = 0;
  uint64_t sum = 0;  ///< of what was read, so that it is read
};

Result<Walk> walk(const fs::path& trace) {
  ASSIGN_OR_RETURN(const auto reader, TraceReader::open(trace));
  const auto cursor = reader->guest_events({0});
  Walk done;
  GuestEvent event;
  const double start = cpu_seconds(CLOCK_PROCESS_CPUTIME_ID);
  while (true) {
    ASSIGN_OR_RETURN(const bool more, cursor->next(event));
    if (!more) {
      break;
    }
    ++done.events;
    done.sum += event.value;
    if (event.kind == EventKind::kFrameSent) {
      done.bytes += event.payload.size();
      done.sum += event.payload[event.payload.size() - 1];
    }
  }
  done.seconds = cpu_seconds(CLOCK_PROCESS_CPUTIME_ID) - start;
  return done;
}

Result<Walk> write_and_walk(Load&& load, uint64_t events, const fs::path& trace) {
  RETURN_IF_ERROR(write_trace_of(load, events, trace));
  Result<Walk> best = walk(trace);
  // The smaller time of two: the first walk also pays for memory that is new to the process.
  if (Result<Walk> again = walk(trace); best.ok() && again.ok() && again->seconds < best->seconds) {
    best = again;
  }
  fs::remove(trace);
  if (best.ok() && best->events != events + 1) {  // and the end
    return Error{ErrorKind::kRunFailed, fmt::format("{}: {} events were written, {} read", trace.string(), events + 1, best->events)};
  }
  return best;
}

}  // namespace

Status measure_appends(const fs::path& folder, uint64_t events, Figures& figures) {
  const Feed feed;
  const Series all[] = {
      {"clock reads, even steps", events, 10, [&] { return std::make_unique<EvenReads>(feed); }},
      {"clock reads, uneven steps", events, 10, [&] { return std::make_unique<UnevenReads>(feed); }},
      {"frames of 64 B", events / 4, 2, [&] { return std::make_unique<Frames<kSmallFrame>>(feed); }},
  };
  for (const Series& series : all) {
    RETURN_IF_ERROR(measure_append_rate(folder, series, figures));
    RETURN_IF_ERROR(measure_append_latency(folder, series, figures));
  }
  return {};
}

Status measure_decoding(const fs::path& folder, uint64_t events, Figures& figures) {
  const Feed feed;
  const fs::path trace = folder / "decode.trace";
  const std::string perfetto = "Perfetto loads 0.0133 GB/s (perfetto#661)";
  ASSIGN_OR_RETURN(const Walk even, write_and_walk(EvenReads(feed), events, trace));
  figures.add("decode clock reads, even steps, a core", static_cast<double>(even.events) / 1e6 / even.seconds, "M/s", Bar::kAtLeast, 50);
  ASSIGN_OR_RETURN(const Walk uneven, write_and_walk(UnevenReads(feed), events, trace));
  figures.add("decode clock reads, uneven steps, a core", static_cast<double>(uneven.events) / 1e6 / uneven.seconds, "M/s", Bar::kAtLeast,
              50);
  ASSIGN_OR_RETURN(const Walk large, write_and_walk(Frames<kLargeFrame>(feed), events * 100 / kLargeFrame, trace));
  figures.add("decode payload, frames of 1,500 B, a core", static_cast<double>(large.bytes) / 1e9 / large.seconds, "GB/s", Bar::kAtLeast, 1,
              perfetto);
  ASSIGN_OR_RETURN(const Walk small, write_and_walk(Frames<kSmallFrame>(feed), events * 20 / kSmallFrame, trace));
  figures.note("decode payload, frames of 64 B, a core",
               fmt::format("{:.2f} GB/s, {:.1f} M frames/s", static_cast<double>(small.bytes) / 1e9 / small.seconds,
                           static_cast<double>(small.events) / 1e6 / small.seconds));
  return {};
}

}  // namespace reprise::bench
