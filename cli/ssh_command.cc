// `reprise ssh` and `reprise exec`: guests of a run that goes on, through its gateway.
#include <fmt/format.h>

#include <algorithm>

#include "cli/command.h"
#include "cli/command_line.h"
#include "cli/keys_arguments.h"
#include "cli/live_run.h"
#include "cli/ssh_client.h"
#include "trace_format/run_info_file.h"

namespace reprise {
namespace {

constexpr uint16_t kSshPort = 22;
constexpr int kSshsOwnFailure = 255;
constexpr uint64_t kLongestWait = 86400;

void add_link_options(CommandLine& line) {
  namespace options = boost::program_options;
  add_run_option(line);
  line.options().add_options()("address", options::value<std::string>()->value_name("ADDRESS"),
                               "the guest's IPv4 address (default: what the deployment gives it)")(
      "port", options::value<std::string>()->value_name("N"), "of its ssh server (default: 22)")(
      "user", options::value<std::string>()->value_name("NAME"), "whom to log in as (default: root)")(
      "key", options::value<std::string>()->value_name("FILE"), "the private key to log in with (default: as ssh finds one)")(
      "wait", options::value<std::string>()->value_name("SECONDS"), "how long to wait for the guest to come up (default: 60)");
  add_identity_option(line);
}

struct Target {
  GuestLink link;
  SshOptions ssh;
};

/// Finds the guest, and waits until it answers: what goes wrong until then has a reason of ours, not of ssh's.
Result<Target> reach(const CommandLine& line) {
  ASSIGN_OR_RETURN(const std::filesystem::path folder, find_live_run(line));
  ASSIGN_OR_RETURN(const std::vector<AgeIdentity> identities, identities_of(line));
  ASSIGN_OR_RETURN(const RunInfo run, load_run_info(folder, identities));
  ASSIGN_OR_RETURN(const uint64_t port, line.number_or("port", kSshPort, 1, UINT16_MAX));
  ASSIGN_OR_RETURN(const uint64_t wait, line.number_or("wait", 60, 0, kLongestWait));
  Target target;
  ASSIGN_OR_RETURN(target.link, find_guest_link(run, line.text("NAME"), line.text_or("address", ""), static_cast<uint16_t>(port)));
  target.link.run = folder;
  target.ssh.user = line.text_or("user", target.ssh.user);
  target.ssh.key = line.text_or("key", "");
  RETURN_IF_ERROR(wait_for_server(target.link, std::chrono::seconds(wait)));
  return target;
}

struct Words {
  Arguments ours;
  Arguments after;  ///< the separator "--"
  bool separated = false;
};

Words split(const Arguments& arguments) {
  const auto separator = std::find(arguments.begin(), arguments.end(), "--");
  const bool separated = separator != arguments.end();
  return {{arguments.begin(), separator}, {separated ? separator + 1 : separator, arguments.end()}, separated};
}

}  // namespace

Result<int> ssh_command(const Arguments& arguments) {
  CommandLine line(
      "reprise ssh NAME [--run FOLDER] [--address ADDRESS] [--port N] [--user NAME] [--key FILE] [--wait SECONDS] [-- SSH-OPTIONS]",
      "Logs in to guest NAME of a run that is being recorded, with the system's ssh, through the run's gateway. What follows\n"
      "'--' goes to ssh, before its destination. Record with --realtime 1.0, or the guest's clock runs away.",
      "reprise ssh vm-1 --key ~/.ssh/id_ed25519 -- -L 8080:localhost:80");
  line.add_operand("NAME");
  add_link_options(line);
  const Words words = split(arguments);
  ASSIGN_OR_RETURN(const bool go_on, line.parse(words.ours));
  if (!go_on) {
    return kExitDone;
  }
  ASSIGN_OR_RETURN(Target target, reach(line));
  target.ssh.arguments = words.after;
  RETURN_IF_ERROR(become(ssh_command_line(target.link, target.ssh)));
  return kExitDone;
}

Result<int> exec_command(const Arguments& arguments) {
  CommandLine line(
      "reprise exec NAME [--run FOLDER] [--address ADDRESS] [--port N] [--user NAME] [--key FILE] [--wait SECONDS] -- CMD [ARGUMENT]...",
      "Runs CMD in guest NAME of a run that is being recorded, by ssh through the run's gateway; for pipes and the like, give\n"
      "it a shell (-- sh -c '...'). Standard input, output and error are CMD's. Exit code: CMD's; 5 when ssh failed (or CMD\n"
      "exited with 255, which ssh does not tell apart).",
      "reprise exec vm-1 --key ~/.ssh/id_ed25519 -- uname -r");
  line.add_operand("NAME");
  add_link_options(line);
  const Words words = split(arguments);
  ASSIGN_OR_RETURN(const bool go_on, line.parse(words.ours));
  if (!go_on) {
    return kExitDone;
  }
  if (words.after.empty()) {
    return line.usage_error("the command is missing; it follows '--'");
  }
  ASSIGN_OR_RETURN(Target target, reach(line));
  target.ssh.arguments = {"-T", "-o", "BatchMode=yes"};
  std::vector<std::string> command = ssh_command_line(target.link, target.ssh);
  for (const std::string& word : words.after) {
    command.push_back(shell_quoted(word));
  }
  ASSIGN_OR_RETURN(const int code, run_and_wait(command));
  if (code == kSshsOwnFailure) {
    return Error{ErrorKind::kRunFailed, fmt::format("ssh to '{}' failed, or the command exited with 255", target.link.guest)};
  }
  return code;
}

/// Not for people: `ssh` runs it (ssh_client.cc).
Result<int> gateway_connect_command(const Arguments& arguments) {
  constexpr size_t kWords = 3;
  if (arguments.size() != kWords) {
    return Error{ErrorKind::kUsage, "gateway-connect is what 'reprise ssh' has ssh run; it is of no use alone"};
  }
  ASSIGN_OR_RETURN(const GuestPort to, parse_guest_port(arguments[2]));
  RETURN_IF_ERROR(hand_connection_to_ssh({.guest = {}, .run = arguments[0], .gateway = arguments[1], .to = to}));
  return kExitDone;
}

}  // namespace reprise
