// A hostile program at a gateway's frame socket: in whatever pieces its bytes come, the same frames are cut out of them, each of the size
// that was announced.
#include <algorithm>
#include <vector>

#include "gateway/frame_stream.h"
#include "tests/fuzz/script.h"

namespace reprise {
namespace {

struct Cut {
  std::vector<std::vector<uint8_t>> frames;
  bool refused = false;
};

/// Takes all frames that are whole.
void take_frames(FrameStreamReader& reader, Cut& cut) {
  std::vector<uint8_t> frame;
  Result<bool> more = reader.next(frame);
  for (; more.ok() && *more; more = reader.next(frame)) {
    CHECK(frame.size() >= kSmallestFrame && frame.size() <= kLargestFrame);
    cut.frames.push_back(frame);
  }
  cut.refused = !more.ok();
  CHECK(!cut.refused || more.error().kind == ErrorKind::kRunFailed);
}

}  // namespace
}  // namespace reprise

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace reprise;
  fuzz::Script script(data, size);
  std::vector<uint8_t> all;
  FrameStreamReader in_pieces;
  Cut pieces;
  while (!script.at_end()) {
    const ByteView piece = script.take_bytes(script.take<uint8_t>());
    all.insert(all.end(), piece.begin(), piece.end());
    if (!pieces.refused) {
      in_pieces.put(piece);
      take_frames(in_pieces, pieces);
    }
  }
  FrameStreamReader at_once;
  Cut whole;
  at_once.put(all);
  take_frames(at_once, whole);
  CHECK(whole.frames == pieces.frames && whole.refused == pieces.refused);

  std::vector<uint8_t> again;
  for (const std::vector<uint8_t>& frame : whole.frames) {
    append_frame(again, frame);
  }
  CHECK(again.size() <= all.size() && std::equal(again.begin(), again.end(), all.begin()));
  return 0;
}
