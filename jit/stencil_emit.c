/* jit/stencil_emit.c: lowered operations turned into host code by copying and patching. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "jit/stencil_emit.h"
#include "jit/memory_ops.h"
#include "jit/stencils/variants.h"
#include <stdlib.h>
#include <string.h>

#include "jit/stencil_table.h"

enum {
  K = STENCIL_REGS,
  NO_SLOT = 0xffff,
  COPY = STENCIL_COPY,
  SLACK = 256,
};

/* --- which stencils an operation has --- */

enum shape {
  SHAPE_NONE,
  SHAPE_V,
  SHAPE_VV,
  SHAPE_VVI,
  SHAPE_VVV,
  SHAPE_BRANCH,
  SHAPE_LOAD,
  SHAPE_STORE,
  SHAPE_STORE_IF,
  SHAPE_FPU
};
static const struct {
  uint8_t shape;
  /* The first of the stencils that any operation has: a is in t, b and c in registers, the result goes to t. Memory: by
   * address register, from or to a slot. */
  uint16_t any;
} plain[JIT_OPCODES] = {
#define PLAIN_V(name)          [J_##name] = {SHAPE_V, ST_T_##name},
#define PLAIN_VV(name)         [J_##name] = {SHAPE_VV, ST_T_##name##_0}, [J_##name##_I] = {SHAPE_VVI, ST_TI_##name},
#define PLAIN_VVV(name)        [J_##name] = {SHAPE_VVV, ST_T_##name##_00},
#define PLAIN_MEM_V(name)      [J_##name] = {SHAPE_LOAD, ST_MS_##name##_0},
#define PLAIN_MEM_VV(name)     [J_##name] = {SHAPE_STORE, ST_MS_##name##_0},
#define PLAIN_MEM_VVV(name)    [J_##name] = {SHAPE_STORE_IF, 0},
#define CLASS_PURE(name, form) PLAIN_##form(name)
#define CLASS_CMP(name, form)  PLAIN_##form(name)[J_EXIT_##name] = {SHAPE_BRANCH, ST_BT_##name##_0},
#define CLASS_FPU(name, form)  [J_##name] = {SHAPE_FPU, ST_F_##name},
#define CLASS_MEM(name, form)  PLAIN_MEM_##form(name)
#define CLASS_CONST(name, form)
#define CLASS_GET(name, form)
#define CLASS_SET(name, form)
#define CLASS_CALL(name, form)
#define CLASS_TALLY(name, form)
#define CLASS_TRAP(name, form)
#define CLASS_EXIT(name, form)
#define OP(name, form, class, meaning) CLASS_##class(name, form)
#include "jit/ir_ops.def"
};

