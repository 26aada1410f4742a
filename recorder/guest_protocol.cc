#include "recorder/guest_protocol.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace reprise {
namespace {

struct Header {
  uint32_t type;
  uint32_t guest;
  uint64_t number;
  int64_t at_ns;
  int64_t until_ns;
  uint32_t payload_bytes;
  uint32_t reserved;
};
static_assert(sizeof(Header) == 40);

constexpr size_t kSendAtOnce = 1U << 20U;
constexpr size_t kReadAhead = 1U << 16U;

Error gone(const char* what) {
  return Error{ErrorKind::kRunFailed, fmt::format("the other end of the guest's connection is gone ({})", what)};
}

}  // namespace

GuestChannel::~GuestChannel() {
  if (fd_ >= 0) {
    close(fd_);
  }
}

GuestChannel::GuestChannel(GuestChannel&& other) noexcept
    : fd_(other.fd_),
      held_up_(std::move(other.held_up_)),
      out_(std::move(other.out_)),
      in_(std::move(other.in_)),
      in_begin_(other.in_begin_) {
  other.fd_ = -1;
}

Status GuestChannel::send(const Message& message, ByteView payload) {
  CHECK(payload.size() <= kMaxMessagePayload);
  const Header header{static_cast<uint32_t>(message.type),
                      message.guest,
                      message.number,
                      message.at.ns,
                      message.until.ns,
                      static_cast<uint32_t>(payload.size()),
                      0};
  const auto* bytes = reinterpret_cast<const uint8_t*>(&header);
  out_.insert(out_.end(), bytes, bytes + sizeof header);
  out_.insert(out_.end(), payload.begin(), payload.end());
  return out_.size() >= kSendAtOnce ? flush() : Status{};
}

void GuestChannel::on_unread(std::chrono::milliseconds patience, std::function<Status()> held_up) {
  const timeval timeout{.tv_sec = patience.count() / 1000, .tv_usec = patience.count() % 1000 * 1000};
  CHECK(setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout) == 0);
  held_up_ = std::move(held_up);
}

Status GuestChannel::flush() {
  size_t sent = 0;
  while (sent < out_.size()) {
    const ssize_t n = ::send(fd_, out_.data() + sent, out_.size() - sent, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n < 0 && errno == EAGAIN && held_up_) {
      RETURN_IF_ERROR(held_up_());
      continue;
    }
    if (n <= 0) {
      return gone(std::strerror(errno));
    }
    sent += static_cast<size_t>(n);
  }
  out_.clear();
  return {};
}

/// One read. An empty-handed one without waiting is no error.
Status GuestChannel::take(int flags) {
  // What is left is less than a message, so moving it to the front is cheap, and the buffer does not grow.
  in_.erase(in_.begin(), in_.begin() + static_cast<ptrdiff_t>(in_begin_));
  in_begin_ = 0;
  const size_t old_size = in_.size();
  in_.resize(old_size + kReadAhead);
  const ssize_t n = recv(fd_, in_.data() + old_size, kReadAhead, flags);
  const int problem = errno;
  in_.resize(old_size + static_cast<size_t>(std::max<ssize_t>(n, 0)));
  if (n > 0 || (n < 0 && (problem == EINTR || problem == EAGAIN))) {
    return {};
  }
  return gone(n == 0 ? "closed" : std::strerror(problem));
}

Status GuestChannel::take_arrived() {
  return take(MSG_DONTWAIT);
}

Status GuestChannel::receive(Message& message) {
  for (;;) {
    ASSIGN_OR_RETURN(const bool whole, next(message));
    if (whole) {
      return {};
    }
    RETURN_IF_ERROR(take(0));
  }
}

Result<bool> GuestChannel::next(Message& message) {
  const size_t there = in_.size() - in_begin_;
  if (there < sizeof(Header)) {
    return false;
  }
  Header header;
  std::memcpy(&header, in_.data() + in_begin_, sizeof header);
  if (header.type < static_cast<uint32_t>(MessageType::kHello) || header.type > static_cast<uint32_t>(kLastMessageType) ||
      header.payload_bytes > kMaxMessagePayload) {
    return Error{ErrorKind::kRunFailed, fmt::format("a message on the guest's connection is not understood (type {}, {} bytes)",
                                                    header.type, header.payload_bytes)};
  }
  if (there < sizeof header + header.payload_bytes) {
    return false;
  }
  const auto payload = in_.begin() + static_cast<ptrdiff_t>(in_begin_ + sizeof header);
  message.type = static_cast<MessageType>(header.type);
  message.guest = header.guest;
  message.number = header.number;
  message.at = {header.at_ns};
  message.until = {header.until_ns};
  message.payload.assign(payload, payload + header.payload_bytes);
  in_begin_ += sizeof header + header.payload_bytes;
  return true;
}

}  // namespace reprise
