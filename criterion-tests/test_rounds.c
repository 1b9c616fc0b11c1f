/* criterion-tests/test_rounds.c: VMs that send each other frames, stopped anywhere, go on as the run that was not. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Our guests on a subnet exchange pages, or chatter: there a frame that comes an instruction earlier makes another run.
 * All are stopped again and again, each time when one of them has come to a random place, and go on in this process or
 * from a checkpoint. */
#include "criterion-tests/harness.h"
#include "mirrorball.h"
#include "monitor/monitor.h"
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { VMS_MAX = 4 };

/* What is run. */
struct scene {
  const char *what;
  struct mb_machine_config machine;
  unsigned vms, subnets, vcpus, stops;
  const char *guest, *append; /* of all; %u: its number */
};

struct state {
  uint64_t instructions, ns, hash, console, sent, received, stalls, why;
};

static enum mb_tier own_tier(void) {
  const char *name = getenv("MB_TIER");
  return name && !strcmp(name, "stencil") ? MB_TIER_STENCIL
         : name && !strcmp(name, "llvm")  ? MB_TIER_LLVM
                                          : MB_TIER_EVAL;
}

/* Bytes that VMs may still show before they stop; 0: as many as they like. */
static unsigned room[VMS_MAX];
static bool watch(void *ctx, uint8_t byte) {
  unsigned *left = ctx;
  (void)byte;
  return *left && !--*left;
}

static void listen(struct mb_machine *m) {
  struct mb_vm *vm;
  for (unsigned i = 0; (vm = mb_vm_at(m, i)); i++)
    mb_console_attach(vm, &(struct mb_console){.watch = watch, .ctx = &room[i]});
}

static void add(struct mb_machine *m, const struct scene *s, unsigned i) {
  char kernel[512], append[128], name[] = {(char)('a' + i), 0};
  const char *build = getenv("MB_BUILD");
  snprintf(kernel, sizeof kernel, "%s/guests/mips32r2eb/splash-%s", build ? build : "build", s->guest);
  if (access(kernel, R_OK)) cr_skip("guests/build has not run");
  snprintf(append, sizeof append, s->append, i);
  struct mb_config c = {.name = name,
                        .board = "disco",
                        .vcpus = s->vcpus,
                        .memory = 16 << 20,
                        .mhz = 100 + 30 * i, /* so that their rounds do not end alike */
                        .tier = own_tier(),
                        .append = append,
                        .net[0] = {.kind = MB_NET_SUBNET, .subnet = i % s->subnets ? "x" : "y"},
                        .nets = 1};
  struct mb_vm *vm;
  cr_assert_eq(mb_vm_add(m, &vm, &c), MB_OK, "%s", mb_error_text(m));
  cr_assert_eq(mb_load_kernel(vm, kernel, NULL), MB_OK, "%s", mb_error_text(m));
}

static struct mb_machine *begin(const struct scene *s, bool together) {
  struct mb_machine_config c = s->machine;
  struct mb_machine *m;
  c.pace = MB_PACE_MAX;
  c.together = together;
  cr_assert_eq(mb_machine_new(&m, &c), MB_OK, "%s", mb_error_text(m));
  for (unsigned i = 0; i < s->vms; i++) add(m, s, i);
  listen(m);
  cr_assert_eq(mb_machine_start(m), MB_OK, "%s", mb_error_text(m));
  return m;
}

/* The machine from a file, in some tier and mode. */
static struct mb_machine *again(struct mb_machine *m, const struct scene *s, uint64_t *seed) {
  const enum mb_tier tiers[] = {own_tier(), MB_TIER_AUTO, MB_TIER_EVAL};
  struct mb_config how = {.tier = tiers[rig_below(seed, 3)],
                          .mode = s->machine.numa ? MB_MODE_BARE : (enum mb_mode)rig_below(seed, 3)};
  cr_assert_eq(mb_machine_save(m, rig_path, NULL), MB_OK, "%s", mb_error_text(m));
  mb_machine_free(m);
  struct mb_machine_config c = {
      .pace = MB_PACE_MAX, .together = true, .merge = s->machine.merge, .jobs = 1 + (unsigned)rig_below(seed, 3)};
  cr_assert_eq(mb_machine_new(&m, &c), MB_OK);
  cr_assert_eq(mb_machine_restore(m, rig_path, &how), MB_OK, "%s", mb_error_text(m));
  listen(m);
  cr_assert_eq(mb_machine_start(m), MB_OK, "%s", mb_error_text(m));
  return m;
}

static struct state state_of(struct mb_machine *m, unsigned i) {
  struct mb_vm *vm = mb_vm_at(m, i);
  struct mb_stats s;
  const struct io_station *at = &vm->net[0].station;
  mb_get_stats(vm, &s);
  return (struct state){s.instructions, s.virtual_ns,    mb_state_hash(vm),      s.console_digest,
                        at->frames,     at->wire.frames, vm->numa[0].n.stall_ns, mb_vm_stop(vm)};
}

