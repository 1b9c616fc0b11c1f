/* cli/experiment.c: experiments read from their files. */
/* SPDX-License-Identifier: Apache-2.0 */
/* What an option takes and what is wrong with it is said by the table of options of mirrorball run: each value is set
 * once in a request that nobody runs. */
#define _GNU_SOURCE
#include "cli/experiment.h"
#include "cli/config_file.h"
#include "cli/request.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

const char *const experiment_axis[AXES] = {[AXIS_WORKLOAD] = "workload",
                                           [AXIS_VMS] = "vms",
                                           [AXIS_MACHINE] = "machine",
                                           [AXIS_POLICY] = "policy",
                                           [AXIS_FIDELITY] = "fidelity"};

/* The file's keys; and the option (or key) that a level written as a mere text or number sets. */
static const struct {
  const char *key, *option;
} axis_keys[AXES] = {[AXIS_WORKLOAD] = {"workloads", "guest"},
                     [AXIS_VMS] = {"vms", "count"},
                     [AXIS_MACHINE] = {"machines", "numa-machine"},
                     [AXIS_POLICY] = {"policies", "policy"},
                     [AXIS_FIDELITY] = {"fidelities", "numa"}};

/* The rest of the file's keys, and the keys of a level that are no options. */
static const char *const other_keys[] = {"name", "title", "about", "all"};
enum { OTHERS = sizeof other_keys / sizeof *other_keys };
static const char *const level_keys[] = {"name", "guest", "count", "page-log"};
enum { LEVEL_KEYS = sizeof level_keys / sizeof *level_keys };

/* Options that are not for a cell to say: where results go, what the command decides itself, or what would make runs
 * of one cell differ. */
static const char *const reserved[] = {"stats",    "status",  "machine",       "print-machine", "help", "jobs",
                                       "console",  "profile", "profile-exact", "trace",         "pace", "parallel",
                                       "coverage", "gdb",     "checkpoint",    "from",          NULL};

const char *experiment_unit(enum experiment_axis axis, const char *name) {
  if (axis != AXIS_VMS || strspn(name, "0123456789") != strlen(name)) return "";
  return !strcmp(name, "1") ? " VM" : " VMs";
}

/* --- names --- */

static bool is_reserved(const char *name) {
  for (const char *const *s = reserved; *s; s++)
    if (!strcmp(*s, name)) return true;
  return false;
}

static const char *key_name(const void *ctx, size_t i) {
  (void)ctx;
  return i < AXES ? axis_keys[i].key : i < AXES + OTHERS ? other_keys[i - AXES] : NULL;
}

/* The level's own keys, then options; those that are reserved have a name that nobody writes. */
static const char *level_key_name(const void *ctx, size_t i) {
  (void)ctx;
  if (i < LEVEL_KEYS) return level_keys[i];
  const char *name = request_rows[i - LEVEL_KEYS].name;
  return name && is_reserved(name) ? "" : name;
}

static int find(const char *name, const char *(*names)(const void *, size_t)) {
  const char *s;
  for (int i = 0; (s = names(NULL, (size_t)i)); i++)
    if (!strcmp(s, name)) return i;
  return -1;
}

static int unknown(const struct request *at, const char *name, const char *(*names)(const void *, size_t)) {
  const char *near = options_nearest(name, names, NULL);
  return near && *near ? request_fail(at, "there is no key \"%s\"; did you mean \"%s\"?", name, near)
                       : request_fail(at, "there is no key \"%s\" (docs/numa-experiments.md)", name);
}

/* --- values --- */

/* While a file is read: the experiment, and where we are, for complaints. */
struct reading {
  struct experiment *e;
  struct request at;
};

static const char *keep_number(struct reading *r, long long n) {
  char **more = realloc(r->e->number, (r->e->numbers + 1) * sizeof *more), *text = NULL;
  if (more) r->e->number = more;
  if (!more || asprintf(&text, "%lld", n) < 0) return NULL;
  return r->e->number[r->e->numbers++] = text;
}

/* As text; NULL: complained. */
static const char *text_of(struct reading *r, const char *key, const config_setting_t *s) {
  int type = config_setting_type(s);
  const char *text = NULL;
  r->at.line = (int)config_setting_source_line(s);
  if (type == CONFIG_TYPE_STRING) return config_setting_get_string(s);
  if (type != CONFIG_TYPE_INT && type != CONFIG_TYPE_INT64)
    request_fail(&r->at, "%s: neither \"text\" nor a whole number", key);
  else if (!(text = keep_number(r, config_setting_get_int64(s))))
    request_fail(&r->at, "out of memory");
  return text;
}

