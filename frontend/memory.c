/* frontend/memory.c: the slow paths of loads, stores and fetches. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Reached when the soft TLB has no entry: translate, then fill, raise, or go to a device. Writes to translated code
 * happen only in a block that runs ALONE, so that no running block is pulled away; elsewhere they ask for a restart. So
 * do device accesses of helpers. Those of plain loads and stores are made at once; if the block may not go on after
 * one, its unit is run again ALONE, and finds there that the access has been made. Pages under a watch register, or
 * that a debugger watches, never enter the soft TLB. */
#include "frontend/code.h"
#include "jit/memory_ops.h"
#include <string.h>

struct shape {
  uint8_t size;
  bool sign, swap;
};

static struct shape shape_of(unsigned ir_op) {
#define LOAD(name, raw, as, swap) [IR_##name] = {sizeof(raw), (int64_t)(as)-1 == -1, IS_##swap},
#define STORE(name, raw, swap)    [IR_##name] = {sizeof(raw), false, IS_##swap},
#define IS_SWAP_NONE              false
#define IS___builtin_bswap16      true
#define IS___builtin_bswap32      true
#define IS___builtin_bswap64      true
  static const struct shape shape[IR_OPCODES] = {LOADS(LOAD) STORES(STORE)};
#undef LOAD
#undef STORE
  return shape[ir_op];
}

static uint64_t swapped(uint64_t v, struct shape s) {
  return s.swap ? __builtin_bswap64(v) >> (64 - 8 * s.size) : v;
}

/* Another cpu may look: in one access, once. */
static uint64_t get_bytes(const uint8_t *p, struct shape s) {
  const void *at = p;
  switch (s.size) {
  case 1: return __atomic_load_n(p, __ATOMIC_RELAXED);
  case 2: return swapped(__atomic_load_n((const uint16_t *)at, __ATOMIC_RELAXED), s);
  case 4: return swapped(__atomic_load_n((const uint32_t *)at, __ATOMIC_RELAXED), s);
  default: return swapped(__atomic_load_n((const uint64_t *)at, __ATOMIC_RELAXED), s);
  }
}

static void put_bytes(uint8_t *p, uint64_t v, struct shape s) {
  void *at = p;
  v = swapped(v, s);
  switch (s.size) {
  case 1: __atomic_store_n(p, (uint8_t)v, __ATOMIC_RELAXED); break;
  case 2: __atomic_store_n((uint16_t *)at, (uint16_t)v, __ATOMIC_RELAXED); break;
  case 4: __atomic_store_n((uint32_t *)at, (uint32_t)v, __ATOMIC_RELAXED); break;
  default: __atomic_store_n((uint64_t *)at, v, __ATOMIC_RELAXED); break;
  }
}

static uint64_t extend(uint64_t v, struct shape s) {
  unsigned unused = 64 - 8 * s.size;
  return s.sign ? (uint64_t)((int64_t)(v << unused) >> unused) : v << unused >> unused;
}

static void raise_for(struct cpu *c, enum mmu_result r, enum mmu_access kind, uint64_t va) {
  bool write = kind == MMU_WRITE, iec = c->cp0.pagegrain >> 27 & 1;
  switch (r) {
  case MMU_ADDRESS_ERROR: mips_raise_va(c, write ? EXC_ADES : EXC_ADEL, va, false); break;
  case MMU_REFILL: mips_raise_va(c, write ? EXC_TLBS : EXC_TLBL, va, true); break;
  case MMU_INVALID: mips_raise_va(c, write ? EXC_TLBS : EXC_TLBL, va, false); break;
  case MMU_MODIFIED: mips_raise_va(c, EXC_MOD, va, false); break;
  case MMU_RI: mips_raise_va(c, iec ? EXC_TLBRI : EXC_TLBL, va, false); break;
  case MMU_XI: mips_raise_va(c, iec ? EXC_TLBXI : EXC_TLBL, va, false); break;
  case MMU_OK: break;
  }
}

/* Does an enabled watch register cover this page (size 0) or this access? (PRA vol. III, WatchLo/WatchHi) */
static bool watched(const struct cpu *c, uint64_t va, unsigned size, enum mmu_access kind) {
  for (int i = 0; i < c->cfg.model->watch; i++) {
    uint64_t lo = c->cp0.watchlo[i];
    uint32_t hi = c->cp0.watchhi[i];
    if (!(lo >> (kind == MMU_FETCH ? 2 : kind == MMU_READ ? 1 : 0) & 1)) continue;
    if (!(hi >> 30 & 1) && (hi >> 16 & 0xff) != c->mmu.state.asid) continue;
    uint64_t mask = (hi & 0xff8) | 7;
    if (!size ? ((lo ^ va) & MMU_PAGE_MASK) == 0 : ((lo ^ va) & ~mask) == 0) return true;
  }
  return false;
}

