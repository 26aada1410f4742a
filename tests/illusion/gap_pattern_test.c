// That the attack on barriers sees one that leaks: steps of the TSC as they would be if a barrier every 10 us cost the guest a little.
#include <stdlib.h>

#include "examples/illusion/guest/attack_gaps.c"

enum { kStep = 13, kGap = kStep + kGapNs, kPeriod = 10000 };

// A TSC of 1 GHz; what the attack uses besides is not called here.
struct clock_source clocks[kClockCount] = {[kTsc] = {.ns_numerator = 1, .ns_denominator = 1}};
void die(const char* what) {
  fprintf(stderr, "%s\n", what);
  exit(1);
}
int64_t counts_to_ns(enum clock_id clock, int64_t counts) {
  (void)clock;
  return counts;
}
uint64_t interrupt_count(void) {
  return 0;
}
void keep(uint64_t raw) {
  (void)raw;
}
void verdict(const char* attack, const char* statistic, int64_t value, const char* unit, int64_t limit) {
  (void)attack, (void)statistic, (void)value, (void)unit, (void)limit;
}
void emulation(const char* trace, const char* value) {
  (void)trace, (void)value;
}

/// The pattern with the period of the barriers, if each adds `leak` to the step that it falls into.
static int64_t pattern_of_barriers(uint32_t* steps, uint32_t leak) {
  uint64_t now = 0;
  for (int i = 0; i < kReads; ++i) {
    steps[i] = kStep;
    if ((now + kStep) / kPeriod != now / kPeriod) steps[i] += leak;
    now += steps[i];
  }
  return pattern_ppm(steps, kPeriod, kGap);
}

static int failures;

static void expect(int holds, const char* what) {
  if (!holds) fprintf(stderr, "failed: %s\n", what);
  failures += !holds;
}

int main(void) {
  uint32_t* steps = malloc(kReads * sizeof *steps);
  if (steps == NULL) die("memory");
  expect(pattern_of_barriers(steps, 0) == 0, "equal steps have no pattern");
  expect(usual_step(steps) == kStep, "the usual step is the most frequent one");
  expect(pattern_of_barriers(steps, 100) > kPatternLimitPpm, "a barrier that costs 100 ns is seen");
  expect(pattern_of_barriers(steps, 900) > 5 * kPatternLimitPpm, "one that costs nearly a gap, too");
  expect(pattern_ppm(steps, 7000, kGap) < kPatternLimitPpm, "but not at another period");
  pattern_of_barriers(steps, 0);
  for (int i = 0; i < kReads; i += 1000) steps[i] = 20000;
  expect(pattern_ppm(steps, kPeriod, kGap) == 0, "gaps are judged by themselves");
  free(steps);
  return failures != 0;
}
