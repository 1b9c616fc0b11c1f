/* monitor/place.c: functions by symbol, exception vectors, and pages of code that have no name. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "monitor/place.h"
#include "frontend/paths.h"
#include <inttypes.h>

enum { VECTOR_BYTES = 0x80, VECTORS_BYTES = 0x400, INTERRUPTS = 0x200 };

/* Offsets from EBase (PRA vol. III, "Exception Vector Locations"). */
static const char *vector_name(uint64_t offset) {
  switch (offset / VECTOR_BYTES) {
  case 0: return "[TLB refill vector]";
  case 1: return "[XTLB refill vector]";
  case 2: return "[cache error vector]";
  case 3: return "[exception vector]";
  default: return "[interrupt vector]";
  }
}

/* Of pc, from where vectors begin; of what is none: VECTORS_BYTES or more. */
static uint64_t vector_offset(const struct mb_vm *vm, uint64_t pc, bool user) {
  const struct cpu *c = mon_cpu(vm);
  uint64_t base = c->cp0.status & ST_BEV ? MON_ROM_VA : mmu_canonical(&c->mmu, c->cp0.ebase & ~UINT64_C(0xfff));
  return user ? UINT64_MAX : pc - base;
}

struct mon_place mon_place_of(const struct mb_vm *vm, uint64_t pc, bool user) {
  uint64_t vector = vector_offset(vm, pc, user);
  if (pc & 3) return (struct mon_place){pc, MON_PLACE_EVENT};
  if (vector < VECTORS_BYTES)
    return (struct mon_place){vector < INTERRUPTS ? vector & ~(uint64_t)(VECTOR_BYTES - 1) : INTERRUPTS,
                              MON_PLACE_VECTOR};
  const struct mon_symbol *y = mon_symbol_find(&vm->symbols, pc);
  if (y) return (struct mon_place){y->at, MON_PLACE_FUNCTION};
  return (struct mon_place){pc & MMU_PAGE_MASK, user ? MON_PLACE_USER_PAGE : MON_PLACE_KERNEL_PAGE};
}

uint64_t mon_place_reach(const struct mb_vm *vm, uint64_t pc, bool user) {
  uint64_t end = (pc & MMU_PAGE_MASK) + MMU_PAGE_SIZE, symbol = mon_symbol_next(&vm->symbols, pc);
  if (vector_offset(vm, pc, user) < VECTORS_BYTES) return (pc & ~(uint64_t)(VECTOR_BYTES - 1)) + VECTOR_BYTES;
  return symbol && symbol - pc < end - pc ? symbol : end;
}

bool mon_place_is_module(struct mon_place place) {
  return place.kind == MON_PLACE_KERNEL_PAGE && !mips_unmapped(place.at);
}

static const char *event_name(uint64_t number) {
  switch (number) {
  case MIPS_PATH_THREAD: return "kernel thread";
  case MIPS_PATH_NO_ROOM: return "no room for more paths";
  case MIPS_PATH_UNFETCHED: return "could not be fetched";
  default: return number < MIPS_EVENTS ? mips_event_info[number].name : "?";
  }
}

const char *mon_place_name(const struct mb_vm *vm, struct mon_place place, char buf[MON_PLACE_NAME]) {
  switch (place.kind) {
  case MON_PLACE_FUNCTION: mon_symbol_name(&vm->symbols, place.at, buf, MON_PLACE_NAME); break;
  case MON_PLACE_VECTOR: snprintf(buf, MON_PLACE_NAME, "%s", vector_name(place.at)); break;
  case MON_PLACE_KERNEL_PAGE: snprintf(buf, MON_PLACE_NAME, "kernel 0x%08" PRIx64, place.at); break;
  case MON_PLACE_USER_PAGE: snprintf(buf, MON_PLACE_NAME, "user 0x%08" PRIx64, place.at); break;
  case MON_PLACE_EVENT: snprintf(buf, MON_PLACE_NAME, "[%s]", event_name(place.at >> 2)); break;
  }
  return buf;
}
