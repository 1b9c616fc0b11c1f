/* monitor/loader.c: kernel, initrd and arguments or device tree into guest memory; the cpu at the kernel's entry. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Everything is planned and checked before anything is built (mon_load_check), so a misfit leaves nothing behind.
 * What a kernel finds is a device tree, if the board has one, or what YAMON's `go` gives it (Linux
 * arch/mips/fw/lib/cmdline.c, arch/mips/mti-malta): a0, a1 are argc and argv, a2 the environment as name, value pairs
 * ending with NULL, a3 the memory size; all pointers are 32 bits wide, which a 64-bit kernel sign-extends. */
#include "monitor/monitor.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define ARGS_GPA      0x2000u  /* where firmware likes to keep its strings */
#define ARGS_STACK    0x10000u /* below the arguments when they cannot be there */
#define INITRD_ALIGN  0x10000u /* Linux wants page alignment; pages may be 64 KiB */
#define INITRD_MARGIN 0x20000u /* left free at the end of memory for the boot allocator */
#define KSEG0         0x80000000u

enum { ARGS_ROOM = 8192, ARGS_POINTERS = 32, STATUS_ERL = 4, STATUS_KX = 0x80 };
enum {
  TREE_ROOM = 16384,
  CONFIG_K0 = 7,
  COHERENT = 5
}; /* CWB: PRA vol. III, "Cacheability and Coherency Attributes" */

/* The blocks the guest finds besides its kernel. */
struct plan {
  uint64_t low_end;    /* end of the RAM that starts at 0 */
  uint64_t kernel_end; /* of what the kernel takes of it */
  uint64_t args, args_n, initrd;
};

struct args {
  uint8_t bytes[TREE_ROOM];
  unsigned pointers, at; /* pointer slots used; bytes used */
  bool big_endian, full;
  uint64_t gpa;
};

/* --- the argument block --- */

static void put_pointer(struct args *a, unsigned slot, uint32_t v) {
  if (a->big_endian) v = __builtin_bswap32(v);
  memcpy(a->bytes + 4 * slot, &v, 4); /* hosts are little-endian */
}

/* Append a string and a pointer to it. */
static void add_string(struct args *a, const char *s) {
  size_t n = strlen(s) + 1;
  if (n > ARGS_ROOM - a->at || a->pointers == ARGS_POINTERS) {
    a->full = true;
    return;
  }
  put_pointer(a, a->pointers++, KSEG0 | (uint32_t)(a->gpa + a->at));
  memcpy(a->bytes + a->at, s, n);
  a->at += (unsigned)n;
}

static void add_env(struct args *a, const char *name, const char *value) {
  add_string(a, name);
  add_string(a, value);
}

/* --- random numbers for the guest, as text --- */

enum { SEED_TEXT = 64 };

static uint64_t mix(uint64_t *state) { /* splitmix64 */
  uint64_t z = *state += 0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return z ^ z >> 31;
}

static void seed_text(const struct mb_vm *vm, char text[SEED_TEXT + 1]) {
  uint64_t state = vm->config.seed;
  for (int i = 0; i < 4; i++) snprintf(text + 16 * i, (size_t)(SEED_TEXT + 1 - 16 * i), "%016" PRIx64, mix(&state));
}

static void add_environment(struct args *a, const struct mb_vm *vm, const struct plan *p) {
  char text[SEED_TEXT + 1];
  snprintf(text, sizeof text, "%" PRIu64, p->low_end);
  add_env(a, "memsize", text);
  snprintf(text, sizeof text, "%" PRIu64, vm->config.memory);
  add_env(a, "ememsize", text);
  add_env(a, "modetty0", "38400,n,8,1,hw");
  add_env(a, "yamonrev", "02.22");
  if (vm->config.seed) {
    seed_text(vm, text);
    add_env(a, "rngseed", text);
  }
}

