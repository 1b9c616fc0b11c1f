/* cli/request.c: from an option and its value to what a run is asked to do. */
/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "cli/nets.h"
#include "cli/places.h"
#include "cli/request_rows.h"
#include "cli/request_values.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define PROFILE_EVERY 100003 /* a prime, so that no loop of the guest keeps step with it */

static int set_until(struct request *r, const char *v) {
  if (!strncmp(v, "console:", 8)) {
    if (!v[8]) return request_fail(r, "--until console: wants a text after the colon");
    r->until_text = v + 8;
    return 0;
  }
  if (!strncmp(v, "insns:", 6)) {
    if (options_number(v + 6, true, UINT64_MAX - 1, &r->until_insns)) return 0;
    return request_fail(r, "--until %s: not a number of instructions", v);
  }
  return request_fail(r, "--until %s: neither console:TEXT nor insns:N", v);
}

static int set_replay_to(struct request *r, const char *v) {
  char *end;
  double seconds;
  r->run->has_replay_to = true;
  if (!strncmp(v, "insns:", 6) && options_number(v + 6, true, UINT64_MAX - 1, &r->until_insns)) return 0;
  if (!strncmp(v, "time:", 5) && (seconds = strtod(v + 5, &end)) >= 0 && end != v + 5 && !*end && seconds < 1e9)
    return r->until_ns = (uint64_t)(seconds * 1e9), 0;
  return request_fail(r, "--replay-to %s: neither insns:N nor time:SECONDS", v);
}

static int set_trace(struct request *r, const char *v) {
  static const struct {
    const char *name;
    unsigned bit;
  } kinds[] = {{"insn", MB_TRACE_INSN}, {"exc", MB_TRACE_EXC}, {"tlb", MB_TRACE_TLB}, {"dev", MB_TRACE_DEV}};
  const char *equals = strchr(v, '=');
  if (!equals || !equals[1]) return request_fail(r, "--trace %s: not KINDS=FILE, such as exc,tlb=trace.txt", v);
  for (const char *p = v; p < equals;) {
    size_t n = strcspn(p, ",="), k = 0;
    while (k < 4 && (strlen(kinds[k].name) != n || memcmp(kinds[k].name, p, n))) k++;
    if (k == 4) return request_fail(r, "--trace %s: \"%.*s\" is none of insn, exc, tlb, dev", v, (int)n, p);
    r->config.trace |= kinds[k].bit;
    p += n + (p[n] == ',');
  }
  if (!r->config.trace) return request_fail(r, "--trace %s: none of insn, exc, tlb, dev", v);
  r->config.trace_file = equals + 1;
  return 0;
}

/* One of two words. */
static int set_word(const struct request *r, const char *option, const char *v, const char *first, const char *second,
                    int *out) {
  if (!strcmp(v, first)) return *out = 0, 0;
  if (!strcmp(v, second)) return *out = 1, 0;
  return request_fail(r, "--%s %s: neither %s nor %s", option, v, first, second);
}

static int set_number(const struct request *r, const char *option, const char *v, uint64_t max, uint64_t *out) {
  if (options_number(v, false, max, out)) return 0;
  return request_fail(r, "--%s %s: not a number from 0 to %" PRIu64, option, v, max);
}

static int set_timeout(struct request *r, const char *v) {
  char *end;
  double seconds = strtod(v, &end);
  if (end == v || *end || !(seconds > 0) || seconds > 1e9)
    return request_fail(r, "--timeout %s: not a number of seconds", v);
  r->run->machine.timeout = seconds;
  return 0;
}

static int set_type(struct request *r, const char *v) {
  if (!strstr(v, "=>")) return request_fail(r, "--type %s: not TEXT=>KEYS", v);
  if (r->types == REQUEST_STEPS) return request_fail(r, "more than %d --type steps", REQUEST_STEPS);
  r->type[r->types++] = v;
  return 0;
}

static int set_coverage(struct request *r, const char *v) {
  if (r->coverages == REQUEST_COVERAGES) return request_fail(r, "more than %d --coverage files", REQUEST_COVERAGES);
  r->coverage[r->coverages++] = v;
  r->config.coverage = true;
  return 0;
}

static int set_profile(struct request *r, const char *v) {
  if (r->profiles == REQUEST_PROFILES) return request_fail(r, "more than %d --profile files", REQUEST_PROFILES);
  r->profile[r->profiles++] = v;
  return 0;
}

static int set_exact(struct request *r, const char *v) {
  if (r->exacts == REQUEST_EXACTS) return request_fail(r, "more than %d --profile-exact files", REQUEST_EXACTS);
  r->exact[r->exacts++] = v;
  r->config.profile_exact = true;
  return 0;
}

