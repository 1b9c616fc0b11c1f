/* iosys/dev_ide.c: IDE function of PIIX4: two channels of ATA disks, PIO and bus-master DMA. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Data moves at once, when the guest starts it; the interrupt follows immediately. A channel without disks reads as the
 * board's pull-downs leave it (bit 7 low: not busy), so probes end without time-outs. "ATA" is ATA/ATAPI-5 (T13/1321D),
 * "290562" Intel's PIIX4 data sheet. */
#include "iosys/board.h"
#include <string.h>

enum { DATA, ERROR_FEATURE, COUNT, LBA0, LBA1, LBA2, SELECT, STATUS_COMMAND };
enum { ST_ERR = 1, ST_DRQ = 8, ST_SEEK = 16, ST_READY = 64, ST_BUSY = 128 };
enum { ERR_ABORT = 4, ERR_NOT_FOUND = 16, ERR_DATA = 64 };
enum { SEL_SLAVE = 16, SEL_LBA = 64 };
enum { CTL_NO_IRQ = 2, CTL_RESET = 4, CTL_HOB = 128 };
enum { BM_START = 1, BM_TO_MEMORY = 8, BMS_ACTIVE = 1, BMS_ERROR = 2, BMS_IRQ = 4, BMS_CAPABLE = 0x60 };
enum { IDETIM = 0x40, IDETIM_DECODE = 0x80 };
enum { FEATURE_CACHE_ON = 0x02, FEATURE_CACHE_OFF = 0x82, ID_CACHE = 0x20, ID_FUA = 0x40 };
enum { SECTOR = 512, MAX_MULTIPLE = 16, FLOATING = 0x7f };
enum { TABLE_MAX = 65536 / 8 }; /* a descriptor table lies within 64 KiB (290562, 5.2.3) */

static struct io_ide_drive *selected(struct io_ide_channel *c) {
  return &c->drive[c->select & SEL_SLAVE ? 1 : 0];
}
static bool present(const struct io_ide_drive *d) {
  return d->disk.size >= SECTOR && d->disk.read;
}
static bool any_disk(const struct io_ide_channel *c) {
  return present(&c->drive[0]) || present(&c->drive[1]);
}
static uint64_t sectors(const struct io_ide_drive *d) {
  return d->disk.size / SECTOR;
}

static void set_irq(struct io_ide_channel *c, bool on) {
  if (on && !c->irq) c->bm_status |= BMS_IRQ;
  c->irq = on;
  io_irq_set(&c->line, on && !(c->control & CTL_NO_IRQ));
}

static void finish(struct io_ide_channel *c, uint8_t error) {
  c->error = error;
  c->status = (uint8_t)(ST_READY | ST_SEEK | (error ? ST_ERR : 0));
  c->at = c->end = c->left = 0;
  c->dma = false;
  set_irq(c, true);
}

static bool flushed(struct io_ide_channel *c) {
  struct io_ide_drive *d = c->active;
  return !d->disk.flush || !d->disk.flush(d->disk.ctx);
}

/* All of a command's data has moved. */
static void finish_transfer(struct io_ide_channel *c) {
  bool stable = c->writing && (c->fua || !c->active->cache);
  finish(c, stable && !flushed(c) ? ERR_DATA : 0);
}

/* --- where a command points --- */

static uint64_t address(struct io_ide_channel *c, bool ext) {
  const struct io_ide_drive *d = selected(c);
  uint64_t low = c->lba[0][0] | (uint64_t)c->lba[1][0] << 8 | (uint64_t)c->lba[2][0] << 16;
  if (ext) return low | (uint64_t)c->lba[0][1] << 24 | (uint64_t)c->lba[1][1] << 32 | (uint64_t)c->lba[2][1] << 40;
  if (c->select & SEL_LBA) return low | (uint64_t)(c->select & 15) << 24;
  unsigned cylinder = c->lba[1][0] | (unsigned)c->lba[2][0] << 8;
  return ((uint64_t)cylinder * d->heads + (c->select & 15)) * d->sectors + c->lba[0][0] - 1u;
}

static unsigned length(const struct io_ide_channel *c, bool ext) {
  unsigned n = ext ? c->count[0] | (unsigned)c->count[1] << 8 : c->count[0];
  return n ? n : ext ? 65536 : 256;
}

/* --- PIO --- */

