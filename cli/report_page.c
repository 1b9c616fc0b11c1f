/* cli/report_page.c: results of experiments as one self-contained page: cli/report.js draws it, cli/report.css dresses
 * it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/guests_parts.h"
#include "cli/options.h"
#include "cli/page.h"
#include "cli/report.h"
#include "cli/report_files.h" /* made of them */
#include <stdlib.h>

int report_page(const char *command, const json_t *document, const char *path) {
  json_t *model = report_model(document);
  char *head = guests_text(
      "<!DOCTYPE html>\n<html lang='en'><head><meta charset='utf-8'><title>mirrorball: experiments</title>\n"
      "<meta name='viewport' content='width=device-width, initial-scale=1'>"
      "<link rel='icon' href='data:,'>\n<style>\n%s</style></head><body><main id='root'></main>\n<script>",
      (const char *)report_css);
  int code = model && head ? page_write(command, path, head, model, (const char *)report_js)
                           : options_fail("%s: out of memory", command) - 1;
  json_decref(model);
  free(head);
  return code;
}
