/* mmu/softtlb.c: the tables generated code looks up, one set per ASID and privilege. */
/* SPDX-License-Identifier: Apache-2.0 */
/* A context is made when first entered and keeps its entries while another runs. A table that keeps
 * evicting live entries doubles, up to a bound, so that its size follows its use.
 * Most of what a kernel touches is mapped alike in every ASID, so there is one kernel context; the few pages in it that
 * belong to an ASID are lent to it while that ASID is in force. */
#include "mmu/mmu.h"
#include <assert.h>
#include <stdlib.h>

enum { TABLE_MIN = 64, TABLE_MAX = 4096, EMPTY_TAG = 1 << 11, PRIVS = 3, LENT_MAX = 96 };

/* What an ASID lends to the kernel context. While it is in force: what may be there. */
struct mmu_loan {
  unsigned n;
  struct {
    struct softtlb_entry entry;
    enum mmu_access kind;
  } page[LENT_MAX];
};

/* What a view costs. A page is first entered once; one that is dropped, or cannot be entered, will be a host fault
 * again. A sample (50000 instructions) should not cost more than a page; a context that has more loses its view, each
 * time for twice as long. */
enum { COST_ENTER = 1, COST_DROP = 4, COST_MISS = 4, COST_FREE = 1024, LOSSES_MOST = 12 };

struct mmu_context {
  struct softtlb tlb;
  struct mmu_context *next, **at;       /* among those that exist; in the table by ASID and privilege */
  unsigned evictions[MMU_ACCESS_KINDS]; /* since the table last grew */
  struct mmu_view *view;                /* or NULL */
  int wanted;                           /* how often a view was, since there is one, or none */
  unsigned cost;                        /* of its pages since then, see COST_ENTER */
  unsigned losses;                      /* times that it had cost too much */
};

static uint64_t table_entries(const struct softtlb_table *t) {
  return (t->mask >> 4) + 1;
}

static void table_clear(struct softtlb_table *t) {
  for (uint64_t i = 0; i < table_entries(t); i++) t->entry[i].tag = EMPTY_TAG;
}

static int table_init(struct softtlb_table *t, unsigned entries) {
  t->entry = malloc(entries * sizeof *t->entry);
  if (!t->entry) return -1;
  t->mask = (uint64_t)(entries - 1) << 4;
  table_clear(t);
  return 0;
}

static void take_view(struct mmu_guest *g, struct mmu_context *c) {
  if (!c->view) return;
  mmu_view_free(c->view);
  c->view = NULL;
  c->tlb.view = NULL;
  c->wanted = 0;
  g->views--;
}

static void context_free(struct mmu_context *c) {
  for (int k = 0; c && k < MMU_ACCESS_KINDS; k++) free(c->tlb.table[k].entry);
  free(c);
}

/* A stamp that no context has had. */
static uint64_t next_stamp(struct mmu_guest *g) {
  return ++g->epochs * (MMU_STAMP_MODE + 1);
}

static struct mmu_context *context_new(struct mmu_guest *g) {
  struct mmu_context *c = calloc(1, sizeof *c);
  if (c) c->tlb.stamp = next_stamp(g);
  for (int k = 0; c && k < MMU_ACCESS_KINDS; k++)
    if (table_init(&c->tlb.table[k], TABLE_MIN)) {
      context_free(c);
      return NULL;
    }
  return c;
}

static struct mmu_context **context_at(struct mmu_guest *g, unsigned asid, unsigned priv) {
  return &g->context[priv == MMU_KERNEL ? 0 : asid * PRIVS + priv];
}

/* Let the cpu have what c has now, the context in force. */
static void go_live(struct mmu_guest *g, const struct mmu_context *c) {
  uint64_t mode = g->live->stamp & MMU_STAMP_MODE;
  *g->live = c->tlb;
  g->live->stamp |= mode;
  g->pages = &c->tlb;
  if (g->lines) mmu_lines_go_live(g);
}

