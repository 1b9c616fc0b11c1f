/* monitor/gdb_monitor.c: gdb's "monitor COMMAND": what a machine has that a process has not. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "monitor/gdbstub.h"
#include "monitor/modules.h"
#include "monitor/unwind.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* The vcpu that a command is about: of the thread that it names, else of the one gdb last asked about; named in turn.
 */
static struct cpu *about(struct mon_gdb *g, const char *words, FILE *to) {
  unsigned long n = strtoul(words, NULL, 10);
  if (n && n <= g->vm->vcpus) g->about = (unsigned)n - 1;
  struct cpu *c = gdb_cpu(g, g->about);
  fprintf(to, "thread %u, vcpu %u:\n", g->about + 1, c->cfg.number);
  return c;
}

/* --- TLB --- */

static void print_entry(const char *label, const struct mmu_tlb_entry *e, FILE *to) {
  fprintf(to, "%s %016" PRIx64 " %5" PRIu64 "K ", label, e->vpn, (e->mask + 1) >> 11);
  fprintf(to, e->g ? "global " : "asid %02x", e->asid);
  for (int i = 0; i < 2; i++) {
    const struct mmu_tlb_half *h = &e->half[i];
    if (!h->v)
      fputs("  -", to);
    else
      fprintf(to, "  %09" PRIx64 " c%u%s%s%s", h->pfn, h->c, h->d ? " d" : "", h->ri ? " ri" : "", h->xi ? " xi" : "");
  }
  fputc('\n', to);
}

static void print_tlb(struct mon_gdb *g, const char *words, FILE *to) {
  const struct cpu *c = gdb_cpu(g, g->about);
  (void)words;
  fprintf(to,
          "asid %02x: entries of two pages: address, size of a page, then for each where it leads, its\n"
          "cache attribute, d: stores may go there\n",
          c->mmu.state.asid);
  for (unsigned i = 0; i < c->mmu.entries; i++) {
    char label[12];
    snprintf(label, sizeof label, "%2u", i);
    if (c->mmu.tlb[i].hidden)
      fprintf(to, "%s (empty)\n", label);
    else
      print_entry(label, &c->mmu.tlb[i], to);
  }
  const struct mmu_tlb_entry *e;
  unsigned n = 0;
  for (size_t at = 0; (e = mmu_l2tlb_next(&c->mmu, &at)); n++) print_entry("l2", e, to);
  fprintf(to, "%u in the second-level TLB\n", n);
}

/* --- where an address leads --- */

static void print_page(struct mon_gdb *g, uint64_t at, FILE *to) {
  const struct mb_vm *vm = g->vm;
  const struct mmu_page *page = mmu_pmap_page(&vm->pmap, gpa(at));
  if (!page) {
    fprintf(to, "  guest-physical %09" PRIx64 ": no RAM\n", at);
    return;
  }
  fprintf(to, "  guest-physical %09" PRIx64 ": page %u", at, mmu_page_number(vm->pmap.map, page));
  if (page->frame == NUMA_NO_FRAME)
    fputs(", no frame: all zeros", to);
  else
    fprintf(to, ", frame %u%s", page->frame, mmu_page_is_open(page) ? "" : ", closed: shared, or may be");
  fprintf(to, "%s\n", page->code ? ", has translations" : "");
}

static void print_pmap(struct mon_gdb *g, const char *words, FILE *to) {
  const struct cpu *c = gdb_cpu(g, g->about);
  const struct mb_vm *vm = g->vm;
  char *end;
  uint64_t va = gdb_address(g, strtoull(words, &end, 16)), pages[3] = {0};
  gpa_t at;
  if (end != words) {
    if (!mips_debug_translate(c, va, &at)) {
      fprintf(to, "%016" PRIx64 " leads nowhere now\n", va);
      return;
    }
    fprintf(to, "%016" PRIx64 "\n", va);
    print_page(g, at.v, to);
    return;
  }
  for (uint32_t i = 0; i < vm->pmap.ram_pages; i++) {
    const struct mmu_page *page = &vm->pmap.ram[i];
    pages[page->frame == NUMA_NO_FRAME ? 0 : mmu_page_is_open(page) ? 1 : 2]++;
  }
  fprintf(to,
          "%u pages of RAM: %" PRIu64 " zeros without a frame, %" PRIu64 " with one of their own, %" PRIu64
          " closed (shared, or may be)\nmonitor pmap ADDRESS: where an address leads\n",
          vm->pmap.ram_pages, pages[0], pages[1], pages[2]);
}

