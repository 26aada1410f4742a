// What the attacks on the illusion share: clocks read past the kernel, raw samples, verdicts. Each attack is one file; illusion.c calls
// them in turn.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <x86intrin.h>

/// A clock of the machine or of the kernel. It counts modulo `modulus` (0: 64 bits); one count lasts ns_numerator / ns_denominator ns.
struct clock_source {
  const char* name;
  uint64_t (*read)(void);
  uint64_t modulus;
  uint64_t ns_numerator;
  uint64_t ns_denominator;
};

enum clock_id { kTsc, kHpet, kPmTimer, kPit, kMonotonic, kMonotonicRaw, kRealtime, kBoottime, kClockCount };
extern struct clock_source clocks[kClockCount];

/// Maps the HPET, finds the PM timer, starts the PIT's channel 2, and measures the TSC's rate against the HPET. Ends the process with the
/// reason when one of them is not there.
void open_clocks(void);

/// A read of a clock between two of the TSC.
struct sample {
  uint64_t before;
  uint64_t value;
  uint64_t after;
};
struct sample take_sample(enum clock_id clock);
/// The sample with the closest TSC reads of several.
struct sample take_sharp_sample(enum clock_id clock);

/// `counts` of a clock in ns; negative counts too.
int64_t counts_to_ns(enum clock_id clock, int64_t counts);
static inline int64_t tsc_to_ns(int64_t counts) {
  return counts_to_ns(kTsc, counts);
}
/// From `earlier` to `later` of one clock, less than a modulus apart.
int64_t counts_between(enum clock_id clock, uint64_t earlier, uint64_t later);

/// The RTC's time of day in seconds.
uint64_t read_rtc_seconds(void);
/// A change of the RTC's second: by the HPET (ns) between these two.
struct rtc_edge {
  uint64_t seconds;
  int64_t after_ns;
  int64_t before_ns;
};
/// Within two seconds.
struct rtc_edge find_rtc_edge(void);
/// The one that follows, to be called within 4 ms of the last.
struct rtc_edge next_rtc_edge(void);

/// All interrupts that the kernel counts.
uint64_t interrupt_count(void);

/// Adds a raw number to the digest, which print_digest() prints: two runs with one different number differ in that line.
void keep(uint64_t raw);
void print_digest(void);

/// Prints one line: what was measured and whether it shows more than an undisturbed machine may.
void verdict(const char* attack, const char* statistic, int64_t value, const char* unit, int64_t limit);
/// Lines apart from the verdict: what shows that the machine is emulated.
void emulation(const char* trace, const char* value);

void sort_numbers(int64_t* numbers, size_t count);
/// Prints worst less median (limit in ns) and spread from the 10th to the 90th percentile in ppm of the median (limit in ppm) of sorted
/// durations.
void judge_durations(const char* attack, int64_t* durations, size_t count, int64_t worst_limit_ns, int64_t spread_limit_ppm);

void attack_drift(int64_t seconds);
void attack_rtc(void);
void attack_clocks(void);
void attack_loops(void);
void attack_gaps(void);
void attack_wakeups(void);
void attack_leaving_frames(void);
void attack_frames_in_flight(const char* peer_mac);
void show_emulation(void);

/// Raw Ethernet frames of an EtherType for experiments (IEEE 802, 0x88b5).
enum { kFrameType = 0x88b5, kMacBytes = 6, kFrameBytes = 128, kLongestFrame = 1514 };
struct frame {
  uint8_t to[kMacBytes];
  uint8_t from[kMacBytes];
  uint16_t type;
  uint8_t kind;  ///< 'q' question, 'b' bye; others are noise
  uint8_t reserved;
  uint32_t number;
  uint64_t answered_at;  ///< the peer's TSC
  uint8_t padding[kLongestFrame - 28];
} __attribute__((packed));
int open_frame_socket(void);
/// Twelve hex digits; ends the process otherwise.
void parse_mac(const char* text, uint8_t mac[kMacBytes]);
/// A frame from eth0's own address.
struct frame make_frame(const uint8_t to[kMacBytes], uint8_t kind, uint32_t number);
void send_frame(int fd, const struct frame* frame, size_t bytes);
