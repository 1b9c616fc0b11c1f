/* criterion-tests/virtio_driver.h: what a driver does with a virtio card in a PCI slot, for the tests of the cards. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CRITERION_TESTS_VIRTIO_DRIVER_H
#define CRITERION_TESTS_VIRTIO_DRIVER_H
#include "test_dev_steps.h"

enum { MEM = 0x10000000, COMMON = MEM, ISR = MEM + 0x1000, CARD = MEM + 0x2000, BELL = MEM + 0x3000, PORTS = 0x4000 };
enum { DESC = 0x1000, AVAIL = 0x2000, USED = 0x3000 };
enum { NEXT = 1, WRITE = 2, INDIRECT = 4 };

/* Give a card its BARs, straight into its config space. */
static inline struct io_virtio *card(struct bench *b, unsigned slot) {
  unsigned devfn = IO_PCI_DEVFN(slot, 0);
  io_pci_config_write(&b->board.pci, 0, devfn, PCI_BAR0, 4, PORTS);
  io_pci_config_write(&b->board.pci, 0, devfn, PCI_BAR0 + 16, 4, MEM);
  io_pci_config_write(&b->board.pci, 0, devfn, PCI_COMMAND, 2, 7);
  return b->board.pci.dev[devfn]->ctx;
}

/* Little-endian driver unless `big`: numbers in guest memory. */
static bool big_ring;
static inline void put(struct bench *b, unsigned at, uint64_t v, int size) {
  for (int i = 0; i < size; i++) b->ram[at + (unsigned)i] = (uint8_t)(v >> 8 * (big_ring ? size - 1 - i : i));
}
static inline uint64_t get(struct bench *b, unsigned at, int size) {
  uint64_t v = 0;
  for (int i = 0; i < size; i++) v |= (uint64_t)b->ram[at + (unsigned)i] << 8 * (big_ring ? size - 1 - i : i);
  return v;
}
static inline void descriptor(struct bench *b, unsigned table, unsigned i, uint64_t gpa, unsigned len, unsigned flags,
                              unsigned next) {
  put(b, table + 16 * i, gpa, 8);
  put(b, table + 16 * i + 8, len, 4);
  put(b, table + 16 * i + 12, flags, 2);
  put(b, table + 16 * i + 14, next, 2);
}
static inline void offer(struct bench *b, unsigned avail, unsigned size, unsigned head) {
  unsigned idx = (unsigned)get(b, avail + 2, 2);
  put(b, avail + 4 + 2 * (idx % size), head, 2);
  put(b, avail + 2, idx + 1, 2);
}

static inline void wr(struct bench *b, uint64_t a, uint64_t v, int size) {
  if (b->config.big_endian) v = __builtin_bswap64(v) >> (64 - 8 * size);
  io_board_write(&b->board, bench_address(a), v, size);
}
static inline uint64_t rd(struct bench *b, uint64_t a, int size) {
  uint64_t v = io_board_read(&b->board, bench_address(a), size);
  return b->config.big_endian ? __builtin_bswap64(v) >> (64 - 8 * size) : v;
}

/* What a modern driver does: features, queue q of 8 entries at the fixed places (+ 0x100 for queue 1), DRIVER_OK. */
static inline void modern_setup_with(struct bench *b, unsigned queues, unsigned features) {
  big_ring = false;
  wr(b, COMMON + 20, 0, 1);
  wr(b, COMMON + 20, 3, 1);
  wr(b, COMMON + 0, 1, 4);
  cr_assert_eq(rd(b, COMMON + 4, 4), 1, "VERSION_1 is offered");
  wr(b, COMMON + 8, 1, 4);
  wr(b, COMMON + 12, 1, 4);
  wr(b, COMMON + 8, 0, 4);
  wr(b, COMMON + 12, 1u << 28 | features, 4);
  wr(b, COMMON + 20, 11, 1);
  cr_assert_eq(rd(b, COMMON + 20, 1), 11);
  for (unsigned q = 0; q < queues; q++) {
    wr(b, COMMON + 22, q, 2);
    cr_assert_eq(rd(b, COMMON + 24, 2), 128);
    wr(b, COMMON + 24, 8, 2);
    wr(b, COMMON + 32, DESC + 0x100 * q, 8);
    wr(b, COMMON + 40, AVAIL + 0x100 * q, 8);
    wr(b, COMMON + 48, USED + 0x100 * q, 8);
    wr(b, COMMON + 28, 1, 2);
  }
  wr(b, COMMON + 20, 15, 1);
}
#endif
