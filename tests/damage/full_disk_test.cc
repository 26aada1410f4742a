// The program `reprise` where it cannot write: a disk without room (a limit on a file's size gives the same errors, and needs no
// privileges) and a folder that is not its own to write.
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <optional>

#include "tests/damage/damaged_trace.h"
#include "tests/trace_format/sample_run.h"
#include "trace_format/trace_writer.h"
#include "trace_format/verify.h"

namespace reprise::testing {
namespace {

namespace fs = std::filesystem;

constexpr uid_t kNobody = 65534;

struct Outcome {
  int exit_code = -1;  ///< -1 when a signal ended it
  std::string err;     ///< and what it prints
};

struct Limits {
  std::optional<rlim_t> file_bytes;  ///< no file gets longer
  bool unprivileged = false;         ///< permissions count, though the test may run as root
};

/// Only what may be called between fork and exec.
void limit(const Limits& limits) {
  if (limits.file_bytes.has_value()) {
    const rlimit size{*limits.file_bytes, *limits.file_bytes};
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &size);
  }
  if (limits.unprivileged && geteuid() == 0 && (setgid(kNobody) != 0 || setuid(kNobody) != 0)) {
    _exit(99);
  }
}

class FullDisk : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(chmod(folder_.path().c_str(), 0755), 0);
    write_streams(script_, directory_);
    ASSERT_TRUE(ok(save_run_info(directory_, script_.run)));
  }

  [[nodiscard]] Outcome run(std::vector<std::string> words, const Limits& limits) const {
    words.insert(words.begin(), REPRISE_PROGRAM);
    std::vector<char*> argv;
    for (std::string& word : words) {
      argv.push_back(word.data());
    }
    argv.push_back(nullptr);
    std::array<int, 2> ends{};  // a pipe: what it says must not have to fit into a file
    EXPECT_EQ(pipe2(ends.data(), O_CLOEXEC), 0);
    const pid_t pid = fork();
    if (pid == 0) {
      dup2(ends[1], STDERR_FILENO);
      dup2(ends[1], STDOUT_FILENO);
      limit(limits);
      execv(argv[0], argv.data());
      _exit(98);
    }
    close(ends[1]);
    Outcome outcome;
    std::array<char, 4096> some{};
    for (ssize_t n = 0; (n = read(ends[0], some.data(), some.size())) > 0;) {
      outcome.err.append(some.data(), static_cast<size_t>(n));
    }
    close(ends[0]);
    int status = 0;
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    outcome.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return outcome;
  }

  void expect_recover_to_fail(const fs::path& output, const Limits& limits, const std::string& why) const {
    const Outcome outcome = run({"recover", directory_.string(), "-o", output.string()}, limits);
    EXPECT_EQ(outcome.exit_code, 5) << outcome.err;
    EXPECT_NE(outcome.err.find(output.parent_path().string()), std::string::npos) << outcome.err;
    EXPECT_NE(outcome.err.find(why), std::string::npos) << outcome.err;
    EXPECT_FALSE(fs::exists(output));
    EXPECT_TRUE(fs::is_empty(output.parent_path())) << "a temporary file is left";
  }

  const Script script_ = random_script(7, 400);
  TemporaryFolder folder_;
  fs::path directory_ = folder_.folder("run.trace.partial");
};

TEST_F(FullDisk, RecoverSaysWhichFileHasNoRoom) {
  const fs::path output = folder_.folder("out") / "run.trace";
  for (const rlim_t bytes : {rlim_t{0}, rlim_t{100}, rlim_t{5'000}, rlim_t{50'000}}) {
    SCOPED_TRACE(bytes);
    expect_recover_to_fail(output, {.file_bytes = bytes}, "File too large");
  }
  const Outcome outcome = run({"recover", directory_.string(), "-o", output.string()}, {});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_TRUE(verified(output));
}

