#include "tests/trace_format/sample_run.h"

#include "trace_format/verify.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <ostream>
#include <random>
#include <tuple>

namespace reprise::testing {
namespace {

namespace fs = std::filesystem;

RunInfo sample_run_info(size_t guests) {
  RunInfo run;
  run.reprise_version = "0.1.0";
  run.simgrid_version = "4.0";
  run.simgrid_options = {"--cfg=network/model:CM02", ""};
  run.platform_xml = "<?xml version='1.0'?>\n<platform version=\"4.1\"/>\n";
  run.deployment_xml = "<platform/>";
  run.seed = 42;
  run.lookahead = {99'999};
  run.until = {12'000'000'000};
  for (size_t i = 0; i < guests; ++i) {
    GuestInfo guest;
    guest.name = "guest" + std::to_string(i);
    guest.host = "node-" + std::to_string(i);
    guest.address = "10.0.0.1/24";
    guest.mac = "52:54:00:00:00:01";
    guest.nic = "e1000";
    guest.qemu_version = "QEMU emulator version 10.0.2";
    guest.qemu_build_id = "0123abcd";
    guest.command_line = {"-icount", "shift=0", "-kernel", "${kernel}"};
    guest.images = {{"kernel", "/boot/vmlinux", std::string(64, 'a'), 12345}};
    guest.icount_shift = static_cast<uint32_t>(i);
    run.guests.push_back(guest);
  }
  return run;
}

/// Draws a script event by event; each guest has its own time, as guests do between two deadlines.
class ScriptMaker {
 public:
  explicit ScriptMaker(uint64_t seed) : random_(seed) {
    script_.run = sample_run_info(kGuests);
    script_.guests.resize(kGuests);
  }

  Script make(int events) {
    for (int i = 0; i < events; ++i) {
      one_event(static_cast<uint32_t>(draw(kGuests)));
    }
    for (uint32_t g = 0; g < kGuests; ++g) {
      ScriptEvent& end = add(g, EventKind::kEnd, step());
      end.reason = static_cast<EndReason>(draw(5));
    }
    network();
    return std::move(script_);
  }

 private:
  static constexpr uint32_t kGuests = 3;

  uint64_t draw(uint64_t below) { return random_() % below; }

  int64_t step() {
    static constexpr int64_t kSteps[] = {0, 1, 40, 40, 40, 41, 1'000, 123'456, 300'000'000};
    // Long steps are rare, or each chunk would hold one event.
    return kSteps[draw(64) == 0 ? 8 : draw(8)];
  }

  ScriptEvent& add(uint32_t guest, EventKind kind, int64_t after) {
    auto& events = script_.guests[guest];
    ScriptEvent event;
    event.kind = kind;
    event.at = now_[guest] += after;
    if (kind == EventKind::kClockRead) {
      event.sequence = clock_[guest]++;
    } else if (kind == EventKind::kConsoleByte) {
      event.sequence = console_[guest]++;
    } else if (kind != EventKind::kEnd) {
      event.sequence = frame_[guest]++;
    }
    events.push_back(event);
    return events.back();
  }

  void one_event(uint32_t guest) {
    switch (draw(5)) {
      case 0:
        return clock_reads(guest);
      case 1: {
        ScriptEvent& event = add(guest, EventKind::kFrameSent, step());
        event.sender_frame = sent_[guest].size();
        event.payload.resize(draw(40) == 0 ? 60'000 + draw(5'536) : 1 + draw(200));
        std::generate(event.payload.begin(), event.payload.end(), [this] { return static_cast<uint8_t>(draw(7)); });
        sent_[guest].push_back(event.payload);
        sent_at_[guest].push_back(event.at);
        return;
      }
      case 2: {
        const auto sender = static_cast<uint32_t>(draw(kGuests));
        if (sent_[sender].empty()) {
          return;
        }
        const uint64_t frame = draw(sent_[sender].size());
        // After it was sent, or no run could have had it, and a cut through the run would leave it without its payload.
        ScriptEvent& event = add(guest, EventKind::kFrameReceived, std::max(step(), sent_at_[sender][frame] + 1 - now_[guest]));
        event.sender = sender;
        event.sender_frame = frame;
        event.payload = sent_[sender][event.sender_frame];
        return;
      }
      default: {
        const uint64_t n = 1 + draw(12);
        const int64_t between = step();
        for (uint64_t i = 0; i < n; ++i) {
          add(guest, EventKind::kConsoleByte, between).byte = static_cast<uint8_t>('a' + draw(26));
        }
      }
    }
  }

  void clock_reads(uint32_t guest) {
    const auto source = static_cast<ClockSource>(draw(3) == 0 ? draw(6) : 0);
    const uint64_t n = 1 + draw(50);
    const int64_t between = step();
    const uint64_t kind = draw(4);
    for (uint64_t i = 0; i < n; ++i) {
      ScriptEvent& event = add(guest, EventKind::kClockRead, between);
      event.source = source;
      const auto ns = static_cast<uint64_t>(event.at);
      event.value = kind == 0 ? random_() : kind == 1 ? ns / 10 : kind == 2 ? ns + 7 : ns;
    }
  }

  void network() {
    for (uint32_t sender = 0; sender < kGuests; ++sender) {
      for (uint64_t frame = 0; frame < sent_[sender].size(); ++frame) {
        NetworkEvent event;
        event.kind = draw(4) == 0 ? NetworkEvent::Kind::kDropped : NetworkEvent::Kind::kDelivered;
        event.reason = event.kind == NetworkEvent::Kind::kDropped ? static_cast<DropReason>(draw(5)) : DropReason::kLoss;
        event.sent_at = {sent_at_[sender][frame]};
        event.at = event.sent_at + Duration{event.kind == NetworkEvent::Kind::kDropped ? 0 : 100'000 + static_cast<int64_t>(draw(1000))};
        event.sender = {sender};
        event.sender_frame = {frame};
        event.receiver = {static_cast<uint32_t>(draw(kGuests))};
        script_.network.push_back(event);
      }
    }
    std::sort(script_.network.begin(), script_.network.end(), [](const NetworkEvent& a, const NetworkEvent& b) {
      return std::tie(a.at, a.sender, a.sender_frame, a.receiver) < std::tie(b.at, b.sender, b.sender_frame, b.receiver);
    });
    for (uint64_t i = 0; i < script_.network.size(); ++i) {
      script_.network[i].sequence = {i};
    }
  }

  std::mt19937_64 random_;
  Script script_;
  int64_t now_[kGuests] = {};
  uint64_t clock_[kGuests] = {};
  uint64_t frame_[kGuests] = {};
  uint64_t console_[kGuests] = {};
  std::vector<std::vector<uint8_t>> sent_[kGuests];
  std::vector<int64_t> sent_at_[kGuests];
};

Result<bool> read_network(TraceReader& reader, Script& script) {
  const auto cursor = reader.network_events();
  NetworkEvent event;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, cursor->next(event));
    if (!more) {
      return true;
    }
    if (event.kind == NetworkEvent::Kind::kDelivered) {
      event.reason = DropReason::kLoss;  // not set by the cursor
    }
    script.network.push_back(event);
  }
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const ScriptEvent& event) {
  return out << "kind " << int(event.kind) << " #" << event.sequence << " at " << event.at << " source " << int(event.source) << " value "
             << event.value << " byte " << int(event.byte) << " sender " << event.sender << "/" << event.sender_frame << " payload "
             << event.payload.size() << " bytes, reason " << int(event.reason);
}

Script random_script(uint64_t seed, int events) {
  return ScriptMaker(seed).make(events);
}

Script typed_script(uint64_t seed, int events) {
  Script script = random_script(seed, events);
  for (const size_t guest : {0, 1}) {
    for (ScriptEvent& event : script.guests[guest]) {
      if (event.kind == EventKind::kConsoleByte && event.sequence % 2 == 1) {
        event.kind = EventKind::kConsoleInput;
      }
    }
  }
  return script;
}

Script small_script() {
  Script script;
  script.run = sample_run_info(2);
  script.guests.resize(2);
  const auto clock = [](int64_t at, ClockSource source, uint64_t value, uint64_t sequence) {
    ScriptEvent e;
    e.kind = EventKind::kClockRead;
    e.at = at;
    e.source = source;
    e.value = value;
    e.sequence = sequence;
    return e;
  };
  ScriptEvent sent;
  sent.kind = EventKind::kFrameSent;
  sent.at = 200;
  sent.payload = {1, 2, 3, 4, 5};
  ScriptEvent received = sent;
  received.kind = EventKind::kFrameReceived;
  received.at = 1'000'100;
  ScriptEvent console;
  console.kind = EventKind::kConsoleByte;
  console.at = 1'000'200;
  console.byte = 'x';
  ScriptEvent end;
  end.reason = EndReason::kPowerOff;
  end.at = 2'000'000'000;
  script.guests[0] = {clock(100, ClockSource::kTsc, 100, 0), clock(140, ClockSource::kTsc, 140, 1), sent, console, end};
  script.guests[1] = {clock(50, ClockSource::kHpet, 5, 0), received, end};
  NetworkEvent delivered;
  delivered.at = {1'000'100};
  delivered.sent_at = {200};
  delivered.receiver = {1};
  script.network = {delivered};
  return script;
}

void append(StreamWriter& writer, const ScriptEvent& event) {
  const VirtualTime at{event.at};
  switch (event.kind) {
    case EventKind::kClockRead:
      return writer.append_clock_read(at, event.source, event.value);
    case EventKind::kFrameSent:
      return writer.append_frame_sent(at, event.payload);
    case EventKind::kFrameReceived:
      return writer.append_frame_received(at, {event.sender}, {event.sender_frame}, static_cast<uint32_t>(event.payload.size()));
    case EventKind::kConsoleByte:
      return writer.append_console_byte(at, event.byte);
    case EventKind::kConsoleInput:
      return writer.append_console_input(at, event.byte);
    case EventKind::kEnd:
      (void)writer.finish(at, event.reason);
  }
}

void write_streams(const Script& script, const fs::path& directory, const StreamOptions& options) {
  auto network = create_stream(directory, StreamId::network(), options);
  ASSERT_TRUE(network.ok()) << network.error().message;
  for (const NetworkEvent& event : script.network) {
    (*network)->append_network(event);
  }
  ASSERT_TRUE(ok((*network)->finish({}, EndReason::kUntil)));
  for (uint32_t i = 0; i < script.guests.size(); ++i) {
    auto writer = create_stream(directory, StreamId::guest({i}), options);
    ASSERT_TRUE(writer.ok()) << writer.error().message;
    for (const ScriptEvent& event : script.guests[i]) {
      append(**writer, event);
    }
    ASSERT_TRUE(ok((*writer)->finish({}, EndReason::kAborted)));  // idempotent: the script's end has finished it
  }
}

void write_trace(const Script& script, const fs::path& output) {
  const fs::path directory = output.string() + ".partial";
  fs::create_directory(directory);
  write_streams(script, directory);
  ASSERT_TRUE(ok(join_streams(directory, script.run, output)));
}

std::vector<NetworkEvent> network_of_kept_frames(const Script& whole, const Script& part) {
  std::vector<NetworkEvent> events;
  for (const NetworkEvent& event : whole.network) {
    const auto& sender = part.guests[event.sender.value];
    const auto sent = std::count_if(sender.begin(), sender.end(), [](const ScriptEvent& e) { return e.kind == EventKind::kFrameSent; });
    if (event.sender_frame.value < static_cast<uint64_t>(sent)) {
      events.push_back(event);
    }
  }
  return events;
}

bool same_network(const std::vector<NetworkEvent>& left, const std::vector<NetworkEvent>& right) {
  const auto fields = [](const NetworkEvent& e) {
    return std::tie(e.kind, e.reason, e.at, e.sent_at, e.sender, e.sender_frame, e.receiver);
  };
  return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                    [&](const NetworkEvent& a, const NetworkEvent& b) { return fields(a) == fields(b); });
}

Result<std::vector<ScriptEvent>> read_all(GuestCursor& cursor) {
  std::vector<ScriptEvent> events;
  for (;;) {
    GuestEvent event;
    ASSIGN_OR_RETURN(const bool more, cursor.next(event));
    if (!more) {
      return events;
    }
    ScriptEvent copy;
    copy.kind = event.kind;
    copy.source = event.source;
    copy.reason = event.reason;
    copy.byte = event.byte;
    copy.at = event.at.ns;
    copy.value = event.value;
    copy.sender = event.sender.value;
    copy.sender_frame = event.sender_frame.value;
    copy.payload.assign(event.payload.begin(), event.payload.end());
    copy.sequence = event.sequence.value;
    events.push_back(std::move(copy));
  }
}

Result<Script> read_script(const fs::path& path) {
  ASSIGN_OR_RETURN(const auto reader, TraceReader::open(path));
  Script script;
  script.run = reader->run();
  RETURN_IF_ERROR([&]() -> Status {
    auto network = read_network(*reader, script);
    return network.ok() ? Status{} : Status{network.error()};
  }());
  for (uint32_t i = 0; i < script.run.guests.size(); ++i) {
    const auto cursor = reader->guest_events({i});
    ASSIGN_OR_RETURN(auto events, read_all(*cursor));
    script.guests.push_back(std::move(events));
  }
  return script;
}

std::vector<uint8_t> file_bytes(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in.good()) << path;
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

void write_bytes(const fs::path& path, const std::vector<uint8_t>& bytes) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

bool ok(const Status& status) {
  if (!status.ok()) {
    ADD_FAILURE() << status.error().message;
  }
  return status.ok();
}

bool verified(const fs::path& path) {
  const Result<VerifiedTrace> sound = verify_trace(path);
  return sound.ok() || ok(sound.error());
}

}  // namespace reprise::testing
