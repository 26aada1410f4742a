#include "replayer/verdict.h"

#include <gtest/gtest.h>

#include <limits>

namespace reprise {
namespace {

TEST(Verdict, IdenticalRoundTrip) {
  const Verdict verdict{
      .reached = {10'726'155'164}, .counts = {36, std::numeric_limits<uint64_t>::max(), 412}, .mismatch = {}, .error = {}};
  const auto back = verdict_from_json(verdict_to_json(verdict));
  ASSERT_TRUE(back.ok()) << back.error().message;
  EXPECT_EQ(back->reached.ns, 10'726'155'164);
  EXPECT_EQ(back->counts.frames, 36U);
  EXPECT_EQ(back->counts.clock_reads, std::numeric_limits<uint64_t>::max());
  EXPECT_EQ(back->counts.console_bytes, 412U);
  EXPECT_FALSE(back->mismatch.has_value());
  EXPECT_FALSE(back->error.has_value());
}

TEST(Verdict, MismatchRoundTrip) {
  const Verdict verdict{.reached = {5},
                        .counts = {},
                        .mismatch = Mismatch{"clock", {17}, {VirtualTime::never().ns}, "value", "1 \"quoted\"\n", "2"},
                        .error = {}};
  const auto back = verdict_from_json(verdict_to_json(verdict));
  ASSERT_TRUE(back.ok()) << back.error().message;
  ASSERT_TRUE(back->mismatch.has_value());
  EXPECT_EQ(back->mismatch->stream, "clock");
  EXPECT_EQ(back->mismatch->sequence.value, 17U);
  EXPECT_EQ(back->mismatch->at, VirtualTime::never());
  EXPECT_EQ(back->mismatch->field, "value");
  EXPECT_EQ(back->mismatch->expected, "1 \"quoted\"\n");
  EXPECT_EQ(back->mismatch->actual, "2");
}

TEST(Verdict, ErrorRoundTrip) {
  for (const ErrorKind kind : {ErrorKind::kUsage, ErrorKind::kBadTrace, ErrorKind::kMachine, ErrorKind::kRunFailed}) {
    const auto back = verdict_from_json(
        verdict_to_json({.reached = {5}, .counts = {}, .mismatch = {}, .error = Error{kind, "run.trace: chunk 4 is damaged"}}));
    ASSERT_TRUE(back.ok()) << back.error().message;
    ASSERT_TRUE(back->error.has_value());
    EXPECT_EQ(back->error->kind, kind);
    EXPECT_EQ(back->error->message, "run.trace: chunk 4 is damaged");
  }
}

// A guest's name in a message may be any bytes; JSON may not.
TEST(Verdict, BytesThatAreNotTextStillArrive) {
  const auto back = verdict_from_json(
      verdict_to_json({.reached = {5}, .counts = {}, .mismatch = Mismatch{"end", {}, {}, "kind", "\xff\xfe", "x"}, .error = {}}));
  ASSERT_TRUE(back.ok()) << back.error().message;
  EXPECT_EQ(back->mismatch->actual, "x");
}

TEST(Verdict, GarbageIsARunThatFailed) {
  const std::string good = verdict_to_json({.reached = {5}, .counts = {1, 2, 3}, .mismatch = {}, .error = {}});
  for (const std::string& text :
       {std::string(), std::string("{}"), std::string("null"), std::string("[1,2]"), std::string("\xff\xff"), std::string("12"), good + "x",
        std::string(100'000, '['), std::string(R"({"reached_ns":"5","frames":1,"clock_reads":2,"console_bytes":3})"),
        std::string(R"({"reached_ns":5,"frames":1,"clock_reads":2,"console_bytes":3,"mismatch":7})"),
        std::string(R"({"reached_ns":5,"frames":1,"clock_reads":2,"console_bytes":3,"mismatch":{"stream":"end"}})"),
        std::string(R"({"reached_ns":5,"frames":1,"clock_reads":2,"console_bytes":3,"error":{"kind":"x","message":"m"}})"),
        std::string(R"({"reached_ns":5,"frames":1,"clock_reads":2,"console_bytes":3,"error":{"kind":5}})")}) {
    const auto verdict = verdict_from_json(text);
    ASSERT_FALSE(verdict.ok()) << text.substr(0, 200);
    EXPECT_EQ(verdict.error().kind, ErrorKind::kRunFailed);
  }
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(verdict_from_json(good.substr(0, size)).ok()) << size;
  }
}

// It becomes the exit code: 0 and 1 would say that there was no failure.
TEST(Verdict, ErrorsOfNoKnownKindAreNotBelieved) {
  for (const char* kind : {"0", "1", "6", "-1", "255"}) {
    const auto verdict = verdict_from_json(std::string(R"({"reached_ns":5,"frames":1,"clock_reads":2,"console_bytes":3,"error":{"kind":)") +
                                           kind + R"(,"message":"m"}})");
    ASSERT_FALSE(verdict.ok()) << kind;
    EXPECT_EQ(verdict.error().kind, ErrorKind::kRunFailed);
  }
}

}  // namespace
}  // namespace reprise
