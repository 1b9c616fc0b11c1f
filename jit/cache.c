/* jit/cache.c: the code cache: blocks by frame, their chains, and how they die. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Each frame with code has a page: its blocks hashed by offset, and a bitmap of the words they come from. Dropped
 * blocks are unlinked at once but freed at the next jit_add, when none can be running. */
#include "jit/code.h"
#include "jit/faults.h"
#include "jit/stencils/abi.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { HEAT_AUTO = 16, HEAT_STENCIL = 1, HEAT_LLVM = 5000, SAMPLE_PERIOD = 50000 };
enum { BUCKETS_MIN = 16 };

struct jit_page {
  /* By word of the page and address; as many as there are blocks, about. As many again: by word, some block. */
  struct jit_block **bucket;
  uint32_t buckets, blocks;
  struct jit_words covered;
  uint64_t frame; /* what the soft TLB gives for fetches from it; 0: not known yet */
};

struct jit {
  const struct jit_guest *guest;
  struct jit_stencils *stencils; /* made when first needed */
  struct jit_regions *regions;   /* likewise; NULL: or not wanted */
  enum jit_tier tier;
  bool in_region; /* the budget was last used up in a region */
  uint32_t heat;  /* of new blocks */
  struct jit_block *dead;
  uint64_t generation;
  struct jit_cpu *cpus; /* that have run; borrowed */
  size_t max_bytes, code_bytes, region_bytes;
  bool exact;
  struct jit_tuning tuning;
  char *store; /* folder, or NULL */
  uint64_t store_bytes;
  struct jit_pool *pool; /* borrowed, or NULL */
  struct jit_stats stats;
  uint64_t (*clock)(void);
  struct jit_op scratch[JIT_MAX_CODE];
};

int jit_new(struct jit **out, const struct jit_guest *g, size_t max_bytes) {
  struct jit *j = calloc(1, sizeof *j);
  if (!j) return -1;
  j->guest = g;
  j->max_bytes = max_bytes;
  jit_set_code_cache(j, max_bytes / 2);
  j->heat = jit_stencils_present() ? HEAT_AUTO : JIT_COLD;
  *out = j;
  return 0;
}

void jit_set_code_cache(struct jit *j, size_t bytes) {
  j->region_bytes = bytes / 4;
  j->code_bytes = bytes - j->region_bytes;
}

void jit_set_exact(struct jit *j) {
  j->exact = true;
}

void jit_set_code_bytes(struct jit *j, size_t bytes) {
  j->code_bytes = bytes;
}
void jit_set_region_bytes(struct jit *j, size_t bytes) {
  j->region_bytes = bytes;
}

void jit_set_store(struct jit *j, const char *folder, uint64_t max_bytes) {
  free(j->store);
  j->store = strdup(folder);
  j->store_bytes = max_bytes;
}

void jit_set_pool(struct jit *j, struct jit_pool *p) {
  j->pool = p;
}

const char *jit_store_trouble(struct jit *j) {
  return j->regions ? jit_regions_trouble(j->regions) : NULL;
}

void jit_tune(struct jit *j, const struct jit_tuning *t) {
  j->tuning = *t;
  if (j->tier == JIT_LLVM && t->visits) j->heat = t->visits;
}

void jit_set_clock(struct jit *j, uint64_t (*clock)(void)) {
  j->clock = clock;
}

bool jit_has_tier(enum jit_tier tier) {
  if (tier == JIT_LLVM) return jit_stencils_present() && jit_regions_present();
  return tier != JIT_STENCIL || jit_stencils_present();
}

int jit_set_tier(struct jit *j, enum jit_tier tier) {
  if (!jit_has_tier(tier)) return JIT_NO_TIER;
  if (tier == JIT_EVAL) j->heat = JIT_COLD;
  if (tier == JIT_STENCIL) j->heat = HEAT_STENCIL;
  if (tier == JIT_LLVM) j->heat = HEAT_LLVM;
  j->tier = tier;
  return 0;
}

static size_t block_bytes(const struct jit_block *b) {
  return sizeof *b + b->ops * sizeof b->code[0];
}

