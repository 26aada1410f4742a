// The clocks of a PC, read from user space: by RDTSC, by ports, and by the HPET's registers.
#include "attacks.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/io.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "../../guest/commands.h"

// IA-PC HPET specification 1.0a; Intel 8254; MC146818; PIIX4 (function 3 at 00:01.3: PMBASE at 0x40, the timer at offset 8).
enum {
  kHpetAddress = 0xfed00000,
  kHpetBytes = 0x400,
  kHpetPeriod = 0x04,
  kHpetConfiguration = 0x10,
  kHpetCounter = 0xf0,
  kPitChannel2 = 0x42,
  kPitControl = 0x43,
  kPitGate = 0x61,
  kRtcIndex = 0x70,
  kRtcData = 0x71,
  kPciAddress = 0xcf8,
  kPciData = 0xcfc,
  kPmTimerOffset = 8,
};
static const uint32_t kPiix4PmBase = 0x80000000U | 1U << 11 | 3U << 8 | 0x40;
enum { kSharpTries = 16, kCalibrationMs = 200, kRtcLookPauseNs = 1000000, kBeforeNextEdgeNs = 995000000 };

static volatile uint8_t* hpet;
static uint16_t pm_timer_port;

static uint64_t read_tsc(void) {
  return __rdtsc();
}

static uint64_t read_hpet(void) {
  return *(volatile uint64_t*)(hpet + kHpetCounter);
}

static uint64_t read_pm_timer(void) {
  return inl(pm_timer_port) & 0xffffff;
}

/// Channel 2 counts down from 65,536 and starts again; nothing else uses it.
static uint64_t read_pit(void) {
  outb(0x80, kPitControl);  // latch
  const unsigned low = inb(kPitChannel2);
  return (0x10000 - (low | (unsigned)inb(kPitChannel2) << 8)) & 0xffff;
}

static uint64_t read_kernel(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}
static uint64_t read_monotonic(void) {
  return read_kernel(CLOCK_MONOTONIC);
}
static uint64_t read_monotonic_raw(void) {
  return read_kernel(CLOCK_MONOTONIC_RAW);
}
static uint64_t read_realtime(void) {
  return read_kernel(CLOCK_REALTIME);
}
static uint64_t read_boottime(void) {
  return read_kernel(CLOCK_BOOTTIME);
}

struct clock_source clocks[kClockCount] = {
    [kTsc] = {"tsc", read_tsc, 0, 1, 1},  // the denominator becomes its rate
    [kHpet] = {"hpet", read_hpet, 0, 0, 1000000},
    [kPmTimer] = {"pm-timer", read_pm_timer, 1 << 24, 1000000000, 3579545},
    [kPit] = {"pit", read_pit, 1 << 16, 1000000000, 1193182},
    [kMonotonic] = {"monotonic", read_monotonic, 0, 1, 1},
    [kMonotonicRaw] = {"monotonic-raw", read_monotonic_raw, 0, 1, 1},
    [kRealtime] = {"realtime", read_realtime, 0, 1, 1},
    [kBoottime] = {"boottime", read_boottime, 0, 1, 1},
};

static void open_hpet(void) {
  const int fd = open("/dev/mem", O_RDWR | O_SYNC);
  if (fd < 0) die("/dev/mem");
  void* mapped = mmap(NULL, kHpetBytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, kHpetAddress);
  if (mapped == MAP_FAILED) die("mapping the HPET (does the kernel's command line have iomem=relaxed?)");
  close(fd);
  hpet = mapped;
  const uint32_t period_fs = *(volatile uint32_t*)(hpet + kHpetPeriod);
  if (period_fs == 0 || period_fs > 100000000 || (*(volatile uint32_t*)(hpet + kHpetConfiguration) & 1) == 0) {
    fprintf(stderr, "illusion: the HPET does not count; does the kernel's command line have acpi=force?\n");
    exit(1);
  }
  clocks[kHpet].ns_numerator = period_fs;
}

static void open_ports(void) {
  if (iopl(3) != 0) die("iopl");
  outl(kPiix4PmBase, kPciAddress);
  pm_timer_port = (uint16_t)((inl(kPciData) & 0xffc0) + kPmTimerOffset);
  outb((unsigned char)((inb(kPitGate) & 0xfc) | 1), kPitGate);  // counts, and the speaker is off
  outb(0xb4, kPitControl);                                      // channel 2, both bytes, mode 2
  outb(0, kPitChannel2);
  outb(0, kPitChannel2);
}

struct sample take_sample(enum clock_id clock) {
  struct sample sample;
  sample.before = __rdtsc();
  sample.value = clocks[clock].read();
  sample.after = __rdtsc();
  return sample;
}

struct sample take_sharp_sample(enum clock_id clock) {
  struct sample best = take_sample(clock);
  for (int i = 1; i < kSharpTries; ++i) {
    const struct sample next = take_sample(clock);
    if (next.after - next.before < best.after - best.before) best = next;
  }
  return best;
}

static void measure_tsc(void) {
  const struct sample start = take_sharp_sample(kHpet);
  sleep_ns(kCalibrationMs * 1000000LL);
  const struct sample end = take_sharp_sample(kHpet);
  const int64_t ns = counts_to_ns(kHpet, counts_between(kHpet, start.value, end.value));
  const uint64_t counts =
      (start.before + start.after + 1) / 2 <= end.before ? (end.before + end.after) / 2 - (start.before + start.after) / 2 : 0;
  if (ns <= 0 || counts == 0) {
    fprintf(stderr, "illusion: TSC or HPET stands still\n");
    exit(1);
  }
  clocks[kTsc].ns_numerator = (uint64_t)ns;
  clocks[kTsc].ns_denominator = counts;
}

void open_clocks(void) {
  open_ports();
  open_hpet();
  measure_tsc();
}

int64_t counts_to_ns(enum clock_id clock, int64_t counts) {
  return (int64_t)((__int128)counts * (int64_t)clocks[clock].ns_numerator / (int64_t)clocks[clock].ns_denominator);
}

int64_t counts_between(enum clock_id clock, uint64_t earlier, uint64_t later) {
  const uint64_t counts = later - earlier;
  return (int64_t)(clocks[clock].modulus == 0 ? counts : counts % clocks[clock].modulus);
}

static unsigned read_rtc_register(unsigned char which) {
  outb(which, kRtcIndex);
  const unsigned bcd = inb(kRtcData);
  return (bcd >> 4) * 10 + (bcd & 0xf);
}

uint64_t read_rtc_seconds(void) {
  return read_rtc_register(0) + 60 * read_rtc_register(2) + 3600 * (read_rtc_register(4) % 24);
}

static int64_t hpet_ns(void) {
  return counts_to_ns(kHpet, (int64_t)read_hpet());
}

struct rtc_edge find_rtc_edge(void) {
  const unsigned first = read_rtc_register(0);
  while (read_rtc_register(0) == first) sleep_ns(kRtcLookPauseNs);
  return next_rtc_edge();
}

struct rtc_edge next_rtc_edge(void) {
  sleep_ns(kBeforeNextEdgeNs);  // reading ports until then would take long on an emulated machine
  struct rtc_edge edge = {.after_ns = hpet_ns(), .before_ns = 0};
  const unsigned first = read_rtc_register(0);
  for (;;) {
    const int64_t asked = hpet_ns();
    const unsigned second = read_rtc_register(0);
    if (second != first) break;
    edge.after_ns = asked;
  }
  edge.before_ns = hpet_ns();
  edge.seconds = read_rtc_seconds();
  return edge;
}
