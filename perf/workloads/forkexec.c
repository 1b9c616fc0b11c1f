/* perf/workloads/forkexec.c: N times fork+execve of itself with no work+wait. */
/* SPDX-License-Identifier: 0BSD */
#include "common.h"
#include <sys/wait.h>
int main(int c, char **v) {
  if (c > 2) return 0;
  long n = arg(c, v, 1, 1000), ok = 0;
  while (n--) {
    pid_t p = fork();
    if (!p) {
      execl("/proc/self/exe", "x", "0", "x", (char *)0);
      _exit(9);
    }
    int s;
    if (waitpid(p, &s, 0) == p && s == 0) ok++;
  }
  printf("forkexec %ld\n", ok);
  return 0;
}