/* The first of the variants that work on registers, or 0. */
static const uint16_t fast[JIT_OPCODES] = {
#define X(name) [J_##name] = ST_RRR_##name##_000,
    HOT_RRR(X)
#undef X
#define X(name) [J_##name##_I] = ST_RRI_##name##_00,
        HOT_RRI(X) HOT_SHIFTS(X)
#undef X
#define X(name) [J_##name] = ST_RR_##name##_00,
            HOT_RR(X)
#undef X
#define X(name) [J_EXIT_##name] = ST_BRR_##name##_00,
                HOT_BRR(X)
#undef X
#define X(name, ...) [J_##name] = ST_M_##name##_00,
                    LOADS(X) STORES(X)
#undef X
};
/* The stencils for accesses to a page that is known, in the same order. */
static const struct {
  uint16_t fast, any;
} page_known[JIT_OPCODES] = {
#define X(name, ...) [J_##name] = {ST_MP_##name##_00, ST_MPS_##name##_0},
    LOADS(X) STORES(X)
#undef X
};
/* Those for accesses through a view, likewise. */
static const struct view_stencils {
  uint16_t fast, any;
} narrow_view[JIT_OPCODES] =
    {
#define X(name, ...) [J_##name] = {ST_VN_##name##_00, ST_VNS_##name##_0},
        LOADS(X) STORES(X)
#undef X
},
  wide_view[JIT_OPCODES] = {
#define X(name, ...) [J_##name] = {ST_VW_##name##_00, ST_VWS_##name##_0},
      LOADS(X) STORES(X)
#undef X
};
/* What a conditional store does. */
static const uint16_t store_of[JIT_OPCODES] = {
#define X(name) [J_##name##_IF] = J_##name,
    STORES_IF(X)
#undef X
};
static const struct {
  uint16_t unnoted, slow; /* the stencil without the note, the one that goes to the helper */
  uint8_t bytes;          /* of the result */
} fpu[JIT_OPCODES] = {
#define FPU(name, form, to, ...) [J_##name] = {ST_FQ_##name, ST_SLOW_FPU_##form, sizeof(to)},
#include "jit/fpu_ops.def"
};
/* Loads that try linear memory first, by how that is reached. */
static const struct {
  uint16_t by[JIT_LINEAR_OPEN + 1];
} linear[JIT_OPCODES] = {
#define X(name, ...) [J_##name] = {{0, ST_K_##name##_00, ST_KO_##name##_00}},
    LOADS(X)
#undef X
};
/* Those by lines, likewise. */
static const struct view_stencils by_line[JIT_OPCODES] = {
#define X(name, ...) [J_##name] = {ST_ML_##name##_00, ST_MLS_##name##_0},
    LOADS(X) STORES(X)
#undef X
};
static const uint16_t branch_on_zero[JIT_OPCODES] = {
#define X(name) [J_EXIT_##name] = ST_BRZ_##name##_0,
    HOT_BRZ(X)
#undef X
};
_Static_assert(ST_RRR_ADD32_123 == ST_RRR_ADD32_000 + (1 * K + 2) * K + 3, "a, b, d count up from d");
_Static_assert(ST_VW_ST64_X_45 == ST_VW_ST64_X_00 + 4 * K + 5, "likewise");
_Static_assert(ST_M_ST64_X_45 == ST_M_ST64_X_00 + 4 * K + 5 && ST_RRI_NE_66 == ST_RRI_NE_00 + K * K - 1, "likewise");

/* --- copying and patching --- */

static void patch(struct emit *e, uint32_t base, const struct stencil_patch *p) {
  uint8_t *to = e->s->memory.write + base + p->at;
  int64_t v = e->value[p->hole == STENCIL_HOLE_COUNT ? STENCIL_HOLE_IMM : p->hole] + p->addend;
  if (p->kind == STENCIL_ABS8) {
    *to = (uint8_t)v;
    return;
  }
  if (p->kind == STENCIL_ABS64) {
    memcpy(to, &v, 8);
    return;
  }
  if (p->kind == STENCIL_REL32) v -= base + p->at;
  int32_t v32 = (int32_t)v;
  memcpy(to, &v32, 4);
  if (p->hole == STENCIL_OUT) e->out_at = base + p->at;
}

/* Put a stencil into an arena. With `go_on` its way to NEXT is the address in value[], else what comes behind it. */
static void put_in(struct emit *e, struct arena *a, unsigned id, bool go_on) {
  const struct stencil *st = &stencils[id];
  const uint8_t *from = stencil_bytes + st->bytes;
  uint32_t base = a->at;
  uint8_t *to = e->s->memory.write + base;
  unsigned n = st->patches;
  memcpy(to, from, COPY);
  if (st->size > COPY) memcpy(to + COPY, from + COPY, st->size - COPY);
  a->at += st->size;
  if (!go_on) {
    if (st->tail) n--;
    a->at -= st->tail;
    e->value[STENCIL_NEXT] = a->at;
  }
  for (unsigned i = 0; i < n; i++) patch(e, base, &stencil_patches[st->patch + i]);
}
static void put(struct emit *e, unsigned id) {
  put_in(e, &e->s->hot, id, false);
}
static void put_cold(struct emit *e, unsigned id) {
  put_in(e, &e->s->cold, id, false);
}
void stencil_aim(struct jit_stencils *s, uint32_t jump, uint32_t target) {
  int32_t v = (int32_t)(target - (jump + 4));
  memcpy(s->memory.write + jump, &v, 4);
}
static uint32_t end_of(const struct emit *e, unsigned id) {
  return e->s->hot.at + stencils[id].size - stencils[id].tail;
}

/* --- registers --- */

static bool is_temp(uint16_t slot) {
  return slot >= offsetof(struct jit_cpu, temp) && slot < offsetof(struct jit_cpu, temp) + 8 * JIT_TEMPS;
}

static void write_back(struct emit *e, unsigned k) {
  if (!e->dirty[k]) return;
  e->value[STENCIL_HOLE_D] = e->slot[k];
  put(e, ST_STORE_0 + k);
  e->dirty[k] = false;
}

