/* jit/llvm_emit.c: from a region to LLVM's IR: control, slots, memory, ways out. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Guest slots are variables that LLVM promotes to registers. Memory gets them back where the region is left, before a
 * helper is called, and in the blocks, out of line, that are reached when an access does not happen: there it says
 * which slots may be newer (`dirty`). Calls out of line leave no such code behind: they are statepoints, for which LLVM
 * tells in a table where each of these slots is, should the region have to be left. All addresses of this process are
 * external symbols, so that an object is good for any process: bN, the N-th block; xN_K, its exit K; fN, the frame of
 * its page; hN, a helper. */
#include "jit/llvm_emit.h"
#include "jit/faults.h"
#include "jit/stencils/abi.h"
#include <assert.h>
#include <stdio.h>
#include <string.h>

typedef LLVMValueRef value;
enum { PRESERVE_NONE = 21, ARGUMENTS = 12, ARG_CPU = 1, ARG_BUDGET = 2, ARG_T = 11 };
#define NO_PAGE ((uint64_t)1 << (MMU_PAGE_BITS - 1)) /* equals no page */

/* --- building blocks --- */

static LLVMBasicBlockRef new_block(struct emitter *e) {
  return LLVMAppendBasicBlockInContext(e->context, e->fn, "");
}
static void begin(struct emitter *e, LLVMBasicBlockRef at) {
  LLVMPositionBuilderAtEnd(e->b, at);
}
static value in_cpu(struct emitter *e, size_t offset) {
  value at = emit_i64(e, offset);
  return LLVMBuildInBoundsGEP2(e->b, e->i8, e->cpu, &at, 1, "");
}
static value get_field(struct emitter *e, LLVMTypeRef type, size_t offset) {
  return LLVMBuildLoad2(e->b, type, in_cpu(e, offset), "");
}
static void set_field(struct emitter *e, value v, size_t offset) {
  LLVMBuildStore(e->b, v, in_cpu(e, offset));
}
static void branch_if(struct emitter *e, value condition, LLVMBasicBlockRef yes, LLVMBasicBlockRef no, value weights) {
  value br = LLVMBuildCondBr(e->b, condition, yes, no);
  if (weights) LLVMSetMetadata(br, e->prof, weights);
}
static value as_pointer(struct emitter *e, value v) {
  return LLVMBuildIntToPtr(e->b, v, e->ptr, "");
}

/* --- addresses that are known when the code is loaded --- */

static value symbol(struct emitter *e, const char *name) {
  value g = LLVMGetNamedGlobal(e->module, name);
  return g ? g : LLVMAddGlobal(e->module, e->i8, name);
}
static value numbered(struct emitter *e, char kind, unsigned n) {
  char name[16];
  snprintf(name, sizeof name, "%c%u", kind, n);
  return LLVMConstPtrToInt(symbol(e, name), e->i64);
}
static value exit_symbol(struct emitter *e, unsigned exit) {
  char name[16];
  snprintf(name, sizeof name, "x%u_%u", e->node->block, exit);
  return symbol(e, name);
}
/* A place in the code, for calls out of line. */
static value where(struct emitter *e, unsigned at, unsigned op) {
  return emit_i64(e, REGION_WHERE(e->node->block, at, op, e->rest));
}

/* --- slots --- */

static value slot_value(struct emitter *e, unsigned slot) {
  const struct emit_var *v = &e->var[slot];
  if (!v->narrow) return LLVMBuildLoad2(e->b, e->i64, v->at, "");
  return LLVMBuildSExt(e->b, LLVMBuildLoad2(e->b, e->i32, v->at, ""), e->i64, "");
}
static void set_slot(struct emitter *e, unsigned slot, value v) {
  if (e->var[slot].narrow) v = LLVMBuildTrunc(e->b, v, e->i32, "");
  LLVMBuildStore(e->b, v, e->var[slot].at);
}

static unsigned temp_at(uint16_t offset) {
  assert(offset >= offsetof(struct jit_cpu, temp));
  return (unsigned)(offset - offsetof(struct jit_cpu, temp)) / 8;
}

/* Other state is read and written in place: slow paths may change it. */
static bool in_place(const struct emitter *e, uint16_t offset) {
  return emit_slot_at(e, offset) < 0 && offset != e->zero &&
         (offset < offsetof(struct jit_cpu, temp) || offset >= offsetof(struct jit_cpu, temp) + 8 * JIT_TEMPS);
}

static value get_word(struct emitter *e, uint16_t offset) {
  return LLVMBuildZExt(e->b, get_field(e, e->i32, offset), e->i64, "");
}

/* An operand's value; of one that is the high half of a slot, in the low half. */
static value get(struct emitter *e, uint16_t offset) {
  bool high = offset & 4;
  if (offset == e->zero) return emit_i64(e, 0);
  if (in_place(e, offset)) return high ? get_word(e, offset) : get_field(e, e->i64, offset);
  int slot = emit_slot_at(e, offset);
  value v = slot >= 0 ? slot_value(e, (unsigned)slot) : e->temp[temp_at(offset)];
  assert(v);
  return high ? LLVMBuildLShr(e->b, v, emit_i64(e, 32), "") : v;
}

static void put(struct emitter *e, uint16_t offset, value v) {
  int slot = emit_slot_at(e, offset);
  if (in_place(e, offset)) {
    set_field(e, v, offset);
    return;
  }
  if (slot < 0) {
    e->temp[temp_at(offset)] = v;
    return;
  }
  set_slot(e, (unsigned)slot, v);
  emit_set_add(&e->dirty, (unsigned)slot);
}

