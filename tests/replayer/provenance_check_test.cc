#include "replayer/provenance_check.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>

#include "launcher/image_digest.h"
#include "launcher/qemu_command.h"
#include "tests/analysis/synthetic_trace.h"
#include "trace_format/event_text.h"

namespace reprise {
namespace {

/// A guest that was recorded here, with this QEMU; each test changes one thing.
class ProvenanceTest : public ::testing::Test {
 protected:
  ProvenanceTest() {
    std::filesystem::create_directory(guests_);
    CHECK(setenv("REPRISE_GUESTS", guests_.c_str(), 1) == 0);
    const GuestMachine machine{.name = "alice", .kernel = "k", .initrd = "i", .mac = "52:54:00:00:00:01"};
    guest_.name = machine.name;
    guest_.mac = machine.mac;
    guest_.nic = "e1000";
    guest_.qemu_version = qemu_.version;
    guest_.qemu_build_id = qemu_.build_id;
    guest_.command_line = qemu_arguments(machine, 1);
    guest_.images = {write("kernel", folder_.path() / "vmlinux", "kernel"), write("initrd", folder_.path() / "guest.cpio", "initrd")};
  }
  ~ProvenanceTest() override { unsetenv("REPRISE_GUESTS"); }

  static ImageInfo write(const std::string& role, const std::filesystem::path& path, const std::string& bytes) {
    std::ofstream(path) << bytes;
    auto image = digest_image(role, path);
    CHECK(image.ok());
    return *image;
  }
  /// The differences, without the line that introduces them.
  [[nodiscard]] std::string differences() const {
    ImageDigests digests;
    const auto images = check_provenance(guest_, programs_, digests);
    if (images.ok()) {
      return "none";
    }
    EXPECT_EQ(images.error().kind, ErrorKind::kMachine);
    const std::string& text = images.error().message;
    EXPECT_TRUE(text.starts_with("guest '" + printable(guest_.name) + "' cannot be replayed on this machine:\n  ")) << text;
    return text.substr(text.find('\n') + 3);
  }

  testing::TemporaryFolder folder_;
  std::filesystem::path guests_ = folder_.path() / "guests";
  GuestPrograms programs_{.qemu = QemuProgram{.path = "/usr/bin/qemu", .version = "QEMU emulator version 10.0.2", .build_id = "00ff"}};
  QemuProgram& qemu_ = *programs_.qemu;
  GuestInfo guest_;
};

TEST_F(ProvenanceTest, TheSameMachine) {
  ImageDigests digests;
  const auto images = check_provenance(guest_, programs_, digests);
  ASSERT_TRUE(images.ok()) << images.error().message;
  ASSERT_EQ(images->size(), 2U);
  EXPECT_EQ((*images)[0].path, guest_.images[0].path);
  EXPECT_EQ((*images)[1].role, "initrd");
}

TEST_F(ProvenanceTest, QemuVersion) {
  qemu_.version = "QEMU emulator version 10.0.3";
  EXPECT_EQ(differences(), "QEMU version: recorded 'QEMU emulator version 10.0.2', here 'QEMU emulator version 10.0.3'");
}

TEST_F(ProvenanceTest, QemuBuildId) {
  qemu_.build_id = "";
  EXPECT_EQ(differences(), "QEMU build id: recorded '00ff', here ''");
}

TEST_F(ProvenanceTest, CommandLine) {
  guest_.command_line[0] = "-S";
  EXPECT_EQ(differences(), "command line, argument 0: recorded '-S', this Reprise uses '-nodefaults'");
}

TEST_F(ProvenanceTest, ImageOfOtherBytes) {
  const std::string recorded = guest_.images[0].sha256;
  const std::string here = write("kernel", guest_.images[0].path, "other").sha256;
  EXPECT_EQ(differences(), "kernel " + guest_.images[0].path + ": recorded SHA-256 " + recorded + ", here " + here);
}

TEST_F(ProvenanceTest, ImageThatIsNotHere) {
  guest_.images[1].path = "/elsewhere/guest.cpio";
  EXPECT_EQ(differences(), "initrd: recorded /elsewhere/guest.cpio, which is not here, nor is " + (guests_ / "guest.cpio").string());
}

TEST_F(ProvenanceTest, ImageOfTheSameNameAmongTheDemoGuests) {
  guest_.images[1].path = "/elsewhere/guest.cpio";
  write("initrd", guests_ / "guest.cpio", "initrd");
  ImageDigests digests;
  const auto images = check_provenance(guest_, programs_, digests);
  ASSERT_TRUE(images.ok()) << images.error().message;
  EXPECT_EQ((*images)[1].path, (guests_ / "guest.cpio").string());
  write("initrd", guests_ / "guest.cpio", "other");
  EXPECT_NE(differences().find("initrd " + (guests_ / "guest.cpio").string() + ": recorded SHA-256"), std::string::npos);
}

TEST_F(ProvenanceTest, NamesEveryDifferenceAtOnce) {
  qemu_.version = "other";
  qemu_.build_id = "other";
  guest_.images[0].path = "/elsewhere/vmlinux";
  guest_.images[1].path = "/elsewhere/guest.cpio";
  const std::string text = differences();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 3) << text;
}

// The console log is NAME.log in a folder of the user's.
TEST_F(ProvenanceTest, NameThatIsAPath) {
  for (const char* name : {"../../alice", "a/b", "", "a b", "a\nb"}) {
    guest_.name = name;
    EXPECT_TRUE(differences().starts_with("name: ")) << name;
  }
}

}  // namespace
}  // namespace reprise
