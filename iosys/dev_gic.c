/* iosys/dev_gic.c: MIPS global interrupt controller: shared interrupts, those of each vcpu, the counter all share. */
/* SPDX-License-Identifier: Apache-2.0 */
/* A shared input has polarity, trigger and mask, and goes to one pin of the vcpus its map names. The counter is not
 * ticked: it is worked out of virtual time. Not there: EIC mode, NMI, the watchdog, and routing of what a core can
 * raise by itself (GIC_VL_CTL says so), which stays with the core. Register names as in the manual named in disco.h. */
#include "iosys/board.h"
#include "iosys/disco.h"

/* Blocks, from the base. */
enum { LOCAL = 0x8000, OTHER = 0xc000, USER = 0x10000 };
/* The shared block. */
enum {
  SH_CONFIG = 0x000,
  SH_COUNTER = 0x010,
  SH_COUNTER_HIGH = 0x014,
  SH_REVISION = 0x020,
  SH_POL = 0x100,
  SH_TRIG = 0x180,
  SH_DUAL = 0x200,
  SH_WEDGE = 0x280,
  SH_RMASK = 0x300,
  SH_SMASK = 0x380,
  SH_MASK = 0x400,
  SH_PEND = 0x480,
  SH_PIN = 0x500,
  SH_VP = 0x2000,
  SH_END = 0x4000,
  BITMAP = 0x80, /* room of each bit-per-interrupt register */
  VP_STRIDE = 0x20
};
/* A vcpu's block. */
enum {
  V_CTL = 0x00,
  V_PEND = 0x04,
  V_MASK = 0x08,
  V_RMASK = 0x0c,
  V_SMASK = 0x10,
  V_MAP = 0x40,
  V_MAP_END = V_MAP + 4 * IO_GIC_LOCAL,
  V_OTHER = 0x80,
  V_IDENT = 0x88,
  V_COMPARE = 0xa0,
  V_COMPARE_HIGH = 0xa4
};
enum { CONFIG_STOP = 1 << 28, CONFIG_64_BITS = 8 << 24, REVISION = 0x400, INT_COMPARE = 1 << 1, INTS = 0x7f, PINS = 6 };
#define MAP_TO_PIN (1u << 31)
#define WEDGE_SET  (1u << 31)
#define MAP_MASK   (7u << 29 | 0x3f)

/* --- from inputs to pins --- */

static uint32_t pending(const struct io_gic *g, unsigned w) {
  uint32_t asserted = ~(g->level[w] ^ g->pol[w]);
  return (g->edge[w] & g->trig[w]) | (asserted & ~g->trig[w]);
}

static void raise(uint8_t pins[IO_VCPUS], uint32_t map, uint32_t vcpus) {
  if (!(map & MAP_TO_PIN) || (map & 0x3f) >= PINS) return;
  for (; vcpus; vcpus &= vcpus - 1) pins[__builtin_ctz(vcpus)] |= (uint8_t)(1u << (map & 0x3f));
}

/* Which local interrupt the map register i routes: FDC, the last, stands behind TIMER. */
static unsigned routed_by(unsigned i) {
  return i < 3 ? i : i == 3 ? IO_GIC_LOCAL - 1 : i - 1;
}

static void update(struct io_gic *g) {
  uint8_t pins[IO_VCPUS] = {0};
  for (unsigned w = 0; w < IO_GIC_WORDS; w++)
    for (uint32_t on = pending(g, w) & g->mask[w]; on; on &= on - 1) {
      unsigned n = 32 * w + (unsigned)__builtin_ctz(on);
      raise(pins, g->pin[n], g->vp[n]);
    }
  for (unsigned v = 0; v < g->vcpus; v++) {
    struct io_gic_vp *l = &g->local[v];
    for (unsigned i = 0; i < IO_GIC_LOCAL && l->pend & l->mask; i++)
      if (l->pend & l->mask & 1u << routed_by(i)) raise(pins, l->map[i], 1u << v);
    for (int n = 0; n < PINS; n++) {
      struct irq_line line = {g->cpu.set, g->cpu.ctx, g->cpu.n + IO_CPU_LINE((int)v, n)};
      if ((pins[v] ^ l->pins) >> n & 1) io_irq_set(&line, pins[v] >> n & 1);
    }
    l->pins = pins[v];
  }
}

void io_gic_irq(void *gic, int n, int level) {
  struct io_gic *g = gic;
  unsigned w = (unsigned)n / 32;
  uint32_t bit = 1u << (n & 31), was = g->level[w] & bit;
  if (!was == !level) return;
  g->level[w] ^= bit;
  bool rising = level, wanted = g->pol[w] & bit;
  if (g->dual[w] & bit || rising == wanted) g->edge[w] |= bit;
  update(g);
}

/* --- the counter --- */

