#include "qemu_hooks/replay_session.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "replayer/verdict.h"
#include "tests/qemu_hooks/toy_guest.h"
#include "trace_format/trace_writer.h"

namespace reprise {
namespace {

using namespace testing;

constexpr uint32_t kAlice = 0;  // ends herself at 30,000
constexpr uint32_t kBob = 1;    // is stopped at 40,000; is given frames at 11,000 and 12,000

class ReplaySessionTest : public ::testing::Test {
 protected:
  /// Replays `guest` of `script` as a guest that does `plan`; the verdict as text.
  std::string replay(uint32_t guest, const Plan& plan, const Script& script = ping_script()) {
    if (!std::filesystem::exists(trace_)) {
      write_trace(script, trace_);
    }
    ToyGuest toy(
        [&](int fd) -> std::unique_ptr<GuestSession> {
          auto console = ConsoleLog::create(console_);
          CHECK(console.ok());
          auto session = ReplaySession::create(trace_, GuestIndex{guest}, fd, std::move(console).value());
          CHECK(session.ok());
          return std::move(session).value();
        },
        plan);
    const std::string text = toy.read_socket();
    EXPECT_EQ(toy.exit_code(), 0);
    deliveries_ = toy.deliveries();
    const auto verdict = verdict_from_json(text);
    if (!verdict.ok()) {
      return verdict.error().message;
    }
    std::string line = verdict->error.has_value() ? verdict->error->message : "identical";
    if (verdict->mismatch.has_value()) {
      const Mismatch& m = *verdict->mismatch;
      line = m.stream + " #" + std::to_string(m.sequence.value) + " " + m.field + ": " + m.expected + " / " + m.actual;
    }
    return line + ", reached " + std::to_string(verdict->reached.ns) + ", " + std::to_string(verdict->counts.frames) + " frames, " +
           std::to_string(verdict->counts.clock_reads) + " reads, " + std::to_string(verdict->counts.console_bytes) + " bytes";
  }
  [[nodiscard]] std::string console_log() const {
    std::ostringstream text;
    text << std::ifstream(console_).rdbuf();
    return text.str();
  }
  /// What `guest` did in the recording; a guest that was stopped goes on as if nothing were.
  static Plan recorded(uint32_t guest) {
    Plan plan = ping_script().guests[guest];
    if (plan.back().reason == EndReason::kUntil) {
      plan.pop_back();
    }
    return plan;
  }

