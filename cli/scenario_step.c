/* cli/scenario_step.c: the steps of a scenario, read from its file. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/config_file.h"
#include "cli/scenario.h"
#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define TIME_MAX UINT64_C(1000000000000000) /* ns: eleven days */

enum type { TEXT, REGEX, NUMBER, TIME, LIMIT, WORDS, ARGS };

#define FOR(kind) (1u << (kind))
/* clang-format off */
static const struct key {
  const char *name;
  enum type type;
  unsigned beside; /* of which kinds of step; 0: it is one */
  const char *const *words;
} keys[STEP_KEYS] = {
    [STEP_EXPECT] = {"expect", TEXT},
    [STEP_MATCH] = {"match", REGEX},
    [STEP_SEND] = {"send", TEXT},
    [STEP_WAIT] = {"wait", TIME},
    [STEP_RUN] = {"run", TEXT},
    [STEP_CALL] = {"call", TEXT},
    [STEP_READ] = {"read", TEXT},
    [STEP_INTERRUPT] = {"interrupt", NUMBER},
    [STEP_DISK_ERROR] = {"disk-error", NUMBER},
    [STEP_MEMORY_ERROR] = {"memory-error", WORDS, 0, (const char *const[]){"bus", "cache", NULL}},
    [STEP_NET] = {"net", WORDS, 0, (const char *const[]){"mend", "cut", NULL}},
    [KEY_LIMIT] = {"limit", LIMIT, FOR(STEP_EXPECT) | FOR(STEP_MATCH) | FOR(STEP_RUN) | FOR(STEP_CALL)},
    [KEY_CODE] = {"code", NUMBER, FOR(STEP_RUN)},
    [KEY_OUTPUT] = {"output", TEXT, FOR(STEP_RUN)},
    [KEY_MATCHES] = {"matches", REGEX, FOR(STEP_RUN)},
    [KEY_ARGS] = {"args", ARGS, FOR(STEP_CALL)},
    [KEY_RETURNS] = {"returns", NUMBER, FOR(STEP_CALL)},
    [KEY_BYTES] = {"bytes", NUMBER, FOR(STEP_READ)},
    [KEY_OFFSET] = {"offset", NUMBER, FOR(STEP_READ)},
    [KEY_EQUALS] = {"equals", NUMBER, FOR(STEP_READ)},
    [KEY_KEEP] = {"keep", TEXT, FOR(STEP_READ) | FOR(STEP_CALL)},
    [KEY_SAME] = {"same", TEXT, FOR(STEP_READ) | FOR(STEP_CALL)},
    [KEY_MIN] = {"min", NUMBER, FOR(STEP_READ)},
    [KEY_MAX] = {"max", NUMBER, FOR(STEP_READ)},
    [KEY_VCPU] = {"vcpu", NUMBER, FOR(STEP_INTERRUPT)},
    [KEY_FOR] = {"for", TIME, FOR(STEP_INTERRUPT)},
    [KEY_FROM] = {"from", NUMBER, FOR(STEP_DISK_ERROR)},
    [KEY_SIZE] = {"size", NUMBER, FOR(STEP_DISK_ERROR)},
    [KEY_TIMES] = {"times", NUMBER, FOR(STEP_DISK_ERROR)},
    [KEY_ON] = {"on", WORDS, FOR(STEP_DISK_ERROR), (const char *const[]){"both", "read", "write", NULL}},
    [KEY_CARD] = {"card", NUMBER, FOR(STEP_NET)},
    [KEY_VM] = {"vm", TEXT, ~0u},
};
/* clang-format on */

const char *scenario_step_name(enum step_key kind) {
  return keys[kind].name;
}

int scenario_fail(const struct scenario *s, const struct config_setting_t *at, const char *fmt, ...) {
  char text[900];
  va_list args;
  va_start(args, fmt);
  vsnprintf(text, sizeof text, fmt, args);
  va_end(args);
  return options_fail("%s:%d: %s", s->path, (int)config_setting_source_line(at), text);
}

