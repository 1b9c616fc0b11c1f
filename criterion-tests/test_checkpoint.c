/* criterion-tests/test_checkpoint.c: machines saved and restored within one process: several VMs, clones, bad contents.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "criterion-tests/harness.h"
#include "mirrorball.h"
#include "monitor/checkpoint.h"
#include <criterion/criterion.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* For a raw image at 0x80100000: count up, and store the count to a page of its own each time, without end. */
static const uint32_t program[] = {0x3c118020, 0x26100001, 0xae300000, 0x26311000, 0x3c088040,
                                   0x0228082a, 0x1420fffa, 0x00000000, 0x1000fff7, 0x00000000};

static struct mb_machine *new_machine(void) {
  struct mb_machine *m;
  cr_assert_eq(mb_machine_new(&m, &(struct mb_machine_config){.pace = MB_PACE_MAX, .jobs = 1}), MB_OK);
  return m;
}

static void add(struct mb_machine *m, const char *name, unsigned mhz) {
  char kernel[64];
  struct mb_vm *vm;
  int fd = memfd_create("kernel", 0);
  cr_assert_eq(write(fd, program, sizeof program), (ssize_t)sizeof program);
  snprintf(kernel, sizeof kernel, "/proc/self/fd/%d", fd);
  struct mb_config c = {.name = name, .endian = MB_ENDIAN_LITTLE, .memory = 16 << 20, .mhz = mhz};
  cr_assert_eq(mb_vm_add(m, &vm, &c), MB_OK, "%s", mb_error_text(m));
  cr_assert_eq(mb_load_kernel(vm, kernel, &(struct mb_raw){0}), MB_OK, "%s", mb_error_text(m));
  close(fd);
}

/* Let all VMs come to their limits, the second's half as far. */
static void run_to(struct mb_machine *m, uint64_t limit) {
  struct mb_vm *vm;
  for (unsigned i = 0; (vm = mb_vm_at(m, i)); i++) mb_vm_limit(vm, limit >> i);
  cr_assert_eq(mb_machine_run(m), MB_STOP_LIMIT);
}

static struct mb_machine *restore(enum mb_tier tier, enum mb_mode mode) {
  struct mb_machine *m = new_machine();
  int code = mb_machine_restore(m, rig_path, &(struct mb_config){.tier = tier, .mode = mode});
  if (!code) code = mb_machine_start(m);
  cr_assert_eq(code, MB_OK, "%s", mb_error_text(m));
  return m;
}

static void check_same(struct mb_machine *a, struct mb_machine *b) {
  struct mb_vm *x, *y;
  for (unsigned i = 0; (x = mb_vm_at(a, i)); i++) {
    cr_assert(y = mb_vm_at(b, i));
    cr_assert_eq(mb_state_hash(x), mb_state_hash(y), "VM %u has another state", i);
  }
}

/* Two VMs are saved; what goes on in this process, what goes on from the file, twice at once, and what was saved again
 * from such a one, all are the same. */
Test(checkpoint, clones_and_their_original_are_the_same_run, .init = rig_make_path, .fini = rig_remove_path) {
  struct mb_machine *m = new_machine();
  add(m, "a", 200);
  add(m, "b", 70);
  cr_assert_eq(mb_machine_start(m), MB_OK, "%s", mb_error_text(m));
  run_to(m, 123456);
  cr_assert_eq(mb_machine_save(m, rig_path, NULL), MB_OK, "%s", mb_error_text(m));
  struct mb_machine *one = restore(MB_TIER_AUTO, MB_MODE_BARE), *two = restore(MB_TIER_EVAL, MB_MODE_TRANSLATE);
  check_same(m, one);
  run_to(one, 200000);
  run_to(m, 200000);
  run_to(two, 200000);
  check_same(m, one);
  check_same(m, two);
  cr_assert_eq(mb_machine_save(one, rig_path, NULL), MB_OK, "%s",
               mb_error_text(one)); /* `two` still uses the old one */
  struct mb_machine *three = restore(MB_TIER_AUTO, MB_MODE_BARE);
  run_to(two, 400000);
  run_to(three, 400000);
  check_same(two, three);
  mb_machine_free(m);
  mb_machine_free(one);
  mb_machine_free(two);
  mb_machine_free(three);
}

Test(checkpoint, not_every_machine_can_be_saved_or_restored, .init = rig_make_path, .fini = rig_remove_path) {
  struct mb_machine *m = new_machine();
  cr_assert_eq(mb_machine_save(m, rig_path, NULL), MB_ERR_STATE);
  add(m, NULL, 100);
  cr_assert_eq(mb_machine_restore(m, rig_path, NULL), MB_ERR_STATE);
  cr_assert_eq(mb_machine_start(m), MB_OK);
  cr_assert_eq(mb_machine_save(m, "/nowhere/at/all", NULL), MB_ERR_FILE);
  mb_machine_free(m);
  m = new_machine();
  cr_assert_eq(mb_machine_restore(m, rig_path, NULL), MB_ERR_FORMAT); /* it is empty */
  mb_machine_free(m);
}

