/* The other side of the demo guest's `run=chat`, as a native process: a virtual machine cannot tell the difference.
 *
 *   chat_peer CONNECTION PEER MESSAGES     (Reprise puts CONNECTION there) */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <reprise_client.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* As in examples/guest/chat.c: the first byte of a datagram says what it is. */
enum { kHello = 0, kMessage = 1, kLastWord = 2, kPort = 5002, kMessageBytes = 100 };
static const int64_t kPauseNs = 1000000;
static const int64_t kLastWordsTimeoutNs = 2000000000;

struct chat {
  struct reprise_client* client;
  struct reprise_endpoint peer;
  unsigned received;
  uint64_t digest_of_received;
  uint64_t digest_of_sent;
  bool peer_is_up;
  bool peer_is_done;
};

static void check(const char* what, int result) {
  if (result >= 0 || result == -EAGAIN) return;
  fprintf(stderr, "chat_peer: %s: %s\n", what, strerror(-result));
  exit(1);
}

/* FNV-1a, as the guest computes it. */
static void add_to_digest(uint64_t* digest, const unsigned char* bytes, size_t size) {
  for (size_t i = 0; i < size; ++i) *digest = (*digest ^ bytes[i]) * 0x100000001b3ULL;
}

static void say(struct chat* chat, const unsigned char* bytes, size_t size) {
  check("send", reprise_send(chat->client, &chat->peer, kPort, bytes, size));
}

/* Takes one datagram if there is one within `timeout_ns`. */
static bool hear(struct chat* chat, int64_t timeout_ns) {
  unsigned char bytes[1500];
  struct reprise_message message;
  const int result = reprise_receive(chat->client, timeout_ns, &message, bytes, sizeof bytes);
  check("receive", result);
  if (result != 0 || message.from.address != chat->peer.address || message.size == 0) return result == 0;
  chat->peer_is_up = true;
  if (bytes[0] == kLastWord) chat->peer_is_done = true;
  if (bytes[0] == kMessage) {
    ++chat->received;
    add_to_digest(&chat->digest_of_received, bytes, message.size);
  }
  return true;
}

static int64_t now(const struct chat* chat) {
  int64_t ns = 0;
  check("now", reprise_now(chat->client, &ns));
  return ns;
}

int main(int argc, char** argv) {
  if (argc != 4) {
    fprintf(stderr, "usage: chat_peer CONNECTION PEER MESSAGES\n");
    return 2;
  }
  const unsigned count = (unsigned)strtoul(argv[3], NULL, 10);
  struct chat chat = {
      .peer = {inet_addr(argv[2]), kPort}, .digest_of_received = 0xcbf29ce484222325ULL, .digest_of_sent = 0xcbf29ce484222325ULL};
  check("start", reprise_start(argv[1], &chat.client));
  while (!chat.peer_is_up) hear(&chat, REPRISE_NEVER);
  printf("%s is up after %" PRId64 " ns\n", argv[2], now(&chat));
  say(&chat, (const unsigned char[]){kHello}, 1);
  for (unsigned i = 0; i < count; ++i) {
    unsigned char message[kMessageBytes] = {kMessage};
    snprintf((char*)message + 1, sizeof message - 1, "message %u", i);
    add_to_digest(&chat.digest_of_sent, message, sizeof message);
    say(&chat, message, sizeof message);
    while (hear(&chat, 0)) {
    }
    check("sleep", reprise_sleep_until(chat.client, now(&chat) + kPauseNs));
  }
  say(&chat, (const unsigned char[]){kLastWord}, 1);
  const int64_t deadline = now(&chat) + kLastWordsTimeoutNs;
  while (!chat.peer_is_done && hear(&chat, deadline - now(&chat))) {
  }
  printf("sent=%u digest=%016" PRIx64 " received=%u digest=%016" PRIx64 "\n", count, chat.digest_of_sent, chat.received,
         chat.digest_of_received);
  return chat.peer_is_done ? 0 : 1;
}
