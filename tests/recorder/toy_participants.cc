#include "tests/recorder/toy_participants.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

namespace reprise {
namespace {

auto delivery_order(const Delivery& d) {
  return std::tie(d.at, d.frame.sender, d.frame.number, d.receiver);
}

auto event_order(const NetworkEvent& e) {
  return std::tie(e.at, e.sender, e.sender_frame, e.receiver);
}

}  // namespace

std::vector<uint8_t> toy_frame(uint32_t from, uint32_t to, size_t size) {
  std::vector<uint8_t> frame(std::max<size_t>(size, 14), 0);
  const auto put_mac = [&](size_t offset, uint32_t guest) {
    for (size_t i = 0; i < 6; ++i) {
      frame[offset + i] = guest == kEverybody ? 0xff : 0;
    }
    if (guest != kEverybody) {
      frame[offset] = 0x02;
      frame[offset + 5] = static_cast<uint8_t>(guest);
    }
  };
  put_mac(0, to);
  put_mac(6, from);
  return frame;
}

void ToyParticipants::send(int64_t at_ns, uint32_t from, uint32_t to, size_t size) {
  planned_[from].emplace(at_ns, Planned{to, size});
}

void ToyParticipants::run_guest(uint32_t guest, VirtualTime horizon, const std::vector<Delivery>& deliveries,
                                std::vector<SentFrame>& sent) {
  const auto send_before = [&](VirtualTime limit) {
    auto& plan = planned_[guest];
    for (auto next = plan.begin(); next != plan.end() && next->first < limit.ns; next = plan.erase(next)) {
      if (VirtualTime{next->first} < ended_at_[guest]) {
        auto payload = std::make_shared<const std::vector<uint8_t>>(toy_frame(guest, next->second.to, next->second.size));
        sent.push_back({{next->first}, {guest}, {next_number_[guest]++}, payload});
      }
    }
  };
  for (const auto& delivery : deliveries) {
    if (delivery.receiver.value != guest || delivery.at >= ended_at_[guest]) {
      continue;
    }
    send_before(delivery.at);
    if (on_frame) {
      on_frame(delivery);
    }
  }
  send_before(horizon);
}

Result<Participants::Advance> ToyParticipants::run_until(VirtualTime horizon, const std::vector<Delivery>& deliveries) {
  horizons.push_back(horizon.ns);
  if (fail_at_ns >= 0 && horizon.ns > fail_at_ns) {
    return Error{ErrorKind::kRunFailed, "a toy guest died"};
  }
  for (size_t i = 0; i < deliveries.size(); ++i) {
    const auto& d = deliveries[i];
    arrivals.push_back(
        fmt::format("{} {}:{}>{} {}", d.at.ns, d.frame.sender.value, d.frame.number.value, d.receiver.value, d.frame.payload->size()));
    if (d.at < horizon_ || d.at >= horizon || (i > 0 && !(delivery_order(deliveries[i - 1]) < delivery_order(d)))) {
      violations.push_back("delivery out of order or out of its turn: " + arrivals.back());
    }
  }
  Advance advance{{}, VirtualTime::never()};
  const auto guests = static_cast<uint32_t>(planned_.size());
  for (uint32_t i = 0; i < guests; ++i) {
    run_guest(last_guest_first ? guests - 1 - i : i, horizon, deliveries, advance.sent);
  }
  std::sort(advance.sent.begin(), advance.sent.end(), [](const SentFrame& a, const SentFrame& b) {
    return std::tie(a.sent_at, a.sender, a.number) < std::tie(b.sent_at, b.sender, b.number);
  });
  advance.finished = true;
  for (uint32_t guest = 0; guest < guests; ++guest) {
    if (ended_at_[guest] < horizon) {
      advance.ended.push_back({{guest}, ended_at_[guest]});
      continue;
    }
    advance.finished = false;
    const VirtualTime next_send = planned_[guest].empty() ? VirtualTime::never() : VirtualTime{planned_[guest].begin()->first};
    advance.earliest_send = std::min({advance.earliest_send, next_send, ended_at_[guest]});
  }
  horizon_ = horizon;
  return advance;
}

void ToyParticipants::on_network_event(const NetworkEvent& event) {
  verdicts.push_back(
      fmt::format("{} {}:{}>{} {}", event.at.ns, event.sender.value, event.sender_frame.value, event.receiver.value,
                  event.kind == NetworkEvent::Kind::kDelivered ? "delivered" : fmt::format("dropped {}", static_cast<int>(event.reason))));
  if (event.sequence.value + 1 != verdicts.size() || (verdicts.size() > 1 && !(event_order(last_event_) < event_order(event)))) {
    violations.push_back("verdict out of order: " + verdicts.back());
  }
  last_event_ = event;
}

}  // namespace reprise