static uint64_t counter(const struct io_gic *g) {
  return g->stopped ? g->count : g->count + io_clock_ns(g->clock) / IO_GIC_NS;
}

/* The interrupt is the meeting: a value that has gone by is met again after the counter has wrapped, which is never. */
static void arm(struct io_gic_vp *l) {
  struct io_gic *g = l->gic;
  uint64_t ahead = l->compare - counter(g), ns = io_clock_ns(g->clock);
  if (g->stopped || !ahead || ahead > (UINT64_MAX - ns) / IO_GIC_NS)
    io_timer_cancel(g->clock, &l->timer);
  else
    io_timer_set(g->clock, &l->timer, (ns / IO_GIC_NS + ahead) * IO_GIC_NS);
}

static void met(void *vp) {
  struct io_gic_vp *l = vp;
  l->pend |= INT_COMPARE;
  update(l->gic);
}

static void set_counter(struct io_gic *g, uint64_t now, bool stopped) {
  g->count = stopped ? now : now - io_clock_ns(g->clock) / IO_GIC_NS;
  g->stopped = stopped;
  for (unsigned v = 0; v < g->vcpus; v++) arm(&g->local[v]);
}

/* --- a vcpu's block --- */

static uint64_t local_read(const struct io_gic *g, unsigned vcpu, uint32_t off) {
  const struct io_gic_vp *l = &g->local[vcpu];
  if (off >= V_MAP && off < V_MAP_END) return l->map[(off - V_MAP) / 4];
  switch (off) {
  case V_PEND: return l->pend;
  case V_MASK: return l->mask;
  case V_OTHER: return l->other;
  case V_IDENT: return vcpu;
  case V_COMPARE: return (uint32_t)l->compare;
  case V_COMPARE_HIGH: return l->compare >> 32;
  default: return 0; /* V_CTL: nothing is routable */
  }
}

static void local_write(struct io_gic *g, unsigned vcpu, uint32_t off, uint32_t v) {
  struct io_gic_vp *l = &g->local[vcpu];
  if (off >= V_MAP && off < V_MAP_END) l->map[(off - V_MAP) / 4] = v & MAP_MASK;
  switch (off) {
  case V_RMASK: l->mask &= ~v; break;
  case V_SMASK: l->mask |= v & INTS; break;
  case V_OTHER: l->other = v & 0x3f; break;
  case V_COMPARE:
  case V_COMPARE_HIGH:
    io_put_half(&l->compare, off == V_COMPARE_HIGH, v);
    l->pend &= ~(uint32_t)INT_COMPARE;
    arm(l);
    break;
  default: break;
  }
  update(g);
}

/* --- the shared block --- */

/* The bit-per-interrupt register at off, if it is one that is simply kept. */
static uint32_t *kept(struct io_gic *g, uint32_t off) {
  uint32_t w = off % BITMAP / 4;
  if (w >= IO_GIC_WORDS) return NULL;
  switch (off & ~(BITMAP - 1u)) {
  case SH_POL: return &g->pol[w];
  case SH_TRIG: return &g->trig[w];
  case SH_DUAL: return &g->dual[w];
  default: return NULL;
  }
}

static uint64_t shared_read(struct io_gic *g, uint32_t off) {
  const uint32_t *bits = kept(g, off);
  uint32_t w = off % BITMAP / 4;
  if (bits) return *bits;
  if (off >= SH_VP && off < SH_VP + VP_STRIDE * IO_GIC_SHARED)
    return off % VP_STRIDE ? 0 : g->vp[(off - SH_VP) / VP_STRIDE];
  if (off >= SH_PIN && off < SH_PIN + 4 * IO_GIC_SHARED) return g->pin[(off - SH_PIN) / 4];
  if (off >= SH_MASK && off < SH_PEND) return w < IO_GIC_WORDS ? g->mask[w] : 0;
  if (off >= SH_PEND && off < SH_PIN) return w < IO_GIC_WORDS ? pending(g, w) : 0;
  switch (off) {
  case SH_CONFIG:
    return (g->stopped ? CONFIG_STOP : 0) | CONFIG_64_BITS | (IO_GIC_SHARED / 8 - 1) << 16 | (g->vcpus - 1);
  case SH_COUNTER: return (uint32_t)counter(g);
  case SH_COUNTER_HIGH: return counter(g) >> 32;
  case SH_REVISION: return REVISION;
  default: return 0;
  }
}

/* An edge made, or acknowledged, by software. */
static void wedge(struct io_gic *g, uint32_t v) {
  uint32_t n = v & 0xff, bit = 1u << (n & 31);
  if (n >= IO_GIC_SHARED) return;
  if (v & WEDGE_SET)
    g->edge[n / 32] |= bit;
  else
    g->edge[n / 32] &= ~bit;
}

