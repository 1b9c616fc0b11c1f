/* monitor/balance.c: hot pages are asked about, and moved. */
/* SPDX-License-Identifier: Apache-2.0 */
/* To migrate a page is to give its frame another home; to replicate it, a bit for the node. Both take it out of machine
 * TLBs and caches, as if its address had changed, and cost time: the copying and the bookkeeping that of a vcpu on the
 * node that gets it, a shootdown that of each vcpu that has its translation. A page with copies is closed; so the first
 * store to it comes to mmu_page_open(), which takes them away, and the next look here charges for it. */
#include "monitor/monitor.h"
#include <jansson.h>
#include <stdlib.h>

enum { LOOK_NS = 1000000 }; /* virtual */

int mon_balance_new(struct mb_machine *m) {
  const struct mb_placement *config = &m->config.placement;
  const struct numa_machine *machine = &m->numa.machine;
  if (!m->config.numa) return MB_OK;
  struct mon_balance *b = m->balance = calloc(1, sizeof *b);
  uint32_t frames = m->memmap.memory.frames;
  if (b) {
    b->model = &m->numa;
    b->map = &m->memmap;
    b->history = calloc(frames, sizeof *b->history);
    b->moved = calloc(frames, sizeof *b->moved);
  }
  if (!b || !b->history || !b->moved || numa_places_init(&b->places, machine, &m->memmap.memory, &m->numa.counters))
    return mon_fail(&m->error, MB_ERR_MEMORY, "out of memory");
  b->places.how = (enum numa_place)config->place;
  b->places.node = config->node;
  b->due = LOOK_NS;
  b->reset_at = m->policy.set.reset * UINT64_C(1000000);
  m->numa.counters.trigger = m->policy.ask ? (uint16_t)m->policy.set.trigger : 0;
  for (unsigned i = 0; i < machine->nodes; i++)
    for (unsigned k = 0; k < machine->nodes; k++) b->latency[i * machine->nodes + k] = machine->latency[i][k];
  return m->policy.log ? mon_page_log_open(&b->log, m->policy.log, machine->nodes, frames, &m->error) : MB_OK;
}

void mon_balance_free(struct mon_balance *b) {
  if (!b) return;
  mon_page_log_close(b->log);
  numa_places_fini(&b->places);
  free(b->history);
  free(b->moved);
  free(b);
}

int mb_page_log_write(struct mb_machine *m) {
  if (!m->balance || !m->balance->log || mon_page_log_flush(m->balance->log)) return MB_OK;
  return mon_fail(&m->error, MB_ERR_FILE, "page log %s: cannot be written", m->policy.log);
}

/* --- who pays --- */

static void charge(struct mon_balance *b, struct mb_vm *vm, unsigned vcpu, uint64_t ns) {
  struct cpu *c = &vm->cpu[vcpu];
  if (!vm->vcpu[vcpu].up || c->dead || mips_waits(c)) return; /* it has time to spare */
  mips_stall(c, numa_charge(&vm->numa[vcpu], ns));
  b->n.ns += ns;
}

/* The pages that have a frame: a ring, in which `page` is followed by what this returns. */
static uint32_t next_user(const struct mon_balance *b, uint32_t page) {
  return b->map->page[page].next;
}

static bool runs_on(const struct mon_balance *b, const struct mb_vm *vm, unsigned vcpu, unsigned node) {
  return numa_node_of_cpu(&b->model->machine, mon_vcpu_cpu(vm, vcpu)) == node;
}

/* A vcpu on the node, of a VM that has the page. Nobody, if the scheduler has moved it meanwhile. */
static void charge_node(struct mon_balance *b, struct mb_machine *m, uint32_t frame, unsigned node, uint64_t ns) {
  uint32_t first = b->map->memory.frame[frame].user, page = first;
  do {
    struct mb_vm *vm = m->vm[b->map->page[page].vm];
    for (unsigned i = 0; i < vm->vcpus; i++) {
      if (!runs_on(b, vm, i, node)) continue;
      charge(b, vm, i, ns);
      return;
    }
    page = next_user(b, page);
  } while (page != first);
}

