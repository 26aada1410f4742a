// Runs whose streams, run information and trace are encrypted: written, joined, killed and recovered.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "tests/trace_format/sample_run.h"
#include "trace_format/encrypted_io.h"
#include "trace_format/recover_trace.h"
#include "trace_format/run_info_file.h"
#include "trace_format/trim.h"
#include "trace_format/verify.h"

namespace reprise {
namespace {

namespace fs = std::filesystem;
using testing::ok;
using testing::Script;

/// So short that compression leaves it as it is.
constexpr std::string_view kSecret = "the secret that guest 0 sends";

Script secret_script() {
  Script script = testing::small_script();
  for (auto* event : {&script.guests[0][2], &script.guests[1][1]}) {
    event->payload.assign(kSecret.begin(), kSecret.end());
  }
  script.run.seed = 4711;
  return script;
}

bool has_text(const fs::path& path, std::string_view text) {
  const auto bytes = testing::file_bytes(path);
  return std::search(bytes.begin(), bytes.end(), text.begin(), text.end()) != bytes.end();
}

std::vector<uint8_t> plaintext(const fs::path& path, const std::vector<AgeIdentity>& identities) {
  const auto source = open_input(path, identities);
  EXPECT_TRUE(source.ok()) << source.error().message;
  std::vector<uint8_t> bytes((*source)->size());
  EXPECT_TRUE((*source)->read_at(0, bytes).ok());
  return bytes;
}

class EncryptedRun : public ::testing::Test {
 protected:
  [[nodiscard]] std::vector<AgeRecipient> user() const { return {recipient_of(user_.front())}; }
  [[nodiscard]] std::vector<AgeRecipient> user_and_run() const { return {recipient_of(user_.front()), recipient_of(run_.front())}; }

  void write(const Script& script) {
    write_streams(script, directory_, {.recipients = user_and_run(), .seal_bytes = 1024});
    ASSERT_TRUE(ok(save_run_info(directory_, script.run, user_and_run())));
  }

