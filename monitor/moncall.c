/* monitor/moncall.c: monitor calls. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "monitor/moncall.h"
#include "monitor/tape.h"
#include <string.h>

/* --- the guest's memory, by virtual address --- */

/* Where va leads in RAM, or NULL: nowhere, or (write) not for writing. *n is cut to what is left of the page. */
static bool locate(struct mb_vm *vm, uint64_t va, bool write, uint64_t *n, gpa_t *at) {
  struct mmu_guest *g = &mon_cpu(vm)->mmu;
  uint64_t left = MMU_PAGE_SIZE - (va & (MMU_PAGE_SIZE - 1));
  bool writable;
  if (*n > left) *n = left;
  return mmu_translate(g, mmu_canonical(g, va), write ? MMU_WRITE : MMU_READ, at, &writable) == MMU_OK;
}

static bool read_va(void *ctx, uint64_t va, void *to, uint64_t n) {
  struct mb_vm *vm = ctx;
  gpa_t at;
  for (uint64_t done = 0, k; done < n; done += k) {
    k = n - done;
    if (!locate(vm, va + done, false, &k, &at) || mon_guest_read(vm, at.v, (char *)to + done, k) != k) return false;
  }
  return true;
}

static bool writable_va(void *ctx, uint64_t va, uint64_t n) {
  struct mb_vm *vm = ctx;
  uint8_t byte;
  gpa_t at;
  for (uint64_t done = 0, k; done < n; done += k) {
    k = n - done;
    if (!locate(vm, va + done, true, &k, &at) || mon_guest_read(vm, at.v, &byte, 1) != 1) return false;
  }
  return true;
}

static bool write_va(void *ctx, uint64_t va, const void *from, uint64_t n) {
  struct mb_vm *vm = ctx;
  gpa_t at;
  for (uint64_t done = 0, k; done < n; done += k) {
    k = n - done;
    if (!locate(vm, va + done, true, &k, &at) || mon_guest_write(vm, at.v, (const char *)from + done, k) != k)
      return false;
  }
  return true;
}

struct mon_host_memory mon_guest_memory(struct mb_vm *vm) {
  return (struct mon_host_memory){.read = read_va,
                                  .write = write_va,
                                  .writable = writable_va,
                                  .ctx = vm,
                                  .big_endian = vm->config.endian == MB_ENDIAN_BIG};
}

static void count(struct mb_vm *vm, enum mips_event e, uint64_t n) {
  if (mon_cpu(vm)->events) mon_cpu(vm)->events[e] += n;
}

/* --- pages --- */

/* All of them in RAM? */
static bool are_pages(struct mb_vm *vm, uint64_t at, uint64_t pages) {
  uint8_t byte;
  if (at & (MMU_PAGE_SIZE - 1) || pages > MON_CALL_PAGES || at > UINT32_MAX) return false;
  for (uint64_t i = 0; i < pages; i++)
    if (mon_guest_read(vm, at + (i << MMU_PAGE_BITS), &byte, 1) != 1) return false;
  return true;
}

/* Pages with a place behind each other in the host. */
struct run {
  struct mmu_page *first;
  uint64_t at; /* of the first, in guest-physical memory */
  uint32_t pages;
};

/* Make them zeros that take no memory; if that cannot be, zeros. */
static void clear_run(struct mb_vm *vm, const struct run *r) {
  static const uint8_t zeros[MMU_PAGE_SIZE];
  if (!r->pages || (!vm->pmap.pinned && mmu_pages_clear(vm->pmap.map, r->first, r->pages))) return;
  for (uint32_t i = 0; i < r->pages; i++)
    mon_guest_write(vm, r->at + ((uint64_t)i << MMU_PAGE_BITS), zeros, sizeof zeros);
}

static enum mon_call_error clear_pages(struct mb_vm *vm, struct mon_call_block *b) {
  struct run r = {0};
  if (b->arg[1] > MON_CALL_PAGES) return MON_CALL_ARGUMENT;
  if (!are_pages(vm, b->arg[0], b->arg[1])) return MON_CALL_ADDRESS;
  count(vm, MIPS_EVENT_CALL_PAGE, b->arg[1]);
  for (uint64_t i = 0; i < b->arg[1]; i++) {
    uint64_t at = b->arg[0] + (i << MMU_PAGE_BITS);
    struct mmu_page *g = mon_page_written(vm, at);
    if (g->frame == NUMA_NO_FRAME) continue; /* zeros already */
    if (g == r.first + r.pages && r.pages) {
      r.pages++;
      continue;
    }
    clear_run(vm, &r);
    r = (struct run){g, at, 1};
  }
  clear_run(vm, &r);
  return MON_CALL_OK;
}

/* One page gets what another has: its frame, if that can be. */
static void remap_page(struct mb_vm *vm, uint64_t to, uint64_t from) {
  uint8_t bytes[MMU_PAGE_SIZE];
  struct mmu_page *with = mmu_pmap_page(&vm->pmap, gpa(from)), *g = mon_page_written(vm, to);
  if (!vm->pmap.pinned && with->frame == NUMA_NO_FRAME && mmu_pages_clear(vm->pmap.map, g, 1)) return;
  if (!vm->pmap.pinned && mmu_page_share(vm->pmap.map, g, with)) return;
  mon_guest_read(vm, from, bytes, sizeof bytes);
  mon_guest_write(vm, to, bytes, sizeof bytes);
}

