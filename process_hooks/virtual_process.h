// A native process in virtual time: what its calls do, and when. The counterpart of QEMU's virtual clock and NIC.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <vector>

#include "process_hooks/client_protocol.h"
#include "process_hooks/udp_frame.h"
#include "qemu_hooks/session.h"
#include "trace_format/event.h"
#include "trace_format/ids.h"

namespace reprise {

/// What a process is on the network.
struct ProcessNic {
  MacAddress mac{};
  Ipv4Address address;    ///< 0.0.0.0: none
  Ipv4Address broadcast;  ///< of its subnet; 0.0.0.0: not known
  std::map<Ipv4Address, MacAddress> neighbours;
};

struct ReplyPacket {
  reprise_reply head{};
  std::vector<uint8_t> payload;
};

/// Knows no socket and no child: one request in, one reply out, all else through the session. Virtual time passes in call() alone: each
/// call costs `call_cost`, and some wait. An ARP request is answered one call cost after it arrives, whatever the program does.
class VirtualProcess final : public StoppedGuest {
 public:
  /// `session` must outlive it.
  VirtualProcess(GuestSession& session, ProcessNic nic, Duration call_cost);

  /// Virtual time 0: before the program starts. Returns when the run has begun.
  void power_on();
  /// What the program wrote to its standard output or error, in order, since the last call.
  void wrote(ByteView bytes);
  /// Answers a request; believes nothing of it. May block, and end our process, as GuestSession::wake().
  [[nodiscard]] ReplyPacket call(const reprise_request& request, ByteView payload);
  /// The program has ended: now, or one ns later if a frame was delivered now. kAborted: it is being ended from outside. Does not return.
  [[noreturn]] void ended(EndReason reason);
  [[nodiscard]] VirtualTime now() const { return now_; }

  void deliver(ByteView frame) override;
  /// A process has no console to type at: its standard input is empty.
  [[nodiscard]] bool type(uint8_t /*byte*/) override { return false; }
  [[nodiscard]] VirtualTime idle_until() const override;

 private:
  struct Received {
    VirtualTime at;
    Datagram datagram;
  };
  struct Answer {
    VirtualTime at;
    std::vector<uint8_t> frame;
  };

  void run_to(VirtualTime until, bool stop_at_message);
  void wait_for_message(VirtualTime until);
  [[nodiscard]] VirtualTime later(int64_t ns) const;
  [[nodiscard]] int32_t hello(const reprise_request& request, reprise_reply& reply);
  [[nodiscard]] int32_t send(const reprise_request& request, ByteView payload);
  [[nodiscard]] int32_t receive(const reprise_request& request, ReplyPacket& reply);
  [[nodiscard]] int32_t timed_call(const reprise_request& request, ByteView payload, ReplyPacket& reply);
  void take(Datagram datagram);

  GuestSession& session_;
  const ProcessNic nic_;
  const Duration call_cost_;
  bool introduced_ = false;
  bool stopped_ = false;
  VirtualTime now_;
  VirtualTime next_wake_;
  VirtualTime busy_from_;  // while time passes in a call: when the program goes on, unless a message comes
  VirtualTime last_delivery_ = VirtualTime::never();
  std::deque<Received> inbox_;
  uint64_t arrivals_ = 0;
  size_t most_waiting_;
  uint32_t lost_ = 0;
  std::deque<Answer> answers_;  // in order of time
  uint16_t identification_ = 0;
};

}  // namespace reprise
