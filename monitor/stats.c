/* monitor/stats.c: what a run was like, as a struct and as JSON; and the digest of the machine's state. */
/* SPDX-License-Identifier: Apache-2.0 */
/* The digest covers what the guest could find out: cpu, TLB, RAM, virtual time, and the blocks it has written. A page
 * of zeros counts nothing, so that a page never touched and one filled with zeros are the same. Blocks that a disk's
 * guest has written to are what they are on a COW disk and on one that persists. */
#define _GNU_SOURCE
#include "mmu/hash.h"
#include "monitor/checks.h"
#include "monitor/monitor.h"
#include "monitor/ram.h"
#include "monitor/threads.h"
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

uint64_t mon_max_rss(void) {
  struct rusage u;
  return getrusage(RUSAGE_SELF, &u) ? 0 : (uint64_t)u.ru_maxrss * 1024;
}

/* --- state hash --- */

static uint64_t ram_hash(const struct mb_vm *vm, uint64_t h) {
  struct mon_ram r = {.vm = vm};
  while (mon_ram_next(&r))
    for (size_t i = 0; i < r.n; i += MMU_PAGE_SIZE) {
      uint64_t page = r.page - (r.n - i) / MMU_PAGE_SIZE;
      uint64_t p = mmu_page_hash(r.bytes + i, mon_ram_address(vm, page));
      if (p) h = mmu_hash_mix(h, p);
    }
  mon_ram_end(&r);
  return h;
}

_Static_assert((int)IO_DISK_BLOCK == (int)MMU_PAGE_SIZE, "a block is hashed as a page");
static void block_hash(void *hash, uint64_t block, const uint8_t *bytes) {
  uint64_t *h = hash, p = bytes ? mmu_page_hash(bytes, block) : 0;
  *h = mmu_hash_mix(*h, p ? p : block);
}

uint64_t mb_state_hash(struct mb_vm *vm) {
  if (!vm->started) return 0;
  uint64_t h = 0x6d6972726f72u;
  for (unsigned i = 0; i < vm->vcpus; i++) h = mips_hash(&vm->cpu[i], h);
  h = mmu_hash_mix(ram_hash(vm, h), mips_now(mon_cpu(vm)));
  for (unsigned i = 0; i < vm->config.disks; i++) io_host_disk_each(&vm->disk[i].disk, block_hash, &h);
  return h;
}

/* --- struct --- */

/* What is counted in each cpu. */
static void add_cpu(struct mb_stats *out, const struct cpu *c) {
  out->instructions += mips_instructions(c);
  for (unsigned i = 0; i < EXC_CODES; i++) out->exceptions[i] += i == EXC_INT ? c->n.interrupts : c->n.exceptions[i];
  for (unsigned i = 0; i < MB_EXITS; i++) out->exits[i] += c->n.exits[i];
  for (unsigned i = 0; i < MB_TRAPS; i++) {
    out->traps[i] += c->traps.count[i];
    out->trap_ns[i] += mips_trap_ns(c, (enum mips_trap)i);
  }
  out->tlb_refills += c->n.refills;
  out->l2tlb_hits += c->mmu.l2_hits;
  out->softtlb_fills += c->mmu.fills;
  out->view_pages += c->mmu.view_fills;
  out->tlbwr += c->n.tlbwr;
  out->tlbwi += c->n.tlbwi;
  out->eret += c->n.eret;
  out->device_accesses += c->n.device_accesses;
  out->code_writes += c->n.code_writes;
  out->blocks_entered += c->j.blocks;
  out->units_alone += c->n.alone;
  out->translate_seconds += (double)c->n.translate_ns / 1e9;
  out->idle_cycles += c->idled;
  out->stall_cycles += c->j.stalled;
}

