/* mmu/mmu.h: from a virtual address to host bytes: guest TLB, pmap, address contexts,
 * guest-physical access. */
/* SPDX-License-Identifier: Apache-2.0 */
/* va -> (guest TLB, segments) -> gpa -> (pmap) -> frame. A soft TLB entry always stands for a live
 * entry of the guest TLB or an unmapped segment: whoever replaces a TLB entry calls mmu_tlb_write,
 * which drops what depended on it. */
#ifndef MMU_MMU_H
#define MMU_MMU_H
#include "mmu/memmap.h"
#include "mmu/softtlb.h"

typedef struct {
  uint64_t v;
} gpa_t; /* guest-physical address, "physical" in the MIPS manuals */
static inline gpa_t gpa(uint64_t v) {
  return (gpa_t){v};
}

/* --- pmap: guest-physical page -> page of RAM, which has a frame: mmu/memmap.h --- */
struct mmu_guest;
struct mmu_pmap {
  struct mmu_page **page; /* by guest-physical page number; NULL: not RAM */
  uint64_t pages;
  struct mmu_memmap *map; /* borrowed */
  struct mmu_page *ram;   /* its part of map->page: */
  uint32_t ram_pages, ram_given;
  uint8_t *host; /* where they are, one behind the other */
  uint8_t vm;
  uint8_t node;             /* of the cpu that runs, where nodes are modelled */
  bool pinned;              /* its cpus run at the same time: its pages are opened, but never closed */
  bool stale;               /* soft TLBs or views may let more pass than the pages do */
  uint64_t shots;           /* how often they were put right */
  struct mmu_guest *guests; /* the cpus: a list */
};
/* `pages` bounds the guest-physical addresses that may be RAM, of which there will be `ram` bytes. 0, or -1: the host
 * has no memory, or the machine has not so many pages. */
__attribute__((warn_unused_result)) int mmu_pmap_init(struct mmu_pmap *p, struct mmu_memmap *m, uint64_t pages,
                                                      uint64_t ram);
void mmu_pmap_fini(struct mmu_pmap *p);
/* Let [at, at + bytes) be RAM, all zeros; page-aligned. 0, or -1 when that is more than was said. */
__attribute__((warn_unused_result)) int mmu_pmap_add_ram(struct mmu_pmap *p, gpa_t at, uint64_t bytes);
/* Let [at, at + bytes) be the same pages as [of, of + bytes). */
void mmu_pmap_alias(struct mmu_pmap *p, gpa_t at, gpa_t of, uint64_t bytes);
static inline struct mmu_page *mmu_pmap_page(const struct mmu_pmap *p, gpa_t a) {
  uint64_t n = a.v >> MMU_PAGE_BITS;
  return n < p->pages ? p->page[n] : NULL;
}
/* The page at a host address. */
static inline struct mmu_page *mmu_pmap_at(const struct mmu_pmap *p, uint64_t host) {
  return &p->ram[(host - (uint64_t)(uintptr_t)p->host) >> MMU_PAGE_BITS];
}
/* Let a cpu's soft TLBs be put right with the pmap's pages; and no longer, if they were. */
void mmu_pmap_join(struct mmu_pmap *p, struct mmu_guest *g);
void mmu_pmap_leave(struct mmu_pmap *p, struct mmu_guest *g);
/* Shootdown: what no longer holds goes from all soft TLBs and views. Not within a block, unless that is left then. */
void mmu_pmap_shoot(struct mmu_pmap *p);
static inline void mmu_pmap_settle(struct mmu_pmap *p) {
  if (p->stale) mmu_pmap_shoot(p);
}
/* Within mmu/: the page has changed its frame. */
void mmu_pmap_unview(struct mmu_pmap *p, struct mmu_page *g);
/* Copy between host and guest-physical memory (loader, DMA). Returns bytes moved: short where RAM
 * ends. A write calls on_code_write for pages that carry translations. */
struct mmu_code_hook {
  void (*on_code_write)(void *ctx, struct mmu_page *g);
  void *ctx;
};
uint64_t mmu_read(const struct mmu_pmap *p, gpa_t at, void *to, uint64_t n);
uint64_t mmu_write(struct mmu_pmap *p, const struct mmu_code_hook *hook, gpa_t at, const void *from, uint64_t n);

