/* monitor/record.c: writing what comes to a machine from outside into a file. */
/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "monitor/record.h"
#include "monitor/checkpoint.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>
#include <zstd.h>

#define FLUSH_NS 250000000u /* wall: as much as a run that is killed may lose */
enum { LEVEL = 3 };

const char mon_record_magic[MON_RECORD_MAGIC] = "mirrorball record\n";

/* --- chunks --- */

static bool write_all(struct mon_record *r, const uint8_t *bytes, size_t n) {
  while (n && !r->error) {
    ssize_t k = write(r->fd, bytes, n);
    if (k < 0 && errno == EINTR) continue;
    if (k < 0) r->error = errno;
    if (k > 0) bytes += k, n -= (size_t)k;
  }
  return !r->error;
}

/* Header and frame in one write, so that a kill seldom parts them. */
static bool write_chunk(struct mon_record *r, enum mon_chunk kind, const struct snap *what) {
  size_t room = ZSTD_compressBound(what->n);
  uint8_t *packed = what->bad ? NULL : malloc(room);
  size_t n = packed ? ZSTD_compress(packed, room, what->bytes, what->n, LEVEL) : 0;
  struct snap s = {0};
  struct mon_chunk_header h = {.kind = (uint8_t)kind, .packed = n, .unpacked = what->n};
  pthread_mutex_lock(&r->lock);
  if (!packed || ZSTD_isError(n)) {
    r->error = ENOMEM;
  } else {
    h.digest = XXH3_64bits(packed, n);
    SNAP(&s, h.kind);
    SNAP(&s, h.packed);
    SNAP(&s, h.unpacked);
    SNAP(&s, h.digest);
    uint64_t own = s.bad ? 0 : XXH3_64bits(s.bytes, s.n);
    SNAP(&s, own);
    snap_bytes(&s, packed, n);
    if (s.bad) r->error = ENOMEM;
    if (!s.bad) (void)write_all(r, s.bytes, s.n);
  }
  bool written = !r->error;
  pthread_mutex_unlock(&r->lock);
  snap_free(&s);
  free(packed);
  return written;
}

struct mon_record *mon_record_new(const char *path) {
  struct mon_record *r = calloc(1, sizeof *r);
  if (!r) return NULL;
  pthread_mutex_init(&r->lock, NULL);
  r->fd = -1;
  r->path = strdup(path);
  return r;
}

/* --- disks that persist --- */

/* A replay finds the image as the run has left it, and these in front of that. The block is in the record before it is
 * changed, so that a run that is killed is not torn apart from its record. */
static void keep_block(void *ctx, uint64_t block, const uint8_t *bytes) {
  struct mon_recorded_disk *d = ctx;
  struct snap s = {0};
  SNAP(&s, d->vm);
  SNAP(&s, d->disk);
  SNAP(&s, block);
  snap_bytes(&s, (uint8_t *)(uintptr_t)bytes, IO_DISK_BLOCK);
  (void)write_chunk(d->record, MON_CHUNK_BLOCK, &s);
  snap_free(&s);
}

static void keep_disks(struct mb_machine *m, struct mon_record *r) {
  for (uint32_t i = 0; i < m->vms; i++)
    for (uint32_t k = 0; k < m->vm[i]->config.disks; k++) {
      if (m->vm[i]->config.disk[k].mode != MB_DISK_PERSIST) continue;
      r->disk[i][k] = (struct mon_recorded_disk){.record = r, .vm = i, .disk = k, .persists = true};
      m->vm[i]->disk[k].disk.before = keep_block;
      m->vm[i]->disk[k].disk.before_ctx = &r->disk[i][k];
    }
}

bool mon_record_stamps(struct mb_machine *m, struct mon_record *r, struct snap *s) {
  bool same = true;
  for (unsigned i = 0; i < m->vms; i++)
    for (unsigned k = 0; k < m->vm[i]->config.disks; k++) {
      if (!r->disk[i][k].persists) continue;
      uint64_t now = io_image_changed(&m->vm[i]->disk[k].image), then = now;
      SNAP(s, then);
      same &= then == now;
    }
  return same;
}

/* --- the machine --- */

