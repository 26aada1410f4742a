// A guest that is being replayed: the trace is at the other end.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "qemu_hooks/console_log.h"
#include "qemu_hooks/session.h"
#include "replayer/verifier.h"
#include "trace_format/trace_reader.h"

namespace reprise {

/// Feeds the guest the recorded frames and console input at their recorded times and verifies all that it does. At the first difference, or
/// at the end, writes a verdict (replayer/verdict.h) to the replayer and leaves the process.
class ReplaySession final : public GuestSession {
 public:
  /// `identities` are files with keys for an encrypted trace, `verdict_fd` is the inherited socket. Errors as TraceReader::open and
  /// load_age_identities.
  [[nodiscard]] static Result<std::unique_ptr<GuestSession>> create(const std::string& trace, GuestIndex guest, int verdict_fd,
                                                                    ConsoleLog console, const std::vector<std::string>& identities = {});

  void clock_read(VirtualTime at, ClockSource source, uint64_t value) override;
  void frame_sent(VirtualTime at, ByteView frame) override;
  void console_byte(VirtualTime at, uint8_t byte) override;
  [[noreturn]] void guest_ended(VirtualTime at, EndReason reason) override;
  [[nodiscard]] VirtualTime wake(VirtualTime now, StoppedGuest& guest) override;

 private:
  ReplaySession(std::unique_ptr<TraceReader> reader, std::unique_ptr<Verifier> verifier, int verdict_fd, ConsoleLog console);
  /// Ends the process when `as_recorded` is false, or when a recovered trace has nothing more to compare.
  void go_on_if(bool as_recorded, VirtualTime at);
  [[noreturn]] void leave(VirtualTime reached);

  std::unique_ptr<TraceReader> reader_;
  std::unique_ptr<Verifier> verifier_;
  int verdict_fd_;
  ConsoleLog console_;
  VirtualTime stop_at_;  // when to look whether the guest should be at its end
};

}  // namespace reprise
