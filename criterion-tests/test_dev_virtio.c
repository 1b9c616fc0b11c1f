/* criterion-tests/test_dev_virtio.c: virtio cards through both interfaces, both byte orders, and broken drivers. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "virtio_driver.h"

enum { BLK = 18, RNG = 20, CON = 21 };
enum { HDR = 0x5000, DATA = 0x6000, STATUS = 0x7000 };

/* A disk that insists on whole sectors within it. */
static uint8_t image[64 * 512];
static unsigned n_read, n_written, n_flushed;
static void whole_sectors(uint64_t at, uint64_t n) {
  cr_assert(at % 512 == 0 && n % 512 == 0 && at <= sizeof image && n <= sizeof image - at);
}
static int disk_read(void *ctx, uint64_t at, void *to, uint64_t n) {
  (void)ctx;
  whole_sectors(at, n);
  n_read++;
  memcpy(to, image + at, n);
  return 0;
}
static int disk_write(void *ctx, uint64_t at, const void *from, uint64_t n) {
  (void)ctx;
  whole_sectors(at, n);
  n_written++;
  memcpy(image + at, from, n);
  return 0;
}
static int disk_zero(void *ctx, uint64_t at, uint64_t n) {
  (void)ctx;
  whole_sectors(at, n);
  memset(image + at, 0, n);
  return 0;
}
static int disk_flush(void *ctx) {
  (void)ctx;
  n_flushed++;
  return 0;
}

static void start(struct bench *b, bool big) {
  bench_config(b);
  b->config.big_endian = big;
  b->config.virtio_blk[0] = (struct io_disk){.read = disk_read,
                                             .write = disk_write,
                                             .zero = disk_zero,
                                             .flush = disk_flush,
                                             .size = sizeof image,
                                             .serial = "MB0001"};
  n_read = n_written = n_flushed = 0;
  b->config.virtio_rng = b->config.virtio_console = true;
  b->config.virtio_tty = (struct io_tty){bench_get, bench_put, b};
  b->config.seed = 42;
  bench_start(b);
  for (unsigned i = 0; i < sizeof image; i++) image[i] = (uint8_t)(i / 512 + i);
}

static void modern_setup(struct bench *b, unsigned queues) {
  modern_setup_with(b, queues, 0);
}

Test(virtio, capabilities_are_found) {
  static struct bench b;
  start(&b, false);
  struct io_pci_dev *d = b.board.pci.dev[IO_PCI_DEVFN(BLK, 0)];
  unsigned kinds = 0;
  for (unsigned at = d->config[PCI_CAPS], n = 0; at && n < 10; at = d->config[at + 1], n++) {
    cr_expect_eq(d->config[at], 9);
    cr_expect_eq(d->config[at + 4], 4);
    kinds |= 1u << d->config[at + 3];
  }
  cr_expect_eq(kinds, 0x1e, "common, notify, isr, device");
  cr_expect(d->config[PCI_STATUS] & 0x10);
}

static void blk_request(struct bench *b, unsigned type, uint64_t sector, unsigned data, unsigned len, bool in) {
  put(b, HDR, type, 4);
  put(b, HDR + 8, sector, 8);
  b->ram[STATUS] = 0xee;
  descriptor(b, DESC, 0, HDR, 16, NEXT, 1);
  descriptor(b, DESC, 1, data, len, NEXT | (in ? WRITE : 0), 2);
  descriptor(b, DESC, 2, STATUS, 1, WRITE, 0);
}