/* --- the architectural TLB (R4000 style; PRA vol. III "TLB-Based Virtual Address Translation") ---
 */
enum { MMU_TLB_MAX = 64 };
struct mmu_tlb_half {
  uint64_t pfn; /* guest-physical address of the page, aligned to 4 KiB */
  uint8_t c;    /* cache attribute */
  bool d, v, ri, xi;
};
struct mmu_tlb_entry {
  uint64_t vpn;  /* va bits of the pair, as in EntryHi: region, VPN2; below the mask zero */
  uint64_t mask; /* of the pair: 0x1fff for 4 KiB pages */
  uint8_t asid;
  bool g;
  bool hidden; /* EntryHi.EHINV was written: matches nothing */
  struct mmu_tlb_half half[2];
};

enum mmu_priv { MMU_KERNEL, MMU_SUPERVISOR, MMU_USER };
enum mmu_result { MMU_OK, MMU_ADDRESS_ERROR, MMU_REFILL, MMU_INVALID, MMU_MODIFIED, MMU_RI, MMU_XI };

/* What of the cpu's state address translation depends on; set through mmu_set_state(). */
struct mmu_state {
  uint8_t priv; /* enum mmu_priv */
  uint8_t asid;
  bool erl;        /* Status.ERL: kuseg is unmapped */
  bool kx, sx, ux; /* 64-bit addressing enabled for each privilege */
};

/* An address that the guest has linked to (LL), and where it then led. MMU_LINK_OPEN: not looked up yet, which is done
 * at the latest before any translation changes. */
struct mmu_link {
  uint64_t va, gpa;
};
#define MMU_LINK_OPEN INT64_C(-1)

struct mmu_view;
struct mmu_context; /* soft TLB tables of one (ASID, privilege); the kernel has one for all ASIDs */
struct mmu_loan;
struct mmu_l2tlb;
struct mmu_machine_tlb;
struct mmu_lines;

struct mmu_guest {
  struct mmu_link link;         /* written by the cpu */
  struct mmu_guest *next_guest; /* of its pmap */
  struct mmu_tlb_entry tlb[MMU_TLB_MAX];
  /* The same for a quick search: entry i matches va when ((va ^ vpn[i]) & care[i]) == 0, if its ASID does. */
  uint64_t vpn[MMU_TLB_MAX], care[MMU_TLB_MAX];
  unsigned entries;
  uint8_t segbits, pabits;
  struct mmu_state state;
  struct mmu_context *context[256 * 3];
  struct mmu_context *contexts;     /* those that exist, as a list */
  struct mmu_loan *loan[256];       /* owned; by ASID: entries of its own pages in the kernel's tables */
  uint8_t lender;                   /* whose are there now */
  struct softtlb *live;             /* the cpu's; updated when the context changes or a table grows */
  struct mmu_l2tlb *l2;             /* owned; NULL: none */
  struct mmu_machine_tlb *machine;  /* owned; NULL: none */
  struct mmu_lines *lines;          /* owned; NULL: none */
  const struct softtlb *pages;      /* of the context in force: what `live` has, but with `lines` */
  uint64_t swept;                   /* entries written by TLBWI since the last TLBWR, as bits */
  unsigned views, view_after;       /* how many there are; see mmu_view_want() */
  uint64_t fills, flushes, l2_hits; /* statistics */
  uint64_t view_fills;
  uint64_t epochs; /* stamps given out */
};

/* The bits of a virtual address that take part in a match: the region and SEGBITS (PRA vol. III, EntryHi). */
static inline uint64_t mmu_vpn_bits(const struct mmu_guest *g) {
  return g->segbits == 32 ? UINT64_MAX : UINT64_C(3) << 62 | (((uint64_t)1 << g->segbits) - 1);
}

/* `live` is the cpu's embedded soft TLB. 0 or -1 (no memory). */
int mmu_guest_init(struct mmu_guest *g, unsigned entries, unsigned segbits, unsigned pabits, struct softtlb *live);
void mmu_guest_fini(struct mmu_guest *g);
/* Change privilege, ASID or addressing; cheap when only ASID and privilege change. -1: no memory.
 */
