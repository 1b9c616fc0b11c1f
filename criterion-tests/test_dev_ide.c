/* criterion-tests/test_dev_ide.c: ATA disks on PIIX4: identify, PIO, multiple, 48-bit, bus-master DMA, errors. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "test_dev_steps.h"

enum { SECTORS = 64, P = 0x1f0, BM = 0x2000 };
static uint8_t image[SECTORS * 512];
static unsigned flushed, n_written;
static bool broken;
static int disk_read(void *ctx, uint64_t at, void *to, uint64_t n) {
  (void)ctx;
  if (broken) return -1;
  cr_assert(at <= sizeof image && n <= sizeof image - at);
  memcpy(to, image + at, n);
  return 0;
}
static int disk_write(void *ctx, uint64_t at, const void *from, uint64_t n) {
  (void)ctx;
  if (broken) return -1;
  cr_assert(at <= sizeof image && n <= sizeof image - at);
  n_written++;
  memcpy(image + at, from, n);
  return 0;
}
static int disk_flush(void *ctx) {
  (void)ctx;
  flushed++;
  return 0;
}

#define CFG(off) (0x80000000u | 10 << 11 | 1 << 8 | (off))
#define GT(r)    (BOARD_GT + (r))
static const struct step bus_master[] = {
    {WR, GT(0xcf8), CFG(0x20)}, {WR, GT(0xcfc), BM}, {WR, GT(0xcf8), CFG(4)}, {WR, GT(0xcfc), 5}};

static void start(struct bench *b) {
  bench_config(b);
  b->config.ide[0] = (struct io_disk){disk_read, disk_write, disk_flush, NULL, sizeof image, false};
  bench_start(b);
  for (unsigned i = 0; i < sizeof image; i++) image[i] = (uint8_t)(i / 512 * 16 + i % 16);
  flushed = n_written = 0;
  broken = false;
  BENCH_RUN(b, bus_master);
}
static bool irq14(const struct bench *b) {
  return b->board.pics.chip[1].level >> 6 & 1;
}
static uint64_t in(struct bench *b, unsigned port, int size) {
  return io_board_read(&b->board, BOARD_PCI_IO + port, size);
}
static void out(struct bench *b, unsigned port, uint64_t v, int size) {
  io_board_write(&b->board, BOARD_PCI_IO + port, v, size);
}
static void command(struct bench *b, unsigned lba, unsigned count, unsigned cmd) {
  out(b, P + 6, 0xe0 | lba >> 24, 1);
  out(b, P + 2, count, 1);
  out(b, P + 3, lba & 0xff, 1);
  out(b, P + 4, lba >> 8 & 0xff, 1);
  out(b, P + 5, lba >> 16 & 0xff, 1);
  out(b, P + 7, cmd, 1);
}

Test(ide, probe_and_identify) {
  static struct bench b;
  start(&b);
  static const struct step steps[] = {
      {WR, 0x3f6, 0x0c}, {RD, 0x3f6, 0x80}, {WR, 0x3f6, 0x08}, {RD, P + 7, 0x50}, /* software reset */
      {RD, P + 1, 1},    {RD, P + 2, 1},    {RD, P + 3, 1},    {RD, P + 4, 0},    {RD, P + 5, 0},
      {WR, P + 2, 0x55}, {RD, P + 2, 0x55}, {WR, P + 6, 0xb0}, {RD, P + 7, 0}, /* no slave */
      {WR, P + 6, 0xa0}, {WR, P + 7, 0xec}, {RD, 0x3f6, 0x58},
  };
  BENCH_RUN(&b, steps);
  cr_expect(irq14(&b));
  in(&b, P + 7, 1);
  cr_expect_not(irq14(&b), "reading the status acknowledges");
  uint16_t id[256];
  for (int i = 0; i < 256; i++) id[i] = (uint16_t)in(&b, P, 2);
  cr_expect_eq(in(&b, P + 7, 1), 0x50);
  cr_expect_eq(id[60] | (unsigned)id[61] << 16, SECTORS);
  cr_expect_eq(id[100], SECTORS);
  char model[5] = {(char)(id[27] >> 8), (char)id[27], (char)(id[28] >> 8), (char)id[28], 0};
  cr_expect_str_eq(model, "MIRR");
}

