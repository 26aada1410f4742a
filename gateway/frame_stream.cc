#include "gateway/frame_stream.h"

#include <fmt/format.h>

namespace reprise {
namespace {

constexpr size_t kLengthBytes = 4;

uint32_t load_be32(const uint8_t* bytes) {
  return uint32_t{bytes[0]} << 24U | uint32_t{bytes[1]} << 16U | uint32_t{bytes[2]} << 8U | bytes[3];
}

}  // namespace

void FrameStreamReader::put(ByteView bytes) {
  bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<ptrdiff_t>(begin_));
  begin_ = 0;
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
}

Result<bool> FrameStreamReader::next(std::vector<uint8_t>& frame) {
  const size_t there = bytes_.size() - begin_;
  if (there < kLengthBytes) {
    return false;
  }
  const uint32_t length = load_be32(&bytes_[begin_]);
  if (length < kSmallestFrame || length > kLargestFrame) {
    return Error{ErrorKind::kRunFailed,
                 fmt::format("it announced a frame of {} bytes; allowed are {} to {}", length, kSmallestFrame, kLargestFrame)};
  }
  if (there < kLengthBytes + length) {
    return false;
  }
  const auto begin = bytes_.begin() + static_cast<ptrdiff_t>(begin_ + kLengthBytes);
  frame.assign(begin, begin + length);
  begin_ += kLengthBytes + length;
  return true;
}

void append_frame(std::vector<uint8_t>& stream, ByteView frame) {
  const auto length = static_cast<uint32_t>(frame.size());
  for (const unsigned shift : {24U, 16U, 8U, 0U}) {
    stream.push_back(static_cast<uint8_t>(length >> shift));
  }
  stream.insert(stream.end(), frame.begin(), frame.end());
}

}  // namespace reprise
