#include "analysis/diff.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "analysis/event_alignment.h"
#include "analysis/event_rules.h"
#include "analysis/part_cursors.h"
#include "trace_format/event_text.h"

namespace reprise {
namespace {

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// Of the guests that the trace has.
std::string all_names(const RunInfo& run) {
  std::string names;
  for (const GuestInfo& guest : run.guests) {
    if (!guest.omitted) {
      names += (names.empty() ? "" : ", ") + printable(guest.name);
    }
  }
  return names.empty() ? "none" : names;
}

std::string span_text(const RunInfo& run) {
  return run.to == VirtualTime::never() ? fmt::format("from {} ns to the end", run.from.ns)
                                        : fmt::format("from {} ns to {} ns", run.from.ns, run.to.ns);
}

bool omits(const RunInfo& run, const std::string& name) {
  return std::any_of(run.guests.begin(), run.guests.end(), [&](const GuestInfo& guest) { return guest.name == name && guest.omitted; });
}

/// The events of a network that one of some guests receives. kBadTrace at one of a guest that the run does not have: it is nobody whom
/// another trace could have, too.
class ReceiverFilter final : public NetworkCursor {
 public:
  /// `side` names the trace in errors.
  ReceiverFilter(std::unique_ptr<NetworkCursor> events, const RunInfo& run, const std::vector<std::string>& guests, const char* side)
      : events_(std::move(events)), side_(side) {
    for (const GuestInfo& guest : run.guests) {
      selected_.push_back(guests.empty() || contains(guests, guest.name));
    }
    everything_ = guests.empty();
  }

  Result<bool> next(NetworkEvent& event) override {
    for (;;) {
      ASSIGN_OR_RETURN(const bool more, events_->next(event));
      if (!more) {
        return false;
      }
      if (const uint32_t highest = std::max(event.sender.value, event.receiver.value); highest >= selected_.size()) {
        return Error{
            ErrorKind::kBadTrace,
            fmt::format("the {} trace is damaged: its network has an event of guest {}, the run {} guests; 'reprise verify' says where",
                        side_, highest, selected_.size())};
      }
      if (everything_ || selected_[event.receiver.value]) {
        return true;
      }
    }
  }
  Result<uint64_t> seek(VirtualTime from) override { return events_->seek(from); }

 private:
  std::unique_ptr<NetworkCursor> events_;
  const char* side_;
  std::vector<bool> selected_;
  bool everything_ = false;
};

/// Of guests whose own chunks are equal, all that can differ.
class ReceivedFrames {
 public:
  explicit ReceivedFrames(GuestCursor& events) : events_(events) {}
  [[nodiscard]] Result<bool> next(GuestEvent& event) { return events_.next_received(event); }

 private:
  GuestCursor& events_;
};

/// A guest that both traces have.
struct SharedGuest {
  GuestIndex left;
  GuestIndex right;
  bool equal_digests = false;
  uint64_t first_unequal_chunk = 0;  ///< without equal digests
};

class Diff {
 public:
  Diff(TraceReader& left, TraceReader& right, const std::vector<std::string>& guests)
      : left_(left), right_(right), guests_(guests), part_(left.run(), right.run()) {}

  Result<std::vector<Difference>> run() {
    RETURN_IF_ERROR(check_names());
    if (part_.from >= part_.to) {
      return Error{ErrorKind::kUsage,
                   fmt::format("the traces are parts of runs and have no time in common: the left one is {}, the right one {}",
                               span_text(left_.run()), span_text(right_.run()))};
    }
    RETURN_IF_ERROR(match_guests());
    RETURN_IF_ERROR(find_start());
    for (const SharedGuest& guest : shared_) {
      if (selected(left_.run().guests[guest.left.value].name)) {
        RETURN_IF_ERROR(compare_guest(guest));
      }
    }
    add_missing_guests();
    if (!part_.whole && shared_.empty() && differences_.empty() && !left_.run().guests.empty()) {
      return Error{ErrorKind::kUsage,
                   fmt::format("no guest is in both traces: the left one has {}, the right one {}; parts leave guests out",
                               all_names(left_.run()), all_names(right_.run()))};
    }
    RETURN_IF_ERROR(compare_network());
    return std::move(differences_);
  }

 private:
  [[nodiscard]] bool selected(const std::string& name) const { return guests_.empty() || contains(guests_, name); }