Test(ide, pio_reads_and_writes) {
  static struct bench b;
  start(&b);
  command(&b, 5, 2, 0x20);
  for (int s = 0; s < 2; s++) {
    cr_expect(irq14(&b));
    cr_expect_eq(in(&b, P + 7, 1), 0x58);
    for (int i = 0; i < 128; i++) {
      uint32_t want;
      memcpy(&want, image + (5 + s) * 512 + 4 * i, 4);
      cr_assert_eq(in(&b, P, 4), want);
    }
  }
  cr_expect_not(irq14(&b), "none after the last block");
  cr_expect_eq(in(&b, P + 7, 1), 0x50);
  command(&b, 9, 1, 0x30);
  cr_expect_not(irq14(&b), "a write asks for data without one");
  for (int i = 0; i < 256; i++) out(&b, P, 0xabcd, 2);
  cr_expect(irq14(&b));
  cr_expect_eq(in(&b, P + 7, 1), 0x50);
  cr_expect_eq(image[9 * 512], 0xcd);
  cr_expect_eq(image[9 * 512 + 511], 0xab);
  cr_expect_eq(image[10 * 512], 10 * 16 & 0xff);
  command(&b, 0, 0, 0xe7);
  cr_expect_eq(flushed, 1);
  /* Multiple: 4 sectors per interrupt, 6 asked for. */
  command(&b, 0, 4, 0xc6);
  in(&b, P + 7, 1);
  command(&b, 0, 6, 0xc4);
  unsigned irqs = 0;
  for (int i = 0; i < 6 * 256; i++) {
    if (irq14(&b)) irqs++, in(&b, P + 7, 1);
    in(&b, P, 2);
  }
  cr_expect_eq(irqs, 2);
}

Test(ide, big_and_chs_addresses) {
  static struct bench b;
  start(&b);
  out(&b, P + 6, 0x40, 1);
  static const uint8_t bytes[][2] = {{2, 0}, {3, 0}, {4, 0}, {5, 0}, {2, 1}, {3, 63}, {4, 0}, {5, 0}};
  for (int i = 0; i < 8; i++) out(&b, P + bytes[i][0], bytes[i][1], 1);
  out(&b, P + 7, 0x24, 1); /* READ SECTORS EXT, sector 63 */
  cr_expect_eq(in(&b, P, 2), image[63 * 512] | image[63 * 512 + 1] << 8);
  out(&b, 0x3f6, 0x80, 1);
  cr_expect_eq(in(&b, P + 3, 1), 0, "the previous byte shows under HOB");
  out(&b, P + 6, 0xa0, 1);
  cr_expect_eq(in(&b, P + 3, 1), 63);
  out(&b, P + 3, 8, 1); /* cylinder 0, head 0, sector 8 is LBA 7 */
  out(&b, P + 2, 1, 1);
  out(&b, P + 7, 0x20, 1);
  cr_expect_eq(in(&b, P, 2) & 0xff, image[7 * 512]);
}

Test(ide, errors) {
  static struct bench b;
  start(&b);
  command(&b, SECTORS - 1, 2, 0x20); /* runs off the end */
  cr_expect_eq(in(&b, P + 7, 1), 0x51);
  cr_expect_eq(in(&b, P + 1, 1), 0x10);
  command(&b, 0, 1, 0xa1); /* no such command */
  cr_expect_eq(in(&b, P + 7, 1), 0x51);
  cr_expect_eq(in(&b, P + 1, 1), 0x04);
  broken = true;
  command(&b, 0, 1, 0x20);
  cr_expect_eq(in(&b, P + 7, 1), 0x51);
  cr_expect_eq(in(&b, P + 1, 1), 0x40);
  out(&b, 0x3f6, 2, 1); /* nIEN */
  command(&b, 0, 1, 0xe5);
  cr_expect_not(irq14(&b));
}

