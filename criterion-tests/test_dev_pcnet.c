/* criterion-tests/test_dev_pcnet.c: Am79C973: probing, initialization, both layouts, sending, receiving, filters. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "test_dev_steps.h"

enum { NIC = 0x2000, WORD_RDP = NIC + 16, WORD_RAP = NIC + 18, WORD_RESET = NIC + 20, WORD_BDP = NIC + 22 };
enum { BLOCK = 0x100, RX = 0x200, TX = 0x300, RX_BUF = 0x1000, TX_BUF = 0x4000 };

static uint8_t sent[4096], coming[4096];
static unsigned sent_n, frames_sent, coming_n;
static void net_send(void *ctx, const uint8_t *frame, unsigned n) {
  (void)ctx;
  memcpy(sent, frame, n);
  sent_n = n;
  frames_sent++;
}
static void (*ear)(void *card);
static void *card;
static void net_listen(void *ctx, void (*arrived)(void *card), void *who) {
  (void)ctx;
  ear = arrived;
  card = who;
}
static unsigned net_recv(void *ctx, uint8_t *frame, unsigned room) {
  (void)ctx;
  unsigned n = coming_n < room ? coming_n : room;
  memcpy(frame, coming, n);
  coming_n = 0;
  return n;
}

static void wr(struct bench *b, unsigned port, uint64_t v, int size) {
  io_board_write(&b->board, BOARD_PCI_IO + port, v, size);
}
static uint64_t rd(struct bench *b, unsigned port, int size) {
  return io_board_read(&b->board, BOARD_PCI_IO + port, size);
}
static unsigned csr(struct bench *b, unsigned n) {
  wr(b, WORD_RAP, n, 2);
  return (unsigned)rd(b, WORD_RDP, 2);
}
static void set_csr(struct bench *b, unsigned n, unsigned v) {
  wr(b, WORD_RAP, n, 2);
  wr(b, WORD_RDP, v, 2);
}
static void set_bcr(struct bench *b, unsigned n, unsigned v) {
  wr(b, WORD_RAP, n, 2);
  wr(b, WORD_BDP, v, 2);
}
static void put32(struct bench *b, unsigned at, uint32_t v) {
  for (unsigned i = 0; i < 4; i++) b->ram[at + i] = (uint8_t)(v >> 8 * i);
}
static uint32_t get32(struct bench *b, unsigned at) {
  return b->ram[at] | b->ram[at + 1] << 8 | b->ram[at + 2] << 16 | (uint32_t)b->ram[at + 3] << 24;
}

static void start(struct bench *b) {
  bench_config(b);
  b->config.pcnet = (struct io_net){net_send, net_recv, net_listen, NULL, {0x52, 0x54, 0, 0x12, 0x34, 0x56}};
  bench_start(b);
  io_pci_config_write(&b->board.pci, 0, IO_PCI_DEVFN(11, 0), PCI_BAR0, 4, NIC);
  io_pci_config_write(&b->board.pci, 0, IO_PCI_DEVFN(11, 0), PCI_COMMAND, 2, 5);
  frames_sent = sent_n = coming_n = 0;
}
static void bring(unsigned n) {
  coming_n = n;
  ear(card);
}
static bool intx(struct bench *b) {
  return b->board.pcnet.pci.intx;
}

/* Four descriptors each way, style 2; receive buffers of 256 bytes, all given to the card. */
static void initialize(struct bench *b, unsigned mode) {
  set_bcr(b, 20, 2);
  put32(b, BLOCK, mode | 2u << 20 | 2u << 28);
  static const uint8_t mac[6] = {0x52, 0x54, 0, 0x12, 0x34, 0x56};
  memcpy(b->ram + BLOCK + 4, mac, 6);
  put32(b, BLOCK + 20, RX);
  put32(b, BLOCK + 24, TX);
  for (unsigned i = 0; i < 4; i++) {
    put32(b, RX + 16 * i, RX_BUF + 0x100 * i);
    put32(b, RX + 16 * i + 4, 0x8000f000 | (4096 - 256));
    put32(b, RX + 16 * i + 8, 0);
    put32(b, TX + 16 * i + 4, 0);
  }
  set_csr(b, 1, BLOCK);
  set_csr(b, 2, 0);
  set_csr(b, 0, 1);
  cr_assert_eq(csr(b, 0), 0x0181);
  set_csr(b, 0, 0x0142);
  cr_assert_eq(csr(b, 0), 0x0073);
}

