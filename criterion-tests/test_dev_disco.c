/* criterion-tests/test_dev_disco.c: the board disco: GIC, CM, CPC, syscon, clock, virtio slots, device tree. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "test_dev_steps.h"
#include <libfdt.h>

static void start_with(struct bench *b, unsigned vcpus) {
  b->config.kind = &io_board_disco;
  b->config.vcpus = vcpus;
  bench_start(b);
}

/* Four vcpus run the steps. */
#define CASE(name, ...)                                                                                                \
  Test(disco, name) {                                                                                                  \
    static const struct step steps[] = {__VA_ARGS__};                                                                  \
    static struct bench b;                                                                                             \
    bench_config(&b);                                                                                                  \
    start_with(&b, 4);                                                                                                 \
    BENCH_RUN(&b, steps);                                                                                              \
    io_board_fini(&b.board);                                                                                           \
    cr_expect_null(b.clock.first);                                                                                     \
  }

#define GIC(off)     (DISCO_GIC + (off))
#define POL(n)       GIC(0x100 + (n) / 32 * 4)
#define TRIG(n)      GIC(0x180 + (n) / 32 * 4)
#define DUAL(n)      GIC(0x200 + (n) / 32 * 4)
#define WEDGE        GIC(0x280)
#define RMASK(n)     GIC(0x300 + (n) / 32 * 4)
#define SMASK(n)     GIC(0x380 + (n) / 32 * 4)
#define MASK(n)      GIC(0x400 + (n) / 32 * 4)
#define PEND(n)      GIC(0x480 + (n) / 32 * 4)
#define PIN(n)       GIC(0x500 + (n)*4)
#define TO_VP(n)     GIC(0x2000 + (n)*0x20)
#define MINE(off)    GIC(0x8000 + (off))
#define OTHERS(off)  GIC(0xc000 + (off))
#define BIT(n)       (1u << ((n) % 32))
#define TO_PIN(n)    (0x80000000u | (n))
#define AT_PIN(v, n) IO_CPU_LINE(v, n)
enum { COUNTER = 0x10, COMPARE = 0xa0, OTHER = 0x80, IDENT = 0x88 };

CASE(gic_says_what_it_is,
     /* 64-bit counter, which stands; 128 interrupts; 4 vcpus */
     {RD, GIC(0), 1u << 28 | 8u << 24 | 15u << 16 | 3}, {AS, 3}, {RD, MINE(IDENT), 3}, {WR, MINE(OTHER), 2},
     {RD, OTHERS(IDENT), 2}, {AS, 1}, {RD, MINE(IDENT), 1}, {RD, OTHERS(IDENT), 0}, {WR, MINE(OTHER), 17},
     {RD, OTHERS(IDENT), 0})

CASE(gic_level_reaches_the_pin_it_is_mapped_to, {WR, POL(40), BIT(40)}, {WR, TO_VP(40), 1 << 2},
     {WR, PIN(40), TO_PIN(3)}, {RD, PIN(40), TO_PIN(3)}, {RD, TO_VP(40), 4}, {SHARED, 40, 1},
     {RD, PEND(40), BIT(40), 0, NULL, BIT(40)}, {LINE, AT_PIN(2, 3), 0}, {WR, SMASK(40), BIT(40)},
     {RD, MASK(40), BIT(40)}, {LINE, AT_PIN(2, 3), 1}, {LINE, AT_PIN(0, 3), 0},
     /* to another vcpu and pin while it is active */
     {WR, TO_VP(40), 1 << 1}, {LINE, AT_PIN(2, 3), 0}, {LINE, AT_PIN(1, 3), 1}, {WR, PIN(40), TO_PIN(0)},
     {LINE, AT_PIN(1, 3), 0}, {LINE, AT_PIN(1, 0), 1}, {SHARED, 40, 0}, {LINE, AT_PIN(1, 0), 0}, {SHARED, 40, 1},
     {WR, RMASK(40), BIT(40)}, {LINE, AT_PIN(1, 0), 0}, {RD, MASK(40), 0}, {RD, PEND(40), BIT(40), 0, NULL, BIT(40)})

CASE(gic_polarity_of_levels, {WR, TO_VP(5), 1}, {WR, PIN(5), TO_PIN(1)}, {WR, SMASK(5), BIT(5)},
     {LINE, AT_PIN(0, 1), 1}, /* active low, and low */
     {SHARED, 5, 1}, {LINE, AT_PIN(0, 1), 0}, {WR, POL(5), BIT(5)}, {LINE, AT_PIN(0, 1), 1})

