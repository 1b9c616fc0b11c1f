/* criterion-tests/test_dev_pci.c: GT-64120 windows and config cycles, BARs, PIRQ routing, PIIX4's own registers. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "test_dev_steps.h"

enum { GT = BOARD_GT, CFG_ADDR = GT + 0xcf8, CFG_DATA = GT + 0xcfc, CAUSE = GT + 0xc18 };
#define CFG(slot, fn, off) (0x80000000u | (slot) << 11 | (fn) << 8 | (off))
#define SEL(slot, fn, off)                                                                                             \
  { WR, CFG_ADDR, CFG(slot, fn, off) }
#define CASE(name, ...)                                                                                                \
  Test(pci, name) {                                                                                                    \
    static struct bench b;                                                                                             \
    bench_init(&b);                                                                                                    \
    static const struct step steps[] = {__VA_ARGS__};                                                                  \
    BENCH_RUN(&b, steps);                                                                                              \
  }

/* clang-format off */
CASE(enumerates, SEL(0, 0, 0), {RD, CFG_DATA, 0x462011ab}, SEL(0, 0, 8), {RD, CFG_DATA, 0x06000010},
     SEL(10, 0, 0), {RD, CFG_DATA, 0x71108086}, SEL(10, 1, 0), {RD, CFG_DATA, 0x71118086},
     SEL(10, 2, 8), {RD, CFG_DATA, 0x0c030001}, SEL(10, 3, 0), {RD, CFG_DATA, 0x71138086},
     SEL(10, 0, 0x0c), {RD, CFG_DATA, 0x00800000}, SEL(10, 4, 0), {RD, CFG_DATA, 0xffffffff},
     {WR, CFG_ADDR, CFG(10, 0, 0) & 0x7fffffff}, {RD, CFG_DATA, 0xffffffff}) /* not enabled */
CASE(master_abort_shows_in_the_cause, {RD, CAUSE, 0}, SEL(5, 0, 0), {RD, CFG_DATA, 0xffffffff}, {RD, CAUSE, 0x40001},
     {LINE, BOARD_HW_GT, 0}, {WR, GT + 0xc1c, 0x40000}, {LINE, BOARD_HW_GT, 1}, {WR, CAUSE, ~0x40000u},
     {RD, CAUSE, 0}, {LINE, BOARD_HW_GT, 0}, {WR, CFG_ADDR, CFG(10, 0, 0) | 1 << 16}, {RD, CFG_DATA, 0xffffffff},
     {RD, CAUSE, 0x40001}) /* nothing on bus 1 either */
CASE(sub_word_config_access, SEL(10, 1, 0x3c), {WR, CFG_DATA, 0x0e, .size = 1}, {RD, CFG_DATA, 0x0e, .size = 1},
     SEL(10, 1, 0), {RD, CFG_DATA + 2, 0x7111, .size = 2}, {RD, CFG_DATA + 3, 0x71, .size = 1})
CASE(read_only_and_clearing_bits, SEL(10, 0, 0), {WR, CFG_DATA, 0}, {RD, CFG_DATA, 0x71108086},
     SEL(10, 0, 4), {WR, CFG_DATA, 0xffffffff}, {RD, CFG_DATA, 0x02800547})
CASE(bar_sizing_and_moving, SEL(10, 2, 0x20), {RD, CFG_DATA, 1}, {WR, CFG_DATA, 0xffffffff}, {RD, CFG_DATA, 0xffffffe1},
     {WR, CFG_DATA, 0x2000}, {RD, CFG_DATA, 0x2001},
     {RD, 0x2002, 0xffff, .size = 2}, SEL(10, 2, 4), {WR, CFG_DATA, 1}, {RD, 0x2002, 0x20, .size = 2},
     SEL(10, 2, 0x20), {WR, CFG_DATA, 0x3000}, {RD, 0x2002, 0xffff, .size = 2}, {RD, 0x3002, 0x20, .size = 2},
     SEL(10, 2, 4), {WR, CFG_DATA, 0}, {RD, 0x3002, 0xffff, .size = 2})
