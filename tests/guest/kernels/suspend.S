# A kernel that suspends its machine to RAM as its first act: SLP_EN and sleep type 1 into ACPI's PM1 control register.
  .section .multiboot, "a"
  .align 4
  .long 0x1badb002, 0, -0x1badb002

  .text
  .code32
  .globl _start
_start:
  mov $0x604, %dx
#ifdef BYTEWISE
  inc %dx
  mov $0x24, %al
  outb %al, %dx
#else
  mov $0x2400, %ax
  outw %ax, %dx
#endif
1: pause
  jmp 1b
