/* iosys/virtio.h: virtio over PCI and memory-mapped: transports and split queues for the cards in dev_virtio_*.c. */
/* SPDX-License-Identifier: Apache-2.0 */
/* A card embeds struct io_virtio, offers features and a notify function, and goes into a PCI slot, where it is
 * "transitional" (virtio 1.2, 4.1: the old I/O BAR and the modern memory BAR both work, INTx only), or is plugged into
 * a memory-mapped one (4.2, version 2). Requests are done on the spot, when the driver rings, so that a run is the same
 * every time. A driver that breaks the rules gets DEVICE_NEEDS_RESET, never a crash. */
#ifndef IOSYS_VIRTIO_H
#define IOSYS_VIRTIO_H
#include "iosys/clock.h"
#include "iosys/pci.h"

enum { IO_VIRTIO_QUEUES = 2, IO_VIRTIO_QUEUE_SIZE = 128, IO_VIRTIO_SEGMENTS = 2 * IO_VIRTIO_QUEUE_SIZE };
enum io_virtio_type { VIRTIO_NET = 1, VIRTIO_BLK = 2, VIRTIO_CONSOLE = 3, VIRTIO_RNG = 4 };
#define VIRTIO_F_VERSION_1 (1ull << 32)

struct io_virtqueue {
  uint64_t desc, avail, used; /* guest addresses of the three parts */
  uint16_t size, next_avail, next_used;
  bool enabled;
};

/* A request: `out` segments the card reads, then `in` segments it writes. */
struct io_virtio_chain {
  uint16_t head;
  unsigned out, in;
  struct {
    uint64_t gpa;
    uint32_t len;
  } seg[IO_VIRTIO_SEGMENTS];
  uint64_t out_len, in_len;
};

struct io_virtio {
  struct io_pci_dev pci;
  struct irq_line line; /* of the PCI device, unless plugged in elsewhere */
  enum io_virtio_type type;
  struct io_dma dma;
  bool big_endian;  /* guest's order: what a legacy driver's rings and config are in */
  bool legacy_ring; /* the driver did not accept VERSION_1 */
  bool modern_only; /* it has no other choice */
  unsigned queues;
  uint64_t features, accepted;
  uint8_t status, isr, generation;
  uint32_t feature_page, accept_page; /* 32-bit halves selected */
  uint16_t selected;
  struct io_virtqueue q[IO_VIRTIO_QUEUES];
  uint8_t config[64]; /* filled by fill() in the order the driver expects */
  unsigned config_len;
  void (*fill)(void *ctx);                            /* write config[] with io_virtio_config_put; optional */
  void (*set)(void *ctx, unsigned off, uint8_t byte); /* the driver writes a byte of config; optional */
  void (*notify)(void *ctx, unsigned q);              /* the driver has put buffers into queue q */
  void (*reset)(void *ctx);                           /* optional */
  void *ctx;
};

struct io_virtio_config {
  enum io_virtio_type type;
  struct io_dma dma;
  bool big_endian;
  unsigned queues;
  uint64_t features; /* of the card; the transport adds its own */
  unsigned config_len;
  void (*fill)(void *ctx);
  void (*set)(void *ctx, unsigned off, uint8_t byte);
  void (*notify)(void *ctx, unsigned q);
  void (*reset)(void *ctx);
  void *ctx;
};
/* Returns IO_OK, or IO_ERR_FULL when config space has no room for the capabilities. */
__attribute__((warn_unused_result)) int io_virtio_init(struct io_virtio *v, const struct io_virtio_config *config);
/* To be a part of a card's. */
void io_virtio_state(struct io_virtio *v, struct snap *s);
/* Take the next request of queue q; false when there is none (or the driver broke a rule). As answers may be written
 * over the ring itself, a loop must end after as many requests as the queue has entries: more cannot be honest. */
bool io_virtio_pop(struct io_virtio *v, unsigned q, struct io_virtio_chain *c);
/* Undo the last n pops of queue q. */
void io_virtio_unpop(struct io_virtio *v, unsigned q, unsigned n);
/* Give it back: the card wrote `written` bytes into its `in` part. Raises the interrupt unless asked not to. */
void io_virtio_push(struct io_virtio *v, unsigned q, const struct io_virtio_chain *c, uint32_t written);
/* Are there requests waiting? */
bool io_virtio_waiting(struct io_virtio *v, unsigned q);
/* Copy between host memory and the chain's out or in part, from byte `at` of it. Returns the bytes moved. */
uint64_t io_virtio_read(struct io_virtio *v, const struct io_virtio_chain *c, uint64_t at, void *to, uint64_t n);
uint64_t io_virtio_write(struct io_virtio *v, const struct io_virtio_chain *c, uint64_t at, const void *from,
                         uint64_t n);