/* Let it go on until all VMs have come to an end of their own, from a checkpoint behind each. */
static struct mb_machine *run_out(struct mb_machine *m, const struct scene *s, uint64_t *seed) {
  struct mb_vm *vm;
  for (bool more = true; more;) {
    (void)mb_machine_run(m);
    more = false;
    for (unsigned i = 0; (vm = mb_vm_at(m, i)); i++) more |= mb_vm_stop(vm) == MB_STOP_TOGETHER;
    if (more) m = again(m, s, seed);
  }
  return m;
}

/* Stop somewhere not far behind: at an instruction, a time or a word of some VM, or when somebody interrupts. */
static void stop_somewhere(struct mb_machine *m, uint64_t step, uint64_t *seed) {
  unsigned which = rig_below(seed, m->vms);
  struct mb_vm *vm = mb_vm_at(m, which);
  uint64_t kind = rig_below(seed, 8);
  struct mb_stats s;
  mb_get_stats(vm, &s);
  if (kind == 0)
    mb_machine_interrupt(m);
  else if (kind == 1)
    mb_vm_limit_ns(vm, s.virtual_ns + rig_below(seed, 10 * step));
  else if (kind == 2)
    room[which] = 1 + rig_below(seed, 20);
  else
    mb_vm_limit(vm, s.instructions + rig_below(seed, step));
  (void)mb_machine_run(m);
  mb_vm_limit(vm, UINT64_MAX);
  mb_vm_limit_ns(vm, UINT64_MAX);
  room[which] = 0;
}

static const char *text(const struct state *s, char *to, size_t n) {
  snprintf(to, n,
           "%" PRIu64 " instructions, %" PRIu64 " ns, state %016" PRIx64 ", console %016" PRIx64 ", %" PRIu64
           " frames sent, %" PRIu64 " received, %" PRIu64 " ns of stalls, stop %" PRIu64,
           s->instructions, s->ns, s->hash, s->console, s->sent, s->received, s->stalls, s->why);
  return to;
}

static void check_scene(const struct scene *s) {
  char a[256], b[256];
  struct state whole[VMS_MAX];
  uint64_t seed = 21 + own_tier(), least = UINT64_MAX;
  struct mb_machine *m = begin(s, false);
  (void)mb_machine_run(m);
  for (unsigned i = 0; i < m->vms; i++) {
    whole[i] = state_of(m, i);
    cr_assert(whole[i].why == MB_STOP_EXIT && whole[i].received > 1, "%s, VM %u: %s", s->what, i,
              mb_stop_text(mb_vm_at(m, i)));
    least = whole[i].instructions < least ? whole[i].instructions : least;
  }
  mb_machine_free(m);
  m = begin(s, true);
  for (unsigned i = 0; i < s->stops; i++) {
    stop_somewhere(m, 2 * least / s->stops, &seed);
    if (rig_below(&seed, 4)) m = again(m, s, &seed);
  }
  m = run_out(m, s, &seed);
  for (unsigned i = 0; i < m->vms; i++) {
    struct state this = state_of(m, i), *w = &whole[i];
    cr_expect(!memcmp(&this, w, sizeof this), "%s, VM %u: %s, not %s", s->what, i, text(&this, a, sizeof a),
              text(w, b, sizeof b));
  }
  mb_machine_free(m);
}

#define CHATTER .guest = "chatter", .append = "seed=%u frames=200 work=1500", .subnets = 1

Test(rounds, of_chatter, .init = rig_make_path, .fini = rig_remove_path) {
  check_scene(&(struct scene){.what = "chatter", CHATTER, .vms = 3, .vcpus = 1, .stops = 100});
}

Test(rounds, of_a_pair_that_waits, .init = rig_make_path, .fini = rig_remove_path) {
  check_scene(&(struct scene){.what = "an exchange",
                              .guest = "exchange",
                              .append = "sends=%u rounds=40 pages=2",
                              .subnets = 1,
                              .vms = 2,
                              .vcpus = 1,
                              .stops = 60});
}

Test(rounds, of_vcpus_in_turns, .init = rig_make_path, .fini = rig_remove_path) {
  check_scene(&(struct scene){.what = "chatter of 3 vcpus", CHATTER, .vms = 2, .vcpus = 3, .stops = 60});
}

Test(rounds, on_threads, .init = rig_make_path, .fini = rig_remove_path) {
  check_scene(&(struct scene){.what = "chatter on two subnets",
                              .machine = {.jobs = 2},
                              .guest = "chatter",
                              .append = "seed=%u frames=200 work=1500",
                              .subnets = 2,
                              .vms = 4,
                              .vcpus = 1,
                              .stops = 60});
}

Test(rounds, with_equal_pages_merged, .init = rig_make_path, .fini = rig_remove_path) {
  check_scene(&(struct scene){
      .what = "chatter, merged", .machine = {.merge = true}, CHATTER, .vms = 2, .vcpus = 1, .stops = 60});
}

Test(rounds, of_a_model, .init = rig_make_path, .fini = rig_remove_path) {
  check_scene(&(struct scene){.what = "chatter with caches and a scheduler",
                              .machine = {.numa = MB_NUMA_CACHE, .sched = MB_SCHED_AFFINITY, .cpus = 3},
                              CHATTER,
                              .vms = 2,
                              .vcpus = 2,
                              .stops = 40});
}
