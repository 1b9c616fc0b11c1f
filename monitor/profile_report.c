/* monitor/profile_report.c: a profile for people, as JSON, and as folded stacks. */
/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "frontend/paths.h"
#include "monitor/modules.h"
#include "monitor/place.h"
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS_SHOWN = 60, ADDRESSES_SHOWN = 25, PAGES_SHOWN = 40, LEFT_SHOWN = 30, ASIDS = 256 };

/* What samples are added up by. */
struct row {
  struct mon_place place;
  uint64_t kernel, user;     /* samples in it */
  uint64_t cumulative;       /* samples in it or in what it called */
  size_t last;               /* the last stack that was counted, + 1 */
  uint64_t asid[ASIDS / 64]; /* MON_PLACE_USER_PAGE: whose */
};

struct report {
  struct mb_vm *vm;
  const struct mon_profile *p;
  struct row *row;
  size_t rows, room;
  uint32_t *slot; /* 1 + index of a row */
  uint64_t user, asid_samples[ASIDS];
  bool failed; /* out of memory */
};

/* What is counted, and how wide its columns are. */
static const char *unit(const struct report *r) {
  return r->p->exact ? "instructions" : "samples";
}

static int wide(const struct report *r) {
  return r->p->exact ? 14 : 8;
}

/* --- adding up --- */

static size_t hash_of(struct mon_place place) {
  return (size_t)((place.at ^ place.kind) * UINT64_C(0x9fb21c651e98df25) >> 20);
}

static bool more_rows(struct report *r) {
  size_t room = r->room ? r->room * 2 : 4096;
  struct row *row = realloc(r->row, room * sizeof *row);
  if (row) r->row = row;
  uint32_t *slot = calloc(room * 2, sizeof *slot);
  if (!row || !slot) {
    free(slot);
    return false;
  }
  free(r->slot);
  r->slot = slot;
  r->room = room;
  for (size_t k = 0; k < r->rows; k++) {
    size_t i = hash_of(r->row[k].place);
    while (slot[i & (room * 2 - 1)]) i++;
    slot[i & (room * 2 - 1)] = (uint32_t)(k + 1);
  }
  return true;
}

static struct row *row_of(struct report *r, struct mon_place place) {
  if (r->rows == r->room && !more_rows(r)) return NULL;
  for (size_t i = hash_of(place);; i++) {
    uint32_t *slot = &r->slot[i & (r->room * 2 - 1)];
    if (!*slot) {
      r->row[r->rows] = (struct row){.place = place};
      *slot = (uint32_t)++r->rows;
    }
    struct row *row = &r->row[*slot - 1];
    if (mon_place_same(row->place, place)) return row;
  }
}

static void add_stack(struct report *r, size_t index) {
  const struct mon_stack *s = &r->p->stack[index];
  for (unsigned i = 0; i < s->depth; i++) {
    struct row *row = row_of(r, mon_place_of(r->vm, r->p->call[s->call + i], s->user));
    if (!row) {
      r->failed = true;
      return;
    }
    if (row->last != index + 1) row->cumulative += s->samples;
    row->last = index + 1;
    if (i) continue;
    *(s->user ? &row->user : &row->kernel) += s->samples;
    row->asid[s->asid / 64] |= (uint64_t)s->user << s->asid % 64;
  }
  if (!s->user) return;
  r->user += s->samples;
  r->asid_samples[s->asid] += s->samples;
}

static uint64_t self(const struct row *row) {
  return row->kernel + row->user;
}

static int by_self(const void *a, const void *b) {
  const struct row *x = a, *y = b;
  if (self(x) != self(y)) return self(x) > self(y) ? -1 : 1;
  if (x->cumulative != y->cumulative) return x->cumulative > y->cumulative ? -1 : 1;
  if (x->place.at != y->place.at) return x->place.at < y->place.at ? -1 : 1;
  return (int)x->place.kind - (int)y->place.kind;
}

static void add_up(struct report *r) {
  for (size_t i = 0; i < r->p->stacks && !r->failed; i++) add_stack(r, i);
  if (r->rows) qsort(r->row, r->rows, sizeof *r->row, by_self);
}

