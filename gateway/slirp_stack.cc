#include "gateway/slirp_stack.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <libslirp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <limits>
#include <utility>

#include "recorder/socket_path.h"

namespace reprise {
namespace {

/// What waits for the next exchange. Beyond it frames are dropped, and TCP sends them again.
constexpr size_t kMostOutgoingBytes = size_t{4} << 20U;
/// Somebody who was heard of so recently is about to say more.
constexpr Duration kStillInUse{1'000'000'000};
constexpr size_t kEthernetHeader = 14;
constexpr size_t kMacBytes = 6;
constexpr const char* kMeetingPlace = ".gateway-link";

in_addr address_of(const std::string& text) {
  in_addr address{};
  CHECK(inet_pton(AF_INET, text.c_str(), &address) == 1);  // launcher/gateway_command checked it
  return address;
}

sockaddr_in socket_address(const std::string& address, uint16_t port) {
  sockaddr_in in{};
  in.sin_family = AF_INET;
  in.sin_addr = address_of(address);
  in.sin_port = htons(port);
  return in;
}

Error failed(const std::string& what) {
  return Error{ErrorKind::kRunFailed, fmt::format("{}: {}", what, std::strerror(errno))};
}

}  // namespace

struct SlirpStack::Callbacks {
  static SlirpStack& self(void* opaque) { return *static_cast<SlirpStack*>(opaque); }

  static ssize_t send_packet(const void* data, size_t bytes, void* opaque) {
    self(opaque).queue({static_cast<const uint8_t*>(data), bytes});
    return static_cast<ssize_t>(bytes);
  }
  /// Of a guest's making, as often as a guest likes: not worth a line each.
  static void guest_error(const char* /*message*/, void* /*opaque*/) {}
  static int64_t clock_get_ns(void* opaque) { return self(opaque).now_.ns; }
  // For IPv6's router advertisements alone, which are off.
  static void* timer_new(SlirpTimerId /*id*/, void* /*of*/, void* /*opaque*/) { return nullptr; }
  static void timer_free(void* /*timer*/, void* /*opaque*/) {}
  static void timer_mod(void* /*timer*/, int64_t /*expire_ms*/, void* /*opaque*/) {}
  // All are polled, always.
  static void register_poll_fd(int /*fd*/, void* /*opaque*/) {}
  static void unregister_poll_fd(int /*fd*/, void* /*opaque*/) {}
  static void notify(void* /*opaque*/) {}

  static constexpr std::array<std::pair<int, short>, 3> kEvents = {
      {{SLIRP_POLL_IN, POLLIN}, {SLIRP_POLL_OUT, POLLOUT}, {SLIRP_POLL_PRI, POLLPRI}}};

  static int add_poll(int fd, int events, void* opaque) {
    pollfd entry{.fd = fd, .events = 0, .revents = 0};
    for (const auto& [theirs, ours] : kEvents) {
      entry.events = static_cast<short>(entry.events | ((events & theirs) != 0 ? ours : 0));
    }
    self(opaque).polled_.push_back(entry);
    return static_cast<int>(self(opaque).polled_.size() - 1);
  }
  static int get_revents(int index, void* opaque) {
    const short happened = self(opaque).polled_[static_cast<size_t>(index)].revents;
    int events = (happened & POLLERR) != 0 ? SLIRP_POLL_ERR : 0;
    events |= (happened & POLLHUP) != 0 ? SLIRP_POLL_HUP : 0;
    for (const auto& [theirs, ours] : kEvents) {
      events |= (happened & ours) != 0 ? theirs : 0;
    }
    return events;
  }

