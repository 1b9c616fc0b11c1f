/* cli/cmd_compare.c: mirrorball compare: the same image and workload bare, trapping and translated, side by side. */
/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "cli/compare.h"
#include "cli/guests.h"
#include "cli/guests_parts.h"
#include "cli/options.h"
#include "mirrorball.h"
#include <stdlib.h>
#include <string.h>

int cmd_compare(int argc, char **argv);

const char *const compare_mode[COMPARE_MODES] = {
    [COMPARE_BARE] = "bare", [COMPARE_TRAP] = "trap", [COMPARE_TRANSLATE] = "translate"};

enum row { O_FROM, O_WORKLOAD, O_MODES, O_L2TLB, O_REPEAT, O_COSTS, O_HTML, O_JSON, O_HELP };
static const struct option_row rows[] = {
    [O_FROM] = {"from", "FILE", "go on from such a checkpoint, in place of GUEST: what comes behind is compared"},
    [O_WORKLOAD] = {"workload", "COMMAND",
                    "what the guest runs before it powers off, in its shell (Debian's\n"
                    "kernels: nothing, so that the boot is compared; own-*: exit)"},
    [O_MODES] = {"modes", "LIST", "any of bare,trap,translate (all); bare always runs"},
    [O_L2TLB] = {"l2tlb", "LIST",
                 "sizes of the second-level TLB to compare with, e.g. 0,1024 (1024).\n"
                 "The first one's bare run is 100 %: 0 is a machine that has none"},
    [O_REPEAT] = {"repeat", "N", "times each run is made; they take turns (3)"},
    [O_COSTS] = {"costs", "FILE",
                 "modelled cycles other than the built-in ones, as JSON:\n"
                 "{\"mtc0 Status\": {\"trap\": 100, \"translate\": 10}, ...}"},
    [O_HTML] = {"html", "FILE", "write a page of plots that needs nothing else"},
    [O_JSON] = {"json", "FILE", "write everything (cli/compare.h says what each key is)"},
    [O_HELP] = {"help", NULL, "this text"},
    {0},
};

static void print_help(void) {
  puts("Usage: mirrorball compare [OPTION...] GUEST [-- OPTIONS FOR RUN]\n"
       "       mirrorball compare [OPTION...] --from FILE [-- OPTIONS FOR RUN]\n"
       "\n"
       "Runs the same guest and workload as if its kernel owned the machine (bare), trapping into a\n"
       "monitor (trap) and translated into calls of one (translate), and checks that it was the same\n"
       "run. Prints the host's time; modelled cycles for user, kernel, monitor and idle, as in Fig. 5\n"
       "of the Disco paper; what the monitor had to do, event by event; and how much slower each\n"
       "service of the guest's kernel became, as in its Table 2.\n");
  options_help(stdout, rows);
  puts("\n"
       "Events are counted in one more run, exactly, so the timed ones carry no counters. The cycles of\n"
       "an event are assumptions (frontend/events.def says which); the counts are not. How many accesses\n"
       "to kseg0 miss the machine's TLB is known only where trap runs, too; else they cost nothing.\n"
       "\n"
       "Exit codes: 0 done; 1 two runs that should be the same were not, or a run failed; 2 bad input.\n"
       "\n"
       "Try it:\n"
       "  mirrorball compare own-mips32el                                  seconds\n"
       "  mirrorball compare debian-4kc --modes bare,translate             a boot\n"
       "  mirrorball compare debian-4kc --workload 'ls -lR /sys | wc' --l2tlb 0,1024 --html modes.html\n"
       "  mirrorball compare -- --kernel vmlinux --until insns:100000000   a kernel of yours");
}

/* --- what is asked for --- */

/* Call set() with each word of a list. */
static int each_word(struct compare *c, const char *list, int (*set)(struct compare *c, const char *word)) {
  char *copy = strdup(list), *rest = copy;
  int bad = copy ? 0 : options_fail("compare: out of memory");
  for (char *word; !bad && (word = strsep(&rest, ","));) bad = set(c, word);
  free(copy);
  return bad;
}

static int add_mode(struct compare *c, const char *word) {
  for (int m = 0; m < COMPARE_MODES; m++)
    if (!strcmp(word, compare_mode[m])) return c->mode[m] = true, 0;
  return options_fail("compare: --modes: \"%s\" is none of bare, trap, translate", word);
}

