// The program as a user meets it: exit codes, messages, output.
#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/analysis/synthetic_trace.h"
#include "trace_format/age_keys.h"
#include "trace_format/encrypted_io.h"

extern char** environ;

namespace reprise::testing {
namespace {

struct Outcome {
  int exit_code = -1;
  std::string out;
  std::string err;
};

std::string content(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class ProgramTest : public ::testing::Test {
 protected:
  /// Runs the program; what it writes goes to files, `output` instead when it is given.
  Outcome run(std::vector<std::string> words, const std::string& output = "") {
    const std::string out = output.empty() ? (folder_.path() / "stdout").string() : output;
    const std::string err = (folder_.path() / "stderr").string();
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    const Outcome outcome = spawn(std::move(words), actions);
    posix_spawn_file_actions_destroy(&actions);
    return {outcome.exit_code, output.empty() ? content(out) : "", content(err)};
  }

  static Outcome spawn(std::vector<std::string> words, const posix_spawn_file_actions_t& actions) {
    words.insert(words.begin(), REPRISE_PROGRAM);
    std::vector<char*> argv;
    for (std::string& word : words) {
      argv.push_back(word.data());
    }
    argv.push_back(nullptr);
    pid_t pid = 0;
    int status = 0;
    EXPECT_EQ(posix_spawn(&pid, argv[0], &actions, nullptr, argv.data(), environ), 0);
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_TRUE(WIFEXITED(status));
    return {WEXITSTATUS(status), "", ""};
  }

  std::string trace(const Script& script, const std::string& name) {
    write_trace(script, folder_.path() / name);
    return (folder_.path() / name).string();
  }

  std::string file(const std::string& name, const std::string& bytes) {
    std::ofstream(folder_.path() / name, std::ios::binary) << bytes;
    return (folder_.path() / name).string();
  }

  TemporaryFolder folder_;
};

const std::array<std::string, 14> kCommands = {"record", "replay",  "diff",     "stats",    "info",    "dump", "verify",
                                               "trim",   "recover", "examples", "validate", "console", "ssh",  "exec"};

TEST_F(ProgramTest, PrintsItsVersion) {
  const Outcome outcome = run({"--version"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.out, "reprise " REPRISE_VERSION "\n");
}

TEST_F(ProgramTest, HelpListsEveryCommandAndEachHasAnExample) {
  const Outcome all = run({"--help"});
  EXPECT_EQ(all.exit_code, 0);
  for (const std::string& command : kCommands) {
    EXPECT_NE(all.out.find("\n  " + command + " "), std::string::npos) << command;
    const Outcome one = run({command, "--help"});
    EXPECT_EQ(one.exit_code, 0) << command;
    EXPECT_EQ(one.out.rfind("usage: reprise " + command + " ", 0), 0U) << one.out;
    EXPECT_NE(one.out.find("\nexample:\n  reprise " + command + " "), std::string::npos) << one.out;
    EXPECT_EQ(one.err, "");
  }
}

TEST_F(ProgramTest, ListsTheExamplesThatThereAre) {
  const std::filesystem::path examples = folder_.path() / "examples";
  std::filesystem::create_directories(examples / "storm");
  std::filesystem::create_directories(examples / "no-example");
  std::ofstream(examples / "storm/README.md") << "# storm: everybody talks\n";
  std::ofstream(examples / "storm/platform.xml") << "<platform/>";
  std::ofstream(examples / "storm/deployment.xml") << "<platform version='4.1'><actor host='h' function='qemu_guest'><prop id='kernel' "
                                                      "value='${REPRISE_GUESTS}/no-such-kernel'/></actor>"
                                                      "<actor host='h' function='outage'/></platform>";
  setenv("REPRISE_EXAMPLES", examples.c_str(), 1);
  const Outcome list = run({"examples", "--json"});
  const Outcome text = run({"examples"});
  const Outcome unknown = run({"record", "--example", "stor", "-o", (folder_.path() / "t").string()});
  const Outcome both = run({"record", "--example", "storm", "platform.xml", "-o", (folder_.path() / "t").string()});
  setenv("REPRISE_EXAMPLES", "/no/such/folder", 1);
  const Outcome none = run({"examples"});
  unsetenv("REPRISE_EXAMPLES");
  EXPECT_EQ(list.exit_code, 0) << list.err;
  const auto json = nlohmann::json::parse(list.out);
  ASSERT_EQ(json.size(), 1U) << json;
  EXPECT_EQ(json[0]["name"], "storm");
  EXPECT_EQ(json[0]["summary"], "everybody talks");
  EXPECT_EQ(json[0]["guests"], 1);
  EXPECT_EQ(json[0]["missing"].size(), 1U);
  EXPECT_EQ(text.out.rfind("storm   1 guest   everybody talks\n", 0), 0U) << text.out;
  EXPECT_EQ(unknown.exit_code, 2);
  EXPECT_NE(unknown.err.find("no example 'stor' (did you mean 'storm'?); there are: storm"), std::string::npos) << unknown.err;
  EXPECT_EQ(both.exit_code, 2) << both.err;
  EXPECT_EQ(none.exit_code, 4) << none.err;
}

TEST_F(ProgramTest, ComesWithExamples) {
  const Outcome list = run({"examples", "--json"});
  EXPECT_EQ(list.exit_code, 0) << list.err;
  EXPECT_NE(list.out.find("\"ping\""), std::string::npos) << list.out;
}

TEST_F(ProgramTest, RefusesWrongUsageWithTheRemedy) {
  struct Case {
    std::vector<std::string> words;
    std::string message;
  };
  const std::vector<Case> cases = {
      {{}, "reprise: no command given; 'reprise --help' lists them\n"},
      {{"frobnicate"}, "reprise: no command 'frobnicate'; 'reprise --help' lists them\n"},
      {{"diff", "a"},
       "reprise: B is missing\nusage: reprise diff A B [--guest NAME]... [--identity FILE]... [--json]\n'reprise diff --help' explains "
       "each option\n"},
      {{"record", "p", "d", "-o", "t", "--realtime", "0"}, "reprise: --realtime: '0' is not a number from 0.001 to 1000\n"},
      {{"record", "p", "d", "-o", "t", "--realtime", "nan"}, "reprise: --realtime: 'nan' is not a number from 0.001 to 1000\n"},
      {{"record", "p", "d", "-o", "t", "--realtime", "1x"}, "reprise: --realtime: '1x' is not a number from 0.001 to 1000\n"},
      {{"console"}, "reprise: NAME is missing\n"},
      {{"console", "a\nb"}, "reprise: NAME: 'a\\x0ab' is no guest's name\n"},
      {{"console", "alice", "--run", "/nowhere"}, "reprise: --run: /nowhere is no folder of a run; "},
      {{"diff", "a", "b", "c"}, "reprise: too many operands\n"},
      {{"diff", "a", "b", "--jsn"}, "reprise: unrecognised option '--jsn'\n"},
      {{"diff", "a", "b", "--js"}, "reprise: unrecognised option '--js'\n"},
      {{"diff", "a", "--B", "b"}, "reprise: unrecognised option '--B'\n"},
      {{"stats", "-x", "a"}, "reprise: unrecognised option '-x'\n"},
      {{"stats"}, "reprise: FILE is missing\n"},
      {{"dump", "a", "--from", "30"}, "reprise: --from: '30' is not a time: the unit is missing; write it as 30s"},
      {{"dump", "a", "--from"}, "reprise: the required argument for option '--from' is missing\n"},
      {{"dump", "a", "--from", "1s", "--from", "2s"}, "reprise: option '--from' cannot be specified more than once\n"},
      {{"recover", "a"}, "reprise: -o FILE is missing\n"},
      {{"replay", "a", "--jobs", "0"}, "reprise: --jobs: '0' is not a number from 1 to 4096\n"},
      {{"replay", "a", "--jobs", "2x"}, "reprise: --jobs: '2x' is not a number from 1 to 4096\n"},
      {{"record", "p.xml", "d.xml"}, "reprise: -o FILE is missing; --no-trace runs without recording\n"},
      {{"record", "p.xml", "-o", "t"}, "reprise: DEPLOYMENT is missing\n"},
      {{"record", "p.xml", "-o", "t", "--", "d.xml"}, "reprise: DEPLOYMENT is missing\n"},
      {{"record", "p.xml", "d.xml", "-o", "t", "--until", "0s"}, "reprise: --until: must be later than 0\n"},
      {{"record", "p.xml", "d.xml", "-o", "t", "--seed", "-1"}, "reprise: --seed: '-1' is not a number from 0 to 18446744073709551615\n"},
  };
  for (const Case& wrong : cases) {
    const Outcome outcome = run(wrong.words);
    SCOPED_TRACE(fmt::format("reprise {}", fmt::join(wrong.words, " ")));
    EXPECT_EQ(outcome.exit_code, 2);
    EXPECT_EQ(outcome.err.substr(0, wrong.message.size()), wrong.message);
    EXPECT_EQ(outcome.out, "");
  }
}

TEST_F(ProgramTest, AMissingFileIsWrongUsage) {
  const std::string missing = (folder_.path() / "nowhere.trace").string();
  for (const char* command : {"stats", "info", "dump", "verify", "replay"}) {
    const Outcome outcome = run({command, missing});
    EXPECT_EQ(outcome.exit_code, 2) << command;
    EXPECT_NE(outcome.err.find("nowhere.trace"), std::string::npos) << outcome.err;
  }
  EXPECT_EQ(run({"diff", missing, missing}).exit_code, 2);
}

TEST_F(ProgramTest, WhatIsNotATraceIsADamagedOne) {
  const std::string sound = trace(ping_script(), "sound");
  const std::vector<std::string> broken = {file("empty", ""), file("text", std::string(5000, 'x')),
                                           file("cut", content(sound).substr(0, content(sound).size() / 2))};
  for (const std::string& path : broken) {
    for (const char* command : {"stats", "info", "dump", "verify", "replay"}) {
      const Outcome outcome = run({command, path});
      EXPECT_EQ(outcome.exit_code, 3) << command << " " << path;
      EXPECT_EQ(outcome.err.rfind("reprise: ", 0), 0U) << outcome.err;
      EXPECT_NE(outcome.err.find(path), std::string::npos) << outcome.err;
    }
    EXPECT_EQ(run({"diff", sound, path}).exit_code, 3);
  }
}

TEST_F(ProgramTest, DiffTellsByItsExitCode) {
  const std::string a = trace(ping_script(), "a.trace");
  Script altered = ping_script();
  altered.guests[0][4].value = 1101;
  const std::string b = trace(altered, "b.trace");

  const Outcome same = run({"diff", a, a});
  EXPECT_EQ(same.exit_code, 0);
  EXPECT_EQ(same.out, "identical\n");
  const Outcome different = run({"diff", a, b, "--json"});
  EXPECT_EQ(different.exit_code, 1);
  EXPECT_EQ(nlohmann::json::parse(different.out)["differences"][0]["field"], "value");
  EXPECT_EQ(run({"diff", a, b, "--guest", "bob"}).exit_code, 0);
  EXPECT_EQ(run({"diff", a, b, "--guest", "bob", "--guest", "alice"}).exit_code, 1);
  EXPECT_EQ(run({"diff", a, b, "--guest", "mallory"}).exit_code, 2);
}

TEST_F(ProgramTest, ReportsOnATrace) {
  const std::string path = trace(ping_script(), "a.trace");
  EXPECT_EQ(nlohmann::json::parse(run({"stats", path, "--json"}).out)["file_bytes"], std::filesystem::file_size(path));
  EXPECT_EQ(nlohmann::json::parse(run({"info", path, "--json"}).out)["seed"], 7);
  EXPECT_EQ(run({"stats", path}).out.rfind("guest  host", 0), 0U);
  EXPECT_EQ(run({"info", path}).out.rfind("recorded by ", 0), 0U);
  EXPECT_EQ(run({"dump", path, "--kind", "console", "--guest", "bob"}).out, "13100 bob console #0 0x42 'B'\n");
  EXPECT_EQ(run({"dump", path, "--from", "24us", "--to", "0.03ms"}).out, "24000 alice console #1 0x0a '\\n'\n30000 alice end power-off\n");
  EXPECT_EQ(run({"dump", path, "--kind", "frames"}).exit_code, 2);
  EXPECT_EQ(run({"verify", path}).out,
            path + ": sound: 9 chunks, 6 clock reads, 3 frames sent, 3 received, 3 console bytes, 3 network events\n");
  EXPECT_EQ(run({"verify", path, "--checksums"}).out,
            path + ": checksums match: 9 chunks, 6 clock reads, 3 frames sent, 3 received, 3 console bytes, 3 network events\n");
}

TEST_F(ProgramTest, VerifyFindsAFlippedBit) {
  std::string bytes = content(trace(ping_script(), "a.trace"));
  bytes[bytes.size() / 3] = static_cast<char>(bytes[bytes.size() / 3] ^ 1);
  const std::string flipped = file("flipped", bytes);
  EXPECT_EQ(run({"verify", flipped}).exit_code, 3);
  EXPECT_EQ(run({"verify", flipped, "--checksums"}).exit_code, 3);
}

// Who cannot be told anything is told nothing; the exit code is the same.
TEST_F(ProgramTest, StandardErrorThatCannotBeWrittenChangesNoExitCode) {
  std::string bytes = content(trace(ping_script(), "a.trace"));
  const std::string cut = file("cut.trace", bytes.substr(0, bytes.size() / 2));
  posix_spawn_file_actions_t full;
  posix_spawn_file_actions_init(&full);
  posix_spawn_file_actions_addopen(&full, STDERR_FILENO, "/dev/full", O_WRONLY, 0);
  EXPECT_EQ(spawn({"verify", cut}, full).exit_code, 3);
  posix_spawn_file_actions_destroy(&full);
  posix_spawn_file_actions_t closed;
  posix_spawn_file_actions_init(&closed);
  for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    posix_spawn_file_actions_addclose(&closed, standard);
  }
  EXPECT_EQ(spawn({"verify", cut}, closed).exit_code, 3);
  EXPECT_EQ(spawn({"stats", cut + ".none"}, closed).exit_code, 2);
  EXPECT_EQ(spawn({"trim", (folder_.path() / "a.trace").string(), "-o", (folder_.path() / "part.trace").string()}, closed).exit_code, 0);
  posix_spawn_file_actions_destroy(&closed);
  EXPECT_EQ(run({"verify", (folder_.path() / "part.trace").string()}).exit_code, 0);
}

TEST_F(ProgramTest, ACopyDoesNotTakeThePlaceOfWhatItIsMadeFrom) {
  const std::string path = trace(ping_script(), "a.trace");
  const std::string same = (folder_.path() / "." / "a.trace").string();
  const std::string before = content(path);
  for (const char* command : {"recover", "trim"}) {
    const Outcome outcome = run({command, path, "-o", same});
    EXPECT_EQ(outcome.exit_code, 2) << command;
    EXPECT_NE(outcome.err.find("is what is read; give what is written another name"), std::string::npos) << outcome.err;
  }
  EXPECT_EQ(content(path), before);
}

TEST_F(ProgramTest, RecoversWhatAKilledRunLeft) {
  const std::filesystem::path left = folder_.path() / "run.trace.partial";
  std::filesystem::create_directory(left);
  write_streams(ping_script(), left);
  const std::string output = (folder_.path() / "run.trace").string();
  const Outcome outcome = run({"recover", left.string(), "-o", output});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.out.substr(0, outcome.out.find(output)), "alice: recovered up to 0.000030000 s\nbob: recovered up to 0.000040000 s\n");
  EXPECT_EQ(run({"verify", output}).exit_code, 0);
  EXPECT_TRUE(std::filesystem::exists(left));
  const Outcome too_long = run({"recover", std::string(300, 'x'), "-o", output});
  EXPECT_EQ(too_long.exit_code, 2) << too_long.err;
  const std::string nowhere = (folder_.path() / "nowhere").string();
  const Outcome missing = run({"recover", nowhere, "-o", output});
  EXPECT_NE(missing.exit_code, 0);
  EXPECT_NE(missing.err.find(nowhere), std::string::npos) << missing.err;
}

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

TEST_F(ProgramTest, AReaderThatIsGoneIsNoError) {
  Script script = ping_script();
  for (uint64_t i = 0; i < 5000; ++i) {
    script.guests[0].insert(script.guests[0].end() - 1, clock_read(24'000, ClockSource::kTsc, i));
  }
  const std::string path = trace(script, "long.trace");
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe2(ends.data(), O_CLOEXEC), 0);
  ASSERT_EQ(close(ends[0]), 0);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  EXPECT_EQ(spawn({"dump", path}, actions).exit_code, 0);
  EXPECT_EQ(spawn({"stats", path}, actions).exit_code, 0);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
}

TEST_F(ProgramTest, AFullDiskIsAnError) {
  const Outcome outcome = run({"stats", trace(ping_script(), "a.trace")}, "/dev/full");
  EXPECT_EQ(outcome.exit_code, 5);
  EXPECT_EQ(outcome.err, "reprise: standard output: No space left on device\n");
}

}  // namespace
}  // namespace reprise::testing
