/* monitor/memory.c: what memory each VM has and shares, by kind: as a struct, as JSON, as a table. */
/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* open_memstream */
#include "monitor/monitor.h"
#include "monitor/ram.h"
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const char *const kind_name[] = {
    [MB_MEMORY_TEXT] = "kernel_text", [MB_MEMORY_CACHE] = "buffer_cache", [MB_MEMORY_OTHER] = "other"};
_Static_assert(sizeof kind_name / sizeof *kind_name == MB_MEMORY_KINDS, "all are named");

/* --- counting --- */

/* The pages in which the kernel's text begins and ends; the same, when that is not known. */
struct text {
  uint64_t from, to;
};

static uint64_t address_of(const struct mon_symbols *s, const char *name) {
  for (size_t i = 0; i < s->n; i++)
    if (!strcmp(mon_symbol_text(s, &s->symbol[i]), name)) return s->symbol[i].at;
  return 0;
}

/* Tables of text alone leave out what marks its end: then that is behind the last of it before the init code. */
static uint64_t text_end(const struct mon_symbols *s) {
  uint64_t end = address_of(s, "_etext"), init = address_of(s, "_sinittext");
  for (size_t i = 0; !end && i < s->n && s->symbol[i].at < init; i++)
    if (i + 1 == s->n || s->symbol[i + 1].at >= init) end = s->symbol[i].at + 1;
  return end;
}

static struct text find_text(struct mb_vm *vm) {
  enum { UNMAPPED = 0x1fffffff }; /* of an address in kseg0 */
  mon_learn_symbols(vm);
  uint64_t from = address_of(&vm->symbols, "_stext"), to = text_end(&vm->symbols);
  if (!from) from = address_of(&vm->symbols, "_text");
  if (!from || from >= to || !mips_unmapped(from)) return (struct text){0, 0};
  return (struct text){(from & UNMAPPED) >> MMU_PAGE_BITS, ((to - 1) & UNMAPPED) >> MMU_PAGE_BITS};
}

static enum mb_memory_kind kind_of(const struct text *t, uint64_t page, const struct frame *f) {
  if (f->block) return MB_MEMORY_CACHE;
  return page >= t->from && page < t->to ? MB_MEMORY_TEXT : MB_MEMORY_OTHER;
}

static void add(struct mb_memory_use *u, uint32_t users) {
  u->resident += MMU_PAGE_SIZE;
  u->shared += users > 1 ? MMU_PAGE_SIZE : 0;
  u->part += (double)MMU_PAGE_SIZE / users;
}

void mb_get_memory(struct mb_vm *vm, struct mb_memory *out) {
  struct mon_ram r = {.vm = vm};
  *out = (struct mb_memory){.configured = vm->config.memory};
  if (!vm->started) return;
  struct text text = find_text(vm);
  while (mon_ram_next(&r))
    for (uint64_t n = r.page - r.n / MMU_PAGE_SIZE; n < r.page; n++) {
      const struct mmu_page *g = mmu_pmap_page(&vm->pmap, gpa(mon_ram_address(vm, n)));
      const struct frame *f = mmu_page_frame(&vm->machine->memmap, g);
      if (!f) continue;
      add(&out->all, f->refs);
      if (numa_frame_is_stored(&vm->machine->memmap.memory, g->frame)) out->in_checkpoint += MMU_PAGE_SIZE;
      add(&out->kind[kind_of(&text, n, f)], f->refs);
    }
  mon_ram_end(&r);
}

/* --- JSON --- */

static json_t *use_json(const struct mb_memory_use *u) {
  return json_pack("{s:I, s:I, s:I, s:I}", "resident", (json_int_t)u->resident, "shared", (json_int_t)u->shared,
                   "private", (json_int_t)(u->resident - u->shared), "part", (json_int_t)(u->part + 0.5));
}

struct json_t *mon_memory_json(struct mb_vm *vm) {
  struct mb_memory m;
  mb_get_memory(vm, &m);
  json_t *o = use_json(&m.all);
  json_object_set_new(o, "configured", json_integer((json_int_t)m.configured));
  for (int k = 0; k < MB_MEMORY_KINDS; k++) json_object_set_new(o, kind_name[k], use_json(&m.kind[k]));
  json_object_set_new(o, "in_checkpoint", json_integer((json_int_t)m.in_checkpoint));
  json_object_set_new(o, "cache_hits", json_integer((json_int_t)vm->cache_hits));
  json_object_set_new(o, "cache_misses", json_integer((json_int_t)vm->cache_misses));
  json_object_set_new(o, "bytes_not_copied", json_integer((json_int_t)(vm->cache_hits * MMU_PAGE_SIZE)));
  return o;
}