CASE(internal_space_moves, {WR, GT + 0x68, 0x14000000 >> 21}, {RD, GT + 0x68, 0}, {RD, BOARD_GT_RESET + 0x68, 0xa0},
     {WR, BOARD_GT_RESET + 0x68, BOARD_GT >> 21}, {RD, GT + 0x68, BOARD_GT >> 21})
CASE(windows_move_and_remap, {RD, BOARD_PCI_IO + 0x21, 0xff, .size = 1},
     {WR, GT + 0x48, 0x1a000000 >> 21}, {WR, GT + 0x50, 0x50}, {RD, GT + 0xf0, 0xd0}, /* remap follows */
     {RD, 0x1a000021, 0xff, .size = 1}, {WR, 0x1a000064, 0xaa, .size = 1}, {RD, 0x1a000060, 0xff, .size = 1}, /* ports 0x1a0000xx */
     {WR, GT + 0xf0, 0}, {WR, 0x1a000064, 0xaa, .size = 1}, {RD, 0x1a000060, 0x55, .size = 1},
     {WR, GT + 0x50, 0}, {RD, 0x1a000060, 0xff, .size = 1}, {WR, GT + 0x88, 0x40}, {RD, 0x1a000060, 0, .size = 1}) /* high below low: closed; memory 1 lay behind it */
CASE(reset_state, {WR, BOARD_PORT_RESET, 2}, {WR, BOARD_PORT_RESET, 6}, {POWER, 0, IO_POWER_RESET})
CASE(keyboard_controller_resets, {WR, 0x64, 0xfe}, {POWER, 0, IO_POWER_RESET})
CASE(port_92_resets, {WR, 0x92, 1}, {POWER, 0, IO_POWER_RESET})
CASE(fpga_resets, {WR, BOARD_FPGA + 0x500, 0x41}, {POWER, 0, -1ull}, {WR, BOARD_FPGA + 0x500, 0x42}, {POWER, 0, IO_POWER_RESET})
CASE(soft_off, {WR, BOARD_PORT_PM + 0, 0x100, .size = 2}, {WR, BOARD_PORT_PM + 4, 0x2400, .size = 2}, {POWER, 0, -1ull},
     {WR, BOARD_PORT_PM + 4, 0x2000, .size = 2}, {POWER, 0, IO_POWER_OFF})
CASE(pm_timer, {RD, BOARD_PORT_PM + 8, 0, .size = 4}, {PASS, 1000000000}, {RD, BOARD_PORT_PM + 8, 3579545, .size = 4},
     {PASS, 4000000000u}, {RD, BOARD_PORT_PM + 8, (5 * 3579545u) & 0xffffff, .size = 4})
CASE(smbus_reads_the_spd, {WR, 0x1104, 0xa1}, {WR, 0x1103, 2}, {WR, 0x1102, 0x48}, {RD, 0x1100, 2}, {RD, 0x1105, 4},
     {WR, 0x1100, 2}, {RD, 0x1100, 0}, {WR, 0x1104, 0x61}, {WR, 0x1102, 0x44}, {RD, 0x1100, 4})
CASE(fpga_and_revision, {RD, BOARD_REVISION, 0x420}, {RD, BOARD_FPGA + 0x210, 0}, {RD, BOARD_FPGA + 0x208, 0},
     {WR, BOARD_FPGA + 0x408, 0xa5}, {RD, BOARD_FPGA + 0x408, 0xa5})
CASE(ide_without_disks, {RD, 0x1f7, 0x7f}, {WR, 0x1f6, 0xb0}, {RD, 0x3f6, 0x7f}, {WR, 0x1f2, 0x55}, {RD, 0x1f2, 0x7f}, {RD, 0x177, 0x7f},
     SEL(10, 1, 0x40), {WR, CFG_DATA, 0x80000000}, {RD, 0x1f7, 0xff}, {RD, 0x177, 0x7f}) /* channel 0 switched off */
