/* cli/diff_console.c: what two guests have shown, line by line, with the time masked. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Lines are alike if they are once their time is masked: what a kernel puts before its messages, "[    1.234567]". The
 * longest common subsequence says which lines belong to each other. */
#define _GNU_SOURCE
#include "cli/diff.h"
#include "cli/test_console.h"
#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { LINES_MAX = 6000, CONTEXT = 2 };

struct line {
  char *text; /* owned; masked */
  int64_t us; /* virtual, -1: it does not say */
};
struct lines {
  struct line *line;
  size_t n;
};

/* --- reading --- */

/* Is there a kernel's time at the beginning? Its length, 0: no. */
static size_t time_of(const char *s, int64_t *us) {
  char *end;
  if (*s != '[') return 0;
  double seconds = strtod(s + 1 + strspn(s + 1, " "), &end);
  const char *dot = memchr(s, '.', (size_t)(end - s));
  if (*end != ']' || !dot || end - dot != 7) return 0;
  *us = (int64_t)(seconds * 1e6 + 0.5);
  return (size_t)(end + 1 - s);
}

/* A guest may show any bytes; a page may not. */
static char *masked(const char *from, size_t n, int64_t *us) {
  char *line = strndup(from, n), *text = NULL;
  *us = -1;
  size_t skip = line ? time_of(line, us) : 0;
  if (line && asprintf(&text, "%s%s", skip ? "[time]" : "", line + skip) < 0) text = NULL;
  for (char *s = text; s && *s; s++)
    if (!isprint((unsigned char)*s)) *s = '?';
  free(line);
  return text;
}

static void free_lines(struct lines *l) {
  for (size_t i = 0; i < l->n; i++) free(l->line[i].text);
  free(l->line);
}

/* At most LINES_MAX: what comes behind is left out. False: no memory. */
static bool read_lines(struct lines *l, const char *console) {
  l->n = 0;
  if (!(l->line = calloc(LINES_MAX, sizeof *l->line))) return false;
  for (const char *s = console; *s && l->n < LINES_MAX;) {
    size_t n = strcspn(s, "\n"), k = n;
    while (k && s[k - 1] == '\r') k--;
    struct line *to = &l->line[l->n];
    if (!(to->text = masked(s, k, &to->us))) return false;
    l->n++;
    s += n + (s[n] == '\n');
  }
  return true;
}

/* --- comparing --- */

struct pairs {
  const struct lines *a, *b;
  uint16_t *longest;          /* common subsequence from line i of a and k of b on */
  size_t begin, end_a, end_b; /* between which they are not simply equal */
};

static bool equal(const struct pairs *p, size_t i, size_t k) {
  return !strcmp(p->a->line[i].text, p->b->line[k].text);
}

static uint16_t *at(const struct pairs *p, size_t i, size_t k) {
  return &p->longest[(i - p->begin) * (p->end_b - p->begin + 1) + k - p->begin];
}

static bool compare(struct pairs *p) {
  p->begin = 0, p->end_a = p->a->n, p->end_b = p->b->n;
  while (p->begin < p->end_a && p->begin < p->end_b && equal(p, p->begin, p->begin)) p->begin++;
  while (p->end_a > p->begin && p->end_b > p->begin && equal(p, p->end_a - 1, p->end_b - 1)) p->end_a--, p->end_b--;
  p->longest = calloc((p->end_a - p->begin + 1) * (p->end_b - p->begin + 1), sizeof *p->longest);
  if (!p->longest) return false;
  for (size_t i = p->end_a; i-- > p->begin;)
    for (size_t k = p->end_b; k-- > p->begin;) {
      uint16_t down = *at(p, i + 1, k), right = *at(p, i, k + 1);
      *at(p, i, k) = equal(p, i, k) ? (uint16_t)(*at(p, i + 1, k + 1) + 1) : down > right ? down : right;
    }
  return true;
}

/* --- the document --- */

struct writer {
  json_t *console, *complaints;
  regex_t complaint;
  size_t alike;        /* lines in a row that were */
  const char *from[3]; /* the last of them */
};

static void put(struct writer *w, const char *in, const char *text) {
  json_array_append_new(w->console, json_pack("{s:s, s:s}", "in", in, "text", text));
}

