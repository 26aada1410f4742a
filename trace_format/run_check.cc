#include "trace_format/run_check.h"

#include <fmt/format.h>

#include <algorithm>

#include "trace_format/byte_codec.h"
#include "trace_format/guest_columns.h"
#include "trace_format/network_columns.h"

namespace reprise {
namespace {

/// The time of the last event before the chunk's end event; nothing if there is none.
std::optional<VirtualTime> time_before_end(const LoadedChunk& chunk) {
  std::optional<VirtualTime> last;
  GuestDecoder decoder;
  decoder.start(chunk.columns, chunk.header.first);
  while (decoder.load_piece() && decoder.piece_kind() != EventKind::kEnd) {
    decoder.skip_piece();
    last = decoder.at();
  }
  return last;
}

}  // namespace

RunCheck::RunCheck(const RunInfo& run, const Root& root)
    : run_(run),
      root_(root),
      sent_(run.guests.size()),
      received_(run.guests.size()),
      in_rows_(run.guests.size()),
      frame_of_(run.guests.size()) {}

void RunCheck::Frames::add(uint64_t frame) {
  begin = std::min(begin, frame);
  end = std::max(end, frame + 1 != 0 ? frame + 1 : frame);  // a forger may write the largest number
}

std::string RunCheck::take(const LoadedChunk& chunk) {
  if (std::string wrong = first_numbers_error(chunk.header); !wrong.empty()) {
    return wrong;
  }
  return chunk.header.stream.is_network() ? take_rows(chunk) : take_guest(chunk);
}

std::string RunCheck::first_numbers_error(const ChunkHeader& header) const {
  if (header.sequence != 0 || header.before == EventNumbers{}) {
    return "";
  }
  if (!run_.partial) {
    return "events before the first chunk of what is no part of a run";
  }
  // A part says only how many events the network had before it, not of which kind.
  return header.stream.is_network() && header.before.frames_sent != 0 ? "drops before the network's first chunk" : "";
}

std::string RunCheck::take_guest(const LoadedChunk& chunk) {
  const ChunkHeader& header = chunk.header;
  Frames& sent = sent_[header.stream.value];
  sent.begin = std::min(sent.begin, header.before.frames_sent);
  sent.end = numbers_after(header).frames_sent;
  if (std::string wrong = guest_bounds_error(chunk); !wrong.empty()) {
    return wrong;
  }
  return header.frames_received == 0 ? "" : take_receptions(chunk);
}

// Reads the two columns that say which frames they are, not the events: these were walked when the chunk was checked.
std::string RunCheck::take_receptions(const LoadedChunk& chunk) {
  ColumnReader senders(chunk.columns[kReceivedSender]);
  ColumnReader frames(chunk.columns[kReceivedFrame]);
  // An embedded frame has its bytes, but an implied delivery needs to know when it was sent.
  const bool all = root_.guests[chunk.header.stream.value].deliveries_implied;
  std::fill(frame_of_.begin(), frame_of_.end(), 0);
  while (!senders.empty()) {
    const uint64_t sender = senders.varint();
    if (sender >> 1 >= frame_of_.size()) {
      return unknown_guest({static_cast<uint32_t>(sender >> 1)});
    }
    frame_of_[sender >> 1] += unzigzag(frames.varint());
    if (all || (sender & 1) == 0) {
      received_[sender >> 1].add(frame_of_[sender >> 1]);
    }
  }
  return "";
}

std::string RunCheck::take_rows(const LoadedChunk& chunk) {
  NetworkDecoder decoder;
  decoder.start(chunk.columns, chunk.header.first);
  bool first = true;
  for (NetworkEvent event; decoder.next(event); first = false) {
    const GuestIndex highest = std::max(event.sender, event.receiver);
    if (highest.value >= in_rows_.size()) {
      return unknown_guest(highest);
    }
    if (first && last_row_.has_value() && network_order(event) < network_order(*last_row_)) {
      return "its first event is before the last of the chunk before it in the network's order";
    }
    in_rows_[event.sender.value].add(event.sender_frame.value);
    last_row_ = event;
  }
  const ChunkHeader& header = chunk.header;
  const bool outside = !first && (header.first < run_.from || header.last >= run_.to);
  return outside && run_.partial && run_.complete ? "events outside the part of the run" : "";
}

std::string RunCheck::guest_bounds_error(const LoadedChunk& chunk) const {
  const ChunkHeader& header = chunk.header;
  const bool trimmed = chunk.guest.ended && chunk.guest.end_reason == EndReason::kTrimmed;
  if (!run_.partial) {
    return trimmed ? "a stream that is cut short in what is no part of a run" : "";
  }
  if (!run_.complete) {
    return "";  // the remains of a damaged part may end where nothing is left of them
  }
  if (!trimmed) {
    return header.first < run_.from || header.last >= run_.to ? "events outside the part of the run" : "";
  }
  const std::optional<VirtualTime> before_end = time_before_end(chunk);
  if (header.sequence == 0 && !before_end.has_value() && header.last == run_.from) {
    return "";  // the guest had ended before
  }
  if (header.last != run_.to || (before_end.has_value() && (header.first < run_.from || *before_end >= run_.to))) {
    return "a stream that is cut short elsewhere than where the part of the run ends, or with events outside it";
  }
  return "";
}

std::string RunCheck::unknown_guest(GuestIndex guest) const {
  return fmt::format("an event of guest {}; the run has {}", guest.value, run_.guests.size());
}

std::string RunCheck::finish() const {
  const auto missing = [&](const char* what, const Frames& frames, size_t sender) {
    const uint64_t frame = frames.end > sent_[sender].end ? frames.end - 1 : frames.begin;
    return fmt::format("{} refers to frame {} of guest {}, which is not in the trace", what, frame, sender);
  };
  for (size_t i = 0; i < sent_.size(); ++i) {
    if (!received_[i].within(sent_[i])) {
      return missing("a received frame", received_[i], i);
    }
    // A part keeps what the network did with frames that are not in it.
    if (!run_.partial && !in_rows_[i].within(sent_[i])) {
      return missing("an event of the network", in_rows_[i], i);
    }
  }
  return "";
}

}  // namespace reprise