static int add_l2tlb(struct compare *c, const char *word) {
  uint64_t n;
  if (!options_number(word, false, 65536, &n) || n & (n - 1) || (n && n < 4))
    return options_fail("compare: --l2tlb: \"%s\" is neither 0 nor a power of two from 4 to 65536", word);
  for (unsigned i = 0; i < c->l2tlbs; i++)
    if (c->l2tlb[i] == n) return options_fail("compare: --l2tlb: %s is there twice", word);
  if (c->l2tlbs == COMPARE_SETTINGS) return options_fail("compare: --l2tlb: more than %d sizes", COMPARE_SETTINGS);
  c->l2tlb[c->l2tlbs++] = (uint32_t)n;
  return 0;
}

static bool is_event(const char *name) {
  const char *event;
  for (size_t i = 0; (event = mb_event_name(i)); i++)
    if (!strcmp(event, name)) return true;
  return false;
}

static int read_costs(struct compare *c, const char *path) {
  json_error_t e;
  const char *name;
  json_t *cost;
  json_decref(c->costs);
  c->costs = json_load_file(path, JSON_REJECT_DUPLICATES, &e);
  if (!c->costs && e.line > 0) return options_fail("compare: --costs %s:%d: %s", path, e.line, e.text);
  if (!c->costs) return options_fail("compare: --costs %s: cannot be read", path);
  if (!json_is_object(c->costs)) return options_fail("compare: --costs %s: not an object of events", path);
  json_object_foreach(c->costs, name, cost) {
    const json_t *trap = json_object_get(cost, "trap"), *translate = json_object_get(cost, "translate");
    if (!json_is_object(cost) || (!trap && !translate) || (trap && !(json_number_value(trap) >= 0)) ||
        (translate && !(json_number_value(translate) >= 0)))
      return options_fail("compare: --costs %s: \"%s\" wants {\"trap\": CYCLES, \"translate\": CYCLES}", path, name);
    if (!is_event(name)) return options_fail("compare: --costs %s: there is no event \"%s\"", path, name);
  }
  return 0;
}

static int set_option(struct compare *c, enum row row, const char *v) {
  uint64_t n;
  switch (row) {
  case O_FROM: c->from = v; return 0;
  case O_WORKLOAD: c->workload = v; return 0;
  case O_MODES: return each_word(c, v, add_mode);
  case O_L2TLB: return each_word(c, v, add_l2tlb);
  case O_REPEAT:
    if (!options_number(v, false, COMPARE_REPEAT, &n) || !n)
      return options_fail("compare: --repeat %s: not a number from 1 to %d", v, COMPARE_REPEAT);
    c->repeat = (unsigned)n;
    return 0;
  case O_COSTS: return read_costs(c, v);
  case O_HTML: c->html = v; return compare_page_check();
  case O_JSON: c->json = v; return 0;
  case O_HELP: print_help(); return -1;
  }
  return 0;
}

static int parse(struct compare *c, int argc, char **argv) {
  struct options o;
  int end = 1, bad = 0;
  while (end < argc && strcmp(argv[end], "--")) end++;
  c->extra = argv + (end < argc ? end + 1 : argc);
  options_begin(&o, end, argv, rows);
  while (!bad) {
    int row = options_next(&o);
    if (row == OPTIONS_END) break;
    if (row == OPTIONS_ERROR) return 2;
    if (row == OPTIONS_WORD && c->guest)
      return options_fail("compare: one guest at a time, not both \"%s\" and \"%s\"", c->guest, o.value);
    if (row == OPTIONS_WORD)
      c->guest = o.value;
    else
      bad = set_option(c, (enum row)row, o.value);
  }
  if (bad) return bad;
  if (c->from && (c->guest || c->workload || c->l2tlbs))
    return options_fail("compare: --from %s: guest, workload and l2tlb are the checkpoint's", c->from);
  if (!c->guest && !c->from && !*c->extra) return options_fail("compare: what? Name a guest (mirrorball guests list)");
  if (!c->mode[COMPARE_BARE] && !c->mode[COMPARE_TRAP] && !c->mode[COMPARE_TRANSLATE])
    c->mode[COMPARE_TRAP] = c->mode[COMPARE_TRANSLATE] = true;
  c->mode[COMPARE_BARE] = true;
  if (!c->l2tlbs) c->l2tlb[c->l2tlbs++] = 1024;
  return 0;
}

