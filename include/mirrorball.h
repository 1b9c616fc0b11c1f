/* include/mirrorball.h: the public promise of libmirrorball: build, load, run and question a machine. */
/* SPDX-License-Identifier: Apache-2.0 */
/* A machine is made in five steps: mb_machine_new(), mb_vm_add() for each VM, mb_load_*(), mb_machine_start(),
 * mb_machine_run(). Everything is deterministic: the same configuration, images, typed text and network traffic give
 * each VM the same run, instruction for instruction, whatever its neighbours do. The library never exits, never prints
 * and keeps no globals. One thread per machine; only mb_machine_interrupt() may be called from elsewhere. Functions
 * that return int give 0 or an enum mb_error (negative), with one line of text in mb_error_text(). */
#ifndef MIRRORBALL_H
#define MIRRORBALL_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct mb_machine;
struct mb_vm; /* of a machine, which frees it */

enum mb_error {
  MB_OK = 0,
  MB_ERR_ARGUMENT = -1, /* a value in the configuration or an argument makes no sense */
  MB_ERR_FILE = -2,     /* a file cannot be opened, read or written */
  MB_ERR_FORMAT = -3,   /* a file is truncated, corrupt or of a kind we do not know */
  MB_ERR_MISMATCH = -4, /* a sound kernel, but not for this cpu model or byte order */
  MB_ERR_FIT = -5,      /* it does not fit the guest's memory */
  MB_ERR_MEMORY = -6,   /* the host is out of memory */
  MB_ERR_STATE = -7,    /* not now: loaded twice, started twice, run before started */
};

enum mb_endian { MB_ENDIAN_KERNEL, MB_ENDIAN_LITTLE, MB_ENDIAN_BIG }; /* _KERNEL: as its ELF header says */
/* How guest code is executed. AUTO: interpreted at first, compiled when it comes again, optimized where it is hot
 * (where the build can). STENCIL: compiled at once; LLVM: optimized when it comes again, however long that takes;
 * errors of mb_vm_add() where the build has no such tier, see mb_has_tier(). */
enum mb_tier { MB_TIER_AUTO, MB_TIER_EVAL, MB_TIER_STENCIL, MB_TIER_LLVM };
/* How the guest's kernel is run; it cannot tell. BARE: it owns the machine. TRAP: it is de-privileged; what it may not
 * do is a host trap, decoded and emulated. TRANSLATE: it is de-privileged, and the same things are calls into the
 * monitor, or inline. See docs/decisions.md. */
enum mb_mode { MB_MODE_BARE, MB_MODE_TRAP, MB_MODE_TRANSLATE };
enum mb_pace {
  MB_PACE_AUTO, /* max, but once a machine at a terminal has been idle for 2 virtual seconds it idles in real time */
  MB_PACE_MAX,  /* idle time is skipped: nothing ever waits for wall time */
  MB_PACE_REAL, /* virtual time never runs ahead of wall time */
};
enum { MB_TRACE_INSN = 1, MB_TRACE_EXC = 2, MB_TRACE_TLB = 4, MB_TRACE_DEV = 8 };

/* A disk: an image file, the bytes of the disk and nothing else. A COW disk keeps what the guest writes in memory and
 * forgets it with the machine, so that any number of machines can use one image. A PERSIST disk writes into the file,
 * which nobody else may use meanwhile; what the guest has flushed survives anything that befalls this process. */
enum mb_disk_mode { MB_DISK_COW, MB_DISK_RO, MB_DISK_PERSIST };
enum mb_disk_bus { MB_DISK_VIRTIO, MB_DISK_IDE };
struct mb_disk {
  const char *path;
  enum mb_disk_mode mode;
  enum mb_disk_bus bus;
};
enum { MB_DISKS_MAX = 16 }; /* a malta board takes 2 virtio disks and 4 IDE disks */

/* A network card and what its cable leads to. NAT: the host's own network, through this process's sockets; the guest
 * gets 10.0.2.15 by DHCP, the gateway 10.0.2.2 is this host, 10.0.2.3 its name server. SUBNET: a virtual ethernet that
 * joins all cards of the machine's VMs plugged into the subnet of that name. What comes from outside through NAT is the
 * one thing that may differ between two runs, see mb_nets_outside(). */
enum mb_net_kind { MB_NET_NAT, MB_NET_SUBNET };
enum mb_net_card { MB_NET_VIRTIO, MB_NET_PCNET };
enum { MB_NETS_MAX = 16, MB_FORWARDS_MAX = 16 }; /* a board takes 2 virtio cards, malta its own PCnet, too */
struct mb_forward {
  bool udp;             /* else TCP */
  uint16_t host, guest; /* from this port of the host's 127.0.0.1 to this one of the guest's */
};
struct mb_net {
  enum mb_net_kind kind;
  enum mb_net_card card;
  const char *subnet; /* its name */
  bool restricted;    /* NAT: nothing leads out; forwards work */
  struct mb_forward forward[MB_FORWARDS_MAX];
  unsigned forwards;
};

