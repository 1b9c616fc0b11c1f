/* iosys/board_malta.c: the Malta board: one table of what answers where, the wiring, reset, and what firmware would do.
 */
/* SPDX-License-Identifier: Apache-2.0 */
/* Order of construction: buses, interrupt controllers, bridges, then the table. Lines point towards the cpu:
 * device -> i8259 pair -> cpu hardware interrupt 0; PCI pin -> PIRQ (PIIX4) -> i8259 input. */
#include "iosys/board_parts.h"

enum { PIC_INPUT, CPU_INPUT };

enum { CBUS_NS = 200, ISA_NS = 1000 };

/* clang-format off */
/* PCI devices are in pci_rows; what moves registers itself (GT-64120, IDE, PM). */
static const struct io_board_row rows[] = {
  /* bus         base                size              ops                 device       stall    width  LE */
  {AT(bus),   BOARD_FLASH,        BOARD_FLASH_SIZE, &flash_ops,         AT(flash),   CBUS_NS, 8, true},
  {AT(bus),   BOARD_BOOT,         BOARD_FLASH_SIZE, &boot_ops,          AT(flash),   CBUS_NS, 8, true},
  {AT(bus),   BOARD_REVISION,     4,                &revision_ops,      AT(fpga),    CBUS_NS, 4, false},
  {AT(bus),   BOARD_FPGA,         BOARD_FPGA_SIZE,  &fpga_ops,          AT(fpga),    CBUS_NS, 4, false},
  {AT(bus),   BOARD_UART2,        0x40,             &uart_ops,          AT(uart[2]), CBUS_NS, 8, false},
  {AT(ports), BOARD_PORT_DMA0,    0x10,             &dma0_ops,          AT(dma8237), ISA_NS,  1, true},
  {AT(ports), BOARD_PORT_PIC0,    2,                &pic0_ops,          AT(pics),    ISA_NS,  1, true},
  {AT(ports), BOARD_PORT_PIT,     4,                &pit_ops,           AT(pit),     ISA_NS,  1, true},
  {AT(ports), BOARD_PORT_KBD,     1,                &i8042_ops,         AT(kbd),     ISA_NS,  1, true},
  {AT(ports), BOARD_PORT_SPEAKER, 1,                &speaker_ops,       AT(pit),     ISA_NS,  1, true},
  {AT(ports), BOARD_PORT_KBD + 4, 1,                &i8042_command_ops, AT(kbd),     ISA_NS,  1, true},
  {AT(ports), BOARD_PORT_RTC,     2,                &rtc_ops,           AT(rtc),     ISA_NS,  1, true},
  {AT(ports), BOARD_PORT_DMAPAGE, 0x10,             &dma_page_ops,      AT(dma8237), ISA_NS,  1, true},
  {AT(ports), 0x92,               1,                &port92_ops,        AT(piix4),   ISA_NS,  1, true},
  {AT(ports), BOARD_PORT_PIC1,    2,                &pic1_ops,          AT(pics),    ISA_NS,  1, true},
  {AT(ports), BOARD_PORT_DMA1,    0x20,             &dma1_ops,          AT(dma8237), ISA_NS,  1, true},
  {AT(ports), BOARD_PORT_UART1,   8,                &uart_ops,          AT(uart[1]), ISA_NS,  1, true},
  {AT(ports), 0x3f0,              2,                &superio_ops,       AT(superio), ISA_NS,  1, true},
  {AT(ports), BOARD_PORT_UART0,   8,                &uart_ops,          AT(uart[0]), ISA_NS,  1, true},
  {AT(ports), BOARD_PORT_ELCR,    2,                &elcr_ops,          AT(pics),    ISA_NS,  1, true},
  {AT(ports), BOARD_PORT_RESET,   1,                &reset_control_ops, AT(piix4),   ISA_NS,  1, true},
};

