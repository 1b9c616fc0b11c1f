/* cli/scenario.c: scenario files: read, and freed. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/scenario.h"
#include "cli/config_file.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STEPS_MAX = 10000, FILES_MAX = 1000 };
#define LIMIT_NS UINT64_C(60000000000)

/* Room for n things, in one piece; a list that is empty has none. */
static bool room(void *list, size_t n, size_t each) {
  void *p = calloc(n + 1, each);
  memcpy(list, &p, sizeof p);
  return p;
}

static int out_of_memory(const struct scenario *s) {
  return options_fail("%s: out of memory", s->path);
}

/* --- parts --- */

static int is_list(const struct scenario *s, const config_setting_t *from) {
  if (config_setting_is_list(from) || config_setting_is_array(from)) return 0;
  return scenario_fail(s, from, "%s: is no list", config_setting_name(from));
}

static int get_text(const struct scenario *s, const config_setting_t *from, const char **out) {
  const char *name = config_setting_name(from);
  if (config_setting_type(from) != CONFIG_TYPE_STRING)
    return scenario_fail(s, from, "%s: is no \"text\"", name ? name : "the list");
  *out = config_setting_get_string(from);
  return **out ? 0 : scenario_fail(s, from, "%s: is empty", name ? name : "a text of the list");
}

static int read_texts(const struct scenario *s, const config_setting_t *from, struct scenario_texts *t) {
  int bad = is_list(s, from), n = config_setting_length(from);
  if (bad) return bad;
  if (!room(&t->text, (size_t)n, sizeof *t->text) || !room(&t->line, (size_t)n, sizeof *t->line))
    return out_of_memory(s);
  for (int i = 0; !bad && i < n; i++) {
    const config_setting_t *e = config_setting_get_elem(from, (unsigned)i);
    t->line[t->n] = (int)config_setting_source_line(e);
    bad = get_text(s, e, &t->text[t->n++]);
  }
  return bad;
}

static int read_guests(struct scenario *s, const config_setting_t *from) {
  int bad = is_list(s, from), n = config_setting_length(from);
  if (bad) return bad;
  if (!room(&s->guest, (size_t)n, sizeof *s->guest)) return out_of_memory(s);
  for (int i = 0; !bad && i < n; i++) {
    const config_setting_t *e = config_setting_get_elem(from, (unsigned)i);
    struct scenario_guest *g = &s->guest[s->guests++];
    if (config_setting_is_group(e))
      g->keys = e;
    else
      bad = get_text(s, e, &g->name);
  }
  return bad;
}

static int read_regexes(const struct scenario *s, const config_setting_t *from, struct scenario_regexes *r) {
  int bad = is_list(s, from), n = config_setting_length(from);
  if (bad) return bad;
  if (!room(&r->text, (size_t)n, sizeof *r->text) || !room(&r->regex, (size_t)n, sizeof *r->regex))
    return out_of_memory(s);
  for (int i = 0; !bad && i < n; i++) {
    const config_setting_t *e = config_setting_get_elem(from, (unsigned)i);
    bad = get_text(s, e, &r->text[i]);
    if (!bad) bad = scenario_regex(s, e, r->text[i], &r->regex[i]);
    if (!bad) r->n++;
  }
  return bad;
}

static int read_file_key(const struct scenario *s, const config_setting_t *key, struct scenario_file *f) {
  const char *name = config_setting_name(key), *mode;
  if (!strcmp(name, "to")) return get_text(s, key, &f->to);
  if (!strcmp(name, "from")) return get_text(s, key, &f->from);
  if (!strcmp(name, "text")) return get_text(s, key, &f->text);
  if (strcmp(name, "mode"))
    return scenario_fail(s, key, "there is no key \"%s\" of a file: to, from, text, mode", name);
  int bad = get_text(s, key, &mode);
  char *end = NULL;
  if (!bad) f->mode = (unsigned)strtoul(mode, &end, 8);
  return bad ? bad : *end || f->mode > 07777 ? scenario_fail(s, key, "mode: is not written as \"755\"") : 0;
}

