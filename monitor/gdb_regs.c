/* monitor/gdb_regs.c: a vcpu's registers as gdb numbers and describes them. */
/* SPDX-License-Identifier: Apache-2.0 */
/* "Debugging with GDB", appendix "Target Descriptions", MIPS Features: names, and that all have one size. The numbers
 * are those that gdb has had for MIPS since before there were descriptions. Behind them come the registers of
 * coprocessor 0 that it knows nothing of, in a feature of our own. */
#include "frontend/cp0.h"
#include "monitor/gdbstub.h"
#include <stdarg.h>
#include <string.h>

enum { R0, STATUS = 32, LO, HI, BADVADDR, CAUSE, PC, F0, FCSR = F0 + 32, FIR, CP0 };
enum { WIDE_ONLY = 1 }; /* a 32-bit cpu has none */

static const struct row {
  const char *name;
  uint8_t rd, sel, flags;
} cp0_rows[] = {{"index", 0, 0, 0},      {"random", 1, 0, 0},     {"entrylo0", 2, 0, 0},
                {"entrylo1", 3, 0, 0},   {"context", 4, 0, 0},    {"userlocal", 4, 2, 0},
                {"pagemask", 5, 0, 0},   {"pagegrain", 5, 1, 0},  {"wired", 6, 0, 0},
                {"hwrena", 7, 0, 0},     {"count", 9, 0, 0},      {"entryhi", 10, 0, 0},
                {"compare", 11, 0, 0},   {"intctl", 12, 1, 0},    {"srsctl", 12, 2, 0},
                {"srsmap", 12, 3, 0},    {"epc", 14, 0, 0},       {"prid", 15, 0, 0},
                {"ebase", 15, 1, 0},     {"cmgcrbase", 15, 3, 0}, {"config", 16, 0, 0},
                {"config1", 16, 1, 0},   {"config2", 16, 2, 0},   {"config3", 16, 3, 0},
                {"config4", 16, 4, 0},   {"config5", 16, 5, 0},   {"lladdr", 17, 0, 0},
                {"watchlo", 18, 0, 0},   {"watchhi", 19, 0, 0},   {"xcontext", 20, 0, WIDE_ONLY},
                {"debug", 23, 0, 0},     {"depc", 24, 0, 0},      {"errctl", 26, 0, 0},
                {"cacheerr", 27, 0, 0},  {"taglo", 28, 0, 0},     {"datalo", 28, 1, 0},
                {"taghi", 29, 0, 0},     {"datahi", 29, 1, 0},    {"errorepc", 30, 0, 0},
                {"desave", 31, 0, 0},    {"kscratch1", 31, 2, 0}, {"kscratch2", 31, 3, 0},
                {"kscratch3", 31, 4, 0}, {"kscratch4", 31, 5, 0}, {"kscratch5", 31, 6, 0},
                {"kscratch6", 31, 7, 0}};
enum { CP0_ROWS = sizeof cp0_rows / sizeof *cp0_rows };

static bool wide(const struct cpu *c) {
  return !(c->j.mode & MODE_NARROW);
}

static bool has_row(const struct cpu *c, const struct row *r) {
  return wide(c) || !(r->flags & WIDE_ONLY);
}

/* Row i of those that the cpu has; NULL past the last. */
static const struct row *cp0_row(const struct cpu *c, unsigned i) {
  for (const struct row *r = cp0_rows; r < cp0_rows + CP0_ROWS; r++)
    if (has_row(c, r) && !i--) return r;
  return NULL;
}

unsigned gdb_registers(const struct cpu *c) {
  unsigned n = 0;
  while (cp0_row(c, n)) n++;
  return CP0 + n;
}

unsigned gdb_register_bytes(const struct cpu *c) {
  return wide(c) ? 8 : 4;
}

/* --- values --- */

static uint64_t read_cp0(struct cpu *c, unsigned rd, unsigned sel) {
  return wide(c) ? cp0_read(c, rd, sel) : cp0_read_narrow(c, rd, sel);
}

/* With Status.FR clear an odd register is the upper half of the even one before (MIPS64 vol. I, "FPU Registers"). */
static uint64_t fpr(const struct cpu *c, unsigned n) {
  return c->cp0.status & ST_FR || !(n & 1) ? c->fpr[n] : c->fpr[n - 1] >> 32;
}

static void set_fpr(struct cpu *c, unsigned n, uint64_t v) {
  bool fr = c->cp0.status & ST_FR;
  if (!fr && n & 1)
    c->fpr[n - 1] = (c->fpr[n - 1] & UINT32_MAX) | v << 32;
  else if (wide(c))
    c->fpr[n] = v;
  else
    c->fpr[n] = (c->fpr[n] & ~(uint64_t)UINT32_MAX) | (v & UINT32_MAX);
}

