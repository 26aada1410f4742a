#include "trace_format/rewrite.h"

#include <gtest/gtest.h>

#include "tests/trace_format/sample_run.h"

namespace reprise {
namespace {

using testing::ok;

class Rewrite : public ::testing::Test {
 protected:
  void SetUp() override {
    write_trace(script_, folder_ / "a.trace");
    auto reader = TraceReader::open(folder_ / "a.trace");
    ASSERT_TRUE(reader.ok());
    reader_ = std::move(*reader);
  }
  testing::TemporaryFolder folder_;
  testing::Script script_ = testing::typed_script(21, 200);
  std::unique_ptr<TraceReader> reader_;
};

TEST_F(Rewrite, WithoutAnEditGivesTheSameBytes) {
  ASSERT_TRUE(ok(rewrite_trace(
      *reader_, folder_ / "b.trace", [](GuestIndex, GuestEvent&, std::span<uint8_t>) {}, testing::kSmallChunks)));
  EXPECT_TRUE(testing::file_bytes(folder_ / "a.trace") == testing::file_bytes(folder_ / "b.trace"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "b.trace.rewriting"));
}

TEST_F(Rewrite, ChangesExactlyWhatTheEditChanges) {
  auto want = script_.guests;
  ASSERT_TRUE(ok(rewrite_trace(*reader_, folder_ / "b.trace", [&](GuestIndex guest, GuestEvent& event, std::span<uint8_t> payload) {
    if (guest.value != 1) {
      return;
    }
    if (event.kind == EventKind::kClockRead && event.sequence.value == 100) {
      event.value += 5;
    }
    if (event.kind == EventKind::kFrameSent && event.sender_frame.value == 3) {
      payload[0] ^= 1;
    }
    if (event.kind == EventKind::kEnd) {
      event.at.ns += 1;
    }
  })));
  for (auto& events : want) {
    const bool edited = &events == &want[1];
    for (auto& event : events) {
      if (edited && event.kind == EventKind::kClockRead && event.sequence == 100) {
        event.value += 5;
      }
      const bool is_frame_3 =
          (event.kind == EventKind::kFrameSent && edited) || (event.kind == EventKind::kFrameReceived && event.sender == 1);
      if (is_frame_3 && event.sender_frame == 3) {
        event.payload[0] ^= 1;  // whoever receives the frame gets the changed byte
      }
      if (edited && event.kind == EventKind::kEnd) {
        event.at += 1;
      }
    }
  }
  const auto read = testing::read_script(folder_ / "b.trace");
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_TRUE(read->guests == want);
  EXPECT_EQ(read->network.size(), script_.network.size());
}

TEST_F(Rewrite, RefusesToChangeTheOrder) {
  const Status status = rewrite_trace(*reader_, folder_ / "b.trace", [](GuestIndex, GuestEvent& event, std::span<uint8_t>) {
    if (event.kind == EventKind::kEnd) {
      event.at = {0};
    }
  });
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().kind, ErrorKind::kUsage);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "b.trace"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "b.trace.rewriting"));
}

}  // namespace
}  // namespace reprise
