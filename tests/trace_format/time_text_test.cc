#include "trace_format/time_text.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace reprise {
namespace {

TEST(TimeText, IsExact) {
  const std::vector<std::pair<std::string, int64_t>> cases = {
      {"0s", 0},
      {"5ns", 5},
      {"10us", 10'000},
      {"250ms", 250'000'000},
      {"30s", 30'000'000'000},
      {"1.5s", 1'500'000'000},
      {"2min", 120'000'000'000},
      {"10.726155164s", 10'726'155'164},
      {"0.1s", 100'000'000},
      {"0.000000001s", 1},
      {"0.0000000010000000000000000000000s", 1},
      {"1.000ns", 1},
      {"0.00000000005min", 3},
      {"0.99999999995min", 59'999'999'997},
      {"9223372036.854775806s", 9'223'372'036'854'775'806},
      {"9223372036854775806ns", 9'223'372'036'854'775'806},
      {"0000000000000000000000000001s", 1'000'000'000},
  };
  for (const auto& [text, ns] : cases) {
    const Result<VirtualTime> time = parse_time(text);
    ASSERT_TRUE(time.ok()) << time.error().message;
    EXPECT_EQ(time.value().ns, ns) << text;
  }
}

TEST(TimeText, RefusesWhatItCannotHoldExactly) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "does not begin with a digit"},
      {"s", "does not begin with a digit"},
      {"-1s", "does not begin with a digit"},
      {"+1s", "does not begin with a digit"},
      {" 1s", "does not begin with a digit"},
      {".5s", "does not begin with a digit"},
      {"1.s", "no digit follows the point"},
      {"30", "the unit is missing"},
      {"1.5", "the unit is missing"},
      {"30 s", "its unit is unknown"},
      {"30S", "its unit is unknown"},
      {"30sec", "its unit is unknown"},
      {"1s1s", "its unit is unknown"},
      {"1e3s", "its unit is unknown"},
      {"1,5s", "its unit is unknown"},
      {"1.5.5s", "its unit is unknown"},
      {"1.5ns", "not a whole number of nanoseconds"},
      {"0.0000000001s", "not a whole number of nanoseconds"},
      {"1.2345us", "not a whole number of nanoseconds"},
      {"0.00000000001min", "not a whole number of nanoseconds"},
      {"9223372036854775807ns", "beyond 292 years"},
      {"9223372036854775808ns", "beyond 292 years"},
      {"9223372036.854775807s", "beyond 292 years"},
      {"9223372037s", "beyond 292 years"},
      {"153722868min", "beyond 292 years"},
      {"99999999999999999999999999s", "beyond 292 years"},
  };
  for (const auto& [text, why] : cases) {
    const Result<VirtualTime> time = parse_time(text);
    ASSERT_FALSE(time.ok()) << text;
    EXPECT_EQ(time.error().kind, ErrorKind::kUsage);
    EXPECT_NE(time.error().message.find(why), std::string::npos) << time.error().message;
    EXPECT_NE(time.error().message.find("write it as 30s"), std::string::npos) << time.error().message;
  }
}

}  // namespace
}  // namespace reprise
