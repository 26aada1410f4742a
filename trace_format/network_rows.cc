#include "trace_format/network_rows.h"

#include "trace_format/limits.h"

namespace reprise {

Status NetworkRows::append(const NetworkEvent& event) {
  rows_.open(event.at);
  rows_.network().append(event);
  last_ = event.at;
  return rows_.network().bytes() >= kSealBytes ? rows_.seal(false) : Status{};
}

Status NetworkRows::finish() {
  // A stream without an open chunk ends with an empty one: its last chunk says that it is the last.
  rows_.open(last_);
  return rows_.seal(true);
}

}  // namespace reprise
