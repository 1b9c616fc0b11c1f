/* cli/compare_model.c: from statistics of runs to what each mode costs: modelled cycles by event and by service. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/compare.h"
#include "mirrorball.h"
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

static double get(const json_t *o, const char *key) {
  return json_number_value(json_object_get(o, key));
}

static bool is(const json_t *o, const char *key, const char *text) {
  const char *s = json_string_value(json_object_get(o, key));
  return s && !strcmp(s, text);
}

/* --- cycles of an event --- */

struct model {
  const struct compare *c;
  const struct compare_setting *s;
  double kseg0_share; /* of the accesses to kseg0 that missed the machine TLB; below 0: nobody knows */
};

static double count_of(const json_t *events, const char *name) {
  size_t i;
  json_t *e;
  json_array_foreach(events, i, e) if (is(e, "name", name)) return get(e, "count");
  return 0;
}

static double trapped_share(const struct compare_setting *s) {
  const json_t *traps = s->stats[COMPARE_TRAP] ? json_object_get(s->stats[COMPARE_TRAP], "traps") : NULL;
  const json_t *events = json_object_get(s->counted, "events");
  double all = count_of(events, "kseg0 load") + count_of(events, "kseg0 store");
  double trapped = get(json_object_get(traps, "kseg0"), "count");
  if (!traps) return -1;
  return all <= 0 || trapped > all ? 1 : trapped / all;
}

/* Modelled cycles of one event `e` (a row of "events") in a mode. */
static double cycles_of(const struct model *m, const json_t *e, int mode) {
  const char *name = json_string_value(json_object_get(e, "name")), *key = mode == COMPARE_TRAP ? "trap" : "translate";
  const json_t *own = json_object_get(json_object_get(m->c->costs, name), key);
  if (mode == COMPARE_BARE) return 0;
  double each = own ? json_number_value(own) : get(e, mode == COMPARE_TRAP ? "trap_cycles" : "translate_cycles");
  if (strncmp(name, "kseg0 ", 6)) return each;
  return m->kseg0_share >= 0 ? each * m->kseg0_share : mode == COMPARE_TRAP ? each : 0;
}

/* --- services --- */

enum part { P_TLB_WRITES, P_PRIVILEGED, P_MONITOR, P_KERNEL_TLB, PARTS };
static const char *const part_name[PARTS] = {"tlb_writes", "privileged", "monitor", "kernel_tlb"};

static enum part part_of(const json_t *e) {
  if (is(e, "group", "tlb-write")) return P_TLB_WRITES;
  if (is(e, "group", "privileged")) return P_PRIVILEGED;
  return is(e, "name", "TLB refill, kernel") ? P_KERNEL_TLB : P_MONITOR;
}

static double service_cycles(const json_t *service) {
  return get(service, "instructions") + get(service, "stall_cycles");
}

static bool is_user(const json_t *service) {
  return is(service, "name", "user") && json_is_null(json_object_get(service, "system_call"));
}
static bool is_idle(const json_t *service) {
  return is(service, "name", "idle") && json_is_null(json_object_get(service, "system_call"));
}

/* The monitor's cycles for a service in a mode, by part. */
static void add_parts(const struct model *m, const json_t *service, int mode, double part[PARTS]) {
  const json_t *counts = json_object_get(service, "events");
  size_t i;
  json_t *e;
  json_array_foreach(json_object_get(m->s->counted, "events"), i, e) part[part_of(e)] +=
      get(counts, json_string_value(json_object_get(e, "name"))) * cycles_of(m, e, mode);
}

static json_t *service_mode(const struct model *m, const json_t *service, int mode) {
  double part[PARTS] = {0}, bare = service_cycles(service), tlb = get(service, "tlb_instructions"), sum = 1;
  json_t *o = json_object();
  add_parts(m, service, mode, part);
  part[P_KERNEL_TLB] += tlb;
  json_object_set_new(o, "kernel", json_real((bare - tlb) / bare));
  for (int p = 0; p < PARTS; p++) {
    json_object_set_new(o, part_name[p], json_real(part[p] / bare));
    sum += part[p] / bare;
  }
  json_object_set_new(o, "slowdown", json_real(sum - tlb / bare));
  return o;
}

static int by_cycles(const void *a, const void *b) {
  double x = get(*(json_t *const *)a, "cycles"), y = get(*(json_t *const *)b, "cycles");
  return (x < y) - (x > y);
}

static json_t *sorted(json_t *array) {
  size_t n = json_array_size(array), i;
  json_t **row = malloc((n + 1) * sizeof *row), *out = json_array();
  for (i = 0; row && i < n; i++) row[i] = json_array_get(array, i);
  if (row) qsort(row, n, sizeof *row, by_cycles);
  for (i = 0; row && i < n; i++) json_array_append(out, row[i]);
  json_decref(array);
  free(row);
  return out;
}

