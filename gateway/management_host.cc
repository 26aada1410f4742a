#include "gateway/management_host.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace reprise {

Result<std::unique_ptr<ManagementHost>> ManagementHost::create(const GatewayPlan& plan, const std::filesystem::path& folder) {
  const int fd = folder.empty() ? -1 : open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  std::unique_ptr<ManagementHost> host(new ManagementHost(plan, fd));
  if (!folder.empty() && fd < 0) {
    return Error{ErrorKind::kRunFailed, fmt::format("{}: {}", folder.string(), std::strerror(errno))};
  }
  ASSIGN_OR_RETURN(host->stack_, SlirpStack::create(plan, fd));
  if (fd >= 0) {
    ASSIGN_OR_RETURN(host->broker_, ConnectionBroker::create(fd, gateway_socket_name(plan.name)));
  }
  return host;
}

ManagementHost::~ManagementHost() {
  if (folder_ >= 0) {
    close(folder_);
  }
}

Status ManagementHost::exchange(VirtualTime now, GatewayOutput& output) {
  if (broker_ != nullptr) {
    const auto connect = [&](const GuestPort& to) -> Result<int> {
      if (!is_in_network(to.address, plan_.address)) {
        return Error{ErrorKind::kUsage, fmt::format("{} is not in the gateway's network {}", to.address, plan_.address)};
      }
      return stack_->connect(now, to);
    };
    broker_->serve(connect, output);
  }
  return stack_->exchange(now, output);
}

}  // namespace reprise
