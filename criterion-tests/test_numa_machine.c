/* criterion-tests/test_numa_machine.c: modelled machines: presets, impossible ones, garbage; and page counters. */
/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "numa-model/counters.h"
#include "numa-model/machine.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* libconfig's scanner forgets a text that never ends. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void) {
  return "leak:strbuf_append\n";
}

static const char *preset(const char *name) {
  const char *text = NULL, *found;
  for (size_t i = 0; (found = numa_preset(i, &text)); i++)
    if (!strcmp(found, name)) return text;
  return NULL;
}

Test(numa_machine, presets_are_sound_and_named_as_their_files) {
  struct numa_machine m;
  char error[256] = "";
  const char *text, *name;
  size_t n = 0;
  for (; (name = numa_preset(n, &text)); n++) {
    cr_assert_eq(numa_machine_parse(&m, name, text, error, sizeof error), 0, "%s", error);
    cr_assert_str_eq(m.name, name);
  }
  cr_assert_eq(n, 4);
}

/* The paper's machine: FACTS of SOSP'97, section 6. */
Test(numa_machine, flash_is_the_papers) {
  struct numa_machine m;
  char error[256];
  cr_assert_eq(numa_machine_parse(&m, "flash", preset("flash"), error, sizeof error), 0);
  cr_assert_eq(m.latency[3][3], 300);
  cr_assert_eq(m.latency[3][4], 900);
  cr_assert_eq(m.l2.bytes, 1 << 20);
  cr_assert_eq(m.l2.line, 128);
  cr_assert_eq(m.l1d.bytes, 32 << 10);
  cr_assert_eq(m.tlb_entries, 64);
  cr_assert_eq(m.memory_per_node * m.nodes, 256 << 20);
  cr_assert_eq(numa_cpus(&m), 8);
  cr_assert_eq(numa_node_of_frame(&m, 32 * 256 - 1), 0);
  cr_assert_eq(numa_node_of_frame(&m, 32 * 256), 1);
  cr_assert_eq(numa_node_of_frame(&m, UINT32_MAX), 7);
}

/* The preset with one piece replaced, and what is then said. */
static const struct {
  const char *from, *to, *said;
} wrong[] = {
    {"nodes = 8;", "nodes = 0;", "m:8: nodes: 0 is not from 1 to 64"},
    {"nodes = 8;", "nodes = \"many\";", "m:8: nodes: neither a whole number nor a size such as \"32K\""},
    {"nodes = 8;", "", "nodes comes first"},
    {"local = 300", "local = 0", "m:17: local: 0 is not from 1 to"},
    {"local = 300;", "", "m:17: latency: local is missing"},
    {"{ local = 300; remote = 900; };", "([300]);", "m:17: latency: 1 rows for 8 nodes"},
    {"{ local = 300; remote = 900; };", "([1],[1],[1],[1],[1],[1],[1],[1]);", "the matrix is not square"},
    {"{ bytes = \"1M\";  ways = 2;", "{ bytes = \"1M\";  ways = 3;",
     "l2: 3 ways of lines of 128 bytes do not divide 1048576 bytes"},
    {"{ bytes = \"1M\";  ways = 2;", "{ bytes = \"3M\";  ways = 2;", "l2: 12288 sets of lines: not a power of two"},
    {"line = 128;", "line = 96;", "l2: line 96 is not a power of two"},
    {"line = 128;", "line = 32;", "l2: its line of 32 bytes is shorter than one of the first level"},
    {"line = 128;", "line = 16;", "line: 16 is not from 32 to 4096"},
    {"contention = false;", "contention = true;", "occupancy: 0, with contention"},
    {"contention = false;", "contention = 1;", "contention: neither true nor false"},
    {"cpus_per_node = 1;", "cpus_per_node = 33;", "cpus_per_node: more than 256 cpus in all"},
    {"\"32M\"", "\"1234567\"", "memory_per_node: not a whole number of 4 KiB pages"},
    {"\"32M\"", "\"32X\"", "memory_per_node: neither a whole number nor a size"},
    {"\"32M\"", "\"99999999999999999999G\"", "memory_per_node: neither a whole number nor a size"},
    {"\"flash\"", "\"\"", "m:5: name: not a text of 1 to 31 letters"},
    {"clock = 400;", "clocks = 400;", "m:13: clocks: there is no such key"},
    {"clock = 400;", "@include \"/etc/passwd\"", "@include"},
    {"clock = 400;", "clock = ", "m:1"},
    {"clock = 400;", "", "clock: is missing"},
    {"move = {", "move = 5; x = {", "move: is written as { copy = ...; ... }"},
};

