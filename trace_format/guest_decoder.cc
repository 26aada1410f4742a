#include <algorithm>

#include "trace_format/byte_codec.h"
#include "trace_format/guest_columns.h"
#include "trace_format/limits.h"

namespace reprise {

void GuestDecoder::start(const ColumnViews& columns, VirtualTime first) {
  for (size_t i = 0; i < kGuestColumnCount; ++i) {
    column_[i] = ColumnReader(columns[i]);
  }
  bad_ = false;
  left_ = 0;
  ns_ = static_cast<uint64_t>(first.ns);
  order_left_ = 0;
  clock_left_ = 0;
  console_left_ = 0;
  value_of_ = {};
  offset_of_ = {};
  std::fill(frame_of_.begin(), frame_of_.end(), 0);
}

bool GuestDecoder::load_piece() {
  if (order_left_ == 0) {
    if (column_[kOrder].empty()) {
      return false;
    }
    const uint64_t run = column_[kOrder].varint();
    order_left_ = run >> 3;
    if (order_left_ == 0 || (run & 7) >= kEventKindCount) {
      bad_ = true;
      return false;
    }
    kind_ = static_cast<EventKind>(run & 7);
  }
  left_ = 1;
  switch (kind_) {
    case EventKind::kClockRead:
      if (!load_clock_piece()) {
        left_ = 0;
        return false;
      }
      break;
    case EventKind::kFrameSent:
      time_step_ = column_[kSentTime].varint();
      payload_ = column_[kSentPayload].blob(column_[kSentSize].varint());
      bad_ |= payload_.empty() || payload_.size() > kMaxFrameBytes;
      break;
    case EventKind::kFrameReceived:
      bad_ |= !load_received();
      break;
    case EventKind::kConsoleByte:
      if (console_left_ == 0) {
        console_step_ = column_[kConsoleTime].varint();
        console_left_ = column_[kConsoleTime].varint();
        bad_ |= console_left_ == 0;
      }
      time_step_ = console_step_;
      left_ = std::min(order_left_, console_left_);
      console_left_ -= left_;
      break;
    case EventKind::kEnd:
      time_step_ = column_[kEndColumn].varint();
      reason_ = static_cast<EndReason>(column_[kEndColumn].byte());
      bad_ |= reason_ > EndReason::kAborted;
      break;
  }
  if (bad_) {
    left_ = 0;
    return false;
  }
  order_left_ -= left_;
  return true;
}

bool GuestDecoder::load_clock_piece() {
  if (clock_left_ == 0) {
    const uint8_t rule = column_[kClockRule].byte();
    clock_step_ = column_[kClockTime].varint();
    clock_left_ = column_[kClockCount].varint();
    clock_rule_ = rule >> 4;
    source_ = static_cast<ClockSource>(rule & 15);
    if ((rule & 15) >= kClockSourceCount || clock_rule_ > kRuleDifference || clock_left_ == 0) {
      bad_ = true;
      return false;
    }
    clock_value_step_ = clock_rule_ == kRuleDifference ? unzigzag(column_[kClockValue].varint()) : clock_step_;
  }
  const auto s = static_cast<size_t>(source_);
  left_ = std::min(order_left_, clock_left_);
  clock_left_ -= left_;
  time_step_ = clock_step_;
  value_step_ = clock_value_step_;
  value_ = clock_rule_ == kRuleDifference ? value_of_[s] : ns_ + offset_of_[s];
  value_of_[s] = value_ + value_step_ * left_;
  offset_of_[s] = value_of_[s] - (ns_ + time_step_ * left_);
  return true;
}

bool GuestDecoder::load_received() {
  time_step_ = column_[kReceivedTime].varint();
  const uint64_t sender = column_[kReceivedSender].varint();
  const uint64_t difference = unzigzag(column_[kReceivedFrame].varint());
  const uint64_t size = column_[kReceivedSize].varint();
  if (sender >= kMaxGuests || size == 0 || size > kMaxFrameBytes) {
    return false;
  }
  if (frame_of_.size() <= sender) {
    frame_of_.resize(sender + 1);
  }
  frame_of_[sender] += difference;
  sender_ = GuestIndex{static_cast<uint32_t>(sender)};
  sender_frame_ = SeqNo{frame_of_[sender]};
  received_size_ = static_cast<uint32_t>(size);
  return true;
}

void GuestDecoder::fill(GuestEvent& event) {
  event.payload = {};
  switch (kind_) {
    case EventKind::kFrameSent:
      event.payload = payload_;
      break;
    case EventKind::kFrameReceived:
      event.sender = sender_;
      event.sender_frame = sender_frame_;
      break;
    case EventKind::kConsoleByte:
      event.byte = column_[kConsoleBytes].byte();
      break;
    case EventKind::kEnd:
      event.reason = reason_;
      break;
    case EventKind::kClockRead:
      break;
  }
}

void GuestDecoder::skip_before(VirtualTime from, EventCounts& skipped) {
  const auto limit = static_cast<uint64_t>(std::max<int64_t>(from.ns, 0));
  while (left_ > 0 || load_piece()) {
    if (ns_ + time_step_ >= limit) {
      return;
    }
    const uint64_t n = time_step_ == 0 ? left_ : std::min(left_, (limit - ns_ - 1) / time_step_);
    skipped[static_cast<size_t>(kind_)] += n;
    skip(n);
  }
}

bool GuestDecoder::failed() const {
  return bad_ || std::any_of(column_.begin(), column_.end(), [](const ColumnReader& column) { return column.failed(); });
}

bool GuestDecoder::drained() const {
  return order_left_ == 0 && clock_left_ == 0 && console_left_ == 0 &&
         std::all_of(column_.begin(), column_.end(), [](const ColumnReader& column) { return column.empty(); });
}

}  // namespace reprise
