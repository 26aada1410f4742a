#include "recorder/link_impairments.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "recorder/near_name.h"
#include "recorder/shown.h"
#include "trace_format/time_text.h"

namespace reprise {
namespace {

Status set_probability(double& probability, std::string_view id, std::string_view value) {
  double number = 0;
  const auto [end, problem] = std::from_chars(value.data(), value.data() + value.size(), number);
  // Written so that what is no number ("nan") fails as well.
  if (value.empty() || problem != std::errc() || end != value.data() + value.size() || !(number >= 0 && number <= 1)) {
    return Error{
        ErrorKind::kUsage,
        fmt::format("{} '{}' is not a probability; want a number from 0 to 1, such as 0.01 for one frame in a hundred", id, shown(value))};
  }
  probability = number;
  return {};
}

Status set_delay(Duration& delay, std::string_view id, std::string_view value) {
  const Result<VirtualTime> time = parse_time(value);
  if (!time.ok()) {
    return Error{ErrorKind::kUsage, fmt::format("{} {}", id, time.error().message)};
  }
  if (Duration{time->ns} > LinkImpairments::kMostDelay) {
    return Error{ErrorKind::kUsage, fmt::format("{} '{}' is too long; want 0s to 60s", id, shown(value))};
  }
  delay = {time->ns};
  return {};
}

}  // namespace

const std::vector<std::string>& link_property_names() {
  static const std::vector<std::string> kNames = {"loss", "duplicate", "reorder", "reorder_delay", "jitter"};
  return kNames;
}

Status set_link_property(LinkImpairments& link, std::string_view id, std::string_view value) {
  if (id == "loss") {
    return set_probability(link.loss, id, value);
  }
  if (id == "duplicate") {
    return set_probability(link.duplicate, id, value);
  }
  if (id == "reorder") {
    return set_probability(link.reorder, id, value);
  }
  if (id == "reorder_delay") {
    return set_delay(link.reorder_delay, id, value);
  }
  if (id == "jitter") {
    return set_delay(link.jitter, id, value);
  }
  if (const std::string hint = near_name_hint(id, link_property_names()); !hint.empty()) {
    return Error{ErrorKind::kUsage, fmt::format("unknown property '{}' of a link{}; Reprise knows {}", shown(id), hint,
                                                fmt::join(link_property_names(), ", "))};
  }
  return {};
}

Status check_link_properties(const LinkImpairments& link) {
  if (link.reorder > 0 && link.reorder_delay == Duration{}) {
    return Error{ErrorKind::kUsage,
                 "reorder needs to know for how long a frame is held back while others pass: add <prop id=\"reorder_delay\" "
                 "value=\"5ms\"/>, say"};
  }
  if (link.reorder_delay != Duration{} && link.reorder == 0) {
    return Error{ErrorKind::kUsage,
                 "reorder_delay without reorder does nothing: add <prop id=\"reorder\" value=\"0.01\"/>, say, or remove it"};
  }
  return {};
}

}  // namespace reprise
