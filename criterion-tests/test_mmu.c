/* criterion-tests/test_mmu.c: segments, TLB matching, and soft TLBs that never know more than the architectural one. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "criterion-tests/harness.h"
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static struct mmu_guest *guest;
static struct softtlb live;

static void unmake(void) {
  if (guest) mmu_guest_fini(guest);
  free(guest);
  guest = NULL;
}
static void make(unsigned entries, unsigned segbits, unsigned pabits) {
  unmake();
  guest = calloc(1, sizeof *guest);
  cr_assert_eq(mmu_guest_init(guest, entries, segbits, pabits, &live), 0);
}
TestSuite(mmu, .fini = unmake);

static void enter(struct mmu_state s) {
  cr_assert_eq(mmu_set_state(guest, &s), 0);
}

/* --- segments (MIPS64 PRA vol. III, "Virtual Memory", tables of the address spaces) --- */

/* Letters for kernel, supervisor, user: u unmapped, m mapped, e address error. */
struct segment_row {
  uint64_t va;
  const char *by_priv;
  uint64_t at; /* guest-physical, where unmapped */
};

static char kind_of_segment(uint64_t va, uint64_t at, enum mmu_access kind) {
  gpa_t out;
  bool writable;
  switch (mmu_translate(guest, va, kind, &out, &writable)) {
  case MMU_OK: cr_expect_eq(out.v, at, "%#" PRIx64 " leads to %#" PRIx64, va, out.v); return 'u';
  case MMU_REFILL: return 'm'; /* the TLB is empty */
  case MMU_ADDRESS_ERROR: return 'e';
  default: return '?';
  }
}

static void check_segments(const struct segment_row *row, size_t n, struct mmu_state s) {
  for (size_t i = 0; i < n; i++)
    for (int priv = MMU_KERNEL; priv <= MMU_USER; priv++)
      for (int kind = 0; kind < MMU_ACCESS_KINDS; kind++) {
        s.priv = (uint8_t)priv;
        enter(s);
        char got = kind_of_segment(row[i].va, row[i].at, (enum mmu_access)kind);
        cr_expect_eq(got, row[i].by_priv[priv], "va %#" PRIx64 " privilege %d kx %d sx %d ux %d: %c", row[i].va, priv,
                     s.kx, s.sx, s.ux, got);
      }
}
#define ROWS(table) table, sizeof table / sizeof table[0]

static const struct segment_row compatibility[] = {
    {0x0000000000000000, "mmm", 0},          {0x000000007fffffff, "mmm", 0}, {0xffffffff80000000, "uee", 0},
    {0xffffffff9fffffff, "uee", 0x1fffffff}, {0xffffffffa0000000, "uee", 0}, {0xffffffffbfc00000, "uee", 0x1fc00000},
    {0xffffffffbfffffff, "uee", 0x1fffffff}, {0xffffffffc0000000, "mme", 0}, {0xffffffffdfffffff, "mme", 0},
    {0xffffffffe0000000, "mee", 0},          {0xffffffffffffffff, "mee", 0},
};

Test(mmu, segments_of_32_bits) {
  make(16, 32, 32);
  check_segments(ROWS(compatibility), (struct mmu_state){0});
}

Test(mmu, segments_of_64_bits_keep_the_32_bit_ones) {
  make(16, 40, 36);
  for (int bits = 0; bits < 8; bits++)
    check_segments(ROWS(compatibility), (struct mmu_state){.kx = bits & 1, .sx = bits & 2, .ux = bits & 4});
}

Test(mmu, segments_of_64_bits) {
  static const struct segment_row all[] = {
      {0x0000000080000000, "mmm", 0}, /* xkuseg, xsuseg, xuseg: 2^SEGBITS bytes */
      {0x000000ffffffffff, "mmm", 0},           {0x0000010000000000, "eee", 0},
      {0x3fffffffffffffff, "eee", 0},           {0x4000000000000000, "mme", 0}, /* xksseg, xsseg */
      {0x400000ffffffffff, "mme", 0},           {0x4000010000000000, "eee", 0},
      {0x7fffffffffffffff, "eee", 0},           {0x8000000000000000, "uee", 0}, /* xkphys: eight times 2^PABITS bytes */
      {0x8000000fffffffff, "uee", 0xfffffffff}, {0x8000001000000000, "eee", 0},
      {0x9000000012345678, "uee", 0x12345678},  {0xb800000fffffffff, "uee", 0xfffffffff},
      {0xb800001000000000, "eee", 0},           {0xc000000000000000, "mee", 0}, /* xkseg: 2^SEGBITS - 2^31 bytes */
      {0xc00000ff7fffffff, "mee", 0},           {0xc00000ff80000000, "eee", 0},
      {0xc00000ffffffffff, "eee", 0},           {0xfffffeffffffffff, "eee", 0},
      {0xffffffff7fffffff, "eee", 0},
  };
  make(16, 40, 36);
  check_segments(ROWS(all), (struct mmu_state){.kx = true, .sx = true, .ux = true});
}

