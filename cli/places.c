/* cli/places.c: the words of --place, --policy, --policy-set, --sched and --pin. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/places.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

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
