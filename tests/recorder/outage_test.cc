#include "recorder/outage.h"

#include <gtest/gtest.h>

namespace reprise {
namespace {

TEST(DownTimes, EndsAreIncludedInTheQuestionNotInTheOutage) {
  DownTimes down;
  EXPECT_FALSE(down.within({0}, VirtualTime::never()));
  down.add({100}, {200});
  EXPECT_FALSE(down.within({0}, {99}));
  EXPECT_TRUE(down.within({0}, {100}));
  EXPECT_TRUE(down.at({100}));
  EXPECT_TRUE(down.at({199}));
  EXPECT_FALSE(down.at({200}));
  EXPECT_FALSE(down.within({200}, {300}));
  EXPECT_TRUE(down.within({50}, {300})) << "down and up again between";
}

TEST(DownTimes, ProfilesTellAsTheyGo) {
  DownTimes down;
  down.came_up({5});  // it was up
  down.went_down({10});
  down.went_down({12});  // again: nothing new
  EXPECT_TRUE(down.at({11}));
  EXPECT_TRUE(down.within({20}, {30}));
  down.came_up({25});
  EXPECT_TRUE(down.at({24}));
  EXPECT_FALSE(down.at({25}));
  down.forget_before({25});
  EXPECT_FALSE(down.at({24}));
}

Status status_of(const std::vector<std::pair<std::string, std::string>>& properties) {
  Outage outage;
  for (const auto& [id, value] : properties) {
    RETURN_IF_ERROR(set_outage_property(outage, id, value));
  }
  return check_outage(outage);
}

void expect_bad(const std::vector<std::pair<std::string, std::string>>& properties, const std::string& part) {
  const Status status = status_of(properties);
  ASSERT_FALSE(status.ok()) << part;
  EXPECT_EQ(status.error().kind, ErrorKind::kUsage);
  EXPECT_NE(status.error().message.find(part), std::string::npos) << status.error().message;
}

TEST(OutageProperties, AreChecked) {
  EXPECT_TRUE(status_of({{"down", "0s"}}).ok());
  EXPECT_TRUE(status_of({{"down", "5s"}, {"up", "6s"}, {"link", "l"}}).ok());
  expect_bad({{"up", "6s"}}, "lacks its beginning");
  expect_bad({{"down", "6s"}, {"up", "6s"}}, "must be later");
  expect_bad({{"down", "6"}}, "down '6' is not a time: the unit is missing");
  expect_bad({{"down", "1s"}, {"link", ""}}, "is empty");
  expect_bad({{"dow", "1s"}}, "unknown property 'dow' of an outage (did you mean 'down'?)");
}

}  // namespace
}  // namespace reprise
