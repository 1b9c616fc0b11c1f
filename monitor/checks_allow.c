/* monitor/checks_allow.c: what checks may find: lines of a file that name functions, and kinds of findings. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "monitor/checks.h"
#include "monitor/file.h"
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

enum { BYTES = 1 << 20 };

/* Of a line, "KIND:PATTERN" or "PATTERN": what is before the colon; 0: nothing. */
static size_t kind_of(const char *line) {
  size_t n = strcspn(line, ":");
  return line[n] ? n : 0;
}

static bool is_kind(const char *word, size_t n) {
  for (unsigned i = 0; i < MIPS_FINDINGS; i++)
    if (strlen(mips_finding_info[i].name) == n && !memcmp(mips_finding_info[i].name, word, n)) return true;
  return false;
}

/* Cut the text into lines without comments and blanks around them; the lines are behind each other, then an empty one.
 */
static int cut(char *text, const char *path, struct mon_error *e) {
  char *to = text, *next = text;
  for (unsigned number = 1; next; number++) {
    char *line = strsep(&next, "\n");
    line[strcspn(line, "#\r")] = 0;
    line += strspn(line, " \t");
    size_t n = strlen(line), kind = kind_of(line);
    while (n && strchr(" \t", line[n - 1])) line[--n] = 0;
    if (kind && !is_kind(line, kind))
      return mon_fail(e, MB_ERR_FORMAT, "%s:%u: no check finds \"%.*s\"", path, number, (int)kind, line);
    if (line[n ? strcspn(line, " \t") : 0] || (n && !line[kind + !!kind]))
      return mon_fail(e, MB_ERR_FORMAT, "%s:%u: is no line such as schedule or race-write:enqueue_*", path, number);
    if (!n) continue;
    memmove(to, line, n + 1);
    to += n + 1;
  }
  *to = 0;
  return MB_OK;
}

int mb_check_allow(struct mb_vm *vm, const char *path) {
  struct mon_file f;
  if (!vm->config.check) return mon_fail(vm->error, MB_ERR_STATE, "%s: nothing is checked", path);
  int code = mon_file_open(&f, "file of allowed findings", path, BYTES, vm->error);
  if (!code && !vm->checks && mon_checks_new(vm)) code = mon_fail(vm->error, MB_ERR_MEMORY, "out of memory for checks");
  char *text = code ? NULL : malloc(f.n + 2);
  if (!code && !text) code = mon_fail(vm->error, MB_ERR_MEMORY, "out of memory for %s", path);
  if (text) {
    memcpy(text, f.bytes, f.n);
    text[f.n] = text[f.n + 1] = 0;
    if (strlen(text) != f.n) code = mon_fail(vm->error, MB_ERR_FORMAT, "%s: is no text", path);
    if (!code) code = cut(text, path, vm->error);
  }
  mon_file_close(&f);
  if (code)
    free(text);
  else
    mon_checks_allow(vm, text);
  return code;
}

bool mon_allows(const char *lines, const char *kind, const char *function) {
  for (const char *line = lines; line && *line; line += strlen(line) + 1) {
    size_t n = kind_of(line);
    if (n && (strlen(kind) != n || memcmp(kind, line, n))) continue;
    if (!fnmatch(line + n + !!n, function, 0)) return true;
  }
  return false;
}
