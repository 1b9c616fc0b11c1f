/* jit/region_key.c: all that a region's code depends on, as bytes: the key under which it is stored. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Of this program its build id is in it, so that nobody has to remember to count a version up. */
#include "jit/region.h"
#include "jit/store.h"
#include <stdlib.h>
#include <string.h>

static void add(struct region_key *k, const void *bytes, size_t n) {
  if (k->failed) return;
  if (k->size + n > k->room) {
    size_t room = 2 * (k->size + n);
    void *more = realloc(k->bytes, room);
    if (!more) {
      k->failed = true;
      return;
    }
    k->bytes = more;
    k->room = room;
  }
  memcpy((char *)k->bytes + k->size, bytes, n);
  k->size += n;
}
static void add_number(struct region_key *k, uint64_t v) {
  add(k, &v, sizeof v);
}
static void add_text(struct region_key *k, const char *text) {
  add(k, text, strlen(text) + 1);
}

int region_key_begin(struct region_key *k, const struct jit_guest *g, const char *compiler) {
  *k = (struct region_key){0};
  struct store_bytes id = store_build_id();
  if (id.size) add(k, id.bytes, id.size);
  k->failed |= !id.size;
  add_text(k, compiler);
  add_number(k, g->slots);
  for (unsigned i = 0; i < g->slots; i++) add_number(k, g->slot[i].offset);
  for (unsigned i = 0; i < g->helpers; i++) add_text(k, g->helper_name[i]);
  if (!k->failed) return 0;
  region_key_fini(k);
  return -1;
}

static void add_node(struct region_key *k, const struct region_node *n) {
  const uint64_t v[] = {n->key.pc,
                        n->key.mode,
                        (uint64_t)n->shape.insns << 8 | n->shape.flags,
                        (uint64_t)n->ops << 32 | n->block,
                        n->code,
                        n->exit_pc[0],
                        n->exit_pc[1],
                        (uint64_t)(uint16_t)n->to[0] << 32 | (uint64_t)(uint16_t)n->to[1] << 16 | (uint16_t)n->returns,
                        (uint64_t)n->check_to[0] << 2 | (uint64_t)n->check_to[1] << 1 | n->check_returns};
  add(k, v, sizeof v);
}

int region_key_make(struct region_key *k, const struct region_key *begun, const struct region_source *s) {
  *k = (struct region_key){0};
  add(k, begun->bytes, begun->size);
  add_number(k, s->nodes);
  add_number(k, s->view);
  add_number(k, s->exact);
  add_number(k, s->lines);
  for (unsigned i = 0; i < s->nodes; i++) add_node(k, &s->node[i]);
  add(k, s->code, s->ops * sizeof s->code[0]);
  if (!k->failed) return 0;
  region_key_fini(k);
  return -1;
}

void region_key_fini(struct region_key *k) {
  free(k->bytes);
  *k = (struct region_key){0};
}
