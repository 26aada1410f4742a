// Two guests that say small things to each other at random: many frames of random sizes after random pauses, both ways at once. Both run
// this command with the other's address; sizes, pauses and bytes follow from each one's own seed.
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "commands.h"

enum { kMaxMessageBytes = 200, kMaxPauseNs = 1000000, kRepeats = 3, kRepeatPauseMs = 20, kLastWordsTimeoutMs = 2000 };
enum { kHello = 0, kMessage = 1, kLastWord = 2 };  // the first byte of each datagram

struct chat {
  int fd;
  uint64_t received;
  uint64_t digest;
  int peer_is_up;
  int peer_is_done;
};

static int connected_socket(struct in_addr peer) {
  const int fd = socket(AF_INET, SOCK_DGRAM, 0);
  const struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(kChatPort)};
  const struct sockaddr_in there = {.sin_family = AF_INET, .sin_port = htons(kChatPort), .sin_addr = peer};
  if (fd < 0 || bind(fd, (const struct sockaddr*)&here, sizeof here) != 0 || connect(fd, (const struct sockaddr*)&there, sizeof there) != 0)
    die("UDP port 5002");
  return fd;
}

/// Sends one datagram of `kind`. Failures are left to the missing answer: a peer that still boots, or is gone, refuses.
static void say(const struct chat* chat, unsigned char kind) {
  (void)send(chat->fd, &kind, 1, 0);
}

/// Takes everything that has arrived, after waiting for it for at most `timeout_ms`.
static void listen_for(struct chat* chat, int timeout_ms) {
  unsigned char bytes[kMaxMessageBytes];
  struct pollfd readable = {.fd = chat->fd, .events = POLLIN};
  if (timeout_ms > 0 && poll(&readable, 1, timeout_ms) <= 0) return;
  ssize_t size;
  while ((size = recv(chat->fd, bytes, sizeof bytes, MSG_DONTWAIT)) > 0 || (size < 0 && errno == ECONNREFUSED)) {
    if (size < 0) continue;  // the ICMP error of an earlier datagram
    chat->peer_is_up = 1;
    if (bytes[0] == kLastWord) chat->peer_is_done = 1;
    if (bytes[0] != kMessage) continue;
    ++chat->received;
    for (ssize_t i = 0; i < size; ++i) chat->digest = (chat->digest ^ bytes[i]) * 0x100000001b3ULL;
  }
}

static int wait_for_peer(struct chat* chat) {
  for (int attempt = 0; attempt < kConnectAttempts && !chat->peer_is_up; ++attempt) {
    say(chat, kHello);
    listen_for(chat, kConnectPauseMs);
  }
  if (chat->peer_is_up) say(chat, kHello);  // the peer's own may have come before it could hear ours
  return chat->peer_is_up;
}

static void say_messages(struct chat* chat, uint64_t count, uint64_t random) {
  unsigned char message[kMaxMessageBytes] = {kMessage};
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t draw = next_random(&random);
    const size_t size = 1 + (draw >> 32) % kMaxMessageBytes;
    for (size_t k = 1; k < size; ++k) message[k] = (unsigned char)(next_random(&random) >> 56);
    if (send(chat->fd, message, size, 0) < 0 && errno != ECONNREFUSED) die("send");
    listen_for(chat, 0);
    if (draw % 4 != 0) sleep_ns((int64_t)(draw >> 8) % kMaxPauseNs);  // a quarter of the messages follow at once
  }
}

int chat_command(int argc, char** argv) {
  if (argc < 3) return 2;
  const struct in_addr peer = parse_address(argv[0]);
  const uint64_t count = parse_number("number of messages", argv[1], 1, 1000000000);
  const uint64_t seed = parse_number("seed", argv[2], 1, UINT64_MAX);
  struct chat chat = {.fd = connected_socket(peer), .digest = 0xcbf29ce484222325ULL};
  if (!wait_for_peer(&chat)) {
    printf("chat: %s does not answer\n", argv[0]);
    return 1;
  }
  const int64_t start = monotonic_ns();
  say_messages(&chat, count, seed);
  for (int i = 0; i < kRepeats; ++i) {
    say(&chat, kLastWord);
    sleep_ns(kRepeatPauseMs * 1000000LL);
  }
  const int64_t deadline = monotonic_ns() + kLastWordsTimeoutMs * 1000000LL;
  while (!chat.peer_is_done && monotonic_ns() < deadline) listen_for(&chat, kConnectPauseMs);
  printf("chat: sent=%llu received=%llu ns=%lld digest=%016llx\n", (unsigned long long)count, (unsigned long long)chat.received,
         (long long)(monotonic_ns() - start), (unsigned long long)chat.digest);
  close(chat.fd);
  return chat.peer_is_done ? 0 : 1;
}
