/* cli/report_pages.c: from a run's page log to what the map of pages over time shows. */
/* SPDX-License-Identifier: Apache-2.0 */
/* docs/page-placement.md explains the log. A frame of the machine's memory is a page of a guest's until the log says
 * otherwise; what is told goes by the guest's page, whichever frame it is in. The log is read twice: to see which pages
 * are missed most, and to tell of those. */
#include "cli/report.h"
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { PAGES_MAX = 600, INTERVALS = 100, FRAMES_MAX = 1 << 24, NONE = -1 };

struct page {
  unsigned vm;
  uint64_t n, misses;
  int shown;    /* its place among those that are shown; NONE */
  json_t *heat; /* what was last told of it, of interval `time`; borrowed */
  int time;
};

struct log {
  struct page *page;
  size_t pages, room;
  int32_t *slot; /* hash of VM and number to page; NONE; twice as many as there is room */
  int32_t *of;   /* by frame: its page; NONE */
  size_t frames;
  double now, end;       /* seconds; end: when the first reading has come to it */
  bool failed;           /* no memory, or no such log */
  json_t *heat, *events; /* of the second reading; else NULL */
};

/* --- pages by name --- */

static size_t hash_of(unsigned vm, uint64_t n, size_t slots) {
  return (size_t)((n * 64 + vm) * 0x9e3779b97f4a7c15u >> 20) & (slots - 1);
}

static void put(struct log *l, int32_t page) {
  size_t slots = l->room * 2, at = hash_of(l->page[page].vm, l->page[page].n, slots);
  while (l->slot[at] != NONE) at = (at + 1) & (slots - 1);
  l->slot[at] = page;
}

static bool grow(struct log *l) {
  size_t room = l->room ? l->room * 2 : 1024;
  struct page *page = realloc(l->page, room * sizeof *page);
  if (page) l->page = page;
  int32_t *slot = page ? realloc(l->slot, room * 2 * sizeof *slot) : NULL;
  if (!slot) return l->failed = true, false;
  l->slot = slot;
  l->room = room;
  for (size_t i = 0; i < room * 2; i++) slot[i] = NONE;
  for (size_t i = 0; i < l->pages; i++) put(l, (int32_t)i);
  return true;
}

/* The page of this name, which may be a new one. NONE: no memory. */
static int32_t named(struct log *l, unsigned vm, uint64_t n) {
  if (l->pages == l->room && !grow(l)) return NONE;
  size_t slots = l->room * 2;
  for (size_t at = hash_of(vm, n, slots); l->slot[at] != NONE; at = (at + 1) & (slots - 1))
    if (l->page[l->slot[at]].n == n && l->page[l->slot[at]].vm == vm) return l->slot[at];
  l->page[l->pages] = (struct page){.vm = vm, .n = n, .shown = NONE};
  put(l, (int32_t)l->pages);
  return (int32_t)l->pages++;
}

static void name_frame(struct log *l, uint64_t frame, unsigned vm, uint64_t n) {
  size_t frames = l->frames ? l->frames : 1024;
  while (frames <= frame && frames < FRAMES_MAX) frames *= 2;
  int32_t *of = frame >= FRAMES_MAX ? NULL : frames == l->frames ? l->of : realloc(l->of, frames * sizeof *of);
  if (!of) {
    l->failed = true;
    return;
  }
  for (size_t i = l->frames; i < frames; i++) of[i] = NONE;
  l->of = of;
  l->frames = frames;
  of[frame] = named(l, vm, n);
}

static struct page *page_of(const struct log *l, uint64_t frame) {
  return frame < l->frames && l->of[frame] != NONE ? &l->page[l->of[frame]] : NULL;
}

/* --- lines --- */

/* Add a node's misses to [[node, reads, writes], ...]. */
static void add_misses(json_t *by, unsigned node, unsigned reads, unsigned writes) {
  size_t i;
  json_t *one;
  json_array_foreach(by, i, one) {
    if (json_integer_value(json_array_get(one, 0)) != node) continue;
    json_array_set_new(one, 1, json_integer(json_integer_value(json_array_get(one, 1)) + reads));
    json_array_set_new(one, 2, json_integer(json_integer_value(json_array_get(one, 2)) + writes));
    return;
  }
  json_array_append_new(by, json_pack("[i,i,i]", (int)node, (int)reads, (int)writes));
}

/* The misses of "0:12+3 2:4+0", which are added to `by`, too, unless that is NULL. */
static uint64_t misses_of(const char *text, json_t *by) {
  uint64_t sum = 0;
  for (const char *s = text; *s && *s != '\n'; s += strcspn(s, " \n")) {
    unsigned node, reads, writes;
    s += strspn(s, " ");
    if (sscanf(s, "%u:%u+%u", &node, &reads, &writes) != 3) break;
    sum += reads + writes;
    if (by) add_misses(by, node, reads, writes);
  }
  return sum;
}

