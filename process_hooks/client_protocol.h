/*
 * What the client library and the process host say to each other, version 1. Included by both: C.
 *
 * The program inherits one end of a Unix socket of type SOCK_SEQPACKET under number REPRISE_CONNECTION_FD; its name "fd:3" is in the
 * environment and in argv[1]. A packet is one struct and its payload. The client sends a request, the host answers each with one reply, in
 * order; nothing is sent unasked. Numbers are in host order (both ends are one machine) unless they are IPv4 addresses, which are in
 * network order. The first request is HELLO. The host believes nothing: a packet that it does not understand is answered with -EBADMSG.
 *
 * request      time_ns        address         ports      argument          reply's payload
 * HELLO        -              -               -          version           -              -EPROTONOSUPPORT, -EALREADY
 * STOP         -              -               -          -                 -
 * SEND         -              receiver's      both       -                 -              -EHOSTUNREACH, -EMSGSIZE; payload: the data
 * RECEIVE      timeout, >= 0  -               -          capacity          the data       -EAGAIN, -EMSGSIZE (size is in `argument`)
 * POLL         timeout, >= 0  -               -          -                 -
 * NOW          -              -               -          -                 -
 * SLEEP        until          -               -          -                 -
 * TICK         longest wait   -               -          -                 -              waits for a message that was not there before
 * QUEUE        -              -               -          messages, >= 1    -              how many may wait to be received
 */
#ifndef REPRISE_CLIENT_PROTOCOL_H
#define REPRISE_CLIENT_PROTOCOL_H

#include <stdint.h>

/* C has no namespaces: NOLINTBEGIN(readability-identifier-naming) */
enum { REPRISE_PROTOCOL_VERSION = 1, REPRISE_CONNECTION_FD = 3 };
#define REPRISE_CONNECTION_NAME "fd:3"
#define REPRISE_CONNECTION_VARIABLE "REPRISE_CLIENT_SOCKET"
/* Somewhere in each program that carries the library; the shared library's name is the other sign of one. */
#define REPRISE_CLIENT_MARK "reprise client library, protocol 1"

enum reprise_request_type {
  REPRISE_HELLO = 1,
  REPRISE_STOP = 2,
  REPRISE_SEND = 3,
  REPRISE_RECEIVE = 4,
  REPRISE_POLL = 5,
  REPRISE_NOW = 6,
  REPRISE_SLEEP = 7,
  REPRISE_TICK = 8,
  REPRISE_QUEUE = 9,
};

struct reprise_request {
  uint32_t type;
  uint32_t argument;
  int64_t time_ns;
  uint32_t address;
  uint16_t to_port;
  uint16_t from_port;
};

struct reprise_reply {
  int32_t result;   /* 0 or a negative errno value */
  uint32_t waiting; /* messages that can be received now */
  int64_t now_ns;
  int64_t arrived_ns; /* RECEIVE, as the five below */
  uint32_t argument;  /* bytes of the message */
  uint32_t lost;
  uint32_t from_address; /* HELLO: ours */
  uint32_t to_address;
  uint16_t from_port;
  uint16_t to_port;
  uint32_t zero;
};

/* NOLINTEND(readability-identifier-naming) */

#endif