static void bury(struct jit *j) {
  while (j->dead) {
    struct jit_block *b = j->dead;
    j->dead = b->next;
    j->stats.bytes -= block_bytes(b);
    free(b);
  }
}

/* --- what cpus keep --- */

static void join(struct jit *j, struct jit_cpu *cpu) {
  cpu->jit = j;
  cpu->next_cpu = j->cpus;
  j->cpus = cpu;
}
static void leave(struct jit_cpu *cpu) {
  struct jit_cpu **p = &cpu->jit->cpus;
  while (*p != cpu) p = &(*p)->next_cpu;
  *p = cpu->next_cpu;
  cpu->jit = NULL;
}

static void forget_jump(struct jit_jump *j, const struct jit_block *b) {
  if (j->pc == b->key.pc && (j->stamp & MMU_STAMP_MODE) == b->key.mode) *j = (struct jit_jump){0};
}
void jit_forget_jumps(struct jit *j, const struct jit_block *b) {
  for (struct jit_cpu *cpu = j->cpus; cpu; cpu = cpu->next_cpu) {
    forget_jump(&cpu->jump[JIT_JUMP_HASH(b->key.pc)], b);
    forget_jump(&cpu->jump[JIT_JUMP_NEIGHBOUR(b->key.pc)], b);
  }
}
static struct jit_block **recent_of(struct jit_cpu *cpu, uint64_t pc) {
  return &cpu->recent[(pc >> 2) % JIT_RECENT];
}
static void forget_block(struct jit *j, const struct jit_block *b) {
  jit_forget_jumps(j, b);
  for (struct jit_cpu *cpu = j->cpus; cpu; cpu = cpu->next_cpu)
    if (*recent_of(cpu, b->key.pc) == b) *recent_of(cpu, b->key.pc) = NULL;
}

void jit_free(struct jit *j) {
  if (!j) return;
  while (j->cpus) leave(j->cpus);
  bury(j);
  faults_forget(j);
  jit_regions_free(j->regions);
  jit_stencils_free(j->stencils);
  free(j->store);
  free(j);
}

int jit_cpu_init(struct jit_cpu *cpu) {
  cpu->jump = calloc(JIT_JUMPS, sizeof cpu->jump[0]);
  cpu->recent = calloc(JIT_RECENT, sizeof(struct jit_block *));
  return cpu->jump && cpu->recent ? 0 : -1;
}

void jit_cpu_fini(struct jit_cpu *cpu) {
  if (cpu->jit) leave(cpu);
  free(cpu->jump);
  free(cpu->recent);
  cpu->jump = NULL;
  cpu->recent = NULL;
}

/* A page may be mapped at as many addresses as there are processes. */
static struct jit_block **bucket_of(const struct jit_page *page, uint64_t pc) {
  return &page->bucket[(pc >> 2 ^ (pc >> MMU_PAGE_BITS) * 0x9e3779b1u >> 16) & (page->buckets - 1)];
}

/* A page may be mapped at several addresses: where a block made of these instructions is, if it is remembered. */
static struct jit_block **alike_of(const struct jit_page *page, uint64_t pc) {
  return &page->bucket[page->buckets + (pc >> 2 & (page->buckets - 1))];
}

static bool answers(const struct jit_block *b, const struct jit_key *k) {
  return b->key.pc == k->pc && (b->key.mode == k->mode || b->key.mode == k->any_mode);
}

uint64_t jit_page_frame(const struct jit_page *page) {
  return page->frame;
}

static struct jit_block *search(const struct jit_page *page, const struct jit_key *k, bool alone) {
  if (!page) return NULL;
  for (struct jit_block *b = *bucket_of(page, k->pc); b; b = b->next)
    if (answers(b, k) && !(b->shape.flags & JIT_BLOCK_ALONE) == !alone) return b;
  return NULL;
}

struct jit_block *jit_page_block(const struct jit_page *page, const struct jit_key *k) {
  return search(page, k, false);
}

struct jit_block *jit_find(struct jit *j, struct jit_cpu *cpu, const struct jit_page *page, const struct jit_key *k,
                           bool alone) {
  if (cpu->jit != j) join(j, cpu);
  if (alone) return search(page, k, true);
  struct jit_block **r = recent_of(cpu, k->pc), *b = *r;
  if (b && answers(b, k) && b->page == page) return b;
  b = search(page, k, false);
  if (b) *r = b;
  return b;
}

