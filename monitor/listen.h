/* monitor/listen.h: a socket to be called at. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MONITOR_LISTEN_H
#define MONITOR_LISTEN_H

/* Make one at `path`, in place of one that nobody listens on any more. Neither it nor what accept() gives of it is to
 * be waited for. Returns the descriptor, owned by the caller, who also removes the path; or -1, errno says why. */
int mon_listen(const char *path, int backlog);
/* The same at a TCP port, of this host alone unless a host is given: "[HOST:]PORT". *why: static text on what is wrong.
 */
int mon_listen_tcp(const char *where, const char **why);
/* The text of that errno. */
const char *mon_listen_why(void);
/* The next caller, never waited for: a descriptor, or -1. */
int mon_accept(int fd);
#endif