/* Offer the next block of a PIO command at the data port; reading fetches it first. */
static void next_block(struct io_ide_channel *c, bool irq) {
  struct io_ide_drive *d = c->active;
  unsigned n = c->left < c->block ? c->left : c->block;
  if (!c->writing && d->disk.read(d->disk.ctx, c->sector * SECTOR, c->buffer, (uint64_t)n * SECTOR)) {
    finish(c, ERR_DATA);
    return;
  }
  c->at = 0;
  c->end = n * SECTOR;
  c->status = ST_READY | ST_SEEK | ST_DRQ;
  if (irq) set_irq(c, true);
}

static void block_done(struct io_ide_channel *c) {
  struct io_ide_drive *d = c->active;
  unsigned n = c->end / SECTOR;
  if (!c->left) { /* IDENTIFY: the buffer was all */
    c->status = ST_READY | ST_SEEK;
    return;
  }
  if (c->writing && d->disk.write(d->disk.ctx, c->sector * SECTOR, c->buffer, (uint64_t)n * SECTOR)) {
    finish(c, ERR_DATA);
    return;
  }
  c->sector += n;
  c->left -= n;
  c->at = c->end = 0;
  if (c->left)
    next_block(c, true);
  else if (c->writing)
    finish_transfer(c);
  else
    c->status = ST_READY | ST_SEEK; /* the host has the last block: no further interrupt (ATA 9.5) */
}

static uint64_t data_read(struct io_ide_channel *c, int size) {
  uint64_t v = 0;
  if (!(c->status & ST_DRQ) || c->writing || c->dma) return 0xffffffff;
  for (int i = 0; i < size && c->at < c->end; i++) v |= (uint64_t)c->buffer[c->at++] << 8 * i;
  if (c->at == c->end) block_done(c);
  return v;
}

static void data_write(struct io_ide_channel *c, uint64_t v, int size) {
  if (!(c->status & ST_DRQ) || !c->writing || c->dma) return;
  for (int i = 0; i < size && c->at < c->end; i++) c->buffer[c->at++] = (uint8_t)(v >> 8 * i);
  if (c->at == c->end) block_done(c);
}

/* --- bus-master DMA (290562, 5.2) --- */

static bool dma_piece(struct io_ide_channel *c, uint32_t memory, uint32_t n, uint64_t *disk_at) {
  struct io_ide_drive *d = c->active;
  const struct io_dma *dma = &c->ide->dma;
  while (n) {
    uint32_t k = n < sizeof c->buffer ? n : (uint32_t)sizeof c->buffer;
    if (c->writing) {
      if (!dma->read || dma->read(dma->ctx, memory, c->buffer, k) != k) return false;
      if (d->disk.write(d->disk.ctx, *disk_at, c->buffer, k)) return false;
    } else {
      k = n;
      if (io_disk_to_memory(&d->disk, *disk_at, dma, memory, n, c->buffer, sizeof c->buffer)) return false;
    }
    memory += k;
    n -= k;
    *disk_at += k;
  }
  return true;
}

/* Both sides have said go: walk the descriptor table until the command is satisfied. */
static void dma_run(struct io_ide_channel *c) {
  if (!c->dma || !(c->bm_command & BM_START)) return;
  const struct io_dma *dma = &c->ide->dma;
  uint64_t at = c->sector * SECTOR, end = at + (uint64_t)c->left * SECTOR;
  uint32_t entry = c->bm_table;
  bool ok = !(c->bm_command & BM_TO_MEMORY) == c->writing, last = false;
  for (unsigned entries = 0; ok && at < end && !last; entries++) {
    uint8_t raw[8];
    ok = entries < TABLE_MAX && dma->read && dma->read(dma->ctx, entry, raw, 8) == 8;
    if (!ok) break;
    uint32_t memory = raw[0] | raw[1] << 8 | raw[2] << 16 | (uint32_t)raw[3] << 24;
    uint32_t n = raw[4] | (uint32_t)raw[5] << 8;
    if (!n) n = 65536;
    last = raw[7] & 0x80;
    if (n > end - at) n = (uint32_t)(end - at);
    ok = dma_piece(c, memory & ~1u, n, &at);
    entry += 8;
  }
  if (!ok || at < end) c->bm_status |= BMS_ERROR;
  if (last || !ok) c->bm_status &= (uint8_t)~BMS_ACTIVE;
  if (ok && at == end) c->bm_status &= (uint8_t)~BMS_ACTIVE;
  if (ok)
    finish_transfer(c);
  else
    finish(c, ERR_ABORT);
}

