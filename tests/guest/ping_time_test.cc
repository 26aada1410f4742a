// Round trips as the guest measures them are what the platform file says, plus what the guests need to handle a packet.
#include <fmt/format.h>

#include <map>
#include <regex>

#include "tests/guest/guest_run.h"

namespace reprise::testing {
namespace {

// From examples/ping/platform.xml: two links of 5 ms and 1 Gbit/s, which is 8 ns a byte. In SimGrid's model a frame flows through all links
// of its path at once, at the rate of the slowest: its bytes count once, not once a link.
constexpr int64_t kLatencyNs = 2 * 5'000'000;
constexpr int64_t kByteNs = 8;
// What two guests need for one round trip, at one instruction a nanosecond: system calls, drivers, interrupts. Measured: 26.5 us.
constexpr int64_t kMostProcessingNs = 100'000;

constexpr int64_t path_ns(size_t frame_bytes) {
  return kLatencyNs + static_cast<int64_t>(frame_bytes) * kByteNs;
}

/// Sizes of all sent frames, by sender and number.
std::map<std::pair<GuestIndex, SeqNo>, size_t> sizes_of_sent_frames(TraceReader& reader) {
  std::map<std::pair<GuestIndex, SeqNo>, size_t> sizes;
  for (uint32_t i = 0; i < reader.run().guests.size(); ++i) {
    const auto cursor = reader.guest_events(GuestIndex{i});
    for (GuestEvent event; cursor->next(event).value();) {
      if (event.kind == EventKind::kFrameSent) {
        sizes[{GuestIndex{i}, event.sender_frame}] = event.payload.size();
      }
    }
  }
  return sizes;
}

std::vector<int64_t> round_trips(const std::string& console) {
  static const std::regex kReply("reply seq=[0-9]+ rtt_ns=([0-9]+)");
  std::vector<int64_t> found;
  for (auto at = std::sregex_iterator(console.begin(), console.end(), kReply); at != std::sregex_iterator(); ++at) {
    found.push_back(std::stoll((*at)[1]));
  }
  return found;
}

TEST(PingTime, IsThePlatformsPathAndTheGuestsProcessing) {
  const GuestRun run;
  const std::string example = REPRISE_EXAMPLES "/ping/";
  ASSERT_TRUE(exits(run_reprise({"record", example + "platform.xml", example + "deployment.xml", "-o", run.path("ping.trace"), "--console",
                                 run.path("consoles")}),
                    0));
  const auto reader = run.open("ping.trace");
  ASSERT_NE(reader, nullptr);
  const auto sizes = sizes_of_sent_frames(*reader);
  const auto network = reader->network_events();
  size_t echo_frames = 0;
  constexpr size_t kEchoBytes = 98;  // Ethernet 14, IPv4 20, ICMP 8, payload 56
  for (NetworkEvent event; network->next(event).value();) {
    if (event.kind == NetworkEvent::Kind::kDropped) {
      EXPECT_EQ(event.reason, DropReason::kReceiverEnded) << "sent at " << event.sent_at.ns << " ns";
      continue;
    }
    const size_t bytes = sizes.at({event.sender, event.sender_frame});
    EXPECT_EQ((event.at - event.sent_at).ns, path_ns(bytes)) << bytes << " bytes sent at " << event.sent_at.ns << " ns";
    echo_frames += bytes == kEchoBytes ? 1 : 0;
  }
  EXPECT_GE(echo_frames, 20U);

  const std::string console = file_text(run.folder() / "consoles" / "alice.log");
  const std::vector<int64_t> measured = round_trips(console);
  ASSERT_EQ(measured.size(), 10U) << console;
  for (const int64_t rtt : measured) {
    const int64_t processing = rtt - 2 * path_ns(kEchoBytes);
    EXPECT_GT(processing, 0) << rtt;
    EXPECT_LT(processing, kMostProcessingNs) << rtt;
  }
}

}  // namespace
}  // namespace reprise::testing