static int add_set(struct reading *r, struct experiment_level *l, int row, const char *value) {
  struct experiment_set *more = realloc(l->set, (l->sets + 1) * sizeof *more);
  if (!more) return request_fail(&r->at, "out of memory");
  l->set = more;
  l->set[l->sets++] = (struct experiment_set){row, value, r->at.line};
  return 0;
}

/* Would the run take it? */
static int try_value(const struct reading *r, int row, const char *value) {
  struct request_run run = {0};
  struct request q;
  request_begin(&q, &run);
  q.file = r->at.file;
  q.line = r->at.line;
  int bad = value && !strcmp(value, "help")
                ? request_fail(&q, "--%s help: is for the command line", request_rows[row].name)
                : request_set(&q, row, value);
  request_fini(&q);
  return bad;
}

static int add_option(struct reading *r, struct experiment_level *l, int row, const config_setting_t *s) {
  const struct option_row *o = &request_rows[row];
  bool boolean = config_setting_type(s) == CONFIG_TYPE_BOOL;
  r->at.line = (int)config_setting_source_line(s);
  if (!o->arg && !boolean) return request_fail(&r->at, "%s: neither true nor false", o->name);
  if (boolean && o->arg && o->arg[0] != '[')
    return request_fail(&r->at, "%s: neither \"text\" nor a whole number", o->name);
  if (boolean && !config_setting_get_bool(s)) return 0;
  const char *text = boolean ? NULL : text_of(r, o->name, s);
  if (!boolean && !text) return EXIT_INPUT;
  int bad = try_value(r, row, text);
  return bad ? bad : add_set(r, l, row, text);
}

static int add_options(struct reading *r, struct experiment_level *l, int row, const config_setting_t *s) {
  int bad = 0;
  if (!config_setting_is_array(s) && !config_setting_is_list(s)) return add_option(r, l, row, s);
  if (!request_repeats(row)) return request_fail(&r->at, "%s: takes one value, not a list", request_rows[row].name);
  for (int i = 0; !bad && i < config_setting_length(s); i++)
    bad = add_option(r, l, row, config_setting_get_elem(s, (unsigned)i));
  return bad;
}

/* --- levels --- */

static int set_count(struct reading *r, struct experiment_level *l, enum experiment_axis axis, const char *text) {
  uint64_t n;
  if (axis != AXIS_VMS) return request_fail(&r->at, "count: is for vms");
  if (!options_number(text, false, MB_VMS_MAX, &n) || !n)
    return request_fail(&r->at, "count %s: not a number from 1 to %d", text, MB_VMS_MAX);
  l->vms = (unsigned)n;
  return 0;
}

/* To the option it is a file, which is the results' here. */
static int set_page_log(struct reading *r, struct experiment_level *l, const config_setting_t *s) {
  if (config_setting_type(s) != CONFIG_TYPE_BOOL) return request_fail(&r->at, "page-log: neither true nor false");
  l->page_log = config_setting_get_bool(s);
  return 0;
}

static int set_own(struct reading *r, struct experiment_level *l, enum experiment_axis axis, const char *key,
                   const char *text) {
  if (!strcmp(key, "count")) return set_count(r, l, axis, text);
  if (!strcmp(key, "name")) return l->name = text, 0;
  int bad = request_known_guest(&r->at, text);
  return bad ? bad : add_set(r, l, EXPERIMENT_GUEST, text);
}

/* One key of a level. */
static int read_key(struct reading *r, struct experiment_level *l, enum experiment_axis axis, const char *name,
                    const config_setting_t *s) {
  int k = find(name, level_key_name);
  r->at.line = (int)config_setting_source_line(s);
  if (is_reserved(name)) return request_fail(&r->at, "%s: is not for an experiment to say", name);
  if (k < 0) return unknown(&r->at, name, level_key_name);
  if (k >= LEVEL_KEYS) return add_options(r, l, k - LEVEL_KEYS, s);
  if (!strcmp(name, "page-log")) return set_page_log(r, l, s);
  const char *text = text_of(r, name, s);
  return text ? set_own(r, l, axis, name, text) : EXIT_INPUT;
}

static int read_group(struct reading *r, struct experiment_level *l, enum experiment_axis axis,
                      const config_setting_t *s) {
  int bad = 0;
  for (int i = 0; !bad && i < config_setting_length(s); i++) {
    const config_setting_t *key = config_setting_get_elem(s, (unsigned)i);
    bad = read_key(r, l, axis, config_setting_name(key), key);
  }
  return bad;
}

