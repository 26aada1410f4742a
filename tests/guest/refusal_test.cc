// What is wrong is said before or instead of a run: the place, the remedy, the right exit code.
#include <filesystem>

#include "tests/guest/guest_run.h"

namespace reprise::testing {
namespace {

namespace fs = std::filesystem;

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

class Refusal : public ::testing::Test {
 protected:
  Refusal() { run_.deploy({{.name = "alice", .append = "run=boot"}, {.name = "bob", .append = "run=boot"}}); }

  void edit(const std::string& file, const std::string& from, const std::string& to) {
    run_.write(file, replaced(file_text(run_.path(file)), from, to));
  }
  [[nodiscard]] Outcome record(const RunOptions& options = {}) const { return run_reprise(run_.record_command("a.trace"), options); }
  void expect_nothing_left() const {
    EXPECT_FALSE(fs::exists(run_.path("a.trace")));
    EXPECT_FALSE(fs::exists(run_.path("a.trace.partial")));
  }

  GuestRun run_;
};

TEST_F(Refusal, UnknownHost) {
  edit("deployment.xml", "host=\"node-1\"", "host=\"node-9\"");
  const Outcome outcome = record();
  EXPECT_TRUE(complains(outcome, 2, run_.path("deployment.xml") + ":12: "));
  EXPECT_NE(outcome.err.find("node-9"), std::string::npos) << outcome.err;
  expect_nothing_left();
}

TEST_F(Refusal, UnknownProperty) {
  edit("deployment.xml", "id=\"nic\"", "id=\"nick\"");
  const Outcome outcome = record();
  EXPECT_TRUE(complains(outcome, 2, run_.path("deployment.xml") + ":9: "));
  EXPECT_NE(outcome.err.find("nick"), std::string::npos) << outcome.err;
  expect_nothing_left();
}

TEST_F(Refusal, UnsupportedNic) {
  edit("deployment.xml", "value=\"vmxnet3\"", "value=\"rtl8139\"");
  EXPECT_TRUE(complains(record(), 2, run_.path("deployment.xml") + ":9: "));
}

TEST_F(Refusal, MissingFiles) {
  edit("deployment.xml", "${REPRISE_GUESTS}/vmlinux", "no-such-kernel");
  EXPECT_TRUE(complains(record(), 2, run_.path("deployment.xml") + ":7: "));
  fs::remove(run_.path("platform.xml"));
  run_.deploy({{.name = "alice", .append = ""}, {.name = "bob", .append = ""}});
  fs::remove(run_.path("platform.xml"));
  EXPECT_TRUE(complains(record(), 2, run_.path("platform.xml")));
  run_.deploy({{.name = "alice", .append = ""}, {.name = "bob", .append = ""}});
  fs::remove(run_.path("deployment.xml"));
  EXPECT_TRUE(complains(record(), 2, run_.path("deployment.xml")));
  expect_nothing_left();
}

TEST_F(Refusal, NoQemu) {
  fs::create_directory(run_.path("empty"));
  EXPECT_TRUE(complains(record({.environment = {{"PATH", run_.path("empty")}, {"REPRISE_QEMU", std::nullopt}}}), 4,
                        "no qemu-system-x86_64 in PATH; install QEMU"));
  EXPECT_TRUE(complains(record({.environment = {{"REPRISE_QEMU", run_.path("nowhere")}}}), 4, run_.path("nowhere") + ": no such program"));
  expect_nothing_left();
}

TEST_F(Refusal, UntestedQemu) {
  const std::string old = run_.write_program("qemu-system-old", "echo 'QEMU emulator version 7.2.22 (Debian)'\n");
  const Outcome outcome = record({.environment = {{"REPRISE_QEMU", old}}});
  EXPECT_TRUE(complains(outcome, 4, "'QEMU emulator version 7.2.22 (Debian)' is not a tested version"));
  EXPECT_NE(outcome.err.find("install QEMU"), std::string::npos) << outcome.err;
  const std::string broken = run_.write_program("qemu-system-broken", "echo 'cannot open libfoo'; exit 7\n");
  EXPECT_TRUE(complains(record({.environment = {{"REPRISE_QEMU", broken}}}), 4, "exited with code 7: cannot open libfoo"));
  expect_nothing_left();
}

TEST_F(Refusal, AnOutputThatCannotBeWritten) {
  EXPECT_TRUE(
      complains(run_reprise(run_.record_command("nowhere/a.trace")), 5, run_.path("nowhere/a.trace.partial") + ": cannot be created"));
  // Not even root may create a file there.
  EXPECT_TRUE(complains(run_reprise({"record", run_.path("platform.xml"), run_.path("deployment.xml"), "-o", "/proc/a.trace"}), 5,
                        "/proc/a.trace.partial: cannot be created"));
}

TEST_F(Refusal, AnOutputFolderThatARunUses) {
  fs::create_directory(run_.path("a.trace.partial"));
  EXPECT_TRUE(complains(record(), 2, run_.path("a.trace.partial") + " is there already"));
}

TEST_F(Refusal, AKernelThatIsNone) {
  run_.write("text", "not a kernel\n");
  run_.deploy({{.name = "alice", .append = "run=boot"}, {.name = "bob", .append = "", .kernel = "text", .initrd = ""}});
  const Outcome outcome = record();
  EXPECT_TRUE(complains(outcome, 5, "guest 'bob' failed"));
  EXPECT_NE(outcome.err.find("it said:"), std::string::npos) << outcome.err;
  EXPECT_EQ(outcome.err.find("recover"), std::string::npos) << "there is nothing to recover: " << outcome.err;
  EXPECT_TRUE(qemus_of(run_.folder()).empty());
  expect_nothing_left();
}

TEST_F(Refusal, AnOutputThatIsAFolder) {
  for (const char* name : {"", "new/"}) {
    EXPECT_TRUE(complains(run_reprise(run_.record_command(name)), 2, run_.path(name) + ": is a folder; give the trace's file name"));
  }
  EXPECT_FALSE(fs::exists(run_.path("new")));
}

TEST_F(Refusal, NoPlugin) {
  EXPECT_TRUE(complains(record({.environment = {{"REPRISE_PLUGIN", run_.path("nowhere.so")}}}), 4,
                        "REPRISE_PLUGIN=" + run_.path("nowhere.so") + ": no such file"));
  expect_nothing_left();
}

// One that says the right version: only the plugin can tell.
TEST_F(Refusal, AQemuWithoutWhatTheHooksNeed) {
  const char* path = std::getenv("REPRISE_QEMU");
  std::string qemu = file_text(fs::canonical(path != nullptr ? path : "/usr/bin/qemu-system-x86_64"));
  const std::string symbol("\0icount_get_raw\0", 16);
  const size_t at = qemu.find(symbol);
  ASSERT_NE(at, std::string::npos);
  qemu[at + 1] = 'X';
  run_.write("qemu-system-other", qemu);
  fs::permissions(run_.path("qemu-system-other"), fs::perms::owner_all);
  const Outcome outcome = record({.environment = {{"REPRISE_QEMU", run_.path("qemu-system-other")}}});
  EXPECT_TRUE(complains(outcome, 4, "its QEMU exited with code 4; it said:"));
  EXPECT_NE(outcome.err.find("reprise plugin: "), std::string::npos) << outcome.err;
  expect_nothing_left();
}

// As the clock taps do when the guest first reads its clock: after all have met, and before time has moved.
TEST_F(Refusal, AQemuThatIsRefusedWhenItRuns) {
  const std::string qemu = run_.write_program("qemu-system-odd", R"sh(
if [ "$1" = --version ]; then echo 'QEMU emulator version 10.0.0'; exit; fi
exec python3 -c '
import re, socket, sys
recorder = socket.socket(fileno=int(re.search("channel=([0-9]+)", " ".join(sys.argv)).group(1)))
for kind in 1, 3:  # hello, at-deadline
    recorder.sendall(bytes([kind]) + bytes(39))
recorder.recv(40)
sys.exit(4)
' "$@"
)sh");
  const Outcome outcome = record({.environment = {{"REPRISE_QEMU", qemu}}});
  EXPECT_TRUE(complains(outcome, 4, "its QEMU exited with code 4"));
  EXPECT_EQ(outcome.err.find("recover"), std::string::npos) << outcome.err;
  expect_nothing_left();
}

/// A short recording from images of its own, which the tests change afterwards.
class ReplayRefusal : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    run_ = std::make_unique<GuestRun>();
    const fs::path guests = std::getenv("REPRISE_GUESTS") != nullptr ? std::getenv("REPRISE_GUESTS") : REPRISE_DEFAULT_GUESTS;
    fs::copy_file(guests / "vmlinux", run_->path("kernel"));
    fs::copy_file(guests / "guest.cpio", run_->path("initrd"));
    run_->deploy({{.name = "alice", .append = "", .kernel = "kernel", .initrd = "initrd"}});
    ASSERT_TRUE(run_->record("a.trace", {"--until", "100ms"}));
  }
  static void TearDownTestSuite() { run_.reset(); }

