// What the commands that read a trace print, and how they end.
#include <nlohmann/json.hpp>

#include "tests/cli/program.h"

namespace reprise::testing {
namespace {

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

}  // namespace
}  // namespace reprise::testing
