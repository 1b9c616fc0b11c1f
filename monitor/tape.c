/* monitor/tape.c: what comes to a VM from outside, and when: kept, and played again. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "monitor/tape.h"
#include <stdlib.h>
#include <string.h>

#define LOST_NS 1000000000u /* virtual: so long after its recorded end a run is another one */

/* --- items --- */

void mon_item_state(struct mon_item *i, struct snap *s) {
  SNAP(s, i->place);
  SNAP(s, i->what);
  SNAP(s, i->net);
  SNAP(s, i->key);
  if (!snap_check(s, i->place < MON_PLACES && i->what < MON_WHATS && i->net < MB_NETS_MAX)) return;
  if (i->what == MON_IDLE || i->what == MON_MARK) SNAP(s, i->value);
  if (i->what != MON_KEYS && i->what != MON_NET && i->what != MON_NET_LOOK && i->what != MON_HOST) return;
  SNAP(s, i->n);
  if (!s->restoring) return snap_bytes(s, i->bytes, i->n);
  if (!snap_check(s, i->n <= s->n - s->at)) return;
  i->bytes = malloc(i->n + 1);
  if (snap_check(s, i->bytes)) snap_bytes(s, i->bytes, i->n);
}

bool mon_tape_append(struct mon_tape *t, const struct mon_item *i) {
  if (t->n == t->room) {
    size_t room = t->room ? 2 * t->room : 64;
    struct mon_item *more = realloc(t->item, room * sizeof *more);
    if (!more) return false;
    t->item = more;
    t->room = room;
  }
  t->item[t->n++] = *i;
  return true;
}

void mon_tape_end_state(struct mon_tape_end *e, struct snap *s) {
  SNAP(s, e->kind);
  SNAP(s, e->why);
  SNAP(s, e->place);
  SNAP(s, e->key);
  SNAP(s, e->instructions);
  SNAP(s, e->cycle);
  SNAP(s, e->hash);
  snap_check(s, e->kind < MON_ENDS && e->why <= MB_STOP_ERROR && e->place < MON_PLACES);
}

/* --- keeping --- */

static uint64_t count_of(const struct mon_tape *t, enum mon_what what, unsigned net) {
  return what == MON_NET ? t->count.visit[net] : what == MON_HOST ? t->count.hosts : t->count.gets;
}

static void put_item(struct mon_tape *t, struct mon_item i) {
  if (t->writes) mon_item_state(&i, &t->out);
  t->failed |= t->out.bad;
  if (!t->keeps) return;
  uint8_t *copy = malloc(i.n + 1);
  if (copy && i.n) memcpy(copy, i.bytes, i.n);
  i.bytes = copy;
  if (copy && mon_tape_append(t, &i)) {
    t->at = t->n;
    return;
  }
  free(copy);
  t->failed = true;
}

void mon_tape_put(struct mb_vm *vm, enum mon_what what, unsigned net, uint64_t value, const void *bytes, size_t n) {
  struct mon_tape *t = vm->tape;
  if (!t || t->plays) return;
  put_item(t, (struct mon_item){.place = (uint8_t)t->where,
                                .what = (uint8_t)what,
                                .net = (uint8_t)net,
                                .key = t->where == MON_BY_COUNT ? count_of(t, what, net) : vm->clock.now,
                                .value = value,
                                .n = (uint32_t)n,
                                .bytes = (uint8_t *)(uintptr_t)bytes});
}

void mon_tape_put_idle(struct mb_vm *vm, uint64_t from, uint64_t to) {
  if (vm->tape && !vm->tape->plays)
    put_item(vm->tape, (struct mon_item){.place = MON_AT_IDLE, .what = MON_IDLE, .key = from, .value = to});
}

void mon_tape_stopped(struct mb_vm *vm) {
  struct mon_tape *t = vm->tape;
  if (!t) return;
  t->stop.there = t->where != MON_BY_COUNT;
  t->stop.place = t->where;
  t->stop.key = vm->clock.now;
}