static double share(const struct report *r, uint64_t samples) {
  return r->p->samples ? 100.0 * (double)samples / (double)r->p->samples : 0;
}

/* --- text --- */

static void count_line(FILE *to, const char *name, uint64_t v) {
  fprintf(to, "  %-24s %16" PRIu64 "\n", name, v);
}

static void text_statistics(const struct report *r, const struct mb_stats *s, FILE *to) {
  uint64_t stencil = (uint64_t)(s->tier_stencil * (double)s->instructions + 0.5);
  fprintf(to, "\nTiers              instructions   share  blocks compiled  instructions compiled\n");
  fprintf(to, "  %-12s %16" PRIu64 "  %5.1f%%\n", "eval", s->instructions - stencil, 100 * s->tier_eval);
  fprintf(to, "  %-12s %16" PRIu64 "  %5.1f%% %16" PRIu64 " %22" PRIu64 "\n", "stencil", stencil, 100 * s->tier_stencil,
          s->blocks_compiled, s->insns_compiled);
  fprintf(to, "\nBlocks\n");
  count_line(to, "made", s->blocks_made);
  count_line(to, "instructions in them", s->insns_translated);
  count_line(to, "dropped", s->blocks_dropped);
  count_line(to, "code writes", s->code_writes);
  count_line(to, "code memory resets", s->code_resets);
  count_line(to, "bytes", s->code_bytes);
  fprintf(to, "\nExits to the run loop\n");
  for (unsigned i = 0; i < MB_EXITS; i++) count_line(to, mb_exit_name(i), s->exits[i]);
  count_line(to, "units run alone", s->units_alone);
  fprintf(to, "\nMemory\n");
  count_line(to, "TLB refills", s->tlb_refills);
  count_line(to, "L2 TLB hits", s->l2tlb_hits);
  count_line(to, "soft TLB fills", s->softtlb_fills);
  count_line(to, "tlbwr", s->tlbwr);
  count_line(to, "tlbwi", s->tlbwi);
  count_line(to, "device accesses", s->device_accesses);
  fprintf(to, "\nExceptions\n");
  for (unsigned i = 0; i < 32; i++)
    if (s->exceptions[i]) count_line(to, mips_exc_name[i] ? mips_exc_name[i] : "other", s->exceptions[i]);
  count_line(to, "eret", s->eret);
  fprintf(to, "\nHost seconds (these differ from run to run)\n");
  fprintf(to, "  %-24s %16.3f\n  %-24s %16.3f\n  %-24s %16.3f\n", "in all", s->wall_seconds, "making blocks",
          s->translate_seconds, "compiling stencils", s->compile_seconds);
  (void)r;
}

static void text_functions(const struct report *r, FILE *to) {
  char name[MON_PLACE_NAME];
  int w = wide(r);
  fprintf(to, "\nHottest code\n   share   total      cum  %*s  %*s  %*s  function or page\n", w, unit(r), w, "kernel",
          w, "user");
  uint64_t sum = 0;
  for (size_t i = 0; i < r->rows && i < ROWS_SHOWN && self(&r->row[i]); i++) {
    const struct row *row = &r->row[i];
    sum += self(row);
    fprintf(to, "  %5.2f%%  %5.1f%%  %6.2f%%  %*" PRIu64 "  %*" PRIu64 "  %*" PRIu64 "  %s\n", share(r, self(row)),
            share(r, sum), share(r, row->cumulative), w, self(row), w, row->kernel, w, row->user,
            mon_place_name(r->vm, row->place, name));
  }
}

static int by_cumulative(const void *a, const void *b) {
  const struct row *const *x = a, *const *y = b;
  if ((*x)->cumulative != (*y)->cumulative) return (*x)->cumulative > (*y)->cumulative ? -1 : 1;
  return *x < *y ? -1 : *x > *y;
}

