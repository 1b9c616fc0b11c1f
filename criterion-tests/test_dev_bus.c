/* criterion-tests/test_dev_bus.c: the bus: byte order, width, overlap, windows, stalls, unknown addresses. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "test_dev_steps.h"

/* Memory behind an ops table: little-endian numbers at byte offsets; remembers the last access. */
struct memory {
  uint8_t byte[64];
  uint32_t off;
  int size, accesses;
};
static uint64_t mem_read(void *dev, uint32_t off, int size) {
  struct memory *m = dev;
  uint64_t v = 0;
  for (int i = 0; i < size; i++) v |= (uint64_t)m->byte[(off + (unsigned)i) % 64] << 8 * i;
  m->off = off;
  m->size = size;
  m->accesses++;
  return v;
}
static void mem_write(void *dev, uint32_t off, uint64_t v, int size) {
  struct memory *m = dev;
  for (int i = 0; i < size; i++) m->byte[(off + (unsigned)i) % 64] = (uint8_t)(v >> 8 * i);
  m->off = off;
  m->size = size;
  m->accesses++;
}
static const struct dev_ops mem_ops = {"memory", mem_read, mem_write, NULL};

static void fill(struct memory *m) {
  for (unsigned i = 0; i < sizeof m->byte; i++) m->byte[i] = (uint8_t)(0x10 + i);
}

Test(bus, byte_order_and_width) {
  static const struct {
    bool big, little_region;
    uint8_t width;
    uint64_t gpa;
    int size;
    uint64_t value;
    int accesses;
  } rows[] = {
      {false, true, 4, 0x100, 1, 0x10, 1},
      {false, true, 4, 0x100, 2, 0x1110, 1},
      {false, true, 4, 0x100, 4, 0x13121110, 1},
      {false, true, 4, 0x100, 8, 0x1716151413121110, 2},
      {false, true, 1, 0x104, 4, 0x17161514, 4},
      {true, true, 4, 0x100, 1, 0x10, 1},
      {true, true, 4, 0x100, 2, 0x1011, 1}, /* byte addresses stay: the number turns round */
      {true, true, 4, 0x100, 4, 0x10111213, 1},
      {true, true, 4, 0x100, 8, 0x1011121314151617, 2},
      {true, true, 1, 0x100, 4, 0x10111213, 4},
      {true, true, 8, 0x100, 8, 0x1011121314151617, 1},
      {true, false, 4, 0x100, 4, 0x13121110, 1}, /* native: a register word is the same number in both */
      {false, false, 4, 0x100, 4, 0x13121110, 1},
      {true, false, 4, 0x100, 8, 0x1312111017161514, 2}, /* the word at the lower address is the high half */
      {false, false, 2, 0x101, 2, 0x1211, 1},
  };
  for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct io_bus b;
    struct memory m = {0};
    fill(&m);
    io_bus_init(&b, NULL, 0);
    b.big_endian = rows[i].big;
    struct io_bus_row row = {.base = 0x100, .size = 64, .ops = &mem_ops, .dev = &m};
    row.little_endian = rows[i].little_region;
    row.width = rows[i].width;
    cr_assert_geq(io_bus_add(&b, &row), 0);
    uint64_t v = io_bus_read(&b, rows[i].gpa, rows[i].size);
    cr_expect_eq(v, rows[i].value, "row %u read 0x%" PRIx64, i, v);
    cr_expect_eq(m.accesses, rows[i].accesses, "row %u: %d accesses", i, m.accesses);
    memset(m.byte, 0, sizeof m.byte);
    io_bus_write(&b, rows[i].gpa, rows[i].value, rows[i].size);
    v = io_bus_read(&b, rows[i].gpa, rows[i].size);
    cr_expect_eq(v, rows[i].value, "row %u: write and read back 0x%" PRIx64, i, v);
  }
}