/* A fetch in c may lead elsewhere from now on, or its table has forgotten one. */
static void restamp(struct mmu_guest *g, struct mmu_context *c) {
  c->tlb.stamp = next_stamp(g);
  if (c == *context_at(g, g->state.asid, g->state.priv))
    g->live->stamp = c->tlb.stamp | (g->live->stamp & MMU_STAMP_MODE);
}

static void forget(struct mmu_guest *g, struct mmu_context *c, enum mmu_access kind, struct softtlb_entry *e) {
  e->tag = EMPTY_TAG;
  if (kind == MMU_FETCH) restamp(g, c);
}

/* --- loans --- */

static void loan_drop(struct mmu_loan *l, unsigned i) {
  l->page[i] = l->page[--l->n];
}

/* The kernel context has got an entry of a page that belongs to the ASID in force. False: no memory to note it. */
static bool lend(struct mmu_guest *g, uint64_t tag, enum mmu_access kind) {
  struct mmu_loan **l = &g->loan[g->state.asid];
  if (!*l && !(*l = calloc(1, sizeof **l))) return false;
  for (unsigned i = 0; i < (*l)->n; i++)
    if ((*l)->page[i].entry.tag == tag && (*l)->page[i].kind == kind) return true;
  if ((*l)->n == LENT_MAX) { /* the oldest is forgotten, here and there */
    enum mmu_access first = (*l)->page[0].kind;
    struct softtlb_entry *e = softtlb_slot(&g->context[0]->tlb.table[first], (*l)->page[0].entry.tag);
    if (e->tag == (*l)->page[0].entry.tag) forget(g, g->context[0], first, e);
    loan_drop(*l, 0);
  }
  (*l)->page[(*l)->n].entry.tag = tag;
  (*l)->page[(*l)->n++].kind = kind;
  return true;
}

/* The ASID in the kernel context changes: take out what the old one has lent, put in what the new one lends. */
static void exchange_loans(struct mmu_guest *g, unsigned asid) {
  struct mmu_loan *out = g->loan[g->lender], *in = g->loan[asid];
  struct mmu_context *c = g->context[0];
  mmu_lines_leave_asid(g);
  for (unsigned i = 0; out && i < out->n;) {
    struct softtlb_entry *e = softtlb_slot(&c->tlb.table[out->page[i].kind], out->page[i].entry.tag);
    if (e->tag != out->page[i].entry.tag) { /* another page has taken its place */
      loan_drop(out, i);
      continue;
    }
    out->page[i].entry = *e;
    forget(g, c, out->page[i++].kind, e);
  }
  for (unsigned i = 0; in && i < in->n; i++) {
    struct softtlb_entry *e = softtlb_slot(&c->tlb.table[in->page[i].kind], in->page[i].entry.tag);
    if (e->tag != EMPTY_TAG) forget(g, c, in->page[i].kind, e);
    *e = in->page[i].entry;
  }
  g->lender = (uint8_t)asid;
}

/* Does the page belong to the ASID in force alone, or is it not clear whose it is? */
static bool is_private(const struct mmu_guest *g, uint64_t va) {
  int i = mmu_tlb_find(g, va, g->state.asid);
  const struct mmu_tlb_entry *e = i >= 0 ? &g->tlb[i] : mmu_l2tlb_find(g, va, g->state.asid);
  return e && (!e->g || mmu_tlb_overlap(g, e, (unsigned)i) >= 0);
}

static struct mmu_context *context_make(struct mmu_guest *g, struct mmu_context **at) {
  struct mmu_context *c = context_new(g);
  if (!c) return NULL;
  c->next = g->contexts;
  c->at = at;
  g->contexts = c;
  return *at = c;
}

/* Free all contexts but the one in force (or all), and forget what is lent. */
static void free_contexts(struct mmu_guest *g, const struct mmu_context *keep) {
  for (int i = 0; i < 256; i++)
    if (g->loan[i]) g->loan[i]->n = 0;
  for (struct mmu_context **p = &g->contexts, *c; (c = *p);) {
    if (c == keep) {
      p = &c->next;
      continue;
    }
    *p = c->next;
    *c->at = NULL;
    take_view(g, c);
    context_free(c);
  }
}

