/* numa-model/policy.c: the built-in policies: the paper's, parts of it, and one that weighs what a move costs. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "numa-model/policy.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static uint32_t misses(const struct mb_page *p, uint32_t node) {
  return p->reads[node] + p->writes[node];
}

static uint32_t all_writes(const struct mb_page *p) {
  uint32_t n = 0;
  for (uint32_t i = 0; i < p->nodes; i++) n += p->writes[i];
  return n;
}

static bool is_near(const struct mb_page *p, uint32_t node) {
  return p->home == node || p->replicas >> node & 1;
}

static struct mb_page_verdict verdict(const struct mb_page *p, enum mb_page_move move, uint32_t node) {
  return (struct mb_page_verdict){.move = move, .node = node, .note = p->note};
}

static struct mb_page_verdict leave(const struct mb_page *p) {
  return verdict(p, MB_PAGE_LEAVE, 0);
}

/* --- the paper's (Disco, SOSP'97, 4.3; Verghese et al., ASPLOS'96, figure 1) --- */

static struct mb_page_verdict migrate(const struct mb_page *p, const struct mb_page_settings *s) {
  return p->migrations >= s->migrate || !p->room[p->node] ? leave(p) : verdict(p, MB_PAGE_MIGRATE, p->node);
}

static struct mb_page_verdict replicate(const struct mb_page *p, const struct mb_page_settings *s) {
  bool written = all_writes(p) >= s->write, enough = p->replications >= s->replicate;
  return written || enough || !p->room[p->node] ? leave(p) : verdict(p, MB_PAGE_REPLICATE, p->node);
}

static bool is_shared(const struct mb_page *p, const struct mb_page_settings *s) {
  if (p->replicas) return true; /* who has one misses it no more */
  for (uint32_t i = 0; i < p->nodes; i++)
    if (i != p->node && misses(p, i) >= s->sharing) return true;
  return false;
}

static struct mb_page_verdict ask_migrate(const struct mb_page *p, const struct mb_page_settings *s) {
  return is_near(p, p->node) || is_shared(p, s) ? leave(p) : migrate(p, s);
}

static struct mb_page_verdict ask_replicate(const struct mb_page *p, const struct mb_page_settings *s) {
  return is_near(p, p->node) || !is_shared(p, s) ? leave(p) : replicate(p, s);
}

static struct mb_page_verdict ask_both(const struct mb_page *p, const struct mb_page_settings *s) {
  if (is_near(p, p->node)) return leave(p);
  return is_shared(p, s) ? replicate(p, s) : migrate(p, s);
}

/* --- regret --- */
/* A page is moved once the time that was lost because it was not where the move would put it is what the move costs: so
 * never more than twice what is lost is spent, whatever comes (the bound of renting against buying). Each move of a
 * page doubles that, and each interval without one halves it again: so a page that is passed around comes to rest. A
 * page that nobody but one node uses, and that was never moved, is likely to be somebody's own: it goes at a quarter.
 */

enum { CALMS_MAX = 12, NOTE_MOVED = 1 << 8, NOTE_INTERVAL = 16 };

/* How often the price has been doubled. */
static uint32_t unrest(const struct mb_page *p) {
  uint32_t n = (uint32_t)(p->note & 0xff), since = p->interval - (uint32_t)(p->note >> NOTE_INTERVAL);
  n = (n > since ? n - since : 0) + p->collapses;
  return n < CALMS_MAX ? n : CALMS_MAX;
}

/* A copy is no unrest: it takes nothing from anybody. */
static struct mb_page_verdict copied(const struct mb_page *p) {
  return verdict(p, MB_PAGE_REPLICATE, p->node);
}

static struct mb_page_verdict moved(const struct mb_page *p, uint32_t node) {
  struct mb_page_verdict v = verdict(p, MB_PAGE_MIGRATE, node);
  uint32_t n = unrest(p) + 1;
  v.note = (uint64_t)p->interval << NOTE_INTERVAL | NOTE_MOVED | n;
  return v;
}

