#include "recorder/network_verdicts.h"

#include <algorithm>

#include "trace_format/status.h"

namespace reprise {

void NetworkVerdicts::add(const NetworkEvent& event) {
  CHECK(event.at >= watermark_);
  waiting_.insert(event);
}

void NetworkVerdicts::release_before(VirtualTime watermark, Participants& to) {
  while (!waiting_.empty() && waiting_.begin()->at < watermark) {
    NetworkEvent event = waiting_.extract(waiting_.begin()).value();
    event.sequence = {released_++};
    to.on_network_event(event);
  }
  watermark_ = std::max(watermark_, watermark);
}

}  // namespace reprise