/* A slot was written: is the page that was last reached through it worth a look the next time? */
static void judge_cache(struct emitter *e, const struct jit_op *o) {
  int slot = emit_slot_at(e, o->d);
  if (slot < 0 || emit_is_step(o)) return;
  bool even = emit_is_even(e, o);
  e->even.bit[slot / 64] &= ~(UINT64_C(1) << slot % 64);
  if (even) emit_set_add(&e->even, (unsigned)slot);
  for (unsigned i = 0; i < e->caches; i++)
    if (e->cache[i].slot == slot) e->cache[i].hopeful = even && o->op != J_MOVI;
}

static void write_back(struct emitter *e) {
  for (unsigned i = 0; i < e->g->slots; i++)
    if (emit_set_has(&e->dirty, i)) set_field(e, slot_value(e, i), e->g->slot[i].offset);
}
static void read_slots(struct emitter *e) {
  for (unsigned i = 0; i < e->g->slots; i++)
    if (e->var[i].at) set_slot(e, i, get_field(e, e->i64, e->g->slot[i].offset));
}

/* --- ways out --- */

static value get_budget(struct emitter *e) {
  return LLVMBuildLoad2(e->b, e->i64, e->budget, "");
}
static void set_budget(struct emitter *e, value v) {
  LLVMBuildStore(e->b, v, e->budget);
}

/* Call out of line: name(cpu, a, where, budget, b, table). What it returns. */
static value call_out(struct emitter *e, const char *name, value a, value where, value b) {
  value live[2 * IR_MAX_SLOTS];
  unsigned n = 0;
  LLVMTypeRef types[] = {e->ptr, e->i64, e->i64, e->i64, e->i64, e->i64};
  LLVMTypeRef type = LLVMFunctionType(e->i64, types, 6, 0);
  value f = LLVMGetNamedFunction(e->module, name);
  if (!f) f = LLVMAddFunction(e->module, name, type);
  for (unsigned i = 0; i < e->g->slots; i++) {
    if (!emit_set_has(&e->dirty, i)) continue;
    const struct emit_var *v = &e->var[i];
    live[n++] = LLVMConstInt(e->i32, i, 0);
    live[n++] = LLVMBuildLoad2(e->b, v->narrow ? e->i32 : e->i64, v->at, "");
  }
  value none = LLVMConstInt(e->i32, 0, 0);
  value arg[] = {emit_i64(e, 0),
                 none,
                 f,
                 LLVMConstInt(e->i32, 6, 0),
                 LLVMConstInt(e->i32, 2, 0) /* live-in only */,
                 e->cpu,
                 a,
                 where,
                 get_budget(e),
                 b,
                 LLVMConstPtrToInt(symbol(e, "table"), e->i64),
                 none,
                 none};
  LLVMOperandBundleRef deopt = LLVMCreateOperandBundle("deopt", 5, live, n);
  value token = LLVMBuildCallWithOperandBundles(e->b, e->statepoint_type, e->statepoint, arg, 13, &deopt, 1, "");
  LLVMDisposeOperandBundle(deopt);
  LLVMSetInstructionCallConv(token, LLVMPreserveMostCallConv);
  unsigned kind = LLVMGetEnumAttributeKindForName("elementtype", 11);
  LLVMAddCallSiteAttribute(token, 3, LLVMCreateTypeAttribute(e->context, kind, type));
  return LLVMBuildCall2(e->b, e->result_type, e->result, &token, 1, "");
}

/* Go on in other generated code; t may be NULL. */
static void jump_to(struct emitter *e, value code, value t) {
  value arg[ARGUMENTS];
  for (int i = 0; i < ARGUMENTS; i++) arg[i] = LLVMGetPoison(e->i64);
  arg[ARG_CPU] = e->cpu;
  arg[ARG_BUDGET] = get_budget(e);
  if (t) arg[ARG_T] = t;
  value call = LLVMBuildCall2(e->b, e->region_type, code, arg, ARGUMENTS, "");
  LLVMSetInstructionCallConv(call, PRESERVE_NONE);
  LLVMSetTailCallKind(call, LLVMTailCallKindMustTail);
  LLVMBuildRet(e->b, call);
}
static void jump_to_shared(struct emitter *e, const char *name, value t) {
  value f = LLVMGetNamedFunction(e->module, name);
  if (!f) {
    f = LLVMAddFunction(e->module, name, e->region_type);
    LLVMSetFunctionCallConv(f, PRESERVE_NONE);
  }
  jump_to(e, f, t);
}

static void leave_through(struct emitter *e, unsigned exit) {
  value x = exit_symbol(e, exit), at = emit_i64(e, offsetof(struct jit_exit, go));
  write_back(e);
  value go = LLVMBuildLoad2(e->b, e->ptr, LLVMConstInBoundsGEP2(e->i8, x, &at, 1), "");
  jump_to(e, go, LLVMConstPtrToInt(x, e->i64));
}

static value in_jump(struct emitter *e, LLVMTypeRef type, value jump, size_t offset) {
  value at = emit_i64(e, offset);
  return LLVMBuildLoad2(e->b, type, LLVMBuildInBoundsGEP2(e->b, e->i8, jump, &at, 1, ""), "");
}

