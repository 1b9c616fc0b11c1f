/* cli/page.c: self-contained pages, drawn by scripts and Debian's Chart.js, dressed by cli/page.css. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/page.h"
#include "cli/options.h"
#include "cli/page_files.h" /* made of page.css and page.js */
#include <stdlib.h>
#include <string.h>

static const char *const library[] = {"/usr/share/javascript/chart.js/chart.min.js",
                                      "/usr/share/javascript/chart.js/Chart.min.js"};

static FILE *open_library(void) {
  FILE *f = NULL;
  for (size_t i = 0; !f && i < sizeof library / sizeof *library; i++) f = fopen(library[i], "re");
  return f;
}

int page_check(const char *command) {
  FILE *f = open_library();
  if (!f) return options_fail("%s: --html: there is no Chart.js: apt-get install libjs-chart.js", command);
  fclose(f);
  return 0;
}

/* Text within a script element: nothing in it may end that. In JSON and in strings "<\/" means "</". */
static void put_script(const char *text, size_t n, FILE *to) {
  for (size_t i = 0; i < n; i++) {
    putc(text[i], to);
    if (text[i] == '<' && i + 1 < n && text[i + 1] == '/') putc('\\', to);
  }
}

static bool put_library(FILE *to) {
  char text[1 << 16];
  FILE *f = open_library();
  size_t n;
  while (f && (n = fread(text, 1, sizeof text, f))) fwrite(text, 1, n, to);
  bool good = f && !ferror(f);
  if (f) fclose(f);
  return good;
}

int page_write(const char *what, const char *path, const char *title, const json_t *document, const char *script,
               bool plots) {
  char *text = json_dumps(document, JSON_COMPACT);
  FILE *f = text ? fopen(path, "we") : NULL;
  bool good = f;
  if (good) {
    fprintf(f,
            "<!DOCTYPE html>\n<html lang='en'><head><meta charset='utf-8'><title>%s</title>\n"
            "<meta name='viewport' content='width=device-width, initial-scale=1'><link rel='icon' href='data:,'>\n"
            "<style>\n%s</style></head><body><main id='root'></main>\n<script>",
            title, (const char *)page_css);
    good = !plots || put_library(f);
    fputs("</script>\n<script type='application/json' id='data'>", f);
    put_script(text, strlen(text), f);
    fprintf(f, "</script>\n<script>\n%s%s", (const char *)page_js, script);
    good = fputs("</script></body></html>\n", f) != EOF && good;
  }
  if (f && fclose(f)) good = false;
  free(text);
  if (!good) options_fail("%s %s: cannot be written", what, path);
  return !good;
}