  [[nodiscard]] Status check_names() const {
    for (const std::string& name : guests_) {
      if (!left_.guest_by_name(name).has_value() && !right_.guest_by_name(name).has_value()) {
        return Error{ErrorKind::kUsage, fmt::format("no guest '{}' in either trace; the left one has {}, the right one {}", printable(name),
                                                    all_names(left_.run()), all_names(right_.run()))};
      }
      for (const TraceReader* trace : {&left_, &right_}) {
        if (omits(trace->run(), name)) {
          return Error{ErrorKind::kUsage,
                       fmt::format("guest '{}' is left out of the {} trace, which is a part of a run: nothing to compare", printable(name),
                                   trace == &left_ ? "left" : "right")};
        }
      }
    }
    return {};
  }

  /// Pairs the guests by name. Digests hold senders by index: when the two traces count their guests differently, they say nothing about
  /// who sent a received frame.
  [[nodiscard]] Status match_guests() {
    const std::vector<GuestInfo>& left = left_.run().guests;
    const std::vector<GuestInfo>& right = right_.run().guests;
    same_order_ = std::equal(left.begin(), left.end(), right.begin(), right.end(),
                             [](const GuestInfo& a, const GuestInfo& b) { return a.name == b.name; });
    for (uint32_t i = 0; i < left.size(); ++i) {
      if (left[i].omitted) {
        continue;  // as guest_by_name() does for the right trace
      }
      if (const std::optional<GuestIndex> other = right_.guest_by_name(left[i].name)) {
        SharedGuest guest{GuestIndex{i}, *other};
        guest.equal_digests = left_.guest_digest(guest.left) == right_.guest_digest(guest.right);
        if (!guest.equal_digests && same_order_ && part_.whole) {
          ASSIGN_OR_RETURN(guest.first_unequal_chunk, first_unequal_chunk(guest));
        }
        shared_.push_back(guest);
      }
    }
    return {};
  }

  /// A stream that is another one's prefix parts from it at its end, which is in its last chunk.
  [[nodiscard]] Result<uint64_t> first_unequal_chunk(const SharedGuest& guest) const {
    ASSIGN_OR_RETURN(const uint64_t equal, left_.equal_chunks(guest.left, right_, guest.right));
    const uint64_t common = std::min(left_.chunk_count(guest.left), right_.chunk_count(guest.right));
    return common == 0 ? 0 : std::min(equal, common - 1);
  }

  [[nodiscard]] static Result<VirtualTime> chunk_start(TraceReader& trace, GuestIndex guest, uint64_t chunk) {
    if (trace.chunk_count(guest) == 0) {
      return VirtualTime{};
    }
    const std::unique_ptr<GuestCursor> events = trace.guest_events(guest);
    RETURN_IF_ERROR(events->seek_chunk(chunk));
    GuestEvent event;
    ASSIGN_OR_RETURN(const bool more, events->next(event));
    return more ? event.at : VirtualTime{};
  }

  /// Finds the time before which no guest of either trace did anything else than in the other. A received frame is stored as a reference to
  /// its sender's, so a guest whose own chunks are equal may have received other bytes, but none that were sent before this time.
  [[nodiscard]] Status find_start() {
    if (!part_.whole) {
      start_ = part_.from;
      return {};
    }
    start_ = same_order_ ? VirtualTime::never() : VirtualTime{};
    for (const SharedGuest& guest : shared_) {
      if (!guest.equal_digests && same_order_) {
        ASSIGN_OR_RETURN(const VirtualTime left, chunk_start(left_, guest.left, guest.first_unequal_chunk));
        ASSIGN_OR_RETURN(const VirtualTime right, chunk_start(right_, guest.right, guest.first_unequal_chunk));
        start_ = std::min({start_, left, right});
      }
    }
    return {};
  }

  [[nodiscard]] bool receives(const SharedGuest& guest) const {
    return left_.guest_statistics(guest.left).frames_received != 0 || right_.guest_statistics(guest.right).frames_received != 0;
  }

