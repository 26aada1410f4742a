// How fast the trace format is, and how much memory it takes: one table, each figure next to its bar and to a peer's figure.
//
// Small by default, to see that it works; figures worth telling come from `--full`, which records real guests too (trace_size.py), writes a
// trace of 10 GB and needs twice that on disk. Fails when something does not work, never because a bar is missed: a machine may be busy.
//
// usage: trace_bench --reprise build/bin/reprise [--full | --megabytes N] [--sizes] [--trace FILE] [--folder DIR]
#include <fmt/format.h>
#include <stdlib.h>

#include <boost/program_options.hpp>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>
#include <system_error>

#include "tests/bench/figures.h"
#include "tests/bench/file_bench.h"
#include "tests/bench/running_bench.h"
#include "tests/bench/size_bench.h"
#include "tests/bench/stream_bench.h"
#include "tests/bench/synthetic_run.h"

namespace reprise::bench {
namespace {

namespace fs = std::filesystem;
namespace po = boost::program_options;

struct Options {
  fs::path reprise;
  fs::path trace;  ///< empty: a synthetic one
  fs::path folder;
  uint64_t megabytes = 0;
  uint64_t events = 0;  ///< of each kind, appended and decoded
  bool sizes = false;   ///< of traces of real guests
};

/// A folder on a disk, gone at the end.
class Workplace {
 public:
  explicit Workplace(const fs::path& parent) {
    std::string name = (parent / "reprise-bench-XXXXXX").string();
    CHECK(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~Workplace() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  Workplace(const Workplace&) = delete;
  Workplace& operator=(const Workplace&) = delete;
  [[nodiscard]] const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

Status measure(const Options& options, Figures& figures) {
  const Workplace place(options.folder);
  if (options.sizes) {
    RETURN_IF_ERROR(measure_sizes(options.reprise, place.path(), figures));
  }
  RETURN_IF_ERROR(measure_appends(place.path(), options.events, figures));
  RETURN_IF_ERROR(measure_decoding(place.path(), options.events, figures));
  RETURN_IF_ERROR(measure_watching(options.reprise, place.path(), figures));
  const fs::path other = place.path() / "other.trace";
  RETURN_IF_ERROR(write_synthetic_trace({.bytes = 10'000'000, .seed = 2}, other));
  fs::path trace = options.trace;
  if (trace.empty()) {
    trace = place.path() / "synthetic.trace";
    RETURN_IF_ERROR(write_synthetic_trace({.bytes = options.megabytes * 1'000'000}, trace));
  }
  RETURN_IF_ERROR(measure_seeks(trace, figures));
  return measure_commands(options.reprise, trace, other, figures);
}

/// Throws what boost throws.
Options parse(int argc, char** argv) {
  po::options_description description("options");
  description.add_options()("reprise", po::value<std::string>()->required(), "the program");
  description.add_options()("full", "10 GB, and 20 million events of each kind");
  description.add_options()("sizes", "record real guests and tell what their traces take; part of --full");
  description.add_options()("megabytes", po::value<uint64_t>(), "size of the synthetic trace");
  description.add_options()("trace", po::value<std::string>()->default_value(""), "this trace, not a synthetic one");
  description.add_options()("folder", po::value<std::string>(), "where to write; default: the system's folder for temporary files");
  po::variables_map values;
  po::store(po::parse_command_line(argc, argv, description), values);
  po::notify(values);
  const bool full = values.count("full") > 0;
  Options options;
  options.reprise = values["reprise"].as<std::string>();
  options.trace = values["trace"].as<std::string>();
  options.folder = values.count("folder") > 0 ? fs::path(values["folder"].as<std::string>()) : fs::temp_directory_path();
  options.megabytes = values.count("megabytes") > 0 ? values["megabytes"].as<uint64_t>() : full ? 10'000 : 50;
  options.sizes = full || values.count("sizes") > 0;
  options.events = full ? 20'000'000 : 1'000'000;
  return options;
}

int run(int argc, char** argv) {
  Options options;
  try {
    options = parse(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "trace_bench: {}\n", error.what());
    return static_cast<int>(ErrorKind::kUsage);
  }
  Figures figures;
  const Status status = measure(options, figures);
  figures.print();
  if (!status.ok()) {
    fmt::print(stderr, "trace_bench: {}\n", status.error().message);
    return static_cast<int>(status.error().kind);
  }
  return 0;
}

}  // namespace
}  // namespace reprise::bench

int main(int argc, char** argv) {
  return reprise::bench::run(argc, argv);
}
