/* monitor/console.c: what stands between the first serial port and the host: text out, keys in. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "monitor/console.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIGEST_START 0xcbf29ce484222325u /* FNV-1a, 64 bits */
#define DIGEST_PRIME 0x100000001b3u

/* --- matcher --- */

static void find_prefixes(struct mon_matcher *m) {
  for (size_t i = 1, k = 0; i < m->n; i++) {
    while (k && m->text[i] != m->text[k]) k = m->back[k];
    if (m->text[i] == m->text[k]) k++;
    m->back[i + 1] = k;
  }
}

int mon_matcher_init(struct mon_matcher *m, const char *text, size_t n) {
  *m = (struct mon_matcher){.text = calloc(1, n + 1), .back = calloc(n + 1, sizeof *m->back), .n = n};
  if (!m->text || !m->back) {
    mon_matcher_fini(m);
    return MB_ERR_MEMORY;
  }
  if (text) memcpy(m->text, text, n);
  find_prefixes(m);
  return MB_OK;
}

void mon_matcher_fini(struct mon_matcher *m) {
  free(m->text);
  free(m->back);
  *m = (struct mon_matcher){0};
}

bool mon_matcher_byte(struct mon_matcher *m, uint8_t byte) {
  if (!m->n) return false;
  while (m->at && m->text[m->at] != byte) m->at = m->back[m->at];
  if (m->text[m->at] == byte) m->at++;
  if (m->at < m->n) return false;
  m->at = m->back[m->at];
  return true;
}

/* --- console --- */

void mon_console_init(struct mon_console *c) {
  *c = (struct mon_console){.digest = DIGEST_START, .in_ready = true};
}

static void free_steps(struct mon_step *s) {
  while (s) {
    struct mon_step *next = s->next;
    mon_matcher_fini(&s->wait);
    free(s->keys);
    free(s);
    s = next;
  }
}

void mon_console_fini(struct mon_console *c) {
  mon_console_flush(c);
  mon_matcher_fini(&c->until);
  free_steps(c->step);
  free_steps(c->typing);
  mon_shown_fini(&c->shown);
  *c = (struct mon_console){0};
}

void mon_console_forget_steps(struct mon_console *c) {
  free_steps(c->step);
  free_steps(c->typing);
  c->step = c->typing = NULL;
}

static void append(struct mon_step **list, struct mon_step *s) {
  while (*list) list = &(*list)->next;
  s->next = NULL;
  *list = s;
}

static void join(struct mon_step **list, struct mon_step *more) {
  while (*list) list = &(*list)->next;
  *list = more;
}

/* Steps whose text has been shown, or that wait for none, begin typing. */
static void release_steps(struct mon_console *c, bool shown) {
  while (c->step && (shown || !c->step->wait.n)) {
    struct mon_step *s = c->step;
    c->step = s->next;
    append(&c->typing, s);
    shown = false;
  }
}

/* With room for both texts, which are zeros. NULL: no memory. */
static struct mon_step *new_step(size_t text_n, size_t keys_n) {
  struct mon_step *s = calloc(1, sizeof *s);
  uint8_t *keys = malloc(keys_n + 1);
  if (!s || !keys || mon_matcher_init(&s->wait, NULL, text_n)) {
    free(s);
    free(keys);
    return NULL;
  }
  s->keys = keys;
  s->n = keys_n;
  return s;
}

int mon_console_type(struct mon_console *c, const char *text, size_t text_n, const char *keys, size_t keys_n) {
  struct mon_step *s = new_step(text_n, keys_n);
  if (!s) return MB_ERR_MEMORY;
  memcpy(s->wait.text, text, text_n);
  find_prefixes(&s->wait);
  memcpy(s->keys, keys, keys_n);
  append(&c->step, s);
  release_steps(c, false);
  return MB_OK;
}

int mon_console_until(struct mon_console *c, const char *text, size_t n) {
  mon_matcher_fini(&c->until);
  c->until_set = true;
  return mon_matcher_init(&c->until, text, n);
}

bool mon_console_has_input(const struct mon_console *c) {
  return c->step || c->typing || (c->host.get && !c->in_ended && !c->deaf);
}

static int next_typed(struct mon_console *c) {
  while (c->typing) {
    struct mon_step *s = c->typing;
    c->heard = true;
    if (s->typed < s->n) return s->keys[s->typed++];
    c->typing = s->next;
    s->next = NULL;
    free_steps(s);
  }
  return -1;
}

