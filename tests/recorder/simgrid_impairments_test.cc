// Links that lose, delay, double and reorder frames.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "recorder/frame_fates.h"
#include "recorder/isolated_check.h"
#include "recorder/simgrid_network.h"
#include "tests/recorder/simgrid_fixture.h"
#include "tests/recorder/toy_participants.h"

namespace reprise {
namespace {

constexpr const char* kLink = "bandwidth=\"1Gbps\" latency=\"100us\"";
constexpr int64_t kArrivalNs = 100 * kUs + 480;  // of 60 bytes

std::string prop(const std::string& id, const std::string& value) {
  return "<prop id=\"" + id + "\" value=\"" + value + "\"/>";
}

/// Guest 0 sends `frames` frames of 60 bytes to guest 1, one each `gap_ns`.
ToyParticipants sending(int frames, int64_t gap_ns) {
  ToyParticipants toys(2);
  for (int i = 0; i < frames; ++i) {
    toys.send(i * gap_ns, 0, 1, 60);
  }
  return toys;
}

/// Frame number and delay of each arrival, in their order.
std::vector<std::pair<int, int64_t>> delays(const ToyParticipants& toys, int64_t gap_ns) {
  std::vector<std::pair<int, int64_t>> found;
  for (const std::string& arrival : toys.arrivals) {
    const int number = std::stoi(arrival.substr(arrival.find(':') + 1));
    found.emplace_back(number, std::stoll(arrival) - number * gap_ns);
  }
  return found;
}

TEST(SimgridImpairments, LossIsAVerdict) {
  constexpr int kFrames = 2000;
  ToyParticipants toys = sending(kFrames, 10 * kUs);
  ASSERT_EQ(failure(simulate(pair_of_hosts(kLink, {prop("loss", "0.1")}), guests(2), toys, {kSecond})), "");
  EXPECT_EQ(toys.verdicts.size(), size_t{kFrames});
  const auto lost = std::ranges::count_if(toys.verdicts, [](const std::string& verdict) { return has(verdict, "dropped 4"); });
  EXPECT_NEAR(static_cast<double>(lost), kFrames * 0.1, 5 * std::sqrt(kFrames * 0.1 * 0.9));
  EXPECT_EQ(toys.arrivals.size() + static_cast<size_t>(lost), size_t{kFrames});
  EXPECT_EQ(toys.violations, Lines{});
}

TEST(SimgridImpairments, LosingAllWithoutEndIsADeadLock) {
  ToyParticipants toys = sending(3, kMs);
  const Status status = simulate(pair_of_hosts(kLink, {prop("loss", "1")}), guests(2), toys, VirtualTime::never());
  EXPECT_TRUE(has(failure(status), "dead-lock")) << failure(status);
  EXPECT_EQ(toys.verdicts, (Lines{"0 0:0>1 dropped 4", "1000000 0:1>1 dropped 4", "2000000 0:2>1 dropped 4"}));
}

TEST(SimgridImpairments, JitterDelaysAndKeepsTheOrder) {
  constexpr int kFrames = 500;
  constexpr int64_t kGap = 100 * kUs;
  ToyParticipants toys = sending(kFrames, kGap);
  ASSERT_EQ(failure(simulate(pair_of_hosts(kLink, {prop("jitter", "1ms")}), guests(2), toys, {kSecond})), "");
  const auto found = delays(toys, kGap);
  ASSERT_EQ(found.size(), size_t{kFrames});
  int64_t least = kSecond;
  int64_t most = 0;
  for (int i = 0; i < kFrames; ++i) {
    EXPECT_EQ(found[i].first, i);
    least = std::min(least, found[i].second);
    most = std::max(most, found[i].second);
  }
  EXPECT_GE(least, kArrivalNs);
  EXPECT_LE(most, kArrivalNs + kMs);
  EXPECT_GT(most - least, 700 * kUs);
  EXPECT_EQ(toys.violations, Lines{});
}

TEST(SimgridImpairments, WithoutOrderToKeepJitterIsWhatWasDrawn) {
  constexpr int kFrames = 200;
  ToyParticipants toys = sending(kFrames, kMs);
  ASSERT_EQ(failure(simulate(pair_of_hosts(kLink, {prop("jitter", "1us")}), guests(2), toys, {kSecond})), "");
  FrameFates fates(1);
  fates.add_link("l", {.jitter = {kUs}});
  for (const auto& [number, delay] : delays(toys, kMs)) {
    EXPECT_EQ(delay, kArrivalNs + fates.of({{0}, {static_cast<uint64_t>(number)}, {1}}).front().jitter.ns);
  }
}

TEST(SimgridImpairments, DuplicatesFollowTheirFrames) {
  ToyParticipants toys = sending(2, kMs);
  ASSERT_EQ(failure(simulate(pair_of_hosts(kLink, {prop("duplicate", "1")}), guests(2), toys, {kSecond})), "");
  EXPECT_EQ(toys.arrivals, (Lines{"100480 0:0>1 60", "100960 0:0>1 60", "1100480 0:1>1 60", "1100960 0:1>1 60"}));
  EXPECT_EQ(toys.verdicts,
            (Lines{"100480 0:0>1 delivered", "100960 0:0>1 delivered", "1100480 0:1>1 delivered", "1100960 0:1>1 delivered"}));
  EXPECT_EQ(toys.violations, Lines{});
}

TEST(SimgridImpairments, CopiesThatAreAllLostHaveAVerdictEach) {
  ToyParticipants toys = sending(1, kMs);
  const std::vector<Outage> down = {{.name = "h1", .down = {0}, .description = "d:1: outage"}};
  ASSERT_EQ(failure(simulate(pair_of_hosts(kLink, {prop("duplicate", "1")}), guests(2), toys, {kSecond}, {},
                             NetworkModel::Limits{}.longest_turn, {.outages = down})),
            "");
  EXPECT_EQ(toys.verdicts, (Lines{"0 0:0>1 dropped 0", "0 0:0>1 dropped 0"}));
}

TEST(SimgridImpairments, ReorderedFramesAreOvertaken) {
  constexpr int kFrames = 300;
  constexpr int64_t kGap = 100 * kUs;
  ToyParticipants toys = sending(kFrames, kGap);
  const Lines properties = {prop("reorder", "0.1"), prop("reorder_delay", "350us")};
  ASSERT_EQ(failure(simulate(pair_of_hosts(kLink, properties), guests(2), toys, {kSecond})), "");
  int held = 0;
  int previous = -1;
  bool overtaken = false;
  for (const auto& [number, delay] : delays(toys, kGap)) {
    EXPECT_TRUE(delay == kArrivalNs || delay == kArrivalNs + 350 * kUs) << delay;
    held += delay == kArrivalNs ? 0 : 1;
    overtaken = overtaken || number < previous;
    previous = number;
  }
  EXPECT_NEAR(held, kFrames * 0.1, 5 * std::sqrt(kFrames * 0.1 * 0.9));
  EXPECT_TRUE(overtaken);
  EXPECT_EQ(toys.violations, Lines{});
}

TEST(SimgridImpairments, SplitLinksHaveThePropertiesInBothDirections) {
  const auto platform = write_platform(
      "<zone id=\"z\" routing=\"Full\"><host id=\"h0\" speed=\"1Gf\"/><host id=\"h1\" speed=\"1Gf\"/>"
      "<link id=\"l\" bandwidth=\"1Gbps\" latency=\"100us\" sharing_policy=\"SPLITDUPLEX\"><prop id=\"loss\" value=\"1\"/></link>"
      "<route src=\"h0\" dst=\"h1\" symmetrical=\"NO\"><link_ctn id=\"l\" direction=\"UP\"/></route>"
      "<route src=\"h1\" dst=\"h0\" symmetrical=\"NO\"><link_ctn id=\"l\" direction=\"DOWN\"/></route></zone>");
  ToyParticipants toys(2);
  toys.send(0, 0, 1, 60);
  toys.send(1, 1, 0, 60);
  ASSERT_EQ(failure(simulate(platform, guests(2), toys, {kSecond})), "");
  EXPECT_EQ(toys.verdicts, (Lines{"0 0:0>1 dropped 4", "1 1:0>0 dropped 4"}));
}

/// All that happens over a link with everything, in a process of its own.
std::string impaired_trace(uint64_t seed, bool last_guest_first, Duration longest_turn = NetworkModel::Limits{}.longest_turn) {
  // Here, not in the child: that one removes no files.
  const auto platform = pair_of_hosts(kLink, {prop("loss", "0.1"), prop("duplicate", "0.1"), prop("reorder", "0.1"),
                                              prop("reorder_delay", "300us"), prop("jitter", "200us")});
  const auto outcome = run_isolated([&]() -> Status {
    ToyParticipants toys(2);
    toys.last_guest_first = last_guest_first;
    for (int i = 0; i < 200; ++i) {
      toys.send(i * 37 * kUs, i % 2, (i + 1) % 2, 60 + i * 5);
    }
    const Status status = simulate(platform, guests(2), toys, {kSecond}, {}, longest_turn, {.seed = seed, .outages = {}});
    std::string all = failure(status);
    for (const auto* lines : {&toys.arrivals, &toys.verdicts, &toys.violations}) {
      for (const auto& line : *lines) {
        all += line + "\n";
      }
    }
    return Error{ErrorKind::kUsage, all};
  });
  return outcome.returned ? outcome.status.error().message : "died: " + outcome.output;
}

TEST(SimgridImpairments, TheSeedGivesTheRunWhateverTheOrderOfWork) {
  const std::string trace = impaired_trace(1, false);
  EXPECT_TRUE(has(trace, "dropped 4")) << trace;
  EXPECT_EQ(impaired_trace(1, true), trace);
  EXPECT_EQ(impaired_trace(1, false, {10 * kUs}), trace);
  EXPECT_NE(impaired_trace(2, false), trace);
}

}  // namespace
}  // namespace reprise
