/* frontend/gang.c: cpus that run at the same time, each on a thread of its own: who may run, and who may run alone. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "frontend/gang.h"
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct mips_gang {
  pthread_mutex_t lock, brief;
  pthread_cond_t changed;
  unsigned inside;          /* threads with the right */
  bool taken;               /* one of them has it alone */
  _Atomic unsigned wanting; /* threads that wait to be alone */
  _Atomic uint64_t alone;
};

int mips_gang_new(struct mips_gang **out) {
  struct mips_gang *g = *out = calloc(1, sizeof *g);
  if (!g) return -1;
  pthread_mutex_init(&g->lock, NULL);
  pthread_mutex_init(&g->brief, NULL);
  pthread_cond_init(&g->changed, NULL);
  return 0;
}

void mips_gang_free(struct mips_gang *g) {
  if (!g) return;
  assert(!g->inside && !g->wanting);
  pthread_mutex_destroy(&g->lock);
  pthread_mutex_destroy(&g->brief);
  pthread_cond_destroy(&g->changed);
  free(g);
}

/* Who wants to be alone goes first, or in a large gang nobody ever would be. */
void mips_gang_enter(struct mips_gang *g) {
  pthread_mutex_lock(&g->lock);
  while (g->taken || g->wanting) pthread_cond_wait(&g->changed, &g->lock);
  g->inside++;
  pthread_mutex_unlock(&g->lock);
}

void mips_gang_leave(struct mips_gang *g) {
  pthread_mutex_lock(&g->lock);
  if (!--g->inside && g->wanting) pthread_cond_broadcast(&g->changed);
  pthread_mutex_unlock(&g->lock);
}

bool mips_gang_wanted(const struct mips_gang *g) {
  return atomic_load_explicit(&g->wanting, memory_order_relaxed);
}

void mips_gang_alone(struct mips_gang *g) {
  pthread_mutex_lock(&g->lock);
  g->wanting++;
  if (!--g->inside) pthread_cond_broadcast(&g->changed);
  while (g->taken || g->inside) pthread_cond_wait(&g->changed, &g->lock);
  g->wanting--;
  g->inside = 1;
  g->taken = true;
  g->alone++;
  pthread_mutex_unlock(&g->lock);
}

void mips_gang_together(struct mips_gang *g) {
  pthread_mutex_lock(&g->lock);
  g->taken = false;
  pthread_cond_broadcast(&g->changed);
  pthread_mutex_unlock(&g->lock);
}

void mips_gang_lock(struct mips_gang *g) {
  pthread_mutex_lock(&g->brief);
}
void mips_gang_unlock(struct mips_gang *g) {
  pthread_mutex_unlock(&g->brief);
}

uint64_t mips_gang_alone_count(const struct mips_gang *g) {
  return g->alone;
}