bool mon_console_is_over(const struct mon_console *c) {
  return c->in_at == c->in_n && (c->in_ended || (!c->host.get && !c->deaf));
}

static void take(struct mon_console *c, int n) {
  c->in_ended = n < 0;
  c->in_ready = n > 0;
  c->heard |= n > 0;
  c->in_at = 0;
  c->in_n = n > 0 ? (size_t)n : 0;
}

/* Keys that are about the run, not for the guest, are heeded all the same. */
static void drop_host(struct mon_console *c) {
  uint8_t bytes[sizeof c->in];
  if (c->host.get) (void)c->host.get(c->host.ctx, bytes, sizeof bytes);
}

static bool read_host(struct mon_console *c) {
  if (!c->host.get || c->in_ended || !c->in_ready || c->deaf) return false;
  int n = c->host.get(c->host.ctx, c->in, sizeof c->in);
  take(c, n);
  if (n && c->came) c->came(c->owner, c->in, n);
  return n > 0;
}

static void let_come(struct mon_console *c) {
  if (c->in_held && c->came) c->came(c->owner, c->in + c->in_at, (int)(c->in_n - c->in_at));
  c->in_held = false;
}

bool mon_console_arrive(struct mon_console *c, const uint8_t *bytes, int n) {
  if (c->in_at < c->in_n || n > (int)sizeof c->in) return false;
  if (n > 0) memcpy(c->in, bytes, (size_t)n);
  take(c, n);
  return true;
}

int mon_console_get(void *console) {
  struct mon_console *c = console;
  int byte = next_typed(c);
  if (byte >= 0) return byte;
  if (c->asked) c->asked(c->owner);
  if (c->in_held) let_come(c);
  return c->in_at < c->in_n || read_host(c) ? c->in[c->in_at++] : -1;
}

bool mon_console_poll(struct mon_console *c) {
  if (c->deaf) drop_host(c);
  if (c->in_held) let_come(c);
  if (c->in_at < c->in_n) return true;
  c->in_ready = true;
  return read_host(c);
}

void mon_console_poll_held(struct mon_console *c) {
  if (c->deaf) drop_host(c);
  if (c->in_at < c->in_n || !c->host.get || c->in_ended || c->deaf) return;
  int n = c->host.get(c->host.ctx, c->in, sizeof c->in);
  if (n <= 0) return; /* that it has ended is seen again */
  take(c, n);
  c->in_held = true;
}

void mon_console_flush(struct mon_console *c) {
  if (c->out_n && c->host.put) c->host.put(c->host.ctx, c->out, c->out_n);
  c->out_n = 0;
}

static void emit(struct mon_console *c, const char *bytes, size_t n) {
  if (c->mute) return;
  if (n > sizeof c->out - c->out_n) mon_console_flush(c);
  memcpy(c->out + c->out_n, bytes, n);
  c->out_n += n;
}

static void stamp_line(struct mon_console *c, const struct mon_stamp *t) {
  char text[64];
  int n = snprintf(text, sizeof text, "[%5" PRIu64 ".%06" PRIu64 " %12" PRIu64 "] ", t->ns / 1000000000,
                   t->ns % 1000000000 / 1000, t->instructions);
  if (n > 0) emit(c, text, (size_t)n);
}

/* --- what was shown, again --- */

void mon_shown_fini(struct mon_shown *s) {
  free(s->text);
  free(s->line);
  *s = (struct mon_shown){0};
}

/* Room for one more. */
static bool grow(void **list, size_t *room, size_t n, size_t size) {
  if (n < *room) return true;
  void *more = realloc(*list, (*room ? 2 * *room : 1024) * size);
  if (!more) return false;
  *list = more;
  *room = *room ? 2 * *room : 1024;
  return true;
}

static void remember(struct mon_shown *s, uint8_t byte, bool begins, const struct mon_stamp *t) {
  s->lost |= !grow((void **)&s->text, &s->room, s->n, 1) ||
             (begins && !grow((void **)&s->line, &s->lines_room, s->lines, sizeof *s->line));
  if (s->lost) return;
  if (begins) s->line[s->lines++] = (struct mon_shown_line){s->n, *t};
  s->text[s->n++] = byte;
}

static bool completes(struct mon_matcher m, const struct mon_shown *s) {
  for (size_t i = 0; i < s->n; i++)
    if (mon_matcher_byte(&m, s->text[i])) return true;
  return false;
}

