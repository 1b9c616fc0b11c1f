/* iosys/bus.h: who answers at a guest-physical address: rows of regions, added and moved at run time. */
/* SPDX-License-Identifier: Apache-2.0 */
/* A bus is a set of rows. A row is a device, or a window onto another bus (the GT-64120's PCI I/O and memory
 * windows). Where rows overlap the smallest one answers (see bus.c on equal ones): order never matters. The bus borrows
 * devices; whoever embeds them (io_board) owns them. Byte order: a little-endian row (everything on PCI and ISA, and
 * the GT-64120 itself) keeps byte addresses: a big-endian guest sees its multi-byte numbers reversed, as on the board,
 * and Linux's readl()/inw() put them right again. A native row (FPGA, CBUS UART) gives a word as a number in either
 * order. */
#ifndef IOSYS_BUS_H
#define IOSYS_BUS_H
#include "iosys/clock.h"
#include "iosys/dev.h"

enum io_error {
  IO_OK = 0,
  IO_ERR_FULL = -1,  /* a fixed-size table has no room */
  IO_ERR_TAKEN = -2, /* the slot or name is in use */
  IO_ERR_RANGE = -3, /* a size or address makes no sense */
};

enum { IO_BUS_ROWS = 64, IO_BUS_LOGGED = 64 };

struct io_bus_row {
  uint64_t base, size;       /* size 0: free slot */
  const struct dev_ops *ops; /* NULL for a window */
  void *dev;
  struct io_bus *child; /* window: address - base + child_base is looked up there */
  uint64_t child_base;
  uint32_t stall_ns; /* guest time one access costs; 0: what the window in front costs */
  uint8_t width;     /* widest access the device takes, wider ones are split by the bus; 0 means 4 */
  bool little_endian;
};

struct io_bus {
  struct io_bus_row row[IO_BUS_ROWS];
  unsigned used;          /* slots below this may be in use */
  uint8_t empty;          /* byte read where nothing answers: 0xff on PCI (master abort), 0 on the CBUS */
  bool big_endian;        /* root bus: the byte order the cpu runs in */
  unsigned master;        /* root bus: the vcpu whose access is under way; set by whoever runs it */
  struct io_clock *clock; /* root bus: charged with stall_ns; may be NULL */
  /* Root bus: diagnostics, all optional. log gets one message for each page where nothing answered. */
  void (*log)(void *ctx, const char *msg);
  void (*trace)(void *ctx, const char *dev, uint64_t gpa, int size, uint64_t v, bool write);
  void *log_ctx, *trace_ctx;
  uint64_t logged[IO_BUS_LOGGED];
  unsigned n_logged;
  uint64_t n_reads, n_writes, n_unknown;
};

/* An empty bus on which unanswered bytes read as `empty`. Cannot fail; nothing to free. */
void io_bus_init(struct io_bus *b, struct io_clock *clock, uint8_t empty);
/* Copy a row in. Returns its slot (>= 0), valid until removed, or IO_ERR_FULL / IO_ERR_RANGE. */
__attribute__((warn_unused_result)) int io_bus_add(struct io_bus *b, const struct io_bus_row *row);
/* What a root bus has counted, and whose access was the last. The rows are their devices'. */
void io_bus_state(void *bus, struct snap *s);
/* Take a row out, or give it another base and size. A negative slot is ignored. */
void io_bus_remove(struct io_bus *b, int slot);
void io_bus_move(struct io_bus *b, int slot, uint64_t base, uint64_t size);

/* One guest access, size 1, 2, 4 or 8, naturally aligned as the cpu guarantees (an unaligned one is taken apart).
 * Values are what the guest's load or store instruction has in its register, zero-extended. VCPU thread only. */
uint64_t io_bus_read(struct io_bus *b, uint64_t gpa, int size);
void io_bus_write(struct io_bus *b, uint64_t gpa, uint64_t v, int size);
/* The name of what answers at gpa, or NULL: for people and for tests. */
const char *io_bus_name(struct io_bus *b, uint64_t gpa);
#endif