int mmu_set_state(struct mmu_guest *g, const struct mmu_state *s);
/* In kseg0, kseg1 or xkphys, which the TLB does not map? */
static inline bool mmu_unmapped(uint64_t va) {
  return (va >= UINT64_C(0xffffffff80000000) && va < UINT64_C(0xffffffffc0000000)) || va >> 62 == 2;
}
/* Translate without side effects. On success *out is the gpa and *writable says whether a write
 * would pass too. */
enum mmu_result mmu_translate(struct mmu_guest *g, uint64_t va, enum mmu_access kind, gpa_t *out, bool *writable);
/* The same for a read by somebody who watches: not even counted. */
enum mmu_result mmu_peek(const struct mmu_guest *g, uint64_t va, gpa_t *out);
/* The same as a kernel would see it, in the address space in force. */
enum mmu_result mmu_peek_as_kernel(const struct mmu_guest *g, uint64_t va, gpa_t *out);
/* Within mmu/: the same for a kernel of any addressing, under an ASID. */
enum mmu_result mmu_peek_as(const struct mmu_guest *g, uint64_t va, uint8_t asid, gpa_t *out);
/* Where the address linked to has led; 0 when nowhere. */
uint64_t mmu_link_gpa(const struct mmu_guest *g);
/* Within mmu/: an address may lead elsewhere from now on. */
static inline void mmu_link_settle(struct mmu_guest *g) {
  g->link.gpa = mmu_link_gpa(g);
}
/* Enter a translation of the page of va into the table in force. data: see struct softtlb_entry. */
void mmu_soft_fill(struct mmu_guest *g, uint64_t va, enum mmu_access kind, uint64_t data);
/* Replace TLB entry i, dropping what soft TLBs hold of the old one and of pages it takes from another. Returns another
 * entry that overlaps the new one, or -1. */
int mmu_tlb_write(struct mmu_guest *g, unsigned i, const struct mmu_tlb_entry *e);
/* The same as TLBWR does: the old entry is kept in the second-level TLB. */
int mmu_tlb_replace(struct mmu_guest *g, unsigned i, const struct mmu_tlb_entry *e);
/* TLBWI has written entry i; entries below `wired` are no part of a sweep. */
void mmu_tlb_swept(struct mmu_guest *g, unsigned i, unsigned wired);
/* Index of the entry that translates va under an ASID, or -1. */
int mmu_tlb_find(const struct mmu_guest *g, uint64_t va, uint8_t asid);
/* TLBP for a value of EntryHi: the index or -1. The second-level TLB forgets the page. */
int mmu_tlb_probe(struct mmu_guest *g, uint64_t entryhi);
/* Another entry that overlaps e, or -1 (a duplicate: UNPREDICTABLE or machine check). */
int mmu_tlb_overlap(const struct mmu_guest *g, const struct mmu_tlb_entry *e, unsigned except);
/* The address as the cpu computes it: a 32-bit cpu wraps. (A 64-bit one never does: with 64-bit addressing off, an
 * address that is not sign-extended is an address error; PRA vol. III, "Compliance".) */
uint64_t mmu_canonical(const struct mmu_guest *g, uint64_t va);
/* Forget what soft TLBs hold of a TLB entry about to be replaced. */
void mmu_soft_drop_tlb(struct mmu_guest *g, const struct mmu_tlb_entry *e);
void mmu_soft_flush(struct mmu_guest *g);
/* The same, but a machine TLB keeps what it has: nothing leads elsewhere, it is only to be looked up again. */
void mmu_soft_forget(struct mmu_guest *g);
/* Forget every soft entry of the given kinds (bit 1 << enum mmu_access) that leads to a page. */
void mmu_soft_drop_page(struct mmu_guest *g, const struct mmu_page *page, unsigned kinds);
/* Within mmu/: forget what lets stores pass to closed pages of p, and what views have of pages that got another frame.
 */
void mmu_soft_shoot(struct mmu_guest *g, const struct mmu_pmap *p);
/* --- views: what an address context maps, mapped by the host, so that an access is one host instruction ---
 * The byte at va, 0 <= va < 1 << mmu_view_bits(), is at view + va. A page that was not entered, or may not be accessed
 * in that way, is a host fault (SIGSEGV), and so are MMU_VIEW_GUARD bytes on both sides. What soft TLBs forget is gone
 * from views, too. To enter a page costs the host several microseconds: views are for contexts that run for long. */
