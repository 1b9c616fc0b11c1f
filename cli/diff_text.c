/* cli/diff_text.c: what mirrorball diff prints. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/diff.h"
#include <inttypes.h>
#include <string.h>

enum { FUNCTIONS_SHOWN = 25, LINES_SHOWN = 60 };

static int64_t count(const json_t *o, const char *key) {
  return json_integer_value(json_object_get(o, key));
}
static const char *text(const json_t *o, const char *key) {
  const char *s = json_string_value(json_object_get(o, key));
  return s ? s : "";
}

static void print_row(const json_t *row, FILE *to) {
  int64_t a = count(row, "a"), b = count(row, "b");
  char part[32] = "";
  if (a && a != b) snprintf(part, sizeof part, "%+.2f%%", 100 * (double)(b - a) / (double)a);
  fprintf(to, "%-36s %16" PRId64 " %16" PRId64 " %+15" PRId64 " %9s\n", text(row, "name"), a, b, b - a, part);
}

static void print_rows(const json_t *document, const char *key, const char *title, size_t most, FILE *to) {
  const json_t *rows = json_object_get(document, key);
  size_t i, n = json_array_size(rows);
  json_t *row;
  if (!n) return;
  fprintf(to, "\n%-36s %16s %16s %15s\n", title, "A", "B", "B - A");
  json_array_foreach(rows, i, row) if (i < most) print_row(row, to);
  if (n > most) fprintf(to, "and %zu more (--json, --html)\n", n - most);
}

static void print_console(const json_t *document, FILE *to) {
  const json_t *lines = json_object_get(document, "console");
  size_t i, shown = 0;
  json_t *line;
  bool any = false;
  json_array_foreach(lines, i, line) any |= *text(line, "in") == 'a' || !strcmp(text(line, "in"), "b");
  if (!any) return;
  fputs("\nConsole\n", to);
  json_array_foreach(lines, i, line) {
    const char *in = text(line, "in");
    if (shown++ == LINES_SHOWN) {
      fprintf(to, "and %zu more (--json, --html)\n", json_array_size(lines) - i);
      break;
    }
    if (!strcmp(in, "skipped"))
      fprintf(to, "  (%s lines alike)\n", text(line, "text"));
    else
      fprintf(to, "%c %s\n", *in == 'a' ? '-' : strcmp(in, "b") ? ' ' : '+', text(line, "text"));
  }
}

void diff_print(const json_t *document, FILE *to) {
  const json_t *grown = json_object_get(document, "grown");
  size_t i;
  json_t *line;
  fprintf(to, "A: %s\nB: %s\n", text(document, "a"), text(document, "b"));
  if (json_is_true(json_object_get(document, "same")))
    fputs("the same run: instructions, final state and console\n", to);
  print_rows(document, "totals", "Totals", SIZE_MAX, to);
  print_rows(document, "phases", "Phases, us by the kernel's clock", SIZE_MAX, to);
  print_rows(document, "functions", "Functions, instructions", FUNCTIONS_SHOWN, to);
  print_console(document, to);
  fprintf(to, "\n%s %g %%%s\n", json_array_size(grown) ? "Grown by more than" : "Nothing has grown by more than",
          json_number_value(json_object_get(document, "threshold")), json_array_size(grown) ? ":" : "");
  json_array_foreach(grown, i, line) fprintf(to, "  %s\n", json_string_value(line));
}
