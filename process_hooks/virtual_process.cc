#include "process_hooks/virtual_process.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <utility>

#include "process_hooks/reprise_client.h"

namespace reprise {
namespace {

/// ARP requests of a flood beyond this are not answered: a hostile guest must not fill our memory.
constexpr size_t kMostAnswers = 1024;

}  // namespace

VirtualProcess::VirtualProcess(GuestSession& session, ProcessNic nic, Duration call_cost)
    : session_(session), nic_(std::move(nic)), call_cost_(call_cost), most_waiting_(REPRISE_DEFAULT_QUEUE) {}

void VirtualProcess::power_on() {
  next_wake_ = session_.wake(now_, *this);
}

void VirtualProcess::wrote(ByteView bytes) {
  for (const uint8_t byte : bytes) {
    session_.console_byte(now_, byte);
  }
}

void VirtualProcess::ended(EndReason reason) {
  // What reaches a guest at the instant of its end does not reach it any more: what was taken must have come before.
  while (reason != EndReason::kAborted && last_delivery_ == now_) {
    run_to(later(1), false);
  }
  session_.guest_ended(now_, reason);
  std::abort();  // gcc does not see that a virtual function does not return
}

VirtualTime VirtualProcess::idle_until() const {
  return answers_.empty() ? busy_from_ : std::min(busy_from_, answers_.front().at);
}

/// `now_` plus `ns` >= 0; never() when that is no time.
VirtualTime VirtualProcess::later(int64_t ns) const {
  return ns >= VirtualTime::never().ns - now_.ns ? VirtualTime::never() : now_ + Duration{ns};
}

/// Lets virtual time pass up to `until`, or to the first message that comes on the way.
void VirtualProcess::run_to(VirtualTime until, bool stop_at_message) {
  busy_from_ = until;
  const uint64_t arrivals_before = arrivals_;
  for (;;) {
    const VirtualTime answer_at = answers_.empty() ? VirtualTime::never() : answers_.front().at;
    const VirtualTime next = std::min(next_wake_, answer_at);
    if (next > until || (stop_at_message && arrivals_ != arrivals_before)) {
      break;
    }
    now_ = next;
    if (next_wake_ == next) {
      // First, as a timer: what is sent at the instant of a deadline belongs to the turn after it.
      next_wake_ = session_.wake(now_, *this);
    } else {
      const Answer answer = std::move(answers_.front());
      answers_.pop_front();
      session_.frame_sent(now_, answer.frame);
    }
  }
  if (!stop_at_message || arrivals_ == arrivals_before) {
    now_ = until;
  }
}

void VirtualProcess::wait_for_message(VirtualTime until) {
  if (inbox_.empty() && until > now_) {
    run_to(until, true);
  }
}

void VirtualProcess::take(Datagram datagram) {
  // A virtual machine may send more than any program can ask for.
  if (inbox_.size() >= most_waiting_ || datagram.payload.size() > REPRISE_MAX_MESSAGE) {
    ++lost_;
    return;
  }
  ++arrivals_;
  inbox_.push_back({now_, std::move(datagram)});
}

void VirtualProcess::deliver(ByteView frame) {
  last_delivery_ = now_;
  if (auto answer = arp_answer(frame, nic_.address, nic_.mac); answer.has_value() && nic_.address.value != 0) {
    if (answers_.size() < kMostAnswers) {
      answers_.push_back({now_ + call_cost_, std::move(*answer)});
    }
    return;
  }
  auto datagram = datagram_in(frame);
  if (!datagram.has_value() || stopped_ || nic_.address.value == 0) {
    return;
  }
  const MacAddress& mac = nic_.mac;
  const bool unicast = std::equal(mac.begin(), mac.end(), frame.begin()) && datagram->to.address == nic_.address;
  const bool broadcast = std::equal(kBroadcastMac.begin(), kBroadcastMac.end(), frame.begin()) &&
                         (datagram->to.address == kBroadcastAddress || datagram->to.address == nic_.broadcast);
  if (unicast || broadcast) {
    take(std::move(*datagram));
  }
}

int32_t VirtualProcess::hello(const reprise_request& request, reprise_reply& reply) {
  if (request.argument != REPRISE_PROTOCOL_VERSION) {
    return -EPROTONOSUPPORT;
  }
  if (introduced_) {
    return -EALREADY;
  }
  introduced_ = true;
  reply.from_address = htonl(nic_.address.value);
  return 0;
}

int32_t VirtualProcess::send(const reprise_request& request, ByteView payload) {
  if (payload.size() > REPRISE_MAX_MESSAGE) {
    return -EMSGSIZE;
  }
  const Ipv4Address to{ntohl(request.address)};
  Datagram datagram{.from = {nic_.address, request.from_port}, .to = {to, request.to_port}, .payload = {payload.begin(), payload.end()}};
  const bool broadcast = to == kBroadcastAddress || (nic_.broadcast.value != 0 && to == nic_.broadcast);
  const auto neighbour = nic_.neighbours.find(to);
  if (nic_.address.value == 0 || (!broadcast && to != nic_.address && neighbour == nic_.neighbours.end())) {
    return -EHOSTUNREACH;
  }
  if (to == nic_.address) {
    take(std::move(datagram));
  } else {
    session_.frame_sent(now_, udp_frame(nic_.mac, broadcast ? kBroadcastMac : neighbour->second, datagram, identification_++));
  }
  return 0;
}

int32_t VirtualProcess::receive(const reprise_request& request, ReplyPacket& reply) {
  if (request.time_ns < 0) {
    return -EINVAL;
  }
  wait_for_message(later(request.time_ns));
  if (inbox_.empty()) {
    return -EAGAIN;
  }
  Received& message = inbox_.front();
  const Datagram& datagram = message.datagram;
  reply.head.arrived_ns = message.at.ns;
  reply.head.argument = static_cast<uint32_t>(datagram.payload.size());
  reply.head.lost = lost_;
  reply.head.from_address = htonl(datagram.from.address.value);
  reply.head.from_port = datagram.from.port;
  reply.head.to_address = htonl(datagram.to.address.value);
  reply.head.to_port = datagram.to.port;
  if (datagram.payload.size() > request.argument) {
    return -EMSGSIZE;
  }
  lost_ = 0;
  reply.payload = std::move(message.datagram.payload);
  inbox_.pop_front();
  return 0;
}

/// The calls that cost time.
int32_t VirtualProcess::timed_call(const reprise_request& request, ByteView payload, ReplyPacket& reply) {
  if (request.type != REPRISE_TICK) {
    run_to(later(call_cost_.ns), false);
  }
  switch (request.type) {
    case REPRISE_SEND:
      return send(request, payload);
    case REPRISE_RECEIVE:
      return receive(request, reply);
    case REPRISE_POLL:
      if (request.time_ns < 0) {
        return -EINVAL;
      }
      wait_for_message(later(request.time_ns));
      return 0;
    case REPRISE_NOW:
      session_.clock_read(now_, ClockSource::kProcess, static_cast<uint64_t>(now_.ns));
      return 0;
    case REPRISE_SLEEP:
      if (request.time_ns > now_.ns) {
        run_to({request.time_ns}, false);
      }
      return 0;
    case REPRISE_TICK:
      if (request.time_ns < 1) {
        return -EINVAL;
      }
      run_to(later(request.time_ns), true);
      session_.clock_read(now_, ClockSource::kProcess, static_cast<uint64_t>(now_.ns));
      return 0;
    default:
      return -EBADMSG;
  }
}

ReplyPacket VirtualProcess::call(const reprise_request& request, ByteView payload) {
  ReplyPacket reply;
  if (request.type == REPRISE_HELLO) {
    reply.head.result = hello(request, reply.head);
  } else if (!introduced_ || stopped_ || request.type < REPRISE_HELLO || request.type > REPRISE_QUEUE ||
             (!payload.empty() && request.type != REPRISE_SEND)) {
    reply.head.result = -EBADMSG;
  } else if (request.type == REPRISE_STOP) {
    stopped_ = true;
    inbox_.clear();
  } else if (request.type == REPRISE_QUEUE) {
    constexpr uint32_t kMost = 65536;
    reply.head.result = request.argument >= 1 && request.argument <= kMost ? 0 : -EINVAL;
    most_waiting_ = reply.head.result == 0 ? request.argument : most_waiting_;
  } else {
    reply.head.result = timed_call(request, payload, reply);
  }
  reply.head.waiting = static_cast<uint32_t>(inbox_.size());
  reply.head.now_ns = now_.ns;
  return reply;
}

}  // namespace reprise