/* argv at slot 0, the environment from slot 3 on. */
static void build_args(struct args *a, const struct mb_vm *vm, const struct plan *p) {
  char line[ARGS_ROOM];
  const char *append = vm->config.append ? vm->config.append : "";
  *a = (struct args){.at = 4 * ARGS_POINTERS, .big_endian = vm->config.endian == MB_ENDIAN_BIG, .gpa = p->args};
  int n = vm->has_initrd ? snprintf(line, sizeof line, "rd_start=0x%08x rd_size=%zu%s%s", KSEG0 | (uint32_t)p->initrd,
                                    vm->initrd.n, *append ? " " : "", append)
                         : snprintf(line, sizeof line, "%s", append);
  a->full = n < 0 || (size_t)n >= sizeof line;
  add_string(a, "mirrorball");
  add_string(a, line);
  put_pointer(a, a->pointers++, 0);
  add_environment(a, vm, p);
  if (a->pointers < ARGS_POINTERS)
    put_pointer(a, a->pointers, 0);
  else
    a->full = true;
}

/* --- the device tree --- */

static void build_tree(struct args *a, const struct mb_vm *vm, const struct plan *p) {
  char seed[SEED_TEXT + 1];
  struct io_board_tree t = {.ram = vm->config.memory,
                            .vcpus = vm->config.vcpus,
                            .mhz = vm->config.mhz,
                            .bootargs = vm->config.append ? vm->config.append : "",
                            .initrd = p->initrd,
                            .initrd_bytes = vm->has_initrd ? vm->initrd.n : 0,
                            .seed = seed,
                            .seed_bytes = vm->config.seed ? SEED_TEXT : 0};
  *a = (struct args){.gpa = p->args};
  seed_text(vm, seed);
  int n = vm->kind->tree(&t, a->bytes, TREE_ROOM);
  a->full = n < 0;
  a->at = n < 0 ? 0 : (unsigned)n;
}

/* --- where things go --- */

static bool in_ram(const struct mb_vm *vm, uint64_t at, uint64_t n) {
  uint64_t ram = vm->config.memory, low = ram < BOARD_RAM_LOW_SIZE ? ram : BOARD_RAM_LOW_SIZE;
  if (at < low) return n <= low - at;
  if (at >= BOARD_RAM_HIGH) return at - BOARD_RAM_HIGH < ram && n <= ram - (at - BOARD_RAM_HIGH);
  return at >= BOARD_RAM_HOLE_END && at < ram && n <= ram - at;
}

static int check_segments(struct mb_vm *vm, struct plan *p) {
  for (unsigned i = 0; i < vm->image.segments; i++) {
    const struct mon_segment *s = &vm->image.segment[i];
    if (!in_ram(vm, s->gpa, s->mem_bytes))
      return mon_fail(vm->error, MB_ERR_FIT,
                      "%s: does not fit: it takes physical 0x%08" PRIx64 "..0x%08" PRIx64
                      ", the machine has %u MiB of memory",
                      vm->kernel_path, s->gpa, s->gpa + s->mem_bytes - 1, (unsigned)(vm->config.memory >> 20));
    uint64_t at = s->gpa >= BOARD_RAM_HIGH ? s->gpa - BOARD_RAM_HIGH : s->gpa;
    if (at < p->low_end && at + s->mem_bytes > p->kernel_end) p->kernel_end = at + s->mem_bytes;
  }
  return MB_OK;
}

static bool free_of_kernel(const struct mb_vm *vm, uint64_t at, uint64_t n) {
  for (unsigned i = 0; i < vm->image.segments; i++) {
    const struct mon_segment *s = &vm->image.segment[i];
    uint64_t from = s->gpa >= BOARD_RAM_HIGH ? s->gpa - BOARD_RAM_HIGH : s->gpa;
    if (at < from + s->mem_bytes && from < at + n) return false;
  }
  return true;
}

static uint64_t round_up(uint64_t v, uint64_t to) {
  return (v + to - 1) / to * to;
}

/* As high as it goes: a kernel that unpacks or relocates itself uses what lies above its own end. */
static int place_initrd(struct mb_vm *vm, struct plan *p) {
  uint64_t n = vm->initrd.n + (uint64_t)INITRD_MARGIN, free_from = round_up(p->kernel_end, INITRD_ALIGN);
  if (!vm->has_initrd) return MB_OK;
  if (n <= p->low_end) p->initrd = round_up(p->low_end - n, INITRD_ALIGN);
  if (n > p->low_end || p->initrd < free_from)
    return mon_fail(vm->error, MB_ERR_FIT,
                    "initrd %s: does not fit: it has %zu KiB, above the kernel there are %" PRIu64
                    " KiB of the first %" PRIu64 " MiB of memory",
                    vm->initrd_path, vm->initrd.n >> 10, p->low_end > free_from ? (p->low_end - free_from) >> 10 : 0,
                    p->low_end >> 20);
  return MB_OK;
}

