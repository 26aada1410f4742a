// Where two traces differ first.
#pragma once

#include <string>
#include <vector>

#include "trace_format/ids.h"
#include "trace_format/status.h"
#include "trace_format/trace_reader.h"

namespace reprise {

/// The first difference of one guest's events, or of what the network did.
struct Difference {
  std::string guest;   ///< its name; of a network event, the receiver's
  std::string stream;  ///< "frame", "clock", "console", "end" or "network"; "guest": only one of the traces has this guest
  SeqNo sequence;      ///< of the event in its stream (frames sent and received are counted together); 0 for "end" and "guest"
  VirtualTime at;      ///< of the earlier of the two events
  /// What differs: "virtual_ns", "kind" (another event stands there), "source", "value", "sender", "payload", "byte", "reason", "sent_ns",
  /// "frame" (which of the sender's frames it is), or "present" (one trace has no more events here, or no such guest).
  std::string field;
  std::string left;         ///< the field in the left trace
  std::string right;        ///< the field in the right trace
  std::string left_event;   ///< the whole event as `dump` prints it; empty when there is none
  std::string right_event;  ///< the same of the right trace
};

/// Compares the guests by name, in the order of the left trace, then the network: at most one Difference each; empty means identical.
/// `guests` limits it to these (and to network events that they receive); empty: all. kUsage for a name that neither trace has.
///
/// When a trace is a part of a run, only the time and the guests that both have are compared. kUsage when that is nothing: no time or no
/// guest in common, or one of `guests` is left out of a trace.
///
/// Reads no event when the footers' digests are equal; otherwise starts at the first unequal chunk (a part: at its
/// beginning). Memory does not grow with the traces.
[[nodiscard]] Result<std::vector<Difference>> diff_traces(TraceReader& left, TraceReader& right,
                                                          const std::vector<std::string>& guests = {});

/// "identical", or a block for each difference. The labels name the two traces. Ends with a newline.
[[nodiscard]] std::string diff_text(const std::vector<Difference>& differences, const std::string& left_label,
                                    const std::string& right_label);

/// {"identical": bool, "differences": [{"guest", "stream", "sequence", "virtual_ns", "field", "left", "right"}]}. Ends with a newline.
[[nodiscard]] std::string diff_json(const std::vector<Difference>& differences);

}  // namespace reprise
