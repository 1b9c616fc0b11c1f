/* jit/llvm_compile.c: a region through LLVM's passes and code generator, to an object in memory. */
/* SPDX-License-Identifier: Apache-2.0 */
/* The large code model: every address outside of the function is a 64-bit field, which llvm_link.c fills in. */
#include "jit/llvm_emit.h"
#include <assert.h>
#include <llvm-c/Analysis.h>
#include <llvm-c/Error.h>
#include <llvm-c/Target.h>
#include <llvm-c/TargetMachine.h>
#include <llvm-c/Transforms/PassBuilder.h>
#include <llvm/Config/llvm-config.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PASSES "function(mem2reg,early-cse,instcombine<no-verify-fixpoint>,simplifycfg)"

struct jit_llvm {
  const struct jit_guest *guest;
  LLVMTargetMachineRef machine;
  LLVMPassBuilderOptionsRef options;
  char name[4096];
  struct emitter e;
};

bool jit_llvm_present(void) {
  return true;
}

const char *jit_llvm_name(const struct jit_llvm *l) {
  return l->name;
}

static LLVMTargetMachineRef make_machine(char *name, size_t room) {
  LLVMTargetRef target;
  char *error = NULL, *triple = LLVMGetDefaultTargetTriple();
  char *cpu = LLVMGetHostCPUName(), *features = LLVMGetHostCPUFeatures();
  LLVMTargetMachineRef m = NULL;
  if (!LLVMGetTargetFromTriple(triple, &target, &error))
    m = LLVMCreateTargetMachine(target, triple, cpu, features, LLVMCodeGenLevelDefault, LLVMRelocStatic,
                                LLVMCodeModelLarge);
  snprintf(name, room, "%s %s %s %s %s", LLVM_VERSION_STRING, triple, cpu, features, PASSES);
  LLVMDisposeMessage(error);
  LLVMDisposeMessage(triple);
  LLVMDisposeMessage(cpu);
  LLVMDisposeMessage(features);
  return m;
}

/* Slots by offset, so that an operand is understood at once. */
static void index_slots(struct jit_llvm *l) {
  const struct jit_guest *g = l->guest;
  l->e.zero = g->slot[g->zero_slot].offset;
  for (unsigned i = 0; i < g->kept_slots; i++) l->e.index[g->slot[i].offset / 8] = (uint8_t)(i + 1);
}

int jit_llvm_new(struct jit_llvm **out, const struct jit_guest *g) {
  struct jit_llvm *l = calloc(1, sizeof *l);
  *out = NULL;
  if (!l) return -1;
  l->guest = l->e.g = g;
  if (LLVMInitializeNativeTarget() || LLVMInitializeNativeAsmPrinter() || LLVMInitializeNativeAsmParser() ||
      !(l->machine = make_machine(l->name, sizeof l->name))) {
    free(l);
    return JIT_NO_TIER;
  }
  l->options = LLVMCreatePassBuilderOptions();
  index_slots(l);
  *out = l;
  return 0;
}

void jit_llvm_free(struct jit_llvm *l) {
  if (!l) return;
  LLVMDisposePassBuilderOptions(l->options);
  LLVMDisposeTargetMachine(l->machine);
  free(l);
}

static LLVMValueRef weights(struct emitter *e, unsigned yes, unsigned no) {
  LLVMMetadataRef m[] = {LLVMMDStringInContext2(e->context, "branch_weights", 14),
                         LLVMValueAsMetadata(LLVMConstInt(e->i32, yes, 0)),
                         LLVMValueAsMetadata(LLVMConstInt(e->i32, no, 0))};
  return LLVMMetadataAsValue(e->context, LLVMMDNodeInContext2(e->context, m, 3));
}

static void begin_module(struct jit_llvm *l) {
  struct emitter *e = &l->e;
  e->context = LLVMContextCreate();
  e->module = LLVMModuleCreateWithNameInContext("region", e->context);
  e->b = LLVMCreateBuilderInContext(e->context);
  e->i1 = LLVMInt1TypeInContext(e->context);
  e->i8 = LLVMInt8TypeInContext(e->context);
  e->i16 = LLVMInt16TypeInContext(e->context);
  e->i32 = LLVMInt32TypeInContext(e->context);
  e->i64 = LLVMInt64TypeInContext(e->context);
  e->ptr = LLVMPointerTypeInContext(e->context, 0);
  e->prof = LLVMGetMDKindIDInContext(e->context, "prof", 4);
  e->likely = weights(e, 2000, 1);
  LLVMTargetDataRef layout = LLVMCreateTargetDataLayout(l->machine);
  LLVMSetModuleDataLayout(e->module, layout);
  LLVMDisposeTargetData(layout);
  char *triple = LLVMGetTargetMachineTriple(l->machine);
  LLVMSetTarget(e->module, triple);
  LLVMDisposeMessage(triple);
}

static int to_object(struct jit_llvm *l, LLVMModuleRef m, struct jit_object *out) {
  LLVMMemoryBufferRef buffer = NULL;
  char *error = NULL;
  if (LLVMTargetMachineEmitToMemoryBuffer(l->machine, m, LLVMObjectFile, &error, &buffer)) {
    LLVMDisposeMessage(error);
    return -1;
  }
  out->size = LLVMGetBufferSize(buffer);
  out->bytes = malloc(out->size);
  if (out->bytes) memcpy(out->bytes, LLVMGetBufferStart(buffer), out->size);
  LLVMDisposeMemoryBuffer(buffer);
  return out->bytes ? 0 : -1;
}

int jit_llvm_compile(struct jit_llvm *l, const struct region_source *s, struct jit_object *out) {
  struct emitter *e = &l->e;
  *out = (struct jit_object){0};
  begin_module(l);
  emit_region(e, s);
  assert(!LLVMVerifyFunction(e->fn, LLVMPrintMessageAction));
  LLVMErrorRef error = LLVMRunPasses(e->module, PASSES, l->machine, l->options);
  int failed = error != NULL;
  if (error) LLVMConsumeError(error);
  if (!failed) failed = to_object(l, e->module, out);
  LLVMDisposeBuilder(e->b);
  LLVMDisposeModule(e->module);
  LLVMContextDispose(e->context);
  return failed ? -1 : 0;
}
