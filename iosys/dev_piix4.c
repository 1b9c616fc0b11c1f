/* iosys/dev_piix4.c: PIIX4: PCI-ISA bridge with PIRQ routing, reset ports, power management, SMBus, idle USB. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Section numbers: Intel 82371AB (PIIX4) data sheet, 290562. The IDE function is dev_ide.c; the ISA devices inside the
 * chip (timers, interrupt controllers, RTC) have files of their own and fixed ports. */
#include "iosys/board.h"
#include <string.h>

enum { PIRQ_ROUTE = 0x60, PIRQ_OFF = 0x80 };                                         /* function 0, 4.1.10 */
enum { PMBA = 0x40, PM_ENABLE_REG = 0x80, SMBBA = 0x90, SMB_CONFIG = 0xd2 };         /* function 3, 7.1 */
enum { PM_STATUS = 0, PM_ENABLE = 2, PM_CONTROL = 4, PM_TIMER = 8, GP_STATUS = 12 }; /* 7.2 */
enum { SUSPEND_ENABLE = 0x2000, SUSPEND_TYPE = 0x1c00, SCI_ENABLE = 1, TIMER_STATUS = 1 };
enum { PM_TIMER_HZ = 3579545 };

/* --- interrupts --- */

/* ISA inputs driven by the PIRQs as routed now, and by the power-management block (SCI, IRQ9). */
static void update_irqs(struct io_piix4 *p) {
  uint16_t level = 0;
  for (int i = 0; i < 4; i++) {
    uint8_t route = p->isa.config[PIRQ_ROUTE + i];
    if (p->pirq_level >> i & 1 && !(route & PIRQ_OFF)) level |= (uint16_t)(1 << (route & 15));
  }
  uint16_t changed = level ^ p->isa_level;
  p->isa_level = level;
  for (int n = 0; n < 16; n++)
    if (changed >> n & 1 && p->irq.set) p->irq.set(p->irq.ctx, p->irq.n + n, level >> n & 1);
}

void io_piix4_pirq(void *piix4, int n, int level) {
  struct io_piix4 *p = piix4;
  uint8_t bit = (uint8_t)(1 << (n & 3));
  p->pirq_level = (uint8_t)(level ? p->pirq_level | bit : p->pirq_level & ~bit);
  update_irqs(p);
}

static void isa_written(void *ctx, unsigned off, int size) {
  if (off < PIRQ_ROUTE + 4 && off + (unsigned)size > PIRQ_ROUTE) update_irqs(ctx);
}

static void isa_reset(void *ctx) {
  struct io_piix4 *p = ctx;
  memset(&p->isa.config[PIRQ_ROUTE], PIRQ_OFF, 4);
  p->isa.config[0x4c] = 0x4d; /* I/O recovery timing */
  p->isa.config[0x4e] = 0x03;
  p->isa.config[0x69] = 0x02;
  p->isa.config[0x70] = 0x80;
  p->reset_control = p->port92 = 0;
  update_irqs(p);
}

/* --- reset ports --- */

static void power(struct io_piix4 *p, enum io_power what) {
  if (p->power.set) p->power.set(p->power.ctx, what);
}

static uint64_t rc_read(void *dev, uint32_t off, int size) {
  (void)off;
  (void)size;
  return ((struct io_piix4 *)dev)->reset_control;
}
static void rc_write(void *dev, uint32_t off, uint64_t v, int size) {
  struct io_piix4 *p = dev;
  (void)off;
  (void)size;
  bool rising = v & 4 && !(p->reset_control & 4); /* RCPU, 4.2.4.4 */
  p->reset_control = v & 6;
  if (rising) power(p, IO_POWER_RESET);
}
static uint64_t port92_read(void *dev, uint32_t off, int size) {
  (void)off;
  (void)size;
  return ((struct io_piix4 *)dev)->port92;
}
static void port92_write(void *dev, uint32_t off, uint64_t v, int size) {
  struct io_piix4 *p = dev;
  (void)off;
  (void)size;
  bool rising = v & 1 && !(p->port92 & 1);
  p->port92 = v & 3;
  if (rising) power(p, IO_POWER_RESET);
}

/* --- power management block --- */

static uint32_t pm_timer(const struct io_piix4 *p) {
  uint64_t ns = io_clock_ns(p->clock);
  return (uint32_t)(ns / 1000000000u * PM_TIMER_HZ + ns % 1000000000u * PM_TIMER_HZ / 1000000000u) & 0xffffff;
}