Test(pcnet, probe) {
  static struct bench b;
  start(&b);
  cr_expect_eq(rd(&b, NIC, 4), 0x12005452);
  cr_expect_eq(rd(&b, NIC + 14, 2), 0x5757);
  rd(&b, WORD_RESET, 2);
  cr_expect_eq(csr(&b, 0), 4);
  wr(&b, WORD_RAP, 88, 2);
  cr_expect_eq(rd(&b, WORD_RAP, 2), 88);
  cr_expect_eq(csr(&b, 88) | csr(&b, 89) << 16, 0x02625003);
  cr_expect_eq(csr(&b, 13), 0x1200);
  set_bcr(&b, 33, 30 << 5 | 1);
  wr(&b, WORD_RAP, 34, 2);
  cr_expect_eq(rd(&b, WORD_BDP, 2) & 0x24, 0x24, "link up, negotiated");
  set_bcr(&b, 33, 3 << 5 | 1);
  wr(&b, WORD_RAP, 34, 2);
  cr_expect_eq(rd(&b, WORD_BDP, 2), 0xffff, "no other PHY");
  wr(&b, NIC + 16, 0, 4); /* to double-word layout */
  wr(&b, NIC + 20, 88, 4);
  cr_expect_eq(rd(&b, NIC + 16, 4), 0x5003);
}

Test(pcnet, sends_gathered_frames) {
  static struct bench b;
  start(&b);
  initialize(&b, 0);
  for (unsigned i = 0; i < 100; i++) b.ram[TX_BUF + i] = (uint8_t)i;
  put32(&b, TX, TX_BUF);
  put32(&b, TX + 4, 0x8200f000 | (4096 - 20));
  put32(&b, TX + 16, TX_BUF + 20);
  put32(&b, TX + 16 + 4, 0x8100f000 | (4096 - 80));
  set_csr(&b, 0, 0x48);
  cr_expect_eq(frames_sent, 1);
  cr_expect_eq(sent_n, 100);
  cr_expect_arr_eq(sent, b.ram + TX_BUF, 100);
  cr_expect_eq(get32(&b, TX + 4) >> 31, 0);
  cr_expect_eq(get32(&b, TX + 16 + 4) >> 31, 0);
  cr_expect_eq(csr(&b, 0), 0x02f3);
  cr_expect(intx(&b));
  set_csr(&b, 0, 0x0240);
  cr_expect_not(intx(&b), "acknowledged");
  set_csr(&b, 3, 0x0200); /* TINT masked: the flag comes, the interrupt does not */
  put32(&b, TX + 32, TX_BUF);
  put32(&b, TX + 32 + 4, 0x8300f000 | (4096 - 60));
  set_csr(&b, 0, 0x48);
  cr_expect_eq(csr(&b, 0), 0x0273);
  cr_expect_not(intx(&b));
}

Test(pcnet, receives_over_several_buffers) {
  static struct bench b;
  start(&b);
  initialize(&b, 0);
  memset(coming, 0xff, 6);
  for (unsigned i = 6; i < 400; i++) coming[i] = (uint8_t)i;
  bring(400);
  cr_expect(intx(&b));
  cr_expect_eq(get32(&b, RX + 4) & 0xff000000, 0x02000000, "start of packet");
  cr_expect_eq(get32(&b, RX + 16 + 4) & 0xff000000, 0x01000000, "end of packet");
  cr_expect_eq(get32(&b, RX + 16 + 8) & 0xfff, 404, "the checksum counts");
  cr_expect_arr_eq(b.ram + RX_BUF, coming, 400);
  /* A wire's residue over frame and checksum is a constant. */
  uint32_t crc = 0xffffffff;
  for (unsigned i = 0; i < 404; i++) {
    crc ^= b.ram[RX_BUF + i];
    for (int k = 0; k < 8; k++) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
  }
  cr_expect_eq(crc, 0xdebb20e3);
}

