#include <algorithm>

#include "trace_format/byte_codec.h"
#include "trace_format/guest_columns.h"
#include "trace_format/limits.h"
#include "trace_format/status.h"

namespace reprise {

void GuestEncoder::begin(ColumnBuffers& columns, VirtualTime first) {
  columns.clear();
  columns_ = &columns;
  last_ns_ = static_cast<uint64_t>(first.ns);
  bytes_ = 0;
  bytes_received_ = 0;
  counts_ = {};
  run_source_ = kNoRun;
  each_source_ = kNoRun;
  value_of_ = {};
  offset_of_ = {};
  std::fill(frame_of_.begin(), frame_of_.end(), 0);
  console_ = {};
  input_ = {};
  order_count_ = 0;
}

void GuestEncoder::put(GuestColumn column, uint64_t value) {
  bytes_ += put_varint(columns_->data[column], value);
}

void GuestEncoder::start_clock_run(VirtualTime at, ClockSource source, uint64_t value) {
  const auto s = static_cast<size_t>(source);
  CHECK(s < kClockSourceCount);
  const uint64_t step = step_to(at, EventKind::kClockRead);
  const auto ns = static_cast<uint64_t>(at.ns);
  // The value it would have if the source kept its distance from virtual time; a TSC read's value is its virtual time.
  const bool follows = value == ns + offset_of_[s];
  run_source_ = static_cast<uint8_t>(source);
  run_rule_ = follows ? kRuleFollowsTime : kRuleDifference;
  run_time_step_ = step;
  run_value_step_ = follows ? step : value - value_of_[s];
  run_value_ = value;
  run_count_ = 1;
}

void GuestEncoder::append_frame_sent(VirtualTime at, ByteView payload) {
  put(kSentTime, step_to(at, EventKind::kFrameSent));
  ++order_count_;
  put(kSentSize, payload.size());
  auto& blob = columns_->data[kSentPayload];
  blob.insert(blob.end(), payload.begin(), payload.end());
  bytes_ += payload.size();
}

void GuestEncoder::append_frame_received(VirtualTime at, GuestIndex sender, SeqNo sender_frame, uint32_t size_bytes) {
  put_reception(at, sender, sender_frame, false);
  bytes_received_ += size_bytes;
}

void GuestEncoder::append_embedded_frame(VirtualTime at, GuestIndex sender, SeqNo sender_frame, ByteView payload) {
  put_reception(at, sender, sender_frame, true);
  put(kEmbeddedSize, payload.size());
  auto& blob = columns_->data[kEmbeddedPayload];
  blob.insert(blob.end(), payload.begin(), payload.end());
  bytes_ += payload.size();
  bytes_received_ += payload.size();
}

void GuestEncoder::put_reception(VirtualTime at, GuestIndex sender, SeqNo sender_frame, bool embedded) {
  put(kReceivedTime, step_to(at, EventKind::kFrameReceived));
  ++order_count_;
  put(kReceivedSender, uint64_t{sender.value} << 1 | (embedded ? 1 : 0));
  if (frame_of_.size() <= sender.value) {
    frame_of_.resize(sender.value + 1);
  }
  put(kReceivedFrame, zigzag(sender_frame.value - frame_of_[sender.value]));
  frame_of_[sender.value] = sender_frame.value;
}

void GuestEncoder::append_console_byte(VirtualTime at, uint8_t byte) {
  append_byte(step_to(at, EventKind::kConsoleByte), byte, console_, kConsoleTime, kConsoleBytes);
}

void GuestEncoder::append_console_input(VirtualTime at, uint8_t byte) {
  append_byte(step_to(at, EventKind::kConsoleInput), byte, input_, kInputTime, kInputBytes);
}

void GuestEncoder::append_byte(uint64_t step, uint8_t byte, ByteRun& run, GuestColumn time, GuestColumn bytes) {
  ++order_count_;
  if (run.count != 0 && run.step != step) {
    close_byte_run(run, time);
  }
  run.step = step;
  ++run.count;
  columns_->data[bytes].push_back(byte);
  ++bytes_;
}

void GuestEncoder::append_end(VirtualTime at, EndReason reason) {
  put(kEndColumn, step_to(at, EventKind::kEnd));
  ++order_count_;
  columns_->data[kEndColumn].push_back(static_cast<uint8_t>(reason));
  ++bytes_;
}

void GuestEncoder::finish_chunk() {
  close_clock_run();
  close_each_group();
  close_byte_run(console_, kConsoleTime);
  close_byte_run(input_, kInputTime);
  close_order_run();
}

uint64_t GuestEncoder::step_to(VirtualTime at, EventKind kind) {
  close_clock_run();
  if (order_kind_ != static_cast<uint8_t>(kind)) {
    close_order_run();
    order_kind_ = static_cast<uint8_t>(kind);
  }
  const auto ns = static_cast<uint64_t>(at.ns);
  const uint64_t step = ns - last_ns_;
  last_ns_ = ns;
  return step;
}

void GuestEncoder::close_clock_run() {
  if (run_source_ == kNoRun) {
    return;
  }
  if (run_count_ >= kMinEqualSteps) {
    close_each_group();
    put_clock_group(run_count_, false, run_rule_, run_source_);
    put(kClockTime, run_time_step_);
    if (run_rule_ == kRuleDifference) {
      put(kClockValue, zigzag(run_value_step_));
    }
  } else {
    add_to_each_group();
  }
  value_of_[run_source_] = run_value_;
  offset_of_[run_source_] = run_value_ - last_ns_;
  order_count_ += run_count_;
  run_source_ = kNoRun;
}

void GuestEncoder::add_to_each_group() {
  if (each_source_ != run_source_ || each_rule_ != run_rule_) {
    close_each_group();
    each_source_ = run_source_;
    each_rule_ = run_rule_;
    each_count_ = 0;
  }
  each_count_ += run_count_;
  for (uint64_t i = 0; i < run_count_; ++i) {
    put(kClockTime, run_time_step_);
    if (run_rule_ == kRuleDifference) {
      put(kClockValue, zigzag(run_value_step_));
    }
  }
}

void GuestEncoder::close_each_group() {
  if (each_source_ != kNoRun) {
    put_clock_group(each_count_, true, each_rule_, each_source_);
    each_source_ = kNoRun;
  }
}

void GuestEncoder::put_clock_group(uint64_t count, bool each, uint8_t rule, uint8_t source) {
  CHECK(count <= kMaxChunkClockReads);
  put(kClockGroup, count << 6 | (each ? 32U : 0U) | static_cast<uint64_t>(rule) << 4 | source);
}

void GuestEncoder::close_byte_run(ByteRun& run, GuestColumn time) {
  if (run.count == 0) {
    return;
  }
  put(time, run.step);
  put(time, run.count);
  run.count = 0;
}

void GuestEncoder::close_order_run() {
  if (order_count_ == 0) {
    return;
  }
  CHECK(order_count_ < uint64_t{1} << 61);
  put(kOrder, order_count_ << 3 | order_kind_);
  counts_[order_kind_] += order_count_;
  order_count_ = 0;
}

}  // namespace reprise