/* To the address in pc, if the jump cache knows it; see LOOK_UP in stencils.c. */
static void look_up(struct emitter *e, value pc) {
  LLVMBuilderRef u = e->b;
  LLVMBasicBlockRef same_pc = new_block(e), same_stamp = new_block(e), no = new_block(e);
  write_back(e);
  value n = LLVMBuildAnd(u, LLVMBuildLShr(u, pc, emit_i64(e, 2), ""), emit_i64(e, JIT_JUMPS - 1), "");
  value offset = LLVMBuildMul(u, n, emit_i64(e, sizeof(struct jit_jump)), "");
  value all = get_field(e, e->ptr, offsetof(struct jit_cpu, jump));
  value j = LLVMBuildInBoundsGEP2(u, e->i8, all, &offset, 1, "");
  value found = in_jump(e, e->i64, j, offsetof(struct jit_jump, pc));
  branch_if(e, LLVMBuildICmp(u, LLVMIntEQ, found, pc, ""), same_pc, no, e->likely);
  begin(e, same_pc);
  value stamp = get_field(e, e->i64, offsetof(struct jit_cpu, tlb.stamp));
  found = in_jump(e, e->i64, j, offsetof(struct jit_jump, stamp));
  branch_if(e, LLVMBuildICmp(u, LLVMIntEQ, found, stamp, ""), same_stamp, no, e->likely);
  begin(e, same_stamp);
  jump_to(e, in_jump(e, e->ptr, j, offsetof(struct jit_jump, code)), pc);
  begin(e, no);
  jump_to_shared(e, "look_up_neighbour", pc);
}

/* Where the soft TLB, or the tables of lines, have the entry for an address. */
static value table_entry(struct emitter *e, value va, size_t tables, unsigned bits, enum mmu_access kind) {
  size_t table = tables + kind * sizeof(struct softtlb_table);
  value mask = get_field(e, e->i64, table + offsetof(struct softtlb_table, mask));
  value base = get_field(e, e->ptr, table + offsetof(struct softtlb_table, entry));
  value at = LLVMBuildLShr(e->b, va, emit_i64(e, bits - 4), "");
  at = LLVMBuildAnd(e->b, at, mask, "");
  return LLVMBuildInBoundsGEP2(e->b, e->i8, base, &at, 1, "");
}
static value tlb_entry(struct emitter *e, value va, enum mmu_access kind) {
  return table_entry(e, va, offsetof(struct jit_cpu, tlb), MMU_PAGE_BITS, kind);
}
static value line_entry(struct emitter *e, value va, enum mmu_access kind) {
  return table_entry(e, va, offsetof(struct jit_cpu, line), JIT_LINE_BITS, kind);
}
static value entry_addend(struct emitter *e, value entry) {
  value at = emit_i64(e, offsetof(struct softtlb_entry, addend));
  return LLVMBuildLoad2(e->b, e->i64, LLVMBuildInBoundsGEP2(e->b, e->i8, entry, &at, 1, ""), "");
}

/* Does the address of a node on another page still lead to the frame that the node comes from? Else go to `no`. */
static void check_frame(struct emitter *e, const struct region_node *to, LLVMBasicBlockRef no) {
  LLVMBasicBlockRef same_page = new_block(e), yes = new_block(e);
  value entry = tlb_entry(e, emit_i64(e, to->key.pc), MMU_FETCH);
  value tag = LLVMBuildLoad2(e->b, e->i64, entry, "");
  value page = emit_i64(e, to->key.pc & MMU_PAGE_MASK);
  branch_if(e, LLVMBuildICmp(e->b, LLVMIntEQ, tag, page, ""), same_page, no, e->likely);
  begin(e, same_page);
  value frame = numbered(e, 'f', to->block);
  branch_if(e, LLVMBuildICmp(e->b, LLVMIntEQ, entry_addend(e, entry), frame, ""), yes, no, e->likely);
  begin(e, yes);
}

static void take_exit(struct emitter *e, unsigned exit, int32_t refund) {
  int to = e->node->to[exit];
  if (refund) set_budget(e, LLVMBuildAdd(e->b, get_budget(e), emit_i64(e, (uint64_t)refund), ""));
  if (to != REGION_NONE && !e->node->check_to[exit]) {
    LLVMBuildBr(e->b, e->head[to]);
    return;
  }
  if (to != REGION_NONE) {
    LLVMBasicBlockRef no = new_block(e);
    check_frame(e, &e->s->node[to], no);
    LLVMBuildBr(e->b, e->head[to]);
    begin(e, no);
  }
  leave_through(e, exit);
}

static void exit_to_register(struct emitter *e, value pc) {
  int to = e->node->returns;
  if (to != REGION_NONE) {
    LLVMBasicBlockRef yes = new_block(e), no = new_block(e);
    const struct region_node *n = &e->s->node[to];
    branch_if(e, LLVMBuildICmp(e->b, LLVMIntEQ, pc, emit_i64(e, n->key.pc), ""), yes, no, e->likely);
    begin(e, yes);
    if (e->node->check_returns) check_frame(e, n, no);
    LLVMBuildBr(e->b, e->head[to]);
    begin(e, no);
  }
  look_up(e, pc);
}

/* --- helpers and faults --- */

/* What C must find in the cpu. */
static void say_where(struct emitter *e, unsigned at) {
  set_field(e, get_budget(e), offsetof(struct jit_cpu, budget));
  set_field(e, numbered(e, 'b', e->node->block), offsetof(struct jit_cpu, block));
  set_field(e, LLVMConstInt(e->i32, at, 0), offsetof(struct jit_cpu, at));
}

static void if_trouble(struct emitter *e) {
  LLVMBasicBlockRef bad = new_block(e), good = new_block(e);
  value trouble = get_field(e, e->i32, offsetof(struct jit_cpu, trouble));
  branch_if(e, LLVMBuildICmp(e->b, LLVMIntEQ, trouble, LLVMConstInt(e->i32, 0, 0), ""), good, bad, e->likely);
  begin(e, bad);
  jump_to_shared(e, "trouble", NULL);
  begin(e, good);
}

