/* criterion-tests/test_console.c: the console between the first serial port and the host. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "monitor/console.h"
#include <criterion/criterion.h>
#include <string.h>

struct host {
  char shown[1024];
  size_t n;
  const char *typed;
  bool ended;
  int stops;
  size_t stopped_at;
  struct mon_console *c;
};

static void host_put(void *ctx, const uint8_t *bytes, size_t n) {
  struct host *h = ctx;
  cr_assert_lt(h->n + n, sizeof h->shown);
  memcpy(h->shown + h->n, bytes, n);
  h->n += n;
  h->shown[h->n] = 0;
}

static int host_get(void *ctx, uint8_t *bytes, size_t room) {
  struct host *h = ctx;
  size_t n = h->typed ? strlen(h->typed) : 0;
  if (!n) return h->ended ? -1 : 0;
  if (n > room) n = room;
  memcpy(bytes, h->typed, n);
  h->typed += n;
  return (int)n;
}

static void stop(void *ctx) {
  struct host *h = ctx;
  h->stops++;
  h->stopped_at = h->c->bytes;
}

static struct mon_stamp now(void *ctx) {
  struct host *h = ctx;
  return (struct mon_stamp){.ns = 1500000000 + h->c->bytes * 1000, .instructions = h->c->bytes};
}

static void set_up(struct mon_console *c, struct host *h) {
  mon_console_init(c);
  c->host = (struct mb_console){.put = host_put, .get = host_get, .ctx = h};
  c->stop = stop;
  c->now = now;
  c->owner = h;
  h->c = c;
}

static void show(struct mon_console *c, const char *text) {
  for (; *text; text++) mon_console_put(c, (uint8_t)*text);
}

static void type(struct mon_console *c, const char *text, const char *keys) {
  cr_assert_eq(mon_console_type(c, text, strlen(text), keys, strlen(keys)), MB_OK);
}

/* All that can be typed now. */
static const char *taken(struct mon_console *c) {
  static char buf[256];
  size_t n = 0;
  for (int byte; n < sizeof buf - 1 && (byte = mon_console_get(c)) >= 0;) buf[n++] = (char)byte;
  buf[n] = 0;
  return buf;
}

static unsigned matches(const char *text, const char *stream) {
  struct mon_matcher m;
  unsigned n = 0;
  cr_assert_eq(mon_matcher_init(&m, text, strlen(text)), MB_OK);
  for (; *stream; stream++) n += mon_matcher_byte(&m, (uint8_t)*stream);
  mon_matcher_fini(&m);
  return n;
}

Test(console, matcher_finds_overlapping_and_restarted) {
  cr_assert_eq(matches("aab", "aaab"), 1u);
  cr_assert_eq(matches("aa", "aaaa"), 3u);
  cr_assert_eq(matches("abab", "abababab"), 3u);
  cr_assert_eq(matches("login:", "lologin: x login:"), 2u);
  cr_assert_eq(matches("abcabd", "abcabcabd"), 1u);
  cr_assert_eq(matches("x", "abc"), 0u);
  cr_assert_eq(matches("", "abc"), 0u);
  cr_assert_eq(matches("\xff\xfe", "\xff\xff\xfe"), 1u);
}

Test(console, until_stops_on_the_very_byte) {
  struct mon_console c;
  struct host h = {0};
  set_up(&c, &h);
  cr_assert_eq(mon_console_until(&c, "b\nc", 3), MB_OK);
  show(&c, "ab\ncd");
  cr_assert_eq(h.stops, 1);
  cr_assert_eq(h.stopped_at, 4u);
  mon_console_fini(&c);
}

