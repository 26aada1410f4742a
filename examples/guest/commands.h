// The work a demo guest can do; each command is one file. All of them print one line an event, so that a console log can be compared.
#pragma once

#include <arpa/inet.h>
#include <stdint.h>

enum { kByePort = 9, kTcpPort = 5001, kChatPort = 5002, kConnectAttempts = 300, kConnectPauseMs = 100 };

/// Each command takes its arguments after its own name and returns the process's exit code.
int seed_command(int argc, char** argv);
int ping_command(int argc, char** argv);
int answer_command(int argc, char** argv);
int tcp_send_command(int argc, char** argv);
int tcp_receive_command(int argc, char** argv);
int clocks_command(int argc, char** argv);
int chat_command(int argc, char** argv);
int validate_command(int argc, char** argv);
/// In examples/illusion/guest.
int illusion_command(int argc, char** argv);
int illusion_peer_command(int argc, char** argv);
int illusion_noise_command(int argc, char** argv);

/// Ends the process with a message if `text` is not a number from `low` to `high`.
uint64_t parse_number(const char* what, const char* text, uint64_t low, uint64_t high);
/// Ends the process with a message if `text` is not a dotted IPv4 address.
struct in_addr parse_address(const char* text);
/// Prints what failed, with errno's text, and ends the process.
__attribute__((noreturn)) void die(const char* what);

/// CLOCK_MONOTONIC in nanoseconds.
int64_t monotonic_ns(void);
void sleep_ns(int64_t ns);
/// A portable generator (xorshift64*), so that a guest's work does not hang on its C library's rand().
uint64_t next_random(uint64_t* state);
/// Pings `peer` until it answers at all; 0 if it does not within 50 s.
int wait_for_answer(struct in_addr peer);
/// One round trip to `peer` in ns, or -1 if no reply came within 5 s. `seq` differs from ping to ping.
int64_t ping_once(struct in_addr peer, uint16_t seq);
/// Tells the guest at `peer` that this one is done: three datagrams, because the simulated network may lose some.
void say_bye(struct in_addr peer);