/* The host instruction that faults, in the way of a call. */
static void take_trap(struct emitter *e) {
  unsigned id = LLVMLookupIntrinsicID("llvm.readcyclecounter", 21);
  value counter = LLVMGetIntrinsicDeclaration(e->module, id, NULL, 0);
  value now = LLVMBuildCall2(e->b, LLVMFunctionType(e->i64, NULL, 0, 0), counter, NULL, 0, "");
  set_field(e, now, offsetof(struct jit_cpu, trapped));
  LLVMTypeRef type = LLVMFunctionType(LLVMVoidTypeInContext(e->context), NULL, 0, 0);
  value trap =
      LLVMGetInlineAsm(type, FAULTS_TRAP, sizeof FAULTS_TRAP - 1, "~{memory}", 9, 1, 0, LLVMInlineAsmDialectATT, 0);
  LLVMBuildCall2(e->b, type, trap, NULL, 0, "");
}

static void emit_call(struct emitter *e, const struct jit_op *o) {
  LLVMTypeRef type = LLVMFunctionType(e->i64, (LLVMTypeRef[]){e->ptr, e->i64, e->i64, e->i64}, 4, 0);
  value arg[] = {e->cpu, get(e, o->a), get(e, o->b), get(e, o->c)};
  write_back(e);
  e->dirty = (emit_set){0};
  say_where(e, o->at);
  if (o->op == J_CALL_BY_TRAP) take_trap(e);
  value helper = as_pointer(e, numbered(e, 'h', (unsigned)o->offset));
  value v = LLVMBuildCall2(e->b, type, helper, arg, 4, "");
  if_trouble(e);
  set_budget(e, get_field(e, e->i64, offsetof(struct jit_cpu, budget)));
  read_slots(e);
  for (unsigned i = 0; i < e->caches; i++) {
    e->cache[i].hopeful = false;
    LLVMBuildStore(e->b, emit_i64(e, NO_PAGE), e->cache[i].tag);
  }
  put(e, o->d, v);
}

static void emit_raise_if(struct emitter *e, const struct jit_op *o) {
  LLVMBasicBlockRef raise = new_block(e), on = new_block(e);
  value fine = LLVMBuildICmp(e->b, LLVMIntEQ, get(e, o->a), emit_i64(e, 0), "");
  branch_if(e, fine, on, raise, e->likely);
  begin(e, raise);
  call_out(e, "raise", emit_i64(e, (uint64_t)o->offset), where(e, o->at, 0), emit_i64(e, 0));
  LLVMBuildUnreachable(e->b);
  begin(e, on);
}

/* What always happens, as in a system call, is not rare. */
static void emit_raise(struct emitter *e, const struct jit_op *o) {
  LLVMTypeRef type = LLVMFunctionType(LLVMVoidTypeInContext(e->context), (LLVMTypeRef[]){e->ptr, e->i32}, 2, 0);
  value arg[] = {e->cpu, LLVMConstInt(e->i32, (uint64_t)o->offset, 0)};
  write_back(e);
  say_where(e, o->at);
  LLVMBuildCall2(e->b, type, symbol(e, "guest_raise"), arg, 2, "");
  jump_to_shared(e, "trouble", NULL);
}

/* --- memory --- */

static struct emit_cache *cache_of(struct emitter *e, const struct emit_access *a) {
  int slot = emit_slot_at(e, a->o->a);
  if (slot < 0) return NULL;
  for (unsigned i = 0; i < e->caches; i++)
    if (e->cache[i].slot == slot && e->cache[i].kind == a->kind) return &e->cache[i];
  return NULL;
}

static LLVMTypeRef memory_type(struct emitter *e, unsigned size) {
  return size == 1 ? e->i8 : size == 2 ? e->i16 : size == 4 ? e->i32 : e->i64;
}

static value swapped(struct emitter *e, value v) {
  LLVMTypeRef t = LLVMTypeOf(v);
  unsigned id = LLVMLookupIntrinsicID("llvm.bswap", sizeof "llvm.bswap" - 1);
  LLVMValueRef f = LLVMGetIntrinsicDeclaration(e->module, id, &t, 1);
  return LLVMBuildCall2(e->b, LLVMIntrinsicGetType(e->context, id, &t, 1), f, &v, 1, "");
}

/* The slow path. Afterwards memory was accessed, or the region is left. Returns what a load yields. */
static value access_slowly(struct emitter *e, const struct emit_access *a, value va, value stored) {
  value v =
      call_out(e, stored ? "slow_store" : "slow_load", va, where(e, a->o->at, a->op), stored ? stored : emit_i64(e, 0));
  set_budget(e, get_field(e, e->i64, offsetof(struct jit_cpu, budget))); /* devices take time */
  return v;
}

/* Is va in linear memory, and aligned? Its host address then, in the block the builder is left in; see struct
 * jit_linear.
 */