static uint64_t pm_read(void *dev, uint32_t off, int size) {
  struct io_piix4 *p = dev;
  uint64_t v = 0;
  if (off >= PM_TIMER && off < PM_TIMER + 4) return pm_timer(p) >> 8 * (off - PM_TIMER);
  for (int i = 0; i < size && off + (unsigned)i < sizeof p->pm_regs; i++)
    v |= (uint64_t)p->pm_regs[off + (unsigned)i] << 8 * i;
  return v;
}

static void pm_write(void *dev, uint32_t off, uint64_t v, int size) {
  struct io_piix4 *p = dev;
  for (int i = 0; i < size; i++) {
    uint32_t at = off + (unsigned)i;
    uint8_t b = (uint8_t)(v >> 8 * i);
    if (at >= sizeof p->pm_regs || (at >= PM_TIMER && at < PM_TIMER + 4)) continue;
    if (at < PM_ENABLE || (at >= GP_STATUS && at < GP_STATUS + 2))
      p->pm_regs[at] &= (uint8_t)~b; /* ones clear */
    else
      p->pm_regs[at] = b;
  }
  /* The chip waits for the cpu's Stop Grant cycle, which no MIPS sends; Linux's driver cannot make one on a GT-64120
   * either. So the write itself acts. Type 0 is soft-off (7.2.3). */
  unsigned control = p->pm_regs[PM_CONTROL] | (unsigned)p->pm_regs[PM_CONTROL + 1] << 8;
  if (control & SUSPEND_ENABLE && off < PM_CONTROL + 2 && off + (unsigned)size > PM_CONTROL) {
    p->pm_regs[PM_CONTROL + 1] &= (uint8_t) ~(SUSPEND_ENABLE >> 8); /* reads as 0 */
    if (!(control & SUSPEND_TYPE)) power(p, IO_POWER_OFF);
  }
}

void io_piix4_special_cycle(struct io_piix4 *p, uint32_t message) {
  (void)p;
  (void)message; /* Stop Grant: the write to PM_CONTROL has done the work already */
}

/* --- SMBus host, 7.3 --- */
enum { HOST_STATUS, SLAVE_STATUS, HOST_CONTROL, HOST_COMMAND, HOST_ADDRESS, HOST_DATA0, HOST_DATA1, BLOCK_DATA };
enum { HS_INTERRUPT = 2, HS_ERROR = 4, HC_START = 0x40, HC_KILL = 2, HC_PROTOCOL = 0x1c };
enum { SPD_ADDRESS = 0x50 };

static void smb_start(struct io_piix4 *p) {
  uint8_t address = p->smb[HOST_ADDRESS];
  bool reading = address & 1;
  if (address >> 1 != SPD_ADDRESS) {
    p->smb[HOST_STATUS] = HS_ERROR; /* nobody acknowledged */
    return;
  }
  uint8_t *at = &p->smb[HOST_COMMAND];
  switch (p->smb[HOST_CONTROL] & HC_PROTOCOL) {
  case 0x00: break; /* quick */
  case 0x04:        /* byte: send sets the EEPROM's pointer, receive reads on */
    if (reading)
      p->smb[HOST_DATA0] = p->spd[p->smb_at++];
    else
      p->smb_at = *at;
    break;
  case 0x08:
    if (reading) p->smb[HOST_DATA0] = p->spd[*at];
    break;
  case 0x0c:
    if (reading) {
      p->smb[HOST_DATA0] = p->spd[*at];
      p->smb[HOST_DATA1] = p->spd[(uint8_t)(*at + 1)];
    }
    break;
  case 0x14:
    if (reading) {
      p->smb[HOST_DATA0] = sizeof p->smb_block;
      for (unsigned i = 0; i < sizeof p->smb_block; i++) p->smb_block[i] = p->spd[(uint8_t)(*at + i)];
    }
    break;
  default: p->smb[HOST_STATUS] = HS_ERROR; return;
  }
  p->smb[HOST_STATUS] = HS_INTERRUPT;
}

static uint64_t smb_read(void *dev, uint32_t off, int size) {
  struct io_piix4 *p = dev;
  (void)size;
  if (off == BLOCK_DATA) {
    uint8_t v = p->smb_block[p->smb_at % sizeof p->smb_block];
    p->smb_at++;
    return v;
  }
  if (off == HOST_CONTROL) p->smb_at = 0; /* resets the block pointer */
  return p->smb[off & 15];
}