static struct jit_block *make_lowered(struct jit *j, const struct jit_key *k, struct jit_shape shape,
                                      const struct jit_op *code, unsigned n, const uint64_t exit_pc[JIT_EXITS]) {
  struct jit_block *b = malloc(sizeof *b + n * sizeof b->code[0]);
  if (!b) return NULL;
  *b = (struct jit_block){.key = *k, .shape = shape, .ops = (uint16_t)n, .heat = j->heat};
  if (shape.flags & JIT_BLOCK_ALONE) b->heat = JIT_COLD;
  for (int i = 0; i < JIT_EXITS; i++) b->exit[i] = (struct jit_exit){.pc = exit_pc[i], .owner = b};
  memcpy(b->code, code, n * sizeof b->code[0]);
  j->stats.bytes += block_bytes(b);
  j->stats.blocks_made++;
  return b;
}

static struct jit_block *make(struct jit *j, const struct jit_key *k, struct jit_shape shape,
                              const struct ir_block *ir) {
  uint64_t exit_pc[JIT_EXITS] = {0};
  assert(!ir_check(ir));
  bury(j);
  unsigned n = jit_lower(j->guest, ir, j->scratch, exit_pc);
  j->stats.insns_translated += shape.insns;
  return n ? make_lowered(j, k, shape, j->scratch, n, exit_pc) : NULL;
}

static size_t page_bytes(const struct jit_page *page) {
  return sizeof *page + 2 * page->buckets * sizeof page->bucket[0];
}

static void put_in_page(struct jit_page *page, struct jit_block *b) {
  struct jit_block **bucket = bucket_of(page, b->key.pc);
  b->next = *bucket;
  *bucket = b;
  *alike_of(page, b->key.pc) = b;
}

/* Give page `n` buckets, a power of two. 0 or -1 (no memory, nothing changed). */
static int rehash(struct jit_page *page, uint32_t n) {
  struct jit_block **old = page->bucket, **fresh = calloc(2 * (size_t)n, sizeof(struct jit_block *));
  uint32_t had = page->buckets;
  if (!fresh) return -1;
  page->bucket = fresh;
  page->buckets = n;
  for (uint32_t i = 0; i < had; i++)
    for (struct jit_block *b = old[i], *next; b; b = next) {
      next = b->next;
      put_in_page(page, b);
    }
  free(old);
  return 0;
}

static struct jit_page *new_page(void) {
  struct jit_page *page = calloc(1, sizeof *page);
  if (page && !rehash(page, BUCKETS_MIN)) return page;
  free(page);
  return NULL;
}

static struct jit_block *add_to(struct jit *j, struct jit_page *p, struct jit_block *b) {
  size_t before = page_bytes(p);
  if (p->blocks >= p->buckets) rehash(p, 2 * p->buckets); /* or chains grow */
  j->stats.bytes += page_bytes(p) - before;
  b->page = p;
  p->blocks++;
  put_in_page(p, b);
  jit_words_add(&p->covered, b->key.pc, b->shape.insns);
  return b;
}

struct jit_block *jit_add(struct jit *j, struct jit_page **page, const struct jit_key *k, struct jit_shape shape,
                          const struct ir_block *ir) {
  struct jit_block *b = make(j, k, shape, ir);
  if (!b) return NULL;
  if (!*page) {
    if (!(*page = new_page())) {
      b->next = j->dead;
      j->dead = b;
      return NULL;
    }
    j->stats.bytes += page_bytes(*page);
  }
  return add_to(j, *page, b);
}

/* A block of the same instructions as k's. */
static const struct jit_block *find_alike(const struct jit *j, const struct jit_page *page, const struct jit_key *k,
                                          uint32_t like) {
  const struct jit_key same_pc = {.pc = k->pc, .mode = like, .any_mode = like};
  const struct jit_block *b = like == k->mode ? NULL : search(page, &same_pc, false);
  if (b) return b;
  b = *alike_of(page, k->pc);
  if (!b || (b->key.pc ^ k->pc) & (MMU_PAGE_SIZE - 1) || (b->key.mode != k->mode && b->key.mode != like)) return NULL;
  bool moves = !j->guest->fixed || (!j->guest->fixed(b->key.pc) && !j->guest->fixed(k->pc));
  return moves && !(b->shape.flags & (JIT_BLOCK_ALONE | JIT_BLOCK_FIXED)) ? b : NULL;
}

