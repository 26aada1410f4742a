#include "cli/size_argument.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace reprise {
namespace {

TEST(SizeArgument, IsExact) {
  const std::vector<std::pair<std::string, uint64_t>> cases = {
      {"0", 0},
      {"4096", 4096},
      {"64K", 65'536},
      {"100M", 104'857'600},
      {"2G", 2'147'483'648},
      {"18446744073709551615", UINT64_MAX},
      {"17179869183G", 17'179'869'183ULL << 30U},
  };
  for (const auto& [text, bytes] : cases) {
    const Result<uint64_t> size = parse_size(text);
    ASSERT_TRUE(size.ok()) << size.error().message;
    EXPECT_EQ(*size, bytes) << text;
  }
}

TEST(SizeArgument, RefusesWhatItDoesNotUnderstand) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "does not begin with a digit"},   {"M", "does not begin with a digit"},    {"-1", "does not begin with a digit"},
      {"+1", "does not begin with a digit"}, {" 1", "does not begin with a digit"},   {"1 M", "its unit is unknown"},
      {"1m", "its unit is unknown"},         {"1MB", "its unit is unknown"},          {"1.5M", "its unit is unknown"},
      {"1T", "its unit is unknown"},         {"18446744073709551616", "beyond 2^64"}, {"17179869184G", "beyond 2^64"},
  };
  for (const auto& [text, why] : cases) {
    const Result<uint64_t> size = parse_size(text);
    ASSERT_FALSE(size.ok()) << text;
    EXPECT_EQ(size.error().kind, ErrorKind::kUsage);
    EXPECT_NE(size.error().message.find(why), std::string::npos) << size.error().message;
  }
}

}  // namespace
}  // namespace reprise
