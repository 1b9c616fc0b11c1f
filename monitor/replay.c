/* monitor/replay.c: a recorded run, run again: its machine built, what came from outside handed to it, its end
 * compared. */
/* SPDX-License-Identifier: Apache-2.0 */
/* The whole file is read and checked before anything is built. Whatever it says is checked where memory is indexed or
 * allocated by it, as a digest keeps no intruder out. */
#define _GNU_SOURCE
#include "monitor/checkpoint.h"
#include "monitor/record.h"
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>
#include <zstd.h>

static int fail(struct mb_machine *m, enum mb_error code, const char *why) {
  return mon_fail(&m->error, code, "record %s: %s", m->replay->path, why);
}

/* --- chunks --- */

static const char damaged[] = "is damaged";

struct chunk {
  struct mon_chunk_header h;
  uint8_t *bytes; /* owned */
};

/* The next one. NULL, or what is wrong; *there: is there one at all? Half a chunk at the end is none. */
static const char *next_chunk(struct snap *file, struct chunk *c, bool *there) {
  *c = (struct chunk){0};
  *there = false;
  if (file->n - file->at < MON_CHUNK_HEADER) return NULL;
  size_t begins = file->at;
  uint64_t own = 0;
  SNAP(file, c->h.kind);
  SNAP(file, c->h.packed);
  SNAP(file, c->h.unpacked);
  SNAP(file, c->h.digest);
  uint64_t digest = XXH3_64bits(file->from + begins, file->at - begins);
  SNAP(file, own);
  if (file->bad || own != digest || c->h.kind > MON_CHUNK_END || c->h.unpacked > MON_CHUNK_MAX) return damaged;
  if (c->h.packed > file->n - file->at) return NULL;
  const uint8_t *packed = file->from + file->at;
  file->at += c->h.packed;
  if (XXH3_64bits(packed, c->h.packed) != c->h.digest || ZSTD_getFrameContentSize(packed, c->h.packed) != c->h.unpacked)
    return damaged;
  if (!(c->bytes = malloc(c->h.unpacked + 1))) return "out of memory";
  if (ZSTD_decompress(c->bytes, c->h.unpacked, packed, c->h.packed) != c->h.unpacked) return damaged;
  *there = true;
  return NULL;
}

/* --- what is in them --- */

static const char *read_head(struct mon_record *r, struct chunk *c) {
  struct snap s;
  uint64_t n = 0;
  r->head = c->bytes;
  c->bytes = NULL;
  snap_open(&s, r->head, c->h.unpacked);
  SNAP(&s, n);
  if (s.bad || n > s.n - s.at) return damaged;
  r->about = json_loadb((const char *)r->head + s.at, n, 0, NULL);
  snap_open(&r->consoles, r->head + s.at + n, s.n - s.at - n);
  return json_is_object(r->about) ? NULL : damaged;
}

static const char *read_items(struct mb_machine *m, const struct chunk *c) {
  struct snap s;
  snap_open(&s, c->bytes, c->h.unpacked);
  while (!s.bad && s.at < s.n) {
    uint32_t vm = 0;
    uint64_t n = 0;
    SNAP(&s, vm);
    SNAP(&s, n);
    if (!snap_check(&s, vm < m->vms && n <= s.n - s.at)) break;
    for (size_t end = s.at + n; !s.bad && s.at < end;) {
      struct mon_item i = {0};
      mon_item_state(&i, &s);
      if (!s.bad && mon_tape_append(m->vm[vm]->tape, &i)) continue;
      free(i.bytes);
      return damaged;
    }
  }
  return s.bad ? damaged : NULL;
}

static const char *read_block(struct mb_machine *m, const struct chunk *c) {
  struct snap s;
  uint32_t vm = 0, disk = 0;
  uint64_t block = 0;
  uint8_t bytes[IO_DISK_BLOCK];
  snap_open(&s, c->bytes, c->h.unpacked);
  SNAP(&s, vm);
  SNAP(&s, disk);
  SNAP(&s, block);
  snap_bytes(&s, bytes, sizeof bytes);
  if (s.bad || s.at != s.n || vm >= m->vms || disk >= m->vm[vm]->config.disks) return damaged;
  return io_host_disk_under(&m->vm[vm]->disk[disk].disk, block, bytes) ? NULL : damaged;
}

