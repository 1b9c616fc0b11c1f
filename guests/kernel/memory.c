/* guests/kernel/memory.c: pages, page tables, and the TLB below them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel.h"

#define KSEG0(pa) ((void *)(intptr_t)(int32_t)(0x80000000u | (uint32_t)(pa)))
enum { LO_V = 2, LO_D = 4, LO_CACHED = 3 << 3 };

struct free_page {
  struct free_page *next;
};
static struct free_page *free_list;
static unsigned free_count;

static void page_put(void *page) {
  struct free_page *p = page;
  p->next = free_list;
  free_list = p;
  free_count++;
}

static void *page_get(void) {
  struct free_page *p = free_list;
  if (!p) return NULL;
  free_list = p->next;
  free_count--;
  for (size_t i = 0; i < PAGE / sizeof(reg); i++) ((reg *)p)[i] = 0;
  return p;
}

void memory_init(uint32_t bytes) {
  for (uint32_t pa = (uint32_t)(uintptr_t)kernel_end & 0x1fffffff; pa + PAGE <= bytes; pa += PAGE) page_put(KSEG0(pa));
}
unsigned memory_free_pages(void) {
  return free_count;
}

/* Each TLB entry gets an address of its own that is never looked up. */
static void tlb_void(unsigned i) {
  setreg(CP0_ENTRYHI, (reg)(intptr_t)(int32_t)(0x80000000u + i * 0x2000));
  setreg(CP0_ENTRYLO0, 0);
  setreg(CP0_ENTRYLO1, 0);
  set32(CP0_INDEX, i);
  __asm__ volatile("tlbwi\n\tehb");
}

static unsigned tlb_entries(void) {
  return (get32(CP0_CONFIG1) >> 25 & 63) + 1;
}

void tlb_init(void) {
  set32(CP0_PAGEMASK, 0);
  set32(CP0_WIRED, 0);
  for (unsigned i = 0; i < tlb_entries(); i++) tlb_void(i);
}

void tlb_forget(unsigned asid) {
  uint32_t before = get32(CP0_ENTRYHI);
  for (unsigned i = 0; i < tlb_entries(); i++) {
    set32(CP0_INDEX, i);
    __asm__ volatile("tlbr\n\tehb");
    if ((get32(CP0_ENTRYHI) & 0xff) == asid) tlb_void(i);
  }
  setreg(CP0_ENTRYHI, before & 0xff);
}

/* Drop the one entry that maps va for the process, if there is one. */
static void tlb_forget_page(const struct process *p, reg va) {
  setreg(CP0_ENTRYHI, (va & ~(reg)(2 * PAGE - 1)) | p->asid);
  __asm__ volatile("tlbp\n\tehb");
  uint32_t index = get32(CP0_INDEX);
  if (!(index >> 31)) tlb_void(index);
  setreg(CP0_ENTRYHI, current ? current->asid : 0);
}

static void *page_address(reg lo) {
  return KSEG0((lo & 0x3fffffff) >> 6 << 12);
}

bool page_add(struct process *p, reg va) {
  reg n = (va - USER_BASE) / PAGE;
  if (va < USER_BASE || n >= USER_PAGES || p->pages[n]) return false;
  void *page = page_get();
  if (!page) return false;
  p->pages[n] = ((reg)(uintptr_t)page & 0x1fffffff) >> 12 << 6 | LO_CACHED | LO_D | LO_V;
  tlb_forget_page(p, va);
  return true;
}

void page_free_all(struct process *p) {
  for (unsigned n = 0; n < USER_PAGES; n++) {
    if (p->pages[n]) page_put(page_address(p->pages[n]));
    p->pages[n] = 0;
  }
  tlb_forget(p->asid);
}

bool page_copy_all(struct process *to, const struct process *from) {
  for (unsigned n = 0; n < USER_PAGES; n++) {
    if (!from->pages[n]) continue;
    if (!page_add(to, USER_BASE + (reg)n * PAGE)) return false;
    const reg *s = page_address(from->pages[n]);
    reg *d = page_address(to->pages[n]);
    for (size_t i = 0; i < PAGE / sizeof(reg); i++) d[i] = s[i];
    for (size_t i = 0; i < PAGE; i += 4) __asm__ volatile("synci 0(%0)" : : "r"((char *)d + i) : "memory");
  }
  return true;
}

char *page_byte(struct process *p, reg va) {
  reg n = (va - USER_BASE) / PAGE;
  if (va < USER_BASE || n >= USER_PAGES) return NULL;
  if (!p->pages[n] && !page_add(p, va)) return NULL;
  return (char *)page_address(p->pages[n]) + va % PAGE;
}
