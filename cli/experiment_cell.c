/* cli/experiment_cell.c: a cell of an experiment as a machine file, words for a run, and the key of its result. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Machine files are written by libconfig. The key covers the program itself, byte by byte, all words, and what is in
 * every file that a word names: whatever may decide a run, and more (a rebuilt program runs everything again). */
#define _GNU_SOURCE
#include "cli/experiment.h"
#include "cli/guests.h"
#include "cli/guests_parts.h"
#include "cli/request.h"
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

enum { CHUNK = 1 << 20 };

/* What decides nothing about a run's results. */
static const char *const indifferent[] = {"timeout", "code-store", NULL};

static int no_memory(const struct cell *c) {
  return options_fail("%s: out of memory", c->e->file) - 1;
}

/* --- which options --- */

static const struct experiment_level *level_of(const struct cell *c, int i) {
  return i ? c->level[i - 1] : &c->e->all;
}

static bool repeats(int row) {
  return row != EXPERIMENT_GUEST && request_repeats(row);
}

static const char *name_of(int row) {
  return row == EXPERIMENT_GUEST ? "guest" : request_rows[row].name;
}

/* Does a level after number `i`, or a later line of it, say otherwise? */
static bool overridden(const struct cell *c, int i, size_t k) {
  int row = level_of(c, i)->set[k].row;
  if (repeats(row)) return false;
  for (; i <= AXES; i++, k = SIZE_MAX)
    for (size_t n = k + 1; n < level_of(c, i)->sets; n++)
      if (level_of(c, i)->set[n].row == row) return true;
  return false;
}

/* Call with each option that holds for the cell, until one says no. */
static bool each_set(const struct cell *c, bool (*with)(void *ctx, const struct experiment_set *s), void *ctx) {
  for (int i = 0; i <= AXES; i++)
    for (size_t k = 0; k < level_of(c, i)->sets; k++)
      if (!overridden(c, i, k) && !with(ctx, &level_of(c, i)->set[k])) return false;
  return true;
}

static bool of_vm(const struct experiment_set *s) {
  return s->row == EXPERIMENT_GUEST || request_is_key(s->row);
}

unsigned cell_vms(const struct cell *c) {
  return c->level[AXIS_VMS]->vms ? c->level[AXIS_VMS]->vms : 1;
}

/* --- the machine file --- */

struct vm {
  config_setting_t *group;
  unsigned number, of;
};

/* {vm} and {vms} in a value stand for the number of the VM and how many there are. Owned by the caller. */
static char *expand(const char *value, const struct vm *vm) {
  char *text = NULL;
  size_t n;
  FILE *f = open_memstream(&text, &n);
  if (!f) return NULL;
  for (const char *s = value; *s; s++) {
    bool number = !strncmp(s, "{vm}", 4), of = !strncmp(s, "{vms}", 5);
    if (number || of)
      fprintf(f, "%u", number ? vm->number : vm->of), s += number ? 3 : 4;
    else
      putc(*s, f);
  }
  return fclose(f) ? free(text), NULL : text;
}

static bool put_text(config_setting_t *parent, const char *key, const char *value, const struct vm *vm) {
  char *text = expand(value, vm);
  config_setting_t *s = text ? config_setting_add(parent, key, CONFIG_TYPE_STRING) : NULL;
  bool good = s && config_setting_set_string(s, text); /* libconfig copies */
  free(text);
  return good;
}

static bool put_key(void *ctx, const struct experiment_set *s) {
  const struct vm *vm = ctx;
  const char *key = name_of(s->row);
  if (!of_vm(s)) return true;
  if (!s->value) {
    config_setting_t *flag = config_setting_add(vm->group, key, CONFIG_TYPE_BOOL);
    return flag && config_setting_set_bool(flag, 1);
  }
  if (!repeats(s->row)) return put_text(vm->group, key, s->value, vm);
  config_setting_t *list = config_setting_get_member(vm->group, key);
  if (!list) list = config_setting_add(vm->group, key, CONFIG_TYPE_ARRAY);
  return list && put_text(list, NULL, s->value, vm);
}

