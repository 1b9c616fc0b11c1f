/* jit/pool.c: compiled regions that jits of one process have in common, so that each is compiled once. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "jit/pool.h"
#include "jit/jit.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { LISTS = 1024 };
#define POOL_BYTES ((size_t)64 << 20) /* of keys and values; then all is forgotten, as code memory is */

struct entry {
  struct entry *next;
  struct store_bytes key, value; /* owned; value.bytes NULL: it is being compiled */
};

struct jit_pool {
  pthread_mutex_t lock;
  pthread_cond_t put;
  struct entry *list[LISTS]; /* by the key's hash; under the lock, as is the rest */
  size_t bytes;
};

static struct entry **list_of(struct jit_pool *p, struct store_bytes key) {
  return &p->list[store_hash(key.bytes, key.size, 0) % LISTS];
}

static struct entry **find(struct jit_pool *p, struct store_bytes key) {
  struct entry **e = list_of(p, key);
  while (*e && ((*e)->key.size != key.size || memcmp((*e)->key.bytes, key.bytes, key.size) != 0)) e = &(*e)->next;
  return e;
}

static struct store_bytes copy(struct store_bytes b) {
  struct store_bytes c = {b.bytes ? malloc(b.size + 1) : NULL, b.size};
  if (c.bytes) memcpy(c.bytes, b.bytes, b.size);
  return c;
}

static void drop(struct jit_pool *p, struct entry **at) {
  struct entry *e = *at;
  *at = e->next;
  p->bytes -= e->key.size + (e->value.bytes ? e->value.size : 0);
  free(e->key.bytes);
  free(e->value.bytes);
  free(e);
}

struct jit_pool *jit_pool_new(void) {
  struct jit_pool *p = calloc(1, sizeof *p);
  if (!p) return NULL;
  pthread_mutex_init(&p->lock, NULL);
  pthread_cond_init(&p->put, NULL);
  return p;
}

void jit_pool_free(struct jit_pool *p) {
  if (!p) return;
  for (unsigned i = 0; i < LISTS; i++)
    while (p->list[i]) drop(p, &p->list[i]);
  pthread_cond_destroy(&p->put);
  pthread_mutex_destroy(&p->lock);
  free(p);
}

struct store_bytes pool_get(struct jit_pool *p, struct store_bytes key) {
  pthread_mutex_lock(&p->lock);
  const struct entry *e = *find(p, key);
  struct store_bytes value = e ? copy(e->value) : (struct store_bytes){0};
  pthread_mutex_unlock(&p->lock);
  return value;
}

/* Without memory it is simply compiled twice. */
static void claim(struct jit_pool *p, struct store_bytes key) {
  struct entry *e = malloc(sizeof *e), **first = list_of(p, key);
  struct store_bytes own = e ? copy(key) : (struct store_bytes){0};
  if (!own.bytes) {
    free(e);
    return;
  }
  *e = (struct entry){.next = *first, .key = own};
  *first = e;
  p->bytes += own.size;
}

bool pool_claim(struct jit_pool *p, struct store_bytes key, struct store_bytes *value) {
  struct entry *e;
  pthread_mutex_lock(&p->lock);
  while ((e = *find(p, key)) && !e->value.bytes) pthread_cond_wait(&p->put, &p->lock);
  *value = e ? copy(e->value) : (struct store_bytes){0};
  bool ours = !value->bytes;
  if (!e) claim(p, key);
  pthread_mutex_unlock(&p->lock);
  return ours;
}

/* All that is not being compiled. */
static void forget(struct jit_pool *p) {
  for (unsigned i = 0; i < LISTS; i++)
    for (struct entry **at = &p->list[i]; *at;)
      if ((*at)->value.bytes)
        drop(p, at);
      else
        at = &(*at)->next;
}

void pool_put(struct jit_pool *p, struct store_bytes key, struct store_bytes value) {
  pthread_mutex_lock(&p->lock);
  struct entry **at = find(p, key);
  if (*at && !(*at)->value.bytes) {
    (*at)->value = copy(value);
    if ((*at)->value.bytes)
      p->bytes += value.size;
    else
      drop(p, at); /* it could not be compiled: others may try */
  }
  if (p->bytes > POOL_BYTES) forget(p);
  pthread_cond_broadcast(&p->put);
  pthread_mutex_unlock(&p->lock);
}
