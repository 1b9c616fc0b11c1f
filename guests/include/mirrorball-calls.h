/* guests/include/mirrorball-calls.h: what a guest may ask of mirrorball: pages, console, verdict, host functions. */
/* SPDX-License-Identifier: Apache-2.0 */
/* For kernels and bare programs, in C, 32 and 64 bits, either byte order; for modules of Linux, too. A call is a struct
 * mb_call in memory, and a 32-bit store of its guest-physical address to MB_CALL_GPA: it is done, and the answer there,
 * before the next instruction. So a call needs no lock, and an interrupt does not disturb it. On hardware, and on other
 * emulators of Malta, nothing is there: ask mb_calls_present() first.
 *
 * Addresses of pages are guest-physical, the others virtual: what kseg0 and xkphys reach, or what the TLB holds.
 * Host functions: `mirrorball run --host-calls FILE.so`. */
#ifndef MIRRORBALL_CALLS_H
#define MIRRORBALL_CALLS_H
#define MB_CALL_GPA  0x1f000a04
#define MB_CALL_MARK 0x4d424331 /* what it reads as */

#define MB_CALL_NOTHING    0
#define MB_CALL_ZERO_PAGES 1 /* address, pages: they are zeros now */
#define MB_CALL_FREE_PAGES 2 /* the same: nobody wants what they hold */
#define MB_CALL_REMAP      3 /* to, from, pages: a copy, which takes no memory while both stay alike */
#define MB_CALL_CONSOLE    4 /* text, bytes */
#define MB_CALL_EXIT       5 /* code, 0 to 65535: ends the run; see mirrorball-guest.h */
#define MB_CALL_FIND       6 /* a host function's name: its number */
#define MB_CALL_HOST       7 /* number, arguments, bytes of a slot */

#define MB_CALL_OK       0
#define MB_CALL_UNKNOWN  1 /* no such call, or no such host function */
#define MB_CALL_ADDRESS  2 /* an address leads nowhere, or may not be written to */
#define MB_CALL_ARGUMENT 3 /* a value out of bounds */
#define MB_CALL_FAILED   4 /* the host has no memory for it */

#ifndef __ASSEMBLER__
#ifdef __KERNEL__
#include <linux/stdarg.h>
#include <linux/types.h>
#else
#include <stdarg.h>
#include <stdint.h>
#endif

struct mb_call {
  uint32_t call, error;
  uint64_t arg[4], result;
} __attribute__((aligned(8)));

/* The registers and the address of a call, for a kernel that runs in kseg0 and has its stack there. Others (Linux) say
 * what they have. */
#ifndef MB_CALL_REGISTER
#define MB_CALL_REGISTER        ((volatile uint32_t *)(long)(int32_t)(0xa0000000u | MB_CALL_GPA))
#define MB_CALL_ADDRESS_OF(ptr) ((uint32_t)(unsigned long)(ptr)&0x1fffffff)
#endif

static inline int mb_calls_present(void) {
  return *MB_CALL_REGISTER == MB_CALL_MARK;
}

static inline uint32_t mb_call_make(struct mb_call *c) {
  __asm__ volatile("sync" : : : "memory");
  *MB_CALL_REGISTER = MB_CALL_ADDRESS_OF(c);
  __asm__ volatile("sync" : : : "memory");
  return c->error;
}
static inline uint32_t mb_call(uint32_t call, uint64_t a, uint64_t b, uint64_t c) {
  struct mb_call made = {.call = call, .arg = {a, b, c}};
  return mb_call_make(&made);
}
static inline uint64_t mb_call_pointer(const void *p) {
  return (uint64_t)(int64_t)(long)p;
}

static inline uint32_t mb_zero_pages(uint64_t at, uint64_t pages) {
  return mb_call(MB_CALL_ZERO_PAGES, at, pages, 0);
}
static inline uint32_t mb_free_pages(uint64_t at, uint64_t pages) {
  return mb_call(MB_CALL_FREE_PAGES, at, pages, 0);
}
static inline uint32_t mb_remap(uint64_t to, uint64_t from, uint64_t pages) {
  return mb_call(MB_CALL_REMAP, to, from, pages);
}
static inline uint32_t mb_console(const char *text, unsigned long n) {
  return mb_call(MB_CALL_CONSOLE, mb_call_pointer(text), n, 0);
}
static inline uint32_t mb_exit(uint32_t code) {
  return mb_call(MB_CALL_EXIT, code, 0, 0);
}
static inline uint32_t mb_find(const char *name, uint32_t *number) {
  struct mb_call c = {.call = MB_CALL_FIND, .arg = {mb_call_pointer(name)}};
  uint32_t error = mb_call_make(&c);
  *number = (uint32_t)c.result;
  return error;
}
/* Call host function `number` with what follows, as for printf: a float goes as a double, each integer must have the
 * width its signature says. *result: an integer, or a double's bits. */
__attribute__((__unused__, __noinline__)) static uint32_t mb_host(uint32_t number, uint64_t *result, ...) {
  va_list list;
  struct mb_call c = {.call = MB_CALL_HOST};
  uint32_t error;
  va_start(list, result);
  c.arg[0] = number;
  c.arg[1] = mb_call_pointer(*(void **)&list); /* in o32 and n64: where the next argument lies */
  c.arg[2] = sizeof(long);
  error = mb_call_make(&c);
  va_end(list);
  *result = c.result;
  return error;
}
#endif
#endif