static bool put_console(const struct vm *vm, int fd) {
  char path[48];
  snprintf(path, sizeof path, "file:/proc/self/fd/%d", fd);
  config_setting_remove(vm->group, "timestamps");
  config_setting_t *flag = config_setting_add(vm->group, "timestamps", CONFIG_TYPE_BOOL);
  return put_text(vm->group, "console", path, vm) && flag && config_setting_set_bool(flag, 1);
}

/* consoles: descriptors for them; NULL: this is what the key is made of, or a check. */
static bool put_vms(const struct cell *c, config_t *config, bool check, const int *consoles) {
  unsigned of = cell_vms(c);
  config_setting_t *vms = config_setting_add(config_root_setting(config), "vms", CONFIG_TYPE_LIST);
  bool good = vms;
  for (unsigned i = 1; good && i <= of; i++) {
    struct vm vm = {.group = config_setting_add(vms, NULL, CONFIG_TYPE_GROUP), .number = i, .of = of};
    good = vm.group && put_text(vm.group, "name", "vm{vm}", &vm) && each_set(c, put_key, &vm) &&
           (consoles ? put_console(&vm, consoles[i - 1]) : put_text(vm.group, "console", "none", &vm));
    if (good && check) {
      config_setting_remove(vm.group, "until");
      good = put_text(vm.group, "until", "insns:0", &vm);
    }
  }
  return good;
}

static char *machine_text(const struct cell *c, bool check, const int *consoles) {
  char *text = NULL;
  size_t n;
  config_t config;
  config_init(&config);
  FILE *f = put_vms(c, &config, check, consoles) ? open_memstream(&text, &n) : NULL;
  if (f) config_write(&config, f);
  if (f && fclose(f)) {
    free(text);
    text = NULL;
  }
  config_destroy(&config);
  return text;
}

int cell_machine_file(const struct cell *c, const int *consoles) {
  char *text = machine_text(c, !consoles, consoles);
  int fd = text ? memfd_create("machine", MFD_CLOEXEC) : -1;
  size_t n = text ? strlen(text) : 0;
  if (fd >= 0 && write(fd, text, n) != (ssize_t)n) {
    close(fd);
    fd = -1;
  }
  free(text);
  return fd;
}

/* --- words --- */

struct words {
  struct cell *c;
  size_t n;
};

static bool add_word(void *ctx, const struct experiment_set *s) {
  struct words *w = ctx;
  if (of_vm(s)) return true;
  char **more = realloc(w->c->words, (w->n + 2) * sizeof *more);
  if (!more) return false;
  w->c->words = more;
  more[w->n] = s->value ? guests_text("--%s=%s", name_of(s->row), s->value) : guests_text("--%s", name_of(s->row));
  more[w->n + 1] = NULL;
  return more[w->n++];
}

/* --- the key --- */

struct key {
  XXH3_state_t *hash;
  const struct cell *c;
  int code;
};

static bool hash_file(XXH3_state_t *h, const char *path) {
  char *chunk = malloc(CHUNK);
  int fd = chunk ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  ssize_t n = -1;
  while (fd >= 0 && (n = read(fd, chunk, CHUNK)) > 0) XXH3_128bits_update(h, chunk, (size_t)n);
  if (fd >= 0) close(fd);
  free(chunk);
  return !n;
}

static void hash_text(XXH3_state_t *h, const char *text) {
  XXH3_128bits_update(h, text, strlen(text) + 1);
}

/* A word may be a file's name, with more behind a comma: then what it holds counts, too. */
static bool hash_named(XXH3_state_t *h, const char *value) {
  struct stat st;
  char *path = strndup(value, strcspn(value, ","));
  bool good = path;
  if (good && *path && !stat(path, &st) && S_ISREG(st.st_mode)) good = hash_file(h, path);
  free(path);
  return good;
}

static bool hash_guest(struct key *k, const char *name) {
  struct guest g = {0};
  if (guests_get(name, false, &g)) return k->code = EXIT_INPUT, false;
  bool good = hash_file(k->hash, g.kernel) && (!g.initrd || hash_file(k->hash, g.initrd));
  guests_free(&g);
  return good;
}

