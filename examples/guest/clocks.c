// Reads every clock that a program in the guest can reach, at irregular intervals, and prints one digest of all values: two runs
// that differ in one read differ in this line. TSC and PIT, RTC and ACPI PM timer are read directly, past the kernel's clock source.
#include <stdio.h>
#include <sys/io.h>
#include <time.h>
#include <x86intrin.h>

#include "commands.h"

enum { kPitCounter0 = 0x40, kPitControl = 0x43, kRtcIndex = 0x70, kRtcData = 0x71, kAcpiPmTimer = 0x608 };  // SeaBIOS's PM base on pc

static uint64_t read_pit(void) {
  outb(0x00, kPitControl);  // latch counter 0: does not disturb the kernel's use of it
  const unsigned low = inb(kPitCounter0);
  return low | (unsigned)inb(kPitCounter0) << 8;
}

static uint64_t read_rtc_seconds(void) {
  outb(0x00, kRtcIndex);
  return inb(kRtcData);
}

static uint64_t read_clock_gettime(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static uint64_t read_one(uint64_t which) {
  switch (which % 6) {
    case 0:
      return __rdtsc();
    case 1:
      return read_pit();
    case 2:
      return read_rtc_seconds();
    case 3:
      return inl(kAcpiPmTimer);
    case 4:
      return read_clock_gettime(CLOCK_MONOTONIC);
    default:
      return read_clock_gettime(CLOCK_REALTIME);
  }
}

int clocks_command(int argc, char** argv) {
  if (argc < 1) return 2;
  const uint64_t reads = parse_number("number of reads", argv[0], 1, 1000000000);
  if (iopl(3) != 0) die("iopl");
  uint64_t random = 1;
  uint64_t digest = 0xcbf29ce484222325ULL;
  const int64_t start = monotonic_ns();
  for (uint64_t i = 0; i < reads; ++i) {
    const uint64_t draw = next_random(&random);
    digest = (digest ^ read_one(draw >> 32)) * 0x100000001b3ULL;
    if (draw % 8 == 0) sleep_ns((int64_t)(draw >> 40) % 5000000);  // an eighth of the reads come after up to 5 ms of idling
  }
  printf("clocks: reads=%llu ns=%lld digest=%016llx\n", (unsigned long long)reads, (long long)(monotonic_ns() - start),
         (unsigned long long)digest);
  return 0;
}
