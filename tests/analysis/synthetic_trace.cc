#include "tests/analysis/synthetic_trace.h"

#include <cstdio>
#include <cstdlib>
#include <string>
#include <system_error>
#include <utility>

#include "trace_format/status.h"
#include "trace_format/trace_writer.h"

namespace reprise::testing {
namespace {

/// Streams of many chunks from a few hundred bytes of events.
constexpr StreamOptions kSmallChunks{.seal_bytes = 512};

void require(const Status& status) {
  if (!status.ok()) {
    std::fprintf(stderr, "synthetic trace: %s\n", status.error().message.c_str());
    std::abort();
  }
}

template <typename T>
T require(Result<T> result) {
  require(result.ok() ? Status() : Status(result.error()));
  return std::move(result).value();
}

void write_guest(const Script& script, size_t guest, const std::filesystem::path& folder) {
  const std::unique_ptr<StreamWriter> stream =
      require(create_stream(folder, StreamId::guest(GuestIndex{static_cast<uint32_t>(guest)}), kSmallChunks));
  for (const ScriptEvent& event : script.guests[guest]) {
    const VirtualTime at{event.at};
    switch (event.kind) {
      case EventKind::kClockRead:
        stream->append_clock_read(at, event.source, event.value);
        break;
      case EventKind::kFrameSent:
        stream->append_frame_sent(at, event.payload);
        break;
      case EventKind::kFrameReceived: {
        size_t bytes = 1;
        uint64_t number = 0;
        for (const ScriptEvent& other : script.guests.at(event.sender)) {
          if (other.kind == EventKind::kFrameSent && number++ == event.sender_frame) {
            bytes = other.payload.size();
          }
        }
        stream->append_frame_received(at, GuestIndex{event.sender}, SeqNo{event.sender_frame}, static_cast<uint32_t>(bytes));
        break;
      }
      case EventKind::kConsoleByte:
        stream->append_console_byte(at, event.byte);
        break;
      case EventKind::kConsoleInput:
        stream->append_console_input(at, event.byte);
        break;
      case EventKind::kEnd:
        require(stream->finish(at, event.reason));
        return;
    }
  }
  std::fprintf(stderr, "synthetic trace: guest %zu has no end\n", guest);
  std::abort();
}

}  // namespace

ScriptEvent clock_read(int64_t at, ClockSource source, uint64_t value) {
  ScriptEvent event;
  event.at = at;
  event.source = source;
  event.value = value;
  return event;
}

ScriptEvent console(int64_t at, char byte) {
  ScriptEvent event;
  event.kind = EventKind::kConsoleByte;
  event.at = at;
  event.byte = static_cast<uint8_t>(byte);
  return event;
}

ScriptEvent typed(int64_t at, char byte) {
  ScriptEvent event = console(at, byte);
  event.kind = EventKind::kConsoleInput;
  return event;
}

ScriptEvent end(int64_t at, EndReason reason) {
  ScriptEvent event;
  event.kind = EventKind::kEnd;
  event.at = at;
  event.reason = reason;
  return event;
}

ScriptEvent sent(int64_t at, std::vector<uint8_t> payload) {
  ScriptEvent event;
  event.kind = EventKind::kFrameSent;
  event.at = at;
  event.payload = std::move(payload);
  return event;
}

ScriptEvent received(int64_t at, uint32_t sender, uint64_t sender_frame) {
  ScriptEvent event;
  event.kind = EventKind::kFrameReceived;
  event.at = at;
  event.sender = sender;
  event.sender_frame = sender_frame;
  return event;
}

NetworkEvent delivered(int64_t at, int64_t sent_at, uint32_t sender, uint64_t sender_frame, uint32_t receiver) {
  NetworkEvent event;
  event.at = VirtualTime{at};
  event.sent_at = VirtualTime{sent_at};
  event.sender = GuestIndex{sender};
  event.sender_frame = SeqNo{sender_frame};
  event.receiver = GuestIndex{receiver};
  return event;
}

NetworkEvent dropped(int64_t sent_at, uint32_t sender, uint64_t sender_frame, uint32_t receiver, DropReason reason) {
  NetworkEvent event = delivered(sent_at, sent_at, sender, sender_frame, receiver);
  event.kind = NetworkEvent::Kind::kDropped;
  event.reason = reason;
  return event;
}

std::vector<uint8_t> ethernet_frame(uint8_t from, uint8_t to, size_t bytes, uint8_t fill) {
  std::vector<uint8_t> frame = {0x52, 0x54, 0, 0, 0, to, 0x52, 0x54, 0, 0, 0, from, 0x08, 0x00};
  frame.resize(bytes, fill);
  return frame;
}

void Script::add_guest(const std::string& name, std::vector<ScriptEvent> events) {
  GuestInfo guest;
  guest.name = name;
  guest.host = "node-" + std::to_string(guests.size());
  guest.address = "10.0.0." + std::to_string(guests.size() + 1) + "/24";
  guest.mac = "52:54:00:00:00:0" + std::to_string(guests.size() + 1);
  guest.nic = "e1000";
  guest.qemu_version = "QEMU emulator version 10.0.2";
  guest.qemu_build_id = "00ff";
  guest.command_line = {"-m", "128M", "-append", "console=ttyS0 quiet", "-kernel", "${kernel}"};
  guest.images = {{"kernel", "/boot/vmlinux", std::string(64, 'a'), 1234}};
  run.guests.push_back(std::move(guest));
  guests.push_back(std::move(events));
}

Script ping_script() {
  Script script;
  script.run.reprise_version = "0.1.0";
  script.run.simgrid_version = "3.32";
  script.run.simgrid_options = {"--cfg=network/model:CM02"};
  script.run.platform_xml = "<platform/>";
  script.run.deployment_xml = "<deployment/>";
  script.run.seed = 7;
  script.run.lookahead = Duration{9'999};
  script.add_guest("alice", {clock_read(100, ClockSource::kTsc, 100), clock_read(200, ClockSource::kHpet, 20), console(300, 'A'),
                             sent(1000, ethernet_frame(1, 2, 60, 0x11)), clock_read(1100, ClockSource::kTsc, 1100),
                             sent(2000, ethernet_frame(1, 2, 98, 0x22)), received(23'000, 1, 0),
                             clock_read(23'100, ClockSource::kTsc, 23'100), console(24'000, '\n'), end(30'000, EndReason::kPowerOff)});
  script.add_guest(
      "bob", {clock_read(150, ClockSource::kPit, 65'535), received(11'000, 0, 0), clock_read(11'050, ClockSource::kTsc, 11'050),
              received(12'000, 0, 1), sent(13'000, ethernet_frame(2, 1, 60, 0x33)), console(13'100, 'B'), end(40'000, EndReason::kUntil)});
  script.network = {delivered(11'000, 1000, 0, 0, 1), delivered(12'000, 2000, 0, 1, 1), delivered(23'000, 13'000, 1, 0, 0)};
  return script;
}

void write_streams(const Script& script, const std::filesystem::path& folder) {
  require(save_run_info(folder, script.run));
  for (size_t guest = 0; guest < script.guests.size(); ++guest) {
    write_guest(script, guest, folder);
  }
  const std::unique_ptr<StreamWriter> network = require(create_stream(folder, StreamId::network(), kSmallChunks));
  for (const NetworkEvent& event : script.network) {
    network->append_network(event);
  }
  require(network->finish(VirtualTime{}, EndReason::kPowerOff));
}

void write_trace(const Script& script, const std::filesystem::path& path) {
  std::filesystem::path folder = path;
  folder += ".partial";
  std::filesystem::create_directory(folder);
  write_streams(script, folder);
  require(join_streams(folder, script.run, path));
}

std::unique_ptr<TraceReader> make_trace(const Script& script, const std::filesystem::path& path) {
  write_trace(script, path);
  return require(TraceReader::open(path));
}

}  // namespace reprise::testing
