#include "replayer/trace_consistency.h"

#include <fmt/format.h>

namespace reprise {
namespace {

/// Moves to the next frame that the network delivered to `guest`; false at the end.
Result<bool> next_delivery_to(NetworkCursor& network, GuestIndex guest, NetworkEvent& event) {
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, network.next(event));
    if (!more || (event.receiver == guest && event.kind == NetworkEvent::Kind::kDelivered)) {
      return more;
    }
  }
}

std::string identity(const TraceReader& reader, GuestIndex sender, SeqNo frame) {
  const auto& guests = reader.run().guests;
  return fmt::format("{}/{}", sender.value < guests.size() ? guests[sender.value].name : "?", frame.value);
}

/// Whether the guest took the frame when the network says. With icount-shift N, guest time moves in steps of 2^N ns: it takes a frame at
/// the first step that is not before its delivery.
bool same_instant(VirtualTime delivered, VirtualTime received, uint32_t icount_shift) {
  return received >= delivered && received.ns - delivered.ns < (int64_t{1} << icount_shift);
}

}  // namespace

Result<std::optional<Mismatch>> find_contradiction(TraceReader& reader, GuestIndex guest) {
  const auto received = reader.guest_events(guest);
  const auto network = reader.network_events();
  const uint32_t shift = reader.run().guests[guest.value].icount_shift;
  for (;;) {
    GuestEvent in_guest;
    NetworkEvent in_network;
    ASSIGN_OR_RETURN(const bool more, received->next_received(in_guest));
    if (!more) {
      return std::optional<Mismatch>();
    }
    ASSIGN_OR_RETURN(const bool delivered, next_delivery_to(*network, guest, in_network));
    Mismatch mismatch{.stream = "frame", .sequence = in_guest.sequence, .at = in_guest.at, .field = {}, .expected = {}, .actual = {}};
    if (!delivered) {
      if (!reader.run().complete) {
        return std::optional<Mismatch>();  // a recovered run: the network's stream may end first
      }
      mismatch.field = "present";
      mismatch.expected = "not delivered by the network";
      mismatch.actual = identity(reader, in_guest.sender, in_guest.sender_frame);
      return std::optional(mismatch);
    }
    if (in_guest.sender != in_network.sender || in_guest.sender_frame != in_network.sender_frame) {
      mismatch.field = "sender";
      mismatch.expected = identity(reader, in_network.sender, in_network.sender_frame);
      mismatch.actual = identity(reader, in_guest.sender, in_guest.sender_frame);
      return std::optional(mismatch);
    }
    if (!same_instant(in_network.at, in_guest.at, shift)) {
      mismatch.field = "virtual_ns";
      mismatch.expected = fmt::format("{} (the network's delivery)", in_network.at.ns);
      mismatch.actual = fmt::format("{} (the guest's stream)", in_guest.at.ns);
      return std::optional(mismatch);
    }
  }
}

}  // namespace reprise
