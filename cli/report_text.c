/* cli/report_text.c: results of experiments as a table. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/report.h"
#include <string.h>

enum { NAME_MAX_WIDTH = 60 };

static double get(const json_t *o, const char *key) {
  return json_number_value(json_object_get(o, key));
}

static const char *text(const json_t *o, const char *key) {
  const char *s = json_string_value(json_object_get(o, key));
  return s ? s : "";
}

static void print_sampled(const json_t *row, FILE *to) {
  static const struct {
    const char *key, *about;
  } known[] = {{"misses_per_1000_instructions", "misses in 1000 instructions"},
               {"local_share", "of them near"},
               {"stall_ns_per_instruction", "ns waited an instruction"}};
  size_t i, k;
  json_t *vm;
  json_array_foreach(json_object_get(row, "sampled"), i, vm) {
    fprintf(to, "  %s", text(row, "label"));
    if (json_array_size(json_object_get(row, "sampled")) > 1) fprintf(to, ", VM %zu", i + 1);
    fprintf(to, ", %.0f intervals:", get(vm, "intervals"));
    for (k = 0; k < sizeof known / sizeof *known; k++) {
      const json_t *r = json_object_get(vm, known[k].key), *near = json_object_get(r, "ci95");
      fprintf(to, "%s %s %.4g", k ? "," : "", known[k].about, get(r, "mean"));
      if (json_is_real(near)) fprintf(to, " +- %.2g", json_real_value(near));
    }
    fputc('\n', to);
  }
}

static void print_experiment(const json_t *e, FILE *to) {
  const json_t *rows = json_object_get(e, "rows");
  size_t i, width = 4;
  json_t *r;
  json_array_foreach(rows, i, r) if (strlen(text(r, "label")) > width) width = strlen(text(r, "label"));
  if (width > NAME_MAX_WIDTH) width = NAME_MAX_WIDTH;
  fprintf(to, "%s%s%s\n", text(e, "name"), *text(e, "title") ? ": " : "", text(e, "title"));
  fprintf(to, "%-*s %12s %8s %16s %9s\n", (int)width, "run", "seconds", "%", "instructions", "host s");
  json_array_foreach(rows, i, r)
      fprintf(to, "%-*s %12.6f %8.1f %16.0f %9.2f\n", (int)width, text(r, "label"), get(r, "seconds"),
              get(r, "percent"), get(r, "instructions"), get(r, "host_seconds"));
  json_array_foreach(rows, i, r) print_sampled(r, to);
  if (get(e, "missing") > 0) fprintf(to, "%.0f runs are missing\n", get(e, "missing"));
}

void report_print(const json_t *document, FILE *to) {
  size_t i;
  json_t *e, *model = report_model(document);
  json_array_foreach(json_object_get(model, "experiments"), i, e) {
    if (i) fputc('\n', to);
    print_experiment(e, to);
  }
  json_decref(model);
}
