// What the links of a path do to each frame: a function of the run's seed and the frame, and of nothing else.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "recorder/link_impairments.h"
#include "trace_format/ids.h"

namespace reprise {

/// Of one frame on its way to one receiver.
struct FrameIdentity {
  GuestIndex sender;
  SeqNo number;  ///< which of the sender's frames it is
  GuestIndex receiver;
};

/// What becomes of one copy of a frame.
struct FrameFate {
  bool lost = false;
  Duration jitter;  ///< it is late by this, and those behind it wait
  Duration hold;    ///< it is late by this as well, and those behind it do not wait
  bool operator==(const FrameFate&) const = default;
};

/// The links of one path that impair frames.
///
/// The numbers for a frame on a link come from Philox, with a key that is made of the seed and the link's name, and a counter that is made
/// of sender, frame number, receiver and copy: no frame's fate hangs on another's, nor on the order in which they are looked at.
class FrameFates {
 public:
  explicit FrameFates(uint64_t seed = 0) : seed_(seed) {}

  /// Links are crossed in the order of these calls. `name` need not live on. A link without impairments may be left out.
  void add_link(std::string_view name, const LinkImpairments& impairments);
  [[nodiscard]] bool empty() const { return links_.empty(); }

  /// The copies of the frame that leave the sender, in that order: itself, and one for each link that duplicates it. A copy is not
  /// duplicated again; it is not lost on a link before the one that made it.
  [[nodiscard]] std::vector<FrameFate> of(const FrameIdentity& frame) const;

 private:
  struct Link {
    std::array<uint32_t, 2> key;
    LinkImpairments impairments;
  };
  struct Draws;

  [[nodiscard]] static Draws draw(const Link& link, const FrameIdentity& frame, uint32_t copy);
  static void cross(const Link& link, const Draws& draws, FrameFate& fate);

  uint64_t seed_;
  std::vector<Link> links_;
};

}  // namespace reprise
