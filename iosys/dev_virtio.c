/* iosys/dev_virtio.c: virtio's split queues and common configuration, and its PCI transport, legacy and modern. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Section numbers: Virtual I/O Device specification 1.2. The modern BAR is four pages: common configuration, ISR, card
 * configuration, doorbells. Left out: MSI-X, packed rings, EVENT_IDX and the configuration access capability. */
#include "iosys/virtio.h"
#include <string.h>

enum { ST_DRIVER_OK = 4, ST_NEEDS_RESET = 64 };                                   /* 2.1 */
enum { D_NEXT = 1, D_WRITE = 2, D_INDIRECT = 4, D_BYTES = 16, AVAIL_NO_IRQ = 1 }; /* 2.7.5 */
enum { ISR_QUEUE = 1 };
#define F_ANY_LAYOUT (1ull << 27)
#define F_INDIRECT   (1ull << 28)

/* --- numbers in guest memory --- */

uint64_t io_virtio_number(const struct io_virtio *v, const uint8_t *bytes, int size) {
  bool big = v->legacy_ring && v->big_endian;
  uint64_t n = 0;
  for (int i = 0; i < size; i++) n |= (uint64_t)bytes[i] << 8 * (big ? size - 1 - i : i);
  return n;
}

static void to_bytes(const struct io_virtio *v, uint8_t *bytes, uint64_t n, int size) {
  bool big = v->legacy_ring && v->big_endian;
  for (int i = 0; i < size; i++) bytes[i] = (uint8_t)(n >> 8 * (big ? size - 1 - i : i));
}

static uint64_t load(struct io_virtio *v, uint64_t gpa, int size) {
  uint8_t bytes[8] = {0};
  if (v->dma.read) v->dma.read(v->dma.ctx, gpa, bytes, (uint64_t)size);
  return io_virtio_number(v, bytes, size);
}

static void store(struct io_virtio *v, uint64_t gpa, uint64_t n, int size) {
  uint8_t bytes[8];
  to_bytes(v, bytes, n, size);
  if (v->dma.write) v->dma.write(v->dma.ctx, gpa, bytes, (uint64_t)size);
}

void io_virtio_config_put(struct io_virtio *v, unsigned off, uint64_t value, int size) {
  if (off + (unsigned)size <= sizeof v->config) to_bytes(v, v->config + off, value, size);
}

/* --- queues --- */

static void update_irq(struct io_virtio *v) {
  io_irq_set(&v->line, v->isr != 0);
}

static void broken(struct io_virtio *v) {
  v->status |= ST_NEEDS_RESET;
  v->isr |= 2; /* configuration change: 2.1.2 */
  update_irq(v);
}

struct descriptor {
  uint64_t gpa;
  uint32_t len;
  uint16_t flags, next;
};

static struct descriptor fetch(struct io_virtio *v, uint64_t table, unsigned i) {
  uint8_t raw[D_BYTES] = {0};
  if (v->dma.read) v->dma.read(v->dma.ctx, table + (uint64_t)i * D_BYTES, raw, D_BYTES);
  return (struct descriptor){.gpa = io_virtio_number(v, raw, 8),
                             .len = (uint32_t)io_virtio_number(v, raw + 8, 4),
                             .flags = (uint16_t)io_virtio_number(v, raw + 12, 2),
                             .next = (uint16_t)io_virtio_number(v, raw + 14, 2)};
}

static bool add_segment(struct io_virtio_chain *c, const struct descriptor *d) {
  if (c->out + c->in == IO_VIRTIO_SEGMENTS) return false;
  if (!(d->flags & D_WRITE) && c->in) return false; /* 2.7.4.2: what the card reads comes first */
  c->seg[c->out + c->in].gpa = d->gpa;
  c->seg[c->out + c->in].len = d->len;
  if (d->flags & D_WRITE) {
    c->in++;
    c->in_len += d->len;
  } else {
    c->out++;
    c->out_len += d->len;
  }
  return true;
}

/* Follow `next` from descriptor i of a table of n; at most n steps, so a loop ends. */
static bool walk(struct io_virtio *v, uint64_t table, unsigned n, unsigned i, bool nested, struct io_virtio_chain *c) {
  for (unsigned steps = 0; steps < n; steps++) {
    if (i >= n) return false;
    struct descriptor d = fetch(v, table, i);
    if (d.flags & D_INDIRECT) {
      unsigned inner = d.len / D_BYTES;
      if (nested || d.flags & D_NEXT || !inner || inner > IO_VIRTIO_SEGMENTS || d.len % D_BYTES) return false;
      return walk(v, d.gpa, inner, 0, true, c);
    }
    if (!add_segment(c, &d)) return false;
    if (!(d.flags & D_NEXT)) return true;
    i = d.next;
  }
  return false;
}

