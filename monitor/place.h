/* monitor/place.h: what an address of guest code is a part of, for reports: a function, a vector, a page. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MONITOR_PLACE_H
#define MONITOR_PLACE_H
#include "monitor/monitor.h"

enum mon_place_kind {
  MON_PLACE_FUNCTION,
  MON_PLACE_VECTOR,
  MON_PLACE_KERNEL_PAGE,
  MON_PLACE_USER_PAGE,
  MON_PLACE_EVENT
};
struct mon_place {
  uint64_t at; /* of a vector: from EBase; of an event: what frontend/paths.h has for a site */
  enum mon_place_kind kind;
};
enum { MON_PLACE_NAME = 512 };

/* By the symbols that are known now. EVENT: why the kernel runs there, in a call path. */
struct mon_place mon_place_of(const struct mb_vm *vm, uint64_t pc, bool user);
/* An address behind pc up to which all is the same place; more may follow. */
uint64_t mon_place_reach(const struct mb_vm *vm, uint64_t pc, bool user);
static inline bool mon_place_same(struct mon_place a, struct mon_place b) {
  return a.at == b.at && a.kind == b.kind;
}
/* Is it code of a module's, or another page that the kernel maps, whose functions are not known? */
bool mon_place_is_module(struct mon_place place);
/* Returns buf. */
const char *mon_place_name(const struct mb_vm *vm, struct mon_place place, char buf[MON_PLACE_NAME]);
#endif
