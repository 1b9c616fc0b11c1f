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

struct name {
  const char *text;
  size_t number;
  uint64_t self, sum; /* in functions of that name, and with what they called */
  unsigned open;      /* of them are on the stack that is being looked at */
};

struct writer {
  const struct tree *t;
  uint64_t least; /* what has less is not shown */
  void *by_name;
  struct name **name; /* by number; in the tree, too */
  size_t names, room;
  json_t *depth, *number, *count, *more;
  bool failed;
};

static int by_text(const void *a, const void *b) {
  return strcmp(((const struct name *)a)->text, ((const struct name *)b)->text);
}

/* NULL: no memory. */
static struct name *name_of(struct writer *w, const char *text) {
  struct name key = {.text = text, .number = w->names}, **found = tfind(&key, &w->by_name, by_text);
  if (found) return *found;
  if (w->names == w->room) {
    size_t room = w->room ? 2 * w->room : 1024;
    struct name **more = realloc(w->name, room * sizeof(struct name *));
    if (!more) return NULL;
    w->name = more;
    w->room = room;
  }
  struct name *n = malloc(sizeof *n);
  if (n) *n = key;
  if (!n || !tsearch(n, &w->by_name, by_text)) {
    free(n);
    return NULL;
  }
  return w->name[w->names++] = n;
}

static int add_number(json_t *to, uint64_t n) {
  return json_array_append_new(to, json_integer((json_int_t)n));
}

/* All frames are added up by name, and the large ones are written. Stacks are as deep as the profile's, a few hundred
 * at most. */
static void write_frame(struct writer *w, uint32_t at, unsigned depth) {
  const struct frame *f = &w->t->frame[at];
  struct name *n = name_of(w, at ? f->name : "all");
  uint64_t more = 0, self = f->count;
  w->failed |= !n;
  if (w->failed) return;
  for (uint32_t i = f->child; i; i = w->t->frame[i].next) {
    self -= w->t->frame[i].count;
    if (w->t->frame[i].count < w->least) more += w->t->frame[i].count;
  }
  n->self += self;
  if (!n->open++) n->sum += f->count;
  if (f->count >= w->least)
    w->failed |= add_number(w->depth, depth) || add_number(w->number, n->number) || add_number(w->count, f->count) ||
                 add_number(w->more, more);
  for (uint32_t i = f->child; i && !w->failed; i = w->t->frame[i].next) write_frame(w, i, depth + 1);
  n->open--;
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

/* The names, and what each has, added to o. */
static bool add_names(const struct writer *w, json_t *o) {
  json_t *text = json_array(), *self = json_array(), *sum = json_array();
  bool good = !json_object_set_new(o, "names", text) && !json_object_set_new(o, "self", self) &&
              !json_object_set_new(o, "sum", sum);
  for (size_t i = 0; good && i < w->names; i++)
    good = !json_array_append_new(text, json_string(w->name[i]->text)) && !add_number(self, w->name[i]->self) &&
           !add_number(sum, w->name[i]->sum);
  return good;
}

json_t *flame_tree(char *stacks) {
  struct tree t;
  read_stacks(&t, stacks);
  struct writer w = {.t = &t, .depth = json_array(), .number = json_array(), .failed = t.failed};
  w.count = json_array();
  w.more = json_array();
  if (!w.failed) {
    w.least = least_of(&t);
    write_frame(&w, 0, 0);
  }
  json_int_t shown = (json_int_t)json_array_size(w.depth), all = t.frames;
  json_t *o = json_pack("{s:o, s:o, s:o, s:o, s:I, s:I}", "depth", w.depth, "name", w.number, "count", w.count, "more",
                        w.more, "shown", shown, "all", all);
  bool good = !w.failed && o && add_names(&w, o);
  tdestroy(w.by_name, free);
  free(w.name);
  free(t.frame);
  if (good) return o;
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
