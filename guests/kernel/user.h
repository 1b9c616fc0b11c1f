/* guests/kernel/user.h: a user program's view of the small kernel. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KERNEL_USER_H
#define KERNEL_USER_H
#include "calls.h"
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline long call(enum call n, long a, long b) {
  register long v0 __asm__("$2") = n, a0 __asm__("$4") = a, a1 __asm__("$5") = b;
  __asm__ volatile("syscall" : "+r"(v0) : "r"(a0), "r"(a1) : "memory");
  return v0;
}
void print(const char *fmt, ...) __attribute__((format(printf, 1, 2))); /* %d %s %c, with width */
long number(const char *s, long otherwise);
bool same(const char *a, const char *b);
int shell(void);
#endif
