// A recording with --encrypt-to: while it goes on, when it is killed, and its trace, which the program 'age' opens too.
#include <signal.h>

#include <cstdlib>

#include "tests/guest/guest_run.h"
#include "trace_format/age_keys.h"

namespace reprise::testing {
namespace {

/// Part of a ping's payload, which a trace that is not encrypted shows.
constexpr const char* kPayload = "0123456789:;<=>?@ABC";
/// What the guests print, their names and addresses.
const std::vector<std::string> kPlain = {kPayload, "reply seq=", "alice", "10.0.0.2", "vmxnet3"};

class EncryptedRun : public ::testing::Test {
 protected:
  EncryptedRun() {
    for (const char* name : {"key.txt", "other.txt"}) {
      const AgeIdentity identity = generate_age_identity();
      EXPECT_TRUE(save_age_identity(run_.folder() / name, identity).ok());
      recipients_.push_back(text(recipient_of(identity)));
    }
    options_ = {"--encrypt-to", recipients_.front()};
  }

  [[nodiscard]] std::vector<std::string> key() const { return {"--identity", run_.path("key.txt")}; }

  /// All files in the run's folder and its trace, as one text.
  [[nodiscard]] std::string on_the_disk(const std::string& trace) const {
    std::string all = file_text(run_.folder() / trace);
    std::error_code none;
    for (const auto& entry : std::filesystem::directory_iterator(run_.path(trace + ".partial"), none)) {
      all += file_text(entry.path());
    }
    return all;
  }

  void expect_nothing_readable(const std::string& bytes) const {
    EXPECT_NE(bytes.find("age-encryption.org/v1\n"), std::string::npos);
    for (const std::string& plain : kPlain) {
      EXPECT_EQ(bytes.find(plain), std::string::npos) << plain;
    }
  }

  GuestRun run_;
  std::vector<std::string> recipients_;
  std::vector<std::string> options_;
};

TEST_F(EncryptedRun, IsThePlainRunForWhoHasTheKey) {
  run_.deploy(pinging_pair(5));
  ASSERT_TRUE(run_.record("plain.trace"));
  ASSERT_NE(file_text(run_.folder() / "plain.trace").find(kPayload), std::string::npos) << "the test looks for what compression hides";
  ASSERT_TRUE(run_.record("a.trace", options_));
  EXPECT_FALSE(std::filesystem::exists(run_.path("a.trace.partial")));
  expect_nothing_readable(file_text(run_.folder() / "a.trace"));
  EXPECT_TRUE(replays_identically(run_.replay("a.trace", key()), 2));

  const Outcome same = run_reprise({"diff", run_.path("plain.trace"), run_.path("a.trace"), "--identity", run_.path("key.txt")});
  EXPECT_TRUE(exits(same, 0)) << same.out;
  EXPECT_TRUE(complains(run_.replay("a.trace"), 2, "encrypted; '--identity FILE' names the key"));
  EXPECT_TRUE(complains(run_.replay("a.trace", {"--identity", run_.path("other.txt")}), 2, "wrong key"));

  const std::string decrypt =
      "age -d -i '" + run_.path("key.txt") + "' -o '" + run_.path("by-age.trace") + "' '" + run_.path("a.trace") + "'";
  ASSERT_EQ(std::system(decrypt.c_str()), 0) << decrypt << " (the Debian package 'age' has the program)";
  EXPECT_TRUE(exits(run_reprise({"verify", run_.path("by-age.trace")}), 0));
  EXPECT_TRUE(exits(run_reprise({"diff", run_.path("plain.trace"), run_.path("by-age.trace")}), 0));

  std::string altered = file_text(run_.folder() / "a.trace");
  altered[altered.size() / 2] = static_cast<char>(altered[altered.size() / 2] ^ 1);
  run_.write("altered.trace", altered);
  EXPECT_TRUE(complains(run_.replay("altered.trace", key()), 3, "altered.trace: encrypted chunk "));
}

TEST_F(EncryptedRun, LeavesNothingReadableWhenItIsKilled) {
  run_.deploy(pinging_pair(16384));
  options_.insert(options_.end(), {"--console", run_.path("consoles")});
  RunningReprise recorder(run_.record_command("a.trace", options_));
  const bool pinging = wait_until([&] {
    return !recorder.running() || file_text(run_.folder() / "consoles" / "alice.log").find("reply seq=80 ") != std::string::npos;
  });
  ASSERT_TRUE(pinging && recorder.running());
  expect_nothing_readable(on_the_disk("a.trace"));
  recorder.signal(SIGKILL);
  EXPECT_EQ(recorder.wait().exit_code, -1);
  ASSERT_TRUE(wait_until([this] { return qemus_of(run_.folder()).empty(); }));
  expect_nothing_readable(on_the_disk("a.trace"));

  const std::vector<std::string> recover = {"recover", run_.path("a.trace.partial"), "-o", run_.path("b.trace")};
  auto words = recover;
  words.emplace_back("--plain");
  EXPECT_TRUE(complains(run_reprise(words), 2, "run.info: encrypted; '--identity FILE' names the key"));
  words = recover;
  words.insert(words.end(), {"--identity", run_.path("key.txt"), "--encrypt-to", recipients_.back()});
  ASSERT_TRUE(exits(run_reprise(words), 0));
  expect_nothing_readable(file_text(run_.folder() / "b.trace"));
  EXPECT_TRUE(replays_identically(run_.replay("b.trace", {"--identity", run_.path("other.txt")}), 2));
}

}  // namespace
}  // namespace reprise::testing
