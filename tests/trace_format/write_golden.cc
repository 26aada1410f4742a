// Writes the golden traces of a version about to be released, for tests/trace_format/golden: write_golden FOLDER v2.2
// Golden files of released versions are never written again.
#include <cstdio>
#include <filesystem>
#include <string>

#include "tests/trace_format/process_script.h"

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: write_golden FOLDER VERSION\n", stderr);
    return 2;
  }
  const std::filesystem::path folder = argv[1];
  const std::string version = argv[2];
  reprise::testing::write_trace(reprise::testing::small_script(), folder / (version + "-small.golden"));
  reprise::testing::write_trace(reprise::testing::random_script(2, 200), folder / (version + "-chunks.golden"));
  reprise::testing::write_trace(reprise::testing::process_script(), folder / (version + "-process.golden"));
  reprise::testing::write_trace(reprise::testing::typed_script(2, 200), folder / (version + "-typed.golden"));
  reprise::testing::write_trace(reprise::testing::gateway_script(), folder / (version + "-gateway.golden"));
  reprise::testing::write_trace_with_image(folder / (version + "-image.golden"));
  return 0;
}
