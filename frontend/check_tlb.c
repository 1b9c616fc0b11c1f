/* frontend/check_tlb.c: TLB entries written wrongly, and used when the page table no longer says what they do. */
/* SPDX-License-Identifier: Apache-2.0 */
/* What a page table is, is told by what the guest does: when a TLB entry is written, its EntryLo0 and EntryLo1 are two
 * of the last words loaded, neighbours in memory, shifted to the right by the same number of bits. These words are the
 * entry's origin. An access to user space by an entry whose origin says something else now is a mistake, but not at
 * once: a kernel changes many words, and then flushes. It must have done so when the vcpu that has changed the word is
 * back in user mode. */
#include "frontend/check_parts.h"
#include <stdlib.h>
#include <string.h>

enum {
  VCPUS = 16,
  LOADS = 16,
  ORIGINS = 4096, /* of a vcpu; the second-level TLB has as many, or fewer, by default */
  CHANGES = 4096,
  GLOBAL = 256, /* instead of an ASID */
  SIZES = 9,
  MIN_BITS = 30 /* of EntryLo: G, V, D, C and the frame's number */
};
enum { LO_V = 2, LO_D = 4, LO_FRAME = 0x3fffffc0 };

struct load {
  uint64_t at, value;
  uint32_t bytes;
};

/* Where an entry's halves stand in memory, and what they said when it was written. */
struct origin {
  uint64_t vpn; /* the pair's address | 1; 0: none */
  uint16_t asid;
  uint8_t shift, bytes;
  uint64_t at; /* of the first */
  uint64_t lo[2];
};

struct change {
  uint64_t word; /* its number + 1; 0: none */
  uint64_t pc, returns;
  uint8_t vcpu;
};

struct vcpu {
  struct load load[LOADS];
  uint64_t loads, returns; /* to user mode */
  unsigned sizes;          /* of pages, as bits */
  struct origin *origin;   /* owned; made for the first entry */
};

struct check_tlb {
  uint8_t *word; /* owned: bits of words: is it an entry's origin? */
  struct change change[CHANGES];
  struct vcpu vcpu[VCPUS];
};

struct check_tlb *check_tlb_new(uint64_t bytes, unsigned vcpus) {
  struct check_tlb *t = calloc(1, sizeof *t);
  if (!t) return NULL;
  bool good = (t->word = calloc(bytes / 32 + 1, 1));
  for (unsigned i = 0; i < vcpus && i < VCPUS; i++)
    good = (t->vcpu[i].origin = calloc(ORIGINS, sizeof *t->vcpu[i].origin)) && good;
  if (good) return t;
  check_tlb_free(t);
  return NULL;
}

void check_tlb_free(struct check_tlb *t) {
  if (!t) return;
  for (unsigned i = 0; i < VCPUS; i++) free(t->vcpu[i].origin);
  free(t->word);
  free(t);
}

/* --- where entries come from --- */

static struct origin *slot_of(struct vcpu *v, uint64_t vpn, unsigned asid) {
  return &v->origin[check_hash(vpn + asid) >> 52];
}

static uint64_t value_at(const struct cpu *c, uint64_t at, uint32_t bytes) {
  uint64_t v = 0;
  memcpy(&v, check_ram(c->cfg.check, at), bytes);
  return !mips_big(c) ? v : bytes == 8 ? __builtin_bswap64(v) : __builtin_bswap32((uint32_t)v);
}

/* The bits of EntryLo that a word, so shifted, can tell. A rotation has what was shifted out above them. */
static uint64_t told_by(unsigned shift, uint32_t bytes) {
  unsigned bits = 8 * bytes - shift;
  return (UINT64_C(1) << (bits < MIN_BITS ? bits : MIN_BITS)) - 1;
}

static bool is_made_of(uint64_t lo, const struct load *l, unsigned shift) {
  return ((l->value >> shift ^ lo) & told_by(shift, l->bytes)) == 0;
}