static void sum(struct mb_memory_use *to, const struct mb_memory_use *u) {
  to->resident += u->resident;
  to->shared += u->shared;
  to->part += u->part;
}

static struct mb_memory sum_of(struct mb_machine *m) {
  struct mb_memory all = {0}, one;
  for (unsigned i = 0; i < m->vms; i++) {
    mb_get_memory(m->vm[i], &one);
    all.configured += one.configured;
    all.in_checkpoint += one.in_checkpoint;
    sum(&all.all, &one.all);
    for (int k = 0; k < MB_MEMORY_KINDS; k++) sum(&all.kind[k], &one.kind[k]);
  }
  return all;
}

struct json_t *mon_memory_sum_json(struct mb_machine *m) {
  struct mb_memory all = sum_of(m);
  json_t *o = use_json(&all.all);
  json_object_set_new(o, "configured", json_integer((json_int_t)all.configured));
  for (int k = 0; k < MB_MEMORY_KINDS; k++) json_object_set_new(o, kind_name[k], use_json(&all.kind[k]));
  json_object_set_new(o, "in_checkpoint", json_integer((json_int_t)all.in_checkpoint));
  json_object_set_new(o, "mappings", json_integer((json_int_t)m->memmap.memory.mappings));
  json_object_set_new(o, "splits", json_integer((json_int_t)m->memmap.splits));
  json_object_set_new(o, "merged", json_integer((json_int_t)m->merger.merged));
  json_object_set_new(o, "zeroed", json_integer((json_int_t)m->merger.zeroed));
  json_object_set_new(o, "merge_looks", json_integer((json_int_t)m->merger.looked));
  json_object_set_new(o, "merge_passes", json_integer((json_int_t)m->merger.passes));
  return o;
}

/* --- the table --- */

static double mib(double bytes) {
  return bytes / (1 << 20);
}

static void put_row(FILE *to, const char *name, const struct mb_memory *m) {
  const struct mb_memory_use *u = &m->all;
  fprintf(to, "%-16s %10.1f %10.1f %10.1f %10.1f %10.1f", name, mib((double)m->configured), mib((double)u->resident),
          mib((double)u->shared), mib((double)(u->resident - u->shared)), mib(u->part));
  for (int k = 0; k < MB_MEMORY_KINDS; k++)
    fprintf(to, " %8.1f/%-8.1f", mib((double)m->kind[k].resident), mib((double)m->kind[k].shared));
  fputc('\n', to);
}

static void put_table(struct mb_machine *m, FILE *to) {
  struct mb_memory one;
  fprintf(to, "%-16s %10s %10s %10s %10s %10s %17s %17s %17s\n", "MiB", "configured", "resident", "shared", "private",
          "its part", "kernel text/shr.", "buf. cache/shr.", "other/shared");
  for (unsigned i = 0; i < m->vms; i++) {
    mb_get_memory(m->vm[i], &one);
    put_row(to, m->vm[i]->config.name ? m->vm[i]->config.name : "VM", &one);
  }
  one = sum_of(m);
  put_row(to, "all", &one);
  fprintf(to, "machine memory in use: %.1f MiB; without sharing it would be %.1f\n", mib(one.all.part),
          mib((double)one.all.resident));
  if (one.in_checkpoint)
    fprintf(to, "still in the checkpoint, once for all who go on from it: %.1f MiB\n", mib((double)one.in_checkpoint));
}

int mb_memory_write(struct mb_machine *m, const char *path) {
  if (!m->started) return mon_fail(&m->error, MB_ERR_STATE, "the machine has not been started");
  char *text = NULL;
  size_t n = 0;
  FILE *f = open_memstream(&text, &n);
  if (f) put_table(m, f);
  if (!f || fclose(f)) {
    free(text);
    text = NULL;
  }
  int code = mon_write_file(&m->error, "memory table", path, text, n);
  free(text);
  return code;
}
