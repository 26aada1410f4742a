#include "gateway/gateway_endpoint.h"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>

namespace reprise {

class GatewayEndpoint::Output final : public GatewayOutput {
 public:
  Output(GuestSession& session, VirtualTime now) : session_(session), now_(now) {}

  void send(ByteView frame) override { session_.frame_sent(now_, frame); }
  void say(std::string_view line) override {
    for (const char c : line) {
      session_.console_byte(now_, static_cast<uint8_t>(c));
    }
    session_.console_byte(now_, '\n');
  }

 private:
  GuestSession& session_;
  VirtualTime now_;
};

void GatewayEndpoint::deliver(ByteView frame) {
  delivered_ = true;
  host_.deliver(now_, frame);
}

VirtualTime GatewayEndpoint::idle_until() const {
  next_look_ = now_ + (host_.in_use() ? kBusyStep : kIdleStep);
  return next_look_;
}

Status GatewayEndpoint::exchange() {
  Output output(session_, now_);
  return host_.exchange(now_, output);
}

Status GatewayEndpoint::step() {
  now_ = next_wake_;
  delivered_ = false;
  next_wake_ = session_.wake(now_, *this);
  if (delivered_) {
    RETURN_IF_ERROR(exchange());
  }
  // Before the next wake-up: what is sent at the instant of a deadline belongs to the turn after it.
  while (next_look_ < next_wake_) {
    now_ = std::max(now_, next_look_);
    RETURN_IF_ERROR(exchange());
    next_look_ = now_ + (host_.in_use() ? kBusyStep : kIdleStep);
  }
  return {};
}

void GatewayEndpoint::run() {
  for (;;) {
    if (const Status status = step(); !status.ok()) {
      fmt::print(stderr, "{}\n", status.error().message);
      std::fflush(stderr);
      session_.guest_ended(now_, EndReason::kAborted);
      std::abort();  // gcc does not see that a virtual function does not return
    }
  }
}

}  // namespace reprise
