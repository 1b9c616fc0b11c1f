/* monitor/coverage_report.c: what was executed, by function: for programs, for people, as JSON, and by line for lcov.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "monitor/modules.h"
#include "monitor/place.h"
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* A place in which something was executed. */
struct row {
  struct mon_place place;
  struct mb_function_coverage f;
};

struct report {
  struct mb_vm *vm;
  struct mon_stretches kernel, user;
  struct row *row; /* the kernel's, then those of user programs */
  size_t rows, room;
  uint64_t kernel_instructions, user_instructions, lost;
};

/* --- adding up --- */

static struct row *row_for(struct report *r, struct mon_place place) {
  if (r->rows && mon_place_same(r->row[r->rows - 1].place, place)) return &r->row[r->rows - 1];
  if (r->rows == r->room) {
    size_t room = r->room ? 2 * r->room : 1024;
    struct row *more = realloc(r->row, room * sizeof *more);
    if (!more) return NULL;
    r->row = more;
    r->room = room;
  }
  r->row[r->rows] = (struct row){.place = place};
  return &r->row[r->rows++];
}

/* A piece of a place that was executed equally often throughout. */
static void add(struct row *row, uint64_t from, uint64_t to, uint64_t count) {
  unsigned n = (unsigned)(to - from) / 4;
  row->f.instructions += n * count;
  row->f.executed += n;
  if (row->place.kind == MON_PLACE_FUNCTION && row->place.at == from) row->f.entered += count;
}

static bool add_stretch(struct report *r, const struct mon_stretch *s, bool user) {
  uint64_t *sum = user ? &r->user_instructions : &r->kernel_instructions;
  *sum += (s->to - s->from) / 4 * s->count;
  for (uint64_t at = s->from, to; at != s->to; at = to) {
    to = mon_place_reach(r->vm, at, user);
    if (to - at > s->to - at) to = s->to;
    struct row *row = row_for(r, mon_place_of(r->vm, at, user));
    if (!row) return false;
    add(row, at, to, s->count);
  }
  return true;
}

/* How many instructions a function has, or 0: its symbol does not say, and no other follows. */
static unsigned size_of(const struct mb_vm *vm, uint64_t at) {
  const struct mon_symbol *y = mon_symbol_find(&vm->symbols, at);
  uint64_t next = mon_symbol_next(&vm->symbols, at);
  uint64_t bytes = y && y->size ? y->size : next ? next - at : 0;
  return bytes < UINT32_MAX ? (unsigned)bytes / 4 : 0;
}

static bool read_counts(struct report *r, struct mb_vm *vm) {
  const struct mips_tally *t = &vm->coverage->tally;
  *r = (struct report){.vm = vm};
  mon_learn_symbols(vm);
  bool good = mon_stretches_read(&r->kernel, t, false) && mon_stretches_read(&r->user, t, true);
  for (size_t i = 0; good && i < r->kernel.n; i++) good = add_stretch(r, &r->kernel.stretch[i], false);
  for (size_t i = 0; good && i < r->user.n; i++) good = add_stretch(r, &r->user.stretch[i], true);
  for (unsigned n = 1; n <= MIPS_TALLY_LOST; n++) r->lost += n * t->count[n];
  for (size_t i = 0; i < r->rows; i++)
    if (r->row[i].place.kind == MON_PLACE_FUNCTION) r->row[i].f.size = size_of(vm, r->row[i].place.at);
  return good;
}

static void forget(struct report *r) {
  mon_stretches_free(&r->kernel);
  mon_stretches_free(&r->user);
  free(r->row);
}

static int not_wanted(const struct mb_vm *vm) {
  if (vm->started && vm->coverage) return MB_OK;
  return mon_fail(vm->error, MB_ERR_STATE, "no coverage was asked for");
}

int mb_coverage_function(struct mb_vm *vm, const char *name, struct mb_function_coverage *out) {
  struct report r;
  *out = (struct mb_function_coverage){0};
  int code = not_wanted(vm);
  if (code) return code;
  if (!read_counts(&r, vm)) code = mon_fail(vm->error, MB_ERR_MEMORY, "out of memory for coverage");
  const struct mon_symbol *y = code ? NULL : mon_symbol_named(&vm->symbols, name);
  if (!code && !y) code = mon_fail(vm->error, MB_ERR_ARGUMENT, "the guest has no function %s", name);
  if (!code) out->size = size_of(vm, y->at);
  for (size_t i = 0; !code && i < r.rows; i++)
    if (r.row[i].place.kind == MON_PLACE_FUNCTION && r.row[i].place.at == y->at) *out = r.row[i].f;
  forget(&r);
  return code;
}

/* --- text --- */

static int by_instructions(const void *a, const void *b) {
  const struct row *x = a, *y = b;
  if (x->f.instructions != y->f.instructions) return x->f.instructions > y->f.instructions ? -1 : 1;
  if (x->place.kind != y->place.kind) return (int)x->place.kind - (int)y->place.kind;
  return x->place.at < y->place.at ? -1 : x->place.at > y->place.at;
}

static uint64_t total(const struct report *r) {
  return r->kernel_instructions + r->user_instructions + r->lost + r->vm->coverage->tally.unfetched;
}

