// Writes traces for the reader of this folder to read: write_conformance_traces FOLDER. FOLDER/NAME.trace for each; the same every time.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <string>
#include <tuple>
#include <vector>

#include "tests/trace_format/sample_run.h"

namespace reprise::testing {
namespace {

ScriptEvent event(EventKind kind, int64_t at, uint64_t sequence) {
  ScriptEvent made;
  made.kind = kind;
  made.at = at;
  made.sequence = sequence;
  return made;
}

void add_end(std::vector<ScriptEvent>& events, EndReason reason) {
  events.push_back(event(EventKind::kEnd, events.empty() ? 7 : events.back().at, 0));
  events.back().reason = reason;
}

/// Runs of clock reads of all lengths around the borders between groups; values that follow the time, that do not, that wrap.
Script clock_groups() {
  Script script = small_script();
  script.network.clear();
  script.guests.assign(2, {});
  uint64_t reads = 0;
  int64_t at = 1000;
  const auto run = [&](ClockSource source, int count, int64_t step, uint64_t value, uint64_t value_step) {
    // The step after the last read may leave the range of time.
    for (int i = 0; i < count;
         ++i, at = static_cast<int64_t>(static_cast<uint64_t>(at) + static_cast<uint64_t>(step)), value += value_step) {
      ScriptEvent read = event(EventKind::kClockRead, at, reads++);
      read.source = source;
      read.value = value;
      script.guests[0].push_back(read);
    }
  };
  for (int round = 0; round < 200; ++round) {
    run(ClockSource::kTsc, 1 + round % 9, 40, static_cast<uint64_t>(at), 40);              // the value is the time
    run(ClockSource::kHpet, 1 + round % 5, 100, static_cast<uint64_t>(at) / 10, 10);       // a constant rate
    run(ClockSource::kAcpiPm, 1 + round % 6, 7, ~uint64_t{0} - round, uint64_t{3} << 62);  // wraps
    run(ClockSource::kTsc, 2, 40, 5, 0);                                                   // set back
  }
  at = (int64_t{1} << 62);
  run(ClockSource::kRtc, 4, (int64_t{1} << 60), 1, ~uint64_t{0});
  script.guests[0].back().at = INT64_MAX - 1;
  add_end(script.guests[0], EndReason::kUntil);
  add_end(script.guests[1], EndReason::kTripleFault);
  return script;
}

/// Every byte on the console, names that are not plain, frames with and without a whole header.
Script texts() {
  Script script = small_script();
  script.run.guests[0].name = "a\xc2\x9b\x1b[31m\n\xc2 'b\\\"";
  script.run.guests[1].name = "Jos\xc3\xa9";
  script.network.clear();
  script.guests.assign(2, {});
  for (int byte = 0; byte < 256; ++byte) {
    script.guests[0].push_back(event(EventKind::kConsoleByte, 10 + byte / 7 * 100, static_cast<uint64_t>(byte)));
    script.guests[0].back().byte = static_cast<uint8_t>(byte);
  }
  for (size_t size = 1; size <= 260; ++size) {
    script.guests[1].push_back(event(EventKind::kFrameSent, 5'000, size - 1));
    script.guests[1].back().sender_frame = size - 1;
    for (size_t i = 0; i < size; ++i) {
      script.guests[1].back().payload.push_back(static_cast<uint8_t>(i * size));
    }
    NetworkEvent drop;
    drop.kind = NetworkEvent::Kind::kDropped;
    drop.reason = static_cast<DropReason>(size % 5);
    drop.at = drop.sent_at = {5'000};
    drop.sender = {1};
    drop.sender_frame = {size - 1};
    drop.sequence = {size - 1};
    script.network.push_back(drop);
  }
  add_end(script.guests[0], EndReason::kReset);
  add_end(script.guests[1], EndReason::kHalt);
  return script;
}

/// Two pages of chunks in a guest's stream.
Script pages() {
  Script script = small_script();
  script.network.clear();
  script.guests.assign(2, {});
  for (uint64_t i = 0; i < 300; ++i) {
    script.guests[1].push_back(event(EventKind::kFrameSent, static_cast<int64_t>(i * 1'000), i));
    script.guests[1].back().sender_frame = i;
    script.guests[1].back().payload.assign(4'200, static_cast<uint8_t>(i));
    NetworkEvent delivered;
    delivered.at = {static_cast<int64_t>(i * 1'000 + 100'000)};
    delivered.sent_at = {static_cast<int64_t>(i * 1'000)};
    delivered.sender = {1};
    delivered.sender_frame = {i};
    delivered.sequence = {i};
    if (i % 3 != 0) {
      ScriptEvent received = event(EventKind::kFrameReceived, delivered.at.ns, script.guests[0].size());
      received.sender = 1;
      received.sender_frame = i;
      received.payload = script.guests[1].back().payload;
      script.guests[0].push_back(received);
    } else {
      delivered.kind = NetworkEvent::Kind::kDropped;
      delivered.at = delivered.sent_at;
    }
    script.network.push_back(delivered);
  }
  std::sort(script.network.begin(), script.network.end(),
            [](const NetworkEvent& a, const NetworkEvent& b) { return std::tie(a.at, a.sender_frame) < std::tie(b.at, b.sender_frame); });
  add_end(script.guests[0], EndReason::kPowerOff);
  add_end(script.guests[1], EndReason::kAborted);
  return script;
}

/// Guests that only end, and a network that did nothing.
Script silence() {
  Script script = small_script();
  script.network.clear();
  for (std::vector<ScriptEvent>& events : script.guests) {
    events.clear();
    add_end(events, EndReason::kPowerOff);
  }
  return script;
}

}  // namespace
}  // namespace reprise::testing

int main(int argc, char** argv) {
  using namespace reprise::testing;
  if (argc != 2) {
    std::fputs("usage: write_conformance_traces FOLDER\n", stderr);
    return 2;
  }
  const std::filesystem::path folder = argv[1];
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  write_trace(small_script(), folder / "small.trace");
  write_trace(clock_groups(), folder / "clock-groups.trace");
  write_trace(texts(), folder / "texts.trace");
  write_trace(pages(), folder / "pages.trace");
  write_trace(silence(), folder / "silence.trace");
  for (int seed = 1; seed <= 4; ++seed) {
    write_trace(random_script(static_cast<uint64_t>(seed), 700), folder / ("random-" + std::to_string(seed) + ".trace"));
    write_trace(typed_script(static_cast<uint64_t>(seed), 700), folder / ("typed-" + std::to_string(seed) + ".trace"));
  }
  return 0;
}
