/* monitor/checks.c: what checks have found: by place, with who called whom, as text and JSON. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "monitor/checks.h"
#include "monitor/unwind.h"
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { CALLS = 12, PLACES = 4096 /* of a kind that are kept */, SHOWN = 20 };

struct place {
  struct mips_finding first;
  uint64_t times, instructions;       /* how often; when first */
  uint64_t call[CALLS], other[CALLS]; /* other: of a race, who has called the other one, as seen at another time */
  unsigned calls, others, vcpu;
};

struct mon_checks {
  struct mb_vm *vm;
  struct mips_check check;
  char *allowed;       /* owned: see mon_allows() */
  struct place *place; /* owned; in the order in which they were found */
  size_t places, room;
  uint64_t times[MIPS_FINDINGS], kept[MIPS_FINDINGS];
  size_t by_pc[1 << 12]; /* 1 + the place last found for a hash of kind and pc */
};

static bool is_race(const struct mips_finding *f) {
  return mips_finding_info[f->kind].check & (MIPS_CHECK_RACE | MIPS_CHECK_RACE_READ);
}

/* What makes two findings one: the instruction; of code that was stored, the one that has stored it; of races, both, no
 * matter who came first. */
static uint64_t place_of(const struct mips_finding *f) {
  bool stored = f->kind == MIPS_FOUND_NOT_WRITTEN || f->kind == MIPS_FOUND_NOT_INVALIDATED;
  return is_race(f) ? f->pc + f->before : stored ? f->before : f->pc;
}

static bool is_same(const struct mips_finding *a, const struct mips_finding *b) {
  if (a->kind != b->kind || place_of(a) != place_of(b)) return false;
  return !is_race(a) || a->pc == b->pc || a->pc == b->before;
}

static struct place *known_place(struct mon_checks *k, const struct mips_finding *f, size_t **slot) {
  uint64_t h = (place_of(f) ^ (uint64_t)f->kind << 56) * UINT64_C(0x9e3779b97f4a7c15);
  *slot = &k->by_pc[h >> 52];
  if (**slot && is_same(&k->place[**slot - 1].first, f)) return &k->place[**slot - 1];
  for (size_t i = 0; i < k->places; i++)
    if (is_same(&k->place[i].first, f)) return **slot = i + 1, &k->place[i];
  return NULL;
}

static struct place *new_place(struct mon_checks *k, const struct mips_finding *f) {
  if (k->kept[f->kind] == PLACES) return NULL;
  if (k->places == k->room) {
    size_t room = k->room ? 2 * k->room : 64;
    struct place *p = realloc(k->place, room * sizeof *p);
    if (!p) return NULL; /* it is counted all the same */
    k->place = p;
    k->room = room;
  }
  k->kept[f->kind]++;
  return &k->place[k->places++];
}

static void found(void *ctx, struct cpu *c, const struct mips_finding *f) {
  struct mon_checks *k = ctx;
  size_t *slot;
  k->times[f->kind]++;
  struct place *p = known_place(k, f, &slot);
  if (p) {
    p->times++;
    return;
  }
  if (!(p = new_place(k, f))) return;
  *slot = k->places;
  *p = (struct place){.first = *f, .times = 1, .instructions = mon_instructions(k->vm), .vcpu = c->cfg.number};
  uint64_t pc = c->j.pc; /* of the block: the walk begins at the instruction */
  c->j.pc = f->pc;
  p->calls = mon_unwind(c, NULL, p->call, CALLS);
  c->j.pc = pc;
  if (is_race(f)) mips_check_ask(&k->check, f->before, true);
}

/* The other one of a race is there again. */
static void seen(void *ctx, struct cpu *c, uint64_t at) {
  struct mon_checks *k = ctx;
  uint64_t call[CALLS], pc = c->j.pc;
  c->j.pc = at;
  unsigned calls = mon_unwind(c, NULL, call, CALLS);
  c->j.pc = pc;
  for (size_t i = 0; i < k->places; i++) {
    struct place *p = &k->place[i];
    if (!is_race(&p->first) || p->first.before != at || p->others) continue;
    memcpy(p->other, call, sizeof call);
    p->others = calls;
  }
  mips_check_ask(&k->check, at, false);
}

/* --- making --- */

int mon_checks_new(struct mb_vm *vm) {
  static const unsigned kinds[] = {MIPS_CHECK_TLB, MIPS_CHECK_UNINIT, MIPS_CHECK_CACHE, MIPS_CHECK_RACE,
                                   MIPS_CHECK_RACE | MIPS_CHECK_RACE_READ};
  struct mon_checks *k = vm->checks = calloc(1, sizeof *k);
  unsigned wanted = 0;
  if (!k) return -1;
  for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (vm->config.check >> i & 1) wanted |= kinds[i];
  k->vm = vm;
  k->check.kinds = wanted;
  k->check.vcpus = vm->config.vcpus;
  k->check.found = found;
  k->check.seen = seen;
  k->check.ctx = k;
  return 0;
}

