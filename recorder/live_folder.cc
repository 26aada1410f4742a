#include "recorder/live_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

namespace reprise {
namespace {

namespace fs = std::filesystem;

constexpr int kBacklog = 8;

/// A socket's address has 108 bytes, a folder's path may have more: the address goes by way of an open file descriptor of the folder.
class SocketAddress {
 public:
  SocketAddress(const fs::path& folder, const std::string& name) : fd_(open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)) {
    address_.sun_family = AF_UNIX;
    const std::string path = fmt::format("/proc/self/fd/{}/{}", fd_, name);
    CHECK(path.size() < sizeof address_.sun_path);
    std::memcpy(address_.sun_path, path.c_str(), path.size() + 1);
  }
  ~SocketAddress() {
    if (fd_ >= 0) {
      close(fd_);
    }
  }
  SocketAddress(const SocketAddress&) = delete;
  SocketAddress& operator=(const SocketAddress&) = delete;

  [[nodiscard]] bool valid() const { return fd_ >= 0; }
  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address_); }
  [[nodiscard]] const char* path() const { return address_.sun_path; }
  static constexpr socklen_t kBytes = sizeof(sockaddr_un);

 private:
  int fd_;
  sockaddr_un address_{};
};

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
  const SocketAddress address(path_, name);
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  // Between bind and chmod it is the folder's mode that keeps others out.
  if (fd < 0 || !address.valid() || bind(fd, address.get(), SocketAddress::kBytes) != 0 || chmod(address.path(), S_IRUSR | S_IWUSR) != 0 ||
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
  const SocketAddress address(run_folder / live_folder_name(), name);
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd >= 0 && address.valid() && connect(fd, address.get(), SocketAddress::kBytes) == 0) {
    return fd;
  }
  const bool missing = !address.valid() || errno == ENOENT;
  const Error error = cannot(run_folder, "the run cannot be reached");
  if (fd >= 0) {
    close(fd);
  }
  return missing ? Error{ErrorKind::kUsage,
                         fmt::format("{}: this run takes nothing from outside; record it with --realtime 1.0", run_folder.string())}
                 : error;
}

}  // namespace reprise