/* A stop of its own that a replay comes to by itself needs no help; one between two rounds is found by its place. */
struct mon_tape_end mon_tape_end(struct mb_vm *vm) {
  const struct mon_tape *t = vm->tape;
  struct mon_tape_end e = {.kind = MON_END_COUNT,
                           .why = (uint8_t)vm->why,
                           .instructions = mon_instructions(vm),
                           .cycle = vm->clock.now,
                           .hash = mb_state_hash(vm)};
  bool common = vm->why == MB_STOP_INTERRUPTED || vm->why == MB_STOP_TIMEOUT;
  if (vm->stopping && !mon_may_go_on(vm) && vm->why != MB_STOP_ERROR) e.kind = MON_END_OWN;
  if (common && t->stop.there) {
    e.kind = MON_END_PLACE;
    e.place = (uint8_t)t->stop.place;
    e.key = t->stop.key;
  }
  if (vm->why == MB_STOP_LIMIT && e.instructions < vm->limit) {
    e.kind = MON_END_PLACE;
    e.place = MON_AT_ROUND;
    e.key = vm->clock.now;
  }
  return e;
}

/* --- playing --- */

static void be_strange(struct mb_vm *vm) {
  struct mon_tape *t = vm->tape;
  if (!t->strange_at) t->strange_at = 1 + mon_instructions(vm);
  t->at = t->n;
  mon_stop(vm, MB_STOP_ERROR);
}

static bool let_come(struct mb_vm *vm, const struct mon_item *i) {
  switch ((enum mon_what)i->what) {
  case MON_KEYS: return mon_console_arrive(&vm->console, i->bytes, (int)(i->n <= INT16_MAX ? i->n : INT16_MAX));
  case MON_KEYS_END: return mon_console_arrive(&vm->console, NULL, -1);
  case MON_NET:
  case MON_NET_LOOK:
    return i->net < vm->config.nets && vm->config.net[i->net].kind == MB_NET_NAT &&
           io_nat_play(&vm->net[i->net].nat, i->bytes, i->n, i->what == MON_NET_LOOK);
  case MON_MARK: return i->value == mon_instructions(vm);
  case MON_HOST:
  case MON_IDLE:
  case MON_WHATS: break;
  }
  return false;
}

static bool is_due(const struct mon_tape *t, enum mon_place place, uint64_t key) {
  return t->at < t->n && t->item[t->at].place == place && t->item[t->at].key <= key;
}

/* The end of a recorded run that was stopped by somebody. */
static void come_to_end(struct mb_vm *vm, enum mon_place place) {
  const struct mon_tape *t = vm->tape;
  const struct mon_tape_end *e = &t->end;
  if (e->kind == MON_END_PLACE && e->place == place && e->key <= vm->clock.now)
    mon_stop(vm, (enum mb_stop)e->why);
  else if (e->kind != MON_END_OPEN && vm->clock.now > e->cycle + mon_cycles(vm, LOST_NS))
    be_strange(vm);
}

void mon_tape_play(struct mb_vm *vm, enum mon_place place) {
  struct mon_tape *t = vm->tape;
  if (!mon_tape_plays(t)) return;
  while (is_due(t, place, vm->clock.now)) {
    const struct mon_item *i = &t->item[t->at++];
    if (let_come(vm, i) && i->key == vm->clock.now) continue;
    be_strange(vm);
    return;
  }
  if (t->at == t->n && !vm->stopping) come_to_end(vm, place);
}

uint64_t mon_tape_idle(struct mb_vm *vm, uint64_t from, uint64_t to, uint64_t last) {
  struct mon_tape *t = vm->tape;
  if (!is_due(t, MON_AT_IDLE, from)) return to;
  const struct mon_item *i = &t->item[t->at++];
  if (i->what == MON_IDLE && i->key == from && i->value >= from && i->value <= last) return i->value;
  be_strange(vm);
  return to;
}

/* What a question or a visit has met, if it is this one; NULL: nothing. */
static const struct mon_item *met(struct mb_vm *vm, enum mon_what what, unsigned net, uint64_t count) {
  struct mon_tape *t = vm->tape;
  if (t->at == t->n) return NULL;
  const struct mon_item *i = &t->item[t->at];
  bool keys = what == MON_KEYS && (i->what == MON_KEYS || i->what == MON_KEYS_END);
  if (i->place != MON_BY_COUNT || (!keys && (i->what != what || i->net != net)) || i->key > count) return NULL;
  t->at++;
  if (i->key == count) return i;
  be_strange(vm);
  return NULL;
}

