#include "recorder/live_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "recorder/socket_path.h"

namespace reprise {
namespace {

namespace fs = std::filesystem;

constexpr int kBacklog = 8;

/// The folder, held open while an address in it is used.
class OpenFolder {
 public:
  explicit OpenFolder(const fs::path& path) : fd_(open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)) {}
  ~OpenFolder() {
    if (fd_ >= 0) {
      close(fd_);
    }
  }
  OpenFolder(const OpenFolder&) = delete;
  OpenFolder& operator=(const OpenFolder&) = delete;
  [[nodiscard]] int fd() const { return fd_; }

 private:
  int fd_;
};

const sockaddr* generic(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

Error cannot(const fs::path& path, const char* what) {
  return Error{ErrorKind::kRunFailed, fmt::format("{}: {}: {}", path.string(), what, std::strerror(errno))};
}

}  // namespace

std::string live_folder_name() {
  return "live";
}

Result<LiveFolder> LiveFolder::create(const fs::path& run_folder) {
  const fs::path path = run_folder / live_folder_name();
  if (mkdir(path.c_str(), S_IRWXU) != 0) {
    return cannot(path, "cannot be created");
  }
  return LiveFolder(path);
}

LiveFolder::~LiveFolder() {
  if (!path_.empty()) {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
}

LiveFolder::LiveFolder(LiveFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}

Result<int> LiveFolder::listen(const std::string& name) const {
  const OpenFolder folder(path_);
  const sockaddr_un address = socket_in_folder(folder.fd(), name);
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  // Between bind and chmod it is the folder's mode that keeps others out.
  if (fd < 0 || folder.fd() < 0 || bind(fd, generic(address), sizeof address) != 0 || chmod(address.sun_path, S_IRUSR | S_IWUSR) != 0 ||
      ::listen(fd, kBacklog) != 0) {
    const Error error = cannot(path_ / name, "cannot listen there");
    if (fd >= 0) {
      close(fd);
    }
    return error;
  }
  return fd;
}

Result<int> connect_to_run(const fs::path& run_folder, const std::string& name) {
  const OpenFolder folder(run_folder / live_folder_name());
  const sockaddr_un address = socket_in_folder(folder.fd(), name);
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd >= 0 && folder.fd() >= 0 && connect(fd, generic(address), sizeof address) == 0) {
    return fd;
  }
  const bool missing = folder.fd() < 0 || errno == ENOENT;
  const Error error = cannot(run_folder, "the run cannot be reached");
  if (fd >= 0) {
    close(fd);
  }
  return missing ? Error{ErrorKind::kUsage,
                         fmt::format("{}: this run takes nothing from outside; record it with --realtime 1.0", run_folder.string())}
                 : error;
}

}  // namespace reprise
