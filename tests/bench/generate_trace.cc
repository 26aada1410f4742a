// Writes a synthetic trace of any size, for benchmarks and for tests of what a big file does to memory.
//
// usage: generate_trace FILE MEGABYTES [GUESTS] [SEED]
#include <fmt/format.h>

#include <charconv>
#include <cstdio>
#include <optional>
#include <string_view>
#include <vector>

#include "tests/bench/synthetic_run.h"

namespace {

std::optional<uint64_t> number(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<uint64_t> numbers;
  for (int i = 2; i < argc; ++i) {
    const std::optional<uint64_t> value = number(argv[i]);
    if (!value.has_value() || *value == 0 || *value > 1'000'000) {
      fmt::print(stderr, "generate_trace: '{}' is not a number from 1 to 1,000,000\n", argv[i]);
      return 2;
    }
    numbers.push_back(*value);
  }
  if (numbers.empty() || numbers.size() > 3) {
    fmt::print(stderr, "usage: generate_trace FILE MEGABYTES [GUESTS] [SEED]\n");
    return 2;
  }
  reprise::bench::SyntheticRun run{.bytes = numbers[0] * 1'000'000};
  if (numbers.size() > 1) {
    run.guests = static_cast<uint32_t>(numbers[1]);
  }
  if (numbers.size() > 2) {
    run.seed = numbers[2];
  }
  const reprise::Status status = reprise::bench::write_synthetic_trace(run, argv[1]);
  if (!status.ok()) {
    fmt::print(stderr, "generate_trace: {}\n", status.error().message);
    return static_cast<int>(status.error().kind);
  }
  return 0;
}
