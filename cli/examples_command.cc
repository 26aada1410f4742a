#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/command_line.h"
#include "cli/example_folders.h"
#include "cli/standard_output.h"
#include "trace_format/event_text.h"

namespace reprise {
namespace {

std::string examples_text(const std::vector<Example>& examples) {
  size_t width = 0;
  for (const Example& example : examples) {
    width = std::max(width, example.name.size());
  }
  std::string text;
  for (const Example& example : examples) {
    text += fmt::format("{:<{}}  {:>2} {}  {}\n", printable(example.name), width, example.guests, example.guests == 1 ? "guest " : "guests",
                        example.summary);
    if (!example.needs.empty()) {
      text += fmt::format("{:{}}  needs {}; its README.md says how to make it\n", "", width, fmt::join(example.needs, ", "));
    }
  }
  return text;
}

std::string examples_json(const std::vector<Example>& examples) {
  using Json = nlohmann::ordered_json;
  Json json = Json::array();
  for (const Example& example : examples) {
    json.push_back({{"name", example.name},
                    {"summary", example.summary},
                    {"guests", example.guests},
                    {"folder", example.folder.string()},
                    {"missing", example.needs}});
  }
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

Result<int> examples_command(const Arguments& arguments) {
  CommandLine line("reprise examples [--json]",
                   "Lists the examples that come with Reprise: name, guests, what it shows, and what has to be built before it can run.\n"
                   "'reprise record --example NAME -o FILE' runs one. REPRISE_EXAMPLES names another folder of examples.",
                   "reprise examples --json");
  line.options().add_options()("json", "for programs");
  ASSIGN_OR_RETURN(const bool go_on, line.parse(arguments));
  if (!go_on) {
    return kExitDone;
  }
  ASSIGN_OR_RETURN(const std::vector<Example> examples, find_examples());
  RETURN_IF_ERROR(print(line.has("json") ? examples_json(examples) : examples_text(examples)));
  return kExitDone;
}

}  // namespace reprise
