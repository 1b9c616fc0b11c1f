/* guests/kernel/main.c: the small kernel's beginning and its end. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "../bare/print.h"
#include "kernel.h"

uint32_t memory_size;
char boot_line[128];

void say(const char *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  print_to(board_put, fmt, args);
  va_end(args);
}

_Noreturn void panic(const char *what, const struct frame *f) {
  say("\nown kernel: %s\n", what);
  if (f)
    say("cause %lx epc %lx badvaddr %lx status %lx\n", f->cause & 0xffffffff, f->epc, f->badvaddr,
        f->status & 0xffffffff);
  board_off(99);
}

/* The firmware's argv: 32-bit pointers even for a 64-bit kernel. [0] is the kernel's name. */
static void read_boot_line(reg argc, const int32_t *argv) {
  size_t n = 0;
  for (reg i = 1; i < argc && i < 32; i++) {
    const char *s = (const char *)(intptr_t)argv[i];
    if (n) boot_line[n++] = ' ';
    while (s && *s && n < sizeof boot_line - 2) boot_line[n++] = *s++;
  }
}

void kernel_main(reg argc, const int32_t *argv, reg env, reg memory);
void kernel_main(reg argc, const int32_t *argv, reg env, reg memory) {
  (void)env;
  union {
    uint32_t word;
    char first;
  } order = {1};
  memory_size = memory < 0x1000000 ? 0x1000000 : memory > 0x10000000 ? 0x10000000 : (uint32_t)memory;
  read_boot_line(argc, argv);
  say("mirrorball: own kernel, %d bit %s-endian, cpu %08x, %u TLB entries, %u MB\n", SZ * 8,
      order.first ? "little" : "big", get32(CP0_PRID), (get32(CP0_CONFIG1) >> 25 & 63) + 1, memory_size >> 20);
  memory_init(memory_size);
  tlb_init();
  process_init(user_image, (size_t)(user_image_end - user_image));
  set32(CP0_COMPARE, get32(CP0_COUNT) + TICK);
  resume(current);
}
