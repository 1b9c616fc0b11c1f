/* cli/diff_page.c: what mirrorball diff found as one self-contained page, which cli/diff.js draws. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/diff.h"
#include "cli/page.h"
#include "cli/page_files.h" /* made of diff.js, too */

int diff_page(const json_t *document, const char *path) {
  return page_write("diff: --html", path, "mirrorball: two kernels", document, (const char *)diff_js, true);
}
