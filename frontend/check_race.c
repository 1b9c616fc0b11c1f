/* frontend/check_race.c: accesses of two vcpus to the same bytes, at about the same time, that nothing orders. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Happens-before with vector clocks (FastTrack, Flanagan and Freund, PLDI'09), of what was accessed lately: an access
 * is compared with the last few of other vcpus to the same 8 bytes, within WINDOW cycles of virtual time. Vcpus live
 * through the same stretch of it one after the other, so what a real machine does at once is near here, too.
 *
 * Binaries do not say which accesses are meant to synchronize. What orders, is told by what they do:
 * - a word that LL or SC has ever touched is one for synchronisation: loads of it take over what stores to it give;
 * - so is a word that a SYNC is followed by a store to, before it is loaded;
 * - any store gives what its vcpu had done before its last SYNC, and any load takes it over: addresses depend on it;
 * - a store to a device gives, an interrupt takes over;
 * - whose store comes after a load that has seen another's store there, comes behind that, as memory is coherent.
 * Synchronisation that is forgotten would make races of what is none, so it is given to all before. */
#include "frontend/check_parts.h"
#include <stdlib.h>
#include <string.h>

enum {
  VCPUS = 16,
  UNIT = 8, /* bytes: the largest access */
  SETS = 1 << 14,
  WAYS = 4,
  CELLS = 4,
  WINDOW = 10000,    /* cycles: a turn, at most */
  KEPT = 4 * WINDOW, /* nothing is nearer than that to what will come */
  FOLLOWS = 16,      /* instructions from a SYNC to the store it is for */
  UPDATES = 64,      /* ... from a load to the store of what is made of it */
  LOADED = 8
};

struct clock {
  uint64_t of[VCPUS];
};

/* An access. */
enum { LIVE = 1, WRITE = 2, CHANGED = 4, UPDATE = 8 };
struct cell {
  uint64_t pc, at, value, clock;
  uint64_t loaded_at; /* by the same vcpu, since; 0: not */
  uint16_t seen;      /* vcpus that have loaded what it stored */
  uint8_t vcpu, mask, flags;
};

struct unit {
  uint64_t number, used; /* its number + 1; 0: there is none */
  uint64_t value;        /* as it was last seen */
  struct clock given;
  struct cell cell[CELLS];
  bool gives;
};

struct vcpu {
  struct clock now, fence; /* fence: as it was at the last SYNC */
  bool begun;
  uint64_t sync_at;               /* instruction count at the last SYNC, if no store has come since; 0 */
  uint64_t loaded[LOADED], loads; /* units loaded since */
};

struct check_race {
  struct unit *unit; /* owned */
  uint8_t *word;     /* owned: bits of words: is it one for synchronisation? */
  unsigned vcpus;
  struct vcpu vcpu[VCPUS];
  struct clock device;
};

struct check_race *check_race_new(uint64_t bytes, unsigned vcpus) {
  struct check_race *r = calloc(1, sizeof *r);
  if (!r) return NULL;
  r->vcpus = vcpus;
  r->unit = calloc(SETS * WAYS, sizeof *r->unit);
  r->word = calloc(bytes / 32 + 1, 1);
  if (r->unit && r->word) return r;
  check_race_free(r);
  return NULL;
}

void check_race_free(struct check_race *r) {
  if (!r) return;
  free(r->unit);
  free(r->word);
  free(r);
}

/* --- what orders --- */

static void join(const struct check_race *r, struct clock *c, const struct clock *with) {
  for (unsigned i = 0; i < r->vcpus; i++)
    if (with->of[i] > c->of[i]) c->of[i] = with->of[i];
}

/* Who is new knows all that was done before. */
static struct vcpu *present(struct check_race *r, unsigned number) {
  struct vcpu *v = &r->vcpu[number];
  if (v->begun) return v;
  for (unsigned i = 0; i < r->vcpus; i++) join(r, &v->now, &r->vcpu[i].now);
  for (unsigned i = 0; i < r->vcpus; i++)
    if (r->vcpu[i].begun && i != number) r->vcpu[i].now.of[i]++;
  v->now.of[number] = 1;
  v->begun = true;
  return v;
}

/* All that the vcpu has done so far. */
static void give(const struct check_race *r, struct clock *to, struct vcpu *v, unsigned number) {
  join(r, to, &v->now);
  v->now.of[number]++;
}

