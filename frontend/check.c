/* frontend/check.c: mistakes of a guest that real hardware punishes now and then, and that nobody sees here. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Caches are not modelled, only what has to be told to them. Of each word of RAM is known: was it stored to since its
 * line was last written back (or was the line never written back), and was it fetched, and then changed, since its line
 * was last invalidated in the instruction cache. An operation by index is one of a loop over the whole cache and counts
 * for all. */
#include "frontend/check_parts.h"
#include "frontend/helpers.h"
#include "frontend/lift_rows.h"
#include <stdlib.h>
#include <string.h>

const struct mips_finding_info mips_finding_info[MIPS_FINDINGS] = {
#define FINDING(id, check, name, text) {MIPS_CHECK_##check, name, text},
#include "frontend/findings.def"
};

/* Bits by word of a page. */
struct check_code {
  struct jit_words stored, fetched, changed;
  uint64_t by; /* pc of the last store */
  bool pending;
};

enum { RACES = MIPS_CHECK_RACE | MIPS_CHECK_RACE_READ };
enum { STORE = 1 << 8, LINKED = 1 << 9, PART = 1 << 10 };
enum { HIT_LINE = 32 /* as SYNCI_Step says */, FAR = 16 /* instructions: no pipeline is that long */, FEW = 3 };

int mips_check_init(struct mips_check *k, struct mmu_pmap *pmap) {
  uint64_t pages = pmap->ram_pages;
  k->pmap = pmap;
  if (!k->vcpus) k->vcpus = 1;
  if (k->kinds & MIPS_CHECK_UNINIT && !(k->known = calloc(pages, MMU_PAGE_SIZE / 8))) return -1;
  if (k->kinds & RACES && !(k->race = check_race_new(pages * MMU_PAGE_SIZE, k->vcpus))) return -1;
  if (k->kinds & MIPS_CHECK_TLB && !(k->tlb = check_tlb_new(pages * MMU_PAGE_SIZE, k->vcpus))) return -1;
  if (!(k->kinds & MIPS_CHECK_CACHE)) return 0;
  k->code = calloc(pages, sizeof *k->code);
  k->pending = malloc(pages * sizeof *k->pending);
  return k->code && k->pending ? 0 : -1;
}

void mips_check_fini(struct mips_check *k) {
  free(k->known);
  free(k->code);
  free(k->pending);
  check_race_free(k->race);
  check_tlb_free(k->tlb);
  *k = (struct mips_check){0};
}

void mips_check_begin(struct mips_check *k) {
  for (uint32_t i = 0; k->known && i < k->pmap->ram_pages; i++)
    if (k->pmap->ram[i].frame != NUMA_NO_FRAME) memset(k->known + i * (MMU_PAGE_SIZE / 8), 0xff, MMU_PAGE_SIZE / 8);
}

void mips_check_ask(struct mips_check *k, uint64_t pc, bool wanted) {
  uint64_t *slot = &k->asked[check_hash(pc) >> 56];
  if (wanted || *slot == pc) *slot = wanted ? pc : 0;
}

uint64_t check_present_pc(const struct cpu *c) {
  return c->j.running ? jit_block_key(c->j.block)->pc + 4 * c->j.at : c->j.pc;
}

void check_found(struct cpu *c, const struct mips_finding *f) {
  c->cfg.check->found(c->cfg.check->ctx, c, f);
}

void check_found_at(struct cpu *c, enum mips_finding_kind kind, uint64_t va, uint64_t before) {
  check_found(c, &(struct mips_finding){.kind = kind, .pc = check_present_pc(c), .va = va, .before = before});
}

/* --- which RAM an address leads to --- */

static struct mmu_page *page_at(const struct cpu *c, uint64_t va, bool store) {
  const struct softtlb_entry *e = softtlb_find(&c->j.tlb.table[store ? MMU_WRITE : MMU_READ], va, 1);
  gpa_t at;
  if (e) return mmu_pmap_at(c->cfg.pmap, va + e->addend);
  return mmu_peek(&c->mmu, va, &at) == MMU_OK ? mmu_pmap_page(c->cfg.pmap, at) : NULL;
}

static uint32_t number_of(const struct mips_check *k, const struct mmu_page *f) {
  return (uint32_t)(f - k->pmap->ram);
}

/* --- memory that nobody has written --- */

static void know(struct mips_check *k, uint32_t page, uint32_t offset, uint32_t bytes) {
  uint8_t *bits = k->known + page * (uint64_t)(MMU_PAGE_SIZE / 8);
  for (uint32_t i = offset; i < offset + bytes; i++) bits[i / 8] |= (uint8_t)(1u << i % 8);
}

