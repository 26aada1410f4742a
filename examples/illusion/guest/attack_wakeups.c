// Sleeps to an instant again and again: whoever holds the guest up wakes it late, and not always as late.
#include <errno.h>
#include <poll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "../../guest/commands.h"
#include "attacks.h"

enum { kWakeups = 400, kPeriodNs = 1000000, kWorstLimitNs = 500000, kSpreadLimitNs = 50000 };

static struct timespec timespec_of(int64_t ns) {
  return (struct timespec){.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
}

static void judge(const char* worst, const char* spread, int64_t* lateness) {
  for (int i = 0; i < kWakeups; ++i) keep((uint64_t)lateness[i]);
  sort_numbers(lateness, kWakeups);
  verdict(worst, "latest less median", lateness[kWakeups - 1] - lateness[kWakeups / 2], "ns", kWorstLimitNs);
  verdict(spread, "lateness, 10 % to 90 %", lateness[kWakeups * 9 / 10] - lateness[kWakeups / 10], "ns", kSpreadLimitNs);
}

static void try_nanosleep(void) {
  int64_t lateness[kWakeups];
  int64_t due = monotonic_ns();
  for (int i = 0; i < kWakeups; ++i) {
    due += kPeriodNs;
    const struct timespec until = timespec_of(due);
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR) {
    }
    const int64_t now = monotonic_ns();
    lateness[i] = now - due;
    if (now > due + kPeriodNs) due = now;
  }
  judge("wake.sleep.worst", "wake.sleep.spread", lateness);
}

static void try_timerfd(void) {
  const int fd = timerfd_create(CLOCK_MONOTONIC, 0);
  int64_t due = monotonic_ns() + kPeriodNs;
  const struct itimerspec every = {.it_interval = timespec_of(kPeriodNs), .it_value = timespec_of(due)};
  if (fd < 0 || timerfd_settime(fd, TFD_TIMER_ABSTIME, &every, NULL) != 0) die("timerfd");
  int64_t lateness[kWakeups];
  for (int i = 0; i < kWakeups; ++i) {
    uint64_t expirations = 0;
    if (read(fd, &expirations, sizeof expirations) != sizeof expirations) die("timerfd");
    lateness[i] = monotonic_ns() - due;
    due += (int64_t)expirations * kPeriodNs;
  }
  close(fd);
  judge("wake.timerfd.worst", "wake.timerfd.spread", lateness);
}

void attack_wakeups(void) {
  try_nanosleep();
  try_timerfd();
}