/* --- values --- */

bool scenario_time(const char *text, uint64_t *ns) {
  static const struct {
    const char *name;
    uint64_t ns;
  } units[] = {{"ns", 1}, {"us", 1000}, {"ms", 1000000}, {"s", 1000000000}};
  char *end;
  if (!isdigit((unsigned char)*text)) return false;
  unsigned long long v = strtoull(text, &end, 10);
  while (*end == ' ') end++;
  for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
    if (strcmp(end, units[i].name)) continue;
    *ns = v <= TIME_MAX / units[i].ns ? v * units[i].ns : 0;
    return v <= TIME_MAX / units[i].ns;
  }
  return false;
}

bool scenario_number(const struct config_setting_t *from, uint64_t *out) {
  int type = config_setting_type(from);
  if (type == CONFIG_TYPE_INT || type == CONFIG_TYPE_INT64)
    return *out = (uint64_t)config_setting_get_int64(from), true;
  return type == CONFIG_TYPE_STRING && options_number(config_setting_get_string(from), true, UINT64_MAX, out);
}

int scenario_regex(const struct scenario *s, const struct config_setting_t *at, const char *text, regex_t *out) {
  char why[200];
  int bad = regcomp(out, text, REG_EXTENDED | REG_NOSUB);
  if (!bad) return 0;
  regerror(bad, out, why, sizeof why);
  return scenario_fail(s, at, "\"%s\" is no regular expression: %s", text, why);
}

static int set_word(const struct scenario *s, const struct key *k, const struct config_setting_t *from,
                    struct step_value *v) {
  for (int i = 0; k->words[i]; i++)
    if (!strcmp(k->words[i], v->text)) return v->choice = i, 0;
  char list[80] = "";
  for (int i = 0; k->words[i]; i++) {
    size_t n = strlen(list);
    snprintf(list + n, sizeof list - n, "%s%s", i ? ", " : "", k->words[i]);
  }
  return scenario_fail(s, from, "%s: \"%s\" is none of %s", k->name, v->text, list);
}

/* "5s", or "insns:N". */
static int set_limit(const struct scenario *s, const struct key *k, const struct config_setting_t *from,
                     struct step_value *v) {
  v->insns = k->type == LIMIT && !strncmp(v->text, "insns:", 6);
  if (v->insns ? options_number(v->text + 6, true, UINT64_MAX / 2, &v->number) : scenario_time(v->text, &v->number))
    return 0;
  return scenario_fail(s, from, "%s: \"%s\" is no time such as 2s, 100ms, 10us%s", k->name, v->text,
                       k->type == LIMIT ? ", nor insns:N" : "");
}

static int set_args(const struct scenario *s, struct step *step, const struct config_setting_t *from) {
  if (!config_setting_is_list(from) && !config_setting_is_array(from))
    return scenario_fail(s, from, "args: is written as (1, \"text\")");
  step->args = (size_t)config_setting_length(from);
  if (step->args > SCENARIO_ARGS) return scenario_fail(s, from, "args: more than %d", SCENARIO_ARGS);
  for (size_t i = 0; i < step->args; i++) {
    const config_setting_t *e = config_setting_get_elem(from, (unsigned)i);
    if (config_setting_type(e) == CONFIG_TYPE_STRING)
      step->arg[i].text = config_setting_get_string(e);
    else if (!scenario_number(e, &step->arg[i].number))
      return scenario_fail(s, e, "args: neither a whole number nor a text");
  }
  return 0;
}

