/* cli/flame.c: folded stacks into a tree, and that into a page, drawn by cli/flame.js. */
/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "cli/flame.h"
#include "cli/page.h"
#include "cli/page_files.h" /* made of flame.js */
#include <search.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN_MAX = 20000 };

struct frame {
  const char *name;
  uint64_t count;
  uint32_t child, last, next; /* the first and the last below it; the next beside it; 0: none */
};

struct tree {
  struct frame *frame; /* frame 0 is all */
  uint32_t frames, room;
  bool failed; /* out of memory */
};

/* --- reading stacks --- */

/* The frame of this name below another, made if need be. Stacks come sorted, so it is hardly ever far. */
static uint32_t below(struct tree *t, uint32_t above, const char *name) {
  uint32_t last = t->frame[above].last;
  if (last && !strcmp(t->frame[last].name, name)) return last;
  for (uint32_t i = t->frame[above].child; i; i = t->frame[i].next)
    if (!strcmp(t->frame[i].name, name)) return i;
  if (t->frames == t->room) {
    struct frame *more = realloc(t->frame, 2 * (size_t)t->room * sizeof *more);
    if (!more || t->room > UINT32_MAX / 4) {
      t->failed = true;
      if (more) t->frame = more;
      return above;
    }
    t->frame = more;
    t->room *= 2;
  }
  t->frame[t->frames] = (struct frame){.name = name};
  *(last ? &t->frame[last].next : &t->frame[above].child) = t->frames;
  return t->frame[above].last = t->frames++;
}

static void add_stack(struct tree *t, char *stack, uint64_t count) {
  char *rest = NULL;
  uint32_t at = 0;
  t->frame[0].count += count;
  for (char *name = strtok_r(stack, ";", &rest); name && !t->failed; name = strtok_r(NULL, ";", &rest)) {
    at = below(t, at, name);
    t->frame[at].count += count;
  }
}

static void read_stacks(struct tree *t, char *stacks) {
  char *rest = NULL;
  *t = (struct tree){.frame = calloc(1024, sizeof *t->frame), .frames = 1, .room = 1024};
  t->failed = !t->frame;
  for (char *line = strtok_r(stacks, "\n", &rest); line && !t->failed; line = strtok_r(NULL, "\n", &rest)) {
    char *space = strrchr(line, ' ');
    if (!space) continue;
    *space = 0;
    add_stack(t, line, strtoull(space + 1, NULL, 10));
  }
}

/* --- what is shown of it --- */

struct writer {
  const struct tree *t;
  uint64_t least; /* what has less is not shown */
  void *by_name;
  json_t *names, *depth, *name, *count, *more;
  bool failed;
};

struct name {
  const char *text;
  size_t number;
};

static int by_text(const void *a, const void *b) {
  return strcmp(((const struct name *)a)->text, ((const struct name *)b)->text);
}

static size_t name_number(struct writer *w, const char *text) {
  struct name key = {text, json_array_size(w->names)}, **found = tfind(&key, &w->by_name, by_text);
  if (found) return (*found)->number;
  struct name *n = malloc(sizeof *n);
  if (n) *n = key;
  if (!n || !tsearch(n, &w->by_name, by_text)) {
    free(n);
    w->failed = true;
    return 0;
  }
  json_array_append_new(w->names, json_string(text));
  return key.number;
}

static int add_number(json_t *to, uint64_t n) {
  return json_array_append_new(to, json_integer((json_int_t)n));
}

/* Stacks are as deep as the profile's, a few hundred at most. */
static void write_frame(struct writer *w, uint32_t at, unsigned depth) {
  const struct frame *f = &w->t->frame[at];
  uint64_t more = 0;
  for (uint32_t i = f->child; i; i = w->t->frame[i].next)
    if (w->t->frame[i].count < w->least) more += w->t->frame[i].count;
  w->failed |= add_number(w->depth, depth) || add_number(w->name, name_number(w, at ? f->name : "all")) ||
               add_number(w->count, f->count) || add_number(w->more, more);
  for (uint32_t i = f->child; i && !w->failed; i = w->t->frame[i].next)
    if (w->t->frame[i].count >= w->least) write_frame(w, i, depth + 1);
}

static int by_count(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return x > y ? -1 : x < y;
}

/* What a frame must have to be among the largest. */
static uint64_t least_of(const struct tree *t) {
  if (t->frames <= SHOWN_MAX) return 0;
  uint64_t *count = malloc(t->frames * sizeof *count), least = UINT64_MAX;
  for (uint32_t i = 0; count && i < t->frames; i++) count[i] = t->frame[i].count;
  if (count) qsort(count, t->frames, sizeof *count, by_count);
  if (count) least = count[SHOWN_MAX - 1] + 1;
  free(count);
  return least;
}

json_t *flame_tree(char *stacks) {
  struct tree t;
  read_stacks(&t, stacks);
  struct writer w = {.t = &t, .names = json_array(), .depth = json_array(), .name = json_array()};
  w.count = json_array();
  w.more = json_array();
  w.failed = t.failed;
  if (!w.failed) {
    w.least = least_of(&t);
    write_frame(&w, 0, 0);
  }
  json_int_t shown = (json_int_t)json_array_size(w.depth), all = t.frames;
  json_t *o = json_pack("{s:o, s:o, s:o, s:o, s:o, s:I, s:I}", "names", w.names, "depth", w.depth, "name", w.name,
                        "count", w.count, "more", w.more, "shown", shown, "all", all);
  tdestroy(w.by_name, free);
  free(t.frame);
  if (!w.failed) return o;
  json_decref(o);
  return NULL;
}

/* --- the page --- */

int flame_write(struct mb_vm *vm, const char *kernel, bool exact, const char *path) {
  static const char *const option[] = {"run: --profile", "run: --profile-exact"};
  char *stacks;
  struct mb_stats s;
  if (mb_profile_stacks(vm, exact, &stacks)) return 1;
  json_t *tree = flame_tree(stacks);
  mb_get_stats(vm, &s);
  json_t *o = json_pack("{s:b, s:I, s:f, s:s?, s:s?, s:s, s:o*}", "exact", exact, "instructions",
                        (json_int_t)s.instructions, "seconds", (double)s.virtual_ns / 1e9, "vm", mb_vm_name(vm),
                        "kernel", kernel, "version", mb_version(), "tree", tree);
  int bad = page_write(option[exact], path, "mirrorball: a profile", o, (const char *)flame_js, false);
  json_decref(o);
  free(stacks);
  return bad;
}
