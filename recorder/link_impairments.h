// What a link does to frames beside carrying them: the <prop>s of a <link> in platform.xml.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "trace_format/ids.h"
#include "trace_format/status.h"

namespace reprise {

struct LinkImpairments {
  double loss = 0;         ///< probability that a frame is lost, 0 to 1
  double duplicate = 0;    ///< probability that a frame is sent a second time, right behind the first; 0 to 1
  double reorder = 0;      ///< probability that a frame is held back for reorder_delay while those behind it pass; 0 to 1
  Duration reorder_delay;  ///< 0 to kMostDelay; above 0 exactly if `reorder` is
  Duration jitter;         ///< each frame is late by 0 to this, all equally likely; 0 to kMostDelay

  static constexpr Duration kMostDelay{60'000'000'000};

  [[nodiscard]] bool any() const { return *this != LinkImpairments{}; }
  bool operator==(const LinkImpairments&) const = default;
};

/// The names of the properties: "loss", "duplicate", "reorder", "reorder_delay", "jitter".
[[nodiscard]] const std::vector<std::string>& link_property_names();

/// Sets what <prop id="`id`" value="`value`"/> says. Of another name: nothing, since SimGrid and others have properties of their own, but
/// kUsage when it is near one of ours. The error's message has no place in it.
[[nodiscard]] Status set_link_property(LinkImpairments& link, std::string_view id, std::string_view value);

/// kUsage for properties that make no sense together.
[[nodiscard]] Status check_link_properties(const LinkImpairments& link);

}  // namespace reprise