struct jit_block *jit_add_copy(struct jit *j, struct jit_page *page, const struct jit_key *k, uint32_t like) {
  bury(j);
  const struct jit_block *b = page ? find_alike(j, page, k, like) : NULL;
  if (!b) return NULL;
  const uint64_t by = k->pc - b->key.pc, exit_pc[JIT_EXITS] = {b->exit[0].pc + by, b->exit[1].pc + by};
  struct jit_block *n = make_lowered(j, k, b->shape, b->code, b->ops, exit_pc);
  if (!n) return NULL;
  for (unsigned i = 0; by && i < n->ops; i++)
    if (n->code[i].op == J_EXIT_STOP || (n->code[i].op == J_MOVI && n->code[i].a & JIT_MOVES))
      n->code[i].imm += (int64_t)by;
  if (b->stencils && !by && n->heat != JIT_COLD) n->heat = 1;
  return add_to(j, page, n);
}

struct jit_block *jit_orphan(struct jit *j, const struct jit_key *k, struct jit_shape shape,
                             const struct ir_block *ir) {
  struct jit_block *b = make(j, k, shape, ir);
  if (!b) return NULL;
  b->next = j->dead;
  j->dead = b;
  return b;
}

bool jit_page_covers(const struct jit_page *page, uint32_t offset, uint32_t bytes) {
  return jit_words_hit(&page->covered, offset, bytes);
}

static void unlink_exit(struct jit *j, struct jit_exit *x) {
  if (!x->to && !x->seen) return;
  *x->prev = x->next;
  if (x->next) x->next->prev = x->prev;
  x->to = x->seen = NULL;
  if (j->stencils) jit_stencils_link(j->stencils, x);
}

/* Take b out of all chains and hand it to the dead. */
static void kill(struct jit *j, struct jit_block *b) {
  while (b->incoming) unlink_exit(j, b->incoming);
  for (int i = 0; i < JIT_EXITS; i++) unlink_exit(j, &b->exit[i]);
  if (j->regions) jit_regions_forget(j->regions, b);
  if (j->stencils) jit_stencils_forget(j->stencils, b);
  forget_block(j, b);
  b->page = NULL;
  b->next = j->dead;
  j->dead = b;
  j->stats.blocks_dropped++;
  j->generation++;
}

void jit_page_drop(struct jit *j, struct jit_page **page) {
  if (!*page) return;
  for (uint32_t i = 0; i < (*page)->buckets; i++)
    while ((*page)->bucket[i]) {
      struct jit_block *b = (*page)->bucket[i];
      (*page)->bucket[i] = b->next;
      kill(j, b);
    }
  j->stats.bytes -= page_bytes(*page);
  free((*page)->bucket);
  free(*page);
  *page = NULL;
  j->generation++;
}

void jit_block_drop(struct jit *j, struct jit_block *b) {
  struct jit_block **at = bucket_of(b->page, b->key.pc);
  while (*at != b) at = &(*at)->next;
  *at = b->next;
  at = alike_of(b->page, b->key.pc);
  if (*at == b) *at = NULL;
  b->page->blocks--;
  kill(j, b);
}

uint64_t jit_generation(const struct jit *j) {
  return j->generation;
}
bool jit_full(const struct jit *j) {
  return j->stats.bytes + (j->stencils ? jit_stencils_bytes(j->stencils) : 0) > j->max_bytes;
}