Test(virtio, block_modern_in_both_orders) {
  for (int big = 0; big < 2; big++) {
    static struct bench b;
    start(&b, big);
    card(&b, BLK);
    modern_setup(&b, 1);
    cr_expect_eq(rd(&b, CARD, 8), 64, "capacity in sectors");
    blk_request(&b, 0, 3, DATA, 1024, true);
    offer(&b, AVAIL, 8, 0);
    wr(&b, BELL, 0, 2);
    cr_expect_eq(b.ram[STATUS], 0);
    cr_expect_arr_eq(b.ram + DATA, image + 3 * 512, 1024);
    cr_expect_eq(get(&b, USED + 2, 2), 1);
    cr_expect_eq(get(&b, USED + 8, 4), 1025);
    cr_expect_eq(b.board.pci.dev[IO_PCI_DEVFN(BLK, 0)]->intx, true);
    cr_expect_eq(rd(&b, ISR, 1), 1);
    cr_expect_eq(rd(&b, ISR, 1), 0);
    cr_expect_eq(b.board.pci.dev[IO_PCI_DEVFN(BLK, 0)]->intx, false);
    memset(b.ram + DATA, 0x5c, 512);
    blk_request(&b, 1, 9, DATA, 512, false);
    put(&b, AVAIL, 1, 2); /* no interrupt, please */
    offer(&b, AVAIL, 8, 0);
    wr(&b, BELL, 0, 2);
    cr_expect_eq(b.ram[STATUS], 0);
    cr_expect_eq(image[9 * 512 + 511], 0x5c);
    cr_expect_eq(rd(&b, ISR, 1), 0);
    static const struct {
      unsigned type, len;
      uint64_t sector;
      uint8_t status;
    } odd[] = {{4, 0, 0, 0},     {99, 512, 0, 2}, {0, 512, 64, 1},
               {0, 1024, 63, 1}, {0, 100, 0, 1},  {0, 512, UINT64_MAX, 1}};
    for (unsigned i = 0; i < sizeof odd / sizeof *odd; i++) {
      blk_request(&b, odd[i].type, odd[i].sector, DATA, odd[i].len, true);
      offer(&b, AVAIL, 8, 0);
      wr(&b, BELL, 0, 2);
      cr_expect_eq(b.ram[STATUS], odd[i].status, "row %u: %u", i, b.ram[STATUS]);
    }
  }
}

Test(virtio, block_legacy_in_both_orders) {
  for (int big = 0; big < 2; big++) {
    static struct bench b;
    start(&b, big);
    card(&b, BLK);
    big_ring = big; /* a legacy driver writes its own byte order */
    wr(&b, PORTS + 18, 3, 1);
    wr(&b, PORTS + 4, 0, 4);
    wr(&b, PORTS + 14, 0, 2);
    cr_assert_eq(rd(&b, PORTS + 12, 2), 128);
    wr(&b, PORTS + 8, 8, 4); /* page 8: descriptors 0x8000, avail 0x8800, used 0x9000 */
    wr(&b, PORTS + 18, 7, 1);
    put(&b, HDR, 0, 4);
    put(&b, HDR + 8, 5, 8);
    descriptor(&b, 0x8000, 7, HDR, 16, NEXT, 3);
    descriptor(&b, 0x8000, 3, DATA, 512, NEXT | WRITE, 1);
    descriptor(&b, 0x8000, 1, STATUS, 1, WRITE, 0);
    offer(&b, 0x8800, 128, 7);
    wr(&b, PORTS + 16, 0, 2);
    cr_expect_eq(b.ram[STATUS], 0);
    cr_expect_arr_eq(b.ram + DATA, image + 5 * 512, 512);
    cr_expect_eq(get(&b, 0x9002, 2), 1);
    cr_expect_eq(get(&b, 0x9004, 4), 7);
    cr_expect_eq(rd(&b, PORTS + 19, 1), 1);
    uint8_t capacity[8];
    for (unsigned i = 0; i < 8; i++) capacity[i] = (uint8_t)rd(&b, PORTS + 20 + i, 1);
    cr_expect_eq(capacity[big ? 7 : 0], 64);
  }
}