/* A line that differs comes, or the end: show what is near it of those that are alike. */
static void put_alike(struct writer *w, bool end) {
  size_t tail = end ? 0 : w->alike < CONTEXT ? w->alike : CONTEXT;
  size_t skipped = w->alike - tail;
  json_t *text = skipped ? json_sprintf("%zu", skipped) : NULL;
  if (text) put(w, "skipped", json_string_value(text));
  json_decref(text);
  for (size_t i = tail; i; i--) put(w, "both", w->from[i - 1]);
  w->alike = 0;
}

static void differs(struct writer *w, const char *in, const char *text) {
  put_alike(w, false);
  put(w, in, text);
  if (*in == 'b' && !regexec(&w->complaint, text, 0, NULL, 0)) json_array_append_new(w->complaints, json_string(text));
}

static void is_alike(struct writer *w, const struct line *a) {
  memmove(w->from + 1, w->from, 2 * sizeof *w->from);
  w->from[0] = a->text;
  w->alike++;
}

static void walk(struct writer *w, const struct pairs *p) {
  size_t i = 0, k = 0;
  while (i < p->a->n || k < p->b->n) {
    bool in_middle = i >= p->begin && k >= p->begin && (i < p->end_a || k < p->end_b);
    if (!in_middle || (i < p->end_a && k < p->end_b && equal(p, i, k))) {
      is_alike(w, &p->a->line[i]);
      i++, k++;
    } else if (k == p->end_b || (i < p->end_a && *at(p, i + 1, k) >= *at(p, i, k + 1))) {
      differs(w, "a", p->a->line[i++].text);
    } else {
      differs(w, "b", p->b->line[k++].text);
    }
  }
  put_alike(w, true);
}

/* All complaints that scenarios know, as one expression. */
static bool compile(struct writer *w) {
  char *all = NULL;
  size_t n = 0;
  FILE *f = open_memstream(&all, &n);
  const char *pattern;
  for (size_t i = 0; f && (pattern = test_console_complaint(i)); i++) fprintf(f, "%s%s", i ? "|" : "", pattern);
  bool good = f && !fclose(f) && !regcomp(&w->complaint, all, REG_EXTENDED | REG_NOSUB);
  free(all);
  return good;
}

/* --- phases --- */

/* What a Linux kernel says on its way, in this order. */
static const struct {
  const char *line, *name;
} landmark[] = {{"Linux version", "from the first message"},
                {"Calibrating delay loop", "from the delay loop's calibration"},
                {"NET: Registered PF_NETLINK", "from the first protocol family"},
                {"Unpacking initramfs", "from unpacking the initramfs"},
                {"Freeing initrd memory", "from its end"},
                {"Freeing unused kernel", "from the end of the kernel's initialization"},
                {" as init process", "from the first process"}};
enum { LANDMARKS = sizeof landmark / sizeof *landmark };

/* When a line is first there by the kernel's clock; -1: it is not, or does not say. */
static int64_t first(const struct lines *l, const char *text) {
  for (size_t i = 0; i < l->n; i++)
    if (strstr(l->line[i].text, text)) return l->line[i].us;
  return -1;
}

static json_t *phases(const struct lines *a, const struct lines *b) {
  json_t *to = json_array();
  const char *name = NULL;
  int64_t begun[2] = {0, 0};
  for (size_t i = 0; i < LANDMARKS; i++) {
    const int64_t at[] = {first(a, landmark[i].line), first(b, landmark[i].line)};
    if (at[0] < begun[0] || at[1] < begun[1]) continue;
    if (name)
      json_array_append_new(to, json_pack("{s:s, s:I, s:I}", "name", name, "a", (json_int_t)(at[0] - begun[0]), "b",
                                          (json_int_t)(at[1] - begun[1])));
    name = landmark[i].name;
    memcpy(begun, at, sizeof begun);
  }
  return to;
}

bool diff_console(json_t *document, const char *a, const char *b) {
  struct lines x, y = {0};
  struct writer w = {.console = json_array(), .complaints = json_array()};
  struct pairs p = {.a = &x, .b = &y};
  bool good = read_lines(&x, a) && read_lines(&y, b) && compare(&p) && compile(&w);
  if (good) {
    walk(&w, &p);
    regfree(&w.complaint);
    json_object_set_new(document, "phases", phases(&x, &y));
  }
  free(p.longest);
  free_lines(&x);
  free_lines(&y);
  json_object_set_new(document, "console", w.console);
  json_object_set_new(document, "complaints", w.complaints);
  return good;
}
