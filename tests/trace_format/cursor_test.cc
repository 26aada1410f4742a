#include <gtest/gtest.h>

#include <algorithm>
#include <tuple>
#include <vector>

#include "tests/trace_format/sample_run.h"

namespace reprise {
namespace {

using testing::ok;
using testing::Script;
using testing::ScriptEvent;

class Cursors : public ::testing::Test {
 protected:
  void SetUp() override {
    write_trace(script_, folder_ / "run.trace");
    auto reader = TraceReader::open(folder_ / "run.trace");
    ASSERT_TRUE(reader.ok()) << reader.error().message;
    reader_ = std::move(*reader);
  }

  testing::TemporaryFolder folder_;
  Script script_ = testing::typed_script(7, 500);
  std::unique_ptr<TraceReader> reader_;
};

TEST_F(Cursors, SeekGivesTheFirstEventAtOrAfterATime) {
  const auto& events = script_.guests[0];
  const auto cursor = reader_->guest_events({0});
  std::vector<int64_t> times = {0, 1, 999'999'999, 1'000'000'000, events.back().at, events.back().at + 1};
  for (size_t i = 0; i < events.size(); i += 97) {
    times.push_back(events[i].at);
    times.push_back(events[i].at + 1);
  }
  for (const int64_t from : times) {
    ASSERT_TRUE(ok(cursor->seek({from})));
    const auto rest = testing::read_all(*cursor);
    ASSERT_TRUE(rest.ok()) << rest.error().message;
    const auto want = std::find_if(events.begin(), events.end(), [&](const ScriptEvent& e) { return e.at >= from; });
    ASSERT_TRUE(std::equal(want, events.end(), rest->begin(), rest->end())) << "from " << from;
  }
}

TEST_F(Cursors, SeekGivesTheNetworksFirstEventAtOrAfterATime) {
  const auto whole = reader_->network_events();
  std::vector<NetworkEvent> events;
  for (NetworkEvent event; *whole->next(event);) {
    events.push_back(event);
  }
  ASSERT_GT(events.size(), 50u);
  const auto cursor = reader_->network_events();
  std::vector<int64_t> times = {0, 1, events.front().at.ns, events.back().at.ns, events.back().at.ns + 1};
  for (size_t i = 0; i < events.size(); i += 17) {
    times.push_back(events[i].at.ns);
    times.push_back(events[i].at.ns + 1);
  }
  for (const int64_t from : times) {
    const auto number = cursor->seek({from});
    ASSERT_TRUE(number.ok()) << number.error().message;
    auto want = std::find_if(events.begin(), events.end(), [&](const NetworkEvent& e) { return e.at.ns >= from; });
    ASSERT_EQ(*number, static_cast<uint64_t>(want - events.begin())) << "from " << from;
    for (NetworkEvent event; *cursor->next(event); ++want) {
      ASSERT_TRUE(want != events.end());
      ASSERT_EQ(event.sequence, want->sequence) << "from " << from;
      ASSERT_EQ(std::tuple(event.kind, event.at, event.sent_at), std::tuple(want->kind, want->at, want->sent_at));
    }
    ASSERT_TRUE(want == events.end()) << "from " << from;
  }
}

TEST_F(Cursors, SeekChunkGivesTheEventsFromThere) {
  const uint64_t chunks = reader_->chunk_count({2});
  ASSERT_GT(chunks, 3u);
  const auto cursor = reader_->guest_events({2});
  size_t last = script_.guests[2].size() + 1;
  for (uint64_t i = 0; i < chunks; ++i) {
    ASSERT_TRUE(ok(cursor->seek_chunk(i)));
    const auto rest = testing::read_all(*cursor);
    ASSERT_TRUE(rest.ok()) << rest.error().message;
    ASSERT_LT(rest->size(), last);
    last = rest->size();
    ASSERT_TRUE(std::equal(rest->rbegin(), rest->rend(), script_.guests[2].rbegin()));
  }
  ASSERT_TRUE(ok(cursor->seek_chunk(chunks)));
  EXPECT_TRUE(testing::read_all(*cursor)->empty());
}

TEST_F(Cursors, NextReceivedGivesTheReceivedFramesAndNothingElse) {
  for (uint32_t g = 0; g < 3; ++g) {
    const auto cursor = reader_->guest_events({g});
    for (const ScriptEvent& want : script_.guests[g]) {
      if (want.kind != EventKind::kFrameReceived) {
        continue;
      }
      GuestEvent event;
      const auto more = cursor->next_received(event);
      ASSERT_TRUE(more.ok() && *more);
      ASSERT_EQ(event.at.ns, want.at);
      ASSERT_EQ(event.sequence.value, want.sequence);
      ASSERT_EQ(event.sender_frame.value, want.sender_frame);
      ASSERT_TRUE(std::equal(event.payload.begin(), event.payload.end(), want.payload.begin(), want.payload.end()));
    }
    GuestEvent event;
    const auto more = cursor->next_received(event);
    ASSERT_TRUE(more.ok());
    EXPECT_FALSE(*more);
  }
}

TEST_F(Cursors, NextInputGivesWhatReachesTheGuestAndNothingElse) {
  for (uint32_t g = 0; g < 3; ++g) {
    const auto cursor = reader_->guest_events({g});
    GuestEvent event;
    for (const ScriptEvent& want : script_.guests[g]) {
      if (want.kind == EventKind::kFrameReceived || want.kind == EventKind::kConsoleInput) {
        const auto more = cursor->next_input(event);
        ASSERT_TRUE(more.ok() && *more);
        ASSERT_EQ(event.kind, want.kind);
        ASSERT_EQ(event.at.ns, want.at);
        ASSERT_EQ(event.sequence.value, want.sequence);
        ASSERT_EQ(event.byte, want.kind == EventKind::kConsoleInput ? want.byte : event.byte);
      }
    }
    const auto more = cursor->next_input(event);
    ASSERT_TRUE(more.ok());
    EXPECT_FALSE(*more);
  }
}

// Both ways of walking on one cursor: the numbers must go on.
TEST_F(Cursors, NextAndNextReceivedMix) {
  const auto& events = script_.guests[1];
  const auto cursor = reader_->guest_events({1});
  size_t at = 0;
  GuestEvent event;
  for (int round = 0; round < 20; ++round) {
    for (int i = 0; i < 5 && at < events.size(); ++i, ++at) {
      ASSERT_TRUE(*cursor->next(event));
      ASSERT_EQ(event.sequence.value, events[at].sequence) << events[at];
      ASSERT_TRUE(event.kind != EventKind::kFrameSent || event.sender_frame.value == events[at].sender_frame) << events[at];
    }
    while (at < events.size() && events[at].kind != EventKind::kFrameReceived) {
      ++at;
    }
    const auto more = cursor->next_received(event);
    ASSERT_TRUE(more.ok());
    ASSERT_EQ(*more, at < events.size());
    if (!*more) {
      return;
    }
    ASSERT_EQ(event.sequence.value, events[at++].sequence);
  }
}

TEST_F(Cursors, TheEndStaysTheEnd) {
  const auto cursor = reader_->guest_events({1});
  ASSERT_TRUE(testing::read_all(*cursor).ok());
  GuestEvent event;
  const auto more = cursor->next(event);
  ASSERT_TRUE(more.ok());
  EXPECT_FALSE(*more);
}

// Frames of many chunks asked for from back to front: more than the cursor keeps.
TEST(Payloads, AreFoundInAnyOrder) {
  const testing::TemporaryFolder folder;
  Script script = testing::small_script();
  script.network.clear();
  constexpr uint64_t kFrames = 400;
  script.guests[0].clear();
  for (uint64_t i = 0; i < kFrames; ++i) {
    ScriptEvent sent;
    sent.kind = EventKind::kFrameSent;
    sent.at = static_cast<int64_t>(i);
    sent.sequence = sent.sender_frame = i;
    sent.payload.assign(1 + i * 7 % 3000, static_cast<uint8_t>(i));
    script.guests[0].push_back(sent);
  }
  script.guests[1].clear();
  for (uint64_t i = 0; i < kFrames; ++i) {
    ScriptEvent received = script.guests[0][(kFrames - 1 - i) * 131 % kFrames];
    received.kind = EventKind::kFrameReceived;
    received.at = 1000;
    received.sequence = i;
    script.guests[1].push_back(received);
  }
  ScriptEvent end;
  end.at = 2000;
  script.guests[0].push_back(end);
  script.guests[1].push_back(end);
  write_trace(script, folder / "run.trace");
  const auto read = testing::read_script(folder / "run.trace");
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_TRUE(read->guests[1] == script.guests[1]);
}

// What only a faulty recorder or a forger writes: sound chunks that do not fit together.
class Unresolvable : public ::testing::Test {
 protected:
  std::string message_for(uint32_t sender, uint64_t frame, size_t size) {
    Script script = testing::small_script();
    ScriptEvent& received = script.guests[1][1];
    received.sender = sender;
    received.sender_frame = frame;
    received.payload.resize(size);
    write_trace(script, folder_ / "run.trace");
    const auto read = testing::read_script(folder_ / "run.trace");
    EXPECT_FALSE(read.ok());
    EXPECT_EQ(read.error().kind, ErrorKind::kBadTrace);
    return read.error().message;
  }
  testing::TemporaryFolder folder_;
};

TEST_F(Unresolvable, AFrameThatWasNotSent) {
  EXPECT_NE(message_for(0, 1, 5).find("frame 1 of guest 0, which is not in the trace"), std::string::npos);
}
TEST_F(Unresolvable, AFrameOfAGuestThatSentNone) {
  EXPECT_NE(message_for(1, 0, 5).find("frame 0 of guest 1, which is not in the trace"), std::string::npos);
}
TEST_F(Unresolvable, AFrameOfAGuestThatDoesNotExist) {
  EXPECT_NE(message_for(2, 0, 5).find("frame 0 of guest 2, which is not in the trace"), std::string::npos);
}

}  // namespace
}  // namespace reprise
