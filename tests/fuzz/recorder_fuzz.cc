// A hostile recorder at the guest's end of the protocol: whatever it sends, the session delivers and records in order of time, and leaves.
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <memory>

#include "qemu_hooks/live_session.h"
#include "tests/fuzz/script.h"
#include "trace_format/limits.h"

namespace reprise {
namespace {

constexpr int kMostWakes = 200;

/// Thrown where the process would end.
struct Left {
  int code;
};

/// Checks what a real writer requires of its caller.
class StrictWriter final : public StreamWriter {
 public:
  void append_clock_read(VirtualTime at, ClockSource /*source*/, uint64_t /*value*/) override { append(at); }
  void append_frame_sent(VirtualTime at, ByteView payload) override {
    CHECK(!payload.empty() && payload.size() <= kMaxFrameBytes);
    append(at);
  }
  void append_frame_received(VirtualTime at, GuestIndex sender, SeqNo /*sender_frame*/, uint32_t size_bytes) override {
    CHECK(size_bytes > 0 && size_bytes <= kMaxFrameBytes && sender.value < kMaxGuests);
    append(at);
  }
  void append_console_byte(VirtualTime at, uint8_t /*byte*/) override { append(at); }
  void append_console_input(VirtualTime at, uint8_t /*byte*/) override { append(at); }
  void append_network(const NetworkEvent& /*event*/) override { CHECK(!"network event in a guest's stream"); }
  [[nodiscard]] Status status() const override { return {}; }
  [[nodiscard]] Status finish(VirtualTime at, EndReason /*reason*/) override {
    append(at);
    finished_ = true;
    return {};
  }
  [[nodiscard]] uint64_t stalls() const override { return 0; }

 private:
  void append(VirtualTime at) {
    CHECK(!finished_ && at >= last_ && at.ns >= 0);
    last_ = at;
  }

  VirtualTime last_;
  bool finished_ = false;
};

class Nic final : public StoppedGuest {
 public:
  void deliver(ByteView frame) override { CHECK(!frame.empty() && frame.size() <= kMaxFrameBytes); }
  /// No room each third time.
  [[nodiscard]] bool type(uint8_t /*byte*/) override { return ++typed_ % 3 != 0; }
  [[nodiscard]] VirtualTime idle_until() const override { return VirtualTime::never(); }

 private:
  int typed_ = 0;
};

/// What QEMU's virtual clock does with a session, until the session leaves. `step`: time moves in steps of so much, as with icount-shift,
/// so that the guest wakes a little late.
void live(LiveSession& session, int64_t step) {
  Nic nic;
  VirtualTime now;
  for (int i = 0; i < kMostWakes; ++i) {
    VirtualTime next = session.wake(now, nic);
    CHECK(next > now);
    if (next == VirtualTime::never()) {
      return;
    }
    if (const int64_t over = next.ns % step; over != 0 && next < VirtualTime::never() - Duration{step}) {
      next = next + Duration{step - over};
    }
    const std::array<uint8_t, 60> frame{};
    session.clock_read(now, ClockSource::kTsc, 0);
    session.console_byte(now, 'x');
    session.frame_sent(now, frame);
    now = next;
  }
}

/// The recorder's messages: well-formed ones, so that the input need not guess lengths, and bytes.
void talk(fuzz::Script& script, GuestChannel& recorder) {
  // The session does not read meanwhile: not more than a socket takes.
  for (int i = 0; i < 100 && !script.at_end(); ++i) {
    const auto type = script.take<uint8_t>();
    if (type == 0xff) {
      const ByteView bytes = script.take_bytes(script.take<uint8_t>());
      [[maybe_unused]] const ssize_t sent = send(recorder.fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      continue;
    }
    const Message message{.type = static_cast<MessageType>(type % 12),
                          .guest = script.take<uint16_t>(),
                          .number = script.take<uint8_t>(),
                          .at = {type < 128 ? script.take<int16_t>() : script.take<int64_t>()},
                          .until = {},
                          .payload = {}};
    [[maybe_unused]] const bool sent = recorder.send(message, script.take_bytes(script.take<uint8_t>())).ok() && recorder.flush().ok();
  }
  shutdown(recorder.fd(), SHUT_WR);
}

}  // namespace
}  // namespace reprise

extern "C" void __wrap__exit(int code) {
  throw reprise::Left{code};
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace reprise;
  std::array<int, 2> ends{};
  CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
  GuestChannel recorder(ends[0]);
  LiveSession session(GuestChannel(ends[1]), std::make_unique<StrictWriter>(), ConsoleLog());
  try {
    CHECK(session.introduce("build id").ok());
    fuzz::Script script(data, size);
    talk(script, recorder);
    live(session, int64_t{1} << (size % 8));
  } catch (const Left& left) {
    CHECK(left.code == 0 || left.code == static_cast<int>(ErrorKind::kRunFailed));
  }
  return 0;
}
