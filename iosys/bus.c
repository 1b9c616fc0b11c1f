/* iosys/bus.c: find the row for an address, mind byte order and width, charge time, tell the hooks. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "iosys/bus.h"
#include <inttypes.h>
#include <stdio.h>

/* Where an access ended up. row is NULL when nothing answers there. */
struct target {
  const struct io_bus_row *row;
  uint64_t off;
  uint32_t stall_ns;
  uint8_t empty, width;
  bool little_endian;
};

void io_bus_init(struct io_bus *b, struct io_clock *clock, uint8_t empty) {
  *b = (struct io_bus){.clock = clock, .empty = empty};
}

int io_bus_add(struct io_bus *b, const struct io_bus_row *row) {
  if (!row->size || (!row->ops == !row->child)) return IO_ERR_RANGE;
  unsigned i = 0;
  while (i < b->used && b->row[i].size) i++;
  if (i == IO_BUS_ROWS) return IO_ERR_FULL;
  b->row[i] = *row;
  if (i == b->used) b->used++;
  return (int)i;
}

void io_bus_remove(struct io_bus *b, int slot) {
  if (slot >= 0 && slot < IO_BUS_ROWS) b->row[slot] = (struct io_bus_row){0};
}

void io_bus_move(struct io_bus *b, int slot, uint64_t base, uint64_t size) {
  if (slot < 0 || slot >= IO_BUS_ROWS || !b->row[slot].size || !size) return;
  b->row[slot].base = base;
  b->row[slot].size = size;
}

/* Of two rows that overlap the smaller one answers; of equal ones the lower, or that of the device which the board has
 * first. When they were added does not matter. */
static bool answers_before(const struct io_bus_row *a, const struct io_bus_row *b) {
  if (a->size != b->size) return a->size < b->size;
  if (a->base != b->base) return a->base < b->base;
  uintptr_t x = (uintptr_t)(a->child ? a->child : a->dev), y = (uintptr_t)(b->child ? b->child : b->dev);
  return x != y ? x < y : a->child_base < b->child_base;
}

static const struct io_bus_row *find(struct io_bus *b, uint64_t addr) {
  const struct io_bus_row *best = NULL;
  for (unsigned i = 0; i < b->used; i++) {
    const struct io_bus_row *r = &b->row[i];
    if (addr - r->base < r->size && (!best || answers_before(r, best))) best = r;
  }
  return best;
}

void io_bus_state(void *bus, struct snap *s) {
  struct io_bus *b = bus;
  SNAP(s, b->master);
  SNAP(s, b->n_reads);
  SNAP(s, b->n_writes);
  SNAP(s, b->n_unknown);
}

/* Follow windows down to a device. A window chain is short; a loop cannot be built through this interface's users. */
static struct target resolve(struct io_bus *b, uint64_t addr) {
  struct target t = {.empty = b->empty, .width = 4};
  for (;;) {
    const struct io_bus_row *r = find(b, addr);
    if (!r) return t;
    if (r->stall_ns) t.stall_ns = r->stall_ns;
    t.little_endian |= r->little_endian;
    if (!r->child) {
      t.row = r;
      t.off = addr - r->base;
      t.width = r->width ? r->width : 4;
      return t;
    }
    addr = addr - r->base + r->child_base;
    b = r->child;
    t.empty = b->empty;
  }
}

static void unknown(struct io_bus *b, uint64_t gpa, int size, bool write) {
  b->n_unknown++;
  uint64_t page = gpa >> 12;
  for (unsigned i = 0; i < b->n_logged; i++)
    if (b->logged[i] == page) return;
  if (b->n_logged == IO_BUS_LOGGED || !b->log) return;
  b->logged[b->n_logged++] = page;
  char msg[96];
  snprintf(msg, sizeof msg, "nothing answers at 0x%08" PRIx64 " (%s, %d bytes)", gpa, write ? "write" : "read", size);
  b->log(b->log_ctx, msg);
}

static uint64_t filled(uint8_t byte, int size) {
  return 0x0101010101010101u * byte & (UINT64_MAX >> (64 - 8 * size));
}

/* Bits [8 * at, 8 * (at + n)) of an access of `size` bytes: where the piece at byte offset `at` sits in the number. */
static int piece_shift(const struct io_bus *b, int at, int n, int size) {
  return 8 * (b->big_endian ? size - at - n : at);
}

static uint64_t swap(uint64_t v, int size) {
  return __builtin_bswap64(v) >> (64 - 8 * size);
}

uint64_t io_bus_read(struct io_bus *b, uint64_t gpa, int size) {
  struct target t = resolve(b, gpa);
  if (size > 1 && (size > t.width || (t.row && t.off + size > t.row->size))) {
    int n = size > t.width ? t.width : size / 2;
    uint64_t v = 0;
    for (int at = 0; at < size; at += n) v |= io_bus_read(b, gpa + at, n) << piece_shift(b, at, n, size);
    return v;
  }
  b->n_reads++;
  if (b->clock && t.stall_ns) io_clock_charge(b->clock, t.stall_ns);
  uint64_t v;
  if (t.row) {
    v = t.row->ops->read(t.row->dev, (uint32_t)t.off, size) & filled(0xff, size);
    if (b->big_endian && t.little_endian) v = swap(v, size);
  } else {
    v = filled(t.empty, size);
    unknown(b, gpa, size, false);
  }
  if (b->trace) b->trace(b->trace_ctx, t.row ? t.row->ops->name : "-", gpa, size, v, false);
  return v;
}

void io_bus_write(struct io_bus *b, uint64_t gpa, uint64_t v, int size) {
  struct target t = resolve(b, gpa);
  v &= filled(0xff, size);
  if (size > 1 && (size > t.width || (t.row && t.off + size > t.row->size))) {
    int n = size > t.width ? t.width : size / 2;
    for (int at = 0; at < size; at += n) io_bus_write(b, gpa + at, v >> piece_shift(b, at, n, size), n);
    return;
  }
  b->n_writes++;
  if (b->trace) b->trace(b->trace_ctx, t.row ? t.row->ops->name : "-", gpa, size, v, true);
  if (b->clock && t.stall_ns) io_clock_charge(b->clock, t.stall_ns);
  if (!t.row) {
    unknown(b, gpa, size, true);
    return;
  }
  if (b->big_endian && t.little_endian) v = swap(v, size);
  t.row->ops->write(t.row->dev, (uint32_t)t.off, v, size);
}

const char *io_bus_name(struct io_bus *b, uint64_t gpa) {
  struct target t = resolve(b, gpa);
  return t.row ? t.row->ops->name : NULL;
}
