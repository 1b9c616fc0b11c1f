/* monitor/machine.c: the public functions that make, load, start and free a machine and its VMs. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "monitor/checkpoint.h"
#include "monitor/checks.h"
#include "monitor/modules.h"
#include "monitor/moncall.h"
#include "monitor/monitor.h"
#include "monitor/outlet.h"
#include "monitor/record.h"
#include "monitor/status.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

const char *mb_version(void) {
  return "0.1.0";
}

const char *mb_cpu_model(size_t i, const char **about) {
  if (i >= cpu_model_count) return NULL;
  if (about) *about = cpu_models[i].about;
  return cpu_models[i].name;
}

const char *mb_board(size_t i, const char **about) {
  const struct io_board_kind *kind = io_board_kind(i);
  if (kind && about) *about = kind->about;
  return kind ? kind->name : NULL;
}

enum jit_tier mon_jit_tier(enum mb_tier tier) {
  static const enum jit_tier tiers[] = {
      [MB_TIER_AUTO] = JIT_AUTO, [MB_TIER_EVAL] = JIT_EVAL, [MB_TIER_STENCIL] = JIT_STENCIL, [MB_TIER_LLVM] = JIT_LLVM};
  return tiers[tier];
}

bool mb_has_tier(enum mb_tier tier) {
  return jit_has_tier(mon_jit_tier(tier));
}

static bool is_64(const struct cpu_model *c) {
  return c->isa & (ISA_MIPS3 | ISA_MIPS64);
}

/* --- making --- */

int mb_machine_new(struct mb_machine **out, const struct mb_machine_config *config) {
  struct mb_machine *m = *out = calloc(1, sizeof *m);
  if (!m) return MB_ERR_MEMORY;
  m->config = *config;
  m->pace.pace = config->pace;
  if (config->jobs > MB_JOBS_MAX) return mon_fail(&m->error, MB_ERR_ARGUMENT, "the jobs must be 1 to %d", MB_JOBS_MAX);
  if (!(config->timeout >= 0) || config->timeout > 1e9)
    return mon_fail(&m->error, MB_ERR_ARGUMENT, "the time-out must be 0 to 1000000000 seconds");
  int code = mon_numa_choose(m);
  return code ? code : mon_policy_choose(m);
}

static void free_vm(struct mb_vm *vm) {
  if (!vm) return;
  mon_console_fini(&vm->console);
  mon_outlet_free(vm->outlet);
  mon_gdb_tell_end(vm);
  if (vm->started) mon_vm_fini(vm);
  mon_gdb_free(vm);
  mon_tape_free(vm);
  mon_checks_free(vm);
  mon_nets_close(vm);
  mon_disks_close(vm);
  mon_image_close(&vm->image);
  mon_file_close(&vm->initrd);
  mon_modules_free(vm);
  mon_symbols_fini(&vm->symbols);
  if (vm->trace) fclose(vm->trace);
  mon_profile_free(vm->profile);
  mon_services_free(vm->services);
  mon_coverage_free(vm->coverage);
  if (vm->paths) mips_paths_fini(vm->paths);
  free(vm->paths);
  mon_dwarf_free(vm->dwarf);
  free(vm->debug_path);
  mon_host_free(vm->host_calls);
  mon_guest_functions_free(vm);
  free(vm->kernel_path);
  free(vm->initrd_path);
  mon_config_fini(&vm->config);
  free(vm);
}

void mb_machine_free(struct mb_machine *m) {
  if (!m) return;
  for (unsigned i = 0; i < m->vms; i++)
    mon_console_fini(&m->vm[i]->console); /* to where they go, while that is there */
  mon_status_free(m->status);
  mon_stdio_free(m->stdio);
  for (unsigned i = 0; i < m->vms; i++) free_vm(m->vm[i]);
  mon_balance_free(m->balance);
  mon_policy_fini(&m->policy);
  mon_cpus_fini(&m->cpus);
  numa_model_fini(&m->numa);
  free(m->numa_text);
  mon_checkpoint_free(m->checkpoint);
  mon_boots_fini(&m->boots);
  mon_record_free(m->record);
  mon_record_free(m->replay);
  jit_pool_free(m->pool);
  mmu_merger_fini(&m->merger);
  mmu_memmap_fini(&m->memmap);
  mon_subnets_free(m);
  free(m);
}

