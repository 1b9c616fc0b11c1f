/* guests/bare/print.h: formatted printing for guests. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BARE_PRINT_H
#define BARE_PRINT_H
#include <stdarg.h>
/* printf's %d %u %x %lx %s %c %%, with width and zero fill, through put(). */
void print_to(void (*put)(char), const char *fmt, va_list args);
#endif