/* --- acting --- */

/* Nobody has the translation or the bytes of the frame any more; with `close`, or may store to it. */
static void shoot(struct mon_balance *b, struct mb_machine *m, uint32_t frame, bool close) {
  uint32_t first = b->map->memory.frame[frame].user, page = first;
  do {
    struct mmu_page *g = &b->map->page[page];
    struct mb_vm *vm = m->vm[g->vm];
    if (close) mmu_page_close(b->map, g);
    for (unsigned i = 0; i < vm->vcpus; i++) {
      if (!mmu_machine_tlb_shoot(&vm->cpu[i].mmu, &vm->pmap, g)) continue;
      charge(b, vm, i, b->model->machine.move_shootdown);
      b->n.shootdowns++;
    }
    page = next_user(b, page);
  } while (page != first);
  numa_written(b->model, (uint64_t)frame << NUMA_FRAME_BITS, NUMA_FRAME_SIZE);
}

static struct mon_page_history *moved(struct mon_balance *b, uint32_t frame) {
  struct mon_page_history *h = &b->history[frame];
  if (!h->moved) b->moved[b->moveds++] = frame;
  h->moved = true;
  return h;
}

static void name(const struct mon_balance *b, uint32_t frame) {
  uint32_t page = b->map->memory.frame[frame].user;
  const struct mmu_page *g = &b->map->page[page];
  mon_page_log_name(b->log, frame, page, g->vm, (uint32_t)(g - b->map->vm[g->vm]->ram));
}

static void note_heat(const struct mon_balance *b, uint32_t frame) {
  const struct frame *f = &b->map->memory.frame[frame];
  if (!b->log || !f->refs || !mon_page_log_is_warm(&b->model->counters, frame)) return;
  name(b, frame);
  mon_page_log_heat(b->log, &b->model->counters, frame, f->node);
}

static void note(const struct mon_balance *b, const struct mb_page_verdict *v, uint32_t frame, unsigned home) {
  if (!b->log) return;
  note_heat(b, frame);
  name(b, frame);
  mon_page_log_move(b->log, v->move, frame, home, v->move == MB_PAGE_COLLAPSE ? home : v->node);
}

static uint64_t move_ns(const struct numa_machine *m) {
  return (uint64_t)m->move_copy + m->move_bookkeeping;
}

static void act(struct mon_balance *b, struct mb_machine *m, uint32_t frame, const struct mb_page_verdict *v) {
  unsigned home = b->map->memory.frame[frame].node;
  struct mon_page_history *h = moved(b, frame);
  note(b, v, frame, home);
  b->moves++;
  switch (v->move) {
  case MB_PAGE_MIGRATE:
    h->migrations++;
    b->n.migrations++;
    numa_migrate(&b->places, frame, v->node);
    break;
  case MB_PAGE_REPLICATE:
    h->replications++;
    b->n.replications++;
    numa_replicate(&b->places, frame, v->node);
    break;
  case MB_PAGE_COLLAPSE:
    h->collapses++;
    b->n.collapses++;
    b->n.copies_lost += numa_collapse(&b->places, frame);
    break;
  case MB_PAGE_LEAVE:
  case MB_PAGE_WAIT:
  case MB_PAGE_MOVES: break;
  }
  shoot(b, m, frame, v->move == MB_PAGE_REPLICATE);
  const struct numa_machine *machine = &b->model->machine;
  if (v->move == MB_PAGE_COLLAPSE)
    charge_node(b, m, frame, home, machine->move_bookkeeping);
  else
    charge_node(b, m, frame, v->node, move_ns(machine));
}

/* Stores have taken copies away since the last look. */
static void see_losses(struct mon_balance *b, struct mb_machine *m) {
  for (uint32_t i = 0; i < b->places.losses; i++) {
    const struct numa_loss *loss = &b->places.loss[i];
    b->n.copies_lost += loss->copies;
    if (b->log) mon_page_log_loss(b->log, loss);
    if (!b->map->memory.frame[loss->frame].refs) continue;
    moved(b, loss->frame)->collapses++;
    b->n.collapses++;
    shoot(b, m, loss->frame, false);
    if (loss->node < NUMA_NODES_MAX) charge_node(b, m, loss->frame, loss->node, b->model->machine.move_bookkeeping);
  }
  b->places.losses = 0;
}