int mon_record_check(struct mb_machine *m) {
  struct mon_record *r = m->record ? m->record : m->replay;
  if (!r) return MB_OK;
  if (m->policy.library) /* a record would name what a replay loads and runs */
    return mon_fail(&m->error, MB_ERR_ARGUMENT,
                    "policy %s: a machine whose pages a policy of your own moves cannot be recorded", m->policy.name);
  for (unsigned i = 0; i < m->vms; i++) {
    const struct mb_config *c = &m->vm[i]->config;
    if (c->parallel && c->vcpus > 1)
      return mon_fail(&m->error, MB_ERR_ARGUMENT, "vcpus that run --parallel cannot be recorded: let them take turns");
    for (unsigned k = 0; k < c->disks; k++)
      if (c->disk[k].mode == MB_DISK_PERSIST && m->checkpoint)
        return mon_fail(&m->error, MB_ERR_ARGUMENT,
                        "disk %s: what goes on from a checkpoint cannot be recorded with a disk that persists",
                        c->disk[k].path);
    if (m->record) mon_record_digest(r, m->vm[i], i);
  }
  return MB_OK;
}

void mon_record_digest(struct mon_record *r, const struct mb_vm *vm, unsigned number) {
  const struct mon_file *kernel = &vm->image.file, *initrd = &vm->initrd;
  r->digest[number].kernel = kernel->n ? XXH3_64bits(kernel->bytes, kernel->n) : 0;
  r->digest[number].initrd = initrd->n ? XXH3_64bits(initrd->bytes, initrd->n) : 0;
}

static void set_path(json_t *o, const char *key, const char *path) {
  char *whole = path ? realpath(path, NULL) : NULL;
  if (path) json_object_set_new(o, key, json_string(whole ? whole : path));
  free(whole);
}

static void set_digest(json_t *o, const char *key, uint64_t digest) {
  char hex[20];
  snprintf(hex, sizeof hex, "%016" PRIx64, digest);
  json_object_set_new(o, key, json_string(hex));
}

/* Which functions of the host the guest can call: a replay calls none, but must know what they take. */
static json_t *host_calls(const struct mb_vm *vm) {
  json_t *all = json_array();
  const char *text;
  for (unsigned i = 0; (text = mon_host_signature(vm->host_calls, i)); i++)
    json_array_append_new(all, json_string(text));
  return all;
}

/* What a checkpoint says of a machine, and what it was loaded from. */
static json_t *about(struct mb_machine *m) {
  json_t *all = mon_about(m), *vms = json_object_get(all, "vms"), *o;
  size_t i;
  json_array_foreach(vms, i, o) json_object_set_new(o, "host_calls", host_calls(m->vm[i]));
  if (m->checkpoint) {
    set_path(all, "from", m->checkpoint->path);
    set_digest(all, "digest", m->checkpoint->digest);
    return all;
  }
  json_array_foreach(vms, i, o) {
    const struct mb_vm *vm = m->vm[i];
    set_path(o, "kernel", vm->kernel_path);
    set_path(o, "initrd", vm->has_initrd ? vm->initrd_path : NULL);
    set_digest(o, "kernel_digest", m->record->digest[i].kernel);
    set_digest(o, "initrd_digest", m->record->digest[i].initrd);
    if (vm->is_raw)
      json_object_set_new(
          o, "raw", json_pack("{s:I, s:I}", "load", (json_int_t)vm->raw.load, "entry", (json_int_t)vm->raw.entry));
  }
  return all;
}

void mon_record_console(struct mb_vm *vm, struct snap *s) {
  struct mon_tape *t = vm->tape;
  SNAP(s, t->over);
  if (s->restoring) mon_console_forget_steps(&vm->console);
  mon_console_state(&vm->console, s);
}

static int write_head(struct mb_machine *m) {
  json_t *o = about(m);
  char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;
  uint64_t n = text ? strlen(text) : 0;
  struct snap s = {0};
  SNAP(&s, n);
  snap_bytes(&s, text, n);
  for (unsigned i = 0; i < m->vms; i++) mon_record_console(m->vm[i], &s);
  s.bad |= !text;
  (void)write_chunk(m->record, MON_CHUNK_HEAD, &s);
  snap_free(&s);
  free(text);
  json_decref(o);
  return m->record->error;
}

