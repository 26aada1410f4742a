#include "analysis/dump.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <queue>
#include <utility>

namespace reprise {
namespace {

constexpr size_t kFlushBytes = 64 * 1024;
constexpr std::array<std::string_view, 5> kKinds = {"frame", "clock", "console", "end", "network"};

template <typename Range, typename Value>
bool contains(const Range& range, const Value& value) {
  return std::find(range.begin(), range.end(), value) != range.end();
}

/// One stream, standing at its next event that is to be shown.
class Source {
 public:
  virtual ~Source() = default;
  /// False at the end of what is to be shown.
  [[nodiscard]] virtual Result<bool> advance() = 0;
  [[nodiscard]] virtual VirtualTime at() const = 0;
  virtual void append_line(std::string& out) const = 0;
};

class GuestSource final : public Source {
 public:
  GuestSource(TraceReader& trace, GuestIndex guest, const DumpOptions& options)
      : run_(trace.run()), guest_(guest), options_(options), events_(trace.guest_events(guest)) {
    for (size_t kind = 0; kind < shown_.size(); ++kind) {
      shown_[kind] = options.kinds.empty() || contains(options.kinds, stream_name(static_cast<EventKind>(kind)));
    }
  }

  [[nodiscard]] Status start() { return options_.from > VirtualTime{} ? events_->seek(options_.from) : Status(); }

  Result<bool> advance() override {
    for (;;) {
      ASSIGN_OR_RETURN(const bool more, events_->next(event_));
      if (!more || event_.at > options_.to) {
        return false;
      }
      if (shown_[static_cast<size_t>(event_.kind)]) {
        return true;
      }
    }
  }
  [[nodiscard]] VirtualTime at() const override { return event_.at; }
  void append_line(std::string& out) const override { append_event_text(out, run_, guest_, event_, options_.payload); }

 private:
  const RunInfo& run_;
  GuestIndex guest_;
  const DumpOptions& options_;
  std::unique_ptr<GuestCursor> events_;
  std::array<bool, kEventKindCount> shown_{};  // by EventKind
  GuestEvent event_;
};

class NetworkSource final : public Source {
 public:
  NetworkSource(TraceReader& trace, const DumpOptions& options) : run_(trace.run()), options_(options), events_(trace.network_events()) {
    for (const GuestInfo& guest : run_.guests) {
      selected_.push_back(options.guests.empty() || contains(options.guests, guest.name));
    }
  }

  [[nodiscard]] Status start() {
    const Result<uint64_t> first = events_->seek(options_.from);
    return first.ok() ? Status() : Status(first.error());
  }

  Result<bool> advance() override {
    for (;;) {
      ASSIGN_OR_RETURN(const bool more, events_->next(event_));
      if (!more || event_.at > options_.to) {
        return false;
      }
      if (event_.receiver.value < selected_.size() && selected_[event_.receiver.value]) {
        return true;
      }
    }
  }
  [[nodiscard]] VirtualTime at() const override { return event_.at; }
  void append_line(std::string& out) const override { append_event_text(out, run_, event_); }

 private:
  const RunInfo& run_;
  const DumpOptions& options_;
  std::unique_ptr<NetworkCursor> events_;
  std::vector<bool> selected_;
  NetworkEvent event_;
};

bool has_guest(const RunInfo& run, const std::string& name) {
  return std::any_of(run.guests.begin(), run.guests.end(), [&](const GuestInfo& guest) { return guest.name == name && !guest.omitted; });
}
/// Sources in the order that decides between equal times: the guests by index, then the network.
Result<std::vector<std::unique_ptr<Source>>> open_sources(TraceReader& trace, const DumpOptions& options) {
  std::vector<std::unique_ptr<Source>> sources;
  const bool network_only = options.kinds.size() == 1 && options.kinds.front() == "network";
  for (uint32_t i = 0; i < trace.run().guests.size() && !network_only; ++i) {
    if (options.guests.empty() || contains(options.guests, trace.run().guests[i].name)) {
      auto source = std::make_unique<GuestSource>(trace, GuestIndex{i}, options);
      RETURN_IF_ERROR(source->start());
      sources.push_back(std::move(source));
    }
  }
  if (options.kinds.empty() || contains(options.kinds, "network")) {
    auto source = std::make_unique<NetworkSource>(trace, options);
    RETURN_IF_ERROR(source->start());
    sources.push_back(std::move(source));
  }
  return sources;
}

}  // namespace

Status check_dump_options(const RunInfo& run, const DumpOptions& options) {
  for (const std::string& name : options.guests) {
    if (!has_guest(run, name)) {
      std::string names;
      for (const GuestInfo& guest : run.guests) {
        names += guest.omitted ? "" : names.empty() ? guest.name : ", " + guest.name;
      }
      return Error{ErrorKind::kUsage, fmt::format("no guest '{}' in the trace; it has {}", printable(name), printable(names))};
    }
  }
  for (const std::string& kind : options.kinds) {
    if (!contains(kKinds, kind)) {
      return Error{ErrorKind::kUsage, fmt::format("no kind '{}'; there are {}", printable(kind), fmt::join(kKinds, ", "))};
    }
  }
  return {};
}

Status dump_trace(TraceReader& trace, const DumpOptions& options, const LineSink& sink) {
  RETURN_IF_ERROR(check_dump_options(trace.run(), options));
  ASSIGN_OR_RETURN(const std::vector<std::unique_ptr<Source>> sources, open_sources(trace, options));
  using Place = std::pair<VirtualTime, size_t>;
  std::priority_queue<Place, std::vector<Place>, std::greater<>> next;
  std::string lines;
  Status status;
  const auto advance = [&](size_t source) {
    const Result<bool> more = sources[source]->advance();
    if (!more.ok()) {
      status = more.error();
    } else if (more.value()) {
      next.emplace(sources[source]->at(), source);
    }
  };
  for (size_t source = 0; source < sources.size(); ++source) {
    advance(source);
  }
  while (!next.empty() && status.ok()) {
    const size_t source = next.top().second;
    next.pop();
    sources[source]->append_line(lines);
    lines += '\n';
    if (lines.size() >= kFlushBytes) {
      if (!sink(lines)) {
        return {};
      }
      lines.clear();
    }
    advance(source);
  }
  if (!lines.empty()) {
    sink(lines);
  }
  return status;
}

}  // namespace reprise