void jit_chain(struct jit *j, struct jit_cpu *cpu, struct jit_block *to, bool same_map) {
  struct jit_exit *x = cpu->left;
  if (!x || x->to || !x->owner->page || !to->page || x->pc != to->key.pc) return;
  if ((x->owner->shape.flags | to->shape.flags) & JIT_BLOCK_ALONE) return;
  bool same_mode = x->owner->key.mode == to->key.mode;
  same_map &= same_mode;
  if (x->seen != to) unlink_exit(j, x);
  if (!x->seen && same_mode) {
    x->next = to->incoming;
    x->prev = &to->incoming;
    if (x->next) x->next->prev = &x->next;
    to->incoming = x;
  }
  x->to = same_map ? to : NULL;
  x->seen = same_mode && !same_map ? to : NULL;
  if (!j->stencils) return;
  if (same_map)
    jit_stencils_link(j->stencils, x);
  else if (x->jump || x->go)
    jit_stencils_look_up(j->stencils, x);
}

/* --- choosing a tier --- */

static int make_compilers(struct jit *j) {
  bool regions = (j->tier == JIT_AUTO || j->tier == JIT_LLVM) && jit_regions_present();
  if (jit_stencils_new(&j->stencils, j->guest, j->code_bytes, regions ? j->region_bytes : 0)) {
    j->heat = JIT_COLD;
    return -1;
  }
  const struct jit_regions_config c = {.jit = j,
                                       .stencils = j->stencils,
                                       .exact = j->exact,
                                       .wait = j->tier == JIT_LLVM,
                                       .store = j->store,
                                       .store_bytes = j->store_bytes,
                                       .pool = j->pool,
                                       .tuning = j->tuning};
  if (regions && jit_regions_new(&j->regions, j->guest, &c)) j->regions = NULL; /* do without */
  return 0;
}

/* Compile b, which is due; what cannot be compiled stays with eval. */
static void compile_now(struct jit *j, struct jit_block *b) {
  b->heat = JIT_COLD;
  if (j->heat == JIT_COLD || b->shape.flags & JIT_BLOCK_ALONE || !b->page) return;
  if (!j->stencils && make_compilers(j)) return;
  int no = jit_stencils_compile(j->stencils, b);
  if (no == -1) {
    jit_stencils_reset(j->stencils);
    if (j->regions) jit_regions_relink(j->regions);
    for (struct jit_cpu *cpu = j->cpus; cpu; cpu = cpu->next_cpu) memset(cpu->jump, 0, JIT_JUMPS * sizeof *cpu->jump);
    j->stats.code_resets++;
    no = jit_stencils_compile(j->stencils, b);
  }
  if (no) return;
  j->stats.blocks_compiled++;
  j->stats.insns_compiled += b->shape.insns;
  if (j->tier == JIT_LLVM && j->regions && !b->regions) jit_regions_want(j->regions, b);
}

static void compile(struct jit *j, struct jit_block *b) {
  uint64_t before = j->clock ? j->clock() : 0;
  compile_now(j, b);
  if (j->clock) j->stats.compile_ns += j->clock() - before;
}

static uint64_t on_fault(void *ctx, uint64_t pc) {
  const struct jit *j = ctx;
  uint64_t to = jit_stencils_fault(j->stencils, pc);
  return to || !j->regions ? to : jit_regions_fault(j->regions, pc);
}

/* Nothing is running: put new regions into use. */
static void settle(struct jit *j) {
  if (j->stencils) faults_expect(on_fault, j);
  if (j->regions) jit_regions_settle(j->regions);
}

int64_t jit_sample_period(const struct jit *j) {
  if (!j->stencils) return 0;
  return j->tuning.sample_period ? j->tuning.sample_period : SAMPLE_PERIOD;
}

void jit_sample(struct jit *j, struct jit_cpu *cpu) {
  if (j->guest->want_view) j->guest->want_view(cpu);
  if (!j->regions || !cpu->block->page) return;
  j->stats.samples++;
  j->stats.samples_region += j->in_region;
  jit_regions_sample(j->regions, cpu->block, j->in_region);
}

