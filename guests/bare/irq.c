/* guests/bare/irq.c: interrupts: software, timer, masks, vectored mode, WAIT, and a moved EBase. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "bare.h"

enum { TICKS = 2000000 }; /* far enough ahead that no machine is late with writing Compare */

static unsigned count, vector, pending, slot;
static bool on_interrupt(struct trap *t) {
  if (trap_code(t) != 0) return false;
  count++;
  vector = (unsigned)t->vector;
  pending = (unsigned)t->cause & (get32(CP0_STATUS) & 0xff00);
  slot = trap_slot(t);
  if (pending & CAUSE_IP(7)) set32(CP0_COMPARE, get32(CP0_COUNT) - 1);
  set32(CP0_CAUSE, get32(CP0_CAUSE) & ~(CAUSE_IP(0) | CAUSE_IP(1)));
  return true;
}
static void report(const char *name) {
  REPORT(name, "taken %u vector %x pending %x", count, vector, pending >> 8);
  count = vector = pending = 0;
}
static void enable(uint32_t mask) {
  status_change(0xff01, mask | STATUS_IE);
}
static void disable(void) {
  status_change(0xff01, 0);
}
static void raise_software(unsigned n) {
  set32(CP0_CAUSE, get32(CP0_CAUSE) | CAUSE_IP(n));
}

static void software(void) {
  enable(STATUS_IM(0));
  raise_software(0);
  report("soft0");
  raise_software(1);
  report("soft1-masked");
  enable(STATUS_IM(0) | STATUS_IM(1)); /* still pending: taken as soon as the mask opens */
  report("soft1-unmasked");
  disable();
  raise_software(0);
  report("ie-off");
  status_change(0, STATUS_EXL | STATUS_IM(0) | STATUS_IE);
  report("exl-on");
  status_change(STATUS_EXL, 0);
  report("exl-off");
  disable();
  raise_software(0);
  status_change(0, STATUS_IM(0));
  uint32_t old;
  __asm__ volatile("ei %0\n\tehb" : "=r"(old) : : "memory");
  report("ei");
  REPORT("ei-old", "%u", old & 1);
  __asm__ volatile("di %0\n\tehb" : "=r"(old) : : "memory");
  REPORT("di-old", "%u now %u", old & 1, get32(CP0_STATUS) & 1);
  disable();
}

static void timer(void) {
  set32(CP0_CAUSE, 0);
  uint32_t a = get32(CP0_COUNT);
  for (volatile int i = 0; i < 1000; i++) {
  }
  REPORT("count", "runs %u", get32(CP0_COUNT) - a - 1 < 0x7fffffff);
  set32(CP0_COMPARE, get32(CP0_COUNT) + TICKS);
  REPORT("compare", "pending at once %u", get32(CP0_CAUSE) >> 30 & 1);
  while (!(get32(CP0_CAUSE) & CAUSE_TI)) {
  }
  REPORT("compare", "pending later %u ip7 %u", get32(CP0_CAUSE) >> 30 & 1, get32(CP0_CAUSE) >> 15 & 1);
  set32(CP0_COMPARE, get32(CP0_COUNT) - 1);
  enable(STATUS_IM(7));
  set32(CP0_COMPARE, get32(CP0_COUNT) + TICKS);
  while (!*(volatile unsigned *)&count) {
  }
  report("timer");
  set32(CP0_COMPARE, get32(CP0_COUNT) + TICKS);
  while (!*(volatile unsigned *)&count) __asm__ volatile("wait");
  report("wait");
  disable();
  set32(CP0_CAUSE, CAUSE_DC);
  a = get32(CP0_COUNT);
  for (volatile int i = 0; i < 1000; i++) {
  }
  REPORT("dc", "stopped %u", get32(CP0_COUNT) == a);
  set32(CP0_CAUSE, 0);
  set32(CP0_COUNT, 0x12345678);
  REPORT("count-written", "%u", get32(CP0_COUNT) - 0x12345678 < 0x1000000);
  set32(CP0_COMPARE, get32(CP0_COUNT) - 1);
}

static void vectored(void) {
  static const char *const names[] = {"iv-0", "vs-32", "vs-64", "vs-128", "vs-256"};
  static const uint32_t spacing[] = {0, 1, 2, 4, 8};
  if (!(get32(CP0_CONFIG3) & 0x20)) {
    REPORT("vint", "absent");
    return;
  }
  for (unsigned i = 0; i < 5; i++) {
    set32(CP0_INTCTL, (get32(CP0_INTCTL) & ~0x3e0u) | spacing[i] << 5);
    set32(CP0_CAUSE, CAUSE_IV);
    enable(STATUS_IM(0) | STATUS_IM(1));
    raise_software(0);
    report(names[i]);
    raise_software(1);
    report(names[i]);
    disable();
    set32(CP0_CAUSE, CAUSE_IV | CAUSE_IP(0) | CAUSE_IP(1)); /* both: the higher number wins */
    enable(STATUS_IM(0) | STATUS_IM(1));
    report(names[i]);
    disable();
    enable(STATUS_IM(7));
    set32(CP0_COMPARE, get32(CP0_COUNT) + TICKS);
    while (!*(volatile unsigned *)&count) {
    }
    report(names[i]);
    disable();
  }
  set32(CP0_INTCTL, get32(CP0_INTCTL) & ~0x3e0u);
  set32(CP0_CAUSE, 0);
}

static void moved_base(void) {
  extern const uint32_t vectors[], vectors_end[];
  uint32_t *copy = KSEG0(SCRATCH), base = get32(CP0_EBASE);
  unsigned n = (unsigned)(vectors_end - vectors);
  for (unsigned i = 0; i < n; i++) { /* relative branches become longer, offsets are marked with 0x4000 */
    uint32_t insn = vectors[i];
    if (insn >> 16 == 0x1000)
      insn = 0x08000000 | (((uint32_t)(intptr_t)(vectors + i + 1 + (int16_t)insn) >> 2) & 0x3ffffff);
    if (insn >> 16 == 0x241b) insn |= 0x4000;
    copy[i] = insn;
  }
  icache_sync(copy, n * 4);
  set32(CP0_EBASE, (uint32_t)(intptr_t)copy);
  REPORT("ebase", "reads %08x", get32(CP0_EBASE) & 0xfffff000);
  enable(STATUS_IM(0));
  raise_software(0);
  report("ebase-soft");
  disable();
  __asm__ volatile(TRY("lw $0, 0(%0)") : : "r"((reg)0x1000) : "$8", "memory");
  REPORT("ebase-refill", "code %u vector %lx", trap_code(&caught), caught.vector);
  set32(CP0_EBASE, base);
}

void program(void) {
  trap_hook = on_interrupt;
  software();
  timer();
  vectored();
  moved_base();
}
