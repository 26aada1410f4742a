#include "tests/trace_format/process_script.h"

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

}  // namespace reprise::testing
