/* iosys/board_parts.h: what the files of the boards share: a row of a board's table, lines to its cpus. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IOSYS_BOARD_PARTS_H
#define IOSYS_BOARD_PARTS_H
#include "iosys/board.h"
#include <stddef.h>

#define AT(member) offsetof(struct io_board, member)

/* A device with a fixed place. */
struct io_board_row {
  size_t bus; /* which bus of the board */
  uint64_t base, size;
  const struct dev_ops *ops;
  size_t dev;
  uint32_t stall_ns;
  uint8_t width;
  bool little_endian;
};

/* A device, or a bus, that has state: its name in files, and the version of that, see numa-model/snap.h. */
struct io_board_part {
  const char *name;
  uint32_t version;
  size_t dev;
  void (*state)(void *dev, struct snap *s);
};

/* Hardware interrupt n of a cpu. */
struct irq_line io_board_cpu(const struct io_board *b, unsigned vcpu, int n);
/* Unix seconds at power-on. */
int64_t io_board_date(const struct io_board *b);
#endif
