/* iosys/dev_virtio_net.c: virtio network card on a struct io_net. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Virtio 1.2, 5.1. Queue 0 takes frames in, queue 1 sends them on the spot; before each stands a header. The card does
 * little for the driver: it finishes checksums, without which Linux would copy each frame to one place before it sends
 * it. It filters nothing: without the control queue it may not. Frames up to 64 KiB pass, over several receive buffers
 * if the driver allows that. Whole pages of another guest on the same machine are shared instead of copied where they
 * come to lie on a whole page. */
#include "iosys/virtio.h"
#include "iosys/wire.h"
#include <string.h>

enum { F_CHECKSUM = 1 << 0, F_MAC = 1 << 5, F_MERGE = 1 << 15, F_STATUS = 1 << 16 };
enum { RECEIVE, TRANSMIT, HEADER = 12, HEADER_LEGACY = 10, LINK_UP = 1 };
enum { FLAGS = 0, CHECKSUM_FROM = 6, CHECKSUM_AT = 8, NUM_BUFFERS = 10, NEEDS_CHECKSUM = 1 }; /* in a header */

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
  unsigned n, met, shared; /* buffers; pages, as io_virtio_net counts them */
  struct {
    uint16_t head;
    uint32_t written;
  } buffer[IO_VIRTIO_QUEUE_SIZE];
};

static bool share(struct io_virtio_net *n, uint64_t gpa, uint64_t page, const uint8_t *bytes) {
  const struct io_dma *dma = &n->virtio.dma;
  return page && dma->share && dma->share(dma->ctx, gpa, page, bytes);
}

/* Put k bytes of the frame, from `at` on, into a buffer from its byte `head` on. Returns the bytes moved. */
static uint64_t put(struct io_virtio_net *n, struct buffers *b, const struct io_virtio_chain *c, uint64_t head,
                    uint64_t at, uint64_t k) {
  const struct io_net_pages *p = &n->arrived_pages;
  uint64_t done = 0;
  for (unsigned i = 0; i < p->n; i++) {
    uint64_t from = p->page[i].at, gap = from - at - done, gpa;
    if (from < at + done || from + IO_PAGE > at + k) continue;
    if (io_virtio_place(c, head + from - at, &gpa) < IO_PAGE || gpa % IO_PAGE) continue;
    b->met++;
    if (!share(n, gpa, p->page[i].page, n->arrived + from)) continue;
    b->shared++;
    if (io_virtio_write(&n->virtio, c, head + done, n->arrived + at + done, gap) < gap) return done;
    done += gap + IO_PAGE;
  }
  return done + io_virtio_write(&n->virtio, c, head + done, n->arrived + at + done, k - done);
}