static uint64_t latency(const struct mb_page *p, uint32_t cpu, uint32_t memory) {
  return p->latency[cpu * p->nodes + memory];
}

/* What a read by this node waits for: the nearest of the copies. */
static uint64_t read_latency(const struct mb_page *p, uint32_t node) {
  uint64_t least = latency(p, node, p->home);
  for (uint32_t i = 0; i < p->nodes; i++)
    if (p->replicas >> i & 1 && latency(p, node, i) < least) least = latency(p, node, i);
  return least;
}

/* ns that would not have been lost, had this been its home, without copies. */
static int64_t gain_at(const struct mb_page *p, uint32_t home) {
  int64_t gain = 0;
  for (uint32_t i = 0; i < p->nodes; i++) {
    int64_t there = (int64_t)latency(p, i, home);
    gain += p->reads[i] * ((int64_t)read_latency(p, i) - there);
    gain += p->writes[i] * ((int64_t)latency(p, i, p->home) - there);
  }
  return gain;
}

/* Had this node had a copy, which each store takes away, to be made again. */
static int64_t gain_of_copy(const struct mb_page *p, uint32_t node) {
  int64_t gain = p->reads[node] * ((int64_t)read_latency(p, node) - (int64_t)latency(p, node, node));
  return gain - (int64_t)all_writes(p) * (p->collapse_ns + (int64_t)p->move_ns);
}

static bool has_one_user(const struct mb_page *p) {
  for (uint32_t i = 0; i < p->nodes; i++)
    if (i != p->node && misses(p, i)) return false;
  return true;
}

static struct mb_page_verdict ask_regret(const struct mb_page *p, const struct mb_page_settings *s) {
  uint32_t best = p->home;
  int64_t most = 0, price = (int64_t)p->move_ns << unrest(p);
  (void)s;
  for (uint32_t i = 0; i < p->nodes; i++) {
    if (i == p->home || !misses(p, i) || !p->room[i]) continue;
    int64_t gain = gain_at(p, i);
    if (gain > most) most = gain, best = i;
  }
  bool fresh = has_one_user(p) && !(p->note & NOTE_MOVED);
  int64_t copy = is_near(p, p->node) || !p->room[p->node] ? 0 : gain_of_copy(p, p->node);
  /* Others have found copies worth their price, and nobody writes: the next reader need not find out for itself. */
  bool popular = p->replicas && !all_writes(p);
  if (copy > most && copy >= (popular ? price / 8 : price)) return copied(p);
  if (most && most >= (fresh ? price / 4 : price)) return moved(p, best);
  return verdict(p, MB_PAGE_WAIT, 0);
}

/* --- the table --- */

/* Trigger, sharing, write, migrate and reset are the paper's; that a page's copies are not limited is, too. */
#define THE_PAPERS                                                                                                     \
  { .trigger = 128, .sharing = 32, .write = 1, .migrate = 1, .replicate = MB_PAGE_NODES, .reset = 100, .moves = 64 }
#define REGRETS                                                                                                        \
  { .trigger = 16, .sharing = 32, .write = 1, .migrate = 1, .replicate = MB_PAGE_NODES, .reset = 100, .moves = 64 }
const struct mb_page_settings numa_policy_defaults = THE_PAPERS;

static const struct numa_policy policies[] = {
    {"none", "pages stay where they are", NULL, THE_PAPERS},
    {"migrate", "a page that one node uses goes there", ask_migrate, THE_PAPERS},
    {"replicate", "a page that several nodes read is copied to each", ask_replicate, THE_PAPERS},
    {"both", "the two together, as Disco does", ask_both, THE_PAPERS},
    {"regret", "a page moves once what its place has cost is what a move costs", ask_regret, REGRETS},
};

const struct numa_policy *numa_policy(size_t i) {
  return i < sizeof policies / sizeof *policies ? &policies[i] : NULL;
}

