/* cli/places.c: the words of --numa and its kin, --place, --policy, --policy-set, --sched and --pin. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/places.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int places_numa(struct request *r, const char *v) {
  static const char *const name[] = {
      [MB_NUMA_OFF] = "off",       [MB_NUMA_TLB] = "tlb",       [MB_NUMA_CACHE] = "cache",
      [MB_NUMA_ALL] = "cache-all", [MB_NUMA_SAMPLE] = "sample", [MB_NUMA_SAMPLE_ALL] = "sample-all"};
  for (unsigned i = 0; i < sizeof name / sizeof *name; i++)
    if (!strcmp(v, name[i])) return r->run->machine.numa = (enum mb_numa)i, 0;
  return request_fail(r, "--numa %s: none of off, tlb, cache, sample, cache-all, sample-all", v);
}

int places_numa_sample(struct request *r, const char *v) {
  struct mb_numa_sampling *s = &r->run->machine.sampling;
  const struct {
    const char *name;
    uint32_t *value;
  } keys[] = {{"every", &s->every}, {"warm", &s->warm}, {"cache", &s->cache}};
  if (!s->every) *s = mb_sampling_usual;
  for (const char *p = v, *end;; p = end + 1) {
    size_t n = strcspn(p, "=,"), k = 0;
    uint64_t ms;
    char value[16] = "";
    while (k < 3 && (strlen(keys[k].name) != n || memcmp(keys[k].name, p, n))) k++;
    if (k == 3) return request_fail(r, "--numa-sample %s: \"%.*s\" is none of every, warm, cache", v, (int)n, p);
    p += n + (p[n] == '=');
    end = p + strcspn(p, ",");
    snprintf(value, sizeof value, "%.*s", (int)(end - p), p);
    if (!options_number(value, false, MB_SAMPLING_MAX, &ms) || (!ms && k != 1))
      return request_fail(r, "--numa-sample %s: %s is not a number of ms from %d to %d", v, keys[k].name, k != 1,
                          MB_SAMPLING_MAX);
    *keys[k].value = (uint32_t)ms;
    if (!*end) return 0;
  }
}

static const char *numa_machine_name(const void *ctx, size_t i) {
  (void)ctx;
  return mb_numa_machine(i, NULL);
}

/* help, or help:NAME. */
static int show_numa_machine(const struct request *r, const char *v) {
  const char *name, *text;
  for (size_t i = 0; (name = mb_numa_machine(i, &text)); i++)
    if (!v[4])
      puts(name);
    else if (!strcmp(v + 5, name))
      return fputs(text, stdout), -1;
  if (!v[4]) return -1;
  const char *near = options_nearest(v + 5, numa_machine_name, NULL);
  return request_fail(r, "there is no machine %s; did you mean %s?", v + 5, near ? near : "flash");
}

int places_numa_machine(struct request *r, const char *v) {
  if (!strcmp(v, "help") || !strncmp(v, "help:", 5)) return show_numa_machine(r, v);
  r->run->machine.numa_machine = v;
  return 0;
}

int places_place(struct request *r, const char *v) {
  struct mb_placement *p = &r->run->machine.placement;
  uint64_t n;
  if (!strcmp(v, "first-touch")) return p->place = MB_PLACE_FIRST_TOUCH, 0;
  if (!strcmp(v, "round-robin")) return p->place = MB_PLACE_ROUND_ROBIN, 0;
  if (strncmp(v, "node:", 5) || !options_number(v + 5, false, UINT32_MAX, &n))
    return request_fail(r, "--place %s: neither first-touch nor round-robin nor node:N", v);
  p->place = MB_PLACE_NODE;
  p->node = (unsigned)n;
  return 0;
}

int places_feed(struct request *r, const char *v) {
  static const char *const name[] = {[MB_FEED_MISSES] = "misses", [MB_FEED_SAMPLE] = "sample", [MB_FEED_TLB] = "tlb"};
  for (unsigned i = 0; i < sizeof name / sizeof *name; i++)
    if (!strcmp(v, name[i])) return r->run->machine.placement.feed = (enum mb_feed)i, 0;
  return request_fail(r, "--policy-feed %s: neither misses nor sample nor tlb", v);
}

static const char *policy_name(const void *ctx, size_t i) {
  (void)ctx;
  return mb_policy(i, NULL);
}

int places_policy(struct request *r, const char *v) {
  const char *name, *about;
  bool help = !strcmp(v, "help");
  for (size_t i = 0; (name = mb_policy(i, &about)); i++)
    if (help)
      printf("%-12s %s\n", name, about);
    else if (!strcmp(name, v))
      return r->run->machine.placement.policy = name, 0;
  if (help) return -1;
  r->run->machine.placement.policy = v;
  if (strchr(v, '.') || strchr(v, '/')) return 0; /* a file of the user's */
  const char *near = options_nearest(v, policy_name, NULL);
  return request_fail(r, near ? "there is no policy %s; did you mean %s?" : "there is no policy %s (--policy help)", v,
                      near);
}

int places_setting(struct request *r, const char *v) {
  struct mb_placement *p = &r->run->machine.placement;
  const char *name, *about;
  uint32_t value;
  if (!strcmp(v, "help")) {
    for (size_t i = 0; (name = mb_policy_setting(i, &value, &about)); i++)
      printf("%-12s %s (%" PRIu32 ")\n", name, about, value);
    return -1;
  }
  if (p->settings == MB_SETTINGS_MAX) return request_fail(r, "more than %d --policy-set", MB_SETTINGS_MAX);
  p->setting[p->settings++] = v;
  return 0;
}

int places_sched(struct request *r, const char *v) {
  static const char *const name[] = {[MB_SCHED_OFF] = "off",
                                     [MB_SCHED_FIXED] = "fixed",
                                     [MB_SCHED_AFFINITY] = "affinity",
                                     [MB_SCHED_LEAST_LOADED] = "least-loaded",
                                     [MB_SCHED_GANG] = "gang"};
  for (int i = MB_SCHED_OFF; i <= MB_SCHED_GANG; i++)
    if (!strcmp(v, name[i])) return r->run->machine.sched = (enum mb_sched)i, 0;
  return request_fail(r, "--sched %s: none of off, fixed, affinity, least-loaded, gang", v);
}

int places_pin(struct request *r, const char *v) {
  for (const char *p = v; *p;) {
    char *equals, *end;
    unsigned long vcpu = strtoul(p, &equals, 10), cpu = *equals == '=' ? strtoul(equals + 1, &end, 10) : 0;
    if (equals == p || *equals != '=' || end == equals + 1 || (*end && *end != ','))
      return request_fail(r, "--pin %s: not VCPU=CPU,..., such as 0=3,1=2", v);
    if (vcpu >= MB_PINS_MAX || cpu >= UINT16_MAX) return request_fail(r, "--pin %s: there are not so many", v);
    r->config.pin[vcpu] = (uint16_t)(cpu + 1);
    p = end + (*end == ',');
  }
  return 0;
}