static void text_cumulative(struct report *r, FILE *to) {
  char name[MON_PLACE_NAME];
  const struct row **order = malloc((r->rows + 1) * sizeof *order);
  if (!order) {
    r->failed = true;
    return;
  }
  for (size_t i = 0; i < r->rows; i++) order[i] = &r->row[i];
  qsort(order, r->rows, sizeof *order, by_cumulative);
  int w = wide(r);
  fprintf(to, "\nWith what they called\n      cum  %12s%s  %*s  function or page\n", unit(r),
          r->p->exact ? "" : " in all", w, "self");
  for (size_t i = 0; i < r->rows && i < ROWS_SHOWN / 2; i++)
    fprintf(to, "  %6.2f%%  %14" PRIu64 "  %*" PRIu64 "  %s\n", share(r, order[i]->cumulative), order[i]->cumulative, w,
            self(order[i]), mon_place_name(r->vm, order[i]->place, name));
  free(order);
}

struct address {
  uint64_t pc, samples;
  bool user;
};

static int by_pc(const void *a, const void *b) {
  const struct address *x = a, *y = b;
  if (x->pc != y->pc) return x->pc < y->pc ? -1 : 1;
  return (int)x->user - (int)y->user;
}

static int by_samples(const void *a, const void *b) {
  const struct address *x = a, *y = b;
  if (x->samples != y->samples) return x->samples > y->samples ? -1 : 1;
  return by_pc(a, b);
}

static void text_addresses(struct report *r, FILE *to) {
  struct address *a = malloc((r->p->stacks + 1) * sizeof *a);
  size_t n = 0;
  if (!a) {
    r->failed = true;
    return;
  }
  for (size_t i = 0; i < r->p->stacks; i++) {
    const struct mon_stack *s = &r->p->stack[i];
    a[i] = (struct address){r->p->call[s->call], s->samples, s->user};
  }
  qsort(a, r->p->stacks, sizeof *a, by_pc);
  for (size_t i = 0; i < r->p->stacks; i++) {
    if (n && !by_pc(&a[n - 1], &a[i]))
      a[n - 1].samples += a[i].samples;
    else
      a[n++] = a[i];
  }
  qsort(a, n, sizeof *a, by_samples);
  fprintf(to, "\nHottest addresses\n   share   samples  address\n");
  for (size_t i = 0; i < n && i < ADDRESSES_SHOWN; i++) {
    char name[MON_PLACE_NAME];
    mon_symbol_name(&r->vm->symbols, a[i].pc, name, sizeof name);
    fprintf(to, "  %5.2f%%  %8" PRIu64 "  %s 0x%08" PRIx64, share(r, a[i].samples), a[i].samples,
            a[i].user ? "user  " : "kernel", a[i].pc);
    fprintf(to, strncmp(name, "0x", 2) ? "  %s\n" : "\n", name);
  }
  free(a);
}

/* Function by function, or page by page, why it was left. */
struct left {
  struct mon_place place;
  uint32_t kind;
  uint64_t samples;
};

static int by_left_place(const void *a, const void *b) {
  const struct left *x = a, *y = b;
  if (x->place.at != y->place.at) return x->place.at < y->place.at ? -1 : 1;
  if (x->place.kind != y->place.kind) return (int)x->place.kind - (int)y->place.kind;
  return (int)x->kind - (int)y->kind;
}

static int by_left(const void *a, const void *b) {
  const struct left *x = a, *y = b;
  if (x->samples != y->samples) return x->samples > y->samples ? -1 : 1;
  return by_left_place(a, b);
}

static void text_left(struct report *r, FILE *to) {
  struct left *l = malloc((MON_LEFT_PLACES + 1) * sizeof *l);
  size_t all = 0, n = 0;
  char name[MON_PLACE_NAME];
  if (!l) {
    r->failed = true;
    return;
  }
  for (size_t i = 0; i < MON_LEFT_PLACES; i++) {
    const struct mon_left *from = &r->p->left[i];
    if (from->samples)
      l[all++] = (struct left){mon_place_of(r->vm, from->pc, !(from->pc >> 63)), from->kind, from->samples};
  }
  qsort(l, all, sizeof *l, by_left_place);
  for (size_t i = 0; i < all; i++) {
    if (n && !by_left_place(&l[n - 1], &l[i]))
      l[n - 1].samples += l[i].samples;
    else
      l[n++] = l[i];
  }
  qsort(l, n, sizeof *l, by_left);
  fprintf(to, "\nWhere generated code is left for the run loop (one time in %d is counted; this depends on the tier)\n",
          MON_LEFT_EVERY);
  fprintf(to, "   share  about times  why      function or page\n");
  for (size_t i = 0; i < n && i < LEFT_SHOWN; i++)
    fprintf(to, "  %5.2f%%  %11" PRIu64 "  %-7s  %s\n",
            100.0 * (double)(l[i].samples * MON_LEFT_EVERY) / (double)r->p->left_seen, l[i].samples * MON_LEFT_EVERY,
            mb_exit_name(l[i].kind), mon_place_name(r->vm, l[i].place, name));
  free(l);
}

