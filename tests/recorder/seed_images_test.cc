#include "recorder/seed_images.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "tests/temporary_folder.h"

namespace reprise {
namespace {

namespace fs = std::filesystem;

class SeedImagesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::create_directory(seed_);
    write("meta-data", "local-hostname: one\n");
    write("user-data", "#cloud-config\n");
  }

  void write(const std::string& name, const std::string& text) const { std::ofstream(seed_ / name) << text; }

  static std::string text_of(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  [[nodiscard]] Deployment deployment(const fs::path& seed) const {
    return {"d.xml", "", {{.machine = {.name = "none"}, .line = 3}, {.machine = {.name = "one", .seed = seed}, .line = 7}}};
  }

  /// The image of `seed`, made in `folder`.
  std::string image_of(const fs::path& seed, const std::string& folder) {
    Deployment made = deployment(seed);
    const Status status = make_seed_images(made, temporary_ / folder);
    EXPECT_TRUE(status.ok()) << status.error().message;
    EXPECT_TRUE(made.guests[0].machine.seed.empty());
    EXPECT_EQ(made.guests[1].machine.seed, temporary_ / folder / "one.iso");
    EXPECT_EQ(made.guests[1].machine.seed_bytes, kImageGrain);
    EXPECT_EQ(fs::file_size(temporary_ / folder / "one.iso"), kImageGrain);
    return text_of(temporary_ / folder / "one.iso");
  }

  void expect_refusal(const fs::path& seed, const std::string& part) {
    Deployment refused = deployment(seed);
    const Status status = make_seed_images(refused, temporary_ / "refused");
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error().kind, ErrorKind::kUsage);
    EXPECT_EQ(status.error().message.rfind("d.xml:7: seed of guest 'one': ", 0), 0U) << status.error().message;
    EXPECT_NE(status.error().message.find(part), std::string::npos) << status.error().message;
    EXPECT_FALSE(fs::exists(temporary_ / "refused"));
  }

  const testing::TemporaryFolder temporary_;
  const fs::path seed_ = temporary_ / "seed";
};

TEST_F(SeedImagesTest, FolderBecomesAnImageOfTheSameBytesAtAnyTime) {
  const std::string first = image_of(seed_, "a");
  EXPECT_EQ(first.substr(0x8001, 5), "CD001");
  EXPECT_EQ(first.substr(0x8028, 6), "cidata");
  EXPECT_NE(first.find("local-hostname: one\n"), std::string::npos);
  // Written anew, so that nothing but the contents is the same.
  fs::remove_all(seed_);
  SetUp();
  fs::last_write_time(seed_ / "meta-data", fs::file_time_type::clock::now() - std::chrono::hours(1000));
  EXPECT_EQ(image_of(seed_, "b"), first);
  EXPECT_FALSE(fs::exists(temporary_ / "b/one.files"));
  write("user-data", "#!/bin/sh\n");
  EXPECT_NE(image_of(seed_, "b"), first);
}

TEST_F(SeedImagesTest, ImageIsCopiedAndFilledUp) {
  const fs::path iso = temporary_ / "users.iso";
  std::ofstream(iso) << std::string(2048 * 200, 'x');
  fs::permissions(iso, fs::perms::owner_read);
  EXPECT_EQ(image_of(iso, "a"), std::string(2048 * 200, 'x') + std::string(kImageGrain - 2048 * 200, '\0'));
  EXPECT_EQ(fs::file_size(iso), 2048U * 200);
}

TEST_F(SeedImagesTest, WhatIsNoSeedIsRefused) {
  write("userdata", "");
  expect_refusal(seed_, "seed/userdata is no file of a NoCloud seed; those are meta-data, user-data");
  fs::remove(seed_ / "userdata");
  fs::create_directory(seed_ / "network-config");
  expect_refusal(seed_, "network-config is no file");
  fs::remove(seed_ / "network-config");
  fs::remove(seed_ / "meta-data");
  expect_refusal(seed_, "has no file 'meta-data'");
  write("meta-data", "");
  fs::resize_file(seed_ / "user-data", (uint64_t{64} << 20U) + 1);
  expect_refusal(seed_, "at most 67108864 are allowed");
  expect_refusal(seed_ / "user-data", "has 67108865 bytes");
  expect_refusal(seed_ / "meta-data", "has 0 bytes");
}

}  // namespace
}  // namespace reprise
