#include "tests/bench/file_bench.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "tests/bench/child.h"
#include "trace_format/trace_reader.h"

namespace reprise::bench {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr double kKib = 1024;
constexpr double kMemoryBarMib = 256;
constexpr int kSeeks = 400;
constexpr uint64_t kHeadBytes = 4 << 20;  // of `dump | head`

double ms_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

/// What reading the counter itself adds to it.
uint64_t bytes_of_counting() {
  const uint64_t before = bytes_read_by_this_process();
  return bytes_read_by_this_process() - before;
}

double percentile(std::vector<double>& samples, size_t percent) {
  const auto at = samples.begin() + static_cast<int64_t>(samples.size() * percent / 100);
  std::nth_element(samples.begin(), at, samples.end());
  return *at;
}

struct Search {
  std::vector<double> seek_ms;
  std::vector<double> event_ms;
  std::vector<double> seek_kib;
  std::vector<double> event_kib;
};

/// Each seek with a cursor of its own, which has no chunks in memory yet.
Status seek_at_random(TraceReader& reader, Search& search) {
  std::mt19937_64 random(1);
  const uint64_t counting = bytes_of_counting();
  for (int i = 0; i < kSeeks; ++i) {
    const GuestIndex guest{static_cast<uint32_t>(random() % reader.run().guests.size())};
    const VirtualTime to{static_cast<int64_t>(random() % static_cast<uint64_t>(reader.guest_statistics(guest).last.ns + 1))};
    const auto cursor = reader.guest_events(guest);
    GuestEvent event;
    const uint64_t before = bytes_read_by_this_process();
    const Clock::time_point start = Clock::now();
    RETURN_IF_ERROR(cursor->seek(to));
    search.seek_ms.push_back(ms_since(start));
    const uint64_t between = bytes_read_by_this_process();
    ASSIGN_OR_RETURN(const bool more, cursor->next(event));
    search.event_ms.push_back(ms_since(start));
    const uint64_t after = bytes_read_by_this_process();
    if (!more || event.at < to) {
      return Error{ErrorKind::kRunFailed, fmt::format("a seek to {} ns gave no event at or after it", to.ns)};
    }
    search.seek_kib.push_back(static_cast<double>(between - before - counting) / kKib);
    search.event_kib.push_back(static_cast<double>(after - before - 2 * counting) / kKib);
  }
  return {};
}

/// Runs one command; `exits` lists the exit codes that are no failure.
Result<ChildCost> command(const std::vector<std::string>& words, const std::vector<int>& exits, uint64_t output_bytes = 0) {
  ASSIGN_OR_RETURN(const ChildCost cost, run_child(words, output_bytes));
  if (std::find(exits.begin(), exits.end(), cost.exit_code) == exits.end()) {
    return Error{ErrorKind::kRunFailed, fmt::format("{}: exit {}", fmt::join(words, " "), cost.exit_code)};
  }
  return cost;
}

/// A command of milliseconds: the fastest of some runs, because everything that disturbs one only adds to it.
Result<ChildCost> fastest(const std::vector<std::string>& words) {
  constexpr int kRuns = 9;
  ASSIGN_OR_RETURN(ChildCost best, command(words, {0}));
  for (int i = 1; i < kRuns; ++i) {
    ASSIGN_OR_RETURN(const ChildCost cost, command(words, {0}));
    best = cost.wall_s < best.wall_s ? cost : best;
  }
  return best;
}

void add_memory(const std::string& what, const ChildCost& cost, Figures& figures) {
  figures.add(fmt::format("memory of {} ({:.1f} s)", what, cost.wall_s), cost.peak_rss_mib, "MiB", Bar::kAtMost, kMemoryBarMib,
              "Perfetto 2 to 4 times the file (its large-traces page)");
}

}  // namespace

