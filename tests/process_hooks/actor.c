/* A program that does what its first argument says, for process_run_test.cc. argv[1] is the connection. */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <reprise_client.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const uint16_t kPort = 4000;
static struct reprise_client* client;

static void require(bool holds, const char* what) {
  if (!holds) {
    printf("failed: %s\n", what);
    fflush(stdout);
    _exit(9);
  }
}
#define REQUIRE(condition) require(condition, #condition)

static int64_t now(void) {
  int64_t ns = -1;
  REQUIRE(reprise_now(client, &ns) == 0);
  return ns;
}

static void say(const char* text) {
  printf("%s at %" PRId64 "\n", text, now());
}

/* Sends argv[3] `count` messages, a millisecond apart, and waits for as many. */
static void exchange(const char* peer, int count) {
  const struct reprise_endpoint to = {inet_addr(peer), kPort};
  for (int i = 0; i < count; ++i) {
    REQUIRE(reprise_send(client, &to, kPort, &i, sizeof i) == 0);
    REQUIRE(reprise_sleep_until(client, (i + 1) * 1000000) == 0);
    say("slept");
  }
  for (int i = 0; i < count; ++i) {
    int number = -1;
    struct reprise_message message;
    REQUIRE(reprise_receive(client, REPRISE_NEVER, &message, &number, sizeof number) == 0);
    REQUIRE(message.size == sizeof number && number == i);
    say("received");
  }
}

/* Says something after each of `count` messages from `peer`, which the console's log has at once. */
static void talk(const char* peer, int count) {
  const struct reprise_endpoint to = {inet_addr(peer), kPort};
  setvbuf(stdout, NULL, _IOLBF, 0);
  for (int i = 0; i < count; ++i) {
    int number = -1;
    REQUIRE(reprise_send(client, &to, kPort, &i, sizeof i) == 0);
    REQUIRE(reprise_receive(client, REPRISE_NEVER, NULL, &number, sizeof number) == 0);
    say("heard");
  }
}

static void* call_often(void* unused) {
  for (int i = 0; i < 2000; ++i) now();
  return unused;
}

/* Each thread's calls are whole; together they cost as much as if one had made them. */
static void use_threads(void) {
  pthread_t threads[4];
  for (int i = 0; i < 4; ++i) REQUIRE(pthread_create(&threads[i], NULL, &call_often, NULL) == 0);
  for (int i = 0; i < 4; ++i) REQUIRE(pthread_join(threads[i], NULL) == 0);
  say("joined");
}

static void use_fork(void) {
  const pid_t child = fork();
  if (child == 0) {
    int64_t ns;
    struct reprise_client* again;
    _exit(reprise_now(client, &ns) == -EPERM && reprise_start(NULL, &again) == -EPERM ? 0 : 1);
  }
  int status = -1;
  REQUIRE(waitpid(child, &status, 0) == child && status == 0);
  say("the child was refused");
}

static void check_errors(void) {
  struct reprise_client* again;
  char byte;
  int64_t ns;
  const struct reprise_endpoint nobody = {inet_addr("10.9.9.9"), kPort};
  REQUIRE(reprise_start(NULL, &again) == -EALREADY);
  REQUIRE(reprise_start("elsewhere", &again) == -EBADF);
  REQUIRE(reprise_start(NULL, NULL) == -EINVAL);
  REQUIRE(reprise_send(client, &nobody, kPort, "x", 1) == -EHOSTUNREACH);
  REQUIRE(reprise_send(client, NULL, kPort, "x", 1) == -EINVAL);
  REQUIRE(reprise_send(client, &nobody, kPort, NULL, 1) == -EINVAL);
  REQUIRE(reprise_send(client, &nobody, kPort, "x", REPRISE_MAX_MESSAGE + 1) == -EMSGSIZE);
  REQUIRE(reprise_receive(client, 0, NULL, &byte, 1) == -EAGAIN);
  REQUIRE(reprise_receive(client, -1, NULL, &byte, 1) == -EINVAL);
  REQUIRE(reprise_poll(client, 1000) == 0);
  REQUIRE(reprise_poll(client, -1) == -EINVAL);
  REQUIRE(reprise_now(client, NULL) == -EINVAL);
  REQUIRE(reprise_now(NULL, &ns) == -EINVAL);
  REQUIRE(getenv("HOME") != NULL && getenv("USER") == NULL);
  REQUIRE(read(0, &byte, 1) == 0);
  say("all refused");
  REQUIRE(reprise_stop(client) == 0);
  REQUIRE(reprise_now(client, &ns) == -ENOTCONN);
}

static void leave_a_child(void) {
  if (fork() == 0) {
    prctl(PR_SET_NAME, "left-behind");
    for (;;) pause();
  }
  say("left a child");
}

int main(int argc, char** argv) {
  REQUIRE(argc > 2);
  const char* what = argv[2];
  if (strcmp(what, "silent") == 0) {
    printf("said nothing\n");
    return 0;
  }
  if (strcmp(what, "spin") == 0)
    for (volatile int i = 0;; ++i) {
    }
  REQUIRE(reprise_start(NULL, &client) == 0);
  if (strcmp(what, "exchange") == 0) exchange(argv[3], atoi(argv[4]));
  if (strcmp(what, "talk") == 0) talk(argv[3], atoi(argv[4]));
  if (strcmp(what, "threads") == 0) use_threads();
  if (strcmp(what, "fork") == 0) use_fork();
  if (strcmp(what, "errors") == 0) check_errors();
  if (strcmp(what, "sleep") == 0) REQUIRE(reprise_sleep_until(client, 1000000 * atoll(argv[3])) == 0);
  if (strcmp(what, "exit3") == 0) exit(3);
  if (strcmp(what, "close-output") == 0) {
    say("closing");
    fflush(stdout);
    close(1);
    close(2);
    REQUIRE(reprise_sleep_until(client, 100000000) == 0);
    REQUIRE(reprise_poll(client, 0) == 0);
  }
  if (strcmp(what, "crash") == 0) {
    say("crashing");
    fflush(stdout);
    raise(SIGSEGV);
  }
  if (strcmp(what, "host-clock") == 0) {
    struct timespec host;
    clock_gettime(CLOCK_MONOTONIC, &host);
    printf("%ld\n", host.tv_nsec);
    say("read the host's clock");
  }
  if (strcmp(what, "spin-late") == 0) {
    leave_a_child();
    say("spinning");
    fflush(stdout);
    for (volatile int i = 0;; ++i) {
    }
  }
  if (strcmp(what, "wait") == 0) REQUIRE(reprise_receive(client, REPRISE_NEVER, NULL, NULL, 0) == 0);
  return 0;
}
