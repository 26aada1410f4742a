// Two traces of anybody are compared: a sound one is identical to itself, and a difference is one from both sides.
#include <memory>

#include "analysis/diff.h"
#include "tests/fuzz/scripted_trace.h"
#include "tests/memory_file.h"
#include "trace_format/trace_reader.h"
#include "trace_format/verify.h"

namespace reprise {
namespace {

std::unique_ptr<TraceReader> open(const std::vector<uint8_t>& bytes) {
  auto trace = TraceReader::open(std::make_unique<testing::MemorySource>(bytes));
  CHECK(trace.ok());
  return std::move(*trace);
}

void check_differences(const std::vector<Difference>& differences, const TraceReader& left, const TraceReader& right) {
  // One a guest, one of the network.
  CHECK(differences.size() <= left.run().guests.size() + right.run().guests.size() + 1);
  CHECK(!diff_text(differences, "left", "right").empty() && diff_json(differences).ends_with("}\n"));
}

/// Parts may have no time and no guest in common.
bool nothing_to_compare(const Error& error, const TraceReader& left, const TraceReader& right) {
  return error.kind == ErrorKind::kUsage && (left.run().partial || right.run().partial);
}

}  // namespace
}  // namespace reprise

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace reprise;
  fuzz::Script script(data, size);
  const ByteView front = script.take_bytes(script.take<uint16_t>());
  fuzz::Script left_script(front.data(), front.size());
  const std::vector<uint8_t> left_bytes = fuzz::scripted_trace(left_script);
  const std::vector<uint8_t> right_bytes = fuzz::scripted_trace(script);
  const auto left = open(left_bytes);
  const auto right = open(right_bytes);
  if (!fuzz::is_short(*left) || !fuzz::is_short(*right)) {
    return 0;
  }
  const auto self = diff_traces(*left, *open(left_bytes));
  CHECK(self.ok()                                   ? self->empty()
        : self.error().kind == ErrorKind::kBadTrace ? !verify_trace(testing::MemorySource(left_bytes)).ok()
                                                    : nothing_to_compare(self.error(), *left, *left));
  const auto there = diff_traces(*left, *right);
  const auto back = diff_traces(*right, *left);
  CHECK(there.ok() || there.error().kind == ErrorKind::kBadTrace || nothing_to_compare(there.error(), *left, *right));
  if (there.ok()) {
    check_differences(*there, *left, *right);
    CHECK(!back.ok() || there->empty() == back->empty());
  }
  return 0;
}
