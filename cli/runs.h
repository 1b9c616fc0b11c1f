/* cli/runs.h: the folder in which each run that goes on has a socket, at which it can be asked. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_RUNS_H
#define CLI_RUNS_H
#include <stddef.h>
#include <sys/types.h>

/* $XDG_RUNTIME_DIR/mirrorball, else /tmp/mirrorball-UID: this user's alone, made if need be. Owned by the caller; NULL:
 * out of memory, or it is not safe: `why` is one line about that, to be freed. */
char *runs_folder(char **why);
/* The socket of a process in it: owned by the caller; NULL: out of memory. */
char *runs_socket(const char *folder, pid_t pid);
/* The processes that have one, by number, ended by 0; owned by the caller. NULL: out of memory. */
pid_t *runs_list(const char *folder);
#endif