int mon_checks_memory(struct mb_vm *vm) {
  return vm->checks ? mips_check_init(&vm->checks->check, &vm->pmap) : 0;
}

struct mips_check *mon_checks_cpu(struct mb_vm *vm) {
  return vm->checks ? &vm->checks->check : NULL;
}

void mon_checks_free(struct mb_vm *vm) {
  if (!vm->checks) return;
  mips_check_fini(&vm->checks->check);
  free(vm->checks->place);
  free(vm->checks->allowed);
  free(vm->checks);
  vm->checks = NULL;
}

void mon_checks_allow(struct mb_vm *vm, char *lines) {
  free(vm->checks->allowed);
  vm->checks->allowed = lines;
}

/* --- telling --- */

static bool names(const struct mon_checks *k, const char *kind, uint64_t pc) {
  char name[256];
  mon_symbol_name(&k->vm->symbols, pc, name, sizeof name);
  name[strcspn(name, "+ ")] = 0; /* an offset, a module */
  return mon_allows(k->allowed, kind, name);
}

/* Does the user not want to hear of it? */
static bool is_allowed(const struct mon_checks *k, const struct place *p) {
  const char *kind = mips_finding_info[p->first.kind].name;
  return k->allowed && (names(k, kind, p->first.pc) || (p->first.before && names(k, kind, p->first.before)));
}

/* Of a kind: what is left to be told, and in how many places; the same of what is allowed. */
struct sum {
  uint64_t places, times, allowed_places, allowed_times;
};
static struct sum sum_of(const struct mon_checks *k, unsigned kind) {
  struct sum s = {.places = k->kept[kind], .times = k->times[kind]};
  for (size_t i = 0; k->allowed && i < k->places; i++) {
    const struct place *p = &k->place[i];
    if (p->first.kind != kind || !is_allowed(k, p)) continue;
    s.allowed_places++;
    s.allowed_times += p->times;
  }
  s.places -= s.allowed_places;
  s.times -= s.allowed_times;
  return s;
}

static void print_what(const struct mips_finding *f, FILE *to) {
  const char *text = mips_finding_info[f->kind].text, *at = strstr(text, "%s");
  bool number = f->kind == MIPS_FOUND_TLB_DUPLICATE || f->kind == MIPS_FOUND_HAZARD;
  fprintf(to, "%.*s", (int)(at - text), text);
  fprintf(to, number ? "%" PRIu64 : "0x%" PRIx64, f->va);
  fputs(at + 2, to);
}

/* Does it matter which vcpu did what was before? */
static bool vcpus_differ(const struct mon_checks *k, const struct mips_finding *f) {
  return is_race(f) || (mips_finding_info[f->kind].check == MIPS_CHECK_TLB && k->vm->vcpus > 1);
}

static void print_calls(const struct mon_checks *k, const uint64_t *call, unsigned calls, FILE *to) {
  char name[512];
  for (unsigned i = 1; i < calls; i++)
    fprintf(to, "%s%s", i > 1 ? " < " : "\n      called by ", mb_where(k->vm, call[i], name, sizeof name));
}

static void print_place(const struct mon_checks *k, const struct place *p, FILE *to) {
  char name[512];
  fprintf(to, "  0x%" PRIx64 " %s, %" PRIu64 " time%s, first on vcpu %u after %" PRIu64 " instructions:\n    ",
          p->first.pc, mb_where(k->vm, p->first.pc, name, sizeof name), p->times, p->times > 1 ? "s" : "", p->vcpu,
          p->instructions);
  print_what(&p->first, to);
  print_calls(k, p->call, p->calls, to);
  if (p->first.before)
    fprintf(to, "\n    %s 0x%" PRIx64 " %s", is_race(&p->first) ? "the other:" : "by", p->first.before,
            mb_where(k->vm, p->first.before, name, sizeof name));
  if (p->first.before && vcpus_differ(k, &p->first)) fprintf(to, ", on vcpu %u", p->first.by);
  print_calls(k, p->other, p->others, to);
  fputc('\n', to);
}

static void print_kind(const struct mon_checks *k, unsigned kind, const struct sum *s, FILE *to) {
  unsigned shown = 0;
  fprintf(to, "%s: %" PRIu64 " places, %" PRIu64 " times\n", mips_finding_info[kind].name, s->places, s->times);
  for (size_t i = 0; i < k->places; i++) {
    if (k->place[i].first.kind != kind || is_allowed(k, &k->place[i])) continue;
    if (shown++ == SHOWN) {
      fputs("  (more of them in --stats)\n", to);
      return;
    }
    print_place(k, &k->place[i], to);
  }
}

