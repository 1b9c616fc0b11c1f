/* guests/bare/align.c: address errors, and the unaligned loads and stores at every alignment. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "bare.h"

static uint8_t bytes[32] __attribute__((aligned(16)));
static void fill(void) {
  for (unsigned i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(0x10 + i);
}

#define LOAD(id, insn)                                                                                                 \
  static reg id(reg address, reg old) {                                                                                \
    __asm__ volatile(".set push\n\t.set noat\n\t" TRY(insn " %0, 0(%1)") ".set pop"                                    \
                     : "+&r"(old)                                                                                      \
                     : "r"(address)                                                                                    \
                     : "$8", "memory");                                                                                \
    return old;                                                                                                        \
  }
#define LOADS(X)  X(lb, "lb") X(lhu, "lhu") X(lh, "lh") X(lw, "lw") X(ll, "ll") X(lwl, "lwl") X(lwr, "lwr")
#define STORES(X) X(sb, "sb") X(sh, "sh") X(sw, "sw") X(sc, "sc") X(swl, "swl") X(swr, "swr")
#ifdef __mips64
#define LOADS64(X)  X(lwu, "lwu") X(ld, "ld") X(lld, "lld") X(ldl, "ldl") X(ldr, "ldr")
#define STORES64(X) X(sd, "sd") X(scd, "scd") X(sdl, "sdl") X(sdr, "sdr")
#define OLD         0x0123456789abcdeful
#else
#define LOADS64(X)
#define STORES64(X)
#define OLD 0x89abcdeful
#endif
LOADS(LOAD)
LOADS64(LOAD)
STORES(LOAD)
STORES64(LOAD)

#define ROW(id, insn) {#id, id, insn[0] == 's' && insn[1] == 'c'},
typedef reg access(reg, reg);
static const struct {
  const char *name;
  access *run;
  bool conditional;
} loads[] = {LOADS(ROW) LOADS64(ROW)}, stores[] = {STORES(ROW) STORES64(ROW)};

static void report_fault(const char *name, unsigned offset) {
  REPORT(name, "+%u code %u vector %lx badvaddr +%ld", offset, trap_code(&caught), caught.vector,
         (long)(caught.badvaddr - (reg)bytes));
}

static void jump(reg target) { /* an instruction fetch from nowhere good */
  __asm__ volatile(".set push\n\t.set noat\n\t.set noreorder\n\t" TRY("move $25, %0\n\tjr $25\n\tnop") ".set pop"
                   :
                   : "r"(target)
                   : "$8", "$25", "memory");
}

void program(void) {
  for (unsigned i = 0; i < sizeof loads / sizeof *loads; i++)
    for (unsigned offset = 0; offset < 8; offset++) {
      fill();
      unsigned before = traps;
      reg v = loads[i].run((reg)bytes + offset, OLD);
      trap_resume = 0;
      if (traps != before)
        report_fault(loads[i].name, offset);
      else
        REPORT(loads[i].name, "+%u " HEX, offset, loads[i].run == lwr ? (uint32_t)v : v); /* the rest is lwr's choice */
    }
  for (unsigned i = 0; i < sizeof stores / sizeof *stores; i++)
    for (unsigned offset = 0; offset < 8; offset++) {
      fill();
      unsigned before = traps;
      if (stores[i].conditional && offset % 8) continue; /* a misaligned sc that has lost its link: either fault or 0 */
      stores[i].run((reg)bytes + 8 + offset, OLD);
      trap_resume = 0;
      if (traps != before) {
        report_fault(stores[i].name, offset);
        continue;
      }
      print("%s %s +%u ", program_name, stores[i].name, offset);
      for (unsigned b = 4; b < 24; b++) print("%02x", bytes[b]);
      print("\n");
    }
  jump((reg)bytes + 2);
  report_fault("fetch", 2);
  REPORT("fetch-epc", "+%ld", (long)(caught.epc - (reg)bytes));
  unsigned before = traps;
  lwl(0x00004003, 0); /* unmapped: the fault shows the address as given */
  REPORT("lwl-refill", "%u code %u badvaddr " HEX, traps - before, trap_code(&caught), caught.badvaddr);
  swr(0x00004002, 0);
  REPORT("swr-refill", "%u code %u badvaddr " HEX, traps - before, trap_code(&caught), caught.badvaddr);
}
