#include "trace_format/event_rows.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>

#include "tests/trace_format/sample_run.h"
#include "trace_format/chunk_builder.h"
#include "trace_format/limits.h"

namespace reprise {
namespace {

using testing::ScriptEvent;

/// A slot in memory.
class Slot {
 public:
  [[nodiscard]] RowSpace space() { return {bytes_.data(), &committed_}; }
  [[nodiscard]] Rows rows(VirtualTime first) const {
    const Committed committed = Committed::of(committed_.load());
    return {first, {bytes_.data(), committed.bytes}, committed.run};
  }

 private:
  std::vector<uint8_t> bytes_ = std::vector<uint8_t>(kSealBytes + kMaxRowBytes);
  std::atomic<uint64_t> committed_{0};
};

void append_row(GuestRowWriter& rows, const ScriptEvent& event) {
  const VirtualTime at{event.at};
  switch (event.kind) {
    case EventKind::kClockRead:
      if (!rows.extend_clock_run(at, event.source, event.value)) {
        rows.append_clock_read(at, event.source, event.value);
      }
      return;
    case EventKind::kFrameSent:
      return rows.append_frame_sent(at, event.payload);
    case EventKind::kFrameReceived:
      return rows.append_frame_received(at, {event.sender}, {event.sender_frame}, static_cast<uint32_t>(event.payload.size()));
    case EventKind::kConsoleByte:
      return rows.append_console_byte(at, event.byte);
    case EventKind::kConsoleInput:
      return rows.append_console_input(at, event.byte);
    case EventKind::kEnd:
      return rows.append_end(at, event.reason);
  }
}

void encode(GuestEncoder& encoder, const ScriptEvent& event) {
  const VirtualTime at{event.at};
  switch (event.kind) {
    case EventKind::kClockRead:
      return encoder.append_clock_read(at, event.source, event.value);
    case EventKind::kFrameSent:
      return encoder.append_frame_sent(at, event.payload);
    case EventKind::kFrameReceived:
      return encoder.append_frame_received(at, {event.sender}, {event.sender_frame}, static_cast<uint32_t>(event.payload.size()));
    case EventKind::kConsoleByte:
      return encoder.append_console_byte(at, event.byte);
    case EventKind::kConsoleInput:
      return encoder.append_console_input(at, event.byte);
    case EventKind::kEnd:
      return encoder.append_end(at, event.reason);
  }
}

// After each event, what is committed makes the columns that the encoder makes of these events.
TEST(GuestRows, MakeTheColumnsOfTheirEvents) {
  for (const auto& events : testing::typed_script(21, 150).guests) {
    const VirtualTime first{events[0].at};
    Slot slot;
    GuestRowWriter writer;
    writer.open(slot.space(), first);
    for (size_t n = 1; n <= events.size() && writer.bytes() < kSealBytes; ++n) {
      append_row(writer, events[n - 1]);
      EXPECT_EQ(writer.last().ns, events[n - 1].at);
      ColumnBuffers want;
      GuestEncoder encoder;
      encoder.begin(want, first);
      for (size_t i = 0; i < n; ++i) {
        encode(encoder, events[i]);
      }
      encoder.finish_chunk();
      ColumnBuffers got;
      ChunkBuilder builder(StreamId::guest({0}));
      ASSERT_TRUE(builder.build(slot.rows(first), got)) << n << " events";
      ASSERT_EQ(got.data, want.data) << n << " events";
      ASSERT_EQ(builder.header().ends, n == events.size());
      ASSERT_EQ(builder.header().last.ns, events[n - 1].at);
      LoadedChunk chunk;
      ASSERT_EQ(load_built(builder.header(), got, chunk), "");
    }
  }
}

TEST(GuestRows, CountARunWithoutGrowing) {
  Slot slot;
  GuestRowWriter writer;
  writer.open(slot.space(), {5});
  writer.append_clock_read({5}, ClockSource::kTsc, 5);
  writer.append_clock_read({45}, ClockSource::kTsc, 45);
  const uint64_t bytes = writer.bytes();
  for (int64_t at = 85; at < 40'000; at += 40) {
    ASSERT_TRUE(writer.extend_clock_run({at}, ClockSource::kTsc, static_cast<uint64_t>(at)));
  }
  EXPECT_EQ(writer.bytes(), bytes);
  EXPECT_EQ(slot.rows({5}).run, 999u);
  EXPECT_FALSE(writer.extend_clock_run({40'006}, ClockSource::kTsc, 40'006)) << "another step";
  EXPECT_FALSE(writer.extend_clock_run({40'005}, ClockSource::kHpet, 40'005)) << "another source";
  EXPECT_FALSE(writer.extend_clock_run({40'005}, ClockSource::kTsc, 40'006)) << "another value";
  writer.close();
  EXPECT_FALSE(writer.extend_clock_run({40'005}, ClockSource::kTsc, 40'005)) << "after the chunk was sealed";
}

/// A chunk of rows is accepted as a chunk that passes all checks, or refused; there is nothing between.
void expect_safe(StreamId stream, const Rows& rows) {
  ColumnBuffers columns;
  LoadedChunk chunk;
  ChunkBuilder builder(stream);
  if (builder.build(rows, columns)) {
    // What is wrong may be found here at the latest: a first event that is not at the slot's first time.
    const std::string wrong = load_built(builder.header(), columns, chunk);
    EXPECT_TRUE(wrong.empty() || wrong == "its first event is not at its first time") << wrong;
  }
}

void expect_safe_when_damaged(StreamId stream, const Rows& rows) {
  std::mt19937_64 random(5);
  for (size_t size = 0; size < rows.bytes.size(); ++size) {
    expect_safe(stream, {rows.first, rows.bytes.first(size), size % 2});
  }
  std::vector<uint8_t> bytes(rows.bytes.begin(), rows.bytes.end());
  for (size_t i = 0; i < bytes.size(); ++i) {
    const uint8_t before = bytes[i];
    for (int round = 0; round < 3; ++round) {
      bytes[i] = static_cast<uint8_t>(random());
      expect_safe(stream, {rows.first, bytes, random() & Committed::kMaxRun});
    }
    bytes[i] = before;
  }
}

TEST(GuestRows, AreSafeOnAnyBytes) {
  const auto events = testing::random_script(22, 300).guests[0];
  Slot slot;
  GuestRowWriter writer;
  writer.open(slot.space(), {events[0].at});
  for (const auto& event : events) {
    if (event.payload.size() < 100) {
      append_row(writer, event);
    }
  }
  ASSERT_LT(writer.bytes(), 6000u) << "keep it small: each byte is tried";
  expect_safe_when_damaged(StreamId::guest({0}), slot.rows({events[0].at}));
}

TEST(GuestRows, RefuseTimesThatOverflow) {
  Slot slot;
  GuestRowWriter writer;
  const int64_t late = VirtualTime::never().ns - 100;
  writer.open(slot.space(), {late});
  writer.append_clock_read({late}, ClockSource::kTsc, 1);
  writer.append_clock_read({late + 40}, ClockSource::kTsc, 2);
  Rows rows = slot.rows({late});
  ColumnBuffers columns;
  EXPECT_TRUE(ChunkBuilder(StreamId::guest({0})).build(rows, columns));
  rows.run = 2;  // late + 80
  EXPECT_TRUE(ChunkBuilder(StreamId::guest({0})).build(rows, columns));
  rows.run = 3;
  EXPECT_FALSE(ChunkBuilder(StreamId::guest({0})).build(rows, columns));
  rows.run = Committed::kMaxRun;
  EXPECT_FALSE(ChunkBuilder(StreamId::guest({0})).build(rows, columns));
  rows.run = 0;
  EXPECT_FALSE(ChunkBuilder(StreamId::guest({0})).build(rows, columns)) << "a clock read that counts nothing";
}

TEST(NetworkRows, GiveTheirEventsAndAreSafeOnAnyBytes) {
  const auto events = testing::random_script(23, 400).network;
  ASSERT_GT(events.size(), 10u);
  Slot slot;
  NetworkRowWriter writer;
  writer.open(slot.space(), events[0].at);
  ColumnBuffers want;
  NetworkEncoder encoder;
  encoder.begin(want, events[0].at);
  for (const auto& event : events) {
    writer.append(event);
    encoder.append(event);
  }
  writer.append_end();
  ColumnBuffers got;
  ChunkBuilder builder(StreamId::network());
  ASSERT_TRUE(builder.build(slot.rows(events[0].at), got));
  EXPECT_EQ(got.data, want.data);
  EXPECT_TRUE(builder.header().ends);
  expect_safe_when_damaged(StreamId::network(), slot.rows(events[0].at));
}

}  // namespace
}  // namespace reprise
