/* criterion-tests/test_vms.c: VMs side by side: each is the run that it is alone, however the machine is cut. */
/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "criterion-tests/harness.h"
#include "mirrorball.h"
#include <criterion/criterion.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { WORDS = 24, VMS = 6 };

/* Programs for a raw image at 0x80100000. */
static const struct program {
  const char *what;
  uint32_t word[WORDS];
  enum mb_stop end;
} programs[] = {
    {"counts and stores, ends with code 0",
     {0x3c100008, 0x3c118020, 0xae300000, 0x26310ffc, 0x32310fff, 0x3c088020, 0x01118821, 0x2610ffff, 0x1600fff9, 0,
      0x3c08bf00, 0x3c094d42, 0xad090a00},
     MB_STOP_EXIT},
    {"ends with code 9",
     {0x3c100003, 0x2610ffff, 0x1600fffe, 0, 0x3c08bf00, 0x3c094d42, 0x35290009, 0xad090a00},
     MB_STOP_EXIT},
    {"faults without handlers", {0x3c100002, 0x2610ffff, 0x1600fffe, 0, 0x8c000001}, MB_STOP_DEAD},
    {"halts", {0x3c100001, 0x2610ffff, 0x1600fffe, 0, 0x40806000, 0x42000020, 0x1000fffe}, MB_STOP_HALTED},
    {"waits for its timer four times, then halts", /* Compare: Count + 100000; Status: IM7 and IE, by BEV to the boot
                                                      ROM: so poll with IE clear */
     {0x24100004, 0x40086000, 0x3c09ffff, 0x01094024, 0x35088000, 0x40886000, 0x40084800,
      0x3c090001, 0x01094021, 0x40885800, 0x40096800, 0x31298000, 0x1120fffd, 0,
      0x2610ffff, 0x1600fff6, 0,          0x40806000, 0x42000020, 0x1000fffe},
     MB_STOP_HALTED},
};
enum { PROGRAMS = sizeof programs / sizeof *programs };

struct state {
  uint64_t instructions, hash;
  enum mb_stop why;
  unsigned code;
};

static struct mb_vm *add(struct mb_machine *m, const struct program *p, const char *name, unsigned mhz) {
  char path[64];
  struct mb_vm *vm;
  int fd = memfd_create("kernel", 0);
  cr_assert_eq(write(fd, p->word, sizeof p->word), (ssize_t)sizeof p->word);
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  struct mb_config c = {.name = name, .endian = MB_ENDIAN_LITTLE, .memory = 16 << 20, .mhz = mhz};
  cr_assert_eq(mb_vm_add(m, &vm, &c), MB_OK, "%s", mb_error_text(m));
  cr_assert_eq(mb_load_kernel(vm, path, &(struct mb_raw){0}), MB_OK, "%s", mb_error_text(m));
  close(fd);
  return vm;
}

static struct mb_machine *new_machine(void) {
  struct mb_machine *m;
  cr_assert_eq(mb_machine_new(&m, &(struct mb_machine_config){.pace = MB_PACE_MAX}), MB_OK);
  return m;
}

static struct state state_of(struct mb_vm *vm) {
  struct mb_stats s;
  mb_get_stats(vm, &s);
  return (struct state){s.instructions, mb_state_hash(vm), mb_vm_stop(vm), s.guest_code};
}

static struct state alone(const struct program *p, unsigned mhz) {
  struct mb_machine *m = new_machine();
  struct mb_vm *vm = add(m, p, NULL, mhz);
  cr_assert_eq(mb_machine_start(m), MB_OK, "%s", mb_error_text(m));
  mb_machine_run(m);
  struct state s = state_of(vm);
  cr_assert_eq(s.why, p->end, "%s: %s", p->what, mb_stop_text(vm));
  mb_machine_free(m);
  return s;
}

static void check_same(const struct program *p, struct state a, struct state b) {
  cr_assert(a.instructions == b.instructions && a.hash == b.hash && a.why == b.why && a.code == b.code,
            "%s: alone %lu %016lx, together %lu %016lx", p->what, (unsigned long)a.instructions, (unsigned long)a.hash,
            (unsigned long)b.instructions, (unsigned long)b.hash);
}

/* Random company; sometimes the whole is interrupted and goes on. */
Test(vms, each_is_the_run_it_is_alone) {
  uint64_t seed = 4;
  for (unsigned round = 0; round < 12; round++) {
    struct mb_machine *m = new_machine();
    struct mb_vm *vm[VMS];
    struct state expected[VMS];
    const struct program *p[VMS];
    unsigned n = 1 + rig_below(&seed, VMS);
    for (unsigned i = 0; i < n; i++) {
      unsigned mhz = 1 + rig_below(&seed, 400);
      p[i] = &programs[rig_below(&seed, PROGRAMS)];
      expected[i] = alone(p[i], mhz);
      vm[i] = add(m, p[i], (char[]){(char)('a' + i), 0}, mhz);
    }
    cr_assert_eq(mb_machine_start(m), MB_OK, "%s", mb_error_text(m));
    unsigned cuts = rig_below(&seed, 4);
    for (unsigned i = 0; i < cuts; i++) {
      mb_machine_interrupt(m);
      cr_assert_eq(mb_machine_run(m), MB_STOP_INTERRUPTED);
    }
    mb_machine_run(m);
    for (unsigned i = 0; i < n; i++) check_same(p[i], expected[i], state_of(vm[i]));
    mb_machine_free(m);
  }
}

Test(vms, limits_are_each_ones_own_and_are_no_end) {
  struct mb_machine *m = new_machine();
  struct mb_vm *a = add(m, &programs[0], "a", 100), *b = add(m, &programs[1], "b", 200);
  struct state whole = alone(&programs[0], 100);
  cr_assert_eq(mb_machine_start(m), MB_OK);
  mb_vm_limit(a, 12345);
  cr_assert_eq(mb_machine_run(m), MB_STOP_LIMIT);
  cr_assert_eq(state_of(a).instructions / 2, 12346u / 2); /* a branch and its slot are one step */
  cr_assert_eq(state_of(b).code, 9u);
  mb_vm_limit(a, UINT64_MAX);
  cr_assert_eq(mb_machine_run(m), MB_STOP_EXIT, "b's code");
  check_same(&programs[0], whole, state_of(a));
  cr_assert_eq(mb_vm_at(m, 1), b);
  cr_assert_null(mb_vm_at(m, 2));
  mb_machine_free(m);
}

Test(vms, names_and_sums) {
  struct mb_machine *m = new_machine();
  struct mb_vm *vm;
  add(m, &programs[0], "a", 100);
  cr_assert_eq(mb_vm_add(m, &vm, &(struct mb_config){.name = "a"}), MB_ERR_ARGUMENT);
  cr_assert(strstr(mb_error_text(m), "\"a\""));
  cr_assert_eq(mb_vm_add(m, &vm, &(struct mb_config){0}), MB_ERR_ARGUMENT);
  cr_assert_null(vm);
  cr_assert_null(mb_vm_at(m, 1));
  mb_machine_free(m);
  const struct mb_machine_config small[] = {{.cpus = 1}, {.memory = 31 << 20}, {.memory = UINT64_C(1) << 60}};
  for (unsigned i = 0; i < 3; i++) {
    cr_assert_eq(mb_machine_new(&m, &small[i]), MB_OK);
    add(m, &programs[0], "a", 100);
    add(m, &programs[1], "b", 100);
    cr_assert_eq(mb_machine_start(m), i ? MB_ERR_FIT : MB_ERR_ARGUMENT, "case %u", i);
    mb_machine_free(m);
  }
}