/* What the checkpoint says of its VM. */
static int read_checkpoint(struct compare *c) {
  struct mb_machine *m;
  char *text = NULL;
  int code = mb_machine_new(&m, &(struct mb_machine_config){0});
  if (!code) code = mb_checkpoint_about(m, c->from, &text);
  if (code) options_fail("compare: %s", mb_error_text(m));
  json_t *about = text ? json_loads(text, 0, NULL) : NULL;
  const json_t *vms = json_object_get(about, "vms"), *vm = json_array_get(vms, 0);
  if (!code && json_array_size(vms) != 1)
    code = options_fail("compare: --from %s: has more than one VM in it", c->from);
  c->l2tlb[0] = (uint32_t)json_integer_value(json_object_get(vm, "l2tlb"));
  json_decref(about);
  free(text);
  mb_machine_free(m);
  return code ? 2 : 0;
}

/* The kernel parameters that make the guest run the workload and end. */
static int set_workload(struct compare *c) {
  struct guest g = {0};
  bool quoted;
  if (c->from) return read_checkpoint(c);
  if (c->guest && guests_find(c->guest, &g)) return 2;
  if (g.command == GUEST_COMMAND_NONE) {
    guests_free(&g);
    return c->workload ? options_fail("compare: --workload: %s runs no command; see mirrorball guests list",
                                      c->guest ? c->guest : "a kernel given by options")
                       : 0;
  }
  quoted = g.command == GUEST_COMMAND_QUOTED;
  if (!c->workload) c->workload = quoted ? "true" : "exit";
  if (!*c->workload || strpbrk(c->workload, quoted ? "\"\n" : "\",\n")) {
    guests_free(&g);
    return options_fail("compare: --workload %s: must not be empty nor have quotation marks%s or line ends",
                        c->workload, quoted ? "" : ", commas");
  }
  c->append = guests_text(quoted ? "%s%smb.run=\"%s\"" : "%s%srun=%s", g.append, *g.append ? " " : "", c->workload);
  char *command = c->append && !quoted ? strstr(c->append, "run=") : NULL;
  for (char *s = command; s && (s = strchr(s, ' '));) *s = ',';
  guests_free(&g);
  return c->append ? 0 : options_fail("compare: out of memory");
}

static int write_json(const json_t *document, const char *path) {
  FILE *f = fopen(path, "we");
  bool bad = !f || json_dumpf(document, f, JSON_INDENT(2)) || fputc('\n', f) == EOF;
  if (f && fclose(f)) bad = true;
  if (bad) options_fail("compare: --json %s: cannot be written", path);
  return bad;
}

/* Find out before the runs that a file cannot be written. */
static int check_file(const char *option, const char *path) {
  FILE *f = path ? fopen(path, "ae") : NULL;
  if (path && !f) return options_fail("compare: --%s %s: cannot be written", option, path);
  if (f) fclose(f);
  return 0;
}

static int compare(struct compare *c) {
  struct compare_setting *settings = calloc(c->l2tlbs, sizeof *settings);
  bool same = true;
  int code = settings ? compare_measure(c, settings, &same) : options_fail("compare: out of memory");
  json_t *document = code ? NULL : compare_document(c, settings, same);
  if (!code && !document) code = options_fail("compare: out of memory") - 1;
  if (document) compare_print(document, stdout);
  if (document && c->json) code |= write_json(document, c->json);
  if (document && c->html) code |= compare_page(document, c->html);
  json_decref(document);
  for (unsigned i = 0; settings && i < c->l2tlbs; i++) {
    json_decref(settings[i].counted);
    for (int m = 0; m < COMPARE_MODES; m++) json_decref(settings[i].stats[m]);
  }
  free(settings);
  return code ? code : !same;
}

int cmd_compare(int argc, char **argv) {
  struct compare c = {.repeat = 3};
  int code = parse(&c, argc, argv);
  if (!code) code = set_workload(&c);
  if (!code) code = check_file("html", c.html);
  if (!code) code = check_file("json", c.json);
  if (!code) code = compare(&c);
  json_decref(c.costs);
  free(c.append);
  return code < 0 ? 0 : code;
}