bool mon_console_awaits(const struct mon_console *c, const struct mon_shown *shown) {
  return c->typing || (c->step && completes(c->step->wait, shown)) || completes(c->until, shown);
}

/* --- what is shown --- */

/* A byte to the host, with a stamp if it begins a line. True: it does. */
static bool show(struct mon_console *c, uint8_t byte, const struct mon_stamp *t) {
  bool begins = !c->in_line && byte != '\r' && byte != '\n';
  if (c->timestamps && begins) stamp_line(c, t);
  c->in_line = byte != '\n' && (c->in_line || byte != '\r');
  emit(c, &(char){(char)byte}, 1);
  return begins;
}

void mon_console_again(struct mon_console *c, const struct mon_shown *shown) {
  size_t line = 0;
  c->in_line = false;
  for (size_t i = 0; i < shown->n; i++) {
    struct mon_stamp t = {0};
    if (line < shown->lines && shown->line[line].at == i) t = shown->line[line++].when;
    (void)show(c, shown->text[i], &t);
    if (c->step) (void)mon_matcher_byte(&c->step->wait, shown->text[i]);
    (void)mon_matcher_byte(&c->until, shown->text[i]);
  }
}

void mon_console_put(void *console, uint8_t byte) {
  struct mon_console *c = console;
  struct mon_stamp t = c->now ? c->now(c->owner) : (struct mon_stamp){0};
  bool begins = show(c, byte, &t);
  if (c->shown.wanted) remember(&c->shown, byte, begins, &t);
  c->bytes++;
  c->lines += byte == '\n';
  c->digest = (c->digest ^ byte) * DIGEST_PRIME;
  c->last_out_ns = t.ns;
  if (c->step && mon_matcher_byte(&c->step->wait, byte)) release_steps(c, true);
  bool stop = mon_matcher_byte(&c->until, byte);
  if (c->host.watch && c->host.watch(c->host.ctx, byte)) stop = true;
  if (stop && c->stop) c->stop(c->owner);
}

/* --- state --- */

/* How many steps; and, restoring, so many new ones at the end of the list. */
static void steps_state(struct mon_step **list, struct snap *s) {
  enum { STEPS_MAX = 4096, TEXT_MAX = 1 << 20 };
  uint32_t n = 0;
  for (struct mon_step *p = *list; p && !s->restoring; p = p->next) n++;
  SNAP(s, n);
  if (!snap_check(s, n <= STEPS_MAX)) return;
  for (struct mon_step *p = *list; n-- && !s->bad; p = s->restoring ? NULL : p->next) {
    uint64_t text = p ? p->wait.n : 0, keys = p ? p->n : 0, at = p ? p->wait.at : 0, typed = p ? p->typed : 0;
    SNAP(s, text);
    SNAP(s, keys);
    SNAP(s, at);
    SNAP(s, typed);
    if (!snap_check(s, text <= TEXT_MAX && keys <= TEXT_MAX && typed <= keys && (at < text || !at))) return;
    if (s->restoring) p = new_step(text, keys);
    if (!snap_check(s, p)) return;
    snap_bytes(s, p->wait.text, text);
    snap_bytes(s, p->keys, keys);
    if (!s->restoring) continue;
    find_prefixes(&p->wait);
    p->wait.at = at;
    p->typed = typed;
    append(list, p);
  }
}

void mon_console_state(struct mon_console *c, struct snap *s) {
  uint32_t left = s->restoring || c->in_held ? 0 : (uint32_t)(c->in_n - c->in_at);
  struct mon_step *later[2] = {c->step, c->typing}; /* what has been added to that of the file */
  if (s->restoring) c->step = c->typing = NULL;
  SNAP(s, c->lines);
  SNAP(s, c->bytes);
  SNAP(s, c->digest);
  SNAP(s, c->last_out_ns);
  SNAP(s, c->in_line);
  SNAP(s, left);
  if (snap_check(s, left <= sizeof c->in)) snap_bytes(s, c->in + (s->restoring ? 0 : c->in_at), left);
  if (s->restoring && !s->bad) c->in_at = 0, c->in_n = left, c->in_held = false;
  steps_state(&c->step, s);
  steps_state(&c->typing, s);
  if (!s->restoring) return;
  join(c->step ? &c->step : &c->typing, later[1]);
  join(&c->step, later[0]);
}
