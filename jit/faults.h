/* jit/faults.h: host faults (SIGSEGV, SIGBUS, SIGILL) that are meant to happen. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JIT_FAULTS_H
#define JIT_FAULTS_H
#include <stdbool.h>
#include <stdint.h>

/* Where to go on after a fault at pc, or 0: it is none of ours. Called in a signal handler. */
typedef uint64_t (*faults_handler)(void *ctx, uint64_t pc);
/* Ask `handler` about faults of this thread from now on. What it does not know, and what other threads do, goes to the
 * handlers that the process had. The first call takes the signals over, for good. */
void faults_expect(faults_handler handler, void *ctx);
/* Before ctx is gone. */
void faults_forget(const void *ctx);

/* --- traps: host instructions that fault each time, in C or in generated code, on any thread ---
 * Such an instruction takes FAULTS_TRAP_BYTES, and a no-operation that nothing else would use stands behind it: there
 * the handler goes on. Once faults_allow_traps() was called. */
enum { FAULTS_TRAP_BYTES = 2 };
#define FAULTS_MARK ".byte 0x0f, 0x1f, 0x80, 0x74, 0x72, 0x61, 0x70" /* nopl "trap"(%rax) */
#define FAULTS_TRAP "ud2; " FAULTS_MARK
void faults_allow_traps(void);
/* A counter of host time, to be read before a trap; generated code reads the same. */
uint64_t faults_ticks(void);
/* Trap by an instruction that does not exist. Returns faults_ticks() before it. */
uint64_t faults_trap(void);
/* Trap by an access of memory that may not be accessed. */
uint64_t faults_touch(uint8_t *at, bool write);
#endif
