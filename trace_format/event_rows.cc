#include "trace_format/event_rows.h"

#include <cstring>

#include "trace_format/byte_codec.h"
#include "trace_format/guest_columns.h"
#include "trace_format/network_columns.h"
#include "trace_format/status.h"

namespace reprise {
namespace {

constexpr unsigned kSourceShift = 3;
constexpr unsigned kRuleShift = 7;
constexpr uint8_t kNetworkEnd = 0xff;

uint8_t* put_varint(uint8_t* to, uint64_t value) {
  while (value >= 0x80) {
    *to++ = static_cast<uint8_t>(value | 0x80);
    value >>= 7;
  }
  *to++ = static_cast<uint8_t>(value);
  return to;
}

/// What is left of time after `ns`.
uint64_t room_after(uint64_t ns) {
  return static_cast<uint64_t>(VirtualTime::never().ns) - ns;
}

}  // namespace

void GuestRowWriter::open(RowSpace space, VirtualTime first) {
  space_ = space;
  word_ = 0;
  last_ns_ = static_cast<uint64_t>(first.ns);
  run_source_ = kNoRun;
  value_of_ = {};
  offset_of_ = {};
}

uint8_t* GuestRowWriter::close_run(uint8_t* to) {
  if (run_source_ == kNoRun) {
    return to;
  }
  value_of_[run_source_] = run_value_;
  offset_of_[run_source_] = run_value_ - last_ns_;
  run_source_ = kNoRun;
  return put_varint(to, Committed::of(word_).run);
}

uint8_t* GuestRowWriter::begin_row(VirtualTime at, EventKind kind) {
  uint8_t* to = close_run(space_.rows + bytes());
  *to++ = static_cast<uint8_t>(kind);
  const auto ns = static_cast<uint64_t>(at.ns);
  to = put_varint(to, ns - last_ns_);
  last_ns_ = ns;
  return to;
}

void GuestRowWriter::publish(const uint8_t* end, uint64_t run) {
  word_ = Committed{static_cast<uint64_t>(end - space_.rows), run}.word();
  space_.committed->store(word_, std::memory_order_release);
}

void GuestRowWriter::append_clock_read(VirtualTime at, ClockSource source, uint64_t value) {
  const auto s = static_cast<size_t>(source);
  CHECK(s < kClockSourceCount);
  uint8_t* to = close_run(space_.rows + bytes());
  const auto ns = static_cast<uint64_t>(at.ns);
  const uint64_t step = ns - last_ns_;
  last_ns_ = ns;
  // The rules of the columns: the value it would have if the source kept its distance from virtual time.
  const bool follows = value == ns + offset_of_[s];
  const uint8_t rule = follows ? kRuleFollowsTime : kRuleDifference;
  *to++ = static_cast<uint8_t>(static_cast<unsigned>(EventKind::kClockRead) | s << kSourceShift | unsigned{rule} << kRuleShift);
  to = put_varint(to, step);
  run_value_step_ = follows ? step : value - value_of_[s];
  if (!follows) {
    to = put_varint(to, zigzag(run_value_step_));
  }
  run_source_ = static_cast<uint8_t>(source);
  run_time_step_ = step;
  run_value_ = value;
  publish(to, 1);
}

void GuestRowWriter::append_frame_sent(VirtualTime at, ByteView payload) {
  uint8_t* const to = put_varint(begin_row(at, EventKind::kFrameSent), payload.size());
  std::memcpy(to, payload.data(), payload.size());
  publish(to + payload.size(), 0);
}

void GuestRowWriter::append_frame_received(VirtualTime at, GuestIndex sender, SeqNo sender_frame, uint32_t size_bytes) {
  uint8_t* to = put_varint(begin_row(at, EventKind::kFrameReceived), sender.value);
  to = put_varint(to, sender_frame.value);
  publish(put_varint(to, size_bytes), 0);
}

void GuestRowWriter::append_byte(VirtualTime at, EventKind kind, uint8_t byte) {
  uint8_t* const to = begin_row(at, kind);
  *to = byte;
  publish(to + 1, 0);
}

void GuestRowWriter::append_end(VirtualTime at, EndReason reason) {
  uint8_t* const to = begin_row(at, EventKind::kEnd);
  *to = static_cast<uint8_t>(reason);
  publish(to + 1, 0);
}

void NetworkRowWriter::open(RowSpace space, VirtualTime first) {
  space_ = space;
  bytes_ = 0;
  last_ns_ = static_cast<uint64_t>(first.ns);
}

void NetworkRowWriter::publish(const uint8_t* end) {
  bytes_ = static_cast<uint64_t>(end - space_.rows);
  space_.committed->store(Committed{bytes_, 0}.word(), std::memory_order_release);
}

void NetworkRowWriter::append(const NetworkEvent& event) {
  uint8_t* to = space_.rows + bytes_;
  const bool delivered = event.kind == NetworkEvent::Kind::kDelivered;
  *to++ = delivered ? uint8_t{0} : static_cast<uint8_t>(1 + static_cast<uint8_t>(event.reason));
  const auto ns = static_cast<uint64_t>(event.at.ns);
  to = put_varint(to, ns - last_ns_);
  last_ns_ = ns;
  to = put_varint(to, static_cast<uint64_t>(event.at.ns - event.sent_at.ns));
  to = put_varint(to, event.sender.value);
  to = put_varint(to, event.sender_frame.value);
  publish(put_varint(to, event.receiver.value));
}

void NetworkRowWriter::append_end() {
  uint8_t* const to = space_.rows + bytes_;
  *to = kNetworkEnd;
  publish(to + 1);
}

namespace {

/// Takes the rows of a guest's chunk apart.
class GuestRowReader {
 public:
  GuestRowReader(const Rows& rows, GuestEncoder& encoder)
      : reader_(rows.bytes), open_run_(rows.run), ns_(static_cast<uint64_t>(rows.first.ns)), encoder_(encoder) {}