void mmu_guest_fini(struct mmu_guest *g) {
  free_contexts(g, NULL);
  for (int i = 0; i < 256; i++) free(g->loan[i]);
  free(g->l2);
  g->l2 = NULL;
  free(g->machine);
  g->machine = NULL;
  mmu_lines_fini(g);
}

int mmu_set_state(struct mmu_guest *g, const struct mmu_state *s) {
  const struct mmu_state *o = &g->state;
  bool remapped = o->erl != s->erl || o->kx != s->kx || o->sx != s->sx || o->ux != s->ux;
  struct mmu_context **c = context_at(g, s->asid, s->priv);
  if (*c && !remapped && o->asid == s->asid && o->priv == s->priv) return 0;
  if (!*c && !context_make(g, c)) return -1;
  if (s->priv == MMU_KERNEL && g->lender != s->asid) exchange_loans(g, s->asid);
  if (remapped || o->asid != s->asid) mmu_link_settle(g);
  g->state = *s;
  if (remapped) mmu_soft_flush(g);
  go_live(g, *c);
  return 0;
}

static void grow(struct mmu_context *c, enum mmu_access kind) {
  struct softtlb_table *t = &c->tlb.table[kind], bigger;
  uint64_t n = table_entries(t);
  c->evictions[kind] = 0;
  if (n >= TABLE_MAX || table_init(&bigger, (unsigned)(2 * n))) return; /* staying small is only slower */
  for (uint64_t i = 0; i < n; i++)
    if (t->entry[i].tag != EMPTY_TAG) *softtlb_slot(&bigger, t->entry[i].tag) = t->entry[i];
  free(t->entry);
  *t = bigger;
}

void mmu_soft_fill(struct mmu_guest *g, uint64_t va, enum mmu_access kind, uint64_t data) {
  struct mmu_context *c = *context_at(g, g->state.asid, g->state.priv);
  struct softtlb_table *t = &c->tlb.table[kind];
  uint64_t page = va & MMU_PAGE_MASK;
  struct softtlb_entry *e = softtlb_slot(t, va);
  if (e->tag != EMPTY_TAG && e->tag != page && ++c->evictions[kind] > table_entries(t)) {
    grow(c, kind);
    go_live(g, c);
    e = softtlb_slot(t, va);
  }
  if (e->tag != EMPTY_TAG) forget(g, c, kind, e);
  *e = (struct softtlb_entry){.tag = page, .addend = data};
  g->fills++;
  if (g->state.priv == MMU_KERNEL && is_private(g, va) && !lend(g, page, kind)) forget(g, c, kind, e);
}

void mmu_soft_flush(struct mmu_guest *g) {
  mmu_machine_tlb_flush(g);
  mmu_soft_forget(g);
}

void mmu_soft_forget(struct mmu_guest *g) {
  mmu_lines_flush(g);
  struct mmu_context *live = *context_at(g, g->state.asid, g->state.priv);
  free_contexts(g, live);
  for (int k = 0; live && k < MMU_ACCESS_KINDS; k++) table_clear(&live->tlb.table[k]);
  if (live) {
    mmu_view_clear(live->view);
    restamp(g, live);
  }
  g->flushes++;
}

/* Drop from a context what lies within [vpn, vpn + mask], of the first so many kinds of access. */
static void drop_range(struct mmu_guest *g, struct mmu_context *c, uint64_t vpn, uint64_t mask, int kinds) {
  c->cost += COST_DROP * mmu_view_drop(c->view, vpn, mask);
  for (int k = 0; k < kinds; k++) {
    struct softtlb_table *t = &c->tlb.table[k];
    if (mask >> MMU_PAGE_BITS < 16)
      for (uint64_t offset = 0; offset <= mask; offset += MMU_PAGE_SIZE) { /* vpn + mask may be the last address */
        struct softtlb_entry *e = softtlb_slot(t, vpn + offset);
        if (e->tag == vpn + offset) forget(g, c, (enum mmu_access)k, e);
      }
    else
      for (uint64_t i = 0; i < table_entries(t); i++)
        if (((t->entry[i].tag ^ vpn) & ~mask) == 0) forget(g, c, (enum mmu_access)k, &t->entry[i]);
  }
}

