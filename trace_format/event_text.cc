#include "trace_format/event_text.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <iterator>

namespace reprise {
namespace {

constexpr size_t kMacBytes = 6;
constexpr size_t kEthernetHeaderBytes = 14;
constexpr std::string_view kHexDigits = "0123456789abcdef";

void append_hex_byte(std::string& out, uint8_t byte) {
  out += kHexDigits[byte >> 4];
  out += kHexDigits[byte & 0xf];
}

void append_mac(std::string& out, ByteView mac) {
  for (size_t i = 0; i < mac.size(); ++i) {
    if (i != 0) {
      out += ':';
    }
    append_hex_byte(out, mac[i]);
  }
}

bool is_control(uint8_t byte) {
  return byte < 0x20 || byte == 0x7f;
}

/// U+0080 to U+009F are control characters too, and some terminals obey them.
bool is_c1_control(std::string_view text, size_t i) {
  return static_cast<uint8_t>(text[i]) == 0xc2 && i + 1 < text.size() && static_cast<uint8_t>(text[i + 1]) >= 0x80 &&
         static_cast<uint8_t>(text[i + 1]) <= 0x9f;
}

bool is_printable(std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (is_control(static_cast<uint8_t>(text[i])) || is_c1_control(text, i)) {
      return false;
    }
  }
  return true;
}

void append_guest(std::string& out, const RunInfo& run, GuestIndex guest) {
  if (guest.value >= run.guests.size()) {
    fmt::format_to(std::back_inserter(out), "guest-{}", guest.value);
    return;
  }
  const std::string& name = run.guests[guest.value].name;
  if (is_printable(name)) {
    out += name;
  } else {
    out += printable(name);
  }
}

void append_frame(std::string& out, const RunInfo& run, GuestIndex sender, const GuestEvent& event, PayloadText payload) {
  append_guest(out, run, sender);
  fmt::format_to(std::back_inserter(out), "/{} {} bytes ", event.sender_frame.value, event.payload.size());
  if (event.payload.size() >= kEthernetHeaderBytes) {
    append_mac(out, event.payload.subspan(kMacBytes, kMacBytes));
    out += " > ";
    append_mac(out, event.payload.first(kMacBytes));
    out += " 0x";
    append_hex_byte(out, event.payload[2 * kMacBytes]);
    append_hex_byte(out, event.payload[2 * kMacBytes + 1]);
    out += ' ';
  }
  if (payload == PayloadText::kDigest) {
    fmt::format_to(std::back_inserter(out), "xxh3:{:016x}", XXH3_64bits(event.payload.data(), event.payload.size()));
    return;
  }
  out.reserve(out.size() + 2 * event.payload.size());
  for (const uint8_t byte : event.payload) {
    append_hex_byte(out, byte);
  }
}

}  // namespace

std::string_view stream_name(EventKind kind) {
  switch (kind) {
    case EventKind::kClockRead:
      return "clock";
    case EventKind::kFrameSent:
    case EventKind::kFrameReceived:
      return "frame";
    case EventKind::kConsoleByte:
    case EventKind::kConsoleInput:
      return "console";
    case EventKind::kEnd:
      return "end";
  }
  return "unknown";
}

std::string guest_text(const RunInfo& run, GuestIndex guest) {
  std::string out;
  append_guest(out, run, guest);
  return out;
}

void append_event_text(std::string& out, const RunInfo& run, GuestIndex guest, const GuestEvent& event, PayloadText payload) {
  fmt::format_to(std::back_inserter(out), "{} ", event.at.ns);
  append_guest(out, run, guest);
  out += ' ';
  out += stream_name(event.kind);
  if (event.kind != EventKind::kEnd) {
    fmt::format_to(std::back_inserter(out), " #{}", event.sequence.value);
  }
  out += ' ';
  switch (event.kind) {
    case EventKind::kClockRead:
      out += clock_source_name(event.source);
      fmt::format_to(std::back_inserter(out), " {}", event.value);
      break;
    case EventKind::kFrameSent:
      out += "sent ";
      append_frame(out, run, guest, event, payload);
      break;
    case EventKind::kFrameReceived:
      out += "received ";
      append_frame(out, run, event.sender, event, payload);
      break;
    case EventKind::kConsoleByte:
      out += byte_text(event.byte);
      break;
    case EventKind::kConsoleInput:
      out += "input " + byte_text(event.byte);
      break;
    case EventKind::kEnd:
      out += end_reason_name(event.reason);
      break;
  }
}

void append_event_text(std::string& out, const RunInfo& run, const NetworkEvent& event) {
  fmt::format_to(std::back_inserter(out), "{} ", event.at.ns);
  append_guest(out, run, event.receiver);
  const bool delivered = event.kind == NetworkEvent::Kind::kDelivered;
  fmt::format_to(std::back_inserter(out), " network #{} {} ", event.sequence.value, delivered ? "delivered" : "dropped");
  append_guest(out, run, event.sender);
  fmt::format_to(std::back_inserter(out), "/{} sent {}", event.sender_frame.value, event.sent_at.ns);
  if (!delivered) {
    out += ": ";
    out += drop_reason_name(event.reason);
  }
}

std::string describe_event(const RunInfo& run, GuestIndex guest, const GuestEvent& event) {
  std::string out;
  append_event_text(out, run, guest, event);
  return out;
}

std::string describe_event(const RunInfo& run, const NetworkEvent& event) {
  std::string out;
  append_event_text(out, run, event);
  return out;
}

std::string byte_text(uint8_t byte) {
  std::string out = "0x";
  append_hex_byte(out, byte);
  if (byte == '\n') {
    out += " '\\n'";
  } else if (byte == '\r') {
    out += " '\\r'";
  } else if (byte == '\t') {
    out += " '\\t'";
  } else if (byte >= 0x20 && byte < 0x7f) {
    out += " '";
    out += static_cast<char>(byte);
    out += '\'';
  }
  return out;
}

std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<uint8_t>(text[i]);
    const size_t escaped = is_control(byte) ? 1 : is_c1_control(text, i) ? 2 : 0;
    if (escaped == 0) {
      out += text[i];
      continue;
    }
    for (size_t j = 0; j < escaped; ++j) {
      out += "\\x";
      append_hex_byte(out, static_cast<uint8_t>(text[i + j]));
    }
    i += escaped - 1;
  }
  return out;
}

std::string seconds_text(VirtualTime time) {
  constexpr int64_t kNsPerSecond = 1'000'000'000;
  return fmt::format("{}.{:09}", time.ns / kNsPerSecond, time.ns % kNsPerSecond);
}

}  // namespace reprise