/* Each of KX, SX, UX opens its own regions. */
Test(mmu, segments_need_their_enable_bit) {
  static const struct segment_row none[] = {
      {0x0000000080000000, "eee", 0},
      {0x4000000000000000, "eee", 0},
      {0x9000000000000000, "eee", 0},
      {0xc000000000000000, "eee", 0},
  };
  static const struct segment_row ux[] = {
      {0x0000000080000000, "mmm", 0}, {0x4000000000000000, "eee", 0}, {0x9000000000000000, "eee", 0}};
  static const struct segment_row sx[] = {
      {0x0000000080000000, "eee", 0}, {0x4000000000000000, "mme", 0}, {0x9000000000000000, "eee", 0}};
  static const struct segment_row kx[] = {{0x0000000080000000, "eee", 0},
                                          {0x4000000000000000, "eee", 0},
                                          {0x9000000000000000, "uee", 0},
                                          {0xc000000000000000, "mee", 0}};
  make(16, 48, 40);
  check_segments(ROWS(none), (struct mmu_state){0});
  check_segments(ROWS(ux), (struct mmu_state){.ux = true});
  check_segments(ROWS(sx), (struct mmu_state){.sx = true});
  check_segments(ROWS(kx), (struct mmu_state){.kx = true});
}

/* Status.ERL: kuseg becomes unmapped; no more than its 2^31 bytes do. */
Test(mmu, erl_unmaps_kuseg) {
  static const struct segment_row erl[] = {{0x0000000000000000, "umm", 0},
                                           {0x0000000012345678, "umm", 0x12345678},
                                           {0x000000007fffffff, "umm", 0x7fffffff},
                                           {0xffffffffc0000000, "mme", 0}};
  static const struct segment_row wide[] = {{0x0000000080000000, "mmm", 0}};
  make(16, 32, 32);
  check_segments(ROWS(erl), (struct mmu_state){.erl = true});
  make(16, 40, 36);
  check_segments(ROWS(erl), (struct mmu_state){.erl = true});
  check_segments(ROWS(wide), (struct mmu_state){.erl = true, .ux = true});
}

/* --- matching (PRA vol. III, "Address Translation") --- */

static const uint64_t masks[] = {0x1fff,   0x7fff,    0x1ffff,   0x7ffff,   0x1fffff,
                                 0x7fffff, 0x1ffffff, 0x7ffffff, 0x1fffffff};
enum { MASKS = sizeof masks / sizeof masks[0] };

static struct mmu_tlb_entry entry(uint64_t vpn, uint64_t mask, uint8_t asid, bool g) {
  struct mmu_tlb_entry e = {.vpn = vpn & ~mask, .mask = mask, .asid = asid, .g = g};
  for (int k = 0; k < 2; k++) e.half[k] = (struct mmu_tlb_half){.c = 3, .d = true, .v = true};
  return e;
}

static enum mmu_result look(uint64_t va, enum mmu_access kind, uint64_t *at) {
  gpa_t out;
  bool writable;
  enum mmu_result r = mmu_translate(guest, va, kind, &out, &writable);
  if (r == MMU_OK) *at = out.v;
  return r;
}

Test(mmu, every_page_size_maps_its_pair) {
  make(16, 40, 36);
  enter((struct mmu_state){.asid = 7, .ux = true});
  for (int m = 0; m < MASKS; m++) {
    uint64_t size = (masks[m] + 1) / 2, base = UINT64_C(0x60000000), at;
    struct mmu_tlb_entry e = entry(base, masks[m], 7, false);
    e.half[0].pfn = UINT64_C(0x440000000), e.half[1].pfn = UINT64_C(0x80000000);
    mmu_tlb_write(guest, 3, &e);
    cr_expect_eq(look(base, MMU_READ, &at), MMU_OK);
    cr_expect_eq(at, 0x440000000);
    cr_expect_eq(look(base + size - 1, MMU_WRITE, &at), MMU_OK);
    cr_expect_eq(at, 0x440000000 + size - 1);
    cr_expect_eq(look(base + size, MMU_FETCH, &at), MMU_OK);
    cr_expect_eq(at, 0x80000000);
    cr_expect_eq(look(base + 2 * size - 1, MMU_READ, &at), MMU_OK);
    cr_expect_eq(at, 0x80000000 + size - 1);
    cr_expect_eq(look(base + 2 * size, MMU_READ, &at), MMU_REFILL, "mask %#" PRIx64, masks[m]);
    cr_expect_eq(look(base - 1, MMU_READ, &at), MMU_REFILL, "mask %#" PRIx64, masks[m]);
    cr_expect_eq(mmu_tlb_find(guest, base + size, 7), 3);
    cr_expect_eq(mmu_tlb_find(guest, base, 8), -1);
  }
}