/* "flash" is { name = "flash"; numa-machine = "flash"; }, and 8 VMs are { name = "8"; count = 8; }. */
static int read_level(struct reading *r, struct experiment_level *l, enum experiment_axis axis,
                      const config_setting_t *s) {
  const char *key = axis_keys[axis].key;
  l->line = r->at.line = (int)config_setting_source_line(s);
  l->vms = axis == AXIS_VMS;
  int bad;
  if (config_setting_is_group(s)) {
    bad = read_group(r, l, axis, s);
  } else {
    l->name = text_of(r, key, s);
    bad = l->name ? read_key(r, l, axis, axis_keys[axis].option, s) : EXIT_INPUT;
  }
  r->at.line = l->line;
  if (!bad && (!l->name || !*l->name)) bad = request_fail(&r->at, "%s: each wants a name", key);
  return bad;
}

static int check_names(struct reading *r, enum experiment_axis axis) {
  const struct experiment_level *l = r->e->level[axis];
  for (size_t i = 0; i < r->e->levels[axis]; i++)
    for (size_t k = 0; k < i; k++)
      if (!strcmp(l[i].name, l[k].name)) {
        r->at.line = l[i].line;
        return request_fail(&r->at, "%s: two are called \"%s\" (the other in line %d)", axis_keys[axis].key, l[i].name,
                            l[k].line);
      }
  return 0;
}

static int read_axis(struct reading *r, enum experiment_axis axis, const config_setting_t *s) {
  struct experiment *e = r->e;
  int n = config_setting_length(s), bad = 0;
  const char *key = axis_keys[axis].key;
  if (!config_setting_is_list(s) && !config_setting_is_array(s))
    return request_fail(&r->at, "%s: is written as ( { ... }, { ... } ) or ( \"a\", \"b\" )", key);
  if (!n) return request_fail(&r->at, "%s: at least one, or none of this key", key);
  e->level[axis] = calloc((size_t)n, sizeof *e->level[axis]);
  if (!e->level[axis]) return request_fail(&r->at, "out of memory");
  e->levels[axis] = (size_t)n;
  for (int i = 0; !bad && i < n; i++)
    bad = read_level(r, &e->level[axis][i], axis, config_setting_get_elem(s, (unsigned)i));
  return bad ? bad : check_names(r, axis);
}

/* --- the file --- */

static int read_other(struct reading *r, const char *key, const config_setting_t *s) {
  struct experiment *e = r->e;
  if (!strcmp(key, "all"))
    return config_setting_is_group(s) ? read_group(r, &e->all, AXES, s)
                                      : request_fail(&r->at, "all: is written as { option = value; ... }");
  const char *text = text_of(r, key, s);
  if (!text) return EXIT_INPUT;
  *(!strcmp(key, "name") ? &e->name : !strcmp(key, "title") ? &e->title : &e->about) = text;
  return 0;
}

static int read_settings(struct reading *r) {
  const config_setting_t *root = config_root_setting(&r->e->config);
  int bad = 0;
  for (int i = 0; !bad && i < config_setting_length(root); i++) {
    const config_setting_t *s = config_setting_get_elem(root, (unsigned)i);
    const char *name = config_setting_name(s);
    int k = find(name, key_name);
    r->at.line = (int)config_setting_source_line(s);
    bad = k < 0      ? unknown(&r->at, name, key_name)
          : k < AXES ? read_axis(r, (enum experiment_axis)k, s)
                     : read_other(r, name, s);
  }
  return bad;
}

/* Every axis has a level, and there is something to run. */
static int complete(struct experiment *e) {
  if (!e->name) return options_fail("%s: name = \"...\"; is missing: what the results are kept under", e->file);
  if (!e->levels[AXIS_WORKLOAD]) return options_fail("%s: workloads = ( ... ); is missing: what is to run?", e->file);
  if (e->all.name) return options_fail("%s: all: has no name", e->file);
  e->cells = 1;
  for (int a = 0; a < AXES; a++) {
    if (!e->levels[a]) {
      if (!(e->level[a] = calloc(1, sizeof *e->level[a]))) return options_fail("%s: out of memory", e->file);
      e->level[a]->name = "";
      e->levels[a] = 1;
    }
    e->cells *= e->levels[a];
  }
  return 0;
}

int experiment_read(struct experiment *e, const char *path) {
  struct reading r = {.e = e, .at.file = path};
  *e = (struct experiment){.file = path};
  int bad = config_file_read(&e->config, path, "experiment");
  if (bad) return bad;
  e->read = true;
  bad = read_settings(&r);
  return bad ? bad : complete(e);
}

void experiment_free(struct experiment *e) {
  for (int a = 0; a < AXES; a++) {
    for (size_t i = 0; e->level[a] && i < e->levels[a]; i++) free(e->level[a][i].set);
    free(e->level[a]);
  }
  free(e->all.set);
  for (size_t i = 0; i < e->numbers; i++) free(e->number[i]);
  free(e->number);
  if (e->read) config_destroy(&e->config);
  *e = (struct experiment){0};
}
