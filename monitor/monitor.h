/* monitor/monitor.h: what a machine is made of, and what the files of this room ask of each other. */
/* SPDX-License-Identifier: Apache-2.0 */
/* A machine has VMs, a VM has vcpus. Owner of everything here: the thread in the mb_ function; `interrupted` alone is
 * set from elsewhere. While the machine is `side_by_side` a VM is owned by the thread that takes its turn, and what is
 * the machine's only read. */
#ifndef MONITOR_MONITOR_H
#define MONITOR_MONITOR_H
#include "frontend/cpu.h"
#include "iosys/board.h"
#include "iosys/host_disk.h"
#include "iosys/host_nat.h"
#include "iosys/switch.h"
#include "mirrorball.h"
#include "mmu/merge.h"
#include "monitor/balance.h"
#include "monitor/boots.h"
#include "monitor/console.h"
#include "monitor/coverage.h"
#include "monitor/cpus.h"
#include "monitor/image.h"
#include "monitor/profile.h"
#include "monitor/services.h"
#include "monitor/symbols.h"
#include <stdio.h>

struct mb_machine;

/* What stands in the boot flash instead of firmware: every exception vector is a jump to itself, so that a guest that
 * faults before it has vectors of its own is found there, with the cause still in its registers. */
enum { MON_ROM_BYTES = 0x500, MON_ROM_VECTORS = 0x200 };
#define MON_ROM_VA 0xffffffffbfc00000u

/* A vcpu as the board and the rotation see it. */
struct mon_vcpu {
  bool up;    /* powered; vcpu 0 is from the beginning */
  bool start; /* at its next turn it begins anew, at: */
  uint64_t at;
};

/* A VM in a round of the machine: it does not run in it, has not had its whole turn, or has. */
enum mon_part { MON_OUT, MON_DUE, MON_DONE };

/* Lowered blocks and compiled code may take this much of the host together. */
enum { MON_CODE_BYTES = 512 << 20 };
/* Optimized code kept on disk, unless the configuration says how much. */
#define MON_STORE_BYTES ((uint64_t)256 << 20)
/* A kernel or initrd may unpack to guest memory plus this. */
#define MON_UNPACK_SLACK ((uint64_t)64 << 20)
/* A 32-bit store of MON_EXIT_KEY | code to this guest-physical address ends the run (in the CBUS gap of the FPGA). */
#define MON_EXIT_GPA  0x1f000a00
#define MON_EXIT_KEY  0x4d420000
#define MON_EXIT_MASK 0xffff0000

struct mon_stdio;      /* monitor/stdio.c */
struct mon_jobs;       /* monitor/jobs.h */
struct mon_threads;    /* monitor/threads.h */
struct mon_outlet;     /* monitor/outlet.h */
struct mon_status;     /* monitor/status.h */
struct mon_gdb;        /* monitor/gdbstub.h */
struct mon_checkpoint; /* monitor/checkpoint.h */
struct mon_checks;     /* monitor/checks.c */
struct mon_tape;       /* monitor/tape.h */
struct mon_record;     /* monitor/record.h */

struct mon_disk {
  struct io_image image;
  struct io_host_disk disk;
};

/* What is told of a VM whose machine is modelled by intervals (sampling.c): each for each of something, by interval. */
enum mon_sampled_ratio {
  MON_SAMPLED_L1,      /* misses of the first level, for 1000 instructions */
  MON_SAMPLED_MISSES,  /* of the second, likewise */
  MON_SAMPLED_REFILLS, /* of the machine TLB, likewise */
  MON_SAMPLED_STALL,   /* ns for an instruction */
  MON_SAMPLED_LOCAL,   /* misses served by near memory, for each */
  MON_SAMPLED
};
struct mon_sampled {
  struct numa_ratio ratio[MON_SAMPLED];
  uint64_t charged[IO_VCPUS]; /* instructions that have been paid for */
};

/* A card's cable: to one of the two. */
struct mon_net {
  struct mb_vm *vm; /* with a tape */
  struct io_nat nat;
  struct io_station station;
};

