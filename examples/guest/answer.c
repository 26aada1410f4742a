// Leaves the answering to the kernel (ping replies) and ends when the given number of different peers said bye.
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "commands.h"

enum { kMaxPeers = 64 };

int answer_command(int argc, char** argv) {
  const int wanted = (int)parse_number("number of byes", argc > 0 ? argv[0] : "1", 1, kMaxPeers);
  const int fd = socket(AF_INET, SOCK_DGRAM, 0);
  const struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(kByePort)};
  if (fd < 0 || bind(fd, (const struct sockaddr*)&any, sizeof any) != 0) die("UDP port 9");
  printf("answer: ready\n");
  in_addr_t gone[kMaxPeers];
  int count = 0;
  while (count < wanted) {
    char text[8];
    struct sockaddr_in from = {0};
    socklen_t from_size = sizeof from;
    if (recvfrom(fd, text, sizeof text, 0, (struct sockaddr*)&from, &from_size) != 3 || memcmp(text, "bye", 3) != 0) continue;
    int known = 0;
    for (int i = 0; i < count; ++i) known |= gone[i] == from.sin_addr.s_addr;
    if (known) continue;
    gone[count++] = from.sin_addr.s_addr;
    printf("answer: bye from %s\n", inet_ntoa(from.sin_addr));
  }
  close(fd);
  return 0;
}
