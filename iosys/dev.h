/* iosys/dev.h: what a device is: an ops table, interrupt lines, the virtual clock, a host tty. */
/* SPDX-License-Identifier: Apache-2.0 */
/* A device is one struct, one register enum, two switches and one ops table. It knows its own bus offset, its
 * line, the virtual clock and a host backend; it never sees a cpu, a vm, or real time. */
#ifndef IOSYS_DEV_H
#define IOSYS_DEV_H
#include <stdbool.h>
#include <stdint.h>

/* Half of a 64-bit register that the guest writes in two. */
static inline void io_put_half(uint64_t *whole, bool high, uint32_t v) {
  *whole = high ? (uint32_t)*whole | (uint64_t)v << 32 : (*whole >> 32 << 32) | v;
}

/* Register access at a byte offset into the device's region, size 1, 2, 4 or 8. Values are numbers: the bus has
 * undone the guest's byte order where the region is little-endian (see bus.h). VCPU thread only. */
struct dev_ops {
  const char *name;
  uint64_t (*read)(void *dev, uint32_t off, int size);
  void (*write)(void *dev, uint32_t off, uint64_t v, int size);
  void (*reset)(void *dev);
};

/* One wire to an interrupt controller or to the cpu. Levels: setting the level it already has is harmless. */
struct irq_line {
  void (*set)(void *ctx, int n, int level);
  void *ctx;
  int n;
};
static inline void io_irq_set(const struct irq_line *l, int level) {
  if (l->set) l->set(l->ctx, l->n, level);
}

/* The far end of a serial line. get() returns the next byte or -1 when nothing has been typed. */
struct io_tty {
  int (*get)(void *ctx);
  void (*put)(void *ctx, uint8_t byte);
  void *ctx;
};

/* What the board asks of whoever runs it. */
enum io_power { IO_POWER_OFF, IO_POWER_RESET };
struct io_power_line {
  void (*set)(void *ctx, enum io_power what);
  void *ctx;
};

/* Starts a vcpu at a virtual address, or stops it. */
struct io_vcpu_line {
  void (*set)(void *ctx, unsigned vcpu, bool up, uint64_t at);
  void *ctx;
};

/* A device's window onto guest memory, for DMA: returns the bytes actually moved (short at the end of memory). */
struct io_dma {
  uint64_t (*read)(void *ctx, uint64_t gpa, void *to, uint64_t n);
  uint64_t (*write)(void *ctx, uint64_t gpa, const void *from, uint64_t n);
  void *ctx;
};

/* A disk image, byte-addressed. All return 0, or -1 when the host failed. flush: what was written is stable once it
 * returns. zero, which may be absent: as a write of zeros. size, a multiple of 512, is 0 when there is no disk. */
struct io_disk {
  int (*read)(void *ctx, uint64_t at, void *to, uint64_t n);
  int (*write)(void *ctx, uint64_t at, const void *from, uint64_t n);
  int (*flush)(void *ctx);
  void *ctx;
  uint64_t size;
  bool read_only;
  int (*zero)(void *ctx, uint64_t at, uint64_t n);
  char serial[21]; /* text the guest can ask for */
};

/* Without its checksum; any MTU up to 64 KiB, and room for a VLAN tag. */
enum { IO_NET_HEADER = 14, IO_NET_FRAME_MAX = IO_NET_HEADER + 4 + 65535 };

/* The far end of a network card's cable; a zeroed one: nothing is plugged in. send() takes one Ethernet frame without
 * its checksum. Whenever frames have come for the card, arrived(card), which listen() has set, is called at their
 * virtual time; recv() then gives them one by one: the length of the next, 0 when there is none left. One that is
 * longer than `room` is lost. What the card does not take at once waits. */
struct io_net {
  void (*send)(void *ctx, const uint8_t *frame, unsigned n);
  unsigned (*recv)(void *ctx, uint8_t *frame, unsigned room);
  void (*listen)(void *ctx, void (*arrived)(void *card), void *card);
  void *ctx;
  uint8_t mac[6];
};
#endif