static bool knows(const struct mips_check *k, uint32_t page, uint32_t offset, uint32_t bytes) {
  const uint8_t *bits = k->known + page * (uint64_t)(MMU_PAGE_SIZE / 8);
  for (uint32_t i = offset; i < offset + bytes; i++)
    if (!(bits[i / 8] >> i % 8 & 1)) return false;
  return true;
}

/* --- code --- */

static bool bit_at(const struct jit_words *w, uint32_t word) {
  return w->bit[word / 64] >> word % 64 & 1;
}
static void set_bit(struct jit_words *w, uint32_t word, bool on) {
  uint64_t bit = UINT64_C(1) << word % 64;
  w->bit[word / 64] = on ? w->bit[word / 64] | bit : w->bit[word / 64] & ~bit;
}

static void await_maintenance(struct mips_check *k, uint32_t page) {
  if (k->code[page].pending) return;
  k->code[page].pending = true;
  k->pending[k->pendings++] = page;
}

/* by: 0: a device, which goes around the caches. */
static void code_stored(struct mips_check *k, uint32_t page, uint32_t offset, uint32_t bytes, uint64_t by) {
  struct check_code *p = &k->code[page];
  for (uint32_t w = offset / 4; w <= (offset + bytes - 1) / 4; w++) {
    set_bit(&p->stored, w, by);
    if (bit_at(&p->fetched, w)) set_bit(&p->changed, w, true);
  }
  if (by) p->by = by;
  await_maintenance(k, page);
}

void mips_check_stored(struct mips_check *k, uint64_t at, uint64_t bytes) {
  for (uint64_t done = 0, n; k && done < bytes; done += n) {
    uint32_t offset = (at + done) & (MMU_PAGE_SIZE - 1);
    n = MMU_PAGE_SIZE - offset < bytes - done ? MMU_PAGE_SIZE - offset : bytes - done;
    const struct mmu_page *f = mmu_pmap_page(k->pmap, gpa(at + done));
    if (!f) return;
    if (k->known) know(k, number_of(k, f), offset, (uint32_t)n);
    if (k->code) code_stored(k, number_of(k, f), offset, (uint32_t)n, 0);
  }
}

void mips_check_fetched(struct cpu *c, const struct mmu_page *f, uint64_t pc, unsigned words) {
  struct mips_check *k = c->cfg.check;
  if (!k || !k->code || !f) return;
  struct check_code *p = &k->code[number_of(k, f)];
  uint32_t first = (pc & (MMU_PAGE_SIZE - 1)) / 4;
  bool stored = false, changed = false;
  for (uint32_t w = first; w < first + words && w < JIT_PAGE_WORDS; w++) {
    stored |= bit_at(&p->stored, w);
    changed |= bit_at(&p->changed, w);
    set_bit(&p->fetched, w, true);
    set_bit(&p->stored, w, false); /* said once */
    set_bit(&p->changed, w, false);
  }
  if (stored) check_found_at(c, MIPS_FOUND_NOT_WRITTEN, pc, p->by);
  if (changed && !stored) check_found_at(c, MIPS_FOUND_NOT_INVALIDATED, pc, p->by);
}

enum { WRITE_BACK = 1, INVALIDATE = 2 };

static void maintain(struct check_code *p, uint32_t first, uint32_t words, unsigned what) {
  for (uint32_t w = first; w < first + words; w++) {
    if (what & WRITE_BACK) set_bit(&p->stored, w, false);
    if (what & INVALIDATE) set_bit(&p->changed, w, false), set_bit(&p->fetched, w, false);
  }
}

static void maintain_all(struct mips_check *k, unsigned what) {
  uint32_t left = 0;
  for (uint32_t i = 0; i < k->pendings; i++) {
    struct check_code *p = &k->code[k->pending[i]];
    maintain(p, 0, JIT_PAGE_WORDS, what);
    p->pending = false;
    for (unsigned w = 0; w < JIT_PAGE_WORDS / 64; w++) p->pending |= p->stored.bit[w] | p->changed.bit[w];
    if (p->pending) k->pending[left++] = k->pending[i];
  }
  k->pendings = left;
}

/* Which caches an operation is about, and what it does to them (PRA vol. III, CACHE): bits 1..0 name the cache, 4..2
 * the operation. */
