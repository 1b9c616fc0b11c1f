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

struct io_image;

/* A device's window onto guest memory, for DMA: returns the bytes actually moved (short at the end of memory).
 * Both optional: page() names the page of memory at gpa among those of all guests, 0: there is none; share() lets the
 * page at gpa be that page, seen by both until one writes to it, if that page still holds these bytes; false: no. */
enum { IO_PAGE = 4096 };
struct io_dma {
  uint64_t (*read)(void *ctx, uint64_t gpa, void *to, uint64_t n);
  uint64_t (*write)(void *ctx, uint64_t gpa, const void *from, uint64_t n);
  void *ctx;
  uint64_t (*page)(void *ctx, uint64_t gpa);
  bool (*share)(void *ctx, uint64_t gpa, uint64_t page, const void *bytes);
  /* Let the page at gpa be the frame that holds a block of an image; may be absent. False: it is to be copied. */
  bool (*block)(void *ctx, uint64_t gpa, const struct io_image *image, uint64_t block);
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
  /* The image, if others use it, too, and the disk's block at `at` (a multiple of IO_DISK_BLOCK) is still that of the
   * image; else NULL. May be absent. */
  const struct io_image *(*shared)(void *ctx, uint64_t at);
  char serial[21]; /* text the guest can ask for */
};
enum { IO_DISK_BLOCK = 4096 };

/* Move n bytes at `at` of a disk into guest memory, by way of a buffer with `room`, or whole blocks by frame. 0, or -1
 * when the disk failed or memory ended. */
__attribute__((warn_unused_result)) int io_disk_to_memory(const struct io_disk *d, uint64_t at,
                                                          const struct io_dma *dma, uint64_t gpa, uint64_t n,
                                                          uint8_t *buffer, uint64_t room);

/* Without its checksum; any MTU up to 64 KiB, and room for a VLAN tag. */
enum { IO_NET_HEADER = 14, IO_NET_FRAME_MAX = IO_NET_HEADER + 4 + 65535 };

/* The far end of a network card's cable; a zeroed one: nothing is plugged in. send() takes one Ethernet frame without
 * its checksum. Whenever frames have come for the card, arrived(card), which listen() has set, is called at their
 * virtual time; recv() then gives them one by one: the length of the next, 0 when there is none left. One that is
 * longer than `room` is lost. What the card does not take at once waits. `pages`, where it is not NULL, is of the frame
 * that send() is about to be given, and is empty when it returns, or that recv() has just given. */
enum { IO_NET_PAGES = 16 };
/* Which of a frame's bytes are whole pages of the sender's memory. */
struct io_net_pages {
  unsigned n;
  struct {
    uint32_t at; /* in the frame; ascending */
    uint64_t page;
  } page[IO_NET_PAGES];
};
struct io_net {
  void (*send)(void *ctx, const uint8_t *frame, unsigned n);
  unsigned (*recv)(void *ctx, uint8_t *frame, unsigned room);
  void (*listen)(void *ctx, void (*arrived)(void *card), void *card);
  void *ctx;
  uint8_t mac[6];
  struct io_net_pages *pages;
};
#endif
