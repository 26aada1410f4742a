#include "trace_format/trim.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <optional>

#include "tests/trace_format/sample_run.h"
#include "trace_format/chunk.h"
#include "trace_format/message_chunk.h"
#include "trace_format/output_file.h"
#include "trace_format/run_info_codec.h"
#include "trace_format/trace_assembly.h"
#include "trace_format/trace_index.h"
#include "trace_format/verify.h"

namespace reprise {
namespace {

using testing::ok;
using testing::Script;
using testing::ScriptEvent;

class Trim : public ::testing::Test {
 protected:
  void SetUp() override {
    write_trace(script_, folder_ / "whole.trace");
    // The second third of the frames: guests send before it what others receive in it.
    const auto& network = script_.network;
    window_ = {network[network.size() / 3].sent_at, network[network.size() / 3 * 2].sent_at, {}};
  }

  Status trim(const char* from, const char* to, const TrimOptions& options) {
    ASSIGN_OR_RETURN(const auto reader, TraceReader::open(folder_ / from));
    return trim_trace(*reader, folder_ / to, options);
  }
  Script read(const char* name) {
    auto script = testing::read_script(folder_ / name);
    EXPECT_TRUE(script.ok()) << script.error().message;
    return script.ok() ? std::move(*script) : Script{};
  }

  /// The guest's events in the window, and the end that a part gives it.
  static std::vector<ScriptEvent> part_of(const std::vector<ScriptEvent>& events, const TrimOptions& window) {
    std::vector<ScriptEvent> part;
    std::copy_if(events.begin(), events.end(), std::back_inserter(part),
                 [&](const ScriptEvent& event) { return event.at >= window.from.ns && event.at < window.to.ns; });
    if (part.empty() || part.back().kind != EventKind::kEnd) {
      ScriptEvent end;
      end.at = events.back().at < window.from.ns ? window.from.ns : window.to.ns;
      end.reason = EndReason::kTrimmed;
      part.push_back(end);
    }
    return part;
  }

