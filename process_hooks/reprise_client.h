/*
 * With this library a native program takes part in a Reprise run: it has an address on the simulated network and lives in virtual time.
 * For C and C++. `reprise record` starts the program (an actor of function "vsg_vm" in the deployment); its input is replayed by
 * `reprise replay`.
 *
 * Virtual time. The program's clock stands still while it computes, however long that takes. Each call below costs it a constant time
 * (1 us, unless the deployment's <prop id="call-cost"> says otherwise; exempt are reprise_start, reprise_stop and reprise_address), and
 * passing time is what a call may wait for: a message, a time. All times are int64_t nanoseconds since the run's beginning, from 0. A call
 * blocks as long as the rest of the run needs to get to the same virtual time.
 *
 * Output. What the program writes to its standard output and error is recorded at the virtual time that it has reached. Each call flushes
 * `stdout` first, so that this is the time at which it was printed.
 *
 * Errors. Functions return 0 or a positive count when they succeed, and a negative errno value when not. Besides those named at each
 * function, each that takes a client may return:
 *   -EINVAL   an argument is a null pointer or out of range
 *   -EPERM    called in a child of the process that called reprise_start (after fork): the connection is the parent's alone
 *   -ENOTCONN after reprise_stop
 *   -EIO      the connection to Reprise is broken; every later call fails the same way
 *
 * Threads. Calls may come from any thread; a lock puts them one after another. But which thread comes first is the host's affair, so only
 * programs of which one thread at a time can call are recorded the same way twice, and replay. Not for use in signal handlers.
 */
#ifndef REPRISE_CLIENT_H
#define REPRISE_CLIENT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define REPRISE_API __attribute__((visibility("default")))
#else
#define REPRISE_API
#endif

/** The largest message in bytes. Up to 1,472 fit into an Ethernet frame of the usual 1,500; larger ones travel as jumbo frames, which other
 * processes receive and the NICs of virtual machines drop. */
#define REPRISE_MAX_MESSAGE 8972

/** A time that never comes: waits without end. */
#define REPRISE_NEVER INT64_MAX

/** How many received messages wait for the program before further ones are dropped (and counted: `lost`). */
#define REPRISE_DEFAULT_QUEUE 1024

/* C has no namespaces: NOLINTBEGIN(readability-identifier-naming) */
struct reprise_client;

struct reprise_endpoint {
  uint32_t address; /**< IPv4, in network byte order as inet_addr() gives it */
  uint16_t port;    /**< UDP, in host byte order */
};

struct reprise_message {
  struct reprise_endpoint from;
  struct reprise_endpoint to; /**< our address, or the broadcast address that it was sent to */
  int64_t arrived_ns;         /**< when it reached us */
  size_t size;                /**< bytes */
  uint32_t lost;              /**< messages that found the queue full since the last one that was received */
};

/**
 * Joins the run. `connection`: NULL takes it from the environment (REPRISE_CLIENT_SOCKET); programs for TANSIV have the same text in
 * argv[1].
 * `*client` lives until the process ends; there is one, whatever is returned. No virtual time passes.
 *   -ENOENT          no connection is named: Reprise did not start this program
 *   -EBADF           `connection` is not one of Reprise's
 *   -EALREADY        was called before in this process
 *   -EPROTONOSUPPORT this library and the `reprise` that started the program are of different versions
 */
REPRISE_API int reprise_start(const char* connection, struct reprise_client** client);

/**
 * Leaves the run; the program may go on for itself. Nothing reaches it any more and its virtual time stands still. Its part of the run ends
 * when the process does, whether it called this or not. Never blocks.
 */
REPRISE_API int reprise_stop(struct reprise_client* client);

/**
 * Sends `size` bytes as one UDP datagram to `to`, from port `from_port` of our address. Does not wait for its arrival; it may be lost, as
 * the platform says. Datagrams to one receiver arrive in order. To our own address it arrives at once. `data` may be NULL when `size` is 0.
 *   -EMSGSIZE     more than REPRISE_MAX_MESSAGE bytes
 *   -EHOSTUNREACH nobody in the deployment has that address; 255.255.255.255, and our subnet's broadcast address, reach all
 */
REPRISE_API int reprise_send(struct reprise_client* client, const struct reprise_endpoint* to, uint16_t from_port, const void* data,
                             size_t size);

/**
 * Takes the oldest message that has arrived, to whatever port, into `buffer`; waits for one up to `timeout_ns` of virtual time (0: does not
 * wait; REPRISE_NEVER: without end). `message` may be NULL.
 *   -EAGAIN   none came within the timeout
 *   -EMSGSIZE it is larger than `capacity`: it stays where it is, `message->size` says how large it is
 */
REPRISE_API int reprise_receive(struct reprise_client* client, int64_t timeout_ns, struct reprise_message* message, void* buffer,
                                size_t capacity);

/** The number of messages that can be received without waiting; waits for the first up to `timeout_ns`. */
REPRISE_API int reprise_poll(struct reprise_client* client, int64_t timeout_ns);

/** The virtual time. Recorded as a clock read. */
REPRISE_API int reprise_now(struct reprise_client* client, int64_t* now_ns);

/** Waits until `at_ns`; returns at once (after the call's cost) when that is over. Messages that arrive meanwhile are kept. */
REPRISE_API int reprise_sleep_until(struct reprise_client* client, int64_t at_ns);

/** Our IPv4 address in network byte order, or 0 when the deployment gives none. `client` must not be NULL. */
REPRISE_API uint32_t reprise_address(const struct reprise_client* client);

/* NOLINTEND(readability-identifier-naming) */

#ifdef __cplusplus
}
#endif

#endif
