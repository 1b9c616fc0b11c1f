/* guests/bare/calls.c: monitor calls: each of them, right and wrong. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Without the monitor (QEMU) it says so, and nothing else. Host functions are those of criterion-tests/host_calls.c;
 * where they were not loaded they are unknown. */
#include "../include/mirrorball-calls.h"
#include "bare.h"

enum { PAGE = 4096, FROM = SCRATCH, TO = SCRATCH + 0x10000, NOWHERE = 0x1e000000 };

static uint32_t *at(uint32_t pa) {
  return KSEG0(pa);
}
static bool is_all(uint32_t pa, uint32_t v) {
  for (int i = 0; i < PAGE / 4; i++)
    if (at(pa)[i] != v) return false;
  return true;
}
static void fill(uint32_t pa, uint32_t v) {
  for (int i = 0; i < PAGE / 4; i++) at(pa)[i] = v;
}

static void pages(void) {
  for (int i = 0; i < 4; i++) fill(FROM + i * PAGE, 0x12345678 + i);
  REPORT("zero", "%u", mb_zero_pages(FROM, 2));
  REPORT("zeros", "%d%d%d", is_all(FROM, 0), is_all(FROM + PAGE, 0), is_all(FROM + 2 * PAGE, 0x1234567a));
  REPORT("free", "%u", mb_free_pages(FROM + 2 * PAGE, 1));
  REPORT("freed", "%d", is_all(FROM + 2 * PAGE, 0));
  fill(TO, 7);
  REPORT("remap", "%u", mb_remap(TO, FROM + 3 * PAGE, 1));
  REPORT("remapped", "%d%d", is_all(TO, 0x1234567b), is_all(FROM + 3 * PAGE, 0x1234567b));
  fill(FROM + 3 * PAGE, 9);
  REPORT("apart", "%d", is_all(TO, 0x1234567b));
  REPORT("unaligned", "%u", mb_zero_pages(FROM + 4, 1));
  REPORT("nowhere", "%u", mb_zero_pages(NOWHERE, 1));
  REPORT("off the end", "%u", mb_free_pages(FROM, 0x20000));
  REPORT("too many", "%u", mb_free_pages(FROM, 0x123456789));
  REPORT("high", "%u", mb_zero_pages(0x100000000, 1));
  REPORT("overlap", "%u", mb_remap(FROM, FROM + PAGE, 2));
  REPORT("remap nowhere", "%u %u", mb_remap(NOWHERE, FROM, 1), mb_remap(FROM, NOWHERE, 1));
}

/* Code that is freed is gone from every translation. */
static void code(void) {
  static const uint32_t one[] = {0x24020001, 0x03e00008, 0}, two[] = {0x24020002, 0x03e00008, 0};
  for (int i = 0; i < 3; i++) at(FROM)[i] = one[i], at(TO)[i] = two[i];
  icache_sync(at(FROM), 16);
  int (*f)(void) = (int (*)(void))at(FROM);
  int sum = 0;
  for (int i = 0; i < 20000; i++) sum += f();
  REPORT("code", "%d", sum);
  REPORT("code remap", "%u", mb_remap(FROM, TO, 1));
  for (int i = 0; i < 20000; i++) sum += f();
  REPORT("code after", "%d", sum);
}

static void others(void) {
  struct mb_call c = {.call = 999, .result = 5};
  REPORT("unknown", "%u", mb_call_make(&c));
  REPORT("unknown result", "%u", (unsigned)c.result);
  REPORT("nothing", "%u", mb_call(MB_CALL_NOTHING, 1, 2, 3));
  static const char text[] = "calls console works\n";
  REPORT("console", "%u", mb_console(text, sizeof text - 1));
  REPORT("console nowhere", "%u", mb_console((const char *)0x00400000, 4));
  REPORT("console too long", "%u", mb_console(text, 1 << 20));
  REPORT("exit too large", "%u", mb_exit(0x10000));
  c.call = MB_CALL_NOTHING, c.error = 77;
  *MB_CALL_REGISTER = MB_CALL_ADDRESS_OF(&c) + 4; /* no block: nobody answers */
  *MB_CALL_REGISTER = NOWHERE;
  REPORT("no block", "%u", c.error);
}

static uint64_t call_sum;
static void many(void) { /* hot, so that compiled code makes calls */
  uint64_t r = 0;
  uint32_t n;
  if (mb_find("host_add", &n)) return;
  for (int i = 0; i < 20000; i++) {
    uint32_t e = mb_host(n, &r, i, (long long)call_sum);
    call_sum = r + e;
  }
  REPORT("many", "%08x", (unsigned)call_sum);
}

static void host(void) {
  uint32_t n;
  uint64_t r;
  static char buffer[] = "abcdef";
  uint32_t found = mb_find("host_add", &n);
  REPORT("find", "%u", mb_find("no such function", &n));
  REPORT("find nowhere", "%u", mb_find((const char *)0x00400000, &n));
  REPORT("call unknown", "%u", mb_host(12345, &r, 1));
  if (found) return;
  mb_find("host_add", &n);
  REPORT("add", "%u %x %x", mb_host(n, &r, -5, 0x123456789abcdefLL), (unsigned)(r >> 32), (unsigned)r);
  mb_find("host_scale", &n);
  const uint64_t two = 0x4000000000000000, three = 0x4008000000000000; /* doubles: this program is built without */
  REPORT("scale", "%u %x", mb_host(n, &r, 1, three, two), (unsigned)(r >> 32));
  mb_find("host_length", &n);
  REPORT("length", "%u %u", mb_host(n, &r, "a string"), (unsigned)r);
  REPORT("length nowhere", "%u", mb_host(n, &r, (char *)0x00400000));
  mb_find("host_reverse", &n);
  REPORT("reverse", "%u %u %s", mb_host(n, &r, buffer, 6ul), (unsigned)r, buffer);
  REPORT("reverse nowhere", "%u", mb_host(n, &r, (char *)0x00400000, 6ul));
  REPORT("reverse too long", "%u", mb_host(n, &r, buffer, 1ul << 24));
  many();
}

void program(void) {
  REPORT("present", "%d", mb_calls_present());
  if (!mb_calls_present()) return;
  pages();
  code();
  others();
  host();
}