Test(virtio, indirect_descriptors) {
  static struct bench b;
  start(&b, false);
  card(&b, BLK);
  modern_setup(&b, 1);
  put(&b, HDR, 0, 4);
  put(&b, HDR + 8, 1, 8);
  descriptor(&b, 0x4000, 0, HDR, 16, NEXT, 1);
  descriptor(&b, 0x4000, 1, DATA, 512, NEXT | WRITE, 2);
  descriptor(&b, 0x4000, 2, STATUS, 1, WRITE, 0);
  descriptor(&b, DESC, 5, 0x4000, 48, INDIRECT, 0);
  offer(&b, AVAIL, 8, 5);
  wr(&b, BELL, 0, 2);
  cr_expect_eq(b.ram[STATUS], 0);
  cr_expect_arr_eq(b.ram + DATA, image + 512, 512);
}

static uint8_t request(struct bench *b, unsigned type, uint64_t sector, unsigned len, bool in) {
  blk_request(b, type, sector, DATA, len, in);
  offer(b, AVAIL, 8, 0);
  wr(b, BELL, 0, 2);
  return b->ram[STATUS];
}

enum { FLUSHES = 1 << 9, CACHE_SETTING = 1 << 11 };
Test(virtio, block_what_is_stable_when) {
  static struct bench b;
  static const struct {
    unsigned features;
    bool turned_off;
    unsigned flushed; /* by two writes and a flush */
  } rows[] = {
      {0, false, 3}, {FLUSHES, false, 1}, {FLUSHES | CACHE_SETTING, false, 1}, {FLUSHES | CACHE_SETTING, true, 3}};
  for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
    start(&b, false);
    card(&b, BLK);
    modern_setup_with(&b, 1, rows[i].features);
    cr_expect_eq(rd(&b, CARD + 32, 1), 1);
    if (rows[i].turned_off) wr(&b, CARD + 32, 0, 1);
    cr_expect_eq(rd(&b, CARD + 32, 1), !rows[i].turned_off);
    cr_expect_eq(request(&b, 1, 2, 512, false), 0);
    cr_expect_eq(request(&b, 1, 3, 512, false), 0);
    cr_expect_eq(request(&b, 4, 0, 0, false), 0);
    cr_expect_eq(n_flushed, rows[i].flushed, "row %u: %u", i, n_flushed);
    wr(&b, COMMON + 20, 0, 1);
    cr_expect_eq(rd(&b, CARD + 32, 1), 1, "a reset turns it on again");
  }
}

Test(virtio, block_zeroes_and_name) {
  static struct bench b;
  static const struct {
    unsigned type, sectors, flags, len;
    uint64_t sector;
    uint8_t status;
  } rows[] = {{11, 2, 0, 16, 5, 0}, {13, 2, 0, 16, 5, 0},  {13, 2, 1, 16, 5, 0},          {11, 2, 1, 16, 5, 2},
              {13, 2, 2, 16, 5, 2}, {13, 2, 0, 16, 63, 1}, {13, 2, 0, 16, UINT64_MAX, 1}, {13, UINT32_MAX, 0, 16, 0, 1},
              {13, 2, 0, 32, 5, 1}, {13, 2, 0, 8, 5, 1}};
  start(&b, false);
  card(&b, BLK);
  modern_setup(&b, 1);
  for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
    memset(image, 0xff, sizeof image);
    put(&b, DATA, rows[i].sector, 8);
    put(&b, DATA + 8, rows[i].sectors, 4);
    put(&b, DATA + 12, rows[i].flags, 4);
    cr_expect_eq(request(&b, rows[i].type, 0, rows[i].len, false), rows[i].status, "row %u", i);
    for (unsigned k = 0; k < sizeof image; k++)
      cr_assert_eq(image[k], rows[i].status || k / 512 < 5 || k / 512 > 6 ? 0xff : 0, "row %u, byte %u", i, k);
  }
  cr_expect_eq(request(&b, 8, 0, 20, true), 0);
  cr_expect_str_eq((char *)b.ram + DATA, "MB0001");
}

