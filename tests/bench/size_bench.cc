#include "tests/bench/size_bench.h"

#include <fmt/format.h>

#include <exception>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/bench/child.h"

namespace reprise::bench {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

/// "QEMU's replay.bin 10,062,625 B, under xz -9 3,448 B": what others take for the same run.
std::string peer_text(const Json& workload, const std::string& peer, const std::string& packer) {
  if (workload.at(peer).is_null()) {
    return "";
  }
  return fmt::format("{} {} B, under {} {} B", peer, workload.at(peer).at("bytes").get<uint64_t>(), packer,
                     workload.at(peer + ", " + packer).at("bytes").get<uint64_t>());
}

void add_judged(const std::string& what, const Json& judged, const char* unit, const std::string& peer, Figures& figures) {
  if (!judged.is_null() && !judged.at("bar").is_null()) {
    figures.add(what, judged.at("value").get<double>(), unit, Bar::kAtMost, judged.at("bar").get<double>(), peer);
  }
}

void add_workload(const Json& workload, Figures& figures) {
  const auto name = workload.at("workload").get<std::string>();
  const std::string log = peer_text(workload, "replay.bin", "xz -9");
  const std::string capture = peer_text(workload, "pcapng", "zstd -19");
  figures.note(fmt::format("{}: trace of {} clock reads, {} frames", name, workload.at("clock reads").get<uint64_t>(),
                           workload.at("frames").get<uint64_t>()),
               fmt::format("{} B", workload.at("trace bytes").get<uint64_t>()));
  add_judged(name + ": a clock read", workload.at("a read"), "B", log, figures);
  add_judged(name + ": a frame sent or received, its payload apart", workload.at("a frame"), "B", "MCAP 47 B a message", figures);
  if (!capture.empty()) {
    figures.note(name + ": its frames and network", fmt::format("{} B", workload.at("frames' part").get<uint64_t>()), capture);
  }
  add_judged(name + ": console against zstd of its text", workload.at("console"), "B", "", figures);
}

}  // namespace

Status measure_sizes(const fs::path& reprise, const fs::path& folder, Figures& figures) {
  const fs::path result = folder / "sizes.json";
  ASSIGN_OR_RETURN(const ChildCost cost,
                   run_child({REPRISE_PYTHON, REPRISE_TRACE_SIZE, "--reprise", reprise.string(), "--json", result.string()}));
  if (cost.exit_code != 0) {
    return Error{ErrorKind::kRunFailed, fmt::format("{}: exit {}; run it alone to see why", REPRISE_TRACE_SIZE, cost.exit_code)};
  }
  try {
    for (const Json& workload : Json::parse(std::ifstream(result))) {
      add_workload(workload, figures);
    }
  } catch (const std::exception& error) {
    return Error{ErrorKind::kRunFailed, fmt::format("{}: {}", result.string(), error.what())};
  }
  return {};
}

}  // namespace reprise::bench
