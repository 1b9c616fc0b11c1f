/* monitor/guestcall.c: functions of a guest's kernel, called by the host as if they were its own. */
/* SPDX-License-Identifier: Apache-2.0 */
/* A libffi closure per function. The vcpu that ran last is lent for the call: registers are set as the guest's ABI has
 * them, what pointers lead to is copied to its stack, and it runs until the function returns to a few words in the boot
 * flash that store to MON_RETURN_GPA. Then it has its registers back. Interrupts are off meanwhile. */
#include "monitor/hostcall.h"
#include "monitor/moncall.h"
#include <ffi.h>
#include <stdlib.h>
#include <string.h>

struct mon_guest_function {
  struct mon_guest_function *next;
  struct mb_vm *vm;
  struct mon_signature signature;
  uint64_t at;
  ffi_cif cif;
  ffi_type *type[MON_HOST_ARGS];
  ffi_closure *closure;
  void (*code)(void);
};

enum { A0 = 4, V0 = 2, V1 = 3, T9 = 25, SP = 29, RA = 31, APART = 64, IMAGE = 8 * MON_HOST_ARGS + 32 };

/* What is lent, and given back. */
struct lent {
  struct cpu *cpu;
  uint64_t gpr[32], hi, lo, pc, limit;
  uint32_t status;
  bool waiting;
  enum mb_stop why;
};

struct frame_image { /* arguments as they lie in memory */
  uint8_t bytes[IMAGE];
  unsigned used;
  uint64_t sp; /* below all that has been copied */
};

static bool is_wide(const struct mb_vm *vm) {
  return vm->is64;
}

static void put(const struct mb_vm *vm, uint8_t *to, uint64_t v, unsigned n) {
  bool big = vm->config.endian == MB_ENDIAN_BIG;
  for (unsigned i = 0; i < n; i++) to[big ? n - 1 - i : i] = (uint8_t)(v >> 8 * i);
}
static uint64_t get(const struct mb_vm *vm, const uint8_t *from, unsigned n) {
  bool big = vm->config.endian == MB_ENDIAN_BIG;
  uint64_t v = 0;
  for (unsigned i = 0; i < n; i++) v = v << 8 | from[big ? i : n - 1 - i];
  return v;
}

static void add(const struct mb_vm *vm, struct frame_image *f, uint64_t v, unsigned bytes) {
  unsigned own = is_wide(vm) ? 8 : 4, slot = bytes > own ? bytes : own;
  f->used = (f->used + slot - 1) & ~(slot - 1);
  put(vm, f->bytes + f->used, v, slot);
  f->used += slot;
}

/* The value of an integer that libffi points at. */
static uint64_t integer(const ffi_type *type, const void *at) {
  switch (type->type) {
  case FFI_TYPE_SINT8: return (uint64_t) * (const int8_t *)at;
  case FFI_TYPE_UINT8: return *(const uint8_t *)at;
  case FFI_TYPE_SINT16: return (uint64_t) * (const int16_t *)at;
  case FFI_TYPE_UINT16: return *(const uint16_t *)at;
  case FFI_TYPE_SINT32: return (uint64_t)(int64_t) * (const int32_t *)at;
  case FFI_TYPE_UINT32: return *(const uint32_t *)at;
  default: return *(const uint64_t *)at;
  }
}

/* Copy what a host pointer leads to onto the guest's stack. */
static bool copy(struct mb_vm *vm, struct frame_image *f, const void *from, uint64_t n) {
  const struct mon_host_memory m = mon_guest_memory(vm);
  if (n > MON_HOST_STRING) return false;
  f->sp = (f->sp - n) & ~UINT64_C(15);
  return !n || m.write(m.ctx, f->sp, from, n);
}

static bool put_args(const struct mon_guest_function *g, void **args, struct frame_image *f, uint64_t *copied) {
  for (unsigned i = 0; i < g->signature.args; i++) {
    enum mon_host_kind kind = g->signature.arg[i];
    if (kind < MON_HOST_STRING_IN) {
      uint64_t v = integer(g->type[i], args[i]);
      if (kind == MON_HOST_U32) v = (uint64_t)(int64_t)(int32_t)v; /* in registers all of 32 bits is sign-extended */
      add(g->vm, f, v, kind == MON_HOST_S64 || kind == MON_HOST_U64 ? 8 : 4);
      continue;
    }
    const char *p = *(const char **)args[i];
    uint64_t n = kind == MON_HOST_STRING_IN ? strlen(p) + 1 : integer(g->type[i + 1], args[i + 1]);
    if (!copy(g->vm, f, p, n)) return false;
    copied[i] = f->sp;
    add(g->vm, f, f->sp, 4);
  }
  return true;
}

