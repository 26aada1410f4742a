#include "analysis/follow.h"

#include <algorithm>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "trace_format/guest_columns.h"
#include "trace_format/network_columns.h"
#include "trace_format/run_info_file.h"
#include "trace_format/stream_file.h"

namespace reprise {
namespace {

namespace fs = std::filesystem;

// Sent frames whose bytes are kept for their receivers' lines: what is in flight is far less.
constexpr size_t kKeptFrames = 4096;

bool wants(const std::vector<std::string>& names, std::string_view name) {
  return names.empty() || std::find(names.begin(), names.end(), name) != names.end();
}

/// A line, and where it belongs among the others of its look.
struct Line {
  VirtualTime at;
  size_t source;
  std::string text;
};

/// The frames that a guest sent last.
class SentFrames {
 public:
  void add(uint64_t number, ByteView payload) {
    frames_.emplace(number, std::vector<uint8_t>(payload.begin(), payload.end()));
    order_.push_back(number);
    if (order_.size() > kKeptFrames) {
      frames_.erase(order_.front());
      order_.pop_front();
    }
  }
  /// Empty when it is not there.
  [[nodiscard]] ByteView find(uint64_t number) const {
    const auto found = frames_.find(number);
    return found == frames_.end() ? ByteView() : ByteView(found->second);
  }

 private:
  std::unordered_map<uint64_t, std::vector<uint8_t>> frames_;
  std::deque<uint64_t> order_;
};

/// Gathers lines and writes them in order: all of a look at once, unless they are too many to hold.
class LineBuffer {
 public:
  explicit LineBuffer(const LineSink& sink) : sink_(sink) {}
  std::string& add(VirtualTime at, size_t source) {
    if (lines_.size() == kMost) {
      flush();
    }
    lines_.push_back({at, source, {}});
    return lines_.back().text;
  }
  void flush() {
    std::stable_sort(lines_.begin(), lines_.end(),
                     [](const Line& a, const Line& b) { return std::tie(a.at, a.source) < std::tie(b.at, b.source); });
    std::string text;
    for (const Line& line : lines_) {
      text += line.text;
      text += '\n';
    }
    lines_.clear();
    wanted_ = wanted_ && (text.empty() || sink_(text));
  }
  /// False once nobody reads on.
  [[nodiscard]] bool wanted() const { return wanted_; }

 private:
  static constexpr size_t kMost = 65'536;
  const LineSink& sink_;
  std::vector<Line> lines_;
  bool wanted_ = true;
};

class Follower {
 public:
  Follower(const fs::path& folder, RunInfo run, const FollowOptions& options, const LineSink& sink)
      : run_(std::move(run)), options_(options.dump), lines_(sink), sent_(run_.guests.size()) {
    for (uint32_t i = 0; i < run_.guests.size(); ++i) {
      streams_.push_back(std::make_unique<Stream>(folder, StreamId{i}, options.identities));
    }
    streams_.push_back(std::make_unique<Stream>(folder, StreamId::network(), options.identities));
  }

  /// Writes what came since the last look. False when nobody reads on.
  [[nodiscard]] bool look() {
    for (size_t i = 0; i < streams_.size() && lines_.wanted(); ++i) {
      read(*streams_[i], i);
    }
    lines_.flush();
    return lines_.wanted();
  }

  [[nodiscard]] bool live() const {
    return std::any_of(streams_.begin(), streams_.end(), [](const auto& stream) { return stream->chunks.live(); });
  }
  [[nodiscard]] bool all_ended() const {
    return std::all_of(streams_.begin(), streams_.end(), [](const auto& stream) { return stream->ended; });
  }

  /// Writes the events that the finished trace has after those that were seen.
  [[nodiscard]] Status write_rest(TraceReader& trace) {
    for (uint32_t i = 0; i < run_.guests.size() && i < trace.run().guests.size(); ++i) {
      const auto cursor = trace.guest_events(GuestIndex{i});
      GuestEvent event;
      for (uint64_t n = 0;; ++n) {
        ASSIGN_OR_RETURN(const bool more, cursor->next(event));
        if (!more) {
          break;
        }
        if (n >= streams_[i]->events) {
          add_guest_line(GuestIndex{i}, event);
        }
      }
    }
    const auto cursor = trace.network_events();
    NetworkEvent event;
    for (uint64_t n = 0;; ++n) {
      ASSIGN_OR_RETURN(const bool more, cursor->next(event));
      if (!more) {
        break;
      }
      if (n >= streams_.back()->events) {
        add_network_line(event);
      }
    }
    lines_.flush();
    return {};
  }

 private:
  struct Stream {
    Stream(const fs::path& folder, StreamId stream, const std::vector<AgeIdentity>& identities)
        : id(stream), chunks(folder, stream, identities) {}
    StreamId id;
    UnfinishedStream chunks;
    std::optional<uint64_t> chunk;  ///< the one that was read last, which may grow
    uint64_t events_in_chunk = 0;
    bool ended = false;
    uint64_t events = 0;
    uint64_t clock_reads = 0;
    uint64_t frames = 0;
    uint64_t frames_sent = 0;
    uint64_t console_bytes = 0;
  };

