/* iosys/dev_gt64120.c: GT-64120 system controller: address windows, PCI config cycles, interrupt cause. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Registers are little-endian words. The chip sits on the cpu's bus as up to four rows which move when the guest
 * writes the decode registers: itself (ISD) and the windows to PCI I/O, memory 0 and memory 1. The SDRAM decoders and
 * the DMA engine only read back: RAM is mmu/'s and no guest uses that engine. Page and table numbers: Galileo
 * GT-64120 data sheet, rev. 1.4. */
#include "iosys/board.h"
#include <string.h>

enum { /* byte offsets */
       CPU_CONFIG = 0x000,
       PCI0_IO_LOW = 0x048,
       PCI0_IO_HIGH = 0x050,
       PCI0_MEM0_LOW = 0x058,
       PCI0_MEM0_HIGH = 0x060,
       INTERNAL_SPACE = 0x068, /* "ISD" */
       CPU_ERROR_LOW = 0x070,
       CPU_ERROR_HIGH = 0x078,
       PCI0_MEM1_LOW = 0x080,
       PCI0_MEM1_HIGH = 0x088,
       PCI0_IO_REMAP = 0x0f0,
       PCI0_MEM0_REMAP = 0x0f8,
       PCI0_MEM1_REMAP = 0x100,
       PCI1_IO_LOW = 0x090,
       PCI1_MEM0_LOW = 0x0a0,
       PCI1_MEM1_LOW = 0x0b0,
       CPU_ERROR_DATA_LOW = 0x128,
       CPU_ERROR_PARITY = 0x138,
       PCI0_COMMAND = 0xc00,
       INT_CAUSE = 0xc18,
       INT_MASK = 0xc1c,
       PCI1_IACK = 0xc30,
       PCI0_IACK = 0xc34,
       PCI1_CONFIG_ADDR = 0xcf0,
       PCI1_CONFIG_DATA = 0xcf4,
       PCI0_CONFIG_ADDR = 0xcf8,
       PCI0_CONFIG_DATA = 0xcfc,
};
enum { CPU_LITTLE_ENDIAN = 1 << 12 };
enum { MASTER_BYTE_SWAP_OFF = 1, SLAVE_BYTE_SWAP_OFF = 1 << 16 };
enum { CAUSE_MASTER_ABORT0 = 1 << 18, CAUSE_ANY = 0x03fffffe };
#define CONFIG_ENABLE 0x80000000u
enum { PAGE_SHIFT = 21, STALL_NS = 100, ISA_STALL_NS = 1000, PCI_STALL_NS = 200 };

#define R(off) g->reg[(off) / 4]

static const struct {
  uint16_t off;
  uint32_t value;
} reset_values[] = {
    {0x008, 0x000},      {0x010, 0x007},      {0x018, 0x008},      {0x020, 0x00f},      {0x028, 0x0e0},
    {0x030, 0x070},      {0x038, 0x0f8},      {0x040, 0x07f},      {0x048, 0x080},      {0x050, 0x00f},
    {0x058, 0x090},      {0x060, 0x01f},      {0x068, 0x0a0},      {0x070, 0xffffffff}, {0x078, 0xffffffff},
    {0x080, 0x790},      {0x088, 0x01f},      {0x090, 0x100},      {0x098, 0x00f},      {0x0a0, 0x110},
    {0x0a8, 0x01f},      {0x0b0, 0x120},      {0x0b8, 0x02f},      {0x0d8, 0x008},      {0x0e0, 0x0e0},
    {0x0e8, 0x0f8},      {0x0f0, 0x080},      {0x0f8, 0x090},      {0x100, 0x790},      {0x108, 0x100},
    {0x110, 0x110},      {0x118, 0x120},      {0x120, 0x003},      {0x128, 0xffffffff}, {0x130, 0xffffffff},
    {0x138, 0x000000ff}, {0x404, 0x007},      {0x408, 0x008},      {0x40c, 0x00f},      {0x410, 0x010},
    {0x414, 0x017},      {0x418, 0x018},      {0x41c, 0x01f},      {0x420, 0x0c0},      {0x424, 0x0c7},
    {0x428, 0x0c8},      {0x42c, 0x0cf},      {0x430, 0x0d0},      {0x434, 0x0df},      {0x438, 0x0f0},
    {0x43c, 0x0fb},      {0x440, 0x0fc},      {0x444, 0x0ff},      {0x448, 0x200},      {0x44c, 0x005},
    {0x450, 0x005},      {0x454, 0x005},      {0x458, 0x005},      {0x45c, 0x386fffff}, {0x460, 0x386fffff},
    {0x464, 0x386fffff}, {0x468, 0x386fffff}, {0x46c, 0x146fffff}, {0x470, 0xffffffff}, {0x478, 0x007},
    {0x47c, 0x002},      {0xc04, 0x0000070f}, {0xc08, 0x00fff000}, {0xc0c, 0x00fff000}, {0xc10, 0x01fff000},
    {0xc14, 0x00fff000}, {0xc40, 0x40},       {0xc4c, 0x01000000}, {0xc50, 0x1c000000}, {0xc54, 0x1f000000},
    {0xc5c, 0x01000000}, {0xc64, 0x1f000000},
};