static bool get_back(const struct mon_guest_function *g, void **args, const uint64_t *copied) {
  const struct mon_host_memory m = mon_guest_memory(g->vm);
  for (unsigned i = 0; i < g->signature.args; i++) {
    uint64_t n = g->signature.arg[i] == MON_HOST_INOUT ? integer(g->type[i + 1], args[i + 1]) : 0;
    if (n && !m.read(m.ctx, copied[i], *(void **)args[i], n)) return false;
  }
  return true;
}

static void borrow(struct mb_vm *vm, struct lent *l) {
  struct cpu *c = l->cpu = mon_cpu(vm);
  memcpy(l->gpr, c->gpr, sizeof l->gpr);
  l->hi = c->hi, l->lo = c->lo, l->pc = c->j.pc, l->status = c->cp0.status, l->waiting = c->waiting;
  l->limit = vm->limit, l->why = vm->why;
  vm->limit = UINT64_MAX;
  c->waiting = false;
  c->ll_bit = 0;
  c->cp0.status &= ~(uint32_t)ST_IE;
  mips_look_at_interrupts(c);
}

static void give_back(struct mb_vm *vm, const struct lent *l) {
  struct cpu *c = l->cpu;
  memcpy(c->gpr, l->gpr, sizeof l->gpr);
  c->hi = l->hi, c->lo = l->lo, c->j.pc = l->pc, c->waiting = l->waiting;
  c->cp0.status = l->status;
  c->dead = NULL; /* it was not; in the boot flash it is, behind the store */
  c->ll_bit = 0;
  mips_mode_changed(c);
  mips_look_at_interrupts(c);
  vm->limit = l->limit;
  vm->why = l->why;
}

/* Registers and stack as the ABI has them. */
static bool enter(const struct mon_guest_function *g, struct cpu *c, struct frame_image *f) {
  const struct mon_host_memory m = mon_guest_memory(g->vm);
  unsigned own = is_wide(g->vm) ? 8 : 4, regs = is_wide(g->vm) ? 8 : 4;
  for (unsigned i = 0; i < regs; i++)
    c->gpr[A0 + i] =
        own == 8 ? get(g->vm, f->bytes + 8 * i, 8) : (uint64_t)(int64_t)(int32_t)get(g->vm, f->bytes + 4 * i, 4);
  /* o32 has room on the stack for what is in registers, n64 has not */
  unsigned skip = own == 8 ? regs * own : 0;
  f->sp = (f->sp - IMAGE) & ~UINT64_C(15);
  c->gpr[SP] = f->sp;
  c->gpr[RA] = MON_ROM_VA + MON_ROM_RETURN;
  c->gpr[T9] = c->j.pc = g->at;
  return m.write(m.ctx, f->sp, f->bytes + skip, IMAGE - skip);
}

static uint64_t result_of(const struct mon_guest_function *g, const struct cpu *c) {
  uint64_t low = c->gpr[V0], high = c->gpr[V1];
  enum mon_host_kind kind = g->signature.result;
  if (is_wide(g->vm)) return low;
  if (kind == MON_HOST_ULONG) return (uint32_t)low;
  if (kind != MON_HOST_S64 && kind != MON_HOST_U64) return low;
  return g->vm->config.endian == MB_ENDIAN_BIG ? low << 32 | (uint32_t)high : high << 32 | (uint32_t)low;
}

static int call(struct mon_guest_function *g, void **args, uint64_t *result) {
  struct mb_vm *vm = g->vm;
  struct frame_image f = {.sp = mon_cpu(vm)->gpr[SP] - APART};
  uint64_t copied[MON_HOST_ARGS];
  struct lent l;
  if (!vm->started || !mon_may_go_on(vm) || mon_cpu(vm)->dead)
    return mon_fail(vm->error, MB_ERR_STATE, "%s cannot be called: the VM does not run", g->signature.name);
  if ((mon_cpu(vm)->j.mode & MODE_PRIV) != MMU_KERNEL)
    return mon_fail(vm->error, MB_ERR_STATE, "%s cannot be called: the guest is not in its kernel", g->signature.name);
  borrow(vm, &l);
  int code = MB_OK;
  if (!put_args(g, args, &f, copied) || !enter(g, l.cpu, &f))
    code = mon_fail(vm->error, MB_ERR_STATE, "%s cannot be called: the guest has no stack for it", g->signature.name);
  if (!code) {
    vm->calling = true;
    do mb_machine_run(vm->machine);
    while (vm->calling && vm->why == MB_STOP_TOGETHER);
    bool returned = !vm->calling;
    vm->calling = false;
    if (!returned) {
      vm->limit = l.limit;
      return mon_fail(vm->error, MB_ERR_STATE, "%s did not return: %s", g->signature.name, mb_stop_text(vm));
    }
    *result = result_of(g, l.cpu);
    if (!get_back(g, args, copied)) code = mon_fail(vm->error, MB_ERR_STATE, "the guest's stack is gone");
  }
  give_back(vm, &l);
  return code;
}

