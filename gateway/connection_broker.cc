#include "gateway/connection_broker.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "recorder/socket_path.h"
#include "trace_format/event_text.h"

namespace reprise {
namespace {

constexpr size_t kMostClients = 16;
constexpr size_t kLongestRequest = 64;
constexpr size_t kLongestAnswer = 512;
constexpr const char* kAgreed = "ok\n";

/// Room for one descriptor.
union Control {
  char bytes[CMSG_SPACE(sizeof(int))];
  cmsghdr align;
};

/// `fd` < 0: the text alone. A program that does not take its answer loses it.
void say(int to, std::string text, int fd) {
  iovec part{text.data(), text.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  Control control{};
  if (fd >= 0) {
    message.msg_control = control.bytes;
    message.msg_controllen = sizeof control.bytes;
    cmsghdr* head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof fd);
    std::memcpy(CMSG_DATA(head), &fd, sizeof fd);
  }
  [[maybe_unused]] const ssize_t sent = sendmsg(to, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

Error failed(const std::string& what) {
  return Error{ErrorKind::kRunFailed, fmt::format("{}: {}", what, std::strerror(errno))};
}

}  // namespace

Result<std::unique_ptr<ConnectionBroker>> ConnectionBroker::create(int folder, const std::string& name) {
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  std::unique_ptr<ConnectionBroker> broker(new ConnectionBroker(fd));
  const sockaddr_un address = socket_in_folder(folder, name);
  const mode_t mask = umask(S_IXUSR | S_IRWXG | S_IRWXO);
  const bool bound = fd >= 0 && bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  umask(mask);
  if (!bound || listen(fd, static_cast<int>(kMostClients)) != 0) {
    return failed(fmt::format("the gateway cannot listen at {}", name));
  }
  return broker;
}

ConnectionBroker::~ConnectionBroker() {
  close(listener_);
  for (const Client& client : clients_) {
    close(client.fd);
  }
}

void ConnectionBroker::accept_clients() {
  for (int fd = 0; (fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0;) {
    clients_.push_back({.fd = fd, .request = {}});
    if (clients_.size() > kMostClients) {
      // Who has had the longest time to ask.
      close(clients_.front().fd);
      clients_.erase(clients_.begin());
    }
  }
}

/// False when the client is done with.
bool ConnectionBroker::answer(Client& client, const Connect& connect, GatewayOutput& output) {
  std::array<char, kLongestRequest> bytes{};
  const ssize_t n = recv(client.fd, bytes.data(), bytes.size(), MSG_DONTWAIT);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
    return true;
  }
  client.request.append(bytes.data(), static_cast<size_t>(std::max<ssize_t>(n, 0)));
  const size_t end = client.request.find('\n');
  if (end == std::string::npos && n > 0 && client.request.size() < kLongestRequest) {
    return true;
  }
  const Result<GuestPort> to = parse_guest_port(client.request.substr(0, end));
  Result<int> connection = to.ok() ? connect(*to) : Result<int>(to.error());
  if (connection.ok()) {
    output.say(fmt::format("gateway: a connection to {}:{}", to->address, to->port));
    say(client.fd, kAgreed, *connection);
    close(*connection);
  } else {
    say(client.fd, "error " + printable(connection.error().message) + "\n", -1);
  }
  return false;
}

void ConnectionBroker::serve(const Connect& connect, GatewayOutput& output) {
  accept_clients();
  std::erase_if(clients_, [&](Client& client) {
    const bool done = !answer(client, connect, output);
    if (done) {
      close(client.fd);
    }
    return done;
  });
}

Result<int> ask_for_connection(int gateway, const GuestPort& to) {
  const std::string request = fmt::format("{}:{}\n", to.address, to.port);
  constexpr timeval kPatience{.tv_sec = 10, .tv_usec = 0};
  setsockopt(gateway, SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience);
  if (send(gateway, request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size())) {
    return failed("the gateway hangs up");
  }
  std::array<char, kLongestAnswer> answer{};
  iovec part{answer.data(), answer.size()};
  Control control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes;
  message.msg_controllen = sizeof control.bytes;
  const ssize_t n = recvmsg(gateway, &message, MSG_CMSG_CLOEXEC);
  if (n <= 0) {
    return n == 0 ? Error{ErrorKind::kRunFailed, "the gateway hung up: the run ended"}
                  : failed("the gateway does not answer (is the run stopped?)");
  }
  const cmsghdr* head = CMSG_FIRSTHDR(&message);
  if (head == nullptr || head->cmsg_type != SCM_RIGHTS || head->cmsg_len != CMSG_LEN(sizeof(int))) {
    const std::string text(answer.data(), static_cast<size_t>(n));
    return Error{ErrorKind::kRunFailed, "the gateway refuses: " + printable(text.substr(0, text.find('\n')))};
  }
  int fd = -1;
  std::memcpy(&fd, CMSG_DATA(head), sizeof fd);
  return fd;
}

}  // namespace reprise
