/* monitor/page_log.c: what becomes of pages, written down as it happens. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of text, each of them short; docs/page-placement.md has the table. Packed by zlib where the name ends in .gz. */
#include "monitor/balance.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

struct mon_page_log {
  gzFile to;
  bool failed;
  uint64_t now, said; /* virtual ns; the last that was written */
  uint32_t *named;    /* by frame: the page that it was last said to be, + 1 */
};

/* What is heard of less often than this in an interval is no heat. */
enum { HEAT_LEAST = 16 };

__attribute__((format(printf, 2, 3))) static void put(struct mon_page_log *l, const char *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  if (gzvprintf(l->to, fmt, args) < 0) l->failed = true;
  va_end(args);
}

int mon_page_log_open(struct mon_page_log **out, const char *path, unsigned nodes, uint32_t frames,
                      struct mon_error *e) {
  struct mon_page_log *l = *out = calloc(1, sizeof *l);
  size_t n = strlen(path);
  if (l) l->named = calloc(frames, sizeof *l->named);
  if (!l || !l->named) {
    free(l);
    *out = NULL;
    return mon_fail(e, MB_ERR_MEMORY, "out of memory");
  }
  errno = 0;
  l->to = gzopen(path, n > 3 && !strcmp(path + n - 3, ".gz") ? "we6" : "weT");
  if (!l->to) {
    free(l->named);
    free(l);
    *out = NULL;
    return mon_fail(e, MB_ERR_FILE, "page log %s: %s", path, errno ? strerror(errno) : "cannot be written");
  }
  put(l, "mirrorball page log 1\nnodes %u\n", nodes);
  return MB_OK;
}

bool mon_page_log_flush(struct mon_page_log *l) {
  return gzflush(l->to, Z_SYNC_FLUSH) == Z_OK && !l->failed;
}

void mon_page_log_close(struct mon_page_log *l) {
  if (!l) return;
  gzclose(l->to);
  free(l->named);
  free(l);
}

void mon_page_log_time(struct mon_page_log *l, uint64_t ns) {
  l->now = ns;
}

/* Time is said before the first thing that happens then. */
static void at_time(struct mon_page_log *l) {
  if (l->said == l->now) return;
  put(l, "t %" PRIu64 "\n", l->now);
  l->said = l->now;
}

void mon_page_log_name(struct mon_page_log *l, uint32_t frame, uint32_t page, unsigned vm, uint32_t n) {
  if (l->named[frame] == page + 1) return;
  l->named[frame] = page + 1;
  put(l, "p %" PRIx32 " %u %" PRIx32 "\n", frame, vm, n);
}

void mon_page_log_move(struct mon_page_log *l, enum mb_page_move move, uint32_t frame, unsigned from, unsigned to) {
  at_time(l);
  put(l, "%c %" PRIx32 " %u %u\n", *numa_move_name(move), frame, from, to);
}

void mon_page_log_loss(struct mon_page_log *l, const struct numa_loss *loss) {
  at_time(l);
  put(l, "l %" PRIx32 " %u %u ", loss->frame, loss->home, loss->copies);
  if (loss->node == NUMA_NODES_MAX)
    put(l, "-\n");
  else
    put(l, "%u\n", loss->node);
}

bool mon_page_log_is_warm(const struct numa_counters *c, uint32_t frame) {
  uint64_t all = 0;
  for (unsigned i = 0; i < c->nodes; i++) all += numa_counted(c, frame, i).reads + numa_counted(c, frame, i).writes;
  return all >= HEAT_LEAST;
}

void mon_page_log_heat(struct mon_page_log *l, const struct numa_counters *c, uint32_t frame, unsigned home) {
  at_time(l);
  put(l, "h %" PRIx32 " %u", frame, home);
  for (unsigned i = 0; i < c->nodes; i++) {
    struct numa_count n = numa_counted(c, frame, i);
    if (n.reads || n.writes) put(l, " %u:%u+%u", i, n.reads, n.writes);
  }
  put(l, "\n");
}