/* Its name must be its own. */
static int check_name(struct mb_vm *vm) {
  const struct mb_machine *m = vm->machine;
  const char *name = vm->config.name;
  for (unsigned i = 0; i < m->vms; i++) {
    const char *other = m->vm[i]->config.name;
    if (!name || !other)
      return mon_fail(vm->error, MB_ERR_ARGUMENT, "where there are several VMs each must have a name");
    if (!strcmp(name, other)) return mon_fail(vm->error, MB_ERR_ARGUMENT, "two VMs are called \"%s\"", name);
  }
  return MB_OK;
}

int mb_vm_add(struct mb_machine *m, struct mb_vm **out, const struct mb_config *config) {
  *out = NULL;
  if (m->started) return mon_fail(&m->error, MB_ERR_STATE, "the machine has been started already");
  if (m->vms == MB_VMS_MAX) return mon_fail(&m->error, MB_ERR_ARGUMENT, "more than %d VMs", MB_VMS_MAX);
  struct mb_vm *vm = calloc(1, sizeof *vm);
  if (!vm) return mon_fail(&m->error, MB_ERR_MEMORY, "out of memory");
  vm->machine = m;
  vm->error = &m->error;
  vm->limit = vm->time_limit = UINT64_MAX;
  mon_console_init(&vm->console);
  int code = mon_config_own(vm, config);
  if (!code) code = mon_config_check(vm);
  if (!code) code = check_name(vm);
  if (!code) code = mon_disks_open(vm);
  if (!code) code = mon_nets_open(vm);
  if (code)
    free_vm(vm);
  else
    *out = m->vm[m->vms++] = vm;
  return code;
}

struct mb_vm *mb_vm_at(const struct mb_machine *m, size_t i) {
  return i < m->vms ? m->vm[i] : NULL;
}

const char *mb_vm_name(const struct mb_vm *vm) {
  return vm->config.name;
}

void mb_vm_limit(struct mb_vm *vm, uint64_t instructions) {
  vm->limit = instructions;
}

void mb_vm_limit_ns(struct mb_vm *vm, uint64_t ns) {
  vm->time_limit = ns / 1000 < UINT64_MAX / vm->config.mhz ? mon_cycles(vm, ns) : UINT64_MAX;
}

const char *mb_code_store_trouble(struct mb_vm *vm) {
  const char *trouble = vm->jit ? jit_store_trouble(vm->jit) : NULL;
  for (unsigned i = 0; !trouble && i < IO_VCPUS; i++)
    if (vm->other_jit[i]) trouble = jit_store_trouble(vm->other_jit[i]);
  return trouble;
}

const char *mb_error_text(const struct mb_machine *m) {
  return m ? m->error.text : "out of memory";
}

/* --- loading --- */

static uint64_t unpack_limit(const struct mb_vm *vm) {
  return vm->config.memory + MON_UNPACK_SLACK;
}

