/* cli/test_bisect.c: which commit broke it: git bisect, driven by scenarios. */
/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "cli/test.h"
#include <errno.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* Run a program of git's; its exit code, -1 if there is none. */
static int run(char *const *argv) {
  pid_t pid;
  int status = 0, error = posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ);
  if (error) return options_fail("test: cannot run %s: %s", argv[0], strerror(error)) - 3;
  while (waitpid(pid, &status, 0) < 0)
    if (errno != EINTR) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* What git runs at each commit: what cannot be built cannot be judged; what is wrong with the scenario ends it all. */
static char *script(const struct test_bisect *b, const struct test_options *o) {
  char self[4096], *text = NULL;
  ssize_t k = readlink("/proc/self/exe", self, sizeof self - 1);
  size_t n = 0;
  FILE *f = k > 0 ? open_memstream(&text, &n) : NULL;
  if (!f) return NULL;
  self[k] = 0;
  fprintf(f, "( %s\n) || exit 125\n", b->build ? b->build : "true");
  test_put_word(f, self);
  fputs(" test --fresh", f);
  if (o->guest) fputs(" --guest", f), test_put_word(f, o->guest);
  if (o->kernel) fputs(" --kernel", f), test_put_word(f, o->kernel);
  if (o->symbols) fputs(" --symbols", f), test_put_word(f, o->symbols);
  for (size_t i = 0; i < o->sets; i++) fputs(" --set", f), test_put_word(f, o->set[i]);
  for (size_t i = 0; i < b->scenarios; i++) test_put_word(f, b->scenario[i]);
  fputs("\ncode=$?\n[ $code = 2 ] && exit 128\nexit $code\n", f);
  fclose(f);
  return text;
}

int test_bisect(const struct test_bisect *b, const struct test_options *o) {
  char *text = script(b, o);
  if (!text) return options_fail("out of memory");
  char *const start[] = {"git", "bisect", "start", (char *)(uintptr_t)b->bad, (char *)(uintptr_t)b->good, NULL};
  char *const go[] = {"git", "bisect", "run", "sh", "-c", text, NULL};
  char *const reset[] = {"git", "bisect", "reset", NULL};
  int code = run(start);
  if (!code) {
    code = run(go);
    if (run(reset)) options_fail("test: git bisect reset failed: the working tree is still at the last commit tried");
  }
  free(text);
  return code == 0 ? TEST_GOOD : code < 0 || code == 128 ? 2 : TEST_NONE;
}