/* Low bits of a PFN that lie within a larger page are not looked at. */
Test(mmu, pfn_bits_within_the_page_are_ignored) {
  uint64_t at;
  make(16, 32, 32);
  enter((struct mmu_state){0});
  struct mmu_tlb_entry e = entry(0, 0x7fff, 0, true);
  e.half[0].pfn = 0x13000;
  mmu_tlb_write(guest, 0, &e);
  cr_expect_eq(look(0x1234, MMU_READ, &at), MMU_OK);
  cr_expect_eq(at, 0x11234);
}

Test(mmu, asid_and_global) {
  uint64_t at;
  make(4, 32, 32);
  struct mmu_tlb_entry mine = entry(0x2000, 0x1fff, 5, false), all = entry(0x4000, 0x1fff, 5, true);
  mmu_tlb_write(guest, 0, &mine);
  mmu_tlb_write(guest, 1, &all);
  enter((struct mmu_state){.asid = 5, .priv = MMU_USER});
  cr_expect_eq(look(0x2000, MMU_READ, &at), MMU_OK);
  cr_expect_eq(look(0x4000, MMU_READ, &at), MMU_OK);
  enter((struct mmu_state){.asid = 6, .priv = MMU_USER});
  cr_expect_eq(look(0x2000, MMU_READ, &at), MMU_REFILL);
  cr_expect_eq(look(0x4000, MMU_READ, &at), MMU_OK);
  cr_expect_eq(mmu_tlb_probe(guest, 0x2005), 0);
  cr_expect_eq(mmu_tlb_probe(guest, 0x2006), -1);
  cr_expect_eq(mmu_tlb_probe(guest, 0x4006), 1);
}

Test(mmu, attributes_decide) {
  static const struct {
    bool v, d, ri, xi;
    enum mmu_result by_kind[MMU_ACCESS_KINDS]; /* READ, WRITE, FETCH */
  } row[] = {
      {false, true, false, false, {MMU_INVALID, MMU_INVALID, MMU_INVALID}},
      {true, false, false, false, {MMU_OK, MMU_MODIFIED, MMU_OK}},
      {true, true, false, false, {MMU_OK, MMU_OK, MMU_OK}},
      {true, true, true, false, {MMU_RI, MMU_OK, MMU_OK}},
      {true, true, false, true, {MMU_OK, MMU_OK, MMU_XI}},
      {true, false, true, true, {MMU_RI, MMU_MODIFIED, MMU_XI}},
      {false, true, true, true, {MMU_INVALID, MMU_INVALID, MMU_INVALID}},
  };
  uint64_t at;
  make(4, 32, 32);
  enter((struct mmu_state){0});
  for (size_t i = 0; i < sizeof row / sizeof row[0]; i++)
    for (int half = 0; half < 2; half++)
      for (int kind = 0; kind < MMU_ACCESS_KINDS; kind++) {
        struct mmu_tlb_entry e = entry(0x2000, 0x1fff, 0, true);
        e.half[half] = (struct mmu_tlb_half){.v = row[i].v, .d = row[i].d, .ri = row[i].ri, .xi = row[i].xi};
        mmu_tlb_write(guest, 0, &e);
        cr_expect_eq(look(0x2000 + (uint64_t)half * 0x1000, (enum mmu_access)kind, &at), row[i].by_kind[kind],
                     "row %zu kind %d", i, kind);
        cr_expect_eq(look(0x3000 - (uint64_t)half * 0x1000, (enum mmu_access)kind, &at), MMU_OK);
      }
}

Test(mmu, hidden_entries_match_nothing) {
  uint64_t at;
  make(4, 32, 32);
  enter((struct mmu_state){0});
  struct mmu_tlb_entry e = entry(0x2000, 0x1fff, 0, true);
  e.hidden = true;
  mmu_tlb_write(guest, 2, &e);
  cr_expect_eq(look(0x2000, MMU_READ, &at), MMU_REFILL);
  cr_expect_eq(mmu_tlb_probe(guest, 0x2000), -1);
  e.hidden = false;
  mmu_tlb_write(guest, 2, &e);
  cr_expect_eq(mmu_tlb_probe(guest, 0x2000), 2);
}