static bool write_text(struct report *r, FILE *to) {
  char name[MON_PLACE_NAME];
  uint64_t all = total(r);
  fprintf(to, "%" PRIu64 " instructions: %" PRIu64 " of the kernel, %" PRIu64 " of user programs", all,
          r->kernel_instructions, r->user_instructions);
  if (r->lost) fprintf(to, ", %" PRIu64 " of code for which there was no room", r->lost);
  fprintf(to, ", %" PRIu64 " could not be fetched\n", r->vm->coverage->tally.unfetched);
  bool modules = false;
  for (size_t i = 0; i < r->rows; i++) modules = modules || mon_place_is_module(r->row[i].place);
  const char *why = modules ? mon_modules_why(r->vm) : NULL;
  if (why) fprintf(to, "modules are by page: %s\n", why);
  fputc('\n', to);
  fprintf(to, "  share      instructions       entered  executed of  function or page\n");
  if (r->rows) qsort(r->row, r->rows, sizeof *r->row, by_instructions);
  for (size_t i = 0; i < r->rows; i++) {
    const struct row *w = &r->row[i];
    fprintf(to, "%6.2f%%  %16" PRIu64 "  %12" PRIu64 "  %5u %5u  %s\n",
            all ? 100.0 * (double)w->f.instructions / (double)all : 0, w->f.instructions, w->f.entered, w->f.executed,
            w->f.size, mon_place_name(r->vm, w->place, name));
  }
  return true;
}

/* --- JSON --- */

static json_t *number(uint64_t v) {
  return json_integer((json_int_t)v);
}

static json_t *row_json(const struct report *r, const struct row *w) {
  char name[MON_PLACE_NAME], at[24];
  json_t *o = json_object();
  snprintf(at, sizeof at, "0x%016" PRIx64, w->place.at);
  json_object_set_new(o, "name", json_string(mon_place_name(r->vm, w->place, name)));
  if (w->place.kind != MON_PLACE_VECTOR) json_object_set_new(o, "address", json_string(at));
  json_object_set_new(o, "instructions", number(w->f.instructions));
  json_object_set_new(o, "executed", number(w->f.executed));
  if (w->place.kind != MON_PLACE_FUNCTION) return o;
  json_object_set_new(o, "size", number(w->f.size));
  json_object_set_new(o, "entered", number(w->f.entered));
  return o;
}

static bool write_json(struct report *r, FILE *to) {
  json_t *o = json_object(), *functions = json_array(), *rest = json_array();
  for (size_t i = 0; i < r->rows; i++)
    json_array_append_new(r->row[i].place.kind == MON_PLACE_FUNCTION ? functions : rest, row_json(r, &r->row[i]));
  json_object_set_new(o, "instructions", number(total(r)));
  json_object_set_new(o, "kernel", number(r->kernel_instructions));
  json_object_set_new(o, "user", number(r->user_instructions));
  json_object_set_new(o, "unfetched", number(r->vm->coverage->tally.unfetched));
  json_object_set_new(o, "lost", number(r->lost));
  json_object_set_new(o, "functions", functions);
  json_object_set_new(o, "elsewhere", rest);
  bool good = o && !json_dumpf(o, to, JSON_INDENT(1));
  fputc('\n', to);
  json_decref(o);
  return good;
}

/* --- lines --- */

int mb_load_debug_info(struct mb_vm *vm, const char *path) {
  if (vm->started) return mon_fail(vm->error, MB_ERR_STATE, "the machine has been started already");
  mon_dwarf_free(vm->dwarf);
  vm->dwarf = NULL;
  int code = mb_offer_debug_info(vm, path ? path : vm->kernel_path ? vm->kernel_path : "");
  vm->dwarf_later = false;
  return code ? code : mon_dwarf_read(&vm->dwarf, vm->debug_path, vm->error);
}

static bool write_lines(struct report *r, FILE *to) {
  const struct mon_dwarf *d = r->vm->dwarf;
  struct mon_lcov_part *part = malloc((1 + mon_modules_count(r->vm)) * sizeof *part);
  if (!part) return false;
  part[0] = (struct mon_lcov_part){.d = d, .shift = mon_kernel_shift(r->vm, d->anchor)};
  bool good = mon_lcov_write(part, 1 + mon_modules_lines(r->vm, part + 1), &r->kernel, to);
  free(part);
  return good;
}

/* --- the whole --- */

int mb_coverage_write(struct mb_vm *vm, const char *path) {
  const char *dot = strrchr(path, '.');
  bool lines = dot && !strcmp(dot, ".info"), json = dot && !strcmp(dot, ".json");
  struct report r;
  char *text = NULL;
  size_t n = 0;
  int code = not_wanted(vm);
  if (code) return code;
  if (lines && !vm->dwarf)
    return mon_fail(vm->error, MB_ERR_STATE, "coverage by line wants the kernel's debug information");
  FILE *f = open_memstream(&text, &n);
  bool good = read_counts(&r, vm) && f && (lines ? write_lines : json ? write_json : write_text)(&r, f);
  if (!f || fclose(f)) good = false;
  code = mon_write_file(vm->error, "coverage", path, good ? text : NULL, n);
  free(text);
  forget(&r);
  return code;
}
