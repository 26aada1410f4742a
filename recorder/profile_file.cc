#include "recorder/profile_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <sstream>
#include <vector>

#include "recorder/shown.h"
#include "recorder/xml_file.h"

namespace reprise {
namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

Error wrong(std::string what) {
  return Error{ErrorKind::kUsage, std::move(what)};
}

/// A number as SimGrid reads it: std::stod, which leaves alone what follows ("5Mbps" is 5) and takes "nan", "inf" and hexadecimal.
Result<double> number(const std::string& word) {
  char* end = nullptr;
  errno = 0;
  const double value = std::strtod(word.c_str(), &end);
  if (end == word.c_str() || errno == ERANGE || std::isnan(value)) {
    return wrong(fmt::format("'{}' is not a number", shown(word)));
  }
  return value;
}

/// A number, or the law by which SimGrid draws one.
struct Draw {
  double lowest = 0;
  double highest = 0;
  double mean = 0;
};

Result<Draw> draw_of(const std::string& law, const std::vector<double>& parameters) {
  constexpr double kStandardDeviations = 6;  // a draw beyond: once in a thousand million
  const double first = parameters[0];
  if (law == "UNIF" || law == "UNIFORM") {
    return Draw{std::min(first, parameters[1]), std::max(first, parameters[1]), (first + parameters[1]) / 2};
  }
  if (law == "EXP" || law == "EXPONENTIAL") {
    if (!(first > 0)) {
      return wrong(fmt::format("the rate {} of {} is not above 0", first, law));
    }
    return Draw{0, HUGE_VAL, 1 / first};
  }
  if (law == "NORM" || law == "NORMAL" || law == "GAUSS" || law == "GAUSSIAN") {
    const double reach = kStandardDeviations * std::abs(parameters[1]);
    return Draw{first - reach, first + reach, first};
  }
  return Draw{first, first, first};
}

/// Takes a number or a law from `words`, beginning at `at`, which moves on.
Result<Draw> take_draw(const Words& words, size_t& at, bool stochastic) {
  constexpr std::string_view kTwoParameters = " UNIF UNIFORM NORM NORMAL GAUSS GAUSSIAN ";
  constexpr std::string_view kOneParameter = " DET EXP EXPONENTIAL ";
  const std::string law = at < words.size() ? words[at] : "";
  const auto is_one_of = [&law](std::string_view laws) { return !law.empty() && laws.find(" " + law + " ") != std::string_view::npos; };
  const size_t parameters = is_one_of(kTwoParameters) ? 2 : 1;
  if (parameters == 2 || is_one_of(kOneParameter)) {
    ++at;
  } else if (stochastic && !law.empty()) {
    return wrong(fmt::format("'{}': in a STOCHASTIC profile each number needs its law, as in DET 5 or UNIF 1 9", shown(law)));
  }
  std::vector<double> values;
  for (size_t i = 0; i < parameters; ++i, ++at) {
    if (at >= words.size()) {
      return wrong("the line ends too early; want a date in seconds and a value, as in 1.5 12500000");
    }
    ASSIGN_OR_RETURN(const double value, number(words[at]));
    values.push_back(value);
  }
  return draw_of(law, values);
}

std::string lowest_of(const Draw& draw) {
  return fmt::format("{}{}", draw.lowest, draw.lowest < draw.highest ? ", which this law may draw" : "");
}

Status check_value(const Draw& value, ProfileKind kind) {
  if (kind == ProfileKind::kBandwidth && !(value.lowest >= 0 && value.highest > 0 && std::isfinite(value.mean))) {
    return wrong(
        fmt::format("a bandwidth of {}; want a finite number of bytes a second above 0; for a link that is dead use a state_file, or an "
                    "outage in the deployment (function=\"outage\")",
                    lowest_of(value)));
  }
  if (!(value.lowest >= 0)) {
    return wrong(fmt::format("a value of {}; want 0 or more{}", lowest_of(value),
                             kind == ProfileKind::kState ? "; 0 is down, anything above is up" : ""));
  }
  return {};
}

/// "KEYWORD 5": the number behind `keyword`; nothing when that is not what the line is.
std::optional<double> setting(const std::string& line, std::string_view keyword) {
  if (!line.starts_with(keyword)) {
    return std::nullopt;
  }
  const char* begin = line.c_str() + keyword.size();
  char* end = nullptr;
  const double value = std::strtod(begin, &end);
  return end == begin ? std::nullopt : std::optional(value);
}

std::string trimmed(std::string_view line) {
  constexpr std::string_view kBlanks = " \t\r\n\v\f";
  const size_t begin = line.find_first_not_of(kBlanks);
  return begin == std::string_view::npos ? "" : std::string(line.substr(begin, line.find_last_not_of(kBlanks) + 1 - begin));
}

/// Reads a profile line by line.
class ProfileCheck {
 public:
  ProfileCheck(ProfileKind kind, double period) : kind_(kind), period_(period), loops_(period > 0) {}

