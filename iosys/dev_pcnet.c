/* iosys/dev_pcnet.c: AMD Am79C973 "PCnet-FAST III" Ethernet controller. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Software styles 2 and 3 (32-bit structures) as all PCI drivers use; style 0, the LANCE's 16-bit one, transmits and
 * receives nothing. Frames are sent on the spot. One that has arrived stays in the chip until there is a descriptor; as
 * drivers return those without telling, the chip looks for one from time to time. Page and register names: AMD
 * publication 21510, Am79C973/Am79C975. */
#include "iosys/pcnet.h"
#include <string.h>

enum { /* CSR0 */
       INIT = 0x0001,
       STRT = 0x0002,
       STOP = 0x0004,
       TDMD = 0x0008,
       TXON = 0x0010,
       RXON = 0x0020,
       INEA = 0x0040,
       INTR = 0x0080,
       IDON = 0x0100,
       TINT = 0x0200,
       RINT = 0x0400,
       MERR = 0x0800,
       MISS = 0x1000,
       CERR = 0x2000,
       BABL = 0x4000,
       ERR = 0x8000,
       EVENTS = IDON | TINT | RINT | MERR | MISS | BABL, /* maskable in CSR3 at the same places */
};
enum { MODE_DRX = 1, MODE_DTX = 2, MODE_LOOP = 4, MODE_NO_BROADCAST = 0x4000, MODE_PROMISCUOUS = 0x8000 }; /* CSR15 */
enum { CSR4_APAD = 0x0800, CSR5_SPND = 1 };
enum { BCR_MISC = 2, BCR_BUS = 18, BCR_STYLE = 20, BCR_MII_ADDR = 33, BCR_MII_DATA = 34, BUS_DWIO = 0x80 };
#define D_OWN 0x80000000u /* descriptor word 1: OWN, ERR, buffer error, start and end of packet */
#define D_ERR 0x40000000u
#define D_BUF 0x04000000u
#define D_STP 0x02000000u
#define D_ENP 0x01000000u
enum { PHY_ADDRESS = 30, LOOK_NS = 100000 };

static uint32_t le32(const uint8_t *p) {
  return p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24;
}
static void put32(uint8_t *p, uint32_t v) {
  for (int i = 0; i < 4; i++) p[i] = (uint8_t)(v >> 8 * i);
}
static bool fetch(struct io_pcnet *p, uint32_t gpa, void *to, uint32_t n) {
  if (p->dma.read && p->dma.read(p->dma.ctx, gpa, to, n) == n) return true;
  p->csr[0] |= MERR; /* the bus master was not answered */
  return false;
}
static bool store(struct io_pcnet *p, uint32_t gpa, const void *from, uint32_t n) {
  if (p->dma.write && p->dma.write(p->dma.ctx, gpa, from, n) == n) return true;
  p->csr[0] |= MERR;
  return false;
}

static void update(struct io_pcnet *p) {
  uint16_t *c = &p->csr[0];
  *c &= (uint16_t) ~(INTR | ERR);
  if (*c & (BABL | CERR | MISS | MERR)) *c |= ERR;
  if (*c & EVENTS & ~p->csr[3]) *c |= INTR;
  io_pci_irq(&p->pci, *c & INTR && *c & INEA);
}

/* --- descriptors: {buffer, status, misc} in style 2, {misc, status, buffer} in style 3 --- */

struct descriptor {
  uint32_t at, buffer, status, misc;
};

static bool read_descriptor(struct io_pcnet *p, uint32_t ring, unsigned i, struct descriptor *d) {
  uint8_t raw[16];
  unsigned style = p->bcr[BCR_STYLE] & 0xff;
  d->at = ring + 16 * i;
  if ((style != 2 && style != 3) || !fetch(p, d->at, raw, 16)) return false;
  d->buffer = le32(raw + (style == 3 ? 8 : 0));
  d->status = le32(raw + 4);
  d->misc = le32(raw + (style == 3 ? 0 : 8));
  return true;
}

