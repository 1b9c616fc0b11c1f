/* cli/test_report.c: what tests have found: lines for people, TAP, JUnit, JSON, and shards merged. */
/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "cli/test.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char *get(const json_t *o, const char *key) {
  const char *s = json_string_value(json_object_get(o, key));
  return s ? s : "";
}

static long long number(const json_t *o, const char *key) {
  return (long long)json_integer_value(json_object_get(o, key));
}

static bool is(const json_t *result, const char *verdict) {
  return !strcmp(get(result, "verdict"), verdict);
}

/* --- one --- */

/* How it differs from the golden run; empty: not, or there is none. */
static void difference(const json_t *r, char *to, size_t room) {
  const json_t *g = json_object_get(r, "golden");
  long long now = number(r, "instructions"), then = number(g, "instructions");
  *to = 0;
  if (!g || !json_object_get(r, "instructions")) return;
  if (now != then)
    snprintf(to, room, "golden %lld instructions: %+lld, %+.2f %%", then, now - then,
             then ? 100.0 * (double)(now - then) / (double)then : 0.0);
  else if (strcmp(get(r, "console_digest"), get(g, "console_digest")))
    snprintf(to, room, "as many instructions as the golden run, another console");
  else if (strcmp(get(r, "state_hash"), get(g, "state_hash")))
    snprintf(to, room, "as many instructions as the golden run, another state (golden %s)", get(g, "state_hash"));
}

static void put_lines(FILE *to, const char *indent, const json_t *lines) {
  size_t i;
  json_t *line;
  json_array_foreach(lines, i, line) fprintf(to, "%s  | %s\n", indent, json_string_value(line));
}

/* How a guest had stopped, of several with its name. */
static void put_guest(FILE *to, const char *indent, const json_t *r) {
  const char *name = get(r, "name"), *colon = *name ? ": " : "";
  if (*get(r, "stop")) fprintf(to, "%s%s%sstopped: %s\n", indent, name, colon, get(r, "stop"));
  if (json_array_size(json_object_get(r, "console"))) {
    fprintf(to, "%s%s%sthe console's last lines:\n", indent, name, colon);
    put_lines(to, indent, json_object_get(r, "console"));
  }
  if (json_array_size(json_object_get(r, "checks"))) {
    fprintf(to, "%s%s%swhat checks found:\n", indent, name, colon);
    put_lines(to, indent, json_object_get(r, "checks"));
  }
  if (json_array_size(json_object_get(r, "backtrace"))) {
    fprintf(to, "%s%s%sthe guest was in:\n", indent, name, colon);
    put_lines(to, indent, json_object_get(r, "backtrace"));
  }
}

static void put_failure(FILE *to, const char *indent, const json_t *r) {
  const json_t *vms = json_object_get(r, "vms"), *vm;
  size_t i;
  if (number(r, "line"))
    fprintf(to, "%s%s:%lld: step %lld: %s\n", indent, get(r, "scenario"), number(r, "line"), number(r, "step"),
            get(r, "doing"));
  else if (*get(r, "doing"))
    fprintf(to, "%s%s\n", indent, get(r, "doing"));
  fprintf(to, "%s%s\n", indent, get(r, "why"));
  put_guest(to, indent, r);
  json_array_foreach(vms, i, vm) put_guest(to, indent, vm);
  if (*get(r, "reproduce")) fprintf(to, "%sagain: %s\n", indent, get(r, "reproduce"));
}

static void put_tap(const json_t *r, size_t n) {
  char golden[200];
  difference(r, golden, sizeof golden);
  printf("%s %zu - %s on %s%s%s\n", is(r, "good") ? "ok" : "not ok", n, get(r, "scenario"), get(r, "guest"),
         is(r, "none") ? " # SKIP " : "", is(r, "none") ? get(r, "why") : "");
  if (json_object_get(r, "instructions"))
    printf("# %lld instructions, state %s\n", number(r, "instructions"), get(r, "state_hash"));
  if (*golden) printf("# %s\n", golden);
  if (!is(r, "good")) put_failure(stdout, "# ", r);
}

void test_report_one(const json_t *r, size_t n, const struct test_options *o) {
  char golden[200];
  if (o->tap) {
    put_tap(r, n);
  } else {
    difference(r, golden, sizeof golden);
    printf("%-4s %s on %s: %lld instructions, state %s\n",
           is(r, "good")  ? "good"
           : is(r, "bad") ? "BAD"
                          : "none",
           get(r, "scenario"), get(r, "guest"), number(r, "instructions"),
           *get(r, "state_hash") ? get(r, "state_hash") : "unknown");
    if (*golden) printf("     %s\n", golden);
    if (!is(r, "good")) put_failure(stdout, "     ", r);
  }
  fflush(stdout);
}

/* --- files --- */

/* XML's text: what it cannot hold becomes '?'. */
static void put_xml(FILE *to, const char *s) {
  for (; *s; s++) switch (*s) {
    case '<': fputs("&lt;", to); break;
    case '>': fputs("&gt;", to); break;
    case '&': fputs("&amp;", to); break;
    case '"': fputs("&quot;", to); break;
    default: fputc((unsigned char)*s < ' ' && *s != '\n' ? '?' : *s, to);
    }
}

