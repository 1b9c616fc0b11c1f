/* monitor/hostcall.c: calling host functions with a guest's arguments, through libffi. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "monitor/hostcall.h"
#include "monitor/bytes.h"
#include <dlfcn.h>
#include <ffi.h>
#include <stdlib.h>
#include <string.h>

struct function {
  char *text; /* owned */
  struct mon_signature signature;
  ffi_cif cif;
  ffi_type *type[MON_HOST_ARGS];
  void (*at)(void);
};

struct mon_host_calls {
  void *library[8]; /* of dlopen() */
  unsigned libraries;
  struct function *function;
  unsigned functions;
};

static const struct {
  ffi_type *type;
  uint8_t bytes; /* of a guest's argument; 0: as wide as its registers */
  bool is_signed;
} kinds[MON_HOST_KINDS] = {
    [MON_HOST_VOID] = {&ffi_type_void, 0, false},    [MON_HOST_S8] = {&ffi_type_sint8, 1, true},
    [MON_HOST_U8] = {&ffi_type_uint8, 1, false},     [MON_HOST_S16] = {&ffi_type_sint16, 2, true},
    [MON_HOST_U16] = {&ffi_type_uint16, 2, false},   [MON_HOST_S32] = {&ffi_type_sint32, 4, true},
    [MON_HOST_U32] = {&ffi_type_uint32, 4, false},   [MON_HOST_S64] = {&ffi_type_sint64, 8, true},
    [MON_HOST_U64] = {&ffi_type_uint64, 8, false},   [MON_HOST_LONG] = {&ffi_type_sint64, 0, true},
    [MON_HOST_ULONG] = {&ffi_type_uint64, 0, false}, [MON_HOST_F32] = {&ffi_type_float, 8, false},
    [MON_HOST_F64] = {&ffi_type_double, 8, false},   [MON_HOST_STRING_IN] = {&ffi_type_pointer, 0, true},
    [MON_HOST_IN] = {&ffi_type_pointer, 0, true},    [MON_HOST_INOUT] = {&ffi_type_pointer, 0, true},
};

struct _ffi_type *mon_host_type(enum mon_host_kind kind) {
  return kinds[kind].type;
}

/* --- what there is --- */

int mon_host_add(struct mon_host_calls **h, const char *signature, void (*function)(void), struct mon_error *e) {
  struct function f = {.at = function};
  int code = mon_signature_parse(&f.signature, signature, e);
  if (code) return code;
  if (mon_host_find(*h, f.signature.name) >= 0)
    return mon_fail(e, MB_ERR_FORMAT, "host call \"%s\": there is another of that name", signature);
  if (!*h) *h = calloc(1, sizeof **h);
  struct function *all = *h ? realloc((*h)->function, ((*h)->functions + 1) * sizeof *all) : NULL;
  if (all) (*h)->function = all;
  if (!all || !(f.text = strdup(signature))) return mon_fail(e, MB_ERR_MEMORY, "out of memory");
  all[(*h)->functions++] = f;
  return MB_OK;
}

static int add_all(struct mon_host_calls **h, const char *path, void *library, struct mon_error *e) {
  const char *const *text = dlsym(library, "mb_host_calls");
  if (!text) return mon_fail(e, MB_ERR_FORMAT, "%s: has no mb_host_calls[], which names its host calls", path);
  for (; *text; text++) {
    struct mon_signature s;
    int code = mon_signature_parse(&s, *text, e);
    if (code) return code;
    void (*at)(void);
    *(void **)&at = dlsym(library, s.name);
    if (!at) return mon_fail(e, MB_ERR_FORMAT, "%s: has no function %s", path, s.name);
    if ((code = mon_host_add(h, *text, at, e))) return code;
  }
  return MB_OK;
}

