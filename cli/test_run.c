/* cli/test_run.c: one test: a scenario run on one guest, and judged. */
/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "cli/test_parts.h"
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <xxhash.h>

enum { CONSOLE_LINES = 15, CALLS = 24 };
#define CAME_TO_END  "the guest came to its end: %s"
#define AFTERMATH_NS UINT64_C(200000000) /* virtual: for what a kernel has to say after its first complaint */

bool test_bad(struct test_going *t, const char *fmt, ...) {
  char text[sizeof t->why - 64];
  const char *name = t->on ? t->on->said->name : NULL;
  va_list args;
  va_start(args, fmt);
  vsnprintf(text, sizeof text, fmt, args);
  va_end(args);
  if (!*t->why) snprintf(t->why, sizeof t->why, "%s%s%s", name ? name : "", name ? ": " : "", text);
  return false;
}

bool test_refused(struct test_going *t) {
  return test_bad(t, "%s", mb_error_text(t->m));
}

/* --- running --- */

static void limit(const struct test_vm *v, uint64_t ns, uint64_t insns) {
  struct mb_stats s;
  mb_get_stats(v->vm, &s);
  mb_vm_limit_ns(v->vm, s.virtual_ns + ns);
  mb_vm_limit(v->vm, insns ? s.instructions + insns : UINT64_MAX);
}

void test_limit(struct test_going *t, uint64_t ns, uint64_t insns) {
  for (struct test_vm *v = t->vm; v < t->vm + t->s->vms; v++) {
    mb_vm_limit(v->vm, UINT64_MAX);
    mb_vm_limit_ns(v->vm, UINT64_MAX);
  }
  limit(t->on, ns, insns);
}

/* It has come to its end. */
static bool is_end(enum mb_stop why) {
  return why >= MB_STOP_POWER_OFF;
}

/* The kernel has complained: hear it out. */
static bool complained(struct test_going *t) {
  const struct test_console *c = &t->on->console;
  t->on->console.await = AWAIT_NOTHING;
  if (!is_end(mb_vm_stop(t->on->vm))) {
    test_limit(t, AFTERMATH_NS, 0);
    do mb_machine_run(t->m);
    while (mb_vm_stop(t->on->vm) == MB_STOP_TOGETHER);
  }
  return test_bad(t, "the console shows \"%.300s\", which matches \"%s\"", c->complaint, c->pattern);
}

/* A VM may come to the end that the scenario names while something is done on another. */
static bool may_have_ended(const struct test_vm *v) {
  enum mb_stop why = mb_vm_stop(v->vm);
  return !is_end(why) || (v->said->end && !strcmp(mb_stop_name(why), v->said->end));
}

/* Run until t->on stops. False: something is wrong with any of them, which t->on then is. */
static bool run_on(struct test_going *t) {
  struct test_vm *on = t->on;
  while (!is_end(mb_vm_stop(on->vm))) {
    enum mb_stop why = mb_machine_run(t->m);
    for (t->on = t->vm; t->on < t->vm + t->s->vms; t->on++) {
      if (t->on->console.complaint) return complained(t);
      if (t->on->console.lost) return test_bad(t, "the guest shows more than can be kept");
      if (why == MB_STOP_ERROR) t->ours = true;
      if (t->on != on && !may_have_ended(t->on)) return test_bad(t, CAME_TO_END, mb_stop_text(t->on->vm));
    }
    t->on = on;
    if (why == MB_STOP_INTERRUPTED) return test_bad(t, "interrupted");
    if (mb_vm_stop(on->vm) != MB_STOP_TOGETHER) break;
  }
  return true;
}

bool test_go(struct test_going *t, uint64_t ns, uint64_t insns, bool *found) {
  test_limit(t, ns, insns);
  bool good = run_on(t);
  enum mb_stop why = mb_vm_stop(t->on->vm);
  *found = good && why == MB_STOP_CONSOLE && t->on->console.found;
  t->on->console.await = AWAIT_NOTHING;
  return good && (!is_end(why) || test_bad(t, CAME_TO_END, mb_stop_text(t->on->vm)));
}

