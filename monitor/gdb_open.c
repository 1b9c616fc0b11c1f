/* monitor/gdb_open.c: where a VM listens for gdb. */
/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "monitor/gdbstub.h"
#include "monitor/listen.h"
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* --- sockets --- */

static bool ready(int fd, int wait_ms) {
  struct pollfd p = {.fd = fd, .events = POLLIN};
  return poll(&p, 1, wait_ms) > 0;
}

static bool there(void *ctx, int wait_ms) {
  struct mon_gdb *g = ctx;
  int one = 1;
  if (g->client < 0 && ready(g->listener, wait_ms)) g->client = mon_accept(g->listener);
  if (g->client >= 0 && !g->is_path) (void)setsockopt(g->client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return g->client >= 0;
}

static int get(void *ctx, uint8_t *bytes, size_t room, int wait_ms) {
  struct mon_gdb *g = ctx;
  if (!ready(g->client, wait_ms)) return 0;
  ssize_t n = recv(g->client, bytes, room, 0);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
  return n > 0 ? (int)n : -1;
}

/* A client that takes nothing for so long is treated as gone: get() will find out. */
static void put(void *ctx, const uint8_t *bytes, size_t n) {
  enum { PATIENCE_MS = 10000 };
  struct mon_gdb *g = ctx;
  while (n && g->client >= 0) {
    struct pollfd p = {.fd = g->client, .events = POLLOUT};
    ssize_t k = send(g->client, bytes, n, MSG_NOSIGNAL);
    if (k < 0 && errno == EINTR) continue;
    if (k < 0 && errno == EAGAIN && poll(&p, 1, PATIENCE_MS) > 0) continue;
    if (k <= 0) {
      (void)shutdown(g->client, SHUT_RDWR);
      return;
    }
    bytes += k, n -= (size_t)k;
  }
}

static void hang_up(void *ctx) {
  struct mon_gdb *g = ctx;
  if (g->client >= 0) close(g->client);
  g->client = -1;
}

/* --- making --- */

int mon_gdb_new(struct mb_vm *vm, const struct gdb_transport *to, bool wait) {
  if (vm->machine->started || vm->gdb) return mon_fail(vm->error, MB_ERR_STATE, "gdb: too late, or twice");
  if (vm->config.parallel && vm->config.vcpus > 1)
    return mon_fail(vm->error, MB_ERR_ARGUMENT, "gdb is for vcpus that take turns: not for parallel ones");
  struct mon_gdb *g = vm->gdb = calloc(1, sizeof *g);
  if (!g) return mon_fail(vm->error, MB_ERR_MEMORY, "out of memory for gdb");
  g->vm = vm;
  g->listener = g->client = -1;
  g->wait = wait;
  g->wire.to = *to;
  if (!g->wire.to.ctx) g->wire.to.ctx = g;
  if (wait) gdb_stop(g, GDB_SIGTRAP, "", false);
  return MB_OK;
}

/* "[HOST:]PORT" or, with a slash in it, a path; ",later" behind it: do not wait for a client. */
int mb_gdb_open(struct mb_vm *vm, const char *where) {
  static const struct gdb_transport sockets = {there, get, put, hang_up, NULL};
  static const char later[] = ",later";
  size_t n = strlen(where), tail = sizeof later - 1;
  bool wait = n < tail || strcmp(where + n - tail, later) != 0;
  int code = mon_gdb_new(vm, &sockets, wait);
  if (code) return code;
  struct mon_gdb *g = vm->gdb;
  if (!(g->where = strndup(where, wait ? n : n - tail)))
    return mon_fail(vm->error, MB_ERR_MEMORY, "out of memory for gdb");
  g->is_path = strchr(g->where, '/');
  const char *why = NULL;
  g->listener = g->is_path ? mon_listen(g->where, 1) : mon_listen_tcp(g->where, &why);
  if (g->listener >= 0) return MB_OK;
  return mon_fail(vm->error, MB_ERR_FILE, "gdb %s: %s", g->where, why ? why : mon_listen_why());
}

const char *mb_gdb_command(struct mb_vm *vm) {
  struct mon_gdb *g = vm->gdb;
  if (!g || !g->where) return NULL;
  if (!g->command &&
      asprintf(&g->command, "gdb-multiarch -ex 'set endian %s' -ex 'target remote %s%s' %s",
               vm->config.endian == MB_ENDIAN_BIG ? "big" : "little", strchr(g->where, ':') || g->is_path ? "" : ":",
               g->where, vm->kernel_path ? vm->kernel_path : "") < 0)
    g->command = NULL;
  return g->command;
}

bool mb_gdb_waits(const struct mb_vm *vm) {
  return vm->gdb && vm->gdb->wait;
}

struct mips_debug *mon_gdb_debug(struct mb_vm *vm) {
  return vm->gdb ? &vm->gdb->debug : NULL;
}

void mon_gdb_free(struct mb_vm *vm) {
  struct mon_gdb *g = vm->gdb;
  if (!g) return;
  g->wire.to.hang_up(g->wire.to.ctx);
  if (g->listener >= 0) close(g->listener);
  if (g->listener >= 0 && g->is_path) unlink(g->where);
  mips_debug_fini(&g->debug);
  gdb_back_free(g);
  free(g->where);
  free(g->command);
  free(g);
  vm->gdb = NULL;
}