int mon_host_load(struct mon_host_calls **h, const char *path, struct mon_error *e) {
  if (!*h && !(*h = calloc(1, sizeof **h))) return mon_fail(e, MB_ERR_MEMORY, "out of memory");
  if ((*h)->libraries == sizeof(*h)->library / sizeof *(*h)->library)
    return mon_fail(e, MB_ERR_ARGUMENT, "%s: too many files of host calls", path);
  char *real = realpath(path, NULL); /* so that it is never searched for */
  if (!real) return mon_fail(e, MB_ERR_FILE, "%s: there is no such file of host calls", path);
  void *library = dlopen(real, RTLD_NOW | RTLD_LOCAL);
  free(real);
  if (!library) return mon_fail(e, MB_ERR_FORMAT, "host calls: %s", dlerror());
  (*h)->library[(*h)->libraries++] = library;
  return add_all(h, path, library, e);
}

void mon_host_free(struct mon_host_calls *h) {
  if (!h) return;
  while (h->libraries) dlclose(h->library[--h->libraries]);
  while (h->functions) free(h->function[--h->functions].text);
  free(h->function);
  free(h);
}

int mon_host_find(const struct mon_host_calls *h, const char *name) {
  for (unsigned i = 0; h && i < h->functions; i++)
    if (!strcmp(h->function[i].signature.name, name)) return (int)i;
  return -1;
}

const char *mon_host_signature(const struct mon_host_calls *h, unsigned number) {
  return h && number < h->functions ? h->function[number].text : NULL;
}

/* --- a call --- */

union value {
  int64_t s;
  uint64_t u;
  double d;
  float f;
  void *p;
};

struct call {
  const struct mon_host_memory *memory;
  uint64_t at; /* of the next argument */
  bool wide;
  union value value[MON_HOST_ARGS];
  uint64_t va[MON_HOST_ARGS]; /* of what is to be written back */
};

/* The next argument's bits, cut to what its kind has. */
static bool take(struct call *c, enum mon_host_kind kind, uint64_t *out) {
  unsigned own = c->wide ? 8 : 4, bytes = kinds[kind].bytes ? kinds[kind].bytes : own, slot = bytes > own ? bytes : own;
  uint8_t raw[8];
  c->at = (c->at + slot - 1) & ~(uint64_t)(slot - 1);
  if (!c->memory->read(c->memory->ctx, c->at, raw, slot)) return false;
  c->at += slot;
  uint64_t v = mon_number(raw, slot, c->memory->big_endian);
  unsigned unused = 64 - 8 * bytes;
  *out = kinds[kind].is_signed ? (uint64_t)((int64_t)(v << unused) >> unused) : v << unused >> unused;
  return true;
}

static enum mon_call_error take_string(struct call *c, unsigned i, uint64_t va) {
  char *text = malloc(MON_HOST_STRING);
  c->value[i].p = text;
  if (!text) return MON_CALL_FAILED;
  for (size_t n = 0; n < MON_HOST_STRING; n++) {
    if (!c->memory->read(c->memory->ctx, va + n, text + n, 1)) return MON_CALL_ADDRESS;
    if (!text[n]) return MON_CALL_OK;
  }
  return MON_CALL_ARGUMENT;
}

/* What a pointer leads to, once its length is known. */
static enum mon_call_error take_bytes(struct call *c, unsigned i, uint64_t n, bool back) {
  const struct mon_host_memory *m = c->memory;
  if (n > MON_HOST_BYTES) return MON_CALL_ARGUMENT;
  if (!(c->value[i].p = malloc(n + 1))) return MON_CALL_FAILED;
  if (n && !m->read(m->ctx, c->va[i], c->value[i].p, n)) return MON_CALL_ADDRESS;
  return n && back && !m->writable(m->ctx, c->va[i], n) ? MON_CALL_ADDRESS : MON_CALL_OK;
}

