/* cli/flame.h: a profile as a page: a flame graph to look around in. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_FLAME_H
#define CLI_FLAME_H
#include "mirrorball.h"
#include <jansson.h>

/* Folded stacks as a tree: {depth, name, count, more, shown, all, names, self, sum}. For each of the `shown` largest
 * frames, those below it behind it: how deep it is, the number of its name, how much it has, and what of that belongs
 * to frames below that are too small. By name: what is in all frames of that name, and with what those called. The text
 * is written into. NULL: no memory. */
json_t *flame_tree(char *stacks);
/* Write the page of a VM's profile; `kernel`: what to call what ran, or NULL. 0, or 1: mb_error_text() says why, or a
 * line that was printed. */
int flame_write(struct mb_vm *vm, const char *kernel, bool exact, const char *path);
#endif
