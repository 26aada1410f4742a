#include "recorder/profile_file.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "recorder/platform_file.h"
#include "tests/temporary_folder.h"

namespace reprise {
namespace {

std::string problem(const std::string& text, ProfileKind kind = ProfileKind::kBandwidth, double period = -1) {
  const Status status = check_profile(text, kind, {.file = "bw.txt"}, period);
  EXPECT_TRUE(status.ok() || status.error().kind == ErrorKind::kUsage);
  return status.ok() ? "" : status.error().message;
}

::testing::AssertionResult refused(const std::string& text, const std::string& want, ProfileKind kind = ProfileKind::kBandwidth) {
  const std::string got = problem(text, kind);
  return got.find(want) == std::string::npos ? ::testing::AssertionFailure() << text << " -> '" << got << "'"
                                             : ::testing::AssertionSuccess();
}

TEST(ProfileFile, TakesWhatSimgridTakes) {
  for (const char* text :
       {"", "# only\n", "0 1\n", "0.1 1e6\n0.1 2e6\n", " \t0.1   1e6 behind it\n", "0.1 5Mbps\n", "0.1 0x10\n", "0.1 1e-300\n",
        "% comment\r\n0.1 1e6\r\n0.2 2e6\r\n", "PERIODICITY 0.3\n0.1 1e6\n", "PERIODICITY5\n0.1 1e6\n", "0.1 1e6\nLOOPAFTER 0\n",
        "0 1e6\nLOOPAFTER 0.5\n", "LOOPAFTER 5\n", "STOCHASTIC\nDET 0.1 UNIF 1 9\nEXP 2 NORM 100 10\n",
        "STOCHASTIC LOOP\nUNIFORM 0 1 GAUSSIAN 100 -5\nDET 0 EXPONENTIAL 0.1\n", "DET 1 DET 5\n"}) {
    EXPECT_EQ(problem(text), "") << text;
  }
  EXPECT_EQ(problem("1 0\n2 1\n3 inf\n", ProfileKind::kState), "");
  EXPECT_EQ(problem("1 0\n2 0.5\n", ProfileKind::kSpeed), "");
  EXPECT_EQ(problem("0 1\n", ProfileKind::kBandwidth, 2), "");
}

TEST(ProfileFile, NumbersThatAreNoBandwidth) {
  EXPECT_TRUE(refused("# off\n0.000001 0\n1.0 12500000\n", "bw.txt:2: a bandwidth of 0; want"));
  EXPECT_TRUE(refused("1.0 0\n", "use a state_file, or an outage in the deployment"));
  EXPECT_TRUE(refused("1.0 5\n2.0 -5\n", "bw.txt:2: a bandwidth of -5; want"));
  EXPECT_TRUE(refused("1.0 -1e-9\n", "bw.txt:1: a bandwidth of -1e-09; want"));
  EXPECT_TRUE(refused("1.0 inf\n", "a bandwidth of inf; want a finite"));
  EXPECT_TRUE(refused("STOCHASTIC\nDET 1 UNIF 9 -1\n", "bw.txt:2: a bandwidth of -1, which this law may draw; want"));
  EXPECT_TRUE(refused("STOCHASTIC\nDET 1 UNIF 0 0\n", "a bandwidth of 0; want"));
  EXPECT_TRUE(refused("STOCHASTIC\nDET 1 NORM 100 20\n", "a bandwidth of -20, which this law may draw"));
  EXPECT_TRUE(refused("STOCHASTIC\nDET 1 EXP 0\n", "the rate 0 of EXP is not above 0"));
}

TEST(ProfileFile, NegativeStates) {
  EXPECT_TRUE(refused("1 1\n2 -1\n", "bw.txt:2: a value of -1; want 0 or more; 0 is down", ProfileKind::kState));
  EXPECT_TRUE(refused("1 -0.5\n", "bw.txt:1: a value of -0.5; want 0 or more", ProfileKind::kSpeed));
}

TEST(ProfileFile, Junk) {
  EXPECT_TRUE(refused("1 5\n\nzero five\n", "bw.txt:3: 'zero' is not a number"));
  EXPECT_TRUE(refused("1 nan\n", "'nan' is not a number"));
  EXPECT_TRUE(refused("1 -nan\n", "is not a number"));
  EXPECT_TRUE(refused("nan 1\n", "is not a number"));
  EXPECT_TRUE(refused("1 1e999\n", "is not a number"));
  EXPECT_TRUE(refused("1 \x1b[31m\n", "'\\x1b[31m' is not a number"));
  EXPECT_TRUE(refused("1\n", "the line ends too early; want a date"));
  EXPECT_TRUE(refused("STOCHASTIC\nDET 1 UNIF 5\n", "bw.txt:2: the line ends too early"));
  EXPECT_TRUE(refused("STOCHASTIC\n1 5\n", "each number needs its law"));
  EXPECT_TRUE(refused("PERIODICITY x\n1 5\n", "bw.txt:1: 'PERIODICITY' is not a number"));
}

TEST(ProfileFile, Dates) {
  EXPECT_TRUE(refused("2 5\n1 5\n", "bw.txt:2: date 1 is before date 2 above"));
  EXPECT_TRUE(refused("-1 5\n", "bw.txt:1: a date of -1; want 0 or more"));
  EXPECT_TRUE(refused("STOCHASTIC\nDET 1 DET 5\nNORM 1 1 DET 5\n", "bw.txt:3: a date of -5, which this law may draw"));
}

TEST(ProfileFile, LoopsThatSimgridNeverLeaves) {
  EXPECT_TRUE(refused("0 1e6\nLOOPAFTER 0\n", "bw.txt:1: the profile repeats itself without end at one instant"));
  EXPECT_TRUE(refused("PERIODICITY -1\n0 1e6\n", "repeats itself"));
  EXPECT_TRUE(refused("STOCHASTIC LOOP\nDET 0 DET 5\n", "repeats itself"));
}

class ProfilesOfPlatform : public ::testing::Test {
 protected:
  std::string problem(const std::string& body, const SimgridSettings& settings = {}) {
    std::ofstream(folder_ / "p.xml") << "<platform version=\"4.1\">\n" << body << "\n</platform>\n";
    const Result<PlatformFile> platform = check_platform_file(folder_ / "p.xml");
    EXPECT_TRUE(platform.ok());
    const Status status = check_profiles(*platform, settings);
    return status.ok() ? "" : status.error().message;
  }
  std::string place(const std::string& rest) const { return (folder_.path() / rest).string(); }