/* A virtual ethernet that cards of any VM are plugged into. */
struct mon_subnet {
  char *name;
  struct io_switch *at;
};

/* A VM: what it is made of, its hardware, and how it goes. */
struct mb_vm {
  struct mb_machine *machine; /* that it belongs to */
  struct mon_error *error;    /* the machine's */
  struct mb_config config;    /* strings owned */
  const struct io_board_kind *kind;
  const struct cpu_model *model;
  /* loaded */
  bool has_kernel, has_initrd;
  bool is64; /* the kernel */
  struct mon_image image;
  struct mb_raw raw; /* how a kernel without a header was taken, */
  bool is_raw;       /* if it was asked for */
  struct mon_file initrd;
  char *kernel_path, *initrd_path;
  bool was_listened_to; /* it goes on from a checkpoint, and could be typed to before that */
  struct mon_symbols symbols;
  char *debug_path;            /* the file with its DWARF; NULL: none, */
  bool dwarf_later;            /* ... which is to be read once it is wanted */
  struct mon_dwarf *dwarf;     /* what lines its kernel has; NULL: not known */
  bool symbols_learned;        /* all of them, from the guest's memory, */
  uint64_t learned_at;         /* when it had run so many instructions */
  struct mon_modules *modules; /* that the kernel had loaded then; NULL: not looked for */
  struct mon_console console;
  struct mon_outlet *outlet; /* of the console, if it is not on stdin and stdout; NULL: none */
  struct mon_disk disk[MB_DISKS_MAX];
  struct mon_net net[MB_NETS_MAX];
  struct mon_host_calls *host_calls;    /* NULL: none */
  struct mon_guest_function *functions; /* of the guest's, that the host may call */
  bool calling;                         /* one of them, which has not returned */
  int call_failed;
  FILE *trace;
  struct mon_checks *checks;     /* NULL: nothing is checked */
  struct mon_tape *tape;         /* NULL: what comes from outside is not kept */
  struct mon_gdb *gdb;           /* NULL: no debugger will come */
  struct mon_profile *profile;   /* NULL: none is wanted */
  struct mon_services *services; /* likewise: events are counted */
  struct mon_coverage *coverage; /* likewise: so is what is executed, */
  struct mips_paths *paths;      /* ... and by which calls */
  /* hardware: built by mon_vm_init() in this order, undone in reverse */
  struct mmu_pmap pmap;
  struct io_clock clock; /* the VM's own time */
  struct io_board board;
  struct jit *jit;
  struct mon_threads *threads;     /* that run the vcpus at the same time; NULL: they take turns */
  struct jit *other_jit[IO_VCPUS]; /* with threads: of all vcpus but the first */
  struct cpu cpu[IO_VCPUS];
  struct mon_vcpu vcpu[IO_VCPUS];
  unsigned vcpus;                  /* of them have been made */
  unsigned turn;                   /* whose it is */
  unsigned ran;                    /* who has run last, of those that take turns */
  uint64_t round_end;              /* in cycles: where the present round's turns end; see sched.c */
  struct numa_vcpu numa[IO_VCPUS]; /* with a modelled machine */
  struct mon_sampled sampled;      /* likewise */
  uint64_t numa_sample_at;         /* in cycles: when the pages in use are next looked for */
  uint64_t paused;                 /* the deadline of a turn that has been stopped in the middle; 0: it has not */
  bool between;                    /* a round has ended, and the next has not begun: it was stopped there */
  enum mon_part part;              /* it has in the machine's round */
  bool within;                     /* a turn just now */
  bool has_pmap, has_board;
  uint8_t rom[MON_ROM_BYTES];
  uint64_t ram; /* bytes */
  /* running */
  bool started;
  uint64_t limit;      /* instructions to stop at, exactly */
  uint64_t time_limit; /* cycles to stop at the first round boundary behind */
  bool stopping;       /* `why` is why */
  enum mb_stop why;
  unsigned guest_code;
  char stop_text[768];
  uint64_t wall_ns;                  /* spent on it */
  unsigned group;                    /* of VMs that see each other, by the number of the first; see jobs.c */
  bool told;                         /* a person, that it has stopped */
  uint64_t cache_hits, cache_misses; /* blocks of shared images that DMA has found in memory, or read */
};