static void read_heat(struct log *l, const char *line) {
  uint64_t frame;
  unsigned home;
  int at = 0, time;
  struct page *p;
  if (sscanf(line, "h %" SCNx64 " %u%n", &frame, &home, &at) != 2 || !(p = page_of(l, frame))) return;
  if (!l->heat) {
    p->misses += misses_of(line + at, NULL);
    return;
  }
  if (p->shown == NONE) return;
  time = l->end > 0 ? (int)(l->now / l->end * INTERVALS) : 0;
  if (time >= INTERVALS) time = INTERVALS - 1;
  if (!p->heat || p->time != time) {
    p->time = time;
    p->heat = json_pack("{s:i,s:i,s:i,s:[]}", "page", p->shown, "time", time, "home", (int)home, "by");
    if (json_array_append_new(l->heat, p->heat)) p->heat = NULL;
  }
  json_object_set_new(p->heat, "home", json_integer(home));
  misses_of(line + at, json_object_get(p->heat, "by"));
}

static void read_event(struct log *l, const char *line) {
  uint64_t frame;
  unsigned from, to;
  const struct page *p;
  char kind[2] = {*line, 0};
  if (!l->events || sscanf(line + 1, " %" SCNx64 " %u %u", &frame, &from, &to) != 3) return;
  if (!(p = page_of(l, frame)) || p->shown == NONE) return;
  json_array_append_new(l->events, json_pack("{s:i,s:f,s:s,s:i,s:i}", "page", p->shown, "at", l->now, "kind", kind,
                                             "from", (int)from, "to", (int)to));
}

static void read_line(struct log *l, const char *line) {
  uint64_t a, n;
  unsigned vm;
  switch (*line) {
  case 't':
    if (sscanf(line, "t %" SCNu64, &a) == 1) l->now = (double)a / 1e9;
    break;
  case 'p':
    if (sscanf(line, "p %" SCNx64 " %u %" SCNx64, &a, &vm, &n) == 3) name_frame(l, a, vm, n);
    break;
  case 'h': read_heat(l, line); break;
  case 'm':
  case 'r':
  case 'c':
  case 'l': read_event(l, line); break;
  default: break;
  }
}

static void read_all(struct log *l, const char *text) {
  l->now = 0;
  for (size_t i = 0; i < l->frames; i++) l->of[i] = NONE;
  for (const char *s = text; *s && !l->failed; s += strcspn(s, "\n"), s += *s == '\n') read_line(l, s);
}

/* --- which are shown --- */

static int by_misses(const void *a, const void *b) {
  const struct page *x = *(const struct page *const *)a, *y = *(const struct page *const *)b;
  return (x->misses < y->misses) - (x->misses > y->misses);
}

static int by_name(const void *a, const void *b) {
  const struct page *x = *(const struct page *const *)a, *y = *(const struct page *const *)b;
  return x->vm != y->vm ? (x->vm > y->vm) - (x->vm < y->vm) : (x->n > y->n) - (x->n < y->n);
}

/* Choose those that are missed most, in the order of their names. NULL: no memory. */
static json_t *choose(struct log *l) {
  struct page **order = malloc((l->pages + 1) * sizeof *order);
  json_t *all = order ? json_array() : NULL;
  size_t n = 0;
  if (!all) return free(order), NULL;
  for (size_t i = 0; i < l->pages; i++) order[i] = &l->page[i];
  qsort(order, l->pages, sizeof *order, by_misses);
  while (n < l->pages && n < PAGES_MAX && order[n]->misses) n++;
  qsort(order, n, sizeof *order, by_name);
  for (size_t i = 0; i < n; i++) {
    order[i]->shown = (int)i;
    json_array_append_new(all, json_pack("{s:i,s:I}", "vm", (int)order[i]->vm + 1, "n", (json_int_t)order[i]->n));
  }
  free(order);
  return all;
}

json_t *report_pages(const char *text) {
  struct log l = {0};
  json_t *o = NULL, *pages = NULL;
  if (strncmp(text, "mirrorball page log 1\n", 22)) return NULL;
  read_all(&l, text);
  if (!l.failed && (pages = choose(&l))) {
    json_t *times = json_array();
    l.end = l.now;
    for (int i = 1; i <= INTERVALS; i++) json_array_append_new(times, json_real(l.end * i / INTERVALS));
    l.heat = json_array();
    l.events = json_array();
    read_all(&l, text);
    o = json_pack("{s:I,s:o,s:o,s:o,s:o}", "all", (json_int_t)l.pages, "page", pages, "times", times, "heat", l.heat,
                  "events", l.events);
  }
  free(l.page);
  free(l.slot);
  free(l.of);
  return o;
}
