// "Did you mean ...?" for names that a user mistyped.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace reprise {

/// The candidate nearest to `name`, or "" when none is near: at most a third of the letters differ. Ties: the first one.
[[nodiscard]] std::string near_name(std::string_view name, const std::vector<std::string>& candidates);

/// " (did you mean 'x'?)", or "".
[[nodiscard]] std::string near_name_hint(std::string_view name, const std::vector<std::string>& candidates);

}  // namespace reprise
