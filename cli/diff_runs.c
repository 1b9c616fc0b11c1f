/* cli/diff_runs.c: the two runs of mirrorball diff, each a process of its own, and the recordings they leave. */
/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "cli/children.h"
#include "cli/diff.h"
#include "cli/guests_parts.h"
#include "cli/options.h"
#include <errno.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OWN_WORDS = 12, CONSOLE_MAX = 16 << 20 };

struct side {
  const char *name;
  char *folder; /* of the recording */
  bool made;    /* by a run of ours */
  struct child child;
  char *path, *console; /* words of its command */
};

/* --- reading --- */

static json_t *read_json(const char *folder, const char *file) {
  char *path = guests_text("%s/%s", folder, file);
  json_error_t e;
  json_t *o = path ? json_load_file(path, 0, &e) : NULL;
  if (!o) options_fail("diff: %s/%s: %s", folder, file, path ? e.text : "out of memory");
  free(path);
  return o;
}

/* Those of the VM: a machine whose VM has a name has them in a list. */
static json_t *read_stats(const char *folder) {
  json_t *o = read_json(folder, "stats.json"), *vm = json_incref(json_array_get(json_object_get(o, "vms"), 0));
  if (!vm) return o;
  json_decref(o);
  return vm;
}

/* The console may hold any bytes: those that JSON has no room for become '?'. */
static json_t *read_console(const char *folder) {
  char *path = guests_text("%s/console", folder), *text = calloc(1, CONSOLE_MAX);
  FILE *f = path && text ? fopen(path, "re") : NULL;
  size_t n = f ? fread(text, 1, CONSOLE_MAX - 1, f) : 0;
  for (size_t i = 0; i < n; i++)
    if (!text[i] || (unsigned char)text[i] > '~') text[i] = '?';
  json_t *o = f && !ferror(f) ? json_string(text) : NULL;
  if (!o) options_fail("diff: %s/console: %s", folder, f || !path ? "cannot be read" : strerror(errno));
  if (f) fclose(f);
  free(text);
  free(path);
  return o;
}

static json_t *read_recording(const struct side *s) {
  json_t *stats = read_stats(s->folder), *coverage = stats ? read_json(s->folder, "coverage.json") : NULL;
  json_t *console = coverage ? read_console(s->folder) : NULL;
  if (console)
    return json_pack("{s:s, s:o, s:o, s:o}", "name", s->name, "stats", stats, "coverage", coverage, "console", console);
  json_decref(stats);
  json_decref(coverage);
  return NULL;
}

/* --- running --- */

static bool is_file(const char *name) {
  struct stat st;
  return !stat(name, &st) && S_ISREG(st.st_mode);
}

static bool is_recording(const char *name) {
  char *path = guests_text("%s/stats.json", name);
  bool is = path && is_file(path);
  free(path);
  return is;
}

static unsigned add_kernel(const struct diff *d, const struct side *s, char **word, const char *guest_word) {
  unsigned n = 0;
  bool file = is_file(s->name);
  if (file) word[n++] = (char *)"--kernel", word[n++] = (char *)s->name;
  if (file && !d->guest) return n;
  if (*guest_word) word[n++] = (char *)guest_word;
  word[n++] = (char *)(file ? d->guest : s->name);
  return n;
}

static int start(const struct diff *d, struct side *s) {
  unsigned extra = 0, n = 0;
  while (d->extra[extra]) extra++;
  char **word = calloc(OWN_WORDS + extra, sizeof *word);
  s->path = guests_text(d->scenario ? "%s" : "%s/coverage.json", s->folder);
  s->console = guests_text("file:%s/console", s->folder);
  if (!word || !s->path || !s->console) return free(word), options_fail("diff: out of memory") - 1;
  if (d->scenario) {
    word[n++] = (char *)d->scenario, word[n++] = (char *)"--record", word[n++] = s->path;
    n += add_kernel(d, s, word + n, "--guest");
  } else {
    word[n++] = (char *)"--coverage", word[n++] = s->path, word[n++] = (char *)"--console", word[n++] = s->console;
    memcpy(word + n, d->extra, extra * sizeof *word);
    n += extra;
    add_kernel(d, s, word + n, "");
  }
  s->made = true;
  int code =
      d->scenario ? child_start_test(&s->child, "diff", word) : child_start(&s->child, "diff", word, (const int[]){-1});
  free(word);
  return code;
}