/* Regions are told apart by their two bits, and within one SEGBITS bits count. */
Test(mmu, regions_do_not_alias) {
  uint64_t at;
  make(8, 40, 36);
  enter((struct mmu_state){.kx = true, .sx = true, .ux = true});
  static const uint64_t base[] = {0x2000, 0x4000000000002000, 0xc000000000002000, 0xffffffffc0002000};
  for (unsigned i = 0; i < 4; i++) {
    struct mmu_tlb_entry e = entry(base[i], 0x1fff, 0, true);
    e.half[0].pfn = 0x10000 * (i + 1);
    mmu_tlb_write(guest, i, &e);
  }
  for (unsigned i = 0; i < 4; i++) {
    cr_expect_eq(look(base[i], MMU_READ, &at), MMU_OK);
    cr_expect_eq(at, 0x10000 * (i + 1));
  }
}

Test(mmu, overlaps_are_found) {
  make(8, 32, 32);
  struct mmu_tlb_entry e = entry(0x100000, 0x7fff, 1, false);
  mmu_tlb_write(guest, 4, &e);
  static const struct {
    uint64_t vpn, mask;
    uint8_t asid;
    bool g;
    int want;
  } row[] = {
      {0x100000, 0x1fff, 1, false, 4},  {0x106000, 0x1fff, 1, false, 4},  {0x108000, 0x1fff, 1, false, -1},
      {0x0fe000, 0x1fff, 1, false, -1}, {0x100000, 0x7ffff, 1, false, 4}, {0x100000, 0x1fff, 2, false, -1},
      {0x100000, 0x1fff, 2, true, 4},
  };
  for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
    struct mmu_tlb_entry o = entry(row[i].vpn, row[i].mask, row[i].asid, row[i].g);
    cr_expect_eq(mmu_tlb_overlap(guest, &o, 0), row[i].want, "row %zu", i);
    cr_expect_eq(mmu_tlb_overlap(guest, &o, 4), -1, "row %zu: not with itself", i);
  }
}

Test(mmu, addresses_of_32_bit_cpus_wrap) {
  make(8, 32, 32);
  cr_expect_eq(mmu_canonical(guest, 0x80001234), 0xffffffff80001234);
  cr_expect_eq(mmu_canonical(guest, 0x100000010), 0x10);
  make(8, 40, 36);
  cr_expect_eq(mmu_canonical(guest, 0x100000010), 0x100000010);
  cr_expect_eq(mmu_canonical(guest, 0x9000000000000000), 0x9000000000000000);
}

/* --- soft TLBs --- */

/* What memory.c would enter for a page; only its dependence on the address matters here. */
static uint64_t soft_data(uint64_t va, gpa_t at) {
  return (at.v & MMU_PAGE_MASK) * 3 - (va & MMU_PAGE_MASK);
}

static void touch(uint64_t va, enum mmu_access kind) {
  gpa_t at;
  bool writable;
  if (mmu_translate(guest, va, kind, &at, &writable) == MMU_OK) mmu_soft_fill(guest, va, kind, soft_data(va, at));
}

/* A hit in force must be what translation says now. */
static void check_hit(uint64_t va, const char *when) {
  for (int kind = 0; kind < MMU_ACCESS_KINDS; kind++) {
    const struct softtlb_entry *e = softtlb_find(&live.table[kind], va, 1);
    gpa_t at;
    bool writable;
    if (!e) continue;
    enum mmu_result r = mmu_translate(guest, va, (enum mmu_access)kind, &at, &writable);
    cr_assert_eq(r, MMU_OK, "%s: va %#" PRIx64 " kind %d asid %d priv %d: the soft TLB hits, translation says %d", when,
                 va, kind, guest->state.asid, guest->state.priv, r);
    cr_assert_eq(e->addend, soft_data(va, at), "%s: va %#" PRIx64 " kind %d leads elsewhere", when, va, kind);
  }
}

struct world {
  uint64_t seed;
  unsigned bits; /* 32 or 64 */
};

/* Few enough places to collide: some pages at the start of each kind of segment. */
static uint64_t any_va(struct world *w) {
  static const uint64_t base32[] = {
      0, 0x40000000, 0xffffffff80000000, 0xffffffffc0000000, 0xffffffffe0000000, 0xffffffffffff8000};
  static const uint64_t base64[] = {0,
                                    0x40000000,
                                    0xffffffff80000000,
                                    0xffffffffc0000000,
                                    0xffffffffe0000000,
                                    0x1200000000,
                                    0x4000000000000000,
                                    0x9000000000000000,
                                    0xc000000000000000,
                                    0xc00000ff40000000,
                                    0xffffffffffff8000};
  uint64_t base = w->bits == 32 ? base32[rig_below(&w->seed, 6)] : base64[rig_below(&w->seed, 11)];
  unsigned span = rig_below(&w->seed, 8) ? 8 : 512;
  return base + rig_below(&w->seed, span) * UINT64_C(0x1000) + rig_below(&w->seed, 0x1000);
}

