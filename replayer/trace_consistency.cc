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

/// How one reception differs from the network's delivery of the same rank, or nothing.
std::optional<Mismatch> compare(const TraceReader& reader, GuestIndex guest, const GuestEvent& received, const NetworkEvent& delivered) {
  Mismatch mismatch{.stream = "frame", .sequence = received.sequence, .at = received.at, .field = {}, .expected = {}, .actual = {}};
  if (received.sender != delivered.sender || received.sender_frame != delivered.sender_frame) {
    mismatch.field = "sender";
    mismatch.expected = identity(reader, delivered.sender, delivered.sender_frame);
    mismatch.actual = identity(reader, received.sender, received.sender_frame);
    return mismatch;
  }
  if (!same_instant(delivered.at, received.at, reader.run().guests[guest.value].icount_shift)) {
    mismatch.field = "virtual_ns";
    mismatch.expected = fmt::format("{} (the network's delivery)", delivered.at.ns);
    mismatch.actual = fmt::format("{} (the guest's stream)", received.at.ns);
    return mismatch;
  }
  return std::nullopt;
}

/// The first delivery that the guest's stream, which is at its end, should have had: one that reached the guest before the guest's own end.
Result<std::optional<Mismatch>> find_missing(const TraceReader& reader, GuestIndex guest, NetworkCursor& network) {
  NetworkEvent delivered;
  ASSIGN_OR_RETURN(const bool more, next_delivery_to(network, guest, delivered));
  const GuestStatistics& statistics = reader.guest_statistics(guest);
  const Duration step{int64_t{1} << reader.run().guests[guest.value].icount_shift};
  if (!more || !reader.run().complete || delivered.at + step > statistics.last) {
    return std::optional<Mismatch>();
  }
  return std::optional(Mismatch{.stream = "frame",
                                .sequence = {statistics.frames_sent + statistics.frames_received},
                                .at = delivered.at,
                                .field = "present",
                                .expected = identity(reader, delivered.sender, delivered.sender_frame),
                                .actual = "not received by the guest"});
}

}  // namespace

Result<std::optional<Mismatch>> find_contradiction(TraceReader& reader, GuestIndex guest) {
  const auto in_guest = reader.guest_events(guest);
  const auto network = reader.network_events();
  for (;;) {
    GuestEvent received;
    NetworkEvent delivered;
    ASSIGN_OR_RETURN(const bool more, in_guest->next_received(received));
    if (!more) {
      return find_missing(reader, guest, *network);
    }
    ASSIGN_OR_RETURN(const bool known, next_delivery_to(*network, guest, delivered));
    if (!known && !reader.run().complete) {
      return std::optional<Mismatch>();  // a recovered run: the network's stream may end first
    }
    if (!known) {
      return std::optional(Mismatch{.stream = "frame",
                                    .sequence = received.sequence,
                                    .at = received.at,
                                    .field = "present",
                                    .expected = "not delivered by the network",
                                    .actual = identity(reader, received.sender, received.sender_frame)});
    }
    if (auto mismatch = compare(reader, guest, received, delivered); mismatch.has_value()) {
      return mismatch;
    }
  }
}

}  // namespace reprise