/* What is modelled goes on as it was, and begins anew where that is asked for. */
Test(checkpoint, models_and_schedulers_go_on, .init = rig_make_path, .fini = rig_remove_path) {
  struct mb_machine_config on = {
      .pace = MB_PACE_MAX, .jobs = 1, .numa = MB_NUMA_CACHE, .sched = MB_SCHED_AFFINITY, .cpus = 1};
  struct mb_machine *m, *again;
  cr_assert_eq(mb_machine_new(&m, &on), MB_OK, "%s", mb_error_text(m));
  add(m, "a", 200);
  add(m, "b", 200);
  cr_assert_eq(mb_machine_start(m), MB_OK, "%s", mb_error_text(m));
  run_to(m, 123456);
  cr_assert_eq(mb_machine_save(m, rig_path, NULL), MB_OK, "%s", mb_error_text(m));
  again = restore(MB_TIER_EVAL, MB_MODE_TRANSLATE);
  cr_assert_eq(again->config.numa, MB_NUMA_CACHE);
  cr_assert_eq(again->cpus.seats, 2u);
  run_to(m, 300000);
  run_to(again, 300000);
  check_same(m, again);
  struct mb_stats x, y;
  mb_get_stats(mb_vm_at(m, 1), &x);
  mb_get_stats(mb_vm_at(again, 1), &y);
  cr_assert_eq(x.virtual_ns, y.virtual_ns);
  cr_assert_eq(m->vm[1]->numa[0].n.stall_ns, again->vm[1]->numa[0].n.stall_ns);
  mb_machine_free(again);
  cr_assert_eq(mb_machine_new(&again, &on), MB_OK);
  cr_assert_eq(mb_machine_restore(again, rig_path, NULL), MB_ERR_STATE, "not both the file's and another");
  mb_machine_free(again);
  on.anew = true;
  on.sched = MB_SCHED_OFF;
  on.cpus = 0;
  cr_assert_eq(mb_machine_new(&again, &on), MB_OK);
  cr_assert_eq(mb_machine_restore(again, rig_path, NULL), MB_OK, "%s", mb_error_text(again));
  cr_assert_eq(mb_machine_start(again), MB_OK, "%s", mb_error_text(again));
  cr_assert(!again->cpus.seats && !again->vm[1]->numa[0].n.stall_ns, "it begins anew");
  run_to(again, 300000);
  cr_assert(again->vm[1]->numa[0].n.stall_ns);
  mb_machine_free(again);
  mb_machine_free(m);
}

/* A machine with one VM, saved in the midst of its run; it is freed. */
static void save_one(struct mb_machine *m) {
  add(m, NULL, 100);
  cr_assert_eq(mb_machine_start(m), MB_OK);
  run_to(m, 50000);
  cr_assert_eq(mb_machine_save(m, rig_path, NULL), MB_OK, "%s", mb_error_text(m));
  mb_machine_free(m);
}

/* The digests do not keep out who can compute them: what is restored from garbage is refused, or runs. */
static void try_garbage(const struct mb_machine_config *config) {
  uint64_t seed = 9;
  unsigned refused = 0, rounds = 60;
  struct mb_machine *m;
  cr_assert_eq(mb_machine_new(&m, config), MB_OK, "%s", mb_error_text(m));
  save_one(m);
  for (unsigned round = 0; round < rounds; round++) {
    m = new_machine();
    cr_assert_eq(mb_machine_restore(m, rig_path, &(struct mb_config){.tier = MB_TIER_EVAL}), MB_OK);
    struct mon_checkpoint *c = m->checkpoint;
    uint8_t *state = c->rest + (c->state - c->rest);
    size_t within = round % 3 ? c->state_n : 16384; /* memory map, clock and cpu come first */
    if (within > c->state_n) within = c->state_n;
    size_t from = round % 3 == 2 ? within - within / 8 : 0; /* places and schedulers last */
    for (unsigned i = 1 + rig_below(&seed, 6); i--;)
      state[from + rig_random(&seed) % (within - from)] = (uint8_t)rig_random(&seed);
    int code = mb_machine_start(m);
    cr_assert(code == MB_OK || code == MB_ERR_FORMAT, "%s", mb_error_text(m));
    refused += code != MB_OK;
    struct mb_vm *vm = mb_vm_at(m, 0);
    struct mb_stats s;
    mb_get_stats(vm, &s);
    if (!code) mb_vm_limit(vm, s.instructions + 20000);
    if (!code) (void)mb_machine_run(m);
    mb_machine_free(m);
  }
  cr_assert(refused && refused < rounds, "%u were refused", refused);
}

