/* monitor/checkpoint.c: the public functions that save a machine in a file, and let one go on from there. */
/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "monitor/checkpoint.h"
#include "monitor/monitor.h"
#include "monitor/services.h"
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* --- saving --- */

static int may_be_saved(struct mb_machine *m) {
  if (!m->started) return mon_fail(&m->error, MB_ERR_STATE, "the machine has not been started");
  if (m->config.numa != MB_NUMA_OFF && m->config.merge)
    return mon_fail(&m->error, MB_ERR_STATE, "a machine with modelled memory (--numa) cannot be saved with --merge");
  if (mon_is_sampled(m) || m->config.placement.feed)
    return mon_fail(&m->error, MB_ERR_STATE,
                    "a machine that is modelled by intervals (--numa sample, --policy-feed) cannot be saved");
  if (m->policy.library)
    return mon_fail(&m->error, MB_ERR_STATE, "a machine whose pages a policy of your own moves cannot be saved");
  for (unsigned i = 0; i < m->vms; i++) {
    const struct mb_vm *vm = m->vm[i];
    if (vm->threads)
      return mon_fail(&m->error, MB_ERR_STATE, "VMs with parallel vcpus cannot be saved: let them take turns");
    if (vm->calling || vm->within)
      return mon_fail(&m->error, MB_ERR_STATE, "the machine cannot be saved while it runs");
  }
  return MB_OK;
}

int mon_checkpoint_save(struct mb_machine *m, const char *path, const struct mb_progress *progress, bool loosely) {
  int code = may_be_saved(m);
  if (code) return code;
  struct snap s = {0};
  struct mmu_kept kept;
  json_t *about = mon_about(m);
  char *text = about ? json_dumps(about, JSON_COMPACT) : NULL;
  bool room = !mmu_kept_init(&kept, &m->memmap, m->config.numa != MB_NUMA_OFF);
  if (room) mon_machine_state(m, &kept, kept.n, &s);
  if (room && text && !s.bad) {
    struct mon_checkpoint_parts p = {
        .about = text, .map = &m->memmap, .kept = &kept, .state = s.bytes, .state_n = s.n, .loosely = loosely};
    code = mon_checkpoint_write(path, &p, progress, &m->error);
  } else {
    code = mon_fail(&m->error, MB_ERR_MEMORY, "out of memory for the checkpoint");
  }
  if (room) mmu_kept_fini(&kept);
  snap_free(&s);
  free(text);
  json_decref(about);
  return code;
}

int mb_machine_save(struct mb_machine *m, const char *path, const struct mb_progress *progress) {
  return mon_checkpoint_save(m, path, progress, false);
}

/* --- restoring --- */

int mb_machine_restore(struct mb_machine *m, const char *path, const struct mb_config *how) {
  static const struct mb_config plainly;
  if (m->started || m->vms) return mon_fail(&m->error, MB_ERR_STATE, "the machine has VMs already");
  if ((m->config.numa != MB_NUMA_OFF || m->config.sched != MB_SCHED_OFF) && !m->config.anew)
    return mon_fail(&m->error, MB_ERR_STATE, "on which machine it goes on the file says, unless it begins anew there");
  struct mon_took begun = mon_took_begin();
  int code = mon_checkpoint_open(&m->checkpoint, path, &m->error);
  char *what = NULL;
  if (!code && asprintf(&what, "checkpoint %s", path) < 0) code = mon_fail(&m->error, MB_ERR_MEMORY, "out of memory");
  if (!code) code = mon_about_add(m, what, m->checkpoint->about, how ? how : &plainly);
  free(what);
  mon_took_end(&m->restore, &begun);
  return code;
}

int mon_checkpoint_enter(struct mb_machine *m) {
  struct mon_checkpoint *c = m->checkpoint;
  struct snap s;
  if (numa_memory_store(&m->memmap.memory, c->fd, c->pages_at))
    return mon_fail(&m->error, MB_ERR_MEMORY, "out of memory");
  c->fd = -1;
  snap_open(&s, c->state, c->state_n);
  mon_machine_state(m, NULL, (uint32_t)c->pages, &s);
  if (!s.bad && s.at != s.n)
    return mon_fail(&m->error, MB_ERR_FORMAT, "checkpoint %s: has more in it than is known", c->path);
  if (s.bad) return mon_fail(&m->error, MB_ERR_FORMAT, "checkpoint %s: %s", c->path, s.trouble);
  if (m->balance && m->config.anew) numa_places_adopt(&m->balance->places);
  for (unsigned i = 0; i < m->vms; i++)
    if (m->vm[i]->services) mon_services_resume(m->vm[i]);
  return MB_OK;
}

int mb_checkpoint_about(struct mb_machine *m, const char *path, char **json) {
  struct mon_checkpoint *c;
  *json = NULL;
  int code = mon_checkpoint_open(&c, path, &m->error);
  if (code) return code;
  json_object_set_new(c->about, "memory_bytes", json_integer((json_int_t)(c->pages * MMU_PAGE_SIZE)));
  json_object_set_new(c->about, "state_bytes", json_integer((json_int_t)c->state_n));
  *json = json_dumps(c->about, JSON_INDENT(2));
  mon_checkpoint_free(c);
  return *json ? MB_OK : mon_fail(&m->error, MB_ERR_MEMORY, "out of memory");
}