static int set_check(struct request *r, const char *v) {
  static const struct {
    const char *name;
    unsigned bit;
  } kinds[] = {{"tlb", MB_CHECK_TLB},
               {"uninit", MB_CHECK_UNINIT},
               {"race", MB_CHECK_RACE},
               {"race-read", MB_CHECK_RACE_READ},
               {"cache", MB_CHECK_CACHE}};
  enum { KINDS = sizeof kinds / sizeof *kinds };
  for (const char *p = v; *p;) {
    size_t n = strcspn(p, ","), k = 0;
    while (k < KINDS && (strlen(kinds[k].name) != n || memcmp(kinds[k].name, p, n))) k++;
    if (k == KINDS)
      return request_fail(r, "--check %s: \"%.*s\" is none of tlb, uninit, race, race-read, cache", v, (int)n, p);
    r->config.check |= kinds[k].bit;
    p += n + (p[n] == ',');
  }
  return r->config.check ? 0 : request_fail(r, "--check wants any of tlb, uninit, race, race-read, cache");
}

static int set_net(struct request *r, const char *v) {
  struct mb_config *c = &r->config;
  if (c->nets == MB_NETS_MAX) return request_fail(r, "more than %d networks", MB_NETS_MAX);
  return nets_parse(r, &c->net[c->nets++], v);
}

static int set_console(struct request *r, const char *v) {
  bool path = (!strncmp(v, "file:", 5) && v[5]) || (!strncmp(v, "socket:", 7) && v[7]);
  if (!path && strcmp(v, "tty") && strcmp(v, "none"))
    return request_fail(r, "--console %s: none of tty, none, file:PATH, socket:PATH", v);
  r->console = v;
  return 0;
}

static int set_every(struct request *r, const char *v) {
  int bad = set_number(r, "profile-every", v, UINT32_MAX, &r->config.profile_every);
  return bad || r->config.profile_every ? bad : request_fail(r, "--profile-every 0: no sample would ever be taken");
}

static int set_machine(struct request *r, enum row row, const char *v) {
  uint64_t n;
  int choice = 0, bad = 0;
  switch (row) {
  case O_CPU: return request_set_cpu(r, v);
  case O_MEM: return request_set_mem(r, v);
  case O_BOARD: return request_set_board(r, v);
  case O_VCPUS:
    if (!(bad = set_number(r, "vcpus", v, UINT32_MAX, &n))) r->config.vcpus = (unsigned)n;
    return bad ? bad : n ? 0 : request_fail(r, "--vcpus 0: a board has at least one");
  case O_ENDIAN:
    if (!(bad = set_word(r, "endian", v, "big", "little", &choice)))
      r->config.endian = choice ? MB_ENDIAN_LITTLE : MB_ENDIAN_BIG;
    return bad;
  case O_LOAD: r->has_raw = true; return set_number(r, "load-addr", v, UINT64_MAX, &r->raw.load);
  case O_ENTRY: r->has_raw = true; return set_number(r, "entry", v, UINT64_MAX, &r->raw.entry);
  case O_TIER: return request_set_tier(r, v);
  case O_MODE: return request_set_mode(r, v);
  case O_MACHINE_TLB:
    if (!(bad = set_number(r, "machine-tlb", v, 1024, &n)))
      r->config.machine_tlb = n ? (uint32_t)n : MB_MACHINE_TLB_OFF;
    return bad;
  case O_L2TLB:
    if (!(bad = set_number(r, "l2tlb", v, 1 << 16, &n))) r->config.l2tlb = n ? (uint32_t)n : MB_L2TLB_OFF;
    return bad;
  case O_MHZ:
    if (!(bad = set_number(r, "mhz", v, 100000, &n))) r->config.mhz = (uint32_t)n;
    return bad ? bad : n ? 0 : request_fail(r, "--mhz 0: time would stand still");
  case O_PACE:
    if (!(bad = set_word(r, "pace", v, "max", "real", &choice)))
      r->run->machine.pace = choice ? MB_PACE_REAL : MB_PACE_MAX;
    return bad;
  case O_JOBS:
    if (!options_number(v, false, MB_JOBS_MAX, &n) || !n)
      return request_fail(r, "--jobs %s: not a number from 1 to %d", v, MB_JOBS_MAX);
    r->run->machine.jobs = (unsigned)n;
    return 0;
  case O_RTC: return request_set_rtc(r, v);
  case O_SEED: return set_number(r, "seed", v, UINT64_MAX, &r->config.seed);
  default: return 0;
  }
}

