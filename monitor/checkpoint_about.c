/* monitor/checkpoint_about.c: what a saved machine is made of, as JSON: written, and read back into VMs. */
/* SPDX-License-Identifier: Apache-2.0 */
/* What decides the run comes from the file: board, cpu, memory, devices, disks, networks. How it is run (tier, mode,
 * translations kept, traces, profiles) does not show to the guest and comes from who restores it. */
#define _GNU_SOURCE
#include "monitor/boots.h"
#include "monitor/checkpoint.h"
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* --- writing --- */

static json_t *disk_about(const struct mb_vm *vm, unsigned i) {
  const struct mb_disk *d = &vm->config.disk[i];
  const struct io_image *image = &vm->disk[i].image;
  char *path = realpath(d->path, NULL);
  json_t *o = json_pack("{s:s, s:i, s:i, s:I, s:I}", "file", path ? path : d->path, "mode", (int)d->mode, "bus",
                        (int)d->bus, "size", (json_int_t)image->size, "changed", (json_int_t)io_image_changed(image));
  free(path);
  return o;
}

static json_t *net_about(const struct mb_net *n) {
  json_t *o = json_pack("{s:i, s:i, s:b}", "kind", (int)n->kind, "card", (int)n->card, "restricted", n->restricted);
  json_t *forwards = json_array();
  if (n->subnet) json_object_set_new(o, "subnet", json_string(n->subnet));
  for (unsigned i = 0; i < n->forwards; i++)
    json_array_append_new(forwards, json_pack("{s:b, s:i, s:i}", "udp", n->forward[i].udp, "host",
                                              (int)n->forward[i].host, "guest", (int)n->forward[i].guest));
  json_object_set_new(o, "forward", forwards);
  return o;
}

static json_t *vm_about(struct mb_vm *vm) {
  const struct mb_config *c = &vm->config;
  json_t *disks = json_array(), *nets = json_array(), *pins = json_array();
  for (unsigned i = 0; i < c->vcpus && i < MB_PINS_MAX; i++) json_array_append_new(pins, json_integer(c->pin[i]));
  for (unsigned i = 0; i < c->disks; i++) json_array_append_new(disks, disk_about(vm, i));
  for (unsigned i = 0; i < c->nets; i++) json_array_append_new(nets, net_about(&c->net[i]));
  const struct mon_shown *shown = &vm->console.shown;
  return json_pack(
      "{s:s*, s:s, s:s, s:i, s:I, s:I, s:b, s:b, s:I, s:I, s:I, s:s*, s:s*, s:b, s:o, s:o, s:o, s:I, s:I, s:s, s:o*}",
      "name", c->name, "board", vm->kind->name, "cpu", vm->model->name, "vcpus", (int)c->vcpus, "memory",
      (json_int_t)c->memory, "mhz", (json_int_t)c->mhz, "big_endian", c->endian == MB_ENDIAN_BIG, "is64", vm->is64,
      "l2tlb", (json_int_t)c->l2tlb, "rtc_start", (json_int_t)c->rtc_start, "seed", (json_int_t)c->seed, "append",
      c->append, "kernel", vm->kernel_path, "keyboard", vm->board.uart[0].tty.get != NULL, "disks", disks, "nets", nets,
      "pins", pins, "instructions", (json_int_t)mon_instructions(vm), "virtual_ns",
      (json_int_t)mon_ns(vm, mips_now(mon_cpu(vm))), "stopped", vm->stopping ? mb_stop_name(vm->why) : "not", "shown",
      shown->wanted ? mon_shown_json(shown) : NULL);
}

/* The modelled machine, and what moves its pages. */
static json_t *numa_about(const struct mb_machine *m) {
  const char *name, *about;
  uint32_t value, min, max;
  json_t *set = json_object();
  if (m->config.numa == MB_NUMA_OFF) return json_decref(set), NULL;
  for (size_t i = 0; (name = numa_setting(i, &min, &max, &about)); i++) {
    value = numa_setting_get(&m->policy.set, i);
    json_object_set_new(set, name, json_integer((json_int_t)value));
  }
  const struct mb_numa_sampling *s = &m->config.sampling;
  return json_pack("{s:i, s:s, s:s, s:i, s:i, s:i, s:s, s:o, s:I, s:I, s:I}", "fidelity", (int)m->config.numa, "name",
                   m->numa.machine.name, "machine", m->numa_text, "place", (int)m->config.placement.place, "node",
                   (int)m->config.placement.node, "feed", (int)m->config.placement.feed, "policy", m->policy.name,
                   "set", set, "every", (json_int_t)s->every, "warm", (json_int_t)s->warm, "cache",
                   (json_int_t)s->cache);
}

