#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "analysis/ping_matrix.h"
#include "trace_format/event_text.h"

namespace reprise {
namespace {

double ms(Duration duration) {
  return static_cast<double>(duration.ns) / 1e6;
}

/// Nothing when all were lost.
std::optional<double> mean_ms(const PingPair& pair) {
  double sum = 0;
  int count = 0;
  for (const auto& sample : pair.samples) {
    if (sample.has_value()) {
      sum += ms(*sample);
      ++count;
    }
  }
  return count == 0 ? std::nullopt : std::optional(sum / count);
}

/// Of the mean, in per cent of what is expected.
std::optional<double> deviation(const PingPair& pair) {
  const std::optional<double> mean = mean_ms(pair);
  if (!mean.has_value() || !pair.expected.has_value()) {
    return std::nullopt;
  }
  return (*mean / ms(pair.expected->least) - 1) * 100;
}

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : printable(text)) {
    out += c == '&' ? "&amp;" : c == '<' ? "&lt;" : c == '>' ? "&gt;" : std::string(1, c);
  }
  return out;
}

/// White at 0, red at 10 per cent and more; grey without a figure.
std::string colour(const std::optional<double>& per_cent) {
  if (!per_cent.has_value()) {
    return "#dddddd";
  }
  const int paleness = 255 - static_cast<int>(std::min(std::abs(*per_cent) / 10, 1.0) * 200);
  return fmt::format("#ff{0:02x}{0:02x}", paleness);
}

}  // namespace

std::string ping_matrix_text(const PingMatrix& matrix) {
  size_t width = 0;
  for (const std::string& name : matrix.names) {
    width = std::max(width, printable(name).size());
  }
  std::string text;
  std::string problems;
  for (const PingPair& pair : matrix.pairs) {
    const std::string from = printable(matrix.names[pair.from.value]);
    const std::string to = printable(matrix.names[pair.to.value]);
    if (pair.to.value == 0) {
      text += fmt::format("################## <{}> #################\n", from);
    }
    text += fmt::format("{:<{}} :", to, width);
    for (const auto& sample : pair.samples) {
      text += sample.has_value() ? fmt::format(" {:.2f}", ms(*sample)) : " -";
    }
    text += '\n';
    if (pair.problem.has_value()) {
      problems += fmt::format("{} to {}: {}\n", from, to, *pair.problem);
    }
  }
  return text + (problems.empty() ? "all round trips are as the platform says\n" : "out of tolerance:\n" + problems);
}

std::string ping_matrix_json(const PingMatrix& matrix) {
  using Json = nlohmann::ordered_json;
  Json pairs = Json::array();
  bool within = true;
  for (const PingPair& pair : matrix.pairs) {
    Json samples = Json::array();
    for (const auto& sample : pair.samples) {
      samples.push_back(sample.has_value() ? Json(sample->ns) : Json());
    }
    within = within && !pair.problem.has_value();
    pairs.push_back({{"from", matrix.names[pair.from.value]},
                     {"to", matrix.names[pair.to.value]},
                     {"round_trips_ns", std::move(samples)},
                     {"expected_ns", pair.expected.has_value() ? Json(pair.expected->least.ns) : Json()},
                     {"problem", pair.problem.has_value() ? Json(*pair.problem) : Json()}});
  }
  const Json json = {{"within_tolerance", within}, {"guests", matrix.names}, {"pairs", std::move(pairs)}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string ping_matrix_svg(const PingMatrix& matrix) {
  constexpr size_t kCell = 80;     // pixels
  constexpr size_t kMargin = 120;  // for the names
  const size_t side = kMargin + matrix.names.size() * kCell;
  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{0}\" font-family=\"sans-serif\" font-size=\"12\">\n"
      "<title>Mean round trips in ms; colour: per cent off what the platform says</title>\n",
      side);
  for (size_t i = 0; i < matrix.names.size(); ++i) {
    const size_t middle = kMargin + i * kCell + kCell / 2;
    svg += fmt::format("<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>\n", kMargin - 8, middle, escaped(matrix.names[i]));
    svg += fmt::format("<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">{}</text>\n", middle, kMargin - 8, escaped(matrix.names[i]));
  }
  for (const PingPair& pair : matrix.pairs) {
    const size_t x = kMargin + pair.to.value * kCell;
    const size_t y = kMargin + pair.from.value * kCell;
    const std::optional<double> mean = mean_ms(pair);
    const std::optional<double> off = deviation(pair);
    svg += fmt::format("<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"{}\" stroke=\"{}\"/>\n", x, y, kCell - 2, kCell - 2,
                       colour(off), pair.problem.has_value() ? "red" : "#888888");
    svg += fmt::format("<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">{}</text>\n", x + kCell / 2, y + kCell / 2,
                       mean.has_value() ? fmt::format("{:.2f}", *mean) : "lost");
    if (off.has_value()) {
      svg += fmt::format("<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">{:+.2f} %</text>\n", x + kCell / 2, y + kCell / 2 + 16, *off);
    }
  }
  return svg + "</svg>\n";
}

}  // namespace reprise