bool io_virtio_waiting(struct io_virtio *v, unsigned q) {
  const struct io_virtqueue *vq = &v->q[q];
  if (!vq->enabled || !(v->status & ST_DRIVER_OK) || v->status & ST_NEEDS_RESET) return false;
  return (uint16_t)load(v, vq->avail + 2, 2) != vq->next_avail;
}

bool io_virtio_pop(struct io_virtio *v, unsigned q, struct io_virtio_chain *c) {
  struct io_virtqueue *vq = &v->q[q];
  if (!io_virtio_waiting(v, q)) return false;
  uint16_t ahead = (uint16_t)(load(v, vq->avail + 2, 2) - vq->next_avail);
  c->head = (uint16_t)load(v, vq->avail + 4 + 2u * (vq->next_avail % vq->size), 2);
  c->out = c->in = 0;
  c->out_len = c->in_len = 0;
  if (ahead > vq->size || !walk(v, vq->desc, vq->size, c->head, false, c)) {
    broken(v);
    return false;
  }
  vq->next_avail++;
  return true;
}

void io_virtio_unpop(struct io_virtio *v, unsigned q, unsigned n) {
  v->q[q].next_avail = (uint16_t)(v->q[q].next_avail - n);
}

void io_virtio_push(struct io_virtio *v, unsigned q, const struct io_virtio_chain *c, uint32_t written) {
  struct io_virtqueue *vq = &v->q[q];
  uint64_t at = vq->used + 4 + 8ull * (vq->next_used % vq->size);
  store(v, at, c->head, 4);
  store(v, at + 4, written, 4);
  store(v, vq->used + 2, ++vq->next_used, 2);
  if (load(v, vq->avail, 2) & AVAIL_NO_IRQ) return;
  v->isr |= ISR_QUEUE;
  update_irq(v);
}

/* Move bytes [at, at + n) of the segments [first, first + count). */
static uint64_t copy(struct io_virtio *v, const struct io_virtio_chain *c, unsigned first, unsigned count, uint64_t at,
                     uint8_t *host, uint64_t n, bool to_guest) {
  uint64_t done = 0;
  for (unsigned i = first; i < first + count && done < n; i++) {
    uint64_t len = c->seg[i].len;
    if (at >= len) {
      at -= len;
      continue;
    }
    uint64_t k = len - at < n - done ? len - at : n - done, moved = 0;
    if (to_guest && v->dma.write)
      moved = v->dma.write(v->dma.ctx, c->seg[i].gpa + at, host + done, k);
    else if (!to_guest && v->dma.read)
      moved = v->dma.read(v->dma.ctx, c->seg[i].gpa + at, host + done, k);
    done += moved;
    if (moved < k) break; /* ran off the end of memory */
    at = 0;
  }
  return done;
}

uint64_t io_virtio_read(struct io_virtio *v, const struct io_virtio_chain *c, uint64_t at, void *to, uint64_t n) {
  return copy(v, c, 0, c->out, at, to, n, false);
}
uint64_t io_virtio_write(struct io_virtio *v, const struct io_virtio_chain *c, uint64_t at, const void *from,
                         uint64_t n) {
  return copy(v, c, c->out, c->in, at, (uint8_t *)(uintptr_t)from, n, true);
}

uint64_t io_virtio_place(const struct io_virtio_chain *c, uint64_t at, uint64_t *gpa) {
  for (unsigned i = c->out; i < c->out + c->in; i++) {
    *gpa = c->seg[i].gpa + at;
    if (at < c->seg[i].len) return c->seg[i].len - at;
    at -= c->seg[i].len;
  }
  return 0;
}

/* --- state changes both interfaces share --- */

static void reset(struct io_virtio *v) {
  v->status = v->isr = 0;
  v->accepted = 0;
  v->feature_page = v->accept_page = 0;
  v->selected = 0;
  v->legacy_ring = !v->modern_only;
  for (unsigned i = 0; i < IO_VIRTIO_QUEUES; i++) v->q[i] = (struct io_virtqueue){.size = IO_VIRTIO_QUEUE_SIZE};
  update_irq(v);
  if (v->reset) v->reset(v->ctx);
}

static void pci_reset(void *ctx) {
  reset(ctx);
}

