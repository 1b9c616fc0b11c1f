/* guests/splash/virtio.c: a virtio card in one of the board's memory-mapped slots. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Virtio 1.2: 4.2 (memory-mapped transport), 2.7 (split virtqueues). One request of a queue is under way at a time. */
#include "virtio.h"
#include "../bare/board-map.h"

enum { /* registers */
       DEVICE = 0x008,
       OFFERED = 0x010,
       OFFERED_WORD = 0x014,
       ACCEPTED = 0x020,
       ACCEPTED_WORD = 0x024,
       QUEUE = 0x030,
       QUEUE_SIZE = 0x038,
       QUEUE_READY = 0x044,
       NOTIFY = 0x050,
       STATUS = 0x070,
       DESCRIPTORS = 0x080,
       AVAILABLE = 0x090,
       USED = 0x0a0
};
enum { SEEN = 1, DRIVER = 2, DRIVER_OK = 4, FEATURES_OK = 8, VERSION_1 = 1, NEXT = 1, WRITTEN = 2 };

struct descriptor {
  uint64_t at;
  uint32_t n;
  uint16_t flags, next;
};
struct virtio_queue { /* little-endian, as all the card reads and writes */
  struct descriptor descriptor[VIRTIO_ENTRIES];
  uint16_t flags, available, entry[VIRTIO_ENTRIES], no_event;
  uint64_t align; /* what is used must lie at a multiple of 4 */
  volatile uint16_t used_flags, used, used_entry[4 * VIRTIO_ENTRIES];
};

static uint32_t get(const struct virtio *v, uint32_t r) {
  return LITTLE32(*device(v->at + r));
}
static void set(const struct virtio *v, uint32_t r, uint32_t value) {
  *device(v->at + r) = LITTLE32(value);
}

static uint32_t where(const volatile void *p) {
  return (uint32_t)(reg)p & 0x1fffffff;
}

static bool find(struct virtio *v, unsigned type) {
  for (unsigned slot = 0; slot < DISCO_VIRTIO_SLOTS; slot++) {
    v->at = DISCO_VIRTIO + slot * DISCO_VIRTIO_SIZE;
    if (get(v, DEVICE) == type) return true;
  }
  v->at = 0;
  return false;
}

static void add_queue(struct virtio *v, unsigned q) {
  struct virtio_queue *queue = v->queue[q] = take_memory(sizeof *queue);
  *queue = (struct virtio_queue){0};
  set(v, QUEUE, q);
  set(v, QUEUE_SIZE, VIRTIO_ENTRIES);
  set(v, DESCRIPTORS, where(queue->descriptor));
  set(v, AVAILABLE, where(&queue->flags));
  set(v, USED, where(&queue->used_flags));
  set(v, QUEUE_READY, 1);
}

bool virtio_begin(struct virtio *v, unsigned type, unsigned queues, uint32_t features) {
  *v = (struct virtio){0};
  if (!find(v, type)) return false;
  set(v, STATUS, 0);
  set(v, STATUS, SEEN | DRIVER);
  set(v, OFFERED_WORD, 0);
  v->features = get(v, OFFERED) & features;
  set(v, ACCEPTED_WORD, 0);
  set(v, ACCEPTED, v->features);
  set(v, ACCEPTED_WORD, 1);
  set(v, ACCEPTED, VERSION_1);
  set(v, STATUS, SEEN | DRIVER | FEATURES_OK);
  if (!(get(v, STATUS) & FEATURES_OK)) return false;
  for (unsigned q = 0; q < queues; q++) add_queue(v, q);
  set(v, STATUS, SEEN | DRIVER | FEATURES_OK | DRIVER_OK);
  return true;
}

uint32_t virtio_config(const struct virtio *v, uint32_t offset) {
  return get(v, VIRTIO_CONFIG + offset);
}

void virtio_ask(struct virtio *v, unsigned q, const struct virtio_piece *piece, unsigned n) {
  struct virtio_queue *queue = v->queue[q];
  for (unsigned i = 0; i < n; i++) {
    unsigned flags = (piece[i].written ? WRITTEN : 0) | (i + 1 < n ? NEXT : 0);
    queue->descriptor[i] = (struct descriptor){LITTLE64((uint64_t)where(piece[i].at)), LITTLE32((uint32_t)piece[i].n),
                                               LITTLE16((uint16_t)flags), LITTLE16((uint16_t)(i + 1))};
  }
  queue->entry[v->asked[q]++ % VIRTIO_ENTRIES] = 0;
  __atomic_store_n(&queue->available, LITTLE16(v->asked[q]), __ATOMIC_SEQ_CST);
  set(v, NOTIFY, q);
}

bool virtio_is_answered(const struct virtio *v, unsigned q) {
  return __atomic_load_n(&v->queue[q]->used, __ATOMIC_SEQ_CST) == LITTLE16(v->asked[q]);
}

void virtio_await(struct virtio *v, unsigned q) {
  while (!virtio_is_answered(v, q)) {
  }
}
