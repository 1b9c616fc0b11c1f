/* perf/workloads/getppid.c: N null system calls. */
/* SPDX-License-Identifier: 0BSD */
#include "common.h"
#include <sys/syscall.h>
int main(int c, char **v) {
  long n = arg(c, v, 1, 2000000), x = 0;
  while (n--) x += syscall(SYS_getppid) >= 0;
  printf("getppid %ld\n", x);
  return 0;
}