/* " asid 2a", or how many there are, as far as that is known. */
static const char *asids(const struct report *r, const struct row *row, char buf[32]) {
  unsigned n = 0, last = 0;
  if (r->p->exact) return "";
  for (unsigned i = 0; i < ASIDS; i++)
    if (row->asid[i / 64] >> i % 64 & 1) n++, last = i;
  snprintf(buf, 32, n == 1 ? " asid %02x" : " %u asids", n == 1 ? last : n);
  return buf;
}

static void text_user(const struct report *r, FILE *to) {
  char buf[32];
  unsigned shown = 0;
  for (size_t i = 0; i < r->rows && shown < PAGES_SHOWN && self(&r->row[i]); i++) {
    const struct row *row = &r->row[i];
    if (row->place.kind != MON_PLACE_USER_PAGE) continue;
    if (!shown++) fprintf(to, "\nUser pages without symbols\n   share  %*s  page\n", wide(r), unit(r));
    fprintf(to, "  %5.2f%%  %*" PRIu64 "  user 0x%08" PRIx64 "%s\n", share(r, self(row)), wide(r), self(row),
            row->place.at, asids(r, row, buf));
  }
  if (!r->user || r->p->exact) return;
  fprintf(to, "\nUser address spaces (numbers are used again)\n   share   samples  asid\n");
  uint64_t left[ASIDS];
  memcpy(left, r->asid_samples, sizeof left);
  for (shown = 0; shown < PAGES_SHOWN / 2; shown++) {
    unsigned best = 0;
    for (unsigned i = 1; i < ASIDS; i++)
      if (left[i] > left[best]) best = i;
    if (!left[best]) break;
    fprintf(to, "  %5.2f%%  %8" PRIu64 "  %02x\n", share(r, left[best]), left[best], best);
    left[best] = 0;
  }
}

static void write_report(struct report *r, FILE *to) {
  const struct mb_vm *vm = r->vm;
  struct mb_stats s;
  mb_get_stats(r->vm, &s);
  fprintf(to, "mirrorball %s profile of %s on %s, %u MiB\n", mb_version(), vm->kernel_path, vm->model->name,
          (unsigned)(vm->config.memory >> 20));
  if (r->p->exact)
    fprintf(to, "%" PRIu64 " instructions, each of them counted, %.1f%% in user mode\n", r->p->samples,
            share(r, r->user));
  else
    fprintf(to, "%" PRIu64 " instructions, a sample each %" PRIu64 ": %" PRIu64 " samples, %.1f%% in user mode\n",
            s.instructions, r->p->every, r->p->samples, share(r, r->user));
  if (r->p->exact && vm->paths->unmatched)
    fprintf(to, "%" PRIu64 " returns go where no call was seen\n", vm->paths->unmatched);
  if (r->p->cut) fprintf(to, "%" PRIu64 " %s are without their callers, for want of memory\n", r->p->cut, unit(r));
  if (r->p->lost) fprintf(to, "%" PRIu64 " %s are left out, for want of memory\n", r->p->lost, unit(r));
  if (!vm->symbols.n) fprintf(to, "no symbols: give some by --symbols=FILE\n");
  bool modules = false;
  for (size_t i = 0; i < r->rows; i++) modules = modules || mon_place_is_module(r->row[i].place);
  const char *why = modules ? mon_modules_why(vm) : NULL;
  if (why) fprintf(to, "modules are by page: %s\n", why);
  text_statistics(r, &s, to);
  text_functions(r, to);
  text_cumulative(r, to);
  if (!r->p->exact) text_addresses(r, to);
  text_user(r, to);
  if (!r->p->exact) text_left(r, to);
}

