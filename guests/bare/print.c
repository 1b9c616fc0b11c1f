/* guests/bare/print.c: formatted printing for guests. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "print.h"
#include <stdbool.h>

static void put_number(void (*put)(char), unsigned long v, unsigned base, int width, char fill, bool negative) {
  char digits[24];
  int n = 0;
  do digits[n++] = "0123456789abcdef"[v % base];
  while (v /= base);
  if (negative) digits[n++] = '-';
  for (; width > n; width--) put(fill);
  while (n) put(digits[--n]);
}

void print_to(void (*put)(char), const char *fmt, va_list args) {
  for (; *fmt; fmt++) {
    if (*fmt != '%') {
      put(*fmt);
      continue;
    }
    int width = 0, wide = 0;
    char fill = fmt[1] == '0' ? '0' : ' ';
    while (fmt[1] >= '0' && fmt[1] <= '9') width = width * 10 + *++fmt - '0';
    while (fmt[1] == 'l') wide++, fmt++;
    long v;
    switch (*++fmt) {
    case 'd':
      v = wide ? va_arg(args, long) : va_arg(args, int);
      put_number(put, v < 0 ? -(unsigned long)v : (unsigned long)v, 10, width, fill, v < 0);
      break;
    case 'u':
    case 'x':
      put_number(put, wide ? va_arg(args, unsigned long) : va_arg(args, unsigned), *fmt == 'u' ? 10 : 16, width, fill,
                 false);
      break;
    case 'c': put((char)va_arg(args, int)); break;
    case 's':
      for (const char *s = va_arg(args, const char *); *s; s++) put(*s);
      break;
    default: put(*fmt);
    }
  }
}
