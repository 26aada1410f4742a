// What only a forger writes: right checksums around wrong contents.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>

#include "tests/trace_format/sample_run.h"
#include "trace_format/byte_codec.h"
#include "trace_format/chunk.h"
#include "trace_format/footer.h"
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
    encoder.append_frame_received({70}, {1}, {0}, 60);
    encoder.append_console_byte({80}, 'a');
    encoder.append_end({90}, EndReason::kHalt);
    encoder.finish_chunk();
    header.stream = StreamId::guest({0});
    header.first = {10};
    header.last = {90};
    header.clock_reads = 2;
    header.frames_sent = header.frames_received = header.console_bytes = 1;
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

TEST(ChunkLimits, SizesAreCheckedBeforeAnythingIsAllocated) {
  const Sample sample;
  for (const uint32_t size : {0u, 7u, kMaxChunkRawBytes + 8, ~0u - 7}) {
    ChunkHeader header = sample.header;
    header.raw_size = size;
    header.stored_size = 1;
    expect_refused(forged(header, {0}), "allowed are multiples of 8");
  }
  ChunkHeader header = sample.header;
  header.raw_size = 8;
  header.stored_size = ~0u;
  expect_refused(forged(header, {0}), "above the limit");
  header.stored_size = 100'000;
  expect_refused(forged(header, {0}), "truncated");
}

TEST(ChunkLimits, TheFrameMustHaveTheSizeOfTheHeader) {
  Sample sample;
  const auto bytes = packed(sample);
  const std::vector<uint8_t> body(bytes.begin() + kChunkHeaderBytes, bytes.end());
  ChunkHeaderBytes head;
  std::copy_n(bytes.begin(), head.size(), head.begin());
  const auto decoded = decode_chunk_header(head);
  ASSERT_TRUE(decoded.ok());
  ChunkHeader header = *decoded;
  header.raw_size += 8;
  expect_refused(forged(header, body), "size is not the one announced");

  // A second frame behind the first, which zstd would go on with.
  auto two = body;
  Compressor().compress({}, two);
  header.raw_size -= 8;
  header.stored_size = static_cast<uint32_t>(two.size());
  expect_refused(forged(header, two), "not exactly one zstd frame");
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
  expect_refused(forged(header, {bytes.begin() + kChunkHeaderBytes, bytes.end()}), "columns are not those of its stream");
}

TEST(ChunkLimits, ColumnsMustFitTogether) {
  for (size_t column = 0; column < kGuestColumnCount; ++column) {
    Sample longer;
    longer.columns.data[column].push_back(1);
    EXPECT_NE(refusal(packed(longer)), "") << "column " << column << " with one byte more";
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
  expect_refused(with(kOrder, 0, 2 << 3 | 5), why);             // no such kind
  expect_refused(with(kClockRule, 0, kClockSourceCount), why);  // no such source
  expect_refused(with(kClockRule, 0, 0x20), why);               // no such rule
  expect_refused(with(kClockCount, 0, 0), why);                 // empty run
  expect_refused(with(kSentSize, 0, 0), why);                   // empty frame
  expect_refused(with(kReceivedSize, 0, 0), why);               // empty frame
  expect_refused(with(kEndColumn, 1, 6), why);                  // no such reason
  Sample sender;
  sender.columns.data[kReceivedSender].clear();
  put_varint(sender.columns.data[kReceivedSender], kMaxGuests);
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
    data[kClockRule].push_back(0);
    put_varint(data[kClockTime], s);
    put_varint(data[kClockCount], n);
  }
  sample.header.clock_reads = count + 1;
  sample.header.last.ns = static_cast<int64_t>(step * count);
  return sample;
}

