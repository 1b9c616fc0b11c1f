/* jit/tier_llvm.c: the LLVM tier: which blocks become regions, the thread that compiles them, where their code is kept.
 */
/* SPDX-License-Identifier: Apache-2.0 */
/* Regions are grown, put into use and dropped by the thread that runs the guest, and only when no generated code runs.
 * The compiler's thread sees a region's source and nothing else; what passes between the two is a queue each way. A
 * region whose blocks die while it is compiled is dropped when it comes back. */
#define _GNU_SOURCE /* gettid */
#include "jit/code_memory.h"
#include "jit/pool.h"
#include "jit/region.h"
#include "jit/store.h"
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum {
  QUEUE = 16,
  HOT = 400,
  HOT_FOR_VIEW = 200,
  LARGER = 5 /* times as hot */,
  LOOK_FROM = 4,
  NOT_AGAIN = -64,
  STACK = 8 << 20,
  NICE = 5
};

struct span { /* free code memory */
  uint32_t at, size;
  struct span *next;
};

struct jit_regions {
  struct jit *jit;
  const struct jit_guest *guest;
  struct jit_stencils *stencils;
  struct jit_region_memory memory;
  struct jit_linker *linker;
  struct span *free;
  struct jit_region *all;
  struct jit_region *dead; /* may be running: freed when nothing is */
  bool wait, eager, exact;
  int hot, hot_for_view; /* samples that make a block hot */
  uint64_t delays;       /* see struct jit_tuning; the compiler's, once it runs */
  unsigned queued;
  struct jit_stats stats;
  struct jit_store *store;     /* or NULL */
  struct jit_pool *pool;       /* or NULL */
  struct region_key key_begin; /* if there is either */
  /* Shared with the compiler's thread, under the lock. */
  struct jit_llvm *llvm;
  pthread_t thread;
  bool started, quit;
  pthread_mutex_t lock;
  pthread_cond_t work;
  struct jit_region *todo, *done;
  _Atomic bool ready; /* `done` is worth a look */
};

bool jit_regions_present(void) {
  return jit_llvm_present();
}

/* --- code memory --- */

/* 0: there is no room. */
static uint32_t take_memory(struct jit_regions *rs, uint32_t size) {
  for (struct span **p = &rs->free; *p; p = &(*p)->next) {
    struct span *s = *p;
    if (s->size < size) continue;
    uint32_t at = s->at;
    s->at += size;
    s->size -= size;
    if (!s->size) {
      *p = s->next;
      free(s);
    }
    rs->stats.region_bytes += size;
    return at;
  }
  return 0;
}

static void give_memory(struct jit_regions *rs, uint32_t at, uint32_t size) {
  struct span **p = &rs->free, *before = NULL;
  rs->stats.region_bytes -= size;
  for (; *p && (*p)->at < at; p = &(*p)->next) before = *p;
  struct span *after = *p;
  if (before && before->at + before->size == at) {
    before->size += size;
    if (after && before->at + before->size == after->at) {
      before->size += after->size;
      before->next = after->next;
      free(after);
    }
  } else if (after && at + size == after->at) {
    after->at = at;
    after->size += size;
  } else {
    struct span *s = malloc(sizeof *s);
    if (!s) return; /* that piece is lost */
    *s = (struct span){at, size, after};
    *p = s;
  }
}

/* --- life and death --- */

static void leave_list(struct jit_region *r) {
  if (!r->prev_all) return;
  *r->prev_all = r->next_all;
  if (r->next_all) r->next_all->prev_all = r->prev_all;
  r->prev_all = NULL;
}

/* Take r out of use. Its memory lives until nothing runs. */
static void drop(struct jit_regions *rs, struct jit_region *r) {
  if (r->state == REGION_DEAD) return;
  for (unsigned i = 0; i < r->members; i++) {
    struct region_member *m = &r->member[i];
    *m->prev = m->next;
    if (m->next) m->next->prev = m->prev;
  }
  struct jit_block *seed = r->member[0].block;
  for (struct region_member *m = seed->regions; m; m = m->next)
    if (m->region->smaller == r) m->region->smaller = NULL;
  if (seed->region == r) seed->region = NULL; /* else it was to replace that one */
  if (r->state == REGION_LIVE) {
    seed->host = seed->stencils;
    jit_stencils_enter_at(rs->stencils, seed);
    rs->stats.regions_dropped++;
    jit_forget_jumps(rs->jit, seed);
  }
  leave_list(r);
  r->state = REGION_DEAD;
  if (r->compiling) return;
  r->next = rs->dead;
  rs->dead = r;
}

