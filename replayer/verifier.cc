#include "replayer/verifier.h"

#include <fmt/format.h>

#include <algorithm>

#include "trace_format/event_text.h"

namespace reprise {
namespace {

std::string payload_text(ByteView payload, size_t first_difference) {
  if (first_difference >= payload.size()) {
    return fmt::format("{} bytes", payload.size());
  }
  return fmt::format("{} bytes, byte {} is 0x{:02x}", payload.size(), first_difference, payload[first_difference]);
}

/// Fills field, expected and actual for two events of one kind.
void compare(const GuestEvent& expected, const GuestEvent& actual, Mismatch& mismatch) {
  const auto set = [&mismatch](const char* field, std::string left, std::string right) {
    mismatch.field = field;
    mismatch.expected = std::move(left);
    mismatch.actual = std::move(right);
  };
  if (expected.at != actual.at) {
    set("virtual_ns", fmt::format("{}", expected.at.ns), fmt::format("{}", actual.at.ns));
  } else if (expected.kind == EventKind::kClockRead && expected.source != actual.source) {
    set("source", std::string(clock_source_name(expected.source)), std::string(clock_source_name(actual.source)));
  } else if (expected.kind == EventKind::kClockRead) {
    set("value", fmt::format("{}", expected.value), fmt::format("{}", actual.value));
  } else if (expected.kind == EventKind::kConsoleByte || expected.kind == EventKind::kConsoleInput) {
    set("byte", byte_text(expected.byte), byte_text(actual.byte));
  } else if (expected.kind == EventKind::kEnd) {
    set("reason", std::string(end_reason_name(expected.reason)), std::string(end_reason_name(actual.reason)));
  } else {
    const auto [left, right] = std::ranges::mismatch(expected.payload, actual.payload);
    const auto offset = static_cast<size_t>(left - expected.payload.begin());
    set("payload", payload_text(expected.payload, offset), payload_text(actual.payload, offset));
  }
}

}  // namespace

Verifier::Verifier(TraceReader& reader, GuestIndex guest)
    : reader_(reader), guest_(guest), events_(reader.guest_events(guest)), inputs_(reader.guest_events(guest)) {
  const GuestStatistics& statistics = reader.guest_statistics(guest);
  end_ = statistics.last;
  end_reason_ = statistics.ended ? statistics.end_reason : EndReason::kAborted;
}

Result<std::unique_ptr<Verifier>> Verifier::create(TraceReader& reader, GuestIndex guest) {
  std::unique_ptr<Verifier> verifier(new Verifier(reader, guest));
  if (!verifier->advance() || !verifier->find_next_input()) {
    return *verifier->trace_error_;
  }
  return verifier;
}

bool Verifier::advance() {
  const Result<bool> more = events_->next(expected_);
  if (!more.ok()) {
    trace_error_ = more.error();
    return false;
  }
  if (!*more) {
    // After the end: only an output that was never recorded can still come.
    expected_ = GuestEvent{.kind = EventKind::kEnd, .reason = end_reason_, .at = end_, .payload = {}};
  }
  return true;
}

bool Verifier::find_next_input() {
  const Result<bool> more = inputs_->next_input(input_);
  if (!more.ok()) {
    trace_error_ = more.error();
    return false;
  }
  next_input_ = *more ? input_.at : VirtualTime::never();
  return true;
}

bool Verifier::differs(const GuestEvent& actual) {
  Mismatch mismatch;
  mismatch.stream = std::string(stream_name(expected_.kind));
  mismatch.sequence = expected_.sequence;
  mismatch.at = expected_.at;
  if (expected_.kind == actual.kind) {
    compare(expected_, actual, mismatch);
  } else {
    mismatch.field = "kind";
    mismatch.expected = describe_event(reader_.run(), guest_, expected_);
    // The guest's event has no number of its own in the trace: it takes the one that would be next.
    GuestEvent numbered = actual;
    const bool is_frame = actual.kind == EventKind::kFrameSent || actual.kind == EventKind::kFrameReceived;
    numbered.sequence.value = is_frame                               ? counts_.frames
                              : actual.kind == EventKind::kClockRead ? counts_.clock_reads
                              : actual.kind == EventKind::kEnd       ? 0
                                                                     : counts_.console_bytes;
    mismatch.actual = describe_event(reader_.run(), guest_, numbered);
  }
  mismatch_ = std::move(mismatch);
  return false;
}

bool Verifier::frame_sent(VirtualTime at, ByteView payload) {
  if (expected_.kind == EventKind::kFrameSent && expected_.at == at && std::ranges::equal(expected_.payload, payload)) {
    ++counts_.frames;
    ++frames_sent_;
    return advance();
  }
  return differs(GuestEvent{.kind = EventKind::kFrameSent, .at = at, .sender = guest_, .sender_frame = {frames_sent_}, .payload = payload});
}

bool Verifier::console_byte(VirtualTime at, uint8_t byte) {
  if (expected_.kind == EventKind::kConsoleByte && expected_.at == at && expected_.byte == byte) {
    ++counts_.console_bytes;
    return advance();
  }
  return differs(GuestEvent{.kind = EventKind::kConsoleByte, .byte = byte, .at = at, .payload = {}});
}

bool Verifier::ended(VirtualTime at, EndReason reason) {
  if (expected_.kind == EventKind::kEnd && expected_.at == at && expected_.reason == reason) {
    return true;
  }
  return differs(GuestEvent{.kind = EventKind::kEnd, .reason = reason, .at = at, .payload = {}});
}

bool Verifier::take_input(VirtualTime now, Input& input) {
  CHECK(next_input_ <= now);
  if (expected_.kind != input_.kind || expected_.at != now || expected_.sequence != input_.sequence) {
    GuestEvent actual = input_;
    actual.at = now;
    return differs(actual);
  }
  if (input_.kind == EventKind::kFrameReceived) {
    ++counts_.frames;
    delivered_.assign(input_.payload.begin(), input_.payload.end());
    input.frame = delivered_;
  } else {
    ++counts_.console_bytes;
    taken_byte_ = input_.sequence;
    input = {.frame = {}, .byte = input_.byte};
  }
  return advance() && find_next_input();
}

bool Verifier::console_refused(VirtualTime now) {
  mismatch_ = Mismatch{.stream = std::string(stream_name(EventKind::kConsoleInput)),
                       .sequence = taken_byte_,
                       .at = now,
                       .field = "input",
                       .expected = "taken by the guest's console",
                       .actual = "its console has no room for it"};
  return false;
}

}  // namespace reprise
