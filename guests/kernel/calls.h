/* guests/kernel/calls.h: what user programs may ask of the small kernel. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Number in $2, arguments in $4 and $5, result in $2. */
#ifndef KERNEL_CALLS_H
#define KERNEL_CALLS_H
enum call {
  CALL_EXIT,     /* (code) */
  CALL_WRITE,    /* (bytes, n) -> n */
  CALL_KEY,      /* () -> the next key typed; waits */
  CALL_PID,      /* () -> own pid */
  CALL_YIELD,    /* () */
  CALL_FORK,     /* () -> child's pid, 0 in the child, -1 */
  CALL_WAIT,     /* (pid) -> its exit code, -1: no such child */
  CALL_SLEEP,    /* (ticks) */
  CALL_TICKS,    /* () -> ticks since boot, 100 a second */
  CALL_INFO,     /* (struct info *, slot) -> 0, or -1 past the last slot */
  CALL_KILL,     /* (pid) -> 0 or -1 */
  CALL_BOOTLINE, /* (bytes, n): kernel parameters, NUL-terminated */
  CALL_OFF,      /* (code): power off */
  CALLS
};
enum state { STATE_FREE, STATE_READY, STATE_KEY, STATE_SLEEP, STATE_WAIT, STATE_DEAD, STATES };
struct info {
  int pid, parent, state, used, pages, free_pages;
};
#endif
