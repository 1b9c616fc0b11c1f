/* guests/splash/boot.c: what the device tree says, the other vcpus. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "../bare/board-map.h"
#include "os.h"

unsigned vcpus;
static char line[1024]; /* the command line */
static unsigned up;     /* how many vcpus run */

/* --- the device tree (Devicetree Specification, "Flattened Devicetree Format") --- */

enum { TREE_STRUCT = 8, TREE_STRINGS = 12 };
enum { BEGIN_NODE = 1, PROPERTY = 3, END = 9 };

static uint32_t big(const uint8_t *p) {
  return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static bool equal(const char *a, const char *b) {
  for (; *a && *a == *b; a++) b++;
  return *a == *b;
}

static size_t length(const char *s) {
  size_t n = 0;
  while (s[n]) n++;
  return n;
}

static void take_property(const char *name, const uint8_t *value, uint32_t n) {
  if (equal(name, "bootargs"))
    for (uint32_t i = 0; i < n && i < sizeof line - 1; i++) line[i] = (char)value[i];
}

/* The property of interest has its name for itself, and memory is the first that has a size at 0: two cells each. */
static void read_tree(const uint8_t *tree) {
  const uint8_t *at = tree + big(tree + TREE_STRUCT);
  const char *names = (const char *)tree + big(tree + TREE_STRINGS), *node = "";
  for (uint32_t token; (token = big(at)) != END;) {
    at += 4;
    if (token == BEGIN_NODE) {
      node = (const char *)at;
      at += (length(node) + 4) & ~3u;
    } else if (token == PROPERTY) {
      uint32_t n = big(at);
      const char *name = names + big(at + 4);
      take_property(name, at + 8, n);
      if (equal(node, "memory@0") && equal(name, "reg")) memory_end = big(at + 8 + 12);
      at += 8 + ((n + 3) & ~3u);
    }
  }
}

/* --- vcpus (registers: MIPS32 interAptiv Software User's Manual) --- */

enum { GCR_LOCAL = 0x2000, GCR_OTHER = 0x4000, CORE_OTHER = 0x18, CORE_RESET_BASE = 0x20 };
enum { CPC_LOCAL = 0x2000, CPC_OTHER = 0x4000, CPC_COMMAND = 0, CPC_WHICH = 0x10, CPC_RESET = 4 };
enum {
  GIC_CONFIG = 0,
  GIC_POL = 0x100,
  GIC_TRIG = 0x180,
  GIC_WEDGE = 0x280,
  GIC_SMASK = 0x380,
  GIC_PIN = 0x500,
  GIC_VP = 0x2000,
  GIC_VP_STRIDE = 0x20
};
#define TO_PIN       (1u << 31) /* pin 0 */
#define EDGE         (1u << 31)
#define COUNTER_STOP (1u << 28)

/* The interrupts that wake vcpus rise when somebody writes to WEDGE, and fall when they are taken. The counter runs. */
static void prepare_gic(void) {
  *device(DISCO_GIC + GIC_CONFIG) &= ~COUNTER_STOP;
  for (unsigned n = 0; n < vcpus; n++) {
    unsigned irq = IPI + n, word = irq / 32 * 4;
    *device(DISCO_GIC + GIC_POL + word) |= 1u << irq % 32;
    *device(DISCO_GIC + GIC_TRIG + word) |= 1u << irq % 32;
    *device(DISCO_GIC + GIC_PIN + 4 * irq) = TO_PIN;
    *device(DISCO_GIC + GIC_VP + GIC_VP_STRIDE * irq) = 1u << n;
    *device(DISCO_GIC + GIC_SMASK + word) = 1u << irq % 32;
  }
}

void vcpu_wake(unsigned n) {
  __asm__ volatile("sync" : : : "memory"); /* it is to find what it is woken for */
  *device(DISCO_GIC + GIC_WEDGE) = EDGE | (IPI + n);
}

static void start_vcpu(unsigned n) {
  *device(DISCO_GCR + GCR_LOCAL + CORE_OTHER) = n << 16;
  *device(DISCO_GCR + GCR_OTHER + CORE_RESET_BASE) = (uint32_t)(reg)other_entry;
  *device(DISCO_CPC + CPC_LOCAL + CPC_WHICH) = n << 16;
  *device(DISCO_CPC + CPC_OTHER + CPC_COMMAND) = CPC_RESET;
}

static void take_interrupts(void) {
  __asm__ volatile("ei\n\tehb" : : : "memory");
}

_Noreturn void splash_other(unsigned n) {
  threads_init(n);
  take_interrupts();
  __atomic_fetch_add(&up, 1, __ATOMIC_RELEASE);
  threads_idle();
}

/* --- all of it --- */

static void first_thread(void *arg) {
  (void)arg;
  print("splash: %s with %u threads on %u vcpus\n", splash_name, threads, vcpus);
  finish(splash_main());
}

_Noreturn void splash_boot(reg mark, const uint8_t *tree) {
  threads_init(0);
  if (mark != (reg)-2) {
    print("splash: no device tree: this wants the board disco\n");
    finish(2);
  }
  read_tree(tree);
  vcpus = threads = LITTLE32(*device(DISCO_SYSCON + DISCO_SYSCON_VCPUS));
  splash_words(line);
  prepare_gic();
  take_interrupts();
  for (unsigned n = 1; n < vcpus; n++) start_vcpu(n);
  while (__atomic_load_n(&up, __ATOMIC_ACQUIRE) < vcpus - 1) {
  }
  thread_start(first_thread, NULL);
  threads_idle();
}
