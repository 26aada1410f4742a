#include "tests/qemu_hooks/toy_guest.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <sstream>
#include <utility>

#include "trace_format/status.h"

namespace reprise::testing {
namespace {

/// The guest's NIC: writes what it gets to a pipe.
class LoggedNic final : public StoppedGuest {
 public:
  LoggedNic(int log, VirtualTime idle_until) : log_(log), idle_until_(idle_until) {}
  void deliver(ByteView frame) override {
    const std::string line = fmt::format("{} {} 0x{:02x}\n", now.ns, frame.size(), frame.empty() ? 0 : frame.back());
    CHECK(write(log_, line.data(), line.size()) == static_cast<ssize_t>(line.size()));
  }
  /// A UART that takes two bytes at an instant.
  [[nodiscard]] bool type(uint8_t byte) override {
    taken_ = now == taken_at_ ? taken_ + 1 : 1;
    taken_at_ = now;
    if (taken_ > 2) {
      return false;
    }
    const std::string line = fmt::format("{} typed {}\n", now.ns, static_cast<char>(byte));
    CHECK(write(log_, line.data(), line.size()) == static_cast<ssize_t>(line.size()));
    return true;
  }
  [[nodiscard]] VirtualTime idle_until() const override { return idle_until_; }

  VirtualTime now;

 private:
  int log_;
  VirtualTime idle_until_;
  VirtualTime taken_at_ = VirtualTime::never();
  int taken_ = 0;
};

void act(GuestSession& session, const ScriptEvent& event) {
  const VirtualTime at{event.at};
  switch (event.kind) {
    case EventKind::kClockRead:
      session.clock_read(at, event.source, event.value);
      return;
    case EventKind::kFrameSent:
      session.frame_sent(at, event.payload);
      return;
    case EventKind::kConsoleByte:
      session.console_byte(at, event.byte);
      return;
    case EventKind::kEnd:
      session.guest_ended(at, event.reason);
      std::abort();  // gcc does not see that a virtual function does not return
    case EventKind::kFrameReceived:
    case EventKind::kConsoleInput:
      return;  // what a guest is given is the session's affair
  }
}

/// As QEMU's virtual clock: timers before what the guest does at the same instant.
[[noreturn]] void run(GuestSession& session, const Plan& plan, LoggedNic& nic, Duration step) {
  auto next = plan.begin();
  for (int wakes = 0; wakes < 1000; ++wakes) {
    VirtualTime later = session.wake(nic.now, nic);
    CHECK(later > nic.now);
    if (const int64_t over = later.ns % step.ns; over != 0) {
      later = later + Duration{step.ns - over};
    }
    for (; next != plan.end() && next->at < later.ns; ++next) {
      act(session, *next);
    }
    nic.now = later;
  }
  _exit(99);  // a session that never ends
}

}  // namespace

ToyGuest::ToyGuest(const SessionFactory& make_session, const Plan& plan, VirtualTime idle_until, Duration step) {
  std::array<int, 2> sockets{};
  std::array<int, 2> log{};
  CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets.data()) == 0 && pipe2(log.data(), O_CLOEXEC) == 0);
  child_ = fork();
  CHECK(child_ >= 0);
  if (child_ == 0) {
    alarm(10);  // a session that waits for what never comes fails its test instead of stopping it
    close(sockets[0]);
    close(log[0]);
    LoggedNic nic(log[1], idle_until);
    // Left to the end of the process, as in the plugin.
    GuestSession* session = make_session(sockets[1]).release();
    run(*session, plan, nic, step);
  }
  close(sockets[1]);
  close(log[1]);
  socket_ = sockets[0];
  log_ = log[0];
  const timeval patience{.tv_sec = 10, .tv_usec = 0};
  CHECK(setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0);
}

ToyGuest::~ToyGuest() {
  hang_up();
  close(log_);
  if (child_ > 0) {
    kill(child_, SIGKILL);
    waitpid(child_, nullptr, 0);
  }
}

int ToyGuest::release_socket() {
  return std::exchange(socket_, -1);
}

void ToyGuest::hang_up() {
  if (socket_ >= 0) {
    close(std::exchange(socket_, -1));
  }
}

std::string ToyGuest::read_socket() {
  std::string text;
  std::array<char, 4096> buffer;
  for (ssize_t n = 0; (n = recv(socket_, buffer.data(), buffer.size(), 0)) > 0;) {
    text.append(buffer.data(), static_cast<size_t>(n));
  }
  return text;
}

int ToyGuest::exit_code() {
  std::string text;
  std::array<char, 4096> buffer;
  for (ssize_t n = 0; (n = read(log_, buffer.data(), buffer.size())) > 0;) {
    text.append(buffer.data(), static_cast<size_t>(n));
  }
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    deliveries_.push_back(line);
  }
  int status = 0;
  CHECK(waitpid(std::exchange(child_, -1), &status, 0) > 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

}  // namespace reprise::testing
