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

enum { CONSOLE_LINES = 15, CALLS = 24 };
#define AFTERMATH_NS UINT64_C(200000000) /* virtual: for what a kernel has to say after its first complaint */

bool test_bad(struct test_going *t, const char *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  if (!*t->why) vsnprintf(t->why, sizeof t->why, fmt, args);
  va_end(args);
  return false;
}

bool test_refused(struct test_going *t) {
  return test_bad(t, "%s", mb_error_text(t->m));
}

/* --- running --- */

/* The kernel has complained: hear it out. */
static bool complained(struct test_going *t) {
  struct mb_stats s;
  t->console.await = AWAIT_NOTHING;
  mb_get_stats(t->vm, &s);
  mb_vm_limit_ns(t->vm, s.virtual_ns + AFTERMATH_NS);
  mb_vm_limit(t->vm, UINT64_MAX);
  if (mb_vm_stop(t->vm) == MB_STOP_CONSOLE) mb_machine_run(t->m);
  return test_bad(t, "the console shows \"%.300s\", which matches \"%s\"", t->console.complaint, t->console.pattern);
}

/* It has come to its end. */
static bool is_end(enum mb_stop why) {
  return why >= MB_STOP_POWER_OFF;
}

bool test_go(struct test_going *t, uint64_t ns, uint64_t insns, bool *found) {
  struct mb_stats s;
  mb_get_stats(t->vm, &s);
  mb_vm_limit_ns(t->vm, s.virtual_ns + ns);
  mb_vm_limit(t->vm, insns ? s.instructions + insns : UINT64_MAX);
  enum mb_stop why = mb_machine_run(t->m);
  *found = why == MB_STOP_CONSOLE && t->console.found;
  if (t->console.complaint) return complained(t);
  t->console.await = AWAIT_NOTHING;
  if (t->console.lost) return test_bad(t, "the guest shows more than can be kept");
  if (why == MB_STOP_ERROR) t->ours = true;
  if (is_end(why)) return test_bad(t, "the guest came to its end: %s", mb_stop_text(t->vm));
  return why != MB_STOP_INTERRUPTED || test_bad(t, "interrupted");
}

/* The end that the scenario names. */
static bool go_to_end(struct test_going *t) {
  struct mb_stats s;
  mb_get_stats(t->vm, &s);
  mb_vm_limit_ns(t->vm, s.virtual_ns + t->s->limit);
  mb_vm_limit(t->vm, UINT64_MAX);
  enum mb_stop why = mb_machine_run(t->m);
  if (t->console.complaint) return complained(t);
  if (!strcmp(mb_stop_name(why), t->s->end)) return true;
  return test_bad(t, is_end(why) ? "the guest ended otherwise than by %s: %s" : "the guest did not end by %s: %s",
                  t->s->end, mb_stop_text(t->vm));
}

/* --- judging --- */

static bool is_covered(struct test_going *t) {
  struct mb_function_coverage c;
  for (size_t i = 0; i < t->s->covered.n; i++) {
    const char *name = t->s->covered.text[i];
    if (mb_coverage_function(t->vm, name, &c)) return test_refused(t);
    if (!c.instructions) return test_bad(t, "%s was never executed (line %d)", name, t->s->covered.line[i]);
  }
  return true;
}

static bool judge(struct test_going *t) {
  struct mb_stats s;
  mb_get_stats(t->vm, &s);
  for (size_t i = 0; i < t->s->console.n; i++)
    if (!strstr(t->console.all.bytes, t->s->console.text[i]))
      return test_bad(t, "the console never showed \"%s\" (line %d)", t->s->console.text[i], t->s->console.line[i]);
  if (s.instructions < t->s->least)
    return test_bad(t, "%" PRIu64 " instructions, less than %" PRIu64, s.instructions, t->s->least);
  if (s.instructions > t->s->most)
    return test_bad(t, "%" PRIu64 " instructions, more than %" PRIu64, s.instructions, t->s->most);
  return is_covered(t);
}

static bool steps(struct test_going *t) {
  for (t->at = 0; t->at < t->s->steps; t->at++)
    if (!test_step(t)) return false;
  return (!t->s->end || go_to_end(t)) && judge(t);
}

