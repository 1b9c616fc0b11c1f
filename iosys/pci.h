/* iosys/pci.h: a PCI bus: type-0 configuration space, BARs that move, INTx routed to four lines. */
/* SPDX-License-Identifier: Apache-2.0 */
/* A PCI device embeds a struct io_pci_dev, fills in its ids and BARs and calls io_pci_add(): one row in board_malta.c.
 * The host bridge owns the two address spaces (ports, mem: both io_bus, owned by the board) and turns cpu accesses
 * into config cycles. BARs are mapped and unmapped here when the guest writes them or the command register. */
#ifndef IOSYS_PCI_H
#define IOSYS_PCI_H
#include "iosys/bus.h"

enum io_pci_reg { /* PCI Local Bus 2.2, figure 6-1 */
                  PCI_VENDOR = 0x00,
                  PCI_DEVICE = 0x02,
                  PCI_COMMAND = 0x04, /* bit 0: I/O decode, 1: memory decode, 2: bus master, 10: INTx off */
                  PCI_STATUS = 0x06,
                  PCI_REVISION = 0x08,
                  PCI_CLASS = 0x09, /* three bytes: interface, sub-class, class */
                  PCI_HEADER = 0x0e,
                  PCI_BAR0 = 0x10,
                  PCI_SUBVENDOR = 0x2c,
                  PCI_SUBDEVICE = 0x2e,
                  PCI_CAPS = 0x34,
                  PCI_IRQ_LINE = 0x3c,
                  PCI_IRQ_PIN = 0x3d,
};
enum io_pci_bar_kind { PCI_BAR_NONE, PCI_BAR_IO, PCI_BAR_MEM, PCI_BAR_MEM64 };
#define IO_PCI_DEVFN(slot, fn) ((slot) << 3 | (fn))

struct io_pci_bar {
  enum io_pci_bar_kind kind;
  uint32_t size; /* a power of two, >= 4 (I/O) or >= 16 (memory) */
  const struct dev_ops *ops;
  void *dev;
  uint8_t width; /* as in io_bus_row */
  uint32_t stall_ns;
  int slot; /* on the address-space bus while mapped, else -1; owned by pci.c */
};

struct io_pci_dev {
  uint8_t config[256];
  uint8_t writable[256]; /* 1 bits: the guest may change them */
  uint8_t clears[256];   /* 1 bits: writing one clears (status register) */
  struct io_pci_bar bar[6];
  uint8_t devfn;
  bool intx; /* level the device drives on its pin */
  /* After the guest changed config bytes [off, off+size). Optional. */
  void (*written)(void *ctx, unsigned off, int size);
  void (*reset)(void *ctx);
  void *ctx;
  struct io_pci *bus; /* borrowed; set by io_pci_add */
};

struct io_pci {
  struct io_pci_dev *dev[256];           /* by devfn; borrowed */
  struct io_bus *ports, *mem;            /* borrowed */
  int (*route)(unsigned devfn, int pin); /* pin 0..3 -> pirq 0..3 of this board */
  struct irq_line pirq;                  /* set(ctx, n + pirq, level) */
  uint8_t driven[4];                     /* how many devices pull each pirq */
};

void io_pci_init(struct io_pci *p, struct io_bus *ports, struct io_bus *mem, int (*route)(unsigned devfn, int pin),
                 struct irq_line pirq);
/* Fill in the usual header: ids, class (24 bits), interrupt pin (0 none, 1 INTA...). Call before io_pci_add. */
void io_pci_ids(struct io_pci_dev *d, uint16_t vendor, uint16_t device, uint32_t class_rev, int pin);
void io_pci_sub_ids(struct io_pci_dev *d, uint16_t vendor, uint16_t device);
/* Put a device in a slot; the bus borrows it until the machine ends. IO_ERR_TAKEN when devfn is in use. */
__attribute__((warn_unused_result)) int io_pci_add(struct io_pci *p, struct io_pci_dev *d, unsigned devfn);
void io_pci_reset(struct io_pci *p);
/* One config cycle. size 1, 2 or 4. Returns false (and all ones) when no device claims it: a master abort. */
bool io_pci_config_read(struct io_pci *p, unsigned bus, unsigned devfn, unsigned off, int size, uint32_t *v);
bool io_pci_config_write(struct io_pci *p, unsigned bus, unsigned devfn, unsigned off, int size, uint32_t v);
/* State: of the bus; of a device, to be a part of its own, after whose restoring its BARs are where they were. */
void io_pci_state(void *pci, struct snap *s);
void io_pci_dev_state(struct io_pci_dev *d, struct snap *s);
/* Drive the device's INTx pin. */
void io_pci_irq(struct io_pci_dev *d, int level);
/* Add a vendor-specific or standard capability of len bytes at the end of the list; returns its offset, or
 * IO_ERR_FULL. The caller fills bytes 2.. in d->config. */
__attribute__((warn_unused_result)) int io_pci_capability(struct io_pci_dev *d, uint8_t id, unsigned len);

static inline uint16_t io_pci_get16(const struct io_pci_dev *d, unsigned off) {
  return (uint16_t)(d->config[off] | d->config[off + 1] << 8);
}
static inline uint32_t io_pci_get32(const struct io_pci_dev *d, unsigned off) {
  return io_pci_get16(d, off) | (uint32_t)io_pci_get16(d, off + 2) << 16;
}
static inline void io_pci_put16(struct io_pci_dev *d, unsigned off, uint16_t v) {
  d->config[off] = (uint8_t)v;
  d->config[off + 1] = (uint8_t)(v >> 8);
}
static inline void io_pci_put32(struct io_pci_dev *d, unsigned off, uint32_t v) {
  io_pci_put16(d, off, (uint16_t)v);
  io_pci_put16(d, off + 2, (uint16_t)(v >> 16));
}
#endif
