/* monitor/vcpu.c: why a VM has stopped, and where, in words. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "monitor/monitor.h"
#include <inttypes.h>
#include <string.h>

enum { STATUS_EXL = 2 };

const char *mb_stop_name(enum mb_stop why) {
  switch (why) {
  case MB_STOP_LIMIT: return "instruction-limit";
  case MB_STOP_CONSOLE: return "console-text";
  case MB_STOP_TIMEOUT: return "timeout";
  case MB_STOP_INTERRUPTED: return "interrupted";
  case MB_STOP_TOGETHER: return "together";
  case MB_STOP_RETURNED: return "returned";
  case MB_STOP_POWER_OFF: return "power-off";
  case MB_STOP_RESET: return "reset";
  case MB_STOP_EXIT: return "guest-exit";
  case MB_STOP_HALTED: return "halted";
  case MB_STOP_STUCK: return "stuck";
  case MB_STOP_DEAD: return "dead";
  case MB_STOP_POLICY: return "policy";
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

static const char *stop_cause(const struct mb_vm *vm, char *buf, size_t n) {
  const struct cpu *c = mon_cpu(vm);
  switch (vm->why) {
  case MB_STOP_LIMIT:
    return mon_instructions(vm) < vm->limit ? "reached the time limit" : "reached the instruction limit";
  case MB_STOP_CONSOLE: return "showed the awaited text";
  case MB_STOP_TIMEOUT: return "ran out of wall time";
  case MB_STOP_INTERRUPTED: return "was interrupted";
  case MB_STOP_TOGETHER: return "stopped because another VM did";
  case MB_STOP_RETURNED: return "returned from a function";
  case MB_STOP_POWER_OFF: return "turned the power off";
  case MB_STOP_RESET: return "asked for a reset";
  case MB_STOP_EXIT: snprintf(buf, n, "asked to end with code %u", vm->guest_code); return buf;
  case MB_STOP_HALTED: return c->dead ? c->dead : "halted";
  case MB_STOP_STUCK: return c->dead ? c->dead : "is stuck: it waits for an interrupt that cannot come";
  case MB_STOP_DEAD: return mon_in_rom(c) ? unhandled(c, buf, n) : mips_dead_reason(c, buf, n);
  case MB_STOP_POLICY:
  case MB_STOP_ERROR: return vm->error->text;
  }
  return "";
}

/* "0x80100000 (start)", or the address alone when nothing is near. Returns buf. */
static const char *place(const struct mb_vm *vm, uint64_t va, char *buf, size_t n) {
  char name[160];
  mon_symbol_name(&vm->symbols, va, name, sizeof name);
  snprintf(buf, n, strncmp(name, "0x", 2) ? "0x%08" PRIx64 " (%s)" : "0x%08" PRIx64, va, name);
  return buf;
}

enum mb_stop mb_vm_stop(const struct mb_vm *vm) {
  return vm->why;
}

const char *mb_stop_text(const struct mb_vm *stopped) {
  struct mb_vm *vm = (struct mb_vm *)(uintptr_t)stopped; /* the text is a cache, not state */
  const struct cpu *c = mon_cpu(vm);
  char cause[240], where[192], from[192];
  if (!vm->started || !vm->stopping) return "the guest has not stopped";
  if (vm->why == MB_STOP_POLICY) return vm->error->text; /* it is none of the guest's doing */
  bool died = vm->why == MB_STOP_DEAD;
  mon_learn_symbols(vm);
  uint64_t ns = mon_ns(vm, mips_now(c));
  char vcpu[24] = "";
  if (vm->vcpus > 1) snprintf(vcpu, sizeof vcpu, " on vcpu %u", vm->turn);
  /* What led into an endless exception is at EPC; the pc is only the handler's. */
  uint64_t pc = died && c->cp0.status & STATUS_EXL ? c->cp0.epc : c->j.pc;
  snprintf(vm->stop_text, sizeof vm->stop_text,
           "guest %s%.240s; at %s%s%s%s, %" PRIu64 ".%06u virtual seconds, instruction %" PRIu64, died ? "died: " : "",
           stop_cause(vm, cause, sizeof cause), place(vm, pc, where, sizeof where), died ? ", ra " : "",
           died ? place(vm, c->gpr[31], from, sizeof from) : "", vcpu, ns / 1000000000u,
           (unsigned)(ns % 1000000000u / 1000), mon_instructions(vm));
  return vm->stop_text;
}