  testing::TemporaryFolder folder_;
  fs::path directory_ = folder_.folder("run.trace.partial");
  fs::path output_ = folder_ / "run.trace";
  std::vector<AgeIdentity> user_ = {generate_age_identity()};
  std::vector<AgeIdentity> run_ = {generate_age_identity()};
  std::vector<AgeIdentity> wrong_ = {generate_age_identity()};
};

TEST_F(EncryptedRun, NothingIsOnTheDiskInTheClear) {
  const Script script = secret_script();
  testing::write_trace(script, folder_ / "plain.trace");
  ASSERT_TRUE(has_text(folder_ / "plain.trace", kSecret)) << "the test looks for what compression hides";
  write(script);
  size_t files = 0;
  for (const auto& entry : fs::directory_iterator(directory_)) {
    ++files;
    EXPECT_TRUE(is_encrypted(entry.path())) << entry.path();
    EXPECT_FALSE(has_text(entry.path(), kSecret)) << entry.path();
  }
  EXPECT_EQ(files, script.guests.size() + 2);
  ASSERT_TRUE(ok(join_streams(directory_, script.run, output_, {run_, user()})));
  EXPECT_FALSE(fs::exists(directory_));
  EXPECT_FALSE(has_text(output_, kSecret));
}

TEST_F(EncryptedRun, TheTraceIsThePlainOneInsideForTheUserAlone) {
  const Script script = testing::random_script(3, 400);
  const fs::path plain = folder_.folder("plain");
  write_streams(script, plain);
  ASSERT_TRUE(ok(join_streams(plain, script.run, folder_ / "plain.trace")));
  write(script);
  ASSERT_TRUE(ok(join_streams(directory_, script.run, output_, {run_, user()})));

  EXPECT_EQ(plaintext(output_, user_), testing::file_bytes(folder_ / "plain.trace"));
  ASSERT_TRUE(TraceReader::open(output_, user_).ok());
  ASSERT_TRUE(verify_trace(output_, user_).ok());
  for (const auto& identities : {run_, wrong_, std::vector<AgeIdentity>()}) {
    EXPECT_EQ(TraceReader::open(output_, identities).error().kind, ErrorKind::kUsage);
    const auto verified = verify_trace(output_, identities);
    ASSERT_FALSE(verified.ok());
    EXPECT_EQ(verified.error().kind, ErrorKind::kUsage);
    EXPECT_NE(verified.error().message.find("--identity FILE"), std::string::npos) << verified.error().message;
  }
}

TEST_F(EncryptedRun, AnAlteredByteIsDamage) {
  write(secret_script());
  ASSERT_TRUE(ok(join_streams(directory_, secret_script().run, output_, {run_, user()})));
  auto bytes = testing::file_bytes(output_);
  bytes[bytes.size() / 2] ^= 1;
  testing::write_bytes(output_, bytes);
  const auto verified = verify_trace(output_, user_);
  ASSERT_FALSE(verified.ok());
  EXPECT_EQ(verified.error().kind, ErrorKind::kBadTrace);
  EXPECT_NE(verified.error().message.find(output_.string() + ": encrypted chunk 0 at byte "), std::string::npos)
      << verified.error().message;
}

TEST_F(EncryptedRun, WithoutTheRunsKeyNothingIsJoinedOrRemoved) {
  write(secret_script());
  for (const auto& identities : {wrong_, std::vector<AgeIdentity>()}) {
    EXPECT_FALSE(join_streams(directory_, secret_script().run, output_, {identities, user()}).ok());
    EXPECT_FALSE(fs::exists(output_));
    EXPECT_EQ(load_run_info(directory_, identities).error().kind, ErrorKind::kUsage);
  }
  EXPECT_TRUE(fs::exists(directory_ / "guest-0.stream"));
  ASSERT_TRUE(load_run_info(directory_, user_).ok());
  EXPECT_EQ(load_run_info(directory_, user_)->seed, 4711U);
}

TEST_F(EncryptedRun, RecoverNeedsTheUsersKey) {
  write(secret_script());
  for (const auto& identities : {wrong_, std::vector<AgeIdentity>()}) {
    const Status status = recover_run(directory_, output_, {identities, user()});
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error().kind, ErrorKind::kUsage);
    EXPECT_NE(status.error().message.find("--identity FILE"), std::string::npos) << status.error().message;
  }
  // For another reader than the run's own: what checks the output before its rename must not need that reader's key.
  ASSERT_TRUE(ok(recover_run(directory_, output_, {user_, {recipient_of(wrong_.front())}})));
  EXPECT_FALSE(has_text(output_, kSecret));
  EXPECT_FALSE(TraceReader::open(output_, user_).ok());
  ASSERT_TRUE(verify_trace(output_, wrong_).ok());
  EXPECT_FALSE(fs::exists(folder_ / "run.trace.recovering"));

