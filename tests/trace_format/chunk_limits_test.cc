// What only a forger writes into a chunk: right checksums around wrong contents.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>

#include "tests/trace_format/sample_run.h"
#include "trace_format/byte_codec.h"
#include "trace_format/chunk.h"
#include "trace_format/guest_columns.h"
#include "trace_format/limits.h"

namespace reprise {
namespace {

class MemorySource final : public ByteSource {
 public:
  explicit MemorySource(std::vector<uint8_t> bytes) : bytes_(std::move(bytes)) {}
  const std::string& name() const override { return name_; }
  uint64_t size() const override { return bytes_.size(); }
  Status read_at(uint64_t offset, std::span<uint8_t> bytes) const override {
    EXPECT_LE(offset + bytes.size(), bytes_.size()) << "read beyond the end";
    std::memcpy(bytes.data(), bytes_.data() + offset, bytes.size());
    return {};
  }

 private:
  std::string name_ = "memory";
  std::vector<uint8_t> bytes_;
};

/// A guest's chunk with one event of each kind.
struct Sample {
  ChunkHeader header;
  ColumnBuffers columns;

  Sample() {
    GuestEncoder encoder;
    encoder.begin(columns, {10});
    encoder.append_clock_read({10}, ClockSource::kTsc, 10);
    encoder.append_clock_read({50}, ClockSource::kHpet, 5);
    encoder.append_frame_sent({60}, std::vector<uint8_t>{1, 2, 3});
    encoder.append_embedded_frame({70}, {1}, {0}, std::vector<uint8_t>{4, 5});
    encoder.append_console_byte({80}, 'a');
    encoder.append_end({90}, EndReason::kHalt);
    encoder.finish_chunk();
    header.stream = StreamId::guest({0});
    header.first = {10};
    header.last = {90};
    header.clock_reads = 2;
    header.frames_sent = header.frames_received = header.console_bytes = 1;
    header.bytes_received = 2;
    header.ends = true;
  }
};

std::vector<uint8_t> packed(Sample sample) {
  Compressor compressor;
  std::vector<uint8_t> bytes;
  pack_chunk(sample.header, sample.columns, compressor, bytes);
  return bytes;
}

/// A chunk of any header around any compressed body, with a right checksum.
std::vector<uint8_t> forged(const ChunkHeader& header, const std::vector<uint8_t>& body) {
  const ChunkHeaderBytes head = encode_chunk_header(header, body);
  std::vector<uint8_t> bytes(head.size() + body.size());
  std::copy(head.begin(), head.end(), bytes.begin());
  std::copy(body.begin(), body.end(), bytes.begin() + kChunkHeaderBytes);
  return bytes;
}

/// "" or why the chunk is refused.
std::string refusal(const std::vector<uint8_t>& bytes) {
  const MemorySource source(bytes);
  ChunkLoader loader;
  LoadedChunk chunk;
  const Status status = loader.load(source, 0, source.size(), chunk);
  if (status.ok()) {
    return "";
  }
  EXPECT_EQ(status.error().kind, ErrorKind::kBadTrace);
  return status.error().message;
}

void expect_refused(const std::vector<uint8_t>& bytes, const std::string& why) {
  const std::string message = refusal(bytes);
  EXPECT_NE(message.find(why), std::string::npos) << "'" << message << "' instead of '" << why << "'";
}

TEST(ChunkLimits, TheSampleIsAccepted) {
  EXPECT_EQ(refusal(packed(Sample())), "");
}

// Found by chunk_body_fuzz: each loop over such a chunk would have taken years.
TEST(ChunkLimits, ACountWithoutEventsEndsWithItsColumn) {
  for (const EventKind kind : {EventKind::kFrameReceived, EventKind::kEnd}) {
    Sample sample;
    sample.columns.data[kOrder].clear();
    put_varint(sample.columns.data[kOrder], uint64_t{1} << 61 | static_cast<uint64_t>(kind));
    const ColumnViews columns = views_of(sample.columns);
    GuestDecoder decoder;
    decoder.start(columns, sample.header.first);
    int pieces = 0;
    for (; pieces < 10 && decoder.load_piece(); ++pieces) {
      decoder.skip_piece();
    }
    EXPECT_EQ(pieces, 1) << static_cast<int>(kind);
    EXPECT_TRUE(decoder.failed());
    EXPECT_NE(refusal(packed(sample)), "");
  }
}

TEST(ChunkLimits, SizesAreCheckedBeforeAnythingIsAllocated) {
  const Sample sample;
  ChunkHeader header = sample.header;
  for (const uint32_t size : {kMaxChunkRawBytes + 1, ~0u}) {
    header.raw_size = size;
    header.stored_size = 1;
    expect_refused(forged(header, {0}), "uncompressed; the limit is 1048576");
  }
  header.raw_size = 80;
  for (const uint32_t size : {0u, kMaxStoredBytes + 1, ~0u}) {
    header.stored_size = size;
    expect_refused(forged(header, {0}), "allowed are 1 to");
  }
  header.stored_size = 100'000;
  expect_refused(forged(header, {0}), "truncated");
}

/// The sample's chunk with another size in its header.
std::vector<uint8_t> resized(int difference) {
  const auto bytes = packed(Sample());
  ChunkHeaderBytes head;
  std::copy_n(bytes.begin(), head.size(), head.begin());
  ChunkHeader header = *decode_chunk_header(head);
  header.raw_size = static_cast<uint32_t>(static_cast<int>(header.raw_size) + difference);
  return forged(header, {bytes.begin() + kChunkHeaderBytes, bytes.end()});
}

TEST(ChunkLimits, TheColumnsMustHaveTheSizeOfTheHeader) {
  EXPECT_EQ(refusal(resized(0)), "");
  expect_refused(resized(1), "its columns are 1 bytes shorter than announced");
  expect_refused(resized(-1), "its columns are longer than announced");
}

TEST(ChunkLimits, CountsMustBeThoseOfTheColumns) {
  const auto with = [](auto change) {
    Sample sample;
    change(sample.header);
    return packed(sample);
  };
  const char* const why = "its events are not those that its header counts";
  expect_refused(with([](ChunkHeader& h) { ++h.clock_reads; }), why);
  expect_refused(with([](ChunkHeader& h) { --h.frames_sent; }), why);
  expect_refused(with([](ChunkHeader& h) { ++h.frames_received; }), why);
  expect_refused(with([](ChunkHeader& h) { ++h.console_bytes; }), why);
  expect_refused(with([](ChunkHeader& h) { h.ends = false; }), why);
  expect_refused(with([](ChunkHeader& h) { h.console_bytes = 1u << 30; }), "more events than its body can hold");
  expect_refused(with([](ChunkHeader& h) { ++h.last.ns; }), "its last event is not at its last time");
  expect_refused(with([](ChunkHeader& h) { --h.last.ns; }), "an event after its last time");
  expect_refused(with([](ChunkHeader& h) { h.first.ns = -1; }), "not in order");
  expect_refused(with([](ChunkHeader& h) { h.stream = StreamId{kMaxGuests}; }), "above the limit");
}

TEST(ChunkLimits, AGuestsColumnsInTheNetworksStream) {
  const auto bytes = packed(Sample());
  ChunkHeaderBytes head;
  std::copy_n(bytes.begin(), head.size(), head.begin());
  ChunkHeader header = *decode_chunk_header(head);
  header.stream = StreamId::network();
  expect_refused(forged(header, {bytes.begin() + kChunkHeaderBytes, bytes.end()}), "its kind is not that of its stream");
  header.kind = ChunkKind::kNetwork;
  header.clock_reads = header.frames_received = header.console_bytes = 0;
  expect_refused(forged(header, {bytes.begin() + kChunkHeaderBytes, bytes.end()}), "a guest's counts in a chunk of the network");
  header.bytes_received = 0;
  expect_refused(forged(header, {bytes.begin() + kChunkHeaderBytes, bytes.end()}), "columns are not those of its stream");
}

TEST(ChunkLimits, ColumnsMustFitTogether) {
  for (size_t column = 0; column < kGuestColumnCount; ++column) {
    Sample longer;
    longer.columns.data[column].push_back(1);
    EXPECT_NE(refusal(packed(longer)), "") << "column " << column << " with one byte more";
    if (column >= kGuestColumnsWithoutInput) {
      continue;
    }
    Sample shorter;
    shorter.columns.data[column].pop_back();
    EXPECT_NE(refusal(packed(shorter)), "") << "column " << column << " with one byte less";
  }
}

TEST(ChunkLimits, ValuesOutOfRange) {
  const auto with = [](GuestColumn column, size_t at, uint8_t value) {
    Sample sample;
    sample.columns.data[column].at(at) = value;
    return packed(sample);
  };
  const char* const why = "its columns do not fit together";
  expect_refused(with(kOrder, 0, 2 << 3 | 6), why);                                    // no such kind
  expect_refused(with(kClockGroup, 0, 0x60 | kClockSourceCount), why);                 // no such source
  expect_refused(with(kClockGroup, 0, 0x20), why);                                     // empty group
  expect_refused(with(kSentSize, 0, 0), why);                                          // empty frame
  expect_refused(with(kEmbeddedSize, 0, 0), why);                                      // empty frame
  expect_refused(with(kEndColumn, 1, static_cast<uint8_t>(kLastEndReason) + 1), why);  // no such reason
  Sample sender;
  sender.columns.data[kReceivedSender].clear();
  put_varint(sender.columns.data[kReceivedSender], kMaxGuests << 1 | 1);
  expect_refused(packed(sender), why);
}

/// A chunk of one run of clock reads.
Sample one_run(uint64_t step, uint64_t count) {
  Sample sample;
  sample.columns.clear();
  sample.header = ChunkHeader{};
  sample.header.stream = StreamId::guest({0});
  auto& data = sample.columns.data;
  put_varint(data[kOrder], (count + 1) << 3);
  for (const auto& [s, n] : {std::pair{uint64_t{0}, uint64_t{1}}, std::pair{step, count}}) {
    put_varint(data[kClockGroup], n << 6);
    put_varint(data[kClockTime], s);
  }
  sample.header.clock_reads = count + 1;
  sample.header.last.ns = static_cast<int64_t>(step * count);
  return sample;
}

// A quintillion reads in a few bytes: nothing may be in proportion to them but the reading itself.
TEST(ChunkLimits, AHugeRunCostsNothingToLoadOrSkip) {
  constexpr uint64_t kCount = uint64_t{1} << 57;
  const MemorySource source(packed(one_run(2, kCount)));
  ChunkLoader loader;
  LoadedChunk chunk;
  ASSERT_TRUE(testing::ok(loader.load(source, 0, source.size(), chunk)));
  EXPECT_EQ(chunk.guest.clock_reads[0], kCount + 1);
  GuestDecoder decoder;
  decoder.start(chunk.columns, chunk.header.first);
  EventCounts skipped{};
  decoder.skip_before({1'000'000'000'000}, skipped);
  EXPECT_EQ(skipped[0], 500'000'000'000u);
  GuestEvent event;
  ASSERT_TRUE(decoder.next(event));
  EXPECT_EQ(event.at.ns, 1'000'000'000'000);
}

// Two groups that each fit, but not the one that they are when they are made canonical.
TEST(ChunkLimits, MoreClockReadsThanAGroupCountsAreRefused) {
  const auto with = [](uint64_t first, uint64_t second) {
    Sample sample;
    auto& data = sample.columns.data;
    for (auto& column : data) {
      column.clear();
    }
    put_varint(data[kOrder], (first + second) << 3 | static_cast<uint64_t>(EventKind::kClockRead));
    for (const uint64_t reads : {first, second}) {
      put_varint(data[kClockGroup], reads << 6);
      put_varint(data[kClockTime], 0);
    }
    sample.header.last = sample.header.first;
    sample.header.clock_reads = first + second;
    sample.header.frames_sent = sample.header.frames_received = sample.header.console_bytes = sample.header.bytes_received = 0;
    sample.header.ends = false;
    return packed(sample);
  };
  EXPECT_EQ(refusal(with(kMaxChunkClockReads - 1, 1)), "");
  expect_refused(with(kMaxChunkClockReads, 1), "more clock reads than can be counted");
  expect_refused(with(kMaxChunkClockReads, kMaxChunkClockReads), "more clock reads than can be counted");
}

TEST(ChunkLimits, ARunThatLeavesTimeIsRefused) {
  // 2^57 steps of 128 ns are 0 modulo 2^64.
  Sample sample = one_run(4, uint64_t{1} << 57);
  sample.columns.data[kClockTime].pop_back();
  put_varint(sample.columns.data[kClockTime], 128);
  sample.header.last.ns = 0;
  expect_refused(packed(sample), "an event after its last time");
}

/// A chunk of reads with a step each that claims `claimed` of them and has `steps`.
Sample each_group(uint64_t claimed, const std::vector<uint64_t>& steps) {
  Sample sample;
  sample.columns.clear();
  sample.header = ChunkHeader{};
  sample.header.stream = StreamId::guest({0});
  auto& data = sample.columns.data;
  put_varint(data[kOrder], claimed << 3);
  put_varint(data[kClockGroup], claimed << 6 | 1 << 5);
  for (const uint64_t step : steps) {
    put_varint(data[kClockTime], step);
    sample.header.last.ns += static_cast<int64_t>(step);
  }
  sample.header.clock_reads = claimed;
  return sample;
}

TEST(ChunkLimits, ReadsWithAStepEachMustBeThere) {
  EXPECT_EQ(refusal(packed(each_group(3, {0, 5, 7}))), "");
  EXPECT_NE(refusal(packed(each_group(uint64_t{1} << 57, {0, 5, 7}))), "");
  Sample late = each_group(3, {0, 5, ~uint64_t{0} - 3});
  late.header.last.ns = 1;
  expect_refused(packed(late), "an event after its last time");
}

// Every column of the message points at the same large one: the reader must not take each for its own.
TEST(ChunkLimits, AMessageThatRepeatsItselfIsRefused) {
  Sample sample;
  sample.columns.clear();
  std::mt19937 random(1);
  for (int i = 0; i < 100'000; ++i) {
    sample.columns.data[kSentPayload].push_back(static_cast<uint8_t>(random()));
  }
  const auto bytes = packed(sample);
  ChunkHeaderBytes head;
  std::copy_n(bytes.begin(), head.size(), head.begin());
  const ChunkHeader header = *decode_chunk_header(head);
  std::vector<uint8_t> body(bytes.begin() + kChunkHeaderBytes, bytes.end());
  std::vector<uint64_t> words(body.size() / 8);
  std::memcpy(words.data(), body.data(), body.size());
  // Segment table, root pointer, Chunk (tag and pointer), then GuestColumns' pointers. A list pointer's offset counts from the word behind
  // it.
  constexpr size_t kPointers = 4;
  const uint64_t payload = words[kPointers + kSentPayload];
  ASSERT_EQ(payload & 3, 1u) << "not a list pointer: has the schema changed?";
  for (size_t i = 0; i < kGuestColumnsWithoutInput; ++i) {
    const uint64_t further = (kSentPayload - i) & 0x3fffffff;
    words[kPointers + i] = (payload & ~uint64_t{0xffffffff}) | ((payload + (further << 2)) & 0xffffffff);
  }
  std::memcpy(body.data(), words.data(), body.size());
  expect_refused(forged(header, body), "not a valid Cap'n Proto message");
}

// Whatever is in the columns: it is refused, or it can be walked to its end.
TEST(ChunkLimits, RandomColumnsAreRefusedOrDecoded) {
  std::mt19937_64 random(1);
  int accepted = 0;
  for (int round = 0; round < 5'000; ++round) {
    Sample sample;
    for (uint64_t changes = 1 + random() % 3; changes > 0; --changes) {
      auto& column = sample.columns.data[random() % kGuestColumnsWithoutInput];
      if (!column.empty()) {
        column[random() % column.size()] = static_cast<uint8_t>(random() % 4 == 0 ? random() : random() % 8);
      }
    }
    const MemorySource source(packed(sample));
    ChunkLoader loader;
    LoadedChunk chunk;
    if (!loader.load(source, 0, source.size(), chunk).ok()) {
      continue;
    }
    ++accepted;
    GuestDecoder decoder;
    decoder.start(chunk.columns, chunk.header.first);
    GuestEvent event;
    uint64_t events = 0;
    VirtualTime last = chunk.header.first;
    while (decoder.next(event)) {
      ++events;
      ASSERT_GE(event.at, last);
      last = event.at;
    }
    ASSERT_TRUE(!decoder.failed() && decoder.drained());
    ASSERT_EQ(events, 6u);
  }
  EXPECT_GT(accepted, 50);
  EXPECT_LT(accepted, 4'950);
}

}  // namespace
}  // namespace reprise
