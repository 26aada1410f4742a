#include "cli/live_run.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "tests/temporary_folder.h"
#include "trace_format/trace_writer.h"

namespace reprise {
namespace {

namespace fs = std::filesystem;

class LiveRunTest : public ::testing::Test {
 protected:
  /// A run's folder, with a writer as long as the result lives.
  [[nodiscard]] std::unique_ptr<StreamWriter> record_into(const std::string& name) const {
    fs::create_directory(here() / name);
    auto writer = create_stream(here() / name, StreamId::network(), {});
    EXPECT_TRUE(writer.ok()) << writer.error().message;
    return writer.ok() ? std::move(*writer) : nullptr;
  }
  [[nodiscard]] const fs::path& here() const { return temporary_.path(); }
  [[nodiscard]] std::string found(const fs::path& run = {}) const {
    const auto folder = find_live_run(run, here());
    if (!folder.ok()) {
      EXPECT_EQ(folder.error().kind, ErrorKind::kUsage);
      return folder.error().message;
    }
    return folder->filename().string();
  }

  const testing::TemporaryFolder temporary_;
};

TEST_F(LiveRunTest, IsTheOnlyOneHere) {
  EXPECT_NE(found().find("no run is being recorded into "), std::string::npos) << found();
  fs::create_directory(here() / "killed.partial");
  fs::create_directory(here() / "other");
  const auto writer = record_into("a.trace.partial");
  EXPECT_EQ(found(), "a.trace.partial");
}

TEST_F(LiveRunTest, OfSeveralMustBeNamed) {
  const auto a = record_into("a.trace.partial");
  const auto b = record_into("b.trace.partial");
  EXPECT_EQ(found(), "2 runs are being recorded here; choose one with --run: a.trace.partial b.trace.partial");
  EXPECT_EQ(found(here() / "b.trace.partial"), "b.trace.partial");
  EXPECT_EQ(found(here() / "b.trace"), "b.trace.partial") << "by the name that the trace is going to have";
}

TEST_F(LiveRunTest, ThatIsOverIsRefused) {
  record_into("a.trace.partial").reset();
  EXPECT_NE(found(here() / "a.trace.partial").find("nobody records into "), std::string::npos);
  EXPECT_NE(found(here() / "none").find("is no folder of a run"), std::string::npos);
}

}  // namespace
}  // namespace reprise
