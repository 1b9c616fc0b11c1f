/* numa-model/policy.h: the placement policies that come with the program, and their settings. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Pure functions: what they are told and answer is in include/mirrorball-policy.h, who asks and acts in
 * monitor/balance.c. */
#ifndef NUMA_MODEL_POLICY_H
#define NUMA_MODEL_POLICY_H
#include "mirrorball-policy.h"
#include <stdbool.h>
#include <stddef.h>

struct numa_policy {
  const char *name, *about;
  mb_page_policy_fn *ask; /* NULL: pages stay where they are */
  struct mb_page_settings settings;
};
/* Row i of the built-in policies; NULL past the last. The first leaves all pages. */
const struct numa_policy *numa_policy(size_t i);
const struct numa_policy *numa_policy_find(const char *name);

/* The settings of a policy that does not bring its own: the paper's. */
extern const struct mb_page_settings numa_policy_defaults;
/* Name i of a setting, what it may be and one line about it; NULL past the last. */
const char *numa_setting(size_t i, uint32_t *min, uint32_t *max, const char **about);
uint32_t numa_setting_get(const struct mb_page_settings *s, size_t i);
/* Out of bounds: false. */
bool numa_setting_set(struct mb_page_settings *s, size_t i, uint64_t value);

/* NULL: the verdict can be carried out. Else what is wrong with it, in buf. */
const char *numa_verdict_nonsense(const struct mb_page *p, const struct mb_page_verdict *v, char *buf, size_t n);
/* "home 2, replicas 0x0, misses by node (reads+writes) 0+0 12+1 ..." in buf, which is returned. */
const char *numa_page_text(const struct mb_page *p, char *buf, size_t n);
const char *numa_move_name(enum mb_page_move move);
#endif
