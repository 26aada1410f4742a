#include "tests/trace_format/process_script.h"

#include "trace_format/embedded_image.h"

namespace reprise::testing {

Script process_script() {
  Script script = small_script();
  for (GuestInfo& guest : script.run.guests) {
    guest.kind = GuestKind::kProcess;
    guest.nic = "process";
    guest.qemu_version.clear();
    guest.qemu_build_id.clear();
    guest.command_line = {"-mac", guest.mac, "--", "${program}", "10.0.0.2"};
    guest.images[0].role = "program";
    guest.icount_shift = 0;
  }
  for (std::vector<ScriptEvent>& events : script.guests) {
    for (ScriptEvent& event : events) {
      event.source = event.kind == EventKind::kClockRead ? ClockSource::kProcess : event.source;
    }
  }
  script.guests[0].back().reason = EndReason::kExit;
  script.guests[1].back().reason = EndReason::kCrash;
  return script;
}

Script gateway_script() {
  Script script = small_script();
  GuestInfo& gateway = script.run.guests[0];
  gateway.kind = GuestKind::kGateway;
  gateway.nic = "gateway";
  gateway.qemu_version.clear();
  gateway.qemu_build_id.clear();
  gateway.command_line = {"-name", gateway.name, "-address", "10.0.0.1/24", "-mac", gateway.mac};
  gateway.images.clear();
  gateway.icount_shift = 0;
  return script;
}

std::vector<uint8_t> carried_image() {
  std::vector<uint8_t> bytes(5000);
  for (size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<uint8_t>(i * 7 + i / 256);
  }
  return bytes;
}

void write_trace_with_image(const std::filesystem::path& output) {
  const TemporaryFolder folder;
  write_bytes(folder / "image", carried_image());
  const Script script = small_script();
  const std::filesystem::path streams = folder.folder("streams");
  write_streams(script, streams);
  const ImageInfo image{.role = "seed", .path = (folder / "image").string(), .sha256 = kCarriedImage, .size_bytes = 5000};
  CHECK(embed_images(streams, {&image, 1}).ok());
  CHECK(join_streams(streams, script.run, output).ok());
}

}  // namespace reprise::testing