static uint64_t bm_read(void *dev, uint32_t off, int size) {
  struct io_ide_channel *c = &((struct io_ide *)dev)->ch[off >> 3 & 1];
  (void)size;
  switch (off & 7) {
  case 0: return c->bm_command;
  case 2: return c->bm_status;
  case 4: return c->bm_table;
  default: return 0;
  }
}

static void bm_write(void *dev, uint32_t off, uint64_t v, int size) {
  struct io_ide_channel *c = &((struct io_ide *)dev)->ch[off >> 3 & 1];
  (void)size;
  switch (off & 7) {
  case 0:
    c->bm_command = v & (BM_START | BM_TO_MEMORY);
    if (v & BM_START)
      c->bm_status |= BMS_ACTIVE;
    else
      c->bm_status &= (uint8_t)~BMS_ACTIVE;
    dma_run(c);
    break;
  case 2: /* ones clear the two events */
    c->bm_status = (uint8_t)((c->bm_status & (BMS_ACTIVE | ((BMS_ERROR | BMS_IRQ) & ~v))) | (v & BMS_CAPABLE));
    break;
  case 4: c->bm_table = (uint32_t)v & ~3u; break;
  }
}

/* --- commands --- */

enum how { PIO, MULTIPLE, DMA };

static void transfer(struct io_ide_channel *c, bool writing, bool ext, enum how how) {
  struct io_ide_drive *d = selected(c);
  uint64_t at = address(c, ext);
  unsigned n = length(c, ext);
  if (at >= sectors(d) || n > sectors(d) - at) {
    finish(c, ERR_NOT_FOUND);
    return;
  }
  if ((writing && (d->disk.read_only || !d->disk.write)) || (how == MULTIPLE && !d->multiple)) {
    finish(c, ERR_ABORT);
    return;
  }
  c->sector = at;
  c->left = n;
  c->writing = writing;
  c->block = how == MULTIPLE ? d->multiple : 1;
  c->error = 0;
  if (how != DMA) {
    next_block(c, !writing); /* a write asks for its first block without an interrupt (ATA 9.6) */
    return;
  }
  c->dma = true;
  c->status = ST_READY | ST_SEEK | ST_DRQ;
  dma_run(c);
}

static void put16(uint8_t *id, int word, unsigned v) {
  id[2 * word] = (uint8_t)v;
  id[2 * word + 1] = (uint8_t)(v >> 8);
}
/* ATA strings: the first character is in the high byte of each word, padded with spaces. */
static void put_text(uint8_t *id, int word, int words, const char *s) {
  for (int i = 0; i < 2 * words; i++) id[2 * word + (i ^ 1)] = (uint8_t)(*s ? *s++ : ' ');
}

static void identify(struct io_ide_channel *c) {
  const struct io_ide_drive *d = selected(c);
  uint8_t *id = c->buffer;
  uint64_t n = sectors(d), n28 = n < 0x0fffffff ? n : 0x0fffffff;
  unsigned cylinders = n / (16 * 63) < 16383 ? (unsigned)(n / (16 * 63)) : 16383;
  memset(id, 0, SECTOR);
  put16(id, 0, 0x0040);
  put16(id, 1, cylinders);
  put16(id, 3, 16);
  put16(id, 6, 63);
  put_text(id, 10, 10, d->disk.serial);
  put_text(id, 23, 4, "1.0");
  put_text(id, 27, 20, "MIRRORBALL DISK");
  put16(id, 47, 0x8000 | MAX_MULTIPLE);
  put16(id, 49, 0x0f00); /* IORDY, LBA, DMA */
  put16(id, 50, 0x4000);
  put16(id, 53, 7);
  put16(id, 54, cylinders);
  put16(id, 55, d->heads);
  put16(id, 56, d->sectors);
  put16(id, 59, d->multiple ? 0x100 | d->multiple : 0);
  put16(id, 60, (unsigned)n28);
  put16(id, 61, (unsigned)(n28 >> 16));
  put16(id, 63, 0x0407);                            /* multiword DMA 0..2, 2 chosen */
  put16(id, 64, 3);                                 /* PIO 3, 4 */
  for (int w = 65; w <= 68; w++) put16(id, w, 120); /* cycle times in ns */
  put16(id, 80, 0x7e);                              /* ATA-1..6 */
  put16(id, 82, 0x4020);                            /* NOP, write cache */
  put16(id, 83, 0x7400);                            /* FLUSH CACHE (EXT), 48-bit addresses */
  put16(id, 84, 0x4000 | ID_FUA);
  put16(id, 85, 0x4000 | (d->cache ? ID_CACHE : 0));
  put16(id, 86, 0x3400);
  put16(id, 87, 0x4000 | ID_FUA);
  put16(id, 88, 0x0407); /* Ultra DMA 0..2 */
  put16(id, 93, 0x6001); /* reset result, 40-wire cable */
  for (int w = 0; w < 4; w++) put16(id, 100 + w, (unsigned)(n >> 16 * w) & 0xffff);
  c->at = 0;
  c->end = SECTOR;
  c->left = 0;
  c->writing = false;
  c->status = ST_READY | ST_SEEK | ST_DRQ;
  c->error = 0;
  set_irq(c, true);
}