static void put32(uint8_t *p, uint32_t v) {
  for (int i = 0; i < 4; i++) p[i] = (uint8_t)(v >> 8 * i);
}

Test(ide, dma_scatters_and_gathers) {
  static struct bench b;
  start(&b);
  put32(b.ram + 0x100, 0x1000);
  put32(b.ram + 0x104, 0x200);
  put32(b.ram + 0x108, 0x3000);
  put32(b.ram + 0x10c, 0x80000600);
  out(&b, BM + 4, 0x100, 4);
  out(&b, BM, 8, 1);
  command(&b, 2, 4, 0xc8);
  cr_expect_not(irq14(&b), "the disk is ready, the engine has not been started");
  out(&b, BM, 9, 1);
  cr_expect(irq14(&b));
  cr_expect_eq(in(&b, BM + 2, 1), 4);
  cr_expect_arr_eq(b.ram + 0x1000, image + 2 * 512, 512);
  cr_expect_arr_eq(b.ram + 0x3000, image + 3 * 512, 3 * 512);
  cr_expect_eq(in(&b, P + 7, 1), 0x50);
  out(&b, BM, 0, 1);
  out(&b, BM + 2, 4, 1);
  cr_expect_eq(in(&b, BM + 2, 1), 0);
  memset(b.ram + 0x1000, 0x77, 512);
  out(&b, BM, 1, 1);
  command(&b, 20, 1, 0xca); /* engine first, command second */
  cr_expect_eq(image[20 * 512], 0x77);
  cr_expect_eq(image[21 * 512], 21 * 16 & 0xff);
}

Test(ide, dma_into_nowhere) {
  static struct bench b;
  start(&b);
  out(&b, BM + 4, 0xfffffff0, 4); /* the table is not in RAM */
  out(&b, BM, 9, 1);
  command(&b, 0, 1, 0xc8);
  cr_expect_eq(in(&b, BM + 2, 1) & 2, 2);
  cr_expect_eq(in(&b, P + 7, 1), 0x51);
}

/* Writes that must be stable when they are done, and those that need not be. */
Test(ide, what_is_stable_when) {
  static struct bench b;
  static const struct {
    unsigned feature, command, flushed;
  } rows[] = {{0, 0x30, 0}, {0, 0x34, 0},    {0, 0xca, 0},    {0, 0x35, 0},    {0, 0x3d, 1},   {0, 0xce, 1},
              {0, 0x39, 0}, {0x82, 0x30, 1}, {0x82, 0xca, 1}, {0x82, 0x39, 1}, {0x02, 0xca, 0}};
  for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
    start(&b);
    out(&b, P + 1, rows[i].feature, 1);
    command(&b, 0, 0, 0xef);
    flushed = 0;
    put32(b.ram + 0x100, 0x1000);
    put32(b.ram + 0x104, 0x80000200);
    out(&b, BM + 4, 0x100, 4);
    out(&b, BM, 1, 1);
    out(&b, P + 2, 0, 1); /* 48-bit commands take the bytes before, too */
    for (unsigned r = 3; r < 6; r++) out(&b, P + r, 0, 1);
    command(&b, 9, 1, rows[i].command);
    for (int k = 0; k < 256 && in(&b, P + 7, 1) & 8; k++) out(&b, P, 0x1234, 2);
    cr_expect_eq(in(&b, P + 7, 1), 0x50, "row %u", i);
    cr_expect_eq(n_written, 1, "row %u", i);
    cr_expect_eq(flushed, rows[i].flushed, "row %u: %u", i, flushed);
    out(&b, BM, 0, 1);
    command(&b, 0, 1, 0xec);
    uint16_t id[256];
    for (int k = 0; k < 256; k++) id[k] = (uint16_t)in(&b, P, 2);
    cr_expect_eq(id[85] & 0x20, rows[i].feature == 0x82 ? 0 : 0x20);
    cr_expect_eq(id[84] & 0x40, 0x40);
    command(&b, 0, 0, 0xea);
    cr_expect_eq(flushed, rows[i].flushed + 1);
  }
}

