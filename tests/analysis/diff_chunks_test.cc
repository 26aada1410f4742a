// Streams of many chunks: the walk starts in the middle, and must start early enough.
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "analysis/diff.h"
#include "tests/analysis/synthetic_trace.h"

namespace reprise::testing {
namespace {

constexpr int64_t kStep = 5'000'000;
constexpr size_t kReads = 3000;

/// alice reads clocks and sends a frame now and then; bob reads clocks and receives them 1 ms later.
Script long_script() {
  Script script;
  std::vector<ScriptEvent> alice;
  std::vector<ScriptEvent> bob;
  uint64_t frames = 0;
  for (size_t i = 0; i < kReads; ++i) {
    const int64_t at = static_cast<int64_t>(i) * kStep;
    alice.push_back(clock_read(at, ClockSource::kTsc, static_cast<uint64_t>(at) * 3));
    bob.push_back(clock_read(at, ClockSource::kTsc, static_cast<uint64_t>(at) * 3));
    if (i % 50 == 7) {
      alice.push_back(sent(at + 1, ethernet_frame(1, 2, 100, static_cast<uint8_t>(i))));
      bob.push_back(received(at + 1'000'001, 0, frames++));
    }
  }
  alice.push_back(end(static_cast<int64_t>(kReads) * kStep, EndReason::kUntil));
  bob.push_back(end(static_cast<int64_t>(kReads) * kStep, EndReason::kUntil));
  script.add_guest("alice", std::move(alice));
  script.add_guest("bob", std::move(bob));
  return script;
}

size_t index_of(const std::vector<ScriptEvent>& events, EventKind kind, size_t number) {
  for (size_t i = 0; i < events.size(); ++i) {
    if (events[i].kind == kind && number-- == 0) {
      return i;
    }
  }
  ADD_FAILURE() << "no such event";
  return 0;
}

class DiffChunksTest : public ::testing::Test {
 protected:
  std::vector<Difference> diff_with(const Script& altered) {
    const auto left = make_trace(long_script(), folder_.path() / ("left" + std::to_string(count_)));
    const auto right = make_trace(altered, folder_.path() / ("right" + std::to_string(count_++)));
    EXPECT_GT(left->chunk_count(GuestIndex{0}), 3U) << "the test wants several chunks";
    Result<std::vector<Difference>> result = diff_traces(*left, *right);
    EXPECT_TRUE(result.ok()) << result.error().message;
    return result.ok() ? std::move(result).value() : std::vector<Difference>();
  }

  TemporaryFolder folder_;
  int count_ = 0;
};

TEST_F(DiffChunksTest, NamesAnAlteredReadWhereverItIs) {
  std::mt19937 random(20240607);
  for (int round = 0; round < 15; ++round) {
    const size_t guest = random() % 2;
    const size_t number = round == 0 ? 0 : round == 1 ? kReads - 1 : random() % kReads;
    SCOPED_TRACE("guest " + std::to_string(guest) + ", clock read " + std::to_string(number));
    Script altered = long_script();
    ScriptEvent& event = altered.guests[guest][index_of(altered.guests[guest], EventKind::kClockRead, number)];
    event.value ^= uint64_t{1} << (random() % 64);
    const std::vector<Difference> differences = diff_with(altered);
    ASSERT_EQ(differences.size(), 1U);
    EXPECT_EQ(differences[0].guest, guest == 0 ? "alice" : "bob");
    EXPECT_EQ(differences[0].stream, "clock");
    EXPECT_EQ(differences[0].sequence.value, number);
    EXPECT_EQ(differences[0].at.ns, event.at);
    EXPECT_EQ(differences[0].field, "value");
  }
}

TEST_F(DiffChunksTest, NamesAnAlteredPayloadAtTheReceiverWhoseOwnChunksAreEqual) {
  Script altered = long_script();
  altered.guests[0][index_of(altered.guests[0], EventKind::kFrameSent, 40)].payload[99] ^= 1;
  const std::vector<Difference> differences = diff_with(altered);
  ASSERT_EQ(differences.size(), 2U);
  EXPECT_EQ(differences[1].guest, "bob");
  EXPECT_EQ(differences[1].stream, "frame");
  EXPECT_EQ(differences[1].sequence.value, 40U);
  EXPECT_EQ(differences[1].field, "payload");
}

TEST_F(DiffChunksTest, NamesAnAlteredPayloadBeforeTheReceiversOwnFirstUnequalChunk) {
  Script altered = long_script();
  altered.guests[0][index_of(altered.guests[0], EventKind::kFrameSent, 10)].payload[99] ^= 1;
  altered.guests[1][index_of(altered.guests[1], EventKind::kClockRead, kReads - 2)].value ^= 1;
  const std::vector<Difference> differences = diff_with(altered);
  ASSERT_EQ(differences.size(), 2U);
  EXPECT_EQ(differences[1].guest, "bob");
  EXPECT_EQ(differences[1].stream, "frame");
  EXPECT_EQ(differences[1].sequence.value, 10U);
}

TEST_F(DiffChunksTest, ReportsWhereAStreamThatIsAPrefixEnds) {
  Script altered = long_script();
  std::vector<ScriptEvent>& alice = altered.guests[0];
  alice.resize(index_of(alice, EventKind::kClockRead, 2000));
  alice.push_back(end(2000 * kStep - 1, EndReason::kAborted));
  for (auto* events : {&altered.guests[1]}) {
    events->resize(index_of(*events, EventKind::kClockRead, 2000));
    events->push_back(end(2000 * kStep - 1, EndReason::kAborted));
  }
  const std::vector<Difference> differences = diff_with(altered);
  ASSERT_EQ(differences.size(), 2U);
  EXPECT_EQ(differences[0].stream, "end");
  EXPECT_EQ(differences[0].field, "virtual_ns");
  EXPECT_EQ(differences[0].right, std::to_string(2000 * kStep - 1));
}

}  // namespace
}  // namespace reprise::testing