void jit_regions_forget(struct jit_regions *rs, struct jit_block *b) {
  while (b->regions) drop(rs, b->regions->region);
}

static void bury(struct jit_regions *rs) {
  while (rs->dead) {
    struct jit_region *r = rs->dead;
    rs->dead = r->next;
    jit_unlink(rs->linker, r->linked);
    if (r->size) give_memory(rs, r->at, r->size);
    region_free(r);
  }
}

static struct jit_region *coldest(const struct jit_regions *rs) {
  struct jit_region *best = NULL;
  for (struct jit_region *r = rs->all; r; r = r->next_all)
    if (r->state == REGION_LIVE && (!best || r->heat < best->heat)) best = r;
  return best;
}

/* Room for `size` bytes, at the cost of the coldest regions. Nothing is running. */
static uint32_t make_room(struct jit_regions *rs, uint32_t size) {
  uint32_t at;
  while (!(at = take_memory(rs, size))) {
    struct jit_region *r = coldest(rs);
    if (!r) return 0;
    drop(rs, r);
    bury(rs);
    for (struct jit_region *o = rs->all; o; o = o->next_all) o->heat -= o->heat / 8; /* all live */
  }
  return at;
}

/* --- putting a region into use --- */

struct naming {
  const struct jit_regions *rs;
  const struct jit_region *r;
};

static uint64_t find_symbol(const void *ctx, const char *name) {
  const struct naming *n = ctx;
  char *end;
  unsigned long i = strtoul(name + 1, &end, 10), k = *end == '_' ? strtoul(end + 1, &end, 10) : JIT_EXITS;
  if (!strcmp(name, "table")) return (uint64_t)(uintptr_t)&n->r->table;
  if (!strcmp(name, "guest_raise")) return (uint64_t)(uintptr_t)n->rs->guest->raise;
  if (*end || end == name + 1) return jit_stencils_shared(n->rs->stencils, name);
  if (*name == 'h') return i < n->rs->guest->helpers ? (uint64_t)(uintptr_t)n->rs->guest->helper[i] : 0;
  if (i >= n->r->members) return 0;
  struct jit_block *b = n->r->member[i].block;
  switch (*name) {
  case 'b': return (uint64_t)(uintptr_t)b;
  case 'f': return jit_page_frame(b->page);
  case 'x': return k < JIT_EXITS ? (uint64_t)(uintptr_t)&b->exit[k] : 0;
  default: return 0;
  }
}

/* How many bits an address has in the view that b's memory is seen through; 0: it is none. */
static unsigned view_of(const struct jit_regions *rs, const struct jit_block *b) {
  return rs->guest->view ? rs->guest->view(b->key.mode) : 0;
}

static void set_access(const struct jit_regions *rs, struct region_source *s, const struct jit_block *b) {
  s->view = view_of(rs, b);
  s->lines = rs->guest->lines && rs->guest->lines(b->key.mode);
  s->exact = rs->exact || s->lines;
}

static uint32_t code_at(const struct jit_regions *rs, const struct jit_region *r) {
  return (uint32_t)(r->table.code - (uint64_t)(uintptr_t)rs->memory.exec);
}

static void use(struct jit_regions *rs, struct jit_region *r) {
  struct jit_block *seed = r->member[0].block;
  if (r->smaller) drop(rs, r->smaller);
  r->state = REGION_LIVE;
  seed->region = r;
  seed->host = code_at(rs, r);
  seed->heat = 1;
  for (unsigned i = 0; i < r->members; i++)
    for (int k = 0; k < JIT_EXITS; k++) jit_stencils_give_cell(rs->stencils, &r->member[i].block->exit[k]);
  jit_stencils_enter_at(rs->stencils, seed);
  rs->stats.regions_made++;
  rs->stats.regions_for_views += view_of(rs, seed) != 0;
  rs->stats.region_insns += r->insns;
  jit_forget_jumps(rs->jit, seed);
}

