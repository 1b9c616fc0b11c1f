/* guests/splash/virtio.h: a virtio card in one of the board's memory-mapped slots, for the drivers of disk and network.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPLASH_VIRTIO_H
#define SPLASH_VIRTIO_H
#include "os.h"

enum { VIRTIO_NET = 1, VIRTIO_BLOCK = 2, VIRTIO_QUEUES = 2, VIRTIO_ENTRIES = 32, VIRTIO_CONFIG = 0x100 };

struct virtio_queue;
struct virtio {
  uint32_t at; /* the slot; 0: not begun */
  uint32_t features;
  struct virtio_queue *queue[VIRTIO_QUEUES];
  uint16_t asked[VIRTIO_QUEUES]; /* requests */
};
struct virtio_piece {
  volatile void *at;
  size_t n;
  bool written; /* by the card; these come last */
};

/* Take the first card of a type, with those of `features` (of the lower 32) that it offers. False: there is none. */
bool virtio_begin(struct virtio *v, unsigned type, unsigned queues, uint32_t features);
uint32_t virtio_config(const struct virtio *v, uint32_t offset);
/* Make a request; the one before in this queue has been answered. */
void virtio_ask(struct virtio *v, unsigned q, const struct virtio_piece *piece, unsigned n);
/* Has it been answered? Wait until it is. */
bool virtio_is_answered(const struct virtio *v, unsigned q);
void virtio_await(struct virtio *v, unsigned q);
#endif