CASE(gic_edges, {WR, POL(70), BIT(70)}, {WR, TRIG(70), BIT(70)}, {WR, TO_VP(70), 1}, {WR, PIN(70), TO_PIN(2)},
     {WR, SMASK(70), BIT(70)}, {LINE, AT_PIN(0, 2), 0}, {SHARED, 70, 1}, {LINE, AT_PIN(0, 2), 1}, {SHARED, 70, 0},
     {LINE, AT_PIN(0, 2), 1}, /* it is kept until it is acknowledged */
     {WR, WEDGE, 70}, {LINE, AT_PIN(0, 2), 0}, {SHARED, 70, 1}, {WR, WEDGE, 70}, {SHARED, 70, 0},
     {LINE, AT_PIN(0, 2), 0}, {WR, DUAL(70), BIT(70)}, {SHARED, 70, 1}, {WR, WEDGE, 70}, {SHARED, 70, 0},
     {LINE, AT_PIN(0, 2), 1}, {WR, WEDGE, 70}, {WR, DUAL(70), 0}, {WR, POL(70), 0}, /* falling */
     {SHARED, 70, 1}, {LINE, AT_PIN(0, 2), 0}, {SHARED, 70, 0}, {LINE, AT_PIN(0, 2), 1})

CASE(gic_interrupts_from_vcpu_to_vcpu, {WR, POL(127), BIT(127)}, {WR, TRIG(127), BIT(127)}, {WR, TO_VP(127), 1 << 3},
     {WR, PIN(127), TO_PIN(0)}, {WR, SMASK(127), BIT(127)}, {AS, 1}, {WR, WEDGE, 0x80000000 | 127},
     {LINE, AT_PIN(3, 0), 1}, {AS, 3}, {RD, PEND(127), BIT(127), 0, NULL, BIT(127)}, {WR, WEDGE, 127},
     {LINE, AT_PIN(3, 0), 0}, {WR, WEDGE, 0x80000000 | 200}) /* there is no such interrupt */

CASE(gic_counter, {RD, GIC(COUNTER), 0}, {PASS, 1000}, {RD, GIC(COUNTER), 0}, {WR, GIC(0), 0}, {PASS, 1000},
     {RD, GIC(COUNTER), 100}, {WR, GIC(COUNTER), 5}, {RD, GIC(COUNTER), 100}, /* it may be set while it stands */
     {WR, GIC(0), 1 << 28}, {WR, GIC(COUNTER), 0xffffffff}, {WR, GIC(COUNTER + 4), 7}, {WR, GIC(0), 0}, {PASS, 20},
     {RD, GIC(COUNTER), 1}, {RD, GIC(COUNTER + 4), 8}, {RD, GIC(0x10000), 1}, {RD, GIC(0x10004), 8})

CASE(gic_compare_of_each_vcpu, {WR, GIC(0), 0}, {AS, 1}, {WR, MINE(0x44), TO_PIN(4)}, {WR, MINE(0x10), 2},
     {WR, MINE(COMPARE), 100}, {WR, MINE(COMPARE + 4), 0}, {PASS, 990}, {LINE, AT_PIN(1, 4), 0}, {PASS, 10},
     {LINE, AT_PIN(1, 4), 1}, {RD, MINE(4), 2}, {RD, MINE(8), 2}, {RD, MINE(0x44), TO_PIN(4)}, {WR, MINE(0xc), 2},
     {LINE, AT_PIN(1, 4), 0}, {WR, MINE(0x10), 2}, {LINE, AT_PIN(1, 4), 1}, {WR, MINE(COMPARE), 100},
     {LINE, AT_PIN(1, 4), 0}, {PASS, 100000}, {LINE, AT_PIN(1, 4), 0}, /* what has gone by is not met again */
     /* vcpu 1 sets the timer of vcpu 2 */
     {WR, MINE(OTHER), 2}, {WR, OTHERS(0x44), TO_PIN(5)}, {WR, OTHERS(0x10), 2}, {WR, OTHERS(COMPARE), 20000},
     {WR, OTHERS(COMPARE + 4), 0}, {PASS, 200000}, {LINE, AT_PIN(2, 5), 1}, {LINE, AT_PIN(1, 4), 0}, {AS, 2},
     {RD, MINE(4), 2}, {RD, MINE(COMPARE), 20000})

