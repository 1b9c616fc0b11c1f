/* iosys/pci.c: config cycles, BARs mapped as the guest sets them, INTx sharing. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "iosys/pci.h"
#include <string.h>

enum { COMMAND_IO = 1, COMMAND_MEM = 2, COMMAND_MASTER = 4, COMMAND_NO_INTX = 0x400 };
enum { STATUS_INTX = 0x08, STATUS_CAPS = 0x10 };

void io_pci_init(struct io_pci *p, struct io_bus *ports, struct io_bus *mem, int (*route)(unsigned devfn, int pin),
                 struct irq_line pirq) {
  *p = (struct io_pci){.ports = ports, .mem = mem, .route = route, .pirq = pirq};
}

void io_pci_ids(struct io_pci_dev *d, uint16_t vendor, uint16_t device, uint32_t class_rev, int pin) {
  io_pci_put16(d, PCI_VENDOR, vendor);
  io_pci_put16(d, PCI_DEVICE, device);
  io_pci_put32(d, PCI_REVISION, class_rev);
  d->config[PCI_IRQ_PIN] = (uint8_t)pin;
  d->writable[PCI_IRQ_LINE] = 0xff;
  d->writable[PCI_COMMAND] = COMMAND_IO | COMMAND_MEM | COMMAND_MASTER | 0x40;
  d->writable[PCI_COMMAND + 1] = 0x05; /* SERR#, INTx disable */
  d->clears[PCI_STATUS + 1] = 0xf9;
  d->writable[0x0c] = 0xff; /* cache line size */
  d->writable[0x0d] = 0xf8; /* latency timer */
}

void io_pci_sub_ids(struct io_pci_dev *d, uint16_t vendor, uint16_t device) {
  io_pci_put16(d, PCI_SUBVENDOR, vendor);
  io_pci_put16(d, PCI_SUBDEVICE, device);
}

int io_pci_capability(struct io_pci_dev *d, uint8_t id, unsigned len) {
  unsigned at = 0x40; /* capabilities grow upwards, each 4-aligned; find the end of the list */
  unsigned link = PCI_CAPS;
  while (d->config[link]) {
    link = d->config[link] + 1u;
    at = link + 1;
  }
  if (link != PCI_CAPS) at = (link - 1u) + d->config[link + 1]; /* every capability we add stores its length */
  at = (at + 3) & ~3u;
  if (at + len > 256) return IO_ERR_FULL;
  d->config[link] = (uint8_t)at;
  d->config[at] = id;
  d->config[at + 1] = 0;
  d->config[at + 2] = (uint8_t)len;
  d->config[PCI_STATUS] |= STATUS_CAPS;
  return (int)at;
}

static void bar_unmap(struct io_pci_dev *d, int i) {
  struct io_pci_bar *bar = &d->bar[i];
  io_bus_remove(bar->kind == PCI_BAR_IO ? d->bus->ports : d->bus->mem, bar->slot);
  bar->slot = -1;
}

/* A BAR decodes when the command register says so and an address has been given: 0 and all ones (sizing) do not. */
static void bar_map(struct io_pci_dev *d, int i) {
  struct io_pci_bar *bar = &d->bar[i];
  uint16_t command = io_pci_get16(d, PCI_COMMAND);
  bool io = bar->kind == PCI_BAR_IO;
  uint64_t base = io_pci_get32(d, PCI_BAR0 + 4u * i) & (io ? ~3u : ~15u);
  if (bar->kind == PCI_BAR_MEM64) base |= (uint64_t)io_pci_get32(d, PCI_BAR0 + 4u * i + 4) << 32;
  if (!(command & (io ? COMMAND_IO : COMMAND_MEM)) || !base) return;
  if (base == (~(uint64_t)(bar->size - 1) & 0xffffffffu)) return;
  struct io_bus_row row = {.base = base,
                           .size = bar->size,
                           .ops = bar->ops,
                           .dev = bar->dev,
                           .stall_ns = bar->stall_ns,
                           .width = bar->width,
                           .little_endian = true};
  int slot = io_bus_add(io ? d->bus->ports : d->bus->mem, &row);
  bar->slot = slot < 0 ? -1 : slot;
}

static void remap(struct io_pci_dev *d) {
  for (int i = 0; i < 6; i++)
    if (d->bar[i].kind != PCI_BAR_NONE && d->bar[i].slot >= 0) bar_unmap(d, i);
  for (int i = 0; i < 6; i++)
    if (d->bar[i].kind != PCI_BAR_NONE && d->bar[i].ops) bar_map(d, i);
}

