/*
 * TANSIV's names over reprise_client.h, so that its native programs compile unchanged. What each function means is TANSIV's; what differs:
 *
 * - Time. The program's clock stands still while it computes; each call costs 1 us (reprise_client.h). TANSIV's clock runs with the host's.
 * - Callbacks. `recv_cb` is called when the queue of received messages is no longer empty, as in TANSIV: at the end of a vsg call, or,
 *   when the program computes or spins without calling, in a signal handler (SIGALRM, which the program must leave alone). That comes each
 *   time the process has used 100 ms of CPU time without a call; up to 100 ms of virtual time then pass, until a message arrives.
 *   `deadline_cb` is called there too, with the new virtual time. A program that waits for its callback in another way than by using the
 *   CPU (pause(), say) waits for ever: it must use vsg_poll().
 * - Errors are positive errno values.
 */
#ifndef REPRISE_TANSIV_CLIENT_H
#define REPRISE_TANSIV_CLIENT_H

#include <stdint.h>
#include <sys/time.h>
#include <time.h>

#include "reprise_client.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The largest message in bytes. */
#define MAX_PACKET_SIZE 2048

/** The UDP port that vsg messages come from and go to. */
#define REPRISE_VSG_PORT 22099

struct vsg_context;
struct vsg_poll_send_cb;

typedef void (*vsg_recv_cb)(uintptr_t recv_cb_arg);
typedef void (*vsg_deadline_cb)(uintptr_t deadline_cb_arg, struct timespec deadline);

/**
 * Reads `argv` (without a program's name; `--` ends it): -a CONNECTION (the program's argv[1]), -n ADDRESS (ours, as in the deployment),
 * -t YYYY-MM-DDTHH:MM:SS (the date of virtual time 0, UTC), -b NUMBER (of messages that may wait, 1 to 65,536; default 100). -w and -x
 * (TANSIV's uplink rate and overhead) take a value and mean nothing here: the platform says both. Values may be attached (`-a...`). -a, -n
 * and -t are required. `*next_arg_p`, unless NULL, becomes the index behind the `--`, or `argc`. Callbacks may be NULL. Returns NULL when
 * an argument is wrong, with a message on standard error. One context a process; it lives until vsg_cleanup().
 */
REPRISE_API struct vsg_context* vsg_init(int argc, const char* const argv[], int* next_arg_p, vsg_recv_cb recv_cb, uintptr_t recv_cb_arg,
                                         vsg_deadline_cb deadline_cb, uintptr_t deadline_cb_arg);
/** Stops and frees. NULL is allowed. */
REPRISE_API void vsg_cleanup(struct vsg_context* context);

/** Joins the run. `*offset`, unless NULL, becomes what to add to virtual time for the context's. EINVAL (no context, or -n is not our
 * address), EALREADY, EPROTO, EIO. */
REPRISE_API int vsg_start(const struct vsg_context* context, struct timespec* offset);
/** Leaves the run. Unlike TANSIV's it returns at once. EINVAL. */
REPRISE_API int vsg_stop(const struct vsg_context* context);

/** The date of -t plus the virtual time, in whole microseconds. `timezone` is ignored. EINVAL, EIO. */
REPRISE_API int vsg_gettimeofday(const struct vsg_context* context, struct timeval* timeval, void* timezone);
/** `dest` in network byte order. A message to an address that nobody has is dropped, as TANSIV does. EINVAL, EMSGSIZE, EIO. */
REPRISE_API int vsg_send(const struct vsg_context* context, uint32_t dest, uint32_t msglen, const uint8_t* msg);
/** Takes the oldest message; `*msglen` is the buffer's size before and the message's after. `src` and `dest` may be NULL. Never waits.
 * EINVAL, EAGAIN (there is none), EMSGSIZE (unlike TANSIV's the message is not lost), EIO. */
REPRISE_API int vsg_recv(const struct vsg_context* context, uint32_t* src, uint32_t* dest, uint32_t* msglen, uint8_t* msg);
/** 0 when there is a message, EAGAIN when not; EINVAL, EIO. */
REPRISE_API int vsg_poll(const struct vsg_context* context);

/** TANSIV's back-pressure (of its later versions, whose header does not compile as C++: a type and a struct of one name). Our queue to the
 * network has no limit: vsg_may_start_send() is always true, callbacks are called at once. */
REPRISE_API struct vsg_poll_send_cb* vsg_poll_send_callback_new(void (*callback)(uintptr_t arg), uintptr_t arg);
REPRISE_API void vsg_poll_send_callback_free(struct vsg_poll_send_cb* callback);
REPRISE_API int vsg_may_start_send(const struct vsg_context* context, struct vsg_poll_send_cb* callback);
REPRISE_API void vsg_stop_send(const struct vsg_context* context, struct vsg_poll_send_cb* callback);
REPRISE_API void vsg_poll_send(const struct vsg_context* context, struct vsg_poll_send_cb* callback);

#ifdef __cplusplus
}
#endif

#endif