static int read_file(const struct scenario *s, const config_setting_t *from, struct scenario_file *f) {
  int bad = 0;
  if (!config_setting_is_group(from))
    return scenario_fail(s, from, "a file is written as { to = \"/bin/x\"; from = \"x\"; }");
  for (int i = 0; !bad && i < config_setting_length(from); i++)
    bad = read_file_key(s, config_setting_get_elem(from, (unsigned)i), f);
  if (bad) return bad;
  if (!f->to) return scenario_fail(s, from, "a file without \"to\": where is it put?");
  f->to += strspn(f->to, "/");
  if (!*f->to || strstr(f->to, "..")) return scenario_fail(s, from, "to: no place for a file");
  if (!f->from == !f->text) return scenario_fail(s, from, "a file wants either \"from\" or \"text\"");
  if (f->from && access(f->from, R_OK)) return scenario_fail(s, from, "from: %s cannot be read", f->from);
  return 0;
}

static int read_files(const struct scenario *s, const config_setting_t *from, struct scenario_files *f) {
  int bad = is_list(s, from), n = config_setting_length(from);
  if (bad) return bad;
  if (n > FILES_MAX) return scenario_fail(s, from, "files: more than %d", FILES_MAX);
  if (!room(&f->file, (size_t)n, sizeof *f->file)) return out_of_memory(s);
  for (int i = 0; !bad && i < n; i++) {
    f->file[f->n].mode = 0644;
    bad = read_file(s, config_setting_get_elem(from, (unsigned)i), &f->file[f->n++]);
  }
  return bad;
}

static int read_disk(const struct scenario *s, const config_setting_t *from, struct scenario_disk *d) {
  int bad = 0;
  if (!config_setting_is_group(from)) return scenario_fail(s, from, "a disk is written as { size = \"64M\"; }");
  for (int i = 0; !bad && i < config_setting_length(from); i++) {
    const config_setting_t *key = config_setting_get_elem(from, (unsigned)i);
    const char *name = config_setting_name(key);
    if (!strcmp(name, "files"))
      bad = read_files(s, key, &d->files);
    else if (strcmp(name, "size"))
      bad = scenario_fail(s, key, "there is no key \"%s\" of a disk: size, files", name);
    else if (!scenario_number(key, &d->size) || !d->size || d->size % 512 || d->size > UINT64_C(1) << 40)
      bad = scenario_fail(s, key, "size: is no size such as 64M");
  }
  return bad ? bad : d->size || d->files.n ? 0 : scenario_fail(s, from, "a disk wants a size, or files");
}

static int read_disks(const struct scenario *s, const config_setting_t *from, struct scenario_vm *v) {
  int bad = is_list(s, from), n = config_setting_length(from);
  if (!bad && n > SCENARIO_DISKS) bad = scenario_fail(s, from, "disks: more than %d", SCENARIO_DISKS);
  for (int i = 0; !bad && i < n; i++)
    bad = read_disk(s, config_setting_get_elem(from, (unsigned)i), &v->disk[v->disks++]);
  return bad;
}

static int read_steps(struct scenario *s, const config_setting_t *from) {
  int bad = is_list(s, from), n = config_setting_length(from);
  if (bad) return bad;
  if (n > STEPS_MAX) return scenario_fail(s, from, "steps: more than %d", STEPS_MAX);
  if (!room(&s->step, (size_t)n, sizeof *s->step)) return out_of_memory(s);
  for (int i = 0; !bad && i < n; i++)
    bad = scenario_step_read(s, &s->step[s->steps++], config_setting_get_elem(from, (unsigned)i));
  return bad;
}

static int read_bounds(const struct scenario *s, const config_setting_t *from, struct scenario_vm *v) {
  if (!config_setting_is_aggregate(from) || config_setting_is_group(from) || config_setting_length(from) != 2 ||
      !scenario_number(config_setting_get_elem(from, 0), &v->least) ||
      !scenario_number(config_setting_get_elem(from, 1), &v->most) || v->least > v->most)
    return scenario_fail(s, from, "instructions: is written as (\"10M\", \"20M\"): at least and at most");
  return 0;
}

static int read_end(const struct scenario *s, const config_setting_t *from, struct scenario_vm *v) {
  int bad = get_text(s, from, &v->end);
  for (int why = MB_STOP_POWER_OFF; !bad && why < MB_STOP_ERROR; why++)
    if (!strcmp(v->end, mb_stop_name((enum mb_stop)why))) return 0;
  return bad ? bad
             : scenario_fail(s, from, "end: \"%s\" is none of power-off, reset, guest-exit, halted, stuck, dead",
                             v->end);
}

/* --- freeing --- */

