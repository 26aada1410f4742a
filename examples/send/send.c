/* Sends one message to the peer and waits for the peer's; tells when it left, when the peer's came, and from whom.
 *
 *   send CONNECTION PEER [BYTES]     (Reprise puts CONNECTION there) */
#include <arpa/inet.h>
#include <inttypes.h>
#include <reprise_client.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint16_t kPort = 4000;

static int failed(const char* what, int error) {
  fprintf(stderr, "send: %s: %s\n", what, strerror(-error));
  return 1;
}

int main(int argc, char** argv) {
  if (argc < 3) {
    fprintf(stderr, "usage: send CONNECTION PEER [BYTES]\n");
    return 2;
  }
  const struct reprise_endpoint peer = {inet_addr(argv[2]), kPort};
  const size_t bytes = argc > 3 ? strtoul(argv[3], NULL, 10) : 4;
  static char message[REPRISE_MAX_MESSAGE];
  memset(message, 'x', sizeof message);

  struct reprise_client* client = NULL;
  int error = reprise_start(argv[1], &client);
  if (error < 0) return failed("cannot join the run", error);
  int64_t now_ns = 0;
  if ((error = reprise_now(client, &now_ns)) < 0) return failed("cannot tell the time", error);
  /* The next call ends one call's cost after this one: that is when the message leaves. */
  if ((error = reprise_send(client, &peer, kPort, message, bytes)) < 0) return failed("cannot send", error);
  printf("sent %zu bytes after %" PRId64 " ns\n", bytes, now_ns);

  struct reprise_message from;
  if ((error = reprise_receive(client, REPRISE_NEVER, &from, message, sizeof message)) < 0) return failed("cannot receive", error);
  const struct in_addr sender = {from.from.address};
  printf("received %zu bytes from %s at %" PRId64 " ns\n", from.size, inet_ntoa(sender), from.arrived_ns);
  reprise_stop(client);
  return 0;
}
