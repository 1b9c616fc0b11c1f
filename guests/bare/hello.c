/* guests/bare/hello.c: the smallest program: a line on the console, what it runs on, and power-off. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "bare.h"

void program(void) {
  union {
    uint32_t word;
    uint8_t byte[4];
  } order = {1};
  REPORT("hello", "world");
  REPORT("machine", "%d bit, %s-endian, PRId %08x", SZ * 8, order.byte[0] ? "little" : "big", get32(CP0_PRID));
}
