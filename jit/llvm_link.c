/* jit/llvm_link.c: objects into code memory, through ORC. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Each linked object has a JITDylib to itself, since all define and want the same names; ORC cannot delete one, so they
 * are used again. What an object wants is defined when ORC asks for it. ORC has one view of memory, in which it both
 * writes and relocates: so it writes where the code will be executed, to pages that are not executable meanwhile.
 * Sections that are for us to read come to lie aside, and are gone when the object is linked. */
#include "jit/code_memory.h"
#include "jit/region.h"
#include <assert.h>
#include <llvm-c/Core.h>
#include <llvm-c/LLJIT.h>
#include <llvm-c/OrcEE.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STACK_MAPS ".llvm_stackmaps"

enum { ALIGN = 64, SLACK = 1024 /* for alignment, and what ORC adds */ };

struct aside { /* a section that is not kept */
  struct aside *next;
  size_t size;
  char name[24];
  uint8_t *bytes;
  uint8_t room[];
};

struct jit_linked {
  struct jit_linked *next; /* free */
  struct jit_linked *next_all;
  LLVMOrcJITDylibRef dylib;
  uint32_t size, code_size;
};

struct jit_linker {
  LLVMOrcLLJITRef lljit;
  LLVMOrcExecutionSessionRef session;
  LLVMOrcSymbolStringPoolEntryRef entry;
  struct jit_linked *free, *all;
  unsigned dylibs;
  /* While something is linked. */
  const struct link_request *want;
  struct jit_linked *now;
  struct aside *aside;
  uint64_t address; /* 0: it failed, or is not yet known */
  bool failed;
};

static int failed(LLVMErrorRef e) {
  if (!e) return 0;
  LLVMConsumeError(e);
  return -1;
}
static void ignore(void *ctx, LLVMErrorRef e) {
  (void)ctx;
  LLVMConsumeError(e);
}

/* --- memory for ORC. Where a section does not fit it goes aside, since ORC ends the process if there is no memory ---
 */

static void *begin_memory(void *linker) {
  return linker;
}
static void end_memory(void *linker) {
  (void)linker;
}

static uint8_t *put_aside(struct jit_linker *l, size_t size, unsigned alignment, const char *name) {
  struct aside *a = calloc(1, sizeof *a + size + alignment);
  if (!a) return NULL;
  *a = (struct aside){.next = l->aside, .size = size, .bytes = a->room};
  snprintf(a->name, sizeof a->name, "%s", name);
  if (alignment) a->bytes += -(uintptr_t)a->room & (alignment - 1);
  l->aside = a;
  return a->bytes;
}

static uint8_t *place(struct jit_linker *l, size_t size, const char *name) {
  struct jit_linked *d = l->now;
  uint32_t at = (d->size + ALIGN - 1) & ~(uint32_t)(ALIGN - 1);
  if (at > l->want->size || size > l->want->size - at) {
    l->failed = true;
    return put_aside(l, size, ALIGN, name);
  }
  d->size = at + (uint32_t)size;
  return l->want->room + at;
}

static uint8_t *allocate_code(void *linker, uintptr_t size, unsigned alignment, unsigned id, const char *name) {
  struct jit_linker *l = linker;
  (void)id;
  if (alignment > ALIGN) l->failed = true;
  l->now->code_size += (uint32_t)size;
  return place(l, size, name);
}

static uint8_t *allocate_data(void *linker, uintptr_t size, unsigned alignment, unsigned id, const char *name,
                              LLVMBool read_only) {
  struct jit_linker *l = linker;
  (void)id, (void)read_only;
  if (!strcmp(name, STACK_MAPS) || !strcmp(name, REGION_FAULTS)) return put_aside(l, size, alignment, name);
  if (alignment > ALIGN) l->failed = true;
  return place(l, size, name);
}

static LLVMBool finish_memory(void *linker, char **error) {
  const struct jit_linker *l = linker;
  *error = NULL;
  return l->failed;
}

static LLVMOrcObjectLayerRef make_layer(void *linker, LLVMOrcExecutionSessionRef session, const char *triple) {
  (void)triple;
  return LLVMOrcCreateRTDyldObjectLinkingLayerWithMCJITMemoryManagerLikeCallbacks(
      session, linker, begin_memory, end_memory, allocate_code, allocate_data, finish_memory, end_memory);
}

/* --- names --- */

static LLVMErrorRef define(LLVMOrcDefinitionGeneratorRef g, void *linker, LLVMOrcLookupStateRef *state,
                           LLVMOrcLookupKind kind, LLVMOrcJITDylibRef dylib, LLVMOrcJITDylibLookupFlags flags,
                           LLVMOrcCLookupSet names, size_t n) {
  const struct jit_linker *l = linker;
  (void)g, (void)state, (void)kind, (void)flags;
  LLVMOrcCSymbolMapPair *known = malloc((n + 1) * sizeof *known);
  if (!known) return LLVMCreateStringError("no memory");
  size_t found = 0;
  for (size_t i = 0; i < n; i++) {
    uint64_t address = l->want->find(l->want->ctx, LLVMOrcSymbolStringPoolEntryStr(names[i].Name));
    if (!address) continue; /* ORC will miss it */
    LLVMOrcRetainSymbolStringPoolEntry(names[i].Name);
    known[found++] = (LLVMOrcCSymbolMapPair){names[i].Name, {address, {LLVMJITSymbolGenericFlagsExported, 0}}};
  }
  LLVMErrorRef e = NULL;
  if (found) {
    LLVMOrcMaterializationUnitRef unit = LLVMOrcAbsoluteSymbols(known, found);
    if ((e = LLVMOrcJITDylibDefine(dylib, unit))) LLVMOrcDisposeMaterializationUnit(unit);
  }
  free(known);
  return e;
}