static bool hash_set(void *ctx, const struct experiment_set *s) {
  struct key *k = ctx;
  const char *name = name_of(s->row);
  for (const char *const *i = indifferent; *i; i++)
    if (!strcmp(*i, name)) return true;
  hash_text(k->hash, name);
  hash_text(k->hash, s->value ? s->value : "");
  if (s->row == EXPERIMENT_GUEST) return hash_guest(k, s->value);
  return !s->value || hash_named(k->hash, s->value);
}

static int make_key(struct cell *c) {
  struct key k = {.hash = XXH3_createState(), .c = c, .code = EXIT_OURS};
  if (!k.hash) return no_memory(c);
  XXH3_128bits_reset(k.hash);
  hash_text(k.hash, mb_version());
  hash_text(k.hash, c->machine);
  hash_text(k.hash, c->page_log ? "page-log" : "");
  bool good = hash_file(k.hash, "/proc/self/exe") && each_set(c, hash_set, &k);
  XXH128_hash_t sum = XXH3_128bits_digest(k.hash);
  XXH3_freeState(k.hash);
  snprintf(c->key, sizeof c->key, "%016" PRIx64 "%016" PRIx64, (uint64_t)sum.high64, (uint64_t)sum.low64);
  if (!good && k.code == EXIT_OURS) options_fail("%s: %s: a file it names cannot be read", c->e->file, c->name);
  return good ? 0 : k.code;
}

/* --- a cell --- */

static char *make_name(const struct cell *c) {
  char *text = NULL;
  size_t n;
  FILE *f = open_memstream(&text, &n);
  if (!f) return NULL;
  for (int a = 0; a < AXES; a++) {
    const char *name = c->level[a]->name;
    if (*name) fprintf(f, "%s%s%s", a ? ", " : "", name, experiment_unit((enum experiment_axis)a, name));
  }
  return fclose(f) ? free(text), NULL : text;
}

int cell_make(struct cell *c, const struct experiment *e, size_t i) {
  *c = (struct cell){.e = e};
  for (int a = AXES - 1; a >= 0; a--) {
    c->level[a] = &e->level[a][i % e->levels[a]];
    i /= e->levels[a];
  }
  struct words w = {.c = c};
  for (int a = 0; a <= AXES; a++) c->page_log |= level_of(c, a)->page_log;
  c->name = make_name(c);
  c->machine = machine_text(c, false, NULL);
  c->words = calloc(1, sizeof *c->words);
  if (!c->name || !c->machine || !c->words || !each_set(c, add_word, &w)) return no_memory(c);
  return make_key(c);
}

void cell_free(struct cell *c) {
  for (char **w = c->words; w && *w; w++) free(*w);
  free(c->words);
  free(c->machine);
  free(c->name);
  *c = (struct cell){0};
}

/* The line of the option that a complaint is about: one it names. */
struct blame {
  const char *said;
  int line;
};

static bool blame(void *ctx, const struct experiment_set *s) {
  struct blame *b = ctx;
  const char *name = name_of(s->row), *at = strstr(b->said, name);
  char behind = at ? at[strlen(name)] : 0;
  if (at && (at == b->said || strchr(" -", at[-1])) && (!behind || strchr(" :=", behind))) b->line = s->line;
  return true;
}

int cell_fail(const struct cell *c, const char *said) {
  static const char *const before[] = {"mirrorball: ", "/proc/self/fd/", "run: "};
  struct blame b = {.said = said, .line = c->level[AXIS_WORKLOAD]->line};
  for (size_t i = 0; i < sizeof before / sizeof *before; i++) {
    if (strncmp(b.said, before[i], strlen(before[i]))) continue;
    b.said += strlen(before[i]);
    if (i != 1) continue;
    b.said += strspn(b.said, "0123456789:"); /* the line of a file that nobody has seen */
    b.said += strspn(b.said, " ");
  }
  each_set(c, blame, &b);
  return options_fail("%s:%d: %s: %s", c->e->file, b.line, c->name, b.said);
}
