/* iosys/pcnet.h: the on-board AMD Am79C973 Ethernet controller. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Frames leave and arrive through a struct io_net. No frame is taken that the guest has no room for, but for one. */
#ifndef IOSYS_PCNET_H
#define IOSYS_PCNET_H
#include "iosys/clock.h"
#include "iosys/pci.h"

enum { IO_PCNET_FRAME = 4096 };

struct io_pcnet {
  struct io_pci_dev pci;
  struct io_clock *clock;
  struct io_dma dma;
  struct io_net net;
  struct io_timer timer;
  uint16_t csr[128], bcr[64], phy[32];
  uint16_t rap;
  bool wide;                     /* DWIO: 32-bit register layout */
  uint32_t rx_ring, tx_ring;     /* guest addresses */
  uint16_t rx_length, tx_length; /* descriptors in each */
  uint16_t rx_at, tx_at;
  uint8_t frame[IO_PCNET_FRAME]; /* being gathered for sending */
  unsigned frame_n;
  bool frame_bad;                  /* it did not fit, or had no beginning: dropped at its end */
  uint8_t arrived[IO_PCNET_FRAME]; /* waits for a descriptor; */
  unsigned arrived_n;              /* none: 0 */
  uint64_t n_sent, n_received, n_missed;
};
void io_pcnet_init(struct io_pcnet *p, struct io_clock *clock, struct io_dma dma, struct io_net net);
void io_pcnet_state(void *pcnet, struct snap *s);
#endif
