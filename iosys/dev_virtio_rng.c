/* iosys/dev_virtio_rng.c: virtio entropy card whose numbers follow from the machine's seed. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Virtio 1.2, 5.4. Not entropy at all, on purpose: a run must be repeatable. The generator is splitmix64. A request is
 * answered with at most 64 bytes, as a slow real source would, so that a reader of all it can get does not spin. */
#include "iosys/virtio.h"

enum { MOST = 64 };

static uint64_t next(struct io_virtio_rng *r) {
  uint64_t z = r->state += 0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return z ^ z >> 31;
}

static void notify(void *ctx, unsigned q) {
  struct io_virtio_rng *r = ctx;
  struct io_virtio_chain c;
  for (unsigned left = r->virtio.q[q].size; left && io_virtio_pop(&r->virtio, q, &c); left--) {
    uint8_t bytes[MOST];
    for (unsigned i = 0; i < MOST; i += 8) {
      uint64_t z = next(r);
      for (unsigned k = 0; k < 8; k++) bytes[i + k] = (uint8_t)(z >> 8 * k);
    }
    uint64_t n = c.in_len < MOST ? c.in_len : MOST;
    io_virtio_push(&r->virtio, q, &c, (uint32_t)io_virtio_write(&r->virtio, &c, 0, bytes, n));
  }
}

int io_virtio_rng_init(struct io_virtio_rng *r, struct io_dma dma, bool big_endian, uint64_t seed) {
  r->seed = r->state = seed;
  struct io_virtio_config config = {
      .type = VIRTIO_RNG, .dma = dma, .big_endian = big_endian, .queues = 1, .notify = notify, .ctx = r};
  return io_virtio_init(&r->virtio, &config);
}

void io_virtio_rng_state(void *rng, struct snap *s) {
  struct io_virtio_rng *r = rng;
  io_virtio_state(&r->virtio, s);
  SNAP(s, r->state);
}
