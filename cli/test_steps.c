/* cli/test_steps.c: the steps of a scenario, done. */
/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "cli/test_parts.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_MAX_BYTES = 4000 }; /* a terminal's input line takes 4095 */
#define DEFAULT_IRQ_NS UINT64_C(1000000)

static bool type(struct test_going *t, const char *keys, size_t n) {
  return !mb_console_type(t->on->vm, "", 0, keys, n) || test_refused(t);
}

/* Wait for what the console awaits, within the step's limit. */
static bool await(struct test_going *t, const char *what, const char *text) {
  const struct step_value *limit = &t->s->step[t->at].value[KEY_LIMIT];
  uint64_t ns = limit->given && !limit->insns ? limit->number : t->s->limit;
  bool found;
  if (!test_go(t, ns, limit->insns ? limit->number : 0, &found)) return false;
  if (found) return true;
  return limit->insns ? test_bad(t, "%s \"%s\" within %" PRIu64 " instructions", what, text, limit->number)
                      : test_bad(t, "%s \"%s\" within %g s of virtual time", what, text, (double)ns / 1e9);
}

static bool expect(struct test_going *t, enum test_await how, const char *text, size_t n, const regex_t *regex) {
  return test_console_await(&t->on->console, how, text, n, regex) || await(t, "the console did not show", text);
}

static bool wait_for(struct test_going *t, uint64_t ns) {
  bool found;
  t->on->console.await = AWAIT_NOTHING;
  return test_go(t, ns, 0, &found);
}

/* --- commands --- */

/* A shell that reads lines without echo or editing, and marks where a command's output begins and ends by what no
 * command says. It tells of itself, which its own echo does not. */
static const char shell[] = "stty -echo; while printf '\\036%s>%s\\n' \"$mb_n\" $? && mb_n=$((mb_n+1)) && "
                            "IFS= read -r mb_l; do printf '\\036%s<\\n' $mb_n; eval \"$(printf %b \"$mb_l\")\"; done\n";

static bool await_mark(struct test_going *t, const char *what, const char *for_what) {
  char mark[32];
  int n = snprintf(mark, sizeof mark, "\036%.0u>", t->on->commands); /* the shell's first one has no number */
  (void)test_console_await(&t->on->console, AWAIT_MARK, mark, (size_t)n, NULL);
  return await(t, what, for_what);
}

bool test_start_shell(struct test_going *t) {
  const char *prompt = t->on->said->prompt;
  if (!expect(t, AWAIT_TEXT, prompt, strlen(prompt), NULL) || !type(t, shell, sizeof shell - 1)) return false;
  if (!await_mark(t, "there is no shell that takes commands behind the prompt", prompt)) return false;
  return t->on->shell = true;
}

/* As one line, for printf %b. */
static bool type_command(struct test_going *t, const char *command) {
  char line[LINE_MAX_BYTES];
  size_t n = 0;
  for (const char *s = command; *s; s++) {
    if (n + 4 > sizeof line) return test_bad(t, "a command longer than %d bytes: put it into a file", LINE_MAX_BYTES);
    if (*s == '\n' || *s == '\\') line[n++] = '\\';
    line[n++] = *s;
    if (*s == '\n') line[n - 1] = 'n';
  }
  line[n++] = '\n';
  return type(t, line, n);
}

/* What lies between the marks of the last command, and its code. NULL: not there, or no memory. */
static char *output_of(const struct test_going *t, unsigned *code) {
  char begin[32], end[32];
  snprintf(begin, sizeof begin, "\036%u<\n", t->on->commands);
  int n = snprintf(end, sizeof end, "\036%u>", t->on->commands);
  const char *from = strstr(t->on->console.clean.bytes, begin), *to = from ? strstr(from, end) : NULL;
  if (!to) return NULL;
  from += strlen(begin);
  *code = (unsigned)strtoul(to + n, NULL, 10);
  return strndup(from, (size_t)(to - from));
}

