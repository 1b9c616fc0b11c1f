/* monitor/boots.c: keeping a booted machine, and beginning with one. */
/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "monitor/boots.h"
#include "jit/store.h"
#include "monitor/checkpoint.h"
#include "monitor/monitor.h"
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <xxhash.h>

#define KEPT_BYTES ((uint64_t)1 << 30)   /* of all; those not used for longest go */
#define WORTH      UINT64_C(100000000)   /* instructions: what takes less is as quickly done again */
#define ALL_THERE  ((uint64_t)128 << 20) /* a console that has shown more is not kept */

/* --- the key --- */

static void add(XXH3_state_t *h, const void *bytes, size_t n) {
  uint64_t size = n;
  XXH3_128bits_update(h, &size, sizeof size);
  if (n) XXH3_128bits_update(h, bytes, n);
}

static void add_text(XXH3_state_t *h, const char *text) {
  add(h, text, text ? strlen(text) : 0);
}

static void add_vm(XXH3_state_t *h, const struct mb_vm *vm) {
  const struct mb_config *c = &vm->config;
  const struct mon_image *i = &vm->image;
  const uint64_t numbers[] = {
      c->vcpus,
      c->memory,
      c->mhz,
      (uint64_t)c->endian,
      c->l2tlb,
      c->seed,
      i->entry,
      (uint64_t)c->rtc_start,
      mon_console_has_input(&vm->console)}; /* a board without a keyboard does not look for one */
  add_text(h, vm->kind->name);
  add_text(h, vm->model->name);
  add_text(h, c->append);
  add(h, numbers, sizeof numbers);
  add(h, i->file.bytes, i->file.n);
  for (unsigned k = 0; k < i->segments; k++) add(h, &i->segment[k].gpa, sizeof i->segment[k].gpa);
  add(h, vm->initrd.bytes, vm->initrd.n);
}

/* NULL: no memory, or the program has no name of its own. */
static char *path_of(const struct mb_machine *m) {
  struct store_bytes id = store_build_id();
  XXH3_state_t *h = id.size ? XXH3_createState() : NULL;
  char *path = NULL;
  if (!h || XXH3_128bits_reset(h)) return XXH3_freeState(h), NULL;
  add(h, id.bytes, id.size);
  add_vm(h, m->vm[0]);
  XXH128_hash_t d = XXH3_128bits_digest(h);
  XXH3_freeState(h);
  if (asprintf(&path, "%s/%016" PRIx64 "%016" PRIx64, m->config.boot_store, (uint64_t)d.high64, (uint64_t)d.low64) < 0)
    return NULL;
  return path;
}

/* --- who has it --- */

static bool is_typed_at(const struct mon_console *c) {
  struct pollfd p = {.fd = c->host.fd ? c->host.fd(c->host.ctx) : -1, .events = POLLIN};
  int n = 0;
  return c->typing || c->in_n || (p.fd >= 0 && poll(&p, 1, 0) > 0 && !ioctl(p.fd, FIONREAD, &n) && n > 0);
}

static bool lasts(const struct mb_machine *m) {
  const struct mb_machine_config *c = &m->config;
  if (!c->boot_store || m->checkpoint || m->record || m->replay || m->vms != 1 || c->numa || m->cpus.seats ||
      c->merge || c->pace == MB_PACE_REAL)
    return false;
  const struct mb_vm *vm = m->vm[0];
  const struct mb_config *v = &vm->config;
  bool plain = v->tier == MB_TIER_AUTO && v->mode == MB_MODE_BARE && !v->parallel && !v->disks && !v->nets;
  bool watched = v->trace || v->profile_every || v->profile_exact || v->events || v->coverage || v->check || vm->gdb ||
                 vm->host_calls;
  return plain && !watched && !is_typed_at(&vm->console);
}

/* --- what was shown --- */

/* Bytes as characters: a byte above 127 is the character of that number. */
static json_t *text_json(const uint8_t *bytes, size_t n) {
  char *text = malloc(2 * n + 1);
  size_t k = 0;
  for (size_t i = 0; text && i < n; i++) {
    if (bytes[i] >= 0x80) text[k++] = (char)(0xc0 | bytes[i] >> 6);
    text[k++] = (char)(bytes[i] < 0x80 ? bytes[i] : 0x80 | (bytes[i] & 0x3f));
  }
  json_t *o = text ? json_stringn(text, k) : NULL;
  free(text);
  return o;
}

