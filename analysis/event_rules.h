// When are two events the same, and if not, in which field do they differ?
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "analysis/diff.h"
#include "trace_format/event.h"
#include "trace_format/run_info.h"

namespace reprise {

struct FieldDifference {
  std::string field;
  std::string left;
  std::string right;
};

/// Compares events of one guest. Senders are compared by name: an index means something in its own trace only.
class GuestRules {
 public:
  GuestRules(const RunInfo& left, GuestIndex left_guest, const RunInfo& right, GuestIndex right_guest);

  /// The first field that the guest could see differ; kind and time come first.
  [[nodiscard]] std::optional<FieldDifference> compare(const GuestEvent& left, const GuestEvent& right) const;
  /// Whose and which sent frame a received frame is. The number is not visible to the guest, so it counts only when nothing else differs.
  [[nodiscard]] std::optional<FieldDifference> compare_identity(const GuestEvent& left, const GuestEvent& right) const;
  /// Both claim to be the same event: same number in their stream, or for received frames the same frame of the same sender.
  [[nodiscard]] bool same_identity(const GuestEvent& left, const GuestEvent& right) const;
  /// The identity is a name, not a count: it holds even if an event was inserted before it.
  [[nodiscard]] static bool has_lasting_identity(const GuestEvent& event);

  [[nodiscard]] Difference describe(const GuestEvent* left, const GuestEvent* right, const GuestEvent& named, FieldDifference field) const;
  /// Keeps a payload beyond its cursor's next move.
  static void retain(GuestEvent& event, std::vector<uint8_t>& storage);

 private:
  [[nodiscard]] bool same_sender(const GuestEvent& left, const GuestEvent& right) const;

  const RunInfo& left_;
  const RunInfo& right_;
  GuestIndex left_guest_;
  GuestIndex right_guest_;
  std::vector<int64_t> right_index_of_left_;  ///< the right trace's index of each left guest's name, or -1
};

/// Compares what the network did.
class NetworkRules {
 public:
  NetworkRules(const RunInfo& left, const RunInfo& right);

  [[nodiscard]] std::optional<FieldDifference> compare(const NetworkEvent& left, const NetworkEvent& right) const;
  [[nodiscard]] static std::optional<FieldDifference> compare_identity(const NetworkEvent&, const NetworkEvent&) { return std::nullopt; }
  [[nodiscard]] bool same_identity(const NetworkEvent& left, const NetworkEvent& right) const;
  [[nodiscard]] static bool has_lasting_identity(const NetworkEvent&) { return true; }
  [[nodiscard]] Difference describe(const NetworkEvent* left, const NetworkEvent* right, const NetworkEvent& named,
                                    FieldDifference field) const;
  static void retain(NetworkEvent&, std::vector<uint8_t>&) {}

 private:
  const RunInfo& left_;
  const RunInfo& right_;
  std::vector<int64_t> right_index_of_left_;
};

}  // namespace reprise