static const char *read_end(struct mb_machine *m, const struct chunk *c) {
  struct snap s;
  snap_open(&s, c->bytes, c->h.unpacked);
  for (unsigned i = 0; i < m->vms; i++) mon_tape_end_state(&m->vm[i]->tape->end, &s);
  m->replay->ended = true;
  bool same = mon_record_stamps(m, m->replay, &s);
  if (s.bad || s.at != s.n) return damaged;
  return same ? NULL : "a disk that persists is another by now than the run has left it";
}

/* A record that was cut off holds up to the last mark of each VM. */
static void end_at_mark(struct mb_vm *vm) {
  struct mon_tape *t = vm->tape;
  size_t n = t->n;
  while (n && t->item[n - 1].what != MON_MARK) n--;
  t->end = (struct mon_tape_end){.kind = MON_END_COUNT, .why = MB_STOP_LIMIT};
  if (!n) return;
  const struct mon_item *mark = &t->item[n - 1];
  t->end.instructions = mark->value;
  if (mark->place == MON_BY_COUNT) return;
  t->end.kind = MON_END_PLACE;
  t->end.place = mark->place;
  t->end.key = t->end.cycle = mark->key;
}

/* The marks of a VM that has stopped are no places. */
static void drop_last_marks(struct mon_tape *t) {
  while (t->n && t->item[t->n - 1].what == MON_MARK && t->item[t->n - 1].place == MON_BY_COUNT)
    free(t->item[--t->n].bytes);
}

static const char *read_rest(struct mb_machine *m, struct snap *file) {
  const char *why = NULL;
  for (bool there = true; !why && there && !m->replay->ended;) {
    struct chunk c;
    why = next_chunk(file, &c, &there);
    if (!why && there && c.h.kind == MON_CHUNK_HEAD) why = damaged;
    if (!why && there && c.h.kind == MON_CHUNK_ITEMS) why = read_items(m, &c);
    if (!why && there && c.h.kind == MON_CHUNK_BLOCK) why = read_block(m, &c);
    if (!why && there && c.h.kind == MON_CHUNK_END) why = read_end(m, &c);
    free(c.bytes);
  }
  for (unsigned i = 0; !why && i < m->vms; i++) {
    if (!m->replay->ended) end_at_mark(m->vm[i]);
    drop_last_marks(m->vm[i]->tape);
  }
  return why;
}

static const char *open_file(struct mon_record *r, struct snap *file) {
  char magic[MON_RECORD_MAGIC] = "";
  uint32_t version = 0;
  struct chunk c;
  bool there;
  snap_open(file, r->file.bytes, r->file.n);
  snap_bytes(file, magic, sizeof magic);
  SNAP(file, version);
  if (file->bad || memcmp(magic, mon_record_magic, sizeof magic)) return "is no record of mirrorball";
  if (version != MON_RECORD_VERSION)
    return version > MON_RECORD_VERSION ? "was written by a newer mirrorball" : "was written by an older mirrorball";
  const char *why = next_chunk(file, &c, &there);
  if (!why && !there) why = "is cut off before the run began";
  if (!why) why = c.h.kind == MON_CHUNK_HEAD ? read_head(r, &c) : damaged;
  free(c.bytes);
  return why;
}

/* --- the machine --- */

static bool is_digest(const json_t *o, const char *key, uint64_t digest) {
  const char *text = json_string_value(json_object_get(o, key));
  return text && strtoull(text, NULL, 16) == digest;
}

