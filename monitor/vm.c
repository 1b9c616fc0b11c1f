/* monitor/vm.c: the guest's hardware put together, and the hooks that point upward. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Here alone the rooms meet: the cpu's device accesses go to the board, the board's interrupt lines to the cpu, writes
 * by DMA to the jit, and the board's power line to whoever runs us. */
#include "monitor/checks.h"
#include "monitor/moncall.h"
#include "monitor/threads.h"
#include <string.h>

/* A turn ends at the next timer, which may be nearer now, also if the access has stopped it. */
static void heed_timers(struct mb_vm *vm) {
  uint64_t next = io_clock_next(&vm->clock);
  if (vm->paused > next) vm->paused = next ? next : 1;
  mips_run_until(mon_cpu(vm), next);
}

static uint64_t io_read(void *ctx, uint64_t at, int size) {
  struct mb_vm *vm = ctx;
  uint64_t v = io_board_read(&vm->board, at, size);
  heed_timers(vm);
  return v;
}

static void io_write(void *ctx, uint64_t at, uint64_t v, int size) {
  struct mb_vm *vm = ctx;
  io_board_write(&vm->board, at, v, size);
  heed_timers(vm);
}

static void io_now(void *ctx, uint64_t cycles) {
  struct mb_vm *vm = ctx;
  io_clock_advance(&vm->clock, cycles);
}

/* Code runs from the flash only; elsewhere on the bus a fetch is a bus error. */
static bool io_fetch(void *ctx, uint64_t at, uint32_t *word) {
  struct mb_vm *vm = ctx;
  if (at - BOARD_FLASH >= BOARD_FLASH_SIZE && at - BOARD_BOOT >= BOARD_FLASH_SIZE) return false;
  *word = (uint32_t)io_board_read(&vm->board, at, 4);
  vm->clock.stall = 0; /* the boot ROM is charged like memory */
  return true;
}

static uint64_t io_stall(void *ctx) {
  struct mb_vm *vm = ctx;
  uint64_t stall = vm->clock.stall;
  vm->clock.stall = 0;
  return stall;
}

static void irq_set(void *ctx, int n, int level) {
  struct mb_vm *vm = ctx;
  unsigned vcpu = (unsigned)n >> 3;
  if (vcpu < vm->vcpus && vm->threads)
    mon_threads_irq(vm->threads, vcpu, n & 7, level);
  else if (vcpu < vm->vcpus)
    mips_irq_set(&vm->cpu[vcpu], n & 7, level);
}

static void power_set(void *ctx, enum io_power what) {
  mon_stop(ctx, what == IO_POWER_OFF ? MB_STOP_POWER_OFF : MB_STOP_RESET);
}

static void code_written(void *ctx, struct mmu_page *g) {
  struct mb_vm *vm = ctx;
  mips_code_write(mon_cpu(vm), g, 0, MMU_PAGE_SIZE);
}

uint64_t mon_guest_read(void *ctx, uint64_t at, void *to, uint64_t n) {
  struct mb_vm *vm = ctx;
  return mmu_read(&vm->pmap, gpa(at), to, n);
}

uint64_t mon_guest_write(void *ctx, uint64_t at, const void *from, uint64_t n) {
  struct mb_vm *vm = ctx;
  struct mmu_code_hook hook = {.on_code_write = code_written, .ctx = vm};
  mon_numa_written(vm, at, n);
  mips_check_stored(mon_checks_cpu(vm), at, n);
  mips_stored_by_other(mon_cpu(vm), at, n); /* the links of those who do not run are broken already */
  return mmu_write(&vm->pmap, &hook, gpa(at), from, n);
}

struct mmu_page *mon_page_written(struct mb_vm *vm, uint64_t at) {
  struct mmu_page *g = mmu_pmap_page(&vm->pmap, gpa(at));
  if (!g) return NULL;
  mips_check_stored(mon_checks_cpu(vm), at, MMU_PAGE_SIZE);
  mips_stored_by_other(mon_cpu(vm), at, MMU_PAGE_SIZE);
  if (g->code) code_written(vm, g);
  return g;
}

/* Whose RAM is it? */
static struct mb_vm *owner(struct mb_machine *m, const struct mmu_page *g) {
  unsigned i = 0;
  while (m->vm[i]->pmap.vm != g->vm) i++;
  return m->vm[i];
}

