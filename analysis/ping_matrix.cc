#include "analysis/ping_matrix.h"

#include <fmt/format.h>

#include <charconv>
#include <map>
#include <sstream>

#include "trace_format/event_text.h"

namespace reprise {
namespace {

constexpr std::string_view kMark = "validate: ";

Result<std::string> console_of(TraceReader& trace, GuestIndex guest) {
  const auto cursor = trace.guest_events(guest);
  std::string text;
  for (;;) {
    GuestEvent event;
    ASSIGN_OR_RETURN(const bool more, cursor->next(event));
    if (!more) {
      return text;
    }
    if (event.kind == EventKind::kConsoleByte && event.byte != '\r') {
      text += static_cast<char>(event.byte);
    }
  }
}

std::optional<Duration> parse_sample(const std::string& word) {
  int64_t ns = 0;
  const auto [end, problem] = std::from_chars(word.data(), word.data() + word.size(), ns);
  return problem == std::errc() && end == word.data() + word.size() && ns >= 0 ? std::optional(Duration{ns}) : std::nullopt;
}

/// Samples by address, as the guest printed them.
std::map<std::string, std::vector<std::optional<Duration>>> samples_in(const std::string& console) {
  std::map<std::string, std::vector<std::optional<Duration>>> samples;
  std::istringstream lines(console);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with(kMark)) {
      continue;
    }
    std::istringstream words(line.substr(kMark.size()));
    std::string address;
    words >> address;
    auto& of_address = samples[address];
    for (std::string word; words >> word;) {
      of_address.push_back(parse_sample(word));
    }
  }
  return samples;
}

std::string without_prefix(const std::string& cidr) {
  return cidr.substr(0, cidr.find('/'));
}

std::optional<std::string> problem_of(const PingPair& pair, const PingTolerance& tolerance) {
  const Duration least = pair.expected.has_value() ? pair.expected->least : Duration{};
  const auto share = static_cast<int64_t>(static_cast<double>(least.ns) * tolerance.percent / 100);
  const Duration lowest{least.ns - share};
  const Duration highest =
      pair.expected.has_value() ? least + Duration{share} + pair.expected->spread + tolerance.processing : kMostSelfPing;
  const bool may_lose = pair.expected.has_value() && pair.expected->lossy;
  for (const auto& sample : pair.samples) {
    if (!sample.has_value() && may_lose) {
      continue;
    }
    if (!sample.has_value()) {
      return "a ping was lost";
    }
    if (*sample < lowest || *sample > highest) {
      return fmt::format("{:.3f} ms is not within {:.3f} to {:.3f} ms", static_cast<double>(sample->ns) / 1e6,
                         static_cast<double>(lowest.ns) / 1e6, static_cast<double>(highest.ns) / 1e6);
    }
  }
  return std::nullopt;
}

}  // namespace

Result<PingMatrix> read_ping_matrix(TraceReader& trace) {
  const std::vector<GuestInfo>& guests = trace.run().guests;
  PingMatrix matrix;
  for (uint32_t from = 0; from < guests.size(); ++from) {
    matrix.names.push_back(guests[from].name);
    ASSIGN_OR_RETURN(const std::string console, console_of(trace, {from}));
    auto samples = samples_in(console);
    for (uint32_t to = 0; to < guests.size(); ++to) {
      auto& of_pair = samples[without_prefix(guests[to].address)];
      if (of_pair.empty()) {
        return Error{
            ErrorKind::kRunFailed,
            fmt::format("guest '{}' printed no round trips to '{}' ({}); is the demo guest an old one (tools/build_guest.sh makes it "
                        "anew), or did the run end too early?",
                        printable(guests[from].name), printable(guests[to].name), printable(guests[to].address))};
      }
      matrix.pairs.push_back({.from = {from}, .to = {to}, .samples = of_pair, .expected = {}, .problem = {}});
    }
  }
  return matrix;
}

void judge(PingMatrix& matrix, const std::vector<ExpectedRoundTrip>& expected, const PingTolerance& tolerance) {
  CHECK(expected.size() == matrix.pairs.size());
  for (size_t i = 0; i < matrix.pairs.size(); ++i) {
    PingPair& pair = matrix.pairs[i];
    if (pair.from != pair.to) {
      pair.expected = expected[i];
    }
    pair.problem = problem_of(pair, tolerance);
  }
}

}  // namespace reprise
