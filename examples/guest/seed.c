// Seeds the kernel's random number generator from a text. Without this a guest's first random numbers wait for, and depend on,
// interrupt timing; with it ASLR, TCP sequence numbers and /dev/urandom follow from the guest's MAC address alone.
// Worthless as a secret, and meant to be.
#include <fcntl.h>
#include <linux/random.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "commands.h"

enum { kSeedBytes = 32 };

static void expand(const char* text, unsigned char out[kSeedBytes]) {
  uint64_t state = 0xcbf29ce484222325ULL;  // FNV-1a over the text, then the generator spreads it
  for (; *text != '\0'; ++text) state = (state ^ (unsigned char)*text) * 0x100000001b3ULL;
  if (state == 0) state = 1;  // the generator's only fixed point
  for (int i = 0; i < kSeedBytes; i += 8) {
    const uint64_t word = next_random(&state);
    memcpy(out + i, &word, sizeof word);
  }
}

int seed_command(int argc, char** argv) {
  struct {
    int entropy_bits;
    int size;
    unsigned char bytes[kSeedBytes];
  } pool = {.entropy_bits = kSeedBytes * 8, .size = kSeedBytes};
  expand(argc > 0 ? argv[0] : "reprise", pool.bytes);
  const int fd = open("/dev/urandom", O_RDWR);
  if (fd < 0) die("/dev/urandom");
  if (ioctl(fd, RNDADDENTROPY, &pool) != 0) die("RNDADDENTROPY");
  if (ioctl(fd, RNDRESEEDCRNG) != 0) die("RNDRESEEDCRNG");
  close(fd);
  return 0;
}
