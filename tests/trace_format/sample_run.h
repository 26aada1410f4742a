// Runs that no guest made: seeded scripts of events, written as traces and read back.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/temporary_folder.h"
#include "trace_format/event.h"
#include "trace_format/run_info.h"
#include "trace_format/status.h"
#include "trace_format/trace_reader.h"
#include "trace_format/trace_writer.h"

namespace reprise::testing {

/// One guest event that owns its payload. Everything that a cursor gives is in it, sequences too.
struct ScriptEvent {
  EventKind kind = EventKind::kEnd;
  ClockSource source = ClockSource::kTsc;
  EndReason reason = EndReason::kAborted;
  uint8_t byte = 0;
  int64_t at = 0;
  uint64_t value = 0;
  uint32_t sender = 0;
  uint64_t sender_frame = 0;
  std::vector<uint8_t> payload;
  uint64_t sequence = 0;
  bool operator==(const ScriptEvent&) const = default;
};
std::ostream& operator<<(std::ostream& out, const ScriptEvent& event);

struct Script {
  RunInfo run;
  std::vector<std::vector<ScriptEvent>> guests;  ///< each ends with kEnd
  std::vector<NetworkEvent> network;
};

/// `events` events of all kinds over three guests in an order drawn from `seed`, then each guest's end. The same everywhere.
[[nodiscard]] Script random_script(uint64_t seed, int events);
/// The same run, but every second console byte of the first two guests was typed.
[[nodiscard]] Script typed_script(uint64_t seed, int events);
/// A few events of every kind, for tests that damage each byte.
[[nodiscard]] Script small_script();

/// Streams of many chunks from a few thousand bytes of events.
inline constexpr StreamOptions kSmallChunks{.seal_bytes = 1024};

void append(StreamWriter& writer, const ScriptEvent& event);
/// Writes the streams of `script` into `directory`, finished. Fails the test on an error.
void write_streams(const Script& script, const std::filesystem::path& directory, const StreamOptions& options = kSmallChunks);
/// Writes `script` to `output` by way of a folder beside it. Fails the test on an error.
void write_trace(const Script& script, const std::filesystem::path& output);

/// The events of the whole run's network whose frames are among those that `part` has.
[[nodiscard]] std::vector<NetworkEvent> network_of_kept_frames(const Script& whole, const Script& part);
/// Equal but for their numbers.
[[nodiscard]] bool same_network(const std::vector<NetworkEvent>& left, const std::vector<NetworkEvent>& right);

/// All that `cursor` still gives.
[[nodiscard]] Result<std::vector<ScriptEvent>> read_all(GuestCursor& cursor);
/// Opens `path` and reads everything through the cursors.
[[nodiscard]] Result<Script> read_script(const std::filesystem::path& path);

[[nodiscard]] std::vector<uint8_t> file_bytes(const std::filesystem::path& path);
void write_bytes(const std::filesystem::path& path, const std::vector<uint8_t>& bytes);

/// For ASSERT_TRUE(ok(status)): prints the message.
[[nodiscard]] bool ok(const Status& status);
/// verify_trace() finds nothing wrong; prints the message otherwise.
[[nodiscard]] bool verified(const std::filesystem::path& path);

}  // namespace reprise::testing
