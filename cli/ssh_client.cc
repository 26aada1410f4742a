#include "cli/ssh_client.h"

#include <fmt/format.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <system_error>

namespace reprise {
namespace {

std::string own_path() {
  std::error_code error;
  return std::filesystem::read_symlink("/proc/self/exe", error).string();
}

/// For a shell, within an option in which ssh replaces %x.
std::string for_proxy(const std::string& word) {
  std::string text;
  for (const char c : shell_quoted(word)) {
    text += c == '%' ? std::string("%%") : std::string(1, c);
  }
  return text;
}

std::vector<char*> pointers(const std::vector<std::string>& words) {
  std::vector<char*> pointers;
  for (const std::string& word : words) {
    pointers.push_back(const_cast<char*>(word.c_str()));  // execvp takes them so and changes nothing
  }
  pointers.push_back(nullptr);
  return pointers;
}

/// What main() has set for us is not for others.
void reset_signals() {
  std::signal(SIGPIPE, SIG_DFL);
  std::signal(SIGXFSZ, SIG_DFL);
}

Error not_there(const std::string& program, int problem) {
  return Error{ErrorKind::kMachine, fmt::format("{}: {}; on Debian it is in the package openssh-client", program, std::strerror(problem))};
}

}  // namespace

std::string shell_quoted(const std::string& word) {
  std::string text = "'";
  for (const char c : word) {
    text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  }
  return text + "'";
}

std::vector<std::string> ssh_command_line(const GuestLink& link, const SshOptions& options) {
  std::vector<std::string> command = {"ssh"};
  command.insert(command.end(), options.arguments.begin(), options.arguments.end());
  if (!options.key.empty()) {
    command.insert(command.end(), {"-i", options.key});
  }
  const std::string proxy =
      fmt::format("{} gateway-connect {} {} {}:{}", for_proxy(own_path()), for_proxy(std::filesystem::absolute(link.run).string()),
                  for_proxy(link.gateway), link.to.address, link.to.port);
  for (const std::string& option : {"ProxyCommand=" + proxy, std::string("ProxyUseFdpass=yes"),
                                    // A guest's key says nothing about who it is: whoever records a run makes its guests, and their keys,
                                    // at each boot. Nothing leaves this machine. So no key is asked about, nor kept.
                                    std::string("StrictHostKeyChecking=accept-new"), std::string("UserKnownHostsFile=/dev/null"),
                                    std::string("GlobalKnownHostsFile=/dev/null"), std::string("LogLevel=ERROR"),
                                    // A connection that the user's configuration shares may lead to the guest of this name in another run.
                                    std::string("ControlMaster=no"), std::string("ControlPath=none"),
                                    // A guest that loses its power says no good-bye. 150 s of the host, since a slow run answers late.
                                    std::string("ServerAliveInterval=30"), std::string("ServerAliveCountMax=4")}) {
    command.insert(command.end(), {"-o", option});
  }
  command.insert(command.end(), {"-l", options.user, "--", link.guest});
  return command;
}

Status become(const std::vector<std::string>& command) {
  reset_signals();
  execvp(command.front().c_str(), pointers(command).data());
  return not_there(command.front(), errno);
}

Result<int> run_and_wait(const std::vector<std::string>& command) {
  const std::vector<char*> arguments = pointers(command);
  // The terminal's Ctrl-C is for the command; we go on until it has ended.
  std::signal(SIGINT, SIG_IGN);
  std::signal(SIGQUIT, SIG_IGN);
  sigset_t defaults;
  sigemptyset(&defaults);
  for (const int signal : {SIGINT, SIGQUIT, SIGPIPE, SIGXFSZ}) {
    sigaddset(&defaults, signal);
  }
  posix_spawnattr_t attributes;
  CHECK(posix_spawnattr_init(&attributes) == 0 && posix_spawnattr_setsigdefault(&attributes, &defaults) == 0 &&
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF) == 0);
  pid_t child = 0;
  const int problem = posix_spawnp(&child, arguments.front(), nullptr, &attributes, arguments.data(), environ);
  posix_spawnattr_destroy(&attributes);
  if (problem != 0) {
    return not_there(command.front(), problem);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  constexpr int kSignalled = 128;
  return WIFEXITED(status) ? WEXITSTATUS(status) : kSignalled + WTERMSIG(status);
}

Status hand_connection_to_ssh(const GuestLink& link) {
  ASSIGN_OR_RETURN(const int connection, open_guest_link(link));
  char byte = 0;
  iovec part{&byte, 1};
  union {
    char bytes[CMSG_SPACE(sizeof(int))];
    cmsghdr align;
  } control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes;
  message.msg_controllen = sizeof control.bytes;
  cmsghdr* head = CMSG_FIRSTHDR(&message);
  head->cmsg_level = SOL_SOCKET;
  head->cmsg_type = SCM_RIGHTS;
  head->cmsg_len = CMSG_LEN(sizeof connection);
  std::memcpy(CMSG_DATA(head), &connection, sizeof connection);
  const bool sent = sendmsg(STDOUT_FILENO, &message, MSG_NOSIGNAL) == 1;
  const int problem = errno;
  close(connection);
  return sent ? Status{} : Error{ErrorKind::kRunFailed, fmt::format("the connection cannot be handed to ssh: {}", std::strerror(problem))};
}

}  // namespace reprise