/* monitor/pace.c: wall time against virtual time. */
struct mon_pace {
  enum mb_pace pace;
  bool anchored;
  bool real;                /* in this round of several VMs */
  uint64_t wall0, virtual0; /* ns: virtual time may not run ahead of this pair */
  uint64_t owed;            /* ns of waits for a network not slept through yet */
};
uint64_t mon_wall_ns(void);
/* What something takes of the host: wall time, and cpu time of all threads. */
struct mon_took {
  uint64_t wall_ns, cpu_ns;
};
struct mon_took mon_took_begin(void);
void mon_took_end(struct mon_took *sum, const struct mon_took *begun);
/* Idle time of a VM from `now` to `to` (cycles; UINT64_MAX: endless) is about to be skipped: sleep if the pace or a
 * network asks for it and no other VM runs. Returns the cycle to go on at: `to`, or an earlier one when something came
 * meanwhile or may come from other VMs. */
uint64_t mon_pace_idle(struct mb_vm *vm, uint64_t now, uint64_t to);
/* Several VMs run, all of them have lived to m->now: sleep if the pace or a network asks for it; stop those that wait
 * for each other. */
void mon_pace_round(struct mb_machine *m);

/* The host's ends, and the VMs in the order in which they were added. */
struct mb_machine {
  struct mon_error error;
  struct mb_machine_config config;
  struct mb_vm *vm[MB_VMS_MAX]; /* owned */
  unsigned vms;
  struct mon_stdio *stdio;
  struct mb_vm *shown;       /* at the terminal; NULL: there is none */
  struct mon_status *status; /* where it can be asked; NULL: nowhere */
  struct mon_pace pace;
  struct mon_checkpoint *checkpoint; /* to go on from; owned; NULL: from power-on */
  struct mon_boots boots;
  struct mon_record *record, *replay; /* what comes from outside goes there, or comes from there; owned; NULL: not */
  struct mon_took restore;            /* to open, check and enter it */
  struct mon_subnet *subnet;          /* owned */
  unsigned subnets;
  struct io_polls polls; /* what a sleep ends for */
  bool net_ready;        /* one of the host's sockets has something */
  bool endless;          /* all that run wait for each other */
  bool started;
  struct mmu_memmap memmap;    /* the memory of all VMs, once they are started */
  struct mmu_merger merger;    /* with config.merge */
  struct jit_pool *pool;       /* what is compiled for one VM or vcpu, for all; NULL: there is one alone */
  struct numa_model numa;      /* with config.numa; its description from the beginning, */
  char *numa_text;             /* as it was read; owned */
  uint64_t interval;           /* of its sampling, that is measured */
  struct mon_policy policy;    /* likewise */
  struct mon_balance *balance; /* likewise; owned */
  struct mon_cpus cpus;        /* with a scheduler */
  /* running */
  struct mon_jobs *jobs;  /* threads that take turns; NULL: ours takes all */
  bool side_by_side;      /* they do: nobody looks at the host meanwhile */
  bool joined;            /* some VMs are on a subnet */
  unsigned running;       /* VMs that had not stopped when it began: */
  uint64_t now, end;      /* virtual ns: the present round of the VMs; see rounds.c */
  uint64_t begun, looked; /* wall ns: mb_machine_run() was called; last look at the host */
  uint64_t wall_ns;       /* spent in mb_machine_run() before */
  bool goes_back;         /* gdb looks for a place in the past: no time passes */
  _Atomic bool interrupted;
};

/* machine.c */
enum jit_tier mon_jit_tier(enum mb_tier tier);

/* state.c: all that decides how the machine goes on, but for the bytes of its memory; see numa-model/snap.h. Saved
 * while nothing runs; restored into a machine that is built, not loaded. `pages`: how many are in the file. */
void mon_machine_state(struct mb_machine *m, const struct mmu_kept *kept, uint32_t pages, struct snap *s);

/* The same without memory. */
void mon_vms_state(struct mb_machine *m, struct snap *s);