static int load_vm(struct mb_machine *m, unsigned i, const json_t *o) {
  struct mb_vm *vm = m->vm[i];
  const json_t *raw = json_object_get(o, "raw");
  struct mb_raw how = {.load = (uint64_t)json_integer_value(json_object_get(raw, "load")),
                       .entry = (uint64_t)json_integer_value(json_object_get(raw, "entry"))};
  const char *kernel = json_string_value(json_object_get(o, "kernel")),
             *initrd = json_string_value(json_object_get(o, "initrd"));
  if (!kernel) return fail(m, MB_ERR_FORMAT, damaged);
  char *path = strdup(kernel);
  vm->has_kernel = false;
  int code = path ? mb_load_kernel(vm, path, raw ? &how : NULL) : mon_fail(&m->error, MB_ERR_MEMORY, "out of memory");
  free(path);
  if (!code && initrd) code = mb_load_initrd(vm, initrd);
  if (code) return code;
  mon_record_digest(m->replay, vm, i);
  bool same = is_digest(o, "kernel_digest", m->replay->digest[i].kernel);
  if (same && is_digest(o, "initrd_digest", m->replay->digest[i].initrd)) return MB_OK;
  return mon_fail(&m->error, MB_ERR_MISMATCH, "record %s: %s is another file than it was then", m->replay->path,
                  same ? initrd ? initrd : "the initrd" : kernel);
}

/* What persisted is read and not written to: the blocks of it that the run has changed are in the record. */
static void hold_disks(struct mon_record *r) {
  const json_t *vms = json_object_get(r->about, "vms"), *o;
  json_t *disk;
  size_t i, k;
  json_array_foreach(vms, i, o) json_array_foreach(json_object_get(o, "disks"), k, disk) {
    if (i >= MB_VMS_MAX || k >= MB_DISKS_MAX) break;
    r->disk[i][k].persists = json_integer_value(json_object_get(disk, "mode")) == MB_DISK_PERSIST;
    if (!r->disk[i][k].persists) continue;
    json_object_set_new(disk, "mode", json_integer(MB_DISK_COW));
    json_object_del(disk, "changed"); /* the end says when that was */
  }
}

/* The functions of the host that it could call, of which none is called again. */
static int add_host_calls(struct mb_machine *m) {
  const json_t *vms = json_object_get(m->replay->about, "vms"), *o, *text;
  size_t i, k;
  json_array_foreach(vms, i, o) json_array_foreach(json_object_get(o, "host_calls"), k, text) {
    if (i >= m->vms || !json_is_string(text)) return fail(m, MB_ERR_FORMAT, damaged);
    int code = mon_host_add(&m->vm[i]->host_calls, json_string_value(text), NULL, &m->error);
    if (code) return code;
  }
  return MB_OK;
}

static int add_vms(struct mb_machine *m, const struct mb_config *how) {
  static const struct mb_config plainly;
  const json_t *about = m->replay->about, *vms = json_object_get(about, "vms"), *o;
  const char *from = json_string_value(json_object_get(about, "from"));
  char *what = NULL;
  size_t i;
  if (!how) how = &plainly;
  if (from) {
    int code = mb_machine_restore(m, from, how);
    if (code || is_digest(about, "digest", m->checkpoint->digest)) return code;
    return mon_fail(&m->error, MB_ERR_MISMATCH, "record %s: %s is another checkpoint than it was then", m->replay->path,
                    from);
  }
  if (asprintf(&what, "record %s", m->replay->path) < 0) return mon_fail(&m->error, MB_ERR_MEMORY, "out of memory");
  int code = mon_about_add(m, what, about, how);
  free(what);
  json_array_foreach(vms, i, o) if (!code) code = load_vm(m, (unsigned)i, o);
  return code;
}