static void loan_drop_range(struct mmu_loan *l, uint64_t vpn, uint64_t mask) {
  for (unsigned i = 0; l && i < l->n;)
    if (((l->page[i].entry.tag ^ vpn) & ~mask) == 0)
      loan_drop(l, i);
    else
      i++;
}

void mmu_soft_drop_tlb(struct mmu_guest *g, const struct mmu_tlb_entry *e) {
  if (e->hidden) return;
  /* Tags are whole addresses: give back the sign that EntryHi leaves out above SEGBITS to the
   * compatibility segments. */
  uint64_t vpn = e->vpn;
  if (g->segbits != 32 && vpn >> 62 == 3 && (vpn & (UINT64_MAX >> 2)) >= ((uint64_t)1 << g->segbits) - 0x80000000)
    vpn |= UINT64_MAX << 31;
  mmu_machine_tlb_drop(g, vpn, e);
  mmu_lines_drop(g, vpn, e->mask, e->g ? -1 : e->asid);
  for (unsigned asid = e->g ? 0 : e->asid; asid <= (e->g ? 255u : e->asid); asid++)
    loan_drop_range(g->loan[asid], vpn, e->mask);
  if (e->g) {
    for (struct mmu_context *c = g->contexts; c; c = c->next) drop_range(g, c, vpn, e->mask, MMU_ACCESS_KINDS);
    return;
  }
  for (unsigned p = 0; p < PRIVS; p++) {
    struct mmu_context *c = *context_at(g, e->asid, p);
    if (c && (p != MMU_KERNEL || g->lender == e->asid)) drop_range(g, c, vpn, e->mask, MMU_ACCESS_KINDS);
  }
}

_Static_assert(MMU_FETCH == MMU_ACCESS_KINDS - 1, "loads and stores are the kinds before");
void mmu_soft_drop_pair(struct mmu_guest *g, uint64_t va, int asid) {
  const uint64_t mask = 2 * MMU_PAGE_SIZE - 1;
  mmu_lines_drop(g, va, mask, asid);
  if (asid < 0) {
    for (struct mmu_context *c = g->contexts; c; c = c->next)
      if (!(va >> 63 && (c->at - g->context) % PRIVS == MMU_USER)) drop_range(g, c, va, mask, MMU_FETCH);
    return;
  }
  loan_drop_range(g->loan[asid], va, mask);
  for (unsigned p = 0; p < PRIVS; p++) {
    struct mmu_context *c = *context_at(g, (unsigned)asid, p);
    if (c && (p != MMU_KERNEL || g->lender == asid)) drop_range(g, c, va, mask, MMU_FETCH);
  }
}

void mmu_soft_forget_data(struct mmu_guest *g) {
  mmu_lines_flush(g);
  for (struct mmu_context *c = g->contexts; c; c = c->next)
    for (int k = 0; k < MMU_FETCH; k++) table_clear(&c->tlb.table[k]);
  for (int asid = 0; asid < 256; asid++) {
    struct mmu_loan *l = g->loan[asid];
    for (unsigned i = 0; l && i < l->n;)
      if (l->page[i].kind != MMU_FETCH)
        loan_drop(l, i);
      else
        i++;
  }
}

static bool leads_to(const struct softtlb_entry *e, int kind, const struct mmu_page *page) {
  uint64_t data = kind == MMU_FETCH ? (uint64_t)(uintptr_t)page : (uint64_t)(uintptr_t)page->host - e->tag;
  return e->tag != EMPTY_TAG && e->addend == data;
}

