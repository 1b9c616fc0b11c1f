/* monitor/services_report.c: events and services as JSON; system calls named by the guest's own symbols. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "monitor/monitor.h"
#include "monitor/services.h"
#include <inttypes.h>
#include <jansson.h>
#include <string.h>

static json_t *number(uint64_t v) {
  return json_integer((json_int_t)v);
}

/* --- names --- */

/* Linux/MIPS: system calls are numbered from 4000 (o32), 5000 (n64) and 6000 (n32) on, each with a table of its own; a
 * 32-bit kernel has the first alone. */
enum { ABI_CALLS = 1000, ABI_FIRST = 4 };
static const char *const tables[] = {"sys32_call_table", "sys_call_table", "sysn32_call_table"};

static bool read_pointer(const struct mb_vm *vm, uint64_t va, bool wide, uint64_t *out) {
  uint8_t b[8];
  uint64_t at, v = 0;
  unsigned n = wide ? 8 : 4;
  if (!mon_to_gpa(va, &at) || mmu_read(&vm->pmap, gpa(at), b, n) != n) return false;
  for (unsigned i = 0; i < n; i++) v |= (uint64_t)b[i] << 8 * (vm->config.endian == MB_ENDIAN_BIG ? n - 1 - i : i);
  *out = wide ? v : (uint64_t)(int64_t)(int32_t)(uint32_t)v;
  return true;
}

/* Without what says only that it is a system call. */
static const char *stripped(const char *name) {
  static const char *const prefix[] = {"__se_", "__do_", "__", "compat_", "sys_", "sys32_", "sysn32_", "mips_", "sys_"};
  for (size_t i = 0; i < sizeof prefix / sizeof *prefix; i++)
    if (!strncmp(name, prefix[i], strlen(prefix[i]))) name += strlen(prefix[i]);
  return name;
}

/* False: the guest does not say. */
static bool syscall_name(const struct mb_vm *vm, uint32_t number, char *buf, size_t n) {
  bool wide = mon_symbol_named(&vm->symbols, tables[0]);
  unsigned abi = number / ABI_CALLS - ABI_FIRST; /* wraps to something large below the first */
  if (abi > (wide ? 2 : 0)) return false;
  const struct mon_symbol *table = mon_symbol_named(&vm->symbols, tables[wide ? abi : 1]), *y;
  uint64_t to;
  if (!table || !read_pointer(vm, table->at + (number % ABI_CALLS) * (wide ? 8 : 4), wide, &to)) return false;
  y = mon_symbol_find(&vm->symbols, to);
  if (!y || y->at != to) return false;
  const char *name = stripped(mon_symbol_text(&vm->symbols, y));
  if (!strcmp(name, "ni_syscall")) return false;
  snprintf(buf, n, "%s%s", name, abi == 2 ? " (n32)" : wide && !abi ? " (o32)" : "");
  return true;
}

static void name_service(const struct mb_vm *vm, size_t i, char *buf, size_t n) {
  static const char *const name[MON_SERVICE_SYSCALL] = {
      [MON_SERVICE_KERNEL] = "kernel threads, boot",
      [MON_SERVICE_USER] = "user",
      [MON_SERVICE_IDLE] = "idle",
      [MON_SERVICE_INTERRUPT] = "interrupt",
      [MON_SERVICE_REFILL] = "TLB refill",
      [MON_SERVICE_QUICK_FAULT] = "page fault, quick",
      [MON_SERVICE_ZERO_FAULT] = "page fault, zeroed",
      [MON_SERVICE_COPY_FAULT] = "page fault, filled",
      [MON_SERVICE_FPU] = "coprocessor unusable",
      [MON_SERVICE_EMULATION] = "emulated instruction",
      [MON_SERVICE_EXCEPTION] = "other exception",
  };
  uint32_t call = vm->services->service[i].number;

  if (i < MON_SERVICE_SYSCALL)
    snprintf(buf, n, "%s", name[i]);
  else if (!syscall_name(vm, call, buf, n))
    snprintf(buf, n, call == MON_SYSCALLS - 1 ? "system call %" PRIu32 " or above" : "system call %" PRIu32, call);
}

/* --- JSON --- */

static const char *const group_name[MIPS_EVENT_GROUPS] = {
    [MIPS_EVENT_PRIVILEGED] = "privileged", [MIPS_EVENT_TLB_WRITE] = "tlb-write", [MIPS_EVENT_SEGMENT] = "segment",
    [MIPS_EVENT_DEVICE] = "device",         [MIPS_EVENT_REFILL] = "refill",       [MIPS_EVENT_REFLECTED] = "reflected",
    [MIPS_EVENT_MONITOR] = "monitor"};

const char *mb_event_name(size_t i) {
  return i < MIPS_EVENTS ? mips_event_info[i].name : NULL;
}

json_t *mon_events_json(struct mb_vm *vm) {
  const struct mon_services *s = vm->services;
  json_t *all = json_array();
  for (unsigned e = 0; e < MIPS_EVENTS; e++) {
    uint64_t n = 0;
    for (size_t i = 0; i < s->n; i++) n += s->service[i].events[e];
    const struct mips_event_info *info = &mips_event_info[e];
    json_t *o = json_object();
    json_object_set_new(o, "name", json_string(info->name));
    json_object_set_new(o, "group", json_string(group_name[info->group]));
    json_object_set_new(o, "count", number(n));
    json_object_set_new(o, "trap_cycles", number(info->trap));
    json_object_set_new(o, "translate_cycles", number(info->translate));
    json_array_append_new(all, o);
  }
  return all;
}

static json_t *service_json(const struct mon_service *s, const char *name, bool call) {
  json_t *o = json_object(), *events = json_object();
  for (unsigned e = 0; e < MIPS_EVENTS; e++)
    if (s->events[e]) json_object_set_new(events, mips_event_info[e].name, number(s->events[e]));
  json_object_set_new(o, "name", json_string(name));
  json_object_set_new(o, "system_call", call ? number(s->number) : json_null());
  json_object_set_new(o, "invocations", number(s->invocations));
  json_object_set_new(o, "instructions", number(s->instructions));
  json_object_set_new(o, "tlb_instructions", number(s->tlb_instructions));
  json_object_set_new(o, "idle_cycles", number(s->idle));
  json_object_set_new(o, "stall_cycles", number(s->stall));
  json_object_set_new(o, "events", events);
  return o;
}

json_t *mon_services_json(struct mb_vm *vm) {
  json_t *all = json_array();
  struct mon_service open = {0}; /* faults under way */
  char name[128];
  for (size_t i = 0; i < vm->services->n; i++) {
    const struct mon_service *s = &vm->services->service[i];
    if (s->fault) {
      mon_service_add(&open, s);
      continue;
    }
    name_service(vm, i, name, sizeof name);
    json_array_append_new(all, service_json(s, name, i >= MON_SERVICE_SYSCALL));
  }
  if (open.invocations) json_array_append_new(all, service_json(&open, "page fault, not over", false));
  return all;
}
