// Two guests over one link with properties.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <regex>
#include <set>
#include <tuple>

#include "tests/guest/guest_run.h"

namespace reprise::testing {

/// Writes a platform of node-0 and node-1 with one link, and the deployment of `guests` on them; `more` goes into the deployment.
inline void deploy_over(const GuestRun& run, const std::vector<GuestSpec>& guests, const std::string& link, const std::string& more = "") {
  run.deploy(guests);
  run.write("platform.xml", fmt::format("<?xml version=\"1.0\"?>\n<!DOCTYPE platform SYSTEM \"https://simgrid.org/simgrid.dtd\">\n"
                                        "<platform version=\"4.1\"><zone id=\"z\" routing=\"Full\"><host id=\"node-0\" speed=\"1Gf\"/>"
                                        "<host id=\"node-1\" speed=\"1Gf\"/>\n{}\n"
                                        "<route src=\"node-0\" dst=\"node-1\"><link_ctn id=\"link\"/></route></zone></platform>\n",
                                        link));
  std::string deployment = file_text(run.folder() / "deployment.xml");
  deployment.insert(deployment.rfind("</platform>"), more);
  run.write("deployment.xml", deployment);
}

/// Alice sends Bob `bytes` by TCP.
inline std::vector<GuestSpec> tcp_pair(int bytes) {
  return {{.name = "alice", .append = fmt::format("run=tcp-send:10.0.0.2:{}", bytes)}, {.name = "bob", .append = "run=tcp-receive"}};
}

/// Records twice and replays: all three are the same. Consoles of the first are in consoles/.
inline void record_twice_and_replay(const GuestRun& run) {
  ASSERT_TRUE(run.record("first.trace", {"--until", "120s", "--console", run.path("consoles")}));
  ASSERT_TRUE(run.record("second.trace", {"--until", "120s"}));
  EXPECT_TRUE(are_identical(run, "first.trace", "second.trace"));
  EXPECT_TRUE(replays_identically(run.replay("first.trace"), 2));
  EXPECT_TRUE(exits(run_reprise({"verify", run.path("first.trace")}), 0));
}

inline std::string console_of(const GuestRun& run, const std::string& guest) {
  return file_text(run.folder() / "consoles" / (guest + ".log"));
}

/// The numbers that `pattern`'s first group finds.
inline std::vector<int64_t> numbers_in(const std::string& text, const std::string& pattern) {
  const std::regex expression(pattern);
  std::vector<int64_t> found;
  for (auto at = std::sregex_iterator(text.begin(), text.end(), expression); at != std::sregex_iterator(); ++at) {
    found.push_back(std::stoll((*at)[1]));
  }
  return found;
}

/// What became of the frames of a trace.
struct Traffic {
  int delivered = 0;
  int lost = 0;
  int cut = 0;        ///< by an outage
  int second = 0;     ///< deliveries of a frame that was delivered before
  int overtaken = 0;  ///< deliveries after that of a later frame of the same sender
};

inline Traffic traffic_of(TraceReader& reader) {
  Traffic traffic;
  std::map<std::pair<GuestIndex, GuestIndex>, uint64_t> newest;
  std::set<std::tuple<GuestIndex, SeqNo, GuestIndex>> seen;
  const auto network = reader.network_events();
  for (NetworkEvent event; network->next(event).value();) {
    if (event.kind == NetworkEvent::Kind::kDropped) {
      ++(event.reason == DropReason::kLoss ? traffic.lost : event.reason == DropReason::kReceiverEnded ? traffic.delivered : traffic.cut);
      continue;
    }
    ++traffic.delivered;
    traffic.second += seen.insert({event.sender, event.sender_frame, event.receiver}).second ? 0 : 1;
    uint64_t& last = newest[{event.sender, event.receiver}];
    traffic.overtaken += event.sender_frame.value < last ? 1 : 0;
    last = std::max(last, event.sender_frame.value);
  }
  return traffic;
}

}  // namespace reprise::testing
