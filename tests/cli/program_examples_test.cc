// Examples, listed and called by name.
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "tests/cli/program.h"

namespace reprise::testing {
namespace {

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

}  // namespace
}  // namespace reprise::testing
