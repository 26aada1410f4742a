#include "recorder/link_impairments.h"

#include <gtest/gtest.h>

namespace reprise {
namespace {

void expect_bad(const std::string& id, const std::string& value, const std::string& part) {
  LinkImpairments link;
  const Status status = set_link_property(link, id, value);
  ASSERT_FALSE(status.ok()) << id << "=" << value;
  EXPECT_EQ(status.error().kind, ErrorKind::kUsage);
  EXPECT_NE(status.error().message.find(part), std::string::npos) << status.error().message;
  EXPECT_FALSE(link.any());
}

TEST(LinkImpairments, AreRead) {
  LinkImpairments link;
  for (const auto& [id, value] : std::vector<std::pair<std::string, std::string>>{
           {"loss", "0.25"}, {"duplicate", "1"}, {"reorder", "1e-3"}, {"reorder_delay", "5ms"}, {"jitter", "2.5us"}}) {
    EXPECT_TRUE(set_link_property(link, id, value).ok()) << id;
  }
  EXPECT_EQ(link, (LinkImpairments{.loss = 0.25, .duplicate = 1, .reorder = 1e-3, .reorder_delay = {5'000'000}, .jitter = {2'500}}));
  EXPECT_TRUE(check_link_properties(link).ok());
}

TEST(LinkImpairments, OutOfRangeIsRefusedWithTheRange) {
  for (const char* value : {"1.01", "-0.1", "nan", "inf", "1%", "", " 0.1", "0.1 ", "0x1p-3", "1e999"}) {
    for (const char* id : {"loss", "duplicate", "reorder"}) {
      expect_bad(id, value, "want a number from 0 to 1");
    }
  }
  expect_bad("jitter", "2", "jitter '2' is not a time: the unit is missing");
  expect_bad("jitter", "-2ms", "is not a time");
  expect_bad("jitter", "61s", "is too long; want 0s to 60s");
  expect_bad("reorder_delay", "61s", "is too long");
}

TEST(LinkImpairments, NearNamesAreMistakesOthersAreNotOurs) {
  expect_bad("los", "0.1", "did you mean 'loss'?");
  expect_bad("Jitter", "1ms", "did you mean 'jitter'?");
  expect_bad("reorder-delay", "1ms", "did you mean 'reorder_delay'?");
  LinkImpairments link;
  EXPECT_TRUE(set_link_property(link, "wattage_off", "10").ok());
  EXPECT_FALSE(link.any());
}

TEST(LinkImpairments, ReorderNeedsItsDelay) {
  EXPECT_FALSE(check_link_properties({.reorder = 0.1}).ok());
  EXPECT_FALSE(check_link_properties({.reorder_delay = {1}}).ok());
  EXPECT_TRUE(check_link_properties({}).ok());
}

}  // namespace
}  // namespace reprise