/* --- others --- */

static void print_cp0(struct mon_gdb *g, const char *words, FILE *to) {
  struct cpu *c = about(g, words, to);
  const char *name;
  uint64_t v;
  fprintf(to, "%-10s %016" PRIx64 "   %-10s %016" PRIx64 "   %-10s %016" PRIx64 "\n", "status", (uint64_t)c->cp0.status,
          "cause", (uint64_t)c->cp0.cause, "badvaddr", c->cp0.badvaddr);
  for (unsigned i = 0; (name = gdb_cp0(c, i, &v)); i++)
    fprintf(to, "%-10s %016" PRIx64 "%s", name, v, i % 3 == 2 ? "\n" : "   ");
  fputc('\n', to);
}

static void print_insns(struct mon_gdb *g, const char *words, FILE *to) {
  const struct mb_vm *vm = g->vm;
  (void)words;
  fprintf(to, "%" PRIu64 " instructions, %" PRIu64 " virtual ns\n", mon_instructions(vm),
          mon_ns(vm, mips_now(mon_cpu(vm))));
  for (unsigned i = 0; vm->vcpus > 1 && i < vm->vcpus; i++)
    fprintf(to, "vcpu %u: %" PRIu64 " instructions%s\n", i, mips_instructions(&vm->cpu[i]),
            i == vm->turn ? ", its turn" : "");
}

static void print_calls(struct mon_gdb *g, const char *words, FILE *to) {
  enum { CALLS = 64 };
  uint64_t call[CALLS];
  char name[512];
  mon_learn_symbols(g->vm);
  struct mon_kernel_map map;
  unsigned n = mon_unwind(about(g, words, to), mon_modules_map(g->vm, &map) ? &map : NULL, call, CALLS);
  for (unsigned i = 0; i < n; i++)
    fprintf(to, "#%-2u %016" PRIx64 " %s\n", i, call[i], mb_where(g->vm, call[i], name, sizeof name));
}

static void help(struct mon_gdb *g, const char *words, FILE *to);
static const struct {
  const char *name, *about;
  void (*print)(struct mon_gdb *g, const char *words, FILE *to);
} commands[] = {
    {"tlb", "[THREAD]: the TLB of a vcpu, both levels; without one, here and below, of the last looked at", print_tlb},
    {"pmap", "[ADDRESS]: which page and frame an address leads to; without one, what RAM is made of", print_pmap},
    {"cp0", "[THREAD]: all registers of coprocessor 0", print_cp0},
    {"insns", "how many instructions have run, and the virtual time", print_insns},
    {"backtrace", "[THREAD]: who called whom, by the kernel's own symbols, and lines by --debug-info", print_calls},
    {"help", "this", help},
};
enum { COMMANDS = sizeof commands / sizeof *commands };

static void help(struct mon_gdb *g, const char *words, FILE *to) {
  (void)g, (void)words;
  for (unsigned i = 0; i < COMMANDS; i++) fprintf(to, "monitor %-9s %s\n", commands[i].name, commands[i].about);
}

void gdb_monitor(struct mon_gdb *g, const char *command, FILE *to) {
  size_t n = strcspn(command, " ");
  for (unsigned i = 0; i < COMMANDS; i++)
    if (n == strlen(commands[i].name) && !memcmp(command, commands[i].name, n))
      return commands[i].print(g, command + n, to);
  fprintf(to, "monitor %.*s: there is none; monitor help lists them\n", (int)n, command);
}
