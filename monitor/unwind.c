/* monitor/unwind.c: walks the guest's stack by reading the code of its functions. */
/* SPDX-License-Identifier: Apache-2.0 */
/* MIPS keeps no frame chain. What is known: a function that makes calls begins with `addiu sp,sp,-N` and soon stores
 * ra, and a return address stands two instructions behind a call. A function's beginning is the nearest `addiu
 * sp,sp,-N` before the pc; the function the pc is in may have none of its own (a leaf), which ra tells: it points into
 * the function itself only when that has made a call since. Every return address found must stand behind a call, or the
 * walk ends. */
#include "monitor/unwind.h"
#include "monitor/kernel_map.h"
#include <string.h>

enum { RA = 31, SP = 29, SCAN = 4096, HEAD = 16, REACH = 64 << 10, FRAME_MAX = 64 << 10 };

struct walk {
  const struct cpu *c;
  const struct mon_kernel_map *k;
  uint64_t page; /* of code, last looked at */
  const uint8_t *host;
};

/* --- reading --- */

static bool word_at(struct walk *w, uint64_t va, uint32_t *word) {
  if (va & 3) return false;
  if (!w->host || (va & MMU_PAGE_MASK) != w->page) {
    w->page = va & MMU_PAGE_MASK;
    w->host = mips_peek_page(w->c, va);
    if (!w->host && w->k) w->host = mon_kernel_page(w->k, va);
    if (!w->host) return false;
  }
  memcpy(word, w->host + (va & (MMU_PAGE_SIZE - 1)), 4);
  if (mips_big(w->c)) *word = __builtin_bswap32(*word);
  return true;
}

/* What `sw` or `sd` has stored at va. */
static bool saved_at(const struct walk *w, uint64_t va, bool wide, uint64_t *out) {
  const uint8_t *host = va & (wide ? 7 : 3) ? NULL : mips_peek_page(w->c, va);
  if (!host) return false;
  host += va & (MMU_PAGE_SIZE - 1);
  if (wide) {
    memcpy(out, host, 8);
    if (mips_big(w->c)) *out = __builtin_bswap64(*out);
    return true;
  }
  uint32_t v;
  memcpy(&v, host, 4);
  if (mips_big(w->c)) v = __builtin_bswap32(v);
  *out = (uint64_t)(int64_t)(int32_t)v;
  return true;
}

/* --- instructions (MIPS64 vol. II) --- */

static bool is_addiu_sp(uint32_t word) { /* addiu, daddiu sp,sp,imm */
  return word >> 16 == 0x27bd || word >> 16 == 0x67bd;
}

static bool opens_frame(uint32_t word) {
  return is_addiu_sp(word) && (int16_t)word < 0;
}

static bool saves_ra(uint32_t word, bool *wide) { /* sw, sd ra,imm(sp) */
  *wide = word >> 16 == 0xffbf;
  return word >> 16 == 0xafbf || *wide;
}

/* jal, jalr ra, bltzal, bgezal and their likely kin. */
static bool is_call(uint32_t word) {
  uint32_t op = word >> 26, rt = word >> 16 & 31;
  return op == 3 || (op == 0 && (word & 0x3f) == 9 && (word >> 11 & 31) == RA) || (op == 1 && rt >> 2 == 4);
}

static bool behind_call(struct walk *w, uint64_t ra) {
  uint32_t word;
  return ra && word_at(w, ra - 8, &word) && is_call(word);
}

/* --- functions --- */

struct function {
  uint64_t begin;
  uint32_t size; /* of the frame; 0: none yet */
  uint32_t ra_at;
  bool saved, wide; /* ra is at ra_at from sp */
};

/* The address of the nearest `addiu sp,sp,-N` before pc, or 0. Behind a call it is none: what is traced calls _mcount
 * so, which undoes it (arch/mips/kernel/mcount.S). */
static uint64_t frame_opener(struct walk *w, uint64_t pc) {
  uint32_t word, before;
  for (unsigned i = 1; i <= SCAN && word_at(w, pc - 4 * (uint64_t)i, &word); i++)
    if (opens_frame(word) && !(word_at(w, pc - 4 * (uint64_t)i - 4, &before) && is_call(before)))
      return pc - 4 * (uint64_t)i;
  return 0;
}

/* j, jal, jr, jalr, b, break: what follows may be another function. */
static bool goes_away(uint32_t word) {
  uint32_t op = word >> 26, function = word & 0x3f;
  return op == 2 || op == 3 || word >> 16 == 0x1000 || (op == 0 && (function == 8 || function == 9 || function == 13));
}