Test(bus, overlap_windows_and_moves) {
  struct io_bus root, pci;
  struct memory big = {0}, small = {0}, behind = {0};
  io_bus_init(&root, NULL, 0);
  io_bus_init(&pci, NULL, 0xff);
  struct io_bus_row row = {.base = 0x1000, .size = 0x100, .ops = &mem_ops, .dev = &big};
  cr_assert_geq(io_bus_add(&root, &row), 0);
  row = (struct io_bus_row){.base = 0x1010, .size = 4, .ops = &mem_ops, .dev = &small};
  int slot = io_bus_add(&root, &row);
  cr_assert_geq(slot, 0);
  row = (struct io_bus_row){.base = 0x8000, .size = 0x1000, .child = &pci, .child_base = 0x300};
  cr_assert_geq(io_bus_add(&root, &row), 0);
  row = (struct io_bus_row){.base = 0x340, .size = 16, .ops = &mem_ops, .dev = &behind};
  cr_assert_geq(io_bus_add(&pci, &row), 0);

  io_bus_write(&root, 0x1010, 1, 1);
  io_bus_write(&root, 0x1014, 2, 1);
  cr_expect_eq(small.accesses, 1, "the smaller row is in front");
  cr_expect_eq(big.accesses, 1);
  io_bus_move(&root, slot, 0x1014, 4);
  io_bus_write(&root, 0x1014, 3, 1);
  cr_expect_eq(small.accesses, 2);
  io_bus_write(&root, 0x1010, 0x0807060504030201, 8);
  cr_expect_eq(small.byte[0], 5, "a wide access goes to both");
  cr_expect_eq(big.byte[0x13], 4);
  io_bus_remove(&root, slot);
  cr_expect_str_eq(io_bus_name(&root, 0x1014), "memory");
  io_bus_write(&root, 0x8042, 9, 1);
  cr_expect_eq(behind.byte[2], 9);
  cr_expect_eq(io_bus_read(&root, 0x8000, 4), 0xffffffff, "PCI answers all ones");
  cr_expect_eq(io_bus_read(&root, 0x20000, 4), 0);
  cr_expect_null(io_bus_name(&root, 0x8000));
}

static int log_lines;
static void count_log(void *ctx, const char *msg) {
  (void)ctx;
  cr_expect(strstr(msg, "nothing answers at 0x") != NULL);
  log_lines++;
}
static char traced[256];
static void keep_trace(void *ctx, const char *dev, uint64_t gpa, int size, uint64_t v, bool write) {
  (void)ctx;
  size_t n = strlen(traced);
  snprintf(traced + n, sizeof traced - n, "%s %c %" PRIx64 "/%d=%" PRIx64 ";", dev, write ? 'w' : 'r', gpa, size, v);
}

Test(bus, hooks_and_stalls) {
  struct io_bus b, child;
  struct io_clock c;
  struct memory m = {0}, n = {0};
  io_clock_init(&c, 100);
  io_bus_init(&b, &c, 0);
  io_bus_init(&child, NULL, 0xff);
  struct io_bus_row rows[] = {
      {.base = 0, .size = 16, .ops = &mem_ops, .dev = &m, .stall_ns = 200},
      {.base = 0x100, .size = 0x100, .child = &child, .stall_ns = 1000},
  };
  struct io_bus_row inner = {.base = 0, .size = 16, .ops = &mem_ops, .dev = &n, .width = 1};
  for (int i = 0; i < 2; i++) cr_assert_geq(io_bus_add(&b, &rows[i]), 0);
  cr_assert_geq(io_bus_add(&child, &inner), 0);
  b.log = count_log;
  b.trace = keep_trace;
  io_bus_read(&b, 0, 4);
  cr_expect_eq(c.stall, 20);
  io_bus_write(&b, 0x104, 0x1234, 2); /* two byte cycles through the window */
  cr_expect_eq(c.stall, 220);
  cr_expect_str_eq(traced, "memory r 0/4=0;memory w 104/1=34;memory w 105/1=12;");
  log_lines = 0;
  for (int i = 0; i < 3; i++) io_bus_read(&b, 0x5000 + 8u * (unsigned)i, 4);
  cr_expect_eq(log_lines, 1, "once a page");
  io_bus_write(&b, 0x6000, 0, 4);
  cr_expect_eq(log_lines, 2);
  for (unsigned i = 0; i < 1000; i++) io_bus_read(&b, 0x100000 + 0x1000 * i, 4);
  cr_expect_eq(log_lines, IO_BUS_LOGGED, "and not for ever");
}

