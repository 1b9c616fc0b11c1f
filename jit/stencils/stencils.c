/* jit/stencils/stencils.c: the code snippets of the stencil tier; compiled by clang, tabulated by mktable.c. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Every function here is a stencil. Guest state stays in registers from one to the next because they pass it on in the
 * arguments of preserve_none calls; what varies is the address of an external symbol, a hole. -mcmodel=kernel makes
 * each hole a sign-extended 32-bit field. Holes are weak, or clang would know that they are not 0. The likely way out
 * is written first and the unlikely one last: so clang at -Os makes the latter a conditional jump that leaves the
 * stencil, and the former is its end. */
#include "jit/faults.h"
#include "jit/fp.h"
#include "jit/jit.h"
#include "jit/memory_ops.h"
#include "jit/stencils/abi.h"
#include "jit/stencils/variants.h"

typedef uint64_t u64;
typedef struct jit_cpu *cpu_ptr;
#define STENCIL __attribute__((preserve_none, minsize)) u64
/* r0..r6 hold guest slots; t goes from fast to slow paths. x and y: page and addend of the last memory access, from it
 * to the next within a block; elsewhere free. */
#define ARGS u64 r0, cpu_ptr cpu, int64_t budget, u64 r1, u64 r2, u64 r3, u64 x, u64 y, u64 r4, u64 r5, u64 r6, u64 t
#define PASS r0, cpu, budget, r1, r2, r3, x, y, r4, r5, r6, t
typedef __attribute__((preserve_none)) u64 code_fn(ARGS);
code_fn NEXT, OUT;
#define X(name) extern char name[] __attribute__((weak));
X(HOLE_A)
X(HOLE_B)
X(HOLE_C)
X(HOLE_D)
X(HOLE_IMM)
#undef X
#define VALUE(hole) ((int64_t)(intptr_t)(hole))
#define SLOT(hole)  (*(u64 *)((char *)cpu + VALUE(hole)))
#define HALF(hole)  (*(uint32_t *)((char *)cpu + VALUE(hole)))
/* Holes that the kernel's code model cannot express. */
#define WIDE(name, to, reg) __asm__("movabsq $" #name ", %0" : "=" reg(to))
#define BACK_ADDRESS(to)    __asm__("leaq BACK(%%rip), %0" : "=c"(to))
#define GO(where)           __attribute__((musttail)) return where(PASS)
/* On from what needs registers: no page is known any more. */
#define GO_WITHOUT_PAGE(where)                                                                                         \
  do {                                                                                                                 \
    u64 anything;                                                                                                      \
    x = anything, y = anything;                                                                                        \
    GO(where);                                                                                                         \
  } while (0)
/* A page that no access lies in: beyond what any cpu maps. */
#define NO_PAGE UINT64_C(0x3ffffffffffff000)

/* From C: run `code`. Stands first, so that no variant has number 0. */
u64 ENTER(cpu_ptr cpu, code_fn *code);
u64 ENTER(cpu_ptr cpu, code_fn *code) {
  u64 anything = 0;
  u64 how = code(anything, cpu, cpu->budget, anything, anything, anything, anything, anything, anything, anything,
                 anything, anything);
  __asm__ volatile(""
                   :
                   :
                   : "rbp"); /* the one register preserve_none preserves, but regions that are left in the middle */
  return how;
}

/* --- pure operations --- */

#define OP(name, form, class, meaning)                                                                                 \
  static inline __attribute__((always_inline)) u64 mean_##name(u64 a, u64 b, u64 c) {                                  \
    (void)a, (void)b, (void)c;                                                                                         \
    return meaning;                                                                                                    \
  }
#include "jit/ir_ops.def"

/* Any operation: t = t op ... */
#define S_V(name)                                                                                                      \
  STENCIL T_##name(ARGS) {                                                                                             \
    t = mean_##name(t, 0, 0);                                                                                          \
    GO_WITHOUT_PAGE(NEXT);                                                                                             \
  }
#define S_B(b, name)                                                                                                   \
  STENCIL T_##name##_##b(ARGS) {                                                                                       \
    t = mean_##name(t, r##b, 0);                                                                                       \
    GO_WITHOUT_PAGE(NEXT);                                                                                             \
  }
#define S_VV(name)                                                                                                     \
  EACH_REG(S_B, name)                                                                                                  \
  STENCIL TI_##name(ARGS) {                                                                                            \
    t = mean_##name(t, (u64)VALUE(HOLE_IMM), 0);                                                                       \
    GO_WITHOUT_PAGE(NEXT);                                                                                             \
  }
#define S_BC(c, b, name)                                                                                               \
  STENCIL T_##name##_##b##c(ARGS) {                                                                                    \
    t = mean_##name(t, r##b, r##c);                                                                                    \
    GO_WITHOUT_PAGE(NEXT);                                                                                             \
  }
#define S_B_ANY(b, name) EACH_REG2(S_BC, b, name)
#define S_VVV(name)      EACH_REG(S_B_ANY, name)
#define S_BRANCH_B(b, name)                                                                                            \
  STENCIL BT_##name##_##b(ARGS) {                                                                                      \
    if (!mean_##name(t, r##b, 0)) GO(NEXT);                                                                            \
    GO(OUT);                                                                                                           \
  }