static struct mmu_tlb_entry any_entry(struct world *w) {
  uint64_t mask = rig_below(&w->seed, 3) ? 0x1fff : masks[rig_below(&w->seed, MASKS)];
  struct mmu_tlb_entry e = entry(any_va(w), mask, (uint8_t)rig_below(&w->seed, 3), !rig_below(&w->seed, 4));
  e.hidden = !rig_below(&w->seed, 12);
  for (int k = 0; k < 2; k++) {
    struct mmu_tlb_half *h = &e.half[k];
    *h = (struct mmu_tlb_half){.pfn = rig_below(&w->seed, 64) * UINT64_C(0x1000),
                               .v = rig_below(&w->seed, 6),
                               .d = rig_below(&w->seed, 3),
                               .ri = !rig_below(&w->seed, 6),
                               .xi = !rig_below(&w->seed, 6)};
  }
  return e;
}

static void any_state(struct world *w) {
  struct mmu_state s = guest->state;
  s.asid = (uint8_t)rig_below(&w->seed, 3);
  s.priv = (uint8_t)rig_below(&w->seed, 3);
  if (!rig_below(&w->seed, 20)) {
    s.erl = rig_below(&w->seed, 2);
    s.kx = w->bits == 64 && rig_below(&w->seed, 4);
    s.sx = w->bits == 64 && rig_below(&w->seed, 4);
    s.ux = w->bits == 64 && rig_below(&w->seed, 4);
  }
  enter(s);
}

static void check_everywhere(struct world *w, const char *when) {
  struct mmu_state before = guest->state, s = before;
  for (s.asid = 0; s.asid < 3; s.asid++)
    for (s.priv = 0; s.priv < 3; s.priv++) {
      enter(s);
      for (int i = 0; i < 40; i++) check_hit(any_va(w), when);
    }
  enter(before);
}

/* What a guest does to its TLB: by index, at random, asking, or all of it. */
static void change_tlb(struct world *w, bool duplicates) {
  struct mmu_tlb_entry e = any_entry(w);
  unsigned n = rig_below(&w->seed, 16), how = rig_below(&w->seed, 16);
  if (!how) {
    mmu_tlb_probe(guest, e.vpn | e.asid);
  } else if (how == 1) {
    for (n = 0; n < 16; n++) {
      mmu_tlb_write(guest, n, &(struct mmu_tlb_entry){.vpn = n * UINT64_C(0x2000), .mask = 0x1fff, .asid = 255});
      mmu_tlb_swept(guest, n, 0);
    }
  } else if (duplicates || mmu_tlb_overlap(guest, &e, n) < 0) {
    if (how < 8) {
      mmu_tlb_write(guest, n, &e);
      mmu_tlb_swept(guest, n, 0);
    } else
      mmu_tlb_replace(guest, n, &e);
  }
}

static void random_life(unsigned bits, uint64_t seed, unsigned steps, bool duplicates) {
  struct world w = {seed, bits};
  make(16, bits == 32 ? 32 : 40, bits == 32 ? 32 : 36);
  cr_assert_eq(mmu_l2tlb_resize(guest, (unsigned[]){0, 4, 64, 1024}[seed % 4]), 0);
  for (unsigned i = 0; i < steps; i++) {
    unsigned what = rig_below(&w.seed, 100);
    if (what < 10) {
      change_tlb(&w, duplicates);
      check_everywhere(&w, "after a TLB write");
    } else if (what < 20) {
      any_state(&w);
    } else {
      touch(any_va(&w), (enum mmu_access)rig_below(&w.seed, 3));
    }
    for (int k = 0; k < 4; k++) check_hit(any_va(&w), "at any time");
  }
}

Test(mmu, soft_tlbs_follow_the_tlb_32) {
  for (uint64_t seed = 1; seed <= rig_setting("MB_MMU_SEEDS", 20); seed++) random_life(32, seed, 3000, false);
}
Test(mmu, soft_tlbs_follow_the_tlb_64) {
  for (uint64_t seed = 1; seed <= rig_setting("MB_MMU_SEEDS", 20); seed++) random_life(64, seed, 3000, false);
}
/* Duplicates are undefined in the manuals; here the lowest answers, and must do so at once. */
Test(mmu, soft_tlbs_follow_duplicates) {
  for (uint64_t seed = 1; seed <= rig_setting("MB_MMU_SEEDS", 20); seed++) {
    random_life(32, seed, 3000, true);
    random_life(64, seed, 3000, true);
  }
}

/* --- the second-level TLB --- */