/* Build the machine, and switch it on. */
static bool start(struct test_going *t) {
  struct request_run *run = &t->test->run;
  struct request *r = &run->options;
  t->ours = true;
  run->machine.pace = MB_PACE_MAX;
  run->machine.jobs = 1;
  r->console = "none";
  r->config.coverage |= t->s->covered.n || t->test->record;
  r->config.code_store = boot_code_store(NULL);
  if (test_files_make(t->s, r) || !test_console_init(&t->console, t->s) || mb_machine_new(&t->m, &run->machine))
    return false; /* a line on stderr says why */
  t->kept_at = test_kept_path(t);
  t->restored = t->shell = t->kept_at && test_kept_restore(t, t->kept_at);
  if (!t->restored && (!t->m || boot_vm(t->m, r))) return false;
  t->vm = mb_vm_at(t->m, 0);
  const struct mb_console host = test_console_host(&t->console);
  mb_console_attach(t->vm, &host);
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

static json_t *backtrace(struct mb_vm *vm) {
  uint64_t call[CALLS];
  char name[256], line[300];
  json_t *calls = json_array();
  size_t n = mb_backtrace(vm, call, CALLS);
  for (size_t i = 0; i < n; i++) {
    mb_symbol(vm, call[i], name, sizeof name);
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
    put(o, "doing", json_string(s->end ? "end" : "what must hold at the end"));
    return;
  }
  const struct step_value *v = &step->value[step->kind];
  json_t *what = v->text ? text(v->text, v->n) : json_sprintf("%" PRIu64, v->number);
  put(o, "doing", json_sprintf("%s %s", scenario_step_name(step->kind), what ? json_string_value(what) : ""));
  json_decref(what);
}

static void tell_guest(struct test_going *t, json_t *o) {
  struct mb_stats s;
  mb_get_stats(t->vm, &s);
  put(o, "instructions", json_integer((json_int_t)s.instructions));
  put(o, "virtual_ns", json_integer((json_int_t)s.virtual_ns));
  put(o, "from", json_string(t->restored ? "checkpoint" : "power-on"));
  put(o, "console_digest", hex(s.console_digest));
  put(o, "state_hash", hex(mb_state_hash(t->vm)));
  if (!*t->why) return;
  put(o, "stop", text(mb_stop_text(t->vm), strlen(mb_stop_text(t->vm))));
  put(o, "console", last_lines(&t->console.all));
  put(o, "backtrace", backtrace(t->vm));
}

/* What mirrorball diff compares. */
static bool record(struct test_going *t, const char *folder) {
  char *path[3] = {NULL};
  static const char *const name[] = {"stats.json", "coverage.json", "console"};
  bool good = !mkdir(folder, 0777) || errno == EEXIST;
  for (int i = 0; i < 3; i++) good = asprintf(&path[i], "%s/%s", folder, name[i]) >= 0 && good;
  good = good && !mb_stats_write(t->m, path[0]) && !mb_coverage_write(t->vm, path[1]);
  FILE *f = good ? fopen(path[2], "we") : NULL;
  good = f && fwrite(t->console.all.bytes, 1, t->console.all.n, f) == t->console.all.n;
  if (f && fclose(f)) good = false;
  for (int i = 0; i < 3; i++) free(path[i]);
  t->ours |= !good;
  return good || test_bad(t, "%s: the recording cannot be written", folder);
}

json_t *test_run(struct test *test) {
  struct test_going t = {.test = test, .s = test->scenario};
  struct timespec a, b;
  clock_gettime(CLOCK_MONOTONIC, &a);
  bool good = start(&t) && steps(&t);
  if (good && test->record) good = record(&t, test->record);
  json_t *o = json_object();
  put(o, "scenario", json_string(t.s->path));
  put(o, "guest", json_string(test->guest));
  put(o, "verdict", json_string(good ? "good" : t.ours ? "none" : "bad"));
  put(o, "why", text(t.why, strlen(t.why)));
  if (!good) tell_step(&t, o);
  if (t.vm) tell_guest(&t, o);
  clock_gettime(CLOCK_MONOTONIC, &b);
  put(o, "host_seconds", json_real((double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9));
  mb_machine_free(t.m);
  test_console_fini(&t.console);
  free(t.kept_at);
  return o;
}
