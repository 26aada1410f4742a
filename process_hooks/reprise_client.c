#include "process_hooks/reprise_client.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "process_hooks/client_connection.h"
#include "process_hooks/client_protocol.h"

/* Whoever runs a program for a trace that may be a stranger's looks for this text in it. */
__attribute__((used)) static const char kMark[] = REPRISE_CLIENT_MARK;

struct reprise_client {
  pthread_mutex_t lock;
  pid_t owner; /* 0: not started */
  int fd;
  bool stopped;
  bool broken;
  uint32_t address;
};

static struct reprise_client the_client = {.lock = PTHREAD_MUTEX_INITIALIZER, .fd = -1};

/* Of a thread: another may go on with its own calls meanwhile. */
static _Thread_local volatile sig_atomic_t in_signal_handler = 0;

void reprise_in_signal_handler(bool in_handler) {
  in_signal_handler = in_handler;
}

static bool send_request(int fd, const struct reprise_request* request, const void* data, size_t size) {
  struct iovec parts[2] = {{(void*)request, sizeof *request}, {(void*)data, size}};
  const struct msghdr message = {.msg_iov = parts, .msg_iovlen = size != 0 ? 2 : 1};
  ssize_t sent;
  do {
    sent = sendmsg(fd, &message, MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  return sent == (ssize_t)(sizeof *request + size);
}

/* Takes up to `capacity` bytes of payload. A packet that is no reply breaks the connection. */
static bool take_reply(int fd, struct reprise_reply* reply, void* buffer, size_t capacity) {
  struct iovec parts[2] = {{reply, sizeof *reply}, {buffer, capacity}};
  struct msghdr message = {.msg_iov = parts, .msg_iovlen = capacity != 0 ? 2 : 1};
  ssize_t got;
  do {
    got = recvmsg(fd, &message, 0);
  } while (got < 0 && errno == EINTR);
  return got >= (ssize_t)sizeof *reply && (message.msg_flags & MSG_TRUNC) == 0;
}

static int exchange(struct reprise_client* client, const struct reprise_request* request, const void* data, size_t size,
                    struct reprise_reply* reply, void* buffer, size_t capacity) {
  if (client->broken || !send_request(client->fd, request, data, size) || !take_reply(client->fd, reply, buffer, capacity)) {
    client->broken = true;
    return -EIO;
  }
  return reply->result;
}

int reprise_call(struct reprise_client* client, const struct reprise_request* request, const void* data, size_t size,
                 struct reprise_reply* reply, void* buffer, size_t capacity) {
  if (client == NULL) {
    return -EINVAL;
  }
  /* Before the lock: the parent may have held it when it forked. */
  if (client->owner != getpid()) {
    return -EPERM;
  }
  /* What was printed belongs to the time before the call. */
  if (in_signal_handler == 0) {
    fflush(stdout);
  }
  pthread_mutex_lock(&client->lock);
  const int result = client->stopped ? -ENOTCONN : exchange(client, request, data, size, reply, buffer, capacity);
  pthread_mutex_unlock(&client->lock);
  return result;
}

static int say_hello(struct reprise_client* client, int fd) {
  const struct reprise_request hello = {.type = REPRISE_HELLO, .argument = REPRISE_PROTOCOL_VERSION};
  struct reprise_reply reply = {0};
  fcntl(fd, F_SETFD, FD_CLOEXEC);
  client->fd = fd;
  const int result = exchange(client, &hello, NULL, 0, &reply, NULL, 0);
  if (result == 0) {
    client->address = reply.from_address;
    client->owner = getpid();
  }
  return result;
}

int reprise_start(const char* connection, struct reprise_client** client) {
  if (client == NULL) {
    return -EINVAL;
  }
  const char* name = connection != NULL ? connection : getenv(REPRISE_CONNECTION_VARIABLE);
  if (name == NULL || *name == '\0') {
    return -ENOENT;
  }
  int type = 0;
  socklen_t length = sizeof type;
  if (strcmp(name, REPRISE_CONNECTION_NAME) != 0 || getsockopt(REPRISE_CONNECTION_FD, SOL_SOCKET, SO_TYPE, &type, &length) != 0 ||
      type != SOCK_SEQPACKET) {
    return -EBADF;
  }
  if (the_client.owner != 0 && the_client.owner != getpid()) {
    return -EPERM;
  }
  pthread_mutex_lock(&the_client.lock);
  const int result = the_client.owner != 0 ? -EALREADY : say_hello(&the_client, REPRISE_CONNECTION_FD);
  pthread_mutex_unlock(&the_client.lock);
  if (result == 0) {
    *client = &the_client;
  }
  return result;
}

int reprise_stop(struct reprise_client* client) {
  const struct reprise_request request = {.type = REPRISE_STOP};
  struct reprise_reply reply;
  const int result = reprise_call(client, &request, NULL, 0, &reply, NULL, 0);
  if (result == 0) {
    pthread_mutex_lock(&client->lock);
    client->stopped = true;
    pthread_mutex_unlock(&client->lock);
  }
  return result;
}

int reprise_send(struct reprise_client* client, const struct reprise_endpoint* to, uint16_t from_port, const void* data, size_t size) {
  if (to == NULL || (data == NULL && size != 0)) {
    return -EINVAL;
  }
  if (size > REPRISE_MAX_MESSAGE) {
    return -EMSGSIZE;
  }
  const struct reprise_request request = {.type = REPRISE_SEND, .address = to->address, .to_port = to->port, .from_port = from_port};
  struct reprise_reply reply;
  return reprise_call(client, &request, data, size, &reply, NULL, 0);
}

int reprise_receive(struct reprise_client* client, int64_t timeout_ns, struct reprise_message* message, void* buffer, size_t capacity) {
  if (timeout_ns < 0 || (buffer == NULL && capacity != 0)) {
    return -EINVAL;
  }
  capacity = capacity < REPRISE_MAX_MESSAGE ? capacity : REPRISE_MAX_MESSAGE;
  const struct reprise_request request = {.type = REPRISE_RECEIVE, .argument = (uint32_t)capacity, .time_ns = timeout_ns};
  struct reprise_reply reply = {0};
  const int result = reprise_call(client, &request, NULL, 0, &reply, buffer, capacity);
  if (message != NULL && (result == 0 || result == -EMSGSIZE)) {
    message->from = (struct reprise_endpoint){reply.from_address, reply.from_port};
    message->to = (struct reprise_endpoint){reply.to_address, reply.to_port};
    message->arrived_ns = reply.arrived_ns;
    message->size = reply.argument;
    message->lost = reply.lost;
  }
  return result;
}

int reprise_poll(struct reprise_client* client, int64_t timeout_ns) {
  if (timeout_ns < 0) {
    return -EINVAL;
  }
  const struct reprise_request request = {.type = REPRISE_POLL, .time_ns = timeout_ns};
  struct reprise_reply reply = {0};
  const int result = reprise_call(client, &request, NULL, 0, &reply, NULL, 0);
  return result == 0 ? (int)reply.waiting : result;
}

int reprise_now(struct reprise_client* client, int64_t* now_ns) {
  if (now_ns == NULL) {
    return -EINVAL;
  }
  const struct reprise_request request = {.type = REPRISE_NOW};
  struct reprise_reply reply = {0};
  const int result = reprise_call(client, &request, NULL, 0, &reply, NULL, 0);
  if (result == 0) {
    *now_ns = reply.now_ns;
  }
  return result;
}

int reprise_sleep_until(struct reprise_client* client, int64_t at_ns) {
  const struct reprise_request request = {.type = REPRISE_SLEEP, .time_ns = at_ns};
  struct reprise_reply reply;
  return reprise_call(client, &request, NULL, 0, &reply, NULL, 0);
}

uint32_t reprise_address(const struct reprise_client* client) {
  return client->address;
}
