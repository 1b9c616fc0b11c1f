/* guests/splash/net.c: frames of whole pages through the first virtio network card of the board. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Virtio 1.2, 5.1. */
#include "virtio.h"

enum { RECEIVE, TRANSMIT, CARD_HEADER = 12, PAGE = 4096 };

static struct virtio card;

bool net_open(void) {
  return virtio_begin(&card, VIRTIO_NET, 2, 0);
}

static void ask(unsigned q, uint8_t head[NET_HEAD], void *const pages[], unsigned n) {
  static uint8_t header[VIRTIO_QUEUES][CARD_HEADER];
  bool written = q == RECEIVE;
  struct virtio_piece piece[NET_PAGES + 2] = {{header[q], CARD_HEADER, written}, {head, NET_HEAD, written}};
  for (unsigned i = 0; i < n; i++) piece[i + 2] = (struct virtio_piece){pages[i], PAGE, written};
  virtio_ask(&card, q, piece, n + 2);
}

void net_send(uint8_t head[NET_HEAD], void *const pages[], unsigned n) {
  ask(TRANSMIT, head, pages, n);
  virtio_await(&card, TRANSMIT);
}

void net_offer(uint8_t head[NET_HEAD], void *const pages[], unsigned n) {
  ask(RECEIVE, head, pages, n);
}

bool net_has_come(void) {
  return virtio_is_answered(&card, RECEIVE);
}

void net_await(void) {
  virtio_await(&card, RECEIVE);
}