static const struct {
  uint16_t low, high, remap;
  bool io;
} windows[] = {
    {PCI0_IO_LOW, PCI0_IO_HIGH, PCI0_IO_REMAP, true},
    {PCI0_MEM0_LOW, PCI0_MEM0_HIGH, PCI0_MEM0_REMAP, false},
    {PCI0_MEM1_LOW, PCI0_MEM1_HIGH, PCI0_MEM1_REMAP, false},
};

static int place_self(struct io_gt64120 *g) {
  io_bus_remove(g->bus, g->self);
  struct io_bus_row row = {.base = (uint64_t)R(INTERNAL_SPACE) << PAGE_SHIFT,
                           .size = BOARD_GT_SIZE,
                           .ops = &gt64120_ops,
                           .dev = g,
                           .stall_ns = STALL_NS,
                           .little_endian = true};
  g->self = io_bus_add(g->bus, &row);
  return g->self < 0 ? g->self : IO_OK;
}

/* "CPU Address Space Decoding": an address hits when its top bits equal the low register's and bits 27..21 lie
 * between the low and high registers. On PCI the bits which low and high share come from the remap register. */
static int place_window(struct io_gt64120 *g, int i) {
  io_bus_remove(g->bus, g->window[i]);
  g->window[i] = -1;
  uint32_t low = R(windows[i].low) & 0x7fff, high = (low & ~0x7fu) | (R(windows[i].high) & 0x7f);
  if (high < low) return IO_OK; /* how firmware turns a window off */
  uint32_t shared = ~(low ^ high), remap = R(windows[i].remap) & 0x7ff;
  struct io_bus_row row = {.base = (uint64_t)low << PAGE_SHIFT,
                           .size = (uint64_t)(high - low + 1) << PAGE_SHIFT,
                           .child = windows[i].io ? g->ports : g->mem,
                           .child_base = (uint64_t)(((remap & shared) | (low & ~shared)) & 0x7ff) << PAGE_SHIFT,
                           .stall_ns = windows[i].io ? ISA_STALL_NS : PCI_STALL_NS,
                           .little_endian = true};
  g->window[i] = io_bus_add(g->bus, &row);
  return g->window[i] < 0 ? g->window[i] : IO_OK;
}

static int place_all(struct io_gt64120 *g) {
  int err = place_self(g);
  for (int i = 0; i < 3 && !err; i++) err = place_window(g, i);
  return err;
}

static void update_irq(struct io_gt64120 *g) {
  io_irq_set(&g->line, (R(INT_CAUSE) & R(INT_MASK) & CAUSE_ANY) != 0);
}

static uint32_t reversed(uint32_t v, int size) {
  return size == 4 ? __builtin_bswap32(v) : size == 2 ? __builtin_bswap16((uint16_t)v) : v;
}

/* Config data of other devices passes the PCI master's byte swapper, the chip's own does not (Linux's GT-64120 code
 * works around just that). Returns true and turns lane and value around when the swapper is on. */
static bool swapped(const struct io_gt64120 *g, unsigned devfn) {
  return !(R(PCI0_COMMAND) & MASTER_BYTE_SWAP_OFF) && devfn >> 3;
}

static uint32_t config_cycle(struct io_gt64120 *g, unsigned lane, int size, uint32_t v, bool write) {
  uint32_t addr = R(PCI0_CONFIG_ADDR);
  if (!(addr & CONFIG_ENABLE)) return 0xffffffff;
  unsigned bus = addr >> 16 & 0xff, devfn = addr >> 8 & 0xff;
  bool swap = swapped(g, addr >> 8 & 0xffff), claimed;
  unsigned off = (addr & 0xfc) | (swap ? 4 - lane - (unsigned)size : lane);
  if (write) {
    v = swap ? reversed(v, size) : v;
    if (!bus && devfn == 0xff && !(addr & 0xfc)) { /* a special cycle: nobody claims, none aborts */
      io_piix4_special_cycle(g->piix4, v);
      return 0;
    }
    claimed = io_pci_config_write(g->host, bus, devfn, off, size, v);
  } else {
    claimed = io_pci_config_read(g->host, bus, devfn, off, size, &v);
    v = swap ? reversed(v, size) : v;
  }
  if (!claimed) {
    R(INT_CAUSE) |= CAUSE_MASTER_ABORT0;
    update_irq(g);
  }
  return v;
}

static uint64_t gt_read(void *dev, uint32_t off, int size) {
  struct io_gt64120 *g = dev;
  unsigned lane = off & 3;
  uint32_t v;
  switch (off & ~3u) {
  case PCI0_CONFIG_DATA: return config_cycle(g, lane, size, 0, false);
  case PCI1_CONFIG_DATA: v = 0xffffffff; break; /* nothing is wired to the second bus */
  case PCI0_IACK: v = (uint32_t)io_pics_ack(g->pics); break;
  case PCI1_IACK: v = 0xffffffff; break;
  case INT_CAUSE: v = R(INT_CAUSE) | ((R(INT_CAUSE) & CAUSE_ANY) != 0); break;
  default: v = R(off); break;
  }
  return v >> 8 * lane;
}

