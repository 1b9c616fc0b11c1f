/* criterion-tests/test_guestcall.c: the host calls functions of the small kernel by name, in each tier. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "mirrorball.h"
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char shown[4096];
static size_t shown_n;

static void keep(void *ctx, const uint8_t *bytes, size_t n) {
  (void)ctx;
  if (n > sizeof shown - 1 - shown_n) n = sizeof shown - 1 - shown_n;
  memcpy(shown + shown_n, bytes, n);
  shown_n += n;
}

/* The kernel of a target, run until its shell prompts. NULL: it has not been built. */
static struct mb_machine *begin(const char *target, enum mb_tier tier, struct mb_vm **vm) {
  struct mb_machine *m;
  char path[512];
  const char *build = getenv("MB_BUILD");
  snprintf(path, sizeof path, "%s/guests/%s/kernel", build ? build : "build", target);
  if (access(path, R_OK) || !mb_has_tier(tier)) return NULL;
  cr_assert_eq(mb_machine_new(&m, &(struct mb_machine_config){.pace = MB_PACE_MAX}), MB_OK);
  cr_assert_eq(mb_vm_add(m, vm, &(struct mb_config){.memory = 32 << 20, .tier = tier}), MB_OK);
  cr_assert_eq(mb_load_kernel(*vm, path, NULL), MB_OK, "%s", mb_error_text(m));
  mb_console_attach(*vm, &(struct mb_console){.put = keep});
  memset(shown, 0, sizeof shown);
  shown_n = 0;
  cr_assert_eq(mb_console_until(*vm, "own kernel", 10), MB_OK); /* in the middle of say() */
  cr_assert_eq(mb_machine_start(m), MB_OK, "%s", mb_error_text(m));
  cr_assert_eq(mb_machine_run(m), MB_STOP_CONSOLE, "%s", mb_stop_text(*vm));
  return m;
}

struct functions {
  void (*say)(const char *format, int, long, const char *text, unsigned, int, int, int, int);
  unsigned (*free_pages)(void);
  void (*init)(uint32_t);
  void (*print_to)(void);
  void (*panic)(const char *, const void *, unsigned);
};

static void check_calls(struct mb_machine *m, struct mb_vm *vm, struct functions *f) {
  struct mb_stats before, after;
  mb_get_stats(vm, &before);
  f->init(16 << 20);
  cr_assert_eq(mb_guest_call_failed(vm), 0, "%s", mb_error_text(m));
  unsigned pages = f->free_pages();
  cr_assert_eq(mb_guest_call_failed(vm), 0, "%s", mb_error_text(m));
  cr_expect(pages > 3000 && pages < 4096, "%u pages", pages);
  f->say("<%d %ld %s %u %d %d %d %d>", -7, 123456, "a text of ours", 4000000000u, 5, 6, 7, 8);
  cr_assert_eq(mb_guest_call_failed(vm), 0, "%s", mb_error_text(m));
  cr_expect(strstr(shown, "<-7 123456 a text of ours 4000000000 5 6 7 8>"), "%s", shown);
  mb_get_stats(vm, &after);
  cr_expect_eq(before.pc, after.pc);
  cr_expect_gt(after.instructions, before.instructions);
}

/* The same with calls as without: it goes on as if nothing had been, to its end. */
static uint64_t in(const char *target, enum mb_tier tier) {
  struct mb_vm *vm;
  struct functions f;
  struct mb_machine *m = begin(target, tier, &vm);
  if (!m) return 0;
#define FUNCTION(signature, member) cr_assert_eq(mb_guest_function(vm, signature, (void (**)(void)) & f.member), MB_OK)
  FUNCTION("void say(const char *, int, long, const char *, unsigned, int, int, int, int)", say);
  FUNCTION("unsigned memory_free_pages(void)", free_pages);
  FUNCTION("void memory_init(uint32_t bytes)", init);
  FUNCTION("void panic(const char *, const void *, unsigned)", panic);
  check_calls(m, vm, &f);
  uint64_t hash = mb_state_hash(vm);
  cr_assert_eq(mb_console_until(vm, "TLB entries", 11), MB_OK);
  cr_assert_eq(mb_machine_run(m), MB_STOP_CONSOLE, "%s: %s", target, mb_stop_text(vm));
  cr_expect(strstr(shown, "mirrorball: own kernel<"), "%s", shown);
  f.panic("the host said so", "", 0); /* never comes back */
  cr_expect_eq(mb_guest_call_failed(vm), MB_ERR_STATE);
  cr_expect(strstr(mb_error_text(m), "panic did not return"), "%s", mb_error_text(m));
  cr_expect_eq(mb_vm_stop(vm), MB_STOP_EXIT);
  cr_expect_eq(f.free_pages(), 0u);
  cr_expect_eq(mb_guest_call_failed(vm), MB_ERR_STATE, "it has ended");
  mb_machine_free(m);
  return hash;
}

Test(guestcall, functions_by_name) {
  static const char *const targets[] = {"mips32r2el", "mips32r2eb", "mips64r2el", "mips64r2eb"};
  static const enum mb_tier tiers[] = {MB_TIER_EVAL, MB_TIER_STENCIL, MB_TIER_LLVM, MB_TIER_AUTO};
  for (int t = 0; t < 4; t++) {
    uint64_t first = in(targets[t], MB_TIER_EVAL);
    if (!first) cr_skip("guests/build has not run");
    for (int k = 1; k < 4; k++) {
      uint64_t hash = in(targets[t], tiers[k]);
      cr_expect(!hash || hash == first, "%s: tier %d: %lx, not %lx", targets[t], k, hash, first);
    }
  }
}

Test(guestcall, what_cannot_be_called) {
  struct mb_vm *vm;
  void (*f)(void);
  struct mb_machine *m = begin("mips32r2el", MB_TIER_EVAL, &vm);
  if (!m) cr_skip("guests/build has not run");
  cr_expect_eq(mb_guest_function(vm, "int no_such_function(int)", &f), MB_ERR_ARGUMENT);
  cr_expect_null(f);
  cr_expect_eq(mb_guest_function(vm, "int", &f), MB_ERR_FORMAT);
  cr_expect_eq(mb_guest_function(vm, "double memory_free_pages(void)", &f), MB_ERR_ARGUMENT);
  cr_expect_eq(mb_guest_function(vm, "void say(float)", &f), MB_ERR_ARGUMENT);
  mb_machine_free(m);
}
