/* criterion-tests/test_scenario.c: scenario files: what they mean, and garbage. */
/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "cli/scenario.h"
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int read_bytes(struct scenario *s, const char *text, size_t n) {
  char path[64];
  int fd = memfd_create("scenario", 0);
  cr_assert_eq(write(fd, text, n), (ssize_t)n);
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  int code = scenario_read(s, path);
  close(fd);
  return code;
}

static const char sound[] =
    "# all there is\n"
    "about = \"everything\"; prompt = \"$ \"; limit = \"5s\"; quiet = false; end = \"power-off\";\n"
    "guests = ( \"debian-4kc\", { name = \"smp\"; guest = \"debian-generic64\"; vcpus = 2; } );\n"
    "machine = { mem = \"64M\"; };\n"
    "files = ( { to = \"/bin/x\"; text = \"y\"; mode = \"755\"; } );\n"
    "disks = ( { size = \"1M\"; }, { files = ( { to = \"a\"; text = \"b\"; } ); } );\n"
    "allow = [\"a|b\"]; never = [\"c+\"]; console = [\"d\", \"e\"]; instructions = (\"1M\", 2000000); covered = "
    "[\"f\"];\n"
    "steps = ( { expect = \"x\"; limit = \"insns:5K\"; }, { match = \"^y$\"; limit = \"10 ms\"; }, { send = \"z\\n\"; "
    "},\n"
    "  { wait = \"7us\"; }, { run = \"true\"; code = 3; output = \"\"; matches = \"q\"; },\n"
    "  { call = \"f\"; args = (1, \"t\", 0x10); returns = -5; keep = \"k\"; },\n"
    "  { read = \"v\"; bytes = 8; offset = 16; equals = 1; min = 0; max = 2; same = \"k\"; },\n"
    "  { interrupt = 3; vcpu = 1; for = \"1ms\"; }, { disk-error = 1; from = \"4K\"; size = 512; times = 2; on = "
    "\"write\"; },\n"
    "  { memory-error = \"cache\"; }, { net = \"cut\"; card = 1; } );\n";

Test(scenario, everything_is_read) {
  struct scenario s;
  cr_assert_eq(read_bytes(&s, sound, sizeof sound - 1), 0);
  cr_assert_str_eq(s.about, "everything");
  cr_assert_eq(s.limit, UINT64_C(5000000000));
  cr_assert_eq(s.guests, 2u);
  cr_assert_str_eq(s.guest[0].name, "debian-4kc");
  cr_assert(s.guest[1].keys);
  cr_assert_str_eq(s.vm->files.file[0].to, "bin/x");
  cr_assert_eq(s.vm->files.file[0].mode, 0755u);
  cr_assert_eq(s.vm->disks, 2u);
  cr_assert_eq(s.vm->disk[0].size, UINT64_C(1) << 20);
  cr_assert_eq(s.vm->least, UINT64_C(1) << 20);
  cr_assert_eq(s.vm->most, UINT64_C(2000000));
  cr_assert_eq(s.steps, 11u);
  cr_assert(s.step[0].value[KEY_LIMIT].insns);
  cr_assert_eq(s.step[0].value[KEY_LIMIT].number, UINT64_C(5120));
  cr_assert_eq(s.step[1].value[KEY_LIMIT].number, UINT64_C(10000000));
  cr_assert_eq(s.step[3].value[STEP_WAIT].number, UINT64_C(7000));
  cr_assert_eq(s.step[5].args, 3u);
  cr_assert_str_eq(s.step[5].arg[1].text, "t");
  cr_assert_eq(s.step[5].arg[2].number, UINT64_C(16));
  cr_assert_eq((int64_t)s.step[5].value[KEY_RETURNS].number, -5);
  cr_assert_eq(s.step[8].value[KEY_ON].choice, 2);
  cr_assert_eq(s.step[9].value[STEP_MEMORY_ERROR].choice, 1);
  scenario_free(&s);
}

