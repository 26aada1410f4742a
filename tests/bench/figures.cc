#include "tests/bench/figures.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace reprise::bench {
namespace {

/// Three digits that mean something.
std::string rounded(double value) {
  const int decimals = value >= 100 ? 0 : value >= 10 ? 1 : value >= 1 ? 2 : value > 0 ? 3 : 0;
  return fmt::format("{:.{}f}", value, decimals);
}

}  // namespace

void Figures::add(std::string what, double value, std::string unit, Bar side, double bar, std::string peer) {
  const bool met = side == Bar::kAtLeast ? value >= bar : value <= bar;
  const char* sign = side == Bar::kAtLeast ? ">=" : "<=";
  rows_.push_back({std::move(what), fmt::format("{} {}", rounded(value), unit), fmt::format("{} {:g}", sign, bar), met ? "met" : "MISSED",
                   std::move(peer)});
}

void Figures::note(std::string what, std::string value, std::string peer) {
  rows_.push_back({std::move(what), std::move(value), "", "", std::move(peer)});
}

void Figures::print() const {
  size_t what = 0;
  size_t value = 0;
  for (const Row& row : rows_) {
    what = std::max(what, row.what.size());
    value = std::max(value, row.value.size());
  }
  fmt::print("{:{}}  {:>{}}  {:>10}  {:6}  {}\n", "figure", what, "measured", value, "bar", "", "peer (source)");
  for (const Row& row : rows_) {
    fmt::print("{:{}}  {:>{}}  {:>10}  {:6}  {}\n", row.what, what, row.value, value, row.bar, row.verdict, row.peer);
  }
}

}  // namespace reprise::bench