/* --- folded stacks --- */

struct folded {
  char *text;
  uint64_t samples;
};

/* "user;outermost;...;innermost", owned by the caller; NULL: no memory. */
static char *fold(const struct report *r, const struct mon_stack *s) {
  char *text = NULL, name[MON_PLACE_NAME];
  size_t n;
  FILE *f = open_memstream(&text, &n);
  if (!f) return NULL;
  fputs(s->user ? "user" : "kernel", f);
  for (unsigned i = s->depth; i-- > 0;) {
    fputc(';', f);
    /* The reader takes the last word of a line for the number, and ';' between frames. */
    for (const char *c = mon_place_name(r->vm, mon_place_of(r->vm, r->p->call[s->call + i], s->user), name); *c; c++)
      fputc(*c == ';' || *c == ' ' ? '_' : *c, f);
  }
  if (!fclose(f)) return text;
  free(text);
  return NULL;
}

static int by_text(const void *a, const void *b) {
  return strcmp(((const struct folded *)a)->text, ((const struct folded *)b)->text);
}

/* All stacks, each once, in order; *n of them. NULL: no memory. Free with free_folded(). */
static struct folded *fold_all(const struct report *r, size_t *n) {
  struct folded *f = calloc(r->p->stacks + 1, sizeof *f);
  size_t i = 0;
  for (; f && i < r->p->stacks; i++) {
    f[i] = (struct folded){fold(r, &r->p->stack[i]), r->p->stack[i].samples};
    if (!f[i].text) break;
  }
  if (f && i < r->p->stacks) {
    while (i) free(f[--i].text);
    free(f);
    return NULL;
  }
  *n = 0;
  if (f) qsort(f, i, sizeof *f, by_text);
  for (size_t k = 0; f && k < i; k++) {
    if (*n && !by_text(&f[*n - 1], &f[k])) {
      f[*n - 1].samples += f[k].samples;
      free(f[k].text);
    } else {
      f[(*n)++] = f[k];
    }
  }
  return f;
}

static void free_folded(struct folded *f, size_t n) {
  for (size_t i = 0; f && i < n; i++) free(f[i].text);
  free(f);
}

static void write_folded(struct report *r, FILE *to) {
  size_t n = 0;
  struct folded *f = fold_all(r, &n);
  if (!f) r->failed = true;
  for (size_t i = 0; i < n; i++) fprintf(to, "%s %" PRIu64 "\n", f[i].text, f[i].samples);
  free_folded(f, n);
}

/* --- JSON --- */

static json_t *number(uint64_t v) {
  return json_integer((json_int_t)v);
}

static json_t *asids_json(const struct row *row) {
  json_t *a = json_array();
  for (unsigned i = 0; i < ASIDS; i++)
    if (row->asid[i / 64] >> i % 64 & 1) json_array_append_new(a, number(i));
  return a;
}

static json_t *code_json(const struct report *r) {
  json_t *a = json_array();
  for (size_t i = 0; i < r->rows; i++) {
    const struct row *row = &r->row[i];
    char name[MON_PLACE_NAME], at[24];
    snprintf(at, sizeof at, "0x%016" PRIx64, row->place.at);
    json_t *o = json_object();
    json_object_set_new(o, "name", json_string(mon_place_name(r->vm, row->place, name)));
    bool somewhere = row->place.kind != MON_PLACE_VECTOR && row->place.kind != MON_PLACE_EVENT;
    if (somewhere) json_object_set_new(o, "address", json_string(at));
    json_object_set_new(o, "self", number(self(row)));
    json_object_set_new(o, "kernel", number(row->kernel));
    json_object_set_new(o, "user", number(row->user));
    json_object_set_new(o, "cumulative", number(row->cumulative));
    if (row->place.kind == MON_PLACE_USER_PAGE && !r->p->exact) json_object_set_new(o, "asids", asids_json(row));
    json_array_append_new(a, o);
  }
  return a;
}

