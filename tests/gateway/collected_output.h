// What a gateway's host side hands over, kept to be looked at.
#pragma once

#include <string>
#include <vector>

#include "gateway/host_side.h"

namespace reprise::testing {

struct CollectedOutput final : GatewayOutput {
  void send(ByteView frame) override { frames.emplace_back(frame.begin(), frame.end()); }
  void say(std::string_view line) override { lines.emplace_back(line); }

  std::vector<std::vector<uint8_t>> frames;
  std::vector<std::string> lines;
};

}  // namespace reprise::testing