static unsigned cache_effect(uint64_t op, bool *index) {
  unsigned cache = op & 3, what = op >> 2 & 7;
  *index = what < 4;
  if (what == 1 || what == 3 || what == 7) return 0; /* load tag, implementation, fetch and lock */
  if (cache == 0) return what == 0 || what == 2 || what == 4 ? INVALIDATE : 0;
  return what == 4 ? 0 : WRITE_BACK; /* hit invalidate throws away what was stored */
}

static void maintain_line(struct cpu *c, uint64_t va, unsigned what) {
  const struct mmu_page *f = page_at(c, mmu_canonical(&c->mmu, va), false);
  uint32_t line = va & (MMU_PAGE_SIZE - 1) & ~(uint32_t)(HIT_LINE - 1);
  if (f) maintain(&c->cfg.check->code[number_of(c->cfg.check, f)], line / 4, HIT_LINE / 4, what);
}

/* a: va, b: CACHE's operation, or 32: SYNCI */
uint64_t mips_help_CHECK_CACHE(void *cpu, uint64_t a, uint64_t b, uint64_t arg_c) {
  struct cpu *c = cpu;
  bool index = false;
  (void)arg_c;
  unsigned what = b == 32 ? WRITE_BACK | INVALIDATE : cache_effect(b, &index);
  if (what && index)
    maintain_all(c->cfg.check, what);
  else if (what)
    maintain_line(c, a, what);
  return 0;
}

/* --- accesses --- */

/* Around the caches? */
static bool uncached(const struct cpu *c, uint64_t va) {
  (void)c;
  return va >> 62 == 2 ? (va >> 59 & 7) == 2 : mips_unmapped(va) && va >> 29 & 1;
}

/* a: va, b: bytes, | STORE ..., c: 0: it was not made */
uint64_t mips_help_CHECK_ACCESS(void *cpu, uint64_t a, uint64_t b, uint64_t arg_c) {
  struct cpu *c = cpu;
  struct mips_check *k = c->cfg.check;
  uint64_t va = mmu_canonical(&c->mmu, a);
  const struct mmu_page *f = arg_c ? page_at(c, va, b & STORE) : NULL;
  if (!f && k->race && arg_c && b & STORE) check_race_device_store(c);
  if (!f) return 0;
  uint32_t page = number_of(k, f), offset = va & (MMU_PAGE_SIZE - 1), bytes = b & 0xff;
  if (k->known && b & STORE) know(k, page, offset, bytes);
  if (k->known && !(b & STORE) && !knows(k, page, offset, bytes)) {
    check_found_at(c, MIPS_FOUND_UNINIT, va, 0);
    know(k, page, offset, bytes); /* said once */
  }
  if (k->code && b & STORE) code_stored(k, page, offset, bytes, uncached(c, va) ? 0 : check_present_pc(c));
  struct check_access x = {.va = va,
                           .at = page * (uint64_t)MMU_PAGE_SIZE + offset,
                           .bytes = bytes,
                           .store = b & STORE,
                           .linked = b & LINKED,
                           .part = b & PART};
  if (k->race) check_race_access(c, &x);
  if (k->tlb) check_tlb_access(c, &x);
  return 0;
}

uint64_t mips_help_CHECK_SYNC(void *cpu, uint64_t a, uint64_t b, uint64_t arg_c) {
  (void)a, (void)b, (void)arg_c;
  check_race_sync(cpu);
  return 0;
}

/* --- hazards (PRA vol. III, "CP0 Hazards", table "Execution Hazards") --- */

enum { ENTRYLO0, ENTRYLO1, ENTRYHI, PAGEMASK, INDEX, EPC, ERROREPC, STATUS };
static const struct {
  uint8_t rd;
  const char *name;
} hazard_reg[MIPS_HAZARD_REGS] = {{2, "EntryLo0"}, {3, "EntryLo1"}, {10, "EntryHi"},  {5, "PageMask"},
                                  {0, "Index"},    {14, "EPC"},     {30, "ErrorEPC"}, {12, "Status"}};
enum {
  OF_ENTRY = 1 << ENTRYLO0 | 1 << ENTRYLO1 | 1 << ENTRYHI | 1 << PAGEMASK,
  BY_TLB = 1 << 8, /* uses only what TLBP or TLBR has written */
};

static void barrier(struct cpu *c) {
  memset(c->hazards.at, 0, sizeof c->hazards.at);
}

void mips_check_exception(struct cpu *c) {
  barrier(c);
  if (c->cfg.check->race && c->fault.code == EXC_INT) check_race_interrupt(c);
}

void mips_check_returned(struct cpu *c) {
  if (c->cfg.check->tlb) check_tlb_returned(c);
}

