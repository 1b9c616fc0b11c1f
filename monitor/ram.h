/* monitor/ram.h: all of the guest's RAM that was ever written, as runs of bytes. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MONITOR_RAM_H
#define MONITOR_RAM_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mb_vm;

/* A walk over RAM by address. Zero it, then set vm. */
struct mon_ram {
  const struct mb_vm *vm;
  uint64_t page;        /* to look at next */
  uint8_t *touched;     /* by page; owned; NULL: all of them may be */
  const uint8_t *bytes; /* the present run */
  size_t n;
};
/* Guest-physical address of RAM page i. */
uint64_t mon_ram_address(const struct mb_vm *vm, uint64_t page);
/* The next run: touched pages that lie behind each other in guest and host memory. `page` is that behind it. False:
 * there is none. */
bool mon_ram_next(struct mon_ram *r);
void mon_ram_end(struct mon_ram *r);
#endif