static value linear_address(struct emitter *e, unsigned size, value va, LLVMBasicBlockRef no) {
  LLVMBuilderRef u = e->b;
  unsigned k = (unsigned)__builtin_ctz(size);
  value offset = LLVMBuildSub(u, va, emit_i64(e, JIT_LINEAR_VA), ""), x = offset;
  if (k) x = LLVMBuildOr(u, LLVMBuildLShr(u, x, emit_i64(e, k), ""), LLVMBuildShl(u, x, emit_i64(e, 64 - k), ""), "");
  value limit = get_field(e, e->i64, offsetof(struct jit_cpu, linear.limit) + k * sizeof(uint64_t));
  LLVMBasicBlockRef yes = new_block(e);
  branch_if(e, LLVMBuildICmp(u, LLVMIntULT, x, limit, ""), yes, no, e->likely);
  begin(e, yes);
  if (e->linear == JIT_LINEAR_OPEN) {
    value page = LLVMBuildLShr(u, offset, emit_i64(e, MMU_PAGE_BITS), "");
    value open = LLVMBuildIntToPtr(
        u, LLVMBuildAdd(u, get_field(e, e->i64, offsetof(struct jit_cpu, linear.open)), page, ""), e->ptr, "");
    LLVMBasicBlockRef is_open = new_block(e);
    value byte = LLVMBuildLoad2(u, e->i8, open, "");
    branch_if(e, LLVMBuildICmp(u, LLVMIntNE, byte, LLVMConstInt(e->i8, 0, false), ""), is_open, no, e->likely);
    begin(e, is_open);
  }
  value host = get_field(e, e->i64, offsetof(struct jit_cpu, linear.host));
  return LLVMBuildAdd(u, host, offset, "");
}

/* Find out where the page of an access is in the host: its addend, in the block the builder is left in. */
static value host_addend(struct emitter *e, const struct emit_access *a, value va, LLVMBasicBlockRef slow) {
  LLVMBuilderRef u = e->b;
  struct emit_cache *c = cache_of(e, a);
  uint64_t part = e->s->lines ? -(UINT64_C(1) << JIT_LINE_BITS) : MMU_PAGE_MASK;
  value page = LLVMBuildAnd(u, va, emit_i64(e, part | (a->size - 1)), ""), cached = NULL;
  LLVMBasicBlockRef before = NULL, look = NULL, found = new_block(e), hit = c && c->hopeful ? new_block(e) : NULL;
  if (hit) {
    look = new_block(e);
    cached = LLVMBuildLoad2(u, e->i64, c->addend, "");
    before = LLVMGetInsertBlock(u);
    value tag = LLVMBuildLoad2(u, e->i64, c->tag, "");
    branch_if(e, LLVMBuildICmp(u, LLVMIntEQ, page, tag, ""), hit, look, e->likely);
    begin(e, look);
  }
  value entry = e->s->lines ? line_entry(e, va, a->kind) : tlb_entry(e, va, a->kind);
  value tag = LLVMBuildLoad2(u, e->i64, entry, "");
  branch_if(e, LLVMBuildICmp(u, LLVMIntEQ, tag, page, ""), found, slow, e->likely);
  begin(e, found);
  value addend = entry_addend(e, entry);
  if (c) {
    LLVMBuildStore(u, page, c->tag);
    LLVMBuildStore(u, addend, c->addend);
    c->hopeful = true;
  }
  if (!hit) return addend;
  LLVMBuildBr(u, hit);
  begin(e, hit);
  value phi = LLVMBuildPhi(u, e->i64, "");
  LLVMAddIncoming(phi, (value[]){cached, addend}, (LLVMBasicBlockRef[]){before, found}, 2);
  return phi;
}

/* The host address of an access, in the block the builder is left in. */
static value host_address(struct emitter *e, const struct emit_access *a, value va, LLVMBasicBlockRef slow) {
  if (a->kind != MMU_READ || !e->linear || e->s->lines) return LLVMBuildAdd(e->b, va, host_addend(e, a, va, slow), "");
  LLVMBasicBlockRef otherwise = new_block(e), known = new_block(e), from[2];
  value at[2];
  at[0] = linear_address(e, a->size, va, otherwise);
  from[0] = LLVMGetInsertBlock(e->b);
  LLVMBuildBr(e->b, known);
  begin(e, otherwise);
  at[1] = LLVMBuildAdd(e->b, va, host_addend(e, a, va, slow), "");
  from[1] = LLVMGetInsertBlock(e->b);
  LLVMBuildBr(e->b, known);
  begin(e, known);
  value phi = LLVMBuildPhi(e->b, e->i64, "");
  LLVMAddIncoming(phi, at, from, 2);
  return phi;
}

/* A guest address that is not aligned is always an address error: leave. */
static void check_alignment(struct emitter *e, const struct emit_access *a, value va, value stored) {
  if (a->size == 1) return;
  LLVMBasicBlockRef bad = new_block(e), good = new_block(e);
  value low = LLVMBuildAnd(e->b, va, emit_i64(e, a->size - 1), "");
  branch_if(e, LLVMBuildICmp(e->b, LLVMIntEQ, low, emit_i64(e, 0), ""), good, bad, e->likely);
  begin(e, bad);
  access_slowly(e, a, va, stored);
  LLVMBuildUnreachable(e->b);
  begin(e, good);
}

/* Where the view has va = base + offset. What is too far off is in its guards, or goes to `slow`. */
static value view_address(struct emitter *e, value base, value va, value offset, LLVMBasicBlockRef slow) {
  LLVMBuilderRef u = e->b;
  if (e->s->view == 32) {
    base = LLVMBuildZExt(u, LLVMBuildTrunc(u, base, e->i32, ""), e->i64, "");
  } else {
    LLVMBasicBlockRef inside = new_block(e);
    value beyond = LLVMBuildLShr(u, va, emit_i64(e, e->s->view), "");
    branch_if(e, LLVMBuildICmp(u, LLVMIntEQ, beyond, emit_i64(e, 0), ""), inside, slow, e->likely);
    begin(e, inside);
  }
  value at = LLVMBuildInBoundsGEP2(u, e->i8, e->view, &base, 1, "");
  return LLVMBuildInBoundsGEP2(u, e->i8, at, &offset, 1, "");
}