static void smb_write(void *dev, uint32_t off, uint64_t v, int size) {
  struct io_piix4 *p = dev;
  uint8_t b = (uint8_t)v;
  (void)size;
  switch (off) {
  case HOST_STATUS:
  case SLAVE_STATUS: p->smb[off] &= (uint8_t)~b; break;
  case HOST_CONTROL:
    p->smb[off] = b & (uint8_t)~HC_START;
    if (b & HC_START && !(b & HC_KILL)) smb_start(p);
    break;
  case BLOCK_DATA: break;
  default: p->smb[off & 15] = b; break;
  }
}

static const struct dev_ops pm_ops = {"piix4-pm", pm_read, pm_write, NULL};
static const struct dev_ops smb_ops = {"piix4-smbus", smb_read, smb_write, NULL};

static void place_pm(struct io_piix4 *p) {
  io_bus_remove(p->ports, p->pm_slot);
  io_bus_remove(p->ports, p->smb_slot);
  p->pm_slot = p->smb_slot = -1;
  const uint8_t *c = p->pm.config;
  uint32_t pm = io_pci_get32(&p->pm, PMBA) & 0xffc0, smb = io_pci_get32(&p->pm, SMBBA) & 0xfff0;
  struct io_bus_row row = {.base = pm, .size = 64, .ops = &pm_ops, .dev = p, .width = 4, .little_endian = true};
  if (c[PM_ENABLE_REG] & 1 && pm) p->pm_slot = io_bus_add(p->ports, &row);
  row = (struct io_bus_row){.base = smb, .size = 16, .ops = &smb_ops, .dev = p, .width = 1, .little_endian = true};
  if (c[SMB_CONFIG] & 1 && smb) p->smb_slot = io_bus_add(p->ports, &row);
}

static void pm_config_written(void *ctx, unsigned off, int size) {
  (void)size;
  if (off >= 0x40) place_pm(ctx);
}

static void pm_config_reset(void *ctx) {
  struct io_piix4 *p = ctx;
  memset(&p->pm.config[0x40], 0, 0xc0);
  p->pm.config[PMBA] = p->pm.config[SMBBA] = 1; /* both are I/O spaces */
  memset(p->pm_regs, 0, sizeof p->pm_regs);
  memset(p->smb, 0, sizeof p->smb);
  p->smb_at = 0;
  place_pm(p);
}

/* --- USB host controller: a UHCI whose two ports stay empty (section 6; Intel UHCI 1.1) --- */
enum { UHCI_COMMAND = 0, UHCI_STATUS = 2, UHCI_INTR = 4, UHCI_FRAME = 6, UHCI_LIST = 8, UHCI_SOF = 12, UHCI_PORT = 16 };
enum { CMD_RUN = 1, CMD_HC_RESET = 2, STS_HALTED = 0x20, PORT_ONE = 0x80, PORT_WRITABLE = 0x1244 };

static void usb_reset(void *ctx) {
  struct io_piix4 *p = ctx;
  p->usb_command = p->usb_intr = p->usb_frame = 0;
  p->usb_list = 0;
  p->usb_sof = 64;
  p->usb_port[0] = p->usb_port[1] = PORT_ONE;
}

static uint64_t usb_read(void *dev, uint32_t off, int size) {
  struct io_piix4 *p = dev;
  (void)size;
  switch (off) {
  case UHCI_COMMAND: return p->usb_command;
  case UHCI_STATUS: return p->usb_command & CMD_RUN ? 0 : STS_HALTED;
  case UHCI_INTR: return p->usb_intr;
  case UHCI_FRAME: /* a frame a millisecond while running */
    return (p->usb_frame + (p->usb_command & CMD_RUN ? io_clock_ns(p->clock) / 1000000 : 0)) & 0x7ff;
  case UHCI_LIST: return p->usb_list;
  case UHCI_LIST + 2: return p->usb_list >> 16;
  case UHCI_SOF: return p->usb_sof;
  case UHCI_PORT:
  case UHCI_PORT + 2: return p->usb_port[(off - UHCI_PORT) / 2];
  default: return 0;
  }
}

static void usb_write(void *dev, uint32_t off, uint64_t v, int size) {
  struct io_piix4 *p = dev;
  switch (off) {
  case UHCI_COMMAND:
    if (v & CMD_HC_RESET)
      usb_reset(p);
    else
      p->usb_command = (uint16_t)v;
    break;
  case UHCI_INTR: p->usb_intr = v & 15; break;
  case UHCI_FRAME: p->usb_frame = v & 0x7ff; break;
  case UHCI_LIST: p->usb_list = (p->usb_list & 0xffff0000) | (v & 0xf000); break;
  case UHCI_LIST + 2: p->usb_list = (p->usb_list & 0xffff) | (uint32_t)(v & 0xffff) << 16; break;
  case UHCI_SOF: p->usb_sof = (uint8_t)v; break;
  case UHCI_PORT:
  case UHCI_PORT + 2: p->usb_port[(off - UHCI_PORT) / 2] = (uint16_t)((v & PORT_WRITABLE) | PORT_ONE); break;
  default: break;
  }
  (void)size;
}