  Status take(const std::string& line) {
    if (line.empty() || line[0] == '#' || line[0] == '%') {
      return {};
    }
    if (const auto period = setting(line, "PERIODICITY")) {
      period_ = *period;
      loops_ = true;
    } else if (const auto pause = setting(line, "LOOPAFTER")) {
      pause_ = *pause;
      loops_ = true;
    } else if (line == "STOCHASTIC" || line == "STOCHASTIC LOOP") {
      stochastic_ = true;
      loops_ = loops_ || line != "STOCHASTIC";
    } else {
      return take_event(line);
    }
    return {};
  }

  /// After the last line. A loop without duration: SimGrid never gets past it.
  [[nodiscard]] Status finish() const {
    constexpr double kNanosecond = 1e-9;
    const double duration = period_ > 0 ? period_ : last_date_ + pause_;
    if (has_events_ && loops_ && duration < kNanosecond) {
      return wrong("the profile repeats itself without end at one instant; give it a PERIODICITY or LOOPAFTER above 0");
    }
    return {};
  }

 private:
  Status take_event(const std::string& line) {
    std::istringstream stream(line);
    Words words;
    for (std::string word; stream >> word;) {
      words.push_back(word);
    }
    size_t at = 0;
    ASSIGN_OR_RETURN(const Draw date, take_draw(words, at, stochastic_));
    ASSIGN_OR_RETURN(const Draw value, take_draw(words, at, stochastic_));
    if (!(date.lowest >= 0)) {
      return wrong(fmt::format("a date of {}; want 0 or more", lowest_of(date)));
    }
    if (!stochastic_ && date.lowest == date.highest && date.lowest < last_date_) {
      return wrong(fmt::format("date {} is before date {} above; sort the lines", date.lowest, last_date_));
    }
    last_date_ = stochastic_ ? last_date_ + date.mean : date.mean;
    has_events_ = true;
    return check_value(value, kind_);
  }

  ProfileKind kind_;
  double period_;
  double pause_ = 0;
  bool loops_;
  bool stochastic_ = false;
  bool has_events_ = false;
  double last_date_ = 0;  ///< of a stochastic profile, whose dates are distances: their sum on average
};

}  // namespace

Status check_profile(std::string_view text, ProfileKind kind, const ProfilePlace& place, double period) {
  ProfileCheck check(kind, period);
  int line = place.first_line;
  while (true) {
    const size_t end = text.find_first_of("\r\n");
    if (const Status status = check.take(trimmed(text.substr(0, end))); !status.ok()) {
      return error_at(place.file, line, status.error().message);
    }
    if (end == std::string_view::npos) {
      break;
    }
    line += text[end] == '\n' ? 1 : 0;
    text.remove_prefix(end + 1);
  }
  const Status status = check.finish();
  return status.ok() ? status : error_at(place.file, place.first_line, status.error().message);
}

std::optional<fs::path> find_profile(const std::string& name, const fs::path& also, const fs::path& platform) {
  for (const fs::path& folder : {fs::path(), also, platform.parent_path()}) {
    const fs::path file = folder / name;  // an absolute name replaces the folder
    std::error_code ignored;
    if (fs::exists(file, ignored)) {
      return file;
    }
  }
  return std::nullopt;
}

}  // namespace reprise
