/* monitor/outlet.h: where consoles go that are not on the terminal: kept text, files, Unix sockets. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MONITOR_OUTLET_H
#define MONITOR_OUTLET_H
#include "monitor/error.h"

/* Text that nobody has seen yet: the newest MON_KEPT bytes of it. */
enum { MON_KEPT = 1 << 20 };
struct mon_kept {
  uint8_t *bytes;
  size_t n;
  uint64_t lost; /* older ones, or those there was no memory for */
};
void mon_keep(struct mon_kept *k, const uint8_t *bytes, size_t n);
/* The first n have been seen. */
void mon_kept_seen(struct mon_kept *k, size_t n);
void mon_kept_fini(struct mon_kept *k);

/* A file, or a Unix socket: one client at a time, which gets first what nobody has seen. */
struct mon_outlet {
  struct mb_machine *machine; /* interrupted when a file cannot be written */
  char *path;
  int fd, client; /* of the file, or listening; -1: none */
  bool is_socket;
  struct mon_kept unseen;
};
/* Connect the console to "file:PATH" or "socket:PATH". Nothing is created yet. Free with mon_outlet_free(). */
__attribute__((warn_unused_result)) int mon_outlet_new(struct mb_vm *vm, const char *where);
/* Create it. NULL: there is none. */
__attribute__((warn_unused_result)) int mon_outlet_open(struct mon_outlet *o, struct mon_error *e);
void mon_outlet_free(struct mon_outlet *o);
#endif
