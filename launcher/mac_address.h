// Text from a trace that becomes an option of a program.
#pragma once

#include <string_view>

namespace reprise {

/// Six pairs of hex digits with colons between.
[[nodiscard]] bool is_mac_address(std::string_view text);

}  // namespace reprise
