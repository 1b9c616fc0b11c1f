/* monitor/checks.h: what checks have found: by place, with who called whom, as text and JSON. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MONITOR_CHECKS_H
#define MONITOR_CHECKS_H
#include "monitor/monitor.h"

/* vm->checks, which config.check asks for; then what it keeps of RAM, before the first cpu. -1: no memory. Free it all
 * with mon_checks_free(). */
__attribute__((warn_unused_result)) int mon_checks_new(struct mb_vm *vm);
__attribute__((warn_unused_result)) int mon_checks_memory(struct mb_vm *vm);
void mon_checks_free(struct mb_vm *vm);
/* What cpus, devices and the loader tell; NULL: nothing is checked. */
struct mips_check *mon_checks_cpu(struct mb_vm *vm);
/* --- checks_allow.c --- lines behind each other, the last one empty; NULL: none. Does one of them name it? */
bool mon_allows(const char *lines, const char *kind, const char *function);
/* Such lines are taken over. */
void mon_checks_allow(struct mb_vm *vm, char *lines);
/* The findings, as a new JSON object. */
struct json_t *mon_checks_json(struct mb_vm *vm);
#endif
