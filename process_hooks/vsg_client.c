#include "process_hooks/tansiv-client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "process_hooks/client_connection.h"

enum {
  kNanosecondsInMicrosecond = 1000,
  kNanosecondsInSecond = 1000000000,
  kTickNs = 100000000,
  kDefaultBuffers = 100,
  kMostBuffers = 65536
};

struct vsg_context {
  const char* connection;
  const char* address_text;
  uint32_t address;
  time_t date; /* of virtual time 0, seconds since the epoch */
  uint32_t buffers;
  vsg_recv_cb recv_cb;
  uintptr_t recv_cb_arg;
  vsg_deadline_cb deadline_cb;
  uintptr_t deadline_cb_arg;
};

struct vsg_poll_send_cb {
  void (*callback)(uintptr_t arg);
  uintptr_t arg;
};

/* TANSIV's functions take contexts that are const. */
static struct {
  const struct vsg_context* context;
  struct reprise_client* client;
  timer_t timer;
  bool has_timer;
  atomic_int in_call;          /* the signal handler must not call in the middle of one */
  atomic_int calls_since_tick; /* the program is neither spinning nor computing for long */
  atomic_bool had_messages;
} state;

static void notice(const struct vsg_context* context, uint32_t waiting) {
  const bool had = atomic_exchange(&state.had_messages, waiting != 0);
  if (!had && waiting != 0 && context->recv_cb != NULL) {
    context->recv_cb(context->recv_cb_arg);
  }
}

/* A positive errno value, or 0. */
static int call(const struct vsg_context* context, const struct reprise_request* request, const void* data, size_t size,
                struct reprise_reply* reply, void* buffer, size_t capacity) {
  if (context == NULL || context != state.context) {
    return EINVAL;
  }
  atomic_fetch_add(&state.in_call, 1);
  const int result = reprise_call(state.client, request, data, size, reply, buffer, capacity);
  atomic_fetch_add(&state.calls_since_tick, 1);
  atomic_fetch_sub(&state.in_call, 1);
  const bool answered = result == 0 || result == -EAGAIN || result == -EMSGSIZE || result == -EHOSTUNREACH;
  if (answered) {
    notice(context, reply->waiting);
  }
  return answered || result == -EINVAL ? -result : EIO;
}

/* The program uses the CPU and does not call: it may wait for its callback. */
static void on_alarm(int signal_number) {
  (void)signal_number;
  if (atomic_load(&state.in_call) != 0 || atomic_exchange(&state.calls_since_tick, 0) != 0) {
    return;
  }
  const int errno_of_program = errno;
  const struct reprise_request tick = {.type = REPRISE_TICK, .time_ns = kTickNs};
  struct reprise_reply reply = {0};
  reprise_in_signal_handler(true); /* so are the program's callbacks */
  if (reprise_call(state.client, &tick, NULL, 0, &reply, NULL, 0) == 0) {
    notice(state.context, reply.waiting);
    if (state.context->deadline_cb != NULL) {
      const struct timespec now = {.tv_sec = reply.now_ns / kNanosecondsInSecond, .tv_nsec = reply.now_ns % kNanosecondsInSecond};
      state.context->deadline_cb(state.context->deadline_cb_arg, now);
    }
  }
  reprise_in_signal_handler(false);
  errno = errno_of_program;
}

static int start_ticking(void) {
  struct sigaction action = {.sa_handler = &on_alarm, .sa_flags = SA_RESTART};
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
  const struct itimerspec period = {{.tv_nsec = kTickNs}, {.tv_nsec = kTickNs}};
  sigemptyset(&action.sa_mask);
  if (sigaction(SIGALRM, &action, NULL) != 0 || timer_create(CLOCK_PROCESS_CPUTIME_ID, &event, &state.timer) != 0) {
    return EIO;
  }
  state.has_timer = true;
  return timer_settime(state.timer, 0, &period, NULL) == 0 ? 0 : EIO;
}