static void pci_line(void *pci, int n, int level) {
  (void)n;
  io_pci_irq(pci, level);
}

static void set_status(struct io_virtio *v, uint8_t status) {
  if (!status)
    reset(v);
  else
    v->status = (uint8_t)(status | (v->status & ST_NEEDS_RESET));
}

static void accept(struct io_virtio *v, uint64_t features) {
  v->accepted = features & v->features;
  v->legacy_ring = !v->modern_only && !(v->accepted & VIRTIO_F_VERSION_1);
}

void io_virtio_ring(struct io_virtio *v, unsigned q) {
  if (q < v->queues && v->q[q].enabled && v->status & ST_DRIVER_OK) v->notify(v->ctx, q);
}

struct io_virtqueue *io_virtio_queue(struct io_virtio *v) {
  return v->selected < v->queues ? &v->q[v->selected] : NULL;
}

uint64_t io_virtio_config_read(struct io_virtio *v, uint32_t off, int size) {
  uint64_t n = 0;
  if (v->fill) v->fill(v->ctx);
  for (int i = 0; i < size && off + (unsigned)i < v->config_len; i++)
    n |= (uint64_t)v->config[off + (unsigned)i] << 8 * i;
  return n;
}

void io_virtio_config_write(struct io_virtio *v, uint32_t off, uint64_t n, int size) {
  for (int i = 0; v->set && i < size && off + (unsigned)i < v->config_len; i++)
    v->set(v->ctx, off + (unsigned)i, (uint8_t)(n >> 8 * i));
}

uint8_t io_virtio_take_isr(struct io_virtio *v, uint8_t bits) {
  uint8_t isr = v->isr;
  v->isr &= (uint8_t)~bits;
  update_irq(v);
  return isr;
}

/* --- legacy interface, 4.1.4.10 --- */
enum {
  L_FEATURES = 0,
  L_ACCEPT = 4,
  L_PFN = 8,
  L_SIZE = 12,
  L_SELECT = 14,
  L_NOTIFY = 16,
  L_STATUS = 18,
  L_ISR = 19,
  L_CONFIG = 20
};

static uint64_t legacy_read(void *dev, uint32_t off, int size) {
  struct io_virtio *v = dev;
  struct io_virtqueue *q = io_virtio_queue(v);
  switch (off) {
  case L_FEATURES: return (uint32_t)v->features;
  case L_ACCEPT: return (uint32_t)v->accepted;
  case L_PFN: return q ? q->desc >> 12 : 0;
  case L_SIZE: return q ? q->size : 0;
  case L_SELECT: return v->selected;
  case L_STATUS: return v->status;
  case L_ISR: return io_virtio_take_isr(v, 0xff);
  default: return off >= L_CONFIG ? io_virtio_config_read(v, off - L_CONFIG, size) : 0;
  }
}

/* A legacy ring is one piece of pages: descriptors, then avail, then used on the next page (2.7.2). */
static void legacy_ring_at(struct io_virtqueue *q, uint32_t pfn) {
  uint64_t base = (uint64_t)pfn << 12;
  q->desc = base;
  q->avail = base + (uint64_t)q->size * D_BYTES;
  q->used = (q->avail + 6 + 2u * q->size + 4095) & ~4095ull;
  q->next_avail = q->next_used = 0;
  q->enabled = pfn != 0;
}

static void legacy_write(void *dev, uint32_t off, uint64_t n, int size) {
  struct io_virtio *v = dev;
  struct io_virtqueue *q = io_virtio_queue(v);
  switch (off) {
  case L_ACCEPT: accept(v, n & 0xffffffff); break;
  case L_PFN:
    if (q) legacy_ring_at(q, (uint32_t)n);
    break;
  case L_SELECT: v->selected = (uint16_t)n; break;
  case L_NOTIFY: io_virtio_ring(v, (unsigned)n & 0xffff); break;
  case L_STATUS: set_status(v, (uint8_t)n); break;
  default:
    if (off >= L_CONFIG) io_virtio_config_write(v, off - L_CONFIG, n, size);
    break;
  }
}