  bool replay(bool& ends) {
    ends = false;
    while (!reader_.empty()) {
      if (ends || !row(ends) || reader_.failed()) {
        return false;
      }
    }
    return open_run_used_ || open_run_ == 0;
  }

 private:
  bool row(bool& ends) {
    const uint8_t head = reader_.byte();
    const auto kind = static_cast<EventKind>(head & 7);
    const uint64_t step = reader_.varint();
    if (step > room_after(ns_) || (kind != EventKind::kClockRead && head >> kSourceShift != 0)) {
      return false;
    }
    ns_ += step;
    const VirtualTime at{static_cast<int64_t>(ns_)};
    switch (kind) {
      case EventKind::kClockRead:
        return clock_row(head, step);
      case EventKind::kFrameSent:
        return sent_row(at);
      case EventKind::kFrameReceived:
        return received_row(at);
      case EventKind::kConsoleByte:
      case EventKind::kConsoleInput:
        return byte_row(at, kind == EventKind::kConsoleInput);
      case EventKind::kEnd: {
        const uint8_t reason = reader_.byte();
        if (reader_.failed() || reason > static_cast<uint8_t>(kLastEndReason)) {
          return false;
        }
        encoder_.append_end(at, static_cast<EndReason>(reason));
        ends = true;
        return true;
      }
    }
    return false;
  }

  bool clock_row(uint8_t head, uint64_t step) {
    const auto s = static_cast<size_t>(head >> kSourceShift & 15);
    if (s >= kClockSourceCount) {
      return false;
    }
    uint64_t value = ns_ + offset_of_[s];
    uint64_t value_step = step;
    if (head >> kRuleShift == kRuleDifference) {
      value_step = unzigzag(reader_.varint());
      value = value_of_[s] + value_step;
    }
    uint64_t count = open_run_;
    if (reader_.empty()) {
      open_run_used_ = true;
    } else {
      count = reader_.varint();
    }
    uint64_t span = 0;
    if (reader_.failed() || count == 0 || count > Committed::kMaxRun || __builtin_mul_overflow(step, count - 1, &span) ||
        span > room_after(ns_)) {
      return false;
    }
    encoder_.append_clock_read({static_cast<int64_t>(ns_)}, static_cast<ClockSource>(s), value);
    encoder_.repeat_clock_read(count - 1);
    ns_ += span;
    value_of_[s] = value + value_step * (count - 1);
    offset_of_[s] = value_of_[s] - ns_;
    return true;
  }

  bool sent_row(VirtualTime at) {
    const ByteView payload = reader_.blob(reader_.varint());
    if (reader_.failed() || payload.empty() || payload.size() > kMaxFrameBytes) {
      return false;
    }
    encoder_.append_frame_sent(at, payload);
    return true;
  }

  bool byte_row(VirtualTime at, bool input) {
    const uint8_t byte = reader_.byte();
    if (!reader_.failed()) {
      input ? encoder_.append_console_input(at, byte) : encoder_.append_console_byte(at, byte);
    }
    return true;
  }

  bool received_row(VirtualTime at) {
    const uint64_t sender = reader_.varint();
    const uint64_t frame = reader_.varint();
    const uint64_t size = reader_.varint();
    if (reader_.failed() || sender >= kMaxGuests || size == 0 || size > kMaxFrameBytes) {
      return false;
    }
    encoder_.append_frame_received(at, GuestIndex{static_cast<uint32_t>(sender)}, SeqNo{frame}, static_cast<uint32_t>(size));
    return true;
  }

  ColumnReader reader_;
  uint64_t open_run_;
  bool open_run_used_ = false;
  uint64_t ns_;
  std::array<uint64_t, kClockSourceCount> value_of_{};
  std::array<uint64_t, kClockSourceCount> offset_of_{};
  GuestEncoder& encoder_;
};

}  // namespace

bool replay_guest_rows(const Rows& rows, GuestEncoder& encoder, bool& ends) {
  return GuestRowReader(rows, encoder).replay(ends);
}

bool replay_network_rows(const Rows& rows, NetworkEncoder& encoder, bool& ends) {
  ends = false;
  ColumnReader reader(rows.bytes);
  auto ns = static_cast<uint64_t>(rows.first.ns);
  while (!reader.empty()) {
    const uint8_t verdict = reader.byte();
    if (verdict == kNetworkEnd) {
      ends = true;
      return reader.empty() && rows.run == 0;
    }
    const uint64_t step = reader.varint();
    const uint64_t transit = reader.varint();
    const uint64_t sender = reader.varint();
    const uint64_t frame = reader.varint();
    const uint64_t receiver = reader.varint();
    if (reader.failed() || verdict > 1 + static_cast<uint8_t>(DropReason::kLoss) || step > room_after(ns) || transit > ns + step ||
        sender >= kMaxGuests || receiver >= kMaxGuests) {
      return false;
    }
    ns += step;
    NetworkEvent event;
    event.kind = verdict == 0 ? NetworkEvent::Kind::kDelivered : NetworkEvent::Kind::kDropped;
    if (verdict != 0) {
      event.reason = static_cast<DropReason>(verdict - 1);
    }
    event.at.ns = static_cast<int64_t>(ns);
    event.sent_at.ns = static_cast<int64_t>(ns - transit);
    event.sender.value = static_cast<uint32_t>(sender);
    event.sender_frame.value = frame;
    event.receiver.value = static_cast<uint32_t>(receiver);
    encoder.append(event);
  }
  return rows.run == 0;
}

}  // namespace reprise
