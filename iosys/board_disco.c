/* iosys/board_disco.c: the board disco: one table of what answers where, the wiring, and its device tree. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Plain devices that every kernel with a device tree has drivers for, for up to IO_VCPUS vcpus, each in a core of its
 * own. A device's line goes to a shared input of the GIC, and from there to whatever vcpu and pin the guest maps it to.
 */
#include "iosys/board_parts.h"
#include <libfdt.h>
#include <stdio.h>

enum { CORE_NS = 40, DEVICE_NS = 200 };
enum { UART_HZ = 3686400, UART_SHIFT = 2, MHZ = 1000000 };
_Static_assert(IO_DISCO_SLOTS == DISCO_VIRTIO_SLOTS, "the map's slots and the board's are the same");

#define SLOT(n)                                                                                                        \
  {                                                                                                                    \
    AT(bus), DISCO_VIRTIO + (n)*DISCO_VIRTIO_SIZE, DISCO_VIRTIO_SIZE, &virtio_mmio_ops, AT(disco.slot[n]), DEVICE_NS,  \
        4, true                                                                                                        \
  }
/* clang-format off */
static const struct io_board_row rows[] = {
  /* bus       base           size               ops                device           stall      width LE */
  {AT(bus), BOARD_FLASH,   BOARD_FLASH_SIZE,  &flash_ops,        AT(flash),        DEVICE_NS, 8, true},
  {AT(bus), BOARD_BOOT,    BOARD_FLASH_SIZE,  &boot_ops,         AT(flash),        DEVICE_NS, 8, true},
  {AT(bus), DISCO_GCR,     DISCO_GCR_SIZE,    &cm_ops,           AT(disco.cm),     CORE_NS,   4, false},
  {AT(bus), DISCO_GIC,     DISCO_GIC_SIZE,    &gic_ops,          AT(disco.gic),    CORE_NS,   4, false},
  {AT(bus), DISCO_CPC,     DISCO_CPC_SIZE,    &cpc_ops,          AT(disco.cm),     CORE_NS,   4, false},
  {AT(bus), DISCO_UART0,   DISCO_UART_SIZE,   &uart_ops,         AT(uart[0]),      DEVICE_NS, 4, true},
  {AT(bus), DISCO_UART1,   DISCO_UART_SIZE,   &uart_ops,         AT(uart[1]),      DEVICE_NS, 4, true},
  {AT(bus), DISCO_RTC,     DISCO_RTC_SIZE,    &goldfish_rtc_ops, AT(disco.rtc),    DEVICE_NS, 4, true},
  {AT(bus), DISCO_SYSCON,  DISCO_SYSCON_SIZE, &syscon_ops,       AT(disco.syscon), DEVICE_NS, 4, true},
  SLOT(0), SLOT(1), SLOT(2), SLOT(3), SLOT(4), SLOT(5), SLOT(6), SLOT(7),
  SLOT(8), SLOT(9), SLOT(10), SLOT(11), SLOT(12), SLOT(13), SLOT(14), SLOT(15),
};
/* clang-format on */

static const struct io_board_part parts[] = {
    {"bus", 1, AT(bus), io_bus_state},
    {"gic", 1, AT(disco.gic), io_gic_state},
    {"cm", 1, AT(disco.cm), io_cm_state},
    {"uart0", 1, AT(uart[0]), io_uart_state},
    {"uart1", 1, AT(uart[1]), io_uart_state},
    {"rtc", 1, AT(disco.rtc), io_goldfish_rtc_state},
    {"flash", 1, AT(flash), io_flash_state},
    {"virtio-blk0", 1, AT(virtio_blk[0]), io_virtio_blk_state},
    {"virtio-blk1", 1, AT(virtio_blk[1]), io_virtio_blk_state},
    {"virtio-rng", 1, AT(virtio_rng), io_virtio_rng_state},
    {"virtio-cons", 1, AT(virtio_console), io_virtio_console_state},
    {"virtio-net0", 1, AT(virtio_net[0]), io_virtio_net_state},
    {"virtio-net1", 1, AT(virtio_net[1]), io_virtio_net_state},
};

static struct irq_line input(struct io_board *b, int n) {
  return (struct irq_line){io_gic_irq, &b->disco.gic, n};
}

