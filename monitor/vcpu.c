/* monitor/vcpu.c: running a machine: until something ends it, and what that was. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "monitor/monitor.h"
#include <inttypes.h>
#include <stdatomic.h>
#include <string.h>

enum { STATUS_EXL = 2 };

/* Once one of these has happened the machine is over. */
static bool is_final(enum mb_stop why) {
  switch (why) {
  case MB_STOP_LIMIT:
  case MB_STOP_CONSOLE:
  case MB_STOP_TIMEOUT:
  case MB_STOP_INTERRUPTED: return false;
  case MB_STOP_POWER_OFF:
  case MB_STOP_RESET:
  case MB_STOP_EXIT:
  case MB_STOP_HALTED:
  case MB_STOP_STUCK:
  case MB_STOP_DEAD:
  case MB_STOP_ERROR: break;
  }
  return true;
}

enum mb_stop mb_machine_run(struct mb_machine *m, uint64_t instructions) {
  if (!m->started) {
    mon_fail(&m->error, MB_ERR_STATE, "the machine has not been started");
    return MB_STOP_ERROR;
  }
  if (m->stopping && is_final(m->why)) return m->why;
  struct mon_limits l = {.instructions = instructions, .begun_wall = mon_wall_ns()};
  m->stopping = false;
  m->pace.anchored = false;
  while (!m->stopping) mon_step(m, &l);
  mon_console_flush(&m->console);
  m->wall_ns += mon_wall_ns() - l.begun_wall;
  if (m->trace) fflush(m->trace);
  return m->why;
}

void mb_machine_interrupt(struct mb_machine *m) {
  atomic_store(&m->interrupted, true);
}

const char *mb_stop_name(enum mb_stop why) {
  switch (why) {
  case MB_STOP_LIMIT: return "instruction-limit";
  case MB_STOP_CONSOLE: return "console-text";
  case MB_STOP_TIMEOUT: return "timeout";
  case MB_STOP_INTERRUPTED: return "interrupted";
  case MB_STOP_POWER_OFF: return "power-off";
  case MB_STOP_RESET: return "reset";
  case MB_STOP_EXIT: return "guest-exit";
  case MB_STOP_HALTED: return "halted";
  case MB_STOP_STUCK: return "stuck";
  case MB_STOP_DEAD: return "dead";
  case MB_STOP_ERROR: return "error";
  }
  return "unknown";
}

static const char *unhandled(const struct cpu *c, char *buf, size_t n) {
  const char *name = mips_exc_name[c->cp0.cause >> 2 & 31];
  snprintf(buf, n, "exception %s before it had set up handlers, badvaddr 0x%08" PRIx64 ", status 0x%08x",
           name ? name : "?", c->cp0.badvaddr, c->cp0.status);
  return buf;
}

static const char *stop_cause(const struct mb_machine *m, char *buf, size_t n) {
  const struct cpu *c = mon_cpu(m);
  switch (m->why) {
  case MB_STOP_LIMIT: return "reached the instruction limit";
  case MB_STOP_CONSOLE: return "showed the awaited text";
  case MB_STOP_TIMEOUT: return "ran out of wall time";
  case MB_STOP_INTERRUPTED: return "was interrupted";
  case MB_STOP_POWER_OFF: return "turned the power off";
  case MB_STOP_RESET: return "asked for a reset";
  case MB_STOP_EXIT: snprintf(buf, n, "asked to end with code %u", m->guest_code); return buf;
  case MB_STOP_HALTED: return c->dead ? c->dead : "halted";
  case MB_STOP_STUCK: return c->dead ? c->dead : "is stuck: it waits for an interrupt that cannot come";
  case MB_STOP_DEAD: return mon_in_rom(c) ? unhandled(c, buf, n) : mips_dead_reason(c, buf, n);
  case MB_STOP_ERROR: return m->error.text;
  }
  return "";
}

/* "0x80100000 (start)", or the address alone when nothing is near. Returns buf. */
static const char *place(const struct mb_machine *m, uint64_t va, char *buf, size_t n) {
  char name[160];
  mon_symbol_name(&m->symbols, va, name, sizeof name);
  snprintf(buf, n, strncmp(name, "0x", 2) ? "0x%08" PRIx64 " (%s)" : "0x%08" PRIx64, va, name);
  return buf;
}

const char *mb_stop_text(const struct mb_machine *machine) {
  struct mb_machine *m = (struct mb_machine *)(uintptr_t)machine; /* the text is a cache, not state */
  const struct cpu *c = mon_cpu(m);
  char cause[240], where[192], from[192];
  if (!m->started || !m->stopping) return "the guest has not stopped";
  bool died = m->why == MB_STOP_DEAD;
  mon_learn_symbols(m);
  uint64_t ns = mon_ns(m, mips_now(c));
  char vcpu[24] = "";
  if (m->vm.vcpus > 1) snprintf(vcpu, sizeof vcpu, " on vcpu %u", m->vm.turn);
  /* What led into an endless exception is at EPC; the pc is only the handler's. */
  uint64_t pc = died && c->cp0.status & STATUS_EXL ? c->cp0.epc : c->j.pc;
  snprintf(m->stop_text, sizeof m->stop_text,
           "guest %s%.240s; at %s%s%s%s, %" PRIu64 ".%06u virtual seconds, instruction %" PRIu64, died ? "died: " : "",
           stop_cause(m, cause, sizeof cause), place(m, pc, where, sizeof where), died ? ", ra " : "",
           died ? place(m, c->gpr[31], from, sizeof from) : "", vcpu, ns / 1000000000u,
           (unsigned)(ns % 1000000000u / 1000), mon_instructions(m));
  return m->stop_text;
}