#define S_BRANCH(name) EACH_REG(S_BRANCH_B, name)
#define S_CONST(name, form)
#define S_GET(name, form)
#define S_SET(name, form)
#define S_PURE(name, form) S_##form(name)
#define S_CMP(name, form)  S_##form(name) S_BRANCH(name)
#define S_FPU(name, form)
#define S_MEM(name, form)
#define S_CALL(name, form)
#define S_TALLY(name, form)
#define S_TRAP(name, form)
#define S_EXIT(name, form)
#define OP(name, form, class, meaning) S_##class(name, form)
#include "jit/ir_ops.def"

#define RRR(d, b, a, name)                                                                                             \
  STENCIL RRR_##name##_##a##b##d(ARGS) {                                                                               \
    r##d = mean_##name(r##a, r##b, 0);                                                                                 \
    GO(NEXT);                                                                                                          \
  }
#define RRR_A(a, name)    EACH_REG2(RRR_B, a, name)
#define RRR_B(b, a, name) EACH_REG3(RRR, b, a, name)
#define RRR_NAME(name)    EACH_REG(RRR_A, name)
HOT_RRR(RRR_NAME)

#define RRI(d, a, name)                                                                                                \
  STENCIL RRI_##name##_##a##d(ARGS) {                                                                                  \
    r##d = mean_##name(r##a, (u64)VALUE(HOLE_IMM), 0);                                                                 \
    GO(NEXT);                                                                                                          \
  }
/* By a constant count: the compiler knows holes of 32 bits only, and would move that to a register. */
#define RRI_SHIFT(name, insn, type, as)                                                                                \
  static inline __attribute__((always_inline)) u64 shift_##name(u64 a) {                                               \
    type v = (type)a;                                                                                                  \
    __asm__(insn " $HOLE_COUNT, %0" : "+r"(v) : : "cc");                                                               \
    return (u64)(int64_t)(as)v;                                                                                        \
  }
RRI_SHIFT(SHL32, "shll", uint32_t, int32_t)
RRI_SHIFT(SHR32, "shrl", uint32_t, int32_t)
RRI_SHIFT(SAR32, "sarl", uint32_t, int32_t)
RRI_SHIFT(ROTR32, "rorl", uint32_t, int32_t)
RRI_SHIFT(SHL, "shlq", u64, u64)
RRI_SHIFT(SHR, "shrq", u64, u64)
RRI_SHIFT(SAR, "sarq", u64, u64)
RRI_SHIFT(ROTR, "rorq", u64, u64)
#define RSI(d, a, name)                                                                                                \
  STENCIL RRI_##name##_##a##d(ARGS) {                                                                                  \
    r##d = shift_##name(r##a);                                                                                         \
    GO(NEXT);                                                                                                          \
  }
#define RSI_A(a, name) EACH_REG2(RSI, a, name)
#define RSI_NAME(name) EACH_REG(RSI_A, name)
HOT_SHIFTS(RSI_NAME)
#define RRI_A(a, name) EACH_REG2(RRI, a, name)
#define RRI_NAME(name) EACH_REG(RRI_A, name)
HOT_RRI(RRI_NAME)

#define RR(d, a, name)                                                                                                 \
  STENCIL RR_##name##_##a##d(ARGS) {                                                                                   \
    r##d = mean_##name(r##a, 0, 0);                                                                                    \
    GO(NEXT);                                                                                                          \
  }
#define RR_A(a, name) EACH_REG2(RR, a, name)
#define RR_NAME(name) EACH_REG(RR_A, name)
HOT_RR(RR_NAME)
#define mean_MOV(a, b, c) (a)
RR_NAME(MOV)

#define BRR(b, a, name)                                                                                                \
  STENCIL BRR_##name##_##a##b(ARGS) {                                                                                  \
    if (!mean_##name(r##a, r##b, 0)) GO(NEXT);                                                                         \
    GO(OUT);                                                                                                           \
  }
#define BRR_A(a, name) EACH_REG2(BRR, a, name)
#define BRR_NAME(name) EACH_REG(BRR_A, name)
HOT_BRR(BRR_NAME)

#define BRZ(a, name)                                                                                                   \
  STENCIL BRZ_##name##_##a(ARGS) {                                                                                     \
    if (!mean_##name(r##a, 0, 0)) GO(NEXT);                                                                            \
    GO(OUT);                                                                                                           \
  }
#define BRZ_NAME(name) EACH_REG(BRZ, name)
HOT_BRZ(BRZ_NAME)

/* --- moving --- */

#define MOVES(k, unused)                                                                                               \
  STENCIL LOAD_##k(ARGS) {                                                                                             \
    r##k = SLOT(HOLE_A);                                                                                               \
    GO(NEXT);                                                                                                          \
  }
EACH_REG(MOVES, )
#undef MOVES
#define MOVES(k, unused)                                                                                               \
  STENCIL STORE_##k(ARGS) {                                                                                            \
    SLOT(HOLE_D) = r##k;                                                                                               \
    GO(NEXT);                                                                                                          \
  }
EACH_REG(MOVES, )
#undef MOVES
#define MOVES(k, unused)                                                                                               \
  STENCIL FROM_T_##k(ARGS) {                                                                                           \
    r##k = t;                                                                                                          \
    GO(NEXT);                                                                                                          \
  }
EACH_REG(MOVES, )
#undef MOVES
#define MOVES(k, unused)                                                                                               \
  STENCIL TO_T_##k(ARGS) {                                                                                             \
    t = r##k;                                                                                                          \
    GO(NEXT);                                                                                                          \
  }
