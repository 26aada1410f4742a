#include "launcher/image_digest.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/launcher/test_files.h"

namespace reprise {
namespace {

using testing::TestFolder;

// FIPS 180-4's examples.
TEST(ImageDigest, IsSha256) {
  const TestFolder folder;
  const auto empty = digest_image("kernel", folder.file("empty", ""));
  ASSERT_TRUE(empty.ok());
  EXPECT_EQ(empty->sha256, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(empty->size_bytes, 0U);
  const auto abc = digest_image("initrd", folder.file("abc", "abc"));
  ASSERT_TRUE(abc.ok());
  EXPECT_EQ(abc->sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(abc->size_bytes, 3U);
  EXPECT_EQ(abc->role, "initrd");
}

TEST(ImageDigest, ReadsAllOfAFileThatIsLargerThanItsBuffer) {
  const TestFolder folder;
  const auto million = digest_image("kernel", folder.file("a", std::string(1'000'000, 'a')));
  ASSERT_TRUE(million.ok());
  EXPECT_EQ(million->sha256, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  const auto larger = digest_image("kernel", folder.file("zeros", std::string((1U << 20U) + 1, '\0')));
  ASSERT_TRUE(larger.ok());
  EXPECT_EQ(larger->size_bytes, (1U << 20U) + 1);
  EXPECT_EQ(larger->sha256, "2cb74edba754a81d121c9db6833704a8e7d417e5b13d1a19f4a52f007d644264");
}

TEST(ImageDigest, PathIsAbsoluteAndPlain) {
  const TestFolder folder;
  const auto path = folder.file("abc", "abc");
  const auto image = digest_image("kernel", std::filesystem::relative(folder.path()) / "." / "abc");
  ASSERT_TRUE(image.ok());
  EXPECT_EQ(image->path, path.string());
}

TEST(ImageDigest, SaysWhichImageCannotBeRead) {
  const TestFolder folder;
  const auto missing = digest_image("initrd", folder.path() / "nothing");
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().kind, ErrorKind::kUsage);
  EXPECT_EQ(missing.error().message, (folder.path() / "nothing").string() + ": the initrd cannot be read");
  EXPECT_FALSE(digest_image("kernel", folder.path()).ok()) << "a folder is no image";
}

// The path may come from a trace: what never ends, or never begins, must not stop a replay for ever.
TEST(ImageDigest, RefusesWhatIsNotARegularFile) {
  const TestFolder folder;
  const auto pipe = folder.path() / "pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_FALSE(digest_image("kernel", pipe).ok());
  EXPECT_FALSE(digest_image("kernel", "/dev/zero").ok());
}

TEST(ImageDigests, ReadEachFileOnce) {
  const TestFolder folder;
  const auto path = folder.file("abc", "abc");
  ImageDigests digests;
  const auto first = digests.of("kernel", path);
  ASSERT_TRUE(first.ok());
  std::filesystem::remove(path);
  const auto second = digests.of("initrd", path);
  ASSERT_TRUE(second.ok()) << "known already";
  EXPECT_EQ(second->sha256, first->sha256);
  EXPECT_EQ(second->role, "initrd") << "one file may serve two roles";
  EXPECT_FALSE(digests.of("kernel", folder.path() / "nothing").ok());
}

}  // namespace
}  // namespace reprise
