/* iosys/disco.h: the structs, constructors and ops tables of the devices that only the board disco has. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Embedded by value in struct io_board, as those of devices.h. What is a vcpu's own is indexed by its number; who makes
 * the access under way is asked of the bus (io_bus.master), for the blocks called "local" are at one address for all.
 */
#ifndef IOSYS_DISCO_H
#define IOSYS_DISCO_H
#include "iosys/bus.h"
#include "iosys/virtio.h"

enum { IO_VCPUS = 16 }; /* that any board has at most */

/* --- global interrupt controller (dev_gic.c; MIPS32 interAptiv Software User's Manual, "Global Interrupt Controller")
 * ---
 */
enum { IO_GIC_SHARED = 128, IO_GIC_WORDS = IO_GIC_SHARED / 32, IO_GIC_LOCAL = 7, IO_GIC_NS = 10 /* one count */ };
struct io_gic;
struct io_gic_vp {
  struct io_gic *gic;             /* back pointer for the timer */
  uint32_t pend, mask;            /* local interrupts, a bit each */
  uint32_t map[IO_GIC_LOCAL + 1]; /* as the registers stand: WD, COMPARE, TIMER, FDC, PERFCTR, SWINT0, SWINT1 */
  uint32_t other;                 /* vcpu whose registers the other block shows */
  uint64_t compare;
  struct io_timer timer; /* when the counter meets compare */
  uint8_t pins;          /* as last driven */
};
struct io_gic {
  struct io_clock *clock;
  const struct io_bus *bus;
  struct irq_line cpu; /* hardware interrupt n of vcpu v: n + IO_CPU_LINE(v, n) */
  unsigned vcpus;
  uint32_t level[IO_GIC_WORDS]; /* of the inputs */
  uint32_t edge[IO_GIC_WORDS];  /* an edge has been seen, or written to WEDGE */
  uint32_t pol[IO_GIC_WORDS], trig[IO_GIC_WORDS], dual[IO_GIC_WORDS], mask[IO_GIC_WORDS];
  uint32_t pin[IO_GIC_SHARED];
  uint16_t vp[IO_GIC_SHARED]; /* a bit for each vcpu the interrupt goes to */
  bool stopped;               /* the counter */
  uint64_t count;             /* it stands at, or began from at virtual time 0 */
  struct io_gic_vp local[IO_VCPUS];
};
struct io_gic_config {
  struct io_clock *clock;
  const struct io_bus *bus;
  struct irq_line cpu;
  unsigned vcpus;
};
extern const struct dev_ops gic_ops;
void io_gic_init(struct io_gic *g, const struct io_gic_config *config);
void io_gic_fini(struct io_gic *g);
void io_gic_state(void *gic, struct snap *s);
/* Shared input n: usable as irq_line.set with ctx = struct io_gic. */
void io_gic_irq(void *gic, int n, int level);

/* --- coherence manager and cluster power controller (dev_cm.c; the same manual, "Coherence Manager", "Cluster Power
 * Controller") --- */
struct io_core {
  uint32_t coherence, reset_base, reset_ext;
  uint16_t other, cpc_other; /* cores whose registers the other blocks show */
  bool up;
};
struct io_cm {
  const struct io_bus *bus;
  struct io_vcpu_line power;
  unsigned vcpus;
  uint32_t base, access, error_mask, gic, cpc, l2_sync, region[8];
  struct io_core core[IO_VCPUS];
  uint32_t delay[3]; /* CPC: SEQDEL, RAIL, RESETLEN */
};
struct io_cm_config {
  const struct io_bus *bus;
  struct io_vcpu_line power;
  unsigned vcpus;
};
extern const struct dev_ops cm_ops, cpc_ops; /* dev = struct io_cm */
void io_cm_init(struct io_cm *c, const struct io_cm_config *config);
void io_cm_state(void *cm, struct snap *s);

/* --- power and reset, for Linux's syscon drivers (dev_syscon.c) --- */
struct io_syscon {
  struct io_power_line power;
  unsigned vcpus;
};
extern const struct dev_ops syscon_ops;
void io_syscon_init(struct io_syscon *s, struct io_power_line power, unsigned vcpus);

/* --- goldfish real-time clock (dev_goldfish_rtc.c; Android's goldfish/docs/GOLDFISH-VIRTUAL-HARDWARE.TXT) --- */
struct io_goldfish_rtc {
  struct io_clock *clock;
  struct irq_line line;
  uint64_t start; /* Unix nanoseconds at virtual time 0; moves when the guest sets the time */
  uint64_t alarm;
  uint32_t time_high, alarm_high, set_high; /* the other halves of 64-bit accesses */
  bool enabled, pending;
  struct io_timer timer;
};
extern const struct dev_ops goldfish_rtc_ops;
void io_goldfish_rtc_init(struct io_goldfish_rtc *r, struct io_clock *clock, struct irq_line line, int64_t start);
void io_goldfish_rtc_state(void *rtc, struct snap *s);

enum { IO_DISCO_SLOTS = 16 }; /* = DISCO_VIRTIO_SLOTS */
struct io_disco {
  struct io_gic gic;
  struct io_cm cm;
  struct io_syscon syscon;
  struct io_goldfish_rtc rtc;
  struct io_virtio *slot[IO_DISCO_SLOTS]; /* NULL: empty */
};
#endif
