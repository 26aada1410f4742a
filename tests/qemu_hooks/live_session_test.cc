#include "qemu_hooks/live_session.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <fstream>
#include <sstream>

#include "tests/qemu_hooks/toy_guest.h"
#include "trace_format/event_text.h"
#include "trace_format/trace_reader.h"

namespace reprise {
namespace {

using namespace testing;

constexpr int kFailed = static_cast<int>(ErrorKind::kRunFailed);

/// The test is the recorder; alice is guest 0 of a run of two, and bob's stream has a frame for her.
class LiveSessionTest : public ::testing::Test {
 protected:
  /// Starts alice and takes her hello.
  void start(const Plan& plan, VirtualTime idle_until = VirtualTime::never(), bool record = true) {
    // The writer belongs to the process that writes: its thread would not survive the fork.
    guest_ = std::make_unique<ToyGuest>(
        [this, record](int fd) -> std::unique_ptr<GuestSession> {
          std::unique_ptr<StreamWriter> writer;
          if (record) {
            auto created = create_stream(folder_.path(), StreamId::guest({0}));
            CHECK(created.ok());
            writer = std::move(created).value();
          }
          auto console = ConsoleLog::create(folder_.path() / "alice.log");
          CHECK(console.ok());
          auto session = std::make_unique<LiveSession>(GuestChannel(fd), std::move(writer), std::move(console).value(), show_console_);
          CHECK(session->introduce("0badc0de").ok());
          return session;
        },
        plan, idle_until, step_);
    channel_.emplace(guest_->release_socket());
    EXPECT_EQ(next(), "hello 0badc0de");
  }
  /// The next message of the guest, as text.
  std::string next() {
    Message message;
    if (const Status status = channel_->receive(message); !status.ok()) {
      return "gone";
    }
    const std::string text(message.payload.begin(), message.payload.end());
    switch (message.type) {
      case MessageType::kHello:
        return "hello " + text;
      case MessageType::kFrame:
        return fmt::format("frame {} at {}, {} bytes of 0x{:02x}", message.number, message.at.ns, text.size(), message.payload.back());
      case MessageType::kAtDeadline:
        return fmt::format("at {}, idle until {}{}", message.at.ns,
                           message.until == VirtualTime::never() ? "never" : std::to_string(message.until.ns),
                           message.number == 0 ? "" : fmt::format(", {} typed wait", message.number));
      case MessageType::kPrinted:
        return "printed " + text;
      case MessageType::kEnded:
        return fmt::format("ended at {}: {}", message.at.ns, end_reason_name(static_cast<EndReason>(message.number)));
      case MessageType::kFailed:
        return fmt::format("failed at {}: {}", message.at.ns, text);
      default:
        return "a recorder's message";
    }
  }
  void say(const Message& message, ByteView payload = {}) {
    ASSERT_TRUE(channel_->send(message, payload).ok());
    ASSERT_TRUE(channel_->flush().ok());
  }
  void type(int64_t ns, const std::string& text) {
    say({.type = MessageType::kType, .at = {ns}}, {reinterpret_cast<const uint8_t*>(text.data()), text.size()});
  }
  void grant(int64_t ns) { say({.type = MessageType::kGrant, .at = {ns}}); }
  void finish(int64_t ns) { say({.type = MessageType::kFinish, .at = {ns}}); }
  void deliver(int64_t ns, uint64_t number, const std::vector<uint8_t>& frame) {
    say({.type = MessageType::kDeliver, .guest = 1, .number = number, .at = {ns}}, frame);
  }
  /// The events of alice's stream, a line of `dump` each.
  std::string recorded() {
    Script others;
    others.add_guest("alice", {});
    others.add_guest("bob",
                     {sent(10, ethernet_frame(2, 1, 60, 0xb0)), sent(20, ethernet_frame(2, 1, 70, 0xb1)), end(99, EndReason::kUntil)});
    // Only what alice's process did not write.
    const TemporaryFolder scratch;
    others.guests[0] = {end(0, EndReason::kUntil)};
    write_streams(others, scratch.path());
    std::filesystem::copy_file(folder_.path() / "guest-0.stream", scratch.path() / "guest-0.stream",
                               std::filesystem::copy_options::overwrite_existing);
    const Status joined = join_streams(scratch.path(), others.run, folder_.path() / "run.trace");
    if (!joined.ok()) {
      return joined.error().message;
    }
    const auto reader = TraceReader::open(folder_.path() / "run.trace");
    if (!reader.ok()) {
      return reader.error().message;
    }
    const auto cursor = (*reader)->guest_events({0});
    std::string text;
    for (GuestEvent event;;) {
      const auto more = cursor->next(event);
      if (!more.ok() || !*more) {
        return more.ok() ? text : more.error().message;
      }
      const std::string line = describe_event((*reader)->run(), {0}, event);
      text += line.substr(0, line.find(" 52:")) + "\n";  // without MACs and digest
    }
  }