/* Link a region that is compiled. 0; -1: there is no room, or it is damaged. */
static int link_region(struct jit_regions *rs, struct jit_region *r) {
  uint32_t size = jit_link_room(&r->object);
  if (!size || !(r->at = make_room(rs, size))) return -1;
  r->size = size;
  r->table = (struct region_table){.guest = rs->guest, .member = r->member};
  const struct link_request want = {.object = &r->object,
                                    .find = find_symbol,
                                    .ctx = &(struct naming){rs, r},
                                    .room = (uint8_t *)(uintptr_t)(rs->memory.exec + r->at),
                                    .size = size};
  if (jit_link(rs->linker, &want, &r->table, &r->linked)) return -1;
  uint32_t used = (jit_linked_size(r->linked) + CODE_MEMORY_PAGE - 1) & ~(uint32_t)(CODE_MEMORY_PAGE - 1);
  if (used < size) give_memory(rs, r->at + used, size - used);
  r->size = used;
  return 0;
}

/* A compiled region: put it into use. */
static void install(struct jit_regions *rs, struct jit_region *r) {
  if (link_region(rs, r)) {
    drop(rs, r);
    return;
  }
  use(rs, r);
  free(r->source);
  free(r->object.bytes);
  r->source = NULL;
  r->object.bytes = NULL;
}

static void receive(struct jit_regions *rs, struct jit_region *r) {
  r->compiling = false;
  rs->queued--;
  rs->stats.llvm_seconds += r->seconds;
  if (r->state != REGION_DEAD) {
    install(rs, r);
    return;
  }
  r->next = rs->dead;
  rs->dead = r;
}

static struct jit_region *region_at(const struct jit_regions *rs, uint64_t pc) {
  uint64_t at = pc - (uint64_t)(uintptr_t)rs->memory.exec;
  if (at < rs->memory.begin || at >= rs->memory.end) return NULL;
  for (struct jit_region *r = rs->all; r; r = r->next_all)
    if (r->state == REGION_LIVE && at - r->at < r->size) return r;
  return NULL;
}

uint64_t jit_regions_fault(const struct jit_regions *rs, uint64_t pc) {
  const struct jit_region *r = region_at(rs, pc);
  if (!r) return 0;
  const uint32_t at = (uint32_t)(pc - r->table.code);
  const struct region_fault *f = bsearch(&at, r->table.fault, r->table.faults, sizeof *f, region_by_at);
  return f ? r->table.code + f->to : 0;
}

void jit_regions_settle(struct jit_regions *rs) {
  if (atomic_load_explicit(&rs->ready, memory_order_relaxed)) {
    pthread_mutex_lock(&rs->lock);
    struct jit_region *r = rs->done, *next;
    rs->done = NULL;
    atomic_store_explicit(&rs->ready, false, memory_order_relaxed);
    pthread_mutex_unlock(&rs->lock);
    for (; r; r = next) {
      next = r->next;
      receive(rs, r);
    }
  }
  if (rs->dead) bury(rs);
}

void jit_regions_relink(struct jit_regions *rs) {
  for (struct jit_region *r = rs->all; r; r = r->next_all)
    for (unsigned i = 0; i < r->members; i++)
      for (int k = 0; k < JIT_EXITS; k++) jit_stencils_link(rs->stencils, &r->member[i].block->exit[k]);
}

/* --- the compiler's thread --- */

/* Is anything kept, or shared? */
static bool keeps(const struct jit_regions *rs) {
  return rs->store || rs->pool;
}

