#include "trace_format/network_columns.h"

#include <algorithm>

#include "trace_format/limits.h"

namespace reprise {

void NetworkEncoder::begin(ColumnBuffers& columns, VirtualTime first) {
  columns.clear();
  columns_ = &columns;
  last_ns_ = static_cast<uint64_t>(first.ns);
  bytes_ = 0;
  delivered_ = 0;
  dropped_ = 0;
  std::fill(frame_of_.begin(), frame_of_.end(), 0);
}

void NetworkEncoder::append(const NetworkEvent& event) {
  const bool delivered = event.kind == NetworkEvent::Kind::kDelivered;
  columns_->data[kVerdict].push_back(delivered ? uint8_t{0} : static_cast<uint8_t>(1 + static_cast<uint8_t>(event.reason)));
  ++bytes_;
  const auto ns = static_cast<uint64_t>(event.at.ns);
  put(kNetworkTime, ns - last_ns_);
  last_ns_ = ns;
  put(kTransit, static_cast<uint64_t>(event.at.ns - event.sent_at.ns));
  put(kNetworkSender, event.sender.value);
  if (frame_of_.size() <= event.sender.value) {
    frame_of_.resize(event.sender.value + 1);
  }
  put(kNetworkFrame, zigzag(event.sender_frame.value - frame_of_[event.sender.value]));
  frame_of_[event.sender.value] = event.sender_frame.value;
  put(kReceiver, event.receiver.value);
  ++(delivered ? delivered_ : dropped_);
}

void NetworkDecoder::start(const ColumnViews& columns, VirtualTime first) {
  for (size_t i = 0; i < kNetworkColumnCount; ++i) {
    column_[i] = ColumnReader(columns[i]);
  }
  bad_ = false;
  ns_ = static_cast<uint64_t>(first.ns);
  std::fill(frame_of_.begin(), frame_of_.end(), 0);
}

bool NetworkDecoder::next(NetworkEvent& event) {
  if (bad_ || column_[kVerdict].empty()) {
    return false;
  }
  const uint8_t verdict = column_[kVerdict].byte();
  const uint64_t step = column_[kNetworkTime].varint();
  const uint64_t transit = column_[kTransit].varint();
  const uint64_t sender = column_[kNetworkSender].varint();
  const uint64_t difference = unzigzag(column_[kNetworkFrame].varint());
  const uint64_t receiver = column_[kReceiver].varint();
  const auto room = static_cast<uint64_t>(VirtualTime::never().ns) - ns_;
  if (verdict > 1 + static_cast<uint8_t>(DropReason::kLoss) || sender >= kMaxGuests || receiver >= kMaxGuests || step > room ||
      transit > ns_ + step || failed()) {
    bad_ = true;
    return false;
  }
  if (frame_of_.size() <= sender) {
    frame_of_.resize(sender + 1);
  }
  ns_ += step;
  frame_of_[sender] += difference;
  event.kind = verdict == 0 ? NetworkEvent::Kind::kDelivered : NetworkEvent::Kind::kDropped;
  if (verdict != 0) {
    event.reason = static_cast<DropReason>(verdict - 1);
  }
  event.at.ns = static_cast<int64_t>(ns_);
  event.sent_at.ns = static_cast<int64_t>(ns_ - transit);
  event.sender.value = static_cast<uint32_t>(sender);
  event.sender_frame.value = frame_of_[sender];
  event.receiver.value = static_cast<uint32_t>(receiver);
  return true;
}

bool NetworkDecoder::failed() const {
  return bad_ || std::any_of(column_.begin(), column_.end(), [](const ColumnReader& column) { return column.failed(); });
}

void count_drops(const ColumnViews& columns, DropCounts& counts) {
  for (const uint8_t verdict : columns[kVerdict]) {
    if (verdict != 0) {
      ++counts[verdict - 1];
    }
  }
}

bool NetworkDecoder::drained() const {
  return std::all_of(column_.begin(), column_.end(), [](const ColumnReader& column) { return column.empty(); });
}

}  // namespace reprise