Status measure_seeks(const fs::path& trace, Figures& figures) {
  const uint64_t counting = bytes_of_counting();
  const uint64_t before = bytes_read_by_this_process();
  const Clock::time_point start = Clock::now();
  ASSIGN_OR_RETURN(const auto reader, TraceReader::open(trace));
  const double open_ms = ms_since(start);
  const uint64_t read = bytes_read_by_this_process() - before - counting;
  figures.note("trace", fmt::format("{:.1f} MB, {} guests", static_cast<double>(reader->file_bytes()) / 1e6, reader->run().guests.size()));
  figures.add("open", open_ms, "ms", Bar::kAtMost, 10, "Perfetto 75 s a GB (perfetto#661)");
  figures.add("open: bytes read", static_cast<double>(read) / kKib, "KiB", Bar::kAtMost, 256);

  Search search;
  RETURN_IF_ERROR(seek_at_random(*reader, search));
  figures.add(fmt::format("seek to one of {} random times: p99", kSeeks), percentile(search.seek_ms, 99), "ms", Bar::kAtMost, 20,
              "rr up to an hour (rr#2404)");
  figures.note("seek: median", fmt::format("{:.2f} ms", percentile(search.seek_ms, 50)));
  figures.note("seek and first event: p99", fmt::format("{:.2f} ms", percentile(search.event_ms, 99)));
  // Chunks hold 256 KiB when they are full, and a frame more.
  figures.add("seek: bytes read at most (2 chunks and a page of the index)",
              *std::max_element(search.seek_kib.begin(), search.seek_kib.end()), "KiB", Bar::kAtMost, 2 * 320 + 256);
  figures.note("seek and first event: bytes read at most",
               fmt::format("{:.0f} KiB", *std::max_element(search.event_kib.begin(), search.event_kib.end())));
  return {};
}

Status measure_commands(const fs::path& reprise, const fs::path& trace, const fs::path& other, Figures& figures) {
  const std::string program = reprise.string();
  const std::string file = trace.string();
  ASSIGN_OR_RETURN(const ChildCost nothing, fastest({program, "--version"}));
  ASSIGN_OR_RETURN(const ChildCost info, fastest({program, "info", file}));
  figures.add("info, less the start of a process (--version)", std::max(0.0, info.wall_s - nothing.wall_s) * 1e3, "ms", Bar::kAtMost, 10,
              "Perfetto 75 s a GB (perfetto#661)");
  figures.note("info, the whole command", fmt::format("{:.1f} ms", info.wall_s * 1e3));
  figures.add("info: bytes read", static_cast<double>(info.bytes_read - std::min(info.bytes_read, nothing.bytes_read)) / kKib, "KiB",
              Bar::kAtMost, 256);
  ASSIGN_OR_RETURN(const ChildCost verify, command({program, "verify", file}, {0}));
  figures.add("verify, by CPU time", static_cast<double>(fs::file_size(trace)) / 1e9 / verify.cpu_s, "GB/s", Bar::kAtLeast, 2,
              "MCAP with CRC 0.206 GB/s (its benchmarks, 2022); rr, QEMU, FST have no checksums");
  figures.note("verify, by the clock", fmt::format("{:.2f} GB/s", static_cast<double>(fs::file_size(trace)) / 1e9 / verify.wall_s));

  ASSIGN_OR_RETURN(const ChildCost checksums, command({program, "verify", "--checksums", file}, {0}));
  figures.add("verify --checksums, by CPU time", static_cast<double>(fs::file_size(trace)) / 1e9 / checksums.cpu_s, "GB/s", Bar::kAtLeast,
              2, "MCAP with CRC 0.206 GB/s (its benchmarks, 2022)");

  ASSIGN_OR_RETURN(const ChildCost stats, command({program, "stats", file}, {0}));
  // Its output is cut: exit 5 says so, and is no failure here.
  ASSIGN_OR_RETURN(const ChildCost dump, command({program, "dump", file}, {0, 5}, kHeadBytes));
  ASSIGN_OR_RETURN(const ChildCost same, command({program, "diff", file, file}, {0}));
  ASSIGN_OR_RETURN(const ChildCost unlike, command({program, "diff", file, other.string()}, {1}));
  add_memory("info", info, figures);
  add_memory("stats", stats, figures);
  add_memory("verify", verify, figures);
  add_memory("dump | head", dump, figures);
  add_memory("diff with itself", same, figures);
  add_memory("diff with another run", unlike, figures);
  return {};
}

}  // namespace reprise::bench