static bool any_line_matches(char *text, const regex_t *regex) {
  bool found = false;
  for (char *line = text, *end; !found && *line; line = end) {
    char kept = *(end = line + strcspn(line, "\n"));
    *end = 0;
    found = !regexec(regex, line, 0, NULL, 0);
    *end = kept;
    end += kept != 0;
  }
  return found;
}

/* The end of what a command has said, on one line. */
static const char *last_words(char *output) {
  size_t n = strlen(output);
  while (n && output[n - 1] == '\n') output[--n] = 0;
  char *last = n > 300 ? output + n - 300 : output;
  for (char *s = last; *s; s++)
    if (*s == '\n') *s = '|';
  return last;
}

static bool judge(struct test_going *t, const struct step_value *v, char *output, unsigned code) {
  if (code != v[KEY_CODE].number)
    return test_bad(t, "the command ended with code %u, not %" PRIu64 ", and said: %s", code, v[KEY_CODE].number,
                    last_words(output));
  if (v[KEY_OUTPUT].given && !strstr(output, v[KEY_OUTPUT].text))
    return test_bad(t, "\"%s\" is not in what the command said: %s", v[KEY_OUTPUT].text, last_words(output));
  if (v[KEY_MATCHES].given && !any_line_matches(output, v[KEY_MATCHES].regex))
    return test_bad(t, "no line matches \"%s\" in what the command said: %s", v[KEY_MATCHES].text, last_words(output));
  return true;
}

static bool run(struct test_going *t, const struct step *step) {
  unsigned code = 0;
  if (!t->on->shell && !test_start_shell(t)) return false;
  t->on->commands++;
  if (!type_command(t, step->value[STEP_RUN].text) ||
      !await_mark(t, "the command did not end:", step->value[STEP_RUN].text))
    return false;
  char *output = output_of(t, &code);
  bool good = output ? judge(t, step->value, output, code) : test_bad(t, "the marks of a command are not there");
  free(output);
  return good;
}

/* --- looking and calling --- */

static bool keep(struct test_going *t, const char *name, uint64_t n) {
  size_t i = 0;
  while (i < t->kepts && strcmp(t->kept[i].name, name)) i++;
  if (i == TEST_KEPT) return test_bad(t, "more than %d numbers are kept", TEST_KEPT);
  t->kept[i] = (struct test_kept){name, n};
  t->kepts += i == t->kepts;
  return true;
}

/* Keep a number, and compare it with a kept one, as the step says. */
static bool keep_and_compare(struct test_going *t, const struct step *step, uint64_t n) {
  const char *same = step->value[KEY_SAME].text, *to = step->value[KEY_KEEP].text;
  size_t i = 0;
  while (same && i < t->kepts && strcmp(t->kept[i].name, same)) i++;
  if (same && i == t->kepts) return test_bad(t, "no step before has kept \"%s\"", same);
  if (same && t->kept[i].number != n)
    return test_bad(t, "%s is %" PRIu64 ", and was %" PRIu64 " when \"%s\" was kept", step->value[step->kind].text, n,
                    t->kept[i].number, same);
  return !to || keep(t, to, n);
}

static bool call(struct test_going *t, const struct step *step) {
  const struct step_value *v = step->value;
  uint64_t ns = v[KEY_LIMIT].given ? v[KEY_LIMIT].number : t->s->limit, got;
  test_limit(t, ns, 0);
  if (mb_guest_call(t->on->vm, v[STEP_CALL].text, step->arg, step->args, &got)) return test_refused(t);
  if (!v[KEY_RETURNS].given || got == v[KEY_RETURNS].number) return keep_and_compare(t, step, got);
  /* 32-bit guests return no more than that. */
  if (!(got >> 32) && (uint32_t)got == (uint32_t)v[KEY_RETURNS].number) return keep_and_compare(t, step, got);
  return test_bad(t, "%s returned %" PRId64 " (0x%" PRIx64 "), not %" PRId64, v[STEP_CALL].text, (int64_t)got, got,
                  (int64_t)v[KEY_RETURNS].number);
}