/* Reads that answer into the ring itself: each brings the next request and the news of it. One ring of the doorbell may
 * do as many as the queue is long; an honest driver cannot have more under way. */
Test(virtio, ring_that_feeds_itself) {
  static struct bench b;
  start(&b, false);
  card(&b, BLK);
  modern_setup(&b, 1);
  for (unsigned k = 0; k < 64; k++) {
    memset(image + 512 * k, 0, 512);
    image[512 * k] = 1;                    /* AVAIL: no interrupts, */
    image[512 * k + 2] = (uint8_t)(k + 2); /* one more request */
    image[512 * k + 256 + 8] = (uint8_t)(k + 1);
  }
  descriptor(&b, DESC, 0, AVAIL + 256, 16, NEXT, 1);
  descriptor(&b, DESC, 1, AVAIL, 512, NEXT | WRITE, 2);
  descriptor(&b, DESC, 2, STATUS, 1, WRITE, 0);
  offer(&b, AVAIL, 8, 0);
  wr(&b, BELL, 0, 2);
  cr_expect_eq(n_read, 8);
}

/* Descriptors that are nearly right: loops, chains out of order, lengths past memory, addresses in nowhere, tables
 * within tables, and rings on top of each other. The disk insists on whole sectors; the sanitizers on the rest. */
static void nearly_right(struct bench *b, uint32_t *x) {
  static const uint64_t places[] = {HDR,  DATA,   STATUS,     DESC,           AVAIL,
                                    USED, 0xfe00, 0xfffffff0, UINT64_MAX - 8, 1ull << 40};
  static const unsigned lengths[] = {0, 1, 16, 16, 512, 513, 4096, 48, 0x10000, 0xffffffff};
  static const unsigned types[] = {0, 0, 1, 1, 4, 8, 11, 13, 99};
  for (unsigned i = 0; i < 8; i++) {
    bool usual = bench_dice(x, 3) != 0;
    unsigned third = i % 3, flags = bench_dice(x, 40) ? bench_dice(x, 4) : bench_dice(x, 8);
    uint64_t at = third == 0 ? HDR : third == 1 ? DATA : STATUS;
    unsigned len = third == 0 ? 16 : third == 1 ? 512 * bench_dice(x, 4) : 1;
    if (usual) flags = (third != 2 ? NEXT : 0) | (third == 2 || (third == 1 && bench_dice(x, 2)) ? WRITE : 0);
    descriptor(b, DESC, i, bench_dice(x, 4) ? at : places[bench_dice(x, 10)],
               bench_dice(x, 4) ? len : lengths[bench_dice(x, 10)], flags, usual ? i + 1 : bench_dice(x, 10));
  }
  put(b, HDR, types[bench_dice(x, 9)], 4);
  put(b, HDR + 8, bench_dice(x, 4) ? bench_dice(x, 66) : UINT64_MAX / (1 + bench_dice(x, 1000)), 8);
  for (unsigned i = 0; i < 8; i++)
    put(b, AVAIL + 4 + 2 * i, bench_dice(x, 20) ? 3 * bench_dice(x, 3) : bench_dice(x, 70000), 2);
}

Test(virtio, block_fuzz) {
  static struct bench b;
  uint32_t x = 2463534242u;
  unsigned fine = 0, refused = 0, needs_reset = 0;
  start(&b, false);
  card(&b, BLK);
  modern_setup(&b, 1);
  for (int i = 0; i < 200000; i++) {
    nearly_right(&b, &x);
    b.ram[STATUS] = 0xee;
    put(&b, AVAIL + 2, get(&b, AVAIL + 2, 2) + (bench_dice(&x, 30) ? 1 : bench_dice(&x, 20)), 2);
    wr(&b, BELL, 0, 2);
    fine += b.ram[STATUS] == 0;
    refused += b.ram[STATUS] == 1;
    if (!(rd(&b, COMMON + 20, 1) & 64)) continue;
    needs_reset++;
    modern_setup_with(&b, 1, bench_dice(&x, 2) ? FLUSHES : 0);
    put(&b, AVAIL + 2, 0, 2);
  }
  cr_expect(fine > 1000 && refused > 1000 && needs_reset > 1000, "%u %u %u", fine, refused, needs_reset);
  cr_expect(n_read > 1000 && n_written > 1000);
}

