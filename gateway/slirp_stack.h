// A TCP/IP stack in user space between Ethernet frames and the host's sockets: libslirp, which QEMU's own user network is made of.
#pragma once

#include <poll.h>

#include <memory>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "gateway/host_side.h"
#include "launcher/gateway_command.h"

struct Slirp;

namespace reprise {

/// The gateway's own address on the management network, and TCP connections from the host to guests. Nothing goes the other way: what a
/// guest asks of any address but the gateway's is refused. It has no DHCP, no DNS and no IPv6. Its clock is virtual time.
///
/// The only file that knows libslirp is slirp_stack.cc.
class SlirpStack final : public HostSide {
 public:
  /// `folder` (open, and ours alone to write; -1 if there will be no connect()) is where connect() meets libslirp. kRunFailed when a
  /// forward's address cannot be listened on.
  [[nodiscard]] static Result<std::unique_ptr<SlirpStack>> create(const GatewayPlan& plan, int folder);
  ~SlirpStack() override;
  SlirpStack(const SlirpStack&) = delete;
  SlirpStack& operator=(const SlirpStack&) = delete;

  void deliver(VirtualTime now, ByteView frame) override;
  [[nodiscard]] Status exchange(VirtualTime now, GatewayOutput& output) override;
  [[nodiscard]] bool in_use() const override;

  /// Begins a TCP connection to a guest, whose first frame leaves with the next exchange(). The descriptor is the caller's; it is closed
  /// from the other end when the guest refuses.
  [[nodiscard]] Result<int> connect(VirtualTime now, const GuestPort& to);

 private:
  SlirpStack(const GatewayPlan& plan, int folder);
  [[nodiscard]] Status forward(const PortForward& forward);
  [[nodiscard]] Status look_at_sockets();
  void queue(ByteView frame);

  // What libslirp calls; `self` is this object.
  struct Callbacks;

  Slirp* slirp_ = nullptr;
  const int folder_;
  std::vector<uint8_t> own_mac_;
  VirtualTime now_;
  VirtualTime last_frame_ = VirtualTime{};
  bool had_frames_ = false;
  std::vector<pollfd> polled_;
  size_t listeners_ = 0;
  std::vector<std::vector<uint8_t>> outgoing_;  ///< for the simulated network
  size_t outgoing_bytes_ = 0;
};

}  // namespace reprise