/* Windows before what is in them: the bridge, then what PCI configuration places. */
static const struct io_board_part parts[] = {
  {"bus",          1, AT(bus),            io_bus_state},
  {"gt64120",      1, AT(gt),             io_gt64120_state},
  {"pci",          1, AT(pci),            io_pci_state},
  {"piix4",        1, AT(piix4),          io_piix4_state},
  {"i8259",        1, AT(pics),           io_pics_state},
  {"i8254",        1, AT(pit),            io_pit_state},
  {"rtc",          1, AT(rtc),            io_rtc_state},
  {"i8042",        1, AT(kbd),            io_i8042_state},
  {"dma8237",      1, AT(dma8237),        io_dma8237_state},
  {"ide",          1, AT(ide),            io_ide_state},
  {"uart0",        1, AT(uart[0]),        io_uart_state},
  {"uart1",        1, AT(uart[1]),        io_uart_state},
  {"uart2",        1, AT(uart[2]),        io_uart_state},
  {"fpga",         1, AT(fpga),           io_fpga_state},
  {"flash",        1, AT(flash),          io_flash_state},
  {"superio",      1, AT(superio),        io_superio_state},
  {"pcnet",        1, AT(pcnet),          io_pcnet_state},
  {"virtio-blk0",  1, AT(virtio_blk[0]),  io_virtio_blk_state},
  {"virtio-blk1",  1, AT(virtio_blk[1]),  io_virtio_blk_state},
  {"virtio-rng",   1, AT(virtio_rng),     io_virtio_rng_state},
  {"virtio-cons",  1, AT(virtio_console), io_virtio_console_state},
  {"virtio-net0",  1, AT(virtio_net[0]),  io_virtio_net_state},
  {"virtio-net1",  1, AT(virtio_net[1]),  io_virtio_net_state},
};

/* The serial ports: baud generator input, register spacing, and the interrupt each one drives. */
static const struct { uint32_t hz; uint8_t shift, to; int n; } uarts[3] = {
  {1843200, 0, PIC_INPUT, BOARD_IRQ_UART0},
  {1843200, 0, PIC_INPUT, BOARD_IRQ_UART1},
  {3686400, 3, CPU_INPUT, BOARD_HW_UART2},
};

/* PCI functions on the board. GT-64120 itself adds its own. */
static const struct { uint8_t devfn; size_t dev; } pci_rows[] = {
  {IO_PCI_DEVFN(BOARD_SLOT_PIIX4, 0), AT(piix4.isa)},
  {IO_PCI_DEVFN(BOARD_SLOT_PIIX4, 1), AT(ide.pci)},
  {IO_PCI_DEVFN(BOARD_SLOT_PIIX4, 2), AT(piix4.usb)},
  {IO_PCI_DEVFN(BOARD_SLOT_PIIX4, 3), AT(piix4.pm)},
};
/* clang-format on */

enum {
  N_ROWS = sizeof rows / sizeof *rows,
  N_PARTS = sizeof parts / sizeof *parts,
  N_PCI = sizeof pci_rows / sizeof *pci_rows
};

static struct irq_line pic_input(struct io_board *b, int n) {
  return (struct irq_line){io_pics_irq, &b->pics, n};
}
/* Malta User's Manual, "PCI interrupts": the on-board functions each have one line, the connectors rotate. */
static int pci_route(unsigned devfn, int pin) {
  unsigned slot = devfn >> 3;
  if (slot == BOARD_SLOT_PIIX4) return 3;
  if (slot == BOARD_SLOT_PCNET) return 1;
  if (slot >= BOARD_SLOT_FIRST && slot <= BOARD_SLOT_LAST) return (int)(slot - BOARD_SLOT_FIRST + (unsigned)pin) & 3;
  return pin & 3;
}

static void keyboard_reset(void *board) {
  struct io_board *b = board;
  if (b->config.power.set) b->config.power.set(b->config.power.ctx, IO_POWER_RESET);
}

