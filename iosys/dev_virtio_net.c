/* iosys/dev_virtio_net.c: virtio network card on a struct io_net. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Virtio 1.2, 5.1. Queue 0 takes frames in, queue 1 sends them on the spot; before each stands a header that says
 * nothing, as the card does no work for the driver (checksums, segmentation). It filters nothing either: without the
 * control queue it may not. Frames up to 64 KiB pass, over several receive buffers if the driver allows that. */
#include "iosys/virtio.h"
#include <string.h>

enum { F_MAC = 1 << 5, F_MERGE = 1 << 15, F_STATUS = 1 << 16 };
enum { RECEIVE, TRANSMIT, HEADER = 12, HEADER_LEGACY = 10, NUM_BUFFERS = 10, LINK_UP = 1 };

/* 5.1.6.1: the number of buffers is there for those who know of it. */
static unsigned header_bytes(const struct io_virtio_net *n) {
  return n->virtio.accepted & (F_MERGE | VIRTIO_F_VERSION_1) ? HEADER : HEADER_LEGACY;
}

static void fill(void *ctx) {
  struct io_virtio_net *n = ctx;
  for (unsigned i = 0; i < 6; i++) io_virtio_config_put(&n->virtio, i, n->net.mac[i], 1);
  io_virtio_config_put(&n->virtio, 6, LINK_UP, 2);
}

/* --- in --- */

enum fate { TAKEN, REFUSED, NO_ROOM_YET };

/* The buffers a frame is being put into. */
struct buffers {
  struct io_virtio_chain first;
  unsigned n;
  struct {
    uint16_t head;
    uint32_t written;
  } buffer[IO_VIRTIO_QUEUE_SIZE];
};

/* Write header and frame into as many buffers as they need and the driver allows. */
static enum fate spread(struct io_virtio_net *n, struct buffers *b) {
  static const uint8_t nothing[HEADER];
  struct io_virtio *v = &n->virtio;
  struct io_virtio_chain more, *c = &b->first;
  unsigned most = v->accepted & F_MERGE ? v->q[RECEIVE].size : 1;
  uint64_t at = 0;
  for (b->n = 0; at < n->arrived_n; c = &more) {
    if (b->n == most) return REFUSED;
    if (!io_virtio_pop(v, RECEIVE, c)) return NO_ROOM_YET;
    uint64_t head = b->n ? 0 : header_bytes(n), k = n->arrived_n - at, moved = 0;
    if (head < c->in_len) {
      if (k > c->in_len - head) k = c->in_len - head;
      moved = io_virtio_write(v, c, 0, nothing, head) == head ? io_virtio_write(v, c, head, n->arrived + at, k) : 0;
    }
    at += moved;
    b->buffer[b->n].head = c->head;
    b->buffer[b->n++].written = (uint32_t)(head + moved);
    if (moved < k) return REFUSED; /* no room for the header, or memory ends before the buffer does */
  }
  return TAKEN;
}

/* Give the buffers back, empty if the frame did not get through. */
static void give_back(struct io_virtio_net *n, struct buffers *b, bool taken) {
  struct io_virtio *v = &n->virtio;
  struct io_virtio_chain c = {0};
  uint8_t count[2] = {(uint8_t)b->n};
  if (v->legacy_ring && v->big_endian) count[1] = count[0], count[0] = 0;
  if (taken && header_bytes(n) == HEADER) io_virtio_write(v, &b->first, NUM_BUFFERS, count, sizeof count);
  for (unsigned i = 0; i < b->n; i++) {
    c.head = b->buffer[i].head;
    io_virtio_push(v, RECEIVE, &c, taken ? b->buffer[i].written : 0);
  }
}

/* Take in what is on the wire, while there are buffers for it. */
static void look(void *card) {
  struct io_virtio_net *n = card;
  struct buffers b;
  while (io_virtio_waiting(&n->virtio, RECEIVE)) {
    if (!n->arrived_n) n->arrived_n = n->net.recv(n->net.ctx, n->arrived, sizeof n->arrived);
    if (!n->arrived_n) return;
    enum fate fate = spread(n, &b);
    if (fate == NO_ROOM_YET) {
      io_virtio_unpop(&n->virtio, RECEIVE, b.n);
      return;
    }
    give_back(n, &b, fate == TAKEN);
    n->n_received += fate == TAKEN;
    n->n_refused += fate == REFUSED;
    n->arrived_n = 0;
  }
}

/* --- out --- */

static void transmit(struct io_virtio_net *n) {
  struct io_virtio_chain c;
  for (unsigned left = n->virtio.q[TRANSMIT].size; left && io_virtio_pop(&n->virtio, TRANSMIT, &c); left--) {
    unsigned head = header_bytes(n);
    uint64_t k = c.out_len > head ? c.out_len - head : 0;
    if (k >= IO_NET_HEADER && k <= sizeof n->leaving && io_virtio_read(&n->virtio, &c, head, n->leaving, k) == k) {
      n->n_sent++;
      n->net.send(n->net.ctx, n->leaving, (unsigned)k);
    } else {
      n->n_refused++;
    }
    io_virtio_push(&n->virtio, TRANSMIT, &c, 0);
  }
}

static void notify(void *ctx, unsigned q) {
  if (q == TRANSMIT)
    transmit(ctx);
  else
    look(ctx);
}

static void reset(void *ctx) {
  ((struct io_virtio_net *)ctx)->arrived_n = 0;
}

int io_virtio_net_init(struct io_virtio_net *n, struct io_dma dma, bool big_endian, struct io_net net) {
  n->net = net;
  if (net.listen) net.listen(net.ctx, look, n);
  struct io_virtio_config config = {.type = VIRTIO_NET,
                                    .dma = dma,
                                    .big_endian = big_endian,
                                    .queues = 2,
                                    .features = F_MAC | F_MERGE | F_STATUS,
                                    .config_len = 8,
                                    .fill = fill,
                                    .reset = reset,
                                    .notify = notify,
                                    .ctx = n};
  return io_virtio_init(&n->virtio, &config);
}