  TemporaryFolder folder_;
  std::filesystem::path trace_ = folder_.path() / "run.trace";
  std::filesystem::path console_ = folder_.path() / "console.log";
  std::vector<std::string> deliveries_;
};

TEST_F(ReplaySessionTest, TheSameGuestIsIdentical) {
  EXPECT_EQ(replay(kAlice, recorded(kAlice)), "identical, reached 30000, 3 frames, 4 reads, 2 bytes");
  EXPECT_EQ(deliveries_, (std::vector<std::string>{"23000 60 0x33"}));
  EXPECT_EQ(console_log(), "A\n");
  EXPECT_EQ(replay(kBob, recorded(kBob)), "identical, reached 40000, 3 frames, 2 reads, 1 bytes");
  EXPECT_EQ(deliveries_, (std::vector<std::string>{"11000 60 0x11", "12000 98 0x22"}));
  EXPECT_EQ(console_log(), "B") << "a line without an end is there too";
}

TEST_F(ReplaySessionTest, TypesWhatWasTyped) {
  Script script = ping_script();
  script.guests[kBob].insert(script.guests[kBob].begin() + 3, typed(11'500, 'y'));
  script.guests[kBob].insert(script.guests[kBob].begin() + 2, typed(11'000, 'x'));
  EXPECT_EQ(replay(kBob, recorded(kBob), script), "identical, reached 40000, 3 frames, 2 reads, 3 bytes");
  EXPECT_EQ(deliveries_, (std::vector<std::string>{"11000 60 0x11", "11000 typed x", "11500 typed y", "12000 98 0x22"}));
}

// The toy's console takes two bytes at an instant: a recording with three did not come from it.
TEST_F(ReplaySessionTest, WhatTheConsoleHasNoRoomForIsADivergence) {
  Script script = ping_script();
  script.guests[kBob].insert(script.guests[kBob].begin() + 2, {typed(11'000, 'x'), typed(11'000, 'y'), typed(11'000, 'z')});
  EXPECT_EQ(replay(kBob, recorded(kBob), script),
            "console #2 input: taken by the guest's console / its console has no room for it, reached 11000, 1 frames, 1 reads, 3 bytes");
}

TEST_F(ReplaySessionTest, EachKindOfDivergenceStopsTheGuest) {
  Plan plan = recorded(kAlice);
  plan[1].value = 21;
  EXPECT_EQ(replay(kAlice, plan), "clock #1 value: 20 / 21, reached 200, 0 frames, 1 reads, 0 bytes");
  plan = recorded(kAlice);
  plan[2].byte = 'B';
  EXPECT_EQ(replay(kAlice, plan), "console #0 byte: 0x41 'A' / 0x42 'B', reached 300, 0 frames, 2 reads, 0 bytes");
  EXPECT_EQ(console_log(), "B") << "the log shows what the guest really wrote";
  plan = recorded(kAlice);
  plan[3].payload[20] = 0x12;
  EXPECT_EQ(replay(kAlice, plan),
            "frame #0 payload: 60 bytes, byte 20 is 0x11 / 60 bytes, byte 20 is 0x12, reached 1000, 0 frames, 2 reads, 1 bytes");
  plan = recorded(kAlice);
  plan[3].at = 1001;
  EXPECT_EQ(replay(kAlice, plan), "frame #0 virtual_ns: 1000 / 1001, reached 1001, 0 frames, 2 reads, 1 bytes");
  plan = recorded(kAlice);
  plan.back().reason = EndReason::kReset;
  EXPECT_EQ(replay(kAlice, plan), "end #0 reason: power-off / reset, reached 30000, 3 frames, 4 reads, 2 bytes");
}

TEST_F(ReplaySessionTest, GuestThatOmitsSomethingIsFoundAtItsNextDelivery) {
  Plan plan = recorded(kBob);
  plan.erase(plan.begin());  // the clock read at 150
  const std::string verdict = replay(kBob, plan);
  EXPECT_TRUE(verdict.starts_with("clock #0 kind: 150 bob clock #0 pit 65535 / 11000 bob frame #0 received alice/0")) << verdict;
  EXPECT_EQ(deliveries_, std::vector<std::string>{}) << "what follows a divergence is not fed";
}

TEST_F(ReplaySessionTest, GuestThatEndsTooEarly) {
  Plan plan = recorded(kAlice);
  plan.back().at = 29'999;
  EXPECT_EQ(replay(kAlice, plan), "end #0 virtual_ns: 30000 / 29999, reached 29999, 3 frames, 4 reads, 2 bytes");
  plan = recorded(kBob);
  plan.push_back(end(39'000, EndReason::kPowerOff));
  EXPECT_EQ(replay(kBob, plan), "end #0 virtual_ns: 40000 / 39000, reached 39000, 3 frames, 2 reads, 1 bytes");
}

TEST_F(ReplaySessionTest, GuestThatDoesNotEnd) {
  Plan plan = recorded(kAlice);
  plan.pop_back();
  EXPECT_EQ(replay(kAlice, plan), "end #0 virtual_ns: 30000 / 30001, reached 30001, 3 frames, 4 reads, 2 bytes");
  plan.push_back(clock_read(30'000, ClockSource::kTsc, 1));
  EXPECT_EQ(replay(kAlice, plan),
            "end #0 kind: 30000 alice end power-off / 30000 alice clock #4 tsc 1, reached 30000, 3 frames, 4 reads, 2 bytes");
}

TEST_F(ReplaySessionTest, GuestThatDoesMoreBeforeTheStop) {
  Plan plan = recorded(kBob);
  plan.push_back(console(39'999, 'z'));
  EXPECT_EQ(replay(kBob, plan),
            "end #0 kind: 40000 bob end until / 39999 bob console #1 0x7a 'z', reached 39999, 3 frames, 2 reads, 1 bytes");
}

TEST_F(ReplaySessionTest, WhatIsAtOrAfterTheStopIsNotCompared) {
  // A guest whose thread is past the stop when the timer comes: as in the recording, it does not count.
  write_trace(ping_script(), trace_);
  class Overrun final : public GuestSession {
   public:
    explicit Overrun(std::unique_ptr<GuestSession> session) : session_(std::move(session)) {}
    void clock_read(VirtualTime at, ClockSource source, uint64_t value) override { session_->clock_read(at, source, value); }
    void frame_sent(VirtualTime at, ByteView frame) override { session_->frame_sent(at, frame); }
    void console_byte(VirtualTime at, uint8_t byte) override { session_->console_byte(at, byte); }
    [[noreturn]] void guest_ended(VirtualTime at, EndReason reason) override {
      session_->guest_ended(at, reason);
      std::abort();  // gcc does not see that a virtual function does not return
    }
    [[nodiscard]] VirtualTime wake(VirtualTime now, StoppedGuest& guest) override {
      if (now.ns == 40'000) {
        session_->clock_read(now, ClockSource::kTsc, 1);
        session_->console_byte(now, 'z');
        session_->frame_sent(now + Duration{5}, ethernet_frame(2, 1, 60, 0));
      }
      return session_->wake(now, guest);
    }

   private:
    std::unique_ptr<GuestSession> session_;
  };
  ToyGuest toy(
      [&](int fd) -> std::unique_ptr<GuestSession> {
        auto session = ReplaySession::create(trace_, GuestIndex{kBob}, fd, ConsoleLog());
        CHECK(session.ok());
        return std::make_unique<Overrun>(std::move(session).value());
      },
      recorded(kBob));
  const auto verdict = verdict_from_json(toy.read_socket());
  ASSERT_TRUE(verdict.ok()) << verdict.error().message;
  EXPECT_FALSE(verdict->mismatch.has_value()) << verdict->mismatch->actual;
  EXPECT_EQ(verdict->reached.ns, 40'000);
}

// A killed run: bob's stream was sealed as aborted at 12,500, alice had ended before.
TEST_F(ReplaySessionTest, RecoveredTraceEndsWithItsLastEvent) {
  Script script = ping_script();
  script.guests[kBob].resize(4);
  script.guests[kBob].push_back(end(12'500, EndReason::kAborted));
  script.guests[kAlice].resize(6);
  script.guests[kAlice].push_back(end(12'400, EndReason::kPowerOff));
  const auto partial = folder_.path() / "partial";
  std::filesystem::create_directory(partial);
  write_streams(script, partial);
  const Status recovered = recover_run(partial, trace_);
  ASSERT_TRUE(recovered.ok()) << recovered.error().message;
  EXPECT_EQ(replay(kBob, recorded(kBob)), "identical, reached 12000, 2 frames, 2 reads, 0 bytes")
      << "the frame that bob sent later is not in the trace and not held against him";
  Plan plan = recorded(kBob);
  plan[2].value = 1;
  EXPECT_TRUE(replay(kBob, plan).starts_with("clock #1 value: 11050 / 1,"));
  EXPECT_EQ(replay(kAlice, {script.guests[kAlice].begin(), script.guests[kAlice].end()}),
            "identical, reached 12400, 2 frames, 3 reads, 1 bytes")
      << "a stream that ended by itself is compared to its end";
}

// The guest did its last read at the very instant at which it was killed: the replay must let it.
TEST_F(ReplaySessionTest, RecoveredTraceMayEndWithAnEventAtItsEnd) {
  Script script = ping_script();
  script.network.clear();
  script.guests[kBob].resize(3);
  script.guests[kBob].push_back(end(script.guests[kBob].back().at, EndReason::kAborted));
  script.run.complete = false;
  EXPECT_EQ(replay(kBob, recorded(kBob), script), "identical, reached 11050, 1 frames, 2 reads, 0 bytes");
}

TEST_F(ReplaySessionTest, RecoveredTraceWithoutEventsEndsAtItsEnd) {
  Script script = ping_script();
  script.network.clear();
  script.guests[kAlice] = {end(500, EndReason::kAborted)};
  script.guests[kBob] = {end(500, EndReason::kAborted)};
  script.run.complete = false;
  EXPECT_EQ(replay(kAlice, {}, script), "identical, reached 500, 0 frames, 0 reads, 0 bytes");
}

TEST_F(ReplaySessionTest, NoSuchGuestOrTrace) {
  write_trace(ping_script(), trace_);
  const auto guest = ReplaySession::create(trace_, GuestIndex{2}, -1, ConsoleLog());
  ASSERT_FALSE(guest.ok());
  EXPECT_EQ(guest.error().kind, ErrorKind::kUsage);
  EXPECT_FALSE(ReplaySession::create(folder_.path() / "nothing", GuestIndex{0}, -1, ConsoleLog()).ok());
}

TEST_F(ReplaySessionTest, ReplayerThatIsGoneIsNoTrouble) {
  write_trace(ping_script(), trace_);
  ToyGuest toy(
      [&](int fd) -> std::unique_ptr<GuestSession> {
        auto session = ReplaySession::create(trace_, GuestIndex{kAlice}, fd, ConsoleLog());
        CHECK(session.ok());
        return std::move(session).value();
      },
      recorded(kAlice));
  toy.hang_up();
  EXPECT_EQ(toy.exit_code(), 0) << "no SIGPIPE";
}

}  // namespace
}  // namespace reprise
