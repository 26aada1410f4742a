// reprise-guest: one static program with everything a demo guest does beyond busybox. /init runs it.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "commands.h"

static const struct {
  const char* name;
  int (*run)(int argc, char** argv);
  const char* arguments;
} kCommands[] = {
    {"seed", seed_command, "TEXT"},
    {"ping", ping_command, "ADDRESS COUNT [INTERVAL_MS]"},
    {"answer", answer_command, "[BYES]"},
    {"tcp-send", tcp_send_command, "ADDRESS BYTES"},
    {"tcp-receive", tcp_receive_command, ""},
    {"clocks", clocks_command, "READS"},
    {"chat", chat_command, "ADDRESS MESSAGES SEED"},
    {"validate", validate_command, "SAMPLES PLACE ADDRESS..."},
    {"illusion", illusion_command, "DRIFT_SECONDS PEER_MAC"},
    {"illusion-peer", illusion_peer_command, ""},
    {"illusion-noise", illusion_noise_command, "PARTNER_MAC FROM_SECOND TO_SECOND"},
};
enum { kCommandCount = sizeof kCommands / sizeof kCommands[0] };

void die(const char* what) {
  fprintf(stderr, "reprise-guest: %s: %s\n", what, strerror(errno));
  exit(1);
}

uint64_t parse_number(const char* what, const char* text, uint64_t low, uint64_t high) {
  char* end = NULL;
  errno = 0;
  const unsigned long long value = strtoull(text, &end, 10);
  if (errno != 0 || end == text || *end != '\0' || value < low || value > high) {
    fprintf(stderr, "reprise-guest: %s '%s' is not a number from %llu to %llu\n", what, text, (unsigned long long)low,
            (unsigned long long)high);
    exit(2);
  }
  return value;
}

struct in_addr parse_address(const char* text) {
  struct in_addr address;
  if (inet_pton(AF_INET, text, &address) != 1) {
    fprintf(stderr, "reprise-guest: '%s' is not an IPv4 address such as 10.0.0.2\n", text);
    exit(2);
  }
  return address;
}

int64_t monotonic_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void sleep_ns(int64_t ns) {
  struct timespec left = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
  while (nanosleep(&left, &left) != 0 && errno == EINTR) {
  }
}

uint64_t next_random(uint64_t* state) {
  *state ^= *state >> 12;
  *state ^= *state << 25;
  *state ^= *state >> 27;
  return *state * 0x2545F4914F6CDD1DULL;
}

void say_bye(struct in_addr peer) {
  const int fd = socket(AF_INET, SOCK_DGRAM, 0);
  if (fd < 0) die("socket for bye");
  const struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(kByePort), .sin_addr = peer};
  for (int i = 0; i < 3; ++i) {
    // Once the peer is gone its ICMP errors may come back here; they say what we already know.
    (void)sendto(fd, "bye", 3, 0, (const struct sockaddr*)&to, sizeof to);
    sleep_ns(20 * 1000000);
  }
  close(fd);
}

int main(int argc, char** argv) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  for (int i = 0; argc > 1 && i < kCommandCount; ++i)
    if (strcmp(argv[1], kCommands[i].name) == 0) return kCommands[i].run(argc - 2, argv + 2);
  fprintf(stderr, "usage:\n");
  for (int i = 0; i < kCommandCount; ++i) fprintf(stderr, "  reprise-guest %s %s\n", kCommands[i].name, kCommands[i].arguments);
  return 2;
}
