/* monitor/outlet.c: where consoles go that are not on the terminal: kept text, files, Unix sockets. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Nothing here waits: what a client does not take is kept, and offered again whenever the console is looked at. */
#define _GNU_SOURCE
#include "monitor/outlet.h"
#include "monitor/listen.h"
#include "monitor/monitor.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* --- kept text --- */

void mon_keep(struct mon_kept *k, const uint8_t *bytes, size_t n) {
  if (n > MON_KEPT / 2) { /* more than anybody hands over at once */
    k->lost += n - MON_KEPT / 2;
    bytes += n - MON_KEPT / 2;
    n = MON_KEPT / 2;
  }
  if (k->n + n > MON_KEPT) {
    size_t old = k->n + n - MON_KEPT / 2; /* half of it, so that this is rare */
    k->lost += old < k->n ? old : k->n;
    mon_kept_seen(k, old);
  }
  uint8_t *more = k->bytes ? k->bytes : malloc(MON_KEPT);
  if (!more) {
    k->lost += n;
    return;
  }
  k->bytes = more;
  memcpy(k->bytes + k->n, bytes, n);
  k->n += n;
}

void mon_kept_seen(struct mon_kept *k, size_t n) {
  if (n > k->n) n = k->n;
  k->n -= n;
  if (k->n) memmove(k->bytes, k->bytes + n, k->n);
}

void mon_kept_fini(struct mon_kept *k) {
  free(k->bytes);
  *k = (struct mon_kept){0};
}

/* --- files --- */

static void file_put(void *ctx, const uint8_t *bytes, size_t n) {
  struct mon_outlet *o = ctx;
  while (n) {
    ssize_t k = write(o->fd, bytes, n);
    if (k < 0 && errno == EINTR) continue;
    if (k <= 0) { /* as with a closed standard output: nobody will read on */
      mb_machine_interrupt(o->machine);
      return;
    }
    bytes += k, n -= (size_t)k;
  }
}

static int open_file(struct mon_outlet *o, struct mon_error *e) {
  o->fd = open(o->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0666);
  return o->fd < 0 ? mon_fail(e, MB_ERR_FILE, "console %s: %s", o->path, strerror(errno)) : MB_OK;
}

/* --- sockets --- */

static void hang_up(struct mon_outlet *o) {
  if (o->client >= 0) close(o->client);
  o->client = -1;
}

static void offer(struct mon_outlet *o) {
  if (o->client < 0) o->client = mon_accept(o->fd);
  while (o->client >= 0 && o->unseen.n) {
    ssize_t k = send(o->client, o->unseen.bytes, o->unseen.n, MSG_NOSIGNAL);
    if (k > 0) mon_kept_seen(&o->unseen, (size_t)k);
    if (k < 0 && errno == EINTR) continue;
    if (k < 0 && errno != EAGAIN) hang_up(o);
    if (k <= 0) return;
  }
}

static void socket_put(void *ctx, const uint8_t *bytes, size_t n) {
  struct mon_outlet *o = ctx;
  mon_keep(&o->unseen, bytes, n);
  offer(o);
}

static int socket_get(void *ctx, uint8_t *bytes, size_t room) {
  struct mon_outlet *o = ctx;
  offer(o);
  if (o->client < 0) return 0;
  ssize_t k = recv(o->client, bytes, room, 0);
  if (!k || (k < 0 && errno != EAGAIN && errno != EINTR)) hang_up(o);
  return k > 0 ? (int)k : 0;
}

static int socket_fd(void *ctx) {
  const struct mon_outlet *o = ctx;
  return o->client >= 0 ? o->client : o->fd;
}

static int open_socket(struct mon_outlet *o, struct mon_error *e) {
  o->fd = mon_listen(o->path, 1);
  if (o->fd >= 0) return MB_OK;
  return mon_fail(e, MB_ERR_FILE, "console %s: %s", o->path, mon_listen_why());
}

/* --- either --- */

int mon_outlet_new(struct mb_vm *vm, const char *where) {
  bool is_socket = !strncmp(where, "socket:", 7);
  const char *path = strchr(where, ':');
  if (!path++ || !*path || (!is_socket && strncmp(where, "file:", 5)))
    return mon_fail(vm->error, MB_ERR_ARGUMENT, "console %s: is none of tty, none, file:PATH, socket:PATH", where);
  struct mon_outlet *o = vm->outlet = calloc(1, sizeof *o);
  if (!o || !(o->path = strdup(path))) return mon_fail(vm->error, MB_ERR_MEMORY, "out of memory");
  o->machine = vm->machine;
  o->is_socket = is_socket;
  o->fd = o->client = -1;
  vm->console.host = is_socket ? (struct mb_console){.put = socket_put, .get = socket_get, .fd = socket_fd, .ctx = o}
                               : (struct mb_console){.put = file_put, .ctx = o};
  return MB_OK;
}

int mon_outlet_open(struct mon_outlet *o, struct mon_error *e) {
  if (!o) return MB_OK;
  return o->is_socket ? open_socket(o, e) : open_file(o, e);
}

void mon_outlet_free(struct mon_outlet *o) {
  if (!o) return;
  if (o->is_socket && o->fd >= 0) {
    offer(o);
    hang_up(o);
    unlink(o->path);
  }
  if (o->fd >= 0) close(o->fd);
  mon_kept_fini(&o->unseen);
  free(o->path);
  free(o);
}