/* config.c: the strings are copied; the values checked, and what was left out filled in. */
__attribute__((warn_unused_result)) int mon_config_own(struct mb_vm *vm, const struct mb_config *config);
__attribute__((warn_unused_result)) int mon_config_check(struct mb_vm *vm);
void mon_config_fini(struct mb_config *c);

/* vm.c */
__attribute__((warn_unused_result)) int mon_vm_init(struct mb_vm *vm);
void mon_vm_fini(struct mb_vm *vm);
/* End its run after the instruction under way. The first reason counts. */
void mon_stop(struct mb_vm *vm, enum mb_stop why);
/* The guest asks to end with a code. */
void mon_exit(struct mb_vm *vm, unsigned code);
/* What devices reach of guest-physical memory (ctx: the VM), as struct io_dma has it. */
uint64_t mon_guest_read(void *ctx, uint64_t at, void *to, uint64_t n);
uint64_t mon_guest_write(void *ctx, uint64_t at, const void *from, uint64_t n);
/* All of a page is about to change without a store: its translations go, and links to it. NULL: there is none. */
struct mmu_page *mon_page_written(struct mb_vm *vm, uint64_t at);
/* The cpu that runs, or was the last to run. */
static inline struct cpu *mon_cpu(const struct mb_vm *vm) {
  return (struct cpu *)(uintptr_t)&vm->cpu[vm->turn];
}
uint64_t mon_ns(const struct mb_vm *vm, uint64_t cycles);
/* Let the machine's page of this number hold these bytes; NULL: zeros. Translations of others go. False: no memory. */
__attribute__((warn_unused_result)) bool mon_page_set(struct mb_machine *m, uint32_t number, const uint8_t *bytes);
uint64_t mon_cycles(const struct mb_vm *vm, uint64_t ns);

/* rounds.c: may it run on, after it has stopped? */
bool mon_may_go_on(const struct mb_vm *vm);
/* now and then, between two rounds of any VM: typed keys, signals, the time-out. True: somebody asks how it goes, and
 * is to be told by mon_tell() when no vcpu runs. `in`: it is in a round of this VM; NULL: of none. */
bool mon_look_at_host(struct mb_machine *m, struct mb_vm *in);
void mon_tell(struct mb_machine *m);
/* Only the signals. */
void mon_heed_interrupt(struct mb_machine *m);
bool mon_interrupted(const struct mb_machine *m);
/* Those of one group whose turn is still to come, or of all. */
void mon_take_turns(struct mb_machine *m, unsigned first, bool of_group);
/* Some VM runs that has a turn to come: go on with its turn, or with one step if it is that of `by_steps`. */
void mon_round_step(struct mb_machine *m, struct mb_vm *by_steps);
/* How far the round is. */
void mon_round_state(struct mb_machine *m, struct snap *s);

/* sched.c */
/* Go on with the rotation for at most one turn. */
void mon_step(struct mb_vm *vm);
/* Has each of its vcpus nothing to do before its next event? */
bool mon_all_wait(const struct mb_vm *vm);
/* The next cycle at which something can happen to a VM that waits; UINT64_MAX: never. */
uint64_t mon_next_event(const struct mb_vm *vm);
/* The board's line for starting and stopping vcpus. */
void mon_vcpu_set(void *ctx, unsigned vcpu, bool up, uint64_t at);
/* Of all vcpus together, since power-on. */
uint64_t mon_instructions(const struct mb_vm *vm);
/* For the threads of vcpus, too. None of them waits for less than the next event, or is ahead: go there. */
void mon_skip(struct mb_vm *vm);
/* Can any vcpu ever do something again? If not: say how it has ended. */
bool mon_any_lives(const struct mb_vm *vm);
void mon_all_dead(struct mb_vm *vm);
/* mon_cpu() has died: does that end the VM? */
void mon_vcpu_died(struct mb_vm *vm);
void mon_start_vcpu(struct mb_vm *vm, struct cpu *c, struct mon_vcpu *v);
/* When a waiting cpu will be woken by its own timer. */
uint64_t mon_own_timer(const struct cpu *c);
/* Has it left the kernel for what stands in the boot flash? */
bool mon_in_rom(const struct cpu *c);