  testing::TemporaryFolder folder_;
  Script script_ = testing::typed_script(5, 400);
  TrimOptions window_;
};

void expect_same_network(const std::vector<NetworkEvent>& got, const std::vector<NetworkEvent>& all, const TrimOptions& window) {
  std::vector<NetworkEvent> want;
  std::copy_if(all.begin(), all.end(), std::back_inserter(want),
               [&](const NetworkEvent& event) { return event.at >= window.from && event.at < window.to; });
  ASSERT_EQ(got.size(), want.size());
  for (size_t i = 0; i < want.size(); ++i) {
    EXPECT_EQ(got[i].sequence, want[i].sequence);
    EXPECT_EQ(got[i].kind, want[i].kind);
    EXPECT_EQ(got[i].at, want[i].at);
    EXPECT_EQ(got[i].sent_at, want[i].sent_at);
    EXPECT_EQ(got[i].sender, want[i].sender);
    EXPECT_EQ(got[i].sender_frame, want[i].sender_frame);
    EXPECT_EQ(got[i].receiver, want[i].receiver);
  }
}

TEST_F(Trim, APartHasTheWholesEventsWithTheirNumbersAndBytes) {
  ASSERT_TRUE(ok(trim("whole.trace", "part.trace", window_)));
  const Script part = read("part.trace");
  ASSERT_EQ(part.guests.size(), script_.guests.size());
  for (size_t i = 0; i < part.guests.size(); ++i) {
    EXPECT_TRUE(part.guests[i] == part_of(script_.guests[i], window_)) << "guest " << i;
    EXPECT_GT(part.guests[i].size(), 20U);
  }
  expect_same_network(part.network, script_.network, window_);
  ASSERT_GT(part.network.size(), 5U);
  EXPECT_GT(part.network.front().sequence.value, 0U);
  EXPECT_TRUE(part.run.partial);
  EXPECT_EQ(part.run.from, window_.from);
  EXPECT_EQ(part.run.to, window_.to);
}

TEST_F(Trim, AllOfTheTimeIsTheWhole) {
  ASSERT_TRUE(ok(trim("whole.trace", "part.trace", {})));
  const Script part = read("part.trace");
  EXPECT_TRUE(part.guests == script_.guests);
  expect_same_network(part.network, script_.network, {});
}

TEST_F(Trim, GuestsThatAreLeftOutStillGiveTheirFramesBytes) {
  window_.guests = {script_.run.guests[1].name};
  ASSERT_TRUE(ok(trim("whole.trace", "part.trace", window_)));
  const Script part = read("part.trace");
  EXPECT_TRUE(part.run.guests[0].omitted && !part.run.guests[1].omitted && part.run.guests[2].omitted);
  EXPECT_TRUE(part.guests[0].empty() && part.guests[2].empty());
  EXPECT_TRUE(part.guests[1] == part_of(script_.guests[1], window_));
  const auto is_foreign = [](const ScriptEvent& event) { return event.kind == EventKind::kFrameReceived && event.sender != 1; };
  EXPECT_TRUE(std::any_of(part.guests[1].begin(), part.guests[1].end(), is_foreign)) << "nothing is embedded: the test shows nothing";
  expect_same_network(part.network, script_.network, window_);
}

TEST_F(Trim, APartOfAPartIsThePart) {
  TrimOptions inner = window_;
  inner.from.ns += (window_.to.ns - window_.from.ns) / 4;
  inner.to.ns -= (window_.to.ns - window_.from.ns) / 4;
  inner.guests = {script_.run.guests[2].name, script_.run.guests[0].name};
  ASSERT_TRUE(ok(trim("whole.trace", "part.trace", window_)));
  ASSERT_TRUE(ok(trim("part.trace", "by-two.trace", inner)));
  ASSERT_TRUE(ok(trim("whole.trace", "by-one.trace", inner)));
  EXPECT_TRUE(testing::file_bytes(folder_ / "by-two.trace") == testing::file_bytes(folder_ / "by-one.trace"));
}

TEST_F(Trim, AGuestThatHadEndedHasOnlyAnEnd) {
  script_.guests[1].erase(script_.guests[1].begin(), script_.guests[1].end() - 1);
  script_.guests[1][0].at = 5;
  for (auto& events : script_.guests) {
    std::erase_if(events, [](const ScriptEvent& event) { return event.kind == EventKind::kFrameReceived; });
    uint64_t frames = 0;
    for (ScriptEvent& event : events) {
      event.sequence = event.kind == EventKind::kFrameSent ? frames++ : event.sequence;
    }
  }
  std::erase_if(script_.network, [](const NetworkEvent& event) { return event.sender.value == 1; });
  write_trace(script_, folder_ / "ended.trace");
  ASSERT_TRUE(ok(trim("ended.trace", "part.trace", window_)));
  const Script part = read("part.trace");
  ASSERT_EQ(part.guests[1].size(), 1U);
  EXPECT_EQ(part.guests[1][0].at, window_.from.ns);
  EXPECT_EQ(part.guests[1][0].reason, EndReason::kTrimmed);
}

// A damaged chunk costs itself: neither guests nor network are read from the beginning.
TEST_F(Trim, TheTimesThatAreNotGivenAreThoseOfThePart) {
  ASSERT_TRUE(ok(trim("whole.trace", "part.trace", window_)));
  ASSERT_TRUE(ok(trim("part.trace", "again.trace", {})));
  EXPECT_TRUE(testing::file_bytes(folder_ / "part.trace") == testing::file_bytes(folder_ / "again.trace"));
  TrimOptions late;
  late.from = window_.from + Duration{(window_.to.ns - window_.from.ns) / 2};
  ASSERT_TRUE(ok(trim("part.trace", "late.trace", late)));
  EXPECT_EQ(read("late.trace").run.from, late.from);
  EXPECT_EQ(read("late.trace").run.to, window_.to);
}

TEST_F(Trim, WhatIsBehindALostChunkIsKept) {
  Script script = testing::small_script();
  script.network.clear();
  script.guests.assign(script.guests.size(), {});
  for (uint64_t i = 0; i < 400; ++i) {
    ScriptEvent frame;
    frame.kind = EventKind::kFrameSent;
    frame.at = static_cast<int64_t>(1000 * i);
    frame.sequence = frame.sender_frame = i;
    frame.payload.assign(60, static_cast<uint8_t>(i));
    script.guests[0].push_back(frame);
    frame.kind = EventKind::kFrameReceived;
    frame.at += 10;
    script.guests[1].push_back(frame);
  }
  ScriptEvent end;
  end.at = 500'000;
  for (auto& guest : script.guests) {
    guest.push_back(end);
  }
  write_trace(script, folder_ / "long.trace");
  const auto file = open_file(folder_ / "long.trace");
  ASSERT_TRUE(file.ok());
  Result<TraceIndex> index = TraceIndex::open(**file);
  ASSERT_TRUE(index.ok());
  ASSERT_GT(index->stream(StreamId::guest({0})).chunks, 8U);
  const Result<ChunkRecord> first = index->chunk(StreamId::guest({0}), 0);
  std::vector<uint8_t> bytes((*file)->size());
  ASSERT_TRUE(ok((*file)->read_at(0, bytes)));
  bytes[first->offset + kChunkHeaderBytes + 9] ^= 1;
  testing::write_bytes(folder_ / "long.trace", bytes);

  const auto verified = verify_trace(folder_ / "long.trace");
  ASSERT_FALSE(verified.ok());
  EXPECT_NE(verified.error().message.find(fmt::format("later than {} ns", first->header.last.ns)), std::string::npos)
      << verified.error().message;
  TrimOptions behind;
  EXPECT_EQ(trim("long.trace", "part.trace", behind).error().kind, ErrorKind::kBadTrace);
  behind.from = {first->header.last.ns + 1000};  // what was on its way has arrived
  ASSERT_TRUE(ok(trim("long.trace", "part.trace", behind)));
  EXPECT_TRUE(read("part.trace").guests[0] == part_of(script.guests[0], behind));
}

TEST_F(Trim, WrongUse) {
  const auto refusal = [&](const char* trace, const TrimOptions& options) {
    const Status status = trim(trace, "refused.trace", options);
    EXPECT_FALSE(status.ok());
    EXPECT_FALSE(std::filesystem::exists(folder_ / "refused.trace"));
    EXPECT_TRUE(status.ok() || status.error().kind == ErrorKind::kUsage);
    return status.ok() ? "" : status.error().message;
  };
  EXPECT_EQ(refusal("whole.trace", {{7}, {7}, {}}), "the part from 7 ns to 7 ns is empty");
  EXPECT_EQ(refusal("whole.trace", {{}, VirtualTime::never(), {"nobody\n"}}),
            "no guest 'nobody\\x0a' in the trace; 'reprise info' lists them");
  ASSERT_TRUE(ok(trim("whole.trace", "part.trace", window_)));
  TrimOptions wider = window_;
  --wider.from.ns;
  EXPECT_NE(refusal("part.trace", wider).find("itself a part of a run"), std::string::npos);
  wider = window_;
  ++wider.to.ns;
  EXPECT_NE(refusal("part.trace", wider).find("it has nothing outside"), std::string::npos);
  EXPECT_NE(refusal("part.trace", {window_.to, VirtualTime::never(), {}}).find("it has nothing outside"), std::string::npos);
  TrimOptions open = window_;
  open.to = VirtualTime::never();
  ASSERT_TRUE(ok(trim("whole.trace", "open.trace", open)));
  EXPECT_EQ(refusal("open.trace", {{1}, {2}, {}}),
            fmt::format("the trace is itself a part of a run, from {} ns to the end: it has nothing outside", open.from.ns));
}

/// A trace of a later minor version: a field behind those of the run information that we know, and a chunk of kind 9.
class LaterTrace {
 public:
  explicit LaterTrace(RunInfo run) : run_(std::move(run)) {
    run_.guests.clear();
    // RunInfo's data section one word longer: its pointer's size field counts words.
    auto words = unpack_message(*pack_run_info(run_), ChunkKind::kRun, StreamId::network());
    constexpr size_t kRootPointer = 1;
    constexpr size_t kDataWords = 6;
    words->insert(words->begin() + kRootPointer + 1 + kDataWords, kNewField);
    (*words)[kRootPointer] += uint64_t{1} << 32;
    (*words)[0] += uint64_t{1} << 32;  // the segment is one word longer
    run_.newer_message = std::make_shared<const std::vector<uint64_t>>(std::move(*words));
    ChunkHeader header;
    header.kind = static_cast<ChunkKind>(9);
    header.sequence = 3;
    header.stored_size = static_cast<uint32_t>(body_.size());
    const ChunkHeaderBytes head = encode_chunk_header(header, body_);
    unknown_.assign(head.begin(), head.end());
    unknown_.insert(unknown_.end(), body_.begin(), body_.end());
  }