/* How exactly the memory of a modelled machine with near and far memory is modelled; what it costs is guest time. TLB:
 * each refill of its TLB is charged, and counted by page. CACHE: so is what each load, store and fetch waits for in two
 * levels of coherent caches; ALL: the same, and the same run, without any short cut, to check CACHE. SAMPLE,
 * SAMPLE_ALL: the same for intervals only; the time between costs what they did. */
enum mb_numa { MB_NUMA_OFF, MB_NUMA_TLB, MB_NUMA_CACHE, MB_NUMA_ALL, MB_NUMA_SAMPLE, MB_NUMA_SAMPLE_ALL };
/* SAMPLE: of each `every` virtual ms caches are modelled for warm + cache, and measured for `cache`. */
struct mb_numa_sampling {
  uint32_t every, warm, cache; /* every: 0: as usual */
};
enum { MB_SAMPLING_MAX = 1000000 };
extern const struct mb_numa_sampling mb_sampling_usual;

/* On a modelled machine with near and far memory: where pages are, and what moves them (docs/page-placement.md).
 * FIRST_TOUCH: on the node of the cpu that first stores to it. */
enum mb_place { MB_PLACE_FIRST_TOUCH, MB_PLACE_ROUND_ROBIN, MB_PLACE_NODE };
enum { MB_SETTINGS_MAX = 16 };
/* With CACHE and ALL: what policies are told of: misses of the caches; those of intervals only (mb_numa_sampling), each
 * for several; or, as with TLB, those of the TLB. */
enum mb_feed { MB_FEED_MISSES, MB_FEED_SAMPLE, MB_FEED_TLB };
struct mb_placement {
  enum mb_place place;
  enum mb_feed feed;
  unsigned node;                        /* PLACE_NODE: this one */
  const char *policy;                   /* a name of mb_policy(), or a shared object; NULL: none */
  const char *setting[MB_SETTINGS_MAX]; /* "KEY=VALUE": see mb_policy_setting() */
  unsigned settings;
  const char *page_log; /* what becomes of pages is written here; packed if it ends in .gz. NULL: nowhere */
};

/* How vcpus share the machine's cpus. OFF: each has one to itself. FIXED: each has its own, which it may share.
 * AFFINITY: the same, but a cpu with nothing to do takes who waits for another, of its own node first. LEAST_LOADED:
 * who has run least is next, wherever there is room. GANG: a VM's vcpus run at the same time. */
enum mb_sched { MB_SCHED_OFF, MB_SCHED_FIXED, MB_SCHED_AFFINITY, MB_SCHED_LEAST_LOADED, MB_SCHED_GANG };

/* What VMs are put into. Zeroed means: as many cpus and as much memory as they have together. */
struct mb_machine_config {
  unsigned cpus;     /* each vcpu has one to itself, unless there is a scheduler */
  uint64_t memory;   /* bytes; each VM has its own part of it */
  enum mb_pace pace; /* touches wall time only, never what guests see */
  double timeout;    /* wall seconds mb_machine_run() may take; 0: no limit */
  bool merge;        /* look for equal pages, and let them share memory; guests see nothing of it */
  unsigned jobs;     /* host threads for VMs, which see nothing of it; 0: as many as the host has cpus */
  enum mb_numa numa; /* all VMs take their turns on one thread then */
  struct mb_numa_sampling sampling;
  const char *numa_machine;      /* a name of mb_numa_machine(), or a file; NULL: flash */
  struct mb_placement placement; /* on it */
  enum mb_sched sched;
  bool anew;     /* what is restored in it is put on a machine as this says, not on the one that it was saved on */
  bool together; /* when one VM stops the others do, within a round (1 ms); all go on as the run that was not stopped */
  /* Folder in which a machine is kept as it is when its kernel runs user code for the first time, for the next one that
   * boots alike to begin with: the same run, without the wait (mb_boot_was_kept()). For machines with one plain VM; see
   * monitor/boots.h. NULL: none is. Borrowed until mb_machine_free(). */
  const char *boot_store;
};
enum { MB_VMS_MAX = 64, MB_NAME_MAX = 32, MB_JOBS_MAX = 64 };

enum { MB_PINS_MAX = 16 };

/* What a VM is made of. Zeroed means: malta, the cpu the board comes with that suits the kernel, 256 MiB, 200 MHz.
 * Strings are copied. */