static void init_isa(struct io_board *b) {
  const struct io_board_config *c = &b->config;
  io_pics_init(&b->pics, io_board_cpu(b, 0, BOARD_HW_PIC));
  io_pit_init(&b->pit, c->clock, pic_input(b, BOARD_IRQ_PIT));
  io_rtc_init(&b->rtc, c->clock, pic_input(b, BOARD_IRQ_RTC), io_board_date(b));
  io_i8042_init(&b->kbd, pic_input(b, BOARD_IRQ_KBD), pic_input(b, BOARD_IRQ_MOUSE), keyboard_reset, b);
  io_dma8237_init(&b->dma8237);
  io_superio_init(&b->superio);
  for (int i = 0; i < 3; i++) {
    int n = uarts[i].n;
    struct io_uart_config u = {.clock = c->clock,
                               .line = uarts[i].to == PIC_INPUT ? pic_input(b, n) : io_board_cpu(b, 0, n),
                               .tty = c->tty[i],
                               .clock_hz = uarts[i].hz,
                               .shift = uarts[i].shift,
                               .timed = c->uart_timed};
    io_uart_init(&b->uart[i], &u);
  }
}

static int init_bridges(struct io_board *b) {
  const struct io_board_config *c = &b->config;
  struct irq_line ide[2] = {pic_input(b, BOARD_IRQ_IDE0), pic_input(b, BOARD_IRQ_IDE1)};
  io_pci_init(&b->pci, &b->ports, &b->mem, pci_route, (struct irq_line){io_piix4_pirq, &b->piix4, 0});
  struct io_piix4_config p = {
      .clock = c->clock, .ports = &b->ports, .power = c->power, .irq = pic_input(b, 0), .ram = c->ram};
  io_piix4_init(&b->piix4, &p);
  io_ide_init(&b->ide, &b->ports, c->dma, c->ide, ide);
  struct io_gt64120_config g = {.bus = &b->bus,
                                .ports = &b->ports,
                                .mem = &b->mem,
                                .host = &b->pci,
                                .pics = &b->pics,
                                .piix4 = &b->piix4,
                                .line = io_board_cpu(b, 0, BOARD_HW_GT),
                                .big_endian = c->big_endian};
  return io_gt64120_init(&b->gt, &g);
}

/* Network cards, in the first connectors that are free. */
static int add_nets(struct io_board *b) {
  const struct io_board_config *c = &b->config;
  unsigned slot = BOARD_SLOT_FIRST;
  for (unsigned i = 0; i < IO_BOARD_NETS; i++) {
    if (!c->virtio_net[i].send) continue;
    int err = io_virtio_net_init(&b->virtio_net[i], c->dma, c->big_endian, c->virtio_net[i]);
    while (slot <= BOARD_SLOT_LAST && b->pci.dev[IO_PCI_DEVFN(slot, 0)]) slot++;
    if (!err) err = slot > BOARD_SLOT_LAST ? IO_ERR_FULL : IO_OK;
    if (!err) err = io_pci_add(&b->pci, &b->virtio_net[i].virtio.pci, IO_PCI_DEVFN(slot, 0));
    if (err) return err;
  }
  return IO_OK;
}

/* The network chip, and cards for the four connectors in the order of their slots; what the config does not ask for is
 * not there. */
static int add_cards(struct io_board *b) {
  const struct io_board_config *c = &b->config;
  const struct {
    struct io_pci_dev *dev;
    bool wanted;
    int err;
  } cards[] = {
      {&b->virtio_blk[0].virtio.pci, c->virtio_blk[0].size != 0,
       io_virtio_blk_init(&b->virtio_blk[0], c->dma, c->big_endian, c->virtio_blk[0])},
      {&b->virtio_blk[1].virtio.pci, c->virtio_blk[1].size != 0,
       io_virtio_blk_init(&b->virtio_blk[1], c->dma, c->big_endian, c->virtio_blk[1])},
      {&b->virtio_rng.virtio.pci, c->virtio_rng, io_virtio_rng_init(&b->virtio_rng, c->dma, c->big_endian, c->seed)},
      {&b->virtio_console.virtio.pci, c->virtio_console,
       io_virtio_console_init(&b->virtio_console, c->clock, c->dma, c->big_endian, c->virtio_tty)},
  };
  io_pcnet_init(&b->pcnet, c->clock, c->dma, c->pcnet);
  if (c->pcnet.send) {
    int err = io_pci_add(&b->pci, &b->pcnet.pci, IO_PCI_DEVFN(BOARD_SLOT_PCNET, 0));
    if (err) return err;
  }
  for (unsigned i = 0; i < 4; i++) {
    int err = cards[i].err;
    if (!err && cards[i].wanted) err = io_pci_add(&b->pci, cards[i].dev, IO_PCI_DEVFN(BOARD_SLOT_FIRST + i, 0));
    if (err) return err;
  }
  return add_nets(b);
}

