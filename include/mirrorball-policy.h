/* include/mirrorball-policy.h: what a placement policy is told of a page, and what it may answer. */
/* SPDX-License-Identifier: Apache-2.0 */
/* A policy of your own is a shared object for mirrorball run --policy FILE.so that defines one function:
 *
 *   struct mb_page_verdict mb_page_policy(const struct mb_page *page, const struct mb_page_settings *set);
 *
 * It is asked between two rounds of the machine (1 ms of virtual time) about each page that has become hot: of which
 * one node has missed set->trigger times since the counts were last reset. The answer must follow from the arguments
 * alone: no clock, no random numbers, nothing kept but `note`; else two runs are not the same run.
 * docs/policy-example.c is an example. */
#ifndef MIRRORBALL_POLICY_H
#define MIRRORBALL_POLICY_H
#include <stdint.h>

enum { MB_PAGE_NODES = 64 };

struct mb_page {
  uint32_t nodes;    /* of the machine; nodes are counted from 0 */
  uint32_t home;     /* where the page is */
  uint32_t node;     /* whose misses have made it hot: the one with the most */
  uint64_t replicas; /* bit n: node n has a copy beside it. The first store to a page takes all copies away */
  uint32_t reads[MB_PAGE_NODES], writes[MB_PAGE_NODES]; /* misses by each node since the last reset, or move */
  uint32_t room[MB_PAGE_NODES];                         /* pages for which each node has memory left */
  uint32_t migrations, replications, collapses;         /* of this page since the last reset */
  uint32_t interval;                                    /* resets so far */
  uint64_t note;                                        /* what the last verdict on it left here; 0 at first */
  const uint32_t *latency;       /* ns: of a miss by a cpu of node c, of memory on node m: latency[c * nodes + m] */
  uint32_t move_ns, collapse_ns; /* guest time that moving or copying the page would take, and losing its copies */
};

/* --policy-set KEY=VALUE; a policy may use them as it likes, but for trigger, reset and moves, which say when it is
 * asked. */
struct mb_page_settings {
  uint32_t trigger;   /* misses by one node that make a page hot */
  uint32_t sharing;   /* misses by another node that make it shared */
  uint32_t write;     /* misses by stores that make it written */
  uint32_t migrate;   /* migrations of a page until the next reset that are enough */
  uint32_t replicate; /* replications likewise */
  uint32_t reset;     /* virtual ms after which counts begin anew */
  uint32_t moves;     /* of all pages together in a round, at most */
};

enum mb_page_move {
  MB_PAGE_LEAVE,     /* ask again after the next reset */
  MB_PAGE_WAIT,      /* ask again when it is missed again */
  MB_PAGE_MIGRATE,   /* make `node` its home; copies elsewhere go */
  MB_PAGE_REPLICATE, /* let `node` have a copy */
  MB_PAGE_COLLAPSE,  /* take all copies away; `node` is of no account */
  MB_PAGE_MOVES
};

/* Nonsense (no such move, no such node, to migrate to where the page is, to copy it to where a copy is, to take away
 * copies that are not there) ends the run. A node without room is none: the page is left where it is. */
struct mb_page_verdict {
  enum mb_page_move move;
  uint32_t node;
  uint64_t note; /* for the next time */
};
typedef struct mb_page_verdict mb_page_policy_fn(const struct mb_page *page, const struct mb_page_settings *set);
mb_page_policy_fn mb_page_policy; /* a shared object's own */
#endif
