/* monitor/threads.h: --parallel: the vcpus of a VM at the same time, each on a host thread of its own. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MONITOR_THREADS_H
#define MONITOR_THREADS_H
#include "frontend/gang.h"
#include "monitor/monitor.h"
#include <pthread.h>

/* What vm->threads is; no thread runs yet. 0 or -1 (no memory). */
int mon_threads_new(struct mb_vm *vm);
/* End the threads: before the cpus are gone. Takes NULL, as the next does. */
void mon_threads_end(struct mon_threads *a);
/* After the cpus are gone. */
void mon_threads_free(struct mon_threads *a);
struct mips_gang *mon_threads_gang(struct mon_threads *a);
/* Put the device lock around the hooks of a cpu to be made. */
void mon_threads_hook(struct mon_threads *a, unsigned number, struct cpu_config *c);
/* Let the VM live on until its clock has passed `end` (cycles), or it stops. */
void mon_threads_turn(struct mb_vm *vm, uint64_t end);
/* With the device lock: a hardware interrupt line of a vcpu has this level now. */
void mon_threads_irq(struct mon_threads *a, unsigned vcpu, int line, int level);
/* With the device lock: vm->vcpu[vcpu] has changed. */
void mon_threads_poke(struct mon_threads *a, unsigned vcpu);
/* Instructions of all vcpus, about. Any thread. */
uint64_t mon_threads_instructions(const struct mon_threads *a);

/* Start a thread that no signal goes to, but for the faults of generated code. As pthread_create(). */
int mon_thread_start(pthread_t *out, void *(*run)(void *), void *arg);
#endif