/* The ends that the scenario names, one after the other: who has come to its end waits for the others. */
static bool go_to_end(struct test_going *t) {
  for (struct test_vm *v = t->vm; v < t->vm + t->s->vms; v++) {
    const char *end = v->said->end;
    if (!end) continue;
    t->on = v;
    test_limit(t, t->s->limit, 0);
    if (!run_on(t)) return false;
    enum mb_stop why = mb_vm_stop(v->vm);
    if (strcmp(mb_stop_name(why), end))
      return test_bad(t, is_end(why) ? "the guest ended otherwise than by %s: %s" : "the guest did not end by %s: %s",
                      end, mb_stop_text(v->vm));
  }
  return true;
}

/* --- judging --- */

static bool is_covered(struct test_going *t) {
  struct mb_function_coverage c;
  const struct scenario_texts *covered = &t->on->said->covered;
  for (size_t i = 0; i < covered->n; i++) {
    if (mb_coverage_function(t->on->vm, covered->text[i], &c)) return test_refused(t);
    if (!c.instructions) return test_bad(t, "%s was never executed (line %d)", covered->text[i], covered->line[i]);
  }
  return true;
}

/* Nothing was found by the checks that were asked for. */
static bool is_clean(struct test_going *t) {
  char first[300];
  uint64_t n = mb_check_findings(t->on->vm, first, sizeof first);
  return !n || test_bad(t, "checks found %" PRIu64 " place%s: %s", n, n > 1 ? "s, first" : "", first);
}

static bool judge(struct test_going *t) {
  const struct scenario_vm *said = t->on->said;
  struct mb_stats s;
  mb_get_stats(t->on->vm, &s);
  for (size_t i = 0; i < said->console.n; i++)
    if (!strstr(t->on->console.all.bytes, said->console.text[i]))
      return test_bad(t, "the console never showed \"%s\" (line %d)", said->console.text[i], said->console.line[i]);
  if (s.instructions < said->least)
    return test_bad(t, "%" PRIu64 " instructions, less than %" PRIu64, s.instructions, said->least);
  if (s.instructions > said->most)
    return test_bad(t, "%" PRIu64 " instructions, more than %" PRIu64, s.instructions, said->most);
  return is_covered(t) && is_clean(t);
}

/* Is there a command for it? */
static bool has_commands(const struct test_going *t, size_t vm) {
  size_t i = 0;
  while (i < t->s->steps && (t->s->step[i].kind != STEP_RUN || t->s->step[i].vm != vm)) i++;
  return i < t->s->steps;
}

/* Where the first step is a command all shells come up before it, and then is when all is kept. */
static bool start_shells(struct test_going *t) {
  if (t->restored || !t->s->steps || t->s->step[0].kind != STEP_RUN) return true;
  for (size_t i = 0; i < t->s->vms; i++) {
    t->on = &t->vm[i];
    if (has_commands(t, i) && !test_start_shell(t)) return false;
  }
  if (t->kept_at) test_kept_save(t, t->kept_at);
  return true;
}

static bool steps(struct test_going *t) {
  if (!start_shells(t)) return false;
  for (t->at = 0; t->at < t->s->steps; t->at++)
    if (!test_step(t)) return false;
  if (!go_to_end(t)) return false;
  for (t->on = t->vm; t->on < t->vm + t->s->vms; t->on++)
    if (!judge(t)) return false;
  t->on = t->vm;
  return true;
}

/* What each VM begins with. */
static bool prepare(struct test_going *t) {
  struct request_run *run = &t->test->run;
  const char *store = boot_code_store(NULL);
  if (!(t->vm = calloc(t->s->vms, sizeof *t->vm))) return false;
  for (size_t i = 0; i < t->s->vms; i++) {
    struct test_vm *v = &t->vm[i];
    struct request *r = run->vm[i];
    v->said = &t->s->vm[i];
    v->request = r;
    r->console = "none";
    r->config.coverage |= v->said->covered.n || t->test->record;
    r->config.code_store = store;
    if (test_files_make(v->said, r) || !test_console_init(&v->console, v->said)) return false;
  }
  return true;
}