struct mb_config {
  const char *name;  /* letters, digits and ._-; NULL: the only VM needs none */
  const char *board; /* a name of mb_board(); NULL: its first row */
  const char *cpu;   /* a name of mb_cpu_model() */
  unsigned vcpus;    /* as many as the board takes; 0: 1. They run by turns, which is as deterministic as one, unless */
  bool parallel;     /* each is a host thread: no two runs are alike, and limits are not met to the instruction */
  uint16_t pin[MB_PINS_MAX]; /* by vcpu: 1 + the machine's cpu that it shall have, and no other; 0: any */
  uint64_t memory;           /* bytes; a multiple of 1 MiB, MB_MEMORY_MIN..MB_MEMORY_MAX */
  uint32_t mhz;              /* guest cycles per virtual microsecond */
  enum mb_endian endian;
  enum mb_tier tier;
  enum mb_mode mode;
  uint32_t machine_tlb;   /* TRAP: entries of the machine TLB, 1 to 1024; 0: 64; MB_MACHINE_TLB_OFF: kseg0 has none */
  uint32_t l2tlb;         /* entries of the second-level TLB: a power of two from 4 to 65536; 0: 1024; MB_L2TLB_OFF */
  int64_t rtc_start;      /* Unix seconds at power-on; 0: 2024-01-01 00:00:00 */
  uint64_t seed;          /* of the guest's hardware random numbers; 0: it has none to offer */
  uint64_t code_cache;    /* bytes of host memory for compiled code; 0: 64 MiB; MB_CODE_CACHE_MIN to _MAX */
  const char *code_store; /* folder in which optimized code is kept from run to run; NULL: it is not kept */
  uint64_t code_store_bytes; /* as much as this; 0: 256 MiB */
  const char *append;        /* kernel parameters */
  const char *trace_file;    /* written by mb_machine_start() on; NULL: no trace */
  unsigned trace;            /* MB_TRACE_* */
  uint64_t profile_every;    /* take a sample of the guest after each so many instructions; 0: no profile */
  bool profile_exact;        /* count all instructions, the kernel's by call path, for mb_profile_exact_write() */
  bool events;               /* count what costs a monitor something, for mb_stats_write(): several times slower */
  bool coverage;             /* count how often each instruction is executed, for mb_coverage_...() */
  unsigned check;            /* MB_CHECK_*: look for mistakes of the guest, for mb_check_text(): several times slower */
  bool timestamps;           /* begin each console line with virtual seconds and the instruction count */
  /* In the order in which the guest finds them on each bus; the files are opened by mb_vm_add(). */
  struct mb_disk disk[MB_DISKS_MAX];
  unsigned disks;
  /* Likewise; forwarded ports are opened by mb_vm_add(). */
  struct mb_net net[MB_NETS_MAX];
  unsigned nets;
};
/* The TLB is misused; memory is read that was never written; caches and hazards are not seen to, as real hardware wants
 * it; vcpus access the same memory and nothing orders them (READ: not only
 * stores). See docs/checks.md. */
enum { MB_CHECK_TLB = 1, MB_CHECK_UNINIT = 2, MB_CHECK_CACHE = 4, MB_CHECK_RACE = 8, MB_CHECK_RACE_READ = 16 };
#define MB_L2TLB_OFF       UINT32_MAX
#define MB_MACHINE_TLB_OFF UINT32_MAX
#define MB_CODE_CACHE_MIN  ((uint64_t)1 << 20)
#define MB_CODE_CACHE_MAX  ((uint64_t)1 << 30)
#define MB_MEMORY_MIN      ((uint64_t)8 << 20)
#define MB_MEMORY_MAX      ((uint64_t)2 << 30)

/* How a raw image (no ELF or uImage header) is taken. load: 0 means 0x80100000; entry: 0 means load. */
struct mb_raw {
  uint64_t load, entry;
};

/* Where the guest's console goes. All optional. put() gets bytes in order, get() returns how many bytes it had (0:
 * none now, -1: never any more), fd() a descriptor that can be read from when something has been typed (-1: none). */
struct mb_console {
  void (*put)(void *ctx, const uint8_t *bytes, size_t n);
  int (*get)(void *ctx, uint8_t *bytes, size_t room);
  int (*fd)(void *ctx);
  /* Sees each byte as the guest writes it. True: stop with MB_STOP_CONSOLE after the instruction that wrote it. */
  bool (*watch)(void *ctx, uint8_t byte);
  void *ctx;
};

