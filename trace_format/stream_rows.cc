#include "trace_format/stream_rows.h"

namespace reprise {

void StreamRows::open(VirtualTime first) {
  if (!open_) {
    chunks_.begin(first, columns_);
    open_ = true;
  }
}

Status StreamRows::seal(bool ends) {
  CHECK(open_);
  chunks_.finish(ends);
  open_ = false;
  ChunkHeader header = chunks_.header();
  pack_chunk(header, columns_, compressor_, stored_);
  RETURN_IF_ERROR(loader_.unpack(stored_, chunk_));
  return trace_.add(chunk_, stored_);
}

}  // namespace reprise
