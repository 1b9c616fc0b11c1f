/* cli/report_page.c: results of experiments as one self-contained page, which cli/report.js draws. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/options.h"
#include "cli/page.h"
#include "cli/page_files.h" /* made of report.js, too */
#include "cli/report.h"

int report_page(const char *command, const json_t *document, const char *path) {
  char what[32];
  snprintf(what, sizeof what, "%s: --html", command);
  json_t *model = report_model(document);
  int code = model ? page_write(what, path, "mirrorball: experiments", model, (const char *)report_js, true)
                   : options_fail("%s: out of memory", command) - 1;
  json_decref(model);
  return code;
}