Test(console, output_counts_and_digest) {
  struct mon_console a, b;
  struct host ha = {0}, hb = {0};
  set_up(&a, &ha);
  set_up(&b, &hb);
  show(&a, "one\r\ntwo\r\nthree");
  show(&b, "one\r\ntwo\r\n");
  mon_console_flush(&b);
  show(&b, "three");
  mon_console_flush(&a);
  mon_console_flush(&b);
  cr_assert_str_eq(ha.shown, "one\r\ntwo\r\nthree");
  cr_assert_str_eq(hb.shown, ha.shown);
  cr_assert_eq(a.lines, 2u);
  cr_assert_eq(a.bytes, 15u);
  cr_assert_eq(a.digest, b.digest);
  show(&b, ".");
  cr_assert_neq(a.digest, b.digest);
  mon_console_fini(&a);
  mon_console_fini(&b);
}

Test(console, long_output_is_all_handed_on) {
  struct mon_console c;
  struct host h = {0};
  set_up(&c, &h);
  for (int i = 0; i < 1000; i++) mon_console_put(&c, (uint8_t)('a' + i % 26));
  mon_console_flush(&c);
  cr_assert_eq(h.n, 1000u);
  for (int i = 0; i < 1000; i++) cr_assert_eq(h.shown[i], 'a' + i % 26);
  mon_console_fini(&c);
}

Test(console, timestamps_begin_lines_but_count_for_nothing) {
  struct mon_console c, plain;
  struct host h = {0}, hp = {0};
  set_up(&c, &h);
  set_up(&plain, &hp);
  c.timestamps = true;
  show(&c, "a\r\n\r\nb");
  show(&plain, "a\r\n\r\nb");
  mon_console_flush(&c);
  cr_assert_str_eq(h.shown, "[    1.500000            0] a\r\n\r\n[    1.500005            5] b");
  cr_assert_eq(c.digest, plain.digest);
  cr_assert_eq(c.bytes, plain.bytes);
  mon_console_fini(&c);
  mon_console_fini(&plain);
}

Test(console, typing_waits_its_turn) {
  struct mon_console c;
  struct host h = {0};
  set_up(&c, &h);
  cr_assert(mon_console_has_input(&c));
  type(&c, "login: ", "root\n");
  type(&c, "# ", "ls\n");
  type(&c, "# ", "exit\n");
  cr_assert_str_eq(taken(&c), "");
  show(&c, "# login:");
  cr_assert_str_eq(taken(&c), "");
  show(&c, " ");
  cr_assert_str_eq(taken(&c), "root\n");
  show(&c, "# # "); /* two prompts at once: both steps are due, in order */
  cr_assert_str_eq(taken(&c), "ls\nexit\n");
  mon_console_fini(&c);
}

Test(console, a_step_looks_only_at_what_came_after_the_one_before) {
  struct mon_console c;
  struct host h = {0};
  set_up(&c, &h);
  type(&c, "ab", "1");
  type(&c, "bc", "2");
  show(&c, "abc"); /* the b was used up */
  cr_assert_str_eq(taken(&c), "1");
  show(&c, "bc");
  cr_assert_str_eq(taken(&c), "2");
  mon_console_fini(&c);
}

Test(console, an_empty_text_types_at_once) {
  struct mon_console c;
  struct host h = {0};
  set_up(&c, &h);
  type(&c, "", "first");
  type(&c, "x", "second");
  type(&c, "", "third");
  cr_assert_str_eq(taken(&c), "first");
  show(&c, "x");
  cr_assert_str_eq(taken(&c), "secondthird");
  mon_console_fini(&c);
}

Test(console, host_input_follows_scripted_input) {
  struct mon_console c;
  struct host h = {.typed = "host"};
  set_up(&c, &h);
  type(&c, "", "script ");
  cr_assert_str_eq(taken(&c), "script host");
  h.typed = "more";
  cr_assert_str_eq(taken(&c), "", "the host is asked again only after a poll");
  cr_assert(mon_console_poll(&c));
  cr_assert_str_eq(taken(&c), "more");
  h.ended = true;
  cr_assert_not(mon_console_poll(&c));
  cr_assert_not(mon_console_has_input(&c));
  mon_console_fini(&c);
}
