#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>

#include "cli/command.h"
#include "cli/command_line.h"
#include "cli/live_run.h"
#include "cli/raw_terminal.h"
#include "cli/standard_output.h"
#include "launcher/interrupt.h"
#include "recorder/live_folder.h"
#include "trace_format/event_text.h"

namespace reprise {
namespace {

constexpr char kLeave = 0x1d;  // Ctrl-]
constexpr size_t kLongestAnswer = 65536;

CommandLine console_command_line() {
  CommandLine line(
      "reprise console NAME [--run FOLDER]",
      "Shows what the console of guest NAME prints, in a run that is being recorded with --realtime, and types there what is\n"
      "typed here; both are recorded. Ctrl-] leaves: the run goes on. Where standard input is no terminal, all of it is typed\n"
      "(in a guest that has not opened its console yet, it is lost), and the output goes on until the guest or its run ends.\n"
      "Several consoles of one guest see the same.",
      "reprise console alice");
  line.add_operand("NAME");
  add_run_option(line);
  return line;
}

/// Our end of the recorder's socket (recorder/console_server.h).
class Connection {
 public:
  explicit Connection(int fd) : fd_(fd) {}
  ~Connection() { close(fd_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Asks for the guest's console. kUsage with what the recorder says.
  Status ask_for(const std::string& guest) {
    const std::string greeting = "console " + guest + "\n";
    if (send(fd_, greeting.data(), greeting.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(greeting.size())) {
      return gone();
    }
    std::string answer;
    // Byte by byte: what follows the line is the console's.
    for (char byte = 0; byte != '\n'; answer += byte) {
      if (answer.size() > kLongestAnswer || recv(fd_, &byte, 1, 0) != 1) {
        return gone();
      }
    }
    answer.pop_back();
    constexpr std::string_view kError = "error ";
    if (answer.starts_with(kError)) {
      return Error{ErrorKind::kUsage, printable(answer.substr(kError.size()))};
    }
    return answer == "ok" ? Status{} : gone();
  }

  /// Carries bytes both ways until the guest ends, or the person leaves.
  Status relay(bool terminal, int interrupt_fd) {
    while (true) {
      std::array<pollfd, 3> polled = {pollfd{.fd = fd_, .events = static_cast<int16_t>(POLLIN | (typed_.empty() ? 0 : POLLOUT))},
                                      pollfd{.fd = typing_ && typed_.empty() ? STDIN_FILENO : -1, .events = POLLIN},
                                      pollfd{.fd = interrupt_fd, .events = POLLIN}};
      if (poll(polled.data(), polled.size(), -1) < 0 && errno != EINTR) {
        return Error{ErrorKind::kRunFailed, fmt::format("cannot wait for the console: {}", std::strerror(errno))};
      }
      if (polled[2].revents != 0) {
        return {};
      }
      if ((polled[0].revents & (POLLIN | POLLHUP | POLLERR)) != 0) {
        ASSIGN_OR_RETURN(const bool more, show());
        if (!more) {
          return {};
        }
      }
      const bool stays = polled[1].revents == 0 || take_keys(terminal);
      type();
      if (!stays) {
        return {};
      }
    }
  }

 private:
  static Error gone() { return Error{ErrorKind::kRunFailed, "the run has gone away"}; }

  /// False when nothing more comes.
  Result<bool> show() {
    const ssize_t n = recv(fd_, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
      return true;
    }
    return n > 0 ? write_output({buffer_.data(), static_cast<size_t>(n)}) : Result<bool>(false);
  }

  /// False when the person leaves.
  bool take_keys(bool terminal) {
    const ssize_t n = read(STDIN_FILENO, buffer_.data(), buffer_.size());
    if (n < 0 && errno == EINTR) {
      return true;
    }
    std::string_view keys(buffer_.data(), static_cast<size_t>(n > 0 ? n : 0));
    const size_t leave = terminal ? keys.find(kLeave) : std::string_view::npos;
    typed_ = keys.substr(0, leave);
    typing_ = n > 0;
    return leave == std::string_view::npos;
  }

  void type() {
    if (!typed_.empty()) {
      const ssize_t n = send(fd_, typed_.data(), typed_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      typed_.erase(0, static_cast<size_t>(n > 0 ? n : 0));
    }
    if (typed_.empty() && !typing_ && !hung_up_) {
      hung_up_ = true;
      shutdown(fd_, SHUT_WR);
    }
  }

  int fd_;
  std::array<char, 16384> buffer_{};
  std::string typed_;   // not sent yet
  bool typing_ = true;  // there may be more to come
  bool hung_up_ = false;
};

}  // namespace

Result<int> console_command(const Arguments& arguments) {
  CommandLine line = console_command_line();
  ASSIGN_OR_RETURN(const bool go_on, line.parse(arguments));
  if (!go_on) {
    return kExitDone;
  }
  const std::string guest = line.text("NAME");
  if (guest.empty() || guest.size() > 255 || guest.find('\n') != std::string::npos) {
    return line.usage_error(fmt::format("NAME: '{}' is no guest's name", printable(guest)));
  }
  ASSIGN_OR_RETURN(const std::filesystem::path run, find_live_run(line));
  ASSIGN_OR_RETURN(const int fd, connect_to_run(run, "console"));
  Connection connection(fd);
  RETURN_IF_ERROR(connection.ask_for(guest));
  if (isatty(STDIN_FILENO) == 1) {
    say(fmt::format("the console of {}; Ctrl-] leaves it\n", printable(guest)));
  }
  Status relayed;
  {
    const Interrupt interrupt;
    const RawTerminal terminal(STDIN_FILENO);
    relayed = connection.relay(terminal.is_terminal(), interrupt.fd());
  }
  if (!relayed.ok()) {
    return relayed.error();
  }
  return kExitDone;
}

}  // namespace reprise