static void signature(struct io_ide_channel *c) {
  c->count[0] = c->lba[0][0] = 1;
  c->lba[1][0] = c->lba[2][0] = 0;
  c->select = 0;
  c->error = 1; /* diagnostics passed */
  c->status = ST_READY | ST_SEEK;
}

static void native_max(struct io_ide_channel *c, bool ext) {
  uint64_t last = sectors(selected(c)) - 1;
  for (int i = 0; i < 3; i++) {
    c->lba[i][0] = (uint8_t)(last >> 8 * i);
    c->lba[i][1] = (uint8_t)(last >> (24 + 8 * i));
  }
  if (!ext) c->select = (uint8_t)((c->select & 0xf0) | (last >> 24 & 15));
  finish(c, 0);
}

static void settings(struct io_ide_channel *c, uint8_t v) {
  struct io_ide_drive *d = selected(c);
  switch (v) {
  case 0x91: /* INITIALIZE DEVICE PARAMETERS */
    d->heads = (uint8_t)((c->select & 15) + 1);
    d->sectors = c->count[0] ? c->count[0] : 63;
    finish(c, 0);
    break;
  case 0xc6: /* SET MULTIPLE MODE: powers of two */
    if (c->count[0] > MAX_MULTIPLE || c->count[0] & (c->count[0] - 1)) {
      finish(c, ERR_ABORT);
    } else {
      d->multiple = c->count[0];
      finish(c, 0);
    }
    break;
  case 0xef: /* SET FEATURES: whatever the others are, there is nothing to do */
    if (c->feature[0] == FEATURE_CACHE_ON || c->feature[0] == FEATURE_CACHE_OFF)
      d->cache = c->feature[0] == FEATURE_CACHE_ON;
    finish(c, d->cache || flushed(c) ? 0 : ERR_ABORT);
    break;
  case 0xe5: /* CHECK POWER MODE: active */
    c->count[0] = 0xff;
    finish(c, 0);
    break;
  default: finish(c, 0); break;
  }
}

static void command(struct io_ide_channel *c, uint8_t v) {
  set_irq(c, false);
  c->dma = c->fua = false;
  c->command = v;
  if (v == 0x90) { /* EXECUTE DEVICE DIAGNOSTIC goes to both drives */
    signature(c);
    set_irq(c, true);
    return;
  }
  if (!present(selected(c))) return;
  c->active = selected(c);
  switch (v) {
  case 0x20:
  case 0x21: transfer(c, false, false, PIO); break;
  case 0x24: transfer(c, false, true, PIO); break;
  case 0x25: transfer(c, false, true, DMA); break;
  case 0x27: native_max(c, true); break;
  case 0x29: transfer(c, false, true, MULTIPLE); break;
  case 0x30:
  case 0x31: transfer(c, true, false, PIO); break;
  case 0x34: transfer(c, true, true, PIO); break;
  case 0x35: transfer(c, true, true, DMA); break;
  case 0x3d: /* WRITE DMA FUA EXT */
    c->fua = true;
    transfer(c, true, true, DMA);
    break;
  case 0xce: /* WRITE MULTIPLE FUA EXT */
    c->fua = true;
    transfer(c, true, true, MULTIPLE);
    break;
  case 0x39: transfer(c, true, true, MULTIPLE); break;
  case 0xc4: transfer(c, false, false, MULTIPLE); break;
  case 0xc5: transfer(c, true, false, MULTIPLE); break;
  case 0xc8:
  case 0xc9: transfer(c, false, false, DMA); break;
  case 0xca:
  case 0xcb: transfer(c, true, false, DMA); break;
  case 0xe7:
  case 0xea: finish(c, flushed(c) ? 0 : ERR_ABORT); break;
  case 0xec: identify(c); break;
  case 0xf8: native_max(c, false); break;
  case 0x10: /* RECALIBRATE, READ VERIFY, SEEK, power modes: nothing to do */
  case 0x40:
  case 0x41:
  case 0x42:
  case 0x70:
  case 0x91:
  case 0xc6:
  case 0xe0:
  case 0xe1:
  case 0xe2:
  case 0xe3:
  case 0xe5:
  case 0xef: settings(c, v); break;
  default: finish(c, ERR_ABORT); break;
  }
}