int mb_replay(struct mb_machine *m, const char *path, const struct mb_config *how) {
  if (m->started || m->vms || m->record || m->replay)
    return mon_fail(&m->error, MB_ERR_STATE, "the machine has VMs already");
  if (m->config.numa != MB_NUMA_OFF || m->config.sched != MB_SCHED_OFF)
    return mon_fail(&m->error, MB_ERR_STATE, "on which machine it ran the record says");
  struct mon_record *r = m->replay = mon_record_new(path);
  struct snap file;
  if (!r || !r->path) return mon_fail(&m->error, MB_ERR_MEMORY, "out of memory");
  int code = mon_file_open(&r->file, "record", path, UINT32_MAX, &m->error);
  const char *why = code ? NULL : open_file(r, &file);
  if (why) code = fail(m, MB_ERR_FORMAT, why);
  if (!code) hold_disks(r);
  if (!code) code = add_vms(m, how);
  if (!code) code = add_host_calls(m);
  for (unsigned i = 0; !code && i < m->vms; i++) {
    code = mon_tape_new(m->vm[i]);
    if (!code) m->vm[i]->tape->plays = true;
  }
  if (!code && (why = read_rest(m, &file))) code = fail(m, MB_ERR_FORMAT, why);
  mon_file_close(&r->file);
  return code;
}

int mon_replay_begin(struct mb_machine *m) {
  struct mon_record *r = m->replay;
  if (!r) return MB_OK;
  for (unsigned i = 0; i < m->vms; i++) {
    struct mb_vm *vm = m->vm[i];
    struct mon_tape *t = vm->tape;
    mon_record_console(vm, &r->consoles);
    vm->console.in_ended = t->over;
    mon_tape_attach(vm);
    if (t->end.kind == MON_END_COUNT && t->end.instructions < vm->limit) vm->limit = t->end.instructions;
  }
  return r->consoles.bad || r->consoles.at != r->consoles.n ? fail(m, MB_ERR_FORMAT, damaged) : MB_OK;
}

/* --- the end --- */

/* Somebody has stopped it before its end. */
static bool is_early(const struct mb_vm *vm) {
  const struct mon_tape_end *e = &vm->tape->end;
  if (!mon_may_go_on(vm)) return false;
  return mon_instructions(vm) < e->instructions || (e->kind == MON_END_PLACE && vm->clock.now < e->cycle);
}

static bool is_same(struct mb_vm *vm) {
  const struct mon_tape_end *e = &vm->tape->end;
  if (vm->tape->strange_at || mon_instructions(vm) != e->instructions) return false;
  if (!vm->machine->replay->ended) return true;
  return mb_state_hash(vm) == e->hash && (e->kind != MON_END_OWN || e->why == vm->why);
}

static int tell(struct mb_machine *m, const struct mb_vm *vm, char **text, enum mb_replay_end end, const char *fmt) {
  const struct mon_tape *t = vm->tape;
  const char *name = vm->config.name ? vm->config.name : "";
  if (asprintf(text, fmt, m->replay->path, name, *name ? ": " : "", mon_instructions(vm), t->end.instructions) < 0)
    *text = NULL;
  return (int)end;
}

enum mb_replay_end mb_replay_check(struct mb_machine *m, char **text) {
  *text = NULL;
  if (!m->replay || !m->started) return MB_REPLAY_NONE;
  for (unsigned i = 0; i < m->vms; i++) {
    struct mb_vm *vm = m->vm[i];
    if (vm->tape->strange_at)
      return tell(m, vm, text, MB_REPLAY_DIFFERS,
                  "replay of %s: %s%sit is another run than was recorded: seen at instruction %" PRIu64 " of %" PRIu64);
    if (is_early(vm))
      return tell(m, vm, text, MB_REPLAY_EARLY,
                  "replay of %s: %s%sstopped at instruction %" PRIu64 ", before its end at %" PRIu64);
    if (!is_same(vm))
      return tell(m, vm, text, MB_REPLAY_DIFFERS,
                  "replay of %s: %s%sit is another run than was recorded: it ended at instruction %" PRIu64
                  " of %" PRIu64 ", or in another state");
  }
  return tell(m, m->vm[0], text, MB_REPLAY_SAME,
              m->replay->ended ? "replay of %s: %s%sthe same run, to the state it ended in, %" PRIu64 " instructions"
                               : "replay of %s: %s%sthe same run as far as it was recorded, %" PRIu64
                                 " instructions: the record has no end");
}
