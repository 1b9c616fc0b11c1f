/* monitor/inspect.c: looking at a guest that has stopped: symbols, memory, who called whom. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "monitor/bytes.h"
#include "monitor/modules.h"
#include "monitor/monitor.h"
#include "monitor/unwind.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

bool mb_symbol_find(struct mb_vm *vm, const char *name, uint64_t *va) {
  const struct mon_symbol *y = mon_symbol_named(&vm->symbols, name);
  if (!y) {
    mon_learn_symbols(vm);
    y = mon_symbol_named(&vm->symbols, name);
  }
  if (y) *va = y->at;
  return y;
}

const uint8_t *mon_unmapped_page(const struct mb_vm *vm, uint64_t va) {
  enum { KSEG = 0x1fffffff };
  uint64_t at = va >> 62 == 2 ? va & ((UINT64_C(1) << 36) - 1) : va & KSEG; /* xkphys, kseg0 and kseg1 */
  const struct mmu_page *g = mmu_pmap_page(&vm->pmap, gpa(at));
  return g ? g->host : NULL;
}

/* The bytes of va's page. Kernel addresses without a TLB are there in user mode, too. NULL: none. */
static const uint8_t *page_at(const struct mb_vm *vm, uint64_t va) {
  return mips_unmapped(va) ? mon_unmapped_page(vm, va) : mips_peek_page(mon_cpu(vm), va);
}

int mb_memory_read(struct mb_vm *vm, uint64_t va, void *to, size_t n) {
  if (!vm->started) return mon_fail(vm->error, MB_ERR_STATE, "the VM has not been started");
  for (size_t done = 0, k; done < n; done += k) {
    uint64_t at = va + done, in_page = at & (MMU_PAGE_SIZE - 1);
    const uint8_t *page = page_at(vm, at);
    if (!page) return mon_fail(vm->error, MB_ERR_ARGUMENT, "there is no memory at 0x%" PRIx64 " now", at);
    k = n - done < MMU_PAGE_SIZE - in_page ? n - done : MMU_PAGE_SIZE - in_page;
    memcpy((char *)to + done, page + in_page, k);
  }
  return MB_OK;
}

int mb_memory_number(struct mb_vm *vm, uint64_t va, unsigned bytes, uint64_t *out) {
  uint8_t b[8] = {0};
  *out = 0;
  if (bytes != 1 && bytes != 2 && bytes != 4 && bytes != 8)
    return mon_fail(vm->error, MB_ERR_ARGUMENT, "a number has 1, 2, 4 or 8 bytes, not %u", bytes);
  int code = mb_memory_read(vm, va, b, bytes);
  if (!code) *out = mon_number(b, bytes, vm->config.endian == MB_ENDIAN_BIG);
  return code;
}

int mb_offer_debug_info(struct mb_vm *vm, const char *path) {
  free(vm->debug_path);
  vm->debug_path = strdup(path);
  vm->dwarf_later = vm->debug_path;
  return vm->debug_path ? MB_OK : mon_fail(vm->error, MB_ERR_MEMORY, "out of memory");
}

/* The line of va, and whose it is; NULL: not known. */
static const struct mon_line *line_of(struct mb_vm *vm, uint64_t va, const struct mon_dwarf **of) {
  if (mon_modules_dwarf(vm, va, of)) return *of ? mon_dwarf_line(*of, va) : NULL;
  if (vm->dwarf_later && !vm->dwarf) { /* once; what is wrong with it is no fault of the run's */
    struct mon_error ignored = {0};
    if (mon_dwarf_read(&vm->dwarf, vm->debug_path, &ignored)) vm->dwarf = NULL;
    vm->dwarf_later = false;
  }
  *of = vm->dwarf;
  return *of ? mon_dwarf_line(*of, va - mon_kernel_shift(vm, (*of)->anchor)) : NULL;
}

const char *mb_where(struct mb_vm *vm, uint64_t va, char *buf, size_t n) {
  const struct mon_dwarf *of;
  mon_symbol_name(&vm->symbols, va, buf, n);
  const struct mon_line *l = line_of(vm, va, &of);
  size_t have = strlen(buf);
  if (l && have < n) snprintf(buf + have, n - have, " (%s:%" PRIu32 ")", of->source[l->source], l->line);
  return buf;
}

size_t mb_backtrace(struct mb_vm *vm, uint64_t *call, size_t max) {
  if (!vm->started || !max) return 0;
  struct mon_kernel_map map;
  mon_learn_symbols(vm);
  return mon_unwind(mon_cpu(vm), mon_modules_map(vm, &map) ? &map : NULL, call,
                    max < MON_STACK_MAX ? (unsigned)max : MON_STACK_MAX);
}
