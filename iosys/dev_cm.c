/* iosys/dev_cm.c: MIPS coherence manager (GCRs) and cluster power controller: who is there, and who runs. */
/* SPDX-License-Identifier: Apache-2.0 */
/* A CM2 with one vcpu in each core. Everything here is coherent anyway, so most registers only read back; what acts is
 * the power of a core: CPC commands, or RESET_RELEASE, start it at its RESET_BASE. The GCRs do not move. */
#include "iosys/board.h"
#include "iosys/disco.h"

enum { BLOCK_LOCAL = 0x2000, BLOCK_OTHER = 0x4000, BLOCK_DEBUG = 0x6000 }; /* of both */
enum {
  G_CONFIG = 0x000,
  G_BASE = 0x008,
  G_ACCESS = 0x020,
  G_REV = 0x030,
  G_ERROR_MASK = 0x040,
  G_L2_SYNC = 0x070,
  G_GIC_BASE = 0x080,
  G_CPC_BASE = 0x088,
  G_REGION = 0x090, /* base and mask of four */
  G_REGION_END = 0x0d0,
  G_GIC_STATUS = 0x0d0,
  G_CPC_STATUS = 0x0f0
};
enum {
  C_RESET_RELEASE = 0x00,
  C_COHERENCE = 0x08,
  C_CONFIG = 0x10,
  C_OTHER = 0x18,
  C_RESET_BASE = 0x20,
  C_ID = 0x28,
  C_RESET_EXT = 0x30
};
enum { P_ACCESS = 0x00, P_SEQDEL = 0x08, P_RESETLEN = 0x18, P_REVISION = 0x20 };
enum { PC_COMMAND = 0x00, PC_STATUS = 0x08, PC_OTHER = 0x10 };
enum { COMMAND_CLOCK_OFF = 1, COMMAND_POWER_DOWN, COMMAND_POWER_UP, COMMAND_RESET };
enum { REV_CM2 = 6 << 8, ENABLE = 1, EXISTS = 1, TARGET_MASK = 3, SYNC_PAGE = 0x8000 };
enum { STATUS_OFF = 0, STATUS_RUNS = 7 << 19, STATUS_HAS_GATES = 3 << 16 }; /* states D0 and U6 of the sequencer */

static void power(struct io_cm *c, unsigned core, bool up) {
  c->core[core].up = up;
  /* The address is one of kseg0 or kseg1. */
  uint64_t at = (uint64_t)(int64_t)(int32_t)c->core[core].reset_base;
  if (c->power.set) c->power.set(c->power.ctx, core, up, at);
}

/* --- GCRs --- */

static uint64_t core_read(const struct io_cm *c, unsigned n, uint32_t off) {
  const struct io_core *k = &c->core[n];
  switch (off) {
  case C_COHERENCE: return k->coherence;
  case C_OTHER: return (uint32_t)k->other << 16;
  case C_RESET_BASE: return k->reset_base;
  case C_ID: return n;
  case C_RESET_EXT: return k->reset_ext;
  default: return 0; /* C_CONFIG: one VPE, no IOCU */
  }
}

static void core_write(struct io_cm *c, unsigned n, uint32_t off, uint32_t v) {
  struct io_core *k = &c->core[n];
  switch (off) {
  case C_RESET_RELEASE: power(c, n, true); break;
  case C_COHERENCE: k->coherence = v & 0xff; break;
  case C_OTHER: k->other = (uint16_t)(v >> 16); break;
  case C_RESET_BASE: k->reset_base = 1u << 31 | (v & 0x3ffff000); break;
  case C_RESET_EXT: k->reset_ext = v & ~1u; break;
  default: break;
  }
}

static uint64_t global_read(const struct io_cm *c, uint32_t off) {
  if (off >= G_REGION && off < G_REGION_END) return c->region[(off - G_REGION) / 8];
  switch (off) {
  case G_CONFIG: return c->vcpus - 1;
  case G_BASE: return DISCO_GCR | c->base;
  case G_ACCESS: return c->access;
  case G_REV: return REV_CM2;
  case G_ERROR_MASK: return c->error_mask;
  case G_L2_SYNC: return (DISCO_GCR + SYNC_PAGE) | c->l2_sync;
  case G_GIC_BASE: return DISCO_GIC | c->gic;
  case G_CPC_BASE: return DISCO_CPC | c->cpc;
  case G_GIC_STATUS:
  case G_CPC_STATUS: return EXISTS;
  default: return 0;
  }
}

static void global_write(struct io_cm *c, uint32_t off, uint32_t v) {
  if (off >= G_REGION && off < G_REGION_END) c->region[(off - G_REGION) / 8] = v;
  switch (off) {
  case G_BASE: c->base = v & TARGET_MASK; break;
  case G_ACCESS: c->access = v; break;
  case G_ERROR_MASK: c->error_mask = v; break;
  case G_L2_SYNC: c->l2_sync = v & ENABLE; break;
  case G_GIC_BASE: c->gic = v & ENABLE; break;
  case G_CPC_BASE: c->cpc = v & ENABLE; break;
  default: break;
  }
}