/* Why a VM stopped. The last group ends it; after the others it may be run on. */
enum mb_stop {
  MB_STOP_LIMIT,       /* the instruction limit is reached, exactly (a branch and its delay slot are one step) */
  MB_STOP_CONSOLE,     /* the awaited console text was shown; stopped after the instruction that finished it */
  MB_STOP_TIMEOUT,     /* config.timeout; this and the next stop all VMs that run */
  MB_STOP_INTERRUPTED, /* mb_machine_interrupt(), or the escape key */
  MB_STOP_TOGETHER,    /* another VM has stopped, and config.together */
  MB_STOP_RETURNED,  /* a function of the guest's that the host has called has returned; mb_machine_run() never says so
                      */
  MB_STOP_POWER_OFF, /* the guest turned its machine off */
  MB_STOP_RESET,     /* the guest asked for a reset */
  MB_STOP_EXIT,      /* the guest asked to end with a code: mb_stats.guest_code */
  MB_STOP_HALTED,    /* the guest waits with interrupts off: a kernel's way to end where it has no power switch */
  MB_STOP_STUCK,     /* the guest waits for an interrupt that cannot come, or jumps to itself with interrupts off */
  MB_STOP_DEAD,      /* the guest can never do anything sensible again: mb_stop_text() says why */
  MB_STOP_POLICY,    /* a placement policy has talked nonsense, which ends all VMs: mb_error_text() */
  MB_STOP_ERROR,     /* our own error: mb_error_text() */
};

enum { MB_EXITS = 5, MB_TRAPS = 7 };
struct mb_stats {
  uint64_t instructions, cycles, virtual_ns;
  double wall_seconds;     /* spent on this VM */
  uint64_t exceptions[32]; /* by Cause.ExcCode; [0] is interrupts */
  uint64_t tlb_refills, l2tlb_hits, softtlb_fills, view_pages, tlbwr, tlbwi, eret, device_accesses, code_writes;
  uint64_t blocks_made, blocks_dropped, blocks_entered, insns_translated, code_bytes;
  uint64_t blocks_compiled, insns_compiled, code_resets; /* by the stencil tier */
  double tier_eval, tier_stencil, tier_llvm; /* share of instructions run by each tier, 0..1; between the last two it is
                                                estimated from samples */
  uint64_t regions_made, regions_found, regions_for_views, regions_dropped, region_insns, region_queue,
      region_bytes;                            /* LLVM's */
  double llvm_seconds;                         /* CPU time of its thread */
  uint64_t exits[MB_EXITS];                    /* from generated code to the run loop, see mb_exit_name() */
  uint64_t traps[MB_TRAPS], trap_ns[MB_TRAPS]; /* MODE_TRAP: host traps by kind, see mb_trap_name(), and the host time
                                                  from the instruction that trapped until the guest went on */
  uint64_t units_alone;                        /* instructions (or branches with their slots) run by themselves */
  double translate_seconds,
      compile_seconds; /* host time for making blocks and stencils; measured with a profile only */
  uint64_t console_lines, console_bytes, console_digest;
  uint64_t idle_cycles, stall_cycles, unclaimed_accesses;
  uint64_t max_rss; /* bytes, of the whole host process */
  uint64_t pc;
  unsigned guest_code; /* of MB_STOP_EXIT */
};

/* "0.1.0". */
const char *mb_version(void);
/* Row i of the cpu models: name and one line about it; NULL past the last. Static text. */
const char *mb_cpu_model(size_t i, const char **about);
/* The same for the boards. */
const char *mb_board(size_t i, const char **about);

/* Row i of the modelled machines known by name, and its description; NULL past the last. Static text. */
const char *mb_numa_machine(size_t i, const char **text);
/* Row i of the placement policies known by name, and one line about it; the same for their settings, with the paper's
 * values. NULL past the last. Static text. */
const char *mb_policy(size_t i, const char **about);
const char *mb_policy_setting(size_t i, uint32_t *value, const char **about);
/* Have all that the page log has in its file. */
__attribute__((warn_unused_result)) int mb_page_log_write(struct mb_machine *m);

/* Machine memory that VMs have, in bytes. What several pages share is counted for each of them in `resident` and
 * `shared`, and to equal parts in `part`. */
enum mb_memory_kind { MB_MEMORY_TEXT, MB_MEMORY_CACHE, MB_MEMORY_OTHER, MB_MEMORY_KINDS };
struct mb_memory_use {
  uint64_t resident, shared;
  double part;
};
struct mb_memory {
  uint64_t configured;
  struct mb_memory_use all, kind[MB_MEMORY_KINDS]; /* the kernel's text, if it is known; blocks of disks; the rest */
  uint64_t in_checkpoint; /* of `all`: still in the file of mb_machine_restore(), which all have that use it */
};
void mb_get_memory(struct mb_vm *vm, struct mb_memory *out);
/* Write a table of that: as text. A regular file appears whole or not at all. */
__attribute__((warn_unused_result)) int mb_memory_write(struct mb_machine *m, const char *path);

