/* monitor/seats.c: the vcpus of a machine's VMs as its scheduler sees them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "monitor/cpus.h"
#include "monitor/monitor.h"
#include <jansson.h>

enum { ROUND_NS = 1000000 }; /* virtual */

/* As many as the configuration says; else those of the modelled machine; else one for each vcpu. */
static unsigned cpus_of(const struct mb_machine *m, unsigned vcpus) {
  if (m->config.cpus) return m->config.cpus;
  return m->config.numa ? numa_cpus(&m->numa.machine) : vcpus;
}

static bool any_pin(const struct mb_machine *m) {
  bool any = false;
  for (unsigned i = 0; i < m->vms; i++)
    for (unsigned k = 0; k < MB_PINS_MAX; k++) any |= m->vm[i]->config.pin[k] != 0;
  return any;
}

static int pin(struct mb_machine *m, unsigned seat, unsigned cpu) {
  struct mon_seat *v = &m->cpus.seat[seat];
  if (cpu >= m->cpus.cpus)
    return mon_fail(&m->error, MB_ERR_ARGUMENT, "pin %u=%u: the machine has cpus 0 to %u", v->vcpu, cpu,
                    m->cpus.cpus - 1);
  v->pin = v->cpu = (uint16_t)cpu;
  return MB_OK;
}

int mon_cpus_start(struct mb_machine *m) {
  unsigned vcpus[MB_VMS_MAX], all = 0, seat = 0;
  bool parallel = false;
  int code = MB_OK;
  for (unsigned i = 0; i < m->vms; i++) {
    all += vcpus[i] = m->vm[i]->config.vcpus;
    parallel |= m->vm[i]->config.parallel;
  }
  if (m->config.sched == MB_SCHED_OFF && any_pin(m)) m->config.sched = MB_SCHED_FIXED;
  if (m->config.sched == MB_SCHED_OFF) return MB_OK;
  if (parallel)
    return mon_fail(&m->error, MB_ERR_ARGUMENT, "a scheduler is for vcpus that take turns, not for parallel ones");
  if (m->config.numa && m->config.cpus > numa_cpus(&m->numa.machine))
    return mon_fail(&m->error, MB_ERR_FIT, "the machine %s has %u cpus, not %u", m->numa.machine.name,
                    numa_cpus(&m->numa.machine), m->config.cpus);
  unsigned per_node = m->config.numa ? m->numa.machine.cpus_per_node : cpus_of(m, all);
  mon_cpus_fini(&m->cpus);
  if (mon_cpus_init(&m->cpus, m->config.sched, cpus_of(m, all), per_node, vcpus, m->vms))
    return mon_fail(&m->error, MB_ERR_MEMORY, "out of memory for the scheduler");
  for (unsigned i = 0; i < m->vms; i++)
    for (unsigned k = 0; k < vcpus[i]; k++, seat++)
      if (!code && m->vm[i]->config.pin[k]) code = pin(m, seat, m->vm[i]->config.pin[k] - 1u);
  return code;
}

struct mon_seat *mon_seat(const struct mb_vm *vm, unsigned vcpu) {
  const struct mb_machine *m = vm->machine;
  if (!m->cpus.seats) return NULL;
  for (unsigned i = 0; i < m->vms && m->vm[i] != vm; i++) vcpu += m->vm[i]->config.vcpus;
  return &m->cpus.seat[vcpu];
}

/* Has it something to do, or will it have as soon as it has a cpu? */
static bool is_ready(const struct mb_vm *vm, unsigned i, uint64_t now) {
  const struct cpu *c = &vm->cpu[i];
  if (vm->stopping || !vm->vcpu[i].up || io_clock_ns(&vm->clock) >= now + ROUND_NS) return false;
  return vm->vcpu[i].start || (!c->dead && (!mips_waits(c) || mon_own_timer(c) <= vm->round_end));
}

void mon_cpus_round(struct mb_machine *m, uint64_t now) {
  struct mon_cpus *s = &m->cpus;
  if (!s->seats || now < s->due) return;
  s->due = (now / ROUND_NS + 1) * ROUND_NS;
  for (unsigned i = 0; i < s->seats; i++) s->seat[i].ready = is_ready(m->vm[s->seat[i].vm], s->seat[i].vcpu, now);
  mon_cpus_assign(s);
  for (unsigned i = 0; i < s->seats; i++) {
    const struct mon_seat *v = &s->seat[i];
    /* What was in the TLB is gone: its ASIDs are the guests'. */
    if (v->fresh && m->config.numa) mmu_machine_tlb_forget(&m->vm[v->vm]->cpu[v->vcpu].mmu);
  }
}

bool mon_is_kept_waiting(struct mb_vm *vm) {
  const struct mon_seat *seat = mon_seat(vm, vm->turn);
  struct cpu *c = mon_cpu(vm);
  if (!seat || seat->has_cpu) return false;
  uint64_t now = mips_now(c);
  if (c->dead || now >= vm->round_end || vm->vcpu[vm->turn].start) return true;
  if (mips_waits(c))
    mips_idle_to(c, vm->round_end);
  else
    mips_stall(c, vm->round_end - now);
  return true;
}

struct json_t *mon_seat_json(const struct mon_seat *s) {
  return json_pack("{s:i,s:I,s:I,s:i,s:i,s:i}", "cpu", s->cpu, "ran_ms", (json_int_t)s->ran, "kept_waiting_ms",
                   (json_int_t)s->kept, "switches", (int)s->switches, "moves", (int)s->moves, "node_moves",
                   (int)s->far);
}
