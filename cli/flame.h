/* cli/flame.h: a profile as a page: a flame graph to look around in. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_FLAME_H
#define CLI_FLAME_H
#include "mirrorball.h"
#include <jansson.h>

/* Folded stacks as a tree: {names, depth, name, count, more, all, shown}: for each frame, those below it behind it, how
 * deep it is, the number of its name and how much it has; `more`: what of it belongs to frames too small to be among
 * the `shown` largest. NULL: no memory. */
json_t *flame_tree(char *stacks);
/* Write the page of a VM's profile; `kernel`: what to call what ran, or NULL. 0, or 1: mb_error_text() says why, or a
 * line that was printed. */
int flame_write(struct mb_vm *vm, const char *kernel, bool exact, const char *path);
#endif