static int holder(const struct emit *e, uint16_t slot) {
  for (int k = 0; k < K; k++)
    if (e->slot[k] == slot) return k;
  return -1;
}

/* The register to give to something new: the one not used for longest, but for those in use by this operation. */
static unsigned victim(struct emit *e) {
  unsigned best = 0;
  for (unsigned k = 1; k < K; k++)
    if (e->used[k] < e->used[best]) best = k;
  write_back(e, best);
  e->slot[best] = NO_SLOT;
  e->used[best] = e->clock;
  return best;
}

/* The register that holds a slot's value. It keeps it until the next operation. */
static unsigned use(struct emit *e, uint16_t slot) {
  int k = holder(e, slot);
  if (k < 0) {
    k = (int)victim(e);
    e->value[STENCIL_HOLE_A] = slot;
    put(e, ST_LOAD_0 + (unsigned)k);
    e->slot[k] = slot;
  }
  e->used[k] = e->clock;
  return (unsigned)k;
}

/* The register that a slot's new value goes to. */
static unsigned def(struct emit *e, uint16_t slot) {
  int k = holder(e, slot);
  if (k < 0) k = (int)victim(e);
  e->used[k] = e->clock;
  return (unsigned)k;
}

/* The new value is there. */
static void defined(struct emit *e, uint16_t slot, unsigned k) {
  if (slot == e->base) e->base = NO_SLOT;
  e->slot[k] = slot;
  e->dirty[k] = true;
  if (!is_temp(slot)) write_back(e, k);
}

/* Make a slot in memory current, for a stencil that reads it there. */
static void in_memory(struct emit *e, uint16_t slot) {
  int k = holder(e, slot);
  if (k >= 0) write_back(e, (unsigned)k);
}
/* A slot (or half of it) was changed in memory. */
static void changed(struct emit *e, uint16_t slot) {
  if ((slot & ~7u) == e->base) e->base = NO_SLOT;
  for (unsigned k = 0; k < K; k++)
    if (e->slot[k] == (slot & ~7u)) e->slot[k] = NO_SLOT, e->dirty[k] = false;
}

/* --- ways out: an exit's jump leads to its target, or to a stub that returns to C --- */

static void return_to_c(struct emit *e, struct arena *a, const void *what, unsigned how) {
  e->value[STENCIL_HOLE_WIDE] = (int64_t)((uintptr_t)what | how);
  put_in(e, a, ST_WIDE_T, false);
  e->value[STENCIL_OUT] = e->s->leave;
  put_in(e, a, ST_JUMP, false);
}

static void make_stub(struct emit *e, struct jit_exit *x) {
  x->stub = e->s->cold.at;
  return_to_c(e, &e->s->cold, x, LEAVE_EXIT);
}

/* Where a branch that takes exit x goes. */
static uint32_t way_out(struct emit *e, struct jit_exit *x, int32_t refund) {
  make_stub(e, x);
  if (!refund) return x->stub;
  uint32_t at = e->s->cold.at;
  e->value[STENCIL_HOLE_IMM] = refund;
  put_cold(e, ST_REFUND);
  e->value[STENCIL_OUT] = x->stub;
  put_cold(e, ST_JUMP);
  x->jump = e->out_at;
  return at;
}

void stencil_emit_head(struct emit *e) {
  uint32_t cold = e->s->cold.at;
  e->value[STENCIL_HOLE_IMM] = e->b->shape.insns;
  put_cold(e, ST_REFUND);
  return_to_c(e, &e->s->cold, e->b, LEAVE_BUDGET);
  e->value[STENCIL_OUT] = cold;
  put(e, ST_HEAD);
}

static void to_t(struct emit *e, uint16_t slot) {
  int k = holder(e, slot);
  e->value[STENCIL_HOLE_A] = slot;
  put(e, k < 0 ? ST_LOAD_T : ST_TO_T_0 + (unsigned)k);
}