/* A guest that selects the absent slave in the middle of a command goes on with the master's. */
Test(ide, selects_another_midway) {
  static struct bench b;
  start(&b);
  command(&b, 7, 1, 0x30);
  out(&b, P + 6, 0xf0, 1);
  for (int i = 0; i < 256; i++) out(&b, P, 0x4321, 2);
  cr_expect_eq(image[7 * 512], 0x21);
  command(&b, 3, 1, 0xca);
  out(&b, P + 6, 0xf0, 1);
  put32(b.ram + 0x100, 0x1000);
  put32(b.ram + 0x104, 0x80000200);
  out(&b, BM + 4, 0x100, 4);
  b.ram[0x1000] = 0x99;
  out(&b, BM, 1, 1);
  cr_expect_eq(image[3 * 512], 0x99);
}

/* Commands and descriptor tables that are nearly right, in any order, with data moved or not. */
Test(ide, fuzz) {
  static struct bench b;
  static const uint8_t commands[] = {0x20, 0x24, 0x25, 0x27, 0x29, 0x30, 0x34, 0x35, 0x39, 0x3d, 0x91, 0xc4, 0xc5,
                                     0xc6, 0xc8, 0xca, 0xce, 0xe7, 0xea, 0xec, 0xef, 0xf8, 0x90, 0x40, 0xa1};
  static const uint32_t places[] = {0x1000, 0x3000, 0x100, 0xfe00, 0xfffff000, 0xfffffffe};
  uint32_t x = 2463534242u;
  unsigned fine = 0, failed = 0;
  start(&b);
  for (int i = 0; i < 100000; i++) {
    for (unsigned k = 0; k < 4; k++) {
      put32(b.ram + 0x100 + 8 * k, bench_dice(&x, 3) ? 0x1000 : places[bench_dice(&x, 6)]);
      put32(b.ram + 0x104 + 8 * k,
            (bench_dice(&x, 3) ? 0x200u << bench_dice(&x, 4) : bench_dice(&x, 0x10000)) | bench_dice(&x, 2) << 31);
    }
    out(&b, BM + 4, bench_dice(&x, 5) ? 0x100 : places[bench_dice(&x, 6)], 4);
    if (bench_dice(&x, 2)) out(&b, BM, bench_dice(&x, 2) | bench_dice(&x, 2) << 3, 1);
    for (unsigned r = 1; r < 7; r++)
      if (bench_dice(&x, 2)) out(&b, P + r, bench_dice(&x, 4) ? bench_dice(&x, 4) : bench_dice(&x, 256), 1);
    if (!bench_dice(&x, 50)) out(&b, 0x3f6, bench_dice(&x, 256), 1);
    if (!bench_dice(&x, 50)) out(&b, 0x3f6, 8, 1);
    if (bench_dice(&x, 2))
      command(&b, bench_dice(&x, 70), bench_dice(&x, 20), commands[bench_dice(&x, sizeof commands)]);
    else
      out(&b, P + 7, bench_dice(&x, 8) ? commands[bench_dice(&x, sizeof commands)] : bench_dice(&x, 256), 1);
    if (bench_dice(&x, 2)) out(&b, BM, 1 | bench_dice(&x, 2) << 3, 1);
    for (unsigned k = bench_dice(&x, 600); k; k--)
      if (bench_dice(&x, 2))
        in(&b, P, 1 << bench_dice(&x, 3));
      else
        out(&b, P, x, 1 << bench_dice(&x, 3));
    unsigned status = (unsigned)in(&b, P + 7, 1);
    fine += (status & 0xc9) == 0x40;
    failed += (status & 0xc9) == 0x41;
    out(&b, BM, 0, 1);
    out(&b, BM + 2, 6, 1);
  }
  cr_expect(fine > 1000 && failed > 1000 && n_written > 1000, "%u %u %u", fine, failed, n_written);
}
