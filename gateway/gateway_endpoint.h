// A gateway in virtual time: when it looks at the host, and when what it finds there enters the simulated network.
#pragma once

#include <string_view>

#include "gateway/host_side.h"
#include "qemu_hooks/session.h"
#include "trace_format/ids.h"

namespace reprise {

/// An endpoint like a guest, but one that does nothing of its own accord: it looks at the host side at virtual instants that do not
/// depend on the host, and what it finds there enters at that instant. It answers what reaches it at the very instant at which it
/// arrives, so what guests alone make it do is the same in every run.
///
/// How late something from the host enters is bounded: by kBusyStep, or kIdleStep while nobody uses the gateway, and the lookahead. A
/// shorter step would cost a turn of the whole run each time. Rejected: to be woken by the host. The recorder would have to ask for the
/// gateway's leave before each turn of the guests, busy or not.
class GatewayEndpoint final : public StoppedGuest {
 public:
  static constexpr Duration kBusyStep{1'000'000};
  static constexpr Duration kIdleStep{10'000'000};

  /// Both must outlive it.
  GatewayEndpoint(GuestSession& session, HostSide& host) : session_(session), host_(host) {}

  /// From virtual time 0 until the session ends our process, which it does when the run ends; an error of the host side is printed.
  [[noreturn]] void run();
  /// One wake-up of the session and all that follows it before the next: run() without its end, for tests.
  [[nodiscard]] Status step();

  void deliver(ByteView frame) override;
  /// It has no console.
  [[nodiscard]] bool type(uint8_t /*byte*/) override { return false; }
  [[nodiscard]] VirtualTime idle_until() const override;

 private:
  class Output;
  [[nodiscard]] Status exchange();

  GuestSession& session_;
  HostSide& host_;
  VirtualTime now_;
  VirtualTime next_wake_;
  mutable VirtualTime next_look_;  ///< at the host: what we promised to send nothing before
  bool delivered_ = false;
};

}  // namespace reprise
