// What the recorder and a guest say to each other over the socket that the guest inherits.
//
// The guest runs to its deadline, then sends what it did and blocks; the recorder answers with deliveries and the next deadline:
//
//   guest:    hello                      frame* at-deadline          frame* ended
//   recorder:        deliver* grant                      deliver* grant
//
// Console input comes among the deliveries, in an order of its own; console output, if it was asked for, before at-deadline or ended.
//
// With icount-shift N a guest's time moves in steps of 2^N ns: it stops at the first step that is not before its deadline. The next
// deadline may lie between the two.
//
// A message is a fixed header in host order (both ends are one machine) and a payload. Either end treats the other as hostile: unknown
// types and lengths over the limit end the session.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "trace_format/event.h"
#include "trace_format/ids.h"
#include "trace_format/status.h"

namespace reprise {

enum class MessageType : uint32_t {
  kHello = 1,       ///< guest: `payload` is its QEMU's build id
  kFrame = 2,       ///< guest: sent frame `number` at `at`; `payload` is the frame
  kAtDeadline = 3,  ///< guest: stopped at `at`, sends nothing before `until` unless something arrives; `number` bytes typed wait yet
  kEnded = 4,       ///< guest: ended at `at`, `number` is the EndReason; its stream is complete
  kFailed = 5,      ///< guest: cannot go on; `payload` is the message
  kDeliver = 6,     ///< recorder: frame `number` of guest `guest` arrives at `at`; `payload` is the frame
  kGrant = 7,       ///< recorder: run to `at`
  kFinish = 8,      ///< recorder: run to `at` and end there; who stopped at or after `at` (see above): to 1 ns after where it stopped
  kType = 9,        ///< recorder: `payload` is typed at the guest's console, not before `at`
  kPrinted = 10,    ///< guest: `payload` is what its console printed since the last of these
};
inline constexpr MessageType kLastMessageType = MessageType::kPrinted;

/// What was typed and waits in a guest's session at a time, in bytes: its UART takes 16 at a time, and perhaps none.
inline constexpr size_t kMostTypedWaiting = 4096;

struct Message {
  MessageType type = MessageType::kHello;
  uint32_t guest = 0;
  uint64_t number = 0;
  VirtualTime at;
  VirtualTime until;
  std::vector<uint8_t> payload;  ///< at most kMaxMessagePayload bytes
};

inline constexpr uint32_t kMaxMessagePayload = 65535;

/// One end of the connection. Blocking; not for use by two threads at a time.
class GuestChannel {
 public:
  /// Takes over `fd`.
  explicit GuestChannel(int fd) : fd_(fd) {}
  ~GuestChannel();
  GuestChannel(GuestChannel&& other) noexcept;
  GuestChannel& operator=(GuestChannel&&) = delete;
  GuestChannel(const GuestChannel&) = delete;
  GuestChannel& operator=(const GuestChannel&) = delete;

  /// Buffers `message`; flush() sends what is buffered. Buffers above 1 MiB are sent at once.
  [[nodiscard]] Status send(const Message& message, ByteView payload = {});
  [[nodiscard]] Status flush();
  /// From now on, `held_up` is asked each time that the other end has read nothing for `patience`; an error of it ends the attempt, and is
  /// what send() or flush() returns.
  void on_unread(std::chrono::milliseconds patience, std::function<Status()> held_up);
  /// Blocks for the next message. kRunFailed when the other end is gone or not understood.
  [[nodiscard]] Status receive(Message& message);

  /// For who must not be held up by the other end: takes in what has arrived, at most 64 KiB, without waiting; nothing is no error.
  /// kRunFailed when the other end is gone.
  [[nodiscard]] Status take_arrived();
  /// The next whole message that was taken in: true, or false when there is none. kRunFailed when it is not understood.
  [[nodiscard]] Result<bool> next(Message& message);
  [[nodiscard]] int fd() const { return fd_; }

 private:
  [[nodiscard]] Status take(int flags);

  int fd_;
  std::function<Status()> held_up_;  ///< may be empty: wait for ever
  std::vector<uint8_t> out_;
  std::vector<uint8_t> in_;
  size_t in_begin_ = 0;
};

}  // namespace reprise
