// Clocks against each other: whoever stops a guest must stop all of its clocks, and let them go on together.
#include <stdio.h>

#include "../../guest/commands.h"
#include "attacks.h"

enum { kSamples = 200, kLongestPauseNs = 400000, kOffsetLimitNs = 20000, kRtcEdges = 2, kRtcLimitNs = 200000, kDriftLimitPpb = 100000 };

static const char kSourceFile[] = "/sys/devices/system/clocksource/clocksource0/current_clocksource";

/// How far the clock leaves the TSC beyond what the time of reading and its own resolution explain: no constant offset fits all samples.
static int64_t disagreement(enum clock_id clock) {
  uint64_t random = 1;
  struct sample previous = take_sample(clock);
  const uint64_t base = previous.before;
  const int64_t resolution = counts_to_ns(clock, 1) + 1;
  int64_t counts = 0;
  int64_t lowest_offset = INT64_MIN;
  int64_t highest_offset = INT64_MAX;
  for (int i = 0; i < kSamples; ++i) {
    const struct sample sample = take_sample(clock);
    keep(sample.before);
    keep(sample.value);
    keep(sample.after);
    counts += counts_between(clock, previous.value, sample.value);
    previous = sample;
    const int64_t ns = counts_to_ns(clock, counts);
    const int64_t low = ns - tsc_to_ns((int64_t)(sample.after - base));
    const int64_t high = ns + resolution - tsc_to_ns((int64_t)(sample.before - base));
    if (low > lowest_offset) lowest_offset = low;
    if (high < highest_offset) highest_offset = high;
    sleep_ns((int64_t)(next_random(&random) % kLongestPauseNs));
  }
  return lowest_offset > highest_offset ? lowest_offset - highest_offset : 0;
}

/// CLOCK_MONOTONIC when the kernel keeps it by another clock.
static void try_clock_source(const char* source) {
  char attack[40];
  snprintf(attack, sizeof attack, "clock.kernel-%s", source);
  FILE* file = fopen(kSourceFile, "w");
  if (file == NULL || fprintf(file, "%s\n", source) < 0 || fclose(file) != 0) {
    printf("attack %s: this kernel has no such clock source\n", attack);
    return;
  }
  verdict(attack, "step against TSC", disagreement(kMonotonic), "ns", kOffsetLimitNs);
}

void attack_rtc(void) {
  struct rtc_edge last = find_rtc_edge();
  int64_t worst = 0;
  for (int i = 0; i < kRtcEdges; ++i) {
    const struct rtc_edge next = next_rtc_edge();
    keep((uint64_t)next.after_ns);
    keep((uint64_t)next.before_ns);
    keep(next.seconds);
    const int64_t seconds = (int64_t)((next.seconds + 86400 - last.seconds) % 86400);
    const int64_t too_long = next.after_ns - last.before_ns - seconds * 1000000000;
    const int64_t too_short = seconds * 1000000000 - (next.before_ns - last.after_ns);
    if (too_long > worst) worst = too_long;
    if (too_short > worst) worst = too_short;
    last = next;
  }
  verdict("clock.rtc", "second against HPET", worst, "ns", kRtcLimitNs);
}

void attack_clocks(void) {
  for (enum clock_id clock = kHpet; clock < kClockCount; ++clock) {
    char attack[40];
    snprintf(attack, sizeof attack, "clock.%s", clocks[clock].name);
    verdict(attack, "step against TSC", disagreement(clock), "ns", kOffsetLimitNs);
  }
  try_clock_source("hpet");
  try_clock_source("acpi_pm");
  try_clock_source("tsc");
}

struct reading {
  struct sample hpet;
  struct sample sample;
};

static struct reading read_with_hpet(enum clock_id clock) {
  const struct reading reading = {.hpet = take_sharp_sample(kHpet), .sample = take_sharp_sample(clock)};
  keep(reading.hpet.value);
  keep(reading.sample.value);
  return reading;
}

static int64_t middle_of(const struct sample* sample) {
  return (int64_t)(sample->before / 2 + sample->after / 2);
}

/// What the HPET showed in the middle of the sample, in ns, by way of the TSC.
static int64_t hpet_time_of(const struct reading* reading) {
  return counts_to_ns(kHpet, (int64_t)reading->hpet.value) + tsc_to_ns(middle_of(&reading->sample) - middle_of(&reading->hpet));
}

static int64_t ppb(int64_t difference_ns, int64_t of_ns) {
  const int64_t size = difference_ns < 0 ? -difference_ns : difference_ns;
  return (int64_t)((__int128)size * 1000000000 / of_ns);
}

static int64_t drift_ppb(enum clock_id clock, const struct reading* start, const struct reading* end) {
  const int64_t elapsed = hpet_time_of(end) - hpet_time_of(start);
  int64_t counts =
      clock == kTsc ? middle_of(&end->sample) - middle_of(&start->sample) : counts_between(clock, start->sample.value, end->sample.value);
  const uint64_t modulus = clocks[clock].modulus;
  if (modulus != 0) {
    // It went round many times: the number of rounds is the one that fits best.
    const int64_t round = counts_to_ns(clock, (int64_t)modulus);
    const int64_t missing = elapsed - counts_to_ns(clock, counts);
    counts += (missing + round / 2) / round * (int64_t)modulus;
  }
  return ppb(counts_to_ns(clock, counts) - elapsed, elapsed);
}

static int64_t rtc_drift_ppb(const struct rtc_edge* start, const struct rtc_edge* end) {
  const int64_t expected = (int64_t)((end->seconds + 86400 - start->seconds) % 86400) * 1000000000;
  const int64_t elapsed = end->before_ns / 2 + end->after_ns / 2 - (start->before_ns / 2 + start->after_ns / 2);
  return ppb(expected - elapsed, elapsed);
}

void attack_drift(int64_t seconds) {
  struct reading start[kClockCount];
  const struct rtc_edge rtc_start = find_rtc_edge();
  for (enum clock_id clock = 0; clock < kClockCount; ++clock) start[clock] = read_with_hpet(clock);
  printf("illusion: sleeping for %lld s\n", (long long)seconds);
  sleep_ns(seconds * 1000000000);
  for (enum clock_id clock = 0; clock < kClockCount; ++clock) {
    const struct reading end = read_with_hpet(clock);
    if (clock == kHpet) continue;
    char attack[40];
    snprintf(attack, sizeof attack, "drift.%s", clocks[clock].name);
    verdict(attack, "drift against HPET", drift_ppb(clock, &start[clock], &end), "ppb", kDriftLimitPpb);
  }
  const struct rtc_edge rtc_end = find_rtc_edge();
  verdict("drift.rtc", "drift against HPET", rtc_drift_ppb(&rtc_start, &rtc_end), "ppb", kDriftLimitPpb);
}
