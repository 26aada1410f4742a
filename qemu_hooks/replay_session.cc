#include "qemu_hooks/replay_session.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

#include "replayer/verdict.h"

namespace reprise {

ReplaySession::ReplaySession(std::unique_ptr<TraceReader> reader, std::unique_ptr<Verifier> verifier, int verdict_fd, ConsoleLog console)
    : reader_(std::move(reader)), verifier_(std::move(verifier)), verdict_fd_(verdict_fd), console_(std::move(console)) {
  // A guest that was stopped at an instant did nothing at it any more. One that was killed did, and its last event ends the replay; one
  // that ended by itself has to do so again. Of both, what is not there one nanosecond later is overdue.
  const bool stopped = verifier_->stops_at_end() && verifier_->end_reason() != EndReason::kAborted;
  stop_at_ = stopped ? verifier_->end() : verifier_->end() + Duration{1};
}

Result<std::unique_ptr<GuestSession>> ReplaySession::create(const std::string& trace, GuestIndex guest, int verdict_fd, ConsoleLog console,
                                                            const std::vector<std::string>& identities) {
  ASSIGN_OR_RETURN(const std::vector<AgeIdentity> keys,
                   load_age_identities(std::vector<std::filesystem::path>(identities.begin(), identities.end())));
  ASSIGN_OR_RETURN(auto reader, TraceReader::open(trace, keys));
  if (guest.value >= reader->run().guests.size()) {
    return Error{ErrorKind::kUsage, "plugin option 'guest' names a guest that the trace does not have"};
  }
  ASSIGN_OR_RETURN(auto verifier, Verifier::create(*reader, guest));
  return std::unique_ptr<GuestSession>(new ReplaySession(std::move(reader), std::move(verifier), verdict_fd, std::move(console)));
}

void ReplaySession::go_on_if(bool as_recorded, VirtualTime at) {
  if (!as_recorded || (verifier_->at_open_end() && verifier_->end_reason() == EndReason::kAborted)) {
    leave(at);
  }
}

void ReplaySession::clock_read(VirtualTime at, ClockSource source, uint64_t value) {
  // As in a recording, nothing at or after the run's stop belongs to it.
  if (verifier_->stops_at_end() && at >= stop_at_) {
    return;
  }
  go_on_if(verifier_->clock_read(at, source, value), at);
}

void ReplaySession::frame_sent(VirtualTime at, ByteView frame) {
  if (!(verifier_->stops_at_end() && at >= stop_at_) && !frame.empty() && frame.size() <= 65535) {
    go_on_if(verifier_->frame_sent(at, frame), at);
  }
}

void ReplaySession::console_byte(VirtualTime at, uint8_t byte) {
  if (verifier_->stops_at_end() && at >= stop_at_) {
    return;
  }
  console_.append(byte);
  go_on_if(verifier_->console_byte(at, byte), at);
}

void ReplaySession::guest_ended(VirtualTime at, EndReason reason) {
  [[maybe_unused]] const bool as_recorded = verifier_->ended(at, reason);
  leave(at);
}

VirtualTime ReplaySession::wake(VirtualTime now, StoppedGuest& guest) {
  while (verifier_->next_input() <= now) {
    Verifier::Input input;
    const bool as_recorded = verifier_->take_input(now, input);
    // Before the guest has it: at the open end of a killed run's trace it is the last that is known.
    go_on_if(as_recorded, now);
    if (!input.frame.empty()) {
      guest.deliver(input.frame);
    } else if (!guest.type(input.byte)) {
      go_on_if(verifier_->console_refused(now), now);
    }
  }
  if (now >= stop_at_) {
    // Either the recording was stopped here, or the guest should have come to its end by itself.
    guest_ended(verifier_->stops_at_end() ? verifier_->end() : now,
                verifier_->stops_at_end() ? verifier_->end_reason() : EndReason::kUntil);
  }
  return std::min(verifier_->next_input(), stop_at_);
}

void ReplaySession::leave(VirtualTime reached) {
  console_.flush();
  const std::string text = verdict_to_json(
      {.reached = reached, .counts = verifier_->counts(), .mismatch = verifier_->mismatch(), .error = verifier_->trace_error()});
  size_t sent = 0;
  while (sent < text.size()) {
    const ssize_t n = send(verdict_fd_, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
    if (n <= 0) {
      break;  // the replayer is gone: nobody is left to tell
    }
    sent += static_cast<size_t>(n);
  }
  _exit(0);
}

}  // namespace reprise