/* Of all the VM's jits. */
static struct jit_stats sum_jits(const struct mb_vm *vm) {
  struct jit_stats sum, j;
  jit_stats(vm->jit, &sum);
  for (unsigned i = 0; i < IO_VCPUS; i++) {
    if (!vm->other_jit[i]) continue;
    jit_stats(vm->other_jit[i], &j);
#define ADD(what) sum.what += j.what;
    ADD(blocks_made)
    ADD(blocks_dropped)
    ADD(insns_translated)
    ADD(blocks_compiled)
    ADD(insns_compiled)
    ADD(code_resets)
    ADD(cycles_stencil)
    ADD(compile_ns)
    ADD(regions_made) ADD(regions_found) ADD(regions_for_views) ADD(regions_dropped) ADD(region_insns) ADD(region_queue)
        ADD(samples) ADD(samples_region) ADD(llvm_seconds) ADD(region_bytes) ADD(bytes)
#undef ADD
  }
  return sum;
}

void mb_get_stats(struct mb_vm *vm, struct mb_stats *out) {
  const struct cpu *c = mon_cpu(vm);
  *out = (struct mb_stats){.max_rss = mon_max_rss(), .guest_code = vm->guest_code};
  if (!vm->started) return;
  struct jit_stats j = sum_jits(vm);
  for (unsigned i = 0; i < vm->vcpus; i++) add_cpu(out, &vm->cpu[i]);
  out->cycles = mips_now(c);
  out->virtual_ns = mon_ns(vm, out->cycles);
  out->wall_seconds = (double)vm->wall_ns / 1e9;
  out->blocks_made = j.blocks_made;
  out->blocks_dropped = j.blocks_dropped;
  out->insns_translated = j.insns_translated;
  out->code_bytes = j.bytes;
  out->blocks_compiled = j.blocks_compiled;
  out->insns_compiled = j.insns_compiled;
  out->code_resets = j.code_resets;
  out->tier_stencil = out->instructions ? (double)j.cycles_stencil / (double)out->instructions : 0;
  out->tier_eval = 1.0 - out->tier_stencil;
  out->compile_seconds = (double)j.compile_ns / 1e9;
  out->tier_llvm = j.samples ? out->tier_stencil * (double)j.samples_region / (double)j.samples : 0;
  out->tier_stencil -= out->tier_llvm;
  out->regions_made = j.regions_made;
  out->regions_found = j.regions_found;
  out->regions_for_views = j.regions_for_views;
  out->regions_dropped = j.regions_dropped;
  out->region_insns = j.region_insns;
  out->region_queue = j.region_queue;
  out->region_bytes = j.region_bytes;
  out->llvm_seconds = j.llvm_seconds;
  out->console_lines = vm->console.lines;
  out->console_bytes = vm->console.bytes;
  out->console_digest = vm->console.digest;
  out->unclaimed_accesses = vm->board.bus.n_unknown;
  out->pc = c->j.pc;
}

static const char *const exit_name[] = {[JIT_EXIT_NEXT] = "next",
                                        [JIT_EXIT_STOP] = "stop",
                                        [JIT_EXIT_BUDGET] = "budget",
                                        [JIT_EXIT_FAULT] = "fault",
                                        [JIT_EXIT_RESTART] = "restart"};
_Static_assert((int)MB_EXITS == JIT_EXIT_KINDS && sizeof exit_name / sizeof *exit_name == MB_EXITS, "all are named");

const char *mb_exit_name(unsigned i) {
  return i < MB_EXITS ? exit_name[i] : "?";
}

_Static_assert((int)MB_TRAPS == MIPS_TRAPS, "all are told");
const char *mb_trap_name(unsigned i) {
  return i < MB_TRAPS ? mips_trap_name[i] : "?";
}

/* --- JSON --- */

static json_t *hex(uint64_t v) {
  char text[24];
  snprintf(text, sizeof text, "0x%016" PRIx64, v);
  return json_string(text);
}

static json_t *number(uint64_t v) {
  return json_integer((json_int_t)v);
}