/* Cards for the slots; what the config does not ask for is not there. A card's slot never changes. */
static int add_cards(struct io_board *b) {
  const struct io_board_config *c = &b->config;
  const struct {
    struct io_virtio *card;
    bool wanted;
    int err;
  } cards[] = {
      {&b->virtio_blk[0].virtio, c->virtio_blk[0].size != 0,
       io_virtio_blk_init(&b->virtio_blk[0], c->dma, c->big_endian, c->virtio_blk[0])},
      {&b->virtio_blk[1].virtio, c->virtio_blk[1].size != 0,
       io_virtio_blk_init(&b->virtio_blk[1], c->dma, c->big_endian, c->virtio_blk[1])},
      {&b->virtio_rng.virtio, c->virtio_rng, io_virtio_rng_init(&b->virtio_rng, c->dma, c->big_endian, c->seed)},
      {&b->virtio_console.virtio, c->virtio_console,
       io_virtio_console_init(&b->virtio_console, c->clock, c->dma, c->big_endian, c->virtio_tty)},
      {&b->virtio_net[0].virtio, c->virtio_net[0].send != NULL,
       io_virtio_net_init(&b->virtio_net[0], c->dma, c->big_endian, c->virtio_net[0])},
      {&b->virtio_net[1].virtio, c->virtio_net[1].send != NULL,
       io_virtio_net_init(&b->virtio_net[1], c->dma, c->big_endian, c->virtio_net[1])},
  };
  for (unsigned i = 0; i < sizeof cards / sizeof *cards; i++) {
    if (cards[i].err) return cards[i].err;
    if (!cards[i].wanted) continue;
    b->disco.slot[i] = cards[i].card;
    io_virtio_plug(cards[i].card, input(b, DISCO_IRQ_VIRTIO + (int)i));
  }
  return IO_OK;
}

static int init(struct io_board *b) {
  const struct io_board_config *c = &b->config;
  struct io_disco *d = &b->disco;
  io_gic_init(&d->gic, &(struct io_gic_config){
                           .clock = c->clock, .bus = &b->bus, .cpu = io_board_cpu(b, 0, 0), .vcpus = c->vcpus});
  io_cm_init(&d->cm, &(struct io_cm_config){.bus = &b->bus, .power = c->vcpu, .vcpus = c->vcpus});
  io_syscon_init(&d->syscon, c->power, c->vcpus);
  io_goldfish_rtc_init(&d->rtc, c->clock, input(b, DISCO_IRQ_RTC), io_board_date(b));
  for (int i = 0; i < 2; i++)
    io_uart_init(&b->uart[i], &(struct io_uart_config){.clock = c->clock,
                                                       .line = input(b, DISCO_IRQ_UART0 + i),
                                                       .tty = c->tty[i],
                                                       .clock_hz = UART_HZ,
                                                       .shift = UART_SHIFT,
                                                       .timed = c->uart_timed});
  return add_cards(b);
}

static void fini(struct io_board *b) {
  io_gic_fini(&b->disco.gic);
  io_timer_cancel(b->config.clock, &b->disco.rtc.timer);
}

/* The rows do it all, and no firmware is needed. */
static void nothing(struct io_board *b) {
  (void)b;
}

/* --- the device tree --- */

enum { CPU_CLOCK = 1, GIC_CLOCK, UART_CLOCK, GIC, SYSCON };        /* phandles */
enum { SHARED = 0, LOCAL = 1, LOCAL_COMPARE = 1, LEVEL_HIGH = 4 }; /* cells of mti,gic's interrupts */

/* A tree being written. An error sticks. */
struct tree {
  void *to;
  int err;
};

