#include "analysis/event_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "trace_format/event_text.h"

namespace reprise {
namespace {

/// Names are compared once here, so that an event costs an integer comparison.
std::vector<int64_t> match_indices(const RunInfo& left, const RunInfo& right) {
  std::vector<int64_t> matches;
  for (const GuestInfo& guest : left.guests) {
    const auto found =
        std::find_if(right.guests.begin(), right.guests.end(), [&](const GuestInfo& other) { return other.name == guest.name; });
    matches.push_back(found == right.guests.end() ? -1 : found - right.guests.begin());
  }
  return matches;
}

bool same_guest(const std::vector<int64_t>& right_index_of_left, GuestIndex left, GuestIndex right) {
  return left.value < right_index_of_left.size() && right_index_of_left[left.value] == static_cast<int64_t>(right.value);
}

template <typename Value>
FieldDifference number_difference(const char* field, Value left, Value right) {
  return {field, fmt::format("{}", left), fmt::format("{}", right)};
}

std::string identity_text(const RunInfo& run, GuestIndex sender, SeqNo frame) {
  return fmt::format("{}/{}", guest_text(run, sender), frame.value);
}

std::string payload_byte_text(ByteView payload, size_t offset) {
  if (offset >= payload.size()) {
    return fmt::format("byte {} of {}: none", offset, payload.size());
  }
  return fmt::format("byte {} of {}: 0x{:02x}", offset, payload.size(), payload[offset]);
}

std::optional<FieldDifference> compare_payloads(ByteView left, ByteView right) {
  const auto [in_left, in_right] = std::mismatch(left.begin(), left.end(), right.begin(), right.end());
  if (in_left == left.end() && in_right == right.end()) {
    return std::nullopt;
  }
  const auto offset = static_cast<size_t>(in_left - left.begin());
  return FieldDifference{"payload", payload_byte_text(left, offset), payload_byte_text(right, offset)};
}

}  // namespace

GuestRules::GuestRules(const RunInfo& left, GuestIndex left_guest, const RunInfo& right, GuestIndex right_guest)
    : left_(left), right_(right), left_guest_(left_guest), right_guest_(right_guest), right_index_of_left_(match_indices(left, right)) {}

bool GuestRules::same_sender(const GuestEvent& left, const GuestEvent& right) const {
  return same_guest(right_index_of_left_, left.sender, right.sender);
}

std::optional<FieldDifference> GuestRules::compare(const GuestEvent& left, const GuestEvent& right) const {
  if (left.kind != right.kind) {
    return FieldDifference{"kind", describe_event(left_, left_guest_, left), describe_event(right_, right_guest_, right)};
  }
  if (left.at != right.at) {
    return number_difference("virtual_ns", left.at.ns, right.at.ns);
  }
  switch (left.kind) {
    case EventKind::kClockRead:
      if (left.source != right.source) {
        return FieldDifference{"source", std::string(clock_source_name(left.source)), std::string(clock_source_name(right.source))};
      }
      if (left.value != right.value) {
        return number_difference("value", left.value, right.value);
      }
      return std::nullopt;
    case EventKind::kFrameReceived:
      if (!same_sender(left, right)) {
        return FieldDifference{"sender", guest_text(left_, left.sender), guest_text(right_, right.sender)};
      }
      return compare_payloads(left.payload, right.payload);
    case EventKind::kFrameSent:
      return compare_payloads(left.payload, right.payload);
    case EventKind::kConsoleByte:
    case EventKind::kConsoleInput:
      if (left.byte != right.byte) {
        return FieldDifference{"byte", byte_text(left.byte), byte_text(right.byte)};
      }
      return std::nullopt;
    case EventKind::kEnd:
      if (left.reason != right.reason) {
        return FieldDifference{"reason", std::string(end_reason_name(left.reason)), std::string(end_reason_name(right.reason))};
      }
      return std::nullopt;
  }
  return std::nullopt;
}

std::optional<FieldDifference> GuestRules::compare_identity(const GuestEvent& left, const GuestEvent& right) const {
  if (left.kind != EventKind::kFrameReceived || right.kind != EventKind::kFrameReceived) {
    return std::nullopt;
  }
  if (!same_sender(left, right)) {
    return FieldDifference{"sender", guest_text(left_, left.sender), guest_text(right_, right.sender)};
  }
  if (left.sender_frame == right.sender_frame) {
    return std::nullopt;
  }
  return FieldDifference{"frame", identity_text(left_, left.sender, left.sender_frame),
                         identity_text(right_, right.sender, right.sender_frame)};
}

bool GuestRules::same_identity(const GuestEvent& left, const GuestEvent& right) const {
  if (left.kind != right.kind) {
    return false;
  }
  switch (left.kind) {
    case EventKind::kFrameReceived:
      return left.sender_frame == right.sender_frame && same_sender(left, right);
    case EventKind::kFrameSent:
      return left.sender_frame == right.sender_frame;
    case EventKind::kEnd:
      return true;
    case EventKind::kClockRead:
    case EventKind::kConsoleByte:
    case EventKind::kConsoleInput:
      return left.sequence == right.sequence;
  }
  return false;
}

bool GuestRules::has_lasting_identity(const GuestEvent& event) {
  return event.kind == EventKind::kFrameReceived || event.kind == EventKind::kEnd;
}

Difference GuestRules::describe(const GuestEvent* left, const GuestEvent* right, const GuestEvent& named, FieldDifference field) const {
  Difference difference;
  difference.guest = left_.guests[left_guest_.value].name;
  difference.stream = stream_name(named.kind);
  difference.sequence = named.kind == EventKind::kEnd ? SeqNo{} : named.sequence;
  difference.at = left != nullptr && right != nullptr ? std::min(left->at, right->at) : named.at;
  difference.field = std::move(field.field);
  difference.left = std::move(field.left);
  difference.right = std::move(field.right);
  if (left != nullptr) {
    difference.left_event = describe_event(left_, left_guest_, *left);
  }
  if (right != nullptr) {
    difference.right_event = describe_event(right_, right_guest_, *right);
  }
  return difference;
}

void GuestRules::retain(GuestEvent& event, std::vector<uint8_t>& storage) {
  storage.assign(event.payload.begin(), event.payload.end());
  event.payload = storage;
}

NetworkRules::NetworkRules(const RunInfo& left, const RunInfo& right)
    : left_(left), right_(right), right_index_of_left_(match_indices(left, right)) {}

bool NetworkRules::same_identity(const NetworkEvent& left, const NetworkEvent& right) const {
  return left.sender_frame == right.sender_frame && same_guest(right_index_of_left_, left.sender, right.sender) &&
         same_guest(right_index_of_left_, left.receiver, right.receiver);
}

std::optional<FieldDifference> NetworkRules::compare(const NetworkEvent& left, const NetworkEvent& right) const {
  if (!same_identity(left, right)) {
    return FieldDifference{"frame", identity_text(left_, left.sender, left.sender_frame) + " -> " + guest_text(left_, left.receiver),
                           identity_text(right_, right.sender, right.sender_frame) + " -> " + guest_text(right_, right.receiver)};
  }
  if (left.kind != right.kind) {
    return FieldDifference{"kind", describe_event(left_, left), describe_event(right_, right)};
  }
  if (left.at != right.at) {
    return number_difference("virtual_ns", left.at.ns, right.at.ns);
  }
  if (left.sent_at != right.sent_at) {
    return number_difference("sent_ns", left.sent_at.ns, right.sent_at.ns);
  }
  if (left.kind == NetworkEvent::Kind::kDropped && left.reason != right.reason) {
    return FieldDifference{"reason", std::string(drop_reason_name(left.reason)), std::string(drop_reason_name(right.reason))};
  }
  return std::nullopt;
}

Difference NetworkRules::describe(const NetworkEvent* left, const NetworkEvent* right, const NetworkEvent& named,
                                  FieldDifference field) const {
  Difference difference;
  difference.guest = guest_text(&named == left ? left_ : right_, named.receiver);
  difference.stream = "network";
  difference.sequence = named.sequence;
  difference.at = left != nullptr && right != nullptr ? std::min(left->at, right->at) : named.at;
  difference.field = std::move(field.field);
  difference.left = std::move(field.left);
  difference.right = std::move(field.right);
  if (left != nullptr) {
    difference.left_event = describe_event(left_, *left);
  }
  if (right != nullptr) {
    difference.right_event = describe_event(right_, *right);
  }
  return difference;
}

}  // namespace reprise