bool mon_page_set(struct mb_machine *m, uint32_t number, const uint8_t *bytes) {
  static const uint8_t zeros[MMU_PAGE_SIZE];
  struct mmu_memmap *map = &m->memmap;
  struct mmu_page *g = &map->page[number];
  if (!bytes) bytes = zeros;
  if (g->frame == NUMA_NO_FRAME ? bytes == zeros : !memcmp(g->host, bytes, MMU_PAGE_SIZE)) return true;
  if (mmu_page_open(map, g)) return false;
  memcpy(g->host, bytes, MMU_PAGE_SIZE);
  if (g->code) code_written(owner(m, g), g);
  return true;
}

static bool dma_block(void *ctx, uint64_t at, const struct io_image *image, uint64_t block) {
  const struct mb_vm *vm = ctx;
  struct mmu_page *g = vm->pmap.pinned ? NULL : mon_page_written(ctx, at);
  return g && mon_block_get(ctx, g, image, block);
}

static uint64_t dma_page(void *ctx, uint64_t at) {
  const struct mb_vm *vm = ctx;
  const struct mmu_page *g = mmu_pmap_page(&vm->pmap, gpa(at));
  return g && !vm->pmap.pinned ? mmu_page_number(vm->pmap.map, g) + UINT64_C(1) : 0;
}

/* Who could have sent it is on the same subnet, so this thread takes its turns, too. */
static bool dma_share(void *ctx, uint64_t at, uint64_t page, const void *bytes) {
  struct mb_vm *vm = ctx;
  struct mmu_page *with = &vm->pmap.map->page[page - 1], *g;
  if (page > vm->pmap.map->given || vm->pmap.pinned || memcmp(with->host, bytes, MMU_PAGE_SIZE) ||
      !(g = mon_page_written(vm, at)))
    return false;
  return mmu_page_share(vm->pmap.map, g, with);
}

/* --- the store that ends a run --- */

static uint64_t exit_read(void *ctx, uint32_t off, int size) {
  (void)ctx, (void)off, (void)size;
  return 0;
}

void mon_exit(struct mb_vm *vm, unsigned code) {
  if (!vm->stopping) vm->guest_code = code;
  mon_stop(vm, MB_STOP_EXIT);
}

static void exit_write(void *ctx, uint32_t off, uint64_t v, int size) {
  if (off || size != 4 || (v & MON_EXIT_MASK) != MON_EXIT_KEY) return;
  mon_exit(ctx, (unsigned)(v & ~(uint64_t)MON_EXIT_MASK));
}

static const struct dev_ops exit_ops = {"exit", exit_read, exit_write, NULL};

/* --- building --- */

/* RAM as board.h lays it out. */
static int add_ram(struct mb_vm *vm) {
  uint64_t low = vm->ram < BOARD_RAM_LOW_SIZE ? vm->ram : BOARD_RAM_LOW_SIZE;
  if (mmu_pmap_add_ram(&vm->pmap, gpa(0), low)) return -1;
  mmu_pmap_alias(&vm->pmap, gpa(BOARD_RAM_HIGH), gpa(0), low);
  if (vm->ram > low && mmu_pmap_add_ram(&vm->pmap, gpa(BOARD_RAM_HIGH + low), vm->ram - low)) return -1;
  if (vm->ram > BOARD_RAM_HOLE_END)
    mmu_pmap_alias(&vm->pmap, gpa(BOARD_RAM_HOLE_END), gpa((uint64_t)BOARD_RAM_HIGH + BOARD_RAM_HOLE_END),
                   vm->ram - BOARD_RAM_HOLE_END);
  return 0;
}

static int init_memory(struct mb_vm *vm) {
  uint64_t end = BOARD_RAM_HIGH + vm->ram;
  if (mmu_pmap_init(&vm->pmap, &vm->machine->memmap, end >> MMU_PAGE_BITS, vm->ram)) return -1;
  vm->has_pmap = true;
  vm->pmap.pinned = vm->config.parallel && vm->config.vcpus > 1;
  return add_ram(vm) || mon_checks_memory(vm) ? -1 : 0;
}