const struct numa_policy *numa_policy_find(const char *name) {
  size_t i = 0;
  while (numa_policy(i) && strcmp(policies[i].name, name)) i++;
  return numa_policy(i);
}

/* --- settings --- */

static const struct {
  const char *name;
  uint32_t offset, min, max;
  const char *about;
} settings[] = {
#define SETTING(field, min, max, about)                                                                                \
  { #field, offsetof(struct mb_page_settings, field), min, max, about }
    SETTING(trigger, 1, 65535, "misses of a page by one node that make it hot"),
    SETTING(sharing, 1, 65535, "misses by another node that make it shared"),
    SETTING(write, 1, 65535, "misses by stores that make it written"),
    SETTING(migrate, 0, 65535, "migrations of a page until the next reset that are enough"),
    SETTING(replicate, 0, 65535, "replications of a page until the next reset that are enough"),
    SETTING(reset, 1, 1000000, "virtual ms after which counts begin anew"),
    SETTING(moves, 1, 1000000, "moves of all pages together in a round of 1 ms, at most"),
#undef SETTING
};

const char *numa_setting(size_t i, uint32_t *min, uint32_t *max, const char **about) {
  if (i >= sizeof settings / sizeof *settings) return NULL;
  *min = settings[i].min;
  *max = settings[i].max;
  *about = settings[i].about;
  return settings[i].name;
}

uint32_t numa_setting_get(const struct mb_page_settings *s, size_t i) {
  uint32_t value;
  memcpy(&value, (const char *)s + settings[i].offset, sizeof value);
  return value;
}

bool numa_setting_set(struct mb_page_settings *s, size_t i, uint64_t value) {
  if (value < settings[i].min || value > settings[i].max) return false;
  uint32_t narrow = (uint32_t)value;
  memcpy((char *)s + settings[i].offset, &narrow, sizeof narrow);
  return true;
}

/* --- verdicts --- */

const char *numa_move_name(enum mb_page_move move) {
  switch (move) {
  case MB_PAGE_LEAVE: return "leave";
  case MB_PAGE_WAIT: return "wait";
  case MB_PAGE_MIGRATE: return "migrate";
  case MB_PAGE_REPLICATE: return "replicate";
  case MB_PAGE_COLLAPSE: return "collapse";
  case MB_PAGE_MOVES: break;
  }
  return "?";
}

const char *numa_verdict_nonsense(const struct mb_page *p, const struct mb_page_verdict *v, char *buf, size_t n) {
  if ((unsigned)v->move >= MB_PAGE_MOVES) {
    snprintf(buf, n, "move %u, of which there is none", (unsigned)v->move);
  } else if (v->move == MB_PAGE_COLLAPSE) {
    if (p->replicas) return NULL;
    snprintf(buf, n, "collapse, of a page without copies");
  } else if (v->move == MB_PAGE_LEAVE || v->move == MB_PAGE_WAIT) {
    return NULL;
  } else if (v->node >= p->nodes) {
    snprintf(buf, n, "%s to node %" PRIu32 " of %" PRIu32, numa_move_name(v->move), v->node, p->nodes);
  } else if (v->node == p->home) {
    snprintf(buf, n, "%s to node %" PRIu32 ", which is its home", numa_move_name(v->move), v->node);
  } else if (v->move == MB_PAGE_REPLICATE && is_near(p, v->node)) {
    snprintf(buf, n, "replicate to node %" PRIu32 ", which has a copy", v->node);
  } else {
    return NULL;
  }
  return buf;
}

const char *numa_page_text(const struct mb_page *p, char *buf, size_t n) {
  int at =
      snprintf(buf, n, "home %" PRIu32 ", copies 0x%" PRIx64 ", misses by node (reads+writes)", p->home, p->replicas);
  for (uint32_t i = 0; i < p->nodes && at > 0 && (size_t)at < n; i++)
    at += snprintf(buf + at, n - (size_t)at, " %" PRIu32 "+%" PRIu32, p->reads[i], p->writes[i]);
  return buf;
}
