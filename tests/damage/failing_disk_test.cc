// The disk fails at the Nth call, for every N, while a run is recorded, joined and recovered: the run fails with the file's name, and what
// was sealed stays.
#include <algorithm>
#include <iterator>
#include <map>
#include <vector>

#include "tests/damage/damaged_trace.h"
#include "tests/damage/failing_calls.h"
#include "tests/trace_format/sample_run.h"
#include "trace_format/age_keys.h"
#include "trace_format/trace_writer.h"

namespace reprise::testing {
namespace {

namespace fs = std::filesystem;

constexpr int kMostCalls = 5000;

class FailingDisk : public ::testing::TestWithParam<bool> {
 protected:
  using Identities = std::vector<AgeIdentity>;

  /// What the recorder and its guests do with their files, from the first to the last. With an identity the run is encrypted for it, but
  /// not the output.
  static Status record(const Script& script, const fs::path& directory, const fs::path& output, const Identities& identities) {
    std::vector<AgeRecipient> recipients;
    std::ranges::transform(identities, std::back_inserter(recipients), recipient_of);
    RETURN_IF_ERROR(save_run_info(directory, script.run, recipients));
    std::vector<std::unique_ptr<StreamWriter>> writers;
    const StreamOptions options{
        .durable = true, .recipients = recipients, .seal_bytes = 2048, .secure_every = std::chrono::milliseconds(50)};
    for (uint32_t i = 0; i <= script.guests.size(); ++i) {
      const StreamId stream = i < script.guests.size() ? StreamId{i} : StreamId::network();
      ASSIGN_OR_RETURN(auto writer, create_stream(directory, stream, options));
      writers.push_back(std::move(writer));
    }
    for (size_t i = 0; i < script.guests.size(); ++i) {
      for (const ScriptEvent& event : script.guests[i]) {
        append(*writers[i], event);
      }
      RETURN_IF_ERROR(writers[i]->finish({}, EndReason::kAborted));
    }
    for (const NetworkEvent& event : script.network) {
      writers.back()->append_network(event);
    }
    RETURN_IF_ERROR(writers.back()->finish({}, EndReason::kUntil));
    writers.clear();
    return join_streams(directory, script.run, output, {identities, {}});
  }

  static void expect_run_failed(const Status& status, const fs::path& folder, int call) {
    ASSERT_FALSE(status.ok());
    ASSERT_EQ(status.error().kind, ErrorKind::kRunFailed) << "call " << call << ": " << status.error().message;
    ASSERT_NE(status.error().message.find(folder.string()), std::string::npos) << "call " << call << ": " << status.error().message;
  }

  /// Each guest of `path` has a prefix of what it has in `script`.
  static void expect_true_prefix(const fs::path& path, const Script& script, int call) {
    ASSERT_TRUE(verified(path)) << "call " << call;
    const auto read = read_script(path);
    ASSERT_TRUE(read.ok()) << read.error().message;
    for (size_t i = 0; i < script.guests.size(); ++i) {
      const auto& whole = script.guests[i];
      auto part = read->guests[i];
      ASSERT_FALSE(part.empty());
      if (part != whole) {
        ASSERT_EQ(part.back().reason, EndReason::kAborted) << "call " << call;
        part.pop_back();
        ASSERT_LE(part.size(), whole.size());
        ASSERT_TRUE(std::equal(part.begin(), part.end(), whole.begin())) << "guest " << i << ", call " << call;
      }
    }
  }

  static std::map<std::string, std::vector<uint8_t>> contents(const fs::path& directory) {
    std::map<std::string, std::vector<uint8_t>> files;
    for (const auto& entry : fs::directory_iterator(directory)) {
      files[entry.path().filename().string()] = file_bytes(entry.path());
    }
    return files;
  }

  [[nodiscard]] static Script script() { return random_script(5, full_form() ? 1500 : 150); }

  /// The run information is on the disk after `calls_of_run_info` calls: from then on something is recovered.
  static void record_with_failures(const Identities& identities, int calls_of_run_info) {
    const Script whole = script();
    bool failed = true;
    int call = 0;
    int recovered = 0;
    for (; failed; ++call) {
      ASSERT_LT(call, kMostCalls) << "never succeeds";
      const TemporaryFolder folder;
      const fs::path directory = folder.folder("run.trace.partial");
      const fs::path output = folder / "run.trace";
      Status status;
      {
        const FailingCalls failing(call, GetParam());
        status = record(whole, directory, output, identities);
        failed = FailingCalls::failed() != nullptr;
      }
      // A log is closed when its stream file has all that was in it: then nobody is interested in its last error.
      const bool harmless = failed && !GetParam() && FailingCalls::failed() == std::string_view("close") && status.ok();
      if (failed && !harmless) {
        ASSERT_NO_FATAL_FAILURE(expect_run_failed(status, folder.path(), call)) << FailingCalls::failed();
      }
      ASSERT_TRUE(!status.ok() || fs::exists(output));
      if (fs::exists(output)) {
        ASSERT_NO_FATAL_FAILURE(expect_true_prefix(output, whole, call));  // the failure came after the rename
      } else if (const Status rest = recover_run(directory, folder / "recovered.trace", {identities, {}}); rest.ok()) {
        ++recovered;
        ASSERT_NO_FATAL_FAILURE(expect_true_prefix(folder / "recovered.trace", whole, call));
      } else {
        ASSERT_LT(call, calls_of_run_info) << "all that comes after the run information is recovered: " << rest.error().message;
      }
    }
    EXPECT_GT(recovered, 20);
  }
};

TEST_P(FailingDisk, WhileARunIsRecordedAndJoined) {
  record_with_failures({}, 4);
}

TEST_P(FailingDisk, WhileAnEncryptedRunIsRecordedAndJoined) {
  record_with_failures({generate_age_identity()}, 4);
}

TEST_P(FailingDisk, WhileARunIsRecovered) {
  const Script whole = script();
  const TemporaryFolder folder;
  const fs::path directory = folder.folder("run.trace.partial");
  const fs::path output = folder.folder("out") / "run.trace";
  write_streams(whole, directory);
  ASSERT_TRUE(ok(save_run_info(directory, whole.run)));
  const auto before = contents(directory);
  bool failed = true;
  int call = 0;
  for (; failed; ++call) {
    ASSERT_LT(call, kMostCalls) << "never succeeds";
    Status status;
    {
      const FailingCalls failing(call, GetParam());
      status = recover_run(directory, output);
      failed = FailingCalls::failed() != nullptr;
    }
    ASSERT_TRUE(contents(directory) == before) << "the run's folder was changed, call " << call;
    if (failed) {
      ASSERT_NO_FATAL_FAILURE(expect_run_failed(status, folder.path(), call));
      ASSERT_LE(std::distance(fs::directory_iterator(folder / "out"), {}), fs::exists(output) ? 1 : 0) << "call " << call;
      fs::remove(output);
    }
  }
  EXPECT_GT(call, 20);
  expect_true_prefix(output, whole, call);
}

INSTANTIATE_TEST_SUITE_P(OnceOrForGood, FailingDisk, ::testing::Bool(), [](const auto& which) { return which.param ? "ForGood" : "Once"; });

}  // namespace
}  // namespace reprise::testing
