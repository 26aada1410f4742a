// reprise_gateway: an endpoint of a run that joins the simulated network to the host. The recorder starts it:
//
//   reprise_gateway SESSION-OPTION... -gateway GATEWAY-ARGUMENT...
//
// with the options of qemu_hooks/plugin_args.h and the arguments of launcher/gateway_command.h.
#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <memory>
#include <string>
#include <vector>

#include "gateway/frame_socket.h"
#include "gateway/gateway_endpoint.h"
#include "gateway/management_host.h"
#include "launcher/gateway_command.h"
#include "qemu_hooks/make_session.h"
#include "recorder/live_folder.h"

namespace reprise {
namespace {

/// Into a network of our own, which has nobody else: should a guest find a way out of the stack, it leads nowhere. Where the machine does
/// not allow that, the stack's own refusal has to do.
void leave_the_network() {
  if (unshare(CLONE_NEWNET) != 0) {
    [[maybe_unused]] const int refused = unshare(CLONE_NEWUSER | CLONE_NEWNET);
  }
}

Result<std::unique_ptr<HostSide>> make_host_side(const GatewayPlan& plan, const std::string& run_folder) {
  if (!plan.socket.empty()) {
    ASSIGN_OR_RETURN(std::unique_ptr<HostSide> socket, FrameSocket::connect(plan.socket));
    return socket;
  }
  ASSIGN_OR_RETURN(std::unique_ptr<HostSide> management,
                   ManagementHost::create(plan, run_folder.empty() ? "" : run_folder + "/" + live_folder_name()));
  return management;
}

Status run(const std::vector<std::string>& arguments) {
  const auto separator = std::find(arguments.begin(), arguments.end(), "-gateway");
  if (separator == arguments.end()) {
    return Error{ErrorKind::kUsage, "reprise_gateway is started by reprise; it is of no use alone"};
  }
  ASSIGN_OR_RETURN(const PluginArgs args, parse_plugin_args({arguments.begin(), separator}));
  ASSIGN_OR_RETURN(const GatewayPlan plan, parse_gateway_arguments({separator + 1, arguments.end()}));
  if (args.mode != PluginArgs::Mode::kLive) {
    return Error{ErrorKind::kUsage, "a gateway has nothing to replay"};
  }
  fcntl(args.channel, F_SETFD, FD_CLOEXEC);
  std::signal(SIGPIPE, SIG_IGN);
  if (plan.forwards.empty()) {
    leave_the_network();  // before there are threads
  }
  ASSIGN_OR_RETURN(const std::unique_ptr<HostSide> host, make_host_side(plan, args.stream_folder));
  ASSIGN_OR_RETURN(const auto session, make_session(args, {}));
  GatewayEndpoint(*session, *host).run();
}

}  // namespace
}  // namespace reprise

int main(int argc, char** argv) {
  const reprise::Status status = reprise::run({argv + 1, argv + argc});
  fmt::print(stderr, "reprise_gateway: {}\n", status.ok() ? "ended" : status.error().message);
  std::fflush(stderr);
  // The session's threads are not waited for.
  _exit(static_cast<int>(status.ok() ? reprise::ErrorKind::kRunFailed : status.error().kind));
}