Test(pcnet, filters) {
  static const struct {
    unsigned mode, bit; /* bit + 1 of the multicast filter, 0: none */
    uint8_t to[6];
    bool taken;
  } rows[] = {
      {0, 0, {0x52, 0x54, 0, 0x12, 0x34, 0x56}, true},
      {0, 0, {0x52, 0x54, 0, 0x12, 0x34, 0x57}, false},
      {0x8000, 0, {2, 2, 2, 2, 2, 2}, true},
      {0, 0, {255, 255, 255, 255, 255, 255}, true},
      {0x4000, 0, {255, 255, 255, 255, 255, 255}, false},
      {0, 0, {1, 0, 0x5e, 0, 0, 1}, false},
      {0, 55, {1, 0, 0x5e, 0, 0, 1}, true}, /* 224.0.0.1 hashes to bit 54 */
  };
  static struct bench b;
  for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
    start(&b);
    initialize(&b, rows[i].mode);
    if (rows[i].bit) b.board.pcnet.csr[8 + (rows[i].bit - 1) / 16] = (uint16_t)(1 << (rows[i].bit - 1) % 16);
    memset(coming, 0, 64);
    memcpy(coming, rows[i].to, 6);
    bring(30);
    cr_expect_eq(intx(&b), rows[i].taken, "row %u", i);
    if (rows[i].taken) cr_expect_eq(get32(&b, RX + 8), 64, "padded to the least a wire carries");
  }
}

Test(pcnet, takes_nothing_it_has_no_room_for) {
  static struct bench b;
  start(&b);
  initialize(&b, 0x8000);
  for (unsigned i = 0; i < 4; i++) put32(&b, RX + 16 * i + 4, 0);
  bring(60);
  coming_n = 61;
  bench_pass(&b, 50000000);
  cr_expect_eq(coming_n, 61, "the first is in the chip, the second still on the wire");
  put32(&b, RX + 4, 0x8000f000 | (4096 - 256));
  bench_pass(&b, 2000000);
  cr_expect_eq(get32(&b, RX + 8), 64);
  cr_expect_eq(coming_n, 0, "the chip has room again");
  set_csr(&b, 0, 4);
  cr_expect_eq(csr(&b, 0), 4);
  cr_expect_not(intx(&b));
}

/* Rings that are nearly right, sending and receiving, in both styles that are there: lengths past memory and of
 * nothing, frames without beginning or end, rings over buffers and over each other. */
static void nearly_right(struct bench *b, uint32_t *x) {
  static const uint32_t places[] = {RX, TX, BLOCK, RX_BUF, TX_BUF, 0xfff0, 0xffff, 0x10000, 0xfffffff0};
  for (unsigned i = 0; i < 4; i++)
    for (unsigned k = 0; k < 2; k++) {
      unsigned at = (k ? TX : RX) + 16 * i, buffer = k ? TX_BUF : RX_BUF;
      uint32_t status = 0x8000f000 | (0x1000 - bench_dice(x, bench_dice(x, 4) ? 300 : 4096));
      if (bench_dice(x, 20) == 0) status = bench_dice(x, UINT32_MAX);
      put32(b, at, bench_dice(x, 10) ? buffer : places[bench_dice(x, 9)]);
      put32(b, at + 4, status | (k ? bench_dice(x, 4) << 24 : 0));
      put32(b, at + 8, bench_dice(x, 10) ? buffer : places[bench_dice(x, 9)]);
    }
}

Test(pcnet, fuzz) {
  static struct bench b;
  uint32_t x = 2463534242u;
  start(&b);
  for (unsigned i = 0; i < 60000; i++) {
    if (i % 100 == 0) {
      set_csr(&b, 0, 4);
      coming_n = 0;
      initialize(&b, bench_dice(&x, 8) ? 0x8000 : 0x8004); /* promiscuous; now and then looped back */
      set_bcr(&b, 20, 2 + bench_dice(&x, 2));
    }
    nearly_right(&b, &x);
    set_csr(&b, 0, 0x48);
    if (bench_dice(&x, 2)) bring(bench_dice(&x, bench_dice(&x, 20) ? 1600 : sizeof coming));
    bench_pass(&b, 1000 * bench_dice(&x, 300));
  }
  struct io_pcnet *p = &b.board.pcnet;
  cr_expect(frames_sent > 1000 && p->n_received > 1000 && p->n_missed > 100, "%u sent, %u received, %u missed",
            frames_sent, (unsigned)p->n_received, (unsigned)p->n_missed);
}