Test(bus, table_full_and_bad_rows) {
  struct io_bus b;
  struct memory m = {0};
  io_bus_init(&b, NULL, 0);
  struct io_bus_row row = {.size = 0, .ops = &mem_ops, .dev = &m};
  cr_expect_eq(io_bus_add(&b, &row), IO_ERR_RANGE);
  row = (struct io_bus_row){.size = 4};
  cr_expect_eq(io_bus_add(&b, &row), IO_ERR_RANGE, "neither device nor window");
  row = (struct io_bus_row){.size = 4, .ops = &mem_ops, .dev = &m};
  for (int i = 0; i < IO_BUS_ROWS; i++) cr_assert_eq(io_bus_add(&b, &row), i);
  cr_expect_eq(io_bus_add(&b, &row), IO_ERR_FULL);
  io_bus_remove(&b, 5);
  io_bus_remove(&b, -1);
  cr_expect_eq(io_bus_add(&b, &row), 5, "slots are used again");
}

/* Nothing a guest writes anywhere may crash a board: random accesses to every device, random memory behind the bus
 * masters, both byte orders. Run under the sanitizers it also shows stray indices and shifts. */
static uint8_t junk_disk[8192];
static int junk_read(void *ctx, uint64_t at, void *to, uint64_t n) {
  (void)ctx;
  if (at + n > sizeof junk_disk) return -1;
  memcpy(to, junk_disk + at, n);
  return 0;
}
static int junk_write(void *ctx, uint64_t at, const void *from, uint64_t n) {
  (void)ctx;
  if (at + n > sizeof junk_disk) return -1;
  memcpy(junk_disk + at, from, n);
  return 0;
}
static void junk_send(void *ctx, const uint8_t *frame, unsigned n) {
  (void)ctx;
  cr_assert(frame && n >= 14 && n <= 4096);
}
/* Two cables; now and then some frames come. */
static struct junk_net {
  void (*arrived)(void *card);
  void *card;
  unsigned left;
} junk_nets[2];
static void junk_listen(void *net, void (*arrived)(void *card), void *card) {
  *(struct junk_net *)net = (struct junk_net){arrived, card, 0};
}
static unsigned junk_recv(void *net, uint8_t *frame, unsigned room) {
  unsigned *left = &((struct junk_net *)net)->left, n = *left ? 7 * *left : 0;
  if (n) --*left;
  if (n > room) n = room;
  memset(frame, 0xff, n);
  return n;
}
static void junk_bring(unsigned n) {
  for (unsigned i = 0; i < 2; i++) {
    junk_nets[i].left = n;
    if (junk_nets[i].arrived) junk_nets[i].arrived(junk_nets[i].card);
  }
}

static void garbage_board(struct bench *b, const struct io_board_kind *kind, bool big) {
  bench_config(b);
  b->config.kind = kind;
  b->config.vcpus = kind->vcpus;
  b->config.big_endian = big;
  b->config.uart_timed = true;
  b->config.ide[0] = (struct io_disk){junk_read, junk_write, NULL, NULL, sizeof junk_disk, false};
  b->config.virtio_blk[0] = b->config.ide[0];
  b->config.virtio_rng = b->config.virtio_console = true;
  b->config.virtio_tty = (struct io_tty){bench_get, bench_put, b};
  memset(junk_nets, 0, sizeof junk_nets);
  b->config.pcnet = (struct io_net){junk_send, junk_recv, junk_listen, &junk_nets[0], {2, 0, 0, 0, 0, 1}};
  b->config.virtio_net[0] = (struct io_net){junk_send, junk_recv, junk_listen, &junk_nets[1], {2, 0, 0, 0, 0, 2}};
  bench_start(b);
}

/* Devices at the places the accesses go to; their memory BARs in a row from BOARD_PCI_MEM0. */
static void malta_bars(struct bench *b) {
  static const struct {
    unsigned devfn, bar;
    uint32_t base;
  } bars[] = {
      {IO_PCI_DEVFN(10, 1), 4, 0x1100 + 0x20}, {IO_PCI_DEVFN(10, 2), 4, 0x1160},
      {IO_PCI_DEVFN(11, 0), 0, 0x1180},        {IO_PCI_DEVFN(18, 0), 0, 0x1080},
      {IO_PCI_DEVFN(18, 0), 4, 0x10000000},    {IO_PCI_DEVFN(20, 0), 4, 0x10004000},
      {IO_PCI_DEVFN(21, 0), 4, 0x10008000},    {IO_PCI_DEVFN(19, 0), 4, 0x1000c000},
  };
  for (unsigned i = 0; i < sizeof bars / sizeof *bars; i++) {
    io_pci_config_write(&b->board.pci, 0, bars[i].devfn, PCI_BAR0 + 4 * bars[i].bar, 4, bars[i].base);
    io_pci_config_write(&b->board.pci, 0, bars[i].devfn, PCI_COMMAND, 2, 7);
  }
}