/* What describes the machine, with a value or two that nobody has written. */
static void describe_otherwise(json_t *about, uint64_t *seed) {
  json_t *vm = json_array_get(json_object_get(about, "vms"), 0);
  for (unsigned i = 1 + (unsigned)rig_below(seed, 2); i--;) {
    json_t *where = rig_below(seed, 5) ? vm : about;
    void *at = json_object_iter(where);
    for (uint64_t skip = rig_below(seed, json_object_size(where)); skip--;) at = json_object_iter_next(where, at);
    const int64_t number[] = {0, -1, 1, 2, 255, 65537, 1 << 20, INT64_MAX, (int64_t)rig_random(seed)};
    uint64_t kind = rig_below(seed, 6);
    json_t *v = kind == 0   ? json_null()
                : kind == 1 ? json_string("x\x01")
                : kind == 2 ? json_pack("[{s:i, s:i, s:s}]", "kind", 99, "mode", 7, "file", "/dev/null")
                            : json_integer(number[rig_below(seed, sizeof number / sizeof *number)]);
    json_object_set_new(where, json_object_iter_key(at), v);
  }
}

Test(checkpoint, another_description_with_the_right_digest_harms_nobody, .init = rig_make_path,
     .fini = rig_remove_path) {
  uint64_t seed = 10;
  unsigned refused = 0, rounds = 200;
  struct mb_machine *m = new_machine();
  save_one(m);
  for (unsigned round = 0; round < rounds; round++) {
    m = new_machine();
    cr_assert_eq(mon_checkpoint_open(&m->checkpoint, rig_path, &m->error), MB_OK);
    describe_otherwise(m->checkpoint->about, &seed);
    int code = mon_about_add(m, rig_path, m->checkpoint->about, &(struct mb_config){.tier = MB_TIER_EVAL});
    if (!code) code = mb_machine_start(m);
    cr_assert(!code || (mb_error_text(m)[0] && !strchr(mb_error_text(m), '\n')), "round %u: %s", round,
              mb_error_text(m));
    refused += code != MB_OK;
    struct mb_stats stats;
    if (!code) mb_get_stats(mb_vm_at(m, 0), &stats);
    if (!code) mb_vm_limit(mb_vm_at(m, 0), stats.instructions + 2000);
    if (!code) (void)mb_machine_run(m);
    mb_machine_free(m);
  }
  cr_assert(refused && refused < rounds, "%u were refused", refused);
}

/* Each byte is under a digest: whatever is changed, cut off or added, nothing is restored. */
Test(checkpoint, damaged_files_are_refused, .init = rig_make_path, .fini = rig_remove_path) {
  uint64_t seed = 11;
  struct mb_machine *m = new_machine();
  save_one(m);
  int fd = open(rig_path, O_RDWR);
  struct stat st;
  cr_assert(fd >= 0 && !fstat(fd, &st));
  uint8_t *bytes = malloc((size_t)st.st_size);
  cr_assert_eq(pread(fd, bytes, (size_t)st.st_size, 0), st.st_size);
  for (unsigned round = 0; round < 300; round++) {
    enum { HEADER = 88 };
    bool in_header = round % 3 == 0, cut = round % 5 == 1;
    off_t at = (off_t)rig_below(&seed, in_header ? HEADER : (uint64_t)st.st_size);
    if (at >= HEADER && at < MMU_PAGE_SIZE) continue; /* nothing is kept there */
    uint8_t other = bytes[at] ^ (uint8_t)(1 + rig_below(&seed, 255));
    if (cut)
      cr_assert(!ftruncate(fd, at));
    else
      cr_assert_eq(pwrite(fd, &other, 1, at), 1);
    m = new_machine();
    int code = mb_machine_restore(m, rig_path, NULL);
    cr_assert_eq(code, MB_ERR_FORMAT, "round %u, byte %lld: %d, %s", round, (long long)at, code, mb_error_text(m));
    cr_assert_null(strchr(mb_error_text(m), '\n'));
    mb_machine_free(m);
    cr_assert_eq(pwrite(fd, bytes + at, (size_t)(cut ? st.st_size - at : 1), at), cut ? st.st_size - at : 1);
  }
  free(bytes);
  close(fd);
}

Test(checkpoint, garbage_with_the_right_digest_harms_nobody, .init = rig_make_path, .fini = rig_remove_path) {
  try_garbage(&(struct mb_machine_config){.pace = MB_PACE_MAX, .jobs = 1});
}

Test(checkpoint, garbage_of_a_model_harms_nobody, .init = rig_make_path, .fini = rig_remove_path) {
  struct mb_machine_config c = {.pace = MB_PACE_MAX, .jobs = 1, .sched = MB_SCHED_GANG, .placement.policy = "both"};
  for (c.numa = MB_NUMA_TLB; c.numa <= MB_NUMA_CACHE; c.numa++) try_garbage(&c);
}