static void branch(struct emit *e, const struct jit_op *o) {
  struct jit_exit *x = &e->b->exit[o->c];
  unsigned id;
  if (o->op == J_EXIT_IF) {
    id = ST_BRZ_NE_0 + use(e, o->a);
  } else if (o->b == e->zero && branch_on_zero[o->op]) {
    id = branch_on_zero[o->op] + use(e, o->a);
  } else if (fast[o->op]) {
    unsigned a = use(e, o->a), b = use(e, o->b);
    id = fast[o->op] + a * K + b;
  } else {
    id = plain[o->op].any + use(e, o->b);
    to_t(e, o->a);
  }
  e->value[STENCIL_OUT] = way_out(e, x, o->offset);
  put(e, id);
  if (!o->offset) x->jump = e->out_at;
}

static void exit_op(struct emit *e, const struct jit_op *o) {
  switch (o->op) {
  case J_EXIT: {
    struct jit_exit *x = &e->b->exit[o->c];
    make_stub(e, x);
    e->value[STENCIL_OUT] = x->stub;
    put(e, ST_JUMP);
    x->jump = e->out_at;
    return;
  }
  case J_EXIT_REG:
    to_t(e, o->a);
    e->value[STENCIL_OUT] = e->s->look_up_neighbour;
    put(e, ST_LOOK_UP);
    return;
  case J_EXIT_REG_STOP:
    to_t(e, o->a);
    e->value[STENCIL_OUT] = e->s->go_on;
    put(e, ST_JUMP);
    return;
  case J_EXIT_STOP:
    e->value[STENCIL_HOLE_WIDE] = o->imm;
    put(e, ST_WIDE_T);
    e->value[STENCIL_OUT] = e->s->go_on;
    put(e, ST_JUMP);
    return;
  default:
    e->value[STENCIL_OUT] = e->s->go_on_at_pc;
    put(e, ST_JUMP);
    return;
  }
}

/* --- operations --- */

static bool fits(int64_t imm) {
  return imm == (int32_t)imm;
}

static void immediate(struct emit *e, unsigned k, int64_t imm) {
  if (fits(imm)) {
    e->value[STENCIL_HOLE_IMM] = imm;
    put(e, ST_IMM_0 + k);
  } else {
    e->value[STENCIL_HOLE_WIDE] = imm;
    put(e, ST_WIDE_T);
    put(e, ST_FROM_T_0 + k);
  }
}

/* The result is in t. */
static void from_t(struct emit *e, uint16_t slot) {
  unsigned d = def(e, slot);
  e->base = NO_SLOT; /* t's operations use the registers */
  put(e, ST_FROM_T_0 + d);
  defined(e, slot, d);
}

/* `op` of a slot and a register, which is in use. */
static void pure_with(struct emit *e, unsigned op, const struct jit_op *o, unsigned b) {
  if (!fast[op]) {
    to_t(e, o->a);
    put(e, plain[op].any + b);
    from_t(e, o->d);
    return;
  }
  unsigned a = use(e, o->a), d = def(e, o->d);
  put(e, fast[op] + (a * K + b) * K + d);
  defined(e, o->d, d);
}

static void pure_vv(struct emit *e, const struct jit_op *o) {
  int a = holder(e, o->a);
  if (a >= 0) e->used[a] = e->clock;
  pure_with(e, o->op, o, use(e, o->b));
}

static void pure_vvi(struct emit *e, const struct jit_op *o) {
  if (!fits(o->imm)) { /* becomes a register, and the operation its plain form */
    int a = holder(e, o->a);
    if (a >= 0) e->used[a] = e->clock;
    unsigned b = victim(e);
    immediate(e, b, o->imm);
    pure_with(e, o->op - 1u, o, b);
    return;
  }
  if (!fast[o->op]) {
    to_t(e, o->a);
    e->value[STENCIL_HOLE_IMM] = o->imm;
    put(e, plain[o->op].any);
    from_t(e, o->d);
    return;
  }
  unsigned a = use(e, o->a), d = def(e, o->d);
  e->value[STENCIL_HOLE_IMM] = o->imm;
  put(e, fast[o->op] + a * K + d);
  defined(e, o->d, d);
}

static void pure_v(struct emit *e, const struct jit_op *o) {
  if (!fast[o->op]) {
    to_t(e, o->a);
    put(e, plain[o->op].any);
    from_t(e, o->d);
    return;
  }
  unsigned a = use(e, o->a), d = def(e, o->d);
  put(e, fast[o->op] + a * K + d);
  defined(e, o->d, d);
}

static void pure_vvv(struct emit *e, const struct jit_op *o) {
  unsigned b = use(e, o->b), c = use(e, o->c);
  to_t(e, o->a);
  put(e, plain[o->op].any + b * K + c);
  from_t(e, o->d);
}

