// The table that a benchmark prints: each figure next to its bar and to a peer's.
#pragma once

#include <string>
#include <vector>

namespace reprise::bench {

/// Which side of the bar is good.
enum class Bar { kAtLeast, kAtMost };

class Figures {
 public:
  /// A figure with a bar. `peer` is somebody else's figure and where it is from; empty if there is none.
  void add(std::string what, double value, std::string unit, Bar side, double bar, std::string peer = "");
  /// A figure without a bar.
  void note(std::string what, std::string value, std::string peer = "");
  /// To standard output.
  void print() const;

 private:
  struct Row {
    std::string what;
    std::string value;
    std::string bar;
    std::string verdict;
    std::string peer;
  };
  std::vector<Row> rows_;
};

}  // namespace reprise::bench
