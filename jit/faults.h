/* jit/faults.h: host faults (SIGSEGV, SIGBUS) of generated code that are meant to happen. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JIT_FAULTS_H
#define JIT_FAULTS_H
#include <stdint.h>

/* Where to go on after a fault at pc, or 0: it is none of ours. Called in a signal handler. */
typedef uint64_t (*faults_handler)(void *ctx, uint64_t pc);
/* Ask `handler` about faults of this thread from now on. What it does not know, and what other threads do, goes to the
 * handlers that the process had. The first call takes the signals over, for good. */
void faults_expect(faults_handler handler, void *ctx);
/* Before ctx is gone. */
void faults_forget(const void *ctx);
#endif