  testing::TemporaryFolder folder_;
};

TEST_F(ProfilesOfPlatform, AreFoundBesideThePlatform) {
  std::ofstream(folder_ / "bw.txt") << "1 0\n";
  EXPECT_EQ(problem("<link id=\"l\" bandwidth_file=\"bw.txt\"/>").find(place("bw.txt:1: a bandwidth of 0; want")), 0U);
  EXPECT_EQ(problem("<link id=\"l\" state_file=\"bw.txt\"/>"), "");
  EXPECT_EQ(problem("<host id=\"h\" speed_file=\"bw.txt\"/>"), "");
  EXPECT_EQ(problem("<link id=\"l\" bandwidth_file=\"" + place("bw.txt") + "\"/>").find(place("bw.txt:1: ")), 0U);
}

TEST_F(ProfilesOfPlatform, AreFirstLookedForInSimgridsPath) {
  std::filesystem::create_directory(folder_ / "other");
  std::ofstream(folder_ / "bw.txt") << "1 5\n";
  std::ofstream(folder_ / "other" / "bw.txt") << "1 0\n";
  EXPECT_EQ(problem("<link id=\"l\" bandwidth_file=\"bw.txt\"/>"), "");
  EXPECT_EQ(problem("<link id=\"l\" bandwidth_file=\"bw.txt\"/>", {{"path", place("other")}}).find(place("other/bw.txt:1: ")), 0U);
}

TEST_F(ProfilesOfPlatform, AreFiles) {
  EXPECT_EQ(problem("<x/>\n<host id=\"h\" state_file=\"nowhere.txt\"/>"),
            place("p.xml:3: profile 'nowhere.txt': there is no such file in the current folder or beside the platform"));
  std::filesystem::create_directory(folder_ / "folder");
  EXPECT_EQ(problem("<host id=\"h\" state_file=\"folder\"/>"), place("p.xml:2: profile 'folder': is not a file"));
  std::ofstream(folder_ / "empty.txt") << "";
  EXPECT_EQ(problem("<host id=\"h\" state_file=\"empty.txt\"/>"), "");
}

TEST_F(ProfilesOfPlatform, StandInATrace) {
  const std::string trace = "<trace id=\"t\" periodicity=\"5\">\n\n1 5\n2 0\n</trace>\n";
  EXPECT_EQ(problem(trace), "") << "connected to nothing";
  EXPECT_EQ(problem(trace + "<trace_connect kind=\"LINK_AVAIL\" trace=\"t\" element=\"l\"/>"), "");
  const std::string message = problem(trace + "<trace_connect kind=\"BANDWIDTH\" trace=\"t\" element=\"l\"/>");
  EXPECT_EQ(message.find(place("p.xml:5: a bandwidth of 0; want")), 0U) << message;
  EXPECT_NE(problem("<trace id=\"t\" periodicity=\"1\" file=\"no.txt\"/>\n<trace_connect kind=\"SPEED\" trace=\"t\" element=\"h\"/>")
                .find(place("p.xml:2: profile 'no.txt'")),
            std::string::npos);
  EXPECT_NE(problem("<trace id=\"t\" periodicity=\"0\">0 1\nLOOPAFTER 0</trace>\n<trace_connect kind=\"SPEED\" trace=\"t\" element=\"h\"/>")
                .find(place("p.xml:2: the profile repeats itself")),
            std::string::npos);
}

}  // namespace
}  // namespace reprise
