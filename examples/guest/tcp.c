// Bulk TCP from one guest to another, of bytes that do not compress, timed by the guests' own clocks.
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "commands.h"

enum { kBufferBytes = 65536 };

static int connect_with_patience(struct in_addr address) {
  const struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(kTcpPort), .sin_addr = address};
  for (int attempt = 0; attempt < kConnectAttempts; ++attempt) {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0) die("TCP socket");
    if (connect(fd, (const struct sockaddr*)&to, sizeof to) == 0) return fd;
    close(fd);  // a peer that still boots refuses or does not answer
    sleep_ns(kConnectPauseMs * 1000000LL);
  }
  die("connect to port 5001");
}

int tcp_send_command(int argc, char** argv) {
  if (argc < 2) return 2;
  static uint64_t buffer[kBufferBytes / 8];
  const uint64_t bytes = parse_number("bytes", argv[1], 1, UINT64_C(1) << 40);
  const int fd = connect_with_patience(parse_address(argv[0]));
  const int64_t start = monotonic_ns();
  uint64_t random = 1;
  for (uint64_t left = bytes; left > 0;) {
    for (int i = 0; i < kBufferBytes / 8; ++i) buffer[i] = next_random(&random);
    const uint64_t piece = left < kBufferBytes ? left : kBufferBytes;
    for (uint64_t done = 0; done < piece;) {
      const ssize_t n = send(fd, (const char*)buffer + done, piece - done, MSG_NOSIGNAL);
      if (n < 0) die("send");
      done += (uint64_t)n;
    }
    left -= piece;
  }
  shutdown(fd, SHUT_WR);
  char end;
  if (recv(fd, &end, 1, 0) != 0) die("end of connection");  // the peer closes when it has everything
  printf("tcp-send: bytes=%llu ns=%lld\n", (unsigned long long)bytes, (long long)(monotonic_ns() - start));
  return 0;
}

int tcp_receive_command(int argc, char** argv) {
  (void)argc;
  (void)argv;
  static char buffer[kBufferBytes];
  const int one = 1;
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  const struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(kTcpPort)};
  if (listener < 0 || setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) != 0 ||
      bind(listener, (const struct sockaddr*)&any, sizeof any) != 0 || listen(listener, 1) != 0)
    die("TCP port 5001");
  printf("tcp-receive: ready\n");
  const int fd = accept(listener, NULL, NULL);
  if (fd < 0) die("accept");
  const int64_t start = monotonic_ns();
  uint64_t bytes = 0;
  ssize_t n;
  while ((n = recv(fd, buffer, sizeof buffer, 0)) > 0) bytes += (uint64_t)n;
  if (n < 0) die("recv");
  const int64_t ns = monotonic_ns() - start;
  close(fd);
  close(listener);
  printf("tcp-receive: bytes=%llu ns=%lld\n", (unsigned long long)bytes, (long long)ns);
  sleep_ns(500 * 1000000LL);  // so that the last ACKs leave before the guest powers off
  return 0;
}
