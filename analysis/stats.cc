#include "analysis/stats.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "trace_format/event_text.h"

namespace reprise {
namespace {

using Row = std::vector<std::string>;

/// Columns as wide as their widest cell; the first `names` are flush left, the others, being numbers, flush right.
std::string table(const std::vector<Row>& rows, size_t names) {
  std::vector<size_t> widths(rows.front().size());
  for (const Row& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], row[i].size());
    }
  }
  std::string text;
  for (const Row& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) {
      text += i == 0 ? "" : "  ";
      text += i < names ? fmt::format("{:<{}}", row[i], widths[i]) : fmt::format("{:>{}}", row[i], widths[i]);
    }
    text += '\n';
  }
  return text;
}

std::string number(uint64_t value) {
  return fmt::format("{}", value);
}

std::string end_text(const GuestStatistics& statistics) {
  return statistics.ended ? std::string(end_reason_name(statistics.end_reason)) : "none";
}

/// " (3 loss, 1 link down)", or nothing.
std::string drops_text(const TraceSummary& trace) {
  std::string text;
  for (int reason = 0; trace.drops.has_value() && reason < kDropReasonCount; ++reason) {
    if (const uint64_t count = (*trace.drops)[reason]; count != 0) {
      text += fmt::format("{}{} {}", text.empty() ? " (" : ", ", count, drop_reason_name(static_cast<DropReason>(reason)));
    }
  }
  return text.empty() ? "" : text + ")";
}

}  // namespace

std::string stats_text(const TraceSummary& trace) {
  std::vector<Row> guests = {{"guest", "host", "frames sent", "received", "bytes sent", "received", "console bytes", "typed",
                              "first event s", "last event s", "end"}};
  std::vector<Row> clocks = {{"clock reads"}};
  for (int source = 0; source < kClockSourceCount; ++source) {
    clocks.front().emplace_back(clock_source_name(static_cast<ClockSource>(source)));
  }
  for (uint32_t i = 0; i < trace.run.guests.size(); ++i) {
    const GuestInfo& guest = trace.run.guests[i];
    if (guest.omitted) {
      continue;
    }
    const GuestStatistics& statistics = trace.guests[i];
    guests.push_back({printable(guest.name), printable(guest.host), number(statistics.frames_sent), number(statistics.frames_received),
                      number(statistics.bytes_sent), number(statistics.bytes_received),
                      number(statistics.console_bytes - statistics.console_input_bytes), number(statistics.console_input_bytes),
                      seconds_text(statistics.first), seconds_text(statistics.last), end_text(statistics)});
    clocks.push_back({printable(guest.name)});
    for (const uint64_t reads : statistics.clock_reads) {
      clocks.back().push_back(number(reads));
    }
  }
  const NetworkStatistics& network = trace.network;
  return fmt::format("{}\n{}\nnetwork: {} frames delivered, {} dropped{}\nfile: {} bytes\n", table(guests, 2), table(clocks, 1),
                     network.frames_delivered, network.frames_dropped, drops_text(trace), trace.file_bytes);
}

std::string stats_json(const TraceSummary& trace) {
  using Json = nlohmann::ordered_json;
  Json json;
  json["guests"] = Json::array();
  for (uint32_t i = 0; i < trace.run.guests.size(); ++i) {
    const GuestInfo& guest = trace.run.guests[i];
    if (guest.omitted) {
      continue;
    }
    const GuestStatistics& statistics = trace.guests[i];
    Json reads = Json::object();
    for (int source = 0; source < kClockSourceCount; ++source) {
      reads[std::string(clock_source_name(static_cast<ClockSource>(source)))] = statistics.clock_reads[source];
    }
    json["guests"].push_back({{"name", guest.name},
                              {"host", guest.host},
                              {"frames_sent", statistics.frames_sent},
                              {"frames_received", statistics.frames_received},
                              {"bytes_sent", statistics.bytes_sent},
                              {"bytes_received", statistics.bytes_received},
                              {"clock_reads", std::move(reads)},
                              {"console_bytes", statistics.console_bytes - statistics.console_input_bytes},
                              {"console_input_bytes", statistics.console_input_bytes},
                              {"first_ns", statistics.first.ns},
                              {"last_ns", statistics.last.ns},
                              {"end", statistics.ended ? Json(end_text(statistics)) : Json()}});
  }
  json["network"] = {{"frames_delivered", trace.network.frames_delivered}, {"frames_dropped", trace.network.frames_dropped}};
  Json drops;
  for (int reason = 0; trace.drops.has_value() && reason < kDropReasonCount; ++reason) {
    drops[std::string(drop_reason_name(static_cast<DropReason>(reason)))] = (*trace.drops)[reason];
  }
  json["network"]["drops"] = std::move(drops);
  json["file_bytes"] = trace.file_bytes;
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace reprise