static void bar_header(struct io_pci_dev *d, int i) {
  struct io_pci_bar *bar = &d->bar[i];
  unsigned at = PCI_BAR0 + 4u * (unsigned)i;
  static const uint8_t low[] = {0, 1, 0, 4};
  bar->slot = -1;
  if (bar->kind == PCI_BAR_NONE) return;
  d->config[at] = low[bar->kind];
  uint32_t mask = ~(bar->size - 1);
  for (unsigned k = 0; k < 4; k++) d->writable[at + k] = (uint8_t)(mask >> 8 * k);
  if (bar->kind == PCI_BAR_MEM64) memset(&d->writable[at + 4], 0xff, 4);
}

int io_pci_add(struct io_pci *p, struct io_pci_dev *d, unsigned devfn) {
  if (devfn > 255) return IO_ERR_RANGE;
  if (p->dev[devfn]) return IO_ERR_TAKEN;
  p->dev[devfn] = d;
  d->devfn = (uint8_t)devfn;
  d->bus = p;
  for (int i = 0; i < 6; i++) bar_header(d, i);
  if (devfn & 7 && p->dev[devfn & ~7u]) p->dev[devfn & ~7u]->config[PCI_HEADER] |= 0x80; /* multi-function */
  return IO_OK;
}

void io_pci_reset(struct io_pci *p) {
  for (int i = 0; i < 256; i++) {
    struct io_pci_dev *d = p->dev[i];
    if (!d) continue;
    io_pci_irq(d, 0);
    io_pci_put16(d, PCI_COMMAND, 0);
    d->config[PCI_IRQ_LINE] = 0;
    for (unsigned k = PCI_BAR0; k < PCI_BAR0 + 24; k++) d->config[k] &= (uint8_t)~d->writable[k];
    if (d->reset) d->reset(d->ctx);
    remap(d);
  }
}

static struct io_pci_dev *device(const struct io_pci *p, unsigned bus, unsigned devfn) {
  return bus || devfn > 255 ? NULL : p->dev[devfn];
}

bool io_pci_config_read(struct io_pci *p, unsigned bus, unsigned devfn, unsigned off, int size, uint32_t *v) {
  struct io_pci_dev *d = device(p, bus, devfn);
  *v = 0xffffffffu >> (32 - 8 * size);
  if (!d || off + (unsigned)size > 256) return d != NULL;
  *v = 0;
  for (int i = 0; i < size; i++) *v |= (uint32_t)d->config[off + (unsigned)i] << 8 * i;
  return true;
}

/* INTx as it reaches the pirq: the pin's level unless the command register holds it back. */
static bool intx_out(const struct io_pci_dev *d) {
  return d->intx && !(io_pci_get16(d, PCI_COMMAND) & COMMAND_NO_INTX);
}

static void intx_changed(struct io_pci_dev *d, bool before) {
  bool now = intx_out(d);
  int pin = d->config[PCI_IRQ_PIN] - 1;
  d->config[PCI_STATUS] = (uint8_t)((d->config[PCI_STATUS] & ~STATUS_INTX) | (d->intx ? STATUS_INTX : 0));
  if (now == before || pin < 0 || !d->bus) return;
  int n = d->bus->route(d->devfn, pin) & 3;
  uint8_t *driven = &d->bus->driven[n];
  *driven = (uint8_t)(*driven + (now ? 1 : -1));
  const struct irq_line *l = &d->bus->pirq;
  if (l->set) l->set(l->ctx, l->n + n, *driven != 0);
}

void io_pci_irq(struct io_pci_dev *d, int level) {
  bool before = intx_out(d);
  d->intx = level != 0;
  intx_changed(d, before);
}

bool io_pci_config_write(struct io_pci *p, unsigned bus, unsigned devfn, unsigned off, int size, uint32_t v) {
  struct io_pci_dev *d = device(p, bus, devfn);
  if (!d || off + (unsigned)size > 256) return d != NULL;
  bool before = intx_out(d);
  for (int i = 0; i < size; i++) {
    unsigned at = off + (unsigned)i;
    uint8_t b = (uint8_t)(v >> 8 * i), w = d->writable[at];
    d->config[at] = (uint8_t)(((d->config[at] & ~w) | (b & w)) & ~(b & d->clears[at]));
  }
  intx_changed(d, before);
  if ((off < PCI_STATUS && off + (unsigned)size > PCI_COMMAND) ||
      (off < PCI_BAR0 + 24 && off + (unsigned)size > PCI_BAR0))
    remap(d);
  if (d->written) d->written(d->ctx, off, size);
  return true;
}

void io_pci_dev_state(struct io_pci_dev *d, struct snap *s) {
  SNAP_ARRAY(s, d->config, d->config[0]);
  SNAP(s, d->intx);
  if (s->restoring && d->bus) remap(d);
}

void io_pci_state(void *pci, struct snap *s) {
  struct io_pci *p = pci;
  SNAP_ARRAY(s, p->driven, p->driven[0]);
}
