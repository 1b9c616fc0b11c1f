/* monitor/kernel_map.h: memory of a Linux kernel by its own page tables, whether a TLB has it or not. */
/* SPDX-License-Identifier: Apache-2.0 */
/* The guest is not touched: no TLB entry moves. Never for user addresses. */
#ifndef MONITOR_KERNEL_MAP_H
#define MONITOR_KERNEL_MAP_H
#include "monitor/layout.h"
#include <stddef.h>

struct mb_vm;

struct mon_kernel_map {
  const struct mb_vm *vm;
  const struct mon_layout *l;
  uint64_t shift; /* bytes from where the kernel was linked to where it runs */
};

/* The page (MMU_PAGE_SIZE) that va is in, or NULL. */
const uint8_t *mon_kernel_page(const struct mon_kernel_map *k, uint64_t va);
bool mon_kernel_read(const struct mon_kernel_map *k, uint64_t va, void *to, size_t n);
/* A number of 1, 2, 4 or 8 bytes in the guest's order; an address. */
bool mon_kernel_number(const struct mon_kernel_map *k, uint64_t va, unsigned bytes, uint64_t *out);
bool mon_kernel_pointer(const struct mon_kernel_map *k, uint64_t va, uint64_t *out);
/* A string that fits with its end, and is printable. */
bool mon_kernel_text(const struct mon_kernel_map *k, uint64_t va, char *to, size_t room);
#endif