json_t *mon_about(struct mb_machine *m) {
  json_t *vms = json_array();
  for (unsigned i = 0; i < m->vms; i++) json_array_append_new(vms, vm_about(m->vm[i]));
  return json_pack("{s:s, s:i, s:I, s:i, s:o*, s:o}", "mirrorball", mb_version(), "cpus", (int)m->config.cpus, "memory",
                   (json_int_t)m->config.memory, "sched", (int)m->config.sched, "numa", numa_about(m), "vms", vms);
}

/* --- reading --- */

/* What is missing or of another kind is 0 or NULL, and refused where it is used. */
static uint64_t number(const json_t *o, const char *key) {
  return (uint64_t)json_integer_value(json_object_get(o, key));
}
static const char *text(const json_t *o, const char *key) {
  return json_string_value(json_object_get(o, key));
}
static bool truth(const json_t *o, const char *key) {
  return json_is_true(json_object_get(o, key));
}
static unsigned small(const json_t *o, const char *key) {
  uint64_t n = number(o, key);
  return n > UINT16_MAX ? UINT16_MAX : (unsigned)n;
}

static void read_net(struct mb_net *n, const json_t *o) {
  const json_t *forwards = json_object_get(o, "forward"), *f;
  size_t i;
  *n = (struct mb_net){.kind = (enum mb_net_kind)small(o, "kind"),
                       .card = (enum mb_net_card)small(o, "card"),
                       .subnet = text(o, "subnet"),
                       .restricted = truth(o, "restricted")};
  json_array_foreach(forwards, i, f) {
    if (i == MB_FORWARDS_MAX) break;
    n->forward[n->forwards++] = (struct mb_forward){
        .udp = truth(f, "udp"), .host = (uint16_t)small(f, "host"), .guest = (uint16_t)small(f, "guest")};
  }
}

static void read_pins(struct mb_config *c, const json_t *pins) {
  const json_t *e;
  size_t i;
  memset(c->pin, 0, sizeof c->pin);
  json_array_foreach(pins, i, e) if (i < MB_PINS_MAX) c->pin[i] = (uint16_t)json_integer_value(e);
}

static struct mb_config read_config(const json_t *o, const struct mb_config *how, bool anew) {
  const json_t *disks = json_object_get(o, "disks"), *nets = json_object_get(o, "nets"), *e;
  size_t i;
  struct mb_config c = *how;
  c.parallel = false;
  c.name = text(o, "name");
  c.board = text(o, "board");
  c.cpu = text(o, "cpu");
  c.vcpus = small(o, "vcpus");
  c.memory = number(o, "memory");
  c.mhz = (uint32_t)number(o, "mhz");
  c.endian = truth(o, "big_endian") ? MB_ENDIAN_BIG : MB_ENDIAN_LITTLE;
  c.l2tlb = (uint32_t)number(o, "l2tlb");
  c.rtc_start = (int64_t)number(o, "rtc_start");
  c.seed = number(o, "seed");
  c.append = text(o, "append");
  c.disks = c.nets = 0;
  if (!anew) read_pins(&c, json_object_get(o, "pins"));
  json_array_foreach(disks, i, e) {
    if (i == MB_DISKS_MAX) break;
    c.disk[c.disks++] = (struct mb_disk){
        .path = text(e, "file"), .mode = (enum mb_disk_mode)small(e, "mode"), .bus = (enum mb_disk_bus)small(e, "bus")};
  }
  json_array_foreach(nets, i, e) {
    if (i == MB_NETS_MAX) break;
    read_net(&c.net[c.nets++], e);
  }
  return c;
}

/* A disk that is another one by now would be a broken one to the guest. Of a replay's some are known at its end. */
static int check_disks(struct mb_vm *vm, const char *what, const json_t *about) {
  const json_t *disks = json_object_get(about, "disks");
  for (unsigned i = 0; i < vm->config.disks; i++) {
    const json_t *o = json_array_get(disks, i);
    const struct io_image *image = &vm->disk[i].image;
    const json_t *changed = json_object_get(o, "changed");
    bool same = !changed || io_image_changed(image) == (uint64_t)json_integer_value(changed);
    if (image->size == number(o, "size") && same) continue;
    return mon_fail(vm->error, MB_ERR_MISMATCH,
                    "%s: its disk %s has changed since: put back the file that it was, with its time stamp", what,
                    vm->config.disk[i].path);
  }
  return MB_OK;
}