/* A watch hit while EXL or ERL is set is only noted (Cause.WP) and taken later; we note it. */
static bool watch_hit(struct cpu *c, uint64_t va, unsigned size, enum mmu_access kind) {
  if (!c->cfg.model->watch || !watched(c, va, size, kind)) return false;
  if (c->cp0.status & (ST_EXL | ST_ERL)) {
    c->cp0.cause |= CAUSE_WP;
    return false;
  }
  mips_raise(c, EXC_WATCH);
  return true;
}

static bool restart(struct cpu *c) {
  if (c->alone) return false;
  c->j.trouble = JIT_RESTART;
  return true;
}

/* Changes whenever a block that runs may be out of date, or what it remembers of soft TLBs. */
static uint64_t upheavals(const struct cpu *c) {
  return jit_generation(c->cfg.jit) + c->cfg.pmap->shots;
}

/* Returns the upheavals before: timers that are due may drop translations. */
static uint64_t begin_device(struct cpu *c, uint64_t va, enum mmu_access kind) {
  uint64_t before = upheavals(c);
  if (c->cfg.trap) mips_trap_access(c, MIPS_TRAP_DEVICE, va, kind);
  c->cfg.io_now(c->cfg.ctx, mips_now(c));
  return before;
}

static void end_device(struct cpu *c, enum mips_event e) {
  mips_event_add(c->events, e);
  uint64_t stall = c->cfg.io_stall(c->cfg.ctx);
  c->j.budget -= (int64_t)stall;
  c->j.stalled += stall;
  c->n.device_accesses++;
  if (c->cfg.trap) mips_trap_done(c);
}

/* An access that an exception is raised for, instructions' own apart, is a trap before. */
static bool refuse(struct cpu *c, enum mmu_result why, enum mmu_access kind, uint64_t va) {
  if (c->cfg.trap && kind != MMU_FETCH) mips_trap_access(c, MIPS_TRAP_FORWARDED, va, kind);
  raise_for(c, why, kind, va);
  return false;
}

/* Translate for an access of `size` bytes. False: trouble is set. */
static bool resolve(struct cpu *c, uint64_t *va, unsigned size, enum mmu_access kind, gpa_t *at, bool *writable) {
  *va = mmu_canonical(&c->mmu, *va);
  if (*va & (size - 1)) return refuse(c, MMU_ADDRESS_ERROR, kind, *va);
  enum mmu_result r = mmu_translate(&c->mmu, *va, kind, at, writable);
  if (r != MMU_OK) return refuse(c, r, kind, *va);
  return !watch_hit(c, *va, size, kind) && !mips_debug_stops(c, *va, size, kind);
}

/* An access of a page is about to be made, which may cost time. False: not now, trouble is set. */
static bool pay(struct cpu *c, uint64_t va, const struct mmu_page *f, enum mmu_access kind) {
  return !c->cfg.numa || mips_numa_page(c, va, f, kind);
}

/* An access of memory is about to be made, for which it may have to trap. May soft TLBs have the page? */
static bool let_pass(struct cpu *c, uint64_t va, enum mmu_access kind) {
  return !c->cfg.trap || mips_trap_page(c, va, kind);
}

static bool may_fill(const struct cpu *c, uint64_t va, enum mmu_access kind) {
  if (mips_debug_watched(c->cfg.debug, va, 0, kind)) return false;
  return !c->cfg.model->watch || !watched(c, va, 0, kind);
}

/* The access that led to a restart has been made already. */
static bool made_before(struct cpu *c, uint64_t va) {
  bool made = c->made.there && c->made.va == va;
  c->made.there = false;
  return made;
}

/* After a device access within a block: may the block go on? If not its unit is run again; `v` is what was loaded. */
static void go_on_or_restart(struct cpu *c, uint64_t before, uint64_t va, uint64_t v) {
  mmu_pmap_settle(c->cfg.pmap);
  if (c->alone || (c->j.budget >= c->j.reserve && !c->j.attention && before == upheavals(c))) return;
  c->made.there = true;
  c->made.va = va;
  c->made.value = v;
  c->j.trouble = JIT_RESTART;
}

/* Generated code that makes accesses `at_once` has tried the view, if there is one. */
static bool by_view(const struct cpu *c, bool at_once) {
  return at_once && c->j.mode & MODE_VIEW;
}

/* A page that may be accessed was: let the view have it. */
static void enter_in_view(struct cpu *c, uint64_t va, struct mmu_page *f, bool writable) {
  gpa_t at;
  if (f->frame == NUMA_NO_FRAME || mmu_peek(&c->mmu, va, &at) != MMU_OK || !may_fill(c, va, MMU_READ)) {
    mmu_view_missed(&c->mmu);
    return;
  }
  writable &= !f->code && may_fill(c, va, MMU_WRITE);
  mmu_view_enter(&c->mmu, va, c->cfg.pmap->map, f, writable);
}

