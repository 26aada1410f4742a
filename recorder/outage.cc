#include "recorder/outage.h"

#include <fmt/format.h>

#include <algorithm>

#include "recorder/near_name.h"
#include "recorder/shown.h"
#include "trace_format/time_text.h"

namespace reprise {

Status set_outage_property(Outage& outage, std::string_view id, std::string_view value) {
  if (id == "link") {
    if (value.empty()) {
      return Error{ErrorKind::kUsage, "the name of the link is empty; leave the property out if the host is to go down"};
    }
    outage.of = Outage::Of::kLink;
    outage.name = value;
    return {};
  }
  if (id == "down" || id == "up") {
    const Result<VirtualTime> time = parse_time(value);
    if (!time.ok()) {
      return Error{ErrorKind::kUsage, fmt::format("{} {}", id, time.error().message)};
    }
    (id == "down" ? outage.down : outage.up) = *time;
    return {};
  }
  return Error{ErrorKind::kUsage, fmt::format("unknown property '{}' of an outage{}; want link, down and up", shown(id),
                                              near_name_hint(id, {"link", "down", "up"}))};
}

Status check_outage(const Outage& outage) {
  if (outage.down < VirtualTime{}) {
    return Error{ErrorKind::kUsage, "an outage lacks its beginning: add <prop id=\"down\" value=\"5s\"/>, say"};
  }
  if (outage.up <= outage.down) {
    return Error{ErrorKind::kUsage, fmt::format("an outage that begins at {} ns cannot end at {} ns; 'up' must be later than 'down'",
                                                outage.down.ns, outage.up.ns)};
  }
  return {};
}

void DownTimes::went_down(VirtualTime at) {
  down_since_ = down_since_.value_or(at);
}

void DownTimes::came_up(VirtualTime at) {
  if (down_since_.has_value()) {
    add(*down_since_, at);
    down_since_.reset();
  }
}

bool DownTimes::within(VirtualTime from, VirtualTime to) const {
  return (down_since_.has_value() && *down_since_ <= to) ||
         std::ranges::any_of(intervals_, [&](const Interval& each) { return each.down <= to && each.up > from; });
}

void DownTimes::forget_before(VirtualTime past) {
  std::erase_if(intervals_, [&](const Interval& each) { return each.up <= past; });
}

}  // namespace reprise
