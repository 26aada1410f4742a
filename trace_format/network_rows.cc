#include "trace_format/network_rows.h"

#include "trace_format/limits.h"

namespace reprise {

Status NetworkRows::append(const NetworkEvent& event) {
  if (!first_.has_value()) {
    first_ = event.at;
    encoder_.begin(columns_, event.at);
  }
  encoder_.append(event);
  last_ = event.at;
  return encoder_.bytes() >= kSealBytes ? seal(false) : Status{};
}

Status NetworkRows::finish() {
  if (!first_.has_value()) {
    // A stream without an open chunk ends with an empty one: its last chunk says that it is the last.
    first_ = last_;
    encoder_.begin(columns_, last_);
  }
  return seal(true);
}

Status NetworkRows::seal(bool ends) {
  ChunkHeader header;
  header.stream = StreamId::network();
  header.sequence = sequence_++;
  header.first = *first_;
  header.last = encoder_.last();
  header.clock_reads = encoder_.delivered();
  header.frames_sent = encoder_.dropped();
  header.before = before_;
  header.ends = ends;
  pack_chunk(header, columns_, compressor_, stored_);
  RETURN_IF_ERROR(loader_.unpack(stored_, chunk_));
  before_ = numbers_after(header);
  first_.reset();
  return trace_.add(chunk_, stored_);
}

}  // namespace reprise
