/* cli/compare_text.c: what mirrorball compare prints: times, cycles, events and services as tables. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/compare.h"
#include <string.h>
#include <unistd.h>

enum { SERVICES_SHOWN = 20, NAME_COLUMN = 26 };

static double get(const json_t *o, const char *key) {
  return json_number_value(json_object_get(o, key));
}
static const char *text(const json_t *o, const char *key) {
  const char *s = json_string_value(json_object_get(o, key));
  return s ? s : "-";
}

static void heading(FILE *to, const char *title, const char *columns) {
  bool colour = isatty(fileno(to));
  fprintf(to, "\n%s%-*s%s%s\n", colour ? "\033[1m" : "", NAME_COLUMN, title, columns, colour ? "\033[0m" : "");
}

static const json_t *mode_of(const json_t *setting, const char *name) {
  size_t i;
  json_t *m;
  json_array_foreach(json_object_get(setting, "modes"), i, m) if (!strcmp(text(m, "mode"), name)) return m;
  return NULL;
}

static void print_times(const json_t *settings, FILE *to) {
  size_t i, k;
  json_t *s, *m;
  heading(to, "Host seconds", " wall: median     min..max    x bare    cpu: median    x bare");
  json_array_foreach(settings, i, s) {
    json_array_foreach(json_object_get(s, "modes"), k, m) {
      const json_t *w = json_object_get(m, "wall");
      fprintf(to, "l2tlb %-5.0f %-14s%13.3f %7.3f..%-7.3f%8.2f%15.3f%10.2f\n", get(s, "l2tlb"), text(m, "mode"),
              get(w, "median"), get(w, "min"), get(w, "max"), get(m, "wall_ratio"),
              get(json_object_get(m, "cpu"), "median"), get(m, "cpu_ratio"));
    }
  }
}

static void print_bars(const json_t *settings, FILE *to) {
  size_t i, k;
  json_t *s, *m;
  heading(to, "Modelled cycles, %", "    user  kernel monitor    idle     all");
  json_array_foreach(settings, i, s) {
    json_array_foreach(json_object_get(s, "modes"), k, m) {
      const json_t *p = json_object_get(m, "percent");
      fprintf(to, "l2tlb %-5.0f %-14s%8.1f%8.1f%8.1f%8.1f%8.1f\n", get(s, "l2tlb"), text(m, "mode"), get(p, "user"),
              get(p, "kernel"), get(p, "monitor"), get(p, "idle"), get(p, "total"));
    }
  }
}

static void print_parts(const json_t *settings, FILE *to) {
  static const char *const group[] = {"segment", "privileged", "tlb-write", "refill", "reflected", "device", "monitor"};
  size_t i, k;
  json_t *s, *m;
  heading(to, "... of the monitor", " segment privil. TLB wr.  refill reflect  device   other");
  json_array_foreach(settings, i, s) {
    json_array_foreach(json_object_get(s, "modes"), k, m) {
      const json_t *parts = json_object_get(m, "monitor_parts");
      fprintf(to, "l2tlb %-5.0f %-14s", get(s, "l2tlb"), text(m, "mode"));
      for (size_t g = 0; g < sizeof group / sizeof *group; g++) fprintf(to, "%8.2f", get(parts, group[g]));
      fputc('\n', to);
    }
  }
}

static void print_events(const json_t *setting, FILE *to) {
  const json_t *mode[2] = {mode_of(setting, "trap"), mode_of(setting, "translate")};
  size_t i;
  json_t *e;
  heading(to, "Events", "         count   trap: ns  cycles   share   translate: cycles   share");
  json_array_foreach(json_object_get(setting, "events"), i, e) {
    const char *const key[2] = {"trap_cycles", "translate_cycles"};
    char cell[2][3][24] = {{"-", "-", "-"}, {"-", "-", "-"}};
    const json_t *ns = json_object_get(e, "ns");
    if (json_is_number(ns)) snprintf(cell[0][0], sizeof cell[0][0], "%.0f", json_number_value(ns));
    for (int m = 0; m < 2; m++) {
      double all = get(mode[m], "monitor_cycles");
      if (!mode[m]) continue;
      snprintf(cell[m][1], sizeof cell[m][1], "%.3g", get(e, key[m]));
      snprintf(cell[m][2], sizeof cell[m][2], "%.2f%%", all > 0 ? get(e, key[m]) * get(e, "count") / all * 100 : 0);
    }
    fprintf(to, "%-*s%14.0f%11s%8s%8s%20s%8s\n", NAME_COLUMN, text(e, "name"), get(e, "count"), cell[0][0], cell[0][1],
            cell[0][2], cell[1][1], cell[1][2]);
  }
}

static void print_traps(const json_t *setting, FILE *to) {
  const json_t *traps = json_object_get(mode_of(setting, "trap"), "traps");
  const char *name;
  json_t *t;
  if (!json_object_size(traps)) return;
  heading(to, "Host traps (mode trap)", "         count    ns each   seconds");
  json_object_foreach((json_t *)(uintptr_t)traps, name, t) {
    double n = get(t, "count"), ns = get(t, "ns");
    if (n > 0) fprintf(to, "%-*s%14.0f%11.0f%10.3f\n", NAME_COLUMN, name, n, ns / n, ns / 1e9);
  }
}

static void print_services(const json_t *setting, const char *mode, FILE *to) {
  char title[64];
  size_t i;
  json_t *s;
  if (!mode_of(setting, mode)) return;
  snprintf(title, sizeof title, "Kernel services, %s", mode);
  heading(to, title, "   share       runs  x bare =  kernel  TLB writes  privileged  monitor  kernel TLB");
  json_array_foreach(json_object_get(setting, "services"), i, s) {
    const json_t *m = json_object_get(s, mode);
    if (i == SERVICES_SHOWN) break;
    fprintf(to, "%-*s%7.2f%%%11.0f%8.2f%10.2f%12.2f%12.2f%9.2f%12.2f\n", NAME_COLUMN, text(s, "name"),
            get(s, "share") * 100, get(s, "invocations"), get(m, "slowdown"), get(m, "kernel"), get(m, "tlb_writes"),
            get(m, "privileged"), get(m, "monitor"), get(m, "kernel_tlb"));
  }
}

void compare_print(const json_t *document, FILE *to) {
  const json_t *settings = json_object_get(document, "settings");
  const char *workload = json_string_value(json_object_get(document, "workload"));
  size_t i;
  json_t *s;
  fprintf(to, "%s%s%s: %.0f times each\n", text(document, "guest"), workload ? ", running " : "",
          workload ? workload : "", get(document, "repeat"));
  if (json_is_true(json_object_get(document, "same")))
    fputs("the same run in each mode: instructions, state and console are equal\n", to);
  else
    fputs("NOT the same run in each mode: see above\n", to);
  print_times(settings, to);
  print_bars(settings, to);
  print_parts(settings, to);
  json_array_foreach(settings, i, s) {
    fprintf(to, "\nWith a second-level TLB of %.0f entries: %.0f instructions, state %s\n", get(s, "l2tlb"),
            get(s, "instructions"), text(s, "state_hash"));
    print_events(s, to);
    print_traps(s, to);
    print_services(s, "trap", to);
    print_services(s, "translate", to);
  }
}
