// Encrypted traces and runs, with the right key, another, and none.
#include "tests/cli/program.h"
#include "trace_format/age_keys.h"
#include "trace_format/encrypted_io.h"

namespace reprise::testing {
namespace {

/// Encrypted copies of traces and run folders, with the files of two keys: the right one and another.
class EncryptedTest : public ProgramTest {
 protected:
  EncryptedTest() {
    CHECK(save_age_identity(key_, identity_).ok());
    CHECK(save_age_identity(other_key_, generate_age_identity()).ok());
  }

  std::string encrypted(const std::string& from, const std::string& to) {
    const std::string bytes = content(from);
    auto sink = create_output(to, {recipient_of(identity_)});
    CHECK(sink.ok() && (*sink)->write({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()}).ok() && (*sink)->close().ok());
    return to;
  }

  std::string encrypted_trace() { return encrypted(trace(ping_script(), "plain.trace"), path("secret.trace")); }

  std::string encrypted_run() {
    std::filesystem::create_directory(path("plain"));
    std::filesystem::create_directory(path("secret.trace.partial"));
    write_streams(ping_script(), path("plain"));
    for (const auto& entry : std::filesystem::directory_iterator(path("plain"))) {
      encrypted(entry.path(), path("secret.trace.partial") + "/" + entry.path().filename().string());
    }
    return path("secret.trace.partial");
  }

  [[nodiscard]] std::string path(const std::string& name) const { return (folder_.path() / name).string(); }

  AgeIdentity identity_ = generate_age_identity();
  std::string recipient_ = text(recipient_of(identity_));
  std::string key_ = path("key.txt");
  std::string other_key_ = path("other-key.txt");
};

TEST_F(EncryptedTest, EveryReaderTakesTheKey) {
  const std::string secret = encrypted_trace();
  const std::string plain = path("plain.trace");
  for (const char* command : {"stats", "info", "dump", "verify"}) {
    const Outcome outcome = run({command, secret, "--identity", key_});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    std::string expected = run({command, plain}).out;
    if (const size_t name = expected.find(plain); name != std::string::npos) {
      expected.replace(name, plain.size(), secret);
    }
    EXPECT_EQ(outcome.out, expected);
  }
  EXPECT_EQ(run({"diff", plain, secret, "--identity", key_}).out, "identical\n");
  EXPECT_EQ(run({"stats", secret, "--identity", other_key_, "--identity", key_}).exit_code, 0);
}

TEST_F(EncryptedTest, WithoutTheRightKeyItIsWrongUsageAndAlteredItIsDamaged) {
  const std::string secret = encrypted_trace();
  std::string bytes = content(secret);
  bytes[bytes.size() - 100] = static_cast<char>(bytes[bytes.size() - 100] ^ 1);
  const std::string altered = file("altered.trace", bytes);
  for (const std::vector<std::string>& command : std::vector<std::vector<std::string>>{
           {"stats"}, {"info"}, {"dump"}, {"verify"}, {"replay"}, {"diff", secret}, {"trim", "--plain", "-o", path("part.trace")}}) {
    SCOPED_TRACE(command.front());
    auto words = command;
    words.push_back(secret);
    const Outcome none = run(words);
    EXPECT_EQ(none.exit_code, 2);
    EXPECT_EQ(none.err, "reprise: " + secret + ": encrypted; '--identity FILE' names the key\n");
    words.insert(words.end(), {"--identity", other_key_});
    const Outcome wrong = run(words);
    EXPECT_EQ(wrong.exit_code, 2);
    EXPECT_NE(wrong.err.find(secret + ": encrypted for 1 recipient, for none of the 1 identity given: wrong key"), std::string::npos)
        << wrong.err;
    auto damaged = command;
    damaged.insert(damaged.end(), {altered, "--identity", key_});
    const Outcome outcome = run(damaged);
    EXPECT_EQ(outcome.exit_code, 3);
    EXPECT_NE(outcome.err.find(altered + ": encrypted chunk 0 at byte 184"), std::string::npos) << outcome.err;
  }
  EXPECT_FALSE(std::filesystem::exists(path("part.trace")));
}

TEST_F(EncryptedTest, ACopyIsEncryptedOrSaysThatItIsNot) {
  const std::string secret = encrypted_trace();
  const std::vector<std::vector<std::string>> commands = {{"trim", secret}, {"recover", secret}, {"recover", encrypted_run()}};
  for (const std::vector<std::string>& command : commands) {
    SCOPED_TRACE(command.front() + " " + command.back());
    const std::string output = path("output.trace");
    std::filesystem::remove(output);
    auto words = command;
    words.insert(words.end(), {"-o", output, "--identity", key_});
    const Outcome neither = run(words);
    EXPECT_EQ(neither.exit_code, 2);
    EXPECT_NE(neither.err.find("encrypted, and what is written would not be: give --encrypt-to RECIPIENT, or --plain"), std::string::npos)
        << neither.err;
    EXPECT_FALSE(std::filesystem::exists(output));

    words.emplace_back("--plain");
    EXPECT_EQ(run(words).exit_code, 0);
    EXPECT_EQ(run({"verify", output}).exit_code, 0);
    words.insert(words.end(), {"--encrypt-to", recipient_});
    EXPECT_EQ(run(words).exit_code, 2);
    std::erase(words, "--plain");
    const Outcome encrypted = run(words);
    EXPECT_EQ(encrypted.exit_code, 0) << encrypted.err;
    EXPECT_EQ(run({"verify", output}).exit_code, 2);
    EXPECT_EQ(run({"verify", output, "--identity", key_}).exit_code, 0);
    words.back() = content(other_key_).substr(std::string("# public key: ").size(), recipient_.size());
    EXPECT_EQ(run(words).exit_code, 0) << "for a reader who is not us";
    EXPECT_EQ(run({"verify", output, "--identity", other_key_}).exit_code, 0);
  }
}

TEST_F(EncryptedTest, RecordChecksTheRecipientsBeforeAnythingElse) {
  const auto record = [this](const std::vector<std::string>& more) {
    std::vector<std::string> words = {"record", "nowhere.xml", "nowhere.xml", "-o", path("run.trace")};
    words.insert(words.end(), more.begin(), more.end());
    return run(words);
  };
  const auto refused = [](const Outcome& outcome, const std::string& message) {
    EXPECT_EQ(outcome.exit_code, 2);
    EXPECT_EQ(outcome.err.rfind("reprise: --encrypt-to: " + message, 0), 0U) << outcome.err;
  };
  refused(record({"--encrypt-to", "age1nobody"}), "recipient 'age1nobody': ");
  const std::string secret = content(key_).substr(content(key_).find("AGE-SECRET-KEY-"));
  const Outcome misused = record({"--encrypt-to", secret});
  refused(misused, "a recipient is the public half of a key");
  EXPECT_EQ(misused.err.find("AGE-SECRET-KEY-1"), std::string::npos);
  refused(record({"--encrypt-to", recipient_, "--no-trace"}), "with --no-trace there is no trace to encrypt");
  std::vector<std::string> twenty;
  for (int i = 0; i < 20; ++i) {
    twenty.insert(twenty.end(), {"--encrypt-to", recipient_});
  }
  refused(record(twenty), "20 recipients; at most 19 are possible");
  twenty.resize(2 * 19);
  EXPECT_EQ(record(twenty).err.find("--encrypt-to"), std::string::npos);
}

}  // namespace
}  // namespace reprise::testing