static uint64_t junk(uint64_t *x) { /* xorshift: the same garbage every time */
  *x ^= *x << 13, *x ^= *x >> 7, *x ^= *x << 17;
  return *x;
}

static void no_bars(struct bench *b) {
  (void)b;
}

struct place {
  uint64_t base, size;
};
static const struct place malta[] = {{BOARD_PCI_IO, 0x1200}, {BOARD_PCI_IO + 0x1f0, 8}, {BOARD_FPGA, 0x1000},
                                     {BOARD_GT, 0x1000},     {BOARD_FLASH, 0x400},      {BOARD_PCI_MEM0, 0x38},
                                     {0x10003000, 8},        {0x10004000, 0x38},        {0x10007000, 8},
                                     {0x10008000, 0x38},     {0x1000b000, 8},           {0x18001180, 32},
                                     {0x18001120, 16},       {BOARD_PCI_IO + 0x3f8, 8}, {0x1000c000, 0x38},
                                     {0x1000f000, 8},        {0x10000000, 0x10000000},  {0}};
static const struct place disco[] = {{DISCO_GCR, DISCO_GCR_SIZE},
                                     {DISCO_GCR + 0x2000, 0x40},
                                     {DISCO_GIC, DISCO_GIC_SIZE},
                                     {DISCO_GIC, 0x600},
                                     {DISCO_GIC + 0x8000, 0xb0},
                                     {DISCO_GIC + 0xc000, 0xb0},
                                     {DISCO_CPC, DISCO_CPC_SIZE},
                                     {DISCO_CPC + 0x2000, 0x20},
                                     {DISCO_UART0, 32},
                                     {DISCO_RTC, 32},
                                     {DISCO_SYSCON, 16},
                                     {DISCO_VIRTIO, 0x110},
                                     {DISCO_VIRTIO + 0x2000, 0x110},
                                     {DISCO_VIRTIO + 0x3000, 0x110},
                                     {DISCO_VIRTIO + 0x4000, 0x110},
                                     {0x10000000, 0x10000000},
                                     {0}};

static void garbage(const struct io_board_kind *kind, const struct place *places, void (*bars)(struct bench *b)) {
  static struct bench b;
  uint64_t x = 88172645463325252u;
  unsigned n = 0;
  while (places[n].size) n++;
  for (int big = 0; big < 2; big++) {
    garbage_board(&b, kind, big);
    for (int i = 0; i < 600000; i++) {
      if (i % 2000 == 0) { /* after a while it has moved everything away */
        io_board_reset(&b.board);
        io_board_firmware(&b.board);
        bars(&b);
      }
      if (i % 500 == 0)
        for (unsigned k = 0; k < sizeof b.ram; k++) b.ram[k] = (uint8_t)(junk(&x) >> 20 & (k & 1 ? 0x83 : 0xff));
      unsigned w = (unsigned)(junk(&x) >> 33) % n;
      int size = 1 << (x >> 40 & 3);
      uint64_t gpa = (places[w].base + (x >> 8) % places[w].size) & ~(uint64_t)(size - 1);
      uint64_t v = junk(&x) >> (x & 63); /* small numbers are likely */
      b.board.bus.master = (unsigned)(x >> 50) % kind->vcpus;
      if (x >> 17 & 3)
        io_board_write(&b.board, gpa, v, size);
      else
        io_board_read(&b.board, gpa, size);
      if (i % 64 == 0) bench_pass(&b, junk(&x) >> 44);
      if (i % 256 == 0) junk_bring(junk(&x) & 255);
    }
    io_board_fini(&b.board);
    io_board_fini(&b.board);
    cr_expect_null(b.clock.first, "no timer outlives the board");
  }
}

Test(bus, garbage_everywhere) {
  garbage(&io_board_malta, malta, malta_bars);
}

Test(bus, garbage_everywhere_on_disco) {
  garbage(&io_board_disco, disco, no_bars);
}
