// The host side of a gateway on a management network: a TCP/IP stack, and where programs ask for connections through it.
#pragma once

#include <filesystem>
#include <memory>

#include "gateway/connection_broker.h"
#include "gateway/slirp_stack.h"

namespace reprise {

class ManagementHost final : public HostSide {
 public:
  /// Programs find the gateway in `folder`, which is this user's alone, as gateway_socket_name(). Empty: there is nothing but the forwards.
  [[nodiscard]] static Result<std::unique_ptr<ManagementHost>> create(const GatewayPlan& plan, const std::filesystem::path& folder);
  ~ManagementHost() override;
  ManagementHost(const ManagementHost&) = delete;
  ManagementHost& operator=(const ManagementHost&) = delete;

  void deliver(VirtualTime now, ByteView frame) override { stack_->deliver(now, frame); }
  [[nodiscard]] Status exchange(VirtualTime now, GatewayOutput& output) override;
  [[nodiscard]] bool in_use() const override { return stack_->in_use(); }

 private:
  ManagementHost(GatewayPlan plan, int folder) : plan_(std::move(plan)), folder_(folder) {}

  GatewayPlan plan_;
  int folder_;
  std::unique_ptr<SlirpStack> stack_;
  std::unique_ptr<ConnectionBroker> broker_;
};

}  // namespace reprise