  TemporaryFolder folder_;
  bool show_console_ = false;
  Duration step_{1};
  std::unique_ptr<ToyGuest> guest_;
  std::optional<GuestChannel> channel_;
};

TEST_F(LiveSessionTest, RunsToItsDeadlinesAndTellsWhatItDid) {
  start({clock_read(5, ClockSource::kTsc, 5), sent(10, ethernet_frame(1, 2, 60, 0xa0)), console(15, 'x'),
         sent(120, ethernet_frame(1, 2, 61, 0xa1)), end(150, EndReason::kPowerOff)},
        {12'345});
  EXPECT_EQ(next(), "at 0, idle until 12345");
  grant(100);
  EXPECT_EQ(next(), "frame 0 at 10, 60 bytes of 0xa0");
  EXPECT_EQ(next(), "at 100, idle until 12345");
  grant(200);
  EXPECT_EQ(next(), "frame 1 at 120, 61 bytes of 0xa1");
  EXPECT_EQ(next(), "ended at 150: power-off");
  EXPECT_EQ(next(), "gone");
  EXPECT_EQ(guest_->exit_code(), 0);
  EXPECT_EQ(recorded(),
            "5 alice clock #0 tsc 5\n10 alice frame #0 sent alice/0 60 bytes\n15 alice console #0 0x78 'x'\n"
            "120 alice frame #1 sent alice/1 61 bytes\n150 alice end power-off\n");
}

TEST_F(LiveSessionTest, DeliversAtTheExactTime) {
  start({clock_read(49, ClockSource::kTsc, 49), clock_read(50, ClockSource::kTsc, 50)});
  EXPECT_EQ(next(), "at 0, idle until never");
  deliver(50, 0, ethernet_frame(2, 1, 60, 0xb0));
  deliver(100, 1, ethernet_frame(2, 1, 70, 0xb1));  // at the deadline itself: not before the next grant
  grant(100);
  EXPECT_EQ(next(), "at 100, idle until never");
  finish(200);
  EXPECT_EQ(next(), "ended at 200: until");
  EXPECT_EQ(guest_->exit_code(), 0);
  EXPECT_EQ(guest_->deliveries(), (std::vector<std::string>{"50 60 0xb0", "100 70 0xb1"}));
  EXPECT_EQ(recorded(),
            "49 alice clock #0 tsc 49\n50 alice frame #0 received bob/0 60 bytes\n50 alice clock #1 tsc 50\n"
            "100 alice frame #1 received bob/1 70 bytes\n200 alice end until\n");
}

// The toy's console takes two bytes at an instant; what is left goes in each millisecond, and is recorded when it does.
TEST_F(LiveSessionTest, TypesWhatTheConsoleHasRoomFor) {
  start({});
  EXPECT_EQ(next(), "at 0, idle until never");
  type(50, "abcde");
  grant(100);
  EXPECT_EQ(next(), "at 100, idle until 1000050, 3 typed wait");
  type(100, "f");
  grant(1'500'000);
  EXPECT_EQ(next(), "at 1500000, idle until 2000050, 2 typed wait");
  finish(3'000'000);
  EXPECT_EQ(next(), "ended at 3000000: until");
  EXPECT_EQ(guest_->exit_code(), 0);
  EXPECT_EQ(guest_->deliveries(), (std::vector<std::string>{"50 typed a", "50 typed b", "1000050 typed c", "1000050 typed d",
                                                            "2000050 typed e", "2000050 typed f"}));
  EXPECT_EQ(recorded(),
            "50 alice console #0 input 0x61 'a'\n50 alice console #1 input 0x62 'b'\n1000050 alice console #2 input 0x63 'c'\n"
            "1000050 alice console #3 input 0x64 'd'\n2000050 alice console #4 input 0x65 'e'\n2000050 alice console #5 input 0x66 'f'\n"
            "3000000 alice end until\n");
}

TEST_F(LiveSessionTest, FramesComeBeforeWhatIsTypedAtTheSameInstant) {
  start({});
  EXPECT_EQ(next(), "at 0, idle until never");
  type(50, "a");
  deliver(50, 0, ethernet_frame(2, 1, 60, 0xb0));
  finish(100);
  EXPECT_EQ(next(), "ended at 100: until");
  EXPECT_EQ(guest_->exit_code(), 0);
  EXPECT_EQ(guest_->deliveries(), (std::vector<std::string>{"50 60 0xb0", "50 typed a"}));
}

TEST_F(LiveSessionTest, ShowsWhatTheConsolePrints) {
  show_console_ = true;
  start({console(5, 'h'), console(6, 'i'), console(150, '!'), end(160, EndReason::kPowerOff)});
  EXPECT_EQ(next(), "at 0, idle until never");
  grant(100);
  EXPECT_EQ(next(), "printed hi");
  EXPECT_EQ(next(), "at 100, idle until never");
  grant(200);
  EXPECT_EQ(next(), "printed !");
  EXPECT_EQ(next(), "ended at 160: power-off");
  EXPECT_EQ(guest_->exit_code(), 0);
}

TEST_F(LiveSessionTest, IsNotIdleBeyondWhatItIsAboutToBeGiven) {
  start({}, {12'345});
  EXPECT_EQ(next(), "at 0, idle until 12345");
  deliver(300, 0, ethernet_frame(2, 1, 60, 0xb0));
  grant(100);
  EXPECT_EQ(next(), "at 100, idle until 300");
  finish(400);
  EXPECT_EQ(next(), "ended at 400: until");
  EXPECT_EQ(guest_->exit_code(), 0);
  EXPECT_EQ(guest_->deliveries(), (std::vector<std::string>{"300 60 0xb0"}));
}

TEST_F(LiveSessionTest, FinishDropsWhatIsAtOrAfterIt) {
  // All in one quantum: QEMU stops the guest a little after the instant, as far as its threads are concerned.
  start({clock_read(199, ClockSource::kTsc, 199)});
  EXPECT_EQ(next(), "at 0, idle until never");
  deliver(200, 0, ethernet_frame(2, 1, 60, 0xb0));
  finish(200);
  EXPECT_EQ(next(), "ended at 200: until");
  EXPECT_EQ(guest_->exit_code(), 0);
  EXPECT_EQ(guest_->deliveries(), std::vector<std::string>{});
  EXPECT_EQ(recorded(), "199 alice clock #0 tsc 199\n200 alice end until\n");
}

// With icount-shift a busy guest stops a little after its deadline, and the end of the run may lie between the two.
TEST_F(LiveSessionTest, AnEndThatAGuestHasPassedIsTheFirstInstantThatLeavesNothingOut) {
  step_ = Duration{64};
  start({clock_read(64, ClockSource::kTsc, 64), clock_read(128, ClockSource::kTsc, 128), clock_read(129, ClockSource::kTsc, 129)});
  EXPECT_EQ(next(), "at 0, idle until never");
  grant(100);
  EXPECT_EQ(next(), "at 128, idle until never");
  deliver(110, 0, ethernet_frame(2, 1, 60, 0xb0));
  finish(120);
  EXPECT_EQ(next(), "ended at 129: until");
  EXPECT_EQ(guest_->exit_code(), 0);
  EXPECT_EQ(guest_->deliveries(), (std::vector<std::string>{"128 60 0xb0"}));
  EXPECT_EQ(recorded(),
            "64 alice clock #0 tsc 64\n128 alice frame #0 received bob/0 60 bytes\n128 alice clock #1 tsc 128\n129 alice end until\n");
}

TEST_F(LiveSessionTest, AnEndThatAGuestHasReachedLetsItDoWhatItDoesThere) {
  step_ = Duration{64};
  start({clock_read(128, ClockSource::kTsc, 128)});
  EXPECT_EQ(next(), "at 0, idle until never");
  grant(100);
  EXPECT_EQ(next(), "at 128, idle until never");
  grant(120);
  EXPECT_EQ(next(), "at 128, idle until never");
  finish(128);
  EXPECT_EQ(next(), "ended at 129: until");
  EXPECT_EQ(guest_->exit_code(), 0);
  EXPECT_EQ(recorded(), "128 alice clock #0 tsc 128\n129 alice end until\n");
}

/// Does all of its work at its first wake-up's return, with no regard for the time that it was given.
TEST_F(LiveSessionTest, OutputsAtOrAfterTheFinishAreNotPartOfTheRun) {
  guest_ = std::make_unique<ToyGuest>(
      [this](int fd) -> std::unique_ptr<GuestSession> {
        auto writer = create_stream(folder_.path(), StreamId::guest({0}));
        CHECK(writer.ok());
        class Careless final : public GuestSession {
         public:
          explicit Careless(LiveSession session) : session_(std::move(session)) {}
          void clock_read(VirtualTime at, ClockSource source, uint64_t value) override { session_.clock_read(at, source, value); }
          void frame_sent(VirtualTime at, ByteView frame) override { session_.frame_sent(at, frame); }
          void console_byte(VirtualTime at, uint8_t byte) override { session_.console_byte(at, byte); }
          [[noreturn]] void guest_ended(VirtualTime at, EndReason reason) override { session_.guest_ended(at, reason); }
          [[nodiscard]] VirtualTime wake(VirtualTime now, StoppedGuest& guest) override {
            const VirtualTime later = session_.wake(now, guest);
            for (const int64_t at : {later.ns - 1, later.ns, later.ns + 1}) {
              session_.clock_read({at}, ClockSource::kTsc, 1);
              session_.console_byte({at}, static_cast<uint8_t>('0' + at % 10));
              session_.frame_sent({at}, ethernet_frame(1, 2, 60, 0xa0));
            }
            return later;
          }

         private:
          LiveSession session_;
        };
        auto console = ConsoleLog::create(folder_.path() / "alice.log");
        CHECK(console.ok());
        return std::make_unique<Careless>(LiveSession(GuestChannel(fd), std::move(writer).value(), std::move(console).value()));
      },
      Plan{});
  channel_.emplace(guest_->release_socket());
  EXPECT_EQ(next(), "at 0, idle until never");
  finish(200);
  EXPECT_EQ(next(), "frame 0 at 199, 60 bytes of 0xa0");
  EXPECT_EQ(next(), "ended at 200: until");
  EXPECT_EQ(guest_->exit_code(), 0);
  EXPECT_EQ(recorded(),
            "199 alice clock #0 tsc 1\n199 alice console #0 0x39 '9'\n199 alice frame #0 sent alice/0 60 bytes\n200 alice end until\n");
  std::ostringstream console;
  console << std::ifstream(folder_.path() / "alice.log").rdbuf();
  EXPECT_EQ(console.str(), "9");
}

TEST_F(LiveSessionTest, RecorderThatIsGoneSealsWhatThereIs) {
  start({clock_read(5, ClockSource::kTsc, 5)});
  EXPECT_EQ(next(), "at 0, idle until never");
  grant(100);
  EXPECT_EQ(next(), "at 100, idle until never");
  channel_.reset();
  EXPECT_EQ(guest_->exit_code(), kFailed);
  EXPECT_EQ(recorded(), "5 alice clock #0 tsc 5\n100 alice end aborted\n");
}

TEST_F(LiveSessionTest, RecorderThatIsGoneWhenTheGuestEnds) {
  start({end(50, EndReason::kHalt)});
  EXPECT_EQ(next(), "at 0, idle until never");
  // Deaf from now on: what it says last does not go out any more, whenever it says it.
  ASSERT_EQ(shutdown(channel_->fd(), SHUT_RD), 0);
  grant(100);
  EXPECT_EQ(guest_->exit_code(), kFailed);
  EXPECT_EQ(recorded(), "50 alice end halt\n") << "its stream is complete all the same";
}

TEST_F(LiveSessionTest, MessageOutOfTurn) {
  for (const MessageType type : {MessageType::kHello, MessageType::kFrame, MessageType::kAtDeadline, MessageType::kEnded}) {
    std::filesystem::remove(folder_.path() / "guest-0.stream");
    std::filesystem::remove(folder_.path() / "run.trace");
    start({});
    EXPECT_EQ(next(), "at 0, idle until never");
    say({.type = type, .at = {100}});
    EXPECT_EQ(next(), "failed at 0: the recorder sent a message that only a guest may send");
    EXPECT_EQ(guest_->exit_code(), kFailed);
    EXPECT_EQ(recorded(), "0 alice end aborted\n");
  }
}

TEST_F(LiveSessionTest, RecorderThatLies) {
  const std::vector<std::pair<Message, std::string>> lies = {
      {{.type = MessageType::kDeliver, .guest = 1, .at = {50}}, "the recorder delivered a frame that nobody can have sent"},
      {{.type = MessageType::kDeliver, .guest = 4096, .at = {120}, .payload = {1}},
       "the recorder delivered a frame that nobody can have sent"},
      {{.type = MessageType::kDeliver, .guest = 1, .at = {99}, .payload = {1}}, "the recorder delivered a frame out of order"},
      {{.type = MessageType::kType, .at = {100}}, "the recorder typed nothing"},
      {{.type = MessageType::kType, .at = {99}, .payload = {1}}, "the recorder typed in the past"},
      {{.type = MessageType::kType, .at = {100}, .payload = std::vector<uint8_t>(4097)}, "the recorder typed more than may wait"},
      {{.type = MessageType::kPrinted, .payload = {1}}, "the recorder sent a message that only a guest may send"},
      {{.type = MessageType::kGrant, .at = {100}}, "the recorder granted a time that is over"},
      {{.type = MessageType::kFinish, .at = {99}}, "the recorder ended the run in the past"},
  };
  for (const auto& [lie, complaint] : lies) {
    std::filesystem::remove(folder_.path() / "guest-0.stream");
    std::filesystem::remove(folder_.path() / "run.trace");
    start({});
    EXPECT_EQ(next(), "at 0, idle until never");
    grant(100);
    EXPECT_EQ(next(), "at 100, idle until never");
    say(lie, lie.payload);
    EXPECT_EQ(next(), "failed at 100: " + complaint);
    EXPECT_EQ(guest_->exit_code(), kFailed);
    EXPECT_EQ(recorded(), "100 alice end aborted\n") << complaint;
  }
}

TEST_F(LiveSessionTest, WithoutRecordingTheCouplingIsTheSame) {
  start({clock_read(5, ClockSource::kTsc, 5), sent(10, ethernet_frame(1, 2, 60, 0xa0)), console(11, 'x')}, VirtualTime::never(), false);
  EXPECT_EQ(next(), "at 0, idle until never");
  deliver(50, 0, ethernet_frame(2, 1, 60, 0xb0));
  finish(100);
  EXPECT_EQ(next(), "frame 0 at 10, 60 bytes of 0xa0");
  EXPECT_EQ(next(), "ended at 100: until");
  EXPECT_EQ(guest_->exit_code(), 0);
  EXPECT_EQ(guest_->deliveries(), (std::vector<std::string>{"50 60 0xb0"}));
  EXPECT_FALSE(std::filesystem::exists(folder_.path() / "guest-0.stream"));
}

TEST_F(LiveSessionTest, FramesThatNoTraceCanHoldAreNotSent) {
  start({sent(10, {}), sent(11, std::vector<uint8_t>(65'536, 0xa0)), sent(12, std::vector<uint8_t>(65'535, 0xa1))});
  EXPECT_EQ(next(), "at 0, idle until never");
  finish(100);
  EXPECT_EQ(next(), "frame 0 at 12, 65535 bytes of 0xa1");
  EXPECT_EQ(next(), "ended at 100: until");
  EXPECT_EQ(guest_->exit_code(), 0);
}

}  // namespace
}  // namespace reprise