#define GCR(off) (DISCO_GCR + (off))
#define CPC(off) (DISCO_CPC + (off))
CASE(cm_says_who_is_there, {RD, GCR(0), 3}, {RD, GCR(8), DISCO_GCR}, {RD, GCR(0x30), 0x600}, {RD, GCR(0xd0), 1},
     {RD, GCR(0xf0), 1}, {WR, GCR(8), 0x12345001}, {RD, GCR(8), DISCO_GCR | 1}, {WR, GCR(0x80), 0x1bdc0001},
     {RD, GCR(0x80), DISCO_GIC | 1}, {WR, GCR(0x88), 1}, {RD, GCR(0x88), DISCO_CPC | 1}, {WR, GCR(0x70), 1},
     {RD, GCR(0x70), (DISCO_GCR + 0x8000) | 1}, {WR, GCR(0x8000), 0}, {WR, GCR(0x98), 0xffff0000},
     {RD, GCR(0x98), 0xffff0000}, {AS, 2}, {RD, GCR(0x2028), 2}, {WR, GCR(0x2018), 3 << 16}, {RD, GCR(0x4028), 3},
     {AS, 0}, {RD, GCR(0x2028), 0}, {RD, GCR(0x4028), 0}, {WR, GCR(0x2018), 77 << 16}, {RD, GCR(0x4028), 0},
     {WR, GCR(0x2008), 0xff}, {RD, GCR(0x2008), 0xff}, {AS, 1}, {RD, GCR(0x2008), 0})

CASE(cpc_starts_and_stops_cores, {RD, CPC(0x2008), 7 << 19 | 3 << 16}, {WR, CPC(0x2010), 2 << 16},
     {RD, CPC(0x2010), 2 << 16}, {RD, CPC(0x4008), 3 << 16}, {WR, GCR(0x2018), 2 << 16}, {WR, GCR(0x4020), 0xa0112fff},
     {RD, GCR(0x4020), 0xa0112000}, {STARTED, 2, 0}, {WR, CPC(0x4000), 4}, {STARTED, 2, 0xffffffffa0112000},
     {RD, CPC(0x4008), 7 << 19 | 3 << 16}, {AS, 2}, {RD, CPC(0x2008), 7 << 19 | 3 << 16}, {WR, CPC(0x2000), 2},
     {STARTED, 2, 0}, {AS, 0}, {RD, CPC(0x4008), 3 << 16}, {WR, CPC(0x4000), 3}, {STARTED, 2, 0xffffffffa0112000},
     /* without a CPC a core is let out of reset */
     {WR, GCR(0x2018), 3 << 16}, {WR, GCR(0x4000), 0}, {STARTED, 3, 0xffffffffbfc00000}, {WR, CPC(0x2010), 9 << 16},
     {RD, CPC(0x4008), 0}, {WR, CPC(0x4000), 4})

CASE(syscon_turns_off_and_resets, {RD, DISCO_SYSCON + 4, DISCO_ID}, {RD, DISCO_SYSCON + 8, 4}, {WR, DISCO_SYSCON, 1},
     {POWER, 0, (uint64_t)-1}, {WR, DISCO_SYSCON, 0x7777}, {POWER, 0, IO_POWER_RESET}, {WR, DISCO_SYSCON, 0x5555},
     {POWER, 0, IO_POWER_OFF})

#define RTC(off) (DISCO_RTC + (off))
#define UP(n)                                                                                                          \
  {WR, POL(n), BIT(n)}, {WR, TO_VP(n), 1}, {WR, PIN(n), TO_PIN(0)}, {                                                  \
    WR, SMASK(n), BIT(n)                                                                                               \
  }
/* 1704067200 s is 2024-01-01: 0x17a61017_01650000 ns. */
CASE(clock_and_alarm, UP(DISCO_IRQ_RTC), {PASS, 16}, {RD, RTC(0), 0x1650010}, {PASS, 0xfe9b0100},
     {RD, RTC(4), 0x17a61017}, {RD, RTC(0), 0x110}, {RD, RTC(4), 0x17a61018}, {WR, RTC(0x10), 1},
     {WR, RTC(0xc), 0x17a61018}, {WR, RTC(8), 0x210}, {RD, RTC(0x18), 1}, {PASS, 255}, {LINE, AT_PIN(0, 0), 0},
     {PASS, 1}, {LINE, AT_PIN(0, 0), 1}, {RD, RTC(0x18), 0}, {WR, RTC(0x1c), 1}, {LINE, AT_PIN(0, 0), 0},
     {WR, RTC(0xc), 0}, {WR, RTC(8), 5}, {LINE, AT_PIN(0, 0), 1}, /* long ago */
     {WR, RTC(0x10), 0}, {LINE, AT_PIN(0, 0), 0}, {WR, RTC(4), 1}, {WR, RTC(0), 2}, {RD, RTC(0), 2}, {RD, RTC(4), 1},
     {WR, RTC(0xc), 9}, {WR, RTC(8), 0}, {RD, RTC(0x18), 1}, {WR, RTC(0x14), 1}, {RD, RTC(0x18), 0})

