/* monitor/machine.c: the public functions that make, load, start and free a machine. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "monitor/monitor.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { APPEND_MAX = 4095 }; /* Linux keeps 4096 bytes of kernel parameters */

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

static int check_config(struct mb_machine *m) {
  struct mb_config *c = &m->config;
  m->board = c->board ? io_board_find(c->board) : io_board_kind(0);
  if (!m->board) return mon_fail(&m->error, MB_ERR_ARGUMENT, "no board is called \"%s\"", c->board);
  m->model = cpu_model_find(c->cpu ? c->cpu : m->board->cpu32);
  if (!m->model) return mon_fail(&m->error, MB_ERR_ARGUMENT, "no cpu model is called \"%s\"", c->cpu);
  if (!c->memory) c->memory = (uint64_t)256 << 20;
  if (c->memory < MB_MEMORY_MIN || c->memory > MB_MEMORY_MAX)
    return mon_fail(&m->error, MB_ERR_ARGUMENT, "a board has %u to %u MiB of memory", (unsigned)(MB_MEMORY_MIN >> 20),
                    (unsigned)(MB_MEMORY_MAX >> 20));
  if (c->memory & 0xfffff) return mon_fail(&m->error, MB_ERR_ARGUMENT, "the memory size must be a whole number of MiB");
  if (!c->mhz) c->mhz = 200;
  if (!c->vcpus) c->vcpus = 1;
  if (c->vcpus > m->board->vcpus)
    return mon_fail(&m->error, MB_ERR_ARGUMENT, "the board %s has at most %u vcpu%s", m->board->name, m->board->vcpus,
                    m->board->vcpus > 1 ? "s" : "");
  if (c->mhz > m->board->mhz)
    return mon_fail(&m->error, MB_ERR_ARGUMENT, "the clock rate must be at most %u MHz on the board %s", m->board->mhz,
                    m->board->name);
  if (c->append && strlen(c->append) > APPEND_MAX)
    return mon_fail(&m->error, MB_ERR_ARGUMENT, "the kernel parameters are longer than %d bytes", APPEND_MAX);
  if (!c->l2tlb) c->l2tlb = MMU_L2TLB_DEFAULT;
  if (c->l2tlb != MB_L2TLB_OFF && (c->l2tlb < MMU_L2TLB_MIN || c->l2tlb > MMU_L2TLB_MAX || c->l2tlb & (c->l2tlb - 1)))
    return mon_fail(&m->error, MB_ERR_ARGUMENT, "the second-level TLB has 0 entries, or a power of two from %d to %d",
                    MMU_L2TLB_MIN, MMU_L2TLB_MAX);
  if (c->code_cache && (c->code_cache < MB_CODE_CACHE_MIN || c->code_cache > MB_CODE_CACHE_MAX))
    return mon_fail(&m->error, MB_ERR_ARGUMENT, "the code cache takes 1 MiB to 1 GiB");
  if (!mb_has_tier(c->tier)) return mon_fail(&m->error, MB_ERR_ARGUMENT, "this build has no such tier");
  if (!(c->timeout >= 0) || c->timeout > 1e9)
    return mon_fail(&m->error, MB_ERR_ARGUMENT, "the time-out must be 0 to 1000000000 seconds");
  return MB_OK;
}

/* Replace a borrowed string by a copy. */
static bool own(const char **s) {
  const char *copy = *s ? strdup(*s) : NULL;
  bool fine = copy || !*s;
  *s = copy;
  return fine;
}

int mb_machine_new(struct mb_machine **out, const struct mb_config *config) {
  struct mb_machine *m = *out = calloc(1, sizeof *m);
  if (!m) return MB_ERR_MEMORY;
  m->config = *config;
  mon_console_init(&m->console);
  bool fine = own(&m->config.board);
  fine &= own(&m->config.cpu);
  fine &= own(&m->config.append);
  fine &= own(&m->config.code_store);
  fine &= own(&m->config.trace_file);
  for (unsigned i = 0; i < MB_DISKS_MAX; i++) fine &= own(&m->config.disk[i].path);
  for (unsigned i = 0; i < MB_NETS_MAX; i++) fine &= own(&m->config.net[i].subnet);
  if (!fine) return mon_fail(&m->error, MB_ERR_MEMORY, "out of memory");
  int code = check_config(m);
  if (!code) code = mon_disks_open(m);
  return code ? code : mon_nets_open(m);
}