/* Give it back to the driver: misc first, OWN goes with the status. */
static void return_descriptor(struct io_pcnet *p, const struct descriptor *d) {
  uint8_t raw[4];
  put32(raw, d->misc);
  store(p, d->at + ((p->bcr[BCR_STYLE] & 0xff) == 3 ? 0 : 8), raw, 4);
  put32(raw, d->status & ~D_OWN);
  store(p, d->at + 4, raw, 4);
}

/* BCNT is the two's complement of the length, in 12 bits. */
static unsigned buffer_length(const struct descriptor *d) {
  return 4096 - (d->status & 0xfff);
}

static uint32_t crc32(const uint8_t *p, unsigned n) {
  uint32_t crc = 0xffffffff;
  while (n--) {
    crc ^= *p++;
    for (int i = 0; i < 8; i++) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return crc;
}

/* --- receiver --- */

static bool wanted(const struct io_pcnet *p, const uint8_t *frame) {
  static const uint8_t broadcast[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
  if (p->csr[15] & MODE_PROMISCUOUS) return true;
  if (!memcmp(frame, broadcast, 6)) return !(p->csr[15] & MODE_NO_BROADCAST);
  if (frame[0] & 1) { /* logical address filter: the top six CRC bits pick one of 64 */
    unsigned bit = crc32(frame, 6) >> 26;
    return p->csr[8 + bit / 16] >> bit % 16 & 1;
  }
  for (int i = 0; i < 6; i++)
    if (frame[i] != (p->csr[12 + i / 2] >> 8 * (i & 1) & 0xff)) return false;
  return true;
}

static bool receiver_ready(struct io_pcnet *p) {
  struct descriptor d;
  return p->csr[0] & RXON && !(p->csr[5] & CSR5_SPND) && p->rx_length && read_descriptor(p, p->rx_ring, p->rx_at, &d) &&
         d.status & D_OWN;
}

/* Put a frame of n bytes (FCS included) into as many buffers as it needs. */
static void deliver(struct io_pcnet *p, const uint8_t *frame, unsigned n) {
  struct descriptor d;
  unsigned at = 0;
  while (at < n) {
    if (!read_descriptor(p, p->rx_ring, p->rx_at, &d)) return;
    if (!(d.status & D_OWN)) { /* ran out in the middle: the part that is there was marked below */
      p->csr[0] |= MISS;
      p->n_missed++;
      return;
    }
    unsigned room = buffer_length(&d), k = n - at < room ? n - at : room;
    store(p, d.buffer, frame + at, k);
    d.status &= ~(D_ERR | D_BUF | D_STP | D_ENP | 0x38f00000u);
    if (!at) d.status |= D_STP;
    at += k;
    if (at == n) {
      d.status |= D_ENP;
      d.misc = n & 0xfff;
    } else {
      struct descriptor next;
      unsigned follow = (p->rx_at + 1u) % p->rx_length;
      if (!read_descriptor(p, p->rx_ring, follow, &next) || !(next.status & D_OWN)) d.status |= D_ERR | D_BUF;
    }
    return_descriptor(p, &d);
    p->rx_at = (uint16_t)((p->rx_at + 1) % p->rx_length);
  }
  p->n_received++;
  p->csr[0] |= RINT;
}

static void receive(struct io_pcnet *p, uint8_t *frame, unsigned n) {
  if (n < 14 || n + 4 > IO_PCNET_FRAME || !wanted(p, frame)) return;
  if (n < 60) {
    memset(frame + n, 0, 60 - n); /* shorter ones do not exist on a wire */
    n = 60;
  }
  put32(frame + n, ~crc32(frame, n));
  deliver(p, frame, n + 4);
}

/* Take in what is on the wire. */
static void look(void *pcnet) {
  struct io_pcnet *p = pcnet;
  io_timer_cancel(p->clock, &p->timer);
  while (p->csr[0] & RXON && p->net.recv) {
    if (!p->arrived_n) p->arrived_n = p->net.recv(p->net.ctx, p->arrived, IO_PCNET_FRAME - 64);
    if (!p->arrived_n) break;
    if (!receiver_ready(p)) {
      io_timer_set(p->clock, &p->timer, io_clock_ns(p->clock) + LOOK_NS);
      break;
    }
    receive(p, p->arrived, p->arrived_n);
    p->arrived_n = 0;
  }
  update(p);
}

/* --- transmitter --- */

static void send_frame(struct io_pcnet *p) {
  unsigned n = p->frame_n;
  if (p->csr[4] & CSR4_APAD && n < 60) {
    memset(p->frame + n, 0, 60 - n);
    n = 60;
  }
  p->n_sent++;
  if (p->csr[15] & MODE_LOOP) {
    if (receiver_ready(p)) receive(p, p->frame, n);
  } else if (p->net.send) {
    p->net.send(p->net.ctx, p->frame, n);
  }
}

static void transmit(struct io_pcnet *p) {
  struct descriptor d;
  if (!(p->csr[0] & TXON) || p->csr[5] & CSR5_SPND) return;
  for (unsigned i = 0; i < p->tx_length; i++) { /* at most once round: a ring all owned by us must end */
    if (!read_descriptor(p, p->tx_ring, p->tx_at, &d) || !(d.status & D_OWN)) return;
    if (d.status & D_STP) {
      p->frame_n = 0;
      p->frame_bad = false;
    }
    unsigned n = buffer_length(&d);
    if (p->frame_n + n > IO_PCNET_FRAME - 64)
      p->frame_bad = true;
    else if (!p->frame_bad && fetch(p, d.buffer, p->frame + p->frame_n, n))
      p->frame_n += n;
    if (d.status & D_ENP) {
      if (!p->frame_bad && p->frame_n >= 14) send_frame(p);
      p->frame_n = 0;
      p->frame_bad = true; /* what follows needs a start of packet */
      p->csr[0] |= TINT;
    }
    d.misc = 0;
    return_descriptor(p, &d);
    p->tx_at = (uint16_t)((p->tx_at + 1) % p->tx_length);
  }
}

/* --- control --- */

/* CSR0.INIT: read the initialization block (28 bytes in the 32-bit styles). */
static void initialize(struct io_pcnet *p) {
  uint8_t b[28];
  if (!fetch(p, p->csr[1] | (uint32_t)p->csr[2] << 16, b, sizeof b)) return;
  p->csr[15] = (uint16_t)(b[0] | b[1] << 8);
  unsigned rlen = b[2] >> 4, tlen = b[3] >> 4;
  p->rx_length = (uint16_t)(1u << (rlen < 9 ? rlen : 9));
  p->tx_length = (uint16_t)(1u << (tlen < 9 ? tlen : 9));
  for (int i = 0; i < 3; i++) p->csr[12 + i] = (uint16_t)(b[4 + 2 * i] | b[5 + 2 * i] << 8);
  for (int i = 0; i < 4; i++) p->csr[8 + i] = (uint16_t)(b[12 + 2 * i] | b[13 + 2 * i] << 8);
  p->rx_ring = le32(b + 20);
  p->tx_ring = le32(b + 24);
  p->csr[76] = (uint16_t)(0u - p->rx_length);
  p->csr[78] = (uint16_t)(0u - p->tx_length);
  p->rx_at = p->tx_at = 0;
  p->frame_bad = true;
  p->csr[0] |= IDON | INIT;
}

static void stop(struct io_pcnet *p) {
  p->csr[0] = STOP;
  p->csr[5] &= (uint16_t)~CSR5_SPND;
  p->arrived_n = 0;
  io_timer_cancel(p->clock, &p->timer);
}

static void write_csr0(struct io_pcnet *p, uint16_t v) {
  uint16_t *c = &p->csr[0];
  *c &= (uint16_t) ~(v & (EVENTS | CERR)); /* ones clear */
  if (v & STOP) {
    stop(p);
    return;
  }
  *c = (uint16_t)((*c & ~INEA) | (v & INEA));
  if (v & INIT && !(*c & INIT)) {
    *c &= (uint16_t)~STOP;
    initialize(p);
  }
  if (v & STRT && !(*c & STRT)) {
    *c = (uint16_t)((*c & ~STOP) | STRT);
    if (!(p->csr[15] & MODE_DTX)) *c |= TXON;
    if (!(p->csr[15] & MODE_DRX)) *c |= RXON;
    look(p);
  }
  if (v & (TDMD | STRT)) transmit(p);
}

static uint16_t read_csr(const struct io_pcnet *p, unsigned n) {
  switch (n) {
  case 88: return 0x5003; /* part 0x2625, AMD */
  case 89: return 0x0262;
  case 58: return p->bcr[BCR_STYLE];
  default: return n < 128 ? p->csr[n] : 0;
  }
}

static void write_csr(struct io_pcnet *p, unsigned n, uint16_t v) {
  switch (n) {
  case 0: write_csr0(p, v); break;
  case 4: p->csr[4] = v & 0xfd55; break; /* the flags among them are never raised here */
  case 58: p->bcr[BCR_STYLE] = v; break;
  case 88:
  case 89: break;
  default:
    if (n < 128) p->csr[n] = v;
    break;
  }
}

static uint16_t read_bcr(const struct io_pcnet *p, unsigned n) {
  if (n == BCR_MII_DATA) { /* one PHY, built in */
    unsigned address = p->bcr[BCR_MII_ADDR];
    return (address >> 5 & 31) == PHY_ADDRESS ? p->phy[address & 31] : 0xffff;
  }
  return n < 64 ? p->bcr[n] : 0;
}

static void write_bcr(struct io_pcnet *p, unsigned n, uint16_t v) {
  switch (n) {
  case BCR_BUS: p->bcr[n] = (uint16_t)((v & ~BUS_DWIO) | (p->wide ? BUS_DWIO : 0)); break;
  case BCR_MII_DATA: {
    unsigned address = p->bcr[BCR_MII_ADDR];
    if ((address >> 5 & 31) != PHY_ADDRESS) break;
    if ((address & 31) == 0) p->phy[0] = v & 0x7dff; /* reset and restart finish at once */
    if ((address & 31) == 4) p->phy[4] = v;
    break;
  }
  default:
    if (n < 64) p->bcr[n] = v;
    break;
  }
}

static void chip_reset(struct io_pcnet *p) {
  static const uint16_t phy[] = {0x3100, 0x786d, 0x0000, 0x6b60, 0x01e1, 0x45e1, 0x0001};
  memset(p->csr, 0, sizeof p->csr);
  memset(p->bcr, 0, sizeof p->bcr);
  memset(p->phy, 0, sizeof p->phy);
  memcpy(p->phy, phy, sizeof phy);
  p->csr[0] = STOP;
  p->csr[4] = 0x0115;
  for (int i = 0; i < 3; i++) p->csr[12 + i] = (uint16_t)(p->net.mac[2 * i] | p->net.mac[2 * i + 1] << 8);
  p->bcr[BCR_MISC] = 0x0002;
  p->bcr[4] = 0x00c0;
  p->bcr[5] = 0x0084;
  p->bcr[BCR_BUS] = 0x9001 | (p->wide ? BUS_DWIO : 0); /* S_RESET keeps the register layout */
  p->bcr[19] = 0x2000;                                 /* the EEPROM was found */
  p->bcr[BCR_STYLE] = 0x0200;
  p->rap = 0;
  p->rx_length = p->tx_length = 0;
  p->frame_bad = true;
  p->arrived_n = 0;
  io_timer_cancel(p->clock, &p->timer);
  update(p);
}

/* Address PROM: the station address, a checksum, and the letters WW that drivers look for. */
static uint8_t aprom(const struct io_pcnet *p, unsigned i) {
  if (i < 6) return p->net.mac[i];
  if (i >= 14) return 0x57;
  if (i < 12) return 0;
  unsigned sum = 2 * 0x57;
  for (int k = 0; k < 6; k++) sum += p->net.mac[k];
  return (uint8_t)(sum >> 8 * (i - 12));
}

/* The second half of the window: RDP, RAP, RESET, BDP, two bytes apart in word mode, four in double-word mode. */
enum { RDP, RAP, RESET, BDP };

static uint64_t pcnet_read(void *dev, uint32_t off, int size) {
  struct io_pcnet *p = dev;
  uint64_t v = 0;
  if (off < 16) {
    for (int i = 0; i < size; i++) v |= (uint64_t)aprom(p, off + (unsigned)i) << 8 * i;
    return v;
  }
  switch ((off - 16) >> (p->wide ? 2 : 1)) {
  case RDP: return read_csr(p, p->rap);
  case RAP: return p->rap;
  case RESET: chip_reset(p); return 0;
  case BDP: return read_bcr(p, p->rap);
  default: return 0xffffffff;
  }
}

static void pcnet_write(void *dev, uint32_t off, uint64_t v, int size) {
  struct io_pcnet *p = dev;
  if (off < 16) return;
  if (size == 4 && off == 16 && !p->wide) { /* a 32-bit write to RDP switches modes (21510, "Double Word I/O mode") */
    p->wide = true;
    p->bcr[BCR_BUS] |= BUS_DWIO;
  }
  switch ((off - 16) >> (p->wide ? 2 : 1)) {
  case RDP: write_csr(p, p->rap, (uint16_t)v); break;
  case RAP: p->rap = v & 0x7f; break;
  case BDP: write_bcr(p, p->rap, (uint16_t)v); break;
  default: break; /* RESET acts on reads */
  }
  update(p);
}

static const struct dev_ops pcnet_ops = {"pcnet", pcnet_read, pcnet_write, NULL};

static void pci_reset(void *ctx) {
  chip_reset(ctx);
}

void io_pcnet_init(struct io_pcnet *p, struct io_clock *clock, struct io_dma dma, struct io_net net) {
  memset(p, 0, sizeof *p);
  p->clock = clock;
  p->dma = dma;
  p->net = net;
  p->timer = (struct io_timer){.fn = look, .ctx = p};
  io_pci_ids(&p->pci, 0x1022, 0x2000, 0x02000040, 1);
  io_pci_put16(&p->pci, PCI_STATUS, 0x0280);
  p->pci.config[0x3e] = 6; /* MIN_GNT, MAX_LAT */
  p->pci.config[0x3f] = 0xff;
  p->pci.bar[0] = (struct io_pci_bar){.kind = PCI_BAR_IO, .size = 32, .ops = &pcnet_ops, .dev = p, .stall_ns = 200};
  p->pci.bar[1] = (struct io_pci_bar){.kind = PCI_BAR_MEM, .size = 32, .ops = &pcnet_ops, .dev = p, .stall_ns = 200};
  p->pci.reset = pci_reset;
  p->pci.ctx = p;
  if (net.listen) net.listen(net.ctx, look, p);
  chip_reset(p);
}

void io_pcnet_state(void *pcnet, struct snap *s) {
  struct io_pcnet *p = pcnet;
  enum { MOST = IO_PCNET_FRAME - 64, RING = 512 };
  io_pci_dev_state(&p->pci, s);
  SNAP_ARRAY(s, p->csr, p->csr[0]);
  SNAP_ARRAY(s, p->bcr, p->bcr[0]);
  SNAP_ARRAY(s, p->phy, p->phy[0]);
  SNAP(s, p->rap);
  SNAP(s, p->wide);
  SNAP(s, p->rx_ring);
  SNAP(s, p->tx_ring);
  SNAP(s, p->rx_length);
  SNAP(s, p->tx_length);
  SNAP(s, p->rx_at);
  SNAP(s, p->tx_at);
  SNAP(s, p->frame_n);
  SNAP(s, p->frame_bad);
  SNAP(s, p->arrived_n);
  SNAP(s, p->n_sent);
  SNAP(s, p->n_received);
  SNAP(s, p->n_missed);
  io_timer_state(p->clock, &p->timer, s);
  if (!snap_check(s, p->frame_n <= MOST && p->arrived_n <= MOST && p->rx_length <= RING && p->tx_length <= RING))
    return;
  snap_bytes(s, p->frame, p->frame_n);
  snap_bytes(s, p->arrived, p->arrived_n);
}
