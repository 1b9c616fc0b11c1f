/* monitor/modules.h: the modules that a Linux guest has loaded: where they are, their functions, their lines. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Looked up when somebody asks for names, in the guest's memory, by what the kernel's DWARF says of its structures.
 * Known is what is loaded then: not what has been unloaded, nor code for the beginning, which Linux drops once a module
 * is there. */
#ifndef MONITOR_MODULES_H
#define MONITOR_MODULES_H
#include "monitor/coverage.h"
#include "monitor/kernel_map.h"

struct mb_vm;

/* For mon_learn_symbols() alone: add their functions to vm->symbols, as "name [module]"; take them away. */
void mon_modules_learn(struct mb_vm *vm);
void mon_modules_forget(struct mb_vm *vm);
void mon_modules_free(struct mb_vm *vm);

/* How the kernel's memory is found, after mon_learn_symbols(), while vm lives. False: that is not known. */
bool mon_modules_map(const struct mb_vm *vm, struct mon_kernel_map *out);
/* Is va a module's? Then *of has its lines, with addresses as they are; NULL: they are not known. */
bool mon_modules_dwarf(struct mb_vm *vm, uint64_t va, const struct mon_dwarf **of);
size_t mon_modules_count(const struct mb_vm *vm);
/* Of those that have lines; returns how many. There is room for mon_modules_count(). */
size_t mon_modules_lines(struct mb_vm *vm, struct mon_lcov_part *part);
/* Why their functions are not known, for people; NULL: they are. */
const char *mon_modules_why(const struct mb_vm *vm);
#endif