static uint64_t load(struct cpu *c, uint64_t va, unsigned ir_op, bool at_once) {
  struct shape s = shape_of(ir_op);
  const struct softtlb_entry *e = softtlb_find(&c->j.tlb.table[MMU_READ], va, s.size);
  if (e && !by_view(c, at_once)) return extend(get_bytes((const uint8_t *)(uintptr_t)(va + e->addend), s), s);
  gpa_t at;
  bool writable;
  if ((e = mips_numa_entry(c, va, s.size, MMU_READ))) {
    const uint8_t *host = (const uint8_t *)(uintptr_t)(va + e->addend); /* NOLINT(performance-no-int-to-ptr) */
    return mips_numa_refer(c, va, host, MMU_READ) ? extend(get_bytes(host, s), s) : 0;
  }
  if (!resolve(c, &va, s.size, MMU_READ, &at, &writable)) return 0;
  struct mmu_page *f = mmu_pmap_page(c->cfg.pmap, at);
  if (f) {
    if (!pay(c, va, f, MMU_READ)) return 0;
    if (let_pass(c, va, MMU_READ) && may_fill(c, va, MMU_READ)) {
      mmu_soft_fill(&c->mmu, va, MMU_READ, (uint64_t)(uintptr_t)f->host - (va & MMU_PAGE_MASK));
      if (by_view(c, at_once)) enter_in_view(c, va, f, writable);
    }
    if (!mips_numa_refer(c, va, f->host + (at.v & (MMU_PAGE_SIZE - 1)), MMU_READ)) return 0;
    return extend(get_bytes(f->host + (at.v & (MMU_PAGE_SIZE - 1)), s), s);
  }
  if (c->alone && made_before(c, va)) return extend(c->made.value, s);
  if (!at_once && restart(c)) return 0;
  uint64_t before = begin_device(c, va, MMU_READ);
  uint64_t v = c->cfg.io_read(c->cfg.ctx, at.v, s.size);
  end_device(c, MIPS_EVENT_DEVICE_LOAD);
  go_on_or_restart(c, before, va, v);
  return extend(v, s);
}

uint64_t mips_load(struct cpu *c, uint64_t va, unsigned ir_op) {
  return load(c, va, ir_op, false);
}
uint64_t mips_load_at_once(struct cpu *c, uint64_t va, unsigned ir_op) {
  return load(c, va, ir_op, true);
}

static bool open_page(struct cpu *c, struct mmu_page *f) {
  if (!mmu_page_open(c->cfg.pmap->map, f)) return true;
  c->dead = mips_deaths[MIPS_DEAD_NO_MEMORY];
  restart(c);
  return false;
}

static void store(struct cpu *c, uint64_t va, uint64_t v, unsigned ir_op, bool at_once) {
  struct shape s = shape_of(ir_op);
  const struct softtlb_entry *e = softtlb_find(&c->j.tlb.table[MMU_WRITE], va, s.size);
  if (e && !by_view(c, at_once)) {
    put_bytes((uint8_t *)(uintptr_t)(va + e->addend), v, s);
    return;
  }
  gpa_t at;
  bool writable;
  if ((e = mips_numa_entry(c, va, s.size, MMU_WRITE))) {
    uint8_t *host = (uint8_t *)(uintptr_t)(va + e->addend); /* NOLINT(performance-no-int-to-ptr) */
    if (mips_numa_refer(c, va, host, MMU_WRITE)) put_bytes(host, v, s);
    return;
  }
  if (!resolve(c, &va, s.size, MMU_WRITE, &at, &writable)) return;
  struct mmu_page *f = mmu_pmap_page(c->cfg.pmap, at);
  uint32_t offset = at.v & (MMU_PAGE_SIZE - 1);
  if (f) {
    if (!pay(c, va, f, MMU_WRITE)) return;
    if ((!mmu_page_is_open(f) && !open_page(c, f)) || !mips_code_store(c, f, offset, s.size)) return;
    bool pass = let_pass(c, va, MMU_WRITE), told = mips_numa_refer(c, va, f->host + offset, MMU_WRITE);
    if (told) put_bytes(f->host + offset, v, s);
    if (f->code) mips_code_unlock(c);
    if (!told) return;
    if (!f->code && pass && may_fill(c, va, MMU_WRITE)) {
      mmu_soft_fill(&c->mmu, va, MMU_WRITE, (uint64_t)(uintptr_t)f->host - (va & MMU_PAGE_MASK));
      if (by_view(c, at_once)) enter_in_view(c, va, f, true);
    } else if (by_view(c, at_once)) {
      mmu_view_missed(&c->mmu);
    }
    return;
  }
  if (c->alone && made_before(c, va)) return;
  if (!at_once && restart(c)) return;
  uint64_t before = begin_device(c, va, MMU_WRITE);
  c->cfg.io_write(c->cfg.ctx, at.v, extend(v, (struct shape){.size = s.size}), s.size);
  end_device(c, MIPS_EVENT_DEVICE_STORE);
  go_on_or_restart(c, before, va, 0);
}