static void closure(ffi_cif *cif, void *to, void **args, void *ctx) {
  struct mon_guest_function *g = ctx;
  uint64_t v = 0;
  (void)cif;
  g->vm->call_failed = call(g, args, &v);
  if (g->signature.result != MON_HOST_VOID) *(ffi_arg *)to = v;
}

int mb_guest_call_failed(const struct mb_vm *vm) {
  return vm->call_failed;
}

static int check(struct mb_vm *vm, struct mon_guest_function *g) {
  if (!mb_symbol_find(vm, g->signature.name, &g->at))
    return mon_fail(vm->error, MB_ERR_ARGUMENT, "the guest has no function %s, or no symbols", g->signature.name);
  bool real = g->signature.result == MON_HOST_F32 || g->signature.result == MON_HOST_F64;
  for (unsigned i = 0; i < g->signature.args; i++)
    real |= g->signature.arg[i] == MON_HOST_F32 || g->signature.arg[i] == MON_HOST_F64;
  return real ? mon_fail(vm->error, MB_ERR_ARGUMENT, "%s: kernels pass no floating point", g->signature.name) : MB_OK;
}

static void free_function(struct mon_guest_function *g) {
  if (g->closure) ffi_closure_free(g->closure);
  free(g);
}

int mb_guest_function(struct mb_vm *vm, const char *signature, void (**out)(void)) {
  struct mon_guest_function *g = calloc(1, sizeof *g);
  *out = NULL;
  if (!g) return mon_fail(vm->error, MB_ERR_MEMORY, "out of memory");
  g->vm = vm;
  int code = mon_signature_parse(&g->signature, signature, vm->error);
  if (!code) code = check(vm, g);
  for (unsigned i = 0; i < g->signature.args; i++) g->type[i] = mon_host_type(g->signature.arg[i]);
  if (!code) {
    void *at = NULL;
    g->closure = ffi_closure_alloc(sizeof *g->closure, &at);
    if (!g->closure ||
        ffi_prep_cif(&g->cif, FFI_DEFAULT_ABI, g->signature.args, mon_host_type(g->signature.result), g->type) ||
        ffi_prep_closure_loc(g->closure, &g->cif, closure, g, at))
      code = mon_fail(vm->error, MB_ERR_MEMORY, "out of memory for a function");
    memcpy(out, &at, sizeof at);
  }
  if (code) {
    *out = NULL;
    free_function(g);
    return code;
  }
  g->next = vm->functions;
  vm->functions = g;
  return MB_OK;
}

int mb_guest_call(struct mb_vm *vm, const char *name, const struct mb_value *arg, size_t args, uint64_t *result) {
  char signature[512];
  size_t n = (size_t)snprintf(signature, sizeof signature, "unsigned long %.128s(", name);
  void (*function)(void);
  void *at[MB_CALL_ARGS];
  *result = 0;
  if (args > MB_CALL_ARGS)
    return mon_fail(vm->error, MB_ERR_ARGUMENT, "%s: more than %d arguments", name, MB_CALL_ARGS);
  for (size_t i = 0; i < args; i++) {
    n += (size_t)snprintf(signature + n, sizeof signature - n, "%s%s", i ? ", " : "",
                          arg[i].text ? "const char *" : "unsigned long");
    at[i] = arg[i].text ? (void *)(uintptr_t)&arg[i].text : (void *)(uintptr_t)&arg[i].number;
  }
  snprintf(signature + n, sizeof signature - n, "%s)", args ? "" : "void");
  int code = mb_guest_function(vm, signature, &function);
  return code ? code : call(vm->functions, at, result);
}

void mon_guest_functions_free(struct mb_vm *vm) {
  while (vm->functions) {
    struct mon_guest_function *g = vm->functions;
    vm->functions = g->next;
    free_function(g);
  }
}

static uint64_t return_read(void *ctx, uint32_t off, int size) {
  (void)ctx, (void)off, (void)size;
  return 0;
}
static void return_write(void *ctx, uint32_t off, uint64_t v, int size) {
  struct mb_vm *vm = ctx;
  (void)off, (void)v, (void)size;
  if (!vm->calling) return;
  vm->calling = false;
  mon_stop(vm, MB_STOP_RETURNED);
}

const struct dev_ops mon_return_ops = {"return", return_read, return_write, NULL};