  void read(Stream& stream, size_t source) {
    while (lines_.wanted() && stream.chunks.next(chunk_)) {
      stream.ended = chunk_.header.ends;
      if (stream.chunk != chunk_.header.sequence) {
        stream.chunk = chunk_.header.sequence;
        stream.events_in_chunk = 0;
      }
      if (stream.id.is_network()) {
        uint64_t place = 0;
        NetworkDecoder decoder;
        decoder.start(chunk_.columns, chunk_.header.first);
        for (NetworkEvent event; decoder.next(event); ++place) {
          if (place >= stream.events_in_chunk) {
            event.sequence.value = stream.events++;
            add_network_line(event);
          }
        }
        stream.events_in_chunk = place;
      } else {
        read_guest_chunk(stream, GuestIndex{static_cast<uint32_t>(source)});
      }
    }
  }

  void read_guest_chunk(Stream& stream, GuestIndex guest) {
    GuestDecoder decoder;
    decoder.start(chunk_.columns, chunk_.header.first);
    skip_events(decoder, stream.events_in_chunk);
    for (GuestEvent event; decoder.next(event); ++stream.events_in_chunk) {
      number(stream, event);
      add_guest_line(guest, event);
    }
  }

  /// Goes over the first `n` events, which the chunk has: a long run costs nothing.
  static void skip_events(GuestDecoder& decoder, uint64_t n) {
    while (n > 0 && (decoder.piece_left() > 0 || decoder.load_piece())) {
      uint64_t skipped = 1;
      if (decoder.piece_left() <= n) {
        skipped = decoder.piece_left();
        decoder.skip_piece();
      } else if (decoder.piece_has_equal_steps()) {
        skipped = n;
        decoder.skip_equal_steps(n);
      } else {
        GuestEvent event;
        CHECK(decoder.next(event));
      }
      n -= skipped;
    }
  }

  /// As a cursor over the finished trace would.
  void number(Stream& stream, GuestEvent& event) {
    ++stream.events;
    event.sequence.value = 0;
    if (event.kind == EventKind::kClockRead) {
      event.sequence.value = stream.clock_reads++;
    } else if (event.kind == EventKind::kConsoleByte || event.kind == EventKind::kConsoleInput) {
      event.sequence.value = stream.console_bytes++;
    } else if (event.kind == EventKind::kFrameSent) {
      event.sequence.value = stream.frames++;
      event.sender_frame.value = stream.frames_sent++;
      sent_[stream.id.value].add(event.sender_frame.value, event.payload);
    } else if (event.kind == EventKind::kFrameReceived) {
      event.sequence.value = stream.frames++;
      if (event.sender.value < sent_.size()) {
        event.payload = sent_[event.sender.value].find(event.sender_frame.value);
      }
    }
  }

  void add_guest_line(GuestIndex guest, const GuestEvent& event) {
    if (event.at < options_.from || event.at > options_.to || !wants(options_.guests, run_.guests[guest.value].name) ||
        !wants(options_.kinds, stream_name(event.kind))) {
      return;
    }
    append_event_text(lines_.add(event.at, guest.value), run_, guest, event, options_.payload);
  }

  void add_network_line(const NetworkEvent& event) {
    const bool wanted = event.receiver.value < run_.guests.size() && wants(options_.guests, run_.guests[event.receiver.value].name);
    if (event.at < options_.from || event.at > options_.to || !wanted || !wants(options_.kinds, "network")) {
      return;
    }
    append_event_text(lines_.add(event.at, run_.guests.size()), run_, event);
  }

  RunInfo run_;
  const DumpOptions& options_;
  LineBuffer lines_;
  std::vector<SentFrames> sent_;
  std::vector<std::unique_ptr<Stream>> streams_;  ///< guests, then the network
  LoadedChunk chunk_;
};

/// FILE of FILE.partial.
std::optional<fs::path> trace_of(const fs::path& folder) {
  const fs::path path = folder.filename().empty() ? folder.parent_path() : folder;
  if (path.extension() != ".partial") {
    return std::nullopt;
  }
  return path.parent_path() / path.stem();
}

}  // namespace

Status follow_run(const fs::path& folder, const FollowOptions& options, const LineSink& sink) {
  ASSIGN_OR_RETURN(RunInfo run, load_run_info(folder, options.identities));
  RETURN_IF_ERROR(check_dump_options(run, options.dump));
  Follower follower(folder, std::move(run), options, sink);
  // The first look opens what is there.
  bool wanted = follower.look();
  for (bool live = true; live && wanted;) {
    std::this_thread::sleep_for(options.look_every);
    // Asked before the look: what a writer appended before it went is seen by it.
    live = follower.live();
    wanted = follower.look();
  }
  const auto trace = trace_of(folder);
  std::error_code error;
  if (!wanted || follower.all_ended() || !trace.has_value() || fs::exists(folder, error) || !fs::exists(*trace, error)) {
    return {};
  }
  // The run was finished and its streams removed between two looks.
  ASSIGN_OR_RETURN(const auto reader, TraceReader::open(*trace, options.identities));
  return follower.write_rest(*reader);
}

}  // namespace reprise