/* --- asking --- */

/* vcpus that would have to be told of a move, at most. */
static unsigned vcpus_with(const struct mon_balance *b, const struct mb_machine *m, uint32_t frame) {
  return m->vm[b->map->page[b->map->memory.frame[frame].user].vm]->vcpus;
}

static struct mb_page page_of(const struct mon_balance *b, const struct mb_machine *m, uint32_t frame) {
  const struct numa_counters *c = &b->model->counters;
  const struct numa_machine *machine = &b->model->machine;
  const struct mon_page_history *h = &b->history[frame];
  uint32_t shootdowns = vcpus_with(b, m, frame) * machine->move_shootdown;
  struct mb_page p = {.nodes = c->nodes,
                      .home = b->map->memory.frame[frame].node,
                      .replicas = c->replica[frame],
                      .migrations = h->migrations,
                      .replications = h->replications,
                      .collapses = h->collapses,
                      .interval = b->interval,
                      .note = h->note,
                      .latency = b->latency,
                      .move_ns = (uint32_t)move_ns(machine) + shootdowns,
                      .collapse_ns = machine->move_bookkeeping + shootdowns};
  uint32_t most = 0;
  for (unsigned i = 0; i < c->nodes; i++) {
    struct numa_count n = numa_counted(c, frame, i);
    p.reads[i] = n.reads;
    p.writes[i] = n.writes;
    p.room[i] = numa_room(&b->places, i);
    if (numa_is_near(c, frame, p.home, i) || (uint32_t)n.reads + n.writes <= most) continue;
    most = (uint32_t)n.reads + n.writes;
    p.node = i;
  }
  if (!most) p.node = p.home;
  return p;
}

/* Misses by who has it at hand make a page hot, too; they concern nobody until those of another node do. */
static bool is_far_enough(const struct mon_balance *b, const struct mb_page *p) {
  return p->node != p->home && p->reads[p->node] + p->writes[p->node] >= b->model->counters.trigger;
}

static void stop(struct mb_machine *m, const struct mb_page *p, uint32_t frame, const char *nonsense) {
  char counts[256];
  mon_fail(&m->error, MB_ERR_ARGUMENT, "policy %s: talks nonsense about page 0x%x: %s; %s", m->policy.name, frame,
           nonsense, numa_page_text(p, counts, sizeof counts));
  for (unsigned i = 0; i < m->vms; i++)
    if (!m->vm[i]->stopping) mon_stop(m->vm[i], MB_STOP_POLICY);
}

/* True: leave it until the next reset. *again: it was copied, and others may want it as much. */
static bool ask_once(struct mon_balance *b, struct mb_machine *m, uint32_t frame, bool *again) {
  struct mb_page p = page_of(b, m, frame);
  char text[128];
  *again = false;
  if (b->places.placed[frame] != NUMA_PLACED || !is_far_enough(b, &p) || b->moves >= m->policy.set.moves) return false;
  struct mb_page_verdict v = m->policy.ask(&p, &m->policy.set);
  const char *nonsense = numa_verdict_nonsense(&p, &v, text, sizeof text);
  b->n.asked++;
  if (nonsense) {
    stop(m, &p, frame, nonsense);
    return true;
  }
  b->history[frame].note = v.note;
  bool full = (v.move == MB_PAGE_MIGRATE || v.move == MB_PAGE_REPLICATE) && !p.room[v.node];
  b->n.no_room += full;
  b->n.left += v.move == MB_PAGE_LEAVE;
  b->n.waited += v.move == MB_PAGE_WAIT;
  if (v.move > MB_PAGE_WAIT && !full) act(b, m, frame, &v);
  *again = v.move == MB_PAGE_REPLICATE && !full;
  return v.move == MB_PAGE_LEAVE || full;
}

static bool ask(struct mon_balance *b, struct mb_machine *m, uint32_t frame) {
  bool again, leave;
  do leave = ask_once(b, m, frame, &again);
  while (again);
  return leave;
}