Test(numa_machine, impossible_machines_name_file_line_and_key) {
  const char *flash = preset("flash");
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    struct numa_machine m;
    char error[256] = "", *text = NULL;
    const char *at = strstr(flash, wrong[i].from);
    cr_assert(at, "%s", wrong[i].from);
    cr_assert(asprintf(&text, "%.*s%s%s", (int)(at - flash), flash, wrong[i].to, at + strlen(wrong[i].from)) > 0);
    cr_expect_eq(numa_machine_parse(&m, "m", text, error, sizeof error), -1, "%s", wrong[i].to);
    cr_expect(strstr(error, wrong[i].said) && !strncmp(error, "m:", 2) && !strchr(error, '\n'), "%s: %s", wrong[i].to,
              error);
    free(text);
  }
}

/* Any prefix, and any byte changed: an error or a machine that keeps the rules, never a crash. */
Test(numa_machine, garbage_is_refused_or_sound) {
  const char *flash = preset("flash");
  size_t n = strlen(flash);
  char *text = malloc(n + 1), error[256];
  struct numa_machine m;
  srand(5);
  for (size_t i = 0; i < 3000; i++) {
    memcpy(text, flash, n + 1);
    if (i % 3 == 0) text[(size_t)rand() % n] = 0;
    for (size_t k = 0; k < i % 7; k++) text[(size_t)rand() % n] = (char)(rand() % 255 + 1);
    if (numa_machine_parse(&m, "m", text, error, sizeof error)) continue;
    cr_assert(m.nodes && m.cpus_per_node && m.latency[m.nodes - 1][m.nodes - 1] && m.memory_per_node);
    cr_assert_eq((uint64_t)numa_cache_sets(&m.l2) * m.l2.ways * m.l2.line, m.l2.bytes);
  }
  free(text);
}

Test(numa_counters, saturate_become_hot_once_and_are_forgotten) {
  struct numa_counters c;
  cr_assert_eq(numa_counters_init(&c, 10, 4, 128), 0);
  for (int i = 0; i < 127; i++) numa_counters_miss(&c, 7, 2, i & 1, 1);
  cr_assert_eq(c.hots, 0);
  numa_counters_miss(&c, 7, 2, false, 1);
  numa_counters_miss(&c, 7, 2, false, 1);
  numa_counters_miss(&c, 3, 0, true, 200);
  cr_assert_eq(c.hots, 2);
  cr_assert_eq(c.hot[0], 7);
  cr_assert_eq(c.hot[1], 3);
  cr_assert_eq(numa_counted(&c, 7, 2).reads, 66);
  cr_assert_eq(numa_counted(&c, 7, 2).writes, 63);
  numa_counters_miss(&c, 3, 0, true, 1 << 20);
  cr_assert_eq(numa_counted(&c, 3, 0).writes, UINT16_MAX);
  c.replica[3] = 1 << 2;
  cr_assert(numa_is_near(&c, 3, 0, 2) && numa_is_near(&c, 3, 0, 0) && !numa_is_near(&c, 3, 0, 1));
  numa_counters_forget(&c, 7);
  cr_assert_eq(c.hots, 1);
  cr_assert_eq(numa_counted(&c, 7, 2).reads, 0);
  numa_counters_miss(&c, 7, 1, false, 130);
  cr_assert_eq(c.hots, 2);
  numa_counters_reset(&c);
  cr_assert_eq(c.hots + c.seens, 0);
  cr_assert_eq(numa_counted(&c, 3, 0).writes, 0);
  cr_assert(numa_is_near(&c, 3, 0, 2));
  numa_counters_fini(&c);
  numa_counters_fini(&c);
}
