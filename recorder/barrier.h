// The meeting point of all guests: nobody runs past the horizon, and everything that they did before it is put into one order.
#pragma once

#include <poll.h>

#include <chrono>
#include <ctime>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "recorder/console_server.h"
#include "recorder/guest_protocol.h"
#include "recorder/held_up.h"
#include "recorder/network_model.h"
#include "recorder/pacing.h"
#include "trace_format/trace_writer.h"

namespace reprise {

/// Drives the guests over their channels. An idle guest that nothing can reach before the horizon is not woken at all: it stays blocked
/// where it stopped, so that idle time costs neither side anything.
///
/// Believes no guest: what one says is checked against the time, against what it said before and against what it was told, and the first
/// lie ends the run with the guest's name. So whatever reaches the network from here keeps the promises of network_model.h.
class Barrier final : public Participants {
 public:
  struct Options {
    VirtualTime until = VirtualTime::never();
    StreamWriter* network_stream = nullptr;  ///< null: record nothing
    int interrupt_fd = -1;                   ///< readable: stop the run
    std::function<void(VirtualTime)> progress;
    /// Asked after each quantum, may be empty. Once it says true, the next quantum is the last, as if its horizon were `until`.
    std::function<bool(VirtualTime)> wants_end;
    uint64_t max_held_bytes = kMaxHeldBytes;
    std::optional<Pacing> pacing = {};  ///< nothing: as fast as it goes
    ConsoleServer* consoles = nullptr;  ///< null: nobody types
    Duration lookahead = {};            ///< of the network; for what is typed
    /// By guest, may be shorter: who does not keep the run going. When all others have ended, the next quantum is the last.
    std::vector<bool> companions = {};
    /// Called when nobody has been heard for `patience` of host time, and again whenever that has doubled; may be empty.
    std::function<void(const HeldUp&)> held_up = {};
    std::chrono::milliseconds patience{10'000};
  };
  /// What one guest may send in a quantum, headers included: a flood must end the guest, not our machine.
  static constexpr uint64_t kMaxHeldBytes = uint64_t{1} << 30;

  struct End {
    VirtualTime at;
    EndReason reason = EndReason::kAborted;
  };

  Barrier(std::vector<GuestChannel> guests, std::vector<std::string> names, Options options);

  /// Waits until every guest has booted its plugin and stands at virtual time 0.
  [[nodiscard]] Status meet();

  [[nodiscard]] Result<Advance> run_until(VirtualTime horizon, const std::vector<Delivery>& deliveries) override;
  void on_network_event(const NetworkEvent& event) override;

  /// Hangs up: guests seal what they have and end. After a failure.
  void dismiss() { guests_.clear(); }

  /// The guest whose connection broke, after a failure that was a guest's.
  [[nodiscard]] std::optional<GuestIndex> broken_guest() const { return broken_guest_; }
  /// Valid once run_until() said finished.
  [[nodiscard]] const std::vector<End>& ends() const { return ends_; }
  [[nodiscard]] const NetworkStatistics& network_statistics() const { return network_statistics_; }
  [[nodiscard]] VirtualTime now() const { return now_; }
  /// True when `wants_end` ended the run: it stopped guests at now() that would have run on.
  [[nodiscard]] bool ended_by_wish() const;

 private:
  enum class State { kRunning, kStopped, kEnded };
  struct Guest {
    GuestChannel channel;
    State state = State::kRunning;
    VirtualTime stopped_at;
    VirtualTime idle_until;
    VirtualTime silent_until;  ///< nothing is sent before: idle_until, or the first delivery after that was said
    uint64_t frames = 0;
    VirtualTime last_frame;
    uint64_t held_bytes = 0;
    uint64_t typed_waiting = 0;  ///< bytes that were typed and that its console had no room for yet
    bool introduced = false;
  };

  Status release(GuestIndex index);
  Status wait_for_running();
  [[nodiscard]] HeldUp held_up_since(std::chrono::steady_clock::time_point begin) const;
  Status heed_interrupt();
  Status sent_to(GuestIndex index, const Status& status);
  Status wait_until_due(VirtualTime horizon);
  Status hand_over_typed(VirtualTime horizon, std::vector<bool>& wanted);
  Status take_printed(GuestIndex index, const Message& message);
  Result<bool> hear(State state, const timespec* timeout);
  Status read_from(GuestIndex index);
  Status handle(GuestIndex index, Message& message);
  Status take_frame(GuestIndex index, Message& message);
  Status take_stop(GuestIndex index, const Message& message);
  Status take_end(GuestIndex index, const Message& message);
  Advance collect(VirtualTime horizon);
  [[nodiscard]] bool is_companion(size_t guest) const { return guest < options_.companions.size() && options_.companions[guest]; }
  [[nodiscard]] bool only_companions_run() const;
  Error broken(GuestIndex index, const std::string& why);

  std::vector<Guest> guests_;
  std::vector<std::string> names_;
  Options options_;
  VirtualTime now_;
  VirtualTime horizon_;     // to which the guests were told to run
  bool finishing_ = false;  // and to end there
  bool end_wanted_ = false;
  std::vector<pollfd> polled_;   // reused by hear()
  std::vector<SentFrame> held_;  // sent, not yet handed to the network
  std::vector<Ended> ended_;     // since the last advance
  NetworkStatistics network_statistics_;
  std::vector<End> ends_;
  std::optional<GuestIndex> broken_guest_;
  bool interrupted_ = false;
};

}  // namespace reprise