/* One host instruction that accesses a view, noted as one that may fault; control goes to `slow` then. The result of a
 * load has 32 bits, or all 64. */
static value access_view(struct emitter *e, const struct emit_access *a, value at, value stored,
                         LLVMBasicBlockRef slow) {
  static const char *const load[] = {"movzbl", "movzwl", "movl", "movq"}, *const load_sign[] = {"movsbl", "movswl"};
  static const char store[] = "bwlq";
  unsigned k = (unsigned)__builtin_ctz(a->size);
  char text[200], insn[8];
  if (stored)
    snprintf(insn, sizeof insn, "mov%c", store[k]);
  else
    snprintf(insn, sizeof insn, "%s", a->sign && k < 2 && !a->swap ? load_sign[k] : load[k]);
  int n = snprintf(text, sizeof text,
                   "1: %s $1, $0\n.pushsection " REGION_FAULTS ",\"a\",@progbits\n.quad 1b, ${2:l}\n.popsection", insn);
  const char *constraints = !stored ? "=r,*m,!i" : a->size == 8 ? "=*m,r,!i" : "=*m,ri,!i";
  LLVMTypeRef result = stored   ? LLVMVoidTypeInContext(e->context)
                       : k == 3 ? e->i64
                                : e->i32,
              of = memory_type(e, a->size);
  LLVMTypeRef type = LLVMFunctionType(result, (LLVMTypeRef[]){e->ptr, of}, stored ? 2 : 1, 0);
  value code =
      LLVMGetInlineAsm(type, text, (size_t)n, constraints, strlen(constraints), 1, 0, LLVMInlineAsmDialectATT, 0);
  LLVMBasicBlockRef fast = new_block(e);
  value args[] = {at, stored};
  value v = LLVMBuildCallBr(e->b, type, code, fast, &slow, 1, args, stored ? 2 : 1, NULL, 0, "");
  unsigned kind = LLVMGetEnumAttributeKindForName("elementtype", 11);
  LLVMAddCallSiteAttribute(v, 1, LLVMCreateTypeAttribute(e->context, kind, of));
  begin(e, fast);
  return v;
}

/* What a load yields, from what was read: 64 bits. */
static value extended(struct emitter *e, const struct emit_access *a, value v) {
  if (a->swap) v = swapped(e, LLVMBuildTrunc(e->b, v, memory_type(e, a->size), ""));
  if (a->size == 8) return v;
  return LLVMBuildCast(e->b, a->sign ? LLVMSExt : LLVMZExt, v, e->i64, "");
}

static void make_access(struct emitter *e, const struct emit_access *a) {
  LLVMBuilderRef u = e->b;
  LLVMBasicBlockRef slow = new_block(e), done = new_block(e);
  LLVMTypeRef type = memory_type(e, a->size);
  value base = get(e, a->o->a), offset = emit_i64(e, (uint64_t)(int64_t)a->o->offset), v = NULL;
  value stored = a->kind == MMU_WRITE ? get(e, a->o->b) : NULL, narrow = stored;
  value va = a->o->offset ? LLVMBuildAdd(u, base, offset, "") : base;
  if (stored && a->size < 8) narrow = LLVMBuildTrunc(u, stored, type, "");
  if (stored && a->swap) narrow = swapped(e, narrow);
  if (a->conditional) {
    LLVMBasicBlockRef yes = new_block(e);
    branch_if(e, LLVMBuildICmp(u, LLVMIntNE, get(e, a->o->c), emit_i64(e, 0), ""), yes, done, e->likely);
    begin(e, yes);
  }
  if (a->kind == MMU_FETCH) {
    host_addend(e, a, va, slow);
    set_field(e, va, offsetof(struct jit_cpu, fetched));
    v = emit_i64(e, 0);
  } else if (e->view) {
    check_alignment(e, a, va, stored);
    v = access_view(e, a, view_address(e, base, va, offset, slow), narrow, slow);
    if (!stored) v = extended(e, a, v);
  } else {
    value at = as_pointer(e, host_address(e, a, va, slow));
    if (stored) {
      LLVMSetAlignment(LLVMBuildStore(u, narrow, at), a->size);
    } else {
      v = LLVMBuildLoad2(u, type, at, "");
      LLVMSetAlignment(v, a->size);
      v = extended(e, a, v);
    }
  }
  LLVMBasicBlockRef fast = LLVMGetInsertBlock(u);
  LLVMBuildBr(u, done);
  begin(e, slow);
  value slow_v = access_slowly(e, a, va, stored);
  LLVMBasicBlockRef slow_end = LLVMGetInsertBlock(u);
  LLVMBuildBr(u, done);
  begin(e, done);
  if (stored) return;
  value phi = LLVMBuildPhi(u, e->i64, "");
  LLVMAddIncoming(phi, (value[]){v, slow_v}, (LLVMBasicBlockRef[]){fast, slow_end}, 2);
  put(e, a->o->d, phi);
}

/* --- operations --- */

static void emit_branch(struct emitter *e, const struct jit_op *o, value condition) {
  LLVMBasicBlockRef taken = new_block(e), on = new_block(e);
  branch_if(e, condition, taken, on, NULL);
  begin(e, taken);
  take_exit(e, o->c, o->offset);
  begin(e, on);
}