static void does(struct tree *t, int err) {
  if (!t->err) t->err = err;
}
static void node(struct tree *t, const char *name) {
  does(t, fdt_begin_node(t->to, name));
}
/* A node named after its address. */
static void node_at(struct tree *t, const char *name, uint64_t at) {
  char text[64];
  snprintf(text, sizeof text, "%s@%llx", name, (unsigned long long)at);
  node(t, text);
}
static void end(struct tree *t) {
  does(t, fdt_end_node(t->to));
}
static void text(struct tree *t, const char *name, const char *value) {
  does(t, fdt_property_string(t->to, name, value));
}
static void cell(struct tree *t, const char *name, uint32_t value) {
  does(t, fdt_property_u32(t->to, name, value));
}
static void flag(struct tree *t, const char *name) {
  does(t, fdt_property(t->to, name, NULL, 0));
}
static void cells(struct tree *t, const char *name, const uint32_t *value, unsigned n) {
  uint32_t big[8];
  for (unsigned i = 0; i < n; i++) big[i] = cpu_to_fdt32(value[i]);
  does(t, fdt_property(t->to, name, big, (int)(n * sizeof *big)));
}
static void reg(struct tree *t, uint32_t at, uint32_t size) {
  cells(t, "reg", (const uint32_t[]){0, at, 0, size}, 4);
}
static void interrupt(struct tree *t, uint32_t where, uint32_t n, uint32_t type) {
  cells(t, "interrupts", (const uint32_t[]){where, n, type}, 3);
}
static void address_cells(struct tree *t, uint32_t address, uint32_t size) {
  cell(t, "#address-cells", address);
  cell(t, "#size-cells", size);
}

static void fixed_clock(struct tree *t, const char *name, uint32_t phandle, uint32_t hz) {
  node(t, name);
  text(t, "compatible", "fixed-clock");
  cell(t, "#clock-cells", 0);
  cell(t, "clock-frequency", hz);
  cell(t, "phandle", phandle);
  end(t);
}

static void cpus(struct tree *t, unsigned n) {
  node(t, "cpus");
  address_cells(t, 1, 0);
  for (unsigned i = 0; i < n; i++) {
    node_at(t, "cpu", i);
    text(t, "device_type", "cpu");
    text(t, "compatible", "img,mips");
    cell(t, "reg", i);
    cell(t, "clocks", CPU_CLOCK);
    end(t);
  }
  end(t);
}

/* RAM as the map in board.h has it. */
static void memory(struct tree *t, uint64_t ram) {
  uint32_t low = ram < BOARD_RAM_LOW_SIZE ? (uint32_t)ram : BOARD_RAM_LOW_SIZE, high = (uint32_t)(ram - low);
  node_at(t, "memory", 0);
  text(t, "device_type", "memory");
  cells(t, "reg", (const uint32_t[]){0, 0, 0, low, 0, BOARD_RAM_HIGH + low, 0, high}, high ? 8 : 4);
  end(t);
}

static void chosen(struct tree *t, const struct io_board_tree *b) {
  node(t, "chosen");
  text(t, "stdout-path", "serial0:115200n8");
  text(t, "bootargs", b->bootargs);
  if (b->initrd_bytes) {
    does(t, fdt_property_u64(t->to, "linux,initrd-start", b->initrd));
    does(t, fdt_property_u64(t->to, "linux,initrd-end", b->initrd + b->initrd_bytes));
  }
  if (b->seed_bytes) does(t, fdt_property(t->to, "rng-seed", b->seed, (int)b->seed_bytes));
  end(t);
}

static void interrupts_and_power(struct tree *t) {
  node_at(t, "interrupt-controller", DISCO_GIC);
  text(t, "compatible", "mti,gic");
  reg(t, DISCO_GIC, DISCO_GIC_SIZE);
  flag(t, "interrupt-controller");
  cell(t, "#interrupt-cells", 3);
  cell(t, "phandle", GIC);
  node(t, "timer");
  text(t, "compatible", "mti,gic-timer");
  interrupt(t, LOCAL, LOCAL_COMPARE, 0);
  cell(t, "clocks", GIC_CLOCK);
  end(t);
  end(t);
  node_at(t, "cpc", DISCO_CPC);
  text(t, "compatible", "mti,mips-cpc");
  reg(t, DISCO_CPC, DISCO_CPC_SIZE);
  end(t);
  node_at(t, "syscon", DISCO_SYSCON);
  text(t, "compatible", "syscon");
  reg(t, DISCO_SYSCON, DISCO_SYSCON_SIZE);
  flag(t, "little-endian");
  cell(t, "phandle", SYSCON);
  end(t);
}

