/* cli/test_console.c: what a guest under test has shown, and what in it is waited for. */
/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "cli/test_console.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 64 << 20 };

/* What a Linux kernel says when something is wrong with it, or with what runs on it. Extended regular expressions. */
static const char *const complaints[] = {
    "WARNING: ",
    "BUG: ",
    "[Kk]ernel BUG",
    "Kernel bug detected",
    "Oops",
    "Kernel panic",
    "Unable to handle kernel",
    "Unhandled kernel unaligned access",
    "Reserved instruction in kernel",
    "(Instruction|Data) bus error",
    "Cache error exception",
    "Machine Check exception",
    "rcu.*(detected stall|self-detected stall|detected expedited stall|kthread starved)",
    "INFO: task .* blocked for more than",
    "INFO: .*(recursive locking|lock dependency|inconsistent lock state)",
    "possible (circular|recursive|irq lock inversion|deadlock)",
    "suspicious RCU usage",
    "(soft|hard) lockup",
    "irq [0-9]+: nobody cared",
    "list_(add|del) corruption",
    "refcount_t: ",
    "Bad page (state|map)",
    "(UBSAN|KASAN|KCSAN|KFENCE): ",
    "scheduling while atomic",
    "Slab corruption|Object already free|Redzone",
    "I/O error, dev ",
    "(EXT4-fs|BTRFS|XFS) .*(error|corruption)",
    "unregister_netdevice: waiting",
};
enum { COMPLAINTS = sizeof complaints / sizeof *complaints };

const char *test_console_complaint(size_t i) {
  return i < COMPLAINTS ? complaints[i] : NULL;
}

static bool append(struct test_text *t, const char *bytes, size_t n) {
  if (n >= t->room - t->n) {
    size_t room = 2 * (t->room + n);
    char *more = room <= TEXT_MAX ? realloc(t->bytes, room) : NULL;
    if (!more) return false;
    t->bytes = more;
    t->room = room;
  }
  memcpy(t->bytes + t->n, bytes, n);
  t->n += n;
  t->bytes[t->n] = 0;
  return true;
}

bool test_console_init(struct test_console *c, const struct scenario_vm *said) {
  *c = (struct test_console){.said = said, .complaints = calloc(COMPLAINTS, sizeof *c->complaints)};
  c->all.room = c->clean.room = 1 << 16;
  c->all.bytes = calloc(1, c->all.room);
  c->clean.bytes = calloc(1, c->clean.room);
  bool whole = c->all.bytes && c->clean.bytes && c->complaints;
  for (int i = 0; whole && i < COMPLAINTS; i++)
    whole = !regcomp(&c->complaints[i], complaints[i], REG_EXTENDED | REG_NOSUB);
  return whole;
}

void test_console_fini(struct test_console *c) {
  for (int i = 0; c->complaints && i < COMPLAINTS; i++) regfree(&c->complaints[i]);
  free(c->complaints);
  free(c->all.bytes);
  free(c->clean.bytes);
  free(c->complaint);
  *c = (struct test_console){0};
}

/* --- lines --- */

/* Where a kernel's message begins in a line: "[   12.345678] "; NULL: nowhere. */
static const char *message(const char *line) {
  for (const char *s = line; (s = strchr(s, '[')); s++) {
    const char *p = s + 1 + strspn(s + 1, " ");
    size_t seconds = strspn(p, "0123456789");
    if (!seconds || p[seconds] != '.') continue;
    p += seconds + 1;
    if (strspn(p, "0123456789") == 6 && p[6] == ']') return s;
  }
  return NULL;
}

static bool matches_any(const struct scenario_regexes *r, const char *line, const char **which) {
  for (size_t i = 0; i < r->n; i++)
    if (!regexec(&r->regex[i], line, 0, NULL, 0)) return *which = r->text[i], true;
  return false;
}

/* The pattern by which a line should not be there. NULL: it may be. */
static const char *unwanted(const struct test_console *c, const char *line) {
  const char *which = NULL;
  if (matches_any(&c->said->never, line, &which)) return which;
  if (!c->said->quiet || matches_any(&c->said->allow, line, &which)) return NULL;
  for (int i = 0; i < COMPLAINTS; i++)
    if (!regexec(&c->complaints[i], line, 0, NULL, 0)) return complaints[i];
  return NULL;
}

/* A line is complete, its newline not there yet. True: it is reason to stop. */
static bool line_done(struct test_console *c) {
  const char *line = c->all.bytes + c->all.line, *said = message(line);
  bool stop = c->await == AWAIT_LINE && !regexec(c->regex, line, 0, NULL, 0);
  c->found |= stop;
  const char *pattern = c->complaint ? NULL : unwanted(c, line);
  if (pattern && (c->complaint = strdup(line))) {
    c->pattern = pattern;
    stop = true;
  }
  size_t n = said ? (size_t)(said - line) : c->all.n - c->all.line;
  if (!append(&c->clean, line, n) || (!said && !append(&c->clean, "\n", 1))) c->lost = true;
  if (!said && !c->lost) {
    if (c->await == AWAIT_MARK && memmem(c->clean.bytes + c->clean.line, c->clean.n - c->clean.line, c->text, c->n))
      c->found = stop = true;
    c->clean.line = c->clean.n;
  }
  return stop;
}

static bool watch(void *console, uint8_t byte) {
  struct test_console *c = console;
  bool stop = false;
  if (byte == '\r' || !byte || c->lost) return c->lost;
  if (byte == '\n') stop = line_done(c);
  if (!append(&c->all, &(char){(char)byte}, 1)) c->lost = true;
  if (byte == '\n') c->all.line = c->all.n;
  if (c->await == AWAIT_TEXT && c->all.n - c->from >= c->n && !memcmp(c->all.bytes + c->all.n - c->n, c->text, c->n))
    c->found = stop = true;
  if (c->found && c->await != AWAIT_NOTHING) c->await = AWAIT_NOTHING, c->from = c->all.n;
  return stop || c->lost;
}

/* Nobody sits there: all that is typed is a step's. */
static int no_keys(void *ctx, uint8_t *bytes, size_t room) {
  (void)ctx, (void)bytes, (void)room;
  return -1;
}

struct mb_console test_console_host(struct test_console *c) {
  return (struct mb_console){.get = no_keys, .watch = watch, .ctx = c};
}

/* Is it in what has been shown since? If so that is used up. */
static bool shown(struct test_console *c, enum test_await what, const char *text, size_t n, const regex_t *regex) {
  char *begin = c->all.bytes + c->from;
  if (what == AWAIT_TEXT) {
    const char *at = memmem(begin, c->all.n - c->from, text, n);
    if (at) c->from = (size_t)(at - c->all.bytes) + n;
    return at;
  }
  while (begin > c->all.bytes && begin[-1] != '\n') begin--; /* of a line begun before the end counts */
  for (char *end; what == AWAIT_LINE && (end = strchr(begin, '\n')); begin = end + 1) {
    *end = 0;
    int no = regexec(regex, begin, 0, NULL, 0);
    *end = '\n';
    if (no) continue;
    c->from = (size_t)(end + 1 - c->all.bytes);
    return true;
  }
  return false;
}

bool test_console_await(struct test_console *c, enum test_await what, const char *text, size_t n,
                        const regex_t *regex) {
  c->found = shown(c, what, text, n, regex);
  if (c->found) return true;
  c->await = what;
  c->text = text;
  c->n = n;
  c->regex = regex;
  return false;
}
