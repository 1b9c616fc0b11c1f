/* iosys/dev_fpga.c: Malta's FPGA: display, switches, soft reset, I2C pins; and the revision word in the boot area. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Registers are 8 bytes apart and one byte wide in practice; any lane of a register reaches it. Malta User's Manual
 * (MD00048), chapter 7. */
#include "iosys/board.h"
#include <string.h>

enum {
  NMI_STATUS = 0x24,
  NMI_ACK = 0x104,
  BRKRES = 0x508,
  GPOUT = 0xa00,
  GPINP = 0xa08,
  I2C_IN = 0xb00,
  I2C_OE = 0xb08,
  I2C_OUT = 0xb10,
  I2C_SEL = 0xb18,
};
enum { STATUS_BIG_ENDIAN = 2, JMPRS_33MHZ = 0, SWITCHES = 0, ASCII_END = BOARD_FPGA_ASCII0 + 8 * 8 };

static uint64_t fpga_read(void *dev, uint32_t off, int size) {
  struct io_fpga *f = dev;
  (void)size;
  switch (off & ~3u) {
  case BOARD_FPGA_SWITCH: return SWITCHES;
  case BOARD_FPGA_STATUS: return f->big_endian ? STATUS_BIG_ENDIAN : 0;
  case BOARD_FPGA_JMPRS: return JMPRS_33MHZ;
  case BOARD_FPGA_LEDBAR: return f->leds;
  case BRKRES: return f->brkres;
  case GPOUT: return f->gpout;
  case GPINP: return 0;
  case I2C_IN: return 3; /* open drain, nobody pulls: both lines high */
  case I2C_OE: return f->i2c_oe;
  case I2C_OUT: return f->i2c_out;
  case I2C_SEL: return f->i2c_sel;
  default: return 0; /* NMI status too: none pending */
  }
}

static void ascii_word(struct io_fpga *f, uint32_t v) {
  static const char hex[] = "0123456789ABCDEF";
  for (int i = 0; i < 8; i++) f->digits[i] = hex[v >> (28 - 4 * i) & 15];
}

static void fpga_write(void *dev, uint32_t off, uint64_t v, int size) {
  struct io_fpga *f = dev;
  (void)size;
  off &= ~3u;
  if (off >= BOARD_FPGA_ASCII0 && off < ASCII_END && !(off & 4)) {
    uint8_t ch = (uint8_t)v;
    f->digits[(off - BOARD_FPGA_ASCII0) / 8] = ch >= ' ' && ch < 127 ? (char)ch : ' ';
    return;
  }
  switch (off) {
  case BOARD_FPGA_LEDBAR: f->leds = (uint8_t)v; break;
  case BOARD_FPGA_ASCIIW: ascii_word(f, (uint32_t)v); break;
  case BOARD_FPGA_SOFTRES:
    if (v == BOARD_SOFTRES_MAGIC && f->power.set) f->power.set(f->power.ctx, IO_POWER_RESET);
    break;
  case BRKRES: f->brkres = (uint8_t)v; break;
  case GPOUT: f->gpout = (uint8_t)v; break;
  case I2C_OE: f->i2c_oe = v & 3; break;
  case I2C_OUT: f->i2c_out = v & 3; break;
  case I2C_SEL: f->i2c_sel = v & 1; break;
  case NMI_ACK: break;
  default: break;
  }
}

static void fpga_reset(void *dev) {
  struct io_fpga *f = dev;
  memset(f->digits, ' ', 8);
  f->digits[8] = 0;
  f->leds = f->gpout = f->i2c_oe = 0;
  f->brkres = 10;
  f->i2c_out = 3;
  f->i2c_sel = 1;
}

static uint64_t revision_read(void *dev, uint32_t off, int size) {
  struct io_fpga *f = dev;
  unsigned lane = f->big_endian ? 4 - off - (unsigned)size : off;
  return (uint32_t)BOARD_REVISION_ID >> 8 * (lane & 3);
}
static void revision_write(void *dev, uint32_t off, uint64_t v, int size) {
  (void)dev;
  (void)off;
  (void)v;
  (void)size;
}
static void no_reset(void *dev) {
  (void)dev;
}

void io_fpga_init(struct io_fpga *f, struct io_power_line power, bool big_endian) {
  *f = (struct io_fpga){.power = power, .big_endian = big_endian};
  fpga_reset(f);
}

const struct dev_ops fpga_ops = {"fpga", fpga_read, fpga_write, fpga_reset};
const struct dev_ops revision_ops = {"revision", revision_read, revision_write, no_reset};

void io_fpga_state(void *fpga, struct snap *s) {
  struct io_fpga *f = fpga;
  snap_bytes(s, f->digits, sizeof f->digits);
  SNAP(s, f->leds);
  SNAP(s, f->brkres);
  SNAP(s, f->gpout);
  SNAP(s, f->i2c_oe);
  SNAP(s, f->i2c_out);
  SNAP(s, f->i2c_sel);
  snap_check(s, !f->digits[sizeof f->digits - 1]);
}
