// Native processes in deployment.xml.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "recorder/deployment.h"
#include "tests/temporary_folder.h"

namespace reprise {
namespace {

namespace fs = std::filesystem;

class ProcessActorTest : public ::testing::Test {
 protected:
  ProcessActorTest() {
    for (const char* name : {"send", "programs/chat", "text"}) {
      fs::create_directories((folder_ / name).parent_path());
      std::ofstream(folder_ / name) << "x";
      fs::permissions(folder_ / name, std::string(name) == "text" ? fs::perms::owner_read : fs::perms::owner_all);
    }
  }
  Result<Deployment> parse(const std::string& actors) {
    std::ofstream(folder_ / "deployment.xml") << "<platform version=\"4.1\">\n" + actors + "\n</platform>\n";
    return parse_deployment(folder_ / "deployment.xml", {}, folder_ / "programs");
  }
  static std::string actor(const std::string& content, const std::string& host = "h") {
    return "<actor host=\"" + host + "\" function=\"vsg_vm\">" + content + "</actor>";
  }
  void expect_error(const std::string& content, const std::string& part) {
    const auto result = parse(actor(content));
    ASSERT_FALSE(result.ok()) << content;
    EXPECT_EQ(result.error().kind, ErrorKind::kUsage);
    EXPECT_NE(result.error().message.find("deployment.xml:2: "), std::string::npos) << result.error().message;
    EXPECT_NE(result.error().message.find(part), std::string::npos) << result.error().message;
  }
  const testing::TemporaryFolder folder_;
};

const std::string kAddress = R"(<argument value="10.0.0.1"/>)";
const std::string kProgram = R"(<argument value="./send"/>)";

TEST_F(ProcessActorTest, ReadsTansivsForm) {
  const auto result =
      parse(actor(kAddress + " <!-- who am I --> " + kProgram + R"(<argument value="1"/><argument value=""/>)", "left.org") +
            actor(R"(<argument value="10.0.1.1/16"/><argument value="${REPRISE_PROGRAMS}/chat"/>
  <prop id="name" value="bob"/><prop id="mac" value="52:54:00:00:00:09"/><prop id="call-cost" value="250ns"/>)"));
  ASSERT_TRUE(result.ok()) << result.error().message;
  const DeployedGuest& left = result->guests[0];
  ASSERT_TRUE(left.process.has_value());
  EXPECT_EQ(left.machine.name, "left.org");
  EXPECT_EQ(left.machine.address, "10.0.0.1");
  EXPECT_EQ(left.machine.mac, "52:54:00:00:00:01");
  EXPECT_EQ(left.process->program, fs::canonical(folder_ / "send"));
  EXPECT_EQ(left.process->arguments, (std::vector<std::string>{"1", ""}));
  EXPECT_EQ(left.process->call_cost, Duration{1000});
  const DeployedGuest& bob = result->guests[1];
  EXPECT_EQ(bob.machine.name, "bob");
  EXPECT_EQ(bob.machine.mac, "52:54:00:00:00:09");
  EXPECT_EQ(bob.process->program, fs::canonical(folder_ / "programs/chat"));
  EXPECT_EQ(bob.process->call_cost, Duration{250});
}

TEST_F(ProcessActorTest, ReplacesAVariableAsOftenAsItStandsThere) {
  const auto result = parse(actor(kAddress + kProgram + R"(<argument value="${REPRISE_PROGRAMS}:${REPRISE_PROGRAMS}/x"/>)"));
  ASSERT_TRUE(result.ok()) << result.error().message;
  const std::string folder = (folder_ / "programs").string();
  EXPECT_EQ(result->guests[0].process->arguments, std::vector<std::string>{folder + ":" + folder + "/x"});
}

TEST_F(ProcessActorTest, NamesWhatIsWrong) {
  expect_error("", "needs two <argument");
  expect_error(kAddress, "needs two <argument");
  expect_error(kProgram + kProgram, "'./send' is not an IPv4 address");
  expect_error(R"(<argument value="10.0.0.1/33"/>)" + kProgram, "not an IPv4 address");
  expect_error(R"(<argument value="0.0.0.0"/>)" + kProgram, "not an IPv4 address");
  expect_error(kAddress + R"(<argument value="nothing"/>)", "program 'nothing': No such file");
  expect_error(kAddress + R"(<argument value="text"/>)", "may read and execute");
  expect_error(kAddress + R"(<argument value="programs"/>)", "may read and execute");
  expect_error(kAddress + R"(<argument value="${HOME}/x"/>)", "unknown variable");
  expect_error(kAddress + kProgram + R"(<argument value="a&#10;b"/>)", "control character");
  expect_error(kAddress + kProgram + R"(<argument/>)", "value=");
  expect_error(kAddress + kProgram + R"(<argument value="a" id="b"/>)", "value=");
  expect_error(kAddress + kProgram + R"(<prop id="kernel" value="x"/>)", "property 'kernel' is none of a process");
  expect_error(kAddress + kProgram + R"(<prop id="call-cots" value="1us"/>)", "call-cost");
  for (const char* cost : {"", "1", "0us", "-1us", "2s", "1.5us", "1000001us"}) {
    expect_error(kAddress + kProgram + fmt::format(R"(<prop id="call-cost" value="{}"/>)", cost), "whole number of ns or us");
  }
}

TEST_F(ProcessActorTest, AddressesMustDiffer) {
  const auto result = parse(actor(kAddress + kProgram, "a") + "\n" + actor(R"(<argument value="10.0.0.1/24"/>)" + kProgram, "b"));
  ASSERT_FALSE(result.ok());
  EXPECT_NE(result.error().message.find("has the address 10.0.0.1 that 'b' in line 3 has too"), std::string::npos)
      << result.error().message;
}

TEST_F(ProcessActorTest, AMachineHasNoArguments) {
  const auto result = parse("<actor host=\"h\" function=\"qemu_guest\">" + kAddress + "</actor>");
  ASSERT_FALSE(result.ok());
  EXPECT_NE(result.error().message.find("unknown element <argument>"), std::string::npos) << result.error().message;
}

}  // namespace
}  // namespace reprise
