/* cli/report_model.c: from the statistics of an experiment's runs to what its bars, tables and maps show. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/experiment.h"
#include "cli/report.h"
#include "mirrorball.h"
#include <stdbool.h>
#include <string.h>

static double get(const json_t *o, const char *key) {
  return json_number_value(json_object_get(o, key));
}

static const char *text(const json_t *o, const char *key) {
  const char *s = json_string_value(json_object_get(o, key));
  return s ? s : "";
}

/* --- one run --- */

/* Add the numbers of an object to those of the same names in another. */
static void add_all(json_t *sum, const json_t *more) {
  const char *key;
  json_t *v;
  json_object_foreach((json_t *)more, key, v)
      json_object_set_new(sum, key, json_real(get(sum, key) + json_number_value(v)));
}

/* Call with each vcpu's part of what the modelled machine tells. */
static void each_vcpu(const json_t *stats, void (*with)(void *ctx, const json_t *vcpu), void *ctx) {
  size_t i, k;
  json_t *vm, *vcpu;
  json_array_foreach(json_object_get(stats, "vms"), i, vm)
      json_array_foreach(json_object_get(json_object_get(vm, "numa"), "vcpus"), k, vcpu) with(ctx, vcpu);
}

static void add_stalls(void *ctx, const json_t *vcpu) {
  add_all(ctx, json_object_get(vcpu, "stall_ns_by"));
}

static void add_misses(void *ctx, const json_t *vcpu) {
  add_all(ctx, json_object_get(vcpu, "misses"));
}

static void add_refills(void *ctx, const json_t *vcpu) {
  *(double *)ctx += get(vcpu, "tlb_refills");
}

/* From node to node: rows are added as nodes are met. */
static void add_traffic(void *ctx, const json_t *vcpu) {
  const json_t *to = json_object_get(vcpu, "misses_by_home");
  size_t node = (size_t)get(vcpu, "node"), nodes = json_array_size(to), i;
  json_t *rows = ctx, *v;
  while (json_array_size(rows) < nodes) {
    json_t *row = json_array();
    for (i = 0; i < nodes; i++) json_array_append_new(row, json_real(0));
    if (json_array_append_new(rows, row)) return;
  }
  json_t *row = json_array_get(rows, node);
  json_array_foreach(to, i, v)
      json_array_set_new(row, i, json_real(json_number_value(json_array_get(row, i)) + json_number_value(v)));
}

/* What moved pages cost; with one VM it tells of that. */
static const json_t *placement(const json_t *stats) {
  const json_t *all = json_object_get(stats, "placement");
  return all ? all : json_object_get(json_array_get(json_object_get(stats, "vms"), 0), "placement");
}

/* Seconds of cpu time, of all vcpus of all VMs together: what each clock tick was for. */
static json_t *parts(const json_t *stats) {
  double busy = 0, idle = 0, stalled = 0, told = get(placement(stats), "ns") / 1e9;
  size_t i;
  const char *key;
  json_t *vm, *v, *o = json_object();
  json_array_foreach(json_object_get(stats, "vms"), i, vm) {
    double hz = get(vm, "mhz") * 1e6;
    if (hz <= 0) continue;
    busy += get(vm, "instructions") / hz;
    idle += get(vm, "idle_cycles") / hz;
    stalled += get(vm, "stall_cycles") / hz;
  }
  json_object_set_new(o, "moves", json_real(told));
  each_vcpu(stats, add_stalls, o);
  json_object_foreach(o, key, v) {
    if (!strcmp(key, "moves")) continue;
    json_real_set(v, json_number_value(v) / 1e9);
    told += json_number_value(v);
  }
  json_object_set_new(o, "instructions", json_real(busy));
  json_object_set_new(o, "devices",
                      json_real(stalled > told ? stalled - told : 0)); /* whatever else time was charged for */
  json_object_set_new(o, "idle", json_real(idle));
  return o;
}

/* By VM: what was measured in intervals, and how sure it is. */
static void add_sampled(json_t *o, const json_t *stats) {
  json_t *all = json_array(), *vm;
  size_t i;
  json_array_foreach(json_object_get(stats, "vms"), i, vm) {
    json_t *sampled = json_object_get(json_object_get(vm, "numa"), "sampled");
    if (sampled) json_array_append(all, sampled);
  }
  if (json_array_size(all)) json_object_set(o, "sampled", all);
  json_decref(all);
}

/* What the modelled machine tells, if there was one. */
static void add_numa(json_t *o, const json_t *stats) {
  json_t *misses = json_object(), *traffic = json_array();
  const json_t *moves = placement(stats);
  double refills = 0;
  each_vcpu(stats, add_misses, misses);
  each_vcpu(stats, add_traffic, traffic);
  each_vcpu(stats, add_refills, &refills);
  json_object_set_new(o, "tlb_refills", json_real(refills));
  if (json_object_size(misses)) json_object_set(o, "misses", misses);
  if (json_array_size(traffic)) json_object_set(o, "traffic", traffic);
  add_sampled(o, stats);
  json_decref(misses);
  json_decref(traffic);
  if (!moves) return;
  double migrations = get(moves, "migrations"), replications = get(moves, "replications"),
         collapses = get(moves, "collapses");
  json_object_set_new(o, "moves",
                      json_pack("{s:f,s:f,s:f,s:f,s:f,s:f}", "migrations", migrations, "replications", replications,
                                "collapses", collapses, "copies_lost", get(moves, "copies_lost"), "count",
                                migrations + replications + collapses, "seconds", get(moves, "ns") / 1e9));
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

/* From the first mark "begin" to the last mark "done", if workloads set such; else 0. */
static double between_marks(const json_t *stats) {
  double from = 0, to = 0;
  bool begun = false;
  size_t i;
  json_t *m;
  json_array_foreach(json_object_get(stats, "marks"), i, m) {
    double at = get(m, "seconds");
    if (!strncmp(text(m, "mark"), "begin", 5) && (!begun || at < from)) from = at, begun = true;
    if (!strncmp(text(m, "mark"), "done", 4) && at > to) to = at;
  }
  return begun && to > from ? to - from : 0;
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
  double work = between_marks(stats);
  json_object_set_new(o, "seconds", json_real(work > 0 ? work : seconds(stats)));
  json_object_set_new(o, "all_seconds", json_real(seconds(stats)));
  json_object_set_new(o, "instructions", json_real(get(stats, "instructions")));
  json_object_set_new(o, "host_seconds", json_real(get(cell, "cpu")));
  json_object_set_new(o, "parts", parts(stats));
  add_numa(o, stats);
  json_t *pages = *text(cell, "page_log") ? report_pages(text(cell, "page_log")) : NULL;
  if (pages) json_object_set_new(o, "pages", pages);
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

/* Table 3 of Bugnion et al., SOSP'97. */
static json_t *paper(void) {
  return json_pack("[{s:s,s:i,s:i,s:i,s:i},{s:s,s:i,s:i,s:i,s:i}]", "workload", "engineering", "migrations", 2461,
                   "migration_us", 67, "replications", 2208, "replication_us", 57, "workload", "raytrace", "migrations",
                   909, "migration_us", 102, "replications", 2671, "replication_us", 73);
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
  json_t *table3 = paper();
  if (table3) json_object_set_new(o, "paper", json_pack("{s:o}", "table3", table3));
  json_object_set_new(o, "version", json_string(mb_version()));
  if (!json_object_set_new(o, "experiments", all)) return o;
  json_decref(o);
  return NULL;
}
