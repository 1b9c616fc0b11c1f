/* frontend/model.c: the table of cpu models. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Register values are those of the cores' manuals; where a core leaves options open, those that QEMU's model of the
 * same name shows, so that both can run one guest. The -full rows have every optional feature there is here. The -multi
 * rows are no core one could buy: they are what a Linux kernel for release 2 likes to find in each core of a coherent
 * system with a CM2 (as the proAptiv is), without DSP, EVA, MT and MSA. */
#include "frontend/model.h"
#include <strings.h>

/* clang-format off */
/* Config: M, endianness (set at reset), AT, AR, MT = TLB, K0 */
#define CONFIG0(at, ar) (1u << 31 | (at) << 13 | (ar) << 10 | 1 << 7 | 2)
/* Config1: sizes of the caches as log2 fields; C2 MD PC WR CA EP FP are the low bits */
#define CONFIG1(tlb, sets, line, ways, bits) \
  (1u << 31 | ((tlb) - 1u) << 25 | (sets) << 22 | (line) << 19 | (ways) << 16 | (sets) << 13 | (line) << 10 | (ways) << 7 | (bits))
#define C1_FP 1
#define C1_EP 2
#define C1_WR 8
#define CONFIG2 (1u << 31)
#define C3_VINT (1 << 5)
#define C3_LPA (1 << 7)
#define C3_RXI (1 << 12)
#define C3_ULRI (1 << 13)
#define C3_M (1u << 31)
#define CONFIG4_KSCRATCH (0xfc << 16) /* KScratch1..6 */
#define CONFIG7_WII (1u << 31)        /* WAIT ends with an interrupt even if IE does not let it in */
#define CONFIG7_NO_ALIASES (1 << 16 | 1 << 10) /* AR, IAR */
#define FCR_F64 (1 << 22)
#define FCR_LW (1 << 21 | 1 << 20)
#define FCR_PS (1 << 18)
#define FCR_SD (1 << 17 | 1 << 16)

#define I_MIPS3 (ISA_MIPS1 | ISA_MIPS2 | ISA_MIPS3)
#define I_MIPS4 (I_MIPS3 | ISA_MIPS4)
/* COP1X and MOVCI of MIPS IV are part of MIPS32 only from release 2 on, or with 64 bits. */
#define I_MIPS32 (ISA_MIPS1 | ISA_MIPS2 | ISA_MIPS32 | ISA_EJTAG)
#define I_MIPS32R2 (I_MIPS32 | ISA_MIPS32R2)
#define I_MIPS64 (I_MIPS4 | I_MIPS32 | ISA_MIPS64)
#define I_MIPS64R2 (I_MIPS64 | I_MIPS32R2 | ISA_MIPS64R2)

#define PAGEMASK_16M 0x01ffe000
#define PAGEMASK_256M 0x1fffe000
#define HWRENA_R2 0x0000000f
#define HWRENA_ULRI 0x2000000f
#define PG_RXI 0xe8000000 /* RIE, XIE, ELPA, IEC */

