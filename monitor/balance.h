/* monitor/balance.h: pages moved to the nodes that use them, as a policy says. */
/* SPDX-License-Identifier: Apache-2.0 */
/* The counters (numa-model/counters.h) say which pages are hot, a policy (include/mirrorball-policy.h) says what is to
 * become of them, and this acts, between two rounds of the machine, so that what it does follows from virtual time
 * alone. A page keeps its host address and its bytes; what moves is a fact of the model, for which guests pay time. */
#ifndef MONITOR_BALANCE_H
#define MONITOR_BALANCE_H
#include "mirrorball.h"
#include "monitor/error.h"
#include "numa-model/model.h"
#include "numa-model/placement.h"
#include "numa-model/policy.h"

struct json_t;
struct mon_page_log;

/* Which policy, with which settings. */
struct mon_policy {
  char *name, *log;       /* owned; log, a path: NULL is none */
  mb_page_policy_fn *ask; /* NULL: pages stay */
  struct mb_page_settings set;
  void *library; /* of dlopen(); NULL: it is built in */
};
/* As the machine's configuration says. */
__attribute__((warn_unused_result)) int mon_policy_choose(struct mb_machine *m);
void mon_policy_fini(struct mon_policy *p);

/* What a page has been through: by frame. */
struct mon_page_history {
  uint64_t note;                                /* the policy's */
  uint16_t migrations, replications, collapses; /* since the last reset */
  bool moved;                                   /* some of these are not 0 */
};

struct mon_balance {
  struct numa_model *model; /* borrowed */
  struct mmu_memmap *map;   /* likewise */
  struct numa_places places;
  struct mon_policy policy;
  struct mon_page_history *history;
  uint32_t *moved, moveds;  /* frames whose history counts something */
  uint64_t due, reset_at;   /* virtual ns: of the next look, and of the next reset */
  uint32_t interval;        /* resets so far */
  uint32_t moves;           /* in this round */
  struct mon_page_log *log; /* NULL: none */
  uint32_t latency[NUMA_NODES_MAX * NUMA_NODES_MAX];
  struct mon_balance_counts {
    uint64_t asked, left, waited, migrations, replications, collapses, copies_lost, no_room, shootdowns, ns;
  } n;
};

/* For a machine with a model, before its memory is used. 0 or an error. */
__attribute__((warn_unused_result)) int mon_balance_new(struct mb_machine *m);
void mon_balance_free(struct mon_balance *b);
/* Between two rounds: all VMs have lived to `now` (virtual ns). */
void mon_balance(struct mb_machine *m, uint64_t now);
/* Places, what pages have been through, and when it looks next. */
void mon_balance_state(struct mon_balance *b, struct snap *s);
/* A new JSON object. */
struct json_t *mon_balance_json(const struct mb_machine *m);

/* page_log.c: what has become of pages, as text; docs/page-placement.md explains it. */
__attribute__((warn_unused_result)) int mon_page_log_open(struct mon_page_log **out, const char *path, unsigned nodes,
                                                          uint32_t frames, struct mon_error *e);
/* Have all of it written. False: it could not be. */
bool mon_page_log_flush(struct mon_page_log *l);
void mon_page_log_close(struct mon_page_log *l);
void mon_page_log_time(struct mon_page_log *l, uint64_t ns);
/* A frame is this page of the machine, the n-th of a VM's RAM: said when it is news. */
void mon_page_log_name(struct mon_page_log *l, uint32_t frame, uint32_t page, unsigned vm, uint32_t n);
void mon_page_log_move(struct mon_page_log *l, enum mb_page_move move, uint32_t frame, unsigned from, unsigned to);
void mon_page_log_loss(struct mon_page_log *l, const struct numa_loss *loss);
/* What each node has missed of it since it was last asked about, if it was missed more than now and then. */
bool mon_page_log_is_warm(const struct numa_counters *c, uint32_t frame);
void mon_page_log_heat(struct mon_page_log *l, const struct numa_counters *c, uint32_t frame, unsigned home);
#endif
