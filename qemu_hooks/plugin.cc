// Where QEMU enters the plugin; wires session and hooks. Everything lives until the process ends: QEMU calls back into it to the last.
#include <fmt/format.h>
#include <unistd.h>

#include <cstring>
#include <optional>

#include "qemu_hooks/clock_taps.h"
#include "qemu_hooks/console_tap.h"
#include "qemu_hooks/frame_port.h"
#include "qemu_hooks/guest_end.h"
#include "qemu_hooks/make_session.h"
#include "qemu_hooks/plugin_args.h"
#include "qemu_hooks/qemu_internals.h"
#include "qemu_hooks/qemu_plugin_api.h"
#include "qemu_hooks/virtual_deadline.h"

namespace reprise {
namespace {

struct Plugin {
  PluginArgs args;
  std::unique_ptr<GuestSession> session;
  std::optional<FramePort> port;
  std::optional<VirtualDeadline> deadline;
  bool instrumented = false;  // with clock and console taps: not in a live run that records nothing
};
Plugin* plugin = nullptr;

bool is_live = false;

/// In a live run the process ends here, with the exit code from which the recorder tells a machine that lacks something from a run that
/// failed; QEMU would make 1 of every code. A replay is judged by the replayer, which knows QEMU's.
int refuse(const Error& error) {
  fmt::print(stderr, "reprise plugin: {}\n", error.message);
  if (is_live) {
    _exit(static_cast<int>(error.kind));
  }
  return static_cast<int>(error.kind);
}

void on_run_state(bool running) {
  if (!running) {
    end_of_stopped_machine(*plugin->session);
  }
  if (!plugin->deadline.has_value()) {
    // Timers may be armed only now: before the machine first runs, the vCPU has nothing to be kicked with.
    plugin->deadline.emplace(*plugin->session, *plugin->port);
    plugin->deadline->start();
  }
}

void on_vcpu_init(qemu_plugin_id_t /*id*/, unsigned vcpu) {
  if (vcpu != 0) {
    return;
  }
  plugin->port.emplace(*plugin->session);
  watch_end_requests(*plugin->session);
  if (plugin->instrumented) {
    tap_clock_devices(*plugin->session);
  }
  tap_console(*plugin->session);
  qemu::on_run_state(&on_run_state);
}

Status install(int argc, char** argv) {
  ASSIGN_OR_RETURN(const PluginArgs args, parse_plugin_args({argv, argv + argc}));
  is_live = args.mode == PluginArgs::Mode::kLive;
  RETURN_IF_ERROR(qemu::load_internals());
  plugin = new Plugin{.args = args, .session = nullptr, .port = {}, .deadline = {}};
  plugin->instrumented = args.mode == PluginArgs::Mode::kReplay || !args.stream_folder.empty();
  ASSIGN_OR_RETURN(plugin->session, make_session(args, qemu::build_id()));
  watch_halt(*plugin->session, args.icount_shift);
  if (plugin->instrumented) {
    tap_tsc(*plugin->session);
  }
  return {};
}

}  // namespace
}  // namespace reprise

extern "C" {

__attribute__((visibility("default"))) int qemu_plugin_version = 4;

__attribute__((visibility("default"))) int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t* info, int argc, char** argv) {
  if (!info->system_emulation || std::strcmp(info->target_name, "x86_64") != 0) {
    return reprise::refuse({reprise::ErrorKind::kMachine, "only qemu-system-x86_64 is supported"});
  }
  if (const reprise::Status status = reprise::install(argc, argv); !status.ok()) {
    return reprise::refuse(status.error());
  }
  qemu_plugin_register_vcpu_init_cb(id, &reprise::on_vcpu_init);
  return 0;
}
}
