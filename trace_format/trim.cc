#include "trace_format/trim.h"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>

#include "trace_format/event_text.h"
#include "trace_format/guest_rows.h"
#include "trace_format/network_rows.h"
#include "trace_format/output_file.h"
#include "trace_format/trace_assembly.h"

namespace reprise {
namespace {

std::string bound_text(VirtualTime to) {
  return to == VirtualTime::never() ? "the end" : fmt::format("{} ns", to.ns);
}

class Trim {
 public:
  Trim(TraceReader& trace, const TrimOptions& options) : trace_(trace), options_(options), run_(trace.run()) {}

  /// Checks the options and finds where each guest's part begins.
  Status prepare() {
    const RunInfo& whole = trace_.run();
    if (whole.partial && options_.from == VirtualTime{}) {
      options_.from = whole.from;
    }
    if (whole.partial && options_.to == VirtualTime::never()) {
      options_.to = std::max(whole.to, options_.from);
    }
    if (whole.partial && (options_.from < whole.from || options_.from >= whole.to || options_.to > whole.to)) {
      return Error{ErrorKind::kUsage, fmt::format("the trace is itself a part of a run, from {} ns to {}: it has nothing outside",
                                                  whole.from.ns, bound_text(whole.to))};
    }
    if (options_.to <= options_.from) {
      return Error{ErrorKind::kUsage, fmt::format("the part from {} ns to {} is empty", options_.from.ns, bound_text(options_.to))};
    }
    for (const std::string& name : options_.guests) {
      if (!trace_.guest_by_name(name).has_value()) {
        return Error{ErrorKind::kUsage, fmt::format("no guest '{}' in the trace; 'reprise info' lists them", printable(name))};
      }
    }
    run_.partial = true;
    run_.from = options_.from;
    run_.to = options_.to;
    for (uint32_t i = 0; i < run_.guests.size(); ++i) {
      GuestInfo& guest = run_.guests[i];
      const auto& wanted = options_.guests;
      guest.omitted = guest.omitted || (!wanted.empty() && std::find(wanted.begin(), wanted.end(), guest.name) == wanted.end());
      cursors_.push_back(trace_.guest_events(GuestIndex{i}));
      RETURN_IF_ERROR(cursors_.back()->seek(options_.from));
      before_.push_back(cursors_.back()->numbers());
    }
    return {};
  }

  Status write(ByteSink& sink) {
    ASSIGN_OR_RETURN(TraceAssembly part, TraceAssembly::begin(sink, run_));
    for (uint32_t i = 0; i < run_.guests.size(); ++i) {
      part.begin_stream(StreamId{i});
      if (!run_.guests[i].omitted) {
        RETURN_IF_ERROR(write_guest(part, GuestIndex{i}));
      }
      RETURN_IF_ERROR(part.end_stream());
    }
    RETURN_IF_ERROR(write_network(part));
    RETURN_IF_ERROR(trace_.for_each_kept_chunk([&](const ChunkHeader&, ByteView stored) { return part.keep(stored); }));
    return part.finish();
  }

 private:
  /// Whether the part has the sending of a frame that reaches a guest in its time.
  [[nodiscard]] bool has(GuestIndex sender, SeqNo frame) const {
    return !run_.guests[sender.value].omitted && frame.value >= before_[sender.value].frames_sent;
  }

  Status write_guest(TraceAssembly& part, GuestIndex guest) {
    GuestRows rows(part, StreamId::guest(guest), before_[guest.value]);
    GuestEvent event;
    for (;;) {
      ASSIGN_OR_RETURN(const bool more, cursors_[guest.value]->next(event));
      if (!more || event.at >= options_.to) {
        // A guest that had ended before the part began has one event in it: that it does not go on.
        return rows.finish(more ? options_.to : options_.from, EndReason::kTrimmed);
      }
      RETURN_IF_ERROR(rows.append(event, event.kind == EventKind::kFrameReceived && !has(event.sender, event.sender_frame)));
      if (event.kind == EventKind::kEnd) {
        return rows.finish(event.at, event.reason);
      }
    }
  }

  Status write_network(TraceAssembly& part) {
    part.begin_stream(StreamId::network());
    const auto cursor = trace_.network_events();
    NetworkStatistics statistics;
    EventNumbers before;
    // Events of both kinds together are what numbers count: a part does not say how many of them were drops.
    ASSIGN_OR_RETURN(before.clock_reads, cursor->seek(options_.from));
    NetworkRows rows(part, before);
    NetworkEvent event;
    ASSIGN_OR_RETURN(bool more, cursor->next(event));
    while (more && event.at < options_.to) {
      ++(event.kind == NetworkEvent::Kind::kDelivered ? statistics.frames_delivered : statistics.frames_dropped);
      RETURN_IF_ERROR(rows.append(event));
      ASSIGN_OR_RETURN(more, cursor->next(event));
    }
    RETURN_IF_ERROR(rows.finish());
    RETURN_IF_ERROR(part.end_stream());
    part.set_network_statistics(statistics);
    return {};
  }

  TraceReader& trace_;
  TrimOptions options_;
  RunInfo run_;
  std::vector<std::unique_ptr<GuestCursor>> cursors_;  ///< at the first event of the part
  std::vector<EventNumbers> before_;
};

}  // namespace

Status trim_trace(TraceReader& trace, const std::filesystem::path& output, const TrimOptions& options) {
  Trim trim(trace, options);
  RETURN_IF_ERROR(trim.prepare());
  OutputOptions checked;
  checked.verify = true;
  checked.recipients = options.recipients;
  return write_output(output, checked, [&trim](ByteSink& sink) { return trim.write(sink); });
}

}  // namespace reprise
