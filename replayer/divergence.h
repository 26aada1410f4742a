// The first difference between a replayed guest and its trace, as a value.
#pragma once

#include <string>
#include <vector>

#include "trace_format/ids.h"

namespace reprise {

struct Divergence {
  std::string guest;
  std::string stream;                ///< "frame", "clock", "console" or "end"
  SeqNo sequence;                    ///< the event's number in its stream
  VirtualTime at;                    ///< the recorded event's virtual time; of the actual one when nothing was recorded
  std::string field;                 ///< "virtual_ns", "value", "source", "payload", "kind", ...
  std::string expected;              ///< from the trace
  std::string actual;                ///< from the replayed guest
  std::vector<std::string> context;  ///< the events before it, oldest first, one line each, as `dump` prints them
};

}  // namespace reprise