static enum jit_exit_kind left(struct jit *j, struct jit_cpu *cpu, uint64_t how, struct jit_block **next) {
  void *what = (void *)(uintptr_t)(how & ~(uint64_t)LEAVE_MASK); /* NOLINT(performance-no-int-to-ptr) */
  *next = NULL;
  switch ((enum stencil_leave)(how & LEAVE_MASK)) {
  case LEAVE_EXIT: {
    struct jit_exit *x = what;
    cpu->pc = x->pc;
    cpu->left = x;
    cpu->block = x->owner;
    *next = x->to;
    return JIT_EXIT_NEXT;
  }
  case LEAVE_REGION_BUDGET: j->in_region = true; /* fall through */
  case LEAVE_BUDGET:
    cpu->block = what;
    cpu->pc = cpu->block->key.pc;
    return JIT_EXIT_BUDGET;
  case LEAVE_REG: cpu->left = NULL; return JIT_EXIT_NEXT;
  case LEAVE_TROUBLE: return cpu->trouble == JIT_FAULT ? JIT_EXIT_FAULT : JIT_EXIT_RESTART;
  default: return JIT_EXIT_STOP;
  }
}

static void note_frame(struct jit_block *b, const struct jit_cpu *cpu) {
  const struct softtlb_entry *e = softtlb_find(&cpu->tlb.table[MMU_FETCH], b->key.pc, 4);
  if (e) b->page->frame = e->addend;
}

static enum jit_exit_kind run_stencils(struct jit *j, struct jit_block *b, uint32_t code, struct jit_cpu *cpu,
                                       struct jit_block **next) {
  if (cpu->jit != j) join(j, cpu);
  b->heat = 1;
  cpu->block = b; /* until a way out that knows better */
  jit_stencils_remember(j->stencils, b, cpu);
  int64_t before = cpu->budget + (int64_t)cpu->stalled;
  enum jit_exit_kind kind = left(j, cpu, jit_stencils_run(j->stencils, code, cpu), next);
  if (kind == JIT_EXIT_FAULT || kind == JIT_EXIT_RESTART) before -= cpu->block->shape.insns - cpu->at; /* not run */
  j->stats.cycles_stencil += (uint64_t)(before - cpu->budget - (int64_t)cpu->stalled);
  return kind;
}

enum jit_exit_kind jit_run(struct jit *j, struct jit_block *b, struct jit_cpu *cpu) {
  cpu->trouble = JIT_FINE;
  j->in_region = false;
  if (b->page && !b->page->frame && !(j->guest->fixed && j->guest->fixed(b->key.pc))) note_frame(b, cpu);
  for (bool by_region = true;; by_region = true) {
    if (!b->host && b->heat <= 1) compile(j, b);
    settle(j);
  again:
    if (by_region ? b->host : b->stencils) {
      struct jit_block *next;
      enum jit_exit_kind kind = run_stencils(j, b, by_region ? b->host : b->stencils, cpu, &next);
      if (next) {
        b = next;
        continue;
      }
      if (kind != JIT_EXIT_BUDGET || !j->in_region || cpu->budget < cpu->block->shape.insns) return kind;
      b = cpu->block; /* a region wants budget for more than one block */
      by_region = false;
      if (!b->stencils) compile(j, b);
      goto again;
    } else {
      int kind = jit_eval(j->guest, b, cpu);
      if (kind != JIT_SWITCH) return (enum jit_exit_kind)kind;
      b = cpu->block;
    }
  }
}

const struct jit_key *jit_block_key(const struct jit_block *b) {
  return &b->key;
}
struct jit_shape jit_block_shape(const struct jit_block *b) {
  return b->shape;
}
struct jit_page *jit_block_page(const struct jit_block *b) {
  return b->page;
}
void jit_stats(const struct jit *j, struct jit_stats *out) {
  *out = j->stats;
  if (j->stencils) out->bytes += jit_stencils_bytes(j->stencils);
  if (j->regions) jit_regions_stats(j->regions, out);
}

int jit_block_list(struct jit *j, struct jit_block *b, enum jit_tier tier, struct jit_listing *out) {
  *out = (struct jit_listing){.guest = j->guest, .block = b, .tier = tier};
  if ((tier != JIT_STENCIL && tier != JIT_LLVM) || !jit_has_tier(tier)) return JIT_NO_TIER;
  if (!j->stencils && make_compilers(j)) return -1;
  out->stencils = j->stencils;
  if (tier == JIT_LLVM && !j->regions) return JIT_NO_TIER;
  if (tier == JIT_LLVM ? !jit_regions_list(j->regions, b, out) : !jit_stencils_list(j->stencils, b, out)) return 0;
  jit_listing_free(out);
  return -1;
}
