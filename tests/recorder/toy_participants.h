// Guests without QEMU: deterministic hosts in memory that send what a test plans and answer as a test says.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "recorder/network_model.h"

namespace reprise {

/// A frame of `size` bytes (at least 14) between toy guests, whose MACs are 02:00:00:00:00:NN; `to` = kEverybody is broadcast.
inline constexpr uint32_t kEverybody = 0xffffffff;
[[nodiscard]] std::vector<uint8_t> toy_frame(uint32_t from, uint32_t to, size_t size);

class ToyParticipants final : public Participants {
 public:
  explicit ToyParticipants(uint32_t guests) : planned_(guests), next_number_(guests), ended_at_(guests, VirtualTime::never()) {}

  /// Before the run, or from on_frame for a time not before the delivery.
  void send(int64_t at_ns, uint32_t from, uint32_t to, size_t size);
  void end(uint32_t guest, int64_t at_ns) { ended_at_[guest] = {at_ns}; }

  [[nodiscard]] Result<Advance> run_until(VirtualTime horizon, const std::vector<Delivery>& deliveries) override;
  void on_network_event(const NetworkEvent& event) override;

  std::function<void(const Delivery&)> on_frame;  ///< called for each delivery when its guest gets there; may be empty
  bool last_guest_first = false;                  ///< the order in which guests do their work, which must not matter
  int64_t fail_at_ns = -1;                        ///< run_until fails when it gets beyond

  std::vector<int64_t> horizons;        ///< of all calls
  std::vector<std::string> arrivals;    ///< "NS SENDER:NUMBER>RECEIVER SIZE", in the order of (time, sender, number, receiver)
  std::vector<std::string> verdicts;    ///< "NS SENDER:NUMBER>RECEIVER delivered" or the drop's reason
  std::vector<std::string> violations;  ///< of the contract by the network; a test wants none

 private:
  struct Planned {
    uint32_t to;
    size_t size;
  };

  void run_guest(uint32_t guest, VirtualTime horizon, const std::vector<Delivery>& deliveries, std::vector<SentFrame>& sent);

  std::vector<std::multimap<int64_t, Planned>> planned_;
  std::vector<uint64_t> next_number_;
  std::vector<VirtualTime> ended_at_;
  VirtualTime horizon_;
  NetworkEvent last_event_;
};

}  // namespace reprise
