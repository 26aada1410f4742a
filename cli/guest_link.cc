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

/// How long a try may take: twice as long after each that nobody answered, since a guest may run slower than the host's clock.
constexpr milliseconds kFirstTry{2000};
constexpr milliseconds kLongestTry{60'000};

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

enum class Answer { kSpeaks, kRefuses, kSilent, kNoGateway };

const char* words(Answer answer) {
  return answer == Answer::kRefuses ? "it refuses the connection" : "it does not answer";
}

/// `failure` is why there is no gateway.
Answer try_once(const GuestLink& link, milliseconds limit, Status& failure) {
  const Result<int> connection = open_guest_link(link);
  if (!connection.ok()) {
    failure = connection.error();
    return Answer::kNoGateway;
  }
  pollfd polled{.fd = *connection, .events = POLLIN, .revents = 0};
  const int ready = poll(&polled, 1, static_cast<int>(limit.count()));
  char byte = 0;
  const bool spoke = ready > 0 && recv(*connection, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 1;
  close(*connection);
  return spoke ? Answer::kSpeaks : ready > 0 ? Answer::kRefuses : Answer::kSilent;
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

Status wait_for_server(const GuestLink& link, std::chrono::seconds limit, milliseconds between_tries) {
  const Clock::time_point give_up = Clock::now() + limit;
  milliseconds patience = kFirstTry;
  for (;;) {
    const auto left = std::chrono::duration_cast<milliseconds>(give_up - Clock::now());
    Status failure;
    const Answer answer = try_once(link, std::clamp(left, milliseconds(0), patience), failure);
    if (answer == Answer::kSpeaks) {
      return {};
    }
    if (Clock::now() + between_tries >= give_up) {
      return Error{ErrorKind::kRunFailed,
                   fmt::format("'{}' cannot be reached at {}:{} within {} s: {}; is it up, and is the run paced (--realtime)?", link.guest,
                               link.to.address, link.to.port, limit.count(), failure.ok() ? words(answer) : failure.error().message)};
    }
    if (answer == Answer::kSilent) {
      patience = std::min(2 * patience, kLongestTry);
    }
    std::this_thread::sleep_for(between_tries);
  }
}

}  // namespace reprise