TEST_F(FullDisk, TrimSaysWhichFileHasNoRoom) {
  ASSERT_TRUE(ok(join_streams(directory_, script_.run, folder_ / "run.trace")));
  const fs::path output = folder_.folder("out") / "part.trace";
  const std::vector<std::string> words = {"trim", (folder_ / "run.trace").string(), "-o", output.string(), "--from", "1us"};
  for (const rlim_t bytes : {rlim_t{0}, rlim_t{100}, rlim_t{5'000}}) {
    const Outcome outcome = run(words, {.file_bytes = bytes});
    EXPECT_EQ(outcome.exit_code, 5) << outcome.err;
    EXPECT_NE(outcome.err.find("File too large"), std::string::npos) << outcome.err;
    EXPECT_TRUE(fs::is_empty(folder_ / "out")) << bytes;
  }
  const Outcome outcome = run(words, {});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
}

// A limit below what a log reserves: the recorder's own first file finds no room.
TEST_F(FullDisk, ARecordingThatCannotBeginSaysWhichFileHasNoRoom) {
  const fs::path out = folder_.folder("out");
  const std::string example = REPRISE_EXAMPLES "/ping/";
  const std::vector<std::string> words = {"record", example + "platform.xml", example + "deployment.xml", "-o", (out / "a.trace").string()};
  const Outcome outcome = run(words, {.file_bytes = 1'000'000});
  EXPECT_EQ(outcome.exit_code, 5) << outcome.err;
  EXPECT_NE(outcome.err.find((out / "a.trace.partial").string()), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.err.find("File too large"), std::string::npos) << outcome.err;
  EXPECT_FALSE(fs::exists(out / "a.trace"));
}

// The logs have their room; it is a guest's stream file that finds none in the middle of the run. What it wrote until then is recovered.
TEST_F(FullDisk, ARecordingWhoseGuestFindsNoRoomKeepsWhatIsWritten) {
  const fs::path out = folder_.folder("out");
  std::ofstream(folder_ / "noise") << "#!/bin/sh\nhead -c 3000000 /dev/urandom\n";  // its console; nothing that could be compressed
  ASSERT_EQ(chmod((folder_ / "noise").c_str(), 0755), 0);
  std::ofstream(folder_ / "deployment.xml")
      << "<?xml version=\"1.0\"?>\n<platform version=\"4.1\"><actor host=\"left\" function=\"vsg_vm\">"
      << "<argument value=\"10.0.0.1\"/><argument value=\"" << (folder_ / "noise").string() << "\"/></actor></platform>\n";
  const std::string platform = REPRISE_EXAMPLES "/send/platform.xml";
  const Outcome outcome =
      run({"record", platform, (folder_ / "deployment.xml").string(), "-o", (out / "a.trace").string()}, {.file_bytes = 1400 * 1024});
  EXPECT_EQ(outcome.exit_code, 5) << outcome.err;
  const fs::path partial = out / "a.trace.partial";
  EXPECT_NE(outcome.err.find((partial / "guest-0.stream").string()), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.err.find("File too large"), std::string::npos) << outcome.err;
  EXPECT_FALSE(fs::exists(out / "a.trace"));

  const Outcome recovery = run({"recover", partial.string(), "-o", (out / "recovered.trace").string()}, {});
  ASSERT_EQ(recovery.exit_code, 0) << recovery.err;
  const auto recovered = verify_trace(out / "recovered.trace");
  ASSERT_TRUE(recovered.ok()) << recovered.error().message;
  EXPECT_GT(recovered->console_bytes, 1'000'000U);
}

TEST_F(FullDisk, AFolderThatIsReadOnlyIsNamed) {
  const fs::path out = folder_.folder("out");
  for (const auto& entry : fs::directory_iterator(directory_)) {
    ASSERT_EQ(chmod(entry.path().c_str(), 0644), 0);
  }
  ASSERT_EQ(chmod(directory_.c_str(), 0755), 0);
  ASSERT_EQ(chmod(out.c_str(), 0555), 0);
  const Limits limits{.file_bytes = std::nullopt, .unprivileged = true};
  if (run({"--version"}, limits).exit_code != 0) {
    GTEST_SKIP() << "the program lies where only root may run it";
  }
  expect_recover_to_fail(out / "run.trace", limits, "Permission denied");
}

}  // namespace
}  // namespace reprise::testing
