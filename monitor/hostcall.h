/* monitor/hostcall.h: host functions that a guest may call, declared by the text of their C prototypes. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Types: void, bool, char, short, int, long, long long with signed and unsigned, int8_t to uint64_t, size_t, ssize_t,
 * float, double; `const char *` is a string; any other pointer leads to as many bytes as the integer parameter behind
 * it says: `const` ones are read, the others read and written back. long and size_t are as wide as the caller's. What a
 * pointer leads to is a copy during the call, so nothing the guest or a device does can move it. */
#ifndef MONITOR_HOSTCALL_H
#define MONITOR_HOSTCALL_H
#include "monitor/error.h"

enum { MON_HOST_ARGS = 12, MON_HOST_STRING = 1 << 16, MON_HOST_BYTES = 1 << 20 };

/* What a monitor call gives the guest; MB_CALL_* of guests/include/mirrorball-calls.h. */
enum mon_call_error {
  MON_CALL_OK,
  MON_CALL_UNKNOWN,  /* no such call, no such host function */
  MON_CALL_ADDRESS,  /* an address leads nowhere, or may not be written to */
  MON_CALL_ARGUMENT, /* a value out of bounds */
  MON_CALL_FAILED,   /* the host has no memory for it */
};

/* The caller's memory, by virtual address. False: not all of it is there. */
struct mon_host_memory {
  bool (*read)(void *ctx, uint64_t va, void *to, uint64_t n);
  bool (*write)(void *ctx, uint64_t va, const void *from, uint64_t n);
  bool (*writable)(void *ctx, uint64_t va, uint64_t n);
  void *ctx;
  bool big_endian;
};

/* What functions give back is from outside: their results, and what they left where pointers lead to, as bytes. `gave`
 * is told of it. With `give` no function is called: false: it does not fit the call. Both may be NULL. */
struct mon_host_outside {
  void (*gave)(void *ctx, const void *bytes, size_t n);
  bool (*give)(void *ctx, void *bytes, size_t n);
  void *ctx;
};

struct mon_host_calls;
/* Add a function; NULL: one that is always given. A signature that makes no sense is an error, with a line that says
 * what is wrong with it. */
__attribute__((warn_unused_result)) int mon_host_add(struct mon_host_calls **h, const char *signature,
                                                     void (*function)(void), struct mon_error *e);
/* Add what a shared object declares: its `const char *const mb_host_calls[]`, which NULL ends. */
__attribute__((warn_unused_result)) int mon_host_load(struct mon_host_calls **h, const char *path, struct mon_error *e);
void mon_host_free(struct mon_host_calls *h);
/* The number of a function, from 0; -1: there is none of that name. h may be NULL. */
int mon_host_find(const struct mon_host_calls *h, const char *name);
/* The text of a prototype; NULL: behind the last one. h may be NULL. */
const char *mon_host_signature(const struct mon_host_calls *h, unsigned number);
/* Call a function with the arguments that lie at va as a function of variable arguments finds them: o32 has slots of 4
 * bytes and pairs on even ones, n64 slots of 8; `wide`: n64. A double comes as its bits. */
enum mon_call_error mon_host_call(const struct mon_host_calls *h, uint64_t number, const struct mon_host_memory *memory,
                                  const struct mon_host_outside *outside, uint64_t va, bool wide, uint64_t *result);

/* --- signatures --- */
enum mon_host_kind {
  MON_HOST_VOID,
  MON_HOST_S8,
  MON_HOST_U8,
  MON_HOST_S16,
  MON_HOST_U16,
  MON_HOST_S32,
  MON_HOST_U32,
  MON_HOST_S64,
  MON_HOST_U64,
  MON_HOST_LONG, /* of the guest's width */
  MON_HOST_ULONG,
  MON_HOST_F32,
  MON_HOST_F64,
  MON_HOST_STRING_IN,
  MON_HOST_IN,    /* a pointer, its length behind it */
  MON_HOST_INOUT, /* likewise, written back */
  MON_HOST_KINDS
};
struct mon_signature {
  char name[64];
  enum mon_host_kind result, arg[MON_HOST_ARGS];
  unsigned args;
};
__attribute__((warn_unused_result)) int mon_signature_parse(struct mon_signature *s, const char *text,
                                                            struct mon_error *e);
/* libffi's type of a kind: a struct _ffi_type. */
struct _ffi_type *mon_host_type(enum mon_host_kind kind);
#endif