EACH_REG(MOVES, )
#undef MOVES
#define MOVES(k, unused)                                                                                               \
  STENCIL IMM_##k(ARGS) {                                                                                              \
    r##k = (u64)VALUE(HOLE_IMM);                                                                                       \
    GO(NEXT);                                                                                                          \
  }
EACH_REG(MOVES, )
#undef MOVES

#define MOVES(k, unused)                                                                                               \
  STENCIL GET_HALF_##k(ARGS) {                                                                                         \
    r##k = HALF(HOLE_A);                                                                                               \
    GO(NEXT);                                                                                                          \
  }
EACH_REG(MOVES, )
#undef MOVES
#define MOVES(k, unused)                                                                                               \
  STENCIL SET_HALF_##k(ARGS) {                                                                                         \
    HALF(HOLE_D) = (uint32_t)r##k;                                                                                     \
    GO(NEXT);                                                                                                          \
  }
EACH_REG(MOVES, )
#undef MOVES

STENCIL LOAD_T(ARGS) {
  t = SLOT(HOLE_A);
  GO(NEXT);
}
STENCIL STORE_T(ARGS) {
  SLOT(HOLE_D) = t;
  GO(NEXT);
}
STENCIL WIDE_T(ARGS) {
  WIDE(HOLE_WIDE, t, "a");
  GO(NEXT);
}
STENCIL STORE_IMM(ARGS) {
  SLOT(HOLE_D) = (u64)VALUE(HOLE_IMM);
  GO(NEXT);
}
STENCIL SET_HALF_T(ARGS) {
  HALF(HOLE_D) = (uint32_t)t;
  GO(NEXT);
}

/* --- memory: the soft TLB entry is right only when page, kind and alignment all are. The address goes out in t --- */

#define PAGE_OF(va, type) ((va) & (MMU_PAGE_MASK | (sizeof(type) - 1)))
#define HIT(kind, type)                                                                                                \
  struct softtlb_entry *e = softtlb_slot(&cpu->tlb.table[kind], t);                                                    \
  x = PAGE_OF(t, type);                                                                                                \
  if (__builtin_expect(e->tag == x, 1)) {                                                                              \
    y = e->addend;
/* MP: probably on the same page as the last access of this kind, which is in x and y. */
#define SAME(kind, type) if (__builtin_expect(!PAGE_OF(t ^ x, type), 1)) {
#define LOAD_AS(M, CHECK, to, a, name, raw, as, swap)                                                                  \
  STENCIL M(ARGS) {                                                                                                    \
    t = r##a + (u64)VALUE(HOLE_IMM);                                                                                   \
    CHECK(MMU_READ, raw)                                                                                               \
    to = (u64)(int64_t)(as)swap(*(raw *)(uintptr_t)(t + y));                                                           \
    GO(NEXT);                                                                                                          \
  }                                                                                                                    \
  GO(OUT);                                                                                                             \
  }
#define STORE_AS(M, CHECK, value, a, name, raw, swap)                                                                  \
  STENCIL M(ARGS) {                                                                                                    \
    t = r##a + (u64)VALUE(HOLE_IMM);                                                                                   \
    CHECK(MMU_WRITE, raw)                                                                                              \
    *(raw *)(uintptr_t)(t + y) = swap((raw)(value));                                                                   \
    GO(NEXT);                                                                                                          \
  }                                                                                                                    \
  GO(OUT);                                                                                                             \
  }