static void free_regexes(struct scenario_regexes *r) {
  for (size_t i = 0; i < r->n; i++) regfree(&r->regex[i]);
  free(r->regex);
  free(r->text);
}

static void free_texts(struct scenario_texts *t) {
  free(t->text);
  free(t->line);
}

static void free_vm(struct scenario_vm *v) {
  for (size_t i = 0; i < v->disks; i++) free(v->disk[i].files.file);
  free(v->files.file);
  free_regexes(&v->allow);
  free_regexes(&v->never);
  free_texts(&v->console);
  free_texts(&v->covered);
}

/* --- keys --- */

/* The first ones are of the whole scenario, the others of a VM, or of all that do not have them. */
enum key {
  ABOUT,
  GUESTS,
  LIMIT,
  MACHINE,
  VMS,
  STEPS,
  VM_KEYS,
  PROMPT = VM_KEYS,
  FILES,
  DISKS,
  END,
  QUIET,
  ALLOW,
  NEVER,
  CONSOLE,
  INSNS,
  COVERED,
  KEYS
};
static const char *const key_names[KEYS + 1] = {
    [ABOUT] = "about", [GUESTS] = "guests",   [LIMIT] = "limit",        [MACHINE] = "machine",
    [VMS] = "vms",     [STEPS] = "steps",     [PROMPT] = "prompt",      [FILES] = "files",
    [DISKS] = "disks", [END] = "end",         [QUIET] = "quiet",        [ALLOW] = "allow",
    [NEVER] = "never", [CONSOLE] = "console", [INSNS] = "instructions", [COVERED] = "covered"};

static const char *key_name(const void *ctx, size_t i) {
  (void)ctx;
  return key_names[i < KEYS ? i : KEYS];
}

static int find(const char *name) {
  int k = 0;
  while (k < KEYS && strcmp(key_names[k], name)) k++;
  return k;
}

bool scenario_is_vm_key(const char *name) {
  int k = find(name);
  return k >= VM_KEYS && k < KEYS;
}

/* --- VMs --- */

static int read_vm_key(const struct scenario *s, enum key key, const config_setting_t *from, struct scenario_vm *v) {
  switch (key) {
  case PROMPT: return get_text(s, from, &v->prompt);
  case FILES: return read_files(s, from, &v->files);
  case DISKS: return read_disks(s, from, v);
  case END: return read_end(s, from, v);
  case QUIET:
    v->quiet = config_setting_get_bool(from);
    return config_setting_type(from) == CONFIG_TYPE_BOOL ? 0 : scenario_fail(s, from, "quiet: neither true nor false");
  case ALLOW: return read_regexes(s, from, &v->allow);
  case NEVER: return read_regexes(s, from, &v->never);
  case CONSOLE: return read_texts(s, from, &v->console);
  case INSNS: return read_bounds(s, from, v);
  case COVERED: return read_texts(s, from, &v->covered);
  default: return 0;
  }
}

/* own NULL: all is said by the scenario. */
static int read_vm(const struct scenario *s, const config_setting_t *root, const config_setting_t *own,
                   struct scenario_vm *v) {
  int bad = 0;
  *v = (struct scenario_vm){.own = own, .prompt = "# ", .quiet = true, .most = UINT64_MAX};
  if (own && !config_setting_is_group(own)) return scenario_fail(s, own, "vms: a VM is written as { name = \"a\"; }");
  const config_setting_t *name = own ? config_setting_get_member(own, "name") : NULL;
  if (own && !name) return scenario_fail(s, own, "name: each VM wants one");
  if (name) bad = get_text(s, name, &v->name);
  for (enum key k = VM_KEYS; !bad && k < KEYS; k++) {
    const config_setting_t *from = own ? config_setting_get_member(own, key_names[k]) : NULL;
    if (!from) from = config_setting_get_member(root, key_names[k]);
    if (from) bad = read_vm_key(s, k, from, v);
  }
  return bad;
}

static int find_vm(const struct scenario *s, const char *name) {
  size_t i = 0;
  while (i < s->vms && (!s->vm[i].name || strcmp(s->vm[i].name, name))) i++;
  return i < s->vms ? (int)i : -1;
}

/* What is said of all is looked at even if each VM has its own word. */
static int check_shared(const struct scenario *s, const config_setting_t *root) {
  struct scenario_vm v;
  int bad = read_vm(s, root, NULL, &v);
  free_vm(&v);
  return bad;
}