static int place_args(struct mb_vm *vm, struct plan *p, struct args *a) {
  uint64_t room = vm->kind->tree ? TREE_ROOM : ARGS_ROOM;
  p->args = ARGS_GPA;
  if (!free_of_kernel(vm, p->args, room)) p->args = round_up(p->kernel_end, MMU_PAGE_SIZE) + ARGS_STACK;
  uint64_t end = vm->has_initrd ? p->initrd : p->low_end;
  if (p->args + room > end)
    return mon_fail(vm->error, MB_ERR_FIT, "%s: leaves no memory for the kernel's arguments", vm->kernel_path);
  if (vm->kind->tree)
    build_tree(a, vm, p);
  else
    build_args(a, vm, p);
  if (a->full) return mon_fail(vm->error, MB_ERR_ARGUMENT, "the kernel parameters are too long");
  return MB_OK;
}

static int make_plan(struct mb_vm *vm, struct plan *p, struct args *a) {
  uint64_t ram = vm->config.memory;
  *p = (struct plan){.low_end = ram < BOARD_RAM_LOW_SIZE ? ram : BOARD_RAM_LOW_SIZE};
  int code = check_segments(vm, p);
  if (!code) code = place_initrd(vm, p);
  if (!code) code = place_args(vm, p, a);
  return code;
}

int mon_load_check(struct mb_vm *vm) {
  struct plan p;
  struct args a;
  return make_plan(vm, &p, &a);
}

/* --- doing it --- */

static void pass_args(struct cpu *c, const struct plan *p, uint64_t at) {
  c->gpr[4] = 2;
  c->gpr[5] = at;
  c->gpr[6] = at + 3 * 4;
  c->gpr[7] = p->low_end;
}

/* Linux Documentation/mips (UHI, "Unified Hosting Interface"): -2 and the device tree. A board with a coherence manager
 * makes its memory coherent first. */
static void pass_tree(struct cpu *c, uint64_t at) {
  c->gpr[4] = (uint64_t)-2;
  c->gpr[5] = at;
  c->cp0.config[0] = (c->cp0.config[0] & ~(uint32_t)CONFIG_K0) | COHERENT;
}

static void enter_kernel(struct mb_vm *vm, const struct plan *p) {
  struct cpu *c = mon_cpu(vm);
  uint64_t argv = (uint64_t)(int64_t)(int32_t)(KSEG0 | (uint32_t)p->args);
  c->j.pc = vm->image.entry;
  if (vm->kind->tree)
    pass_tree(c, argv);
  else
    pass_args(c, p, argv);
  c->gpr[25] = vm->image.entry; /* position-independent code expects its own address in t9 */
  c->gpr[29] = argv - 64;
  /* Out of the reset handler, still with the boot vectors (Status.BEV): a kernel that faults before it has set up its
   * own is then caught in empty flash instead of running through empty memory. */
  c->cp0.status &= ~(uint32_t)STATUS_ERL;
  if (vm->image.entry >> 62 == 2) c->cp0.status |= STATUS_KX;
  mips_mode_changed(c);
}

static bool put(struct mb_vm *vm, uint64_t at, const void *bytes, uint64_t n) {
  return mmu_write(&vm->pmap, NULL, gpa(at), bytes, n) == n;
}

int mon_load(struct mb_vm *vm) {
  struct plan p;
  struct args a;
  int code = make_plan(vm, &p, &a);
  if (code) return code;
  bool fits = put(vm, p.args, a.bytes, a.at);
  for (unsigned i = 0; i < vm->image.segments; i++) {
    const struct mon_segment *s = &vm->image.segment[i];
    fits &= put(vm, s->gpa, s->bytes, s->file_bytes);
  }
  if (vm->has_initrd) fits &= put(vm, p.initrd, vm->initrd.bytes, vm->initrd.n);
  if (!fits) return mon_fail(vm->error, MB_ERR_FIT, "%s: does not fit the memory", vm->kernel_path);
  enter_kernel(vm, &p);
  return MB_OK;
}