/* Write header and frame into as many buffers as they need and the driver allows. */
static enum fate spread(struct io_virtio_net *n, struct buffers *b) {
  static const uint8_t nothing[HEADER];
  struct io_virtio *v = &n->virtio;
  struct io_virtio_chain more, *c = &b->first;
  unsigned most = v->accepted & F_MERGE ? v->q[RECEIVE].size : 1;
  uint64_t at = 0;
  for (b->n = b->met = b->shared = 0; at < n->arrived_n; c = &more) {
    if (b->n == most) return REFUSED;
    if (!io_virtio_pop(v, RECEIVE, c)) return NO_ROOM_YET;
    uint64_t head = b->n ? 0 : header_bytes(n), k = n->arrived_n - at, moved = 0;
    if (head < c->in_len) {
      if (k > c->in_len - head) k = c->in_len - head;
      moved = io_virtio_write(v, c, 0, nothing, head) == head ? put(n, b, c, head, at, k) : 0;
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

static bool take(struct io_virtio_net *n) {
  n->arrived_n = n->net.recv(n->net.ctx, n->arrived, sizeof n->arrived);
  n->arrived_pages.n = 0;
  if (n->arrived_n && n->net.pages) n->arrived_pages = *n->net.pages;
  return n->arrived_n;
}

/* Take in what is on the wire, while there are buffers for it. */
static void look(void *card) {
  struct io_virtio_net *n = card;
  struct buffers b;
  while (io_virtio_waiting(&n->virtio, RECEIVE)) {
    if (!n->arrived_n && !take(n)) return;
    enum fate fate = spread(n, &b);
    if (fate == NO_ROOM_YET) {
      io_virtio_unpop(&n->virtio, RECEIVE, b.n);
      return;
    }
    give_back(n, &b, fate == TAKEN);
    if (fate == TAKEN) {
      n->n_received++;
      n->pages_met += b.met;
      n->pages_shared += b.shared;
    }
    n->n_refused += fate == REFUSED;
    n->arrived_n = 0;
  }
}

/* --- out --- */

/* Virtio 1.2, 5.1.6.2: a sum of all from one place on is to go to another, where that of what lies before stands.
 * False: these are not in the frame. */
static bool finish_checksum(struct io_virtio_net *n, const uint8_t *header, uint64_t k) {
  if (!(n->virtio.accepted & F_CHECKSUM) || !(header[FLAGS] & NEEDS_CHECKSUM)) return true;
  uint64_t from = io_virtio_number(&n->virtio, header + CHECKSUM_FROM, 2), sum = 0;
  uint64_t at = from + io_virtio_number(&n->virtio, header + CHECKSUM_AT, 2);
  if (at + 2 > k) return false;
  for (uint64_t i = from; i < k; i++) sum += (uint64_t)n->leaving[i] << ((i - from) % 2 ? 0 : 8);
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  sum = sum == 0xffff ? sum : ~sum & 0xffff; /* to UDP 0 is none, and 0xffff is the same number */
  n->leaving[at] = (uint8_t)(sum >> 8);
  n->leaving[at + 1] = (uint8_t)sum;
  return true;
}

/* Say which pages of the guest the frame's k bytes, from byte `head` of the chain on, are. */
static void name_pages(struct io_virtio_net *n, const struct io_virtio_chain *c, uint64_t head, uint64_t k) {
  const struct io_dma *dma = &n->virtio.dma;
  struct io_net_pages *p = n->net.pages;
  uint64_t at = 0; /* of the segment, in the chain */
  if (!p) return;
  p->n = 0;
  for (unsigned i = 0; i < c->out; at += c->seg[i++].len) {
    uint64_t gpa = c->seg[i].gpa, skip = -gpa % IO_PAGE;
    while (at + skip < head) skip += IO_PAGE;
    for (; skip + IO_PAGE <= c->seg[i].len && at + skip + IO_PAGE <= head + k && p->n < IO_NET_PAGES; skip += IO_PAGE) {
      p->page[p->n].at = (uint32_t)(at + skip - head);
      p->page[p->n++].page = dma->page ? dma->page(dma->ctx, gpa + skip) : 0;
    }
  }
  n->pages_sent += p->n;
}

static void transmit(struct io_virtio_net *n) {
  struct io_virtio_chain c;
  for (unsigned left = n->virtio.q[TRANSMIT].size; left && io_virtio_pop(&n->virtio, TRANSMIT, &c); left--) {
    unsigned head = header_bytes(n);
    uint8_t header[HEADER];
    uint64_t k = c.out_len > head ? c.out_len - head : 0;
    if (k >= IO_NET_HEADER && k <= sizeof n->leaving && io_virtio_read(&n->virtio, &c, 0, header, head) == head &&
        io_virtio_read(&n->virtio, &c, head, n->leaving, k) == k && finish_checksum(n, header, k)) {
      n->n_sent++;
      name_pages(n, &c, head, k);
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
                                    .features = F_CHECKSUM | F_MAC | F_MERGE | F_STATUS,
                                    .config_len = 8,
                                    .fill = fill,
                                    .reset = reset,
                                    .notify = notify,
                                    .ctx = n};
  return io_virtio_init(&n->virtio, &config);
}

void io_virtio_net_state(void *net, struct snap *s) {
  struct io_virtio_net *n = net;
  io_virtio_state(&n->virtio, s);
  SNAP(s, n->arrived_n);
  SNAP(s, n->n_sent);
  SNAP(s, n->n_received);
  SNAP(s, n->n_refused);
  SNAP(s, n->pages_sent);
  SNAP(s, n->pages_met);
  SNAP(s, n->pages_shared);
  io_net_pages_state(&n->arrived_pages, s);
  if (snap_check(s, n->arrived_n <= sizeof n->arrived)) snap_bytes(s, n->arrived, n->arrived_n);
}
