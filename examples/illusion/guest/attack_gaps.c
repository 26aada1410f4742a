// Reads the TSC as fast as it can and looks for time that the guest did not spend itself: gaps that no interrupt explains, and a pattern
// that repeats with the period of a barrier.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../guest/commands.h"
#include "attacks.h"

enum { kReads = 2000000, kLongestUsual = 4096, kPhases = 10, kGapNs = 1000 };
enum { kLargestLimitNs = 100000, kUnexplainedLimit = 2, kPatternLimitPpm = 50000 };

static int64_t steal_ticks(void) {
  FILE* file = fopen("/proc/stat", "r");
  long long user = 0;
  long long nice = 0;
  long long system = 0;
  long long idle = 0;
  long long iowait = 0;
  long long irq = 0;
  long long softirq = 0;
  long long steal = 0;
  if (file == NULL ||
      fscanf(file, "cpu %lld %lld %lld %lld %lld %lld %lld %lld", &user, &nice, &system, &idle, &iowait, &irq, &softirq, &steal) != 8)
    die("/proc/stat");
  fclose(file);
  return steal;
}

/// The most frequent step from one read to the next.
static uint32_t usual_step(const uint32_t* steps) {
  static uint32_t frequency[kLongestUsual];
  memset(frequency, 0, sizeof frequency);
  uint32_t usual = 0;
  for (int i = 0; i < kReads; ++i) {
    if (steps[i] >= kLongestUsual) continue;
    if (++frequency[steps[i]] > frequency[usual]) usual = steps[i];
  }
  return usual;
}

/// How much longer than others the steps are in one tenth of a period, in ppm of the mean. Gaps do not count: they are judged by
/// themselves.
static int64_t pattern_ppm(const uint32_t* steps, int64_t period_ns, uint32_t gap) {
  const uint64_t tenth =
      (uint64_t)((__int128)period_ns * (int64_t)clocks[kTsc].ns_denominator / (int64_t)clocks[kTsc].ns_numerator / kPhases);
  uint64_t sums[kPhases] = {0};
  uint64_t counts[kPhases] = {0};
  uint64_t left = tenth;
  int phase = 0;
  for (int i = 0; i < kReads; ++i) {
    if (steps[i] <= gap) {
      sums[phase] += steps[i];
      ++counts[phase];
    }
    uint64_t step = steps[i];
    if (step >= tenth * kPhases) step %= tenth * kPhases;
    for (; step >= left; left = tenth, phase = (phase + 1) % kPhases) step -= left;
    left -= step;
  }
  uint64_t sum = 0;
  uint64_t count = 0;
  for (int i = 0; i < kPhases; ++i) {
    sum += sums[i];
    count += counts[i];
  }
  int64_t worst = 0;
  for (int i = 0; i < kPhases; ++i) {
    if (counts[i] < 1000) continue;
    const int64_t ppm = (int64_t)((__int128)sums[i] * (int64_t)count * 1000000 / ((__int128)counts[i] * (int64_t)sum)) - 1000000;
    if (ppm > worst) worst = ppm;
  }
  return worst;
}

void attack_gaps(void) {
  uint32_t* steps = malloc(kReads * sizeof *steps);
  if (steps == NULL) die("memory");
  memset(steps, 1, kReads * sizeof *steps);  // page faults come now
  const int64_t steal = steal_ticks();
  const uint64_t interrupts = interrupt_count();
  uint64_t last = __rdtsc();
  for (int i = 0; i < kReads; ++i) {
    const uint64_t now = __rdtsc();
    steps[i] = now - last > UINT32_MAX ? UINT32_MAX : (uint32_t)(now - last);
    last = now;
  }
  const int64_t explained = (int64_t)(interrupt_count() - interrupts);
  const int64_t stolen = steal_ticks() - steal;

  const uint32_t usual = usual_step(steps);
  const uint32_t gap = usual + (uint32_t)((uint64_t)kGapNs * clocks[kTsc].ns_denominator / clocks[kTsc].ns_numerator);
  uint32_t largest = 0;
  int64_t gaps = 0;
  int equal = 0;
  for (int i = 0; i < kReads; ++i) {
    keep(steps[i]);
    equal += steps[i] == usual;
    if (steps[i] > largest) largest = steps[i];
    gaps += steps[i] > gap;
  }
  verdict("gap.largest", "largest step of the TSC", tsc_to_ns(largest), "ns", kLargestLimitNs);
  verdict("gap.unexplained", "gaps without an interrupt", gaps > explained ? gaps - explained : 0, "", kUnexplainedLimit);
  verdict("gap.steal", "steal time in /proc/stat", stolen, "ticks", 0);
  static const int64_t kPeriodsNs[] = {10000, 50000, 100000, 1000000, 2000000, 10000000};
  for (size_t i = 0; i < sizeof kPeriodsNs / sizeof kPeriodsNs[0]; ++i) {
    char attack[40];
    snprintf(attack, sizeof attack, "gap.every-%lldus", (long long)kPeriodsNs[i] / 1000);
    verdict(attack, "steps longer in a tenth of it", pattern_ppm(steps, kPeriodsNs[i], gap), "ppm", kPatternLimitPpm);
  }
  char regularity[80];
  snprintf(regularity, sizeof regularity, "%d of %d are equal: %lld ns", equal, kReads, (long long)tsc_to_ns(usual));
  emulation("time.steps-of-the-tsc", regularity);
  free(steps);
}
