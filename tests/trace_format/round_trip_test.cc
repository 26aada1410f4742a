#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "tests/trace_format/sample_run.h"
#include "trace_format/verify.h"

namespace reprise {
namespace {

using testing::ok;
using testing::random_script;
using testing::Script;
using testing::ScriptEvent;

void expect_equal(const Script& want, const Script& got) {
  ASSERT_EQ(want.guests.size(), got.guests.size());
  for (size_t g = 0; g < want.guests.size(); ++g) {
    ASSERT_EQ(want.guests[g].size(), got.guests[g].size()) << "guest " << g;
    for (size_t i = 0; i < want.guests[g].size(); ++i) {
      ASSERT_EQ(want.guests[g][i], got.guests[g][i]) << "guest " << g << " event " << i;
    }
  }
  ASSERT_EQ(want.network.size(), got.network.size());
  for (size_t i = 0; i < want.network.size(); ++i) {
    const NetworkEvent& a = want.network[i];
    const NetworkEvent& b = got.network[i];
    ASSERT_TRUE(a.kind == b.kind && a.reason == b.reason && a.at == b.at && a.sent_at == b.sent_at && a.sender == b.sender &&
                a.sender_frame == b.sender_frame && a.receiver == b.receiver && a.sequence == b.sequence)
        << "network event " << i;
  }
}

GuestStatistics count(const std::vector<ScriptEvent>& events) {
  GuestStatistics s;
  s.first = {events.front().at};
  for (const ScriptEvent& event : events) {
    s.last = {event.at};
    switch (event.kind) {
      case EventKind::kClockRead:
        ++s.clock_reads[static_cast<size_t>(event.source)];
        break;
      case EventKind::kFrameSent:
        ++s.frames_sent;
        s.bytes_sent += event.payload.size();
        break;
      case EventKind::kFrameReceived:
        ++s.frames_received;
        s.bytes_received += event.payload.size();
        break;
      case EventKind::kConsoleByte:
        ++s.console_bytes;
        break;
      case EventKind::kConsoleInput:
        ++s.console_bytes;
        ++s.console_input_bytes;
        break;
      case EventKind::kEnd:
        s.ended = true;
        s.end_reason = event.reason;
        break;
    }
  }
  return s;
}

class RandomRun : public ::testing::TestWithParam<uint64_t> {};

TEST_P(RandomRun, IsReadAsItWasWritten) {
  const testing::TemporaryFolder folder;
  const Script script = GetParam() % 2 == 0 ? random_script(GetParam(), 600) : testing::typed_script(GetParam(), 600);
  write_trace(script, folder / "run.trace");
  ASSERT_TRUE(testing::verified(folder / "run.trace"));
  const auto read = testing::read_script(folder / "run.trace");
  ASSERT_TRUE(read.ok()) << read.error().message;
  expect_equal(script, *read);

  const auto reader = TraceReader::open(folder / "run.trace");
  ASSERT_TRUE(reader.ok()) << reader.error().message;
  for (uint32_t g = 0; g < 3; ++g) {
    EXPECT_EQ((*reader)->guest_statistics({g}), count(script.guests[g])) << "guest " << g;
  }
  const NetworkStatistics& network = (*reader)->network_statistics();
  EXPECT_EQ(network.frames_delivered + network.frames_dropped, script.network.size());
}

TEST_P(RandomRun, TwiceGivesTheSameBytes) {
  const testing::TemporaryFolder folder;
  const Script script = random_script(GetParam(), 300);
  write_trace(script, folder / "a.trace");
  write_trace(script, folder / "b.trace");
  EXPECT_TRUE(testing::file_bytes(folder / "a.trace") == testing::file_bytes(folder / "b.trace"));
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomRun, ::testing::Range<uint64_t>(1, 13));

TEST(RoundTrip, KeepsRunInfo) {
  const testing::TemporaryFolder folder;
  Script script = testing::small_script();
  script.run.complete = false;
  write_trace(script, folder / "run.trace");
  const auto reader = TraceReader::open(folder / "run.trace");
  ASSERT_TRUE(reader.ok()) << reader.error().message;
  const RunInfo& want = script.run;
  const RunInfo& got = (*reader)->run();
  EXPECT_EQ(got.reprise_version, want.reprise_version);
  EXPECT_EQ(got.simgrid_version, want.simgrid_version);
  EXPECT_EQ(got.simgrid_options, want.simgrid_options);
  EXPECT_EQ(got.platform_xml, want.platform_xml);
  EXPECT_EQ(got.deployment_xml, want.deployment_xml);
  EXPECT_EQ(got.seed, want.seed);
  EXPECT_EQ(got.lookahead, want.lookahead);
  EXPECT_EQ(got.until, want.until);
  EXPECT_EQ(got.complete, want.complete);
  ASSERT_EQ(got.guests.size(), 2u);
  const GuestInfo& a = want.guests[1];
  const GuestInfo& b = got.guests[1];
  EXPECT_EQ(b.name, a.name);
  EXPECT_EQ(b.host, a.host);
  EXPECT_EQ(b.address, a.address);
  EXPECT_EQ(b.mac, a.mac);
  EXPECT_EQ(b.nic, a.nic);
  EXPECT_EQ(b.qemu_version, a.qemu_version);
  EXPECT_EQ(b.qemu_build_id, a.qemu_build_id);
  EXPECT_EQ(b.command_line, a.command_line);
  EXPECT_EQ(b.icount_shift, a.icount_shift);
  ASSERT_EQ(b.images.size(), 1u);
  EXPECT_EQ(b.images[0].role, a.images[0].role);
  EXPECT_EQ(b.images[0].path, a.images[0].path);
  EXPECT_EQ(b.images[0].sha256, a.images[0].sha256);
  EXPECT_EQ(b.images[0].size_bytes, a.images[0].size_bytes);
  EXPECT_EQ((*reader)->guest_by_name("guest1"), GuestIndex{1});
  EXPECT_EQ((*reader)->guest_by_name("nobody"), std::nullopt);
}

// A change of one value in one guest shows in its digest, in the digest of the chunk that holds it and in those only.
TEST(RoundTrip, DigestsFindTheChangedChunk) {
  const testing::TemporaryFolder folder;
  Script script = random_script(3, 600);
  write_trace(script, folder / "a.trace");
  size_t changed = script.guests[1].size() / 2;
  while (script.guests[1][changed].kind != EventKind::kConsoleByte) {
    ++changed;
  }
  script.guests[1][changed].byte ^= 1;
  write_trace(script, folder / "b.trace");
  const auto a = TraceReader::open(folder / "a.trace");
  const auto b = TraceReader::open(folder / "b.trace");
  ASSERT_TRUE(a.ok() && b.ok());
  EXPECT_EQ((*a)->guest_digest({0}), (*b)->guest_digest({0}));
  EXPECT_NE((*a)->guest_digest({1}), (*b)->guest_digest({1}));
  EXPECT_EQ((*a)->network_digest(), (*b)->network_digest());
  const uint64_t chunks = (*a)->chunk_count({1});
  ASSERT_EQ(chunks, (*b)->chunk_count({1}));
  ASSERT_GT(chunks, 2u);
  size_t different = 0;
  for (uint64_t i = 0; i < chunks; ++i) {
    if (*(*a)->chunk_digest({1}, i) == *(*b)->chunk_digest({1}, i)) {
      continue;
    }
    if (++different == 1) {
      const auto equal = (*a)->equal_chunks({1}, **b, {1});
      ASSERT_TRUE(equal.ok());
      EXPECT_EQ(*equal, i);
    }
    const auto cursor = (*b)->guest_events({1});
    ASSERT_TRUE(ok(cursor->seek_chunk(i)));
    const auto events = testing::read_all(*cursor);
    ASSERT_TRUE(events.ok());
    EXPECT_NE(std::find(events->begin(), events->end(), script.guests[1][changed]), events->end());
  }
  EXPECT_EQ(different, 1u);
}

TEST(RoundTrip, ARunWithoutFramesAndANetworkWithoutEvents) {
  const testing::TemporaryFolder folder;
  Script script;
  script.run.guests.resize(1);
  script.run.guests[0].name = "lonely";
  script.guests = {{ScriptEvent{}}};
  write_trace(script, folder / "run.trace");
  ASSERT_TRUE(testing::verified(folder / "run.trace"));
  const auto read = testing::read_script(folder / "run.trace");
  ASSERT_TRUE(read.ok()) << read.error().message;
  expect_equal(script, *read);
}

// Times and values at the ends of their ranges: differences wrap around, nothing overflows (run under the sanitizers).
TEST(RoundTrip, ExtremeTimesAndValues) {
  const testing::TemporaryFolder folder;
  constexpr int64_t kLate = std::numeric_limits<int64_t>::max();
  Script script = testing::small_script();
  script.guests[0].clear();
  uint64_t sequence = 0;
  for (const uint64_t value : {uint64_t{0}, ~uint64_t{0}, uint64_t{1}, uint64_t{1} << 63}) {
    for (const int64_t at : {int64_t{0}, kLate - 1, kLate}) {
      if (script.guests[0].empty() || at >= script.guests[0].back().at) {
        ScriptEvent event;
        event.kind = EventKind::kClockRead;
        event.source = ClockSource::kLapic;
        event.at = at;
        event.value = value;
        event.sequence = sequence++;
        script.guests[0].push_back(event);
      }
    }
  }
  ScriptEvent end;
  end.at = kLate;
  script.guests[0].push_back(end);
  script.guests[1] = {end};
  script.network.clear();
  write_trace(script, folder / "run.trace");
  const auto read = testing::read_script(folder / "run.trace");
  ASSERT_TRUE(read.ok()) << read.error().message;
  expect_equal(script, *read);
}

}  // namespace
}  // namespace reprise