/* The kernel decides the byte order, and must suit the cpu model. */
static int check_kernel(struct mb_vm *vm) {
  const struct mon_image *i = &vm->image;
  if (i->is64 && !vm->config.cpu) vm->model = cpu_model_find(vm->kind->cpu64);
  if (i->is64 && !is_64(vm->model))
    return mon_fail(vm->error, MB_ERR_MISMATCH, "%s: is a 64-bit kernel, and the %s is a 32-bit cpu", vm->kernel_path,
                    vm->model->name);
  if (vm->kind->gcr && !(vm->model->config[3] & CONFIG3_CMGCR))
    return mon_fail(vm->error, MB_ERR_ARGUMENT, "the board %s takes cpus with a coherence manager (%s, %s), not the %s",
                    vm->kind->name, vm->kind->cpu32, vm->kind->cpu64, vm->model->name);
  if (!i->knows_order && vm->config.endian == MB_ENDIAN_KERNEL)
    return mon_fail(vm->error, MB_ERR_ARGUMENT, "%s: a %s image does not say its byte order: it must be given",
                    vm->kernel_path, i->kind);
  enum mb_endian own_order = i->big_endian ? MB_ENDIAN_BIG : MB_ENDIAN_LITTLE;
  if (i->knows_order && vm->config.endian != MB_ENDIAN_KERNEL && vm->config.endian != own_order)
    return mon_fail(vm->error, MB_ERR_MISMATCH, "%s: is %s-endian, but %s-endian was asked for", vm->kernel_path,
                    i->big_endian ? "big" : "little", i->big_endian ? "little" : "big");
  if (i->knows_order) vm->config.endian = own_order;
  return MB_OK;
}

int mb_load_kernel(struct mb_vm *vm, const char *path, const struct mb_raw *raw) {
  if (vm->has_kernel || vm->started) return mon_fail(vm->error, MB_ERR_STATE, "a kernel is loaded already");
  free(vm->kernel_path);
  if (!(vm->kernel_path = strdup(path))) return mon_fail(vm->error, MB_ERR_MEMORY, "out of memory");
  int code = mon_image_open(&vm->image, path, raw, unpack_limit(vm), vm->error);
  if (code) return code;
  code = check_kernel(vm);
  if (!code && vm->image.is_elf)
    code = mon_symbols_elf(&vm->symbols, vm->image.file.bytes, vm->image.file.n, vm->error);
  if (code)
    mon_image_close(&vm->image);
  else
    vm->has_kernel = true, vm->is64 = vm->image.is64;
  vm->is_raw = raw != NULL;
  if (raw) vm->raw = *raw;
  return code;
}

int mb_load_initrd(struct mb_vm *vm, const char *path) {
  if (vm->has_initrd || vm->started) return mon_fail(vm->error, MB_ERR_STATE, "an initrd is loaded already");
  free(vm->initrd_path);
  if (!(vm->initrd_path = strdup(path))) return mon_fail(vm->error, MB_ERR_MEMORY, "out of memory");
  int code = mon_file_open(&vm->initrd, "initrd", path, vm->config.memory, vm->error);
  vm->has_initrd = !code;
  return code;
}

/* A System.map next to the kernel: vmlinuz-1.2 -> System.map-1.2, anything else -> System.map. */
static char *map_beside(const char *kernel) {
  const char *slash = strrchr(kernel, '/'), *name = slash ? slash + 1 : kernel;
  const char *dash = strchr(name, '-');
  size_t folder = (size_t)(name - kernel), n = folder + strlen(name) + sizeof "System.map";
  char *path = malloc(n);
  if (path) snprintf(path, n, "%.*sSystem.map%s", (int)folder, kernel, dash ? dash : "");
  return path;
}

int mb_load_symbols(struct mb_vm *vm, const char *path) {
  mon_modules_forget(vm);
  if (path) return mon_symbols_file(&vm->symbols, path, vm->error);
  if (vm->symbols.n) return MB_OK;
  char *beside = vm->kernel_path ? map_beside(vm->kernel_path) : NULL;
  int code = MB_OK;
  if (beside && !access(beside, R_OK))
    code = mon_symbols_file(&vm->symbols, beside, vm->error);
  else
    code = mon_fail(vm->error, MB_ERR_FILE, "%s: has no symbols, and no System.map stands beside it",
                    vm->kernel_path ? vm->kernel_path : "no kernel");
  free(beside);
  return code;
}

const char *mb_symbol(const struct mb_vm *vm, uint64_t va, char *buf, size_t n) {
  return mon_symbol_name(&vm->symbols, va, buf, n);
}