/* Build the machine, and switch it on. */
static bool start(struct test_going *t) {
  struct request_run *run = &t->test->run;
  t->ours = true;
  run->machine.pace = MB_PACE_MAX;
  run->machine.jobs = 1;
  run->machine.together = true;
  if (!prepare(t) || mb_machine_new(&t->m, &run->machine)) return false; /* a line on stderr says why */
  t->kept_at = test_kept_path(t);
  t->restored = t->kept_at && test_kept_restore(t, t->kept_at);
  for (size_t i = 0; i < t->s->vms; i++) {
    struct test_vm *v = &t->vm[i];
    if (!t->restored && (!t->m || boot_vm(t->m, v->request))) return false;
    v->vm = mb_vm_at(t->m, i);
    v->shell = t->restored && has_commands(t, i);
    const struct mb_console host = test_console_host(&v->console);
    mb_console_attach(v->vm, &host);
  }
  if (mb_machine_start(t->m)) return test_refused(t);
  t->ours = false;
  return true;
}

/* --- telling --- */

static void put(json_t *o, const char *key, json_t *value) {
  json_object_set_new(o, key, value ? value : json_null());
}

/* Text of a guest: any bytes. */
static json_t *text(const char *bytes, size_t n) {
  char *copy = strndup(bytes, n);
  for (char *s = copy; s && *s; s++)
    if ((unsigned char)*s < ' ' || (unsigned char)*s > '~') *s = '?';
  json_t *v = copy ? json_string(copy) : NULL;
  free(copy);
  return v;
}

static json_t *last_lines(const struct test_text *t) {
  json_t *lines = json_array();
  size_t begin = t->n, n = 0;
  while (begin && n < CONSOLE_LINES) {
    begin--;
    n += begin && t->bytes[begin - 1] == '\n';
  }
  for (const char *s = t->bytes + begin; *s;) {
    size_t k = strcspn(s, "\n");
    json_array_append_new(lines, text(s, k));
    s += k + (s[k] != 0);
  }
  return lines;
}

/* What checks have to say, if they were asked for. */
static json_t *checks(struct mb_vm *vm) {
  json_t *lines = json_array();
  char *said = mb_check_text(vm), *rest = said, *line;
  while (rest && (line = strsep(&rest, "\n")))
    if (*line) json_array_append_new(lines, text(line, strlen(line)));
  free(said);
  return lines;
}

static json_t *backtrace(struct mb_vm *vm) {
  uint64_t call[CALLS];
  char name[512], line[560];
  json_t *calls = json_array();
  size_t n = mb_backtrace(vm, call, CALLS);
  for (size_t i = 0; i < n; i++) {
    mb_where(vm, call[i], name, sizeof name);
    snprintf(line, sizeof line, "%016" PRIx64 "  %s", call[i], name);
    json_array_append_new(calls, json_string(line));
  }
  return calls;
}

static json_t *hex(uint64_t v) {
  return json_sprintf("%016" PRIx64, v);
}

static void tell_step(const struct test_going *t, json_t *o) {
  const struct scenario *s = t->s;
  bool within = t->at < s->steps;
  const struct step *step = within ? &s->step[t->at] : NULL;
  put(o, "step", json_integer(within && !t->ours ? (json_int_t)t->at + 1 : 0));
  put(o, "line", json_integer(step ? step->line : 0));
  if (!step) {
    put(o, "doing", json_string(t->on && t->on->said->end ? "end" : "what must hold at the end"));
    return;
  }
  const struct step_value *v = &step->value[step->kind];
  const char *name = s->vm[step->vm].name;
  json_t *what = v->text ? text(v->text, v->n) : json_sprintf("%" PRIu64, v->number);
  put(o, "doing",
      json_sprintf("%s %s%s%s", scenario_step_name(step->kind), what ? json_string_value(what) : "", name ? " on " : "",
                   name ? name : ""));
  json_decref(what);
}

