/* Between the two halves of the library: one round trip with the host. */
#ifndef REPRISE_CLIENT_CONNECTION_H
#define REPRISE_CLIENT_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>

#include "process_hooks/client_protocol.h"

struct reprise_client;

/* Sends `request` with `size` bytes of `data` and takes the reply, with up to `capacity` bytes of payload. The reply's result, or an error
 * of reprise_client.h; then `*reply` may not be set. */
int reprise_call(struct reprise_client* client, const struct reprise_request* request, const void* data, size_t size,
                 struct reprise_reply* reply, void* buffer, size_t capacity);

/* True, then false: the calling thread is in a signal handler, in which calls must leave standard output's buffer alone. */
void reprise_in_signal_handler(bool in_handler);

#endif
