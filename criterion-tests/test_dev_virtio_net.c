/* criterion-tests/test_dev_virtio_net.c: virtio network card: both interfaces, small and merged buffers, bad drivers.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include "virtio_driver.h"

enum { NET = 18, RX = 0, TX = 1, MERGE = 1 << 15, MAC = 1 << 5, LINK = 1 << 16, CHECKSUM = 1 };
enum { BUF = 0x4000, OUT = 0x8000, TX_DESC = DESC + 0x100, TX_AVAIL = AVAIL + 0x100, TX_USED = USED + 0x100 };

static uint8_t sent[IO_NET_FRAME_MAX], coming[IO_NET_FRAME_MAX];
static unsigned sent_n, n_sent, coming_n, n_coming; /* the length of each, and how many there are */
static struct io_net_pages pages, sent_pages;
static unsigned shares;
static bool willing;
static void (*ear)(void *card);
static void *ear_card;
static void net_send(void *ctx, const uint8_t *frame, unsigned n) {
  (void)ctx;
  cr_assert(n >= IO_NET_HEADER && n <= IO_NET_FRAME_MAX);
  memcpy(sent, frame, n);
  sent_n = n;
  sent_pages = pages;
  pages.n = 0;
  n_sent++;
}
static unsigned net_recv(void *ctx, uint8_t *frame, unsigned room) {
  (void)ctx;
  cr_assert_geq(room, coming_n);
  if (!n_coming) return 0;
  n_coming--;
  memcpy(frame, coming, coming_n);
  return coming_n;
}
static void net_listen(void *ctx, void (*arrived)(void *card), void *card) {
  (void)ctx;
  ear = arrived;
  ear_card = card;
}
static void bring(unsigned frames, unsigned n) {
  n_coming = frames;
  coming_n = n;
  ear(ear_card);
}

/* Page g of this guest is number g + 1 of all. */
static uint64_t dma_page(void *ctx, uint64_t gpa) {
  (void)ctx;
  cr_assert_eq(gpa % IO_PAGE, 0);
  return gpa / IO_PAGE + 1;
}
/* What is shared is marked, to see that nothing is copied over it. */
static bool dma_share(void *ctx, uint64_t gpa, uint64_t page, const void *bytes) {
  struct bench *b = ctx;
  cr_assert(gpa % IO_PAGE == 0 && gpa + IO_PAGE <= sizeof b->ram);
  cr_expect_eq(page, 700 + shares);
  cr_expect_eq(*(const uint8_t *)bytes, coming[pages.page[shares].at]);
  shares++;
  if (willing) memset(b->ram + gpa, 0x77, IO_PAGE);
  return willing;
}

static void start(struct bench *b, bool big) {
  bench_config(b);
  b->config.big_endian = big;
  b->config.virtio_net[0] = (struct io_net){net_send, net_recv, net_listen, NULL, {2, 3, 4, 5, 6, 7}, &pages};
  b->config.dma.page = dma_page;
  b->config.dma.share = dma_share;
  bench_start(b);
  card(b, NET);
  n_sent = sent_n = n_coming = coming_n = shares = pages.n = 0;
  for (unsigned i = 0; i < sizeof coming; i++) coming[i] = (uint8_t)(i * 13 + i / 256);
}

static void give(struct bench *b, unsigned i, uint64_t at, unsigned len) {
  descriptor(b, DESC, i, at, len, WRITE, 0);
  offer(b, AVAIL, 8, i);
}

Test(virtio_net, says_who_it_is) {
  static struct bench b;
  start(&b, false);
  uint32_t ids;
  cr_assert(io_pci_config_read(&b.board.pci, 0, IO_PCI_DEVFN(NET, 0), 0, 4, &ids));
  cr_expect_eq(ids, 0x10001af4);
  modern_setup_with(&b, 2, MAC | LINK | MERGE);
  for (unsigned i = 0; i < 6; i++) cr_expect_eq(rd(&b, CARD + i, 1), 2 + i);
  cr_expect_eq(rd(&b, CARD + 6, 2), 1, "link up");
}

Test(virtio_net, sends) {
  for (int big = 0; big < 2; big++) {
    static struct bench b;
    start(&b, big);
    modern_setup_with(&b, 2, MAC);
    for (unsigned i = 0; i < 100; i++) b.ram[OUT + i] = (uint8_t)(i + 1);
    descriptor(&b, TX_DESC, 0, 0x5000, 12, NEXT, 1);
    descriptor(&b, TX_DESC, 1, OUT, 30, NEXT, 2);
    descriptor(&b, TX_DESC, 2, OUT + 30, 70, 0, 0);
    offer(&b, TX_AVAIL, 8, 0);
    wr(&b, BELL + 4, 1, 2);
    cr_expect_eq(sent_n, 100);
    cr_expect_arr_eq(sent, b.ram + OUT, 100);
    cr_expect_eq(get(&b, TX_USED + 2, 2), 1);
    cr_expect(rd(&b, ISR, 1) & 1);
  }
}

