/* monitor/vcpu.c: the outer loop: run to the next event, let devices act, skip or sleep idle time, stop. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Virtual time is decided here and depends on nothing of the host: a run is cut into slices only to look at wall time,
 * the keyboard and signals, and a cut changes nothing the guest can see. */
#include "monitor/monitor.h"
#include <inttypes.h>
#include <stdatomic.h>
#include <string.h>

#define SLICE_NS 1000000u /* virtual: how long the cpu runs between two looks at the host */
#define LOOK_NS  1000000u /* wall: the host is not looked at more often */

enum { STATUS_EXL = 2, STATUS_IM_TIMER = 1 << 15 };

struct run {
  uint64_t limit;      /* instructions */
  uint64_t begun_wall; /* ns */
  uint64_t looked;     /* wall ns of the last look at the host */
};

static uint64_t least(uint64_t a, uint64_t b) {
  return a < b ? a : b;
}

static void look_at_host(struct mb_machine *m, struct run *r) {
  if (atomic_load_explicit(&m->interrupted, memory_order_relaxed)) {
    atomic_store(&m->interrupted, false);
    mon_stop(m, MB_STOP_INTERRUPTED);
  }
  uint64_t now = mon_wall_ns();
  if (now - r->looked < LOOK_NS) return;
  r->looked = now;
  mon_console_flush(&m->console);
  mon_console_poll(&m->console);
  double spent = (double)(m->wall_ns + (now - r->begun_wall)) / 1e9;
  if (m->config.timeout > 0 && spent >= m->config.timeout) mon_stop(m, MB_STOP_TIMEOUT);
}

/* Has the keyboard been unplugged for good? Scripted steps type only after output, and output needs an event first. */
static bool input_is_over(const struct mb_machine *m) {
  const struct mon_console *c = &m->console;
  const struct io_uart *u = &m->vm.board.uart[0];
  return !c->typing && c->in_at == c->in_n && (c->in_ended || !c->host.get) && !u->rx_n && !u->kept_n;
}

/* The next cycle at which something can happen to a waiting cpu; UINT64_MAX: never. */
static uint64_t next_event(const struct mb_machine *m) {
  const struct cpu *c = &m->vm.cpu;
  const struct io_timer *first = m->vm.clock.first;
  uint64_t timer = c->cp0.status & STATUS_IM_TIMER ? mips_timer_deadline(c) : UINT64_MAX;
  /* A serial port that looks for keys nobody will ever press is no event. */
  if (first == &m->vm.board.uart[0].rx_timer && !first->next && input_is_over(m)) return timer;
  return least(io_clock_next(&m->vm.clock), timer);
}

static void idle(struct mb_machine *m) {
  struct cpu *c = &m->vm.cpu;
  uint64_t now = mips_now(c), next = next_event(m);
  if (next == UINT64_MAX) {
    mon_stop(m, MB_STOP_STUCK);
    return;
  }
  if (next > now) mips_idle_to(c, mon_pace_idle(m, now, next));
}

static bool in_rom(const struct cpu *c) {
  return c->j.pc - MON_ROM_VA < MON_ROM_BYTES;
}

/* To the cpu all who do nothing any more are dead; people see a difference between a guest that has halted itself (as
 * kernels do that cannot turn the power off), one that is stuck, one that went back to the firmware, and one that took
 * an exception it had no handler for. */
static enum mb_stop what_death(const struct cpu *c) {
  if (in_rom(c)) return c->j.pc - MON_ROM_VA < MON_ROM_VECTORS ? MB_STOP_RESET : MB_STOP_DEAD;
  if (c->dead && !strncmp(c->dead, "halted", 6)) return MB_STOP_HALTED;
  return c->dead && !strncmp(c->dead, "stuck", 5) ? MB_STOP_STUCK : MB_STOP_DEAD;
}

/* Run to the deadline, with a look wherever a sample is due. */
static enum mips_stop run_to(struct mb_machine *m, uint64_t deadline) {
  struct cpu *c = &m->vm.cpu;
  enum mips_stop stop;
  if (!m->profile) return mips_run(c, deadline);
  do {
    stop = mips_run_cut(c, deadline, mips_now(c) + (m->profile->due - mips_instructions(c)));
    mon_profile_look(m);
    deadline = c->deadline;
  } while (stop == MIPS_STOP_CUT);
  return stop;
}

static void step(struct mb_machine *m, struct run *r) {
  struct cpu *c = &m->vm.cpu;
  uint64_t now = mips_now(c), done = mips_instructions(c);
  io_clock_advance(&m->vm.clock, now);
  look_at_host(m, r);
  if (m->stopping) return;
  if (done >= r->limit) {
    mon_stop(m, MB_STOP_LIMIT);
    return;
  }
  uint64_t slice = (uint64_t)m->config.mhz * (SLICE_NS / 1000);
  uint64_t deadline = least(now + least(slice, r->limit - done), io_clock_next(&m->vm.clock));
  if (m->pace.pace == MB_PACE_REAL) mon_pace_idle(m, now, now);
  switch (run_to(m, deadline)) {
  case MIPS_STOP_CUT:
  case MIPS_STOP_TIME: break;
  case MIPS_STOP_WAIT:
    if (!m->stopping) idle(m);
    break;
  case MIPS_STOP_DEAD: mon_stop(m, what_death(c)); break;
  }
}

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
  struct run r = {.limit = instructions, .begun_wall = mon_wall_ns()};
  m->stopping = false;
  m->pace.anchored = false;
  while (!m->stopping) step(m, &r);
  mon_console_flush(&m->console);
  m->wall_ns += mon_wall_ns() - r.begun_wall;
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
  const struct cpu *c = &m->vm.cpu;
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
  case MB_STOP_DEAD: return in_rom(c) ? unhandled(c, buf, n) : mips_dead_reason(c, buf, n);
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
  const struct cpu *c = &m->vm.cpu;
  char cause[240], where[192], from[192];
  if (!m->started || !m->stopping) return "the guest has not stopped";
  bool died = m->why == MB_STOP_DEAD;
  mon_learn_symbols(m);
  uint64_t ns = mon_ns(m, mips_now(c));
  /* What led into an endless exception is at EPC; the pc is only the handler's. */
  uint64_t pc = died && c->cp0.status & STATUS_EXL ? c->cp0.epc : c->j.pc;
  snprintf(m->stop_text, sizeof m->stop_text,
           "guest %s%.240s; at %s%s%s, %" PRIu64 ".%06u virtual seconds, instruction %" PRIu64, died ? "died: " : "",
           stop_cause(m, cause, sizeof cause), place(m, pc, where, sizeof where), died ? ", ra " : "",
           died ? place(m, c->gpr[31], from, sizeof from) : "", ns / 1000000000u, (unsigned)(ns % 1000000000u / 1000),
           mips_instructions(c));
  return m->stop_text;
}
