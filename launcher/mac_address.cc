#include "launcher/mac_address.h"

#include <algorithm>
#include <cctype>

namespace reprise {

bool is_mac_address(std::string_view text) {
  constexpr std::string_view kPattern = "xx:xx:xx:xx:xx:xx";
  return std::ranges::equal(
      text, kPattern, [](char c, char pattern) { return pattern == ':' ? c == ':' : std::isxdigit(static_cast<unsigned char>(c)) != 0; });
}

}  // namespace reprise
