// Raw frames on eth0, and the other guests: one that answers, and those that make noise.
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netpacket/packet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../guest/commands.h"
#include "attacks.h"

static uint8_t own_mac[kMacBytes];

int open_frame_socket(void) {
  const int fd = socket(AF_PACKET, SOCK_RAW, htons(kFrameType));
  const struct sockaddr_ll eth0 = {.sll_family = AF_PACKET, .sll_protocol = htons(kFrameType), .sll_ifindex = (int)if_nametoindex("eth0")};
  struct ifreq request = {.ifr_name = "eth0"};
  if (fd < 0 || bind(fd, (const struct sockaddr*)&eth0, sizeof eth0) != 0 || ioctl(fd, SIOCGIFHWADDR, &request) != 0) die("frames of eth0");
  memcpy(own_mac, request.ifr_hwaddr.sa_data, kMacBytes);
  return fd;
}

void parse_mac(const char* text, uint8_t mac[kMacBytes]) {
  unsigned bytes[kMacBytes];
  int end = 0;
  if (sscanf(text, "%2x%2x%2x%2x%2x%2x%n", &bytes[0], &bytes[1], &bytes[2], &bytes[3], &bytes[4], &bytes[5], &end) != kMacBytes ||
      end != 2 * kMacBytes || text[end] != '\0') {
    fprintf(stderr, "illusion: '%s' is not an address of twelve hex digits such as 525400000002\n", text);
    exit(2);
  }
  for (int i = 0; i < kMacBytes; ++i) mac[i] = (uint8_t)bytes[i];
}

struct frame make_frame(const uint8_t to[kMacBytes], uint8_t kind, uint32_t number) {
  struct frame frame = {.type = htons(kFrameType), .kind = kind, .number = number};
  memcpy(frame.to, to, kMacBytes);
  memcpy(frame.from, own_mac, kMacBytes);
  return frame;
}

void send_frame(int fd, const struct frame* frame, size_t bytes) {
  if (send(fd, frame, bytes, 0) != (ssize_t)bytes && errno != ENOBUFS) die("sending a frame");
}

/// Sends every question back until a bye comes.
int illusion_peer_command(int argc, char** argv) {
  (void)argv;
  if (argc != 0) return 2;
  const int fd = open_frame_socket();
  const struct frame here = make_frame(own_mac, 'n', 0);  // the switch learns where this address is, and passes the frame to nobody
  send_frame(fd, &here, kFrameBytes);
  for (uint32_t answered = 0;;) {
    struct frame question;
    const ssize_t bytes = recv(fd, &question, sizeof question, 0);
    if (bytes < (ssize_t)offsetof(struct frame, padding)) continue;
    if (question.kind == 'b') {
      printf("peer: answered %u frames\n", answered);
      return 0;
    }
    struct frame answer = question;
    memcpy(answer.to, question.from, kMacBytes);
    memcpy(answer.from, own_mac, kMacBytes);
    answer.answered_at = __rdtsc();
    send_frame(fd, &answer, (size_t)bytes);
    ++answered;
  }
}

/// Talks with one other guest and computes, from one second after the boot to another.
int illusion_noise_command(int argc, char** argv) {
  if (argc != 3) return 2;
  uint8_t partner[kMacBytes];
  parse_mac(argv[0], partner);
  const int64_t from = (int64_t)parse_number("first second", argv[1], 1, 3600) * 1000000000;
  const int64_t to = (int64_t)parse_number("last second", argv[2], 1, 3600) * 1000000000;
  const int fd = open_frame_socket();
  const struct frame here = make_frame(own_mac, 'n', 0);  // so that no frame to this guest is flooded
  send_frame(fd, &here, kFrameBytes);
  sleep_ns(from - monotonic_ns());
  uint64_t random = own_mac[kMacBytes - 1];
  uint32_t sent = 0;
  uint32_t received = 0;
  for (; monotonic_ns() < to; ++sent) {
    const uint64_t draw = next_random(&random);
    const struct frame noise = make_frame(partner, 'n', sent);
    send_frame(fd, &noise, 60 + draw % (kLongestFrame - 60));
    for (volatile uint64_t left = draw % 20000; left > 0; --left) {
    }
    sleep_ns((int64_t)(draw >> 32) % 500000);
    struct frame other;
    while (recv(fd, &other, sizeof other, MSG_DONTWAIT) > 0) ++received;
  }
  printf("noise: %u sent, %u received\n", sent, received);
  return 0;
}