static int set_option(struct request *r, enum row row, const char *v) {
  uint64_t n;
  int bad;
  switch (row) {
  case O_KERNEL: r->kernel = v; return 0;
  case O_INITRD: r->initrd = v; return 0;
  case O_APPEND: r->config.append = v; return 0;
  case O_DISK: return request_set_disk(r, v);
  case O_NET: return set_net(r, v);
  case O_UNTIL: return set_until(r, v);
  case O_TIMEOUT: return set_timeout(r, v);
  case O_TYPE: return set_type(r, v);
  case O_STATS: r->run->stats = v; return 0;
  case O_STATUS: r->run->status = v; return 0;
  case O_MERGE: r->run->machine.merge = true; return 0;
  case O_PROFILE: return set_profile(r, v);
  case O_EXACT: return set_exact(r, v);
  case O_EVERY: return set_every(r, v);
  case O_TRACE: return set_trace(r, v);
  case O_SYMBOLS:
    r->symbols = true;
    r->symbols_file = v;
    return 0;
  case O_CONSOLE: return set_console(r, v);
  case O_COVERAGE: return set_coverage(r, v);
  case O_DEBUG_INFO: r->debug_info = v; return 0;
  case O_EVENTS: r->config.events = true; return 0;
  case O_TIMESTAMPS: r->config.timestamps = true; return 0;
  case O_HOST_CALLS: r->host_calls = v; return 0;
  case O_GDB: r->gdb = v; return 0;
  case O_CHECK: return set_check(r, v);
  case O_CHECK_ALLOW: r->check_allow = v; return 0;
  case O_PARALLEL: r->config.parallel = true; return 0;
  case O_CODE_CACHE: return request_set_code_cache(r, v);
  case O_CODE_STORE: r->run->code_store = v; return 0;
  case O_BOOT_STORE: r->run->boot_store = v; return 0;
  case O_NUMA: return places_numa(r, v);
  case O_NUMA_SAMPLE: return places_numa_sample(r, v);
  case O_NUMA_MACHINE: return places_numa_machine(r, v);
  case O_CHECKPOINT: r->run->checkpoint = v; return 0;
  case O_FROM: r->run->from = v; return 0;
  case O_RECORD: r->run->record = v; return 0;
  case O_REPLAY: r->run->replay = v; return 0;
  case O_REPLAY_TO: return set_replay_to(r, v);
  case O_PLACE: return places_place(r, v);
  case O_POLICY: return places_policy(r, v);
  case O_POLICY_FEED: return places_feed(r, v);
  case O_POLICY_SET: return places_setting(r, v);
  case O_PAGE_LOG: r->run->machine.placement.page_log = v; return 0;
  case O_SCHED: return places_sched(r, v);
  case O_PIN: return places_pin(r, v);
  case O_CPUS:
    if (!(bad = set_number(r, "cpus", v, 1024, &n))) r->run->machine.cpus = (unsigned)n;
    return bad ? bad : n ? 0 : request_fail(r, "--cpus 0: a machine has at least one");
  case O_MACHINE: r->run->file = v; return 0;
  case O_PRINT: r->run->print = true; return 0;
  default: return set_machine(r, row, v);
  }
}

int request_set(struct request *r, int row, const char *value) {
  struct request_given *more = realloc(r->given, (r->givens + 1) * sizeof *more);
  if (!more) return request_fail(r, "out of memory");
  r->given = more;
  r->given[r->givens++] = (struct request_given){row, value};
  return set_option(r, (enum row)row, value);
}

void request_begin(struct request *r, struct request_run *run) {
  *r = (struct request){.run = run, .until_insns = UINT64_MAX, .until_ns = UINT64_MAX};
}

void request_fini(struct request *r) {
  guests_free(&r->guest);
  for (unsigned i = 0; i < MB_DISKS_MAX; i++) free(r->disk_path[i]);
  for (unsigned i = 0; i < r->config.nets; i++) free((char *)(uintptr_t)r->config.net[i].subnet);
  free(r->given);
}

const char *request_keep(struct request_run *run, const char *text) {
  char **more = realloc(run->text, (run->texts + 1) * sizeof *more), *copy = strdup(text);
  if (more) run->text = more;
  if (!more || !copy) return free(copy), NULL;
  return run->text[run->texts++] = copy;
}

bool request_wants_lines(const struct request *r) {
  for (unsigned i = 0; i < r->coverages; i++) {
    const char *dot = strrchr(r->coverage[i], '.');
    if (dot && !strcmp(dot, ".info")) return true;
  }
  return false;
}

int request_check(struct request *r) {
  if (r->file) r->line = r->begins;
  if (r->config.profile_every && !r->profiles) return request_fail(r, "--profile-every goes with --profile FILE");
  if (r->profiles && !r->config.profile_every) r->config.profile_every = PROFILE_EVERY;
  if (r->check_allow && !r->config.check) return request_fail(r, "--check-allow goes with --check");
  if (!r->name && !r->kernel && !r->run->from && !r->run->replay)
    return request_fail(r, r->file ? "what is to run? Give a guest (mirrorball guests list) or a kernel"
                                   : "what? Name a guest (mirrorball guests list) or a --kernel FILE");
  return 0;
}