static const struct dev_ops usb_ops = {"piix4-usb", usb_read, usb_write, NULL};

/* --- construction --- */

/* The identification EEPROM of one SDRAM module of that size (JEDEC SPD, SDRAM). */
static void make_spd(struct io_piix4 *p, uint64_t ram) {
  static const uint8_t common[] = {128, 8, 4, 12, 10, 1, 64, 0, 1, 0x75, 0x54, 0, 0x80, 8, 0, 1, 0x8f, 4, 6, 1, 1};
  memcpy(p->spd, common, sizeof common);
  uint64_t mb = ram >> 20, banks = mb > 256 ? 2 : 1;
  uint64_t density = mb / banks / 4; /* byte 31: bit n is 4 MiB << n */
  p->spd[5] = (uint8_t)banks;
  p->spd[31] = (uint8_t)(density > 0x80 ? 0x80 : density);
  for (int i = 0; i < 63; i++) p->spd[63] = (uint8_t)(p->spd[63] + p->spd[i]);
}

static void functions(struct io_piix4 *p) {
  io_pci_ids(&p->isa, 0x8086, 0x7110, 0x06010002, 0);
  io_pci_put16(&p->isa, PCI_STATUS, 0x0280);
  memset(&p->isa.writable[0x40], 0xff, 0xc0);
  p->isa.written = isa_written;
  p->isa.reset = isa_reset;
  p->isa.ctx = p;

  io_pci_ids(&p->usb, 0x8086, 0x7112, 0x0c030001, 4);
  io_pci_put16(&p->usb, PCI_STATUS, 0x0280);
  p->usb.config[0x60] = 0x10; /* USB release 1.0 */
  memset(&p->usb.writable[0xc0], 0xff, 2);
  p->usb.bar[4] =
      (struct io_pci_bar){.kind = PCI_BAR_IO, .size = 32, .ops = &usb_ops, .dev = p, .width = 2, .stall_ns = 200};
  p->usb.reset = usb_reset;
  p->usb.ctx = p;

  io_pci_ids(&p->pm, 0x8086, 0x7113, 0x06800003, 1);
  io_pci_put16(&p->pm, PCI_STATUS, 0x0280);
  memset(&p->pm.writable[0x40], 0xff, 0xc0);
  p->pm.writable[PMBA] = 0xc0; /* 64 bytes of ports */
  p->pm.writable[SMBBA] = 0xf0;
  p->pm.written = pm_config_written;
  p->pm.reset = pm_config_reset;
  p->pm.ctx = p;
}

void io_piix4_init(struct io_piix4 *p, const struct io_piix4_config *config) {
  *p = (struct io_piix4){.clock = config->clock,
                         .ports = config->ports,
                         .power = config->power,
                         .irq = config->irq,
                         .pm_slot = -1,
                         .smb_slot = -1};
  functions(p);
  make_spd(p, config->ram);
  isa_reset(p);
  usb_reset(p);
  pm_config_reset(p);
}

const struct dev_ops reset_control_ops = {"reset-control", rc_read, rc_write, NULL};
const struct dev_ops port92_ops = {"port92", port92_read, port92_write, NULL};

void io_piix4_state(void *piix4, struct snap *s) {
  struct io_piix4 *p = piix4;
  io_pci_dev_state(&p->isa, s);
  io_pci_dev_state(&p->usb, s);
  io_pci_dev_state(&p->pm, s);
  SNAP(s, p->pirq_level);
  SNAP(s, p->isa_level);
  SNAP(s, p->reset_control);
  SNAP(s, p->port92);
  SNAP_ARRAY(s, p->pm_regs, p->pm_regs[0]);
  SNAP_ARRAY(s, p->smb, p->smb[0]);
  SNAP_ARRAY(s, p->smb_block, p->smb_block[0]);
  SNAP(s, p->smb_at);
  SNAP(s, p->usb_command);
  SNAP(s, p->usb_intr);
  SNAP(s, p->usb_frame);
  SNAP_ARRAY(s, p->usb_port, p->usb_port[0]);
  SNAP(s, p->usb_list);
  SNAP(s, p->usb_sof);
  if (s->restoring) place_pm(p);
}