static json_t *exceptions_json(const struct mb_stats *s) {
  static const char *const name[32] = {
      [EXC_MOD] = "mod",     [EXC_TLBL] = "tlbl",   [EXC_TLBS] = "tlbs",    [EXC_ADEL] = "adel", [EXC_ADES] = "ades",
      [EXC_IBE] = "ibe",     [EXC_DBE] = "dbe",     [EXC_SYS] = "sys",      [EXC_BP] = "bp",     [EXC_RI] = "ri",
      [EXC_CPU] = "cpu",     [EXC_OV] = "ov",       [EXC_TR] = "tr",        [EXC_FPE] = "fpe",   [EXC_TLBRI] = "tlbri",
      [EXC_TLBXI] = "tlbxi", [EXC_WATCH] = "watch", [EXC_MCHECK] = "mcheck"};
  json_t *o = json_object();
  char other[16];
  for (int i = 1; i < 32; i++) {
    snprintf(other, sizeof other, "code%d", i);
    if (s->exceptions[i]) json_object_set_new(o, name[i] ? name[i] : other, number(s->exceptions[i]));
  }
  return o;
}

static json_t *exits_json(const struct mb_stats *s) {
  json_t *o = json_object();
  for (unsigned i = 0; i < MB_EXITS; i++) json_object_set_new(o, mb_exit_name(i), number(s->exits[i]));
  return o;
}

static json_t *traps_json(const struct mb_stats *s) {
  json_t *o = json_object();
  for (unsigned i = 0; i < MB_TRAPS; i++)
    json_object_set_new(o, mb_trap_name(i),
                        json_pack("{s:I,s:I}", "count", (json_int_t)s->traps[i], "ns", (json_int_t)s->trap_ns[i]));
  return o;
}

static void add_counts(json_t *o, const struct mb_stats *s) {
  const struct {
    const char *name;
    uint64_t v;
  } count[] = {
      {"instructions", s->instructions},
      {"cycles", s->cycles},
      {"virtual_ns", s->virtual_ns},
      {"idle_cycles", s->idle_cycles},
      {"stall_cycles", s->stall_cycles},
      {"interrupts", s->exceptions[EXC_INT]},
      {"tlb_refills", s->tlb_refills},
      {"l2tlb_hits", s->l2tlb_hits},
      {"softtlb_fills", s->softtlb_fills},
      {"view_pages", s->view_pages},
      {"tlbwr", s->tlbwr},
      {"tlbwi", s->tlbwi},
      {"eret", s->eret},
      {"device_accesses", s->device_accesses},
      {"unclaimed_accesses", s->unclaimed_accesses},
      {"code_writes", s->code_writes},
      {"blocks_made", s->blocks_made},
      {"blocks_dropped", s->blocks_dropped},
      {"blocks_entered", s->blocks_entered},
      {"insns_translated", s->insns_translated},
      {"blocks_compiled", s->blocks_compiled},
      {"insns_compiled", s->insns_compiled},
      {"code_resets", s->code_resets},
      {"code_bytes", s->code_bytes},
      {"regions_made", s->regions_made},
      {"regions_found", s->regions_found},
      {"regions_for_views", s->regions_for_views},
      {"regions_dropped", s->regions_dropped},
      {"region_insns", s->region_insns},
      {"region_queue", s->region_queue},
      {"region_bytes", s->region_bytes},
      {"console_lines", s->console_lines},
      {"console_bytes", s->console_bytes},
      {"max_rss", s->max_rss},
  };
  for (size_t i = 0; i < sizeof count / sizeof *count; i++) json_object_set_new(o, count[i].name, number(count[i].v));
}

const char *mon_mode_name(enum mb_mode mode) {
  static const char *const name[] = {
      [MB_MODE_BARE] = "bare", [MB_MODE_TRAP] = "trap", [MB_MODE_TRANSLATE] = "translate"};
  return name[mode];
}

struct json_t *mon_tiers_json(const struct mb_stats *s) {
  return json_pack("{s:f,s:f,s:f}", "eval", s->tier_eval, "stencil", s->tier_stencil, "llvm", s->tier_llvm);
}