#define M_LOAD(d, a, name, ...)  LOAD_AS(M_##name##_##a##d, HIT, r##d, a, name, __VA_ARGS__)
#define M_LOAD_A(a, ...)         EACH_REG2(M_LOAD, a, __VA_ARGS__)
#define M_LOADS(...)             EACH_REG(M_LOAD_A, __VA_ARGS__)
#define MP_LOAD(d, a, name, ...) LOAD_AS(MP_##name##_##a##d, SAME, r##d, a, name, __VA_ARGS__)
#define MP_LOAD_A(a, ...)        EACH_REG2(MP_LOAD, a, __VA_ARGS__)
#define MP_LOADS(...)            EACH_REG(MP_LOAD_A, __VA_ARGS__)
LOADS(M_LOADS)
LOADS(MP_LOADS)
#define M_STORE(b, a, name, ...)  STORE_AS(M_##name##_##a##b, HIT, r##b, a, name, __VA_ARGS__)
#define M_STORE_A(a, ...)         EACH_REG2(M_STORE, a, __VA_ARGS__)
#define M_STORES(...)             EACH_REG(M_STORE_A, __VA_ARGS__)
#define MP_STORE(b, a, name, ...) STORE_AS(MP_##name##_##a##b, SAME, r##b, a, name, __VA_ARGS__)
#define MP_STORE_A(a, ...)        EACH_REG2(MP_STORE, a, __VA_ARGS__)
#define MP_STORES(...)            EACH_REG(MP_STORE_A, __VA_ARGS__)
STORES(M_STORES)
STORES(MP_STORES)
/* MS, MPS: to and from a slot that is in no register. */
#define MS_LOAD(a, name, ...)   LOAD_AS(MS_##name##_##a, HIT, SLOT(HOLE_D), a, name, __VA_ARGS__)
#define MS_LOADS(...)           EACH_REG(MS_LOAD, __VA_ARGS__)
#define MPS_LOAD(a, name, ...)  LOAD_AS(MPS_##name##_##a, SAME, SLOT(HOLE_D), a, name, __VA_ARGS__)
#define MPS_LOADS(...)          EACH_REG(MPS_LOAD, __VA_ARGS__)
#define MS_STORE(a, name, ...)  STORE_AS(MS_##name##_##a, HIT, SLOT(HOLE_B), a, name, __VA_ARGS__)
#define MS_STORES(...)          EACH_REG(MS_STORE, __VA_ARGS__)
#define MPS_STORE(a, name, ...) STORE_AS(MPS_##name##_##a, SAME, SLOT(HOLE_B), a, name, __VA_ARGS__)
#define MPS_STORES(...)         EACH_REG(MPS_STORE, __VA_ARGS__)
LOADS(MS_LOADS)
LOADS(MPS_LOADS)
STORES(MS_STORES)
STORES(MPS_STORES)
/* ML, MLS: by lines (struct jit_guest). */
#define LINE_OF(va, type) ((va) & (-(UINT64_C(1) << JIT_LINE_BITS) | (sizeof(type) - 1)))
#define LINE_HIT(kind, type)                                                                                           \
  struct softtlb_table *lines = &cpu->line[kind];                                                                      \
  struct softtlb_entry *e = (void *)((char *)lines->entry + (t >> (JIT_LINE_BITS - 4) & lines->mask));                 \
  if (__builtin_expect(e->tag == LINE_OF(t, type), 1)) {                                                               \
    y = e->addend;
#define ML_LOAD(d, a, name, ...)  LOAD_AS(ML_##name##_##a##d, LINE_HIT, r##d, a, name, __VA_ARGS__)
#define ML_LOAD_A(a, ...)         EACH_REG2(ML_LOAD, a, __VA_ARGS__)
#define ML_LOADS(...)             EACH_REG(ML_LOAD_A, __VA_ARGS__)
#define ML_STORE(b, a, name, ...) STORE_AS(ML_##name##_##a##b, LINE_HIT, r##b, a, name, __VA_ARGS__)
#define ML_STORE_A(a, ...)        EACH_REG2(ML_STORE, a, __VA_ARGS__)
#define ML_STORES(...)            EACH_REG(ML_STORE_A, __VA_ARGS__)
#define MLS_LOAD(a, name, ...)    LOAD_AS(MLS_##name##_##a, LINE_HIT, SLOT(HOLE_D), a, name, __VA_ARGS__)
#define MLS_LOADS(...)            EACH_REG(MLS_LOAD, __VA_ARGS__)
#define MLS_STORE(a, name, ...)   STORE_AS(MLS_##name##_##a, LINE_HIT, SLOT(HOLE_B), a, name, __VA_ARGS__)
#define MLS_STORES(...)           EACH_REG(MLS_STORE, __VA_ARGS__)
LOADS(ML_LOADS)
LOADS(MLS_LOADS)
STORES(ML_STORES)
STORES(MLS_STORES)
#define FETCHED(a, unused)                                                                                             \
  STENCIL MS_FETCHED_##a(ARGS) {                                                                                       \
    t = r##a + (u64)VALUE(HOLE_IMM);                                                                                   \
    LINE_HIT(MMU_FETCH, char)                                                                                          \
    cpu->fetched = t;                                                                                                  \
    GO(NEXT);                                                                                                          \
  }                                                                                                                    \
  GO(OUT);                                                                                                             \
  }
EACH_REG(FETCHED, )
/* By a view (struct softtlb): VN where addresses have 32 bits, VW where they are wider. The access is the one host
 * instruction of its stencil that may fault; the address is in t's register then, as the slow path wants it. */