static void ask_all(struct mon_balance *b, struct mb_machine *m) {
  struct numa_counters *c = &b->model->counters;
  uint32_t n = c->hots;
  c->hots = 0;
  b->moves = 0;
  for (uint32_t i = 0; i < n && m->policy.ask; i++) c->is_hot[c->hot[i]] = ask(b, m, c->hot[i]);
}

static void reset(struct mon_balance *b) {
  struct numa_counters *c = &b->model->counters;
  for (uint32_t i = 0; i < c->seens; i++) note_heat(b, c->seen[i]);
  for (uint32_t i = 0; i < b->moveds; i++)
    b->history[b->moved[i]] = (struct mon_page_history){.note = b->history[b->moved[i]].note};
  b->moveds = 0;
  b->interval++;
  numa_counters_reset(c);
}

void mon_balance(struct mb_machine *m, uint64_t now) {
  struct mon_balance *b = m->balance;
  if (!b || now < b->due) return;
  b->due = (now / LOOK_NS + 1) * LOOK_NS;
  if (b->log) mon_page_log_time(b->log, now);
  see_losses(b, m);
  ask_all(b, m);
  if (now >= b->reset_at) {
    uint64_t interval = m->policy.set.reset * UINT64_C(1000000);
    b->reset_at = (now / interval + 1) * interval;
    reset(b);
  }
  for (unsigned i = 0; i < m->vms; i++)
    if (m->vm[i]->has_pmap) mmu_pmap_settle(&m->vm[i]->pmap);
}

/* --- state --- */

static void history_state(struct mon_balance *b, struct snap *s) {
  uint32_t n = 0, frames = b->map->memory.frames;
  for (uint32_t f = 0; !s->restoring && f < frames; f++) n += b->history[f].moved || b->history[f].note;
  SNAP(s, n);
  for (uint32_t f = 0, at; n && !s->bad; n--, f = at + 1) {
    for (at = f; !s->restoring && !b->history[at].moved && !b->history[at].note; at++) {
    }
    SNAP(s, at);
    if (!snap_check(s, at >= f && at < frames)) return;
    struct mon_page_history *h = &b->history[at];
    SNAP(s, h->note);
    SNAP(s, h->migrations);
    SNAP(s, h->replications);
    SNAP(s, h->collapses);
    SNAP(s, h->moved);
    if (s->restoring && h->moved) b->moved[b->moveds++] = at;
  }
}

void mon_balance_state(struct mon_balance *b, struct snap *s) {
  numa_places_state(&b->places, s);
  if (!s->bad) history_state(b, s);
  SNAP(s, b->due);
  SNAP(s, b->reset_at);
  SNAP(s, b->interval);
  SNAP(s, b->moves);
  snap_numbers(s, &b->n, sizeof(uint64_t), sizeof b->n / sizeof(uint64_t));
  /* Pages with copies are closed by now, as all are that have just been restored. */
}

/* --- statistics --- */

struct json_t *mon_balance_json(const struct mb_machine *m) {
  const struct mon_balance *b = m->balance;
  static const char *const place[] = {"first-touch", "round-robin", "node"};
  const struct mon_balance_counts *n = &b->n;
  json_t *nodes = json_array();
  for (unsigned i = 0; i < b->model->machine.nodes; i++)
    json_array_append_new(nodes, json_pack("{s:I,s:I}", "pages", (json_int_t)b->places.used[i], "room",
                                           (json_int_t)numa_room(&b->places, i)));
  return json_pack("{s:s,s:s,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:o}", "place", place[b->places.how], "policy",
                   m->policy.name, "asked", (json_int_t)n->asked, "left", (json_int_t)n->left, "waited",
                   (json_int_t)n->waited, "migrations", (json_int_t)n->migrations, "replications",
                   (json_int_t)n->replications, "collapses", (json_int_t)n->collapses, "copies_lost",
                   (json_int_t)n->copies_lost, "no_room", (json_int_t)n->no_room, "shootdowns",
                   (json_int_t)n->shootdowns, "ns", (json_int_t)n->ns, "nodes", nodes);
}