CASE(keyboard, {WR, 0x64, 0xaa}, {RD, 0x64, 0x1d}, {RD, 0x60, 0x55}, {RD, 0x64, 0x1c}, {WR, 0x60, 0xf2}, {RD, 0x60, 0xfa}, {RD, 0x60, 0xab},
     {RD, 0x60, 0x83}, {WR, 0x64, 0xd3}, {WR, 0x60, 0x5a}, {RD, 0x64, 0x35}, {RD, 0x60, 0x5a}, /* auxiliary loop-back works */
     {WR, 0x64, 0xd4}, {WR, 0x60, 0xf2}, {RD, 0x64, 0x35}, {RD, 0x60, 0xfa}, {RD, 0x60, 0}, {RD, 0x64, 0x14, .mask = 0xf7})
CASE(superio, {RD, 0x3f1, 0xff}, {WR, 0x3f0, 0x55}, {WR, 0x3f0, 0x20}, {RD, 0x3f1, 0x4d}, {WR, 0x3f0, 0xaa}, {RD, 0x3f0, 0xff})
CASE(dma_counters, {WR, 0x0d, 0}, {WR, 0x03, 0x34}, {WR, 0x03, 0x12}, {RD, 0x03, 0x34}, {RD, 0x03, 0x12}, {WR, 0xd6, 0xc0}, {WR, 0xd4, 0},
     {RD, 0xde, 0xfe})
/* clang-format on */

Test(pci, display_text) {
  static struct bench b;
  bench_init(&b);
  for (unsigned i = 0; i < 8; i++) io_board_write(&b.board, BOARD_FPGA + 0x418 + 8 * i, (uint64_t) "LINUX OK"[i], 4);
  uint8_t leds = 1;
  cr_expect_str_eq(io_board_display(&b.board, &leds), "LINUX OK");
  cr_expect_eq(leds, 0);
  io_board_write(&b.board, BOARD_FPGA + 0x410, 0x1234abcd, 4);
  cr_expect_str_eq(io_board_display(&b.board, NULL), "1234ABCD");
}

/* A card in each connector: its pin reaches the i8259 input its PIRQ is routed to; two may share. */
static uint64_t card_read(void *dev, uint32_t off, int size) {
  (void)size;
  return *(uint32_t *)dev + off;
}
static void card_write(void *dev, uint32_t off, uint64_t v, int size) {
  (void)off;
  (void)size;
  *(uint32_t *)dev = (uint32_t)v;
}
static const struct dev_ops card_ops = {"card", card_read, card_write, NULL};

Test(pci, interrupts_are_routed_and_shared) {
  static struct bench b;
  static struct io_pci_dev card[2];
  uint32_t word = 0x11223344;
  bench_init(&b);
  memset(card, 0, sizeof card);
  for (int i = 0; i < 2; i++) {
    io_pci_ids(&card[i], 0x1234, (uint16_t)i, 0x05000000, 1 + i);
    card[i].bar[0] = (struct io_pci_bar){.kind = PCI_BAR_MEM, .size = 4096, .ops = &card_ops, .dev = &word};
  }
  cr_assert_eq(io_pci_add(&b.board.pci, &card[0], IO_PCI_DEVFN(18, 0)), IO_OK); /* INTA of 18: PIRQA -> IRQ10 */
  cr_assert_eq(io_pci_add(&b.board.pci, &card[1], IO_PCI_DEVFN(21, 0)), IO_OK); /* INTB of 21: PIRQA too */
  cr_expect_eq(io_pci_add(&b.board.pci, &card[1], IO_PCI_DEVFN(21, 0)), IO_ERR_TAKEN);
  io_pci_irq(&card[0], 1);
  cr_expect_eq(b.board.pics.chip[1].level >> 2 & 1, 1);
  io_pci_irq(&card[1], 1);
  io_pci_irq(&card[0], 0);
  cr_expect_eq(b.board.pics.chip[1].level >> 2 & 1, 1, "shared: the other one still pulls");
  static const struct step reroute[] = {SEL(10, 0, 0x60), {WR, CFG_DATA, 0x05, .size = 1}};
  BENCH_RUN(&b, reroute);
  cr_expect_eq(b.board.pics.chip[1].level >> 2 & 1, 0);
  cr_expect_eq(b.board.pics.chip[0].level >> 5 & 1, 1, "PIRQA now goes to IRQ5");
  static const struct step off[] = {SEL(21, 0, 4), {WR, CFG_DATA, 0x402, .size = 2}, {RD, CFG_DATA, 0x00080402}};
  BENCH_RUN(&b, off);
  cr_expect_eq(b.board.pics.chip[0].level >> 5 & 1, 0, "INTx disabled");
  static const struct step memory[] = {SEL(18, 0, 0x10),
                                       {WR, CFG_DATA, 0x10000000},
                                       SEL(18, 0, 4),
                                       {WR, CFG_DATA, 2},
                                       {RD, 0x10000000, 0x11223344},
                                       {RD, 0x10000004, 0x11223348},
                                       {RD, 0x10001000, 0xffffffff}};
  BENCH_RUN(&b, memory);
  io_board_reset(&b.board);
  cr_expect_eq(b.board.pics.chip[0].level, 1, "a reset card lets go (the PIT idles high)");
}

