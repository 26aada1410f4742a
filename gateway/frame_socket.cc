#include "gateway/frame_socket.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "recorder/socket_path.h"

namespace reprise {

Result<std::unique_ptr<FrameSocket>> FrameSocket::connect(const std::filesystem::path& path) {
  ASSIGN_OR_RETURN(const int fd, connect_to_socket(path));
  return std::make_unique<FrameSocket>(fd);
}

FrameSocket::~FrameSocket() {
  if (fd_ >= 0) {
    close(fd_);
  }
}

void FrameSocket::deliver(VirtualTime /*now*/, ByteView frame) {
  if (fd_ < 0 || frame.size() < kSmallestFrame) {
    return;
  }
  if (waiting_.size() + frame.size() > kMostWaiting) {
    ++lost_;
    return;
  }
  append_frame(waiting_, frame);
}

Status FrameSocket::exchange(VirtualTime /*now*/, GatewayOutput& output) {
  if (fd_ >= 0) {
    give();
    take(output);
  }
  return {};
}

void FrameSocket::give() {
  size_t sent = 0;
  while (sent < waiting_.size()) {
    const ssize_t n = send(fd_, waiting_.data() + sent, waiting_.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n <= 0) {
      break;  // later; that it is gone is found out by reading
    }
    sent += static_cast<size_t>(n);
  }
  waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<ptrdiff_t>(sent));
}

void FrameSocket::take(GatewayOutput& output) {
  std::array<uint8_t, 65536> buffer;
  std::vector<uint8_t> frame;
  for (size_t taken = 0; taken < kMostBytesAtOnce;) {
    const ssize_t n = recv(fd_, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n <= 0) {
      if (n == 0 || errno != EAGAIN) {
        hang_up(output, n == 0 ? "it hung up" : std::strerror(errno));
      }
      return;
    }
    taken += static_cast<size_t>(n);
    reader_.put({buffer.data(), static_cast<size_t>(n)});
    for (;;) {
      const Result<bool> whole = reader_.next(frame);
      if (!whole.ok()) {
        return hang_up(output, whole.error().message);
      }
      if (!*whole) {
        break;
      }
      output.send(frame);
    }
  }
}

void FrameSocket::hang_up(GatewayOutput& output, std::string_view why) {
  output.say(fmt::format("gateway: the program at the socket is gone: {}; {} frames did not reach it", why, lost_));
  close(fd_);
  fd_ = -1;
  waiting_.clear();
}

}  // namespace reprise
