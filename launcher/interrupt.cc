#include "launcher/interrupt.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "trace_format/status.h"

namespace reprise {
namespace {

sigset_t ending_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  // Blocked, a signal arrives even when it is ignored: who started us with `nohup` means it.
  struct sigaction hangup {};
  if (sigaction(SIGHUP, nullptr, &hangup) == 0 && hangup.sa_handler != SIG_IGN) {
    sigaddset(&set, SIGHUP);
  }
  return set;
}

}  // namespace

Interrupt::Interrupt() : signals_(ending_signals()) {
  CHECK(pthread_sigmask(SIG_BLOCK, &signals_, nullptr) == 0);
  fd_ = signalfd(-1, &signals_, SFD_CLOEXEC | SFD_NONBLOCK);
  CHECK(fd_ >= 0);
}

Interrupt::~Interrupt() {
  // A signal that was polled for is still pending: unblocked, it would end us before we have said what happened.
  signalfd_siginfo arrived;
  while (read(fd_, &arrived, sizeof arrived) > 0) {
  }
  close(fd_);
  pthread_sigmask(SIG_UNBLOCK, &signals_, nullptr);
}

bool Interrupt::arrived() const {
  pollfd arrival{.fd = fd_, .events = POLLIN, .revents = 0};
  return poll(&arrival, 1, 0) > 0;
}

}  // namespace reprise