void check_race_sync(struct cpu *c) {
  struct vcpu *v = present(c->cfg.check->race, c->cfg.number);
  v->fence = v->now;
  v->now.of[c->cfg.number]++;
  v->sync_at = mips_instructions(c) + 1;
  v->loads = 0;
}

void check_race_device_store(struct cpu *c) {
  struct check_race *r = c->cfg.check->race;
  give(r, &r->device, present(r, c->cfg.number), c->cfg.number);
}

void check_race_interrupt(struct cpu *c) {
  struct check_race *r = c->cfg.check->race;
  join(r, &present(r, c->cfg.number)->now, &r->device);
}

static bool is_for_sync(const struct check_race *r, uint64_t at) {
  return r->word[at / 32] >> at / 4 % 8 & 1;
}

static void is_one_for_sync(struct check_race *r, uint64_t at, uint32_t bytes) {
  for (uint64_t w = at / 4; w <= (at + bytes - 1) / 4; w++) r->word[w / 8] |= (uint8_t)(1u << w % 8);
}

/* Is this the store that a SYNC was for? */
static bool follows_sync(struct cpu *c, struct vcpu *v, uint64_t unit) {
  bool follows = v->sync_at && mips_instructions(c) + 1 - v->sync_at < FOLLOWS && v->loads <= LOADED;
  for (unsigned i = 0; follows && i < v->loads; i++) follows = v->loaded[i] != unit;
  v->sync_at = 0;
  return follows;
}

static void loaded_since_sync(struct vcpu *v, uint64_t unit) {
  if (v->sync_at && v->loads < LOADED) v->loaded[v->loads] = unit;
  if (v->sync_at) v->loads++;
}

/* --- what is known of 8 bytes --- */

static void forget(struct check_race *r, const struct unit *u, uint64_t now) {
  if (u->number && u->gives && now < u->used + KEPT)
    for (unsigned i = 0; i < r->vcpus; i++) join(r, &r->vcpu[i].now, &u->given);
}

static struct unit *unit_of(struct check_race *r, const struct mips_check *k, uint64_t number, uint64_t now) {
  struct unit *set = &r->unit[(check_hash(number) >> 50) * WAYS], *to = set;
  _Static_assert(SETS == 1 << (64 - 50), "the set is chosen by the upper bits");
  for (unsigned w = 0; w < WAYS; w++) {
    if (set[w].number == number + 1) return &set[w];
    if (set[w].used < to->used) to = &set[w];
  }
  forget(r, to, now);
  *to = (struct unit){.number = number + 1};
  memcpy(&to->value, check_ram(k, number * UNIT), UNIT);
  return to;
}

/* The bits that a mask of bytes stands for. */
static uint64_t bits_of(unsigned mask) {
  uint64_t bits = 0;
  for (unsigned i = 0; i < UNIT; i++)
    if (mask >> i & 1) bits |= UINT64_C(0xff) << 8 * i;
  return bits;
}

/* --- accesses --- */

static uint64_t distance(uint64_t a, uint64_t b) {
  return a > b ? a - b : b - a;
}

static void conflict(struct cpu *c, const struct check_access *a, const struct cell *o, const struct cell *n) {
  uint64_t bits = bits_of(o->mask & n->mask);
  bool differ = (o->value ^ n->value) & bits, both = o->flags & n->flags & WRITE;
  bool changes = n->flags & WRITE ? differ : o->flags & CHANGED;
  enum mips_finding_kind kind = !both                            ? MIPS_FOUND_RACE_READ
                                : (o->flags | n->flags) & UPDATE ? MIPS_FOUND_RACE_UPDATE
                                                                 : MIPS_FOUND_RACE_WRITE;
  if (changes && c->cfg.check->kinds & mips_finding_info[kind].check)
    check_found(
        c, &(struct mips_finding){
               .kind = kind, .pc = n->pc, .va = a->va, .before = o->pc, .stores = n->flags & WRITE, .by = o->vcpu});
}

static void look(struct cpu *c, const struct check_access *a, const struct unit *u, const struct cell *n) {
  const struct vcpu *v = &c->cfg.check->race->vcpu[n->vcpu];
  for (unsigned i = 0; i < CELLS; i++) {
    const struct cell *o = &u->cell[i];
    if (o->flags && o->vcpu != n->vcpu && o->mask & n->mask && (o->flags | n->flags) & WRITE &&
        distance(o->at, n->at) < WINDOW && o->clock > v->now.of[o->vcpu])
      conflict(c, a, o, n);
  }
}