CASE(uart_through_the_gic, UP(DISCO_IRQ_UART0), {WR, DISCO_UART0, 'h', 1}, {WR, DISCO_UART0, 'i', 1},
     {SHOWN, .text = "hi"}, {RD, DISCO_UART0 + 5 * 4, 0x60, 1}, {WR, DISCO_UART0 + 4, 2, 1}, {LINE, AT_PIN(0, 0), 1},
     {RD, DISCO_UART0 + 2 * 4, 2, 1}, {LINE, AT_PIN(0, 0), 0})

/* --- virtio slots --- */

#define SLOT(n, off) (DISCO_VIRTIO + (n)*DISCO_VIRTIO_SIZE + (off))
enum { RNG = 2, DESC = 0x1000, AVAIL = 0x2000, USED = 0x3000, DATA = 0x6000 };

static void start_cards(struct bench *b, bool big) {
  bench_config(b);
  b->config.big_endian = big;
  b->config.virtio_rng = true;
  b->config.seed = 42;
  start_with(b, 4);
}

static void wr(struct bench *b, unsigned off, uint32_t v) {
  io_board_write(&b->board, SLOT(RNG, off), b->config.big_endian ? __builtin_bswap32(v) : v, 4);
}
static uint32_t rd(struct bench *b, unsigned off) {
  uint32_t v = (uint32_t)io_board_read(&b->board, SLOT(RNG, off), 4);
  return b->config.big_endian ? __builtin_bswap32(v) : v;
}

/* What a driver does: features, a queue of 8 entries, DRIVER_OK. */
static void set_up(struct bench *b) {
  wr(b, 0x70, 0);
  wr(b, 0x70, 3);
  wr(b, 0x14, 1);
  cr_expect_eq(rd(b, 0x10), 1, "VERSION_1 is offered");
  wr(b, 0x24, 1);
  wr(b, 0x20, 1);
  wr(b, 0x70, 11);
  wr(b, 0x30, 0);
  cr_expect_eq(rd(b, 0x34), 128);
  cr_expect_eq(rd(b, 0x44), 0);
  wr(b, 0x38, 8);
  wr(b, 0x80, DESC);
  wr(b, 0x90, AVAIL);
  wr(b, 0xa0, USED);
  wr(b, 0x44, 1);
  cr_expect_eq(rd(b, 0x44), 1);
  wr(b, 0x70, 15);
}

static void put(struct bench *b, unsigned at, uint64_t v, int size) {
  for (int i = 0; i < size; i++) b->ram[at + (unsigned)i] = (uint8_t)(v >> 8 * i);
}

/* Ask for 16 bytes; returns how many came. */
static unsigned ask(struct bench *b, unsigned request, unsigned head) {
  put(b, DESC, DATA, 8);
  put(b, DESC + 8, 16, 4);
  put(b, DESC + 12, 2, 2);
  put(b, AVAIL + 4 + 2 * (request % 8), head, 2);
  put(b, AVAIL + 2, request + 1, 2);
  wr(b, 0x50, 0);
  return b->ram[USED + 2] == request + 1 ? b->ram[USED + 4 + 8 * (request % 8) + 4] : 0;
}

Test(disco, virtio_slots_in_both_orders) {
  for (int big = 0; big < 2; big++) {
    static struct bench b;
    static const struct step up[] = {UP(DISCO_IRQ_VIRTIO + RNG)}, raised[] = {{LINE, AT_PIN(0, 0), 1}},
                             lowered[] = {{LINE, AT_PIN(0, 0), 0}};
    start_cards(&b, big);
    BENCH_RUN(&b, up);
    cr_expect_eq(rd(&b, 0), 0x74726976);
    cr_expect_eq(rd(&b, 4), 2);
    cr_expect_eq(rd(&b, 8), 4, "an entropy device");
    set_up(&b);
    cr_expect_eq(ask(&b, 0, 0), 16);
    BENCH_RUN(&b, raised);
    cr_expect_eq(rd(&b, 0x60), 1);
    wr(&b, 0x64, 1);
    cr_expect_eq(rd(&b, 0x60), 0);
    BENCH_RUN(&b, lowered);
    cr_expect_eq(ask(&b, 1, 0), 16);
    wr(&b, 0x44, 0);
    cr_expect_eq(rd(&b, 0x44), 0, "a queue can be taken back");
    cr_expect_eq(ask(&b, 2, 0), 0);
    set_up(&b);
    put(&b, USED + 2, 0, 2);
    cr_expect_eq(ask(&b, 0, 9), 0, "there is no descriptor 9");
    cr_expect_eq(rd(&b, 0x70), 15 | 64);
    cr_expect_eq(rd(&b, 0xb0), UINT32_MAX, "no shared memory");
    wr(&b, 0x30, 5);
    cr_expect_eq(rd(&b, 0x34), 0, "there is no queue 5");
    wr(&b, 0x44, 0);
    io_board_reset(&b.board);
    cr_expect_eq(rd(&b, 0x70), 0);
  }
}