static void let_go(const char *s) {
  free((char *)(uintptr_t)s);
}

void mb_machine_free(struct mb_machine *m) {
  if (!m) return;
  mon_console_fini(&m->console);
  mon_stdio_free(m->stdio);
  if (m->started) mon_vm_fini(m);
  mon_nets_close(m);
  mon_disks_close(m);
  mon_image_close(&m->image);
  mon_file_close(&m->initrd);
  mon_symbols_fini(&m->symbols);
  if (m->trace) fclose(m->trace);
  mon_profile_free(m->profile);
  free(m->kernel_path);
  free(m->initrd_path);
  let_go(m->config.board);
  let_go(m->config.cpu);
  let_go(m->config.append);
  let_go(m->config.code_store);
  let_go(m->config.trace_file);
  for (unsigned i = 0; i < MB_DISKS_MAX; i++) let_go(m->config.disk[i].path);
  for (unsigned i = 0; i < MB_NETS_MAX; i++) let_go(m->config.net[i].subnet);
  free(m);
}

const char *mb_code_store_trouble(struct mb_machine *m) {
  return m->vm.jit ? jit_store_trouble(m->vm.jit) : NULL;
}

const char *mb_error_text(const struct mb_machine *m) {
  return m ? m->error.text : "out of memory";
}

/* --- loading --- */

static uint64_t unpack_limit(const struct mb_machine *m) {
  return m->config.memory + MON_UNPACK_SLACK;
}

/* The kernel decides the byte order, and must suit the cpu model. */
static int check_kernel(struct mb_machine *m) {
  const struct mon_image *i = &m->image;
  if (i->is64 && !m->config.cpu) m->model = cpu_model_find(m->board->cpu64);
  if (i->is64 && !is_64(m->model))
    return mon_fail(&m->error, MB_ERR_MISMATCH, "%s: is a 64-bit kernel, and the %s is a 32-bit cpu", m->kernel_path,
                    m->model->name);
  if (m->board->gcr && !(m->model->config[3] & CONFIG3_CMGCR))
    return mon_fail(&m->error, MB_ERR_ARGUMENT, "the board %s takes cpus with a coherence manager (%s, %s), not the %s",
                    m->board->name, m->board->cpu32, m->board->cpu64, m->model->name);
  if (!i->knows_order && m->config.endian == MB_ENDIAN_KERNEL)
    return mon_fail(&m->error, MB_ERR_ARGUMENT, "%s: a %s image does not say its byte order: it must be given",
                    m->kernel_path, i->kind);
  enum mb_endian own_order = i->big_endian ? MB_ENDIAN_BIG : MB_ENDIAN_LITTLE;
  if (i->knows_order && m->config.endian != MB_ENDIAN_KERNEL && m->config.endian != own_order)
    return mon_fail(&m->error, MB_ERR_MISMATCH, "%s: is %s-endian, but %s-endian was asked for", m->kernel_path,
                    i->big_endian ? "big" : "little", i->big_endian ? "little" : "big");
  if (i->knows_order) m->config.endian = own_order;
  return MB_OK;
}

int mb_load_kernel(struct mb_machine *m, const char *path, const struct mb_raw *raw) {
  if (m->has_kernel || m->started) return mon_fail(&m->error, MB_ERR_STATE, "a kernel is loaded already");
  free(m->kernel_path);
  if (!(m->kernel_path = strdup(path))) return mon_fail(&m->error, MB_ERR_MEMORY, "out of memory");
  int code = mon_image_open(&m->image, path, raw, unpack_limit(m), &m->error);
  if (code) return code;
  code = check_kernel(m);
  if (!code && m->image.is_elf) code = mon_symbols_elf(&m->symbols, m->image.file.bytes, m->image.file.n, &m->error);
  if (code)
    mon_image_close(&m->image);
  else
    m->has_kernel = true;
  return code;
}