void mmu_soft_drop_page(struct mmu_guest *g, const struct mmu_page *page, unsigned kinds) {
  mmu_lines_drop_page(g, page);
  for (struct mmu_context *c = g->contexts; c; c = c->next) {
    if (kinds >> MMU_WRITE & 1) mmu_view_drop_page(c->view, page, false);
    for (int k = 0; k < MMU_ACCESS_KINDS; k++) {
      struct softtlb_table *t = &c->tlb.table[k];
      for (uint64_t n = 0; kinds >> k & 1 && n < table_entries(t); n++)
        if (leads_to(&t->entry[n], k, page)) forget(g, c, (enum mmu_access)k, &t->entry[n]);
    }
  }
  for (int asid = 0; asid < 256; asid++) {
    struct mmu_loan *l = g->loan[asid];
    for (unsigned i = 0; l && asid != g->lender && i < l->n;)
      if (kinds >> l->page[i].kind & 1 && leads_to(&l->page[i].entry, (int)l->page[i].kind, page))
        loan_drop(l, i);
      else
        i++;
  }
}

/* --- shootdown --- */

static bool leads_to_closed(const struct softtlb_entry *e, const struct mmu_pmap *p) {
  return e->tag != EMPTY_TAG && !mmu_pmap_at(p, e->addend + e->tag)->open;
}

void mmu_soft_shoot(struct mmu_guest *g, const struct mmu_pmap *p) {
  mmu_lines_flush(g);
  for (struct mmu_context *c = g->contexts; c; c = c->next) {
    struct softtlb_table *t = &c->tlb.table[MMU_WRITE];
    mmu_view_shoot(c->view);
    for (uint64_t n = 0; n < table_entries(t); n++)
      if (leads_to_closed(&t->entry[n], p)) forget(g, c, MMU_WRITE, &t->entry[n]);
  }
  for (int asid = 0; asid < 256; asid++) {
    struct mmu_loan *l = g->loan[asid];
    for (unsigned i = 0; l && asid != g->lender && i < l->n;)
      if (l->page[i].kind == MMU_WRITE && leads_to_closed(&l->page[i].entry, p))
        loan_drop(l, i);
      else
        i++;
  }
}

void mmu_pmap_shoot(struct mmu_pmap *p) {
  p->stale = false;
  p->shots++;
  for (struct mmu_guest *g = p->guests; g; g = g->next_guest) mmu_soft_shoot(g, p);
}

void mmu_pmap_unview(struct mmu_pmap *p, struct mmu_page *page) {
  for (struct mmu_guest *g = p->guests; g; g = g->next_guest) mmu_lines_drop_page(g, page);
  for (struct mmu_guest *g = p->guests; page->viewed && g; g = g->next_guest)
    for (struct mmu_context *c = g->contexts; c; c = c->next) mmu_view_drop_page(c->view, page, true);
  page->viewed = false;
}

/* --- views of contexts --- */

void mmu_view_want(struct mmu_guest *g) {
  struct mmu_context *c = *context_at(g, g->state.asid, g->state.priv);
  if (g->state.priv != MMU_USER) return;
  c->wanted++;
  if (c->view && c->cost > COST_FREE + (unsigned)c->wanted) {
    take_view(g, c);
    if (c->losses < LOSSES_MOST) c->losses++;
    c->wanted = -(int)(g->view_after << (c->losses + 1));
  } else if (!c->view && c->wanted >= (int)g->view_after) {
    for (struct mmu_context *o = g->contexts; o && g->views >= MMU_VIEWS_MAX; o = o->next) take_view(g, o);
    c->wanted = 0;
    c->cost = 0;
    c->view = mmu_view_new(mmu_view_bits(g), &c->tlb.view);
    g->views += c->view != NULL;
  }
  go_live(g, c);
}

void mmu_view_missed(struct mmu_guest *g) {
  (*context_at(g, g->state.asid, g->state.priv))->cost += COST_MISS;
}

void mmu_view_enter(struct mmu_guest *g, uint64_t va, struct mmu_memmap *m, struct mmu_page *page, bool write) {
  struct mmu_context *c = *context_at(g, g->state.asid, g->state.priv);
  g->view_fills += mmu_view_put(c->view, va & MMU_PAGE_MASK, m, page, write && mmu_page_is_open(page));
  c->cost += COST_ENTER;
}