static void stop_ticking(void) {
  if (state.has_timer) {
    timer_delete(state.timer);
    state.has_timer = false;
  }
}

static bool parse_date(const char* text, time_t* date) {
  struct tm broken_down = {0};
  const char* end = strptime(text, "%Y-%m-%dT%H:%M:%S", &broken_down);
  if (end == NULL || *end != '\0') {
    return false;
  }
  *date = timegm(&broken_down);
  return true;
}

static bool parse_buffers(const char* text, uint32_t* buffers) {
  char* end = NULL;
  const unsigned long number = strtoul(text, &end, 10);
  *buffers = (uint32_t)number;
  return end != text && *end == '\0' && number >= 1 && number <= kMostBuffers;
}

static bool set_option(struct vsg_context* context, char option, const char* value) {
  switch (option) {
    case 'a':
      context->connection = value;
      return true;
    case 'n':
      context->address_text = value;
      return inet_pton(AF_INET, value, &context->address) == 1;
    case 't':
      return parse_date(value, &context->date);
    case 'b':
      return parse_buffers(value, &context->buffers);
    case 'w':
    case 'x':
      return true;
    default:
      return false;
  }
}

/* The index behind what was read, or -1. */
static int parse_arguments(struct vsg_context* context, int argc, const char* const argv[]) {
  bool has_date = false;
  for (int i = 0; i < argc; ++i) {
    const char* word = argv[i];
    if (strcmp(word, "--") == 0) {
      argc = i + 1;
      break;
    }
    const bool attached = word[0] == '-' && word[1] != '\0' && word[2] != '\0';
    const char* value = attached ? word + 2 : i + 1 < argc ? argv[i + 1] : NULL;
    if (word[0] != '-' || value == NULL || !set_option(context, word[1], value)) {
      fprintf(stderr, "vsg_init: '%s %s' is not understood\n", word, value == NULL || attached ? "" : value);
      return -1;
    }
    has_date = has_date || word[1] == 't';
    i += attached ? 0 : 1;
  }
  if (context->connection == NULL || context->address_text == NULL || !has_date) {
    fprintf(stderr, "vsg_init: -a, -n and -t are required\n");
    return -1;
  }
  return argc;
}

struct vsg_context* vsg_init(int argc, const char* const argv[], int* next_arg_p, vsg_recv_cb recv_cb, uintptr_t recv_cb_arg,
                             vsg_deadline_cb deadline_cb, uintptr_t deadline_cb_arg) {
  struct vsg_context* context = calloc(1, sizeof *context);
  if (context == NULL) {
    return NULL;
  }
  context->buffers = kDefaultBuffers;
  context->recv_cb = recv_cb;
  context->recv_cb_arg = recv_cb_arg;
  context->deadline_cb = deadline_cb;
  context->deadline_cb_arg = deadline_cb_arg;
  const int next = argv == NULL ? -1 : parse_arguments(context, argc, argv);
  if (next < 0) {
    free(context);
    return NULL;
  }
  if (next_arg_p != NULL) {
    *next_arg_p = next;
  }
  return context;
}

void vsg_cleanup(struct vsg_context* context) {
  if (context == NULL) {
    return;
  }
  if (state.context == context) {
    vsg_stop(context);
    state.context = NULL;
  }
  free(context);
}

int vsg_start(const struct vsg_context* context, struct timespec* offset) {
  if (context == NULL) {
    return EINVAL;
  }
  const int result = reprise_start(context->connection, &state.client);
  if (result != 0) {
    return result == -EALREADY ? EALREADY : result == -EIO ? EIO : EPROTO;
  }
  if (reprise_address(state.client) != context->address) {
    fprintf(stderr, "vsg_start: -n %s is not the address that the deployment gives\n", context->address_text);
    return EINVAL;
  }
  state.context = context;
  if (offset != NULL) {
    *offset = (struct timespec){.tv_sec = context->date};
  }
  const struct reprise_request queue = {.type = REPRISE_QUEUE, .argument = context->buffers};
  struct reprise_reply reply = {0};
  const int error = call(context, &queue, NULL, 0, &reply, NULL, 0);
  if (error != 0 || (context->recv_cb == NULL && context->deadline_cb == NULL)) {
    return error;
  }
  return start_ticking();
}