/* An object that another jit of the process, or a run before this one, has made of the same. */
static bool find_kept(struct jit_regions *rs, struct jit_region *r) {
  struct region_key k;
  if (!keeps(rs) || region_key_make(&k, &rs->key_begin, r->source)) return false;
  struct store_bytes key = {k.bytes, k.size}, v = {0};
  if (rs->pool) v = pool_get(rs->pool, key);
  if (rs->store && !v.bytes) v = store_get(rs->store, key);
  region_key_fini(&k);
  r->object = (struct jit_object){v.bytes, v.size};
  return v.bytes != NULL;
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void compile(struct jit_regions *rs, struct jit_region *r) {
  struct region_key k = {0};
  struct store_bytes v = {0};
  bool keyed = keeps(rs) && !region_key_make(&k, &rs->key_begin, r->source);
  const struct store_bytes key = {k.bytes, k.size};
  if (!keyed || !rs->pool || pool_claim(rs->pool, key, &v)) {
    double begin = now();
    if (jit_llvm_compile(rs->llvm, r->source, &r->object)) r->object = (struct jit_object){0};
    r->seconds = now() - begin;
    v = (struct store_bytes){r->object.bytes, r->object.size};
    if (keyed && rs->pool) pool_put(rs->pool, key, v);
    if (keyed && rs->store && v.bytes) store_put(rs->store, key, v);
  }
  r->object = (struct jit_object){v.bytes, v.size};
  region_key_fini(&k);
}

/* The lock is held. What waits for long cools down. */
static struct jit_region *take_hottest(struct jit_regions *rs) {
  struct jit_region **best = &rs->todo;
  for (struct jit_region **p = &rs->todo; *p; p = &(*p)->next) {
    uint32_t heat = atomic_load_explicit(&(*p)->heat, memory_order_relaxed);
    if (heat > atomic_load_explicit(&(*best)->heat, memory_order_relaxed)) best = p;
  }
  struct jit_region *r = *best;
  *best = r->next;
  for (struct jit_region *p = rs->todo; p; p = p->next)
    atomic_fetch_sub_explicit(&p->heat, atomic_load_explicit(&p->heat, memory_order_relaxed) / 4, memory_order_relaxed);
  return r;
}

/* For tests: hold what is compiled back for up to 4 ms. */
static void dawdle(struct jit_regions *rs) {
  if (!rs->delays) return;
  rs->delays = rs->delays * UINT64_C(6364136223846793005) + 1;
  const struct timespec t = {.tv_nsec = (long)(rs->delays >> 33) % 4000000};
  nanosleep(&t, NULL);
}

static void *work(void *ctx) {
  struct jit_regions *rs = ctx;
  if (!rs->eager) /* on Linux of this thread: where cores are few the guest comes first */
    setpriority(PRIO_PROCESS, (id_t)gettid(), NICE);
  pthread_mutex_lock(&rs->lock);
  for (;;) {
    while (!rs->todo && !rs->quit) pthread_cond_wait(&rs->work, &rs->lock);
    if (rs->quit) break;
    struct jit_region *r = take_hottest(rs);
    pthread_mutex_unlock(&rs->lock);
    dawdle(rs);
    compile(rs, r);
    dawdle(rs);
    pthread_mutex_lock(&rs->lock);
    r->next = rs->done;
    rs->done = r;
    atomic_store_explicit(&rs->ready, true, memory_order_relaxed);
  }
  pthread_mutex_unlock(&rs->lock);
  return NULL;
}

static int start(struct jit_regions *rs) {
  pthread_attr_t a;
  if (pthread_attr_init(&a)) return -1;
  pthread_attr_setstacksize(&a, STACK);
  rs->started = !pthread_create(&rs->thread, &a, work, rs);
  pthread_attr_destroy(&a);
  return rs->started ? 0 : -1;
}

static void enqueue(struct jit_regions *rs, struct jit_region *r) {
  pthread_mutex_lock(&rs->lock);
  r->next = rs->todo;
  rs->todo = r;
  pthread_cond_signal(&rs->work);
  pthread_mutex_unlock(&rs->lock);
}

/* --- what becomes a region --- */

/* Give the coldest region in the queue up. */
static void shorten_queue(struct jit_regions *rs) {
  struct jit_region **coldest = &rs->todo;
  pthread_mutex_lock(&rs->lock);
  for (struct jit_region **p = &rs->todo; *p; p = &(*p)->next)
    if ((*p)->heat < (*coldest)->heat) coldest = p;
  struct jit_region *r = *coldest;
  if (r) *coldest = r->next;
  pthread_mutex_unlock(&rs->lock);
  if (!r) return;
  r->compiling = false;
  rs->queued--;
  if (r->state != REGION_DEAD) {
    r->member[0].block->samples = 0;
    drop(rs, r);
  } else {
    r->next = rs->dead;
    rs->dead = r;
  }
}

/* Get a region's code: from the store, or (not kept_only) compiled. False: it was dropped, as not in the store. */
static bool make_or_find(struct jit_regions *rs, struct jit_region *r, bool kept_only) {
  r->next_all = rs->all;
  r->prev_all = &rs->all;
  if (r->next_all) r->next_all->prev_all = &r->next_all;
  rs->all = r;
  r->compiling = true;
  rs->queued++;
  bool found = find_kept(rs, r);
  if (kept_only && !found) {
    r->compiling = false;
    rs->queued--;
    drop(rs, r);
    return false;
  }
  if (!rs->wait && !found) {
    enqueue(rs, r);
    return true;
  }
  if (!found) compile(rs, r);
  rs->stats.regions_found += found;
  receive(rs, r);
  return true;
}

/* Does b wait for a region that will have it? */
static bool awaits(const struct jit_block *b) {
  for (const struct region_member *m = b->regions; m; m = m->next)
    if (m->region->state == REGION_QUEUED && !m->region->smaller) return true;
  return false;
}

/* Have a region around b, or (kept_only) have it if it is in the store. */
static void want(struct jit_regions *rs, struct jit_block *b, bool kept_only) {
  if (awaits(b)) return; /* else every block of a long loop would begin one of its own */
  if (rs->queued == QUEUE && !kept_only) shorten_queue(rs);
  if (!region_takes(b) || (!rs->wait && !rs->started && start(rs))) return;
  struct jit_block *seed = region_seed(b);
  if (seed->region) seed = b;
  int samples = b->samples;
  if (!kept_only) b->samples = (int16_t)-rs->hot; /* not so soon again */
  if (seed->region) return;
  struct jit_region *r = region_grow(rs->guest, seed, REGION_SMALL);
  if (!r) return;
  set_access(rs, r->source, seed);
  b->samples = NOT_AGAIN;
  seed->samples = NOT_AGAIN;
  seed->region = r;
  if (make_or_find(rs, r, kept_only)) return;
  seed->samples = 0; /* as if nothing had been */
  b->samples = samples;
}

void jit_regions_want(struct jit_regions *rs, struct jit_block *b) {
  want(rs, b, false);
}

/* A region that goes on being hot: have a larger one replace it. */
static void want_larger(struct jit_regions *rs, struct jit_region *smaller, bool kept_only) {
  struct jit_block *seed = smaller->member[0].block;
  if (rs->queued == QUEUE && !kept_only) shorten_queue(rs);
  if (smaller->state != REGION_LIVE) return;
  struct jit_region *r = region_grow(rs->guest, seed, REGION_LARGE);
  if (!r) return;
  set_access(rs, r->source, seed);
  r->smaller = smaller;
  r->heat = smaller->heat;
  smaller->has_larger = !kept_only;
  if (r->insns > smaller->insns)
    make_or_find(rs, r, kept_only);
  else
    drop(rs, r);
}

static void sample_region(struct jit_regions *rs, struct jit_region *r) {
  const uint32_t n = ++r->ticks, larger = LARGER * (uint32_t)rs->hot_for_view;
  const struct jit_block *seed = r->member[0].block;
  atomic_fetch_add_explicit(&r->heat, 8, memory_order_relaxed);
  if (r->has_larger || seed->region != r || !view_of(rs, seed)) return;
  if (n >= larger)
    want_larger(rs, r, false);
  else if (keeps(rs) && n >= LOOK_FROM && !(n & (n - 1)))
    want_larger(rs, r, true);
}

void jit_regions_sample(struct jit_regions *rs, struct jit_block *b, bool in_region) {
  for (struct region_member *m = b->regions, *next; m; m = next) {
    struct jit_region *r = m->region;
    next = m->next;
    if (in_region != (r->state == REGION_LIVE)) continue;
    if (in_region)
      sample_region(rs, r);
    else
      atomic_fetch_add_explicit(&r->heat, 8, memory_order_relaxed);
  }
  if (in_region) return;
  int n = ++b->samples;
  if (n >= (view_of(rs, b) ? rs->hot_for_view : rs->hot))
    want(rs, b, false);
  else if (keeps(rs) && n >= LOOK_FROM && !(n & (n - 1))) /* a block grows with what is seen of it: look again */
    want(rs, b, true);
}

/* --- the whole --- */

int jit_regions_new(struct jit_regions **out, const struct jit_guest *g, const struct jit_regions_config *c) {
  struct jit_regions *rs = calloc(1, sizeof *rs);
  *out = NULL;
  if (!rs) return -1;
  rs->guest = g;
  rs->jit = c->jit;
  rs->stencils = c->stencils;
  rs->wait = c->wait;
  rs->exact = c->exact;
  rs->hot = c->tuning.hot ? c->tuning.hot : HOT;
  rs->hot_for_view = c->tuning.hot_for_view ? c->tuning.hot_for_view : HOT_FOR_VIEW;
  rs->delays = c->tuning.delay_seed;
  rs->eager = c->tuning.eager;
  rs->memory = jit_stencils_region_memory(c->stencils);
  const struct jit_region_calls calls = region_calls();
  jit_stencils_make_region_shared(c->stencils, &calls);
  pthread_mutex_init(&rs->lock, NULL);
  pthread_cond_init(&rs->work, NULL);
  rs->free = malloc(sizeof *rs->free);
  if (!rs->free || jit_llvm_new(&rs->llvm, g) || jit_linker_new(&rs->linker)) {
    jit_regions_free(rs);
    return -1;
  }
  if ((c->store || c->pool) && !region_key_begin(&rs->key_begin, g, jit_llvm_name(rs->llvm))) {
    if (c->store) rs->store = store_open(c->store, c->store_bytes);
    rs->pool = c->pool;
  }
  *rs->free = (struct span){.at = rs->memory.begin, .size = rs->memory.end - rs->memory.begin};
  *out = rs;
  return 0;
}

void jit_regions_free(struct jit_regions *rs) {
  if (!rs) return;
  if (rs->started) {
    pthread_mutex_lock(&rs->lock);
    rs->quit = true;
    pthread_cond_signal(&rs->work);
    pthread_mutex_unlock(&rs->lock);
    pthread_join(rs->thread, NULL);
  }
  /* Blocks are gone, and so are the regions that were not in a queue. */
  for (struct jit_region *lists[] = {rs->todo, rs->done}, **l = lists; l < lists + 2; l++)
    for (struct jit_region *r = *l, *next; r; r = next) {
      next = r->next;
      r->compiling = false;
      region_free(r);
    }
  while (rs->dead) {
    struct jit_region *r = rs->dead;
    rs->dead = r->next;
    region_free(r);
  }
  while (rs->free) {
    struct span *s = rs->free;
    rs->free = s->next;
    free(s);
  }
  jit_linker_free(rs->linker);
  jit_llvm_free(rs->llvm);
  region_key_fini(&rs->key_begin);
  store_close(rs->store);
  pthread_cond_destroy(&rs->work);
  pthread_mutex_destroy(&rs->lock);
  free(rs);
}

/* Link r, which will never run, and say where it is. */
static int list_region(struct jit_regions *rs, struct jit_region *r, struct jit_listing *l) {
  if (jit_llvm_compile(rs->llvm, r->source, &r->object) || link_region(rs, r)) return -1;
  l->table = &r->table;
  uint32_t from = code_at(rs, r);
  return jit_listing_add(l, from, from + jit_linked_code_size(r->linked), JIT_PART_ALL, false) ? 0 : -1;
}

int jit_regions_list(struct jit_regions *rs, struct jit_block *b, struct jit_listing *l) {
  assert(!rs->started);
  l->code = rs->memory.exec;
  l->cpu = "r13";
  l->budget = "r14";
  if (!region_takes(b)) return 0;
  for (int i = 0; i < JIT_EXITS; i++) /* a loop is one, although nobody has run it yet */
    if (b->exit[i].pc == b->key.pc) b->exit[i].to = b;
  struct jit_region *r = region_grow(rs->guest, b, REGION_SMALL);
  for (int i = 0; i < JIT_EXITS; i++) b->exit[i].to = NULL;
  if (!r) return -1;
  int failed = list_region(rs, r, l);
  drop(rs, r);
  return failed;
}

const char *jit_regions_trouble(struct jit_regions *rs) {
  return store_trouble(rs->store);
}

void jit_regions_stats(const struct jit_regions *rs, struct jit_stats *out) {
  out->regions_made = rs->stats.regions_made;
  out->regions_found = rs->stats.regions_found;
  out->regions_for_views = rs->stats.regions_for_views;
  out->regions_dropped = rs->stats.regions_dropped;
  out->region_insns = rs->stats.region_insns;
  out->llvm_seconds = rs->stats.llvm_seconds;
  out->region_bytes = rs->stats.region_bytes;
  out->region_queue = rs->queued;
}