/* --- modern interface, 4.1.4.3 --- */
enum { PAGE_COMMON = 0, PAGE_ISR = 0x1000, PAGE_CARD = 0x2000, PAGE_NOTIFY = 0x3000, BAR_SIZE = 0x4000, DOORBELL = 4 };
uint64_t io_virtio_common_read(struct io_virtio *v, uint32_t off) {
  struct io_virtqueue *q = io_virtio_queue(v);
  switch (off) {
  case VIRTIO_C_FEATURE_PAGE: return v->feature_page;
  case VIRTIO_C_FEATURE: return v->feature_page < 2 ? (uint32_t)(v->features >> 32 * v->feature_page) : 0;
  case VIRTIO_C_ACCEPT_PAGE: return v->accept_page;
  case VIRTIO_C_ACCEPT: return v->accept_page < 2 ? (uint32_t)(v->accepted >> 32 * v->accept_page) : 0;
  case VIRTIO_C_MSIX:
  case VIRTIO_C_VECTOR: return 0xffff; /* none */
  case VIRTIO_C_QUEUES: return v->queues;
  case VIRTIO_C_STATUS: return v->status;
  case VIRTIO_C_GENERATION: return v->generation;
  case VIRTIO_C_SELECT: return v->selected;
  default: break;
  }
  if (!q) return 0;
  switch (off) {
  case VIRTIO_C_SIZE: return q->size;
  case VIRTIO_C_ENABLE: return q->enabled;
  case VIRTIO_C_NOTIFY_OFF: return v->selected;
  case VIRTIO_C_DESC: return (uint32_t)q->desc;
  case VIRTIO_C_DESC + 4: return q->desc >> 32;
  case VIRTIO_C_AVAIL: return (uint32_t)q->avail;
  case VIRTIO_C_AVAIL + 4: return q->avail >> 32;
  case VIRTIO_C_USED: return (uint32_t)q->used;
  case VIRTIO_C_USED + 4: return q->used >> 32;
  default: return 0;
  }
}

static void queue_write(struct io_virtqueue *q, uint32_t off, uint64_t n) {
  if (q->enabled) return; /* 4.1.4.3.2: no changes while it runs */
  switch (off) {
  case VIRTIO_C_SIZE: /* a power of two, not above what was offered */
    if (n && n <= IO_VIRTIO_QUEUE_SIZE && !(n & (n - 1))) q->size = (uint16_t)n;
    break;
  case VIRTIO_C_ENABLE:
    q->enabled = n == 1;
    q->next_avail = q->next_used = 0;
    break;
  case VIRTIO_C_DESC:
  case VIRTIO_C_DESC + 4: io_put_half(&q->desc, off != VIRTIO_C_DESC, (uint32_t)n); break;
  case VIRTIO_C_AVAIL:
  case VIRTIO_C_AVAIL + 4: io_put_half(&q->avail, off != VIRTIO_C_AVAIL, (uint32_t)n); break;
  case VIRTIO_C_USED:
  case VIRTIO_C_USED + 4: io_put_half(&q->used, off != VIRTIO_C_USED, (uint32_t)n); break;
  default: break;
  }
}

void io_virtio_common_write(struct io_virtio *v, uint32_t off, uint64_t n) {
  switch (off) {
  case VIRTIO_C_FEATURE_PAGE: v->feature_page = (uint32_t)n; break;
  case VIRTIO_C_ACCEPT_PAGE: v->accept_page = (uint32_t)n; break;
  case VIRTIO_C_ACCEPT:
    if (v->accept_page < 2) {
      uint64_t all = v->accepted;
      io_put_half(&all, v->accept_page == 1, (uint32_t)n);
      accept(v, all);
    }
    break;
  case VIRTIO_C_STATUS: set_status(v, (uint8_t)n); break;
  case VIRTIO_C_SELECT: v->selected = (uint16_t)n; break;
  default:
    if (io_virtio_queue(v)) queue_write(io_virtio_queue(v), off, n);
    break;
  }
}

static uint64_t modern_read(void *dev, uint32_t off, int size) {
  struct io_virtio *v = dev;
  if (off < VIRTIO_C_END) return io_virtio_common_read(v, off);
  if (off == PAGE_ISR) return io_virtio_take_isr(v, 0xff);
  if (off >= PAGE_CARD && off < PAGE_NOTIFY) return io_virtio_config_read(v, off - PAGE_CARD, size);
  return 0;
}

static void modern_write(void *dev, uint32_t off, uint64_t n, int size) {
  struct io_virtio *v = dev;
  if (off < VIRTIO_C_END)
    io_virtio_common_write(v, off, n);
  else if (off >= PAGE_CARD && off < PAGE_NOTIFY)
    io_virtio_config_write(v, off - PAGE_CARD, n, size);
  else if (off >= PAGE_NOTIFY)
    io_virtio_ring(v, (off - PAGE_NOTIFY) / DOORBELL);
}

