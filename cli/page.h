/* cli/page.h: self-contained pages of plots: a document in JSON, and what draws it, often with Debian's Chart.js.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_PAGE_H
#define CLI_PAGE_H
#include <jansson.h>
#include <stdbool.h>

/* Is what pages are drawn by there? 0, or 2 after a line that begins with `command`. */
int page_check(const char *command);
/* Write a page. `script` finds what cli/page.js gives it: the document as `data`, the element `root` to put everything
 * into, and some functions; `plots`: also Chart.js, which page_check()
 * has found. 0, or 1 after a line that begins with `what`, as "compare: --html". */
int page_write(const char *what, const char *path, const char *title, const json_t *document, const char *script,
               bool plots);
#endif
