// What `reprise validate` runs in each guest: pings every other guest, then itself, and prints the round trips. The guests take turns, in
// the order of their addresses on the command line, so that no ping meets another on a link.
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "commands.h"

enum { kMaxGuests = 64, kSampleIntervalMs = 20, kByePauseMs = 100, kSettleMs = 1000 };

/// Waits until `wanted` different guests have said bye; who has is kept in `gone` and `count` from call to call.
static void wait_for_byes(int fd, in_addr_t* gone, int* count, int wanted) {
  while (*count < wanted) {
    char text[8];
    struct sockaddr_in from = {0};
    socklen_t from_size = sizeof from;
    if (recvfrom(fd, text, sizeof text, 0, (struct sockaddr*)&from, &from_size) != 3 || memcmp(text, "bye", 3) != 0) continue;
    int known = 0;
    for (int i = 0; i < *count; ++i) known |= gone[i] == from.sin_addr.s_addr;
    if (!known) gone[(*count)++] = from.sin_addr.s_addr;
  }
}

static void ping_one(const char* text, int samples) {
  const struct in_addr peer = parse_address(text);
  printf("validate: %s", text);
  if (!wait_for_answer(peer)) {
    for (int i = 0; i < samples; ++i) printf(" lost");
  } else {
    for (int i = 0; i < samples; ++i) {
      const int64_t round_trip = ping_once(peer, (uint16_t)i);
      if (round_trip < 0) {
        printf(" lost");
      } else {
        printf(" %lld", (long long)round_trip);
      }
      sleep_ns(kSampleIntervalMs * 1000000LL);
    }
  }
  printf("\n");
}

int validate_command(int argc, char** argv) {
  if (argc < 3) return 2;
  const int samples = (int)parse_number("samples", argv[0], 1, 1000);
  const int guests = argc - 2;
  const int self = (int)parse_number("place", argv[1], 0, (uint64_t)guests - 1);
  char** const addresses = argv + 2;
  if (guests > kMaxGuests) {
    fprintf(stderr, "reprise-guest: more than %d guests\n", kMaxGuests);
    return 2;
  }
  const int fd = socket(AF_INET, SOCK_DGRAM, 0);
  const struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(kByePort)};
  if (fd < 0 || bind(fd, (const struct sockaddr*)&any, sizeof any) != 0) die("UDP port 9");
  in_addr_t gone[kMaxGuests];
  int count = 0;
  wait_for_byes(fd, gone, &count, self);  // those before this one have finished
  // The last of them may still be saying so to others.
  sleep_ns(guests * kByePauseMs * 1000000LL + kSettleMs * 1000000LL);
  for (int i = 0; i < guests; ++i)
    if (i != self) ping_one(addresses[i], samples);
  ping_one(addresses[self], samples);
  for (int i = 0; i < guests; ++i)
    if (i != self) say_bye(parse_address(addresses[i]));
  wait_for_byes(fd, gone, &count, guests - 1);
  printf("validate: done\n");
  close(fd);
  return 0;
}
