/* perf/workloads/pingpong.c: two processes, one byte there and back through pipes, N times. */
/* SPDX-License-Identifier: 0BSD */
#include "common.h"
#include <sys/wait.h>
int main(int c, char **v) {
  long n = arg(c, v, 1, 100000), i;
  int a[2], b[2];
  char x = 0;
  if (pipe(a) || pipe(b)) die("pipe");
  pid_t p = fork();
  if (!p) {
    for (i = 0; i < n; i++) {
      if (read(a[0], &x, 1) != 1) _exit(1);
      x++;
      if (write(b[1], &x, 1) != 1) _exit(1);
    }
    _exit(0);
  }
  for (i = 0; i < n; i++) {
    if (write(a[1], &x, 1) != 1 || read(b[0], &x, 1) != 1) die("io");
  }
  int s;
  waitpid(p, &s, 0);
  printf("pingpong %d %d\n", (uint8_t)x, s);
  return 0;
}
