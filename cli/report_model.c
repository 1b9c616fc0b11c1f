/* cli/report_model.c: from the statistics of an experiment's runs to what its bars, tables and maps show. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/experiment.h"
#include "cli/report.h"
#include <string.h>

static double get(const json_t *o, const char *key) {
  return json_number_value(json_object_get(o, key));
}

static const char *text(const json_t *o, const char *key) {
  const char *s = json_string_value(json_object_get(o, key));
  return s ? s : "";
}

/* --- one run --- */

/* Seconds of cpu time, of all vcpus of all VMs together: what each clock tick was for. */
static json_t *parts(const json_t *stats) {
  double busy = 0, idle = 0, devices = 0;
  size_t i;
  json_t *vm;
  json_array_foreach(json_object_get(stats, "vms"), i, vm) {
    double hz = get(vm, "mhz") * 1e6;
    if (hz <= 0) continue;
    busy += get(vm, "instructions") / hz;
    idle += get(vm, "idle_cycles") / hz;
    devices += get(vm, "stall_cycles") / hz;
  }
  return json_pack("{s:f,s:f,s:f}", "instructions", busy, "devices", devices, "idle", idle);
}

/* The levels that vary within the experiment, as words. */
static json_t *label(const json_t *cell, const bool varies[AXES]) {
  char line[400] = "";
  for (int a = 0; a < AXES; a++) {
    const char *name = text(cell, experiment_axis[a]);
    size_t n = strlen(line);
    if (!*name || !varies[a]) continue;
    snprintf(line + n, sizeof line - n, "%s%s%s", n ? ", " : "", name, experiment_unit((enum experiment_axis)a, name));
  }
  return json_string(*line ? line : text(cell, "workload"));
}

/* When the last VM had ended. */
static double seconds(const json_t *stats) {
  double last = 0;
  size_t i;
  json_t *vm;
  json_array_foreach(json_object_get(stats, "vms"), i, vm) if (get(vm, "virtual_ns") > last) last =
      get(vm, "virtual_ns");
  return last / 1e9;
}

static json_t *row(const json_t *cell, const bool varies[AXES]) {
  const json_t *stats = json_object_get(cell, "stats");
  json_t *o = json_object();
  for (int a = 0; a < AXES; a++) json_object_set(o, experiment_axis[a], json_object_get(cell, experiment_axis[a]));
  json_object_set(o, "key", json_object_get(cell, "key"));
  json_object_set_new(o, "label", label(cell, varies));
  json_object_set_new(o, "seconds", json_real(seconds(stats)));
  json_object_set_new(o, "instructions", json_real(get(stats, "instructions")));
  json_object_set_new(o, "host_seconds", json_real(get(cell, "cpu")));
  json_object_set_new(o, "parts", parts(stats));
  return o;
}

/* --- an experiment --- */

static void find_varying(const json_t *cells, bool varies[AXES]) {
  size_t i;
  json_t *c;
  json_array_foreach(cells, i, c) for (int a = 0; a < AXES; a++) varies[a] |=
      strcmp(text(c, experiment_axis[a]), text(json_array_get(cells, 0), experiment_axis[a])) != 0;
}

/* The first row of a workload is what its others are compared with. */
static double base_of(const json_t *rows, const char *workload) {
  size_t i;
  json_t *r;
  json_array_foreach(rows, i, r) if (!strcmp(text(r, "workload"), workload)) return get(r, "seconds");
  return 0;
}

static json_t *experiment(const json_t *e) {
  bool varies[AXES] = {false};
  const json_t *cells = json_object_get(e, "cells");
  json_t *o = json_object(), *rows = json_array(), *c;
  size_t i, missing = 0;
  find_varying(cells, varies);
  json_array_foreach(cells, i, c) {
    if (!json_is_true(json_object_get(c, "done"))) {
      missing++;
      continue;
    }
    json_t *r = row(c, varies);
    json_array_append_new(rows, r);
    double base = base_of(rows, text(r, "workload"));
    json_object_set_new(r, "percent", json_real(base > 0 ? get(r, "seconds") / base * 100 : 0));
  }
  json_object_set(o, "name", json_object_get(e, "name"));
  json_object_set(o, "title", json_object_get(e, "title"));
  json_object_set(o, "about", json_object_get(e, "about"));
  json_object_set_new(o, "missing", json_integer((json_int_t)missing));
  json_object_set_new(o, "rows", rows);
  return o;
}

json_t *report_model(const json_t *document) {
  json_t *o = json_object(), *all = json_array(), *e;
  size_t i;
  json_array_foreach(json_object_get(document, "experiments"), i, e) json_array_append_new(all, experiment(e));
  if (!json_object_set_new(o, "experiments", all)) return o;
  json_decref(o);
  return NULL;
}
