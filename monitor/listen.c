/* monitor/listen.c: a socket to be called at. */
/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* accept4 */
#include "monitor/listen.h"
#include <errno.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdlib.h>
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

static int listen_at(const struct addrinfo *a) {
  int fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, a->ai_protocol), one = 1;
  if (fd < 0) return -1;
  (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one); /* a port just left counts as taken for a minute */
  if (!bind(fd, a->ai_addr, a->ai_addrlen) && !listen(fd, 1)) return fd;
  int error = errno;
  close(fd);
  errno = error;
  return -1;
}

int mon_listen_tcp(const char *where, const char **why) {
  const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
  const char *colon = strrchr(where, ':');
  struct addrinfo *found = NULL;
  char *host = colon && colon > where ? strndup(where, (size_t)(colon - where)) : strdup("localhost");
  int no = host ? getaddrinfo(host, colon ? colon + 1 : where, &hints, &found) : EAI_MEMORY, fd = -1;
  free(host);
  if (no) return *why = gai_strerror(no), -1;
  for (const struct addrinfo *a = found; a && fd < 0; a = a->ai_next) fd = listen_at(a);
  int error = errno;
  freeaddrinfo(found);
  *why = strerror(error);
  return fd;
}

const char *mon_listen_why(void) {
  return errno == ENAMETOOLONG ? "is longer than the 107 bytes a socket's path may have" : strerror(errno);
}

int mon_accept(int fd) {
  return accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
}