/* Let the machine be asked how it goes while it runs: who connects to the Unix socket `path` gets one JSON object (VMs
 * with state, progress and memory; see mirrorball status) and is hung up on. No guest sees it. The socket is removed by
 * mb_machine_free(). */
__attribute__((warn_unused_result)) int mb_status_listen(struct mb_machine *m, const char *path);

/* What has gone wrong with config.code_store so far, or NULL: a warning, no more. Not while the machine runs. */
const char *mb_code_store_trouble(struct mb_vm *vm);
/* Is there a network through which something can come that differs from run to run? */
bool mb_nets_outside(const struct mb_machine *m);
/* Does this build have the tier? */
bool mb_has_tier(enum mb_tier tier);

/* Check the configuration and make a machine with nothing in it. *out is set even when this fails (unless the host is
 * out of memory, then it is NULL), so that the reason can be read; free it either way. */
__attribute__((warn_unused_result)) int mb_machine_new(struct mb_machine **out, const struct mb_machine_config *config);
void mb_machine_free(struct mb_machine *m);
/* Check the configuration and add a VM, of a name that no other has. Before mb_machine_start(). After a failure *out is
 * NULL, and the machine as it was. */
__attribute__((warn_unused_result)) int mb_vm_add(struct mb_machine *m, struct mb_vm **out,
                                                  const struct mb_config *config);
/* VM i in the order in which they were added; NULL past the last. */
struct mb_vm *mb_vm_at(const struct mb_machine *m, size_t i);
/* NULL: it has none. */
const char *mb_vm_name(const struct mb_vm *vm);
/* One line, no newline, about the last function that failed. Valid until the next call. Works for NULL. */
const char *mb_error_text(const struct mb_machine *m);

/* Read a kernel: ELF (32 or 64 bits, either byte order), legacy uImage, any of them gzipped; with `raw` also a bare
 * image. Its byte order becomes the VM's. */
__attribute__((warn_unused_result)) int mb_load_kernel(struct mb_vm *vm, const char *path, const struct mb_raw *raw);
/* Remember an initial RAM disk; any bytes will do. */
__attribute__((warn_unused_result)) int mb_load_initrd(struct mb_vm *vm, const char *path);
/* Add symbols: from a System.map-like file or an ELF file; path NULL: the kernel must have brought some itself, or a
 * System.map stands beside it. */
__attribute__((warn_unused_result)) int mb_load_symbols(struct mb_vm *vm, const char *path);

/* Read the DWARF of the guest's kernel: which line each instruction comes from. path NULL: the kernel has it. Before
 * mb_machine_start(). A kernel that moves itself is found by what it keeps of symbols in its memory. */
__attribute__((warn_unused_result)) int mb_load_debug_info(struct mb_vm *vm, const char *path);
/* A file to read it from once mb_where() is asked, which takes seconds for a kernel's. If it is damaged then, there is
 * none. */
__attribute__((warn_unused_result)) int mb_offer_debug_info(struct mb_vm *vm, const char *path);

/* Let the guest call the functions of a shared object by monitor calls (guests/include/mirrorball-calls.h). It names
 * them with their C prototypes: const char *const mb_host_calls[] = {"double pow(double, double)", ..., NULL}; what
 * types there are stands in docs/monitor-calls.md. Before mb_machine_start(). */
__attribute__((warn_unused_result)) int mb_host_calls_load(struct mb_vm *vm, const char *path);

/* Connect the console of the first serial port. Before mb_machine_start(). */
void mb_console_attach(struct mb_vm *vm, const struct mb_console *console);
/* Connect it to stdin and stdout: raw mode and an escape key (Ctrl-A, help on Ctrl-A h) when stdin is a terminal. The
 * terminal is set at mb_machine_start() and restored by mb_machine_free(). Of several VMs there one is shown, at first
 * the first, and gets what is typed; keys switch. Without a terminal all are shown, by lines that begin with a name. */
__attribute__((warn_unused_result)) int mb_console_attach_stdio(struct mb_vm *vm);
/* Choose who is shown first. */
void mb_console_show(struct mb_vm *vm);
/* Connect it to "tty" (stdin and stdout), "none", "file:PATH" or "socket:PATH": a Unix socket that takes one client at
 * a time; what is said while there is none is kept for it. Files and
 * sockets are created by mb_machine_start(). */
__attribute__((warn_unused_result)) int mb_console_open(struct mb_vm *vm, const char *where);
/* Add a step of scripted typing: once the console has shown `text` since the step before was done, type `keys`. */
__attribute__((warn_unused_result)) int mb_console_type(struct mb_vm *vm, const char *text, size_t text_n,
                                                        const char *keys, size_t keys_n);