/* a: registers used, as bits, | BY_TLB; b: registers written, | BY_TLB; c: is it a barrier? */
uint64_t mips_help_CHECK_CP0(void *cpu, uint64_t a, uint64_t b, uint64_t arg_c) {
  struct cpu *c = cpu;
  struct mips_hazards *h = &c->hazards;
  uint64_t now = mips_instructions(c), pc = check_present_pc(c);
  /* Of what ERET uses, and before release 2 of all, a few instructions are far enough (R4000 UM, appendix F). */
  bool by_distance = !(c->cfg.model->isa & ISA_MIPS32R2) || (arg_c && a);
  uint64_t far = by_distance ? FEW : FAR;
  for (unsigned i = 0; i < MIPS_HAZARD_REGS; i++) {
    bool near = h->at[i] && now + 1 - h->at[i] < far;
    if (a >> i & 1 && near && (!(a & BY_TLB) || h->pc[i] & 1))
      check_found_at(c, MIPS_FOUND_HAZARD, hazard_reg[i].rd, h->pc[i] & ~UINT64_C(1));
    if (!(b >> i & 1)) continue;
    h->at[i] = now + 1;
    h->pc[i] = pc | !!(b & BY_TLB);
  }
  if (arg_c) barrier(c);
  return 0;
}

/* --- lifting --- */

static unsigned register_of(const struct insn *i) {
  unsigned bits = 0;
  for (unsigned k = 0; k < MIPS_HAZARD_REGS; k++)
    if (hazard_reg[k].rd == i->rd && !i->sel) bits |= 1u << k;
  return bits;
}

static void lift_hazards(struct lift *l, const struct insn *i) {
  unsigned uses = 0, writes = 0;
  bool barrier = false;
  switch ((int)i->row) {
  case INSN_MFC0:
  case INSN_DMFC0: uses = register_of(i) ? register_of(i) | BY_TLB : 0; break;
  case INSN_MTC0:
  case INSN_DMTC0: writes = register_of(i); break;
  case INSN_TLBWI: uses = OF_ENTRY | 1 << INDEX; break;
  case INSN_TLBWR: uses = OF_ENTRY; break;
  case INSN_TLBP: uses = 1 << ENTRYHI, writes = 1 << INDEX | BY_TLB; break;
  case INSN_TLBR: uses = 1 << INDEX, writes = OF_ENTRY | BY_TLB; break;
  case INSN_ERET: uses = 1 << EPC | 1 << ERROREPC | 1 << STATUS, barrier = true; break;
  case INSN_EHB:
  case INSN_JR_HB:
  case INSN_JALR_HB: barrier = true; break;
  default: break;
  }
  if (uses || writes || barrier) ir_call(l->ir, HELPER_CHECK_CP0, imm(l, uses), imm(l, writes), imm(l, barrier));
}

/* Those load the whole aligned unit, of which they take a part: the rest may be anything. */
static bool is_part_load(const struct insn *i) {
  return i->row == INSN_LWL || i->row == INSN_LWR || i->row == INSN_LDL || i->row == INSN_LDR;
}

static bool is_linked(const struct insn *i) {
  return i->row == INSN_LL || i->row == INSN_LLD || i->row == INSN_SC || i->row == INSN_SCD;
}

void mips_check_lift(struct lift *l, const struct insn *i, unsigned from) {
  for (unsigned k = from, to = l->ir->n; k < to; k++) {
    struct lift_access x;
    const struct ir_op o = l->ir->op[k];
    if (!lift_access_of(l, &o, &x) || is_part_load(i)) continue;
    if (x.part) x.va = op2(l, IR_AND, x.va, imm(l, -(int64_t)x.bytes)); /* all of it counts as stored */
    int64_t kind = x.bytes | (x.store ? STORE : 0) | (is_linked(i) ? LINKED : 0) | (x.part ? PART : 0);
    ir_call(l->ir, HELPER_CHECK_ACCESS, x.va, imm(l, kind), x.made);
  }
  if (l->check & RACES && i->row == INSN_SYNC) ir_call(l->ir, HELPER_CHECK_SYNC, imm(l, 0), imm(l, 0), imm(l, 0));
  if (!(l->check & MIPS_CHECK_CACHE)) return;
  if (i->row == INSN_CACHE || i->row == INSN_SYNCI)
    ir_call(l->ir, HELPER_CHECK_CACHE, lift_va(l, gpr(l, i->rs), imm(l, i->imm)),
            imm(l, i->row == INSN_CACHE ? i->hint : 32), imm(l, 0));
  lift_hazards(l, i);
}
