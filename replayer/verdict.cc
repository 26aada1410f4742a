#include "replayer/verdict.h"

#include <nlohmann/json.hpp>

namespace reprise {

using nlohmann::json;

std::string verdict_to_json(const Verdict& verdict) {
  json out = {{"reached_ns", verdict.reached.ns},
              {"frames", verdict.counts.frames},
              {"clock_reads", verdict.counts.clock_reads},
              {"console_bytes", verdict.counts.console_bytes}};
  if (verdict.mismatch.has_value()) {
    const Mismatch& m = *verdict.mismatch;
    out["mismatch"] = {{"stream", m.stream}, {"sequence", m.sequence.value}, {"at_ns", m.at.ns},
                       {"field", m.field},   {"expected", m.expected},       {"actual", m.actual}};
  }
  if (verdict.error.has_value()) {
    out["error"] = {{"kind", static_cast<int>(verdict.error->kind)}, {"message", verdict.error->message}};
  }
  return out.dump(-1, ' ', false, json::error_handler_t::replace);
}

Result<Verdict> verdict_from_json(const std::string& text) {
  try {
    const json in = json::parse(text);
    Verdict verdict;
    verdict.reached.ns = in.at("reached_ns");
    verdict.counts = {in.at("frames"), in.at("clock_reads"), in.at("console_bytes")};
    if (in.contains("mismatch")) {
      const json& m = in["mismatch"];
      verdict.mismatch = Mismatch{m.at("stream"), {m.at("sequence")}, {m.at("at_ns")}, m.at("field"), m.at("expected"), m.at("actual")};
    }
    if (in.contains("error")) {
      const int kind = in["error"].at("kind");
      if (kind < static_cast<int>(ErrorKind::kUsage) || kind > static_cast<int>(ErrorKind::kRunFailed)) {
        return Error{ErrorKind::kRunFailed, "the replayed guest's verdict is not understood: it has an error of no known kind"};
      }
      verdict.error = Error{static_cast<ErrorKind>(kind), in["error"].at("message")};
    }
    return verdict;
  } catch (const json::exception& e) {
    return Error{ErrorKind::kRunFailed, std::string("the replayed guest's verdict is not understood: ") + e.what()};
  }
}

}  // namespace reprise
