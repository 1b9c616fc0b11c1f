/* cli/request_values.c: words that describe a VM, into its configuration: cpu, board, memory, clock, tier, disks. */
/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "cli/request_values.h"
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

int request_fail(const struct request *r, const char *fmt, ...) {
  char text[900];
  va_list args;
  va_start(args, fmt);
  vsnprintf(text, sizeof text, fmt, args);
  va_end(args);
  if (!r->file) return options_fail("run: %s", text);
  return options_fail("%s:%d: %s", r->file, r->line, text + 2 * !strncmp(text, "--", 2));
}

static const char *model_name(const void *ctx, size_t i) {
  (void)ctx;
  return mb_cpu_model(i, NULL);
}

static int list_models(void) {
  const char *name, *about;
  for (size_t i = 0; (name = mb_cpu_model(i, &about)); i++) printf("%-18s %s\n", name, about);
  return -1;
}

int request_set_cpu(struct request *r, const char *v) {
  if (!strcmp(v, "help")) return list_models();
  const char *name;
  for (size_t i = 0; (name = mb_cpu_model(i, NULL)); i++)
    if (!strcasecmp(name, v)) {
      r->config.cpu = name;
      return 0;
    }
  const char *near = options_nearest(v, model_name, NULL);
  return near ? request_fail(r, "there is no cpu model %s; did you mean %s?", v, near)
              : request_fail(r, "there is no cpu model %s (mirrorball run --cpu help)", v);
}

static const char *board_name(const void *ctx, size_t i) {
  (void)ctx;
  return mb_board(i, NULL);
}

int request_set_board(struct request *r, const char *v) {
  const char *name, *about;
  bool help = !strcmp(v, "help");
  for (size_t i = 0; (name = mb_board(i, &about)); i++)
    if (help)
      printf("%-18s %s\n", name, about);
    else if (!strcmp(name, v))
      return r->config.board = name, 0;
  if (help) return -1;
  const char *near = options_nearest(v, board_name, NULL);
  return request_fail(
      r, near ? "there is no board %s; did you mean %s?" : "there is no board %s (mirrorball run --board help)", v,
      near);
}

int request_set_mem(struct request *r, const char *v) {
  uint64_t n;
  if (!options_number(v, true, UINT64_MAX, &n)) return request_fail(r, "--mem %s: not a size such as 256M or 1G", v);
  if (n < MB_MEMORY_MIN || n > MB_MEMORY_MAX || n & 0xfffff)
    return request_fail(r, "--mem %s: the board takes 8M to 2G, in steps of 1M", v);
  r->config.memory = n;
  return 0;
}

int request_set_code_cache(struct request *r, const char *v) {
  uint64_t n;
  if (!options_number(v, true, UINT64_MAX, &n) || n < MB_CODE_CACHE_MIN || n > MB_CODE_CACHE_MAX)
    return request_fail(r, "--code-cache %s: not a size from 1M to 1G", v);
  r->config.code_cache = n;
  return 0;
}

int request_set_rtc(struct request *r, const char *v) {
  struct tm t = {0};
  uint64_t seconds;
  const char *end;
  r->host_time = !strcmp(v, "host");
  if (r->host_time) {
    r->config.rtc_start = (int64_t)time(NULL);
  } else if (options_number(v, false, UINT32_MAX, &seconds) && seconds) {
    r->config.rtc_start = (int64_t)seconds;
  } else if (((end = strptime(v, "%Y-%m-%dT%H:%M:%S", &t)) && !*end) ||
             (t = (struct tm){0}, (end = strptime(v, "%Y-%m-%d", &t)) && !*end)) {
    r->config.rtc_start = (int64_t)timegm(&t);
    if (r->config.rtc_start <= 0) return request_fail(r, "--rtc %s: before 1970", v);
  } else {
    return request_fail(r, "--rtc %s: neither host nor a date such as 2024-01-31", v);
  }
  return 0;
}

int request_set_tier(struct request *r, const char *v) {
  static const char *const name[] = {
      [MB_TIER_AUTO] = "auto", [MB_TIER_EVAL] = "eval", [MB_TIER_STENCIL] = "stencil", [MB_TIER_LLVM] = "llvm"};
  for (int i = MB_TIER_AUTO; i <= MB_TIER_LLVM; i++) {
    if (strcmp(v, name[i])) continue;
    r->config.tier = (enum mb_tier)i;
    return mb_has_tier(r->config.tier)
               ? 0
               : request_fail(r, "--tier %s: left out of this build, which needs clang-19%s and an x86-64 Linux host",
                              v, i == MB_TIER_LLVM ? ", LLVM 19" : "");
  }
  return request_fail(r, "--tier %s: neither auto nor eval nor stencil nor llvm", v);
}

int request_set_mode(struct request *r, const char *v) {
  static const char *const name[] = {
      [MB_MODE_BARE] = "bare", [MB_MODE_TRAP] = "trap", [MB_MODE_TRANSLATE] = "translate"};
  for (int i = MB_MODE_BARE; i <= MB_MODE_TRANSLATE; i++)
    if (!strcmp(v, name[i])) return r->config.mode = (enum mb_mode)i, 0;
  return request_fail(r, "--mode %s: neither bare nor trap nor translate", v);
}

/* FILE, and words behind commas: one of each kind at most. */
int request_set_disk(struct request *r, const char *v) {
  static const struct {
    const char *name;
    bool is_bus;
    int value;
  } words[] = {{"cow", false, MB_DISK_COW},
               {"ro", false, MB_DISK_RO},
               {"persist", false, MB_DISK_PERSIST},
               {"virtio", true, MB_DISK_VIRTIO},
               {"ide", true, MB_DISK_IDE}};
  enum { WORDS = sizeof words / sizeof *words };
  struct mb_config *c = &r->config;
  size_t n = strcspn(v, ","), k;
  int chosen[2] = {-1, -1};
  if (!n) return request_fail(r, "--disk %s: wants a FILE", v);
  if (c->disks == MB_DISKS_MAX) return request_fail(r, "more than %d disks", MB_DISKS_MAX);
  for (const char *p = v + n; *p; p += n) {
    n = strcspn(++p, ",");
    for (k = 0; k < WORDS && (strlen(words[k].name) != n || memcmp(words[k].name, p, n)); k++) {
    }
    if (k == WORDS)
      return request_fail(r, "--disk %s: \"%.*s\" is none of cow, ro, persist, virtio, ide", v, (int)n, p);
    if (chosen[words[k].is_bus] >= 0)
      return request_fail(r, "--disk %s: either %s or %s", v, words[chosen[words[k].is_bus]].name, words[k].name);
    chosen[words[k].is_bus] = (int)k;
  }
  char *path = r->disk_path[c->disks] = strndup(v, strcspn(v, ","));
  if (!path) return request_fail(r, "out of memory");
  c->disk[c->disks++] = (struct mb_disk){
      .path = path,
      .mode = chosen[0] < 0 ? MB_DISK_COW : (enum mb_disk_mode)words[chosen[0]].value,
      .bus = chosen[1] < 0 ? MB_DISK_VIRTIO : (enum mb_disk_bus)words[chosen[1]].value,
  };
  return 0;
}