static uint64_t cm_read(void *dev, uint32_t off, int size) {
  struct io_cm *c = dev;
  unsigned self = c->bus->master, other = c->core[self].other;
  (void)size;
  if (off < BLOCK_LOCAL) return global_read(c, off);
  if (off < BLOCK_OTHER) return core_read(c, self, off - BLOCK_LOCAL);
  return off < BLOCK_DEBUG && other < c->vcpus ? core_read(c, other, off - BLOCK_OTHER) : 0;
}

static void cm_write(void *dev, uint32_t off, uint64_t v, int size) {
  struct io_cm *c = dev;
  unsigned self = c->bus->master, other = c->core[self].other;
  (void)size;
  if (off < BLOCK_LOCAL)
    global_write(c, off, (uint32_t)v);
  else if (off < BLOCK_OTHER)
    core_write(c, self, off - BLOCK_LOCAL, (uint32_t)v);
  else if (off < BLOCK_DEBUG && other < c->vcpus)
    core_write(c, other, off - BLOCK_OTHER, (uint32_t)v);
}

static void cm_reset(void *dev) {
  struct io_cm *c = dev;
  *c = (struct io_cm){.bus = c->bus, .power = c->power, .vcpus = c->vcpus, .access = 0xff};
  for (unsigned n = 0; n < c->vcpus; n++) {
    c->core[n].reset_base = 0xbfc00000;
    c->core[n].up = !n;
  }
}

void io_cm_init(struct io_cm *c, const struct io_cm_config *config) {
  *c = (struct io_cm){.bus = config->bus, .power = config->power, .vcpus = config->vcpus};
  cm_reset(c);
}

/* --- CPC --- */

static void command(struct io_cm *c, unsigned n, uint32_t v) {
  switch (v & 0xf) {
  case COMMAND_CLOCK_OFF:
  case COMMAND_POWER_DOWN: power(c, n, false); break;
  case COMMAND_POWER_UP:
    if (!c->core[n].up) power(c, n, true);
    break;
  case COMMAND_RESET: power(c, n, true); break;
  default: break;
  }
}

static uint64_t gate_read(const struct io_cm *c, unsigned self, unsigned n, uint32_t off) {
  if (off == PC_STATUS && n < c->vcpus) return STATUS_HAS_GATES | (c->core[n].up ? STATUS_RUNS : STATUS_OFF);
  return off == PC_OTHER ? (uint32_t)c->core[self].cpc_other << 16 : 0;
}

static uint64_t cpc_read(void *dev, uint32_t off, int size) {
  struct io_cm *c = dev;
  unsigned self = c->bus->master;
  (void)size;
  if (off >= P_SEQDEL && off <= P_RESETLEN) return c->delay[(off - P_SEQDEL) / 8];
  if (off == P_ACCESS) return c->access;
  if (off < BLOCK_LOCAL || off >= BLOCK_DEBUG) return 0;
  return off < BLOCK_OTHER ? gate_read(c, self, self, off - BLOCK_LOCAL)
                           : gate_read(c, self, c->core[self].cpc_other, off - BLOCK_OTHER);
}

static void cpc_write(void *dev, uint32_t off, uint64_t v, int size) {
  struct io_cm *c = dev;
  unsigned self = c->bus->master, other = c->core[self].cpc_other;
  (void)size;
  if (off >= P_SEQDEL && off <= P_RESETLEN)
    c->delay[(off - P_SEQDEL) / 8] = (uint32_t)v;
  else if (off == P_ACCESS)
    c->access = (uint32_t)v;
  else if (off == BLOCK_LOCAL + PC_OTHER)
    c->core[self].cpc_other = v >> 16 & 0xff;
  else if (off == BLOCK_LOCAL + PC_COMMAND)
    command(c, self, (uint32_t)v);
  else if (off == BLOCK_OTHER + PC_COMMAND && other < c->vcpus)
    command(c, other, (uint32_t)v);
}

const struct dev_ops cm_ops = {"cm", cm_read, cm_write, cm_reset};
const struct dev_ops cpc_ops = {"cpc", cpc_read, cpc_write, NULL};

void io_cm_state(void *cm, struct snap *s) {
  struct io_cm *c = cm;
  SNAP(s, c->base);
  SNAP(s, c->access);
  SNAP(s, c->error_mask);
  SNAP(s, c->gic);
  SNAP(s, c->cpc);
  SNAP(s, c->l2_sync);
  SNAP_ARRAY(s, c->region, c->region[0]);
  SNAP_ARRAY(s, c->delay, c->delay[0]);
  for (struct io_core *k = c->core; k < c->core + c->vcpus; k++) {
    SNAP(s, k->coherence);
    SNAP(s, k->reset_base);
    SNAP(s, k->reset_ext);
    SNAP(s, k->other);
    SNAP(s, k->cpc_other);
    SNAP(s, k->up);
  }
}