static enum mon_call_error remap(struct mb_vm *vm, struct mon_call_block *b) {
  uint64_t to = b->arg[0], from = b->arg[1], pages = b->arg[2];
  if (pages > MON_CALL_PAGES) return MON_CALL_ARGUMENT;
  if (!are_pages(vm, to, pages) || !are_pages(vm, from, pages)) return MON_CALL_ADDRESS;
  if (to < from + (pages << MMU_PAGE_BITS) && from < to + (pages << MMU_PAGE_BITS)) return MON_CALL_ARGUMENT;
  count(vm, MIPS_EVENT_CALL_PAGE, pages);
  for (uint64_t i = 0; i < pages; i++) remap_page(vm, to + (i << MMU_PAGE_BITS), from + (i << MMU_PAGE_BITS));
  return MON_CALL_OK;
}

/* --- the others --- */

static enum mon_call_error nothing(struct mb_vm *vm, struct mon_call_block *b) {
  (void)vm, (void)b;
  return MON_CALL_OK;
}

static enum mon_call_error console(struct mb_vm *vm, struct mon_call_block *b) {
  uint8_t text[MON_HOST_STRING];
  uint64_t n = b->arg[1];
  if (n > sizeof text) return MON_CALL_ARGUMENT;
  if (!read_va(vm, b->arg[0], text, n)) return MON_CALL_ADDRESS;
  for (uint64_t i = 0; i < n; i++) mon_console_put(&vm->console, text[i]);
  return MON_CALL_OK;
}

static enum mon_call_error end(struct mb_vm *vm, struct mon_call_block *b) {
  if (b->arg[0] > 0xffff) return MON_CALL_ARGUMENT;
  mon_exit(vm, (unsigned)b->arg[0]);
  return MON_CALL_OK;
}

static enum mon_call_error find(struct mb_vm *vm, struct mon_call_block *b) {
  char name[64];
  for (size_t n = 0; n < sizeof name; n++) {
    if (!read_va(vm, b->arg[0] + n, name + n, 1)) return MON_CALL_ADDRESS;
    if (name[n]) continue;
    int number = mon_host_find(vm->host_calls, name);
    b->result = (uint64_t)(int64_t)number;
    return number < 0 ? MON_CALL_UNKNOWN : MON_CALL_OK;
  }
  return MON_CALL_UNKNOWN;
}

static enum mon_call_error host(struct mb_vm *vm, struct mon_call_block *b) {
  const struct mon_host_memory m = mon_guest_memory(vm);
  const struct mon_host_outside o = mon_tape_host(vm);
  if (b->arg[2] != 4 && b->arg[2] != 8) return MON_CALL_ARGUMENT;
  return mon_host_call(vm->host_calls, b->arg[0], &m, &o, b->arg[1], b->arg[2] == 8, &b->result);
}

static enum mon_call_error (*const calls[MON_CALLS])(struct mb_vm *vm, struct mon_call_block *b) = {
    [MON_CALL_NOTHING] = nothing,
    [MON_CALL_ZERO_PAGES] = clear_pages,
    [MON_CALL_FREE_PAGES] = clear_pages,
    [MON_CALL_REMAP] = remap,
    [MON_CALL_CONSOLE] = console,
    [MON_CALL_EXIT] = end,
    [MON_CALL_FIND] = find,
    [MON_CALL_HOST] = host,
};

/* Between the guest's byte order and ours; both ways. */
static void swap(const struct mb_vm *vm, struct mon_call_block *b) {
  if ((vm->config.endian == MB_ENDIAN_BIG) == (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)) return;
  b->call = __builtin_bswap32(b->call);
  b->error = __builtin_bswap32(b->error);
  for (int i = 0; i < MON_CALL_ARGS; i++) b->arg[i] = __builtin_bswap64(b->arg[i]);
  b->result = __builtin_bswap64(b->result);
}

/* A block that is not in RAM cannot be answered: then nothing happens. */
static void make_call(struct mb_vm *vm, uint64_t at) {
  struct mon_call_block b;
  if (at & 7 || mon_guest_read(vm, at, &b, sizeof b) != sizeof b) return;
  count(vm, MIPS_EVENT_MONITOR_CALL, 1);
  swap(vm, &b);
  b.result = 0;
  b.error = b.call < MON_CALLS ? calls[b.call](vm, &b) : MON_CALL_UNKNOWN;
  swap(vm, &b);
  mon_guest_write(vm, at, &b, sizeof b);
}

static uint64_t call_read(void *ctx, uint32_t off, int size) {
  (void)ctx;
  return off || size != 4 ? 0 : MON_CALL_MARK;
}

static void call_write(void *ctx, uint32_t off, uint64_t v, int size) {
  if (!off && size == 4) make_call(ctx, (uint32_t)v);
}

const struct dev_ops mon_call_ops = {"calls", call_read, call_write, NULL};

int mb_host_calls_load(struct mb_vm *vm, const char *path) {
  if (vm->started) return mon_fail(vm->error, MB_ERR_STATE, "the VM has been started already");
  return mon_host_load(&vm->host_calls, path, vm->error);
}
