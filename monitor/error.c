/* monitor/error.c: one line of text about our own last error. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "monitor/error.h"
#include <stdarg.h>
#include <stdio.h>

int mon_fail(struct mon_error *e, enum mb_error code, const char *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  vsnprintf(e->text, sizeof e->text, fmt, args);
  va_end(args);
  for (char *s = e->text; *s; s++)
    if ((unsigned char)*s < ' ' || *s == 0x7f) *s = '?';
  return code;
}
