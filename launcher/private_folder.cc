#include "launcher/private_folder.h"

#include <fmt/format.h>
#include <stdlib.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>

namespace reprise {

Result<PrivateFolder> PrivateFolder::create(bool in_memory) {
  namespace fs = std::filesystem;
  const fs::path memory = "/dev/shm";  // POSIX shared memory: a tmpfs
  std::error_code error;
  const fs::path parent = in_memory && fs::is_directory(memory, error) ? memory : fs::temp_directory_path(error);
  std::string name = (parent / "reprise-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) {
    return Error{ErrorKind::kRunFailed, fmt::format("{}: cannot make a folder here: {}", parent.string(), std::strerror(errno))};
  }
  return PrivateFolder(name);
}

PrivateFolder::~PrivateFolder() {
  if (!path_.empty()) {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
}

}  // namespace reprise
