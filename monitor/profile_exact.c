/* monitor/profile_exact.c: an exact profile: what cpus have counted by call path, as stacks of functions. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Pieces of code are cut where one function ends and the next begins; of an address only the function is kept, so that
 * paths that differ in the place of a call alone are one. */
#include "frontend/paths.h"
#include "monitor/place.h"
#include <stdlib.h>

struct builder {
  struct mb_vm *vm;
  struct mon_profile *p;
  uint64_t call[MIPS_PATH_DEPTH + 2];
};

/* One address for all of a function, or a vector. */
static uint64_t whole(const struct mb_vm *vm, uint64_t pc, bool user) {
  enum { VECTOR = 0x80 };
  struct mon_place place = mon_place_of(vm, pc, user);
  if (place.kind == MON_PLACE_VECTOR) return pc & ~(uint64_t)(VECTOR - 1);
  return place.kind == MON_PLACE_FUNCTION ? place.at : pc;
}

/* b->call[1] and so on: the calls of a path, innermost first. Returns its depth with the piece's own address. */
static uint16_t read_path(struct builder *b, const struct mips_paths *paths, uint32_t node) {
  uint16_t depth = 1;
  for (; node; node = paths->node[node].above) b->call[depth++] = whole(b->vm, paths->node[node].site, false);
  return depth;
}

static void add_piece(struct builder *b, const struct mips_tally_row *row, uint16_t depth, uint64_t count) {
  struct mon_stack s = {.depth = depth, .user = row->user};
  uint64_t end = row->pc + 4u * row->insns;
  for (uint64_t at = row->pc, to; at != end; at = to) {
    to = mon_place_reach(b->vm, at, row->user);
    if (to - at > end - at) to = end;
    b->call[0] = whole(b->vm, at, row->user);
    mon_profile_add(b->p, &s, b->call, (to - at) / 4 * count);
  }
}

/* What belongs to no address. */
static void add_rest(struct builder *b, unsigned why, uint64_t instructions) {
  const struct mon_stack s = {.depth = 1};
  b->call[0] = MIPS_PATH_SITE(why);
  if (instructions) mon_profile_add(b->p, &s, b->call, instructions);
}

static int by_key(const void *a, const void *b) {
  const struct mips_path_pair *const *x = a, *const *y = b;
  return (*x)->key < (*y)->key ? -1 : (*x)->key > (*y)->key;
}

/* The pairs, path by path: how they lie in memory is no matter of the guest's. NULL: no memory. */
static const struct mips_path_pair **sorted(const struct mips_paths *paths) {
  const struct mips_path_pair **pair = malloc((paths->pairs + 1) * sizeof *pair);
  size_t n = 0;
  for (size_t i = 0; pair && i < paths->places; i++)
    if (paths->pair[i].key) pair[n++] = &paths->pair[i];
  if (pair && n) qsort(pair, n, sizeof *pair, by_key);
  return pair;
}

int mon_profile_of_paths(struct mb_vm *vm, struct mon_profile **out) {
  const struct mips_paths *paths = vm->paths;
  const struct mips_tally *t = &vm->coverage->tally;
  struct builder b = {.vm = vm};
  int code = mon_profile_new(out, 1);
  b.p = *out;
  if (code) return code;
  b.p->exact = true;
  const struct mips_path_pair **pair = sorted(paths);
  uint64_t *left = malloc(t->rows * sizeof *left), lost = 0;
  for (uint32_t i = 0; left && i < t->rows; i++) left[i] = t->count[i];
  uint16_t depth = 0;
  for (size_t i = 0; pair && left && i < paths->pairs; i++) {
    uint32_t node = (uint32_t)(pair[i]->key >> 32), row = (uint32_t)pair[i]->key;
    if (!i || node != pair[i - 1]->key >> 32) depth = read_path(&b, paths, node);
    add_piece(&b, &t->row[row], depth, pair[i]->count);
    left[row] -= pair[i]->count;
  }
  b.call[1] = MIPS_PATH_SITE(MIPS_PATH_NO_ROOM);
  for (uint32_t i = MIPS_TALLY_LOST + 1; left && i < t->rows; i++)
    if (left[i]) add_piece(&b, &t->row[i], t->row[i].user ? 1 : 2, left[i]);
  for (unsigned n = 1; n <= MIPS_TALLY_LOST; n++) lost += n * t->count[n];
  add_rest(&b, MIPS_PATH_NO_ROOM, lost);
  add_rest(&b, MIPS_PATH_UNFETCHED, t->unfetched);
  code = pair && left ? MB_OK : MB_ERR_MEMORY;
  free(pair);
  free(left);
  return code;
}