static void shared_write(struct io_gic *g, uint32_t off, uint32_t v) {
  uint32_t *bits = kept(g, off), w = off % BITMAP / 4;
  uint64_t now = counter(g);
  if (bits)
    *bits = v;
  else if (off >= SH_VP && off < SH_VP + VP_STRIDE * IO_GIC_SHARED && !(off % VP_STRIDE))
    g->vp[(off - SH_VP) / VP_STRIDE] = (uint16_t)(v & ((1u << g->vcpus) - 1));
  else if (off >= SH_PIN && off < SH_PIN + 4 * IO_GIC_SHARED)
    g->pin[(off - SH_PIN) / 4] = v & MAP_MASK;
  else if (off >= SH_RMASK && off < SH_SMASK && w < IO_GIC_WORDS)
    g->mask[w] &= ~v;
  else if (off >= SH_SMASK && off < SH_MASK && w < IO_GIC_WORDS)
    g->mask[w] |= v;
  else if (off == SH_CONFIG)
    set_counter(g, now, v & CONFIG_STOP);
  else if ((off == SH_COUNTER || off == SH_COUNTER_HIGH) && g->stopped)
    io_put_half(&g->count, off == SH_COUNTER_HIGH, v);
  else if (off == SH_WEDGE)
    wedge(g, v);
  update(g);
}

/* --- the whole --- */

static uint64_t gic_read(void *dev, uint32_t off, int size) {
  struct io_gic *g = dev;
  unsigned self = g->bus->master, other = g->local[self].other;
  (void)size;
  if (off < LOCAL) return shared_read(g, off);
  if (off < OTHER) return local_read(g, self, off - LOCAL);
  if (off < USER) return other < g->vcpus ? local_read(g, other, off - OTHER) : 0;
  return off == USER ? (uint32_t)counter(g) : off == USER + 4 ? counter(g) >> 32 : 0;
}

static void gic_write(void *dev, uint32_t off, uint64_t v, int size) {
  struct io_gic *g = dev;
  unsigned self = g->bus->master, other = g->local[self].other;
  (void)size;
  if (off < LOCAL)
    shared_write(g, off, (uint32_t)v);
  else if (off < OTHER)
    local_write(g, self, off - LOCAL, (uint32_t)v);
  else if (off < USER && other < g->vcpus)
    local_write(g, other, off - OTHER, (uint32_t)v);
}

static void gic_reset(void *dev) {
  struct io_gic *g = dev;
  for (unsigned w = 0; w < IO_GIC_WORDS; w++) g->edge[w] = g->pol[w] = g->trig[w] = g->dual[w] = g->mask[w] = 0;
  for (unsigned n = 0; n < IO_GIC_SHARED; n++) {
    g->pin[n] = MAP_TO_PIN;
    g->vp[n] = 0;
  }
  for (unsigned v = 0; v < g->vcpus; v++) {
    struct io_gic_vp *l = &g->local[v];
    l->pend = l->mask = l->other = 0;
    l->compare = UINT64_MAX;
    for (unsigned i = 0; i < IO_GIC_LOCAL; i++) l->map[i] = MAP_TO_PIN;
  }
  set_counter(g, 0, true);
  update(g);
}

void io_gic_init(struct io_gic *g, const struct io_gic_config *config) {
  *g = (struct io_gic){.clock = config->clock, .bus = config->bus, .cpu = config->cpu, .vcpus = config->vcpus};
  for (unsigned v = 0; v < g->vcpus; v++) {
    g->local[v].gic = g;
    g->local[v].timer = (struct io_timer){.fn = met, .ctx = &g->local[v]};
  }
  gic_reset(g);
}

void io_gic_fini(struct io_gic *g) {
  for (unsigned v = 0; v < g->vcpus; v++) io_timer_cancel(g->clock, &g->local[v].timer);
}

const struct dev_ops gic_ops = {"gic", gic_read, gic_write, gic_reset};

void io_gic_state(void *gic, struct snap *s) {
  struct io_gic *g = gic;
  SNAP_ARRAY(s, g->level, g->level[0]);
  SNAP_ARRAY(s, g->edge, g->edge[0]);
  SNAP_ARRAY(s, g->pol, g->pol[0]);
  SNAP_ARRAY(s, g->trig, g->trig[0]);
  SNAP_ARRAY(s, g->dual, g->dual[0]);
  SNAP_ARRAY(s, g->mask, g->mask[0]);
  SNAP_ARRAY(s, g->pin, g->pin[0]);
  SNAP_ARRAY(s, g->vp, g->vp[0]);
  SNAP(s, g->stopped);
  SNAP(s, g->count);
  for (struct io_gic_vp *l = g->local; l < g->local + g->vcpus; l++) {
    SNAP(s, l->pend);
    SNAP(s, l->mask);
    SNAP_ARRAY(s, l->map, l->map[0]);
    SNAP(s, l->other);
    SNAP(s, l->compare);
    SNAP(s, l->pins);
    io_timer_state(g->clock, &l->timer, s);
  }
}