// A quintillion reads in a few bytes: nothing may be in proportion to them but the reading itself.
TEST(ChunkLimits, AHugeRunCostsNothingToLoadOrSkip) {
  constexpr uint64_t kCount = uint64_t{1} << 60;
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

TEST(ChunkLimits, ARunThatLeavesTimeIsRefused) {
  // 2^62 steps of 4 ns are 0 modulo 2^64.
  Sample sample = one_run(4, uint64_t{1} << 60);
  sample.columns.data[kClockTime].pop_back();
  put_varint(sample.columns.data[kClockTime], 16);
  sample.header.last.ns = 0;
  expect_refused(packed(sample), "an event after its last time");
}

// Every column of the message points at the same large one: the reader must not take each for its own.
TEST(ChunkLimits, AMessageThatRepeatsItselfIsRefused) {
  Sample sample;
  sample.columns.clear();
  sample.columns.data[kSentPayload].assign(100'000, 8);
  const auto bytes = packed(sample);
  ChunkHeaderBytes head;
  std::copy_n(bytes.begin(), head.size(), head.begin());
  ChunkHeader header = *decode_chunk_header(head);
  std::vector<uint64_t> words;
  ASSERT_TRUE(testing::ok(Decompressor().decompress(ByteView(bytes).subspan(kChunkHeaderBytes), header.raw_size, words)));
  // Segment table, root pointer, Chunk (tag and pointer), then GuestColumns' pointers. A list pointer's offset counts from the word behind
  // it.
  constexpr size_t kPointers = 4;
  const uint64_t payload = words[kPointers + kSentPayload];
  ASSERT_EQ(payload & 3, 1u) << "not a list pointer: has the schema changed?";
  for (size_t i = 0; i < kGuestColumnCount; ++i) {
    const uint64_t further = (kSentPayload - i) & 0x3fffffff;
    words[kPointers + i] = (payload & ~uint64_t{0xffffffff}) | ((payload + (further << 2)) & 0xffffffff);
  }
  std::vector<uint8_t> body;
  Compressor().compress({reinterpret_cast<const uint8_t*>(words.data()), words.size() * 8}, body);
  header.stored_size = static_cast<uint32_t>(body.size());
  expect_refused(forged(header, body), "not a valid Cap'n Proto message");
}

// Whatever is in the columns: it is refused, or it can be walked to its end.
TEST(ChunkLimits, RandomColumnsAreRefusedOrDecoded) {
  std::mt19937_64 random(1);
  int accepted = 0;
  for (int round = 0; round < 5'000; ++round) {
    Sample sample;
    for (uint64_t changes = 1 + random() % 3; changes > 0; --changes) {
      auto& column = sample.columns.data[random() % kGuestColumnCount];
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

TEST(FooterLimits, RunInfoIsCheckedBeforeItIsWritten) {
  const testing::TemporaryFolder folder;
  const auto refused = [&](const RunInfo& run, const char* why) {
    const Status status = save_run_info(folder.folder("d"), run);
    std::filesystem::remove_all(folder / "d");
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error().kind, ErrorKind::kUsage);
    EXPECT_NE(status.error().message.find(why), std::string::npos) << status.error().message;
  };
  RunInfo many;
  many.guests.resize(kMaxGuests + 1);
  refused(many, "4097 guests; the limit is 4096");
  RunInfo twins;
  twins.guests.resize(2);
  refused(twins, "guest 0 has a name of 0 bytes");
  twins.guests[0].name = twins.guests[1].name = "twin";
  refused(twins, "two guests are named 'twin'");
  RunInfo large;
  large.platform_xml.assign(kMaxFooterRawBytes + 1, ' ');
  refused(large, "cannot hold");
}

TEST(FooterLimits, TheTrailersSizesAreCheckedBeforeAnythingIsAllocated) {
  const auto with = [](Trailer trailer) {
    const auto head = encode_file_header(FileKind::kTrace, StreamId::network());
    const auto tail = encode_trailer(trailer);
    std::vector<uint8_t> bytes(head.size() + tail.size());
    std::copy(head.begin(), head.end(), bytes.begin());
    std::copy(tail.begin(), tail.end(), bytes.begin() + kFileHeaderBytes);
    const auto footer = read_footer(MemorySource(bytes), FileKind::kTrace);
    EXPECT_FALSE(footer.ok());
    return footer.error().message;
  };
  EXPECT_NE(with({kFileHeaderBytes, 0, kMaxFooterRawBytes + 8, 0}).find("footer of 67108872 bytes"), std::string::npos);
  EXPECT_NE(with({kFileHeaderBytes, uint64_t{1} << 62, 8, 0}).find("does not end at the trailer"), std::string::npos);
  EXPECT_NE(with({~uint64_t{0}, kFileHeaderBytes + 1, 8, 0}).find("does not end at the trailer"), std::string::npos);
}

}  // namespace
}  // namespace reprise
