// A process that records is killed at any instant: what it had appended is there. REPRISE_KILLS sets the number of kills of each test.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <new>
#include <random>
#include <thread>

#include "tests/trace_format/sample_run.h"
#include "trace_format/guest_columns.h"
#include "trace_format/network_columns.h"
#include "trace_format/stream_file.h"
#include "trace_format/verify.h"

namespace reprise {
namespace {

namespace fs = std::filesystem;
using testing::ok;

int kills() {
  const char* const text = std::getenv("REPRISE_KILLS");
  return text != nullptr ? std::atoi(text) : 60;
}

/// An endless stream of events of a guest, the same for a seed.
class EndlessGuest {
 public:
  explicit EndlessGuest(uint64_t seed) : random_(seed) {}

  /// Valid until the next call.
  const GuestEvent& next() {
    event_ = {};
    if (run_ == 0) {
      run_ = draw(8) == 0 ? draw(300) : 0;
    } else {
      --run_;
      return clock_read(40);
    }
    switch (draw(5)) {
      case 0:
        return clock_read(static_cast<int64_t>(draw(1000)));
      case 1:
        event_.kind = EventKind::kFrameSent;
        payload_.assign(1 + draw(draw(50) == 0 ? 60'000 : 200), static_cast<uint8_t>(draw(256)));
        event_.payload = payload_;
        break;
      case 2:
        event_.kind = EventKind::kFrameReceived;
        event_.sender = {static_cast<uint32_t>(draw(3))};
        event_.sender_frame = {draw(1'000'000)};
        payload_.assign(1 + draw(1500), 0);
        event_.payload = payload_;
        break;
      default:
        event_.kind = draw(3) == 0 ? EventKind::kConsoleInput : EventKind::kConsoleByte;
        event_.byte = static_cast<uint8_t>(draw(256));
    }
    event_.at.ns = now_ += static_cast<int64_t>(draw(500));
    return event_;
  }

 private:
  uint64_t draw(uint64_t below) { return random_() % below; }
  const GuestEvent& clock_read(int64_t step) {
    event_.kind = EventKind::kClockRead;
    event_.source = draw(100) == 0 ? ClockSource::kHpet : ClockSource::kTsc;
    event_.at.ns = now_ += step;
    event_.value = static_cast<uint64_t>(now_);
    return event_;
  }

  std::mt19937_64 random_;
  uint64_t run_ = 0;
  int64_t now_ = 0;
  std::vector<uint8_t> payload_;
  GuestEvent event_;
};

void append(StreamWriter& writer, const GuestEvent& event) {
  switch (event.kind) {
    case EventKind::kClockRead:
      return writer.append_clock_read(event.at, event.source, event.value);
    case EventKind::kFrameSent:
      return writer.append_frame_sent(event.at, event.payload);
    case EventKind::kFrameReceived:
      return writer.append_frame_received(event.at, event.sender, event.sender_frame, static_cast<uint32_t>(event.payload.size()));
    case EventKind::kConsoleByte:
      return writer.append_console_byte(event.at, event.byte);
    case EventKind::kConsoleInput:
      return writer.append_console_input(event.at, event.byte);
    case EventKind::kEnd:
      return;
  }
}

bool same(const GuestEvent& got, const GuestEvent& want) {
  if (got.kind != want.kind || got.at != want.at) {
    return false;
  }
  switch (want.kind) {
    case EventKind::kClockRead:
      return got.source == want.source && got.value == want.value;
    case EventKind::kFrameSent:
      return std::equal(got.payload.begin(), got.payload.end(), want.payload.begin(), want.payload.end());
    case EventKind::kFrameReceived:
      return got.sender == want.sender && got.sender_frame == want.sender_frame;
    case EventKind::kConsoleByte:
    case EventKind::kConsoleInput:
      return got.byte == want.byte;
    case EventKind::kEnd:
      return false;
  }
  return false;
}

/// Follows a stream against the script that it was written from.
class GuestFollower {
 public:
  GuestFollower(const fs::path& directory, uint64_t seed) : stream_(directory, StreamId::guest({0})), want_(seed) {}

  /// Reads what there is now. False after a failure.
  bool read() {
    while (stream_.next(chunk_)) {
      GuestDecoder decoder;
      decoder.start(chunk_.columns, chunk_.header.first);
      GuestEvent got;
      uint64_t place = chunk_.header.sequence == sequence_ ? seen_in_chunk_ : 0;
      for (uint64_t i = 0; i < place; ++i) {
        if (!decoder.next(got)) {
          ADD_FAILURE() << "chunk " << sequence_ << " has lost events";
          return false;
        }
      }
      for (; decoder.next(got); ++place, ++events_) {
        const GuestEvent& want = want_.next();
        received_in_chunk_ = (place == 0 ? 0 : received_in_chunk_) + (want.kind == EventKind::kFrameReceived ? want.payload.size() : 0);
        if (!same(got, want)) {
          ADD_FAILURE() << "event " << events_ << " in chunk " << chunk_.header.sequence << " differs";
          return false;
        }
      }
      EXPECT_EQ(chunk_.header.bytes_received, received_in_chunk_);
      sequence_ = chunk_.header.sequence;
      seen_in_chunk_ = place;
    }
    return true;
  }
  [[nodiscard]] uint64_t events() const { return events_; }
  [[nodiscard]] uint64_t chunks() const { return sequence_ + 1; }

 private:
  UnfinishedStream stream_;
  EndlessGuest want_;
  LoadedChunk chunk_;
  uint64_t sequence_ = 0;
  uint64_t seen_in_chunk_ = 0;
  uint64_t received_in_chunk_ = 0;
  uint64_t events_ = 0;
};

/// A counter that a child process shares with us.
class SharedCounter {
 public:
  SharedCounter() : memory_(mmap(nullptr, sizeof(Counter), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) {
    CHECK(memory_ != MAP_FAILED);
    counter_ = new (memory_) Counter(0);
  }
  ~SharedCounter() { munmap(memory_, sizeof(Counter)); }
  SharedCounter(const SharedCounter&) = delete;
  SharedCounter& operator=(const SharedCounter&) = delete;
  std::atomic<uint64_t>& operator*() { return *counter_; }

 private:
  using Counter = std::atomic<uint64_t>;
  void* memory_;
  Counter* counter_ = nullptr;
};

/// Runs `work` in a child process, and kills it when `appended` has reached `target` and some more time has passed.
template <typename Work>
void run_and_kill(std::atomic<uint64_t>& appended, uint64_t target, unsigned spins, Work work) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    work();
    _exit(1);
  }
  int status = 0;
  while (appended.load(std::memory_order_relaxed) < target && waitpid(child, &status, WNOHANG) == 0) {
    std::this_thread::yield();
  }
  for (std::atomic<unsigned> i{0}; i < spins; ++i) {
  }
  kill(child, SIGKILL);
  waitpid(child, &status, 0);
  ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << "the child ended by itself";
}

TEST(Kill, AGuestsProcessLosesNothingThatWasAppended) {
  std::mt19937_64 random(2024);
  const RunInfo run = testing::small_script().run;
  uint64_t chunks = 0;
  for (int round = 0; round < kills(); ++round) {
    const testing::TemporaryFolder folder;
    const fs::path directory = folder.folder("run.trace.partial");
    SharedCounter appended;
    const StreamOptions options{.seal_bytes = round % 2 == 0 ? 8192 : kSealBytes};
    const uint64_t seed = random();
    ASSERT_NO_FATAL_FAILURE(run_and_kill(*appended, random() % 60'000, static_cast<unsigned>(random() % 100'000), [&] {
      auto writer = create_stream(directory, StreamId::guest({0}), options);
      EndlessGuest events(seed);
      while (writer.ok() && (*writer)->status().ok()) {
        append(**writer, events.next());
        (*appended).fetch_add(1, std::memory_order_release);
      }
    }));
    GuestFollower follower(directory, seed);
    ASSERT_TRUE(follower.read()) << "round " << round;
    ASSERT_GE(follower.events(), (*appended).load()) << "round " << round;
    ASSERT_LE(follower.events(), (*appended).load() + 1) << "round " << round;
    chunks += follower.chunks();
    if (round % 10 == 0) {
      ASSERT_TRUE(ok(save_run_info(directory, run)));
      ASSERT_TRUE(ok(recover_run(directory, folder / "out.trace"))) << "round " << round;
      ASSERT_TRUE(testing::verified(folder / "out.trace"));
    }
  }
  EXPECT_GT(chunks, static_cast<uint64_t>(kills()) * 2) << "most kills are to happen amid many chunks";
}

NetworkEvent network_event(uint64_t i) {
  NetworkEvent event;
  event.kind = i % 7 == 0 ? NetworkEvent::Kind::kDropped : NetworkEvent::Kind::kDelivered;
  event.at.ns = static_cast<int64_t>(1000 + i * 17);
  event.sent_at.ns = event.at.ns - static_cast<int64_t>(i % 1000);
  event.sender.value = static_cast<uint32_t>(i % 3);
  event.sender_frame.value = i / 3;
  event.receiver.value = static_cast<uint32_t>(i % 5);
  return event;
}

TEST(Kill, TheRecordersProcessLosesNothingThatWasAppended) {
  std::mt19937_64 random(7);
  for (int round = 0; round < kills(); ++round) {
    const testing::TemporaryFolder folder;
    SharedCounter appended;
    ASSERT_NO_FATAL_FAILURE(run_and_kill(*appended, random() % 20'000, static_cast<unsigned>(random() % 100'000), [&] {
      auto writer = create_stream(folder.path(), StreamId::network(), StreamOptions{.seal_bytes = 8192});
      for (uint64_t i = 0; writer.ok() && (*writer)->status().ok(); ++i) {
        (*writer)->append_network(network_event(i));
        (*appended).fetch_add(1, std::memory_order_release);
      }
    }));
    UnfinishedStream stream(folder.path(), StreamId::network());
    LoadedChunk chunk;
    uint64_t events = 0;
    while (stream.next(chunk)) {
      NetworkDecoder decoder;
      decoder.start(chunk.columns, chunk.header.first);
      for (NetworkEvent got; decoder.next(got); ++events) {
        const NetworkEvent want = network_event(events);
        ASSERT_TRUE(got.at == want.at && got.sent_at == want.sent_at && got.sender == want.sender &&
                    got.sender_frame == want.sender_frame && got.receiver == want.receiver && got.kind == want.kind)
            << "event " << events;
      }
    }
    ASSERT_GE(events, (*appended).load()) << "round " << round;
    ASSERT_LE(events, (*appended).load() + 1) << "round " << round;
  }
}

// What was appended before a reader looks is seen by that look, however chunks move from the log to the file meanwhile.
TEST(Unfinished, AStreamIsReadWhileItIsWritten) {
  const testing::TemporaryFolder folder;
  constexpr uint64_t kSeed = 99;
  constexpr uint64_t kEvents = 300'000;
  constexpr uint64_t kEventsForALook = 10'000;
  std::atomic<uint64_t> appended{0};
  std::atomic<uint64_t> looks{0};
  std::atomic<bool> looked_at_the_end{false};
  std::thread recorder([&] {
    auto writer = create_stream(folder.path(), StreamId::guest({0}), StreamOptions{.seal_bytes = 16'384});
    ASSERT_TRUE(writer.ok());
    EndlessGuest events(kSeed);
    while (appended.load(std::memory_order_relaxed) < kEvents) {
      append(**writer, events.next());
      const uint64_t n = appended.fetch_add(1, std::memory_order_release) + 1;
      while (n % kEventsForALook == 0 && looks < n / kEventsForALook) {
        std::this_thread::yield();
      }
    }
    while (!looked_at_the_end) {
      std::this_thread::yield();
    }
  });
  while (appended.load() == 0) {
    std::this_thread::yield();
  }
  GuestFollower follower(folder.path(), kSeed);
  bool sound = true;
  while (sound && follower.events() < kEvents) {
    const uint64_t before = appended.load(std::memory_order_acquire);
    sound = follower.read();
    EXPECT_GE(follower.events(), before);
    ++looks;
  }
  EXPECT_TRUE(UnfinishedStream(folder.path(), StreamId::guest({0})).live());
  looks = kEvents;  // after a failure, too
  looked_at_the_end = true;
  recorder.join();
  EXPECT_EQ(follower.events(), kEvents);
  EXPECT_FALSE(UnfinishedStream(folder.path(), StreamId::guest({0})).live());
}

}  // namespace
}  // namespace reprise