static struct jit_linked *take_dylib(struct jit_linker *l) {
  struct jit_linked *d = l->free;
  if (d) {
    l->free = d->next;
    return d;
  }
  if (!(d = calloc(1, sizeof *d))) return NULL;
  d->next_all = l->all;
  l->all = d;
  char name[24];
  snprintf(name, sizeof name, "region %u", l->dylibs++);
  d->dylib = LLVMOrcExecutionSessionCreateBareJITDylib(l->session, name);
  LLVMOrcJITDylibAddGenerator(d->dylib, LLVMOrcCreateCustomCAPIDefinitionGenerator(define, l, NULL));
  return d;
}

void jit_unlink(struct jit_linker *l, struct jit_linked *d) {
  if (!d) return;
  failed(LLVMOrcJITDylibClear(d->dylib));
  *d = (struct jit_linked){.next = l->free, .next_all = d->next_all, .dylib = d->dylib};
  l->free = d;
}

uint32_t jit_linked_size(const struct jit_linked *d) {
  return d->size;
}
uint32_t jit_linked_code_size(const struct jit_linked *d) {
  return d->code_size;
}

/* --- linking --- */

static void take_result(LLVMErrorRef e, LLVMOrcCSymbolMapPairs pairs, size_t n, void *linker) {
  struct jit_linker *l = linker;
  if (!failed(e) && n == 1) l->address = pairs[0].Sym.Address;
}

/* Asking for the function's address has the object linked: at once, since this ORC has no threads of its own. */
static int materialize(struct jit_linker *l) {
  const struct jit_object *o = l->want->object;
  LLVMOrcJITDylibRef dylib = l->now->dylib;
  LLVMMemoryBufferRef b = LLVMCreateMemoryBufferWithMemoryRange(o->bytes, o->size, "region", 0);
  if (!b || failed(LLVMOrcLLJITAddObjectFile(l->lljit, dylib, b))) return -1;
  LLVMOrcCJITDylibSearchOrderElement where = {dylib, LLVMOrcJITDylibLookupFlagsMatchAllSymbols};
  LLVMOrcCLookupSetElement what = {l->entry, LLVMOrcSymbolLookupFlagsRequiredSymbol};
  LLVMOrcRetainSymbolStringPoolEntry(l->entry);
  LLVMOrcExecutionSessionLookup(l->session, LLVMOrcLookupKindStatic, &where, 1, &what, 1, take_result, l);
  uint64_t room = (uint64_t)(uintptr_t)l->want->room;
  return l->address >= room && l->address - room < l->want->size ? 0 : -1;
}

static int read_aside(const struct jit_linker *l, struct region_table *t) {
  int bad = 0;
  for (const struct aside *a = l->aside; a && !bad; a = a->next)
    if (!strcmp(a->name, STACK_MAPS))
      bad = region_table_read_map(t, a->bytes, a->size);
    else if (!strcmp(a->name, REGION_FAULTS))
      bad = region_table_read_faults(t, a->bytes, a->size);
  return bad || !t->site ? -1 : 0;
}

uint32_t jit_link_room(const struct jit_object *o) {
  if (!o->bytes || o->size > UINT32_MAX / 4) return 0;
  return ((uint32_t)o->size + SLACK + CODE_MEMORY_PAGE - 1) & ~(uint32_t)(CODE_MEMORY_PAGE - 1);
}

int jit_link(struct jit_linker *l, const struct link_request *want, struct region_table *t, struct jit_linked **out) {
  struct jit_linked *d = take_dylib(l);
  *out = NULL;
  if (!d) return -1;
  l->want = want;
  l->now = d;
  l->address = 0;
  l->failed = false;
  int bad = code_memory_open(want->room, want->size);
  if (!bad) bad = materialize(l);
  if (code_memory_close(want->room, want->size)) bad = -1;
  t->code = l->address;
  if (!bad) bad = read_aside(l, t);
  for (struct aside *a = l->aside, *next; a; a = next) {
    next = a->next;
    free(a);
  }
  l->aside = NULL;
  l->want = NULL;
  l->now = NULL;
  if (bad)
    jit_unlink(l, d);
  else
    *out = d;
  return bad;
}

/* --- the whole --- */

int jit_linker_new(struct jit_linker **out) {
  struct jit_linker *l = calloc(1, sizeof *l);
  LLVMOrcJITTargetMachineBuilderRef machine;
  *out = NULL;
  if (!l) return -1;
  if (failed(LLVMOrcJITTargetMachineBuilderDetectHost(&machine))) {
    free(l);
    return -1;
  }
  LLVMOrcLLJITBuilderRef b = LLVMOrcCreateLLJITBuilder();
  LLVMOrcLLJITBuilderSetJITTargetMachineBuilder(b, machine);
  LLVMOrcLLJITBuilderSetObjectLinkingLayerCreator(b, make_layer, l);
  if (failed(LLVMOrcCreateLLJIT(&l->lljit, b))) {
    free(l);
    return -1;
  }
  l->session = LLVMOrcLLJITGetExecutionSession(l->lljit);
  LLVMOrcExecutionSessionSetErrorReporter(l->session, ignore, NULL);
  l->entry = LLVMOrcExecutionSessionIntern(l->session, "region");
  *out = l;
  return 0;
}

void jit_linker_free(struct jit_linker *l) {
  if (!l) return;
  LLVMOrcReleaseSymbolStringPoolEntry(l->entry);
  failed(LLVMOrcDisposeLLJIT(l->lljit));
  while (l->all) {
    struct jit_linked *d = l->all;
    l->all = d->next_all;
    free(d);
  }
  free(l);
}
