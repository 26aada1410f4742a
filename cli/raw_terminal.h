// A terminal that hands on each key as it is pressed, Ctrl-C and Ctrl-D too.
#pragma once

#include <termios.h>

#include <optional>

namespace reprise {

/// Raw while it lives, as it was after that. Of what is no terminal nothing changes.
class RawTerminal {
 public:
  explicit RawTerminal(int fd);
  ~RawTerminal();
  RawTerminal(const RawTerminal&) = delete;
  RawTerminal& operator=(const RawTerminal&) = delete;
  [[nodiscard]] bool is_terminal() const { return before_.has_value(); }

 private:
  int fd_;
  std::optional<termios> before_;
};

}  // namespace reprise