/* Each row makes one ring no card can serve; it must say so and live on after a reset. */
Test(virtio, broken_drivers) {
  static const struct {
    const char *what;
    unsigned head, len, flags, next;
    int ahead;
  } rows[] = {
      {"head out of range", 9, 16, 0, 0, 1},          {"a loop", 0, 16, NEXT, 0, 1},
      {"next out of range", 0, 16, NEXT, 77, 1},      {"ragged indirect table", 0, 17, INDIRECT, 0, 1},
      {"empty indirect table", 0, 0, INDIRECT, 0, 1}, {"avail index ran away", 0, 16, 0, 0, 500},
  };
  static struct bench b;
  for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
    start(&b, false);
    card(&b, BLK);
    modern_setup(&b, 1);
    descriptor(&b, DESC, 0, HDR, rows[i].len, rows[i].flags, rows[i].next);
    put(&b, AVAIL + 4, rows[i].head, 2);
    put(&b, AVAIL + 2, (uint64_t)rows[i].ahead, 2);
    wr(&b, BELL, 0, 2);
    cr_expect_eq(rd(&b, COMMON + 20, 1), 15 | 64, "%s", rows[i].what);
    wr(&b, BELL, 0, 2);
    wr(&b, COMMON + 20, 0, 1);
    cr_expect_eq(rd(&b, COMMON + 20, 1), 0);
  }
}

Test(virtio, rng_repeats) {
  static struct bench b;
  uint8_t first[64];
  for (int run = 0; run < 2; run++) {
    start(&b, false);
    card(&b, RNG);
    modern_setup(&b, 1);
    descriptor(&b, DESC, 0, DATA, 40, NEXT | WRITE, 1);
    descriptor(&b, DESC, 1, DATA + 40, 100, WRITE, 0);
    offer(&b, AVAIL, 8, 0);
    wr(&b, BELL, 0, 2);
    cr_expect_eq(get(&b, USED + 8, 4), 64);
    if (!run) memcpy(first, b.ram + DATA, 64);
    cr_expect_arr_eq(b.ram + DATA, first, 64);
    cr_expect_neq(first[0] | first[1] | first[63], 0);
  }
}

Test(virtio, console_types_and_shows) {
  static struct bench b;
  start(&b, false);
  card(&b, CON);
  modern_setup(&b, 2);
  memcpy(b.ram + DATA, "hello", 5);
  descriptor(&b, DESC + 0x100, 0, DATA, 5, 0, 0);
  offer(&b, AVAIL + 0x100, 8, 0);
  wr(&b, BELL + 4, 1, 2);
  cr_expect_str_eq(b.shown, "hello");
  strcpy(b.typed, "yes");
  bench_pass(&b, 10000000);
  cr_expect_eq(b.typed_at, 0, "nothing is taken while there is no buffer");
  descriptor(&b, DESC, 0, DATA, 16, WRITE, 0);
  offer(&b, AVAIL, 8, 0);
  wr(&b, BELL, 0, 2);
  cr_expect_eq(get(&b, USED + 8, 4), 3);
  cr_expect_arr_eq(b.ram + DATA, "yes", 3);
  offer(&b, AVAIL, 8, 0);
  wr(&b, BELL, 0, 2);
  strcpy(b.typed + 3, "!");
  bench_pass(&b, 2000000);
  cr_expect_eq(b.ram[DATA], '!', "a later byte is found by the timer");
}
