/* cli/config_file.c: reading files in libconfig's format, whatever they hold. */
/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "cli/config_file.h"
#include "cli/options.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TEXT_MAX = 1 << 20 };

/* All of it, with a zero behind it, owned by the caller. NULL: complained. */
static char *read_text(const char *path, const char *what) {
  struct stat st;
  char *text = NULL;
  size_t n = 0;
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe that nobody writes to must not hang us */
  const char *why = fd < 0 || fstat(fd, &st) ? strerrordesc_np(errno) : NULL;
  if (!why && S_ISDIR(st.st_mode)) why = "is a folder, not a file";
  if (!why && !(text = malloc(TEXT_MAX + 1))) why = "out of memory";
  if (!why) fcntl(fd, F_SETFL, 0);
  while (!why && n < TEXT_MAX) {
    ssize_t k = read(fd, text + n, TEXT_MAX - n);
    if (!k) break;
    if (k < 0 && errno != EINTR) why = strerrordesc_np(errno);
    if (k > 0) n += (size_t)k;
  }
  if (!why && n == TEXT_MAX) why = "is too long for such a file";
  if (!why) text[n] = 0;
  if (!why && strspn(text, " \t\r\n") == n) why = "is empty";
  if (!why && strlen(text) != n) why = "is no text";
  if (fd >= 0) close(fd);
  if (!why) return text;
  free(text);
  options_fail("%s %s: %s", what, path, why);
  return NULL;
}

/* libconfig would open other files for such a line, and end the program when it cannot read one. */
static int find_include(const char *text) {
  int line = 1;
  for (const char *s = text; *s; line++) {
    s += strspn(s, " \t");
    if (!strncmp(s, "@include", 8)) return line;
    s += strcspn(s, "\n");
    s += *s == '\n';
  }
  return 0;
}

int config_file_read(config_t *c, const char *path, const char *what) {
  char *text = read_text(path, what);
  if (!text) return 2;
  config_init(c);
  int bad = 0, include = find_include(text);
  if (include)
    bad = options_fail("%s:%d: @include: such a file includes no others", path, include);
  else if (!config_read_string(c, text))
    bad = options_fail("%s:%d: %s", path, config_error_line(c), config_error_text(c));
  free(text);
  if (bad) config_destroy(c);
  return bad;
}
