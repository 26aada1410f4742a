// Between a program and its session: takes requests, output and the end from the one, in an order that does not depend on the host.
#pragma once

#include "process_hooks/program.h"
#include "process_hooks/virtual_process.h"
#include "trace_format/status.h"

namespace reprise {

/// Serves `program` until it ends, or until `peer` (the socket to the recorder or the replayer) is hung up, which aborts the guest. What
/// the program wrote before a call is taken before the call, all of it. Does not return: the session ends our process.
[[noreturn]] void serve(const Program& program, VirtualProcess& process, int peer);

}  // namespace reprise