int vsg_stop(const struct vsg_context* context) {
  if (context == NULL || context != state.context) {
    return EINVAL;
  }
  stop_ticking();
  reprise_stop(state.client);
  return 0;
}

int vsg_gettimeofday(const struct vsg_context* context, struct timeval* timeval, void* timezone_ignored) {
  (void)timezone_ignored;
  const struct reprise_request request = {.type = REPRISE_NOW};
  struct reprise_reply reply = {0};
  const int error = call(context, &request, NULL, 0, &reply, NULL, 0);
  if (error == 0 && timeval != NULL) {
    timeval->tv_sec = context->date + reply.now_ns / kNanosecondsInSecond;
    timeval->tv_usec = reply.now_ns % kNanosecondsInSecond / kNanosecondsInMicrosecond;
  }
  return error;
}

int vsg_send(const struct vsg_context* context, uint32_t dest, uint32_t msglen, const uint8_t* msg) {
  if (msg == NULL && msglen != 0) {
    return EINVAL;
  }
  if (msglen > MAX_PACKET_SIZE) {
    return EMSGSIZE;
  }
  const struct reprise_request request = {
      .type = REPRISE_SEND, .address = dest, .to_port = REPRISE_VSG_PORT, .from_port = REPRISE_VSG_PORT};
  struct reprise_reply reply = {0};
  const int error = call(context, &request, msg, msglen, &reply, NULL, 0);
  return error == EHOSTUNREACH ? 0 : error;
}

int vsg_recv(const struct vsg_context* context, uint32_t* src, uint32_t* dest, uint32_t* msglen, uint8_t* msg) {
  const uint32_t capacity = msglen != NULL ? *msglen : 0;
  if (msg == NULL && capacity != 0) {
    return EINVAL;
  }
  const struct reprise_request request = {.type = REPRISE_RECEIVE, .argument = capacity};
  struct reprise_reply reply = {0};
  const int error = call(context, &request, NULL, 0, &reply, msg, capacity);
  if (error != 0) {
    return error;
  }
  if (src != NULL) {
    *src = reply.from_address;
  }
  if (dest != NULL) {
    *dest = reply.to_address;
  }
  if (msglen != NULL) {
    *msglen = reply.argument;
  }
  return 0;
}

int vsg_poll(const struct vsg_context* context) {
  const struct reprise_request request = {.type = REPRISE_POLL};
  struct reprise_reply reply = {0};
  const int error = call(context, &request, NULL, 0, &reply, NULL, 0);
  return error != 0 ? error : reply.waiting != 0 ? 0 : EAGAIN;
}

struct vsg_poll_send_cb* vsg_poll_send_callback_new(void (*callback)(uintptr_t arg), uintptr_t arg) {
  struct vsg_poll_send_cb* made = malloc(sizeof *made);
  if (made != NULL) {
    made->callback = callback;
    made->arg = arg;
  }
  return made;
}

void vsg_poll_send_callback_free(struct vsg_poll_send_cb* callback) {
  free(callback);
}

int vsg_may_start_send(const struct vsg_context* context, struct vsg_poll_send_cb* callback) {
  return context != NULL && callback != NULL;
}

void vsg_poll_send(const struct vsg_context* context, struct vsg_poll_send_cb* callback) {
  if (context != NULL && callback != NULL) {
    callback->callback(callback->arg);
  }
}

void vsg_stop_send(const struct vsg_context* context, struct vsg_poll_send_cb* callback) {
  vsg_poll_send(context, callback);
}
