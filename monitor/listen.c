/* monitor/listen.c: a Unix socket to be called at. */
/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* accept4 */
#include "monitor/listen.h"
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* A socket that nobody listens on any more was left behind. Connecting to what is no socket is refused, too. */
static bool is_left_behind(const struct sockaddr_un *at) {
  struct stat st;
  if (lstat(at->sun_path, &st) || !S_ISSOCK(st.st_mode)) return false;
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  bool dead = fd >= 0 && connect(fd, (const struct sockaddr *)at, sizeof *at) && errno == ECONNREFUSED;
  if (fd >= 0) close(fd);
  return dead;
}

int mon_listen(const char *path, int backlog) {
  struct sockaddr_un at = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof at.sun_path) return errno = ENAMETOOLONG, -1;
  strcpy(at.sun_path, path);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  int bad = fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at);
  if (bad && fd >= 0 && errno == EADDRINUSE && is_left_behind(&at))
    bad = unlink(path) || bind(fd, (struct sockaddr *)&at, sizeof at);
  if (!bad && !listen(fd, backlog)) return fd;
  int error = errno;
  if (fd >= 0) close(fd);
  errno = error;
  return -1;
}

const char *mon_listen_why(void) {
  return errno == ENAMETOOLONG ? "is longer than the 107 bytes a socket's path may have" : strerror(errno);
}

int mon_accept(int fd) {
  return accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
}
