/* cli/machine_file.c: machine files: read into requests, and written from them. */
/* SPDX-License-Identifier: Apache-2.0 */
/* libconfig reads the text. A VM's keys are options of mirrorball run, so what there is, what it takes and what is
 * wrong with it is said once, in the table of options; the rest is in the two tables here. */
#define _GNU_SOURCE
#include "cli/config_file.h"
#include "cli/request.h"
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { CPUS_MAX = 1024 };

enum machine_key { K_CPUS, K_MEMORY, K_VMS, MACHINE_KEYS };
static const struct {
  const char *name, *arg, *help;
} machine_keys[] = {
    [K_CPUS] = {"cpus", "N",
                "modelled cpus: each vcpu has one to itself, unless sched says how they are shared (as many as\nall "
                "VMs have vcpus, or those of the modelled machine)"},
    [K_MEMORY] = {"memory", "SIZE", "memory, of which each VM has its own part (as much as all VMs have together)"},
    [K_VMS] = {"vms", NULL, "the VMs, one in each pair of braces"},
};

enum own_key { K_NAME, K_GUEST, OWN_KEYS };
static const struct {
  const char *name, *arg, *help;
} own_keys[] = {
    [K_NAME] = {"name", "NAME", "what it is called, of letters, digits and ._-"},
    [K_GUEST] = {"guest", "NAME", "a guest known by name (mirrorball guests list)"},
};

/* --- names --- */

/* Own keys, then options; those that are no keys have a name that nobody writes. */
static const char *machine_key_name(const void *ctx, size_t i) {
  (void)ctx;
  if (i < MACHINE_KEYS) return machine_keys[i].name;
  i -= MACHINE_KEYS;
  return !request_rows[i].name || request_is_machine_key((int)i) ? request_rows[i].name : "";
}

/* Likewise. */
static const char *vm_key_name(const void *ctx, size_t i) {
  (void)ctx;
  if (i < OWN_KEYS) return own_keys[i].name;
  i -= OWN_KEYS;
  return !request_rows[i].name || request_is_key((int)i) ? request_rows[i].name : "";
}

static int find(const char *name, const char *(*names)(const void *, size_t)) {
  const char *s;
  for (int i = 0; (s = names(NULL, (size_t)i)); i++)
    if (!strcmp(s, name)) return i;
  return -1;
}

static int unknown(const struct request *r, const char *name, const char *(*names)(const void *, size_t)) {
  const char *near = options_nearest(name, names, NULL);
  return near && *near ? request_fail(r, "there is no key \"%s\"; did you mean \"%s\"?", name, near)
                       : request_fail(r, "there is no key \"%s\" (docs/machine.md has them all)", name);
}

/* --- values --- */

/* The text an option would be given; *skip: it is not given. NULL: complained. */
static const char *text_of(struct request *r, const char *key, const config_setting_t *s, bool flag, bool *skip) {
  char number[32];
  const char *text = NULL;
  int type = config_setting_type(s);
  r->line = (int)config_setting_source_line(s);
  *skip = false;
  if (flag && type == CONFIG_TYPE_BOOL) {
    *skip = !config_setting_get_bool(s);
    return "";
  }
  if (!flag && type == CONFIG_TYPE_STRING) {
    text = config_setting_get_string(s);
  } else if (!flag && (type == CONFIG_TYPE_INT || type == CONFIG_TYPE_INT64)) {
    snprintf(number, sizeof number, "%lld", config_setting_get_int64(s));
    text = number;
  }
  if (!text) {
    request_fail(r, flag ? "%s: neither true nor false" : "%s: neither \"text\" nor a whole number", key);
    return NULL;
  }
  text = request_keep(r->run, text);
  if (!text) request_fail(r, "out of memory");
  return text;
}

static int set_own(struct request *r, enum own_key key, const config_setting_t *s) {
  bool skip;
  const char *text = text_of(r, own_keys[key].name, s, false, &skip);
  if (!text) return EXIT_INPUT;
  switch (key) {
  case K_NAME: r->config.name = text; break;
  case K_GUEST: r->name = text; break;
  case OWN_KEYS: break;
  }
  return 0;
}

static int set_one(struct request *r, int row, const config_setting_t *s) {
  const struct option_row *o = &request_rows[row];
  bool skip, flag = !o->arg || (o->arg[0] == '[' && config_setting_type(s) == CONFIG_TYPE_BOOL);
  const char *text = text_of(r, o->name, s, flag, &skip);
  if (!text) return EXIT_INPUT;
  if (skip) return 0;
  if (!strcmp(text, "help")) return request_fail(r, "--%s help: is for the command line", o->name);
  return request_set(r, row, flag ? NULL : text);
}