/* Big-endian, as Linux does it: own registers and device 0 through le32_to_cpu, other devices' config data raw
 * because firmware leaves the PCI byte swapper on; ports keep byte addresses. */
Test(pci, big_endian) {
  static struct bench b;
  bench_config(&b);
  b.config.big_endian = true;
  bench_start(&b);
#define LE(v) __builtin_bswap32(v)
  static const struct step steps[] = {
      {RD, GT + 0x68, 0xdf000000},
      {RD, GT + 0xc00, 0},
      {WR, CFG_ADDR, LE(CFG(0, 0, 0))},
      {RD, CFG_DATA, LE(0x462011ab)},
      {WR, CFG_ADDR, LE(CFG(10, 0, 0))},
      {RD, CFG_DATA, 0x71108086},
      {WR, CFG_ADDR, LE(CFG(10, 2, 0x20))},
      {WR, CFG_DATA, 0x2000},
      {RD, CFG_DATA, 0x2001},
      {WR, CFG_ADDR, LE(CFG(10, 2, 4))},
      {WR, CFG_DATA, 1},
      {RD, 0x2002, 0x2000, .size = 2},  /* inw() swaps: 0x0020 */
      {WR, GT + 0xc00, LE(0x00010001)}, /* swapper off, as a program without Linux's habits may choose */
      {WR, CFG_ADDR, LE(CFG(10, 0, 0))},
      {RD, CFG_DATA, LE(0x71108086)},
      {WR, BOARD_UART0 + 7, 0x5a, .size = 1},
      {RD, BOARD_UART0 + 7, 0x5a, .size = 1},
      {RD, BOARD_REVISION, 0x420},
      {RD, BOARD_REVISION + 3, 0x20, .size = 1},
      {RD, BOARD_FPGA + 0x208, 2},
  };
  BENCH_RUN(&b, steps);
}

Test(pci, flash_bytes_in_both_orders) {
  static const uint8_t image[] = {0x3c, 0x08, 0xbf, 0xc0, 1, 2, 3, 4};
  for (int big = 0; big < 2; big++) {
    static struct bench b;
    bench_config(&b);
    b.config.big_endian = big;
    b.config.flash = image;
    b.config.flash_size = sizeof image;
    bench_start(&b);
    static const struct step both[] = {{RD, BOARD_BOOT, 0x3c, .size = 1}, {RD, BOARD_FLASH + 5, 2, .size = 1},
                                       {RD, BOARD_FLASH + 8, 0xffffffff}, {WR, BOARD_FLASH, 0x00900090},
                                       {RD, BOARD_BOOT, 0x3c, .size = 1}, {WR, BOARD_FLASH, 0x00ff00ff}};
    BENCH_RUN(&b, both);
    cr_expect_eq(io_board_read(&b.board, BOARD_BOOT, 4), big ? 0x3c08bfc0u : 0xc0bf083cu);
  }
}