  static SlirpCb table() {
    SlirpCb callbacks{};
    callbacks.send_packet = send_packet;
    callbacks.guest_error = guest_error;
    callbacks.clock_get_ns = clock_get_ns;
    callbacks.timer_new_opaque = timer_new;
    callbacks.timer_free = timer_free;
    callbacks.timer_mod = timer_mod;
    callbacks.register_poll_fd = register_poll_fd;
    callbacks.unregister_poll_fd = unregister_poll_fd;
    callbacks.notify = notify;
    return callbacks;
  }
};

SlirpStack::SlirpStack(const GatewayPlan& plan, int folder) : folder_(folder) {
  static const SlirpCb kCallbacks = Callbacks::table();  // libslirp keeps the pointer
  const size_t slash = plan.address.find('/');
  const uint32_t prefix = static_cast<uint32_t>(std::atoi(plan.address.c_str() + slash + 1));
  SlirpConfig config{};
  config.version = 4;
  config.restricted = 1;
  config.in_enabled = true;
  config.vhost = address_of(plan.address.substr(0, slash));
  config.vnetmask.s_addr = htonl(~uint32_t{0} << (32 - prefix));
  config.vnetwork.s_addr = config.vhost.s_addr & config.vnetmask.s_addr;
  config.vdhcp_start = config.vhost;
  config.vnameserver = config.vhost;
  config.disable_host_loopback = true;
  config.disable_dns = true;
  config.disable_dhcp = true;
  slirp_ = slirp_new(&config, &kCallbacks, this);
  for (const size_t at : {0, 3, 6, 9, 12, 15}) {
    own_mac_.push_back(static_cast<uint8_t>(std::stoi(plan.mac.substr(at, 2), nullptr, 16)));
  }
}

SlirpStack::~SlirpStack() {
  slirp_cleanup(slirp_);
}

Result<std::unique_ptr<SlirpStack>> SlirpStack::create(const GatewayPlan& plan, int folder) {
  std::unique_ptr<SlirpStack> stack(new SlirpStack(plan, folder));
  for (const PortForward& each : plan.forwards) {
    RETURN_IF_ERROR(stack->forward(each));
  }
  return stack;
}

Status SlirpStack::forward(const PortForward& forward) {
  const sockaddr_in host = socket_address(forward.host_address, forward.host_port);
  const sockaddr_in guest = socket_address(forward.to.address, forward.to.port);
  if (slirp_add_hostxfwd(slirp_, reinterpret_cast<const sockaddr*>(&host), sizeof host, reinterpret_cast<const sockaddr*>(&guest),
                         sizeof guest, 0) < 0) {
    return failed(fmt::format("the gateway cannot listen on {}:{}", forward.host_address, forward.host_port));
  }
  ++listeners_;
  return {};
}

void SlirpStack::queue(ByteView frame) {
  if (frame.empty() || outgoing_bytes_ + frame.size() > kMostOutgoingBytes) {
    return;
  }
  outgoing_bytes_ += frame.size();
  outgoing_.emplace_back(frame.begin(), frame.end());
}

/// libslirp takes any IPv4 packet for one that it is to route, and refuses it in the name of its receiver: it must not see what a switch
/// flooded to everybody.
void SlirpStack::deliver(VirtualTime now, ByteView frame) {
  constexpr size_t kEtherType = 12;
  constexpr uint16_t kIpv4 = 0x0800;
  constexpr uint16_t kArp = 0x0806;
  if (frame.size() < kEthernetHeader) {
    return;
  }
  const uint16_t type = static_cast<uint16_t>(frame[kEtherType] << 8U | frame[kEtherType + 1]);
  const bool for_us = std::equal(own_mac_.begin(), own_mac_.end(), frame.begin());
  const bool for_all = std::all_of(frame.begin(), frame.begin() + kMacBytes, [](uint8_t byte) { return byte == 0xff; });
  if ((type == kIpv4 && for_us) || (type == kArp && (for_us || for_all))) {
    now_ = now;
    had_frames_ = true;
    last_frame_ = now;
    slirp_input(slirp_, frame.data(), static_cast<int>(frame.size()));
  }
}

Status SlirpStack::look_at_sockets() {
  polled_.clear();
  // Its timers are looked at in each call; when the next is due does not matter here, where the next call comes soon.
  uint32_t timeout = std::numeric_limits<uint32_t>::max();
  slirp_pollfds_fill(slirp_, &timeout, Callbacks::add_poll, this);
  const int ready = poll(polled_.data(), polled_.size(), 0);
  if (ready < 0 && errno != EINTR) {
    return failed("the gateway cannot look at its sockets");
  }
  slirp_pollfds_poll(slirp_, ready < 0 ? 1 : 0, Callbacks::get_revents, this);
  return {};
}

Status SlirpStack::exchange(VirtualTime now, GatewayOutput& output) {
  now_ = now;
  RETURN_IF_ERROR(look_at_sockets());
  if (!outgoing_.empty()) {
    had_frames_ = true;
    last_frame_ = now;
  }
  for (const std::vector<uint8_t>& frame : outgoing_) {
    output.send(frame);
  }
  outgoing_.clear();
  outgoing_bytes_ = 0;
  return {};
}

bool SlirpStack::in_use() const {
  return polled_.size() > listeners_ || (had_frames_ && now_.ns - last_frame_.ns < kStillInUse.ns);
}

Result<int> SlirpStack::connect(VirtualTime now, const GuestPort& to) {
  now_ = now;
  const sockaddr_un meeting_place = socket_in_folder(folder_, kMeetingPlace);
  const auto* place = reinterpret_cast<const sockaddr*>(&meeting_place);
  const sockaddr_in guest = socket_address(to.address, to.port);
  unlinkat(folder_, kMeetingPlace, 0);
  const mode_t mask = umask(S_IXUSR | S_IRWXG | S_IRWXO);
  const int listening = slirp_add_hostxfwd(slirp_, place, sizeof meeting_place, reinterpret_cast<const sockaddr*>(&guest), sizeof guest, 0);
  umask(mask);
  if (listening < 0) {
    return failed("the gateway cannot make a connection");
  }
  const int ours = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  Status status = ours >= 0 && ::connect(ours, place, sizeof meeting_place) == 0 ? look_at_sockets()
                                                                                 : Status(failed("the gateway cannot make a connection"));
  slirp_remove_hostxfwd(slirp_, place, sizeof meeting_place, 0);
  unlinkat(folder_, kMeetingPlace, 0);
  if (!status.ok()) {
    close(ours);
    return status.error();
  }
  return ours;
}

}  // namespace reprise