/* A run that ends in its own way is what is looked at; what could not be run is bad input, in its own words. */
static int finish(const struct diff *d, struct side *s, int code) {
  char *said = child_said(&s->child);
  int bad = d->scenario ? code : child_went_well(code) || code == 3 || code >= 64 ? 0 : code;
  if (bad == 2 && said && *said)
    fprintf(stderr, "%s\n", said);
  else if (bad)
    options_fail("diff: %s ended with exit code %d%s%s", s->name, code, said && *said ? ": " : "", said ? said : "");
  free(said);
  if (bad) return bad == 2 ? 2 : 1;
  if (d->scenario) { /* the recording of its only test */
    char *only = guests_text("%s/1", s->folder);
    free(s->folder);
    s->folder = only;
    return only ? 0 : options_fail("diff: out of memory") - 1;
  }
  char *path = guests_text("%s/stats.json", s->folder);
  json_t *stats = child_stats(&s->child);
  bad = !path || !stats || json_dump_file(stats, path, JSON_INDENT(1));
  json_decref(stats);
  free(path);
  return bad ? options_fail("diff: %s left no statistics", s->name) - 1 : 0;
}

static int run_both(const struct diff *d, struct side side[2]) {
  struct progress p = {.command = "diff", .total = 2, .begun = children_seconds()};
  int code = 0, got;
  for (int i = 0; i < 2 && !code; i++)
    if (!side[i].made && !is_recording(side[i].name)) code = start(d, &side[i]);
  while (!code && (side[0].child.pid || side[1].child.pid)) {
    for (int i = 0; i < 2 && !code; i++) {
      if (!side[i].child.pid || !child_ended(&side[i].child, &got)) continue;
      p.done++;
      progress_clear(&p);
      code = finish(d, &side[i], got);
    }
    progress_show(&p, side[0].child.pid ? side[0].name : side[1].name);
    children_wait();
  }
  return code;
}

/* --- the whole --- */

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at) {
  (void)st, (void)type, (void)at;
  return remove(path);
}

/* Where the recordings go: --record's folder, or one for the time being. NULL after a line that says why. */
static char *make_folder(const struct diff *d) {
  const char *tmp = getenv("TMPDIR");
  char *folder = d->record ? strdup(d->record) : guests_text("%s/mirrorball-diff-XXXXXX", tmp && *tmp ? tmp : "/tmp");
  bool good = folder && (d->record ? !mkdir(folder, 0777) || errno == EEXIST : mkdtemp(folder) != NULL);
  if (!good) options_fail("diff: %s: %s", folder ? folder : "out of memory", strerror(errno));
  if (good) return folder;
  free(folder);
  return NULL;
}

static bool make_sides(const struct diff *d, const char *folder, struct side side[2]) {
  for (int i = 0; i < 2; i++) {
    bool recorded = is_recording(d->name[i]);
    side[i] = (struct side){.name = d->name[i],
                            .folder = recorded ? strdup(d->name[i]) : guests_text("%s/%c", folder, 'a' + i),
                            .child = CHILD_NONE};
    if (!side[i].folder) return false;
    if (!recorded && mkdir(side[i].folder, 0777) && errno != EEXIST) return false;
  }
  return true;
}

int diff_record(const struct diff *d, json_t *recording[2]) {
  struct side side[2] = {{.child = CHILD_NONE}, {.child = CHILD_NONE}};
  char *folder = make_folder(d);
  int code = folder ? 0 : 1;
  if (!code && !make_sides(d, folder, side)) code = options_fail("diff: %s: %s", folder, strerror(errno)) - 1;
  if (!code) code = run_both(d, side);
  for (int i = 0; i < 2 && !code; i++) code = (recording[i] = read_recording(&side[i])) ? 0 : 2;
  for (int i = 0; i < 2; i++) {
    child_free(&side[i].child);
    free(side[i].folder);
    free(side[i].path);
    free(side[i].console);
  }
  if (folder && !d->record) nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
  free(folder);
  return code;
}
