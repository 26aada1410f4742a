// The short form that the officer runs: makes one zombie after another, at a steady pace, until it is killed or has made COUNT of them.
//
// usage: spawner COUNT PERIOD_US
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char** argv) {
  const int count = argc == 3 ? atoi(argv[1]) : 0;
  const long period_us = argc == 3 ? atol(argv[2]) : 0;
  if (count < 1 || count > 10000 || period_us < 1 || period_us > 1000000) {
    fprintf(stderr, "usage: spawner COUNT PERIOD_US     (1 to 10000; 1 to 1000000)\n");
    return 2;
  }
  struct timespec next;
  clock_gettime(CLOCK_MONOTONIC, &next);
  for (int i = 0; i < count; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      prctl(PR_SET_NAME, "zombie");
      _exit(0);
    }
    if (child < 0) {
      perror("spawner: fork");
      break;
    }
    next.tv_nsec += period_us * 1000;
    next.tv_sec += next.tv_nsec / 1000000000;
    next.tv_nsec %= 1000000000;
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
  }
  for (;;) pause();
}
