// Writes the golden trace of a version about to be released, for tests/trace_format/golden: write_golden v1.1.golden
// Golden files of released versions are never written again.
#include <cstdio>

#include "tests/trace_format/sample_run.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: write_golden FILE\n", stderr);
    return 2;
  }
  reprise::testing::write_trace(reprise::testing::small_script(), argv[1]);
  return 0;
}