static int read_vms(struct scenario *s, const config_setting_t *root) {
  const config_setting_t *list = config_setting_get_member(root, key_names[VMS]);
  int bad = list ? is_list(s, list) : 0, n = list && !bad ? config_setting_length(list) : 1;
  if (bad) return bad;
  if (!n || n > MB_VMS_MAX) return scenario_fail(s, list, "vms: is a list of 1 to %d VMs", MB_VMS_MAX);
  if (!room(&s->vm, (size_t)n, sizeof *s->vm)) return out_of_memory(s);
  if (list) bad = check_shared(s, root);
  for (int i = 0; !bad && i < n; i++) {
    const config_setting_t *own = list ? config_setting_get_elem(list, (unsigned)i) : NULL;
    struct scenario_vm v;
    bad = read_vm(s, root, own, &v);
    if (!bad && v.name && find_vm(s, v.name) >= 0) bad = scenario_fail(s, own, "two VMs are called \"%s\"", v.name);
    s->vm[s->vms++] = v;
  }
  return bad;
}

/* The VM that each step names. */
static int find_vms_of_steps(const struct scenario *s) {
  for (size_t i = 0; i < s->steps; i++) {
    const struct step_value *v = &s->step[i].value[KEY_VM];
    int at = v->given ? find_vm(s, v->text) : 0;
    if (at < 0) return options_fail("%s:%d: vm: there is no VM \"%s\"", s->path, s->step[i].line, v->text);
    s->step[i].vm = (size_t)at;
  }
  return 0;
}

/* --- the file --- */

static int read_limit(struct scenario *s, const config_setting_t *from) {
  const char *text = NULL;
  int bad = get_text(s, from, &text);
  if (!bad && !scenario_time(text, &s->limit))
    bad = scenario_fail(s, from, "limit: \"%s\" is no time such as 30s", text);
  return bad;
}

static int read_key(struct scenario *s, enum key key, const config_setting_t *from) {
  switch (key) {
  case ABOUT: return get_text(s, from, &s->about);
  case GUESTS: return read_guests(s, from);
  case LIMIT: return read_limit(s, from);
  case MACHINE:
    s->machine = from;
    return config_setting_is_group(from) ? 0 : scenario_fail(s, from, "machine: is written as { mem = \"64M\"; }");
  case STEPS: return read_steps(s, from);
  default: return 0; /* of VMs */
  }
}

static int read_keys(struct scenario *s, const config_setting_t *root) {
  int bad = 0;
  for (int i = 0; !bad && i < config_setting_length(root); i++) {
    const config_setting_t *e = config_setting_get_elem(root, (unsigned)i);
    const char *name = config_setting_name(e), *near = options_nearest(name, key_name, NULL);
    int k = find(name);
    if (k < KEYS)
      bad = read_key(s, (enum key)k, e);
    else
      bad = near ? scenario_fail(s, e, "there is no key \"%s\"; did you mean \"%s\"?", name, near)
                 : scenario_fail(s, e, "there is no key \"%s\" (docs/regression-testing.md has them all)", name);
  }
  if (!bad) bad = read_vms(s, root);
  if (!bad) bad = find_vms_of_steps(s);
  bool ends = false;
  for (size_t i = 0; i < s->vms; i++) ends |= s->vm[i].end != NULL;
  if (!bad && !s->steps && !ends) bad = options_fail("%s: does nothing: steps = ( { ... } ) is missing", s->path);
  return bad;
}

int scenario_read(struct scenario *s, const char *path) {
  config_t *c = malloc(sizeof *c);
  *s = (struct scenario){.path = strdup(path), .limit = LIMIT_NS};
  if (!s->path || !c) {
    free(c);
    return options_fail("out of memory");
  }
  int bad = config_file_read(c, path, "scenario");
  if (bad) return free(c), bad;
  s->config = c;
  return read_keys(s, config_root_setting(c));
}

void scenario_free(struct scenario *s) {
  for (size_t i = 0; i < s->steps; i++) scenario_step_free(&s->step[i]);
  for (size_t i = 0; i < s->vms; i++) free_vm(&s->vm[i]);
  free(s->step);
  free(s->vm);
  free(s->guest);
  if (s->config) config_destroy(s->config);
  free(s->config);
  free(s->path);
  *s = (struct scenario){0};
}
