#include "process_hooks/process_host.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>

#include "launcher/child_process.h"
#include "process_hooks/reprise_client.h"

namespace reprise {
namespace {

/// All that is in the pipe now. False when nothing more can come: the program has closed it.
bool take_output(const Program& program, VirtualProcess& process) {
  std::array<uint8_t, 16384> buffer;
  for (;;) {
    const ssize_t n = read(program.output(), buffer.data(), buffer.size());
    if (n <= 0 && !(n < 0 && errno == EINTR)) {
      return n < 0 && errno == EAGAIN;
    }
    process.wrote({buffer.data(), static_cast<size_t>(n > 0 ? n : 0)});
  }
}

void send_reply(int connection, ReplyPacket& reply) {
  std::array<iovec, 2> parts = {iovec{&reply.head, sizeof reply.head}, iovec{reply.payload.data(), reply.payload.size()}};
  const msghdr message{.msg_name = nullptr,
                       .msg_namelen = 0,
                       .msg_iov = parts.data(),
                       .msg_iovlen = parts.size(),
                       .msg_control = nullptr,
                       .msg_controllen = 0,
                       .msg_flags = 0};
  // A program that does not take its replies is gone, or loses them: its own affair.
  while (sendmsg(connection, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 && errno == EINTR) {
  }
}

/// Takes and answers one request. False when there is none, and never will be if `closed` becomes true.
bool answer_request(const Program& program, VirtualProcess& process, bool& closed) {
  reprise_request request{};
  std::array<uint8_t, REPRISE_MAX_MESSAGE> payload;
  std::array<iovec, 2> parts = {iovec{&request, sizeof request}, iovec{payload.data(), payload.size()}};
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = parts.size();
  const ssize_t n = recvmsg(program.connection(), &message, MSG_DONTWAIT);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
    return false;
  }
  if (n <= 0) {
    closed = true;
    return false;
  }
  take_output(program, process);
  if (static_cast<size_t>(n) < sizeof request || (message.msg_flags & MSG_TRUNC) != 0) {
    request.type = 0;  // nothing that is understood
    payload.fill(0);
  }
  const size_t bytes = request.type == 0 ? 0 : static_cast<size_t>(n) - sizeof request;
  ReplyPacket reply = process.call(request, {payload.data(), bytes});
  send_reply(program.connection(), reply);
  return true;
}

[[noreturn]] void finish(const Program& program, VirtualProcess& process) {
  const int status = program.wait_status();
  take_output(program, process);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
    process.ended(EndReason::kExit);
  }
  const std::string line = fmt::format("reprise: the program {}\n", describe_wait_status(status));
  process.wrote({reinterpret_cast<const uint8_t*>(line.data()), line.size()});
  fmt::print(stderr, "{}", line);
  process.ended(EndReason::kCrash);
}

}  // namespace

void serve(const Program& program, VirtualProcess& process, int peer) {
  bool closed = false;
  bool writing = true;
  for (;;) {
    std::array<pollfd, 4> polled = {pollfd{closed ? -1 : program.connection(), POLLIN, 0},
                                    pollfd{writing ? program.output() : -1, POLLIN, 0}, pollfd{program.exit_fd(), POLLIN, 0},
                                    pollfd{peer, POLLRDHUP, 0}};
    if (poll(polled.data(), polled.size(), -1) < 0 && errno != EINTR) {
      process.ended(EndReason::kAborted);
    }
    if (polled[3].revents != 0) {
      process.ended(EndReason::kAborted);
    }
    while (answer_request(program, process, closed)) {
    }
    if (polled[2].revents != 0) {
      finish(program, process);
    }
    if (polled[1].revents != 0) {
      writing = take_output(program, process);
    }
  }
}

}  // namespace reprise