/* Let gdb debug the VM, which vcpus that run in parallel cannot be: listen at "[HOST:]PORT" (the host's loopback,
 * unless a HOST is given) or at "PATH", a Unix socket, with a slash in it. The VM waits at its first instruction until
 * gdb lets it go; with ",later" behind that, it runs, and gdb may come when it likes. Nothing gdb looks at, no
 * breakpoint and no stop changes the run. Before mb_machine_start(); the VM's other stops are told to gdb, too. */
__attribute__((warn_unused_result)) int mb_gdb_open(struct mb_vm *vm, const char *where);
/* The command by which a person attaches, or NULL: there is no gdb. Lives as long as the VM. */
const char *mb_gdb_command(struct mb_vm *vm);
/* Will the VM wait for it? */
bool mb_gdb_waits(const struct mb_vm *vm);
/* Stop with MB_STOP_CONSOLE when the console shows these bytes. */
__attribute__((warn_unused_result)) int mb_console_until(struct mb_vm *vm, const char *text, size_t n);

/* Stop with MB_STOP_LIMIT when the count of guest instructions since power-on reaches this; UINT64_MAX: never, as it is
 * at first. */
void mb_vm_limit(struct mb_vm *vm, uint64_t instructions);
/* The same for virtual time, in ns since power-on: it stops less than a round (1 ms) behind it, always at the same
 * instruction. Until then time passes even if nothing can happen any more. Not with `parallel`. */
void mb_vm_limit_ns(struct mb_vm *vm, uint64_t ns);

/* Power on: build the VMs, put kernels, initrds and YAMON's arguments in memory. */
__attribute__((warn_unused_result)) int mb_machine_start(struct mb_machine *m);
/* Once started: did it begin with what config.boot_store had? */
bool mb_boot_was_kept(const struct mb_machine *m);
/* Why nothing was kept there although it should have been, or NULL: a warning, no more. */
const char *mb_boot_store_trouble(const struct mb_machine *m);
/* Save a machine that is not running in a file: its VMs, vcpus, memory, devices, virtual time, what is on its way on
 * networks, and what has been written to COW disks; other disks by reference. A machine restored from it goes on
 * exactly as this one would, in any tier and mode. Connections through NAT do not live on. The file appears whole or
 * not at all. MB_ERR_STATE with parallel vcpus. progress (NULL: nobody wants to know) is called with bytes written, of
 * all. */
struct mb_progress {
  void (*fn)(void *ctx, uint64_t done, uint64_t all);
  void *ctx;
};
__attribute__((warn_unused_result)) int mb_machine_save(struct mb_machine *m, const char *path,
                                                        const struct mb_progress *progress);
/* Add the VMs of such a file to a machine without any, in place of mb_vm_add() and mb_load_*(); consoles may then be
 * connected, steps of typing added (behind those that are left), and mb_machine_start() lets them go on from there. Of
 * `how` (NULL: as usual) tier, mode, machine_tlb, code_cache, code_store, trace, profile_every, profile_exact, events
 * and timestamps are taken, for all VMs. MB_ERR_FORMAT, MB_ERR_MISMATCH: the file is damaged, of another version, or a
 * disk has changed. The file is used in place, copied page by page as the guest writes: it may be replaced, but not be
 * written into while the machine lives. */
__attribute__((warn_unused_result)) int mb_machine_restore(struct mb_machine *m, const char *path,
                                                           const struct mb_config *how);
/* What is in such a file, as JSON, to be freed. m: for mb_error_text() alone. */
__attribute__((warn_unused_result)) int mb_checkpoint_about(struct mb_machine *m, const char *path, char **json);

/* Keep in a file whatever comes to the machine from outside: what is typed, what comes through NAT, where idle time
 * ended because somebody slept; with that, mb_replay() makes the same run again. Written a few times a second: if this
 * process dies, the file holds up to then. When all VMs are added and connected, before mb_machine_start(). Not for
 * `parallel` vcpus, modelled memory, schedulers, and disks that persist. */
__attribute__((warn_unused_result)) int mb_record(struct mb_machine *m, const char *path);
/* The run is over: say in the file how it ended. Without a record this does nothing. */
__attribute__((warn_unused_result)) int mb_record_end(struct mb_machine *m);
/* Add the VMs of a recorded run to a machine without any, load what they had loaded, and let come to them what came
 * then, and nothing else: no socket is opened, no key heard. `how` as for mb_machine_restore(). It stops where that run
 * was stopped. Functions of the host that the guest calls are called again. MB_ERR_FORMAT, MB_ERR_MISMATCH: the file is
 * damaged, of another version, or kernel, initrd, checkpoint or a disk are not what they were. */