struct json_t *mon_stats_json(struct mb_vm *vm) {
  static const char *const tier_name[] = {
      [MB_TIER_AUTO] = "auto", [MB_TIER_EVAL] = "eval", [MB_TIER_STENCIL] = "stencil", [MB_TIER_LLVM] = "llvm"};
  struct mb_stats s;
  char symbol[128];
  mb_get_stats(vm, &s);
  mon_learn_symbols(vm);
  json_t *o = json_object();
  if (vm->config.name) json_object_set_new(o, "name", json_string(vm->config.name));
  add_counts(o, &s);
  json_object_set_new(o, "wall_seconds", json_real(s.wall_seconds));
  json_object_set_new(o, "exceptions", exceptions_json(&s));
  json_object_set_new(o, "exits", exits_json(&s));
  json_object_set_new(o, "units_alone", number(s.units_alone));
  json_object_set_new(o, "tiers", mon_tiers_json(&s));
  json_object_set_new(o, "llvm_seconds", json_real(s.llvm_seconds));
  json_object_set_new(o, "memory_use", mon_memory_json(vm));
  if (vm->machine->config.numa) json_object_set_new(o, "numa", mon_numa_json(vm));
  if (vm->machine->cpus.seats) {
    json_t *seats = json_array();
    for (unsigned i = 0; i < vm->config.vcpus; i++) json_array_append_new(seats, mon_seat_json(mon_seat(vm, i)));
    json_object_set_new(o, "scheduled", seats);
  }
  if (vm->machine->balance && vm->machine->vms == 1) json_object_set_new(o, "placement", mon_balance_json(vm->machine));
  if (vm->config.disks) json_object_set_new(o, "disks", mon_disks_json(vm));
  if (vm->config.nets) json_object_set_new(o, "nets", mon_nets_json(vm));
  if (vm->services) {
    mon_services_settle(vm);
    json_object_set_new(o, "events", mon_events_json(vm));
    json_object_set_new(o, "services", mon_services_json(vm));
    json_object_set_new(o, "services_complete", json_boolean(!vm->services->failed));
  }
  if (vm->checks) json_object_set_new(o, "checks", mon_checks_json(vm));
  json_object_set_new(o, "console_digest", hex(s.console_digest));
  json_object_set_new(o, "state_hash", hex(mb_state_hash(vm)));
  json_object_set_new(o, "exit", json_string(mb_stop_name(vm->why)));
  json_object_set_new(o, "exit_text", json_string(mb_stop_text(vm)));
  json_object_set_new(o, "guest_code", number(s.guest_code));
  json_object_set_new(o, "pc", hex(s.pc));
  json_object_set_new(o, "symbol", json_string(mb_symbol(vm, s.pc, symbol, sizeof symbol)));
  json_object_set_new(o, "kernel", json_string(vm->kernel_path));
  json_object_set_new(o, "cpu", json_string(vm->model->name));
  json_object_set_new(o, "board", json_string(vm->kind->name));
  json_object_set_new(o, "vcpus", number(vm->config.vcpus));
  json_object_set_new(o, "endian", json_string(vm->config.endian == MB_ENDIAN_BIG ? "big" : "little"));
  json_object_set_new(o, "memory", number(vm->config.memory));
  json_object_set_new(o, "mhz", number(vm->config.mhz));
  json_object_set_new(o, "tier", json_string(tier_name[vm->config.tier]));
  json_object_set_new(o, "parallel", json_boolean(vm->threads));
  if (vm->threads) json_object_set_new(o, "alone", number(mips_gang_alone_count(mon_threads_gang(vm->threads))));
  json_object_set_new(o, "boot_kept", json_boolean(mb_boot_was_kept(vm->machine)));
  json_object_set_new(o, "mode", json_string(mon_mode_name(vm->config.mode)));
  if (vm->config.mode == MB_MODE_TRAP) json_object_set_new(o, "traps", traps_json(&s));
  json_object_set_new(o, "version", json_string(mb_version()));
  return o;
}

