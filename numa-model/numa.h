/* numa-model/numa.h: machine memory: frames of 4 KiB on nodes. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Host memory for all frames is reserved at once and backed by the host only when written, so an
 * untouched frame costs its descriptor and nothing else. VCPU thread only. */
#ifndef NUMA_MODEL_NUMA_H
#define NUMA_MODEL_NUMA_H
#include <stddef.h>
#include <stdint.h>

enum { NUMA_FRAME_BITS = 12, NUMA_FRAME_SIZE = 1 << NUMA_FRAME_BITS };

struct frame {
  uint8_t *host; /* its bytes */
  void *code;    /* translations of what it holds; owned by the jit */
  uint32_t refs; /* guest-physical pages it backs; 0: free */
  uint16_t node;
};

struct numa_memory {
  struct frame *frame;
  size_t frames, next_free;
  uint8_t *base;
  int file; /* the bytes of all frames, in order, for those who map some of them elsewhere, too; -1: no such file */
  unsigned mapped; /* so many pages, kept by them: at most NUMA_MAPPED_MAX */
};
/* Two mappings each, of the 65530 that the host gives a process (vm.max_map_count). */
enum { NUMA_MAPPED_MAX = 24000 };

/* Room for `bytes` (a multiple of the frame size). 0, or -1 when the host has no address space
 * left. */
int numa_memory_init(struct numa_memory *m, uint64_t bytes);
void numa_memory_fini(struct numa_memory *m);
/* A zeroed frame with one reference, or NULL when all are in use. */
struct frame *numa_frame_get(struct numa_memory *m);
void numa_frame_put(struct numa_memory *m, struct frame *f);
/* Say of each frame whether it may hold something else than zeros. Where the host does not know, all may. */
void numa_memory_touched(const struct numa_memory *m, uint8_t *touched);
#endif