/* Fill a TLB of four with ten pages, as a refill handler does. Page i is at 0x2000 * i. */
static void refill_ten(unsigned l2tlb) {
  make(4, 32, 32);
  cr_assert_eq(mmu_l2tlb_resize(guest, l2tlb), 0);
  enter((struct mmu_state){.asid = 5, .priv = MMU_USER});
  for (unsigned i = 0; i < 10; i++) {
    struct mmu_tlb_entry e = entry(0x2000 * i, 0x1fff, 5, false);
    e.half[0].pfn = 0x100000 + 0x1000 * i;
    e.half[1].d = false;
    mmu_tlb_replace(guest, i % 4, &e);
  }
}

static unsigned answered(void) {
  uint64_t at;
  unsigned n = 0;
  for (unsigned i = 0; i < 10; i++) n += look(0x2000 * i, MMU_READ, &at) == MMU_OK && at == 0x100000 + 0x1000 * i;
  return n;
}

Test(mmu, l2_answers_for_what_tlbwr_replaced) {
  uint64_t at;
  refill_ten(0);
  cr_expect_eq(answered(), 4);
  refill_ten(16);
  cr_expect_eq(answered(), 10);
  cr_expect_eq(guest->l2_hits, 6);
  cr_expect_eq(look(0x1000, MMU_WRITE, &at), MMU_REFILL, "what it cannot answer is a refill, not Modified");
  cr_expect_eq(look(0x1000, MMU_READ, &at), MMU_OK);
  enter((struct mmu_state){.asid = 6, .priv = MMU_USER});
  cr_expect_eq(answered(), 0);
}

Test(mmu, l2_forgets_the_oldest) {
  refill_ten(4);
  cr_expect_eq(answered(), 8);
  refill_ten(MMU_L2TLB_MAX);
  cr_expect_eq(answered(), 10);
}

Test(mmu, l2_forgets_what_is_named) {
  uint64_t at;
  struct mmu_tlb_entry e = entry(0x2000, 0x1fff, 5, false);
  refill_ten(16);
  cr_expect_eq(mmu_tlb_probe(guest, 0x0006), -1, "another ASID");
  cr_expect_eq(answered(), 10);
  cr_expect_eq(mmu_tlb_probe(guest, 0x0005), -1);
  cr_expect_eq(answered(), 9, "TLBP");
  mmu_tlb_write(guest, 0, &e); /* takes the place of page 8 */
  cr_expect_eq(look(0x2000, MMU_READ, &at), MMU_OK);
  cr_expect_eq(at, e.half[0].pfn);
  e.hidden = true;
  mmu_tlb_write(guest, 0, &e);
  cr_expect_eq(answered(), 7, "TLBWI: neither the page it named nor the one it replaced");
  e = entry(0x4000, 0x7fff, 9, true);
  mmu_tlb_replace(guest, 0, &e);
  mmu_tlb_write(guest, 0, &(struct mmu_tlb_entry){.mask = 0x1fff, .hidden = true});
  cr_expect_eq(look(0x4000, MMU_READ, &at), MMU_REFILL, "a larger global page names it too");
}

Test(mmu, l2_forgets_all_after_a_sweep) {
  struct mmu_tlb_entry e = {.mask = 0x1fff, .asid = 255};
  refill_ten(16);
  for (unsigned i = 1; i < 4; i++) {
    e.vpn = 0x2000 * i;
    mmu_tlb_write(guest, i, &e);
    mmu_tlb_swept(guest, i, 0);
  }
  cr_expect_eq(answered(), 7, "entry 0 is still as it was");
  mmu_tlb_swept(guest, 3, 1);
  cr_expect_eq(answered(), 1, "it was wired");
}

/* --- links --- */

/* Where an address leads once the guest has linked to it, after something has changed. */
static uint64_t linked(uint64_t va) {
  uint64_t then = mmu_link_gpa(guest);
  guest->link = (struct mmu_link){.va = va, .gpa = (uint64_t)MMU_LINK_OPEN};
  return then;
}

Test(mmu, a_link_keeps_where_it_led) {
  struct mmu_state user = {.asid = 5, .priv = MMU_USER}, kernel = {.asid = 5}, erl = {.asid = 5, .erl = true};
  refill_ten(16);
  linked(0x2008);
  cr_expect_eq(linked(0x2008), 0x101008, "the second level");
  mmu_tlb_probe(guest, 0x2005);
  cr_expect_eq(linked(0x10008), 0x101008, "TLBP has dropped it");
  mmu_tlb_write(guest, 0, &(struct mmu_tlb_entry){.mask = 0x1fff, .hidden = true});
  cr_expect_eq(linked(0x12008), 0x108008, "TLBWI");
  enter(kernel);
  cr_expect_eq(mmu_link_gpa(guest), 0x109008, "the kernel");
  enter(erl);
  cr_expect_eq(linked(0x12008), 0x109008, "before ERL");
  enter(user);
  cr_expect_eq(linked(0x12008), 0x12008, "with ERL");
  user.asid = 6;
  enter(user);
  cr_expect_eq(linked(0xffffffff80000008), 0x109008, "before the ASID changed");
  cr_expect_eq(linked(0x12008), 8, "linked to by the kernel");
  cr_expect_eq(mmu_link_gpa(guest), 0, "mapped nowhere");
}

