# A kernel that sleeps for a period of the 8254 timer (54.9 ms) without ever reading the TSC, prints a byte and ends in a triple fault.
  .section .multiboot, "a"
  .align 4
  .long 0x1badb002, 0, -0x1badb002

  .text
  .code32
  .globl _start
_start:
  cli
  lgdt gdt_register
  ljmp $0x08, $1f
1: mov $0x10, %ax
  mov %ax, %ds
  mov %ax, %es
  mov %ax, %ss
  mov $stack_top, %esp

  # Interrupt 0x20, which is made line 0 of the 8259s below.
  mov $on_timer, %eax
  mov %ax, idt + 0x20 * 8
  movw $0x08, idt + 0x20 * 8 + 2
  movw $0x8e00, idt + 0x20 * 8 + 4
  shr $16, %eax
  mov %ax, idt + 0x20 * 8 + 6
  lidt idt_register
  mov $0x11, %al  # four words to the first 8259: begin, first interrupt, where the second hangs, 8086 mode
  outb %al, $0x20
  mov $0x20, %al
  outb %al, $0x21
  mov $0x04, %al
  outb %al, $0x21
  mov $0x01, %al
  outb %al, $0x21
  mov $0xfe, %al  # all lines but the timer's are masked
  outb %al, $0x21

  mov $0x34, %al  # the 8254's counter 0: periodic, 65536 ticks
  outb %al, $0x43
  mov $0, %al
  outb %al, $0x40
  outb %al, $0x40
  sti
  hlt
  cli

  mov $0x3f8, %dx
  mov $'A', %al
  outb %al, %dx
  lidt no_idt_register
  int3
1: jmp 1b

on_timer:
  push %eax
  mov $0x20, %al
  outb %al, $0x20
  pop %eax
  iret

  .data
  .align 8
gdt:
  .quad 0, 0x00cf9a000000ffff, 0x00cf92000000ffff
gdt_register:
  .word 23
  .long gdt
idt_register:
  .word 0x21 * 8 - 1
  .long idt
no_idt_register:
  .word 0
  .long 0

  .bss
  .align 8
idt:
  .skip 0x21 * 8
  .skip 4096
stack_top:
