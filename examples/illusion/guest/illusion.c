// reprise-guest illusion: attacks on "the guest does not notice". One line each: statistic, value, the limit that an undisturbed machine
// keeps, and the verdict. The last line is a digest of all raw numbers.
#include <stdio.h>
#include <stdlib.h>

#include "../../guest/commands.h"
#include "attacks.h"

static uint64_t digest = 0xcbf29ce484222325ULL;
static uint64_t kept;
static int attacks;
static int detected;

void keep(uint64_t raw) {
  digest = (digest ^ raw) * 0x100000001b3ULL;
  digest ^= digest >> 29;
  ++kept;
}

void print_digest(void) {
  printf("digest of %llu raw numbers: %016llx\n", (unsigned long long)kept, (unsigned long long)digest);
}

void verdict(const char* attack, const char* statistic, int64_t value, const char* unit, int64_t limit) {
  ++attacks;
  detected += value > limit;
  printf("attack %s: %s: %lld %s, limit %lld: %s\n", attack, statistic, (long long)value, unit, (long long)limit,
         value > limit ? "DETECTED" : "nothing seen");
}

void emulation(const char* trace, const char* value) {
  printf("emulation %s: %s\n", trace, value);
}

static int compare_numbers(const void* left, const void* right) {
  const int64_t a = *(const int64_t*)left;
  const int64_t b = *(const int64_t*)right;
  return (a > b) - (a < b);
}

void sort_numbers(int64_t* numbers, size_t count) {
  qsort(numbers, count, sizeof *numbers, compare_numbers);
}

void judge_durations(const char* attack, int64_t* durations, size_t count, int64_t worst_limit_ns, int64_t spread_limit_ppm) {
  char name[60];
  sort_numbers(durations, count);
  const int64_t median = durations[count / 2] > 0 ? durations[count / 2] : 1;
  snprintf(name, sizeof name, "%s.worst", attack);
  verdict(name, "longest less median", durations[count - 1] - median, "ns", worst_limit_ns);
  snprintf(name, sizeof name, "%s.spread", attack);
  verdict(name, "10 % to 90 % of median", (durations[count * 9 / 10] - durations[count / 10]) * 1000000 / median, "ppm", spread_limit_ppm);
}

uint64_t interrupt_count(void) {
  FILE* file = fopen("/proc/interrupts", "r");
  if (file == NULL) die("/proc/interrupts");
  char line[256];
  uint64_t sum = 0;
  while (fgets(line, sizeof line, file) != NULL) {
    char* count = line;
    while (*count != '\0' && *count != ':') ++count;
    if (*count == ':') sum += strtoull(count + 1, NULL, 10);
  }
  fclose(file);
  return sum;
}

int illusion_command(int argc, char** argv) {
  if (argc != 2) return 2;
  const int64_t drift_seconds = (int64_t)parse_number("seconds of drift", argv[0], 1, 3600);
  open_clocks();
  printf("illusion: drift\n");
  attack_drift(drift_seconds);
  attack_rtc();
  printf("illusion: gaps\n");
  attack_gaps();
  printf("illusion: wake-ups\n");
  attack_wakeups();
  printf("illusion: clocks\n");
  attack_clocks();
  printf("illusion: loops\n");
  attack_loops();
  printf("illusion: frames\n");
  attack_leaving_frames();
  show_emulation();
  printf("illusion: frames to a peer and back\n");
  attack_frames_in_flight(argv[1]);
  print_digest();
  printf("illusion: %d of %d attacks see something\n", detected, attacks);
  return 0;
}