/* Back from a slow path whose result, in t, goes to a slot (or half of one); then on behind stencil `id`. */
static void put_back(struct emit *e, uint16_t d, bool half, uint32_t next) {
  e->value[STENCIL_NEXT] = next;
  e->value[STENCIL_HOLE_D] = d;
  put_in(e, &e->s->cold, half ? ST_SET_HALF_T : ST_STORE_T, true);
}

enum { NEAR = 1024 }; /* so close to the last access, an access is expected on its page */

enum access { READ, WRITE, READ_LINEAR };

/* Is something quicker than the soft TLB to be tried first? */
static bool has_hope(const struct emit *e, const struct jit_op *o, enum access kind) {
  int64_t ahead = (int64_t)o->offset - e->offset;
  return kind == READ_LINEAR ||
         (!e->view && e->base == o->a && e->wrote == (kind == WRITE) && ahead > -NEAR && ahead < NEAR);
}

/* The access proper: `soft`, which asks the soft TLB (or the view), and whose slow path is at `slow`; or `first`, if
 * there is hope for it, which falls back to `soft`, out of line. */
static void access(struct emit *e, const struct jit_op *o, unsigned soft, unsigned first, uint32_t slow,
                   enum access kind) {
  e->value[STENCIL_HOLE_IMM] = o->offset;
  e->value[STENCIL_HOLE_B] = o->b, e->value[STENCIL_HOLE_D] = o->d;
  e->value[STENCIL_OUT] = slow;
  if (has_hope(e, o, kind)) {
    uint32_t look_up = e->s->cold.at;
    e->value[STENCIL_NEXT] = end_of(e, first);
    put_in(e, &e->s->cold, soft, true);
    e->value[STENCIL_OUT] = look_up;
    put(e, first);
  } else {
    put(e, soft);
  }
  if (e->view && e->view != by_line) e->s->access[e->s->accesses++] = (struct view_access){e->s->hot.at, slow};
  e->base = kind == READ_LINEAR ? NO_SLOT : o->a;
  e->wrote = kind == WRITE, e->offset = o->offset;
}

static void load(struct emit *e, const struct jit_op *o) {
  bool to_slot = o->hint & JIT_IN_MEMORY, by_linear = e->linear && !to_slot;
  enum access kind = by_linear ? READ_LINEAR : READ;
  unsigned a = use(e, o->a), d = to_slot ? 0 : def(e, o->d), of = to_slot ? a : a * K + d;
  unsigned soft = of + (e->view   ? to_slot ? e->view[o->op].any : e->view[o->op].fast
                        : to_slot ? plain[o->op].any
                                  : fast[o->op]);
  unsigned first =
      by_linear ? of + linear[o->op].by[e->linear] : of + (to_slot ? page_known[o->op].any : page_known[o->op].fast);
  uint32_t slow = e->s->cold.at, next = end_of(e, has_hope(e, o, kind) ? first : soft);
  e->value[STENCIL_HOLE_WIDE] = (int64_t)STENCIL_WHERE(e->b, o->at);
  e->value[STENCIL_BACK] = slow + stencils[ST_SLOW].size;
  e->value[STENCIL_OUT] = e->s->shared[o->op];
  put_cold(e, ST_SLOW);
  if (to_slot) {
    put_back(e, o->d, false, next);
  } else {
    e->value[STENCIL_NEXT] = next;
    put_in(e, &e->s->cold, ST_FROM_T_0 + d, true);
  }
  access(e, o, soft, first, slow, kind);
  if (to_slot)
    changed(e, o->d);
  else
    defined(e, o->d, d);
}

static void store(struct emit *e, const struct jit_op *o) {
  int b = holder(e, o->b);
  if (b >= 0) e->used[b] = e->clock;
  unsigned a = use(e, o->a), of = b < 0 ? a : a * K + (unsigned)b;
  unsigned soft = of + (e->view ? b < 0 ? e->view[o->op].any : e->view[o->op].fast
                        : b < 0 ? plain[o->op].any
                                : fast[o->op]);
  unsigned first = of + (b < 0 ? page_known[o->op].any : page_known[o->op].fast);
  uint32_t slow = e->s->cold.at;
  e->value[STENCIL_HOLE_WIDE] = (int64_t)STENCIL_WHERE(e->b, o->at);
  e->value[STENCIL_HOLE_B] = o->b;
  e->value[STENCIL_BACK] = end_of(e, has_hope(e, o, WRITE) ? first : soft);
  e->value[STENCIL_OUT] = e->s->shared[o->op];
  put_cold(e, b < 0 ? ST_SLOW_STORE_SLOT : ST_SLOW_STORE_0 + (unsigned)b);
  access(e, o, soft, first, slow, WRITE);
}

