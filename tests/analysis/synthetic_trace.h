// Traces without guests: a list of events, written by the real writer.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "tests/temporary_folder.h"
#include "trace_format/event.h"
#include "trace_format/run_info.h"
#include "trace_format/trace_reader.h"

namespace reprise::testing {

/// One event, with the fields of its kind.
struct ScriptEvent {
  EventKind kind = EventKind::kClockRead;
  int64_t at = 0;
  ClockSource source = ClockSource::kTsc;
  uint64_t value = 0;
  uint8_t byte = 0;
  EndReason reason = EndReason::kPowerOff;
  std::vector<uint8_t> payload;  ///< kFrameSent
  uint32_t sender = 0;           ///< kFrameReceived
  uint64_t sender_frame = 0;
};

ScriptEvent clock_read(int64_t at, ClockSource source, uint64_t value);
ScriptEvent console(int64_t at, char byte);
ScriptEvent typed(int64_t at, char byte);
ScriptEvent end(int64_t at, EndReason reason);
ScriptEvent sent(int64_t at, std::vector<uint8_t> payload);
ScriptEvent received(int64_t at, uint32_t sender, uint64_t sender_frame);
NetworkEvent delivered(int64_t at, int64_t sent_at, uint32_t sender, uint64_t sender_frame, uint32_t receiver);
NetworkEvent dropped(int64_t sent_at, uint32_t sender, uint64_t sender_frame, uint32_t receiver, DropReason reason);

/// An Ethernet frame from guest `from` to guest `to` (MACs 52:54:00:00:00:NN), EtherType 0x0800, filled with `fill`.
std::vector<uint8_t> ethernet_frame(uint8_t from, uint8_t to, size_t bytes, uint8_t fill);

/// A run as a test can alter it. Every guest's events end with an end().
struct Script {
  RunInfo run;
  std::vector<std::vector<ScriptEvent>> guests;
  std::vector<NetworkEvent> network;

  void add_guest(const std::string& name, std::vector<ScriptEvent> events);
};

/// alice and bob: alice sends two frames, bob receives both and answers one; clocks and consoles in between.
Script ping_script();

/// Writes the streams of `script` into `folder`, as a run leaves them before they are joined; aborts when the writer fails.
void write_streams(const Script& script, const std::filesystem::path& folder);

/// Writes `script` as the trace `path`; aborts when the writer fails.
void write_trace(const Script& script, const std::filesystem::path& path);

/// Writes and opens.
std::unique_ptr<TraceReader> make_trace(const Script& script, const std::filesystem::path& path);

}  // namespace reprise::testing
