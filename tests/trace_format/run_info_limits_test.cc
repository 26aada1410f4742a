// What only a forger writes around the chunks of events: run information without measure, a trailer that points anywhere.
#include <gtest/gtest.h>

#include <filesystem>
#include <vector>

#include "tests/memory_file.h"
#include "tests/temporary_folder.h"
#include "trace_format/limits.h"
#include "trace_format/message_chunk.h"
#include "trace_format/run_info_codec.h"
#include "trace_format/run_info_file.h"
#include "trace_format/trace_index.h"

namespace reprise {
namespace {

TEST(RunInfoLimits, RunInfoIsCheckedBeforeItIsWritten) {
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
  RunInfo talkative;
  talkative.simgrid_options.resize(kMaxTexts + 1);
  refused(talkative, "262145 texts; the limit is 262144");
  RunInfo large;
  large.platform_xml.assign(kMaxMessageRawBytes + 1, ' ');
  refused(large, "a trace holds at most 8388608");
}

// A message may name the same list of texts many times over: each costs memory of its own when it is read.
TEST(RunInfoLimits, RepeatedTextsAreRefusedBeforeTheyAreRead) {
  RunInfo run;
  run.simgrid_options.resize(kMaxTexts);
  auto chunk = pack_run_info(run);
  ASSERT_TRUE(chunk.ok());
  auto words = unpack_message(*chunk, ChunkKind::kRun, StreamId::network());
  ASSERT_TRUE(words.ok());
  const auto sound = unpack_run_info(*pack_message(ChunkKind::kRun, StreamId::network(), 0, *words));
  ASSERT_TRUE(sound.ok()) << sound.error().message;
  // The list's length is in the upper half of its pointer's tag; one more element of nothing is within the message.
  bool changed = false;
  for (uint64_t& word : *words) {
    if ((word & 7) == 1 && word >> 35 == kMaxTexts && (word >> 32 & 7) == 6) {
      word += uint64_t{1} << 35;
      changed = true;
      break;
    }
  }
  ASSERT_TRUE(changed);
  const auto refused = unpack_run_info(*pack_message(ChunkKind::kRun, StreamId::network(), 0, *words));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind, ErrorKind::kBadTrace);
}

TEST(TrailerLimits, OffsetsAreCheckedBeforeAnythingIsRead) {
  const auto with = [](Trailer trailer) {
    const auto head = encode_file_header(FileKind::kTrace, StreamId::network());
    const auto tail = encode_trailer(trailer, kFileHeaderBytes + kTrailerBytes);
    std::vector<uint8_t> bytes(head.begin(), head.end());
    bytes.insert(bytes.end(), tail.begin(), tail.end());
    const auto index = TraceIndex::open(testing::MemorySource(bytes));
    EXPECT_FALSE(index.ok());
    return index.error().message;
  };
  for (const Trailer& trailer : {Trailer{0, 40}, Trailer{32, 32}, Trailer{32, 72}, Trailer{32, ~uint64_t{0}}, Trailer{~uint64_t{0}, 0}}) {
    EXPECT_NE(with(trailer).find("which are not in order"), std::string::npos) << trailer.run_offset << ' ' << trailer.root_offset;
  }
}

}  // namespace
}  // namespace reprise
