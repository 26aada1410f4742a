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
  console_ = {};
  input_ = {};
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
  each_ = false;
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
      bad_ |= !load_bytes(console_, kConsoleTime);
      break;
    case EventKind::kConsoleInput:
      bad_ |= !load_bytes(input_, kInputTime);
      break;
    case EventKind::kEnd:
      time_step_ = column_[kEndColumn].varint();
      reason_ = static_cast<EndReason>(column_[kEndColumn].byte());
      bad_ |= reason_ > kLastEndReason || column_[kEndColumn].failed();
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
    const uint64_t group = column_[kClockGroup].varint();
    clock_left_ = group >> 6;
    clock_each_ = (group >> 5 & 1) != 0;
    clock_rule_ = group >> 4 & 1;
    if (clock_left_ == 0 || (group & 15) >= kClockSourceCount) {
      bad_ = true;
      return false;
    }
    source_ = static_cast<ClockSource>(group & 15);
    if (!clock_each_) {
      clock_step_ = column_[kClockTime].varint();
      clock_value_step_ = clock_rule_ == kRuleDifference ? unzigzag(column_[kClockValue].varint()) : clock_step_;
    }
  }
  const auto s = static_cast<size_t>(source_);
  left_ = std::min(order_left_, clock_left_);
  clock_left_ -= left_;
  each_ = clock_each_;
  time_step_ = clock_step_;
  value_step_ = clock_value_step_;
  offset_ = offset_of_[s];
  value_ = clock_rule_ == kRuleDifference ? value_of_[s] : ns_ + offset_;
  return true;
}

bool GuestDecoder::load_bytes(ByteRun& run, GuestColumn time) {
  if (run.count == 0) {
    run.step = column_[time].varint();
    run.count = column_[time].varint();
    if (run.count == 0) {
      return false;
    }
  }
  time_step_ = run.step;
  left_ = std::min(order_left_, run.count);
  run.count -= left_;
  return true;
}

void GuestDecoder::leave_clock_piece() {
  value_of_[static_cast<size_t>(source_)] = value_;
  offset_of_[static_cast<size_t>(source_)] = value_ - ns_;
}

bool GuestDecoder::load_received() {
  time_step_ = column_[kReceivedTime].varint();
  const uint64_t sender = column_[kReceivedSender].varint();
  const uint64_t difference = unzigzag(column_[kReceivedFrame].varint());
  // A count may claim more frames than there are: at the end of the column it is over, or a few bytes keep a reader busy for years.
  if (column_[kReceivedSender].failed() || sender >> 1 >= kMaxGuests) {
    return false;
  }
  sender_ = GuestIndex{static_cast<uint32_t>(sender >> 1)};
  if (frame_of_.size() <= sender_.value) {
    frame_of_.resize(sender_.value + 1);
  }
  frame_of_[sender_.value] += difference;
  sender_frame_ = SeqNo{frame_of_[sender_.value]};
  payload_ = {};
  if ((sender & 1) == 0) {
    return true;
  }
  payload_ = column_[kEmbeddedPayload].blob(column_[kEmbeddedSize].varint());
  return !payload_.empty() && payload_.size() <= kMaxFrameBytes;
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
      event.payload = payload_;
      break;
    case EventKind::kConsoleByte:
      event.byte = column_[kConsoleBytes].byte();
      break;
    case EventKind::kConsoleInput:
      event.byte = column_[kInputBytes].byte();
      break;
    case EventKind::kEnd:
      event.reason = reason_;
      break;
    case EventKind::kClockRead:
      break;
  }
}

uint64_t GuestDecoder::next_time_step() const {
  if (!each_) {
    return time_step_;
  }
  ColumnReader ahead = column_[kClockTime];
  return ahead.varint();
}

bool GuestDecoder::skip_piece_within(VirtualTime last) {
  const auto end = static_cast<uint64_t>(last.ns);
  if (!each_) {
    uint64_t span = 0;
    if (__builtin_mul_overflow(left_, time_step_, &span) || span > end - ns_) {
      return false;
    }
    skip_equal_steps(left_);
    return true;
  }
  return skip_each_within(end);
}

// Where checking a trace of irregular clock reads spends its time: times only grow, so their sum is all that has to be looked at.
bool GuestDecoder::skip_each_within(uint64_t end) {
  uint64_t span = 0;
  if (!column_[kClockTime].add_varints(left_, end - ns_, span)) {
    return false;
  }
  ns_ += span;
  if (clock_rule_ == kRuleDifference) {
    ColumnReader& values = column_[kClockValue];
    for (uint64_t left = left_; left > 0 && !values.failed(); --left) {
      value_ += unzigzag(values.varint());
    }
  } else {
    value_ = ns_ + offset_;
  }
  left_ = 0;
  leave_clock_piece();
  return !column_[kClockValue].failed();
}

void GuestDecoder::skip_equal_steps(uint64_t n) {
  left_ -= n;
  ns_ += time_step_ * n;
  if (kind_ == EventKind::kClockRead) {
    value_ += value_step_ * n;
    if (left_ == 0) {
      leave_clock_piece();
    }
  } else if (kind_ == EventKind::kConsoleByte) {
    column_[kConsoleBytes].blob(n);
  } else if (kind_ == EventKind::kConsoleInput) {
    column_[kInputBytes].blob(n);
  }
}

void GuestDecoder::skip_before(VirtualTime from, EventCounts& skipped) {
  const auto limit = static_cast<uint64_t>(std::max<int64_t>(from.ns, 0));
  while (left_ > 0 || load_piece()) {
    const uint64_t step = next_time_step();
    if (ns_ + step >= limit) {
      return;
    }
    uint64_t n = 1;
    if (each_) {
      --left_;
      step_clock();
    } else {
      n = step == 0 ? left_ : std::min(left_, (limit - ns_ - 1) / step);
      skip_equal_steps(n);
    }
    skipped[static_cast<size_t>(kind_)] += n;
  }
}

bool GuestDecoder::failed() const {
  return bad_ || std::any_of(column_.begin(), column_.end(), [](const ColumnReader& column) { return column.failed(); });
}

bool GuestDecoder::drained() const {
  return order_left_ == 0 && clock_left_ == 0 && console_.count == 0 && input_.count == 0 &&
         std::all_of(column_.begin(), column_.end(), [](const ColumnReader& column) { return column.empty(); });
}

}  // namespace reprise