/* Change half of a slot; of a temporary nobody wants the other half. */
static void put_half(struct emitter *e, uint16_t offset, value v) {
  LLVMBuilderRef u = e->b;
  bool high = offset & 4;
  uint16_t whole = offset & (uint16_t)~7u;
  if (in_place(e, offset)) {
    set_field(e, LLVMBuildTrunc(u, v, e->i32, ""), offset);
    return;
  }
  value old = emit_slot_at(e, whole) >= 0 || e->temp[temp_at(whole)] ? get(e, whole) : emit_i64(e, 0);
  v = high ? LLVMBuildShl(u, v, emit_i64(e, 32), "") : LLVMBuildAnd(u, v, emit_i64(e, UINT32_MAX), "");
  old = LLVMBuildAnd(u, old, emit_i64(e, high ? UINT32_MAX : (uint64_t)UINT32_MAX << 32), "");
  put(e, whole, LLVMBuildOr(u, old, v, ""));
}

static void emit_get_half(struct emitter *e, const struct jit_op *o) {
  if (in_place(e, o->a))
    put(e, o->d, get_word(e, o->a));
  else
    put(e, o->d, LLVMBuildAnd(e->b, get(e, o->a), emit_i64(e, UINT32_MAX), ""));
}

static void set_noted(struct emitter *e, const value *raw, unsigned operands) {
  for (unsigned i = 0; i < operands; i++) set_field(e, raw[i], offsetof(struct jit_cpu, fp.a) + 8 * i);
}

static void emit_fpu(struct emitter *e, const struct jit_op *o, enum ir_opcode op) {
  LLVMBuilderRef u = e->b;
  unsigned operands = (unsigned)ir_opinfo[op].form, bytes;
  bool noted = emit_is_noted(op);
  value raw[3] = {get(e, o->a), operands > 1 ? get(e, o->b) : NULL, operands > 2 ? get(e, o->c) : NULL}, good;
  value r = emit_floating(e, op, raw, &good, &bytes);
  LLVMBasicBlockRef fast = new_block(e), slow = new_block(e), done = new_block(e);
  if (noted) {
    value ready = get_field(e, e->i32, offsetof(struct jit_cpu, fp.ready));
    ready = LLVMBuildICmp(u, LLVMIntNE, ready, LLVMConstInt(e->i32, 0, 0), "");
    LLVMBasicBlockRef is_ready = new_block(e);
    branch_if(e, ready, is_ready, slow, e->likely);
    begin(e, is_ready);
  }
  branch_if(e, good, fast, slow, e->likely);
  begin(e, fast);
  if (!(o->hint & JIT_UNNOTED)) {
    uint32_t last = noted ? (uint32_t)o->offset : JIT_FP_EXACT;
    if (noted) set_noted(e, raw, operands);
    set_field(e, LLVMConstInt(e->i32, last, 0), offsetof(struct jit_cpu, fp.last));
  }
  if (bytes == 4) r = LLVMBuildZExt(u, r, e->i64, "");
  LLVMBuildBr(u, done);
  begin(e, slow);
  set_noted(e, raw, operands);
  value slow_r = call_out(e, "slow_fpu", emit_i64(e, (uint64_t)o->offset), where(e, o->at, op), emit_i64(e, 0));
  LLVMBuildBr(u, done);
  begin(e, done);
  value phi = LLVMBuildPhi(u, e->i64, "");
  LLVMAddIncoming(phi, (value[]){r, slow_r}, (LLVMBasicBlockRef[]){fast, slow}, 2);
  if (bytes == 4)
    put_half(e, o->d, phi);
  else
    put(e, o->d, phi);
}

static void emit_tally(struct emitter *e, const struct jit_op *o) {
  value index = emit_i64(e, (uint64_t)o->imm), all = get_field(e, e->ptr, offsetof(struct jit_cpu, tally));
  value at = LLVMBuildInBoundsGEP2(e->b, e->i64, all, &index, 1, "");
  LLVMBuildStore(e->b, LLVMBuildAdd(e->b, LLVMBuildLoad2(e->b, e->i64, at, ""), emit_i64(e, 1), ""), at);
}

static void emit_meaning_of(struct emitter *e, const struct jit_op *o, enum ir_opcode op, enum emit_form form) {
  struct emit_access access = emit_access_of(o, op);
  if (access.size) {
    make_access(e, &access);
    return;
  }
  if (ir_opinfo[op].class == IR_CLASS_FPU) {
    emit_fpu(e, o, op);
    return;
  }
  enum ir_form operands = ir_opinfo[op].form;
  value a = get(e, o->a), b = NULL, c = NULL;
  if (operands >= IR_FORM_VV) b = form == EMIT_IMMEDIATE ? emit_i64(e, (uint64_t)o->imm) : get(e, o->b);
  if (operands == IR_FORM_VVV) c = get(e, o->c);
  if (form == EMIT_BRANCH)
    emit_branch(e, o, emit_condition(e, op, a, b));
  else
    put(e, o->d, emit_pure(e, op, a, b, c));
}