enum { MMU_VIEW_AFTER = 1024, MMU_VIEWS_MAX = 6, MMU_VIEW_GUARD = 1 << 16 };
static inline unsigned mmu_view_bits(const struct mmu_guest *g) {
  return g->segbits == 32 ? 32 : MMU_VIEW_BITS_WIDE;
}
/* Called at regular times while code runs. After view_after times a user's context gets a view; for some time it has
 * none again when it costs more host faults than pay. */
void mmu_view_want(struct mmu_guest *g);
/* Enter a page that reads, and writes where it says so, may reach. */
void mmu_view_missed(struct mmu_guest *g); /* an access was a host fault, and will be again */
void mmu_view_enter(struct mmu_guest *g, uint64_t va, struct mmu_memmap *m, struct mmu_page *page, bool write);
/* Within mmu/. NULL: no memory. `at` gets the host address of va 0. The others take NULL for a view. */
struct mmu_view *mmu_view_new(unsigned bits, uint8_t **at);
bool mmu_view_put(struct mmu_view *v, uint64_t va, struct mmu_memmap *m, struct mmu_page *page, bool write);
unsigned mmu_view_drop(struct mmu_view *v, uint64_t va, uint64_t mask); /* what lies in [va, va + mask]: pages */
void mmu_view_drop_page(struct mmu_view *v, const struct mmu_page *page, bool read); /* else what may write to it */
void mmu_view_shoot(struct mmu_view *v);                                             /* see mmu_soft_shoot() */
void mmu_view_clear(struct mmu_view *v);
void mmu_view_free(struct mmu_view *v);

/* State: both levels of the TLB. What soft TLBs held of another is forgotten. The machine TLB is a part of it, but is
 * restored only into one of the same size. */
void mmu_guest_state(struct mmu_guest *g, struct snap *s);
/* Within mmu/. An entry's pages are of a size that exists. */
void mmu_entry_state(struct mmu_guest *g, struct mmu_tlb_entry *e, struct snap *s);
void mmu_l2tlb_state(struct mmu_guest *g, struct snap *s);
void mmu_machine_tlb_state(struct mmu_guest *g, struct snap *s);
/* Digest of both levels of the TLB. */
uint64_t mmu_tlb_hash(const struct mmu_guest *g, uint64_t seed);

/* --- the machine TLB: entries, of a pair of pages each, through which a de-privileged guest reaches its memory ---
 * While there is one no load or store finds a page in the soft TLBs that is not in here. */
enum { MMU_MACHINE_TLB_DEFAULT = 64, MMU_MACHINE_TLB_MAX = 1024 };
/* 0: none, as it is at first. What it and soft TLBs held is forgotten. 0 or -1 (no memory, nothing changed). */
int mmu_machine_tlb_resize(struct mmu_guest *g, unsigned entries);
bool mmu_machine_tlb_has(const struct mmu_guest *g, uint64_t va);
/* For each page of kseg0: not 0 while it is in here, and a load has asked for it (_seen()). NULL: there is no machine
 * TLB. Good until that is resized. */
const uint8_t *mmu_machine_tlb_open(const struct mmu_guest *g);
/* Enter the pair of va, which is not there, in place of another. mapped: by the guest's TLB. */
void mmu_machine_tlb_enter(struct mmu_guest *g, uint64_t va, bool mapped);
/* Has the page of va, which is there, been asked for in this way since it was entered, or since _unsee()? From now on
 * it has. After _unsee() the next load and the next store of each page come to a slow path. Not within a block. */
