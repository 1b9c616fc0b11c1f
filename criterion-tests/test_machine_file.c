/* criterion-tests/test_machine_file.c: machine files: what they mean, and garbage. */
/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "cli/request.h"
#include "criterion-tests/harness.h"
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct machine {
  struct request_run run;
  int fd;
  char path[64];
};

static int read_bytes(struct machine *m, const char *text, size_t n) {
  *m = (struct machine){.fd = memfd_create("machine", 0)};
  cr_assert_eq(write(m->fd, text, n), (ssize_t)n);
  snprintf(m->path, sizeof m->path, "/proc/self/fd/%d", m->fd);
  m->run.file = m->path;
  request_begin(&m->run.options, &m->run);
  return machine_file_read(&m->run);
}

static void forget(struct machine *m) {
  struct request_run *run = &m->run;
  for (size_t i = 0; i < run->vms; i++) {
    request_fini(run->vm[i]);
    free(run->vm[i]);
  }
  for (size_t i = 0; i < run->texts; i++) free(run->text[i]);
  free(run->vm);
  free(run->text);
  request_fini(&run->options);
  close(m->fd);
}

static char *printed(const struct machine *m) {
  char *text = NULL;
  size_t n = 0;
  FILE *f = open_memstream(&text, &n);
  cr_assert(f);
  cr_assert_eq(machine_file_print(&m->run, f), 0);
  fclose(f);
  return text;
}

static const char sound[] =
    "# two of them\n"
    "cpus = 5; memory = \"1G\";\n"
    "vms = (\n"
    "  { name = \"a\"; guest = \"debian-4kc\"; mem = \"64M\"; mhz = 0x64; timestamps = true; seed = 12345678901L;\n"
    "    type = [\"# =>x\\\\n\", \"=>\\\"y\\\"\"]; until = \"insns:5\"; profile = \"p\"; },\n"
    "  { name = \"b\"; kernel = \"v\" \"mlinux\"; board = \"disco\"; vcpus = 4; cpu = \"mips32r2-MULTI\";\n"
    "    disk = \"d,ro\"; symbols = false; timestamps = false; l2tlb = 0; mode = \"trap\";\n"
    "    machine-tlb = 0; append = \"\"; }\n"
    ");\n";

static void check_sound(const struct request_run *run) {
  cr_assert_eq(run->machine.cpus, 5u);
  cr_assert_eq(run->machine.memory, UINT64_C(1) << 30);
  cr_assert_eq(run->vms, 2u);
  const struct request *a = run->vm[0], *b = run->vm[1];
  cr_assert_str_eq(a->config.name, "a");
  cr_assert_str_eq(a->name, "debian-4kc");
  cr_assert_eq(a->config.memory, UINT64_C(64) << 20);
  cr_assert_eq(a->config.mhz, 100u);
  cr_assert(a->config.timestamps);
  cr_assert_eq(a->config.seed, UINT64_C(12345678901));
  cr_assert_eq(a->types, 2u);
  cr_assert_str_eq(a->type[0], "# =>x\\n");
  cr_assert_str_eq(a->type[1], "=>\"y\"");
  cr_assert_eq(a->until_insns, 5u);
  cr_assert_eq(a->config.profile_every, 100003u);
  cr_assert_str_eq(b->kernel, "vmlinux");
  cr_assert_str_eq(b->config.board, "disco");
  cr_assert_str_eq(b->config.cpu, "MIPS32R2-multi");
  cr_assert_eq(b->config.vcpus, 4u);
  cr_assert_eq(b->config.disks, 1u);
  cr_assert_eq(b->config.disk[0].mode, MB_DISK_RO);
  cr_assert(!b->symbols && !b->config.timestamps);
  cr_assert_eq(b->config.l2tlb, MB_L2TLB_OFF);
  cr_assert_eq(a->config.mode, MB_MODE_BARE);
  cr_assert_eq(b->config.mode, MB_MODE_TRAP);
  cr_assert_eq(b->config.machine_tlb, MB_MACHINE_TLB_OFF);
  cr_assert_str_eq(b->config.append, "");
}

Test(machine_file, says_what_options_would_say) {
  struct machine m;
  cr_assert_eq(read_bytes(&m, sound, strlen(sound)), 0);
  check_sound(&m.run);
  forget(&m);
}

Test(machine_file, means_the_same_when_written) {
  struct machine m;
  cr_assert_eq(read_bytes(&m, sound, strlen(sound)), 0);
  char *first = printed(&m);
  forget(&m);
  cr_assert_eq(read_bytes(&m, first, strlen(first)), 0);
  check_sound(&m.run);
  char *second = printed(&m);
  forget(&m);
  cr_assert_str_eq(first, second);
  free(first);
  free(second);
}

/* A file that has been damaged at some places. */
static size_t damage(char *text, size_t n, size_t room, uint64_t *seed) {
  static const char marks[] = "(){}[]=;,\"\\/*#.0x1LgeE+-@\n \t\x01\xff";
  for (unsigned times = 1 + rig_below(seed, 3); times; times--) {
    size_t at = rig_below(seed, (unsigned)n), k = 1 + rig_below(seed, 12);
    if (k > n - at) k = n - at;
    switch (rig_below(seed, 5)) {
    case 0: text[at] = (char)rig_random(seed); break;
    case 1: text[at] = marks[rig_below(seed, sizeof marks - 1)]; break;
    case 2: /* taken out */
      memmove(text + at, text + at + k, n - at - k);
      n -= k;
      break;
    case 3: /* doubled */
      if (n + k > room) break;
      memmove(text + at + k, text + at, n - at);
      n += k;
      break;
    case 4: n = at + 1; break; /* cut off */
    }
    if (!n) return 0;
  }
  return n;
}

Test(machine_file, garbage_is_refused_or_means_something) {
  uint64_t seed = 20, sane = 0;
  enum { ROOM = 2048 };
  char text[ROOM];
  cr_assert(freopen("/dev/null", "w", stderr)); /* a line for each that is refused */
  for (unsigned i = 0; i < 5000; i++) {
    struct machine m;
    memcpy(text, sound, sizeof sound - 1);
    size_t n = damage(text, sizeof sound - 1, ROOM, &seed);
    int code = read_bytes(&m, text, n);
    cr_assert(code == 0 || code == 2, "case %u: %d", i, code);
    if (!code) {
      free(printed(&m));
      sane++;
    }
    forget(&m);
  }
  cr_assert(sane > 100 && sane < 4000, "%u of 5000 were sane", (unsigned)sane);
}