/* loader.c: kernel, initrd and YAMON's arguments into memory; the cpu at the kernel's entry. */
__attribute__((warn_unused_result)) int mon_load(struct mb_vm *vm);
/* The checks of mon_load() that need no machine: does everything fit? */
__attribute__((warn_unused_result)) int mon_load_check(struct mb_vm *vm);

/* disks.c: the configured images opened, put where the board has room for them, closed. */
__attribute__((warn_unused_result)) int mon_disks_open(struct mb_vm *vm);
void mon_disks_attach(struct mb_vm *vm, struct io_board_config *board);
void mon_disks_close(struct mb_vm *vm);
/* What a run has done to each disk, as a new JSON array. */
struct json_t *mon_disks_json(const struct mb_vm *vm);

/* nets.c: the configured networks: ports opened, cards put where the board has room for them, closed. */
__attribute__((warn_unused_result)) int mon_nets_open(struct mb_vm *vm);
__attribute__((warn_unused_result)) int mon_nets_attach(struct mb_vm *vm, struct io_board_config *board);
void mon_nets_close(struct mb_vm *vm);
void mon_subnets_free(struct mb_machine *m);
/* Can something come from another VM? */
bool mon_nets_joined(const struct mb_vm *vm);
/* Let in what has come from outside. Between two instructions, with the clock at the present. */
void mon_nets_look(struct mb_vm *vm);
/* Should that happen before the next look at the host is due? */
bool mon_nets_hurry(const struct mb_vm *vm);
/* Add the sockets from which something may come. */
void mon_nets_sockets(struct mb_vm *vm, struct io_polls *to);
/* What a run has done to each network, as a new JSON array. */
struct json_t *mon_nets_json(const struct mb_vm *vm);

/* share.c: memory that VMs share. */
/* Find the images that several disks of the machine read, so that they share their blocks. */
void mon_share_images(struct mb_machine *m);
/* Let a page hold a block of such an image: as the frame that holds it, or as the first. False: the host failed. */
bool mon_block_get(struct mb_vm *vm, struct mmu_page *g, const struct io_image *image, uint64_t block);

/* Between two rounds: look for equal pages, if that is wanted. */
void mon_merge(struct mb_machine *m);

/* memory.c: what memory a VM, or all, have, as new JSON objects. */
struct json_t *mon_memory_json(struct mb_vm *vm);
struct json_t *mon_memory_sum_json(struct mb_machine *m);

/* gdb_run.c: where vm->gdb is not NULL. */
/* Before a VM with a debugger goes on: hear what that wants. True: it may not go on; it is stopping, or the machine. */
bool mon_gdb_holds(struct mb_vm *vm);
/* The cycle at which the vcpu in turn is to be looked at again; UINT64_MAX: when it comes back. */
uint64_t mon_gdb_cut(const struct mb_vm *vm);
/* The machine is started: what comes from outside is kept, if there is a debugger that may want to go back. */
__attribute__((warn_unused_result)) int mon_gdb_tape(struct mb_machine *m);
/* Has a breakpoint or a watchpoint been hit? */
bool mon_gdb_hit(const struct mb_vm *vm);
/* It has run up to there, or something was hit. */
void mon_gdb_ran(struct mb_vm *vm);
/* The VM has stopped, but for a stop of the whole machine: let a person look at it, if that was no good end. */
void mon_gdb_ended(struct mb_vm *vm);
/* The debugger is told that all is over. vm->gdb may be NULL, as in the next. */
void mon_gdb_tell_end(struct mb_vm *vm);
/* What a sleep ends for; -1: nothing. */
int mon_gdb_fd(const struct mb_vm *vm);
/* gdb_open.c */
struct mips_debug *mon_gdb_debug(struct mb_vm *vm);
void mon_gdb_free(struct mb_vm *vm);