static bool read_variable(struct test_going *t, const struct step *step) {
  const struct step_value *v = step->value;
  unsigned bytes = v[KEY_BYTES].given ? (unsigned)v[KEY_BYTES].number : 4;
  uint64_t at, n;
  if (!mb_symbol_find(t->on->vm, v[STEP_READ].text, &at))
    return test_bad(t, "the guest has no symbol %s, or no symbols are known", v[STEP_READ].text);
  if (mb_memory_number(t->on->vm, at + v[KEY_OFFSET].number, bytes, &n)) return test_refused(t);
  uint64_t mask = bytes == 8 ? UINT64_MAX : (UINT64_C(1) << 8 * bytes) - 1;
  if (v[KEY_EQUALS].given && n != (v[KEY_EQUALS].number & mask))
    return test_bad(t, "%s is %" PRIu64 " (0x%" PRIx64 "), not %" PRIu64, v[STEP_READ].text, n, n,
                    v[KEY_EQUALS].number & mask);
  if (v[KEY_MIN].given && n < v[KEY_MIN].number)
    return test_bad(t, "%s is %" PRIu64 ", less than %" PRIu64, v[STEP_READ].text, n, v[KEY_MIN].number);
  if (v[KEY_MAX].given && n > v[KEY_MAX].number)
    return test_bad(t, "%s is %" PRIu64 ", more than %" PRIu64, v[STEP_READ].text, n, v[KEY_MAX].number);
  return keep_and_compare(t, step, n);
}

/* --- trouble --- */

static bool interrupt(struct test_going *t, const struct step *step) {
  const struct step_value *v = step->value;
  unsigned vcpu = (unsigned)v[KEY_VCPU].number, line = (unsigned)v[STEP_INTERRUPT].number;
  if (mb_inject_irq(t->on->vm, vcpu, line, true)) return test_refused(t);
  if (!wait_for(t, v[KEY_FOR].given ? v[KEY_FOR].number : DEFAULT_IRQ_NS)) return false;
  return !mb_inject_irq(t->on->vm, vcpu, line, false) || test_refused(t);
}

static bool disk_error(struct test_going *t, const struct step *step) {
  const struct step_value *v = step->value;
  uint64_t from = v[KEY_FROM].number, times = v[KEY_TIMES].given ? v[KEY_TIMES].number : UINT32_MAX;
  struct mb_disk_fault f = {.at = from,
                            .n = v[KEY_SIZE].given ? v[KEY_SIZE].number : INT64_MAX,
                            .read = v[KEY_ON].choice != 2,
                            .write = v[KEY_ON].choice != 1,
                            .times = times < UINT32_MAX ? (uint32_t)times : UINT32_MAX};
  return !mb_inject_disk_fault(t->on->vm, (unsigned)v[STEP_DISK_ERROR].number, &f) || test_refused(t);
}

bool test_step(struct test_going *t) {
  const struct step *step = &t->s->step[t->at];
  const struct step_value *v = &step->value[step->kind];
  t->on = &t->vm[step->vm];
  switch (step->kind) {
  case STEP_EXPECT: return expect(t, AWAIT_TEXT, v->text, v->n, NULL);
  case STEP_MATCH: return expect(t, AWAIT_LINE, v->text, v->n, v->regex);
  case STEP_SEND: return type(t, v->text, v->n);
  case STEP_WAIT: return wait_for(t, v->number);
  case STEP_RUN: return run(t, step);
  case STEP_CALL: return call(t, step);
  case STEP_READ: return read_variable(t, step);
  case STEP_INTERRUPT: return interrupt(t, step);
  case STEP_DISK_ERROR: return disk_error(t, step);
  case STEP_MEMORY_ERROR:
    return !mb_inject_memory_error(t->on->vm, v->choice ? MB_MEMORY_ERROR_CACHE : MB_MEMORY_ERROR_BUS) ||
           test_refused(t);
  case STEP_NET:
    return !mb_inject_net_cut(t->on->vm, (unsigned)step->value[KEY_CARD].number, v->choice) || test_refused(t);
  default: return false; /* no other key is a step */
  }
}
