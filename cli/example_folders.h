// The examples that come with Reprise: folders with a platform and a deployment.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "trace_format/status.h"

namespace reprise {

struct Example {
  std::string name;  ///< of its folder
  std::filesystem::path folder;
  std::string summary;             ///< one line, from its README.md; may be empty
  size_t guests = 0;               ///< virtual machines and processes
  std::vector<std::string> needs;  ///< files that have to be built and are not there
};

/// $REPRISE_EXAMPLES, or share/reprise/examples beside the folder of the program. kMachine when it is not there.
[[nodiscard]] Result<std::filesystem::path> examples_folder();

/// By name. A folder counts if it has platform.xml and deployment.xml.
[[nodiscard]] Result<std::vector<Example>> find_examples();

/// kUsage for an unknown name, with the near one and what there is.
[[nodiscard]] Result<Example> find_example(const std::string& name);

}  // namespace reprise