__attribute__((warn_unused_result)) int mb_replay(struct mb_machine *m, const char *path, const struct mb_config *how);
enum mb_replay_end {
  MB_REPLAY_NONE,   /* there is no replay */
  MB_REPLAY_SAME,   /* it has come to the end that was recorded, in the same state */
  MB_REPLAY_EARLY,  /* somebody has stopped it before */
  MB_REPLAY_DIFFERS /* it is another run */
};
/* What has come of it: also as a line of text, owned by the caller; NULL: no memory. */
enum mb_replay_end mb_replay_check(struct mb_machine *m, char **text);

/* Run until all VMs have stopped, each for its own reason or all at once, and say why: that all were stopped at once;
 * else the first VM's reason that is no good end (power-off, halted, exit with code 0), if there is one, and no
 * MB_STOP_TOGETHER. When run again after a common stop those go on that it stopped; else all that may. */
enum mb_stop mb_machine_run(struct mb_machine *m);
/* Make mb_machine_run() return soon. Any thread, also in a signal handler. */
void mb_machine_interrupt(struct mb_machine *m);
/* Why it stopped last. */
enum mb_stop mb_vm_stop(const struct mb_vm *vm);
/* "power-off", "dead", ...: static text. */
const char *mb_stop_name(enum mb_stop why);
/* One line on the last stop: where (pc, symbol) and why. Valid until the machine runs on or is freed. */
const char *mb_stop_text(const struct mb_vm *vm);

/* A function of the guest's kernel, by symbol, as a function of ours: *out is to be cast to what the signature says,
 * e.g. "unsigned sum(const void *bytes, size_t n)", and lives as long as the VM. Types are those of
 * docs/monitor-calls.md, but for float and double. It may be called when the VM has stopped in its kernel, and may be
 * run on: the vcpu that ran last runs it to its end, interrupts off, on the stack it has, and has its registers back
 * afterwards; memory and time are as the function leaves them. Of no other thread. */
__attribute__((warn_unused_result)) int mb_guest_function(struct mb_vm *vm, const char *signature, void (**out)(void));
/* Of the last such call: 0, or an enum mb_error, with a text: what it returned is 0 then. When the function has not
 * come back the VM is where it has got to. */
int mb_guest_call_failed(const struct mb_vm *vm);

/* The same without a prototype: arguments are texts, or numbers as wide as the guest's registers, and so is *result. */
struct mb_value {
  const char *text; /* NULL: number */
  uint64_t number;
};
enum { MB_CALL_ARGS = 8 };
__attribute__((warn_unused_result)) int mb_guest_call(struct mb_vm *vm, const char *name, const struct mb_value *arg,
                                                      size_t args, uint64_t *result);

/* --- looking at a guest that has stopped: nothing it could see changes --- */

/* Where a symbol lies: of those that were loaded, else of those a Linux kernel keeps in its memory. False: unknown. */
bool mb_symbol_find(struct mb_vm *vm, const char *name, uint64_t *va);
/* n bytes of the guest's memory, as its vcpu that ran last would read them; unmapped kernel addresses at any time. */
__attribute__((warn_unused_result)) int mb_memory_read(struct mb_vm *vm, uint64_t va, void *to, size_t n);
/* The number that `bytes` (1, 2, 4 or 8) of them are, in the guest's byte order. */
__attribute__((warn_unused_result)) int mb_memory_number(struct mb_vm *vm, uint64_t va, unsigned bytes, uint64_t *out);
/* pc of the vcpu that ran last and the calls that led there, innermost first, for mb_symbol(). Returns how many, at
 * most `max`. Ends where the stack is in doubt. */
size_t mb_backtrace(struct mb_vm *vm, uint64_t *call, size_t max);

/* --- trouble made on purpose, when a guest has stopped: as deterministic as the moment it is made at --- */

/* Hardware interrupt `line` (0 to 5) of a vcpu is at this level, until the board or another call changes it. */
__attribute__((warn_unused_result)) int mb_inject_irq(struct mb_vm *vm, unsigned vcpu, unsigned line, bool level);
/* The next instruction of the vcpu that ran last meets an error of memory: a bus error, or a parity error of its data
 * cache (MIPS64 PRA vol. III, "Cache Error Exception"). MB_ERR_STATE while it is in an exception's first steps. */
enum mb_memory_error { MB_MEMORY_ERROR_BUS, MB_MEMORY_ERROR_CACHE };
__attribute__((warn_unused_result)) int mb_inject_memory_error(struct mb_vm *vm, enum mb_memory_error kind);
/* The next `times` reads or writes (UINT32_MAX: all) of a disk that touch bytes [at, at + n) fail. The last such call
 * for a disk holds; times 0: it is sound again. */
struct mb_disk_fault {
  uint64_t at, n;
  bool read, write;
  uint32_t times;
};
__attribute__((warn_unused_result)) int mb_inject_disk_fault(struct mb_vm *vm, unsigned disk,
                                                             const struct mb_disk_fault *fault);
