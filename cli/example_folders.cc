#include "cli/example_folders.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <system_error>

#include "launcher/qemu_program.h"
#include "recorder/deployment_outline.h"
#include "recorder/near_name.h"
#include "recorder/shown.h"

namespace reprise {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kGuestsVariable = "${REPRISE_GUESTS}";

/// "# name: what it shows" gives the second part; of another heading, the first line of text below it.
std::string summary_of(const fs::path& readme) {
  std::ifstream in(readme);
  std::string line;
  std::getline(in, line);
  if (const auto colon = line.find(": "); line.starts_with("# ") && colon != std::string::npos) {
    return shown(line.substr(colon + 2));
  }
  while (std::getline(in, line)) {
    if (!line.empty() && line.front() != '#') {
      return shown(line);
    }
  }
  return "";
}

/// Those of `files` that are not there.
std::vector<std::string> missing(const std::set<std::string>& files) {
  std::vector<std::string> needs;
  for (const std::string& file : files) {
    const bool of_guests = file.starts_with(kGuestsVariable);
    const fs::path path = of_guests ? fs::path(guests_folder().string() + file.substr(kGuestsVariable.size())) : fs::path(file);
    std::error_code error;
    if (!fs::exists(path, error)) {
      needs.push_back(shown(path.string()));
    }
  }
  return needs;
}

bool is_example(const fs::path& folder) {
  std::error_code error;
  return fs::is_regular_file(folder / "platform.xml", error) && fs::is_regular_file(folder / "deployment.xml", error);
}

}  // namespace

Result<fs::path> examples_folder() {
  const char* chosen = std::getenv("REPRISE_EXAMPLES");
  std::error_code error;
  const fs::path folder = chosen != nullptr
                              ? fs::path(chosen)
                              : fs::read_symlink("/proc/self/exe", error).parent_path().parent_path() / "share/reprise/examples";
  if (!fs::is_directory(folder, error)) {
    return Error{ErrorKind::kMachine, fmt::format("no folder of examples at {}; install all of Reprise, or set REPRISE_EXAMPLES to one",
                                                  shown(folder.string()))};
  }
  return folder;
}

Result<std::vector<Example>> find_examples() {
  ASSIGN_OR_RETURN(const fs::path top, examples_folder());
  std::vector<Example> examples;
  std::error_code error;
  for (fs::directory_iterator entry(top, error), end; !error && entry != end; entry.increment(error)) {
    const fs::path folder = entry->path();
    if (!is_example(folder)) {
      continue;
    }
    ASSIGN_OR_RETURN(const DeploymentOutline outline, outline_deployment(folder / "deployment.xml"));
    examples.push_back({folder.filename().string(), folder, summary_of(folder / "README.md"), outline.guests, missing(outline.files)});
  }
  if (error) {
    return Error{ErrorKind::kMachine, fmt::format("{}: cannot be read: {}", shown(top.string()), error.message())};
  }
  std::ranges::sort(examples, {}, &Example::name);
  return examples;
}

Result<Example> find_example(const std::string& name) {
  ASSIGN_OR_RETURN(std::vector<Example> examples, find_examples());
  std::vector<std::string> names;
  for (Example& example : examples) {
    if (example.name == name) {
      return std::move(example);
    }
    names.push_back(example.name);
  }
  return Error{ErrorKind::kUsage,
               fmt::format("no example '{}'{}; there are: {}", shown(name), near_name_hint(name, names), fmt::join(names, ", "))};
}

}  // namespace reprise