  /// Of a run without guests.
  Status write(const std::filesystem::path& path) const {
    return write_output(path, {}, [&](ByteSink& sink) -> Status {
      ASSIGN_OR_RETURN(TraceAssembly trace, TraceAssembly::begin(sink, run_));
      trace.begin_stream(StreamId::network());
      ChunkHeader header;
      header.ends = true;
      Compressor compressor;
      std::vector<uint8_t> stored;
      pack_chunk(header, ColumnBuffers{}, compressor, stored);
      LoadedChunk chunk;
      RETURN_IF_ERROR(ChunkLoader().unpack(stored, chunk));
      RETURN_IF_ERROR(trace.add(chunk, stored));
      RETURN_IF_ERROR(trace.end_stream());
      RETURN_IF_ERROR(trace.keep(unknown_));
      return trace.finish();
    });
  }
  [[nodiscard]] const std::vector<uint8_t>& unknown() const { return unknown_; }
  static constexpr uint64_t kNewField = 0x1122334455667788;

 private:
  RunInfo run_;
  std::vector<uint8_t> body_ = {1, 2, 3};
  std::vector<uint8_t> unknown_;
};

TEST_F(Trim, WhatALaterVersionAddedIsKept) {
  const LaterTrace later(script_.run);
  ASSERT_TRUE(ok(later.write(folder_ / "later.trace")));
  ASSERT_TRUE(testing::verified(folder_ / "later.trace"));
  ASSERT_TRUE(ok(trim("later.trace", "part.trace", {{10}, {20}, {}})));
  const auto bytes = testing::file_bytes(folder_ / "part.trace");
  EXPECT_NE(std::search(bytes.begin(), bytes.end(), later.unknown().begin(), later.unknown().end()), bytes.end());
  const auto part = TraceReader::open(folder_ / "part.trace");
  ASSERT_TRUE(part.ok()) << part.error().message;
  EXPECT_EQ((*part)->run().from.ns, 10);
  ASSERT_NE((*part)->run().newer_message, nullptr);
  const auto& words = *(*part)->run().newer_message;
  EXPECT_EQ(std::count(words.begin(), words.end(), LaterTrace::kNewField), 1);
}

}  // namespace
}  // namespace reprise
