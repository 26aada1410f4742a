// A gateway whose host side is another program, which takes and gives Ethernet frames over a Unix socket.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "gateway/frame_stream.h"
#include "gateway/host_side.h"

namespace reprise {

/// Believes nothing that the program sends: what is no frame ends the connection, a flood waits in the socket. A program that does not
/// take its frames loses them. When the connection ends, the run goes on without it.
class FrameSocket final : public HostSide {
 public:
  /// Of what one exchange takes in: a flood must not fill our memory.
  static constexpr size_t kMostBytesAtOnce = size_t{1} << 20U;
  /// Of what waits for the program.
  static constexpr size_t kMostWaiting = size_t{1} << 20U;

  /// Connects to the socket at `path`, where the program listens. kUsage.
  [[nodiscard]] static Result<std::unique_ptr<FrameSocket>> connect(const std::filesystem::path& path);
  /// Takes over `fd`, a connected stream socket.
  explicit FrameSocket(int fd) : fd_(fd) {}
  ~FrameSocket() override;
  FrameSocket(const FrameSocket&) = delete;
  FrameSocket& operator=(const FrameSocket&) = delete;

  void deliver(VirtualTime now, ByteView frame) override;
  [[nodiscard]] Status exchange(VirtualTime now, GatewayOutput& output) override;
  [[nodiscard]] bool in_use() const override { return fd_ >= 0; }

 private:
  void give();
  void take(GatewayOutput& output);
  void hang_up(GatewayOutput& output, std::string_view why);

  int fd_;
  FrameStreamReader reader_;
  std::vector<uint8_t> waiting_;  ///< for the program
  uint64_t lost_ = 0;
};

}  // namespace reprise
