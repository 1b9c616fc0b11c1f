/* cli/diff_model.c: two recordings into the document that mirrorball diff shows. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/diff.h"
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static json_int_t count(const json_t *o, const char *key) {
  return json_integer_value(json_object_get(o, key));
}

/* --- totals --- */

/* What the guest can be held responsible for; the rest of the statistics is the host's. */
static const char *const total[] = {"instructions", "virtual_ns", "idle_cycles", "stall_cycles",    "interrupts",
                                    "tlb_refills",  "tlbwr",      "tlbwi",       "device_accesses", "console_lines"};

static void add_total(json_t *to, const char *what, const char *name, json_int_t a, json_int_t b) {
  if (!a && !b) return;
  json_array_append_new(to, json_pack("{s:s+, s:I, s:I}", "name", what, name, "a", a, "b", b));
}

static json_t *totals(const json_t *a, const json_t *b) {
  json_t *to = json_array(), *x = json_object_get(a, "stats"), *y = json_object_get(b, "stats"), *value;
  const char *name;
  for (size_t i = 0; i < sizeof total / sizeof *total; i++)
    add_total(to, "", total[i], count(x, total[i]), count(y, total[i]));
  const json_t *cover[] = {json_object_get(a, "coverage"), json_object_get(b, "coverage")};
  add_total(to, "instructions of the ", "kernel", count(cover[0], "kernel"), count(cover[1], "kernel"));
  add_total(to, "instructions of ", "user programs", count(cover[0], "user"), count(cover[1], "user"));
  x = json_object_get(x, "exceptions"), y = json_object_get(y, "exceptions");
  json_t *all = json_object();
  json_object_update(all, x);
  json_object_update(all, y);
  json_object_foreach(all, name, value) add_total(to, "exceptions: ", name, count(x, name), count(y, name));
  json_decref(all);
  return to;
}

/* --- functions --- */

/* Static functions of one name are one. */
static void add_functions(json_t *by_name, const json_t *recording, const char *self, const char *entered) {
  const json_t *cover = json_object_get(recording, "coverage");
  const json_t *lists[] = {json_object_get(cover, "functions"), json_object_get(cover, "elsewhere")};
  size_t i;
  json_t *f;
  for (int k = 0; k < 2; k++) json_array_foreach(lists[k], i, f) {
      const char *name = json_string_value(json_object_get(f, "name"));
      json_t *row = name ? json_object_get(by_name, name) : NULL;
      if (name && !row) {
        row = json_pack("{s:s, s:i, s:i, s:i, s:i}", "name", name, "a", 0, "b", 0, "entered_a", 0, "entered_b", 0);
        json_object_set_new(by_name, name, row);
      }
      if (!row) continue;
      json_object_set_new(row, self, json_integer(count(row, self) + count(f, "instructions")));
      json_object_set_new(row, entered, json_integer(count(row, entered) + count(f, "entered")));
    }
}

static json_int_t growth(const json_t *row) {
  return count(row, "b") - count(row, "a");
}

static int by_difference(const void *a, const void *b) {
  const json_t *x = *(json_t *const *)a, *y = *(json_t *const *)b;
  json_int_t p = llabs(growth(x)), q = llabs(growth(y));
  if (p != q) return p > q ? -1 : 1;
  return strcmp(json_string_value(json_object_get(x, "name")), json_string_value(json_object_get(y, "name")));
}

static json_t *functions(const json_t *a, const json_t *b) {
  json_t *by_name = json_object(), *to = json_array(), *row;
  const char *name;
  size_t n = 0;
  add_functions(by_name, a, "a", "entered_a");
  add_functions(by_name, b, "b", "entered_b");
  json_t **rows = malloc((json_object_size(by_name) + 1) * sizeof *rows);
  json_object_foreach(by_name, name, row) if (rows && (growth(row) || count(row, "entered_a") !=
                                                                          count(row, "entered_b"))) rows[n++] = row;
  if (n) qsort(rows, n, sizeof *rows, by_difference);
  for (size_t i = 0; i < n; i++) json_array_append(to, rows[i]);
  if (!rows) {
    json_decref(to);
    to = NULL;
  }
  free(rows);
  json_decref(by_name);
  return to;
}

/* --- the verdict --- */

static void judge(json_t *document, double threshold) {
  json_t *grown = json_array(), *row;
  size_t i;
  json_int_t all = 0;
  json_array_foreach(json_object_get(document, "totals"), i, row) {
    const char *name = json_string_value(json_object_get(row, "name"));
    json_int_t a = count(row, "a"), b = count(row, "b");
    if (!i) all = a;
    if ((double)(b - a) <= (double)a * threshold / 100) continue;
    json_array_append_new(grown, json_sprintf("%s: from %" PRId64 " to %" PRId64, name, (int64_t)a, (int64_t)b));
  }
  json_array_foreach(json_object_get(document, "functions"), i, row) {
    if ((double)growth(row) <= (double)all * threshold / 100) continue;
    json_array_append_new(grown, json_sprintf("%s: %" PRId64 " instructions more",
                                              json_string_value(json_object_get(row, "name")), (int64_t)growth(row)));
  }
  json_array_foreach(json_object_get(document, "complaints"), i, row)
      json_array_append_new(grown, json_sprintf("new on the console: %s", json_string_value(row)));
  json_object_set_new(document, "grown", grown);
}

static bool same(const json_t *a, const json_t *b) {
  static const char *const key[] = {"instructions", "state_hash", "console_digest"};
  for (size_t i = 0; i < sizeof key / sizeof *key; i++)
    if (!json_equal(json_object_get(json_object_get(a, "stats"), key[i]),
                    json_object_get(json_object_get(b, "stats"), key[i])))
      return false;
  return true;
}

static const char *text(const json_t *o, const char *key) {
  const char *s = json_string_value(json_object_get(o, key));
  return s ? s : "";
}

json_t *diff_model(const json_t *a, const json_t *b, double threshold) {
  json_t *document =
      json_pack("{s:s, s:s, s:b, s:f, s:o*, s:o*}", "a", text(a, "name"), "b", text(b, "name"), "same", (int)same(a, b),
                "threshold", threshold, "totals", totals(a, b), "functions", functions(a, b));
  if (!document || !diff_console(document, text(a, "console"), text(b, "console"))) {
    json_decref(document);
    return NULL;
  }
  judge(document, threshold);
  return document;
}