/* It loads nothing. */
static void fetched(struct emit *e, const struct jit_op *o) {
  unsigned id = plain[o->op].any + use(e, o->a);
  uint32_t slow = e->s->cold.at;
  e->value[STENCIL_HOLE_WIDE] = (int64_t)STENCIL_WHERE(e->b, o->at);
  e->value[STENCIL_BACK] = end_of(e, id);
  e->value[STENCIL_OUT] = e->s->shared[o->op];
  put_cold(e, ST_SLOW);
  e->value[STENCIL_HOLE_IMM] = o->offset;
  e->value[STENCIL_OUT] = slow;
  put(e, id);
  e->base = NO_SLOT;
}

/* The store alone is jumped over: registers are the same on either way. */
static void store_if(struct emit *e, const struct jit_op *o) {
  struct jit_op always = *o;
  always.op = store_of[o->op];
  unsigned c = use(e, o->c);
  use(e, o->a);
  put(e, ST_BRZ_EQ_0 + c);
  uint32_t jump = e->out_at;
  store(e, &always);
  stencil_aim(e->s, jump, e->s->hot.at);
  e->base = NO_SLOT;
}

static void floating(struct emit *e, const struct jit_op *o) {
  unsigned id = o->hint & JIT_UNNOTED ? fpu[o->op].unnoted : plain[o->op].any;
  uint32_t cold = e->s->cold.at;
  in_memory(e, o->a & (uint16_t)~7u);
  in_memory(e, o->b & (uint16_t)~7u);
  in_memory(e, o->c & (uint16_t)~7u);
  e->value[STENCIL_HOLE_WIDE] = (int64_t)STENCIL_WHERE(e->b, o->at);
  e->value[STENCIL_HOLE_MORE] = (int64_t)(uintptr_t)e->s->guest->helper[o->offset];
  e->value[STENCIL_HOLE_A] = o->a, e->value[STENCIL_HOLE_B] = o->b, e->value[STENCIL_HOLE_C] = o->c;
  e->value[STENCIL_HOLE_IMM] = o->offset;
  e->value[STENCIL_BACK] = cold + stencils[fpu[o->op].slow].size;
  e->value[STENCIL_OUT] = e->s->shared[o->op];
  put_cold(e, fpu[o->op].slow);
  put_back(e, o->d, fpu[o->op].bytes == 4, end_of(e, id));
  e->value[STENCIL_OUT] = cold;
  put(e, id);
  changed(e, o->d);
}

static void call(struct emit *e, const struct jit_op *o) {
  for (unsigned k = 0; k < K; k++) write_back(e, k);     /* temporaries outlive it, */
  for (unsigned k = 0; k < K; k++) e->slot[k] = NO_SLOT; /* guest slots may change */
  e->base = NO_SLOT;
  e->value[STENCIL_HOLE_WIDE] = (int64_t)STENCIL_WHERE(e->b, o->at);
  e->value[STENCIL_HOLE_MORE] = (int64_t)(uintptr_t)e->s->guest->helper[o->offset];
  e->value[STENCIL_HOLE_A] = o->a, e->value[STENCIL_HOLE_B] = o->b, e->value[STENCIL_HOLE_C] = o->c;
  unsigned id = o->op == J_CALL_BY_TRAP ? ST_CALL_BY_TRAP : ST_CALL;
  e->value[STENCIL_BACK] = end_of(e, id);
  e->value[STENCIL_OUT] = e->s->call;
  put(e, id);
  unsigned d = def(e, o->d);
  put(e, ST_FROM_T_0 + d);
  defined(e, o->d, d);
}