int mb_load_initrd(struct mb_machine *m, const char *path) {
  if (m->has_initrd || m->started) return mon_fail(&m->error, MB_ERR_STATE, "an initrd is loaded already");
  free(m->initrd_path);
  if (!(m->initrd_path = strdup(path))) return mon_fail(&m->error, MB_ERR_MEMORY, "out of memory");
  int code = mon_file_open(&m->initrd, "initrd", path, m->config.memory, &m->error);
  m->has_initrd = !code;
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

int mb_load_symbols(struct mb_machine *m, const char *path) {
  if (path) return mon_symbols_file(&m->symbols, path, &m->error);
  if (m->symbols.n) return MB_OK;
  char *beside = m->kernel_path ? map_beside(m->kernel_path) : NULL;
  int code = MB_OK;
  if (beside && !access(beside, R_OK))
    code = mon_symbols_file(&m->symbols, beside, &m->error);
  else
    code = mon_fail(&m->error, MB_ERR_FILE, "%s: has no symbols, and no System.map stands beside it",
                    m->kernel_path ? m->kernel_path : "no kernel");
  free(beside);
  return code;
}

const char *mb_symbol(const struct mb_machine *m, uint64_t va, char *buf, size_t n) {
  return mon_symbol_name(&m->symbols, va, buf, n);
}

/* --- console --- */

void mb_console_attach(struct mb_machine *m, const struct mb_console *console) {
  m->console.host = *console;
}

int mb_console_type(struct mb_machine *m, const char *text, size_t text_n, const char *keys, size_t keys_n) {
  int code = mon_console_type(&m->console, text, text_n, keys, keys_n);
  return code ? mon_fail(&m->error, MB_ERR_MEMORY, "out of memory") : MB_OK;
}

int mb_console_until(struct mb_machine *m, const char *text, size_t n) {
  if (!n) return mon_fail(&m->error, MB_ERR_ARGUMENT, "the text to wait for is empty");
  int code = mon_console_until(&m->console, text, n);
  return code ? mon_fail(&m->error, MB_ERR_MEMORY, "out of memory") : MB_OK;
}

static struct mon_stamp console_now(void *machine) {
  struct mb_machine *m = machine;
  uint64_t ns = io_clock_ns(&m->vm.clock); /* the present: io_now() came before the access */
  return (struct mon_stamp){.ns = ns, .instructions = mon_instructions(m)};
}

static void console_stop(void *machine) {
  mon_stop(machine, MB_STOP_CONSOLE);
}

/* --- starting --- */

static int power_on(struct mb_machine *m) {
  int code = mon_load_check(m);
  if (!code) code = mon_trace_open(m);
  if (!code && m->config.profile_every && mon_profile_new(&m->profile, m->config.profile_every))
    code = mon_fail(&m->error, MB_ERR_MEMORY, "out of memory for the profile");
  if (code) return code;
  m->console.now = console_now;
  m->console.stop = console_stop;
  m->console.owner = m;
  m->console.timestamps = m->config.timestamps;
  m->pace.pace = m->config.pace;
  if ((code = mon_vm_init(m))) return code;
  m->started = true;
  return mon_load(m);
}

int mb_machine_start(struct mb_machine *m) {
  if (m->started) return mon_fail(&m->error, MB_ERR_STATE, "the machine has been started already");
  if (!m->has_kernel) return mon_fail(&m->error, MB_ERR_STATE, "there is no kernel to start");
  int code = power_on(m);
  if (!code) code = mon_stdio_start(m);
  /* What has been copied to the guest is not needed twice. */
  mon_image_close(&m->image);
  mon_file_close(&m->initrd);
  return code;
}