static void emit_op(struct emitter *e, const struct jit_op *o) {
  enum emit_form form;
  enum ir_opcode op = emit_meaning(o->op, &form);
  if (op != IR_OPCODES) {
    emit_meaning_of(e, o, op, form);
  } else {
    switch (o->op) {
    case J_MOV: put(e, o->d, get(e, o->a)); break;
    case J_MOVI: put(e, o->d, emit_i64(e, (uint64_t)o->imm)); break;
    case J_GET32: emit_get_half(e, o); break;
    case J_SET32: put_half(e, o->d, get(e, o->a)); break;
    case J_CALL:
    case J_CALL_BY_TRAP: emit_call(e, o); break;
    case J_TALLY: emit_tally(e, o); break;
    case J_RAISE: emit_raise(e, o); break;
    case J_RAISE_IF: emit_raise_if(e, o); break;
    case J_EXIT_IF: {
      value zero = emit_i64(e, 0);
      emit_branch(e, o, LLVMBuildICmp(e->b, LLVMIntNE, get(e, o->a), zero, ""));
      break;
    }
    case J_EXIT: take_exit(e, o->c, 0); break;
    case J_EXIT_REG: exit_to_register(e, get(e, o->a)); break;
    case J_EXIT_REG_STOP: {
      value pc = get(e, o->a);
      write_back(e);
      jump_to_shared(e, "go_on", pc);
      break;
    }
    case J_EXIT_STOP:
      write_back(e);
      jump_to_shared(e, "go_on", emit_i64(e, (uint64_t)o->imm));
      break;
    case J_EXIT_PC:
      write_back(e);
      jump_to_shared(e, "go_on_at_pc", NULL);
      break;
    default: assert(!"an operation without a case");
    }
  }
  if (emit_has_result(o)) judge_cache(e, o);
}

/* Leave unless there is budget for all that can be run before the next check. Whoever goes on from there looks closer.
 */
static void check_budget(struct emitter *e, unsigned need) {
  LLVMBasicBlockRef fits = new_block(e), late = new_block(e);
  value enough = LLVMBuildICmp(e->b, LLVMIntSGE, get_budget(e), emit_i64(e, need), "");
  branch_if(e, enough, fits, late, e->likely);
  begin(e, late);
  call_out(e, "leave", emit_i64(e, 0), where(e, 0, 0), emit_i64(e, 0));
  LLVMBuildUnreachable(e->b);
  begin(e, fits);
}

static void emit_node(struct emitter *e, unsigned n) {
  e->node = &e->s->node[n];
  e->dirty = e->in[n];
  e->rest = e->longest[n] - e->node->shape.insns;
  memset(e->temp, 0, sizeof e->temp);
  e->even = e->even_at[n];
  for (unsigned i = 0; i < e->caches; i++) e->cache[i].hopeful = e->cache[i].steady;
  begin(e, e->head[n]);
  if (e->need[n]) check_budget(e, e->need[n]);
  set_budget(e, LLVMBuildSub(e->b, get_budget(e), emit_i64(e, e->node->shape.insns), ""));
  for (unsigned i = 0; i < e->node->ops; i++) emit_op(e, &e->s->code[e->node->code + i]);
}

/* --- the whole --- */

static void make_variables(struct emitter *e) {
  for (unsigned i = 0; i < e->g->slots; i++) {
    struct emit_var *v = &e->var[i];
    if (v->used) v->at = LLVMBuildAlloca(e->b, v->narrow ? e->i32 : e->i64, "");
  }
  for (unsigned k = 0; k < e->caches; k++) {
    e->cache[k].tag = LLVMBuildAlloca(e->b, e->i64, "");
    e->cache[k].addend = LLVMBuildAlloca(e->b, e->i64, "");
    LLVMBuildStore(e->b, emit_i64(e, NO_PAGE), e->cache[k].tag);
    LLVMBuildStore(e->b, emit_i64(e, 0), e->cache[k].addend);
  }
}

static void make_function(struct emitter *e) {
  LLVMTypeRef arg[ARGUMENTS];
  for (int i = 0; i < ARGUMENTS; i++) arg[i] = e->i64;
  arg[ARG_CPU] = e->ptr;
  e->region_type = LLVMFunctionType(e->i64, arg, ARGUMENTS, 0);
  e->fn = LLVMAddFunction(e->module, "region", e->region_type);
  LLVMSetFunctionCallConv(e->fn, PRESERVE_NONE);
  unsigned nounwind = LLVMGetEnumAttributeKindForName("nounwind", 8);
  LLVMAddAttributeAtIndex(e->fn, (LLVMAttributeIndex)LLVMAttributeFunctionIndex,
                          LLVMCreateEnumAttribute(e->context, nounwind, 0));
  e->cpu = LLVMGetParam(e->fn, ARG_CPU);
  LLVMSetGC(e->fn, "statepoint-example");
  LLVMTypeRef fixed[] = {e->i64, e->i32, e->ptr, e->i32, e->i32}, token = LLVMTokenTypeInContext(e->context);
  unsigned id = LLVMLookupIntrinsicID("llvm.experimental.gc.statepoint", 31);
  e->statepoint = LLVMGetIntrinsicDeclaration(e->module, id, &e->ptr, 1);
  e->statepoint_type = LLVMFunctionType(token, fixed, 5, 1);
  id = LLVMLookupIntrinsicID("llvm.experimental.gc.result", 27);
  e->result = LLVMGetIntrinsicDeclaration(e->module, id, &e->i64, 1);
  e->result_type = LLVMFunctionType(e->i64, &token, 1, 0);
}

void emit_region(struct emitter *e, const struct region_source *s) {
  e->s = s;
  e->linear = e->g->linear ? e->g->linear(s->node[0].key.mode) : JIT_LINEAR_NO;
  e->view = NULL;
  make_function(e);
  begin(e, new_block(e));
  e->budget = LLVMBuildAlloca(e->b, e->i64, "");
  set_budget(e, LLVMGetParam(e->fn, ARG_BUDGET));
  emit_plan(e);
  make_variables(e);
  /* No context gets or loses its view while a region runs. */
  if (s->view) e->view = get_field(e, e->ptr, offsetof(struct jit_cpu, tlb.view));
  read_slots(e);
  for (unsigned n = 0; n < s->nodes; n++) e->head[n] = new_block(e);
  LLVMBuildBr(e->b, e->head[0]);
  for (unsigned n = 0; n < s->nodes; n++) emit_node(e, n);
}
