#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "analysis/diff.h"
#include "trace_format/event_text.h"

namespace reprise {
namespace {

std::string heading(const Difference& difference) {
  if (difference.stream == "guest") {
    return fmt::format("{}: only in one of the traces\n", printable(difference.guest));
  }
  const std::string number = difference.stream == "end" ? "" : fmt::format(" #{}", difference.sequence.value);
  return fmt::format("{}: first difference: {}{} at {} ns, {}\n", printable(difference.guest), difference.stream, number, difference.at.ns,
                     difference.field);
}

std::string side(const std::string& label, size_t width, const std::string& event, const std::string& field, const std::string& value) {
  std::string text = fmt::format("  {:<{}}  {}\n", label, width, event.empty() ? value : event);
  // Of "kind" and "present" the event itself is all there is to say.
  if (!event.empty() && field != "kind" && field != "present") {
    text += fmt::format("  {:<{}}  {}: {}\n", "", width, field, value);
  }
  return text;
}

}  // namespace

std::string diff_text(const std::vector<Difference>& differences, const std::string& left_label, const std::string& right_label) {
  if (differences.empty()) {
    return "identical\n";
  }
  const std::string left = printable(left_label) + ":";
  const std::string right = printable(right_label) + ":";
  const size_t width = std::max(left.size(), right.size());
  std::string text;
  for (const Difference& difference : differences) {
    text += heading(difference);
    text += side(left, width, difference.left_event, difference.field, difference.left);
    text += side(right, width, difference.right_event, difference.field, difference.right);
  }
  return text;
}

std::string diff_json(const std::vector<Difference>& differences) {
  nlohmann::ordered_json json;
  json["identical"] = differences.empty();
  json["differences"] = nlohmann::ordered_json::array();
  for (const Difference& difference : differences) {
    json["differences"].push_back({{"guest", difference.guest},
                                   {"stream", difference.stream},
                                   {"sequence", difference.sequence.value},
                                   {"virtual_ns", difference.at.ns},
                                   {"field", difference.field},
                                   {"left", difference.left},
                                   {"right", difference.right}});
  }
  return json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace reprise
