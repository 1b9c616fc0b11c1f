/* guests/kernel/user.c: the start of a user program and its few library functions. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "user.h"

void user_start(void);
__attribute__((section(".text.start"))) void user_start(void) {
  call(CALL_EXIT, shell(), 0);
  for (;;) {
  }
}

static char line[256]; /* one system call per print, so that processes do not mix inside a line */
static size_t used;
static void put(char c) {
  if (used < sizeof line) line[used++] = c;
}

static void put_text(const char *s, int width) {
  for (; *s; width--) put(*s++);
  while (width-- > 0) put(' ');
}

static void put_number(long v, int width) {
  char digits[24];
  int n = 0;
  bool negative = v < 0;
  unsigned long u = negative ? -(unsigned long)v : (unsigned long)v;
  do digits[n++] = (char)('0' + u % 10);
  while (u /= 10);
  if (negative) digits[n++] = '-';
  for (; width > n; width--) put(' ');
  while (n) put(digits[--n]);
}

void print(const char *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  used = 0;
  for (; *fmt; fmt++) {
    if (*fmt != '%') {
      put(*fmt);
      continue;
    }
    int width = 0;
    while (fmt[1] >= '0' && fmt[1] <= '9') width = width * 10 + *++fmt - '0';
    switch (*++fmt) {
    case 'd': put_number(va_arg(args, int), width); break;
    case 's': put_text(va_arg(args, const char *), width); break;
    case 'c': put((char)va_arg(args, int)); break;
    default: put(*fmt);
    }
  }
  va_end(args);
  call(CALL_WRITE, (long)line, (long)used);
}

long number(const char *s, long otherwise) {
  long v = 0;
  if (*s < '0' || *s > '9') return otherwise;
  while (*s >= '0' && *s <= '9') v = v * 10 + *s++ - '0';
  return v;
}

bool same(const char *a, const char *b) {
  while (*a && *a == *b) a++, b++;
  return *a == *b;
}
