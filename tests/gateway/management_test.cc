// The example `management`: somebody comes in by ssh while the guests are recorded, and the trace replays bit for bit.
#include <fmt/format.h>
#include <sys/wait.h>

#include <chrono>
#include <cstdlib>
#include <fstream>

#include "tests/guest/guest_run.h"

namespace reprise::testing {
namespace {

namespace fs = std::filesystem;
constexpr std::chrono::minutes kPatience{15};

/// The example with a key of our own: no private key is in the repository.
void copy_example(const GuestRun& run) {
  const std::string keygen = fmt::format("ssh-keygen -q -t ed25519 -N '' -C test -f '{}'", run.path("key"));
  ASSERT_EQ(std::system(keygen.c_str()), 0) << keygen;  // NOLINT(cert-env33-c): a program of the system's, in a folder of ours
  fs::copy(REPRISE_EXAMPLES "/management", run.folder(), fs::copy_options::recursive);
  std::string key = file_text(run.folder() / "key.pub");
  key.erase(key.find_last_not_of('\n') + 1);
  for (const char* guest : {"vm-1", "vm-2"}) {
    std::string data = file_text(run.folder() / "seeds" / guest / "user-data");
    const size_t at = data.find("[]");
    ASSERT_NE(at, std::string::npos) << data;
    fs::remove(run.folder() / "seeds" / guest / "user-data");
    run.write(fmt::format("seeds/{}/user-data", guest), data.replace(at, 2, "['" + key + "']"));
  }
}

class Management : public ::testing::Test {
 protected:
  /// A command in a guest, as a user gives it.
  [[nodiscard]] Outcome exec(const std::string& guest, const std::vector<std::string>& command) const {
    std::vector<std::string> arguments = {"exec",   guest, "--run", run_.path("a.trace.partial"), "--key", run_.path("key"),
                                          "--wait", "600", "--"};
    arguments.insert(arguments.end(), command.begin(), command.end());
    return run_reprise(arguments, {.limit = kPatience});
  }
  void power_off(const std::string& guest) const {
    // A guest that is gone says no good-bye: it goes after the command has ended.
    EXPECT_TRUE(exits(exec(guest, {"sh", "-c", "(sleep 1; busybox poweroff -f) >/dev/null 2>&1 &"}), 0));
  }

  GuestRun run_;
};

TEST_F(Management, WhoComesInBySshIsRecordedAndReplayed) {
  ASSERT_NO_FATAL_FAILURE(copy_example(run_));
  RunningReprise recorder({"record", run_.path("platform.xml"), run_.path("deployment.xml"), "-o", run_.path("a.trace"), "--realtime", "1",
                           "--until", "1800s", "--console", run_.path("consoles")},
                          {.limit = kPatience});
  ASSERT_TRUE(wait_until([&] { return fs::exists(run_.folder() / "a.trace.partial/live/mantap.gateway") || !recorder.running(); }));
  if (!recorder.running()) {
    ASSERT_TRUE(exits(recorder.wait(), 0));
  }

  const Outcome name = exec("vm-1", {"hostname"});
  ASSERT_TRUE(exits(name, 0));
  EXPECT_EQ(name.out, "vm-1\n");
  const Outcome three = exec("vm-2", {"sh", "-c", "echo to $0; echo and 'two  blanks' >&2; exit 3", "vm-2's shell"});
  EXPECT_TRUE(exits(three, 3));
  EXPECT_EQ(three.out, "to vm-2's shell\n");
  EXPECT_EQ(three.err, "and two  blanks\n") << "nothing of ours, nothing of ssh's";
  const Outcome ping = exec("vm-1", {"ping", "-n", "-q", "-c", "3", "-i", "0.2", "172.16.0.11"});
  EXPECT_TRUE(exits(ping, 0));
  EXPECT_NE(ping.out.find(" 0% packet loss"), std::string::npos) << ping.out;
  EXPECT_NE(ping.out.find("= 20."), std::string::npos) << "20 ms are the platform's links\n" << ping.out;
  // A terminal session as `reprise ssh` makes one, its commands on standard input; ssh's own options behind '--'.
  const Outcome shell = run_reprise({"ssh", "vm-1", "--run", run_.path("a.trace.partial"), "--", "-T", "-i", run_.path("key"), "-o",
                                     "RemoteCommand=echo $((6 * 7)); exit 4"},
                                    {.limit = kPatience});
  EXPECT_TRUE(exits(shell, 4));
  EXPECT_EQ(shell.out, "42\n");
  power_off("vm-1");
  power_off("vm-2");
  const Outcome recorded = recorder.wait();
  ASSERT_TRUE(exits(recorded, 0));
  EXPECT_NE(recorded.out.find("mantap: closed at"), std::string::npos) << recorded.out;

  EXPECT_TRUE(exits(run_reprise({"verify", run_.path("a.trace")}), 0));
  EXPECT_TRUE(replays_identically(run_.replay("a.trace", {"--console", run_.path("replayed")}, {.limit = kPatience}), 2));
  EXPECT_EQ(file_text(run_.folder() / "replayed/vm-1.log"), file_text(run_.folder() / "consoles/vm-1.log"));
  const Outcome dump = run_reprise({"dump", run_.path("a.trace"), "--guest", "mantap"});
  EXPECT_NE(dump.out.find(" mantap frame #"), std::string::npos);
  EXPECT_NE(dump.out.find("52:55:ac:10:00:01 > 52:54:00:00:00:02 0x0800"), std::string::npos);
  EXPECT_NE(file_text(run_.folder() / "consoles/mantap.log").find("gateway: a connection to 172.16.0.11:22\n"), std::string::npos);
}

}  // namespace
}  // namespace reprise::testing
