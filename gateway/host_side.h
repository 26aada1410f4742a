// What a gateway joins to the simulated network: something outside of the simulation that takes and gives Ethernet frames.
#pragma once

#include <string_view>

#include "trace_format/event.h"
#include "trace_format/ids.h"
#include "trace_format/status.h"

namespace reprise {

/// Takes what the host side gives.
class GatewayOutput {
 public:
  virtual ~GatewayOutput() = default;
  /// A frame for the simulated network: 1 to 65,535 bytes.
  virtual void send(ByteView frame) = 0;
  /// A line for the gateway's console, without its end.
  virtual void say(std::string_view line) = 0;
};

/// Both calls come with the virtual time at which they happen, which never goes back; neither waits for the host.
class HostSide {
 public:
  virtual ~HostSide() = default;
  /// A frame that reached the gateway. Whatever it is: a guest may send anything.
  virtual void deliver(VirtualTime now, ByteView frame) = 0;
  /// Gives `output` all that is there for the simulated network: answers to what was delivered, and what came in from the host.
  /// An error ends the run.
  [[nodiscard]] virtual Status exchange(VirtualTime now, GatewayOutput& output) = 0;
  /// Whether somebody uses the gateway, and so how often it should look.
  [[nodiscard]] virtual bool in_use() const = 0;
};

}  // namespace reprise