/* Where byte `at` of the in part lies; returns how many bytes of it lie there one behind the other, 0: it has no such.
 */
uint64_t io_virtio_place(const struct io_virtio_chain *c, uint64_t at, uint64_t *gpa);
/* A number of 2, 4 or 8 bytes in the driver's byte order. */
void io_virtio_config_put(struct io_virtio *v, unsigned off, uint64_t value, int size);
uint64_t io_virtio_number(const struct io_virtio *v, const uint8_t *bytes, int size);

/* --- for the transports --- */
/* Registers of the common configuration (4.1.4.3), by their offsets there. */
enum io_virtio_common {
  VIRTIO_C_FEATURE_PAGE = 0,
  VIRTIO_C_FEATURE = 4,
  VIRTIO_C_ACCEPT_PAGE = 8,
  VIRTIO_C_ACCEPT = 12,
  VIRTIO_C_MSIX = 16,
  VIRTIO_C_QUEUES = 18,
  VIRTIO_C_STATUS = 20,
  VIRTIO_C_GENERATION = 21,
  VIRTIO_C_SELECT = 22,
  VIRTIO_C_SIZE = 24,
  VIRTIO_C_VECTOR = 26,
  VIRTIO_C_ENABLE = 28,
  VIRTIO_C_NOTIFY_OFF = 30,
  VIRTIO_C_DESC = 32,
  VIRTIO_C_AVAIL = 40,
  VIRTIO_C_USED = 48,
  VIRTIO_C_END = 56
};
uint64_t io_virtio_common_read(struct io_virtio *v, uint32_t off);
void io_virtio_common_write(struct io_virtio *v, uint32_t off, uint64_t n);
/* The queue selected, or NULL. */
struct io_virtqueue *io_virtio_queue(struct io_virtio *v);
/* The driver rings. */
void io_virtio_ring(struct io_virtio *v, unsigned q);
/* The driver reads or writes `size` bytes of the card's configuration. */
uint64_t io_virtio_config_read(struct io_virtio *v, uint32_t off, int size);
void io_virtio_config_write(struct io_virtio *v, uint32_t off, uint64_t n, int size);
/* The interrupt status; these bits of it are acknowledged. */
uint8_t io_virtio_take_isr(struct io_virtio *v, uint8_t bits);
/* Take a card that has been made out of PCI: it drives this line, and has the modern interface only. */
void io_virtio_plug(struct io_virtio *v, struct irq_line line);
/* One memory-mapped slot; dev = struct io_virtio *, the place of a pointer that is NULL where no card is. */
extern const struct dev_ops virtio_mmio_ops;

/* --- the cards --- */
struct io_virtio_blk {
  struct io_virtio virtio;
  struct io_disk disk;
  bool writeback; /* as the driver has set it, if it may */
  uint8_t buffer[65536];
};
__attribute__((warn_unused_result)) int io_virtio_blk_init(struct io_virtio_blk *b, struct io_dma dma, bool big_endian,
                                                           struct io_disk disk);
void io_virtio_blk_state(void *blk, struct snap *s);
struct io_virtio_net {
  struct io_virtio virtio;
  struct io_net net;
  uint8_t leaving[IO_NET_FRAME_MAX];
  uint8_t arrived[IO_NET_FRAME_MAX]; /* waits for buffers; */
  unsigned arrived_n;                /* none: 0 */
  struct io_net_pages arrived_pages;
  uint64_t n_sent, n_received, n_refused; /* refused: malformed, or the driver's buffers are too small */
  /* Pages of the guest's that lay whole in frames it sent; of other guests' that did in frames received, and would lie
   * whole in a page here; and of these, those that are shared now instead of copied. */
  uint64_t pages_sent, pages_met, pages_shared;
};
__attribute__((warn_unused_result)) int io_virtio_net_init(struct io_virtio_net *n, struct io_dma dma, bool big_endian,
                                                           struct io_net net);
void io_virtio_net_state(void *net, struct snap *s);
struct io_virtio_rng {
  struct io_virtio virtio;
  uint64_t seed, state;
};
__attribute__((warn_unused_result)) int io_virtio_rng_init(struct io_virtio_rng *r, struct io_dma dma, bool big_endian,
                                                           uint64_t seed);
void io_virtio_rng_state(void *rng, struct snap *s);
struct io_virtio_console {
  struct io_virtio virtio;
  struct io_tty tty;
  struct io_clock *clock;
  struct io_timer timer;
};
__attribute__((warn_unused_result)) int io_virtio_console_init(struct io_virtio_console *c, struct io_clock *clock,
                                                               struct io_dma dma, bool big_endian, struct io_tty tty);
void io_virtio_console_state(void *console, struct snap *s);
#endif
