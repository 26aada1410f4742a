#include "trace_format/trace_summary.h"

#include <system_error>

#include "trace_format/index.h"
#include "trace_format/network_columns.h"
#include "trace_format/run_info_file.h"
#include "trace_format/stream_file.h"

namespace reprise {
namespace {

namespace fs = std::filesystem;

/// Adds up the chunks of one stream.
struct StreamSums {
  GuestStatistics guest;
  NetworkStatistics network;
  DropCounts drops{};
  std::array<ColumnSizes, kMaxColumnCount> columns{};
  uint64_t bytes = 0;

  void add(const UnfinishedStream& stream, const LoadedChunk& chunk, bool first) {
    if (chunk.header.stream.is_network()) {
      network.frames_delivered += chunk.header.clock_reads;
      network.frames_dropped += chunk.header.frames_sent;
      count_drops(chunk.columns, drops);
    } else {
      add_statistics(guest, chunk.guest, first);
    }
    // What is in the log only has no stored size yet.
    if (!stream.sealed()) {
      return;
    }
    for (size_t i = 0; i < kMaxColumnCount; ++i) {
      columns[i].raw_bytes += chunk.columns[i].size();
      columns[i].stored_bytes += chunk.stored_sizes[i];
    }
  }
};

StreamSums sum_stream(const fs::path& folder, StreamId id, const std::vector<AgeIdentity>& identities) {
  UnfinishedStream stream(folder, id, identities);
  StreamSums sums;
  LoadedChunk chunk;
  std::optional<uint64_t> newest;
  // A chunk that comes again has grown since it was counted: it will be counted at the next look.
  while (stream.next(chunk) && (!newest.has_value() || chunk.header.sequence > *newest)) {
    sums.add(stream, chunk, !newest.has_value());
    newest = chunk.header.sequence;
  }
  std::error_code error;
  const uintmax_t size = fs::file_size(folder / stream_file_name(id), error);
  sums.bytes = error ? 0 : size;
  return sums;
}

}  // namespace

TraceSummary summary_of(TraceReader& trace, DropDetail drops) {
  TraceSummary summary;
  summary.run = trace.run();
  for (uint32_t i = 0; i < summary.run.guests.size(); ++i) {
    summary.guests.push_back(trace.guest_statistics(GuestIndex{i}));
    summary.guest_columns.push_back(trace.guest_columns(GuestIndex{i}));
  }
  summary.network = trace.network_statistics();
  if (drops == DropDetail::kByReason) {
    if (const Result<DropCounts> counts = trace.drop_counts(); counts.ok()) {
      summary.drops = *counts;
    }
  }
  summary.network_columns = trace.network_columns();
  summary.file_bytes = trace.file_bytes();
  return summary;
}

Result<TraceSummary> summary_of_run(const fs::path& folder, const std::vector<AgeIdentity>& identities) {
  TraceSummary summary;
  summary.unfinished = true;
  ASSIGN_OR_RETURN(summary.run, load_run_info(folder, identities));
  for (uint32_t i = 0; i < summary.run.guests.size(); ++i) {
    const StreamSums sums = sum_stream(folder, StreamId{i}, identities);
    summary.guests.push_back(sums.guest);
    summary.guest_columns.push_back(column_uses(false, sums.columns));
    summary.file_bytes += sums.bytes;
  }
  const StreamSums sums = sum_stream(folder, StreamId::network(), identities);
  summary.network = sums.network;
  summary.drops = sums.drops;
  summary.network_columns = column_uses(true, sums.columns);
  summary.file_bytes += sums.bytes;
  return summary;
}

Result<TraceSummary> read_summary(const fs::path& path, const std::vector<AgeIdentity>& identities, DropDetail drops) {
  if (const auto folder = run_folder_of(path); folder.has_value()) {
    return summary_of_run(*folder, identities);
  }
  ASSIGN_OR_RETURN(const auto trace, TraceReader::open(path, identities));
  return summary_of(*trace, drops);
}

std::optional<fs::path> run_folder_of(const fs::path& path, RunChoice choice) {
  std::error_code error;
  if (fs::is_directory(path, error)) {
    return path;
  }
  const fs::path partial = path.string() + ".partial";
  if ((choice == RunChoice::kRun || !fs::exists(path, error)) && fs::is_directory(partial, error)) {
    return partial;
  }
  return std::nullopt;
}

}  // namespace reprise
