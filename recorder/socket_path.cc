#include "recorder/socket_path.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace reprise {

sockaddr_un socket_in_folder(int folder, const std::string& name) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const auto end = fmt::format_to_n(address.sun_path, sizeof address.sun_path - 1, "/proc/self/fd/{}/{}", folder, name);
  CHECK(end.size < sizeof address.sun_path);
  return address;
}

Result<int> connect_to_socket(const std::filesystem::path& path) {
  constexpr size_t kLongestName = 80;
  const auto refused = [&](int reason) {
    return Error{ErrorKind::kUsage, fmt::format("{}: nobody can be reached there: {}", path.string(), std::strerror(reason))};
  };
  if (path.filename().string().size() > kLongestName) {
    return refused(ENAMETOOLONG);
  }
  const std::filesystem::path parent = path.has_parent_path() ? path.parent_path() : ".";
  const int folder = open(parent.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) {
    return refused(errno);
  }
  const sockaddr_un address = socket_in_folder(folder, path.filename().string());
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool connected = fd >= 0 && connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  const int problem = errno;
  close(folder);
  if (!connected) {
    close(fd);
    return refused(problem);
  }
  return fd;
}

}  // namespace reprise
