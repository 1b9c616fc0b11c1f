/* monitor/error.h: one line of text about our own last error. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MONITOR_ERROR_H
#define MONITOR_ERROR_H
#include "mirrorball.h"

struct mon_error {
  char text[512];
};

/* Keep the text (one line: control characters become '?'); returns `code`, so that it can be returned. */
int mon_fail(struct mon_error *e, enum mb_error code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
#endif
