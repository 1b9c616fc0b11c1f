/* guests/splash/libc.c: memory, printing, time, the end. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "../bare/board-map.h"
#include "../bare/print.h"
#include "../mirrorball-guest.h"
#include "os.h"

enum { UART_LSR = 5, UART_READY = 0x20, UART_STRIDE = 4, PAGE = 4096 };
enum { GIC_COUNTER = 0x10, GIC_COUNTER_HIGH = 0x14 };

size_t memory_end;
static struct lock memory_lock;
static char *memory = heap_begin;

void *take_memory(size_t n) {
  lock_take(&memory_lock);
  char *from = memory;
  size_t left = (size_t)((char *)KSEG0(0) + memory_end - memory);
  bool fits = n <= left;
  if (fits) memory += (n + PAGE - 1) & -(size_t)PAGE;
  lock_give(&memory_lock);
  if (fits) return from;
  print("%s: out of memory: %lu bytes asked, %lu left; give the machine more (--mem)\n", splash_name, (unsigned long)n,
        (unsigned long)left);
  finish(2);
}

/* The compiler wants these two. */
void *memcpy(void *restrict to, const void *restrict from, size_t n);
void *memcpy(void *restrict to, const void *restrict from, size_t n) {
  char *t = to;
  for (const char *f = from; n; n--) *t++ = *f++;
  return to;
}
void *memset(void *to, int c, size_t n);
void *memset(void *to, int c, size_t n) {
  for (char *t = to; n; n--) *t++ = (char)c;
  return to;
}

static void put(char c) {
  volatile uint8_t *uart = KSEG1(DISCO_UART0);
  if (c == '\n') put('\r');
  while (!(uart[UART_LSR * UART_STRIDE] & UART_READY)) {
  }
  *uart = (uint8_t)c;
}

void print(const char *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  print_to(put, fmt, args);
  va_end(args);
}

static char *into;
static void put_into(char c) {
  *into++ = c;
}

void print_into(char *to, const char *fmt, ...) {
  va_list args;
  into = to;
  va_start(args, fmt);
  print_to(put_into, fmt, args);
  va_end(args);
}

_Noreturn void finish(int code) {
  *device(MB_GUEST_EXIT_GPA) = MB_GUEST_EXIT(code);
  for (;;) __asm__ volatile("wait");
}

_Noreturn void died(reg cause, reg epc, reg badvaddr) {
  print("%s: died of exception %u at %lx, bad address %lx\n", splash_name, (unsigned)(cause >> 2 & 31), epc, badvaddr);
  finish(99);
}

uint64_t now(void) {
  uint32_t high, low;
  do {
    high = *device(DISCO_GIC + GIC_COUNTER_HIGH);
    low = *device(DISCO_GIC + GIC_COUNTER);
  } while (high != *device(DISCO_GIC + GIC_COUNTER_HIGH));
  return (uint64_t)high << 32 | low;
}
