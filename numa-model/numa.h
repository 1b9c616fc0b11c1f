/* numa-model/numa.h: machine memory: frames of 4 KiB on nodes. */
/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of all frames are one file of the host, which backs a frame from its first write until it is free again; an
 * untouched one costs its descriptor and nothing else. Who wants to see a frame maps it. Not to be used by two
 * threads at once, but for `mappings`. */
#ifndef NUMA_MODEL_NUMA_H
#define NUMA_MODEL_NUMA_H
#include <stdbool.h>
#include <stdint.h>

enum { NUMA_FRAME_BITS = 12, NUMA_FRAME_SIZE = 1 << NUMA_FRAME_BITS };
#define NUMA_NO_FRAME UINT32_MAX

struct frame {
  uint32_t refs;  /* pages it backs; 0: free */
  uint32_t user;  /* one of them, by which the others are found: mmu/memmap.h */
  uint64_t block; /* of a disk image, that it holds; 0: of none. The keeper of the buffer cache's */
  uint32_t next;  /* likewise */
  uint16_t node;
};

struct numa_places;

struct numa_memory {
  struct frame *frame; /* by number */
  uint32_t frames, next_free;
  int file;                   /* frame n is at n << NUMA_FRAME_BITS; -1: there is none */
  int store;                  /* a file, only read, that some frames are in until they change; -1: there is none */
  uint64_t store_at;          /* where its pages begin */
  uint32_t *stored;           /* by frame: its page there; NUMA_NO_FRAME: it is in `file`. NULL: all are */
  _Atomic unsigned mappings;  /* of pieces of the file, kept by those who make them: at most NUMA_MAPPINGS_MAX */
  struct numa_places *places; /* to be told of free frames; NULL: nodes are not modelled. Borrowed */
};
/* Of the 65530 that the host gives a process (vm.max_map_count). */
enum { NUMA_MAPPINGS_MAX = 56000 };

/* `bytes`: a multiple of the frame size. 0, or -1 when the host has no memory left. */
__attribute__((warn_unused_result)) int numa_memory_init(struct numa_memory *m, uint64_t bytes);
/* Twice is harmless, and so is a zeroed one. */
void numa_memory_fini(struct numa_memory *m);
/* A frame of zeros with one reference: this one, if it is free. NUMA_NO_FRAME: all are in use. */
uint32_t numa_frame_get(struct numa_memory *m, uint32_t wanted);
/* Drop a reference. Without any the host gets the bytes back, and whoever still looks sees zeros. */
void numa_frame_put(struct numa_memory *m, uint32_t frame);
/* Fill a frame. 0 or -1 (no memory). */
__attribute__((warn_unused_result)) int numa_frame_write(const struct numa_memory *m, uint32_t frame, const void *from);
/* From now on frames may be stored (numa_frame_store()) in a file, which is taken over, from byte `at` on, a multiple
 * of the frame size. 0 or -1 (no memory; the file is the caller's still). */
__attribute__((warn_unused_result)) int numa_memory_store(struct numa_memory *m, int file, uint64_t at);
/* Free frames [frame, frame + n) hold what is in the file from its page `page` on. */
void numa_frames_store(struct numa_memory *m, uint32_t frame, uint32_t n, uint32_t page);
static inline bool numa_frame_is_stored(const struct numa_memory *m, uint32_t frame) {
  return m->stored && m->stored[frame] != NUMA_NO_FRAME;
}
/* Could the frames `a` and a + 1 be one mapping? */
bool numa_frames_adjoin(const struct numa_memory *m, uint32_t a);
/* Let stored frames [frame, frame + n), whose bytes are given, be ordinary ones. 0 or -1 (no memory). */
__attribute__((warn_unused_result)) int numa_frames_fetch(struct numa_memory *m, uint32_t frame, uint32_t n,
                                                          const void *bytes);
/* Map n frames at a host address; stored ones can only be read. at_hand: they will be looked at soon. False: the host
 * would not. */
bool numa_frames_map(const struct numa_memory *m, void *at, uint32_t frame, uint32_t n, bool write, bool at_hand);
/* Say of each frame whether the host backs it. */
void numa_memory_touched(const struct numa_memory *m, uint8_t *touched);
#endif