static int add_vm(struct mb_machine *m, const char *what, const json_t *about, const struct mb_config *how) {
  struct mb_config c = read_config(about, how, m->config.anew);
  struct mb_vm *vm;
  char why[sizeof m->error.text];
  const char *kernel = text(about, "kernel");
  if (mb_vm_add(m, &vm, &c)) {
    memcpy(why, m->error.text, sizeof why);
    return mon_fail(&m->error, MB_ERR_FORMAT, "%s: %s", what, why);
  }
  vm->has_kernel = true;
  vm->is64 = truth(about, "is64");
  vm->was_listened_to = truth(about, "keyboard");
  if (kernel && !(vm->kernel_path = strdup(kernel))) return mon_fail(&m->error, MB_ERR_MEMORY, "out of memory");
  return check_disks(vm, what, about);
}

/* The machine that it was saved on, whose model goes on, too. Policies are built in. */
static int read_numa(struct mb_machine *m, const json_t *o) {
  struct mb_placement *p = &m->config.placement;
  const json_t *set = json_object_get(o, "set"), *value;
  const char *machine = text(o, "machine"), *policy = text(o, "policy"), *name, *about;
  char setting[MB_SETTINGS_MAX][48];
  uint32_t min, max;
  if (!machine || small(o, "fidelity") > MB_NUMA_SAMPLE_ALL || small(o, "place") > MB_PLACE_NODE ||
      small(o, "feed") > MB_FEED_TLB || !policy || !numa_policy_find(policy))
    return mon_fail(&m->error, MB_ERR_FORMAT, "its modelled machine makes no sense");
  m->config.numa = (enum mb_numa)small(o, "fidelity");
  *p = (struct mb_placement){.place = (enum mb_place)small(o, "place"),
                             .feed = (enum mb_feed)small(o, "feed"),
                             .node = small(o, "node"),
                             .policy = policy};
  m->config.sampling = (struct mb_numa_sampling){.every = (uint32_t)number(o, "every"),
                                                 .warm = (uint32_t)number(o, "warm"),
                                                 .cache = (uint32_t)number(o, "cache")};
  for (size_t i = 0; (name = numa_setting(i, &min, &max, &about)) && p->settings < MB_SETTINGS_MAX; i++) {
    if (!(value = json_object_get(set, name))) continue;
    snprintf(setting[p->settings], sizeof *setting, "%s=%" PRIu64, name, (uint64_t)json_integer_value(value));
    p->setting[p->settings] = setting[p->settings];
    p->settings++;
  }
  int code = m->config.numa ? mon_numa_take(m, text(o, "name") ? text(o, "name") : "?", machine) : MB_OK;
  if (!code) code = mon_sampling_choose(m);
  return code ? code : mon_policy_choose(m);
}

static int read_machine(struct mb_machine *m, const char *what, const json_t *about) {
  const json_t *numa = json_object_get(about, "numa");
  char why[sizeof m->error.text];
  m->config.memory = number(about, "memory");
  if (m->config.anew) return MB_OK;
  m->config.cpus = small(about, "cpus");
  m->config.sched = (enum mb_sched)small(about, "sched");
  if (m->config.sched > MB_SCHED_GANG || m->config.cpus >= MON_NO_CPU)
    return mon_fail(&m->error, MB_ERR_FORMAT, "%s: there is no such scheduler", what);
  if (!numa || !read_numa(m, numa)) return MB_OK;
  memcpy(why, m->error.text, sizeof why);
  return mon_fail(&m->error, MB_ERR_FORMAT, "%s: %s", what, why);
}

int mon_about_add(struct mb_machine *m, const char *what, const json_t *about, const struct mb_config *how) {
  const json_t *vms = json_object_get(about, "vms"), *o;
  size_t i;
  int code = read_machine(m, what, about);
  if (code) return code;
  json_array_foreach(vms, i, o) if ((code = add_vm(m, what, o, how))) return code;
  return m->vms ? MB_OK : mon_fail(&m->error, MB_ERR_FORMAT, "%s: there is no VM in it", what);
}
