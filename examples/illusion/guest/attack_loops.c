// A loop of a constant number of instructions, timed by each clock: whoever is stopped in it takes longer.
#include <stdio.h>

#include "../../guest/commands.h"
#include "attacks.h"

enum { kRuns = 100, kIterations = 200000, kWorstLimitNs = 100000, kSpreadLimitPpm = 20000 };

static void spin(uint64_t iterations) {
  __asm__ volatile(
      "1: dec %0\n"
      "jnz 1b"
      : "+r"(iterations)
      :
      : "cc");
}

static void try_clock(enum clock_id clock) {
  int64_t durations[kRuns];
  for (int i = 0; i < kRuns; ++i) {
    const uint64_t start = clocks[clock].read();
    spin(kIterations);
    const uint64_t end = clocks[clock].read();
    durations[i] = counts_to_ns(clock, counts_between(clock, start, end));
    keep((uint64_t)durations[i]);
  }
  char attack[40];
  snprintf(attack, sizeof attack, "loop.%s", clocks[clock].name);
  judge_durations(attack, durations, kRuns, kWorstLimitNs, kSpreadLimitPpm);
}

void attack_loops(void) {
  try_clock(kTsc);
  try_clock(kHpet);
  try_clock(kPmTimer);
  try_clock(kPit);
  try_clock(kMonotonic);
}
