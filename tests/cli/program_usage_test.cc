// What the program says of itself, and of words that it does not take.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>

#include "tests/cli/program.h"

namespace reprise::testing {
namespace {

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

}  // namespace
}  // namespace reprise::testing