static void window_written(struct io_gt64120 *g, uint32_t off) {
  for (int i = 0; i < 3; i++) {
    if (off == windows[i].low) R(windows[i].remap) = R(off) & 0x7ff; /* "remap follows low" */
    if (off == windows[i].low || off == windows[i].high || off == windows[i].remap)
      (void)!place_window(g, i); /* cannot fail: its old row was just freed */
  }
}

static void gt_write(void *dev, uint32_t off, uint64_t value, int size) {
  struct io_gt64120 *g = dev;
  unsigned lane = off & 3;
  off &= ~3u;
  if (off == PCI0_CONFIG_DATA) {
    config_cycle(g, lane, size, (uint32_t)value, true);
    return;
  }
  uint32_t mask = 0xffffffffu >> (32 - 8 * size) << 8 * lane;
  uint32_t v = (R(off) & ~mask) | ((uint32_t)value << 8 * lane & mask);
  switch (off) {
  case CPU_ERROR_LOW:
  case CPU_ERROR_HIGH:
  case PCI0_IACK:
  case PCI1_IACK:
  case PCI1_CONFIG_DATA: break; /* read-only */
  case INT_CAUSE:
    R(off) &= v | ~mask; /* zeros clear */
    update_irq(g);
    break;
  case INT_MASK:
    R(off) = v;
    update_irq(g);
    break;
  case INTERNAL_SPACE:
    R(off) = v & 0x7fff;
    (void)!place_self(g);
    break;
  case PCI0_CONFIG_ADDR: R(off) = v & 0x80fffffc; break;
  default:
    R(off) = v;
    window_written(g, off);
    break;
  }
}

static void gt_reset(void *dev) {
  struct io_gt64120 *g = dev;
  memset(g->reg, 0, sizeof g->reg);
  for (unsigned i = 0; i < sizeof reset_values / sizeof *reset_values; i++)
    R(reset_values[i].off) = reset_values[i].value;
  /* Strapping pins tell the byte order; the PCI byte swappers go with it. */
  R(CPU_CONFIG) = g->big_endian ? 0 : CPU_LITTLE_ENDIAN;
  R(PCI0_COMMAND) = g->big_endian ? 0 : MASTER_BYTE_SWAP_OFF | SLAVE_BYTE_SWAP_OFF;
  (void)!place_all(g);
  update_irq(g);
}

/* Its own header: BARs for the SDRAM banks, chip selects and registers as other bus masters see them. */
static void own_bars(void *dev) {
  static const uint32_t bars[6] = {0x00000008, 0x01000008, 0x1c000000, 0x1f000000, 0x14000000, 0x14000001};
  struct io_gt64120 *g = dev;
  for (unsigned i = 0; i < 6; i++) io_pci_put32(&g->pci, PCI_BAR0 + 4 * i, bars[i]);
}

static int own_header(struct io_gt64120 *g) {
  /* Sizes as the bank size registers say after reset; the registers themselves take 4 KiB of either space. */
  static const uint32_t masks[6] = {0xff000000, 0xff000000, 0xfe000000, 0xff000000, 0xfffff000, 0xfffff000};
  io_pci_ids(&g->pci, 0x11ab, 0x4620, 0x06000010, 1);
  for (unsigned i = 0; i < 24; i++) g->pci.writable[PCI_BAR0 + i] = (uint8_t)(masks[i / 4] >> i % 4 * 8);
  io_pci_put16(&g->pci, PCI_STATUS, 0x0280);
  g->pci.reset = own_bars;
  g->pci.ctx = g;
  own_bars(g);
  return io_pci_add(g->host, &g->pci, IO_PCI_DEVFN(BOARD_SLOT_GT, 0));
}

int io_gt64120_init(struct io_gt64120 *g, const struct io_gt64120_config *config) {
  *g = (struct io_gt64120){.bus = config->bus,
                           .ports = config->ports,
                           .mem = config->mem,
                           .host = config->host,
                           .pics = config->pics,
                           .piix4 = config->piix4,
                           .line = config->line,
                           .big_endian = config->big_endian,
                           .self = -1,
                           .window = {-1, -1, -1}};
  int err = own_header(g);
  if (err) return err;
  gt_reset(g);
  return g->self < 0 ? g->self : IO_OK;
}

const struct dev_ops gt64120_ops = {"gt64120", gt_read, gt_write, gt_reset};

void io_gt64120_state(void *gt64120, struct snap *s) {
  struct io_gt64120 *g = gt64120;
  io_pci_dev_state(&g->pci, s);
  SNAP_ARRAY(s, g->reg, g->reg[0]);
  if (s->restoring) snap_check(s, place_all(g) == IO_OK);
}