  [[nodiscard]] Status compare_guest(const SharedGuest& guest) {
    if (!part_.whole) {
      return compare_part(guest);
    }
    const bool by_payload = receives(guest);
    if (guest.equal_digests && (start_ == VirtualTime::never() || !by_payload)) {
      return {};
    }
    const std::unique_ptr<GuestCursor> left = left_.guest_events(guest.left);
    const std::unique_ptr<GuestCursor> right = right_.guest_events(guest.right);
    if (same_order_ && by_payload) {
      RETURN_IF_ERROR(left->seek(start_));
      RETURN_IF_ERROR(right->seek(start_));
    } else if (same_order_ && guest.first_unequal_chunk != 0) {
      RETURN_IF_ERROR(left->seek_chunk(guest.first_unequal_chunk));
      RETURN_IF_ERROR(right->seek_chunk(guest.first_unequal_chunk));
    }
    const GuestRules rules(left_.run(), guest.left, right_.run(), guest.right);
    if (guest.equal_digests) {
      ReceivedFrames left_frames(*left);
      ReceivedFrames right_frames(*right);
      return walk<GuestEvent>(left_frames, right_frames, rules);
    }
    return walk<GuestEvent>(*left, *right, rules);
  }

  /// A part has other chunks than its whole, whose digests say nothing.
  [[nodiscard]] Status compare_part(const SharedGuest& guest) {
    const std::unique_ptr<GuestCursor> left = left_.guest_events(guest.left);
    const std::unique_ptr<GuestCursor> right = right_.guest_events(guest.right);
    RETURN_IF_ERROR(left->seek(part_.from));
    RETURN_IF_ERROR(right->seek(part_.from));
    GuestPart left_part(*left, part_);
    GuestPart right_part(*right, part_);
    return walk<GuestEvent>(left_part, right_part, GuestRules(left_.run(), guest.left, right_.run(), guest.right));
  }

  /// Left out of a part is not missing from the run.
  [[nodiscard]] static bool has_or_left_out(const TraceReader& trace, const std::string& name) {
    const std::vector<GuestInfo>& guests = trace.run().guests;
    return std::any_of(guests.begin(), guests.end(), [&](const GuestInfo& guest) { return guest.name == name; });
  }

  void add_missing_guests() {
    const auto add = [&](TraceReader& has, TraceReader& lacks, const char* left, const char* right) {
      for (const GuestInfo& guest : has.run().guests) {
        if (!has_or_left_out(lacks, guest.name) && selected(guest.name)) {
          differences_.push_back({guest.name, "guest", {}, {}, "present", left, right, {}, {}});
        }
      }
    };
    add(left_, right_, "present", "absent");
    add(right_, left_, "absent", "present");
  }

  [[nodiscard]] Status compare_network() {
    // The network's own rows are those that the guests' receptions do not imply, so equal ones say nothing when a guest differs.
    const bool equal_guests = std::all_of(shared_.begin(), shared_.end(), [](const SharedGuest& guest) { return guest.equal_digests; });
    if (part_.whole && same_order_ && equal_guests && left_.network_digest() == right_.network_digest()) {
      return {};
    }
    ReceiverFilter left(left_.network_events(), left_.run(), guests_, "left");
    ReceiverFilter right(right_.network_events(), right_.run(), guests_, "right");
    for (ReceiverFilter* events : {&left, &right}) {
      if (const Result<uint64_t> first = events->seek(part_.from); !first.ok()) {
        return first.error();
      }
    }
    NetworkPart left_part(left, part_);
    NetworkPart right_part(right, part_);
    return walk<NetworkEvent>(left_part, right_part, NetworkRules(left_.run(), right_.run()));
  }

  template <typename Event, typename Cursor, typename Rules>
  [[nodiscard]] Status walk(Cursor& left, Cursor& right, const Rules& rules) {
    EventAlignment<Event, Cursor, Rules> alignment(left, right, rules);
    ASSIGN_OR_RETURN(std::optional<Difference> difference, alignment.first_difference());
    if (difference.has_value()) {
      differences_.push_back(std::move(*difference));
    }
    return {};
  }

  TraceReader& left_;
  TraceReader& right_;
  const std::vector<std::string>& guests_;
  std::vector<SharedGuest> shared_;
  CommonPart part_;
  bool same_order_ = false;
  VirtualTime start_;  ///< never(): all digests are equal
  std::vector<Difference> differences_;
};

}  // namespace

Result<std::vector<Difference>> diff_traces(TraceReader& left, TraceReader& right, const std::vector<std::string>& guests) {
  return Diff(left, right, guests).run();
}

}  // namespace reprise