/* PRA vol. III, "Exception Vector Locations", Status.BEV = 1: 0x200 to 0x480, and the reset vector. */
static void fill_rom(uint8_t rom[MON_ROM_BYTES], bool big_endian) {
  static const uint8_t little[8] = {0xff, 0xff, 0x00, 0x10}, big[8] = {0x10, 0x00, 0xff, 0xff}; /* b .; nop */
  memset(rom, 0xff, MON_ROM_BYTES);
  memcpy(rom, big_endian ? big : little, 8);
  for (unsigned at = MON_ROM_VECTORS; at < MON_ROM_BYTES; at += 0x80) memcpy(rom + at, rom, 8);
  /* lui $8, 0xbf00; sw $0, MON_RETURN_GPA & 0xffff ($8) */
  static const uint32_t back[] = {0x3c08bf00, 0xad000000 | (MON_RETURN_GPA & 0xffff)};
  for (unsigned i = 0; i < sizeof back; i++)
    rom[MON_ROM_RETURN + i] = (uint8_t)(back[i / 4] >> 8 * (big_endian ? 3 - i % 4 : i % 4));
  memcpy(rom + MON_ROM_RETURN + sizeof back, rom, 8);
}

static int init_board(struct mb_vm *vm, bool big_endian) {
  struct io_board_config c = {
      .kind = vm->kind,
      .vcpus = vm->config.vcpus,
      .clock = &vm->clock,
      .big_endian = big_endian,
      .ram = vm->ram,
      .tty[0] = {.get = vm->was_listened_to || mon_console_has_input(&vm->console) ? mon_console_get : NULL,
                 .put = mon_console_put,
                 .ctx = &vm->console},
      .cpu_irq = {.set = irq_set, .ctx = vm},
      .power = {.set = power_set, .ctx = vm},
      .vcpu = {.set = mon_vcpu_set, .ctx = vm},
      .dma = {.read = mon_guest_read,
              .write = mon_guest_write,
              .ctx = vm,
              .page = dma_page,
              .share = dma_share,
              .block = dma_block},
      .rtc_start = vm->config.rtc_start,
      .flash = vm->rom,
      .flash_size = sizeof vm->rom,
      .seed = vm->config.seed,
      .virtio_rng = vm->config.seed != 0,
      .log = vm->config.trace & MB_TRACE_DEV ? mon_trace_note : NULL,
      .trace = vm->config.trace & MB_TRACE_DEV ? mon_trace_device : NULL,
      .hook_ctx = vm,
  };
  struct io_bus_row rows[] = {{.base = MON_EXIT_GPA, .size = 4, .ops = &exit_ops, .dev = vm},
                              {.base = MON_CALL_GPA, .size = 4, .ops = &mon_call_ops, .dev = vm},
                              {.base = MON_RETURN_GPA, .size = 4, .ops = &mon_return_ops, .dev = vm}};
  mon_disks_attach(vm, &c);
  fill_rom(vm->rom, big_endian);
  vm->has_board = true;
  if (mon_nets_attach(vm, &c)) return -1;
  if (io_board_init(&vm->board, &c) != IO_OK) return -1;
  for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++)
    if (io_bus_add(&vm->board.bus, &rows[i]) < 0) return -1;
  if (!vm->machine->checkpoint) io_board_firmware(&vm->board);
  return 0;
}

static int init_jit(struct mb_vm *vm, struct jit **jit) {
  if (jit_new(jit, mips_jit_guest(), MON_CODE_BYTES) || jit_set_tier(*jit, mon_jit_tier(vm->config.tier))) return -1;
  if (vm->config.mode == MB_MODE_TRAP || vm->machine->config.numa == MB_NUMA_TLB) jit_set_exact(*jit);
  jit_set_clock(*jit, vm->profile ? mon_wall_ns : NULL);
  if (vm->config.code_cache) jit_set_code_cache(*jit, vm->config.code_cache);
  jit_set_pool(*jit, vm->machine->pool);
  if (vm->config.code_store)
    jit_set_store(*jit, vm->config.code_store,
                  vm->config.code_store_bytes ? vm->config.code_store_bytes : MON_STORE_BYTES);
  return 0;
}

