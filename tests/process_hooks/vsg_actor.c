/* A program in TANSIV's style: sends, spins until its callback is called, receives. argv: connection, own address, peer's. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <string.h>
#include <tansiv-client.h>

static struct vsg_context* context = NULL;
static struct timeval when;
static volatile int called = 0;
static volatile int left_alone = 0;
static volatile int deadlines = 0;

static void on_message(uintptr_t arg) {
  /* In the handler of a signal: a call must not write out what the program was perhaps in the middle of printing. */
  fputs("received ", stdout);
  left_alone = vsg_gettimeofday(context, &when, NULL) == 0 && __fpending(stdout) == 9;
  *(volatile int*)arg += 1;
}

static void on_deadline(uintptr_t arg, struct timespec deadline) {
  (void)deadline;
  *(volatile int*)arg += 1;
}

#define REQUIRE(condition)                \
  do {                                    \
    if (!(condition)) {                   \
      printf("failed: %s\n", #condition); \
      return 9;                           \
    }                                     \
  } while (0)

int main(int argc, char** argv) {
  REQUIRE(argc == 4);
  const char* bad[] = {"-a", argv[1], "-n", "10.0.0", "-t", "1970-01-01T00:00:00"};
  REQUIRE(vsg_init(6, bad, NULL, on_message, 0, on_deadline, 0) == NULL);
  const char* incomplete[] = {"-a", argv[1]};
  REQUIRE(vsg_init(2, incomplete, NULL, on_message, 0, on_deadline, 0) == NULL);
  const char* good[] = {"-a", argv[1], "-n", argv[2], "-t2001-02-03T04:05:06", "-b", "50", "--", "more"};
  int next = 0;
  context = vsg_init(9, good, &next, on_message, (uintptr_t)&called, on_deadline, (uintptr_t)&deadlines);
  REQUIRE(context != NULL && next == 8);
  uint8_t message[16] = "plop";
  uint32_t size = sizeof message;
  REQUIRE(vsg_send(context, 0, 1, message) == EINVAL); /* not started */
  struct timespec offset = {0, 0};
  REQUIRE(vsg_start(context, &offset) == 0 && offset.tv_sec == 981173106);
  REQUIRE(vsg_start(context, NULL) == EALREADY);
  REQUIRE(vsg_poll(context) == EAGAIN);
  REQUIRE(vsg_recv(context, NULL, NULL, &size, message) == EAGAIN);
  REQUIRE(vsg_send(context, inet_addr("10.9.9.9"), 4, message) == 0); /* dropped, as TANSIV does */
  REQUIRE(vsg_send(context, inet_addr(argv[3]), MAX_PACKET_SIZE + 1, message) == EMSGSIZE);
  REQUIRE(vsg_may_start_send(context, NULL) == 0);
  REQUIRE(vsg_send(context, inet_addr(argv[3]), 5, message) == 0);
  while (called == 0) {
  }
  REQUIRE(left_alone);
  uint32_t from = 0, to = 0;
  REQUIRE(vsg_poll(context) == 0);
  size = 2;
  REQUIRE(vsg_recv(context, &from, &to, &size, message) == EMSGSIZE);
  size = sizeof message;
  REQUIRE(vsg_recv(context, &from, &to, &size, message) == 0);
  REQUIRE(from == inet_addr(argv[3]) && to == inet_addr(argv[2]) && size == 5 && called == 1 && deadlines >= 1);
  printf("%s at %ld.%06ld\n", (const char*)message, (long)when.tv_sec, (long)when.tv_usec);
  vsg_cleanup(context);
  return 0;
}