static int write_text(FILE *f, const char *text, size_t n) {
  int bad = fwrite(text, 1, n, f) != n;
  return fclose(f) || bad ? -1 : 0;
}

/* A regular file is written beside its place and renamed over it; what a link (/dev/stdout is one), a pipe or a device
 * leads to is written to. */
static int write_whole(const char *path, const char *text, size_t n) {
  struct stat st;
  if (!lstat(path, &st) && !S_ISREG(st.st_mode)) {
    FILE *f = fopen(path, "we");
    return f ? write_text(f, text, n) : -1;
  }
  char *aside = NULL;
  if (asprintf(&aside, "%s.new", path) < 0) return -1;
  FILE *f = fopen(aside, "we");
  int bad = !f || write_text(f, text, n) || rename(aside, path), error = errno;
  if (f && bad) unlink(aside);
  free(aside);
  errno = error;
  return bad;
}

int mon_write_file(struct mon_error *e, const char *what, const char *path, const char *text, size_t n) {
  if (!text) return mon_fail(e, MB_ERR_MEMORY, "out of memory for the %s", what);
  errno = 0;
  if (!write_whole(path, text, n)) return MB_OK;
  return mon_fail(e, MB_ERR_FILE, "%s %s: %s", what, path, errno ? strerror(errno) : "cannot be written");
}

/* What is the machine's, or adds up, and an object for each VM. */
static json_t *machine_json(struct mb_machine *m) {
  uint64_t instructions = 0, idle = 0, memory = 0, lines = 0;
  unsigned vcpus = 0;
  json_t *vms = json_array();
  for (unsigned i = 0; i < m->vms; i++) {
    struct mb_vm *vm = m->vm[i];
    struct mb_stats s;
    mb_get_stats(vm, &s);
    instructions += s.instructions;
    idle += s.idle_cycles;
    lines += s.console_lines;
    memory += vm->config.memory;
    vcpus += vm->config.vcpus;
    json_array_append_new(vms, mon_stats_json(vm));
  }
  json_t *o = json_object();
  json_object_set_new(o, "instructions", number(instructions));
  json_object_set_new(o, "idle_cycles", number(idle));
  json_object_set_new(o, "console_lines", number(lines));
  json_object_set_new(o, "virtual_ns", number(m->now));
  json_object_set_new(o, "wall_seconds", json_real((double)m->wall_ns / 1e9));
  json_object_set_new(o, "max_rss", number(mon_max_rss()));
  json_object_set_new(o, "cpus", number(m->config.cpus ? m->config.cpus : vcpus));
  json_object_set_new(o, "vcpus", number(vcpus));
  json_object_set_new(o, "memory", number(m->config.memory ? m->config.memory : memory));
  json_object_set_new(o, "vm_memory", number(memory));
  json_object_set_new(o, "memory_use", mon_memory_sum_json(m));
  json_object_set_new(o, "version", json_string(mb_version()));
  if (m->balance && m->vms > 1) json_object_set_new(o, "placement", mon_balance_json(m));
  json_object_set_new(o, "vms", vms);
  return o;
}

int mb_stats_write(struct mb_machine *m, const char *path) {
  if (!m->started) return mon_fail(&m->error, MB_ERR_STATE, "the machine has not been started");
  bool alone = m->vms == 1 && !m->vm[0]->config.name;
  json_t *o = alone ? mon_stats_json(m->vm[0]) : machine_json(m);
  if (m->checkpoint)
    json_object_set_new(o, "restored_in",
                        json_pack("{s:f, s:f}", "wall_seconds", (double)m->restore.wall_ns / 1e9, "cpu_seconds",
                                  (double)m->restore.cpu_ns / 1e9));
  char *text = o ? json_dumps(o, JSON_INDENT(2)) : NULL;
  size_t n = text ? strlen(text) : 0;
  if (text) text[n++] = '\n'; /* in place of the terminator */
  int code = mon_write_file(&m->error, "statistics", path, text, n);
  free(text);
  json_decref(o);
  return code;
}