/* What is no frame is not sent, but the buffer comes back. */
Test(virtio_net, refuses_to_send) {
  static const struct {
    uint64_t at;
    unsigned len;
  } rows[] = {{OUT, 0}, {OUT, 11}, {OUT, 12}, {OUT, 25}, {0xfff0, 100}, {1ull << 40, 100}, {OUT, 0xffffffff}};
  static struct bench b;
  start(&b, false);
  modern_setup_with(&b, 2, 0);
  for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
    descriptor(&b, TX_DESC, 0, rows[i].at, rows[i].len, 0, 0);
    offer(&b, TX_AVAIL, 8, 0);
    wr(&b, BELL + 4, 1, 2);
    cr_expect_eq(n_sent, 0, "row %u", i);
    cr_expect_eq(get(&b, TX_USED + 2, 2), i + 1);
  }
  cr_expect_eq(b.board.virtio_net[0].n_refused, sizeof rows / sizeof *rows);
}

Test(virtio_net, receives) {
  static struct bench b;
  start(&b, false);
  modern_setup_with(&b, 2, 0);
  bring(2, 60);
  cr_expect_eq(get(&b, USED + 2, 2), 0, "no buffers yet");
  memset(b.ram + BUF, 0xee, 256);
  give(&b, 0, BUF, 1526);
  wr(&b, BELL, 0, 2);
  cr_expect_eq(get(&b, USED + 2, 2), 1);
  cr_expect_eq(get(&b, USED + 8, 4), 72);
  cr_expect_arr_eq(b.ram + BUF, ((uint8_t[12]){[10] = 1}), 12);
  cr_expect_arr_eq(b.ram + BUF + 12, coming, 60);
  cr_expect_eq(b.ram[BUF + 72], 0xee);
  cr_expect_eq(rd(&b, ISR, 1), 1);
  give(&b, 0, BUF, 1526);
  wr(&b, BELL, 0, 2);
  cr_expect_eq(get(&b, USED + 2, 2), 2, "the second waited");
  give(&b, 0, BUF, 71);
  bring(1, 60);
  cr_expect_eq(get(&b, USED + 20 + 8, 4), 0, "too small: given back empty");
  cr_expect_eq(b.board.virtio_net[0].n_refused, 1);
}

Test(virtio_net, spreads_over_merged_buffers) {
  static struct bench b;
  static uint8_t all[3 * 500];
  start(&b, false);
  modern_setup_with(&b, 2, MERGE);
  give(&b, 3, BUF, 500);
  give(&b, 5, BUF + 1000, 500);
  bring(1, 1400);
  cr_expect_eq(get(&b, USED + 2, 2), 0, "not enough yet: nothing is given back");
  give(&b, 1, BUF + 2000, 500);
  wr(&b, BELL, 0, 2);
  cr_expect_eq(get(&b, USED + 2, 2), 3);
  static const unsigned ids[] = {3, 5, 1}, lens[] = {500, 500, 412};
  for (unsigned i = 0; i < 3; i++) {
    cr_expect_eq(get(&b, USED + 4 + 8 * i, 4), ids[i]);
    cr_expect_eq(get(&b, USED + 8 + 8 * i, 4), lens[i]);
    memcpy(all + 500 * i, b.ram + BUF + 1000 * i, 500);
  }
  cr_expect_eq(get(&b, BUF + 10, 2), 3, "buffers of this frame");
  cr_expect_arr_eq(all + 12, coming, 1400);
}

Test(virtio_net, takes_64_kib) {
  static struct bench b;
  start(&b, false);
  modern_setup_with(&b, 2, MERGE);
  for (unsigned i = 0; i < 8; i++) give(&b, i, 0x8000, 0x8000); /* one place for all: what counts is the lengths */
  bring(1, IO_NET_FRAME_MAX);
  cr_expect_eq(get(&b, USED + 2, 2), 3);
  cr_expect_eq(b.board.virtio_net[0].n_received, 1);
}