static void tell_end(const struct test_going *t, const struct test_vm *v, json_t *o) {
  if (!*t->why) return;
  put(o, "stop", text(mb_stop_text(v->vm), strlen(mb_stop_text(v->vm))));
  put(o, "console", last_lines(&v->console.all));
  put(o, "backtrace", backtrace(v->vm));
  put(o, "checks", checks(v->vm));
}

static void tell_numbers(json_t *o, const struct mb_stats *s, uint64_t state) {
  put(o, "instructions", json_integer((json_int_t)s->instructions));
  put(o, "virtual_ns", json_integer((json_int_t)s->virtual_ns));
  put(o, "console_digest", hex(s->console_digest));
  put(o, "state_hash", hex(state));
}

/* What several have come to, as one: all their instructions, the latest time, digests of digests. */
static void tell_guests(struct test_going *t, json_t *o) {
  struct mb_stats all = {0}, s;
  uint64_t consoles[MB_VMS_MAX], states[MB_VMS_MAX];
  size_t n = t->s->vms;
  json_t *vms = json_array();
  for (size_t i = 0; i < n; i++) {
    mb_get_stats(t->vm[i].vm, &s);
    consoles[i] = s.console_digest;
    states[i] = mb_state_hash(t->vm[i].vm);
    all.instructions += s.instructions;
    if (s.virtual_ns > all.virtual_ns) all.virtual_ns = s.virtual_ns;
    json_t *vm = json_object();
    put(vm, "name", json_string(t->vm[i].said->name));
    tell_numbers(vm, &s, states[i]);
    tell_end(t, &t->vm[i], vm);
    json_array_append_new(vms, vm);
  }
  all.console_digest = XXH3_64bits(consoles, n * sizeof *consoles);
  tell_numbers(o, &all, XXH3_64bits(states, n * sizeof *states));
  put(o, "vms", vms);
}

static void tell_guest(struct test_going *t, json_t *o) {
  struct mb_stats s;
  put(o, "from", json_string(t->restored ? "checkpoint" : "power-on"));
  if (t->s->vms > 1) {
    tell_guests(t, o);
    return;
  }
  mb_get_stats(t->vm->vm, &s);
  tell_numbers(o, &s, mb_state_hash(t->vm->vm));
  tell_end(t, t->vm, o);
}

/* What mirrorball diff compares: of a scenario with one VM. */
static bool record(struct test_going *t, const char *folder) {
  char *path[3] = {NULL};
  static const char *const name[] = {"stats.json", "coverage.json", "console"};
  const struct test_text *shown = &t->vm->console.all;
  bool good = !mkdir(folder, 0777) || errno == EEXIST;
  for (int i = 0; i < 3; i++) good = asprintf(&path[i], "%s/%s", folder, name[i]) >= 0 && good;
  good = good && !mb_stats_write(t->m, path[0]) && !mb_coverage_write(t->vm->vm, path[1]);
  FILE *f = good ? fopen(path[2], "we") : NULL;
  good = f && fwrite(shown->bytes, 1, shown->n, f) == shown->n;
  if (f && fclose(f)) good = false;
  for (int i = 0; i < 3; i++) free(path[i]);
  t->ours |= !good;
  return good || test_bad(t, "%s: the recording cannot be written", folder);
}

json_t *test_run(struct test *test) {
  struct test_going t = {.test = test, .s = test->scenario};
  struct timespec a, b;
  clock_gettime(CLOCK_MONOTONIC, &a);
  bool started = start(&t), good = started && steps(&t);
  if (good && test->record) good = record(&t, test->record);
  json_t *o = json_object();
  put(o, "scenario", json_string(t.s->path));
  put(o, "guest", json_string(test->guest));
  put(o, "verdict", json_string(good ? "good" : t.ours ? "none" : "bad"));
  put(o, "why", text(t.why, strlen(t.why)));
  if (!good) tell_step(&t, o);
  if (started) tell_guest(&t, o);
  clock_gettime(CLOCK_MONOTONIC, &b);
  put(o, "host_seconds", json_real((double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9));
  mb_machine_free(t.m);
  for (size_t i = 0; t.vm && i < t.s->vms; i++) test_console_fini(&t.vm[i].console);
  free(t.vm);
  free(t.kept_at);
  return o;
}
