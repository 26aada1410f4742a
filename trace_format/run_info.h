// Where a trace comes from: what a replay needs to be allowed to start, and what `info` prints.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "trace_format/event.h"
#include "trace_format/ids.h"

namespace reprise {

/// A file that a guest booted from.
struct ImageInfo {
  std::string role;    ///< "kernel", "initrd", "firmware", "program", ...; the placeholder ${role} in the command line stands for its path
  std::string path;    ///< absolute path at the time of recording
  std::string sha256;  ///< lower-case hex of the whole file
  uint64_t size_bytes = 0;
};

/// What runs a guest. The numbers are those of FORMAT.md.
enum class GuestKind : uint8_t { kQemu = 0, kProcess = 1, kGateway = 2 };
inline constexpr GuestKind kLastGuestKind = GuestKind::kGateway;

struct GuestInfo {
  std::string name;           ///< unique in the run, not empty
  std::string host;           ///< the SimGrid host
  std::string address;        ///< CIDR as in the deployment, or empty
  std::string mac;            ///< "52:54:00:..."
  std::string nic;            ///< "e1000", "vmxnet3" or "virtio-net"; of a process: "process", of a gateway: "gateway"
  std::string qemu_version;   ///< as `qemu-system-x86_64 --version` prints it, first line; of others: empty
  std::string qemu_build_id;  ///< lower-case hex of the ELF build id; of others: empty
  std::vector<std::string>
      command_line;  ///< QEMU's (a process: its host's; a gateway: its own) arguments after the program, plugin left out, images as ${role}
  std::vector<ImageInfo> images;
  uint32_t icount_shift = 0;  ///< one instruction takes 2^icount_shift ns; 0..10
  bool omitted = false;       ///< left out by `trim`: the trace has nothing of this guest but its place among the others
  GuestKind kind = GuestKind::kQemu;
};

/// Provenance of a run; written at both ends of the trace.
struct RunInfo {
  std::string reprise_version;
  std::string simgrid_version;
  std::vector<std::string> simgrid_options;
  std::string platform_xml;    ///< verbatim
  std::string deployment_xml;  ///< verbatim
  uint64_t seed = 0;
  Duration lookahead;
  VirtualTime until = VirtualTime::never();  ///< --until, or where --max-size ended the run, or never()
  bool complete = true;                      ///< false: made by `recover` from a run that did not finish
  std::vector<GuestInfo> guests;             ///< in GuestIndex order
  bool partial = false;                      ///< made by `trim`: holds what happened in [from, to) only
  VirtualTime from;                          ///< partial: the first instant
  VirtualTime to = VirtualTime::never();     ///< partial: the first instant after it
  /// Set when the run was read from a trace of a newer minor version: the message with fields that this program does not know. A rewrite
  /// keeps it, and changes `complete`, `partial`, `from`, `to` and `omitted` only.
  std::shared_ptr<const std::vector<uint64_t>> newer_message;
};

/// Counts of one guest's stream.
struct GuestStatistics {
  uint64_t frames_sent = 0;
  uint64_t frames_received = 0;
  uint64_t bytes_sent = 0;      ///< payload bytes of sent frames
  uint64_t bytes_received = 0;  ///< payload bytes of received frames
  uint64_t clock_reads[kClockSourceCount] = {};
  uint64_t console_bytes = 0;        ///< printed and typed
  uint64_t console_input_bytes = 0;  ///< of them: typed
  VirtualTime first;                 ///< of the first event; 0 when there is none
  VirtualTime last;                  ///< of the end, or of the last event when there is no end
  bool ended = false;
  EndReason end_reason = EndReason::kAborted;
  bool operator==(const GuestStatistics&) const = default;
};

struct NetworkStatistics {
  uint64_t frames_delivered = 0;
  uint64_t frames_dropped = 0;
  bool operator==(const NetworkStatistics&) const = default;
};

}  // namespace reprise
