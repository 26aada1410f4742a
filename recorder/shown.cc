#include "recorder/shown.h"

#include "trace_format/event_text.h"

namespace reprise {

std::string shown(std::string_view text) {
  constexpr size_t kMost = 100;
  return text.size() <= kMost ? printable(text) : printable(text.substr(0, kMost)) + "...";
}

}  // namespace reprise