static json_t *services(const struct model *m, double kernel) {
  json_t *all = json_array(), *s;
  size_t i;
  json_array_foreach(json_object_get(m->s->counted, "services"), i, s) {
    double cycles = service_cycles(s);
    if (is_user(s) || is_idle(s) || cycles <= 0) continue;
    json_t *o = json_object();
    json_object_set(o, "name", json_object_get(s, "name"));
    json_object_set(o, "invocations", json_object_get(s, "invocations"));
    json_object_set_new(o, "cycles", json_real(cycles));
    json_object_set_new(o, "share", json_real(cycles / kernel));
    for (int mode = COMPARE_TRAP; mode < COMPARE_MODES; mode++)
      if (m->c->mode[mode]) json_object_set_new(o, compare_mode[mode], service_mode(m, s, mode));
    json_array_append_new(all, o);
  }
  return sorted(all);
}

/* --- a setting --- */

struct cycles {
  double user, kernel, idle;
};

static struct cycles guest_cycles(const struct compare_setting *setting) {
  struct cycles c = {0};
  size_t i;
  json_t *s;
  json_array_foreach(json_object_get(setting->counted, "services"), i, s) {
    *(is_user(s) ? &c.user : is_idle(s) ? &c.idle : &c.kernel) += service_cycles(s);
    c.idle += get(s, "idle_cycles");
  }
  return c;
}

static double monitor_cycles(const struct model *m, int mode) {
  double sum = 0;
  size_t i;
  json_t *e;
  json_array_foreach(json_object_get(m->s->counted, "events"), i, e) sum += get(e, "count") * cycles_of(m, e, mode);
  return sum;
}

/* The same by group of events, in percent of the bare machine. */
static json_t *monitor_parts(const struct model *m, int mode, double whole) {
  json_t *o = json_object(), *e;
  size_t i;
  json_array_foreach(json_object_get(m->s->counted, "events"), i, e) {
    const char *group = json_string_value(json_object_get(e, "group"));
    double v = whole > 0 ? get(e, "count") * cycles_of(m, e, mode) / whole * 100 : 0;
    json_object_set_new(o, group, json_real(get(o, group) + v));
  }
  return o;
}