/* Of the vcpu's last loads the one of these bytes, or NULL. */
static const struct load *loaded(const struct vcpu *v, uint64_t at, uint32_t bytes) {
  for (uint64_t i = 1; i <= LOADS && i <= v->loads; i++) {
    const struct load *l = &v->load[(v->loads - i) % LOADS];
    if (l->at == at && l->bytes == bytes) return l;
  }
  return NULL;
}

static bool find_words(const struct vcpu *v, struct origin *o) {
  for (uint64_t i = 1; i <= LOADS && i <= v->loads; i++) {
    const struct load *l = &v->load[(v->loads - i) % LOADS], *next = loaded(v, l->at + l->bytes, l->bytes);
    if (!next || l->at % (2 * l->bytes)) continue;
    for (unsigned shift = 0; shift <= 8 * l->bytes - 24; shift++) {
      if (!is_made_of(o->lo[0], l, shift) || !is_made_of(o->lo[1], next, shift)) continue;
      o->at = l->at;
      o->bytes = (uint8_t)l->bytes;
      o->shift = (uint8_t)shift;
      return true;
    }
  }
  return false;
}

static void note_origin(struct cpu *c) {
  struct check_tlb *t = c->cfg.check->tlb;
  struct vcpu *v = &t->vcpu[c->cfg.number];
  const struct mips_cp0 *p = &c->cp0;
  uint64_t mask = p->pagemask | 0x1fff, vpn = p->entryhi & ~mask & mmu_vpn_bits(&c->mmu);
  if (!v->origin || vpn >> 62 || (c->mmu.segbits == 32 && vpn >> 31)) return;
  struct origin o = {.vpn = vpn | 1, .asid = (uint8_t)p->entryhi, .lo = {p->entrylo0, p->entrylo1}};
  if (p->entrylo0 & p->entrylo1 & 1) o.asid = GLOBAL;
  struct origin *slot = slot_of(v, vpn, o.asid);
  bool valid = (o.lo[0] | o.lo[1]) & LO_V;
  if (!valid || !find_words(v, &o)) o.vpn = 0;
  *slot = o;
  c->cfg.check->entries += valid;
  c->cfg.check->entries_known += !!o.vpn;
  if (!o.vpn) return;
  v->sizes |= 1u << (__builtin_ctzll(~mask) - 13) / 2;
  for (uint64_t w = o.at / 4; w < (o.at + 2 * o.bytes) / 4; w++) t->word[w / 8] |= (uint8_t)(1u << w % 8);
}

void mips_check_tlb_write(struct cpu *c, int overlaps, bool random) {
  const struct mips_cp0 *p = &c->cp0;
  if (!c->cfg.check->tlb) return;
  if (overlaps >= 0) check_found_at(c, MIPS_FOUND_TLB_DUPLICATE, (uint64_t)overlaps, 0);
  if ((p->entrylo0 ^ p->entrylo1) & 1) check_found_at(c, MIPS_FOUND_TLB_GLOBAL, p->entryhi & ~UINT64_C(0x1fff), 0);
  uint32_t index = p->index & INT32_MAX;
  if (!random && index >= c->mmu.entries) check_found_at(c, MIPS_FOUND_TLB_INDEX, index, 0);
  note_origin(c);
}

/* --- what becomes of them --- */

void check_tlb_returned(struct cpu *c) {
  if ((c->j.mode & MODE_PRIV) == MMU_USER) c->cfg.check->tlb->vcpu[c->cfg.number].returns++;
}

static struct change *change_of(struct check_tlb *t, uint64_t word) {
  return &t->change[check_hash(word) >> 52];
}

static void stored(struct cpu *c, const struct check_access *a) {
  struct check_tlb *t = c->cfg.check->tlb;
  for (uint64_t w = a->at / 4; w <= (a->at + a->bytes - 1) / 4; w++)
    if (t->word[w / 8] >> w % 8 & 1)
      *change_of(t, w) = (struct change){.word = w + 1,
                                         .pc = check_present_pc(c),
                                         .returns = t->vcpu[c->cfg.number].returns,
                                         .vcpu = (uint8_t)c->cfg.number};
}