static int set_value(const struct scenario *s, struct step *step, enum step_key key,
                     const struct config_setting_t *from) {
  const struct key *k = &keys[key];
  struct step_value *v = &step->value[key];
  v->given = true;
  if (k->type == ARGS) return set_args(s, step, from);
  if (k->type == NUMBER)
    return scenario_number(from, &v->number) ? 0 : scenario_fail(s, from, "%s: is no whole number", k->name);
  if (config_setting_type(from) != CONFIG_TYPE_STRING) return scenario_fail(s, from, "%s: is no \"text\"", k->name);
  v->text = config_setting_get_string(from);
  v->n = strlen(v->text);
  if (k->type == WORDS) return set_word(s, k, from, v);
  if (k->type == TIME || k->type == LIMIT) return set_limit(s, k, from, v);
  if (!v->n && key != KEY_OUTPUT) return scenario_fail(s, from, "%s: is empty", k->name);
  if (k->type == TEXT) return 0;
  if (!(v->regex = malloc(sizeof *v->regex))) return scenario_fail(s, from, "out of memory");
  int bad = scenario_regex(s, from, v->text, v->regex);
  if (bad) free(v->regex), v->regex = NULL;
  return bad;
}

/* --- steps --- */

static const char *key_name(const void *ctx, size_t i) {
  (void)ctx;
  return i < STEP_KEYS ? keys[i].name : NULL;
}

static int find(const char *name) {
  for (int i = 0; i < STEP_KEYS; i++)
    if (!strcmp(keys[i].name, name)) return i;
  return -1;
}

static int find_kind(const struct scenario *s, struct step *step, const struct config_setting_t *from) {
  step->kind = STEP_KINDS;
  for (int i = 0; i < config_setting_length(from); i++) {
    const config_setting_t *e = config_setting_get_elem(from, (unsigned)i);
    const char *name = config_setting_name(e), *near = options_nearest(name, key_name, NULL);
    int k = find(name);
    if (k < 0)
      return near ? scenario_fail(s, e, "there is no key \"%s\" of a step; did you mean \"%s\"?", name, near)
                  : scenario_fail(s, e, "there is no key \"%s\" of a step (docs/regression-testing.md)", name);
    if (k >= STEP_KINDS) continue;
    if (step->kind != STEP_KINDS)
      return scenario_fail(s, e, "a step does one thing, either %s or %s", keys[step->kind].name, name);
    step->kind = (enum step_key)k;
  }
  if (step->kind == STEP_KINDS)
    return scenario_fail(s, from, "a step that does nothing: it wants expect, run, send or the like");
  return 0;
}

static int check(const struct scenario *s, const struct step *step, const struct config_setting_t *from) {
  const struct step_value *v = step->value;
  uint64_t bytes = v[KEY_BYTES].given ? v[KEY_BYTES].number : 4;
  if (bytes != 1 && bytes != 2 && bytes != 4 && bytes != 8) return scenario_fail(s, from, "bytes: 1, 2, 4 or 8");
  if (v[KEY_CODE].number > 255) return scenario_fail(s, from, "code: a command's is 0 to 255");
  if (v[KEY_SIZE].given && !v[KEY_SIZE].number) return scenario_fail(s, from, "size: no byte of the disk");
  if (v[KEY_FROM].number > INT64_MAX || v[KEY_SIZE].number > INT64_MAX)
    return scenario_fail(s, from, "from, size: no disk is so large");
  return 0;
}

int scenario_step_read(const struct scenario *s, struct step *step, const struct config_setting_t *from) {
  step->line = (int)config_setting_source_line(from);
  if (!config_setting_is_group(from)) return scenario_fail(s, from, "a step is written as { run = \"true\"; }");
  int bad = find_kind(s, step, from);
  for (int i = 0; !bad && i < config_setting_length(from); i++) {
    const config_setting_t *e = config_setting_get_elem(from, (unsigned)i);
    enum step_key k = (enum step_key)find(config_setting_name(e));
    if (k >= STEP_KINDS && !(keys[k].beside & FOR(step->kind)))
      return scenario_fail(s, e, "%s: does not go with %s", keys[k].name, keys[step->kind].name);
    bad = set_value(s, step, k, e);
  }
  return bad ? bad : check(s, step, from);
}

void scenario_step_free(struct step *step) {
  for (int i = 0; i < STEP_KEYS; i++) {
    if (step->value[i].regex) regfree(step->value[i].regex);
    free(step->value[i].regex);
  }
}
