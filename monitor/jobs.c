/* monitor/jobs.c: host threads that take the turns of VMs that have nothing to do with each other. */
/* SPDX-License-Identifier: Apache-2.0 */
/* VMs that share a network are a group, whose turns one thread takes in their order: so each VM sees what it would see
 * if one thread took all turns. In a round every thread takes the next group that nobody has taken, the machine's own
 * thread among them. While they do, nobody looks at the host: what VMs say and are told is exchanged between rounds. */
#include "monitor/jobs.h"
#include "monitor/threads.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct mon_jobs {
  struct mb_machine *machine;
  pthread_t thread[MB_VMS_MAX];
  unsigned threads;
  pthread_mutex_t lock;
  pthread_cond_t begun, done;
  /* Under the lock. */
  uint64_t round;
  unsigned next; /* VM to be looked at: does a group begin there? */
  unsigned busy; /* threads that take turns */
  bool quit;
};

/* Would these see each other's frames, or are both behind libslirp, which keeps a few things for the whole process? Do
 * they share a modelled machine? */
static bool joined(const struct mb_vm *a, const struct mb_vm *b) {
  if (a->machine->config.numa) return true;
  for (unsigned i = 0; i < a->config.nets; i++)
    for (unsigned k = 0; k < b->config.nets; k++) {
      const struct mb_net *x = &a->config.net[i], *y = &b->config.net[k];
      if (x->kind == y->kind && (x->kind == MB_NET_NAT || !strcmp(x->subnet, y->subnet))) return true;
    }
  return false;
}

/* Returns how many groups there are. A group's number is that of its first VM. */
static unsigned make_groups(struct mb_machine *m) {
  unsigned n = 0;
  for (unsigned i = 0; i < m->vms; i++) m->vm[i]->group = i;
  for (unsigned i = 0; i < m->vms; i++)
    for (unsigned k = 0; k < i; k++) {
      unsigned from = m->vm[i]->group, to = m->vm[k]->group;
      if (from == to || !joined(m->vm[i], m->vm[k])) continue;
      for (unsigned v = 0; v < m->vms; v++)
        if (m->vm[v]->group == (from > to ? from : to)) m->vm[v]->group = from > to ? to : from;
    }
  for (unsigned i = 0; i < m->vms; i++) n += m->vm[i]->group == i;
  return n;
}

/* Take groups until none is left. With the lock. */
static void work(struct mon_jobs *j) {
  struct mb_machine *m = j->machine;
  while (j->next < m->vms) {
    unsigned group = j->next++;
    if (m->vm[group]->group != group) continue;
    pthread_mutex_unlock(&j->lock);
    mon_take_turns(m, group, true);
    pthread_mutex_lock(&j->lock);
  }
}

static void *thread(void *arg) {
  struct mon_jobs *j = arg;
  uint64_t seen = 0;
  pthread_mutex_lock(&j->lock);
  while (!j->quit) {
    if (j->round == seen) {
      pthread_cond_wait(&j->begun, &j->lock);
      continue;
    }
    seen = j->round;
    j->busy++;
    work(j);
    if (!--j->busy) pthread_cond_signal(&j->done);
  }
  pthread_mutex_unlock(&j->lock);
  return NULL;
}

void mon_jobs_round(struct mon_jobs *j) {
  pthread_mutex_lock(&j->lock);
  j->machine->side_by_side = true;
  j->next = 0;
  j->round++;
  pthread_cond_broadcast(&j->begun);
  work(j);
  while (j->busy) pthread_cond_wait(&j->done, &j->lock);
  j->machine->side_by_side = false;
  pthread_mutex_unlock(&j->lock);
}

void mon_jobs_start(struct mb_machine *m) {
  long cpus = sysconf(_SC_NPROCESSORS_ONLN);
  unsigned wanted = m->config.jobs ? m->config.jobs : cpus > 0 ? (unsigned)cpus : 1, groups = make_groups(m);
  if (wanted > groups) wanted = groups;
  for (unsigned i = 0; i < m->vms; i++)
    if (m->vm[i]->gdb) return; /* while gdb has one stopped all wait */
  if (m->jobs || wanted < 2) return;
  struct mon_jobs *j = calloc(1, sizeof *j);
  if (!j) return; /* one thread does as well, only slower */
  j->machine = m;
  pthread_mutex_init(&j->lock, NULL);
  pthread_cond_init(&j->begun, NULL);
  pthread_cond_init(&j->done, NULL);
  while (j->threads + 1 < wanted && !mon_thread_start(&j->thread[j->threads], thread, j)) j->threads++;
  m->jobs = j;
}

void mon_jobs_free(struct mon_jobs *j) {
  if (!j) return;
  pthread_mutex_lock(&j->lock);
  j->quit = true;
  pthread_cond_broadcast(&j->begun);
  pthread_mutex_unlock(&j->lock);
  while (j->threads) pthread_join(j->thread[--j->threads], NULL);
  pthread_cond_destroy(&j->begun);
  pthread_cond_destroy(&j->done);
  pthread_mutex_destroy(&j->lock);
  free(j);
}