char *mb_check_text(struct mb_vm *vm) {
  const struct mon_checks *k = vm->checks;
  char *text = NULL;
  size_t n = 0;
  FILE *to = k && vm->started ? open_memstream(&text, &n) : NULL;
  if (!to) return NULL;
  mon_learn_symbols(vm);
  uint64_t told = 0, allowed = 0;
  for (unsigned i = 0; i < MIPS_FINDINGS; i++) {
    struct sum s = sum_of(k, i);
    told += s.times;
    allowed += s.allowed_places;
    if (s.times) print_kind(k, i, &s, to);
  }
  if (!told) fputs(allowed ? "nothing else found\n" : "nothing found\n", to);
  if (allowed) fprintf(to, "allowed: %" PRIu64 " places\n", allowed);
  if (k->check.entries)
    fprintf(to, "tlb: the page table is known for %" PRIu64 " of %" PRIu64 " entries of user space\n",
            k->check.entries_known, k->check.entries);
  return fclose(to) ? free(text), NULL : text;
}

uint64_t mb_check_findings(struct mb_vm *vm, char *first, size_t room) {
  const struct mon_checks *k = vm->checks;
  uint64_t n = 0;
  char name[256];
  *first = 0;
  if (!k || !vm->started) return 0;
  mon_learn_symbols(vm);
  for (size_t i = 0; i < k->places; i++) {
    const struct place *p = &k->place[i];
    if (is_allowed(k, p) || n++) continue;
    snprintf(first, room, "%s at %s", mips_finding_info[p->first.kind].name,
             mon_symbol_name(&vm->symbols, p->first.pc, name, sizeof name));
  }
  return n;
}

static json_t *hex(uint64_t v) {
  char text[24];
  snprintf(text, sizeof text, "0x%" PRIx64, v);
  return json_string(text);
}

static json_t *calls_json(const struct mon_checks *k, const uint64_t *call, unsigned n) {
  char name[512];
  json_t *calls = json_array();
  for (unsigned i = 1; i < n; i++)
    json_array_append_new(calls, json_string(mb_where(k->vm, call[i], name, sizeof name)));
  return calls;
}

static json_t *place_json(const struct mon_checks *k, const struct place *p) {
  char name[512];
  json_t *o = json_object();
  json_object_set_new(o, "pc", hex(p->first.pc));
  json_object_set_new(o, "symbol", json_string(mon_symbol_name(&k->vm->symbols, p->first.pc, name, sizeof name)));
  json_object_set_new(o, "about", hex(p->first.va));
  if (p->first.before) json_object_set_new(o, "before", hex(p->first.before));
  json_object_set_new(o, "times", json_integer((json_int_t)p->times));
  json_object_set_new(o, "vcpu", json_integer(p->vcpu));
  json_object_set_new(o, "instructions", json_integer((json_int_t)p->instructions));
  if (is_allowed(k, p)) json_object_set_new(o, "allowed", json_true());
  json_object_set_new(o, "calls", calls_json(k, p->call, p->calls));
  if (!is_race(&p->first)) return o;
  json_object_set_new(o, "other_symbol",
                      json_string(mon_symbol_name(&k->vm->symbols, p->first.before, name, sizeof name)));
  json_object_set_new(o, "other_vcpu", json_integer(p->first.by));
  json_object_set_new(o, "other_calls", calls_json(k, p->other, p->others));
  return o;
}

json_t *mon_checks_json(struct mb_vm *vm) {
  const struct mon_checks *k = vm->checks;
  json_t *o = json_object();
  mon_learn_symbols(vm);
  for (unsigned i = 0; i < MIPS_FINDINGS; i++) {
    if (!(mips_finding_info[i].check & k->check.kinds)) continue;
    json_t *kind = json_object(), *places = json_array();
    for (size_t at = 0; at < k->places; at++)
      if (k->place[at].first.kind == i) json_array_append_new(places, place_json(k, &k->place[at]));
    json_object_set_new(kind, "times", json_integer((json_int_t)k->times[i]));
    json_object_set_new(kind, "places", places);
    json_object_set_new(o, mips_finding_info[i].name, kind);
  }
  if (!k->check.tlb) return o;
  json_object_set_new(o, "tlb_entries", json_integer((json_int_t)k->check.entries));
  json_object_set_new(o, "tlb_entries_known", json_integer((json_int_t)k->check.entries_known));
  return o;
}