static const struct dev_ops legacy_ops = {"virtio-legacy", legacy_read, legacy_write, NULL};
static const struct dev_ops modern_ops = {"virtio", modern_read, modern_write, NULL};

/* --- construction --- */

/* A vendor capability (4.1.4): which page of BAR 4 holds what. */
static int capability(struct io_virtio *v, uint8_t kind, uint32_t page, uint32_t len) {
  bool doorbells = page == PAGE_NOTIFY;
  int at = io_pci_capability(&v->pci, 9, doorbells ? 20 : 16);
  if (at < 0) return at;
  v->pci.config[at + 3] = kind;
  v->pci.config[at + 4] = 4; /* BAR */
  io_pci_put32(&v->pci, (unsigned)at + 8, page);
  io_pci_put32(&v->pci, (unsigned)at + 12, len);
  if (doorbells) io_pci_put32(&v->pci, (unsigned)at + 16, DOORBELL);
  return IO_OK;
}

static int identity(struct io_virtio *v, enum io_virtio_type type) {
  static const struct {
    uint16_t device;
    uint32_t class_rev;
  } ids[] = {[VIRTIO_NET] = {0x1000, 0x02000000},
             [VIRTIO_BLK] = {0x1001, 0x01000000},
             [VIRTIO_CONSOLE] = {0x1003, 0x07800000},
             [VIRTIO_RNG] = {0x1005, 0x00ff0000}};
  io_pci_ids(&v->pci, 0x1af4, ids[type].device, ids[type].class_rev, 1);
  io_pci_sub_ids(&v->pci, 0x1af4, (uint16_t)type);
  v->pci.bar[0] = (struct io_pci_bar){.kind = PCI_BAR_IO, .size = 128, .ops = &legacy_ops, .dev = v, .stall_ns = 200};
  v->pci.bar[4] =
      (struct io_pci_bar){.kind = PCI_BAR_MEM, .size = BAR_SIZE, .ops = &modern_ops, .dev = v, .stall_ns = 200};
  v->pci.reset = pci_reset;
  v->pci.ctx = v;
  static const struct {
    uint8_t kind;
    uint16_t page, len;
  } caps[] = {{1, PAGE_COMMON, VIRTIO_C_END}, {3, PAGE_ISR, 1}, {4, PAGE_CARD, 0x1000}, {2, PAGE_NOTIFY, 0x1000}};
  int err = IO_OK;
  for (unsigned i = 0; i < 4 && !err; i++) err = capability(v, caps[i].kind, caps[i].page, caps[i].len);
  return err;
}

int io_virtio_init(struct io_virtio *v, const struct io_virtio_config *config) {
  *v = (struct io_virtio){.dma = config->dma,
                          .big_endian = config->big_endian,
                          .queues = config->queues,
                          .features = config->features | VIRTIO_F_VERSION_1 | F_INDIRECT | F_ANY_LAYOUT,
                          .config_len = config->config_len,
                          .fill = config->fill,
                          .set = config->set,
                          .notify = config->notify,
                          .reset = config->reset,
                          .ctx = config->ctx,
                          .type = config->type,
                          .line = {.set = pci_line, .ctx = &v->pci}};
  int err = identity(v, config->type);
  if (!err) reset(v);
  return err;
}

void io_virtio_plug(struct io_virtio *v, struct irq_line line) {
  v->line = line;
  v->modern_only = true;
  reset(v);
}

/* --- state --- */

void io_virtio_state(struct io_virtio *v, struct snap *s) {
  io_pci_dev_state(&v->pci, s);
  SNAP(s, v->legacy_ring);
  SNAP(s, v->accepted);
  SNAP(s, v->status);
  SNAP(s, v->isr);
  SNAP(s, v->generation);
  SNAP(s, v->feature_page);
  SNAP(s, v->accept_page);
  SNAP(s, v->selected);
  snap_bytes(s, v->config, sizeof v->config);
  for (struct io_virtqueue *q = v->q; q < v->q + IO_VIRTIO_QUEUES; q++) {
    SNAP(s, q->desc);
    SNAP(s, q->avail);
    SNAP(s, q->used);
    SNAP(s, q->size);
    SNAP(s, q->next_avail);
    SNAP(s, q->next_used);
    SNAP(s, q->enabled);
    snap_check(s, !v->queues || (q->size && q->size <= IO_VIRTIO_QUEUE_SIZE && !(q->size & (q->size - 1))));
  }
  snap_check(s, !(v->accepted & ~v->features));
}