static int by_value(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static json_t *spread(const double *seconds, unsigned n, double *median) {
  double sorted_one[COMPARE_REPEAT];
  memcpy(sorted_one, seconds, n * sizeof *seconds);
  qsort(sorted_one, n, sizeof *sorted_one, by_value);
  *median = (sorted_one[(n - 1) / 2] + sorted_one[n / 2]) / 2;
  json_t *o = json_object(), *all = json_array();
  for (unsigned i = 0; i < n; i++) json_array_append_new(all, json_real(seconds[i]));
  json_object_set_new(o, "median", json_real(*median));
  json_object_set_new(o, "min", json_real(sorted_one[0]));
  json_object_set_new(o, "max", json_real(sorted_one[n - 1]));
  json_object_set_new(o, "all", all);
  return o;
}

static json_t *percent(const struct cycles *c, double monitor, double whole) {
  const struct {
    const char *name;
    double v;
  } bar[] = {{"user", c->user},
             {"kernel", c->kernel},
             {"monitor", monitor},
             {"idle", c->idle},
             {"total", c->user + c->kernel + monitor + c->idle}};
  json_t *o = json_object();
  for (size_t i = 0; i < sizeof bar / sizeof *bar; i++)
    json_object_set_new(o, bar[i].name, json_real(whole > 0 ? bar[i].v / whole * 100 : 0));
  return o;
}

static json_t *modes(const struct model *m, const struct cycles *c, double whole) {
  json_t *all = json_array();
  double bare_wall = 0, bare_cpu = 0, wall, cpu;
  for (int mode = 0; mode < COMPARE_MODES; mode++) {
    if (!m->c->mode[mode]) continue;
    json_t *o = json_object(), *traps = json_object_get(m->s->stats[mode], "traps");
    json_object_set_new(o, "mode", json_string(compare_mode[mode]));
    json_object_set_new(o, "wall", spread(m->s->wall[mode], m->c->repeat, &wall));
    json_object_set_new(o, "cpu", spread(m->s->cpu[mode], m->c->repeat, &cpu));
    if (mode == COMPARE_BARE) bare_wall = wall, bare_cpu = cpu;
    json_object_set_new(o, "wall_ratio", json_real(bare_wall > 0 ? wall / bare_wall : 1));
    json_object_set_new(o, "cpu_ratio", json_real(bare_cpu > 0 ? cpu / bare_cpu : 1));
    double monitor = monitor_cycles(m, mode);
    json_object_set_new(o, "monitor_cycles", json_real(monitor));
    json_object_set_new(o, "percent", percent(c, monitor, whole));
    json_object_set_new(o, "monitor_parts", monitor_parts(m, mode, whole));
    if (mode == COMPARE_TRAP && traps) json_object_set(o, "traps", traps);
    json_array_append_new(all, o);
  }
  return all;
}

/* The kind of host trap (frontend/traps.def) that an event is in mode trap. */
static const char *trap_kind(const json_t *e) {
  if (is(e, "group", "privileged") || is(e, "group", "tlb-write")) return "privileged";
  if (is(e, "group", "device")) return "device";
  if (is(e, "group", "reflected")) return "reflected";
  if (is(e, "name", "TLB refill, second level")) return "mapped";
  if (is(e, "group", "refill")) return "forwarded";
  if (is(e, "group", "monitor") || is(e, "name", "moved base")) return "none";
  return !strncmp(json_string_value(json_object_get(e, "name")), "kseg0", 5) ? "kseg0" : "kseg1";
}

static json_t *events(const struct model *m) {
  json_t *all = json_array(), *e;
  const json_t *traps = json_object_get(m->s->stats[COMPARE_TRAP], "traps");
  size_t i;
  json_array_foreach(json_object_get(m->s->counted, "events"), i, e) {
    if (get(e, "count") <= 0) continue;
    json_t *o = json_object();
    const json_t *kind = json_object_get(traps, trap_kind(e));
    json_object_set(o, "name", json_object_get(e, "name"));
    json_object_set(o, "group", json_object_get(e, "group"));
    json_object_set(o, "count", json_object_get(e, "count"));
    json_object_set_new(o, "trap_cycles", json_real(cycles_of(m, e, COMPARE_TRAP)));
    json_object_set_new(o, "translate_cycles", json_real(cycles_of(m, e, COMPARE_TRANSLATE)));
    json_object_set_new(o, "ns",
                        get(kind, "count") > 0 ? json_real(get(kind, "ns") / get(kind, "count")) : json_null());
    json_array_append_new(all, o);
  }
  return all;
}

static json_t *setting(const struct compare *c, const struct compare_setting *s, uint32_t l2tlb, double whole) {
  static const char *const key[] = {"instructions", "state_hash", "console_digest"};
  struct model m = {.c = c, .s = s, .kseg0_share = trapped_share(s)};
  struct cycles cycles = guest_cycles(s);
  json_t *o = json_object();
  json_object_set_new(o, "l2tlb", json_integer(l2tlb));
  for (size_t i = 0; i < sizeof key / sizeof *key; i++) json_object_set(o, key[i], json_object_get(s->counted, key[i]));
  json_object_set_new(o, "cycles",
                      json_pack("{s:f,s:f,s:f}", "user", cycles.user, "kernel", cycles.kernel, "idle", cycles.idle));
  json_object_set_new(o, "modes", modes(&m, &cycles, whole));
  json_object_set_new(o, "events", events(&m));
  json_object_set_new(o, "services", services(&m, cycles.kernel));
  return o;
}

/* Fig. 5 and Table 2 of Bugnion et al., SOSP'97. */
static json_t *paper(void) {
  static const struct {
    const char *name;
    double total, monitor;
  } workload[] = {{"pmake", 116, 24.5}, {"engineering", 106, 10.3}, {"raytrace", 103, 6.6}, {"database", 116, 26}};
  static const struct {
    const char *name;
    double slowdown;
  } service[] = {{"DEMAND_ZERO", 1.42}, {"QUICK_FAULT", 3.17}, {"open", 1.63},  {"UTLB_MISS", 1.35},
                 {"write", 2.14},       {"read", 1.53},        {"execve", 1.60}};
  json_t *o = json_object(), *bars = json_array(), *table = json_array();
  for (size_t i = 0; i < sizeof workload / sizeof *workload; i++)
    json_array_append_new(bars, json_pack("{s:s,s:f,s:f}", "name", workload[i].name, "total", workload[i].total,
                                          "monitor", workload[i].monitor));
  for (size_t i = 0; i < sizeof service / sizeof *service; i++)
    json_array_append_new(table, json_pack("{s:s,s:f}", "name", service[i].name, "slowdown", service[i].slowdown));
  json_object_set_new(o, "fig5", bars);
  json_object_set_new(o, "table2", table);
  return o;
}

json_t *compare_document(const struct compare *c, const struct compare_setting *settings, bool same) {
  struct cycles first = guest_cycles(&settings[0]);
  struct utsname host;
  char when[32] = "";
  time_t now = time(NULL);
  struct tm tm;
  json_t *o = json_object(), *all = json_array();
  if (gmtime_r(&now, &tm)) strftime(when, sizeof when, "%Y-%m-%d %H:%M UTC", &tm);
  const char *guest = c->from ? c->from : c->guest;
  json_object_set_new(o, "guest", guest ? json_string(guest) : json_null());
  json_object_set_new(o, "workload", c->workload ? json_string(c->workload) : json_null());
  json_object_set_new(o, "repeat", json_integer(c->repeat));
  json_object_set_new(o, "when", json_string(when));
  json_object_set_new(o, "host", json_string(uname(&host) ? "" : host.machine));
  json_object_set_new(o, "version", json_string(mb_version()));
  json_object_set_new(o, "same", json_boolean(same));
  for (unsigned i = 0; i < c->l2tlbs; i++)
    json_array_append_new(all, setting(c, &settings[i], c->l2tlb[i], first.user + first.kernel + first.idle));
  if (json_object_set_new(o, "settings", all) || json_object_set_new(o, "paper", paper())) {
    json_decref(o);
    return NULL;
  }
  return o;
}