CASE(virtio_empty_slot, {RD, SLOT(9, 0), 0x74726976}, {RD, SLOT(9, 8), 0}, {WR, SLOT(9, 0x50), 0},
     {WR, SLOT(9, 0x70), 1}, {RD, SLOT(9, 0x70), 0}, {RD, SLOT(9, 0x100), 0, 1})

/* --- the device tree --- */

static uint8_t blob[16384];

static int make_tree(struct io_board_tree t, unsigned room) {
  t.bootargs = t.bootargs ? t.bootargs : "console=ttyS0";
  t.mhz = 200;
  return io_board_disco.tree(&t, blob, room);
}

static uint64_t number(const char *path, const char *name, unsigned cell) {
  int n, node = fdt_path_offset(blob, path);
  const fdt32_t *p = fdt_getprop(blob, node, name, &n);
  cr_assert(p && n >= 4 * (int)(cell + 1), "%s %s", path, name);
  return fdt32_to_cpu(p[cell]);
}

Test(disco, tree_tells_memory_cpus_and_parameters) {
  const uint64_t mib = 1 << 20;
  cr_assert_gt(
      make_tree(
          (struct io_board_tree){
              .ram = 1024 * mib, .vcpus = 16, .initrd = 0x4000, .initrd_bytes = 0x10, .seed = "abc", .seed_bytes = 3},
          sizeof blob),
      0);
  cr_assert_eq(fdt_check_header(blob), 0);
  cr_expect_eq(number("/memory@0", "reg", 3), 256 * mib);
  cr_expect_eq(number("/memory@0", "reg", 5), 0x90000000);
  cr_expect_eq(number("/memory@0", "reg", 7), 768 * mib);
  cr_expect_eq(number("/cpus/cpu@f", "reg", 0), 15);
  cr_expect_lt(fdt_path_offset(blob, "/cpus/cpu@10"), 0);
  cr_expect_eq(number("/chosen", "linux,initrd-end", 1), 0x4010);
  cr_expect_eq(number("/cpu-clock", "clock-frequency", 0), 200000000);
  cr_expect_eq(number("/soc/virtio@1640f000", "interrupts", 1), DISCO_IRQ_VIRTIO + 15);
  cr_expect_str_eq(fdt_getprop(blob, fdt_path_offset(blob, "/chosen"), "bootargs", NULL), "console=ttyS0");
  cr_expect_gt(fdt_path_offset(blob, "serial0"), 0, "the alias leads to the port");
  cr_assert_gt(make_tree((struct io_board_tree){.ram = 64 * mib, .vcpus = 1}, sizeof blob), 0);
  int n;
  fdt_getprop(blob, fdt_path_offset(blob, "/memory@0"), "reg", &n);
  cr_expect_eq(n, 16, "one piece");
  cr_expect_null(fdt_getprop(blob, fdt_path_offset(blob, "/chosen"), "linux,initrd-start", NULL));
  cr_expect_null(fdt_getprop(blob, fdt_path_offset(blob, "/chosen"), "rng-seed", NULL));
}

Test(disco, tree_needs_room) {
  struct io_board_tree t = {.ram = 1 << 28, .vcpus = 16};
  int n = make_tree(t, sizeof blob);
  for (unsigned room = 0; room < sizeof blob; room += 97) {
    int got = make_tree(t, room);
    cr_assert(got == n || got == IO_ERR_FULL, "%u bytes: %d", room, got);
    cr_assert(got == n || room < (unsigned)n + 2048, "%d bytes do not fit %u", n, room);
  }
}

Test(disco, boards_by_name) {
  struct bench b;
  cr_expect_eq(io_board_find("disco"), &io_board_disco);
  cr_expect_null(io_board_find("disc"));
  bench_config(&b);
  b.config.vcpus = 2;
  cr_expect_eq(io_board_init(&b.board, &b.config), IO_ERR_RANGE, "malta has one");
  b.config.kind = &io_board_disco;
  b.config.vcpus = 17;
  cr_expect_eq(io_board_init(&b.board, &b.config), IO_ERR_RANGE);
}
