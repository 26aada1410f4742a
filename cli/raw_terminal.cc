#include "cli/raw_terminal.h"

namespace reprise {

RawTerminal::RawTerminal(int fd) : fd_(fd) {
  termios settings{};
  if (tcgetattr(fd, &settings) == 0) {
    before_ = settings;
    cfmakeraw(&settings);
    tcsetattr(fd, TCSADRAIN, &settings);
  }
}

RawTerminal::~RawTerminal() {
  if (before_.has_value()) {
    tcsetattr(fd_, TCSADRAIN, &*before_);
  }
}

}  // namespace reprise
