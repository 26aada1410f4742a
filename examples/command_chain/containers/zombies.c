// The full program: a generator makes an army of zombies, the generator is killed, and what became of the army is printed.
//
// usage: zombies COUNT
//
// A process that has ended stays in the process table, as a zombie, until its parent asks how it ended. When the parent ends first, process
// 1 of the PID name space inherits its children: a process 1 that reaps makes the zombies disappear, any other keeps them.
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kMostZombies = 10000, kPauseUs = 100000 };

/// Processes named "zombie" in state Z, of all that /proc shows here.
static int count_zombies(void) {
  int zombies = 0;
  DIR* proc = opendir("/proc");
  if (proc == NULL) {
    perror("zombies: /proc");
    exit(1);
  }
  for (const struct dirent* entry = readdir(proc); entry != NULL; entry = readdir(proc)) {
    char path[300];
    char name[32] = "";
    char state = '?';
    snprintf(path, sizeof path, "/proc/%s/stat", entry->d_name);
    FILE* stat = fopen(path, "r");
    if (stat == NULL) continue;
    if (fscanf(stat, "%*d (%31[^)]) %c", name, &state) == 2 && strcmp(name, "zombie") == 0 && state == 'Z') ++zombies;
    fclose(stat);
  }
  closedir(proc);
  return zombies;
}

/// Never asks how its children ended.
static void generate(int count) {
  prctl(PR_SET_NAME, "generator");
  for (int i = 0; i < count; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      prctl(PR_SET_NAME, "zombie");
      _exit(0);
    }
    if (child < 0) {
      perror("zombies: fork");
      break;
    }
  }
  for (;;) pause();
}

int main(int argc, char** argv) {
  const int count = argc == 2 ? atoi(argv[1]) : 0;
  if (count < 1 || count > kMostZombies) {
    fprintf(stderr, "usage: zombies COUNT     (1 to %d)\n", kMostZombies);
    return 2;
  }
  const pid_t generator = fork();
  if (generator < 0) {
    perror("zombies: fork");
    return 1;
  }
  if (generator == 0) generate(count);
  while (count_zombies() < count) usleep(kPauseUs);
  printf("zombies: the generator lives, %d zombies\n", count_zombies());
  kill(generator, SIGKILL);
  waitpid(generator, NULL, 0);
  usleep(kPauseUs);  // process 1 needs a moment to reap them, if it does
  printf("zombies: the generator is dead, %d zombies\n", count_zombies());
  return 0;
}