static unsigned hits(enum mmu_access kind, unsigned pages) {
  unsigned n = 0;
  for (unsigned i = 0; i < pages; i++)
    n += softtlb_find(&live.table[kind], 0xffffffff80000000 + i * 0x1000u, 4) != NULL;
  return n;
}

static bool holds(uint64_t va) {
  return softtlb_find(&live.table[MMU_READ], va, 4) != NULL;
}

Test(mmu, an_asid_switch_keeps_entries) {
  make(16, 32, 32);
  for (uint8_t asid = 1; asid < 3; asid++) {
    struct mmu_tlb_entry e = entry(0x3e000, 0x1fff, asid, false);
    e.half[0].pfn = asid * 0x10000;
    mmu_tlb_write(guest, asid, &e);
    enter((struct mmu_state){.asid = asid, .priv = MMU_USER});
    touch(0x3e000, MMU_READ);
  }
  enter((struct mmu_state){.asid = 1});
  for (unsigned i = 0; i < 50; i++) touch(0xffffffff80000000 + i * 0x1000u, MMU_READ);
  touch(0x3e000, MMU_READ);
  uint64_t flushes = guest->flushes;
  cr_expect_eq(hits(MMU_READ, 50), 50);
  enter((struct mmu_state){.asid = 2});
  cr_expect_eq(hits(MMU_READ, 50), 50, "what is not mapped is the same in all");
  cr_expect_not(holds(0x3e000), "what is mapped is lent by the ASID in force");
  enter((struct mmu_state){.asid = 2, .priv = MMU_USER});
  cr_expect_eq(hits(MMU_READ, 50), 0, "a user has tables of its own");
  cr_expect(holds(0x3e000));
  enter((struct mmu_state){.asid = 1, .priv = MMU_USER});
  cr_expect(holds(0x3e000));
  enter((struct mmu_state){.asid = 1});
  cr_expect_eq(hits(MMU_READ, 50), 50);
  cr_expect(holds(0x3e000));
  check_hit(0x3e000, "back again");
  cr_expect_eq(guest->flushes, flushes);
  enter((struct mmu_state){.asid = 1, .erl = true});
  cr_expect_eq(hits(MMU_READ, 50), 0, "ERL changes what kuseg means");
}

/* More than can be noted: some are forgotten, none stays behind. */
Test(mmu, an_asid_lends_many_pages) {
  make(64, 32, 32);
  cr_assert_eq(mmu_l2tlb_resize(guest, 1024), 0);
  enter((struct mmu_state){.asid = 1});
  for (unsigned i = 0; i < 600; i++) {
    struct mmu_tlb_entry e = entry(0x2000 * i, 0x1fff, 1, false);
    mmu_tlb_replace(guest, i % 64, &e);
    touch(0x2000 * i, MMU_READ);
  }
  enter((struct mmu_state){.asid = 2});
  for (unsigned i = 0; i < 600; i++) cr_expect_not(holds(0x2000 * i), "%u", i);
  enter((struct mmu_state){.asid = 1});
  for (unsigned i = 0; i < 600; i++) check_hit(0x2000 * i, "lent again");
}

Test(mmu, tables_grow_and_keep_what_they_hold) {
  make(16, 32, 32);
  enter((struct mmu_state){0});
  uint64_t before = live.table[MMU_WRITE].mask;
  for (int round = 0; round < 64; round++)
    for (unsigned i = 0; i < 900; i++) {
      uint64_t va = 0xffffffff80000000 + i * 0x1000u;
      if (!softtlb_find(&live.table[MMU_WRITE], va, 4)) touch(va, MMU_WRITE);
      check_hit(va, "while growing");
    }
  cr_expect_gt(live.table[MMU_WRITE].mask, before);
  cr_expect_eq(hits(MMU_WRITE, 900), 900);
  for (unsigned i = 0; i < 20000; i++) { /* more than a table ever holds */
    uint64_t va = 0xffffffff80000000 + i % 5000 * 0x1000u;
    touch(va, MMU_WRITE);
    check_hit(va, "beyond the bound");
  }
}

Test(mmu, unaligned_addresses_miss) {
  make(16, 32, 32);
  enter((struct mmu_state){0});
  touch(0xffffffff80001000, MMU_READ);
  for (unsigned size = 1; size <= 8; size *= 2)
    for (unsigned k = 0; k < 16; k++)
      cr_expect_eq(softtlb_find(&live.table[MMU_READ], 0xffffffff80001000 + k, size) != NULL, k % size == 0);
}

