// What shows that the machine is emulated. None of it shows that somebody looks on: the same is seen in any QEMU.
#include <cpuid.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../guest/commands.h"
#include "attacks.h"

enum { kTimed = 1000, kPageBytes = 4096, kPages = 2048 };

static void show_cpuid(void) {
  unsigned eax;
  unsigned ebx;
  unsigned ecx;
  unsigned edx;
  __cpuid(1, eax, ebx, ecx, edx);
  emulation("cpuid.hypervisor-bit", (ecx >> 31) != 0 ? "set" : "clear");
  union {
    unsigned words[12];
    char text[49];
  } name;
  memset(&name, 0, sizeof name);
  __cpuid(0x40000000, eax, name.words[0], name.words[1], name.words[2]);
  emulation("cpuid.hypervisor", name.text);
  memset(&name, 0, sizeof name);
  for (unsigned i = 0; i < 3; ++i)
    __cpuid(0x80000002 + i, name.words[4 * i], name.words[4 * i + 1], name.words[4 * i + 2], name.words[4 * i + 3]);
  emulation("cpuid.brand", name.text);
}

static void show_file(const char* trace, const char* path) {
  char text[80] = "";
  FILE* file = fopen(path, "r");
  if (file == NULL || fgets(text, sizeof text, file) == NULL) snprintf(text, sizeof text, "not there");
  if (file != NULL) fclose(file);
  text[strcspn(text, "\n")] = '\0';
  emulation(trace, text);
}

static void show_time_of(const char* trace, int64_t ns, int64_t times) {
  char text[80];
  snprintf(text, sizeof text, "%lld.%03lld ns", (long long)(ns / times), (long long)(ns % times * 1000 / times));
  emulation(trace, text);
}

static void show_times(void) {
  uint64_t start = __rdtsc();
  for (int i = 0; i < kTimed; ++i) __asm__ volatile("nop\n nop\n nop\n nop\n nop\n nop\n nop\n nop\n nop\n nop");
  show_time_of("time.ten-nops-in-a-loop", tsc_to_ns((int64_t)(__rdtsc() - start)), kTimed);
  start = __rdtsc();
  for (int i = 0; i < kTimed; ++i) {
    unsigned eax = 0;
    unsigned ecx = 0;
    __asm__ volatile("cpuid" : "+a"(eax), "+c"(ecx) : : "ebx", "edx");
  }
  show_time_of("time.cpuid-in-a-loop", tsc_to_ns((int64_t)(__rdtsc() - start)), kTimed);
  volatile uint8_t* memory = malloc((size_t)kPages * kPageBytes);
  if (memory == NULL) die("memory");
  for (int i = 0; i < kPages; ++i) memory[(size_t)i * kPageBytes] = 1;
  start = __rdtsc();
  for (int i = 0; i < kPages; ++i) (void)memory[(size_t)i * kPageBytes];
  show_time_of("time.load-of-a-new-page", tsc_to_ns((int64_t)(__rdtsc() - start)), kPages);
  start = __rdtsc();
  for (int i = 0; i < kPages; ++i) (void)memory[0];
  show_time_of("time.load-again", tsc_to_ns((int64_t)(__rdtsc() - start)), kPages);
  free((void*)memory);
}

void show_emulation(void) {
  show_cpuid();
  show_file("dmi.vendor", "/sys/class/dmi/id/sys_vendor");
  show_file("dmi.product", "/sys/class/dmi/id/product_name");
  show_file("dmi.bios", "/sys/class/dmi/id/bios_vendor");
  show_file("pci.subsystem", "/sys/bus/pci/devices/0000:00:00.0/subsystem_vendor");
  show_times();
}