/* The card finishes a checksum where it is asked to, and only if that was agreed upon. */
Test(virtio_net, finishes_checksums) {
  static const struct {
    unsigned from, at, flags;
    bool agreed, sent;
  } rows[] = {{34, 6, 1, true, true},  {35, 7, 1, true, true},  {34, 24, 1, true, true},  {34, 6, 0, true, true},
              {34, 6, 1, false, true}, {60, 6, 1, true, false}, {34, 25, 1, true, false}, {65535, 6, 1, true, false}};
  for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
    static struct bench b;
    start(&b, false);
    modern_setup_with(&b, 2, rows[i].agreed ? CHECKSUM : 0);
    memset(b.ram + OUT, 0, 12);
    put(&b, OUT, rows[i].flags, 1);
    put(&b, OUT + 6, rows[i].from, 2);
    put(&b, OUT + 8, rows[i].at, 2);
    const uint8_t *given = b.ram + OUT + 12;
    for (unsigned k = 0; k < 60; k++) b.ram[OUT + 12 + k] = (uint8_t)(k * 37 + 11);
    descriptor(&b, TX_DESC, 0, OUT, 72, 0, 0);
    offer(&b, TX_AVAIL, 8, 0);
    wr(&b, BELL + 4, 1, 2);
    cr_expect_eq(n_sent, rows[i].sent, "row %u", i);
    if (!n_sent) continue;
    uint32_t before = 0;
    unsigned at = rows[i].from + rows[i].at;
    for (unsigned k = rows[i].from; k < 60; k++) before += (uint32_t)given[k] << ((k - rows[i].from) % 2 ? 0 : 8);
    if (rows[i].agreed && rows[i].flags)
      cr_expect_eq((before + ((uint32_t)sent[at] << 8 | sent[at + 1])) % 0xffff, 0, "row %u: it is the complement", i);
    else
      cr_expect_arr_eq(sent, given, 60, "row %u", i);
  }
}

/* Which pages of a frame lie whole in the sender's memory, wherever its segments are cut. */
Test(virtio_net, names_the_pages_it_sends) {
  static struct bench b;
  start(&b, false);
  modern_setup_with(&b, 2, 0);
  descriptor(&b, TX_DESC, 0, 0x5ff4, 12 + 20, NEXT, 1);    /* the header ends with its page; then too little */
  descriptor(&b, TX_DESC, 1, 0x6800, 0x2800 + 5, NEXT, 2); /* two pages behind half of one, and a rest */
  descriptor(&b, TX_DESC, 2, 0xa000, 0xfff, NEXT, 3);      /* not whole */
  descriptor(&b, TX_DESC, 3, 0xc000, 0x1000, 0, 0);
  offer(&b, TX_AVAIL, 8, 0);
  wr(&b, BELL + 4, 1, 2);
  cr_expect_eq(sent_n, 20 + 0x2805 + 0xfff + 0x1000);
  cr_assert_eq(sent_pages.n, 3);
  static const unsigned at[] = {20 + 0x800, 20 + 0x1800, 20 + 0x2805 + 0xfff}, page[] = {8, 9, 13};
  for (unsigned i = 0; i < 3; i++) {
    cr_expect_eq(sent_pages.page[i].at, at[i]);
    cr_expect_eq(sent_pages.page[i].page, page[i]);
  }
  descriptor(&b, TX_DESC, 0, 0x5000, 0x2000, 0, 0); /* a page that the header stands in is not the frame's */
  offer(&b, TX_AVAIL, 8, 0);
  wr(&b, BELL + 4, 1, 2);
  cr_assert_eq(sent_pages.n, 1);
  cr_expect(sent_pages.page[0].at == 0x1000 - 12 && sent_pages.page[0].page == 7);
  cr_expect_eq(b.board.virtio_net[0].pages_sent, 4);
}

/* Pages of the frame that meet a whole page here are shared, if they still can be; everything else is copied. */
Test(virtio_net, shares_pages_it_receives) {
  for (int share = 0; share < 2; share++) {
    static struct bench b;
    start(&b, false);
    willing = share;
    modern_setup_with(&b, 2, 0);
    pages =
        (struct io_net_pages){3, {{100, 700}, {100 + IO_PAGE, 701}, {100 + 2 * IO_PAGE + 50, 9}}}; /* the last: askew */
    memset(b.ram + BUF, 0, sizeof b.ram - BUF);
    give(&b, 0, 0x7000 - 112, 0xffff - 0x7000);
    bring(1, 100 + 3 * IO_PAGE + 60);
    cr_expect_eq(get(&b, USED + 8, 4), 112 + 3 * IO_PAGE + 60);
    const uint8_t *page = b.ram + 0x7000;
    cr_expect_arr_eq(page - 100, coming, 100);
    cr_expect_eq(shares, 2);
    for (unsigned i = 0; i < 2; i++)
      cr_expect_eq(page[i * IO_PAGE + 4000], share ? 0x77 : coming[100 + i * IO_PAGE + 4000]);
    cr_expect_arr_eq(page + 2 * IO_PAGE, coming + 100 + 2 * IO_PAGE, IO_PAGE + 60);
    cr_expect_eq(b.board.virtio_net[0].pages_met, 2);
    cr_expect_eq(b.board.virtio_net[0].pages_shared, share ? 2 : 0);
  }
}