/* Its own last one to the same bytes makes room, else the oldest. */
static void keep(struct unit *u, struct cell *n) {
  struct cell *to = &u->cell[0];
  for (unsigned i = 0; i < CELLS; i++) {
    struct cell *o = &u->cell[i];
    if (o->flags && o->vcpu == n->vcpu && o->mask == n->mask) {
      bool stays = o->flags & WRITE && !(n->flags & WRITE) && n->at < o->at + WINDOW;
      if (stays)
        o->loaded_at = n->at;
      else
        *o = *n;
      return;
    }
    if (o->at < to->at) to = o;
  }
  *to = *n;
}

/* A load of what others have stored. */
static void see(struct unit *u, const struct cell *n) {
  for (unsigned i = 0; i < CELLS; i++) {
    struct cell *o = &u->cell[i];
    bool whole = !(o->mask & ~n->mask) && !((o->value ^ n->value) & bits_of(o->mask));
    if (o->flags & WRITE && whole) o->seen |= (uint16_t)(1u << n->vcpu);
  }
}

/* A store behind such ones: who comes behind it comes behind them. */
static void settle(struct unit *u, const struct cell *n) {
  for (unsigned i = 0; i < CELLS; i++) {
    struct cell *o = &u->cell[i];
    if (o->vcpu != n->vcpu && o->seen >> n->vcpu & 1 && !(o->mask & ~n->mask)) o->flags = 0;
  }
}

/* Does it store what it has made of what it loaded? */
static bool updates(const struct unit *u, const struct cell *n) {
  for (unsigned i = 0; i < CELLS; i++) {
    const struct cell *o = &u->cell[i];
    if (o->flags && o->vcpu == n->vcpu && o->mask == n->mask) return o->loaded_at && n->at - o->loaded_at < UPDATES;
  }
  return false;
}

static void plain(struct cpu *c, const struct check_access *a, struct unit *u, struct vcpu *v, uint64_t now) {
  struct mips_check *k = c->cfg.check;
  struct cell n = {.pc = check_present_pc(c),
                   .at = now,
                   .vcpu = (uint8_t)c->cfg.number,
                   .mask = (uint8_t)(((1u << a->bytes) - 1) << a->at % UNIT),
                   .clock = v->now.of[c->cfg.number],
                   .loaded_at = a->store ? 0 : now,
                   .flags = LIVE | (a->store ? WRITE : 0)};
  memcpy(&n.value, check_ram(k, a->at & ~(uint64_t)(UNIT - 1)), UNIT);
  if (a->store && (u->value ^ n.value) & bits_of(n.mask)) n.flags |= CHANGED;
  if (a->store && updates(u, &n)) n.flags |= UPDATE;
  if (!a->store) see(u, &n);
  if (a->store && !(n.flags & UPDATE)) settle(u, &n); /* between load and store of an update others may come */
  look(c, a, u, &n);
  keep(u, &n);
  u->value = n.value;
  if (k->asked[check_hash(n.pc) >> 56] == n.pc) k->seen(k->ctx, c, n.pc);
}

void check_race_access(struct cpu *c, const struct check_access *a) {
  struct check_race *r = c->cfg.check->race;
  /* Handlers on their first steps, and those of TLB refills, do what hardware does elsewhere. */
  if (a->part || (c->cp0.status & (ST_EXL | ST_ERL) && !a->linked)) return;
  struct vcpu *v = present(r, c->cfg.number);
  uint64_t number = a->at / UNIT, now = mips_now(c);
  struct unit *u = unit_of(r, c->cfg.check, number, now);
  u->used = now;
  if (a->linked || (a->store && follows_sync(c, v, number))) is_one_for_sync(r, a->at, a->bytes);
  if (!a->store) loaded_since_sync(v, number);
  bool sync = is_for_sync(r, a->at);
  if (!sync) plain(c, a, u, v, now);
  if (u->gives && (!a->store || sync)) join(r, &v->now, &u->given);
  if (!a->store) return;
  u->gives = true;
  if (sync)
    give(r, &u->given, v, c->cfg.number);
  else
    join(r, &u->given, &v->fence);
}
