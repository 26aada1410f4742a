// One event of a recorded run is changed: replay and diff must name that event, and nothing else.
#include <fmt/format.h>

#include <optional>

#include "tests/guest/guest_run.h"
#include "trace_format/event_text.h"
#include "trace_format/rewrite.h"

namespace reprise::testing {
namespace {

constexpr GuestIndex kAlice{0};

/// Room between an event and its neighbours is needed to move it.
struct Found {
  GuestEvent event;
  VirtualTime next;
};

class AlteredTrace : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    run_ = std::make_unique<GuestRun>();
    run_->deploy(pinging_pair(5));
    ASSERT_TRUE(run_->record("original.trace"));
  }
  static void TearDownTestSuite() { run_.reset(); }

  /// Alice's event of `kind` in the middle of her stream.
  static Found middle_event(EventKind kind) {
    const auto reader = run_->open("original.trace");
    const auto middle = [&reader, kind](uint64_t wanted) {
      const auto cursor = reader->guest_events(kAlice);
      Found found;
      uint64_t seen = 0;
      for (GuestEvent event; cursor->next(event).value() && seen <= wanted;) {
        if (seen == wanted && seen > 0) {
          found.next = event.at;
          ++seen;
        } else if (event.kind == kind) {
          found.event = event;
          ++seen;
        }
      }
      return found;
    };
    const GuestStatistics& statistics = reader->guest_statistics(kAlice);
    switch (kind) {
      case EventKind::kFrameSent:
        return middle(statistics.frames_sent / 2);
      case EventKind::kFrameReceived:
        return middle(statistics.frames_received / 2);
      default:
        return middle(statistics.clock_reads[0] / 2);
    }
  }

  /// Writes altered.trace: the original with `change` made to the one event.
  static void alter(const GuestEvent& wanted, const std::function<void(GuestEvent&, std::span<uint8_t>)>& change) {
    const auto reader = run_->open("original.trace");
    std::filesystem::remove(run_->path("altered.trace"));
    int changed = 0;
    const Status status =
        rewrite_trace(*reader, run_->path("altered.trace"), [&](GuestIndex guest, GuestEvent& event, std::span<uint8_t> payload) {
          if (guest == kAlice && event.kind == wanted.kind && event.sequence == wanted.sequence) {
            change(event, payload);
            ++changed;
          }
        });
    ASSERT_TRUE(status.ok()) << status.error().message;
    ASSERT_EQ(changed, 1);
  }

  /// `at` is where replay reports the event: a replay knows the altered trace only.
  static void expect_named(const GuestEvent& event, VirtualTime at, const std::string& field) {
    const std::string stream(stream_name(event.kind));
    const Outcome replay = run_->replay("altered.trace", {"--guest", "alice"});
    EXPECT_TRUE(exits(replay, 1));
    const std::string heading = fmt::format("alice: diverged: {} #{} at {} ns, {}\n", stream, event.sequence.value, at.ns, field);
    EXPECT_EQ(replay.out.substr(0, heading.size()), heading) << replay.command << "\n" << replay.out;
    EXPECT_TRUE(exits(run_->replay("altered.trace"), 1));

    const Outcome diff = run_->diff("original.trace", "altered.trace");
    EXPECT_TRUE(exits(diff, 1));
    const nlohmann::json differences = json_of(diff)["differences"];
    // Of a sent frame's byte the receiver's stream tells as well: it holds the same frame.
    ASSERT_EQ(differences.size(), event.kind == EventKind::kFrameSent ? 2U : 1U) << diff.command << "\n" << diff.out;
    EXPECT_EQ(differences[0]["guest"], "alice");
    EXPECT_EQ(differences[0]["stream"], stream);
    EXPECT_EQ(differences[0]["sequence"], event.sequence.value);
    EXPECT_EQ(differences[0]["virtual_ns"], event.at.ns);
    EXPECT_EQ(differences[0]["field"], field);
    if (differences.size() > 1) {
      EXPECT_EQ(differences[1]["guest"], "bob");
      EXPECT_EQ(differences[1]["field"], field);
      EXPECT_EQ(differences[1]["right"], differences[0]["right"]);
    }
  }

  static std::unique_ptr<GuestRun> run_;
};
std::unique_ptr<GuestRun> AlteredTrace::run_;

TEST_F(AlteredTrace, ADeliveryOneNanosecondLater) {
  const Found found = middle_event(EventKind::kFrameReceived);
  ASSERT_GT(found.next, found.event.at + Duration{1});
  alter(found.event, [](GuestEvent& event, std::span<uint8_t>) { event.at.ns += 1; });
  expect_named(found.event, found.event.at + Duration{1}, "virtual_ns");
}

TEST_F(AlteredTrace, OneBitOfASentFrame) {
  const Found found = middle_event(EventKind::kFrameSent);
  alter(found.event, [](GuestEvent&, std::span<uint8_t> payload) { payload[payload.size() - 1] ^= 1; });
  expect_named(found.event, found.event.at, "payload");
}

TEST_F(AlteredTrace, OneClockValue) {
  const Found found = middle_event(EventKind::kClockRead);
  alter(found.event, [](GuestEvent& event, std::span<uint8_t>) { event.value += 1; });
  expect_named(found.event, found.event.at, "value");
}

TEST_F(AlteredTrace, NothingChangedIsIdentical) {
  // So that the rewriting itself is not what the tests above find.
  const Found found = middle_event(EventKind::kFrameSent);
  alter(found.event, [](GuestEvent&, std::span<uint8_t>) {});
  EXPECT_TRUE(replays_identically(run_->replay("altered.trace"), 2));
  EXPECT_TRUE(are_identical(*run_, "original.trace", "altered.trace"));
}

}  // namespace
}  // namespace reprise::testing
