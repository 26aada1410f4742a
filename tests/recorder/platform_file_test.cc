#include "recorder/platform_file.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/temporary_folder.h"

namespace reprise {
namespace {

std::string blanks(size_t count) {
  return std::string(count, ' ');
}

TEST(PlatformFile, LatencyFactorIsBlankedLineForLine) {
  const std::string prop = "<prop id =\"network/latency-factor\" value = \"1\" />";
  EXPECT_EQ(without_latency_factor("a\n" + prop + "\nb"), "a\n" + blanks(prop.size()) + "\nb");
  EXPECT_EQ(without_latency_factor("<prop\nid='network/latency-factor'\nvalue='>'/><x/>"),
            "     \n" + blanks(27) + "\n" + blanks(11) + "<x/>");
  EXPECT_EQ(without_latency_factor("<prop id='network/latency-factor' value='1'></prop>b"), blanks(51) + "b");
}

TEST(PlatformFile, NothingElseIsBlanked) {
  for (const char* text : {"", "<prop", "<prop id='a' value='b'/>", "<prop id='a' value='b'", "network/latency-factor", "<property/>"}) {
    EXPECT_EQ(without_latency_factor(text), text);
  }
  EXPECT_EQ(without_latency_factor("<prop id='network/latency-factor"), blanks(32)) << "ends within a quotation";
}

Result<PlatformFile> check(const std::string& config) {
  const testing::TemporaryFolder folder;
  std::ofstream(folder / "p.xml") << "<platform version=\"4.1\">\n<config>\n" << config << "\n</config>\n</platform>\n";
  return check_platform_file(folder / "p.xml");
}

TEST(PlatformFile, LatencyFactorOfOneIsWhatTheCouplingDoesAnyway) {
  for (const char* value : {"1", "1.0", " 1"}) {
    const auto settings = check(std::string("<prop id=\"network/latency-factor\" value=\"") + value + "\"/>");
    ASSERT_TRUE(settings.ok()) << settings.error().message;
    EXPECT_EQ(settings->settings.count(kLatencyFactorSetting), 1U);
  }
  for (const char* value : {"2", "", "0:1;100:2", "x"}) {
    const auto settings = check(std::string("<prop id=\"network/latency-factor\" value=\"") + value + "\"/>");
    ASSERT_FALSE(settings.ok()) << value;
    EXPECT_NE(settings.error().message.find("p.xml:3: network/latency-factor cannot"), std::string::npos) << settings.error().message;
  }
}

}  // namespace
}  // namespace reprise
