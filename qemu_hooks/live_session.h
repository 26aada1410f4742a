// A guest that is being recorded: the recorder is at the other end.
#pragma once

#include <deque>
#include <memory>

#include "qemu_hooks/console_log.h"
#include "qemu_hooks/session.h"
#include "recorder/guest_protocol.h"
#include "trace_format/trace_writer.h"

namespace reprise {

class LiveSession final : public GuestSession {
 public:
  /// `writer` may be null: the same coupling without recording. `show_console`: what the console prints goes to the recorder too.
  LiveSession(GuestChannel recorder, std::unique_ptr<StreamWriter> writer, ConsoleLog console, bool show_console = false);

  /// How long what the console had no room for waits for the next attempt.
  static constexpr Duration kTypeAgainAfter{1'000'000};

  /// Says hello. Failing means that the recorder is gone.
  [[nodiscard]] Status introduce(const std::string& qemu_build_id);

  void clock_read(VirtualTime at, ClockSource source, uint64_t value) override;
  void frame_sent(VirtualTime at, ByteView frame) override;
  void console_byte(VirtualTime at, uint8_t byte) override;
  [[noreturn]] void guest_ended(VirtualTime at, EndReason reason) override;
  [[nodiscard]] VirtualTime wake(VirtualTime now, StoppedGuest& guest) override;

 private:
  void deliver_due(VirtualTime now, StoppedGuest& guest);
  void type_due(VirtualTime now, StoppedGuest& guest);
  [[nodiscard]] VirtualTime next_typing() const;
  [[nodiscard]] VirtualTime next_input() const;
  [[nodiscard]] size_t typed_waiting() const;
  [[nodiscard]] Status show_printed();
  void await_next_deadline(VirtualTime now, StoppedGuest& guest);
  [[nodiscard]] const char* lie_of(const Message& message) const;
  [[noreturn]] void leave_after(const Status& failure, VirtualTime now);

  GuestChannel recorder_;
  std::unique_ptr<StreamWriter> writer_;
  ConsoleLog console_;
  std::deque<Message> inbox_;  // deliveries in order of time
  std::deque<Message> typed_;  // the same of console input
  size_t typed_done_ = 0;      // bytes of the first that the guest has
  VirtualTime type_again_at_;
  bool show_console_;
  std::vector<uint8_t> printed_;  // since the recorder was told
  VirtualTime deadline_;
  VirtualTime finish_at_ = VirtualTime::never();  // nothing at or after it belongs to the run
  uint64_t frames_sent_ = 0;
};

}  // namespace reprise
