/* cli/test_golden.c: golden runs: what a test's run was like when somebody said that it is as it should be. */
/* SPDX-License-Identifier: Apache-2.0 */
/* FILE.golden beside a scenario: JSON, an object for each guest with the values of `keys`. */
#define _GNU_SOURCE
#include "cli/test.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *const keys[] = {"instructions", "virtual_ns", "console_digest", "state_hash"};
enum { KEYS = sizeof keys / sizeof *keys };

static const char *get(const json_t *o, const char *key) {
  const char *s = json_string_value(json_object_get(o, key));
  return s ? s : "";
}

/* Owned by the caller; an empty object when there is none, or it is no JSON. */
static json_t *load(const char *scenario) {
  char *path = NULL;
  json_t *o = asprintf(&path, "%s.golden", scenario) < 0 ? NULL : json_load_file(path, 0, NULL);
  free(path);
  if (json_is_object(o)) return o;
  json_decref(o);
  return json_object();
}

void test_golden_note(json_t *result) {
  json_t *all = load(get(result, "scenario")), *golden = json_object_get(all, get(result, "guest"));
  if (json_is_object(golden)) json_object_set(result, "golden", golden);
  json_decref(all);
}

static int save(const json_t *golden, const char *scenario) {
  char *path = NULL, *next = NULL;
  bool named = asprintf(&path, "%s.golden", scenario) >= 0 && asprintf(&next, "%s.golden.new", scenario) >= 0;
  bool good = named && !json_dump_file(golden, next, JSON_INDENT(2) | JSON_SORT_KEYS) && !rename(next, path);
  if (!good) options_fail("test: cannot write %s.golden: %s", scenario, named ? strerror(errno) : "out of memory");
  free(path);
  free(next);
  return good ? 0 : 1;
}

int test_golden_update(const json_t *results) {
  size_t i;
  json_t *r;
  int bad = 0;
  json_array_foreach(results, i, r) {
    if (strcmp(get(r, "verdict"), "good")) continue;
    json_t *all = load(get(r, "scenario")), *one = json_object();
    for (size_t k = 0; k < KEYS; k++) json_object_set(one, keys[k], json_object_get(r, keys[k]));
    json_object_set_new(all, get(r, "guest"), one);
    if (save(all, get(r, "scenario"))) bad = 1;
    json_decref(all);
  }
  return bad;
}
