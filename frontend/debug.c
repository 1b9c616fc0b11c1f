/* frontend/debug.c: where a debugger wants the guest to stop: instructions and accesses. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "frontend/debug.h"
#include "frontend/code.h"
#include "frontend/helpers.h"
#include <stdlib.h>
#include <string.h>

void mips_debug_fini(struct mips_debug *d) {
  free(d->site);
  free(d->watch);
  *d = (struct mips_debug){0};
}

static int make_room(void **rows, size_t n, size_t *room, size_t size) {
  if (n < *room) return 0;
  size_t more = *room ? 2 * *room : 16;
  void *p = realloc(*rows, more * size);
  if (!p) return -1;
  *rows = p;
  *room = more;
  return 0;
}

/* --- instructions --- */

/* The first site at or behind pc. */
static size_t site_from(const struct mips_debug *d, uint64_t pc) {
  size_t low = 0, high = d->sites;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (d->site[middle].pc < pc)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

bool mips_debug_has_site(const struct mips_debug *d, uint64_t pc, unsigned insns) {
  size_t i = d ? site_from(d, pc) : 0;
  return d && i < d->sites && d->site[i].pc - pc < 4 * (uint64_t)insns;
}

/* NULL: there is none. */
static struct mips_site *site_at(const struct mips_debug *d, uint64_t pc) {
  size_t i = site_from(d, pc);
  return i < d->sites && d->site[i].pc == pc ? &d->site[i] : NULL;
}

int mips_debug_break(struct cpu *c, uint64_t pc, unsigned kind) {
  struct mips_debug *d = c->cfg.debug;
  struct mips_site *site = site_at(d, pc);
  if (site) {
    site->kinds |= kind;
    return 0;
  }
  if (make_room((void **)&d->site, d->sites, &d->site_room, sizeof *d->site)) return -1;
  size_t i = site_from(d, pc);
  memmove(&d->site[i + 1], &d->site[i], (d->sites++ - i) * sizeof *d->site);
  d->site[i] = (struct mips_site){pc, kind};
  mips_code_renew(c, pc); /* translated again, it has the call */
  return 0;
}

void mips_debug_unbreak(struct cpu *c, uint64_t pc, unsigned kind) {
  struct mips_site *site = site_at(c->cfg.debug, pc);
  if (site) site->kinds &= ~kind;
}

uint64_t mips_help_BREAK(void *cpu, uint64_t a, uint64_t b, uint64_t arg_c) {
  struct cpu *c = cpu;
  struct mips_debug *d = c->cfg.debug;
  (void)a, (void)b, (void)arg_c;
  uint64_t pc = jit_block_key(c->j.block)->pc + 4 * c->j.at; /* the block may be a copy for another address */
  const struct mips_site *site = site_at(d, pc);
  if (!site || !site->kinds || d->blind) return 0;
  if (d->pass.c == c && d->pass.pc == pc && d->pass.at == mips_instructions(c)) return 0;
  d->hit = (struct mips_hit){.what = MIPS_HIT_BREAK, .kinds = site->kinds};
  c->j.trouble = JIT_RESTART;
  return 0;
}

/* --- accesses --- */

static void watches_changed(struct cpu *c) {
  struct cpu *p = c;
  do {
    mmu_soft_forget(&p->mmu);
    mips_find_linear(p);
    p = p->peer;
  } while (p != c);
}

static uint64_t last_of(uint64_t va, uint64_t bytes) {
  uint64_t last = va + bytes - 1;
  return bytes && last >= va ? last : va;
}

int mips_debug_watch(struct cpu *c, uint64_t va, uint64_t bytes, unsigned kinds) {
  struct mips_debug *d = c->cfg.debug;
  if (make_room((void **)&d->watch, d->watches, &d->watch_room, sizeof *d->watch)) return -1;
  d->watch[d->watches++] = (struct mips_watch){va, last_of(va, bytes), kinds};
  watches_changed(c);
  return 0;
}

void mips_debug_unwatch(struct cpu *c, uint64_t va, uint64_t bytes, unsigned kinds) {
  struct mips_debug *d = c->cfg.debug;
  size_t i = 0;
  while (i < d->watches &&
         (d->watch[i].va != va || d->watch[i].last != last_of(va, bytes) || d->watch[i].kinds != kinds))
    i++;
  if (i == d->watches) return;
  d->watch[i] = d->watch[--d->watches];
  watches_changed(c);
}

void mips_debug_clear(struct cpu *c) {
  struct mips_debug *d = c->cfg.debug;
  bool watched = d->watches;
  for (size_t i = 0; i < d->sites; i++) d->site[i].kinds = 0;
  d->watches = 0;
  d->hit = (struct mips_hit){0};
  if (watched) watches_changed(c);
}

const struct mips_watch *mips_debug_watched(const struct mips_debug *d, uint64_t va, unsigned size,
                                            enum mmu_access kind) {
  if (!d || kind == MMU_FETCH) return NULL;
  uint64_t from = size ? va : va & MMU_PAGE_MASK, last = from + (size ? size : MMU_PAGE_SIZE) - 1;
  unsigned wanted = kind == MMU_WRITE ? MIPS_WATCH_WRITE : MIPS_WATCH_READ;
  for (size_t i = 0; i < d->watches; i++)
    if (d->watch[i].kinds & wanted && d->watch[i].va <= last && from <= d->watch[i].last) return &d->watch[i];
  return NULL;
}

bool mips_debug_stops(struct cpu *c, uint64_t va, unsigned size, enum mmu_access kind) {
  const struct mips_watch *w = mips_debug_watched(c->cfg.debug, va, size, kind);
  if (!w || c->cfg.debug->blind) return false;
  /* gdb knows a watchpoint by an address within it. */
  c->cfg.debug->hit = (struct mips_hit){.what = MIPS_HIT_WATCH, .kinds = w->kinds, .va = va > w->va ? va : w->va};
  c->j.trouble = JIT_RESTART;
  return true;
}

bool mips_debug_translate(const struct cpu *c, uint64_t va, gpa_t *at) {
  return mmu_peek_as_kernel(&c->mmu, mmu_canonical(&c->mmu, va), at) == MMU_OK;
}