static int set_key(struct request *r, int row, const config_setting_t *s) {
  int bad = 0;
  if (!config_setting_is_array(s) && !config_setting_is_list(s)) return set_one(r, row, s);
  if (!request_repeats(row)) return request_fail(r, "%s: takes one value, not a list", request_rows[row].name);
  for (int i = 0; !bad && i < config_setting_length(s); i++)
    bad = set_one(r, row, config_setting_get_elem(s, (unsigned)i));
  return bad;
}

int machine_file_key(struct request *r, const struct config_setting_t *key) {
  const char *name = config_setting_name(key);
  int k = find(name, vm_key_name);
  r->line = (int)config_setting_source_line(key);
  return k < 0          ? unknown(r, name, vm_key_name)
         : k < OWN_KEYS ? set_own(r, (enum own_key)k, key)
                        : set_key(r, k - OWN_KEYS, key);
}

/* --- VMs and the machine --- */

static int read_vm(struct request *r, const config_setting_t *s) {
  int bad = 0;
  r->line = r->begins = (int)config_setting_source_line(s);
  if (!config_setting_is_group(s)) return request_fail(r, "vms: a VM is written as { name = \"a\"; ... }");
  for (int i = 0; !bad && i < config_setting_length(s); i++)
    bad = machine_file_key(r, config_setting_get_elem(s, (unsigned)i));
  if (!bad) bad = request_check(r);
  if (!bad && !r->config.name) bad = request_fail(r, "name: each VM wants one");
  return bad;
}

/* Complain here, where the line is known. */
static int check_name(const struct request_run *run, const struct request *r) {
  for (size_t i = 0; i < run->vms; i++)
    if (run->vm[i] != r && !strcmp(run->vm[i]->config.name, r->config.name))
      return request_fail(r, "name: two VMs are called \"%s\" (the other in line %d)", r->config.name,
                          run->vm[i]->begins);
  return 0;
}

static int add_vm(struct request_run *run, struct request *at, const config_setting_t *s) {
  struct request **more = realloc(run->vm, (run->vms + 1) * sizeof(struct request *)), *r = calloc(1, sizeof *r);
  if (more) run->vm = more;
  if (!more || !r) {
    free(r);
    return request_fail(at, "out of memory");
  }
  request_begin(r, run);
  r->file = run->file;
  int bad = read_vm(r, s);
  if (!bad) bad = check_name(run, r);
  run->vm[run->vms++] = r;
  return bad;
}

static int read_vms(struct request_run *run, struct request *at, const config_setting_t *s) {
  int n = config_setting_length(s), bad = 0;
  if (!config_setting_is_list(s)) return request_fail(at, "vms: is written as ( { ... }, { ... } )");
  if (!n) return request_fail(at, "vms: a machine has at least one");
  if (n > MB_VMS_MAX) return request_fail(at, "vms: more than %d", MB_VMS_MAX);
  for (int i = 0; !bad && i < n; i++) bad = add_vm(run, at, config_setting_get_elem(s, (unsigned)i));
  return bad;
}

static int set_machine(struct request_run *run, struct request *at, enum machine_key key, const config_setting_t *s) {
  bool skip;
  uint64_t n;
  if (key == K_VMS) return read_vms(run, at, s);
  const char *text = text_of(at, machine_keys[key].name, s, false, &skip);
  if (!text) return EXIT_INPUT;
  if (key == K_CPUS && run->machine.cpus) return 0; /* the command line comes first */
  if (key == K_CPUS) {
    if (!options_number(text, false, CPUS_MAX, &n) || !n)
      return request_fail(at, "cpus %s: not a number from 1 to %d", text, CPUS_MAX);
    run->machine.cpus = (unsigned)n;
  } else {
    if (!options_number(text, true, UINT64_MAX, &n) || !n)
      return request_fail(at, "memory %s: not a size such as 512M or 4G", text);
    run->machine.memory = n;
  }
  return 0;
}

/* An option that describes the machine; the command line comes first. */
static int set_option(struct request_run *run, struct request *at, int row, const config_setting_t *s) {
  for (size_t i = 0; i < run->options.givens; i++)
    if (run->options.given[i].row == row) return 0;
  return set_key(at, row, s);
}

static int read_settings(struct request_run *run, struct request *at, const config_t *c) {
  const config_setting_t *root = config_root_setting(c);
  int bad = 0;
  for (int i = 0; !bad && i < config_setting_length(root); i++) {
    const config_setting_t *s = config_setting_get_elem(root, (unsigned)i);
    const char *name = config_setting_name(s);
    int k = find(name, machine_key_name);
    at->line = (int)config_setting_source_line(s);
    bad = k < 0              ? unknown(at, name, machine_key_name)
          : k < MACHINE_KEYS ? set_machine(run, at, (enum machine_key)k, s)
                             : set_option(run, at, k - MACHINE_KEYS, s);
  }
  if (!bad && !run->vms) bad = options_fail("%s: describes no VM: vms = ( { ... } ) is missing", run->file);
  return bad;
}