static void raise(struct emit *e, const struct jit_op *o) {
  bool always = o->op == J_RAISE;
  unsigned a = always ? 0 : use(e, o->a);
  uint32_t cold = e->s->cold.at;
  e->value[STENCIL_HOLE_WIDE] = (int64_t)STENCIL_WHERE(e->b, o->at);
  e->value[STENCIL_HOLE_IMM] = o->offset;
  e->value[STENCIL_OUT] = e->s->raise;
  put_in(e, always ? &e->s->hot : &e->s->cold, ST_SLOW_RAISE, false);
  if (always) return;
  e->value[STENCIL_OUT] = cold;
  put(e, ST_TRAP_0 + a);
}

static void move(struct emit *e, const struct jit_op *o) {
  if (o->op == J_MOVI && o->a & JIT_IN_MEMORY && fits(o->imm)) {
    e->value[STENCIL_HOLE_D] = o->d, e->value[STENCIL_HOLE_IMM] = o->imm;
    put(e, ST_STORE_IMM);
    changed(e, o->d);
    return;
  }
  if (o->op == J_MOVI) {
    unsigned d = def(e, o->d);
    immediate(e, d, o->imm);
    defined(e, o->d, d);
    return;
  }
  if (o->op == J_GET32) {
    in_memory(e, o->a & (uint16_t)~7u);
    unsigned d = def(e, o->d);
    e->value[STENCIL_HOLE_A] = o->a;
    put(e, ST_GET_HALF_0 + d);
    defined(e, o->d, d);
    return;
  }
  if (o->op == J_MOV && is_temp(o->d)) {
    unsigned a = use(e, o->a), d = def(e, o->d);
    put(e, ST_RR_MOV_00 + a * K + d);
    defined(e, o->d, d);
    return;
  }
  bool half = o->op == J_SET32;
  int k = holder(e, o->a);
  if (k < 0 && !(o->a & 7) && !(o->hint & JIT_IN_MEMORY)) k = (int)use(e, o->a);
  if (k < 0) {
    e->value[STENCIL_HOLE_A] = o->a;
    put(e, ST_LOAD_T);
  }
  e->value[STENCIL_HOLE_D] = o->d;
  if (half)
    put(e, k < 0 ? ST_SET_HALF_T : ST_SET_HALF_0 + (unsigned)k);
  else
    put(e, k < 0 ? ST_STORE_T : ST_STORE_0 + (unsigned)k);
  changed(e, o->d);
}

void stencil_emit_op(struct emit *e, const struct jit_op *o) {
  e->clock++;
  if (o->op == J_FETCHED) {
    fetched(e, o);
    return;
  }
  switch ((enum shape)plain[o->op].shape) {
  case SHAPE_V: pure_v(e, o); return;
  case SHAPE_VV: pure_vv(e, o); return;
  case SHAPE_VVI: pure_vvi(e, o); return;
  case SHAPE_VVV: pure_vvv(e, o); return;
  case SHAPE_BRANCH: branch(e, o); return;
  case SHAPE_LOAD: load(e, o); return;
  case SHAPE_STORE: store(e, o); return;
  case SHAPE_STORE_IF: store_if(e, o); return;
  case SHAPE_FPU: floating(e, o); return;
  case SHAPE_NONE: break;
  }
  switch (o->op) {
  case J_MOV:
  case J_MOVI:
  case J_GET32:
  case J_SET32: move(e, o); return;
  case J_CALL:
  case J_CALL_BY_TRAP: call(e, o); return;
  case J_TALLY:
    e->value[STENCIL_HOLE_IMM] = o->imm * (int64_t)sizeof(uint64_t);
    put(e, ST_TALLY);
    return;
  case J_RAISE:
  case J_RAISE_IF: raise(e, o); return;
  case J_EXIT_IF: branch(e, o); return;
  default: exit_op(e, o); return;
  }
}
static bool has_room(const struct arena *a, uint32_t bytes) {
  return a->end - a->at >= bytes + SLACK;
}

bool stencil_emit_room(const struct jit_stencils *s, unsigned n) {
  return has_room(&s->hot, n * STENCIL_OP_MAX) && has_room(&s->cold, n * STENCIL_OP_MAX);
}

/* Room to note n more accesses through a view. */
static bool has_access_room(struct jit_stencils *s, size_t n) {
  if (s->accesses + n <= s->access_room) return true;
  size_t room = 2 * (s->accesses + n);
  struct view_access *a = realloc(s->access, room * sizeof *a);
  if (!a) return false;
  s->access = a;
  s->access_room = room;
  return true;
}

