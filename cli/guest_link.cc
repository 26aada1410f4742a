#include "cli/guest_link.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <thread>
#include <vector>

#include "gateway/connection_broker.h"
#include "recorder/live_folder.h"
#include "recorder/near_name.h"
#include "trace_format/event_text.h"

namespace reprise {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

/// The first try; each further one may take twice as long, since a guest may run slower than the host's clock.
constexpr milliseconds kFirstTry{2000};
constexpr milliseconds kBetweenTries{200};

Error usage(std::string what) {
  return Error{ErrorKind::kUsage, std::move(what)};
}

Result<GuestInfo> find_guest(const RunInfo& run, const std::string& name) {
  std::vector<std::string> names;
  for (const GuestInfo& guest : run.guests) {
    if (guest.kind != GuestKind::kQemu) {
      continue;
    }
    if (guest.name == name) {
      return guest;
    }
    names.push_back(guest.name);
  }
  return usage(fmt::format("no virtual machine '{}'{} in this run; there are: {}", printable(name), near_name_hint(name, names),
                           printable(fmt::format("{}", fmt::join(names, ", ")))));
}

bool is_gateway(const GuestInfo& guest) {
  return guest.kind == GuestKind::kGateway && std::ranges::find(guest.command_line, "-socket") == guest.command_line.end();
}

/// Null when the server has spoken; otherwise what happened.
const char* try_once(const GuestLink& link, milliseconds limit, Status& failure) {
  const Result<int> connection = open_guest_link(link);
  if (!connection.ok()) {
    failure = connection.error();
    return "the gateway cannot be reached";
  }
  pollfd polled{.fd = *connection, .events = POLLIN, .revents = 0};
  const int ready = poll(&polled, 1, static_cast<int>(limit.count()));
  char byte = 0;
  const bool spoke = ready > 0 && recv(*connection, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 1;
  close(*connection);
  failure = {};
  return spoke ? nullptr : ready > 0 ? "it refuses the connection" : "it does not answer";
}

}  // namespace

Result<GuestLink> find_guest_link(const RunInfo& run, const std::string& name, const std::string& address, uint16_t port) {
  ASSIGN_OR_RETURN(const GuestInfo guest, find_guest(run, name));
  const std::string wanted = address.empty() ? guest.address.substr(0, guest.address.find('/')) : address;
  if (wanted.empty()) {
    return usage(fmt::format("the deployment gives '{}' no address; say which it has with --address", name));
  }
  if (!parse_guest_port(wanted + ":1").ok()) {
    return usage(fmt::format("--address: '{}' is not an IPv4 address", printable(wanted)));
  }
  std::string networks;
  for (const GuestInfo& gateway : run.guests) {
    if (!is_gateway(gateway)) {
      continue;
    }
    if (is_in_network(wanted, gateway.address)) {
      return GuestLink{.guest = name, .run = {}, .gateway = gateway.name, .to = {wanted, port}};
    }
    networks += (networks.empty() ? "" : ", ") + printable(gateway.address);
  }
  if (networks.empty()) {
    return usage(
        "this run has no gateway, through which guests are reached; add <actor host=\"...\" function=\"gateway\"> to its deployment");
  }
  return usage(fmt::format("{} of '{}' is not in the network of a gateway ({})", printable(wanted), name, networks));
}

Result<int> open_guest_link(const GuestLink& link) {
  ASSIGN_OR_RETURN(const int gateway, connect_to_run(link.run, gateway_socket_name(link.gateway)));
  Result<int> connection = ask_for_connection(gateway, link.to);
  close(gateway);
  return connection;
}

Status wait_for_server(const GuestLink& link, std::chrono::seconds limit) {
  const Clock::time_point give_up = Clock::now() + limit;
  for (milliseconds patience = kFirstTry;; patience *= 2) {
    const auto left = std::chrono::duration_cast<milliseconds>(give_up - Clock::now());
    Status failure;
    const char* what = try_once(link, std::clamp(left, milliseconds(0), patience), failure);
    if (what == nullptr) {
      return {};
    }
    if (Clock::now() + kBetweenTries >= give_up) {
      return Error{ErrorKind::kRunFailed,
                   fmt::format("'{}' cannot be reached at {}:{} within {} s: {}; is it up, and is the run paced (--realtime)?", link.guest,
                               link.to.address, link.to.port, limit.count(), failure.ok() ? what : failure.error().message)};
    }
    std::this_thread::sleep_for(kBetweenTries);
  }
}

}  // namespace reprise