/* Is pc on the first instructions of a function, before its frame is opened? */
static bool in_head(struct walk *w, uint64_t pc) {
  uint32_t word;
  for (unsigned i = 0; i < HEAD && word_at(w, pc + 4 * (uint64_t)i, &word) && !goes_away(word); i++)
    if (opens_frame(word)) return true;
  return false;
}

/* What the code from f->begin on has done to the stack when it is at `to`. False: more than can be followed. */
static bool read_prologue(struct walk *w, struct function *f, uint64_t to) {
  uint32_t word;
  for (uint64_t at = f->begin; at < to; at += 4) {
    if (!word_at(w, at, &word)) return false;
    if (!f->size && opens_frame(word)) f->size = (uint32_t) - (int16_t)word;
    if (f->size && !f->saved && saves_ra(word, &f->wide)) {
      f->saved = true;
      f->ra_at = word & 0xffff;
      if (f->ra_at >= f->size) return false;
    }
    /* add, addu, sub, subu, or and their doubleword forms to sp: a frame whose size the code does not say. */
    if (word >> 26 == 0 && (word >> 11 & 31) == SP && (word >> 5 & 1)) return false;
  }
  return true;
}

/* Where a call goes when its word says so, else 0. */
static uint64_t call_target(uint32_t word, uint64_t at) {
  return word >> 26 == 3 ? ((at + 4) & ~UINT64_C(0x0fffffff)) | (uint64_t)(word & 0x03ffffff) << 2 : 0;
}

/* The function that is running, which ra returns from: known when the call names it. */
static uint64_t callee(struct walk *w, uint64_t ra, uint64_t pc) {
  uint32_t word;
  uint64_t to = word_at(w, ra - 8, &word) ? call_target(word, ra - 8) : 0;
  return to && to <= pc && pc - to < REACH ? to : 0;
}

/* --- frames --- */

struct frame_of_call {
  uint64_t sp, ra;
};

/* The innermost frame: it may be incomplete or missing, and ra may be in its register. */
static bool innermost(struct walk *w, uint64_t pc, struct frame_of_call *f) {
  uint64_t opener = frame_opener(w, pc), begin = callee(w, f->ra, pc), value;
  if (in_head(w, pc)) return true;
  /* A callee that begins behind the frame's opener is not the function that opened it. */
  bool inside = opener && begin <= opener && behind_call(w, f->ra) && frame_opener(w, f->ra - 8) == opener;
  struct function g = {.begin = inside || !begin ? opener : begin};
  if (!g.begin || !read_prologue(w, &g, pc)) return false;
  bool stored = g.saved && saved_at(w, f->sp + g.ra_at, g.wide, &value);
  if (inside) {
    if (g.saved && !stored) return false;
    if (stored) f->ra = value;
    f->sp += g.size;
    return true;
  }
  /* ra is as the caller left it, and the frame is there if ra stands in it or is not to be stored (yet). */
  uint32_t word;
  bool closed = word_at(w, pc - 4, &word) && is_addiu_sp(word) && !opens_frame(word);
  if (g.saved ? stored && value == f->ra : !closed) f->sp += g.size;
  return true;
}

/* The frame of a function that has made the call at pc. */
static bool outer(struct walk *w, uint64_t pc, struct frame_of_call *f) {
  struct function g = {.begin = frame_opener(w, pc)};
  if (!g.begin || !read_prologue(w, &g, pc) || !g.saved || g.size > FRAME_MAX) return false;
  if (!saved_at(w, f->sp + g.ra_at, g.wide, &f->ra)) return false;
  f->sp += g.size;
  return true;
}

unsigned mon_unwind(const struct cpu *c, const struct mon_kernel_map *k, uint64_t *call, unsigned max) {
  struct walk w = {.c = c, .k = k};
  struct frame_of_call f = {.sp = c->gpr[SP], .ra = c->gpr[RA]};
  unsigned n = 0;
  call[n++] = c->j.pc;
  /* On the first steps of an exception sp and ra are still those of what it interrupted. */
  if (c->cp0.status & (ST_EXL | ST_ERL) || max < 2 || !innermost(&w, call[0], &f)) return n;
  while (n < max && (f.ra ^ call[0]) >> 63 == 0 && behind_call(&w, f.ra)) { /* a system call is not followed */
    call[n++] = f.ra - 8;
    if (!outer(&w, call[n - 1], &f)) break;
  }
  return n;
}