/* Cut a network card's cable: what it sends and what is sent to it is lost. Or mend it. */
__attribute__((warn_unused_result)) int mb_inject_net_cut(struct mb_vm *vm, unsigned net, bool cut);

void mb_get_stats(struct mb_vm *vm, struct mb_stats *out);
/* Why generated code is left: "next", "stop", ... for 0..MB_EXITS-1. Static text. */
const char *mb_exit_name(unsigned i);
/* Row i of the events that config.events counts, by name; NULL past the last. Static text. */
const char *mb_event_name(size_t i);
/* "privileged", "kseg0" ...: kinds of mb_stats.traps. */
const char *mb_trap_name(unsigned i);
/* Digest of the vcpus, all of RAM, virtual time, and what the guest has written to COW disks. */
uint64_t mb_state_hash(struct mb_vm *vm);
/* Write statistics, the configuration and the state hash as JSON: an object for each VM in one with the totals, or,
 * when there is one VM without a name, its own. A regular file appears whole or not at all. */
__attribute__((warn_unused_result)) int mb_stats_write(struct mb_machine *m, const char *path);
/* Write the samples taken so far, by function, with statistics: as text; as JSON, if path ends in .json; as folded
 * stacks (what flame graph tools read), if it ends in .folded. MB_ERR_STATE without config.profile_every. Functions are
 * named by the symbols that were loaded, else by those a Linux kernel keeps in its memory. Apart from the statistics of
 * the host it depends on nothing but the guest. */
__attribute__((warn_unused_result)) int mb_profile_write(struct mb_vm *vm, const char *path);
/* The same of all instructions so far, counted for config.profile_exact: they add up to mb_stats.instructions, and by
 * function to what mb_coverage_write() says. It depends on nothing but the guest. */
__attribute__((warn_unused_result)) int mb_profile_exact_write(struct mb_vm *vm, const char *path);
/* The folded stacks of either, as text owned by the caller: "kernel;outermost;...;innermost COUNT" in each line. */
__attribute__((warn_unused_result)) int mb_profile_stacks(struct mb_vm *vm, bool exact, char **text);
/* What of a function was executed, by the counts of config.coverage. */
struct mb_function_coverage {
  uint64_t entered;        /* times its first instruction was executed */
  uint64_t instructions;   /* executed in it */
  unsigned executed, size; /* of its instructions: how many were at least once; how many it has (0: not known) */
};
/* Of a function of the guest's kernel, so far. MB_ERR_ARGUMENT: there is none of that name; MB_ERR_STATE: without
 * config.coverage. */
__attribute__((warn_unused_result)) int mb_coverage_function(struct mb_vm *vm, const char *name,
                                                             struct mb_function_coverage *out);
/* Write what was executed so far, exactly: by function as text, or as JSON if path ends in .json; by source line as
 * lcov and genhtml read it if it ends in .info, which wants mb_load_debug_info(). The counts of all instructions add up
 * to mb_stats.instructions. Depends on nothing but the guest. */
__attribute__((warn_unused_result)) int mb_coverage_write(struct mb_vm *vm, const char *path);
/* What config.check has found so far, in lines, owned by the caller; NULL: nothing was looked for, or no memory. All of
 * it is in mb_stats_write(), too. */
char *mb_check_text(struct mb_vm *vm);
/* In how many places so far, but for what is allowed; the first in a few words. */
uint64_t mb_check_findings(struct mb_vm *vm, char *first, size_t room);
/* Findings in functions that this file names are allowed (docs/checks.md). Before mb_machine_start(). */
__attribute__((warn_unused_result)) int mb_check_allow(struct mb_vm *vm, const char *path);
/* "name+0x12" (or "0x..." when no symbol is near) for a guest address, into buf. Returns buf. */
const char *mb_symbol(const struct mb_vm *vm, uint64_t va, char *buf, size_t n);
/* The same, and behind it " (FILE:LINE)" where debug information tells: what mb_load_debug_info() has read, or what was
 * offered. */
const char *mb_where(struct mb_vm *vm, uint64_t va, char *buf, size_t n);

/* What mb_disasm() shows of a block. */
enum { MB_DISASM_IR = 1, MB_DISASM_CODE = 2, MB_DISASM_HOST = 4 };
/* Translate the block that these instruction words form at `pc` (kernel mode; 64-bit addresses on a 64-bit model) and
 * write it as text: MIPS, and as asked its IR, the lowered code, and the host code of the tiers that can show it.
 * words: at most 64. *error is static text when this fails. */
__attribute__((warn_unused_result)) int mb_disasm(const char *model, bool big_endian, uint64_t pc,
                                                  const uint32_t *words, size_t n, unsigned show, FILE *to,
                                                  const char **error);
#endif