/* --- console --- */

void mb_console_attach(struct mb_vm *vm, const struct mb_console *console) {
  vm->console.host = *console;
}

int mb_console_type(struct mb_vm *vm, const char *text, size_t text_n, const char *keys, size_t keys_n) {
  int code = mon_console_type(&vm->console, text, text_n, keys, keys_n);
  return code ? mon_fail(vm->error, MB_ERR_MEMORY, "out of memory") : MB_OK;
}

int mb_console_until(struct mb_vm *vm, const char *text, size_t n) {
  if (!n) return mon_fail(vm->error, MB_ERR_ARGUMENT, "the text to wait for is empty");
  int code = mon_console_until(&vm->console, text, n);
  return code ? mon_fail(vm->error, MB_ERR_MEMORY, "out of memory") : MB_OK;
}

int mb_console_open(struct mb_vm *vm, const char *where) {
  if (!strcmp(where, "tty")) return mb_console_attach_stdio(vm);
  if (vm->machine->started || vm->console.host.put)
    return mon_fail(vm->error, MB_ERR_STATE, "the console is connected already");
  return strcmp(where, "none") ? mon_outlet_new(vm, where) : MB_OK;
}

static struct mon_stamp console_now(void *ctx) {
  struct mb_vm *vm = ctx;
  uint64_t ns = io_clock_ns(&vm->clock); /* the present: io_now() came before the access */
  return (struct mon_stamp){.ns = ns, .instructions = mon_instructions(vm)};
}

static void console_stop(void *ctx) {
  mon_stop(ctx, MB_STOP_CONSOLE);
}

/* --- starting --- */

static int power_on(struct mb_vm *vm) {
  int code = mon_trace_open(vm);
  if (!code) code = mon_outlet_open(vm->outlet, vm->error);
  if (!code && vm->config.profile_every && mon_profile_new(&vm->profile, vm->config.profile_every))
    code = mon_fail(vm->error, MB_ERR_MEMORY, "out of memory for the profile");
  if (!code && vm->config.events && mon_services_new(&vm->services))
    code = mon_fail(vm->error, MB_ERR_MEMORY, "out of memory for counting events");
  if (!code && (vm->config.coverage || vm->config.profile_exact) && mon_coverage_new(&vm->coverage))
    code = mon_fail(vm->error, MB_ERR_MEMORY, "out of memory for coverage");
  if (!code && vm->config.profile_exact &&
      (!(vm->paths = calloc(1, sizeof *vm->paths)) || mips_paths_init(vm->paths, MIPS_PATH_NODES)))
    code = mon_fail(vm->error, MB_ERR_MEMORY, "out of memory for the profile");
  if (!code && vm->config.check && !vm->checks && mon_checks_new(vm))
    code = mon_fail(vm->error, MB_ERR_MEMORY, "out of memory for checks");
  if (code) return code;
  vm->console.now = console_now;
  vm->console.stop = console_stop;
  vm->console.owner = vm;
  vm->console.timestamps = vm->config.timestamps;
  if ((code = mon_vm_init(vm))) return code;
  vm->started = true;
  return vm->machine->checkpoint ? MB_OK : mon_load(vm);
}

/* Do all VMs together have what the machine has, and the machine what the host has? */
static int check_sums(struct mb_machine *m) {
  uint64_t memory = 0, host = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
  unsigned vcpus = 0;
  for (unsigned i = 0; i < m->vms; i++) {
    memory += m->vm[i]->config.memory;
    vcpus += m->vm[i]->config.vcpus;
  }
  if (m->config.cpus && vcpus > m->config.cpus && !m->cpus.seats)
    return mon_fail(&m->error, MB_ERR_ARGUMENT,
                    "the VMs have %u vcpus together, the machine has %u cpus, which only a scheduler can share", vcpus,
                    m->config.cpus);
  if (m->config.memory && memory > m->config.memory)
    return mon_fail(&m->error, MB_ERR_FIT, "the VMs have %" PRIu64 " MiB of memory together, the machine has %" PRIu64,
                    memory >> 20, m->config.memory >> 20);
  int code = mon_numa_check(m, vcpus, memory);
  if (code) return code;
  if (m->config.memory > memory) memory = m->config.memory;
  if (memory > host)
    return mon_fail(&m->error, MB_ERR_FIT, "the machine has %" PRIu64 " MiB of memory, this host %" PRIu64,
                    memory >> 20, host >> 20);
  return MB_OK;
}