void mips_store(struct cpu *c, uint64_t va, uint64_t v, unsigned ir_op) {
  store(c, va, v, ir_op, false);
}
void mips_store_at_once(struct cpu *c, uint64_t va, uint64_t v, unsigned ir_op) {
  store(c, va, v, ir_op, true);
}

static bool exchange(uint8_t *p, uint64_t expected, uint64_t v, struct shape s) {
  uint32_t narrow = (uint32_t)swapped((uint32_t)expected, s);
  uint64_t wide = swapped(expected, s);
  void *at = p;
  return s.size == 4 ? __atomic_compare_exchange_n((uint32_t *)at, &narrow, (uint32_t)swapped((uint32_t)v, s), false,
                                                   __ATOMIC_SEQ_CST, __ATOMIC_RELAXED)
                     : __atomic_compare_exchange_n((uint64_t *)at, &wide, swapped(v, s), false, __ATOMIC_SEQ_CST,
                                                   __ATOMIC_RELAXED);
}

bool mips_store_if(struct cpu *c, uint64_t va, uint64_t expected, uint64_t v, unsigned ir_op) {
  struct shape s = shape_of(ir_op);
  const struct softtlb_entry *e = softtlb_find(&c->j.tlb.table[MMU_WRITE], va, s.size);
  if (e) return exchange((uint8_t *)(uintptr_t)(va + e->addend), expected, v, s);
  gpa_t at;
  bool writable;
  if (!resolve(c, &va, s.size, MMU_WRITE, &at, &writable)) return false;
  struct mmu_page *f = mmu_pmap_page(c->cfg.pmap, at);
  uint32_t offset = at.v & (MMU_PAGE_SIZE - 1);
  if (!f) { /* a device takes it as it comes */
    mips_store(c, va, v, ir_op);
    return !c->j.trouble;
  }
  if ((!mmu_page_is_open(f) && !open_page(c, f)) || !mips_code_store(c, f, offset, s.size)) return false;
  bool stored = exchange(f->host + offset, expected, v, s);
  if (f->code)
    mips_code_unlock(c);
  else if (may_fill(c, va, MMU_WRITE))
    mmu_soft_fill(&c->mmu, va, MMU_WRITE, (uint64_t)(uintptr_t)f->host - (va & MMU_PAGE_MASK));
  return stored;
}

void mips_stored_by_other(struct cpu *c, uint64_t at, uint64_t bytes) {
  /* The link covers its aligned doubleword at least (MIPS64 vol. II, LL). */
  if (c->cfg.gang || !c->ll_bit) return;
  uint64_t link = mmu_link_gpa(&c->mmu) & ~UINT64_C(7);
  if (at < link + 8 && link < at + bytes) c->ll_bit = 0;
}

struct mmu_page *mips_fetch(struct cpu *c, uint64_t pc, gpa_t *device) {
  const struct softtlb_entry *e = softtlb_find(&c->j.tlb.table[MMU_FETCH], pc, 4);
  if (e) return (struct mmu_page *)(uintptr_t)e->addend;
  bool writable;
  if (!resolve(c, &pc, 4, MMU_FETCH, device, &writable)) return NULL;
  struct mmu_page *f = mmu_pmap_page(c->cfg.pmap, *device);
  if (f && may_fill(c, pc, MMU_FETCH)) mmu_soft_fill(&c->mmu, pc, MMU_FETCH, (uint64_t)(uintptr_t)f);
  return f;
}

bool mips_fetch_word(struct cpu *c, uint64_t pc, uint32_t *word) {
  gpa_t device;
  const struct mmu_page *f = mips_fetch(c, pc, &device);
  if (f) {
    *word = (uint32_t)get_bytes(f->host + (pc & (MMU_PAGE_SIZE - 1)),
                                (struct shape){.size = 4, .swap = mips_big(c)}); /* hosts are little-endian */
    return true;
  }
  if (c->j.trouble) return false;
  if (c->cfg.io_fetch && c->cfg.io_fetch(c->cfg.ctx, device.v, word)) return true;
  mips_raise(c, EXC_IBE);
  return false;
}

const uint8_t *mips_peek_page(const struct cpu *c, uint64_t va) {
  gpa_t at;
  if (mmu_peek(&c->mmu, mmu_canonical(&c->mmu, va), &at) != MMU_OK) return NULL;
  const struct mmu_page *f = mmu_pmap_page(c->cfg.pmap, at);
  return f ? f->host : NULL;
}
