/* cli/runs.c: the folder in which each run that goes on has a socket, at which it can be asked. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/runs.h"
#include "cli/guests.h"
#include "cli/guests_parts.h"
#include "cli/options.h"
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char suffix[] = ".sock";

/* Anybody may make a folder in /tmp, of any name, before we do. */
static int check_folder(const char *path) {
  struct stat st;
  if (mkdir(path, 0700) && errno != EEXIST) return -1;
  if (lstat(path, &st)) return -1;
  bool safe = S_ISDIR(st.st_mode) && st.st_uid == geteuid() && !(st.st_mode & 077);
  if (!safe) errno = EPERM;
  return safe ? 0 : -1;
}

char *runs_folder(char **why) {
  const char *s = getenv("XDG_RUNTIME_DIR");
  char *path =
      s && *s == '/' ? guests_text("%s/mirrorball", s) : guests_text("/tmp/mirrorball-%u", (unsigned)geteuid());
  *why = NULL;
  if (!path || !check_folder(path)) return path;
  *why = guests_text("%s: %s", path,
                     errno == EPERM ? "is not a folder that is this user's alone (mode 700)" : strerror(errno));
  free(path);
  return NULL;
}

char *runs_socket(const char *folder, pid_t pid) {
  return guests_text("%s/%ld%s", folder, (long)pid, suffix);
}

static int by_number(const void *a, const void *b) {
  pid_t x = *(const pid_t *)a, y = *(const pid_t *)b;
  return (x > y) - (x < y);
}

/* 0: the name is not that of a socket of ours. */
static pid_t pid_of(const char *name) {
  char number[16];
  uint64_t pid;
  size_t n = strcspn(name, ".");
  if (n >= sizeof number || strcmp(name + n, suffix)) return 0;
  memcpy(number, name, n);
  number[n] = 0;
  return options_number(number, false, INT32_MAX, &pid) ? (pid_t)pid : 0;
}

pid_t *runs_list(const char *folder) {
  size_t n = 0;
  pid_t *all = calloc(1, sizeof *all);
  DIR *d = opendir(folder);
  for (struct dirent *e; all && d && (e = readdir(d));) {
    pid_t pid = pid_of(e->d_name), *more;
    if (!pid) continue;
    if (!(more = realloc(all, (n + 2) * sizeof *all))) return closedir(d), free(all), NULL;
    all = more;
    all[n++] = pid;
    all[n] = 0;
  }
  if (d) closedir(d);
  if (all) qsort(all, n, sizeof *all, by_number);
  return all;
}
