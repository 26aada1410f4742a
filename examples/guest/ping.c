// Pings a peer over a raw ICMP socket and prints every round trip in nanoseconds; busybox ping rounds to microseconds and its
// interval to whole seconds. First it waits until the peer answers at all, so that ARP and the peer's boot are not in the figures.
#include <errno.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "commands.h"

enum { kPingId = 0x5250, kPayloadBytes = 56, kReplyTimeoutMs = 1000, kFirstTimedSeq = 0x4000 };
/// For peers that may be far away: a round trip of up to 5 s.
enum { kPatientTimeoutMs = 5000, kPatientAttempts = 10, kPatientSeq = 0x8000 };

struct echo {
  struct icmphdr header;
  unsigned char payload[kPayloadBytes];
};

static uint16_t checksum(const void* data, size_t size) {
  const unsigned char* bytes = data;
  uint32_t sum = 0;
  for (size_t i = 0; i + 1 < size; i += 2) sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return htons((uint16_t)~sum);
}

static void send_echo(int fd, struct in_addr peer, uint16_t seq) {
  struct echo echo = {.header = {.type = ICMP_ECHO, .un.echo = {.id = htons(kPingId), .sequence = htons(seq)}}};
  for (int i = 0; i < kPayloadBytes; ++i) echo.payload[i] = (unsigned char)i;
  echo.header.checksum = checksum(&echo, sizeof echo);
  const struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr = peer};
  // The peer may be unreachable for now (no answer to ARP yet): the missing reply tells.
  (void)sendto(fd, &echo, sizeof echo, 0, (const struct sockaddr*)&to, sizeof to);
}

static int is_reply(const unsigned char* packet, ssize_t size, struct in_addr peer, uint16_t first, uint16_t last) {
  const struct iphdr* ip = (const struct iphdr*)packet;
  if (size < (ssize_t)sizeof *ip || size < ip->ihl * 4 + (ssize_t)sizeof(struct icmphdr)) return 0;
  const struct icmphdr* icmp = (const struct icmphdr*)(packet + ip->ihl * 4);
  const uint16_t seq = ntohs(icmp->un.echo.sequence);
  return ip->saddr == peer.s_addr && icmp->type == ICMP_ECHOREPLY && icmp->un.echo.id == htons(kPingId) && seq >= first && seq <= last;
}

/// The arrival, in CLOCK_MONOTONIC ns, of a reply to one of the echoes `first` to `last`, or -1 if none came before `deadline`.
static int64_t wait_for_reply(int fd, struct in_addr peer, uint16_t first, uint16_t last, int64_t deadline) {
  _Alignas(8) unsigned char packet[2048];
  for (int64_t now = monotonic_ns(); now < deadline; now = monotonic_ns()) {
    struct pollfd readable = {.fd = fd, .events = POLLIN};
    if (poll(&readable, 1, (int)((deadline - now + 999999) / 1000000)) <= 0) continue;
    const ssize_t size = recv(fd, packet, sizeof packet, 0);
    const int64_t arrival = monotonic_ns();
    if (is_reply(packet, size, peer, first, last)) return arrival;
  }
  return -1;
}

static int wait_for_peer(int fd, struct in_addr peer) {
  for (uint16_t attempt = 0; attempt < kConnectAttempts; ++attempt) {
    send_echo(fd, peer, attempt);
    // To any of them: the round trip may be longer than the pause.
    if (wait_for_reply(fd, peer, 0, attempt, monotonic_ns() + kConnectPauseMs * 1000000LL) >= 0) return 1;
  }
  return 0;
}

static int icmp_socket(void) {
  const int fd = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
  if (fd < 0) die("raw socket");
  return fd;
}

int wait_for_answer(struct in_addr peer) {
  for (uint16_t attempt = 0; attempt < kPatientAttempts; ++attempt)
    if (ping_once(peer, (uint16_t)(kPatientSeq + attempt)) >= 0) return 1;
  return 0;
}

int64_t ping_once(struct in_addr peer, uint16_t seq) {
  const int fd = icmp_socket();  // a new one: what came for others before is not in its queue
  const int64_t sent = monotonic_ns();
  send_echo(fd, peer, seq);
  const int64_t arrival = wait_for_reply(fd, peer, seq, seq, sent + kPatientTimeoutMs * 1000000LL);
  close(fd);
  return arrival < 0 ? -1 : arrival - sent;
}

int ping_command(int argc, char** argv) {
  if (argc < 2) return 2;
  const struct in_addr peer = parse_address(argv[0]);
  const int count = (int)parse_number("count", argv[1], 1, 16384);
  const int64_t interval = (int64_t)parse_number("interval in ms", argc > 2 ? argv[2] : "100", 0, 3600000) * 1000000;
  const int fd = icmp_socket();
  if (!wait_for_peer(fd, peer)) {
    printf("ping: %s does not answer\n", argv[0]);
    return 1;
  }
  int received = 0;
  for (int i = 0; i < count; ++i) {
    const uint16_t seq = (uint16_t)(kFirstTimedSeq + i);  // apart from the waiting phase's, whose replies may still arrive
    const int64_t sent = monotonic_ns();
    send_echo(fd, peer, seq);
    const int64_t arrival = wait_for_reply(fd, peer, seq, seq, sent + kReplyTimeoutMs * 1000000LL);
    if (arrival < 0) {
      printf("lost seq=%d\n", i + 1);
    } else {
      ++received;
      printf("reply seq=%d rtt_ns=%lld\n", i + 1, (long long)(arrival - sent));
    }
    const int64_t rest = sent + interval - monotonic_ns();
    if (rest > 0 && i + 1 < count) sleep_ns(rest);
  }
  printf("ping: %d sent, %d received\n", count, received);
  close(fd);
  say_bye(peer);
  return received == count ? 0 : 1;
}
