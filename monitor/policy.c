/* monitor/policy.c: the policy that was asked for: built in, or a user's own, with its settings. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "monitor/monitor.h"
#include <dlfcn.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

const char *mb_policy(size_t i, const char **about) {
  const struct numa_policy *p = numa_policy(i);
  if (p && about) *about = p->about;
  return p ? p->name : NULL;
}

const char *mb_policy_setting(size_t i, uint32_t *value, const char **about) {
  uint32_t min, max;
  const char *name = numa_setting(i, &min, &max, about);
  if (name) *value = numa_setting_get(&numa_policy_defaults, i);
  return name;
}

static int load(struct mon_policy *p, struct mon_error *e) {
  char *real = realpath(p->name, NULL); /* so that it is never searched for */
  if (!real) return mon_fail(e, MB_ERR_FILE, "policy %s: there is no such file, and no policy of that name", p->name);
  p->library = dlopen(real, RTLD_NOW | RTLD_LOCAL);
  free(real);
  if (!p->library) return mon_fail(e, MB_ERR_FORMAT, "policy %s", dlerror());
  *(void **)&p->ask = dlsym(p->library, "mb_page_policy");
  if (p->ask) return MB_OK;
  return mon_fail(e, MB_ERR_FORMAT, "policy %s: has no function mb_page_policy (mirrorball-policy.h)", p->name);
}

/* KEY=VALUE. */
static int set(struct mon_policy *p, const char *text, struct mon_error *e) {
  const char *equals = strchr(text, '='), *name, *about;
  uint32_t min, max;
  if (!equals) return mon_fail(e, MB_ERR_ARGUMENT, "policy-set %s: not KEY=VALUE", text);
  for (size_t i = 0; (name = numa_setting(i, &min, &max, &about)); i++) {
    if (strlen(name) != (size_t)(equals - text) || strncmp(name, text, strlen(name))) continue;
    char *end;
    uint64_t value = strtoull(equals + 1, &end, 10);
    bool number = equals[1] >= '0' && equals[1] <= '9' && !*end;
    if (number && numa_setting_set(&p->set, i, value)) return MB_OK;
    return mon_fail(e, MB_ERR_ARGUMENT, "policy-set %s: %s is a number from %" PRIu32 " to %" PRIu32, text, name, min,
                    max);
  }
  return mon_fail(e, MB_ERR_ARGUMENT, "policy-set %s: there is no setting \"%.*s\"", text, (int)(equals - text), text);
}

/* All that is borrowed of the configuration is needed no more. */
static int take(struct mb_machine *m, const struct mb_placement *config) {
  struct mon_policy *p = &m->policy;
  const struct numa_policy *built_in = numa_policy_find(p->name);
  int code = built_in ? MB_OK : load(p, &m->error);
  p->set = numa_policy_defaults;
  if (built_in) p->ask = built_in->ask, p->set = built_in->settings;
  for (unsigned i = 0; !code && i < config->settings; i++) code = set(p, config->setting[i], &m->error);
  return code;
}

int mon_policy_choose(struct mb_machine *m) {
  struct mb_placement config = m->config.placement;
  unsigned nodes = m->numa.machine.nodes;
  m->config.placement.policy = m->config.placement.page_log = NULL;
  m->config.placement.settings = 0;
  if (!m->config.numa && (config.policy || config.settings || config.page_log || config.place))
    return mon_fail(&m->error, MB_ERR_ARGUMENT, "pages are placed and moved on a modelled machine: give numa, too");
  if (!m->config.numa) return MB_OK;
  if (config.place == MB_PLACE_NODE && config.node >= nodes)
    return mon_fail(&m->error, MB_ERR_ARGUMENT, "place node:%u: the machine %s has nodes 0 to %u", config.node,
                    m->numa.machine.name, nodes - 1);
  m->policy.name = strdup(config.policy ? config.policy : "none");
  m->policy.log = config.page_log ? strdup(config.page_log) : NULL;
  if (!m->policy.name || (config.page_log && !m->policy.log))
    return mon_fail(&m->error, MB_ERR_MEMORY, "out of memory");
  return take(m, &config);
}

void mon_policy_fini(struct mon_policy *p) {
  if (p->library) dlclose(p->library);
  free(p->name);
  free(p->log);
  *p = (struct mon_policy){0};
}