/* trace.c */
__attribute__((warn_unused_result)) int mon_trace_open(struct mb_vm *vm);
void mon_trace_device(void *ctx, const char *dev, uint64_t gpa, int size, uint64_t v, bool write);
void mon_trace_note(void *ctx, const char *text);

/* stdio.c */
void mon_stdio_free(struct mon_stdio *s);
__attribute__((warn_unused_result)) int mon_stdio_start(struct mb_machine *m);
bool mon_stdio_is_tty(const struct mon_stdio *s);
/* Show what VMs have said side by side. */
void mon_stdio_show(struct mb_machine *m);
/* Has a key asked for the status line? If so: show it. */
bool mon_stdio_asked(const struct mon_stdio *s);
void mon_stdio_tell(struct mon_stdio *s);
/* Tell a person at the terminal. */
void mon_stdio_stopped(const struct mb_vm *vm);

/* stats.c */
uint64_t mon_max_rss(void);
/* "trap", ...: static text. */
const char *mon_mode_name(enum mb_mode mode);
/* The share of instructions run by each tier, as a new JSON object. */
struct json_t *mon_tiers_json(const struct mb_stats *s);
/* All statistics of a VM as a new JSON object. */
struct json_t *mon_stats_json(struct mb_vm *vm);
/* Write a file: a regular one appears whole or not at all. text NULL: out of memory. `what` ("profile") begins the
 * error text. */
__attribute__((warn_unused_result)) int mon_write_file(struct mon_error *e, const char *what, const char *path,
                                                       const char *text, size_t n);

/* numa.c: read the description of the modelled machine; once all VMs are known, do they fit it?; make it. Each does
 * nothing when none is wanted. */
__attribute__((warn_unused_result)) int mon_numa_choose(struct mb_machine *m);
__attribute__((warn_unused_result)) int mon_numa_take(struct mb_machine *m, const char *name, const char *text);
__attribute__((warn_unused_result)) int mon_numa_check(struct mb_machine *m, unsigned vcpus, uint64_t memory);
__attribute__((warn_unused_result)) int mon_numa_start(struct mb_machine *m);
/* The modelled cpu that a vcpu runs on. */
unsigned mon_vcpu_cpu(const struct mb_vm *vm, unsigned vcpu);
/* The vcpu for the model; NULL: nothing is modelled. */
struct numa_vcpu *mon_numa_vcpu(struct mb_vm *vm, unsigned vcpu);
/* A turn of vcpu vm->turn begins; a round begins. */
void mon_numa_turn(struct mb_vm *vm);
void mon_numa_round(struct mb_vm *vm);
/* A device has written to guest-physical memory: caches do not have it any more. */
void mon_numa_written(struct mb_vm *vm, uint64_t at, uint64_t n);
/* What was modelled, as a new JSON object. */
struct json_t *mon_numa_json(const struct mb_vm *vm);

/* inspect.c: the page of an address for which mips_unmapped() holds, or NULL. */
const uint8_t *mon_unmapped_page(const struct mb_vm *vm, uint64_t va);

/* learn.c: how far the kernel has moved from where its debug information was linked to, by MON_ANCHOR (which is there,
 * or 0), a symbol that it keeps in its memory itself. */
uint64_t mon_kernel_shift(const struct mb_vm *vm, uint64_t anchor);
/* sampling.c: `--numa sample`. Defaults for what was not chosen; 0 or an error. Each of the others does nothing when
 * the machine is not sampled. */
bool mon_is_sampled(const struct mb_machine *m);
__attribute__((warn_unused_result)) int mon_sampling_choose(struct mb_machine *m);
/* Within mon_numa_start(). */
void mon_sampling_start(struct mb_machine *m);
/* Between two rounds of the machine: all VMs have lived to `now` (virtual ns). */
void mon_sampling(struct mb_machine *m, uint64_t now);
/* Between two turns: what vcpus have done since this was called last costs them time. */
void mon_sampling_charge(struct mb_vm *vm);
struct json_t *mon_sampling_json(const struct mb_vm *vm);

/* learn.c: symbols from the guest's own memory, when the kernel's are not known otherwise; those of its modules. */
void mon_learn_symbols(struct mb_vm *vm);
#endif