struct emit stencil_emit_begin(struct jit_stencils *s, struct jit_block *b) {
  struct emit e = {.s = s, .b = b, .base = NO_SLOT, .zero = s->guest->slot[s->guest->zero_slot].offset};
  memset(e.slot, 0xff, sizeof e.slot);
  bool lines = s->guest->lines && s->guest->lines(b->key.mode);
  if (!lines && s->guest->linear) e.linear = s->guest->linear(b->key.mode);
  unsigned view = s->guest->view ? s->guest->view(b->key.mode) : 0;
  if (lines)
    e.view = by_line;
  else if (view && has_access_room(s, b->ops))
    e.view = view == 32 ? narrow_view : wide_view;
  return e;
}

/* --- what is shared --- */

static uint32_t put_shared(struct emit *e, unsigned id, uintptr_t wide) {
  uint32_t at = e->s->cold.at;
  e->value[STENCIL_HOLE_WIDE] = (int64_t)wide;
  put_cold(e, id);
  return at;
}

void stencil_emit_shared(struct jit_stencils *s) {
  struct emit e = {.s = s};
  const void *code = s->memory.exec + put_shared(&e, ST_ENTER, 0);
  memcpy(&s->enter, &code, sizeof code);
  s->leave = put_shared(&e, ST_LEAVE, 0);
  s->leave_at_t = put_shared(&e, ST_LEAVE_AT_T, 0);
  e.value[STENCIL_OUT] = s->leave_at_t;
  e.value[STENCIL_OUT] = put_shared(&e, ST_VERIFY_NEIGHBOUR, 0);
  e.value[STENCIL_OUT] = put_shared(&e, ST_VERIFY, 0);
  s->look_up_neighbour = put_shared(&e, ST_LOOK_UP_NEIGHBOUR, 0);
  e.value[STENCIL_OUT] = s->look_up_neighbour;
  s->go_on = put_shared(&e, ST_GO_ON, 0);
  e.value[STENCIL_OUT] = s->go_on;
  s->go_on_at_pc = put_shared(&e, ST_GO_ON_AT_PC, 0);
  e.value[STENCIL_OUT] = s->trouble = put_shared(&e, ST_TROUBLE, (uintptr_t)s->guest->take_fault);
  s->call = put_shared(&e, ST_SHARED_CALL, 0);
  s->raise = put_shared(&e, ST_SHARED_RAISE, (uintptr_t)s->guest->raise);
#define X(name, ...) s->shared[J_##name] = put_shared(&e, ST_SHARED_##name, (uintptr_t)s->guest->load);
  LOADS(X)
#undef X
#define X(name, ...) s->shared[J_##name] = put_shared(&e, ST_SHARED_##name, (uintptr_t)s->guest->store);
  STORES(X)
#undef X
  s->shared[J_FETCHED] = put_shared(&e, ST_SHARED_FETCHED, (uintptr_t)s->guest->load);
  e.value[STENCIL_OUT] = put_shared(&e, ST_SHARED_FPU, 0);
#define FPU(name, ...) s->shared[J_##name] = put_shared(&e, ST_SHARED_##name, 0);
#include "jit/fpu_ops.def"
  s->cold.begin = s->cold.at;
}

void jit_stencils_make_region_shared(struct jit_stencils *s, const struct jit_region_calls *c) {
  struct emit e = {.s = s};
  e.value[STENCIL_OUT] = s->trouble;
  s->region_load = put_shared(&e, ST_REGION_TROUBLE, c->load);
  s->region_store = put_shared(&e, ST_REGION_TROUBLE, c->store);
  s->region_fpu = put_shared(&e, ST_REGION_TROUBLE, c->fpu);
  s->region_raise = put_shared(&e, ST_REGION_TROUBLE, c->raise);
  s->region_leave = put_shared(&e, ST_REGION_LEAVE, c->leave);
  s->cold.begin = s->cold.at; /* nothing is compiled yet */
}

uint32_t stencil_emit_look_up(struct jit_stencils *s, uint64_t pc) {
  struct emit e = {.s = s};
  uint32_t at = s->cold.at;
  e.value[STENCIL_HOLE_WIDE] = (int64_t)pc;
  put_cold(&e, ST_WIDE_T);
  e.value[STENCIL_OUT] = s->look_up_neighbour;
  put_cold(&e, ST_LOOK_UP);
  return at;
}