/* --- the VM's ends --- */

static void keys_came(void *ctx, const uint8_t *bytes, int n) {
  mon_tape_put(ctx, n < 0 ? MON_KEYS_END : MON_KEYS, 0, 0, bytes, n < 0 ? 0 : (size_t)n);
}

static void key_asked(void *ctx) {
  struct mb_vm *vm = ctx;
  struct mon_tape *t = vm->tape;
  t->count.gets++;
  if (!t->plays || vm->console.in_at < vm->console.in_n) return;
  const struct mon_item *i = met(vm, MON_KEYS, 0, t->count.gets);
  if (i && !let_come(vm, i)) be_strange(vm);
}

static void net_wrote(void *ctx, const uint8_t *bytes, size_t n, bool outside) {
  const struct mon_net *net = ctx;
  mon_tape_put(net->vm, outside ? MON_NET_LOOK : MON_NET, (unsigned)(net - net->vm->net), 0, bytes, n);
}

static const uint8_t *net_read(void *ctx, size_t *n) {
  struct mon_net *net = ctx;
  struct mon_tape *t = net->vm->tape;
  unsigned number = (unsigned)(net - net->vm->net);
  const struct mon_item *i = met(net->vm, MON_NET, number, t->count.visit[number]);
  *n = i ? i->n : 0;
  return i ? i->bytes : NULL;
}

static void net_visited(void *ctx) {
  const struct mon_net *net = ctx;
  net->vm->tape->count.visit[net - net->vm->net]++;
}

static bool net_plays(const void *ctx) {
  const struct mon_net *net = ctx;
  return net->vm->tape->plays;
}

static void host_gave(void *ctx, const void *bytes, size_t n) {
  struct mb_vm *vm = ctx;
  vm->tape->count.hosts++;
  mon_tape_put(vm, MON_HOST, 0, 0, bytes, n);
}

static bool host_gives(void *ctx, void *bytes, size_t n) {
  struct mb_vm *vm = ctx;
  vm->tape->count.hosts++;
  const struct mon_item *i = met(vm, MON_HOST, 0, vm->tape->count.hosts);
  bool fits = i && i->n == n;
  if (fits) memcpy(bytes, i->bytes, n);
  if (!fits) be_strange(vm);
  return fits;
}

struct mon_host_outside mon_tape_host(struct mb_vm *vm) {
  const struct mon_tape *t = vm->tape;
  return (struct mon_host_outside){
      .gave = t && !t->plays ? host_gave : NULL, .give = mon_tape_plays(t) ? host_gives : NULL, .ctx = vm};
}

void mon_tape_attach(struct mb_vm *vm) {
  if (!vm->tape) return;
  vm->console.came = keys_came;
  vm->console.asked = key_asked;
  vm->console.deaf = vm->tape->plays;
  for (unsigned i = 0; i < vm->config.nets; i++) {
    struct mon_net *n = &vm->net[i];
    if (vm->config.net[i].kind != MB_NET_NAT) continue;
    n->vm = vm;
    n->nat.tape = (struct io_nat_tape){
        .wrote = net_wrote, .read = net_read, .visited = net_visited, .plays = net_plays, .ctx = n};
  }
}

int mon_tape_new(struct mb_vm *vm) {
  if (vm->tape) return MB_OK;
  if (!(vm->tape = calloc(1, sizeof *vm->tape))) return mon_fail(vm->error, MB_ERR_MEMORY, "out of memory");
  vm->tape->vm = vm;
  return MB_OK;
}

void mon_tape_free(struct mb_vm *vm) {
  struct mon_tape *t = vm->tape;
  if (!t) return;
  for (size_t i = 0; i < t->n; i++) free(t->item[i].bytes);
  free(t->item);
  snap_free(&t->out);
  free(t);
  vm->tape = NULL;
}