static int init_cpu(struct mb_vm *vm, bool big_endian, unsigned number) {
  struct cpu_config c = {.model = vm->model,
                         .pmap = &vm->pmap,
                         .jit = vm->jit,
                         .big_endian = big_endian,
                         .number = number,
                         .gcr = vm->kind->gcr,
                         .l2tlb = vm->config.l2tlb == MB_L2TLB_OFF ? 0 : vm->config.l2tlb,
                         .trap = vm->config.mode == MB_MODE_TRAP,
                         .numa = mon_numa_vcpu(vm, number),
                         .machine_tlb = vm->config.machine_tlb == MB_MACHINE_TLB_OFF ? 0 : vm->config.machine_tlb,
                         .io_read = io_read,
                         .io_write = io_write,
                         .io_now = io_now,
                         .io_stall = io_stall,
                         .io_fetch = io_fetch,
                         .ctx = vm,
                         .trace_insn = vm->config.trace & MB_TRACE_INSN ? vm->trace : NULL,
                         .trace_exc = vm->config.trace & MB_TRACE_EXC ? vm->trace : NULL,
                         .trace_tlb = vm->config.trace & MB_TRACE_TLB ? vm->trace : NULL,
                         .check = mon_checks_cpu(vm),
                         .debug = mon_gdb_debug(vm),
                         .moved = vm->services ? mon_services_moved : NULL,
                         .tally = vm->coverage ? &vm->coverage->tally : NULL,
                         .paths = vm->paths,
                         .left = vm->profile ? mon_profile_left : NULL,
                         .clock = vm->profile ? mon_wall_ns : NULL};
  if (vm->threads && number) {
    if (init_jit(vm, &vm->other_jit[number])) return -1;
    c.jit = vm->other_jit[number];
  }
  if (vm->threads) mon_threads_hook(vm->threads, number, &c);
  if (mips_cpu_init(&vm->cpu[number], &c)) return -1;
  if (number) mips_cpu_join(&vm->cpu[number], &vm->cpu[0]);
  vm->vcpus = number + 1;
  if (vm->services) mon_services_attach(vm, number);
  mips_cpu_reset(&vm->cpu[number]);
  return 0;
}

static int init_cpus(struct mb_vm *vm, bool big_endian) {
  int bad = 0;
  for (unsigned i = 0; i < vm->config.vcpus && !bad; i++) bad = init_cpu(vm, big_endian, i);
  vm->vcpu[0].up = true;
  return bad;
}

int mon_vm_init(struct mb_vm *vm) {
  bool big = vm->config.endian == MB_ENDIAN_BIG;
  vm->ram = vm->config.memory;
  io_clock_init(&vm->clock, vm->config.mhz);
  if (init_memory(vm)) {
    mon_fail(vm->error, MB_ERR_MEMORY, "the host has no room for %u MiB of guest memory", (unsigned)(vm->ram >> 20));
    goto fail;
  }
  if ((vm->config.parallel && vm->config.vcpus > 1 && mon_threads_new(vm)) || init_jit(vm, &vm->jit) ||
      init_cpus(vm, big)) {
    mon_fail(vm->error, MB_ERR_MEMORY, "out of memory for the cpu");
    goto fail;
  }
  if (init_board(vm, big)) {
    mon_fail(vm->error, MB_ERR_MEMORY, "the board could not be built");
    goto fail;
  }
  return MB_OK;
fail:
  mon_vm_fini(vm);
  return MB_ERR_MEMORY;
}

void mon_vm_fini(struct mb_vm *vm) {
  unsigned vcpus = vm->vcpus;
  mon_threads_end(vm->threads);
  vm->vcpus = 0; /* no interrupts from dying devices */
  if (vm->has_board) io_board_fini(&vm->board);
  while (vcpus) mips_cpu_fini(&vm->cpu[--vcpus]);
  for (unsigned i = 0; i < IO_VCPUS; i++) jit_free(vm->other_jit[i]);
  memset(vm->other_jit, 0, sizeof vm->other_jit);
  jit_free(vm->jit);
  vm->jit = NULL;
  mon_threads_free(vm->threads);
  vm->threads = NULL;
  if (vm->has_pmap) mmu_pmap_fini(&vm->pmap);
  vm->has_board = vm->has_pmap = false;
}

void mon_stop(struct mb_vm *vm, enum mb_stop why) {
  if (!vm->stopping) vm->why = why;
  vm->stopping = true;
  if (vm->within && !vm->paused && mon_may_go_on(vm)) vm->paused = mon_cpu(vm)->deadline;
  if (vm->vcpus && !vm->threads) mips_run_until(mon_cpu(vm), 0); /* threads see to their own */
}

uint64_t mon_cycles(const struct mb_vm *vm, uint64_t ns) {
  uint64_t mhz = vm->config.mhz;
  return ns / 1000 * mhz + ns % 1000 * mhz / 1000;
}

uint64_t mon_ns(const struct mb_vm *vm, uint64_t cycles) {
  struct io_clock c = vm->clock;
  c.now = cycles;
  return io_clock_ns(&c);
}