json_t *mon_shown_json(const struct mon_shown *s) {
  json_t *lines = json_array();
  for (size_t i = 0; i < s->lines; i++)
    json_array_append_new(lines, json_pack("[I, I, I]", (json_int_t)s->line[i].at, (json_int_t)s->line[i].when.ns,
                                           (json_int_t)s->line[i].when.instructions));
  return json_pack("{s:o, s:o}", "text", text_json(s->text, s->n), "lines", lines);
}

bool mon_shown_read(struct mon_shown *s, const json_t *o) {
  const json_t *text = json_object_get(o, "text"), *lines = json_object_get(o, "lines"), *line;
  const char *from = json_string_value(text);
  size_t n = json_string_length(text), i;
  *s = (struct mon_shown){.text = malloc(n + 1), .line = calloc(json_array_size(lines) + 1, sizeof *s->line)};
  if (!from || !s->text || !s->line) return false;
  for (i = 0; i < n; i++) {
    bool two = (uint8_t)from[i] >= 0xc0 && i + 1 < n;
    s->text[s->n++] = two ? (uint8_t)((uint8_t)from[i] << 6 | ((uint8_t)from[i + 1] & 0x3f)) : (uint8_t)from[i];
    i += two;
  }
  json_array_foreach(lines, i, line) {
    uint64_t at = (uint64_t)json_integer_value(json_array_get(line, 0));
    if (at >= s->n || (i && at <= s->line[i - 1].at)) return false;
    s->line[s->lines++] = (struct mon_shown_line){
        at,
        {(uint64_t)json_integer_value(json_array_get(line, 1)), (uint64_t)json_integer_value(json_array_get(line, 2))}};
  }
  return true;
}

void mon_boots_fini(struct mon_boots *b) {
  free(b->path);
  mon_shown_fini(&b->shown);
  *b = (struct mon_boots){0};
}

/* --- going on from it --- */

/* Would this run have come so far, without anything that was awaited on the way? */
static bool suits(const struct mb_vm *vm, struct mon_boots *b, const json_t *about) {
  const json_t *o = json_array_get(json_object_get(about, "vms"), 0);
  uint64_t instructions = (uint64_t)json_integer_value(json_object_get(o, "instructions"));
  uint64_t ns = (uint64_t)json_integer_value(json_object_get(o, "virtual_ns"));
  return mon_shown_read(&b->shown, json_object_get(o, "shown")) && !mon_console_awaits(&vm->console, &b->shown) &&
         instructions <= vm->limit && mon_cycles(vm, ns) <= vm->time_limit;
}

void mon_boots_find(struct mb_machine *m) {
  struct mon_boots *b = &m->boots;
  struct mon_error unsaid;
  if (!lasts(m) || !(b->path = path_of(m)) || mon_checkpoint_open(&m->checkpoint, b->path, &unsaid)) return;
  b->found = suits(m->vm[0], b, m->checkpoint->about);
  if (b->found) {
    (void)utimensat(AT_FDCWD, b->path, NULL, 0); /* the last to go */
    return;
  }
  mon_checkpoint_free(m->checkpoint);
  m->checkpoint = NULL;
  mon_boots_fini(b); /* it is there, and need not be made again */
}

void mon_boots_begin(struct mb_machine *m) {
  struct mb_vm *vm = m->vm[0];
  if (m->boots.found) {
    mon_console_again(&vm->console, &m->boots.shown);
    mon_console_flush(&vm->console);
    mon_shown_fini(&m->boots.shown);
  } else if (m->boots.path) {
    vm->console.shown.wanted = true;
    for (unsigned i = 0; i < vm->vcpus; i++) vm->cpu[i].heed_user = true;
  }
}

bool mb_boot_was_kept(const struct mb_machine *m) {
  return m->boots.found;
}

const char *mb_boot_store_trouble(const struct mb_machine *m) {
  return m->boots.trouble.text[0] ? m->boots.trouble.text : NULL;
}

/* --- keeping it --- */

void mon_boots_reached(struct mb_vm *vm) {
  struct mon_boots *b = &vm->machine->boots;
  struct mon_console *c = &vm->console;
  for (unsigned i = 0; i < vm->vcpus; i++) vm->cpu[i].heed_user = false;
  bool good = b->path && !c->heard && !c->shown.lost && c->shown.n < ALL_THERE && mon_instructions(vm) >= WORTH;
  if (good) {
    store_close(store_open(vm->machine->config.boot_store, KEPT_BYTES)); /* makes the folder, and room in it */
    struct mon_error before = vm->machine->error;
    if (mon_checkpoint_save(vm->machine, b->path, NULL, true)) b->trouble = vm->machine->error;
    vm->machine->error = before;
  }
  mon_shown_fini(&c->shown);
}
