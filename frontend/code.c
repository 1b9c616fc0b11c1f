/* frontend/code.c: which translations a frame has, of one cpu or of many that run at once. */
/* SPDX-License-Identifier: Apache-2.0 */
/* In a gang a frame gets code, and loses all of it, only while one cpu runs alone; a block is added under the brief
 * lock, after another look at the words it was made of. A store to a frame with code looks under that lock whether it
 * hits a block. So a store either comes before that look, or finds the block. */
#include "frontend/code.h"
#include "frontend/gang.h"
#include <stdatomic.h>
#include <stdlib.h>

/* Behind frame->code in a gang. */
struct gang_code {
  struct jit_words covered; /* under the brief lock */
  struct jit_page *page[MIPS_GANG_MAX];
  struct gang_code *next[MIPS_GANG_MAX]; /* in each cpu's list, once the frame has lost it */
  _Atomic unsigned left;                 /* cpus in whose list it is */
};

static struct gang_code *of(const struct mmu_page *f) {
  return f->code;
}

struct jit_page *mips_code_page(const struct cpu *c, const struct mmu_page *f) {
  if (!c->cfg.gang) return f->code;
  return f->code ? of(f)->page[c->cfg.number] : NULL;
}

static void set_page(const struct cpu *c, struct mmu_page *f, struct jit_page *p) {
  if (c->cfg.gang)
    of(f)->page[c->cfg.number] = p;
  else
    f->code = p;
}

void mips_code_lock(struct cpu *c) {
  if (c->cfg.gang) mips_gang_lock(c->cfg.gang);
}
void mips_code_unlock(struct cpu *c) {
  if (c->cfg.gang) mips_gang_unlock(c->cfg.gang);
}

/* From now on every store to the frame is to be seen. */
static void drop_stores(struct cpu *c, const struct mmu_page *f) {
  struct cpu *p = c;
  do {
    mmu_soft_drop_page(&p->mmu, f, 1u << MMU_WRITE);
    p = p->peer;
  } while (p != c);
}

bool mips_code_watch(struct cpu *c, struct mmu_page *f) {
  if (!c->cfg.gang || f->code) return true;
  struct gang_code *code = calloc(1, sizeof *code);
  if (!code) return false;
  mips_gang_alone(c->cfg.gang);
  if (f->code) {
    free(code);
  } else {
    drop_stores(c, f);
    f->code = code;
  }
  mips_gang_together(c->cfg.gang);
  mips_code_settle(c);
  return true;
}

static uint32_t word_at(const struct mmu_page *f, unsigned i) {
  return __atomic_load_n((const uint32_t *)(const void *)f->host + i, __ATOMIC_RELAXED);
}

bool mips_code_unchanged(const struct cpu *c, const struct mmu_page *f, uint64_t pc, const uint32_t *word, unsigned n) {
  unsigned first = (pc & (MMU_PAGE_SIZE - 1)) / 4;
  if (!c->cfg.gang || !f) return true;
  bool same = f->code;
  for (unsigned i = 0; i < n; i++) {
    uint32_t w = word_at(f, first + i);
    same &= (mips_big(c) ? __builtin_bswap32(w) : w) == word[i];
  }
  return same;
}

static bool covers(const struct cpu *c, const struct mmu_page *f, uint32_t offset, uint32_t bytes) {
  return c->cfg.gang ? jit_words_hit(&of(f)->covered, offset, bytes) : jit_page_covers(f->code, offset, bytes);
}

struct jit_block *mips_code_add(struct cpu *c, struct mmu_page *f, const struct jit_key *k, struct jit_shape shape) {
  if (jit_full(c->cfg.jit)) mips_drop_code(c);
  if (!f->code) drop_stores(c, f);
  struct jit_page *p = mips_code_page(c, f);
  struct jit_block *b = jit_add(c->cfg.jit, &p, k, shape, c->ir);
  set_page(c, f, p);
  if (b && c->cfg.gang) jit_words_add(&of(f)->covered, k->pc, shape.insns);
  return b;
}

/* --- stores --- */

/* Alone: what the frame has goes to the lists of all. */
static void lose(struct cpu *c, struct mmu_page *f) {
  struct gang_code *code = of(f);
  struct cpu *p = c;
  if (!code) return;
  do {
    code->next[p->cfg.number] = p->outdated;
    p->outdated = code;
    code->left++;
    p = p->peer;
  } while (p != c);
  f->code = NULL;
  c->n.code_writes++;
}

void mips_code_write(struct cpu *c, struct mmu_page *f, uint32_t offset, uint32_t bytes) {
  struct jit_page *page = f->code;
  if (c->cfg.gang) {
    mips_gang_alone(c->cfg.gang);
    lose(c, f);
    mips_gang_together(c->cfg.gang);
  } else if (page && jit_page_covers(page, offset, bytes)) {
    jit_page_drop(c->cfg.jit, &page);
    f->code = page;
    c->n.code_writes++;
  }
}

bool mips_code_store(struct cpu *c, struct mmu_page *f, uint32_t offset, uint32_t bytes) {
  while (f->code) {
    mips_code_lock(c);
    if (!covers(c, f, offset, bytes)) break;
    mips_code_unlock(c);
    if (!c->alone) {
      c->j.trouble = JIT_RESTART;
      return false;
    }
    mips_code_write(c, f, offset, bytes);
    mips_code_settle(c);
  }
  return true;
}

/* --- dropping --- */

void mips_code_settle(struct cpu *c) {
  while (c->outdated) {
    struct gang_code *code = c->outdated;
    c->outdated = code->next[c->cfg.number];
    jit_page_drop(c->cfg.jit, &code->page[c->cfg.number]);
    if (!--code->left) free(code);
  }
}

void mips_drop_code(struct cpu *c) {
  for (uint64_t i = 0; c->cfg.pmap && i < c->cfg.pmap->pages; i++) {
    struct mmu_page *f = c->cfg.pmap->page[i];
    struct jit_page *p = f ? mips_code_page(c, f) : NULL;
    if (!p) continue;
    jit_page_drop(c->cfg.jit, &p);
    set_page(c, f, NULL);
  }
}

void mips_code_renew(struct cpu *c, uint64_t pc) {
  for (uint64_t i = 0; i < c->cfg.pmap->pages; i++) {
    struct mmu_page *f = c->cfg.pmap->page[i];
    struct jit_page *p = f ? mips_code_page(c, f) : NULL;
    if (!p || !jit_page_covers(p, pc & (MMU_PAGE_SIZE - 1), 4)) continue;
    jit_page_drop(c->cfg.jit, &p);
    set_page(c, f, p);
  }
}

void mips_code_forget(struct cpu *c) {
  mips_code_settle(c);
  mips_drop_code(c);
  if (!c->cfg.gang || c->peer != c) return;
  for (uint64_t i = 0; c->cfg.pmap && i < c->cfg.pmap->pages; i++) {
    struct mmu_page *f = c->cfg.pmap->page[i];
    if (f) free(f->code);
    if (f) f->code = NULL;
  }
}
