/* cli/page.h: self-contained pages of plots: a document in JSON, Debian's Chart.js, and what draws the one with the
 * other. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_PAGE_H
#define CLI_PAGE_H
#include <jansson.h>

/* Is what pages are drawn by there? 0, or 2 after a line that begins with `command`. */
int page_check(const char *command);
/* Write a page: `head` up to and with "<script>", which gets Chart.js; the document, in the element "data"; and
 * `script`. 0, or 1 after a line that begins with `command`. */
int page_write(const char *command, const char *path, const char *head, const json_t *document, const char *script);
#endif