  static std::unique_ptr<GuestRun> run_;
};
std::unique_ptr<GuestRun> ReplayRefusal::run_;

TEST_F(ReplayRefusal, NothingChangedIsIdentical) {
  EXPECT_TRUE(replays_identically(run_->replay("a.trace"), 1));
}

TEST_F(ReplayRefusal, ChangedImages) {
  for (const char* role : {"kernel", "initrd"}) {
    const std::string before = file_text(run_->path(role));
    std::string after = before;
    after.back() = static_cast<char>(after.back() ^ 1);
    run_->write(role, after);
    EXPECT_TRUE(complains(run_->replay("a.trace"), 4, std::string("\n  ") + role + " " + run_->path(role) + ": recorded SHA-256 "));
    run_->write(role, before);
  }
  fs::rename(run_->path("initrd"), run_->path("elsewhere"));
  EXPECT_TRUE(complains(run_->replay("a.trace"), 4, "\n  initrd: recorded " + run_->path("initrd") + ", which is not here"));
  fs::rename(run_->path("elsewhere"), run_->path("initrd"));
}

TEST_F(ReplayRefusal, AnotherBuildOfTheSameQemu) {
  const auto reader = run_->open("a.trace");
  ASSERT_NE(reader, nullptr);
  const std::string version = reader->run().guests[0].qemu_version;
  const std::string other = run_->write_program("qemu-system-other", "echo '" + version + "'\n");
  const Outcome outcome = run_->replay("a.trace", {}, {.environment = {{"REPRISE_QEMU", other}}});
  EXPECT_TRUE(complains(outcome, 4, "\n  QEMU build id: recorded '" + reader->run().guests[0].qemu_build_id + "', here ''"));
  EXPECT_EQ(outcome.err.find("QEMU version"), std::string::npos) << outcome.err;
  const std::string newer = run_->write_program("qemu-system-newer", "echo '" + version + " patched'\n");
  EXPECT_TRUE(complains(run_->replay("a.trace", {}, {.environment = {{"REPRISE_QEMU", newer}}}), 4,
                        "\n  QEMU version: recorded '" + version + "', here '" + version + " patched'"));
}

// What the other end of a replay could not do is what the replay could not do; what it says is not the terminal's to obey.
TEST_F(ReplayRefusal, AGuestThatGivesNoVerdictSaysWhy) {
  const Outcome outcome = run_->replay("a.trace", {}, {.environment = {{"REPRISE_PLUGIN", REFUSING_PLUGIN}}});
  EXPECT_TRUE(complains(outcome, 3, "its QEMU exited with code 3; it said:\n\\x1b[2Jchunk 7"));
}

}  // namespace
}  // namespace reprise::testing
