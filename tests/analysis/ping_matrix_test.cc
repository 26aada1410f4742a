#include "analysis/ping_matrix.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/analysis/synthetic_trace.h"

namespace reprise::testing {
namespace {

std::vector<ScriptEvent> printing(const std::string& text) {
  std::vector<ScriptEvent> events;
  int64_t at = 100;
  for (const char c : text) {
    events.push_back(console(at++, c));
  }
  events.push_back(end(at, EndReason::kPowerOff));
  return events;
}

class PingMatrixTest : public ::testing::Test {
 protected:
  /// alice at 10.0.0.1, bob at 10.0.0.2, with these consoles.
  Result<PingMatrix> read(const std::string& alice, const std::string& bob) {
    Script script;
    script.run = ping_script().run;
    script.run.guests.clear();
    script.add_guest("alice", printing(alice));
    script.add_guest("bob", printing(bob));
    reader_ = make_trace(script, folder_.path() / "trace");
    return read_ping_matrix(*reader_);
  }

  PingMatrix judged(const PingTolerance& tolerance, const ExpectedRoundTrip& expected) {
    Result<PingMatrix> matrix = read("guest: up\r\nvalidate: 10.0.0.2 20010000 20030000\r\nvalidate: 10.0.0.1 20000 21000\r\n",
                                     "validate: 10.0.0.1 20000000 lost\nvalidate: 10.0.0.2 22000 23000\nvalidate: done\n");
    EXPECT_TRUE(matrix.ok()) << matrix.error().message;
    judge(*matrix, {{}, expected, expected, {}}, tolerance);
    return *matrix;
  }

  TemporaryFolder folder_;
  std::unique_ptr<TraceReader> reader_;
};

TEST_F(PingMatrixTest, HasTheFormOfFping) {
  const std::string text = ping_matrix_text(judged({}, {.least = {20'000'000}, .spread = {}, .lossy = true}));
  EXPECT_EQ(text,
            "################## <alice> #################\n"
            "alice : 0.02 0.02\n"
            "bob   : 20.01 20.03\n"
            "################## <bob> #################\n"
            "alice : 20.00 -\n"
            "bob   : 0.02 0.02\n"
            "all round trips are as the platform says\n");
}

TEST_F(PingMatrixTest, NamesThePairsThatAreOut) {
  const PingMatrix matrix = judged({.percent = 0, .processing = {20'000}}, {.least = {20'000'000}, .spread = {}});
  EXPECT_FALSE(matrix.pairs[0].problem.has_value());
  EXPECT_EQ(matrix.pairs[1].problem, "20.030 ms is not within 20.000 to 20.020 ms");
  EXPECT_EQ(matrix.pairs[2].problem, "a ping was lost");
  EXPECT_NE(ping_matrix_text(matrix).find("out of tolerance:\nalice to bob: 20.030 ms"), std::string::npos);
  const auto json = nlohmann::json::parse(ping_matrix_json(matrix));
  EXPECT_EQ(json["within_tolerance"], false);
  EXPECT_EQ(json["pairs"][1]["expected_ns"], 20'000'000);
  EXPECT_EQ(json["pairs"][2]["round_trips_ns"], nlohmann::json::parse("[20000000, null]"));
}

TEST_F(PingMatrixTest, TooShortIsOutAsWell) {
  EXPECT_TRUE(judged({.percent = 1}, {.least = {20'300'000}, .spread = {}, .lossy = true}).pairs[2].problem.has_value());
  EXPECT_FALSE(judged({.percent = 2}, {.least = {20'300'000}, .spread = {}, .lossy = true}).pairs[2].problem.has_value());
}

TEST_F(PingMatrixTest, JitterWidensTheBounds) {
  EXPECT_TRUE(judged({.percent = 0, .processing = {0}}, {.least = {19'000'000}, .spread = {1'000'000}}).pairs[1].problem.has_value());
  EXPECT_FALSE(judged({.percent = 0, .processing = {0}}, {.least = {19'000'000}, .spread = {1'100'000}}).pairs[1].problem.has_value());
}

TEST_F(PingMatrixTest, GuestThatPrintedNothingIsNamed) {
  const auto matrix = read("guest: up\n", "validate: 10.0.0.1 20000\n");
  ASSERT_FALSE(matrix.ok());
  EXPECT_EQ(matrix.error().kind, ErrorKind::kRunFailed);
  EXPECT_NE(matrix.error().message.find("guest 'alice' printed no round trips"), std::string::npos) << matrix.error().message;
}

TEST_F(PingMatrixTest, HeatMapHasACellForEachPair) {
  PingMatrix matrix = judged({}, {.least = {20'000'000}, .spread = {}});
  matrix.names[0] = "<a&b>";
  const std::string svg = ping_matrix_svg(matrix);
  size_t cells = 0;
  for (size_t at = svg.find("<rect "); at != std::string::npos; at = svg.find("<rect ", at + 1)) {
    ++cells;
  }
  EXPECT_EQ(cells, 4U);
  EXPECT_NE(svg.find("&lt;a&amp;b&gt;"), std::string::npos);
  EXPECT_NE(svg.find("+0.10 %"), std::string::npos) << svg;
  EXPECT_NE(svg.find("stroke=\"red\""), std::string::npos) << "bob lost one, and the link is said to lose none";
}

}  // namespace
}  // namespace reprise::testing