static enum mon_call_error take_all(struct call *c, const struct mon_signature *s) {
  for (unsigned i = 0; i < s->args; i++) {
    uint64_t v;
    double d;
    if (!take(c, s->arg[i], &v)) return MON_CALL_ADDRESS;
    enum mon_call_error no = MON_CALL_OK;
    switch (s->arg[i]) {
    case MON_HOST_F32: /* a double, where arguments are variable */
      memcpy(&d, &v, sizeof d);
      c->value[i].f = (float)d;
      break;
    case MON_HOST_STRING_IN: no = take_string(c, i, v); break;
    case MON_HOST_IN:
    case MON_HOST_INOUT: c->va[i] = v; break;
    default: c->value[i].u = v;
    }
    if (!no && i && s->arg[i - 1] >= MON_HOST_IN) no = take_bytes(c, i - 1, v, s->arg[i - 1] == MON_HOST_INOUT);
    if (no) return no;
  }
  return MON_CALL_OK;
}

static enum mon_call_error give_back(struct call *c, const struct mon_signature *s) {
  for (unsigned i = 0; i < s->args; i++)
    if (s->arg[i] == MON_HOST_INOUT && c->value[i + 1].u &&
        !c->memory->write(c->memory->ctx, c->va[i], c->value[i].p, c->value[i + 1].u))
      return MON_CALL_ADDRESS;
  return MON_CALL_OK;
}

static void invoke(struct function *f, struct call *c, uint64_t *result) {
  void *at[MON_HOST_ARGS];
  union {
    ffi_arg wide;
    union value v;
  } r = {0};
  for (unsigned i = 0; i < f->signature.args; i++) at[i] = &c->value[i];
  ffi_call(&f->cif, f->at, &r, at);
  if (f->signature.result == MON_HOST_F32) r.v.d = (double)r.v.f;
  *result = f->signature.result == MON_HOST_VOID ? 0 : r.v.u;
}

/* The result, and all that is to be written back, behind each other: into `bytes`, or out of them. NULL: how many. */
static size_t exchange(struct call *c, const struct mon_signature *s, uint64_t *result, uint8_t *bytes, bool out) {
  size_t at = 0;
  for (unsigned i = 0; i <= s->args; i++) {
    bool whole = i == s->args;
    if (!whole && s->arg[i] != MON_HOST_INOUT) continue;
    void *own = whole ? result : c->value[i].p;
    size_t n = whole ? sizeof *result : c->value[i + 1].u;
    if (bytes) memcpy(out ? own : bytes + at, out ? bytes + at : own, n);
    at += n;
  }
  return at;
}

/* Call it, or let be given what a call gave. */
static enum mon_call_error get(struct function *f, struct call *c, const struct mon_host_outside *o, uint64_t *result) {
  size_t n = exchange(c, &f->signature, result, NULL, false);
  uint8_t *bytes = o->give || o->gave ? malloc(n) : NULL;
  if ((o->give || o->gave) && !bytes) return MON_CALL_FAILED;
  bool given = !o->give || o->give(o->ctx, bytes, n);
  if (!o->give && f->at) invoke(f, c, result);
  if (bytes && given) exchange(c, &f->signature, result, bytes, o->give);
  if (!o->give && o->gave) o->gave(o->ctx, bytes, n);
  free(bytes);
  return given && (o->give || f->at) ? MON_CALL_OK : MON_CALL_FAILED;
}

enum mon_call_error mon_host_call(const struct mon_host_calls *h, uint64_t number, const struct mon_host_memory *memory,
                                  const struct mon_host_outside *outside, uint64_t va, bool wide, uint64_t *result) {
  *result = 0;
  if (!h || number >= h->functions) return MON_CALL_UNKNOWN;
  struct function f = h->function[number]; /* the cif has pointers into it */
  const struct mon_signature *s = &f.signature;
  struct call c = {.memory = memory, .at = va, .wide = wide};
  for (unsigned i = 0; i < s->args; i++) f.type[i] = kinds[s->arg[i]].type;
  if (ffi_prep_cif(&f.cif, FFI_DEFAULT_ABI, s->args, kinds[s->result].type, f.type) != FFI_OK) return MON_CALL_FAILED;
  enum mon_call_error no = take_all(&c, s);
  if (!no) no = get(&f, &c, outside, result);
  if (!no) no = give_back(&c, s);
  for (unsigned i = 0; i < s->args; i++)
    if (s->arg[i] >= MON_HOST_STRING_IN) free(c.value[i].p);
  return no;
}