bool mmu_machine_tlb_seen(struct mmu_guest *g, uint64_t va, enum mmu_access kind);
void mmu_machine_tlb_unsee(struct mmu_guest *g);
/* Take all entries out. Between two runs. */
void mmu_machine_tlb_forget(struct mmu_guest *g);
/* Take a page's entries out: its machine address is another. Was there any? Between two runs. */
bool mmu_machine_tlb_shoot(struct mmu_guest *g, const struct mmu_pmap *p, const struct mmu_page *page);
/* Within mmu/: what came from a guest's entry, whose address with its sign is vpn. */
void mmu_machine_tlb_drop(struct mmu_guest *g, uint64_t vpn, const struct mmu_tlb_entry *e);
void mmu_machine_tlb_flush(struct mmu_guest *g);
/* Within mmu/: forget all loads and stores. */
void mmu_soft_forget_data(struct mmu_guest *g);
/* Within mmu/: forget the loads and stores of a pair of pages of an ASID, -1: of all. */
void mmu_soft_drop_pair(struct mmu_guest *g, uint64_t va, int asid);

/* --- lines: pieces of 32 bytes that loads, stores and fetches may use untold, while a cpu's caches are modelled ---
 * `live` are the cpu's tables, one for each kind of access, looked up as soft TLBs are, by pieces. Its soft TLBs for
 * loads and stores are empty meanwhile; those that slow paths use are in `pages`. A set is one of the cpu's modelled
 * first-level caches; [0]: of data, [1]: of instructions. What is entered leads where `pages` does. */
enum { MMU_LINE_BITS = 5 };
/* 0 or -1 (no memory; mmu_guest_fini() frees what there is). */
int mmu_lines_init(struct mmu_guest *g, struct softtlb_table live[MMU_ACCESS_KINDS], const uint32_t sets[2],
                   const uint32_t bytes[2]);
/* Live tables are of lines, as at first; or (not on) soft TLBs are as if there were none. Lines stay in their tables
 * meanwhile, as long as they lead where they did. */
void mmu_lines_use(struct mmu_guest *g, bool on);
/* The line of va, at this host address, is the last used one of its set. */
void mmu_lines_enter(struct mmu_guest *g, uint64_t va, enum mmu_access kind, uint32_t set, const uint8_t *host);
/* It is so no longer, or may no longer be stored to; UINT32_MAX: of all sets. */
void mmu_lines_lost(struct mmu_guest *g, bool fetch, uint32_t set);
/* Within mmu/; all but the first two take a guest without lines. */
void mmu_lines_fini(struct mmu_guest *g);
void mmu_lines_go_live(struct mmu_guest *g);
void mmu_lines_drop(struct mmu_guest *g, uint64_t vpn, uint64_t mask, int asid); /* -1: of all ASIDs */
void mmu_lines_drop_page(struct mmu_guest *g, const struct mmu_page *page);
void mmu_lines_leave_asid(struct mmu_guest *g);
void mmu_lines_flush(struct mmu_guest *g);

/* --- the second-level TLB: entries TLBWR has replaced, until the guest may expect them to be gone ---
 * An entry goes when TLBP, TLBWI or TLBWR names its page and ASID, and all go when TLBWI has rewritten every entry that
 * is not wired without a TLBWR in between. Only a page that is valid, and allows the access, is answered from here;
 * everything else is a refill, so no exception is raised that TLBP cannot explain. */
enum { MMU_L2TLB_DEFAULT = 1024, MMU_L2TLB_MIN = 4, MMU_L2TLB_MAX = 1 << 16 };
/* 0 (none) or a power of two within the bounds above; what it held is forgotten. 0 or -1 (no memory, nothing changed).
 */
int mmu_l2tlb_resize(struct mmu_guest *g, unsigned entries);
/* One after the other; *at begins as 0. NULL: past the last. */
const struct mmu_tlb_entry *mmu_l2tlb_next(const struct mmu_guest *g, size_t *at);
const struct mmu_tlb_entry *mmu_l2tlb_find(const struct mmu_guest *g, uint64_t va, uint8_t asid);
/* Within mmu/. */
void mmu_l2tlb_keep(struct mmu_guest *g, const struct mmu_tlb_entry *e);
void mmu_l2tlb_drop(struct mmu_guest *g, const struct mmu_tlb_entry *e); /* what answers for any page e names */
void mmu_l2tlb_flush(struct mmu_guest *g);
uint64_t mmu_l2tlb_hash(const struct mmu_guest *g, uint64_t h);
uint64_t mmu_entry_hash(const struct mmu_tlb_entry *e, uint64_t h);
#endif
