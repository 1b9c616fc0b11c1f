/* guests/splash/page.c: one mapped page, which all vcpus see change at once. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "os.h"

enum { ENTRY_LO = 5 << 3 | 7 }; /* coherent, dirty, valid, global */

/* start.S knows: what entry 0 of each TLB is to be, and the number of that. */
struct {
  reg hi, lo; /* hi 0: no page has been mapped yet */
  unsigned number;
} page_entry;
/* The numbers that vcpus have seen to, in lines of their own. */
unsigned page_seen[VCPUS_MAX][PAGE_SEEN_LINE / sizeof(unsigned)];

void page_map(void *page) {
  static struct lock lock;
  lock_take(&lock);
  page_entry.hi = PAGE_VA;
  page_entry.lo = ((reg)page & 0x1fffffff) >> 12 << 6 | ENTRY_LO;
  __asm__ volatile("sync" : : : "memory");
  unsigned number = ++page_entry.number;
  for (unsigned n = 0; n < vcpus; n++) vcpu_wake(n); /* this one, too */
  for (unsigned n = 0; n < vcpus; n++)
    while ((int)(__atomic_load_n(&page_seen[n][0], __ATOMIC_ACQUIRE) - number) < 0) __asm__ volatile("pause");
  lock_give(&lock);
}
