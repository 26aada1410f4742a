/* In the place of the plugin: leaves as that does when it cannot read its trace, and says so in terminal codes. */
#include <unistd.h>

__attribute__((constructor)) static void refuse(void) {
  static const char kText[] = "\033[2Jchunk 7\n";
  _exit(write(STDERR_FILENO, kText, sizeof kText - 1) < 0 ? 1 : 3);
}