Test(virtio_net, legacy_in_both_orders) {
  for (int big = 0; big < 2; big++) {
    static struct bench b;
    start(&b, big);
    big_ring = big;
    wr(&b, PORTS + 18, 3, 1);
    wr(&b, PORTS + 4, MAC, 4);
    for (unsigned q = 0; q < 2; q++) {
      wr(&b, PORTS + 14, q, 2);
      wr(&b, PORTS + 8, 8 + 2 * q, 4); /* queue q: 0x8000 + q * 0x2000, avail + 0x800, used + 0x1000 */
    }
    wr(&b, PORTS + 18, 7, 1);
    cr_expect_eq(rd(&b, PORTS + 20, 1), 2, "the MAC address stands behind the registers");
    descriptor(&b, 0xa000, 0, 0x5000, 10, NEXT, 1);
    descriptor(&b, 0xa000, 1, 0x5100, 60, 0, 0);
    offer(&b, 0xa800, 128, 0);
    wr(&b, PORTS + 16, 1, 2);
    cr_expect_eq(sent_n, 60, "ten bytes of header");
    descriptor(&b, 0x8000, 0, BUF, 1500, WRITE, 0);
    offer(&b, 0x8800, 128, 0);
    bring(1, 60);
    cr_expect_eq(get(&b, 0x9002, 2), 1);
    cr_expect_eq(get(&b, 0x9008, 4), 70);
    cr_expect_arr_eq(b.ram + BUF + 10, coming, 60);
  }
}

/* Nearly right rings, both ways: loops, lengths past memory and of nothing, rings on top of buffers. */
static void nearly_right(struct bench *b, uint32_t *x) {
  static const uint64_t places[] = {DESC, AVAIL, USED, TX_DESC, BUF, OUT, 0xff00, 0xfffffff0, UINT64_MAX - 8, 0};
  static const unsigned lengths[] = {0, 1, 10, 12, 13, 26, 1514, 0x8000, 0x20000, 0xffffffff};
  for (unsigned i = 0; i < 8; i++)
    for (unsigned q = 0; q < 2; q++) {
      bool usual = bench_dice(x, 8) != 0;
      unsigned flags = usual ? (q ? 0 : WRITE) | (bench_dice(x, 4) ? 0 : NEXT) : bench_dice(x, 8);
      descriptor(b, DESC + 0x100 * q, i, usual ? (q ? OUT : BUF) : places[bench_dice(x, 10)],
                 usual ? bench_dice(x, 1600) : lengths[bench_dice(x, 10)], flags, bench_dice(x, usual ? 8 : 12));
      put(b, AVAIL + 0x100 * q + 4 + 2 * i, bench_dice(x, 40) ? bench_dice(x, 8) : bench_dice(x, 70000), 2);
    }
}

Test(virtio_net, fuzz) {
  static struct bench b;
  uint32_t x = 2463534242u;
  unsigned needs_reset = 0;
  start(&b, false);
  modern_setup_with(&b, 2, MERGE);
  for (int i = 0; i < 100000; i++) {
    nearly_right(&b, &x);
    for (unsigned q = 0; q < 2; q++) {
      unsigned avail = AVAIL + 0x100 * q;
      put(&b, avail + 2, get(&b, avail + 2, 2) + (bench_dice(&x, 30) ? bench_dice(&x, 4) : bench_dice(&x, 20)), 2);
      wr(&b, BELL + 4 * q, q, 2);
    }
    bring(bench_dice(&x, 4), 14 + bench_dice(&x, bench_dice(&x, 50) ? 1500 : IO_NET_FRAME_MAX - 14));
    if (!(rd(&b, COMMON + 20, 1) & 64)) continue;
    needs_reset++;
    modern_setup_with(&b, 2, bench_dice(&x, 2) ? MERGE : 0);
    put(&b, AVAIL + 2, 0, 2);
    put(&b, TX_AVAIL + 2, 0, 2);
  }
  struct io_virtio_net *n = &b.board.virtio_net[0];
  cr_expect(n->n_received > 1000 && n->n_refused > 1000 && n->n_sent > 1000 && needs_reset > 1000,
            "%u received, %u refused, %u sent, %u resets", (unsigned)n->n_received, (unsigned)n->n_refused,
            (unsigned)n->n_sent, needs_reset);
}
