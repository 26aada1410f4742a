#include "recorder/near_name.h"

#include <algorithm>
#include <numeric>

#include "recorder/shown.h"

namespace reprise {
namespace {

/// Levenshtein distance: letters to insert, delete or replace.
size_t distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row[b.size()];
}

}  // namespace

std::string near_name(std::string_view name, const std::vector<std::string>& candidates) {
  constexpr size_t kLongest = 64;  // bounds the work: a name of 16 MiB has no near name worth looking for
  std::string best;
  size_t best_distance = std::max<size_t>(1, name.size() / 3) + 1;
  for (const auto& candidate : candidates) {
    if (name.size() > kLongest || candidate.size() > kLongest) {
      continue;
    }
    if (const size_t d = distance(name, candidate); d < best_distance) {
      best = candidate;
      best_distance = d;
    }
  }
  return best;
}

std::string near_name_hint(std::string_view name, const std::vector<std::string>& candidates) {
  const std::string near = near_name(name, candidates);
  return near.empty() ? "" : " (did you mean '" + shown(near) + "'?)";
}

}  // namespace reprise