static int make_memory(struct mb_machine *m) {
  uint64_t bytes = 0;
  for (unsigned i = 0; i < m->vms; i++) bytes += m->vm[i]->config.memory;
  if (!mmu_memmap_init(&m->memmap, bytes) && (!m->config.merge || !mmu_merger_init(&m->merger, &m->memmap)))
    return MB_OK;
  struct rlimit files; /* guest memory is one to the host */
  if (!getrlimit(RLIMIT_FSIZE, &files) && files.rlim_cur < bytes)
    return mon_fail(&m->error, MB_ERR_FIT,
                    "the limit on file sizes (ulimit -f) is below the %u MiB of guest memory: raise it",
                    (unsigned)(bytes >> 20));
  return mon_fail(&m->error, MB_ERR_MEMORY, "the host has no room for %u MiB of guest memory", (unsigned)(bytes >> 20));
}

/* Where there are several jits: without memory for it each compiles for itself. */
static void make_pool(struct mb_machine *m) {
  unsigned jits = 0;
  for (unsigned i = 0; i < m->vms; i++) jits += m->vm[i]->config.parallel ? m->vm[i]->config.vcpus : 1;
  if (jits > 1) m->pool = jit_pool_new();
}

static int check_vm(struct mb_vm *vm) {
  if (!vm->has_kernel) return mon_fail(vm->error, MB_ERR_STATE, "there is no kernel to start");
  return vm->machine->checkpoint ? MB_OK : mon_load_check(vm);
}

static int start_vm(struct mb_vm *vm) {
  int code = power_on(vm);
  /* What has been copied to the guest is not needed twice. */
  mon_image_close(&vm->image);
  mon_file_close(&vm->initrd);
  return code;
}

int mb_machine_start(struct mb_machine *m) {
  if (m->started) return mon_fail(&m->error, MB_ERR_STATE, "the machine has been started already");
  if (!m->vms) return mon_fail(&m->error, MB_ERR_STATE, "there is no VM to start");
  struct mon_took begun = mon_took_begin();
  int code = mon_record_check(m);
  if (!code) code = mon_cpus_start(m);
  if (!code) code = check_sums(m);
  for (unsigned i = 0; !code && i < m->vms; i++) code = check_vm(m->vm[i]);
  if (!code) mon_boots_find(m);
  if (!code) code = make_memory(m);
  if (!code) make_pool(m);
  if (!code) code = mon_numa_start(m);
  if (!code) code = mon_balance_new(m);
  if (!code) mon_share_images(m);
  for (unsigned i = 0; !code && i < m->vms; i++) code = start_vm(m->vm[i]);
  if (!code && m->checkpoint) code = mon_checkpoint_enter(m);
  for (unsigned i = 0; !code && i < m->vms; i++)
    if (m->vm[i]->checks) mips_check_begin(mon_checks_cpu(m->vm[i]));
  for (unsigned i = 0; i < m->vms; i++) m->joined |= mon_nets_joined(m->vm[i]);
  if (!code) code = mon_stdio_start(m);
  if (!code) code = mon_gdb_tape(m);
  if (!code) code = mon_record_begin(m);
  if (!code) code = mon_replay_begin(m);
  m->started = !code;
  if (m->started) mon_boots_begin(m);
  mon_took_end(&m->restore, &begun);
  return code;
}