const struct cpu_model cpu_models[] = {
    {.name = "4Kc", .about = "MIPS32, no FPU, 16 TLB entries", .isa = I_MIPS32, .prid = 0x00018000,
     .config = {CONFIG0(0, 0), CONFIG1(16, 0, 3, 1, C1_EP | C1_WR), CONFIG2, 0}, .config_rw = {7},
     .status_rw = 0x1278ff17, .tlb_entries = 16, .segbits = 32, .pabits = 32, .ccres = 2, .watch = 1,
     .pagemask_rw = PAGEMASK_16M},
    {.name = "24Kf", .about = "MIPS32 release 2, FPU, 16 TLB entries", .isa = I_MIPS32R2 | ISA_FPU, .prid = 0x00019300,
     .config = {CONFIG0(0, 1), CONFIG1(16, 0, 3, 1, C1_FP | C1_EP | C1_WR), CONFIG2, C3_VINT}, .config_rw = {7},
     .status_rw = 0x3678ff1f, .fcr0 = FCR_F64 | FCR_LW | FCR_SD | 0x93 << 8, .fcsr_rw = 0xff83ffff,
     .tlb_entries = 16, .segbits = 32, .pabits = 32, .ccres = 2, .watch = 1, .hwrena_rw = HWRENA_R2,
     .pagemask_rw = PAGEMASK_256M},
    {.name = "34Kf", .about = "MIPS32 release 2, FPU, 64 TLB entries, 16 register sets", .isa = I_MIPS32R2 | ISA_FPU,
     .prid = 0x00019500,
     .config = {CONFIG0(0, 1), CONFIG1(64, 0, 3, 1, C1_FP | C1_EP | C1_WR), CONFIG2, C3_VINT}, .config_rw = {7},
     .status_rw = 0x3678ff1f, .fcr0 = FCR_F64 | FCR_LW | FCR_SD | 0x95 << 8, .fcsr_rw = 0xff83ffff,
     .tlb_entries = 64, .segbits = 32, .pabits = 32, .ccres = 2, .watch = 1, .shadow_sets = 15,
     .hwrena_rw = HWRENA_R2, .pagemask_rw = PAGEMASK_256M},
    {.name = "MIPS32R2-full", .about = "MIPS32 release 2 with every option: FPU, RI/XI, UserLocal, vectored interrupts",
     .isa = I_MIPS32R2 | ISA_FPU, .prid = 0x00010000,
     .config = {CONFIG0(0, 1), CONFIG1(64, 2, 4, 3, C1_FP | C1_EP | C1_WR), CONFIG2, C3_VINT | C3_RXI | C3_ULRI},
     .config_rw = {7}, .status_rw = 0x3678ff1f, .fcr0 = FCR_F64 | FCR_LW | FCR_SD, .fcsr_rw = 0xff83ffff,
     .tlb_entries = 64, .segbits = 32, .pabits = 32, .ccres = 2, .watch = 4, .shadow_sets = 3,
     .pagegrain_rw = PG_RXI & ~(1u << 29), .hwrena_rw = HWRENA_ULRI, .pagemask_rw = PAGEMASK_256M},
    {.name = "MIPS32R2-multi", .about = "MIPS32 release 2 for several cores: FPU, RI/XI, UserLocal, KScratch, 64 TLB entries",
     .isa = I_MIPS32R2 | ISA_FPU, .prid = 0x00010000,
     .config = {CONFIG0(0, 1), CONFIG1(64, 2, 4, 3, C1_FP | C1_EP | C1_WR), CONFIG2,
                C3_VINT | C3_RXI | C3_ULRI | CONFIG3_CMGCR | C3_M, CONFIG4_KSCRATCH, 0, 0, CONFIG7_WII | CONFIG7_NO_ALIASES},
     .config_rw = {7}, .status_rw = 0x3678ff1f, .fcr0 = FCR_F64 | FCR_LW | FCR_SD, .fcsr_rw = 0xff83ffff,
     .tlb_entries = 64, .segbits = 32, .pabits = 32, .ccres = 2, .watch = 1,
     .pagegrain_rw = PG_RXI & ~(1u << 29), .hwrena_rw = HWRENA_ULRI, .pagemask_rw = PAGEMASK_256M},
    {.name = "5Kc", .about = "MIPS64, no FPU, 32 TLB entries", .isa = I_MIPS64, .prid = 0x00018100,
     .config = {CONFIG0(2, 0), CONFIG1(32, 1, 4, 1, C1_EP | C1_WR), CONFIG2, 0}, .config_rw = {7},
     .status_rw = 0x12f8ffff, .tlb_entries = 32, .segbits = 42, .pabits = 36, .ccres = 2, .watch = 1,
     .pagemask_rw = PAGEMASK_16M},
    {.name = "5KEf", .about = "MIPS64 release 2, FPU, 32 TLB entries", .isa = I_MIPS64R2 | ISA_FPU, .prid = 0x00018900,
     .config = {CONFIG0(2, 1), CONFIG1(32, 1, 4, 1, C1_FP | C1_EP | C1_WR), CONFIG2, C3_VINT}, .config_rw = {7},
     .status_rw = 0x36f8ffff, .fcr0 = FCR_F64 | FCR_LW | FCR_SD | 0x89 << 8, .fcsr_rw = 0xff83ffff,
     .tlb_entries = 32, .segbits = 42, .pabits = 36, .ccres = 2, .watch = 1, .hwrena_rw = HWRENA_R2,
     .pagemask_rw = PAGEMASK_256M},
    {.name = "20Kc", .about = "MIPS64, FPU with paired singles, 48 TLB entries", .isa = I_MIPS64 | ISA_FPU | ISA_PS,
     .prid = 0x000182a0,
     .config = {CONFIG0(2, 0) | 1 << 3, CONFIG1(48, 2, 4, 3, C1_FP | C1_EP | C1_WR), CONFIG2, 0}, .config_rw = {7},
     .status_rw = 0x36fbffff, .fcr0 = FCR_PS | FCR_SD | 0x82 << 8, .fcsr_rw = 0xff83ffff,
     .tlb_entries = 48, .segbits = 40, .pabits = 36, .ccres = 1, .watch = 1, .pagemask_rw = PAGEMASK_16M},
    {.name = "R4000", .about = "MIPS III, FPU, 48 TLB entries", .isa = I_MIPS3 | ISA_FPU, .prid = 0x00000400,
     .config = {2 << 16 | 1 << 9 | 1 << 6 | 2}, .config_rw = {7}, .status_rw = 0x3678ffff,
     .fcr0 = 0x05 << 8, .fcsr_rw = 0x0183ffff, .tlb_entries = 48, .segbits = 40, .pabits = 36, .ccres = 2,
     .watch = 1, .pagemask_rw = PAGEMASK_16M},
    {.name = "R10000", .about = "MIPS IV, FPU, 64 TLB entries", .isa = I_MIPS4 | ISA_FPU, .prid = 0x00000900,
     .config = {3 << 29 | 3 << 26 | 2}, .config_rw = {7}, .status_rw = 0xff7fffff, /* XX and CU2..0, RP is TS here */
     .fcr0 = 0x09 << 8, .fcsr_rw = 0xff83ffff, .tlb_entries = 64, .segbits = 44, .pabits = 40, .ccres = 2,
     .watch = 1, .pagemask_rw = PAGEMASK_16M},
    {.name = "MIPS64R2-generic", .about = "MIPS64 release 2, FPU with paired singles, 64 TLB entries",
     .isa = I_MIPS64R2 | ISA_FPU | ISA_PS, .prid = 0x00010000,
     .config = {CONFIG0(2, 1), CONFIG1(64, 2, 4, 3, C1_FP | C1_EP | C1_WR), CONFIG2, C3_LPA | C3_VINT},
     .config_rw = {7}, .status_rw = 0x36fbffff, .fcr0 = FCR_F64 | FCR_PS | FCR_LW | FCR_SD, .fcsr_rw = 0xff83ffff,
     .tlb_entries = 64, .segbits = 42, .pabits = 36, .ccres = 2, .watch = 1, .pagegrain_rw = 1u << 29,
     .hwrena_rw = HWRENA_R2, .pagemask_rw = PAGEMASK_256M},
    {.name = "MIPS64R2-full", .about = "MIPS64 release 2 with every option: paired singles, RI/XI, UserLocal, vectored interrupts",
     .isa = I_MIPS64R2 | ISA_FPU | ISA_PS, .prid = 0x00010000,
     .config = {CONFIG0(2, 1), CONFIG1(64, 2, 4, 3, C1_FP | C1_EP | C1_WR), CONFIG2, C3_LPA | C3_VINT | C3_RXI | C3_ULRI},
     .config_rw = {7}, .status_rw = 0x36fbffff, .fcr0 = FCR_F64 | FCR_PS | FCR_LW | FCR_SD, .fcsr_rw = 0xff83ffff,
     .tlb_entries = 64, .segbits = 48, .pabits = 40, .ccres = 2, .watch = 4, .shadow_sets = 3, .pagegrain_rw = PG_RXI,
     .hwrena_rw = HWRENA_ULRI, .pagemask_rw = PAGEMASK_256M},
    {.name = "MIPS64R2-multi", .about = "MIPS64 release 2 for several cores: FPU, RI/XI, UserLocal, KScratch, 64 TLB entries",
     .isa = I_MIPS64R2 | ISA_FPU | ISA_PS, .prid = 0x00010000,
     .config = {CONFIG0(2, 1), CONFIG1(64, 2, 4, 3, C1_FP | C1_EP | C1_WR), CONFIG2,
                C3_LPA | C3_VINT | C3_RXI | C3_ULRI | CONFIG3_CMGCR | C3_M, CONFIG4_KSCRATCH, 0, 0, CONFIG7_WII | CONFIG7_NO_ALIASES},
     .config_rw = {7}, .status_rw = 0x36fbffff, .fcr0 = FCR_F64 | FCR_PS | FCR_LW | FCR_SD, .fcsr_rw = 0xff83ffff,
     .tlb_entries = 64, .segbits = 48, .pabits = 40, .ccres = 2, .watch = 1, .pagegrain_rw = PG_RXI,
     .hwrena_rw = HWRENA_ULRI, .pagemask_rw = PAGEMASK_256M},
};
/* clang-format on */
const size_t cpu_model_count = sizeof cpu_models / sizeof cpu_models[0];

const struct cpu_model *cpu_model_find(const char *name) {
  for (size_t i = 0; i < cpu_model_count; i++)
    if (!strcasecmp(cpu_models[i].name, name)) return &cpu_models[i];
  return NULL;
}