static int init(struct io_board *b) {
  const struct io_board_config *config = &b->config;
  io_bus_init(&b->ports, NULL, 0xff);
  io_bus_init(&b->mem, NULL, 0xff);
  io_fpga_init(&b->fpga, config->power, config->big_endian);
  init_isa(b);
  int err = init_bridges(b);
  for (int i = 0; i < N_PCI && !err; i++)
    err = io_pci_add(&b->pci, (struct io_pci_dev *)((char *)b + pci_rows[i].dev), pci_rows[i].devfn);
  return err ? err : add_cards(b);
}

/* Nothing is on the heap; what must not outlive the board are its timers in the caller's clock. */
static void fini(struct io_board *b) {
  struct io_clock *c = b->config.clock;
  io_timer_cancel(c, &b->pit.timer);
  io_timer_cancel(c, &b->rtc.timer);
  io_timer_cancel(c, &b->pcnet.timer);
}

static void reset(struct io_board *b) {
  io_pci_reset(&b->pci);
  gt64120_ops.reset(&b->gt);
}

static void set_config(struct io_board *b, int fn, unsigned off, int size, uint32_t v) {
  io_pci_config_write(&b->pci, 0, IO_PCI_DEVFN(BOARD_SLOT_PIIX4, fn), off, size, v);
}

/* What YAMON leaves behind: GT-64120 moved to BOARD_GT, PCI windows as board.h has them, PIRQ routing, PM base, IDE
 * enabled. */
static void firmware(struct io_board *b) {
  /* {register, value}: the value is an address >> 21, for the high ends only its bits 27..21. */
  static const uint16_t windows[][2] = {
      {0x048, BOARD_PCI_IO >> 21},
      {0x050, (BOARD_PCI_IO >> 21) & 0x7f},
      {0x0f0, 0},
      {0x058, BOARD_PCI_MEM0 >> 21},
      {0x060, 0x3f},
      {0x080, BOARD_PCI_MEM1 >> 21},
      {0x088, 0x5e},
  };
  gt64120_ops.write(&b->gt, 0x068, BOARD_GT >> 21, 4);
  for (unsigned i = 0; i < sizeof windows / sizeof *windows; i++)
    gt64120_ops.write(&b->gt, windows[i][0], windows[i][1], 4);
  set_config(b, 0, 0x60, 4, BOARD_IRQ_PCI0 * 0x0101 | BOARD_IRQ_PCI1 * 0x01010000);
  set_config(b, 0, 0x69, 1, 0xf2);
  set_config(b, 1, 0x40, 4, 0x80008000); /* both IDE channels decode */
  set_config(b, 1, PCI_COMMAND, 2, 1);
  set_config(b, 3, 0x40, 4, BOARD_PORT_PM | 1);
  set_config(b, 3, 0x80, 1, 1);
  set_config(b, 3, 0x90, 4, BOARD_PORT_SMBUS | 1);
  set_config(b, 3, 0xd2, 1, 1);
  set_config(b, 3, PCI_COMMAND, 2, 1);
  elcr_ops.write(&b->pics, 1, 0x0c, 1); /* PCI interrupts (10, 11) are level-triggered */
}

const struct io_board_kind io_board_malta = {
    .name = "malta",
    .about = "MIPS Malta, started as YAMON starts a kernel",
    .cpu32 = "24Kf",
    .cpu64 = "MIPS64R2-generic",
    .vcpus = 1,
    .mhz = 100000,
    .virtio_disks = 2,
    .ide_disks = 4,
    .virtio_nets = IO_BOARD_NETS,
    .pcnets = 1,
    .connectors = BOARD_SLOT_LAST - BOARD_SLOT_FIRST + 1,
    .rows = rows,
    .n_rows = N_ROWS,
    .parts = parts,
    .n_parts = N_PARTS,
    .init = init,
    .fini = fini,
    .reset = reset,
    .firmware = firmware,
};
