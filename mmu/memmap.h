/* mmu/memmap.h: the pages of all VMs' RAM, and which frames of the machine they are. */
/* SPDX-License-Identifier: Apache-2.0 */
/* A page of RAM has one place in the host's address space for ever; so code, soft TLBs and linear memory need not know
 * which frame is mapped there. What they must know is whether a store may go to it: it may while the page is *open*,
 * that is, has a frame for itself. A page without a frame reads as zeros. To share, merge, migrate is to *point* closed
 * pages at other frames; the first store opens the page again, with a copy if others have the frame, too (COW).
 *
 * Closing pages, or pointing them elsewhere, makes the pmap `stale`: mmu_pmap_shoot() before any of its cpus goes on.
 * Opening does not: no soft TLB lets a store to a closed page pass, and views are seen to at once.
 *
 * Each page has a frame of its own, of the same number, which it gets unless that is taken: neighbours are then one
 * mapping, of which the host gives a process so many. There are as many frames as pages, and only a page whose frame
 * has other users needs a new one, so frames never run out.
 *
 * VMs may run on threads of their own. A page is its VM's; frames, and which pages have them, change under the lock. */
#ifndef MMU_MEMMAP_H
#define MMU_MEMMAP_H
#include "numa-model/numa.h"
#include "numa-model/snap.h"
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

struct mmu_pmap;

struct mmu_page {
  uint8_t *host;       /* its bytes; may be written to while it is open */
  void *code;          /* translations of what it holds; owned by the jit */
  uint32_t frame;      /* NUMA_NO_FRAME: it is all zeros */
  uint32_t next, prev; /* the pages that have this frame: a ring */
  uint32_t seen;       /* the merger's: what was seen here last; 0: nothing */
  bool open;           /* stores may go to it, and to its frame it is the only page */
  bool writable;       /* the host lets us write */
  bool viewed;         /* it may be in a view */
  uint8_t vm;          /* whose it is: an index of mmu_memmap.vm */
};

enum { MMU_VMS_MAX = 64 };

/* One for a machine. Pages are known by number, from 0; page n's own frame is frame n. */
struct mmu_memmap {
  struct numa_memory memory;
  struct mmu_page *page;
  pthread_mutex_t lock;
  uint32_t given; /* pages that have become RAM of a VM */
  struct mmu_pmap *vm[MMU_VMS_MAX];
  uint32_t *bucket; /* the buffer cache's, see blocks.c */
  uint64_t splits;  /* shared pages that were written to, and so copied */
};
/* `bytes`: of all VMs' RAM together. 0 or -1 (no memory). Fini comes after that of all pmaps. */
__attribute__((warn_unused_result)) int mmu_memmap_init(struct mmu_memmap *m, uint64_t bytes);
void mmu_memmap_fini(struct mmu_memmap *m);
static inline uint32_t mmu_page_number(const struct mmu_memmap *m, const struct mmu_page *g) {
  return (uint32_t)(g - m->page);
}
static inline const struct frame *mmu_page_frame(const struct mmu_memmap *m, const struct mmu_page *g) {
  return g->frame == NUMA_NO_FRAME ? NULL : &m->memory.frame[g->frame];
}

/* May stores go to it? Asked without the lock: where vcpus run at the same time another may be opening it. */
static inline bool mmu_page_is_open(const struct mmu_page *g) {
  return __atomic_load_n(&g->open, __ATOMIC_ACQUIRE);
}
/* Let stores go to the page. Any thread. 0, or -1 when the host has no memory or mappings left: then nothing has
 * changed. */
__attribute__((warn_unused_result)) int mmu_page_open(struct mmu_memmap *m, struct mmu_page *g);
/* Let stores to the page be seen. Only by its VM's thread, or while none runs. */
void mmu_page_close(struct mmu_memmap *m, struct mmu_page *g);
/* Make n closed pages from `first` on, all of one VM, those that have the frames from `frame` on, or, with
 * NUMA_NO_FRAME, zeros, whatever they held before. Frames that have other users belong to closed pages. False, and
 * nothing has changed: the host has no mappings to spare. With the lock, or while no VM runs. */
bool mmu_pages_point(struct mmu_memmap *m, uint32_t first, uint32_t n, uint32_t frame);

/* Within mmu/: close pages that may be open, and point them; what the merger has seen of them no longer counts. With
 * the lock. */
bool mmu_pages_repoint(struct mmu_memmap *m, struct mmu_page *g, uint32_t n, uint32_t frame);
/* Make a page the frame of another, and so have its bytes, and close both. The other's VM is not running. False: it
 * cannot be. */
bool mmu_page_share(struct mmu_memmap *m, struct mmu_page *g, struct mmu_page *with);

/* Make n pages from g on, all of one VM, zeros, and give their frames back. Its VM's thread. False, and they are what
 * they were: the host has no mappings to spare. */
bool mmu_pages_clear(struct mmu_memmap *m, struct mmu_page *g, uint32_t n);

/* --- the global buffer cache: pages that hold a block of a disk image --- */
/* `block` is a number, not 0, that stands for image and block. Make a page the frame that holds it. False: there is
 * none, or the host has no mappings to spare. */
bool mmu_block_map(struct mmu_memmap *m, struct mmu_page *g, uint64_t block);
/* An open page has been filled with the block: close it, and let others find it until it changes. */
void mmu_block_keep(struct mmu_memmap *m, struct mmu_page *g, uint64_t block);
/* NUMA_NO_FRAME: none holds it. With the lock, or while no VM runs. */
uint32_t mmu_block_find(const struct mmu_memmap *m, uint64_t block);
void mmu_block_forget(struct mmu_memmap *m, uint32_t frame); /* within mmu/ */

/* --- as state: see numa-model/snap.h. While no VM runs --- */
/* Frames that hold something, by their place in a file that holds them one behind the other. */
struct mmu_kept {
  uint32_t *frame; /* owned; ascending */
  uint32_t n;
};
/* With `all` zeros, too: then each page that has a frame will have it again. 0 or -1 (no memory). */
__attribute__((warn_unused_result)) int mmu_kept_init(struct mmu_kept *k, const struct mmu_memmap *m, bool all);
void mmu_kept_fini(struct mmu_kept *k);
/* The bytes of a frame that some page has. */
const uint8_t *mmu_frame_bytes(const struct mmu_memmap *m, uint32_t frame);
/* Which pages have which frames, the bytes left out. Saving: `k` is of just now. Restoring: numa_memory_store() has
 * said where the bytes are, `pages` how many there are of them; no page has a frame yet. */
void mmu_memmap_state(struct mmu_memmap *m, const struct mmu_kept *k, uint32_t pages, struct snap *s);

/* Within mmu/: n pages give back their frames; nobody looks at them any more. */
void mmu_pages_drop(struct mmu_memmap *m, uint32_t first, uint32_t n);
#endif