/* --- registers --- */

static uint8_t status(struct io_ide_channel *c) {
  if (!any_disk(c)) return FLOATING;
  return present(selected(c)) ? c->status : 0; /* the other drive answers for an absent one: ATA 9.16 */
}

static uint64_t ide_read(void *dev, uint32_t off, int size) {
  struct io_ide_channel *c = dev;
  int hob = c->control & CTL_HOB ? 1 : 0;
  if (!any_disk(c)) return off == DATA ? 0xffffff7f : FLOATING;
  switch (off) {
  case DATA: return data_read(c, size);
  case ERROR_FEATURE: return c->error;
  case COUNT: return c->count[hob];
  case LBA0:
  case LBA1:
  case LBA2: return c->lba[off - LBA0][hob];
  case SELECT: return c->select | 0xa0;
  default: /* STATUS: reading it acknowledges the interrupt */ set_irq(c, false); return status(c);
  }
}

static void push(uint8_t reg[2], uint8_t v) {
  reg[1] = reg[0];
  reg[0] = v;
}

static void ide_write(void *dev, uint32_t off, uint64_t v, int size) {
  struct io_ide_channel *c = dev;
  c->control &= (uint8_t)~CTL_HOB; /* any command-block write ends it (ATA-6) */
  if (!any_disk(c)) return;
  switch (off) {
  case DATA: data_write(c, v, size); break;
  case ERROR_FEATURE: push(c->feature, (uint8_t)v); break;
  case COUNT: push(c->count, (uint8_t)v); break;
  case LBA0:
  case LBA1:
  case LBA2: push(c->lba[off - LBA0], (uint8_t)v); break;
  case SELECT: c->select = (uint8_t)v; break;
  default: command(c, (uint8_t)v); break;
  }
}

static uint64_t ctl_read(void *dev, uint32_t off, int size) {
  (void)off;
  (void)size;
  return status(dev); /* alternate status: acknowledges nothing */
}

static void ctl_write(void *dev, uint32_t off, uint64_t v, int size) {
  struct io_ide_channel *c = dev;
  (void)off;
  (void)size;
  bool was = c->control & CTL_RESET;
  c->control = (uint8_t)v;
  if (v & CTL_RESET) {
    c->status = ST_BUSY;
    c->at = c->end = c->left = 0;
    c->dma = c->irq = false;
  } else if (was) {
    signature(c);
  }
  set_irq(c, c->irq);
}

static const struct dev_ops ide_ops = {"ide", ide_read, ide_write, NULL};
static const struct dev_ops ctl_ops = {"ide-control", ctl_read, ctl_write, NULL};
static const struct dev_ops bm_ops = {"ide-dma", bm_read, bm_write, NULL};

/* --- as a PCI function --- */

/* The ports are fixed; each channel answers when its timing register says so (290562, 4.1.11 IDETIM bit 15). */
static void place(struct io_ide *i) {
  static const uint32_t base[2] = {BOARD_PORT_IDE0, BOARD_PORT_IDE1};
  for (int k = 0; k < 2; k++) {
    struct io_ide_channel *c = &i->ch[k];
    for (int s = 0; s < 2; s++) {
      io_bus_remove(i->ports, c->slots[s]);
      c->slots[s] = -1;
    }
    if (!(i->pci.config[IDETIM + 2 * k + 1] & IDETIM_DECODE) || !(i->pci.config[PCI_COMMAND] & 1)) continue;
    struct io_bus_row row = {.base = base[k], .size = 8, .ops = &ide_ops, .dev = c, .stall_ns = 400, .width = 4};
    row.little_endian = true;
    c->slots[0] = io_bus_add(i->ports, &row);
    row.base = base[k] + 0x206;
    row.size = 1;
    row.ops = &ctl_ops;
    c->slots[1] = io_bus_add(i->ports, &row);
  }
}

