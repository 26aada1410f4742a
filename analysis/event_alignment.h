// Lays two streams side by side and finds where they part.
//
// Up to the first difference the n-th event of one stream is the n-th of the other. There, two different things can stand side by side: the
// left guest reads a clock where the right one receives a frame. The cause is then the earlier of the two, and often it was only moved: the
// same event comes a little later in the other stream. So we look for it there and, if we find it, report a change of its time instead of
// "another event". Rejected: a general alignment (longest common subsequence) of all that follows; after the first difference of a
// deterministic guest nothing that follows is worth reporting.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "analysis/diff.h"
#include "analysis/event_rules.h"
#include "trace_format/status.h"

namespace reprise {

template <typename Event, typename Cursor, typename Rules>
class EventAlignment {
 public:
  /// `left` and `right` stand at the same place of two streams that are equal before it.
  EventAlignment(Cursor& left, Cursor& right, const Rules& rules) : left_(left), right_(right), rules_(rules) {}

  /// Walks both to the first difference, or to the end.
  [[nodiscard]] Result<std::optional<Difference>> first_difference() {
    std::optional<Difference> reference;
    for (;;) {
      Event left;
      Event right;
      ASSIGN_OR_RETURN(const bool has_left, left_.next(left));
      ASSIGN_OR_RETURN(const bool has_right, right_.next(right));
      if (!has_left && !has_right) {
        return reference;
      }
      if (!has_right) {
        return present(&left, nullptr);
      }
      if (!has_left) {
        return present(nullptr, &right);
      }
      if (std::optional<FieldDifference> field = rules_.compare(left, right)) {
        // Once the senders' counts disagree, a frame's identity in one trace says nothing about the other.
        if (reference.has_value() || rules_.same_identity(left, right)) {
          return std::optional<Difference>(rules_.describe(&left, &right, earlier(left, right), std::move(*field)));
        }
        return locate(left, right, std::move(*field));
      }
      if (!reference.has_value()) {
        if (std::optional<FieldDifference> field = rules_.compare_identity(left, right)) {
          reference = rules_.describe(&left, &right, left, std::move(*field));
        }
      }
    }
  }

 private:
  using Found = Result<std::optional<Difference>>;

  static const Event& earlier(const Event& left, const Event& right) { return right.at < left.at ? right : left; }

  Found present(const Event* left, const Event* right) const {
    FieldDifference field{"present", left != nullptr ? "present" : "absent", right != nullptr ? "present" : "absent"};
    return std::optional<Difference>(rules_.describe(left, right, left != nullptr ? *left : *right, std::move(field)));
  }

  Found locate(Event left, Event right, FieldDifference field) {
    std::vector<uint8_t> left_payload;
    std::vector<uint8_t> right_payload;
    Rules::retain(left, left_payload);
    Rules::retain(right, right_payload);
    if (left.at <= right.at) {
      ASSIGN_OR_RETURN(std::optional<Difference> moved, find_moved_left(left));
      if (moved.has_value()) {
        return moved;
      }
    }
    if (right.at <= left.at) {
      ASSIGN_OR_RETURN(std::optional<Difference> moved, find_moved_right(right));
      if (moved.has_value()) {
        return moved;
      }
    }
    // Two different frames stand side by side: that their times differ as well is not worth saying.
    if (std::optional<FieldDifference> identity = rules_.compare_identity(left, right)) {
      field = std::move(*identity);
    }
    return std::optional<Difference>(rules_.describe(&left, &right, earlier(left, right), std::move(field)));
  }

  /// Looks for `left` in what remains of the right stream.
  Found find_moved_left(const Event& left) {
    for (Event right;;) {
      ASSIGN_OR_RETURN(const bool more, right_.next(right));
      if (!more) {
        return std::optional<Difference>();
      }
      if (rules_.same_identity(left, right)) {
        return moved(left, right, left);
      }
    }
  }

  Found find_moved_right(const Event& right) {
    for (Event left;;) {
      ASSIGN_OR_RETURN(const bool more, left_.next(left));
      if (!more) {
        return std::optional<Difference>();
      }
      if (rules_.same_identity(left, right)) {
        return moved(left, right, right);
      }
    }
  }

  /// An event that is known by its count only was moved if nothing but its time differs; otherwise it is the next one of a stream in which
  /// one was inserted or lost.
  std::optional<Difference> moved(const Event& left, const Event& right, const Event& named) const {
    std::optional<FieldDifference> field = rules_.compare(left, right);
    if (!field.has_value()) {
      return std::nullopt;
    }
    Event right_at_left_time = right;
    right_at_left_time.at = left.at;
    if (!Rules::has_lasting_identity(named) && rules_.compare(left, right_at_left_time).has_value()) {
      return std::nullopt;
    }
    return rules_.describe(&left, &right, named, std::move(*field));
  }

  Cursor& left_;
  Cursor& right_;
  const Rules& rules_;
};

}  // namespace reprise