uint64_t gdb_register(struct cpu *c, unsigned n) {
  if (n < 32) return c->gpr[n];
  if (n >= F0 && n < FCSR) return fpr(c, n - F0);
  switch (n) {
  case STATUS: return c->cp0.status;
  case LO: return c->lo;
  case HI: return c->hi;
  case BADVADDR: return c->cp0.badvaddr;
  case CAUSE: return c->cp0.cause;
  case PC: return c->j.pc;
  case FCSR: return mips_fcsr(c);
  case FIR: return c->fpu.fir;
  }
  const struct row *r = cp0_row(c, n - CP0);
  return r ? read_cp0(c, r->rd, r->sel) : 0;
}

/* As MTC0 would. */
static void write_cp0(struct cpu *c, unsigned rd, unsigned sel, uint64_t v) {
  cp0_write(c, rd, sel, v, !wide(c));
}

static void jump(struct cpu *c, uint64_t pc) {
  c->j.pc = pc;
  c->made.there = false; /* a device access half done belongs to where it was */
  c->waiting = false;
}

void gdb_register_set(struct cpu *c, unsigned n, uint64_t v) {
  if (!wide(c)) v = (uint64_t)(int64_t)(int32_t)(uint32_t)v;
  if (n < 32) {
    if (n != R0) c->gpr[n] = v;
    return;
  }
  if (n >= F0 && n < FCSR) return set_fpr(c, n - F0, v);
  switch (n) {
  case STATUS: return write_cp0(c, 12, 0, v);
  case LO: c->lo = v; return;
  case HI: c->hi = v; return;
  case CAUSE: return write_cp0(c, 13, 0, v);
  case PC: return jump(c, v);
  case FCSR: return mips_set_fcsr(c, (uint32_t)v);
  case BADVADDR: /* read-only, as FIR is */
  case FIR: return;
  }
  const struct row *r = cp0_row(c, n - CP0);
  if (r) write_cp0(c, r->rd, r->sel, v);
}

const char *gdb_cp0(struct cpu *c, unsigned i, uint64_t *value) {
  const struct row *r = cp0_row(c, i);
  if (r) *value = read_cp0(c, r->rd, r->sel);
  return r ? r->name : NULL;
}

/* --- the description --- */

struct text {
  char *at;
  size_t n, room;
};

__attribute__((format(printf, 2, 3))) static void add(struct text *t, const char *fmt, ...) {
  size_t left = t->n < t->room ? t->room - t->n : 0;
  va_list args;
  va_start(args, fmt);
  int n = vsnprintf(left ? t->at + t->n : NULL, left, fmt, args);
  va_end(args);
  t->n += n > 0 ? (size_t)n : 0;
}

static void add_reg(struct text *t, const char *name, unsigned bits, unsigned n, const char *more) {
  add(t, "<reg name=\"%s\" bitsize=\"%u\" regnum=\"%u\"%s/>", name, bits, n, more);
}

static void add_numbered(struct text *t, char letter, unsigned bits, unsigned first, const char *more) {
  for (unsigned i = 0; i < 32; i++) {
    char name[8];
    snprintf(name, sizeof name, "%c%u", letter, i);
    add_reg(t, name, bits, first + i, more);
  }
}

size_t gdb_description(struct cpu *c, char *xml, size_t room) {
  struct text t = {xml, 0, room};
  unsigned bits = 8 * gdb_register_bytes(c);
  uint64_t value;
  const char *name;
  add(&t,
      "<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM \"gdb-target.dtd\"><target version=\"1.0\">"
      "<architecture>mips:%s</architecture><osabi>none</osabi><feature name=\"org.gnu.gdb.mips.cpu\">",
      bits == 64 ? "isa64r2" : "isa32r2");
  add_numbered(&t, 'r', bits, R0, "");
  add_reg(&t, "lo", bits, LO, "");
  add_reg(&t, "hi", bits, HI, "");
  add_reg(&t, "pc", bits, PC, "");
  add(&t, "</feature><feature name=\"org.gnu.gdb.mips.cp0\">");
  add_reg(&t, "status", bits, STATUS, "");
  add_reg(&t, "badvaddr", bits, BADVADDR, "");
  add_reg(&t, "cause", bits, CAUSE, "");
  add(&t, "</feature><feature name=\"org.gnu.gdb.mips.fpu\">");
  add_numbered(&t, 'f', bits, F0, bits == 64 ? " type=\"ieee_double\"" : " type=\"ieee_single\"");
  add_reg(&t, "fcsr", bits, FCSR, " group=\"float\"");
  add_reg(&t, "fir", bits, FIR, " group=\"float\"");
  add(&t, "</feature><feature name=\"org.mirrorball.mips.cp0\">");
  for (unsigned i = 0; (name = gdb_cp0(c, i, &value)); i++) { /* a name of its own: $count is a person's variable */
    char own[24];
    snprintf(own, sizeof own, "c0_%s", name);
    add_reg(&t, own, bits, CP0 + i, " group=\"system\" save-restore=\"no\"");
  }
  add(&t, "</feature></target>");
  return t.n < room ? t.n : room;
}
