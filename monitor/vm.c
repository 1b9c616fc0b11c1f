/* monitor/vm.c: the guest's hardware put together, and the hooks that point upward. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Here alone the rooms meet: the cpu's device accesses go to the board, the board's interrupt lines to the cpu, writes
 * by DMA to the jit, and the board's power line to whoever runs us. */
#include "monitor/monitor.h"
#include <string.h>

static uint64_t io_read(void *ctx, uint64_t at, int size) {
  struct mb_vm *vm = ctx;
  uint64_t v = io_board_read(&vm->board, at, size);
  mips_run_until(mon_cpu(vm), io_clock_next(&vm->clock));
  return v;
}

static void io_write(void *ctx, uint64_t at, uint64_t v, int size) {
  struct mb_vm *vm = ctx;
  io_board_write(&vm->board, at, v, size);
  mips_run_until(mon_cpu(vm), io_clock_next(&vm->clock));
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
  if (vcpu < vm->vcpus) mips_irq_set(&vm->cpu[vcpu], n & 7, level);
}

static void power_set(void *ctx, enum io_power what) {
  mon_stop(ctx, what == IO_POWER_OFF ? MB_STOP_POWER_OFF : MB_STOP_RESET);
}

static void code_written(void *ctx, struct frame *f) {
  struct mb_vm *vm = ctx;
  mips_code_write(mon_cpu(vm), f, 0, MMU_PAGE_SIZE);
}

static uint64_t dma_read(void *ctx, uint64_t at, void *to, uint64_t n) {
  struct mb_vm *vm = ctx;
  return mmu_read(&vm->pmap, gpa(at), to, n);
}

static uint64_t dma_write(void *ctx, uint64_t at, const void *from, uint64_t n) {
  struct mb_vm *vm = ctx;
  struct mmu_code_hook hook = {.on_code_write = code_written, .ctx = vm};
  mips_stored_by_other(mon_cpu(vm), at, n); /* the links of those who do not run are broken already */
  return mmu_write(&vm->pmap, &hook, gpa(at), from, n);
}

/* --- the store that ends a run --- */

static uint64_t exit_read(void *ctx, uint32_t off, int size) {
  (void)ctx, (void)off, (void)size;
  return 0;
}

static void exit_write(void *ctx, uint32_t off, uint64_t v, int size) {
  struct mb_vm *vm = ctx;
  if (off || size != 4 || (v & MON_EXIT_MASK) != MON_EXIT_KEY) return;
  if (!vm->stopping) vm->guest_code = (unsigned)(v & ~(uint64_t)MON_EXIT_MASK);
  mon_stop(vm, MB_STOP_EXIT);
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
  if (numa_memory_init(&vm->memory, vm->ram)) return -1;
  vm->has_memory = true;
  if (mmu_pmap_init(&vm->pmap, &vm->memory, ((uint64_t)BOARD_RAM_HIGH + vm->ram) >> MMU_PAGE_BITS)) return -1;
  vm->has_pmap = true;
  return add_ram(vm);
}

/* PRA vol. III, "Exception Vector Locations", Status.BEV = 1: 0x200 to 0x480, and the reset vector. */
static void fill_rom(uint8_t rom[MON_ROM_BYTES], bool big_endian) {
  static const uint8_t little[8] = {0xff, 0xff, 0x00, 0x10}, big[8] = {0x10, 0x00, 0xff, 0xff}; /* b .; nop */
  memset(rom, 0xff, MON_ROM_BYTES);
  memcpy(rom, big_endian ? big : little, 8);
  for (unsigned at = MON_ROM_VECTORS; at < MON_ROM_BYTES; at += 0x80) memcpy(rom + at, rom, 8);
}

static int init_board(struct mb_vm *vm, bool big_endian) {
  struct io_board_config c = {
      .kind = vm->kind,
      .vcpus = vm->config.vcpus,
      .clock = &vm->clock,
      .big_endian = big_endian,
      .ram = vm->ram,
      .tty[0] = {.get = mon_console_has_input(&vm->console) ? mon_console_get : NULL,
                 .put = mon_console_put,
                 .ctx = &vm->console},
      .cpu_irq = {.set = irq_set, .ctx = vm},
      .power = {.set = power_set, .ctx = vm},
      .vcpu = {.set = mon_vcpu_set, .ctx = vm},
      .dma = {.read = dma_read, .write = dma_write, .ctx = vm},
      .rtc_start = vm->config.rtc_start,
      .flash = vm->rom,
      .flash_size = sizeof vm->rom,
      .seed = vm->config.seed,
      .virtio_rng = vm->config.seed != 0,
      .log = vm->config.trace & MB_TRACE_DEV ? mon_trace_note : NULL,
      .trace = vm->config.trace & MB_TRACE_DEV ? mon_trace_device : NULL,
      .hook_ctx = vm,
  };
  struct io_bus_row row = {.base = MON_EXIT_GPA, .size = 4, .ops = &exit_ops, .dev = vm};
  mon_disks_attach(vm, &c);
  fill_rom(vm->rom, big_endian);
  vm->has_board = true;
  if (mon_nets_attach(vm, &c)) return -1;
  if (io_board_init(&vm->board, &c) != IO_OK || io_bus_add(&vm->board.bus, &row) < 0) return -1;
  io_board_firmware(&vm->board);
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
                         .io_read = io_read,
                         .io_write = io_write,
                         .io_now = io_now,
                         .io_stall = io_stall,
                         .io_fetch = io_fetch,
                         .ctx = vm,
                         .trace_insn = vm->config.trace & MB_TRACE_INSN ? vm->trace : NULL,
                         .trace_exc = vm->config.trace & MB_TRACE_EXC ? vm->trace : NULL,
                         .trace_tlb = vm->config.trace & MB_TRACE_TLB ? vm->trace : NULL,
                         .left = vm->profile ? mon_profile_left : NULL,
                         .clock = vm->profile ? mon_wall_ns : NULL};
  if (mips_cpu_init(&vm->cpu[number], &c)) return -1;
  if (number) mips_cpu_join(&vm->cpu[number], &vm->cpu[0]);
  vm->vcpus = number + 1;
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
  if (jit_new(&vm->jit, mips_jit_guest(), MON_CODE_BYTES) || jit_set_tier(vm->jit, mon_jit_tier(vm->config.tier)) ||
      init_cpus(vm, big)) {
    mon_fail(vm->error, MB_ERR_MEMORY, "out of memory for the cpu");
    goto fail;
  }
  jit_set_clock(vm->jit, vm->profile ? mon_wall_ns : NULL);
  if (vm->config.code_cache) jit_set_code_cache(vm->jit, vm->config.code_cache);
  if (vm->config.code_store)
    jit_set_store(vm->jit, vm->config.code_store,
                  vm->config.code_store_bytes ? vm->config.code_store_bytes : MON_STORE_BYTES);
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
  vm->vcpus = 0; /* no interrupts from dying devices */
  if (vm->has_board) io_board_fini(&vm->board);
  while (vcpus) mips_cpu_fini(&vm->cpu[--vcpus]);
  jit_free(vm->jit);
  vm->jit = NULL;
  if (vm->has_pmap) mmu_pmap_fini(&vm->pmap);
  if (vm->has_memory) numa_memory_fini(&vm->memory);
  vm->has_board = vm->has_pmap = vm->has_memory = false;
}

void mon_stop(struct mb_vm *vm, enum mb_stop why) {
  if (!vm->stopping) vm->why = why;
  vm->stopping = true;
  if (vm->vcpus) mips_run_until(mon_cpu(vm), 0);
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
