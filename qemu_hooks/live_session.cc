#include "qemu_hooks/live_session.h"

#include <unistd.h>

#include <algorithm>

#include "trace_format/limits.h"

namespace reprise {

LiveSession::LiveSession(GuestChannel recorder, std::unique_ptr<StreamWriter> writer, ConsoleLog console, bool show_console)
    : recorder_(std::move(recorder)), writer_(std::move(writer)), console_(std::move(console)), show_console_(show_console) {}

Status LiveSession::introduce(const std::string& qemu_build_id) {
  RETURN_IF_ERROR(
      recorder_.send({.type = MessageType::kHello}, {reinterpret_cast<const uint8_t*>(qemu_build_id.data()), qemu_build_id.size()}));
  return recorder_.flush();
}

void LiveSession::clock_read(VirtualTime at, ClockSource source, uint64_t value) {
  if (writer_ != nullptr && at < finish_at_) {
    writer_->append_clock_read(at, source, value);
  }
}

void LiveSession::frame_sent(VirtualTime at, ByteView frame) {
  if (at >= finish_at_ || frame.empty() || frame.size() > kMaxMessagePayload) {
    return;
  }
  if (writer_ != nullptr) {
    writer_->append_frame_sent(at, frame);
  }
  const Status sent = recorder_.send({.type = MessageType::kFrame, .number = frames_sent_++, .at = at}, frame);
  if (!sent.ok()) {
    leave_after(sent, at);
  }
}

void LiveSession::console_byte(VirtualTime at, uint8_t byte) {
  if (at >= finish_at_) {
    return;
  }
  if (writer_ != nullptr) {
    writer_->append_console_byte(at, byte);
  }
  console_.append(byte);
  if (show_console_) {
    printed_.push_back(byte);
    if (const Status shown = printed_.size() < kMaxMessagePayload ? Status{} : show_printed(); !shown.ok()) {
      leave_after(shown, at);
    }
  }
}

Status LiveSession::show_printed() {
  if (printed_.empty()) {
    return {};
  }
  Status sent = recorder_.send({.type = MessageType::kPrinted}, printed_);
  printed_.clear();
  return sent;
}

void LiveSession::guest_ended(VirtualTime at, EndReason reason) {
  console_.flush();
  const Status finished = writer_ == nullptr ? Status{} : writer_->finish(at, reason);
  if (!finished.ok()) {
    leave_after(finished, at);
  }
  if (const Status shown = show_printed(); !shown.ok()) {
    leave_after(shown, at);
  }
  const Status sent = recorder_.send({.type = MessageType::kEnded, .number = static_cast<uint64_t>(reason), .at = at});
  const bool ok = sent.ok() && recorder_.flush().ok();
  _exit(ok ? 0 : static_cast<int>(ErrorKind::kRunFailed));
}

void LiveSession::leave_after(const Status& failure, VirtualTime now) {
  console_.flush();
  if (writer_ != nullptr) {
    // Seals what is there; a second failure adds nothing to the first.
    [[maybe_unused]] const Status sealed = writer_->finish(now, EndReason::kAborted);
  }
  const std::string& text = failure.error().message;
  const ByteView payload{reinterpret_cast<const uint8_t*>(text.data()), std::min<size_t>(text.size(), kMaxMessagePayload)};
  if (recorder_.send({.type = MessageType::kFailed, .at = now}, payload).ok()) {
    [[maybe_unused]] const Status told = recorder_.flush();
  }
  _exit(static_cast<int>(ErrorKind::kRunFailed));
}

VirtualTime LiveSession::wake(VirtualTime now, StoppedGuest& guest) {
  deliver_due(now, guest);
  type_due(now, guest);
  while (now >= deadline_) {
    if (now >= finish_at_) {
      guest_ended(finish_at_, EndReason::kUntil);
    }
    await_next_deadline(now, guest);
    deliver_due(now, guest);
    type_due(now, guest);
  }
  return std::min(deadline_, next_input());
}

VirtualTime LiveSession::next_typing() const {
  return typed_.empty() ? VirtualTime::never() : std::max(typed_.front().at, type_again_at_);
}

VirtualTime LiveSession::next_input() const {
  return inbox_.empty() ? next_typing() : std::min(inbox_.front().at, next_typing());
}

size_t LiveSession::typed_waiting() const {
  size_t bytes = 0;
  for (const Message& message : typed_) {
    bytes += message.payload.size();
  }
  return bytes - typed_done_;
}

/// What is recorded is each byte when the guest has it, not when it was typed: a replay needs no attempts.
void LiveSession::type_due(VirtualTime now, StoppedGuest& guest) {
  while (next_typing() <= now && now < finish_at_) {
    const std::vector<uint8_t>& bytes = typed_.front().payload;
    if (!guest.type(bytes[typed_done_])) {
      // A recorder may have granted any time.
      type_again_at_ = now > VirtualTime::never() - kTypeAgainAfter ? VirtualTime::never() : now + kTypeAgainAfter;
      return;
    }
    if (writer_ != nullptr) {
      writer_->append_console_input(now, bytes[typed_done_]);
    }
    if (++typed_done_ == bytes.size()) {
      typed_.pop_front();
      typed_done_ = 0;
    }
  }
}

void LiveSession::deliver_due(VirtualTime now, StoppedGuest& guest) {
  while (!inbox_.empty() && inbox_.front().at <= now && now < finish_at_) {
    const Message& frame = inbox_.front();
    if (writer_ != nullptr) {
      writer_->append_frame_received(now, GuestIndex{frame.guest}, SeqNo{frame.number}, static_cast<uint32_t>(frame.payload.size()));
    }
    guest.deliver(frame.payload);
    inbox_.pop_front();
  }
}

void LiveSession::await_next_deadline(VirtualTime now, StoppedGuest& guest) {
  if (writer_ != nullptr && !writer_->status().ok()) {
    leave_after(writer_->status(), now);
  }
  const VirtualTime idle_until = std::min(guest.idle_until(), next_input());
  Status status = show_printed();
  if (status.ok()) {
    status = recorder_.send({.type = MessageType::kAtDeadline, .number = typed_waiting(), .at = now, .until = idle_until});
  }
  if (status.ok()) {
    status = recorder_.flush();
  }
  while (status.ok()) {
    Message message;
    status = recorder_.receive(message);
    if (!status.ok()) {
      break;
    }
    if (const char* lie = lie_of(message); lie != nullptr) {
      status = Error{ErrorKind::kRunFailed, lie};
      break;
    }
    if (message.type == MessageType::kDeliver) {
      inbox_.push_back(std::move(message));
      continue;
    }
    if (message.type == MessageType::kType) {
      typed_.push_back(std::move(message));
      continue;
    }
    if (message.type == MessageType::kFinish) {
      // A busy guest may stand a little after its deadline (see kFinish). What it did until now is recorded, and what it does at this very
      // instant will be: the first end that leaves nothing out is the next nanosecond.
      finish_at_ = std::max(message.at, now + Duration{1});
      deadline_ = finish_at_;
    } else {
      deadline_ = message.at;
    }
    return;
  }
  leave_after(status, now);
}

/// What is wrong with a message of the recorder; null when nothing is. The stream that we write must not depend on its being right.
const char* LiveSession::lie_of(const Message& message) const {
  switch (message.type) {
    case MessageType::kDeliver:
      return message.payload.empty() || message.guest >= kMaxGuests         ? "the recorder delivered a frame that nobody can have sent"
             : message.at < (inbox_.empty() ? deadline_ : inbox_.back().at) ? "the recorder delivered a frame out of order"
                                                                            : nullptr;
    case MessageType::kType:
      return message.payload.empty()                                        ? "the recorder typed nothing"
             : message.payload.size() + typed_waiting() > kMostTypedWaiting ? "the recorder typed more than may wait"
             : message.at < (typed_.empty() ? deadline_ : typed_.back().at) ? "the recorder typed in the past"
                                                                            : nullptr;
    case MessageType::kGrant:
      return message.at > deadline_ ? nullptr : "the recorder granted a time that is over";
    case MessageType::kFinish:
      return message.at > deadline_ ? nullptr : "the recorder ended the run in the past";
    default:
      return "the recorder sent a message that only a guest may send";
  }
}

}  // namespace reprise