/* The entry that answers for the address, or NULL. */
static const struct mmu_tlb_entry *answers(const struct cpu *c, uint64_t va) {
  int i = mmu_tlb_find(&c->mmu, va, c->mmu.state.asid);
  return i >= 0 ? &c->mmu.tlb[i] : mmu_l2tlb_find(&c->mmu, va, c->mmu.state.asid);
}

static struct origin *origin_of(struct cpu *c, struct vcpu *v, uint64_t va, bool *odd) {
  va &= mmu_vpn_bits(&c->mmu);
  for (unsigned k = 0; k < SIZES; k++) {
    if (!(v->sizes >> k & 1)) continue;
    uint64_t mask = (UINT64_C(0x2000) << 2 * k) - 1, vpn = va & ~mask;
    *odd = va & (mask + 1) >> 1;
    struct origin *o = slot_of(v, vpn, c->mmu.state.asid);
    if (o->vpn == (vpn | 1) && o->asid == c->mmu.state.asid) return o;
    o = slot_of(v, vpn, GLOBAL);
    if (o->vpn == (vpn | 1) && o->asid == GLOBAL) return o;
  }
  return NULL;
}

/* Has the change been flushed by now, as far as the vcpu that made it is concerned? */
static const struct change *overdue(struct check_tlb *t, uint64_t at, uint32_t bytes) {
  const struct change *last = NULL;
  for (uint64_t w = at / 4; w <= (at + bytes - 1) / 4; w++) {
    const struct change *x = change_of(t, w);
    if (x->word != w + 1) continue;
    if (t->vcpu[x->vcpu].returns == x->returns) return NULL;
    last = x;
  }
  return last;
}

static void used(struct cpu *c, const struct check_access *a) {
  struct check_tlb *t = c->cfg.check->tlb;
  bool odd;
  struct origin *o = origin_of(c, &t->vcpu[c->cfg.number], a->va, &odd);
  if (!o) return;
  uint64_t at = o->at + odd * (uint64_t)o->bytes, old = o->lo[odd], told = told_by(o->shift, o->bytes);
  uint64_t is = value_at(c, at, o->bytes) >> o->shift;
  bool same = is & LO_V && !((is ^ old) & LO_FRAME & told) && (is & LO_D || !a->store);
  if (same) return;
  const struct change *x = overdue(t, at, o->bytes);
  if (!x) return;
  const struct mmu_tlb_entry *e = answers(c, a->va);
  bool serves = e && e->half[odd].v && e->half[odd].pfn == ((old & LO_FRAME) >> 6) << 12;
  enum mips_finding_kind kind = is & LO_V && (is ^ old) & LO_FRAME & told ? MIPS_FOUND_TLB_STALE_FRAME
                                : is & LO_V                               ? MIPS_FOUND_TLB_STALE_DIRTY
                                                                          : MIPS_FOUND_TLB_STALE_VALID;
  if (serves)
    check_found(c, &(struct mips_finding){
                       .kind = kind, .pc = check_present_pc(c), .va = a->va, .before = x->pc, .by = x->vcpu});
  o->vpn = 0; /* said once; or it is another entry by now */
}

void check_tlb_access(struct cpu *c, const struct check_access *a) {
  struct vcpu *v = &c->cfg.check->tlb->vcpu[c->cfg.number];
  bool kernel = (c->j.mode & MODE_PRIV) == MMU_KERNEL;
  bool user_space = c->mmu.segbits == 32 ? !(a->va >> 31) : !(a->va >> 62);
  if (a->store) stored(c, a);
  if (kernel && !a->store && a->bytes >= 4)
    v->load[v->loads++ % LOADS] = (struct load){a->at, value_at(c, a->at, a->bytes), a->bytes};
  if (user_space && v->origin && !(kernel && c->cp0.status & ST_ERL)) used(c, a);
}