  ASSERT_TRUE(ok(recover_run(directory_, folder_ / "plain.trace", {user_, {}})));
  const auto read = testing::read_script(folder_ / "plain.trace");
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(read->guests, secret_script().guests);
}

// Guest 0's writer is gone before it could write the last chunk of its age file.
TEST_F(EncryptedRun, OfAKilledGuestTheWholeEncryptedChunksAreLeft) {
  const Script script = secret_script();
  write(script);
  fs::remove(directory_ / "guest-0.stream");
  std::mt19937_64 random(1);
  constexpr uint64_t kReads = 30'000;
  {
    const auto writer = create_stream(directory_, StreamId::guest({0}), {.recipients = user_and_run(), .seal_bytes = 8192});
    ASSERT_TRUE(writer.ok()) << writer.error().message;
    for (uint64_t i = 0; i < kReads; ++i) {
      (*writer)->append_clock_read({static_cast<int64_t>(i)}, ClockSource::kTsc, random());
    }
  }
  ASSERT_TRUE(ok(recover_run(directory_, output_, {user_, user()})));
  const auto reader = TraceReader::open(output_, user_);
  ASSERT_TRUE(reader.ok()) << reader.error().message;
  EXPECT_FALSE((*reader)->run().complete);
  const uint64_t kept = (*reader)->guest_statistics({0}).clock_reads[static_cast<size_t>(ClockSource::kTsc)];
  EXPECT_LT(kept, kReads);
  EXPECT_GT(kept, kReads - 20'000) << "more than one chunk of 64 KiB and one of ours is lost";
  random.seed(1);
  const auto cursor = (*reader)->guest_events({0});
  for (GuestEvent event;;) {
    const auto more = cursor->next(event);
    ASSERT_TRUE(more.ok() && *more);
    if (event.kind == EventKind::kEnd) {
      EXPECT_EQ(event.reason, EndReason::kAborted);
      break;
    }
    ASSERT_EQ(event.value, random());
  }
}

TEST_F(EncryptedRun, RecoversACutTraceAndAnAlteredOne) {
  Script script = secret_script();
  std::mt19937_64 random(1);
  for (int i = 0; i < 40; ++i) {
    testing::ScriptEvent sent = script.guests[0][2];
    std::generate_n(std::back_inserter(sent.payload), 4000, [&] { return static_cast<uint8_t>(random()); });
    script.guests[0].insert(script.guests[0].end() - 1, sent);
  }
  for (auto* event = &script.guests[0][3]; event->kind != EventKind::kEnd; ++event) {
    event->at = 2'000'000;
  }
  write(script);
  ASSERT_TRUE(ok(join_streams(directory_, script.run, output_, {run_, user()})));
  auto bytes = testing::file_bytes(output_);
  ASSERT_GT(bytes.size(), 150'000U);
  bytes.resize(140'000);
  testing::write_bytes(output_, bytes);
  const fs::path left = folder_ / "left.trace";
  EXPECT_EQ(verify_trace(output_, user_).error().kind, ErrorKind::kBadTrace);
  EXPECT_EQ(recover_trace(output_, left, {wrong_, user()}).error().kind, ErrorKind::kUsage);
  const auto scan = recover_trace(output_, left, {user_, user()});
  ASSERT_TRUE(scan.ok()) << scan.error().message;
  EXPECT_FALSE(has_text(left, kSecret));
  ASSERT_TRUE(verify_trace(left, user_).ok());
  const auto reader = TraceReader::open(left, user_);
  const uint64_t kept = (*reader)->guest_statistics({0}).frames_sent;
  EXPECT_GT(kept, 25U) << "two chunks of 64 KiB are whole";
  EXPECT_LT(kept, 34U);

  // Its second chunk of 64 KiB: the frames in the first are still there, and nothing that was altered is.
  bytes[100'000] ^= 1;
  testing::write_bytes(output_, bytes);
  const fs::path rest = folder_ / "rest.trace";
  const auto altered = recover_trace(output_, rest, {user_, user()});
  ASSERT_TRUE(altered.ok()) << altered.error().message;
  EXPECT_GE(altered->lost_bytes, 65'536U);
  ASSERT_TRUE(verify_trace(rest, user_).ok());
  const auto first = TraceReader::open(rest, user_);
  EXPECT_FALSE((*first)->run().complete);
  EXPECT_LT((*first)->guest_statistics({0}).frames_sent, kept);
}

TEST_F(EncryptedRun, APartIsEncryptedForWhomItIsMeant) {
  testing::write_trace(secret_script(), folder_ / "whole.trace");
  const auto whole = TraceReader::open(folder_ / "whole.trace");
  ASSERT_TRUE(whole.ok());
  TrimOptions options;
  options.recipients = user();
  ASSERT_TRUE(ok(trim_trace(**whole, output_, options)));
  EXPECT_FALSE(has_text(output_, kSecret));
  EXPECT_TRUE(verify_trace(output_, user_).ok());
  EXPECT_EQ(verify_trace(output_, wrong_).error().kind, ErrorKind::kUsage);
}

}  // namespace
}  // namespace reprise
