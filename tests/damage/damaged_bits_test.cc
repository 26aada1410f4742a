// Every bit of a trace: a flip is noticed, and costs the part that it is in and no other.
//
// A part stands for itself: it is read from its own bytes and the checksum in them. So it is enough to read, for each flip, the one part
// that has it; that the others are then read as before is looked at for some of them.
#include <algorithm>

#include "tests/damage/damaged_trace.h"
#include "tests/memory_file.h"
#include "tests/trace_format/sample_run.h"
#include "trace_format/chunk_scan.h"
#include "trace_format/recover_trace.h"
#include "trace_format/trace_index.h"

namespace reprise::testing {
namespace {

constexpr int kSmallTrace = 170;     // about 10 KB
constexpr int kLargeTrace = 22'000;  // about 1 MB

class DamagedBits : public ::testing::Test {
 protected:
  /// Flips every `step`th bit.
  static void expect_noticed(DamagedTrace& trace, uint64_t step) {
    uint64_t bit = 0;
    for (const Part& part : trace.parts()) {
      for (; bit < 8 * (part.offset + part.size); bit += step) {
        trace.flip(bit);
        ASSERT_FALSE(trace.read(part).ok()) << "bit " << bit % 8 << " of byte " << bit / 8;
        ASSERT_EQ(trace.read(part).error().kind, ErrorKind::kBadTrace) << "bit " << bit;
        trace.flip(bit);
      }
    }
    ASSERT_GE(bit, 8 * trace.bytes().size());
    ASSERT_TRUE(trace.verify(trace.bytes().size()).ok());
  }

  static void expect_verify_to_refuse(DamagedTrace& trace, uint64_t step) {
    for (uint64_t bit = 0; bit < 8 * trace.bytes().size(); bit += step) {
      trace.flip(bit);
      ASSERT_TRUE(is_bad_trace(trace.verify(trace.bytes().size()))) << "bit " << bit % 8 << " of byte " << bit / 8;
      trace.flip(bit);
    }
  }

  /// Reads all chunks of events by way of the index; the offsets of those that cannot be read.
  static std::vector<uint64_t> unreadable(const DamagedTrace& trace, const ByteSource& source, TraceIndex& index) {
    std::vector<uint64_t> offsets;
    ChunkLoader loader;
    LoadedChunk chunk;
    for (const Part& part : trace.parts()) {
      if (part.kind != Part::Kind::kChunk || (part.chunk.kind != ChunkKind::kGuest && part.chunk.kind != ChunkKind::kNetwork)) {
        continue;
      }
      const Result<ChunkRecord> record = index.chunk(part.chunk.stream, part.chunk.sequence);
      if (!record.ok() || !loader.load(source, record->offset, part.offset + part.size, chunk).ok() || chunk.digest != record->digest) {
        offsets.push_back(part.offset);
      }
    }
    return offsets;
  }

  /// Without index and trailer, by the chunks' own marks, all are found but the one that has the flip.
  static void expect_scan_to_miss(const DamagedTrace& trace, const ByteSource& source, const Part& damaged) {
    uint64_t found = 0;
    const auto scan = scan_chunks(source, [&](const ChunkHeader&, ByteView) {
      ++found;
      return Status{};
    });
    ASSERT_TRUE(scan.ok()) << scan.error().message;
    const bool chunk = damaged.kind == Part::Kind::kChunk;
    ASSERT_EQ(found, trace.parts().size() - 2 - (chunk ? 1 : 0)) << "damage at byte " << damaged.offset;
    ASSERT_EQ(scan->lost_bytes, damaged.kind == Part::Kind::kHeader ? 0 : damaged.size) << "damage at byte " << damaged.offset;
  }

  /// One flip in each of `parts` parts, somewhere in the middle.
  static void expect_others_readable(DamagedTrace& trace, size_t parts) {
    const size_t step = std::max<size_t>(trace.parts().size() / parts, 1);
    for (size_t i = 0; i < trace.parts().size(); i += step) {
      const Part& part = trace.parts()[i];
      const uint64_t bit = 8 * part.offset + (i * 7919) % (8 * part.size);
      const MemorySource source(trace.bytes());
      trace.flip(bit);
      Result<TraceIndex> index = TraceIndex::open(source);
      ASSERT_NO_FATAL_FAILURE(expect_scan_to_miss(trace, source, part));
      const bool chunk = part.kind == Part::Kind::kChunk;
      const bool events = chunk && (part.chunk.kind == ChunkKind::kGuest || part.chunk.kind == ChunkKind::kNetwork);
      if (events) {
        ASSERT_TRUE(index.ok()) << index.error().message;
        ASSERT_EQ(unreadable(trace, source, *index), std::vector{part.offset}) << "bit " << bit;
      } else if (chunk && part.chunk.kind == ChunkKind::kPage) {
        ASSERT_TRUE(index.ok()) << index.error().message;
        ASSERT_LE(unreadable(trace, source, *index).size(), kChunksPerPage) << "bit " << bit;
      }
      trace.flip(bit);
      ASSERT_TRUE(trace.read(part).ok());
    }
  }
};

TEST_F(DamagedBits, OfASmallTraceAreNoticed) {
  DamagedTrace trace(kSmallTrace);
  ASSERT_GT(trace.bytes().size(), 8'000U);
  ASSERT_NO_FATAL_FAILURE(expect_noticed(trace, 1));
  expect_verify_to_refuse(trace, full_form() ? 1 : 61);
}

TEST_F(DamagedBits, OfALargeTraceAreNoticed) {
  DamagedTrace trace(kLargeTrace);
  ASSERT_GT(trace.bytes().size(), 900'000U);
  ASSERT_NO_FATAL_FAILURE(expect_noticed(trace, full_form() ? 1 : 37));
  expect_verify_to_refuse(trace, full_form() ? 4'099 : 100'003);
}

TEST_F(DamagedBits, CostOneChunk) {
  DamagedTrace trace(kLargeTrace);
  expect_others_readable(trace, full_form() ? trace.parts().size() : 40);
}

// Whatever part is damaged, there is something left; found by recover_fuzz when it was a stream's first chunk.
TEST_F(DamagedBits, OfAnyPartLeaveARecoverableTrace) {
  DamagedTrace trace(full_form() ? 2'000 : kSmallTrace);
  const TemporaryFolder folder;
  for (const Part& part : trace.parts()) {
    const uint64_t bit = 8 * (part.offset + part.size / 2);
    trace.flip(bit);
    write_bytes(folder / "damaged.trace", trace.bytes());
    const auto result = recover_trace(folder / "damaged.trace", folder / "recovered.trace");
    ASSERT_TRUE(result.ok()) << "bit " << bit << ": " << result.error().message;
    ASSERT_TRUE(verified(folder / "recovered.trace")) << "bit " << bit;
    trace.flip(bit);
  }
}

// Every length that a trace may be cut to, as by a copy that was broken off.
TEST(CutTrace, IsRefusedAtEveryLength) {
  const DamagedTrace trace(full_form() ? kLargeTrace : 4'000);
  const uint64_t whole = trace.parts().back().offset + kTrailerBytes;
  for (uint64_t size = 0; size < whole; ++size) {
    const Status status = trace.verify(size);
    ASSERT_TRUE(is_bad_trace(status)) << size << " bytes";
    const std::string& message = status.error().message;
    ASSERT_TRUE(message.find("truncated") != std::string::npos || message.find("not a Reprise trace") != std::string::npos)
        << size << " bytes: " << message;
  }
  EXPECT_TRUE(trace.verify(whole).ok());
}

}  // namespace
}  // namespace reprise::testing