static json_t *stacks_json(struct report *r) {
  size_t n = 0;
  struct folded *f = fold_all(r, &n);
  json_t *a = json_array();
  if (!f) r->failed = true;
  for (size_t i = 0; i < n; i++)
    json_array_append_new(a, json_pack("{s:s,s:o}", "stack", f[i].text, "samples", number(f[i].samples)));
  free_folded(f, n);
  return a;
}

static void write_json(struct report *r, FILE *to) {
  json_t *o = mon_stats_json(r->vm);
  json_object_set_new(o, "exact", json_boolean(r->p->exact));
  if (r->p->exact) json_object_set_new(o, "returns_unmatched", number(r->vm->paths->unmatched));
  json_object_set_new(o, "sample_every", number(r->p->every));
  json_object_set_new(o, "samples", number(r->p->samples));
  json_object_set_new(o, "samples_user", number(r->user));
  json_object_set_new(o, "samples_without_callers", number(r->p->cut));
  json_object_set_new(o, "samples_lost", number(r->p->lost));
  struct mb_stats s;
  mb_get_stats(r->vm, &s);
  json_object_set_new(o, "translate_seconds", json_real(s.translate_seconds));
  json_object_set_new(o, "compile_seconds", json_real(s.compile_seconds));
  json_object_set_new(o, "code", code_json(r));
  json_object_set_new(o, "stacks", stacks_json(r));
  if (!o || json_dumpf(o, to, JSON_INDENT(1))) r->failed = true;
  fputc('\n', to);
  json_decref(o);
}

/* --- the whole --- */

static bool ends_in(const char *path, const char *suffix) {
  size_t n = strlen(path), k = strlen(suffix);
  return n >= k && !strcmp(path + n - k, suffix);
}

/* The whole of a profile in a form, as text owned by the caller; NULL: no memory. */
static char *text_of(struct mb_vm *vm, const struct mon_profile *p, void (*write)(struct report *, FILE *), size_t *n) {
  struct report r = {.vm = vm, .p = p};
  char *text = NULL;
  FILE *f = open_memstream(&text, n);
  add_up(&r);
  if (f && !r.failed) write(&r, f);
  if (!f || fclose(f)) r.failed = true;
  free(r.row);
  free(r.slot);
  if (!r.failed) return text;
  free(text);
  return NULL;
}

/* The profile that is asked for; with `exact` *made is to be freed. */
static int find_profile(struct mb_vm *vm, bool exact, const struct mon_profile **p, struct mon_profile **made) {
  *made = NULL;
  if (!vm->started || (exact ? !vm->paths : !vm->profile))
    return mon_fail(vm->error, MB_ERR_STATE, "no %sprofile was asked for", exact ? "exact " : "");
  mon_learn_symbols(vm);
  *p = vm->profile;
  if (!exact) return MB_OK;
  int code = mon_profile_of_paths(vm, made);
  *p = *made;
  return code ? mon_fail(vm->error, code, "out of memory for the profile") : MB_OK;
}

static int write_profile(struct mb_vm *vm, bool exact, const char *path) {
  const struct mon_profile *p;
  struct mon_profile *made;
  size_t n = 0;
  int code = find_profile(vm, exact, &p, &made);
  if (!code) {
    char *text = text_of(vm, p,
                         ends_in(path, ".folded") ? write_folded
                         : ends_in(path, ".json") ? write_json
                                                  : write_report,
                         &n);
    code = mon_write_file(vm->error, "profile", path, text, n);
    free(text);
  }
  mon_profile_free(made);
  return code;
}

int mb_profile_write(struct mb_vm *vm, const char *path) {
  return write_profile(vm, false, path);
}

int mb_profile_exact_write(struct mb_vm *vm, const char *path) {
  return write_profile(vm, true, path);
}

int mb_profile_stacks(struct mb_vm *vm, bool exact, char **text) {
  const struct mon_profile *p;
  struct mon_profile *made;
  size_t n;
  *text = NULL;
  int code = find_profile(vm, exact, &p, &made);
  if (!code && !(*text = text_of(vm, p, write_folded, &n)))
    code = mon_fail(vm->error, MB_ERR_MEMORY, "out of memory for the profile");
  mon_profile_free(made);
  return code;
}
