// The same run gives the same trace.
#include "recorder/simgrid_network.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "recorder/isolated_check.h"
#include "tests/recorder/simgrid_fixture.h"
#include "tests/recorder/toy_participants.h"

namespace reprise {
namespace {

uint64_t mix(uint64_t x) {
  x ^= x >> 33;
  x *= 0xff51afd7ed558ccdull;
  x ^= x >> 33;
  return x * 0xc4ceb9fe1a85ec53ull;
}

/// Six guests that answer each frame with another, to a pseudo-random guest after a pseudo-random time. The whole trace as text, as made
/// in a process of its own.
std::string busy_trace(const std::string& platform, bool last_guest_first, const Lines& options,
                       Duration longest_turn = NetworkModel::Limits{}.longest_turn) {
  const auto outcome = run_isolated([&]() -> Status {
    constexpr uint32_t kGuests = 6;
    ToyParticipants toys(kGuests);
    toys.last_guest_first = last_guest_first;
    for (uint32_t guest = 0; guest < kGuests; ++guest) {
      for (uint32_t i = 0; i < 4; ++i) {
        toys.send(static_cast<int64_t>(mix(guest * 131 + i) % 100'000), guest, i == 0 ? kEverybody : (guest + i) % kGuests, 60 + 400 * i);
      }
    }
    toys.on_frame = [&](const Delivery& d) {
      const uint64_t key = mix(d.frame.sender.value * 1000003 + d.frame.number.value * 31 + d.receiver.value);
      toys.send(d.at.ns + static_cast<int64_t>(key % 40'000), d.receiver.value,
                static_cast<uint32_t>((d.receiver.value + 1 + key / 7 % (kGuests - 1)) % kGuests), 60 + key / 64 % 1440);
    };
    const Status status = simulate(platform, guests(kGuests), toys, {5 * kMs}, options, longest_turn);
    uint64_t digest = toys.verdicts.size();
    std::string first;
    for (const auto* lines : {&toys.arrivals, &toys.verdicts, &toys.violations}) {
      for (const auto& line : *lines) {
        digest = mix(digest ^ std::hash<std::string>()(line));
      }
    }
    for (size_t i = 0; i < toys.violations.size() && i < 3; ++i) {
      first += toys.violations[i];
    }
    return Error{ErrorKind::kUsage, fmt::format("{}{}{} arrivals, digest {:x}", failure(status), first, toys.arrivals.size(), digest)};
  });
  return outcome.returned ? outcome.status.error().message : "died: " + outcome.output;
}

TEST(SimgridNetwork, SameTraceWhateverTheOrderOfWork) {
  const auto platform = star(6, "100Mbps", "20us");
  const std::string trace = busy_trace(platform, false, {});
  EXPECT_GT(std::stoi("0" + trace), 300) << trace;
  EXPECT_EQ(busy_trace(platform, false, {}), trace);
  EXPECT_EQ(busy_trace(platform, true, {}), trace);
}

TEST(SimgridNetwork, SameTraceHoweverShortTheTurns) {
  const auto platform = star(6, "100Mbps", "20us");
  const std::string trace = busy_trace(platform, false, {});
  for (const int64_t ns : {1'000, 7'777, 39'199}) {
    EXPECT_EQ(busy_trace(platform, false, {}, Duration{ns}), trace) << ns;
  }
}

TEST(SimgridNetwork, SameTraceWithSimgridsOtherOptimisation) {
  const auto platform = star(6, "100Mbps", "20us");
  EXPECT_EQ(busy_trace(platform, false, {"--cfg=network/optim:Full"}), busy_trace(platform, false, {}));
}

}  // namespace
}  // namespace reprise