static void put_case(FILE *to, const json_t *r) {
  char *text = NULL;
  size_t n = 0;
  fputs("  <testcase classname=\"", to);
  put_xml(to, get(r, "guest"));
  fputs("\" name=\"", to);
  put_xml(to, get(r, "scenario"));
  fprintf(to, "\" time=\"%.6f\">\n", (double)number(r, "virtual_ns") / 1e9);
  FILE *f = is(r, "good") ? NULL : open_memstream(&text, &n);
  if (f) {
    put_failure(f, "", r);
    fclose(f);
    fprintf(to, "    <%s message=\"", is(r, "bad") ? "failure" : "error");
    put_xml(to, get(r, "why"));
    fputs("\">", to);
    put_xml(to, text ? text : "");
    fprintf(to, "</%s>\n", is(r, "bad") ? "failure" : "error");
  }
  free(text);
  fprintf(to, "    <system-out>%lld instructions, state %s</system-out>\n  </testcase>\n", number(r, "instructions"),
          get(r, "state_hash"));
}

struct sums {
  size_t good, bad, none;
};

static struct sums sum(const json_t *results) {
  struct sums s = {0};
  size_t i;
  json_t *r;
  json_array_foreach(results, i, r) {
    s.good += is(r, "good");
    s.bad += is(r, "bad");
    s.none += is(r, "none");
  }
  return s;
}

static int cannot_write(const char *path) {
  options_fail("test: cannot write %s: %s", path, strerror(errno));
  return 1;
}

static int write_junit(const json_t *results, const char *path) {
  struct sums s = sum(results);
  size_t i;
  json_t *r;
  FILE *f = fopen(path, "we");
  if (!f) return cannot_write(path);
  fprintf(f,
          "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
          "<testsuite name=\"mirrorball\" tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"0\">\n",
          json_array_size(results), s.bad, s.none);
  json_array_foreach(results, i, r) put_case(f, r);
  fputs("</testsuite>\n", f);
  bool bad = ferror(f);
  return fclose(f) || bad ? cannot_write(path) : 0;
}

/* --- all --- */

int test_report_all(const json_t *results, size_t expected, const struct test_options *o) {
  struct sums s = sum(results);
  size_t ran = s.good + s.bad + s.none;
  int ours = 0;
  if (o->tap) printf("1..%zu\n", ran);
  if (o->junit && write_junit(results, o->junit)) ours = 1;
  if (o->results) {
    json_t *all = json_pack("{s:i, s:i, s:I, s:O}", "shard", (int)(o->shards ? o->shard : 1), "shards",
                            (int)(o->shards ? o->shards : 1), "expected", (json_int_t)expected, "results", results);
    if (!all || json_dump_file(all, o->results, JSON_INDENT(1))) ours = cannot_write(o->results);
    json_decref(all);
  }
  if (o->update && test_golden_update(results)) ours = 1;
  if (!o->tap) {
    printf("%zu good, %zu bad", s.good, s.bad);
    if (s.none) printf(", %zu not judged", s.none);
    if (ran < expected) printf(", %zu not run", expected - ran);
    puts("");
  }
  if (fflush(stdout) || ferror(stdout)) ours = cannot_write("stdout");
  if (s.bad) return TEST_BAD;
  return ours || s.none || ran < expected ? TEST_NONE : TEST_GOOD;
}

/* --- merging --- */

struct merging {
  json_t *results;
  size_t expected;
  int shards;
  bool *seen; /* by shard */
};

/* Check and take what one shard has left. 0 or 2. */
static int merge_one(struct merging *m, const char *path) {
  json_error_t e;
  json_t *all = json_load_file(path, 0, &e), *results = json_object_get(all, "results");
  long long shard = number(all, "shard"), shards = number(all, "shards");
  int bad = 0;
  if (!json_is_array(results) || shard < 1 || shards < 1 || shard > shards || shards > 1 << 20)
    bad = options_fail("test: %s: are no results of mirrorball test --results%s%s", path, all ? "" : ": ",
                       all ? "" : e.text);
  else if (m->shards && shards != m->shards)
    bad = options_fail("test: %s: is of %lld shards, the others are of %d", path, shards, m->shards);
  else if (!m->shards && !(m->seen = calloc((size_t)shards + 1, sizeof *m->seen)))
    bad = options_fail("out of memory");
  else if (m->seen[shard])
    bad = options_fail("test: %s: shard %lld comes twice", path, shard);
  if (!bad) {
    m->shards = (int)shards;
    m->seen[shard] = true;
    m->expected += (size_t)number(all, "expected");
    json_array_extend(m->results, results);
  }
  json_decref(all);
  return bad;
}

static int by_name(const void *a, const void *b) {
  const json_t *x = *(json_t *const *)a, *y = *(json_t *const *)b;
  int first = strcmp(get(x, "scenario"), get(y, "scenario"));
  return first ? first : strcmp(get(x, "guest"), get(y, "guest"));
}

/* In an order that does not depend on how they were dealt out. */
static json_t *sorted(const json_t *results) {
  size_t n = json_array_size(results);
  json_t **r = calloc(n + 1, sizeof(json_t *)), *out = json_array();
  for (size_t i = 0; r && i < n; i++) r[i] = json_array_get(results, i);
  if (r) qsort(r, n, sizeof(json_t *), by_name);
  for (size_t i = 0; r && i < n; i++) json_array_append(out, r[i]);
  free(r);
  return out;
}

int test_report_merge(const char *const *path, size_t n, const struct test_options *o) {
  struct merging m = {.results = json_array()};
  int code = 0;
  size_t i;
  json_t *r;
  for (size_t k = 0; !code && k < n; k++) code = merge_one(&m, path[k]);
  if (!code) {
    json_t *all = sorted(m.results);
    json_array_foreach(all, i, r) test_report_one(r, i + 1, o);
    int missing = 0;
    for (int k = 1; k <= m.shards; k++) missing += !m.seen[k];
    code = test_report_all(all, m.expected, o);
    if (missing) options_fail("test: the results of %d of %d shards are missing", missing, m.shards);
    if (missing && code == TEST_GOOD) code = TEST_NONE;
    json_decref(all);
  }
  json_decref(m.results);
  free(m.seen);
  return code;
}