/* What the file has said of the machine counts as if options had. */
static int keep_given(struct request_run *run, struct request *at) {
  struct request *to = &run->options;
  struct request_given *more = realloc(to->given, (to->givens + at->givens + 1) * sizeof *more);
  if (!more) return request_fail(at, "out of memory");
  to->given = more;
  for (size_t i = 0; i < at->givens; i++) to->given[to->givens++] = at->given[i];
  return 0;
}

int machine_file_read(struct request_run *run) {
  struct request at;
  config_t c;
  int bad = config_file_read(&c, run->file, "machine");
  if (bad) return bad;
  request_begin(&at, run);
  at.file = run->file;
  bad = read_settings(run, &at, &c);
  if (!bad) bad = keep_given(run, &at);
  request_fini(&at);
  config_destroy(&c);
  return bad;
}

/* --- writing --- */

static void put_comment(FILE *to, const char *indent, const char *help) {
  for (const char *line = help; *line;) {
    int n = (int)strcspn(line, "\n");
    fprintf(to, "%s# %.*s\n", indent, n, line);
    line += n;
    line += *line == '\n';
  }
}

static void put_text(FILE *to, const char *text) {
  fputc('"', to);
  for (; *text; text++)
    if (*text == '"' || *text == '\\')
      fprintf(to, "\\%c", *text);
    else if (iscntrl((unsigned char)*text))
      fprintf(to, "\\x%02x", (unsigned)(unsigned char)*text);
    else
      fputc(*text, to);
  fputc('"', to);
}

/* One key with its comment. value NULL: it is not given, and stands there as a comment. */
static void put_key(FILE *to, const char *indent, const char *name, const char *arg, const char *help,
                    const char *value) {
  put_comment(to, indent, help);
  fprintf(to, "%s%s%s = ", indent, value ? "" : "# ", name);
  put_text(to, value ? value : arg);
  fputs(";\n", to);
}

static void put_row(FILE *to, const char *indent, const struct request *r, int row) {
  const struct option_row *o = &request_rows[row];
  const char *value = NULL;
  size_t n = 0;
  for (size_t i = 0; i < r->givens; i++)
    if (r->given[i].row == row) value = r->given[i].value, n++;
  if (n && !value) { /* a flag */
    put_comment(to, indent, o->help);
    fprintf(to, "%s%s = true;\n", indent, o->name);
  } else if (!n && !o->arg) {
    put_comment(to, indent, o->help);
    fprintf(to, "%s# %s = true;\n", indent, o->name);
  } else if (n < 2 || !request_repeats(row)) {
    put_key(to, indent, o->name, o->arg, o->help, value);
  } else {
    put_comment(to, indent, o->help);
    fprintf(to, "%s%s = [", indent, o->name);
    for (size_t i = 0, k = 0; i < r->givens; i++) {
      if (r->given[i].row != row) continue;
      if (k++) fputs(", ", to);
      put_text(to, r->given[i].value);
    }
    fputs("];\n", to);
  }
}

static void put_vm(FILE *to, const struct request *r) {
  const char *name = r->config.name ? r->config.name : r->name ? r->name : "vm1";
  fputs("  {\n", to);
  put_key(to, "    ", own_keys[K_NAME].name, own_keys[K_NAME].arg, own_keys[K_NAME].help, name);
  put_key(to, "    ", own_keys[K_GUEST].name, own_keys[K_GUEST].arg, own_keys[K_GUEST].help, r->name);
  for (int row = 0; request_rows[row].name; row++)
    if (request_is_key(row)) put_row(to, "    ", r, row);
  fputs("  }", to);
}

static void put_number(FILE *to, enum machine_key key, uint64_t n) {
  put_comment(to, "", machine_keys[key].help);
  if (n)
    fprintf(to, "%s = \"%" PRIu64 "\";\n", machine_keys[key].name, n);
  else
    fprintf(to, "# %s = \"%s\";\n", machine_keys[key].name, machine_keys[key].arg);
}

int machine_file_print(const struct request_run *run, FILE *to) {
  fputs(
      "# A machine for mirrorball run --machine FILE. How it is run (--stats, --timeout, --pace and the like) is said\n"
      "# there. What is commented out is as if it were not here; (in parentheses) what then holds.\n",
      to);
  put_number(to, K_CPUS, run->machine.cpus);
  put_number(to, K_MEMORY, run->machine.memory);
  for (int row = 0; request_rows[row].name; row++)
    if (request_is_machine_key(row)) put_row(to, "", &run->options, row);
  put_comment(to, "", machine_keys[K_VMS].help);
  fprintf(to, "%s = (\n", machine_keys[K_VMS].name);
  if (!run->file) put_vm(to, &run->options);
  for (size_t i = 0; run->file && i < run->vms; i++) {
    if (i) fputs(",\n", to);
    put_vm(to, run->vm[i]);
  }
  fputs("\n);\n", to);
  return fflush(to) || ferror(to) ? EXIT_OURS : 0;
}