static void device(struct tree *t, const char *name, const char *compatible, uint32_t at, uint32_t size, uint32_t irq) {
  node_at(t, name, at);
  text(t, "compatible", compatible);
  reg(t, at, size);
  interrupt(t, SHARED, irq, LEVEL_HIGH);
}

static void devices(struct tree *t) {
  for (uint32_t i = 0; i < 2; i++) {
    uint32_t at = i ? DISCO_UART1 : DISCO_UART0;
    device(t, "serial", "ns16550a", at, DISCO_UART_SIZE, DISCO_IRQ_UART0 + i);
    cell(t, "clocks", UART_CLOCK);
    cell(t, "reg-shift", UART_SHIFT);
    end(t);
  }
  device(t, "rtc", "google,goldfish-rtc", DISCO_RTC, DISCO_RTC_SIZE, DISCO_IRQ_RTC);
  end(t);
  for (uint32_t i = 0; i < DISCO_VIRTIO_SLOTS; i++) {
    device(t, "virtio", "virtio,mmio", DISCO_VIRTIO + i * DISCO_VIRTIO_SIZE, DISCO_VIRTIO_SIZE, DISCO_IRQ_VIRTIO + i);
    flag(t, "dma-coherent");
    end(t);
  }
}

static void syscon_user(struct tree *t, const char *compatible, uint32_t value) {
  node(t, compatible);
  text(t, "compatible", compatible);
  cell(t, "regmap", SYSCON);
  cell(t, "offset", DISCO_SYSCON_POWER);
  cell(t, "value", value);
  cell(t, "mask", UINT32_MAX);
  end(t);
}

static void root(struct tree *t, const struct io_board_tree *b) {
  node(t, "");
  address_cells(t, 2, 2);
  text(t, "compatible", "mirrorball,disco");
  text(t, "model", "mirrorball disco");
  cell(t, "interrupt-parent", GIC);
  chosen(t, b);
  node(t, "aliases");
  char path[40];
  snprintf(path, sizeof path, "/soc/serial@%x", DISCO_UART0);
  text(t, "serial0", path);
  snprintf(path, sizeof path, "/soc/serial@%x", DISCO_UART1);
  text(t, "serial1", path);
  end(t);
  memory(t, b->ram);
  cpus(t, b->vcpus);
  fixed_clock(t, "cpu-clock", CPU_CLOCK, b->mhz * MHZ);
  fixed_clock(t, "gic-clock", GIC_CLOCK, 1000000000 / IO_GIC_NS);
  fixed_clock(t, "uart-clock", UART_CLOCK, UART_HZ);
  node(t, "soc");
  text(t, "compatible", "simple-bus");
  address_cells(t, 2, 2);
  flag(t, "ranges");
  interrupts_and_power(t);
  devices(t);
  end(t);
  syscon_user(t, "syscon-poweroff", DISCO_POWER_OFF);
  syscon_user(t, "syscon-reboot", DISCO_POWER_RESET);
  end(t);
}

static int tree(const struct io_board_tree *b, void *to, unsigned room) {
  struct tree t = {.to = to};
  does(&t, fdt_create(to, (int)room));
  does(&t, fdt_finish_reservemap(to));
  root(&t, b);
  does(&t, fdt_finish(to));
  return t.err ? IO_ERR_FULL : (int)fdt_totalsize(to); /* a tree of ours has no other way to fail */
}

const struct io_board_kind io_board_disco = {
    .name = "disco",
    .about = "monitor devices and a device tree, for kernels that run on any board",
    .cpu32 = "MIPS32R2-multi",
    .cpu64 = "MIPS64R2-multi",
    .vcpus = IO_VCPUS,
    .mhz = 4000, /* a fixed-clock is 32 bits of Hz */
    .virtio_disks = 2,
    .virtio_nets = IO_BOARD_NETS,
    .connectors = DISCO_VIRTIO_SLOTS,
    .gcr = DISCO_GCR,
    .rows = rows,
    .n_rows = sizeof rows / sizeof *rows,
    .parts = parts,
    .n_parts = sizeof parts / sizeof *parts,
    .init = init,
    .fini = fini,
    .reset = nothing,
    .firmware = nothing,
    .tree = tree,
};