/* In page 0 a misaligned address has nothing but low bits. */
Test(mmu, empty_entries_never_hit) {
  make(16, 32, 32);
  enter((struct mmu_state){0});
  for (unsigned size = 1; size <= 8; size *= 2)
    for (uint64_t va = 0; va < 2 * MMU_PAGE_SIZE; va++)
      for (int kind = 0; kind < MMU_ACCESS_KINDS; kind++)
        cr_assert_null(softtlb_find(&live.table[kind], va, size), "va %#" PRIx64 " size %u", va, size);
}

Test(mmu, dropping_a_frame_drops_all_that_leads_to_it) {
  uint8_t bytes[2 * MMU_PAGE_SIZE];
  struct mmu_page a = {.host = bytes}, b = {.host = bytes + MMU_PAGE_SIZE};
  make(16, 32, 32);
  for (unsigned asid = 0; asid < 4; asid++) {
    enter((struct mmu_state){.asid = (uint8_t)asid});
    for (unsigned i = 0; i < 8; i++) {
      const struct mmu_page *f = i & 1 ? &b : &a;
      uint64_t va = 0xffffffff80000000 + i * 0x1000u;
      mmu_soft_fill(guest, va, MMU_READ, (uint64_t)(uintptr_t)f->host - va);
      mmu_soft_fill(guest, va, MMU_WRITE, (uint64_t)(uintptr_t)f->host - va);
      mmu_soft_fill(guest, va, MMU_FETCH, (uint64_t)(uintptr_t)f);
    }
  }
  mmu_soft_drop_page(guest, &a, 1u << MMU_WRITE);
  for (unsigned asid = 0; asid < 4; asid++) {
    enter((struct mmu_state){.asid = (uint8_t)asid});
    cr_expect_eq(hits(MMU_READ, 8), 8);
    cr_expect_eq(hits(MMU_WRITE, 8), 4);
    cr_expect_eq(hits(MMU_FETCH, 8), 8);
  }
  mmu_soft_drop_page(guest, &b, 1u << MMU_READ | 1u << MMU_FETCH);
  cr_expect_eq(hits(MMU_READ, 8), 4);
  cr_expect_eq(hits(MMU_FETCH, 8), 4);
}

/* --- guest-physical memory --- */

static void code_written(void *ctx, struct mmu_page *f) {
  f->code = NULL;
  ++*(int *)ctx;
}

Test(mmu, guest_physical_copies_stop_where_ram_ends) {
  struct mmu_memmap m;
  struct mmu_pmap p;
  uint8_t out[3 * MMU_PAGE_SIZE], in[3 * MMU_PAGE_SIZE];
  int calls = 0, marker;
  struct mmu_code_hook hook = {code_written, &calls};
  for (size_t i = 0; i < sizeof out; i++) out[i] = (uint8_t)(i * 7 + i / 251);
  cr_assert_eq(mmu_memmap_init(&m, 4 * MMU_PAGE_SIZE), 0);
  cr_assert_eq(mmu_pmap_init(&p, &m, 16, 4 * MMU_PAGE_SIZE), 0);
  cr_assert_eq(mmu_pmap_add_ram(&p, gpa(0x2000), 2 * MMU_PAGE_SIZE), 0);
  mmu_pmap_alias(&p, gpa(0x8000), gpa(0x3000), MMU_PAGE_SIZE);
  mmu_pmap_page(&p, gpa(0x3000))->code = &marker;
  cr_expect_eq(mmu_write(&p, &hook, gpa(0x2ffd), out, 100), 100);
  cr_expect_eq(calls, 1);
  cr_expect_eq(mmu_read(&p, gpa(0x2ffd), in, 100), 100);
  cr_expect_eq(memcmp(in, out, 100), 0);
  cr_expect_eq(mmu_read(&p, gpa(0x8000), in, 97), 97);
  cr_expect_eq(memcmp(in, out + 3, 97), 0, "the alias shows the same frame");
  cr_expect_eq(mmu_write(&p, NULL, gpa(0x3f00), out, sizeof out), 0x100, "short where RAM ends");
  cr_expect_eq(mmu_read(&p, gpa(0x1000), in, 1), 0);
  cr_expect_eq(mmu_read(&p, gpa(UINT64_MAX), in, 1), 0);
  cr_expect_eq(mmu_pmap_add_ram(&p, gpa(0x4000), 3 * MMU_PAGE_SIZE), -1, "more than was said");
  mmu_pmap_fini(&p);
  for (unsigned i = 0; i < 4; i++) cr_expect_eq(m.memory.frame[i].refs, 0, "its frames are free again");
  mmu_memmap_fini(&m);
}