#define VIEW_NARROW(a, type)                                                                                           \
  __asm__("leal HOLE_IMM(%q1), %k0" : "=a"(t) : "r"(r##a)); /* clang would take two instructions */                    \
  if (__builtin_expect(!(t & (sizeof(type) - 1)), 1)) {
#define VIEW_WIDE(a, type)                                                                                             \
  enum { LOG = sizeof(type) == 8 ? 3 : sizeof(type) >> 1 };                                                            \
  t = r##a + (u64)VALUE(HOLE_IMM);                                                                                     \
  if (__builtin_expect(!((t >> LOG | t << (-LOG & 63)) >> (MMU_VIEW_BITS_WIDE - LOG)), 1)) {
#define VIEW_GET(insn, to) __asm__ volatile(insn : "=r"(to) : "r"(cpu->tlb.view), "a"(t) : "memory")
#define VIEW_PUT(insn, value)                                                                                          \
  __asm__ volatile(insn " %0, (%1,%2)" : : "r"(value), "r"(cpu->tlb.view), "a"(t) : "memory")
#define GET_uint8_t_uint8_t(to)   VIEW_GET("movzbl (%1,%2), %k0", to)
#define GET_uint8_t_int8_t(to)    VIEW_GET("movsbq (%1,%2), %q0", to)
#define GET_uint16_t_uint16_t(to) VIEW_GET("movzwl (%1,%2), %k0", to)
#define GET_uint16_t_int16_t(to)  VIEW_GET("movswq (%1,%2), %q0", to)
#define GET_uint32_t_uint32_t(to) VIEW_GET("movl (%1,%2), %k0", to)
#define GET_uint32_t_int32_t(to)  VIEW_GET("movslq (%1,%2), %q0", to)
#define GET_uint64_t_uint64_t(to) VIEW_GET("movq (%1,%2), %q0", to)
#define PUT_uint8_t               "movb"
#define PUT_uint16_t              "movw"
#define PUT_uint32_t              "movl"
#define PUT_uint64_t              "movq"
#define GET_SWAPPED(to, raw, as, swap)                                                                                 \
  u64 v;                                                                                                               \
  GET_##raw##_##raw(v);                                                                                                \
  to = (u64)(int64_t)(as)swap((raw)v)
#define GET_SWAP_NONE(to, raw, as)         GET_##raw##_##as(to)
#define GET___builtin_bswap16(to, raw, as) GET_SWAPPED(to, raw, as, __builtin_bswap16)
#define GET___builtin_bswap32(to, raw, as) GET_SWAPPED(to, raw, as, __builtin_bswap32)
#define GET___builtin_bswap64(to, raw, as) GET_SWAPPED(to, raw, as, __builtin_bswap64)
#define V_LOAD_AS(V, WHERE, to, a, raw, as, swap)                                                                      \
  STENCIL V(ARGS) {                                                                                                    \
    WHERE(a, raw)                                                                                                      \
    u64 got;                                                                                                           \
    GET_##swap(got, raw, as);                                                                                          \
    to = got;                                                                                                          \
    GO(NEXT);                                                                                                          \
  }                                                                                                                    \
  GO(OUT);                                                                                                             \
  }
#define V_STORE_AS(V, WHERE, value, a, raw, swap)                                                                      \
  STENCIL V(ARGS) {                                                                                                    \
    WHERE(a, raw)                                                                                                      \
    VIEW_PUT(PUT_##raw, (raw)swap((raw)(value)));                                                                      \
    GO(NEXT);                                                                                                          \
  }                                                                                                                    \
  GO(OUT);                                                                                                             \
  }
#define VN_LOAD(d, a, name, ...)  V_LOAD_AS(VN_##name##_##a##d, VIEW_NARROW, r##d, a, __VA_ARGS__)
#define VN_LOAD_A(a, ...)         EACH_REG2(VN_LOAD, a, __VA_ARGS__)
#define VN_LOADS(...)             EACH_REG(VN_LOAD_A, __VA_ARGS__)
#define VW_LOAD(d, a, name, ...)  V_LOAD_AS(VW_##name##_##a##d, VIEW_WIDE, r##d, a, __VA_ARGS__)
#define VW_LOAD_A(a, ...)         EACH_REG2(VW_LOAD, a, __VA_ARGS__)
#define VW_LOADS(...)             EACH_REG(VW_LOAD_A, __VA_ARGS__)
#define VN_STORE(b, a, name, ...) V_STORE_AS(VN_##name##_##a##b, VIEW_NARROW, r##b, a, __VA_ARGS__)
#define VN_STORE_A(a, ...)        EACH_REG2(VN_STORE, a, __VA_ARGS__)
#define VN_STORES(...)            EACH_REG(VN_STORE_A, __VA_ARGS__)
#define VW_STORE(b, a, name, ...) V_STORE_AS(VW_##name##_##a##b, VIEW_WIDE, r##b, a, __VA_ARGS__)
#define VW_STORE_A(a, ...)        EACH_REG2(VW_STORE, a, __VA_ARGS__)
#define VW_STORES(...)            EACH_REG(VW_STORE_A, __VA_ARGS__)
LOADS(VN_LOADS)
LOADS(VW_LOADS)
STORES(VN_STORES)
STORES(VW_STORES)
/* VNS, VWS: to and from a slot. */
#define VNS_LOAD(a, name, ...)  V_LOAD_AS(VNS_##name##_##a, VIEW_NARROW, SLOT(HOLE_D), a, __VA_ARGS__)
#define VNS_LOADS(...)          EACH_REG(VNS_LOAD, __VA_ARGS__)
#define VWS_LOAD(a, name, ...)  V_LOAD_AS(VWS_##name##_##a, VIEW_WIDE, SLOT(HOLE_D), a, __VA_ARGS__)
#define VWS_LOADS(...)          EACH_REG(VWS_LOAD, __VA_ARGS__)
#define VNS_STORE(a, name, ...) V_STORE_AS(VNS_##name##_##a, VIEW_NARROW, SLOT(HOLE_B), a, __VA_ARGS__)
#define VNS_STORES(...)         EACH_REG(VNS_STORE, __VA_ARGS__)
#define VWS_STORE(a, name, ...) V_STORE_AS(VWS_##name##_##a, VIEW_WIDE, SLOT(HOLE_B), a, __VA_ARGS__)
#define VWS_STORES(...)         EACH_REG(VWS_STORE, __VA_ARGS__)
LOADS(VNS_LOADS)
LOADS(VWS_LOADS)
STORES(VNS_STORES)
STORES(VWS_STORES)
/* Loads from linear memory; the soft TLB is asked where this fails. */
#define K_AS(id, is_open, d, a, raw, as, swap)                                                                         \
  STENCIL id(ARGS) {                                                                                                   \
    enum { SIZE_LOG = sizeof(raw) == 8 ? 3 : sizeof(raw) >> 1 };                                                       \
    u64 i = r##a + (u64)VALUE(HOLE_IMM) - JIT_LINEAR_VA;                                                               \
    i = i >> SIZE_LOG | i << (-SIZE_LOG & 63);                                                                         \
    if (__builtin_expect(i < cpu->linear.limit[SIZE_LOG] && is_open(i >> (MMU_PAGE_BITS - SIZE_LOG)), 1)) {            \
      r##d = (u64)(int64_t)(as)swap(((const raw *)(const void *)cpu->linear.host)[i]);                                 \
      GO(NEXT);                                                                                                        \
    }                                                                                                                  \
    GO(OUT);                                                                                                           \
  }
#define K_ANY(page)           1
#define K_OPEN(page)          cpu->linear.open[page]
#define K_D(d, a, name, ...)  K_AS(K_##name##_##a##d, K_ANY, d, a, __VA_ARGS__)
#define K_A(a, ...)           EACH_REG2(K_D, a, __VA_ARGS__)
#define K_NAME(...)           EACH_REG(K_A, __VA_ARGS__)
#define KO_D(d, a, name, ...) K_AS(KO_##name##_##a##d, K_OPEN, d, a, __VA_ARGS__)
#define KO_A(a, ...)          EACH_REG2(KO_D, a, __VA_ARGS__)
#define KO_NAME(...)          EACH_REG(KO_A, __VA_ARGS__)
LOADS(K_NAME)
LOADS(KO_NAME)

/* --- floating point, from slots to a slot. FQ: the note is left out. --- */

#define FP_AT(type, hole)       (*(type *)((char *)cpu + VALUE(hole)))
#define FPU_GET_V(type)         type a = FP_AT(type, HOLE_A)
#define FPU_GET_VV(type)        FPU_GET_V(type), b = FP_AT(type, HOLE_B)
#define FPU_GET_VVV(type)       FPU_GET_VV(type), c = FP_AT(type, HOLE_C)
#define FPU_READY_NOTED         cpu->fp.ready
#define FPU_READY_EXACT         1
#define FPU_COPY_V(type)        *(type *)&cpu->fp.a = a
#define FPU_COPY_VV(type)       FPU_COPY_V(type), *(type *)&cpu->fp.b = b
#define FPU_COPY_VVV(type)      FPU_COPY_VV(type), *(type *)&cpu->fp.c = c
#define FPU_NOTE_NOTED(f, type) FPU_COPY_##f(type), cpu->fp.last = (uint32_t)VALUE(HOLE_IMM)
#define FPU_NOTE_EXACT(f, type) cpu->fp.last = JIT_FP_EXACT
#define FPU_STENCIL(name, form, to, from, kind, meaning, good, note)                                                   \
  STENCIL name(ARGS) {                                                                                                 \
    FPU_GET_##form(from);                                                                                              \
    to r = meaning;                                                                                                    \
    if (__builtin_expect(FPU_READY_##kind && (good), 1)) {                                                             \
      note;                                                                                                            \
      FP_AT(to, HOLE_D) = r;                                                                                           \
      GO(NEXT);                                                                                                        \
    }                                                                                                                  \
    GO(OUT);                                                                                                           \
  }
#define FPU(name, form, to, from, kind, meaning, good, also)                                                           \
  FPU_STENCIL(F_##name, form, to, from, kind, meaning, good, FPU_NOTE_##kind(form, from))                              \
  FPU_STENCIL(FQ_##name, form, to, from, kind, meaning, good, (void)0)
#include "jit/fpu_ops.def"

/* --- leaving fast paths --- */

#define TRAP(a, unused)                                                                                                \
  STENCIL TRAP_##a(ARGS) {                                                                                             \
    if (__builtin_expect(!r##a, 1)) GO(NEXT);                                                                          \
    GO(OUT);                                                                                                           \
  }
EACH_REG(TRAP, )

STENCIL TALLY(ARGS) {
  ++*(u64 *)((char *)cpu->tally + VALUE(HOLE_IMM));
  GO(NEXT);
}

/* The block's head: is there budget for all of it? */
STENCIL HEAD(ARGS) {
  budget -= VALUE(HOLE_IMM);
  if (__builtin_expect(budget >= 0, 1)) GO(NEXT);
  GO(OUT);
}
STENCIL REFUND(ARGS) {
  budget += VALUE(HOLE_IMM);
  GO(NEXT);
}
STENCIL JUMP(ARGS) {
  GO(OUT);
}
/* t: what to return. */
STENCIL LEAVE(ARGS) {
  cpu->budget = budget;
  return t;
}
/* t: where to go on. */
STENCIL LEAVE_AT_T(ARGS) {
  cpu->budget = budget;
  cpu->pc = t;
  return LEAVE_REG;
}
/* To the address t, if the jump cache knows it. No slot is in a register any more. */
#define FORGET_REGS                                                                                                    \
  do {                                                                                                                 \
    u64 anything;                                                                                                      \
    r0 = r1 = r2 = r3 = r4 = r5 = r6 = anything;                                                                       \
  } while (0)
#define JUMP_THROUGH(j)                                                                                                \
  do {                                                                                                                 \
    y = (u64)(uintptr_t)(j)->code;                                                                                     \
    __attribute__((musttail)) return ((code_fn *)(uintptr_t)y)(PASS);                                                  \
  } while (0)
#define LOOK_UP_AT(name, where)                                                                                        \
  STENCIL name(ARGS) {                                                                                                 \
    struct jit_jump *j = &cpu->jump[where(t)];                                                                         \
    FORGET_REGS;                                                                                                       \
    if (__builtin_expect(j->pc == t && j->stamp == cpu->tlb.stamp, 1)) JUMP_THROUGH(j);                                \
    GO(OUT);                                                                                                           \
  }
LOOK_UP_AT(LOOK_UP, JIT_JUMP_HASH)
LOOK_UP_AT(LOOK_UP_NEIGHBOUR, JIT_JUMP_NEIGHBOUR)
/* The stamp is another one: does t still lead to the same frame? */
#define VERIFY_AT(name, where)                                                                                         \
  STENCIL name(ARGS) {                                                                                                 \
    struct jit_jump *j = &cpu->jump[where(t)];                                                                         \
    struct softtlb_entry *e = softtlb_slot(&cpu->tlb.table[MMU_FETCH], t);                                             \
    FORGET_REGS;                                                                                                       \
    if (j->pc == t && !((j->stamp ^ cpu->tlb.stamp) & MMU_STAMP_MODE) &&                                               \
        (!j->frame || (e->tag == (t & MMU_PAGE_MASK) && e->addend == j->frame))) {                                     \
      j->stamp = cpu->tlb.stamp;                                                                                       \
      JUMP_THROUGH(j);                                                                                                 \
    }                                                                                                                  \
    GO(OUT);                                                                                                           \
  }
VERIFY_AT(VERIFY, JIT_JUMP_HASH)
VERIFY_AT(VERIFY_NEIGHBOUR, JIT_JUMP_NEIGHBOUR)

/* To the address t, whose mode may be another one, unless the run loop is wanted first. */
STENCIL GO_ON(ARGS) {
  struct jit_jump *j = &cpu->jump[JIT_JUMP_HASH(t)];
  FORGET_REGS;
  if (__builtin_expect(!cpu->attention, 1)) {
    if (__builtin_expect(j->pc != t || j->stamp != cpu->tlb.stamp, 0)) GO(OUT);
    JUMP_THROUGH(j);
  }
  cpu->budget = budget;
  cpu->pc = t;
  return LEAVE_STOP;
}
STENCIL GO_ON_AT_PC(ARGS) {
  t = cpu->pc;
  FORGET_REGS;
  GO(OUT);
}

/* --- slow paths. Each site says where it is in x, where to come back to in y, and goes to a shared one --- */

STENCIL SLOW(ARGS) {
  WIDE(HOLE_WIDE, x, "d");
  BACK_ADDRESS(y);
  GO(OUT);
}
#define SLOW_STORE(b, unused)                                                                                          \
  STENCIL SLOW_STORE_##b(ARGS) {                                                                                       \
    WIDE(HOLE_WIDE, x, "d");                                                                                           \
    BACK_ADDRESS(y);                                                                                                   \
    cpu->stored = r##b;                                                                                                \
    GO(OUT);                                                                                                           \
  }
EACH_REG(SLOW_STORE, )
STENCIL SLOW_STORE_SLOT(ARGS) {
  WIDE(HOLE_WIDE, x, "d");
  BACK_ADDRESS(y);
  cpu->stored = SLOT(HOLE_B);
  GO(OUT);
}
/* HOLE_MORE: the helper, HOLE_IMM: its number. */
#define SLOW_FPU(form, operands)                                                                                       \
  STENCIL SLOW_FPU_##form(ARGS) {                                                                                      \
    WIDE(HOLE_WIDE, x, "d");                                                                                           \
    WIDE(HOLE_MORE, t, "a");                                                                                           \
    BACK_ADDRESS(y);                                                                                                   \
    operands;                                                                                                          \
    cpu->fp.last = (uint32_t)VALUE(HOLE_IMM);                                                                          \
    GO(OUT);                                                                                                           \
  }
SLOW_FPU(V, cpu->fp.a = SLOT(HOLE_A))
SLOW_FPU(VV, (cpu->fp.a = SLOT(HOLE_A), cpu->fp.b = SLOT(HOLE_B)))
SLOW_FPU(VVV, (cpu->fp.a = SLOT(HOLE_A), cpu->fp.b = SLOT(HOLE_B), cpu->fp.c = SLOT(HOLE_C)))
/* HOLE_IMM: which exception. */
STENCIL SLOW_RAISE(ARGS) {
  WIDE(HOLE_WIDE, x, "d");
  t = (u64)VALUE(HOLE_IMM);
  GO(OUT);
}
/* HOLE_MORE: the helper. All registers are free. */
#define CALL_AS(name, before)                                                                                          \
  STENCIL name(ARGS) {                                                                                                 \
    before;                                                                                                            \
    WIDE(HOLE_WIDE, x, "d");                                                                                           \
    WIDE(HOLE_MORE, t, "a");                                                                                           \
    r0 = SLOT(HOLE_A), r1 = SLOT(HOLE_B), r2 = SLOT(HOLE_C);                                                           \
    BACK_ADDRESS(y);                                                                                                   \
    GO(OUT);                                                                                                           \
  }
CALL_AS(CALL, (void)0)
#define TAKE_TRAP                                                                                                      \
  cpu->trapped = __builtin_ia32_rdtsc();                                                                               \
  __asm__ volatile(FAULTS_TRAP : : : "memory")
CALL_AS(CALL_BY_TRAP, TAKE_TRAP)

#define ENTER_C                                                                                                        \
  do {                                                                                                                 \
    cpu->budget = budget;                                                                                              \
    cpu->block = (struct jit_block *)(uintptr_t)(x & ((UINT64_C(1) << STENCIL_AT_SHIFT) - 1));                         \
    cpu->at = (uint32_t)(x >> STENCIL_AT_SHIFT);                                                                       \
  } while (0)
#define BACK_FROM_C                                                                                                    \
  do {                                                                                                                 \
    code_fn *back = (code_fn *)(uintptr_t)y;                                                                           \
    x = NO_PAGE;                                                                                                       \
    __attribute__((musttail)) return back(PASS);                                                                       \
  } while (0)
#define LEAVE_C                                                                                                        \
  do {                                                                                                                 \
    if (__builtin_expect(cpu->trouble != 0, 0)) {                                                                      \
      FORGET_REGS;                                                                                                     \
      GO(OUT);                                                                                                         \
    }                                                                                                                  \
    budget = cpu->budget;                                                                                              \
    BACK_FROM_C;                                                                                                       \
  } while (0)

#define SHARED_LOAD(name, raw, as, swap)                                                                               \
  STENCIL SHARED_##name(ARGS) {                                                                                        \
    u64 load;                                                                                                          \
    WIDE(HOLE_WIDE, load, "r");                                                                                        \
    ENTER_C;                                                                                                           \
    t = ((u64(*)(void *, u64, unsigned))(uintptr_t)load)(cpu, t, IR_##name);                                           \
    LEAVE_C;                                                                                                           \
  }
LOADS(SHARED_LOAD)
SHARED_LOAD(FETCHED, , , )
#define SHARED_STORE(name, raw, swap)                                                                                  \
  STENCIL SHARED_##name(ARGS) {                                                                                        \
    u64 store;                                                                                                         \
    WIDE(HOLE_WIDE, store, "r");                                                                                       \
    ENTER_C;                                                                                                           \
    ((void (*)(void *, u64, u64, unsigned))(uintptr_t)store)(cpu, t, cpu->stored, IR_##name);                          \
    LEAVE_C;                                                                                                           \
  }
STORES(SHARED_STORE)
STENCIL SHARED_CALL(ARGS) {
  ENTER_C;
  t = ((jit_helper)(uintptr_t)t)(cpu, r0, r1, r2);
  LEAVE_C;
}
/* The rarer ordinary cases, then the helper. */
#define FPU_NOTED_V(type)   type a = *(type *)&cpu->fp.a
#define FPU_NOTED_VV(type)  FPU_NOTED_V(type), b = *(type *)&cpu->fp.b
#define FPU_NOTED_VVV(type) FPU_NOTED_VV(type), c = *(type *)&cpu->fp.c
#define FPU(name, form, to, from, kind, meaning, good, also)                                                           \
  STENCIL SHARED_##name(ARGS) {                                                                                        \
    FPU_NOTED_##form(from);                                                                                            \
    to r = meaning;                                                                                                    \
    if (!(FPU_READY_##kind && (also))) GO(OUT);                                                                        \
    *(to *)&t = r;                                                                                                     \
    BACK_FROM_C;                                                                                                       \
  }
#include "jit/fpu_ops.def"
STENCIL SHARED_FPU(ARGS) {
  ENTER_C;
  t = ((jit_helper)(uintptr_t)t)(cpu, cpu->fp.a, cpu->fp.b, cpu->fp.c);
  LEAVE_C;
}
STENCIL SHARED_RAISE(ARGS) {
  u64 raise;
  WIDE(HOLE_WIDE, raise, "r");
  ENTER_C;
  ((void (*)(void *, unsigned))(uintptr_t)raise)(cpu, (unsigned)t);
  FORGET_REGS;
  GO(OUT);
}
/* What regions call out of line. All registers are saved where C can read them, by their DWARF numbers: it puts into
 * memory the slots that are newer in registers, when it says that the region is to be left: rdx is then the stack
 * pointer that the region was entered with, else 0. HOLE_WIDE: region_... of rebuild.c. */
#define SAVE_AND_CALL                                                                                                  \
  "pushq %r15; pushq %r14; pushq %r13; pushq %r12; pushq %r11; pushq %r10; pushq %r9; pushq %r8;"                      \
  "pushq %rsp; pushq %rbp; pushq %rdi; pushq %rsi; pushq %rbx; pushq %rcx; pushq %rdx; pushq %rax;"                    \
  "movq %rsp, %rax; pushq %rax;"                                                                                       \
  "movabsq $HOLE_WIDE, %rax; callq *%rax;"                                                                             \
  "addq $16, %rsp; testq %rdx, %rdx; jne 1f;"                                                                          \
  "popq %rdx; popq %rcx; popq %rbx; popq %rsi; popq %rdi; popq %rbp; leaq 8(%rsp), %rsp;"                              \
  "popq %r8; popq %r9; popq %r10; popq %r11; popq %r12; popq %r13; popq %r14; popq %r15; retq;"
/* The region's first argument is the cpu; the second of a preserve_none function travels in r13. */
__attribute__((naked)) void REGION_TROUBLE(void);
__attribute__((naked)) void REGION_TROUBLE(void) {
  __asm__(SAVE_AND_CALL "1: movq 32(%rsp), %r13; movq %rdx, %rsp; jmp OUT");
}
__attribute__((naked)) void REGION_LEAVE(void);
__attribute__((naked)) void REGION_LEAVE(void) {
  __asm__(SAVE_AND_CALL "1: movq %rdx, %rsp; retq");
}
/* HOLE_WIDE: what takes a fault. The handler is one jump away. */
STENCIL TROUBLE(ARGS) {
  u64 take_fault;
  WIDE(HOLE_WIDE, take_fault, "r");
  if (cpu->trouble != JIT_FAULT) return LEAVE_TROUBLE;
  ((void (*)(void *))(uintptr_t)take_fault)(cpu);
  FORGET_REGS;
  t = cpu->pc, budget = cpu->budget;
  GO(OUT);
}
