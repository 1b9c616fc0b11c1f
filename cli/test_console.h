/* cli/test_console.h: what a guest under test has shown, and what in it is waited for. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_TEST_CONSOLE_H
#define CLI_TEST_CONSOLE_H
#include "cli/scenario.h"

struct test_text {
  char *bytes; /* owned; a zero follows */
  size_t n, room;
  size_t line; /* where the last one begins */
};

enum test_await { AWAIT_NOTHING, AWAIT_TEXT, AWAIT_LINE, AWAIT_MARK };

struct test_console {
  const struct scenario_vm *said; /* of the VM; borrowed */
  struct test_text all;           /* but for carriage returns */
  struct test_text clean;         /* without the kernel's messages, which come in the midst of others' lines */
  size_t from;                    /* of `all`: where what is waited for may begin */
  enum test_await await;
  const char *text; /* borrowed */
  size_t n;
  const regex_t *regex;
  bool found;      /* it is there; `from` is behind it */
  bool lost;       /* more than there is room for, or no memory */
  char *complaint; /* the line, owned; NULL: none */
  const char *pattern;
  regex_t *complaints; /* owned, compiled */
};

/* Pattern i (an extended regular expression) of what a kernel says when something is wrong; NULL past the last. */
const char *test_console_complaint(size_t i);
/* False: no memory. */
bool test_console_init(struct test_console *c, const struct scenario_vm *said);
void test_console_fini(struct test_console *c);
/* For the machine. */
struct mb_console test_console_host(struct test_console *c);
/* Wait for a text, for a line that matches, or for a mark in the clean text, from `from` on. True: it is there already.
 */
bool test_console_await(struct test_console *c, enum test_await what, const char *text, size_t n, const regex_t *regex);
#endif
