// The bytes of the columns, as FORMAT.md states them.
#include <gtest/gtest.h>

#include <vector>

#include "trace_format/byte_codec.h"
#include "trace_format/guest_columns.h"
#include "trace_format/network_columns.h"

namespace reprise {
namespace {

using Bytes = std::vector<uint8_t>;

// The example of FORMAT.md.
TEST(GuestColumns, AreTheBytesOfTheFormat) {
  ColumnBuffers columns;
  GuestEncoder encoder;
  encoder.begin(columns, {1000});
  for (int64_t t = 1000; t <= 1160; t += 40) {
    encoder.append_clock_read({t}, ClockSource::kTsc, static_cast<uint64_t>(t));
  }
  encoder.append_clock_read({1200}, ClockSource::kHpet, 116);
  encoder.append_console_byte({1280}, 'o');
  encoder.append_console_byte({1580}, 'k');
  encoder.append_console_byte({1880}, '\n');
  encoder.append_frame_sent({1880}, Bytes{0xaa, 0xbb});
  encoder.append_frame_received({2000}, {1}, {7}, 64);
  encoder.append_embedded_frame({2001}, {1}, {8}, Bytes{0xcc});
  encoder.append_end({3001}, EndReason::kHalt);
  encoder.finish_chunk();
  const auto& data = columns.data;
  EXPECT_EQ(data[kOrder], (Bytes{6 << 3 | 0, 3 << 3 | 3, 1 << 3 | 1, 2 << 3 | 2, 1 << 3 | 4}));
  EXPECT_EQ(data[kClockGroup], (Bytes{1 << 6 | 1 << 5, 0x80, 0x02, 1 << 6 | 1 << 5 | 1 << 4 | 1}));
  EXPECT_EQ(data[kClockTime], (Bytes{0, 40, 40}));
  EXPECT_EQ(data[kClockValue], (Bytes{0xe8, 0x01}));  // zigzag 116 = 232
  EXPECT_EQ(data[kConsoleTime], (Bytes{80, 1, 0xac, 0x02, 2}));
  EXPECT_EQ(data[kConsoleBytes], (Bytes{'o', 'k', '\n'}));
  EXPECT_EQ(data[kSentTime], (Bytes{0}));
  EXPECT_EQ(data[kSentSize], (Bytes{2}));
  EXPECT_EQ(data[kSentPayload], (Bytes{0xaa, 0xbb}));
  EXPECT_EQ(data[kReceivedTime], (Bytes{120, 1}));
  EXPECT_EQ(data[kReceivedSender], (Bytes{2, 3}));
  EXPECT_EQ(data[kReceivedFrame], (Bytes{14, 2}));
  EXPECT_EQ(data[kEmbeddedSize], (Bytes{1}));
  EXPECT_EQ(data[kEmbeddedPayload], (Bytes{0xcc}));
  EXPECT_EQ(data[kEndColumn], (Bytes{0xe8, 0x07, 3}));
  EXPECT_EQ(encoder.counts(), (EventCounts{6, 1, 2, 3, 1, 0}));
  EXPECT_EQ(encoder.bytes_received(), 65U);
}

// The example of FORMAT.md with console input.
TEST(GuestColumns, OfConsoleInputAreTheBytesOfTheFormat) {
  ColumnBuffers columns;
  GuestEncoder encoder;
  encoder.begin(columns, {500});
  encoder.append_console_byte({500}, '#');
  encoder.append_console_byte({510}, ' ');
  encoder.append_console_input({900}, 'l');
  encoder.append_console_input({900}, 's');
  encoder.append_console_input({2000}, '\r');
  encoder.append_console_byte({2040}, 'l');
  encoder.append_console_byte({2080}, 's');
  encoder.finish_chunk();
  const auto& data = columns.data;
  EXPECT_EQ(data[kOrder], (Bytes{2 << 3 | 3, 3 << 3 | 5, 2 << 3 | 3}));
  EXPECT_EQ(data[kConsoleTime], (Bytes{0, 1, 10, 1, 40, 2}));
  EXPECT_EQ(data[kConsoleBytes], (Bytes{'#', ' ', 'l', 's'}));
  EXPECT_EQ(data[kInputTime], (Bytes{0x86, 0x03, 1, 0, 1, 0xcc, 0x08, 1}));
  EXPECT_EQ(data[kInputBytes], (Bytes{'l', 's', '\r'}));
  EXPECT_EQ(encoder.counts(), (EventCounts{0, 0, 0, 4, 0, 3}));
  EXPECT_EQ(column_count(false, views_of(columns)), size_t{kGuestColumnCount});
}

// A read whose step is like no other costs its step and nothing else.
TEST(GuestColumns, IrregularReadsAreOneGroup) {
  ColumnBuffers columns;
  GuestEncoder encoder;
  encoder.begin(columns, {0});
  int64_t t = 0;
  for (int i = 0; i < 1000; ++i, t += 1 + i * 37 % 101) {
    encoder.append_clock_read({t}, ClockSource::kTsc, static_cast<uint64_t>(t));
    if (i % 100 == 50) {
      encoder.append_console_byte({t}, 'x');  // does not end the group
    }
  }
  encoder.finish_chunk();
  EXPECT_EQ(columns.data[kClockTime].size(), 1000U);
  EXPECT_EQ(columns.data[kClockGroup].size(), 3U);
  EXPECT_TRUE(columns.data[kClockValue].empty());
}

// What the trace's size rests on: 25 million reads of a delay loop are one run.
TEST(GuestColumns, EqualStepsAreOneRun) {
  ColumnBuffers columns;
  GuestEncoder encoder;
  encoder.begin(columns, {0});
  int64_t t = 0;
  for (int i = 0; i < 100'000; ++i, t += 40) {
    encoder.append_clock_read({t}, ClockSource::kTsc, static_cast<uint64_t>(t));
  }
  encoder.finish_chunk();
  EXPECT_LT(encoder.bytes(), 16u);
}

// A TSC with an offset costs a value once, then follows time as one without.
TEST(GuestColumns, AConstantOffsetIsPaidOnce) {
  ColumnBuffers columns;
  GuestEncoder encoder;
  encoder.begin(columns, {0});
  int64_t t = 0;
  for (int i = 0; i < 100; ++i, t += 40 + i) {
    encoder.append_clock_read({t}, ClockSource::kTsc, static_cast<uint64_t>(t) + 1'000'000);
  }
  encoder.finish_chunk();
  EXPECT_LE(columns.data[kClockValue].size(), 4u);
}

// Going over the pieces gives the same as going over the events, from any starting time.
TEST(GuestColumns, SkippingIsCountingWithoutLooking) {
  ColumnBuffers columns;
  GuestEncoder encoder;
  encoder.begin(columns, {10});
  int64_t t = 10;
  for (int i = 0; i < 300; ++i) {
    if (i % 7 == 0) {
      encoder.append_console_byte({t}, static_cast<uint8_t>(i));
    } else {
      encoder.append_clock_read({t}, i % 3 == 0 ? ClockSource::kPit : ClockSource::kTsc, static_cast<uint64_t>(t));
    }
    t += i % 50 < 25 ? 0 : 5;
  }
  encoder.finish_chunk();
  const ColumnViews views = views_of(columns);
  for (int64_t from = 0; from < t + 10; ++from) {
    GuestDecoder plain;
    plain.start(views, {10});
    EventCounts counts{};
    GuestEvent want;
    bool more = plain.next(want);
    while (more && want.at.ns < from) {
      ++counts[static_cast<size_t>(want.kind)];
      more = plain.next(want);
    }
    GuestDecoder skipping;
    skipping.start(views, {10});
    EventCounts skipped{};
    skipping.skip_before({from}, skipped);
    GuestEvent got;
    ASSERT_EQ(skipping.next(got), more);
    ASSERT_EQ(skipped, counts) << "from " << from;
    if (more) {
      ASSERT_TRUE(got.kind == want.kind && got.at == want.at) << "from " << from;
      ASSERT_TRUE(got.kind == EventKind::kConsoleByte ? got.byte == want.byte : got.value == want.value) << "from " << from;
    }
  }
}

TEST(NetworkColumns, AreTheBytesOfTheFormat) {
  ColumnBuffers columns;
  NetworkEncoder encoder;
  encoder.begin(columns, {500});
  NetworkEvent event;
  event.at = {500};
  event.sent_at = {400};
  event.sender = {2};
  event.sender_frame = {9};
  event.receiver = {1};
  encoder.append(event);
  event.kind = NetworkEvent::Kind::kDropped;
  event.reason = DropReason::kInFlightFailure;
  event.at = event.sent_at = {510};
  event.sender_frame = {10};
  event.receiver = {0};
  encoder.append(event);
  EXPECT_EQ(columns.data[kVerdict], (Bytes{0, 3}));
  EXPECT_EQ(columns.data[kNetworkTime], (Bytes{0, 10}));
  EXPECT_EQ(columns.data[kTransit], (Bytes{100, 0}));
  EXPECT_EQ(columns.data[kNetworkSender], (Bytes{2, 2}));
  EXPECT_EQ(columns.data[kNetworkFrame], (Bytes{18, 2}));
  EXPECT_EQ(columns.data[kReceiver], (Bytes{1, 0}));
}

}  // namespace
}  // namespace reprise