static void config_written(void *ctx, unsigned off, int size) {
  (void)size;
  if (off <= PCI_COMMAND || (off >= IDETIM && off < IDETIM + 4)) place(ctx);
}

static void ide_reset(void *ctx) {
  struct io_ide *i = ctx;
  memset(&i->pci.config[IDETIM], 0, 0x10);
  for (int k = 0; k < 2; k++) {
    struct io_ide_channel *c = &i->ch[k];
    c->control = c->bm_command = c->bm_status = 0;
    c->bm_table = 0;
    c->at = c->end = c->left = 0;
    c->dma = false;
    c->drive[0].cache = c->drive[1].cache = true;
    signature(c);
    set_irq(c, false);
  }
  place(i);
}

void io_ide_init(struct io_ide *i, struct io_bus *ports, struct io_dma dma, const struct io_disk disk[4],
                 const struct irq_line line[2]) {
  memset(i, 0, sizeof *i);
  i->ports = ports;
  i->dma = dma;
  for (int k = 0; k < 2; k++) {
    struct io_ide_channel *c = &i->ch[k];
    c->ide = i;
    c->line = line[k];
    c->slots[0] = c->slots[1] = -1;
    for (int s = 0; s < 2; s++)
      c->drive[s] =
          (struct io_ide_drive){.disk = disk[2 * k + s], .heads = 16, .sectors = 63, .multiple = MAX_MULTIPLE};
  }
  io_pci_ids(&i->pci, 0x8086, 0x7111, 0x01018001, 0);
  io_pci_put16(&i->pci, PCI_STATUS, 0x0280);
  memset(&i->pci.writable[IDETIM], 0xff, 0x10);
  i->pci.bar[4] = (struct io_pci_bar){.kind = PCI_BAR_IO, .size = 16, .ops = &bm_ops, .dev = i, .stall_ns = 200};
  i->pci.written = config_written;
  i->pci.reset = ide_reset;
  i->pci.ctx = i;
  ide_reset(i);
}

/* --- state --- */

static void channel_state(struct io_ide_channel *c, struct snap *s) {
  int8_t active = (int8_t)(c->active ? c->active - c->drive : -1);
  for (struct io_ide_drive *d = c->drive; d < c->drive + 2; d++) {
    SNAP(s, d->multiple);
    SNAP(s, d->heads);
    SNAP(s, d->sectors);
    SNAP(s, d->cache);
    snap_check(s, d->multiple <= MAX_MULTIPLE);
  }
  SNAP(s, active);
  SNAP_ARRAY(s, c->feature, c->feature[0]);
  SNAP_ARRAY(s, c->count, c->count[0]);
  SNAP_ARRAY(s, c->lba, c->lba[0][0]);
  SNAP(s, c->select);
  SNAP(s, c->status);
  SNAP(s, c->error);
  SNAP(s, c->control);
  SNAP(s, c->command);
  SNAP_ARRAY(s, c->buffer, c->buffer[0]);
  SNAP(s, c->at);
  SNAP(s, c->end);
  SNAP(s, c->sector);
  SNAP(s, c->left);
  SNAP(s, c->block);
  SNAP(s, c->writing);
  SNAP(s, c->dma);
  SNAP(s, c->fua);
  SNAP(s, c->irq);
  SNAP(s, c->bm_command);
  SNAP(s, c->bm_status);
  SNAP(s, c->bm_table);
  bool moves = c->status & ST_DRQ || c->dma || c->left;
  if (!snap_check(s, active >= -1 && active < 2 && c->at <= c->end && c->end <= sizeof c->buffer &&
                         c->block <= MAX_MULTIPLE && c->left <= 65536 && (!moves || active >= 0)))
    return;
  c->active = active < 0 ? NULL : &c->drive[active];
  snap_check(s, !c->active || present(c->active));
  snap_check(s, !c->writing || !moves || c->active->disk.write);
}

void io_ide_state(void *ide, struct snap *s) {
  struct io_ide *i = ide;
  io_pci_dev_state(&i->pci, s);
  for (int k = 0; k < 2; k++) channel_state(&i->ch[k], s);
  if (s->restoring) place(i);
}