/* --- the public functions, and what a run calls --- */

int mb_record(struct mb_machine *m, const char *path) {
  if (m->started || m->record || m->replay)
    return mon_fail(&m->error, MB_ERR_STATE, "it cannot be recorded: it is running, or recorded, or replayed");
  struct mon_record *r = m->record = mon_record_new(path);
  if (!r || !r->path) return mon_fail(&m->error, MB_ERR_MEMORY, "out of memory");
  r->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0666);
  if (r->fd < 0) return mon_fail(&m->error, MB_ERR_FILE, "record %s: %s", path, strerror(errno));
  for (unsigned i = 0; i < m->vms; i++) {
    int code = mon_tape_new(m->vm[i]);
    if (code) return code;
    m->vm[i]->tape->writes = true;
  }
  return MB_OK;
}

int mon_record_begin(struct mb_machine *m) {
  struct mon_record *r = m->record;
  if (!r) return MB_OK;
  uint32_t version = MON_RECORD_VERSION;
  struct snap s = {0};
  snap_bytes(&s, (char *)(uintptr_t)mon_record_magic, MON_RECORD_MAGIC);
  SNAP(&s, version);
  r->error = s.bad ? ENOMEM : 0;
  if (!s.bad) (void)write_all(r, s.bytes, s.n);
  snap_free(&s);
  for (unsigned i = 0; i < m->vms; i++) {
    m->vm[i]->tape->over = !m->vm[i]->console.host.get;
    mon_tape_attach(m->vm[i]);
  }
  keep_disks(m, r);
  if (r->error || write_head(m)) return mon_fail(&m->error, MB_ERR_FILE, "record %s: %s", r->path, strerror(r->error));
  r->written = mon_wall_ns();
  return MB_OK;
}

/* All that has come, by VM. */
static void write_items(struct mb_machine *m) {
  struct snap s = {0};
  for (unsigned i = 0; i < m->vms; i++) {
    struct snap *out = &m->vm[i]->tape->out;
    uint32_t vm = i;
    uint64_t n = out->n;
    s.bad |= m->vm[i]->tape->failed;
    if (!n) continue;
    SNAP(&s, vm);
    SNAP(&s, n);
    snap_bytes(&s, out->bytes, n);
    out->n = 0;
  }
  if (s.n || s.bad) (void)write_chunk(m->record, MON_CHUNK_ITEMS, &s);
  snap_free(&s);
}

void mon_record_look(struct mb_machine *m) {
  struct mon_record *r = m->record;
  uint64_t now = mon_wall_ns();
  if (!r || r->ended || now - r->written < FLUSH_NS) return;
  r->written = now;
  for (unsigned i = 0; i < m->vms; i++) {
    struct mb_vm *vm = m->vm[i];
    enum mon_place where = vm->tape->where;
    if (vm->stopping) vm->tape->where = MON_BY_COUNT; /* so many instructions, and no more */
    mon_tape_put(vm, MON_MARK, 0, mon_instructions(vm), NULL, 0);
    vm->tape->where = where;
  }
  write_items(m);
}

int mb_record_end(struct mb_machine *m) {
  struct mon_record *r = m->record;
  if (!r || r->ended || !m->started) return MB_OK;
  struct snap s = {0};
  write_items(m);
  for (unsigned i = 0; i < m->vms; i++) {
    struct mon_tape_end e = mon_tape_end(m->vm[i]);
    mon_tape_end_state(&e, &s);
  }
  mon_record_stamps(m, r, &s);
  (void)write_chunk(r, MON_CHUNK_END, &s);
  snap_free(&s);
  r->ended = true;
  return r->error ? mon_fail(&m->error, MB_ERR_FILE, "record %s: %s", r->path, strerror(r->error)) : MB_OK;
}

void mon_record_free(struct mon_record *r) {
  if (!r) return;
  if (r->fd >= 0) close(r->fd);
  mon_file_close(&r->file);
  json_decref(r->about);
  pthread_mutex_destroy(&r->lock);
  free(r->head);
  free(r->path);
  free(r);
}
