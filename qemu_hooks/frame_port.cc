#include "qemu_hooks/frame_port.h"

namespace reprise {

FramePort::FramePort(GuestSession& session)
    : port_([&session](ByteView frame) {
        if (!qemu::end_requested()) {
          session.frame_sent(qemu::now(), frame);
        }
      }) {}

}  // namespace reprise