/* What a VM does not say the scenario says for it. */
Test(scenario, several_vms) {
  static const char text[] =
      "steps = ( { vm = \"b\"; run = \"x\"; }, { run = \"y\"; } ); prompt = \"$ \"; quiet = false;\n"
      "never = [\"x\"]; console = [\"all\"];\n"
      "vms = ( { name = \"a\"; guest = \"g\"; mem = \"8M\"; },\n"
      "  { name = \"b\"; prompt = \"> \"; quiet = true; console = [\"b\", \"c\"]; end = \"dead\"; instructions = (1, "
      "2); } );";
  struct scenario s;
  cr_assert_eq(read_bytes(&s, text, sizeof text - 1), 0);
  cr_assert_eq(s.vms, 2u);
  cr_assert_str_eq(s.vm[0].name, "a");
  cr_assert_str_eq(s.vm[0].prompt, "$ ");
  cr_assert(!s.vm[0].quiet && !s.vm[0].end);
  cr_assert_eq(s.vm[0].console.n, 1u);
  cr_assert_str_eq(s.vm[1].prompt, "> ");
  cr_assert(s.vm[1].quiet);
  cr_assert_eq(s.vm[1].console.n, 2u);
  cr_assert_str_eq(s.vm[1].end, "dead");
  cr_assert_eq(s.vm[1].never.n, 1u);
  cr_assert_eq(s.vm[1].most, 2u);
  cr_assert_eq(s.step[0].vm, 1u);
  cr_assert_eq(s.step[1].vm, 0u);
  scenario_free(&s);
}

Test(scenario, times) {
  uint64_t ns;
  cr_assert(scenario_time("3 s", &ns) && ns == UINT64_C(3000000000));
  cr_assert(scenario_time("0ns", &ns) && !ns);
  static const char *const bad[] = {"", "s", "5", "5m", "-1s", "5ss", "99999999999999999999s", "1000001s"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) cr_assert(!scenario_time(bad[i], &ns), "%s", bad[i]);
}

static const char of_several[] =
    "machine = { net = \"subnet=x\"; }; never = [\"x\"]; console = [\"y\"];\n"
    "vms = ( { name = \"a\"; guest = \"g\"; files = ( { to = \"x\"; text = \"y\"; } ); },\n"
    "  { name = \"b\"; allow = [\"z\"]; disks = ( { size = \"1M\"; } ); covered = [\"f\"]; end = \"dead\"; } );\n"
    "steps = ( { vm = \"b\"; run = \"x\"; }, { net = \"cut\"; vm = \"a\"; }, { vm = \"a\"; expect = \"x\"; } );\n";

/* How many lines stderr has had since this was last asked. */
static unsigned lines_said(int fd) {
  char text[4096];
  unsigned lines = 0;
  fflush(stderr);
  ssize_t n = pread(fd, text, sizeof text, 0);
  for (ssize_t i = 0; i < n; i++) lines += text[i] == '\n';
  cr_assert(!ftruncate(fd, 0) && !lseek(fd, 0, SEEK_SET));
  return lines;
}

/* Cut short, and with bytes changed: sound, or refused in one line; and freed either way. */
static void try_garbage(const char *sound, size_t n) {
  char text[4096];
  unsigned seed = 1, refused = 0, rounds = getenv("MB_QUICK") ? 300 : 3000;
  struct scenario s;
  int said = memfd_create("stderr", 0);
  cr_assert(said >= 0 && dup2(said, 2) == 2);
  for (size_t k = 0; k < n - 1; k += 7) {
    int code = read_bytes(&s, sound, k);
    refused += code == 2;
    cr_assert_eq(lines_said(said), code == 2, "the first %zu bytes", k);
    scenario_free(&s);
  }
  cr_assert_gt(refused, n / 14);
  for (unsigned i = 0; i < rounds; i++) {
    memcpy(text, sound, n);
    for (unsigned k = 0; k < 1 + i % 4; k++) {
      seed = seed * 1103515245 + 12345;
      text[seed / 65536 % (n - 1)] = (char)(32 + seed / 256 % 95);
    }
    int code = read_bytes(&s, text, n - 1);
    cr_assert(code == 0 || code == 2);
    cr_assert_eq(lines_said(said), code == 2, "round %u: %s", i, text);
    scenario_free(&s);
  }
}

Test(scenario, garbage) {
  try_garbage(sound, sizeof sound);
  try_garbage(of_several, sizeof of_several);
}
