/* cli/cmd_run.c: mirrorball run: boot a kernel or a guest known by name, and say how it ended. */
/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "cli/nets.h"
#include "cli/places.h"
#include "cli/request_values.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int cmd_run(int argc, char **argv);

enum row {
  O_KERNEL,
  O_INITRD,
  O_APPEND,
  O_DISK,
  O_NET,
  O_CPU,
  O_MEM,
  O_BOARD,
  O_VCPUS,
  O_PARALLEL,
  O_ENDIAN,
  O_LOAD,
  O_ENTRY,
  O_TIER,
  O_MODE,
  O_MACHINE_TLB,
  O_L2TLB,
  O_MHZ,
  O_PACE,
  O_JOBS,
  O_MERGE,
  O_STATUS,
  O_RTC,
  O_SEED,
  O_UNTIL,
  O_TIMEOUT,
  O_TYPE,
  O_STATS,
  O_PROFILE,
  O_EXACT,
  O_EVERY,
  O_COVERAGE,
  O_DEBUG_INFO,
  O_EVENTS,
  O_TRACE,
  O_SYMBOLS,
  O_CONSOLE,
  O_TIMESTAMPS,
  O_HOST_CALLS,
  O_GDB,
  O_CHECK,
  O_CHECK_ALLOW,
  O_CODE_CACHE,
  O_CODE_STORE,
  O_BOOT_STORE,
  O_NUMA,
  O_NUMA_SAMPLE,
  O_NUMA_MACHINE,
  O_CHECKPOINT,
  O_FROM,
  O_RECORD,
  O_REPLAY,
  O_REPLAY_TO,
  O_PLACE,
  O_POLICY,
  O_POLICY_SET,
  O_POLICY_FEED,
  O_PAGE_LOG,
  O_SCHED,
  O_CPUS,
  O_PIN,
  O_MACHINE,
  O_PRINT,
  O_HELP
};

const struct option_row request_rows[] = {
    [O_KERNEL] = {"kernel", "FILE", "ELF or uImage, gzipped or not; raw with --endian"},
    [O_INITRD] = {"initrd", "FILE", "initial RAM disk"},
    [O_APPEND] = {"append", "TEXT", "kernel parameters"},
    [O_DISK] = {"disk", "FILE[,cow|ro|persist][,virtio|ide]",
                "attach a disk image. cow: what the guest writes is forgotten at the end\n"
                "(so unless given); ro: it cannot write; persist: it writes into FILE,\n"
                "and what it has flushed is there to stay. On virtio unless ide is given.\n"
                "May be repeated: two virtio disks, four IDE disks"},
    [O_NET] = {"net", nets_words, nets_help},
    [O_CPU] = {"cpu", "MODEL", "cpu model; --cpu help lists them (24Kf, or MIPS64R2-generic for a\n64-bit kernel)"},
    [O_MEM] = {"mem", "SIZE", "memory, 8M to 2G (256M)"},
    [O_BOARD] = {"board", "NAME", "--board help lists them (malta, or what NAME runs on)"},
    [O_VCPUS] = {"vcpus", "N", "how many cpus the board has (1; disco takes 16)"},
    [O_PARALLEL] = {"parallel", NULL,
                    "run the vcpus at the same time, each on a host thread. Not deterministic:\n"
                    "no two runs are alike, and insns:N is met about. Without it they take\n"
                    "turns, and every run is the same"},
    [O_ENDIAN] = {"endian", "big|little", "byte order of a raw image or uImage; ELF files know theirs"},
    [O_LOAD] = {"load-addr", "ADDR", "where a raw image goes (0x80100000)"},
    [O_ENTRY] = {"entry", "ADDR", "where a raw image begins (its load address)"},
    [O_TIER] = {"tier", "auto|eval|stencil|llvm", "how guest code is executed (auto); never changes what it does"},
    [O_MODE] = {"mode", "bare|trap|translate",
                "how the guest's kernel is run (bare); never changes what it does.\n"
                "bare: it owns the machine. trap: what it is not privileged to do is a\n"
                "host trap, decoded and emulated. translate: it is a call, or inline"},
    [O_MACHINE_TLB] = {"machine-tlb", "N",
                       "--mode trap: entries, of two pages each, of the TLB that pages are\n"
                       "reached through: 1 to 1024 (64); 0: each access to kseg0 traps"},
    [O_L2TLB] = {"l2tlb", "N",
                 "entries of the second-level TLB, which answers for what TLBWR has\n"
                 "replaced: 0 or a power of two up to 65536 (1024). It decides how\n"
                 "many refills the guest sees"},
    [O_MHZ] = {"mhz", "N", "guest clock: instructions per virtual microsecond (200)"},
    [O_PACE] = {"pace", "max|real",
                "max: skip idle time. real: virtual time keeps to the wall clock.\n"
                "Unless given: max, but a guest at a terminal that has been idle\n"
                "for 2 s idles in real time"},
    [O_JOBS] = {"jobs", "N",
                "host threads for several VMs (as many as the host has cpus). Each VM is\n"
                "the same run with any number"},
    [O_MERGE] = {"merge", NULL, "let equal pages of all VMs share memory; they see nothing of it"},
    [O_STATUS] = {"status", "FILE",
                  "write what memory each VM takes, and shares, as a table: at the end,\n"
                  "and when SIGUSR1 comes"},
    [O_RTC] = {"rtc", "WHEN",
               "clock at power-on: host, 2024-01-31, 2024-01-31T23:59:59 (UTC) or\n"
               "Unix seconds (2024-01-01)"},
    [O_SEED] = {"seed", "N", "offer the guest random numbers that follow from N"},
    [O_UNTIL] = {"until", "WHAT",
                 "console:TEXT stops when the console shows TEXT,\n"
                 "insns:N after N instructions, to the instruction (a branch and its\ndelay slot are one step)"},
    [O_TIMEOUT] = {"timeout", "SECONDS", "stop after so much wall time"},
    [O_TYPE] = {"type", "TEXT=>KEYS",
                "when the console has shown TEXT, type KEYS; may be repeated, then\n"
                "in order. Both may have \\n \\r \\t \\e \\\\ \\xNN"},
    [O_STATS] = {"stats", "FILE", "write statistics as JSON at the end, and when SIGUSR1 comes"},
    [O_PROFILE] = {"profile", "FILE",
                   "write at the end where the guest spent its instructions, by function:\n"
                   "text; FILE.json: JSON; FILE.folded: stacks for flame graph tools;\n"
                   "FILE.html: a flame graph. Sampled, for little time. May be repeated;\n"
                   "SIGUSR1 writes it, too"},
    [O_EXACT] = {"profile-exact", "FILE",
                 "the same of each instruction, counted exactly, by function and path of\n"
                 "calls; the same run, slower"},
    [O_EVERY] = {"profile-every", "N", "guest instructions from one sample to the next (100003)"},
    [O_COVERAGE] = {"coverage", "FILE",
                    "count exactly what is executed, and write it at the end, by function:\n"
                    "text; FILE.json: JSON; FILE.info: by source line, for genhtml, from the\n"
                    "kernel's DWARF. The same run. May be repeated; SIGUSR1 writes it, too"},
    [O_DEBUG_INFO] = {"debug-info", "FILE",
                      "ELF file with the kernel's DWARF, such as the vmlinux in Debian's\n"
                      "linux-image-*-dbg: for --coverage FILE.info, and for lines in the\n"
                      "backtraces of --gdb, --check and of tests that fail (what guests get\n"
                      "--dbg has fetched; for coverage also the --symbols file, or the kernel)"},
    [O_EVENTS] = {"events", NULL,
                  "count what costs a monitor something, by kernel service, exactly; it is in\n"
                  "--stats. The same run, only slower. mirrorball compare makes tables of it"},
    [O_TRACE] = {"trace", "KINDS=FILE", "write a trace; KINDS is any of insn,exc,tlb,dev"},
    [O_SYMBOLS] = {"symbols", "[FILE]",
                   "name addresses from FILE (System.map or ELF); without FILE insist\n"
                   "that the kernel has symbols or a System.map beside it"},
    [O_CONSOLE] = {"console", "tty|none|file:PATH|socket:PATH",
                   "where the first serial port goes (tty: stdin and stdout). Several VMs\n"
                   "share the tty: it shows the one that says tty first, and keys switch. A\n"
                   "socket takes one client at a time, and keeps text until there is one"},
    [O_TIMESTAMPS] = {"timestamps", NULL, "begin console lines with virtual seconds and instruction count"},
    [O_HOST_CALLS] = {"host-calls", "FILE.so", "let the guest call functions of FILE (docs/monitor-calls.md)"},
    [O_GDB] = {"gdb", "PORT|HOST:PORT|SOCKET[,later]",
               "let gdb attach at a TCP port of this host's, or a Unix socket (a path with\n"
               "a slash). The guest waits at its first instruction until gdb lets it go on;\n"
               "later: it does not wait. What to type is said on stderr. Breakpoints and\n"
               "stops change nothing about the run (docs/gdb.md)"},
    [O_CHECK] = {"check", "tlb,uninit,race,cache",
                 "look for mistakes that real hardware punishes (docs/checks.md): TLB misused,\n"
                 "and entries used that the page table no longer says; RAM read that nobody\n"
                 "wrote; stores of several vcpus to the same bytes that nothing orders\n"
                 "(race-read: loads and stores, too); code not flushed from caches, hazards\n"
                 "without a barrier. Found places are said on stderr at the end, and are in\n"
                 "--stats. The same run, only several times slower"},
    [O_CHECK_ALLOW] = {"check-allow", "FILE",
                       "findings in functions that FILE names are only counted: patterns, one a\n"
                       "line, such as schedule or race-write:enqueue_*"},
    [O_CODE_CACHE] = {"code-cache", "SIZE", "host memory for compiled code (64M)"},
    [O_CODE_STORE] =
        {"code-store", "DIR|none",
         "where optimized code is kept from run to run\n($XDG_CACHE_HOME/mirrorball/code or ~/.cache/mirrorball/code)"},
    [O_BOOT_STORE] = {"boot-store", "DIR|none|kept",
                      "where a booted machine is kept: the next run of the same begins where its kernel\n"
                      "first runs a program, and is the same run. Where a person sits at a terminal it\n"
                      "is $XDG_CACHE_HOME/mirrorball/boots, or in ~/.cache, which others get by \"kept\";\n"
                      "else none. For one VM without disks, networks, and what watches all of a run"},
    [O_NUMA] = {"numa", "off|tlb|cache|sample|...",
                "model a machine whose memory is near or far, and charge what it costs\n"
                "as guest time (off). tlb: refills of its TLB, counted by page.\n"
                "cache: all references, through coherent caches. sample: the same for\n"
                "intervals, from which the rest follows (docs/numa-experiments.md).\n"
                "cache-all, sample-all: the same counts without short cuts, to check them"},
    [O_NUMA_SAMPLE] = {"numa-sample", "KEY=MS,...",
                       "--numa sample: of each `every` virtual ms (25) measure `cache` (1), behind\n"
                       "`warm` (1) in which caches are filled and nothing is counted"},
    [O_NUMA_MACHINE] = {"numa-machine", "NAME|FILE",
                        "which machine (flash); help lists those with a name, help:NAME shows one,\n"
                        "as a file to begin with. Its clock is the guest's, unless --mhz is given"},
    [O_CHECKPOINT] = {"checkpoint", "FILE",
                      "when --until has been reached, write all of the machine to FILE\n"
                      "(mirrorball checkpoint)"},
    [O_FROM] = {"from", "FILE",
                "go on from such a file, exactly as that run would have. What the VMs are\n"
                "made of, and typing that is left, comes from there; --tier, --mode,\n"
                "--console, more --type and how the run is watched, from here. With --numa or\n"
                "--sched it goes on on such a machine, whose caches are empty then"},
    [O_RECORD] = {"record", "FILE",
                  "keep in FILE all that comes from outside: typing, --net nat, --rtc host. If\n"
                  "the run is killed FILE holds up to then (docs/record-replay.md)"},
    [O_REPLAY] = {"replay", "FILE",
                  "run such a run again, to the same end, and say whether it was: 0 if so, 1 if\n"
                  "not. Its machine comes from FILE, nobody is heard, no socket is opened; how\n"
                  "it is run and watched (--tier, --mode, --gdb, --trace ...) may be said anew"},
    [O_REPLAY_TO] = {"replay-to", "insns:N|time:SECONDS",
                     "stop a replay there, in time less than a millisecond later; --checkpoint\n"
                     "saves it there, and --from goes on live (exit code 6)"},
    [O_PLACE] = {"place", "first-touch|round-robin|node:N",
                 "--numa: where pages are at first (first-touch): on the node of the cpu\n"
                 "that first stores to them, on all by turns, or on one"},
    [O_POLICY] = {"policy", "NAME|FILE.so",
                  "--numa: what moves pages to who uses them (none); help lists policies.\n"
                  "FILE.so is one of your own (docs/page-placement.md)"},
    [O_POLICY_SET] = {"policy-set", "KEY=VALUE", "change a setting of the policy; help lists them. May be repeated"},
    [O_POLICY_FEED] = {"policy-feed", "misses|sample|tlb",
                       "--numa cache: what the policy is told of (misses): all misses of the caches,\n"
                       "those of intervals (--numa-sample), or those of the TLB, as with --numa tlb"},
    [O_PAGE_LOG] = {"page-log", "FILE[.gz]",
                    "--numa: write what becomes of pages, and how hot they are (docs/page-placement.md)"},
    [O_SCHED] = {"sched", "off|fixed|affinity|least-loaded|gang",
                 "how vcpus share the machine's cpus (off: each has one to itself).\n"
                 "fixed: each has its own, which others may have, too. affinity: a cpu with\n"
                 "nothing to do takes who waits for another. least-loaded: who has run least\n"
                 "is next. gang: a VM's vcpus run at the same time"},
    [O_CPUS] = {"cpus", "N", "--sched: cpus of the machine (those of --numa, else as many as vcpus)"},
    [O_PIN] = {"pin", "VCPU=CPU,...", "which cpu of the machine a vcpu has, and no other"},
    [O_MACHINE] = {"machine", "FILE",
                   "run the VMs that FILE describes (docs/machine.md). Options that describe\n"
                   "a VM are its keys there"},
    [O_PRINT] = {"print-machine", NULL, "write the machine asked for as such a file, and run nothing"},
    [O_HELP] = {"help", NULL, "this text"},
    {0},
};

/* What does not describe one VM, and what may be given several times. MACHINE describes what VMs are put into. */
enum { KEY, REPEATS, ALL, RUN, MACHINE, MACHINE_REPEATS };
// clang-format off
static const unsigned char kind[] = {
    [O_DISK] = REPEATS, [O_NET] = REPEATS, [O_TYPE] = REPEATS, [O_PROFILE] = REPEATS, [O_EXACT] = REPEATS,
    [O_COVERAGE] = REPEATS,
    [O_TIER] = ALL, [O_EVENTS] = ALL, [O_MODE] = ALL, [O_TIMESTAMPS] = ALL, [O_CODE_CACHE] = ALL,
    [O_PACE] = RUN, [O_JOBS] = RUN, [O_TIMEOUT] = RUN, [O_STATS] = RUN, [O_CODE_STORE] = RUN, [O_BOOT_STORE] = RUN,
    [O_MACHINE] = RUN, [O_PRINT] = RUN, [O_HELP] = RUN, [O_MERGE] = RUN, [O_STATUS] = RUN, [O_PAGE_LOG] = RUN,
    [O_CPUS] = RUN, [O_CHECKPOINT] = RUN, [O_FROM] = RUN, [O_RECORD] = RUN, [O_REPLAY] = RUN, [O_REPLAY_TO] = RUN,
    [O_NUMA] = MACHINE, [O_NUMA_MACHINE] = MACHINE, [O_PLACE] = MACHINE, [O_POLICY] = MACHINE, [O_SCHED] = MACHINE,
    [O_NUMA_SAMPLE] = MACHINE, [O_POLICY_FEED] = MACHINE, [O_POLICY_SET] = MACHINE_REPEATS,
};
// clang-format on

bool request_is_key(int row) {
  return kind[row] < RUN;
}

bool request_is_machine_key(int row) {
  return kind[row] >= MACHINE;
}

bool request_repeats(int row) {
  return kind[row] == REPEATS || kind[row] == MACHINE_REPEATS;
}

static void print_help(void) {
  puts("Usage: mirrorball run [OPTION...] [NAME]\n"
       "\n"
       "Boots NAME (mirrorball guests list) or --kernel FILE on an emulated MIPS board, with the\n"
       "first serial port on stdin and stdout. On a terminal Ctrl-A is the escape key: Ctrl-A h\n"
       "shows its keys, Ctrl-A x quits. Options override what NAME stands for.\n");
  options_help(stdout, request_rows);
  puts("\n"
       "Two runs of one command are the same run: same output, same instruction counts, same state\n"
       "hash in --stats. Typing at a terminal is the only thing that differs, and what comes from\n"
       "outside through --net nat; --type is scripted typing that does not, and --record keeps it all for\n"
       "--replay. With --parallel runs differ.\n"
       "\n"
       "Exit codes (a --replay that has come to its end: 0 it was the same run, 1 it was another):\n"
       "  0    the guest turned the power off, halted (waits with interrupts off), or asked to end with\n"
       "       code 0\n"
       "  1    our own failure during the run (host out of memory, statistics not writable)\n"
       "  2    bad input: one line on stderr says what\n"
       "  3    the guest asked for a reset\n"
       "  4    the guest is stuck: it waits for an interrupt that cannot come, or jumps to itself with\n"
       "       interrupts off\n"
       "  5    the guest died: it can only repeat the same exception; pc and cause on stderr\n"
       "  6    --until was reached\n"
       "  7    --timeout\n"
       "  8    quit by Ctrl-A x, SIGINT, SIGTERM or SIGHUP, or nobody reads our output any more\n"
       "  64+n the guest asked to end with code n (1..63, more count as 63): a 32-bit store of\n"
       "       0x4d420000 + n to physical 0x1f000a00\n"
       "Of several VMs: that of the first in the file that did not end well; 7 and 8 are everybody's.\n"
       "\n"
       "Try it:\n"
       "  mirrorball run debian-4kc\n"
       "  mirrorball run --kernel vmlinux --initrd initrd.gz --append 'console=ttyS0 rdinit=/bin/sh'\n"
       "  mirrorball run debian-5kc --until 'console:Run /init' --stats boot.json --timestamps\n"
       "  mirrorball run debian-4kc --disk disk.img,persist\n"
       "  mirrorball run debian-4kc --print-machine >my.machine; mirrorball run --machine my.machine\n"
       "  mirrorball run debian-4kc --net nat --type '# =>udhcpc; wget http://10.0.2.2:8000/\\n'\n"
       "  mirrorball run debian-4kc --gdb 1234 --append 'console=ttyS0 nokaslr'\n"
       "  mirrorball run debian-4kc --type '# =>uname -a; exit\\n'\n"
       "  mirrorball checkpoint booted.mb debian-4kc --at 'console:# '\n"
       "  mirrorball run --from booted.mb --type '=>uname -a; exit\\n'\n"
       "  mirrorball run debian-4kc --net nat --record it.mbr; mirrorball run --replay it.mbr --tier eval");
}

/* --- from words to a configuration --- */

#define PROFILE_EVERY 100003 /* a prime, so that no loop of the guest keeps step with it */

int request_fail(const struct request *r, const char *fmt, ...) {
  char text[900];
  va_list args;
  va_start(args, fmt);
  vsnprintf(text, sizeof text, fmt, args);
  va_end(args);
  if (!r->file) return options_fail("run: %s", text);
  return options_fail("%s:%d: %s", r->file, r->line, text + 2 * !strncmp(text, "--", 2));
}

static int set_until(struct request *r, const char *v) {
  if (!strncmp(v, "console:", 8)) {
    if (!v[8]) return request_fail(r, "--until console: wants a text after the colon");
    r->until_text = v + 8;
    return 0;
  }
  if (!strncmp(v, "insns:", 6)) {
    if (options_number(v + 6, true, UINT64_MAX - 1, &r->until_insns)) return 0;
    return request_fail(r, "--until %s: not a number of instructions", v);
  }
  return request_fail(r, "--until %s: neither console:TEXT nor insns:N", v);
}

static int set_replay_to(struct request *r, const char *v) {
  char *end;
  double seconds;
  r->run->has_replay_to = true;
  if (!strncmp(v, "insns:", 6) && options_number(v + 6, true, UINT64_MAX - 1, &r->until_insns)) return 0;
  if (!strncmp(v, "time:", 5) && (seconds = strtod(v + 5, &end)) >= 0 && end != v + 5 && !*end && seconds < 1e9)
    return r->until_ns = (uint64_t)(seconds * 1e9), 0;
  return request_fail(r, "--replay-to %s: neither insns:N nor time:SECONDS", v);
}

static int set_trace(struct request *r, const char *v) {
  static const struct {
    const char *name;
    unsigned bit;
  } kinds[] = {{"insn", MB_TRACE_INSN}, {"exc", MB_TRACE_EXC}, {"tlb", MB_TRACE_TLB}, {"dev", MB_TRACE_DEV}};
  const char *equals = strchr(v, '=');
  if (!equals || !equals[1]) return request_fail(r, "--trace %s: not KINDS=FILE, such as exc,tlb=trace.txt", v);
  for (const char *p = v; p < equals;) {
    size_t n = strcspn(p, ",="), k = 0;
    while (k < 4 && (strlen(kinds[k].name) != n || memcmp(kinds[k].name, p, n))) k++;
    if (k == 4) return request_fail(r, "--trace %s: \"%.*s\" is none of insn, exc, tlb, dev", v, (int)n, p);
    r->config.trace |= kinds[k].bit;
    p += n + (p[n] == ',');
  }
  if (!r->config.trace) return request_fail(r, "--trace %s: none of insn, exc, tlb, dev", v);
  r->config.trace_file = equals + 1;
  return 0;
}

/* One of two words. */
static int set_word(const struct request *r, const char *option, const char *v, const char *first, const char *second,
                    int *out) {
  if (!strcmp(v, first)) return *out = 0, 0;
  if (!strcmp(v, second)) return *out = 1, 0;
  return request_fail(r, "--%s %s: neither %s nor %s", option, v, first, second);
}

static int set_number(const struct request *r, const char *option, const char *v, uint64_t max, uint64_t *out) {
  if (options_number(v, false, max, out)) return 0;
  return request_fail(r, "--%s %s: not a number from 0 to %" PRIu64, option, v, max);
}

static int set_timeout(struct request *r, const char *v) {
  char *end;
  double seconds = strtod(v, &end);
  if (end == v || *end || !(seconds > 0) || seconds > 1e9)
    return request_fail(r, "--timeout %s: not a number of seconds", v);
  r->run->machine.timeout = seconds;
  return 0;
}

static int set_type(struct request *r, const char *v) {
  if (!strstr(v, "=>")) return request_fail(r, "--type %s: not TEXT=>KEYS", v);
  if (r->types == REQUEST_STEPS) return request_fail(r, "more than %d --type steps", REQUEST_STEPS);
  r->type[r->types++] = v;
  return 0;
}

static int set_coverage(struct request *r, const char *v) {
  if (r->coverages == REQUEST_COVERAGES) return request_fail(r, "more than %d --coverage files", REQUEST_COVERAGES);
  r->coverage[r->coverages++] = v;
  r->config.coverage = true;
  return 0;
}

static int set_profile(struct request *r, const char *v) {
  if (r->profiles == REQUEST_PROFILES) return request_fail(r, "more than %d --profile files", REQUEST_PROFILES);
  r->profile[r->profiles++] = v;
  return 0;
}

static int set_exact(struct request *r, const char *v) {
  if (r->exacts == REQUEST_EXACTS) return request_fail(r, "more than %d --profile-exact files", REQUEST_EXACTS);
  r->exact[r->exacts++] = v;
  r->config.profile_exact = true;
  return 0;
}

static int set_check(struct request *r, const char *v) {
  static const struct {
    const char *name;
    unsigned bit;
  } kinds[] = {{"tlb", MB_CHECK_TLB},
               {"uninit", MB_CHECK_UNINIT},
               {"race", MB_CHECK_RACE},
               {"race-read", MB_CHECK_RACE_READ},
               {"cache", MB_CHECK_CACHE}};
  enum { KINDS = sizeof kinds / sizeof *kinds };
  for (const char *p = v; *p;) {
    size_t n = strcspn(p, ","), k = 0;
    while (k < KINDS && (strlen(kinds[k].name) != n || memcmp(kinds[k].name, p, n))) k++;
    if (k == KINDS)
      return request_fail(r, "--check %s: \"%.*s\" is none of tlb, uninit, race, race-read, cache", v, (int)n, p);
    r->config.check |= kinds[k].bit;
    p += n + (p[n] == ',');
  }
  return r->config.check ? 0 : request_fail(r, "--check wants any of tlb, uninit, race, race-read, cache");
}

static int set_net(struct request *r, const char *v) {
  struct mb_config *c = &r->config;
  if (c->nets == MB_NETS_MAX) return request_fail(r, "more than %d networks", MB_NETS_MAX);
  return nets_parse(r, &c->net[c->nets++], v);
}

static int set_console(struct request *r, const char *v) {
  bool path = (!strncmp(v, "file:", 5) && v[5]) || (!strncmp(v, "socket:", 7) && v[7]);
  if (!path && strcmp(v, "tty") && strcmp(v, "none"))
    return request_fail(r, "--console %s: none of tty, none, file:PATH, socket:PATH", v);
  r->console = v;
  return 0;
}

static int set_every(struct request *r, const char *v) {
  int bad = set_number(r, "profile-every", v, UINT32_MAX, &r->config.profile_every);
  return bad || r->config.profile_every ? bad : request_fail(r, "--profile-every 0: no sample would ever be taken");
}

static int set_machine(struct request *r, enum row row, const char *v) {
  uint64_t n;
  int choice = 0, bad = 0;
  switch (row) {
  case O_CPU: return request_set_cpu(r, v);
  case O_MEM: return request_set_mem(r, v);
  case O_BOARD: return request_set_board(r, v);
  case O_VCPUS:
    if (!(bad = set_number(r, "vcpus", v, UINT32_MAX, &n))) r->config.vcpus = (unsigned)n;
    return bad ? bad : n ? 0 : request_fail(r, "--vcpus 0: a board has at least one");
  case O_ENDIAN:
    if (!(bad = set_word(r, "endian", v, "big", "little", &choice)))
      r->config.endian = choice ? MB_ENDIAN_LITTLE : MB_ENDIAN_BIG;
    return bad;
  case O_LOAD: r->has_raw = true; return set_number(r, "load-addr", v, UINT64_MAX, &r->raw.load);
  case O_ENTRY: r->has_raw = true; return set_number(r, "entry", v, UINT64_MAX, &r->raw.entry);
  case O_TIER: return request_set_tier(r, v);
  case O_MODE: return request_set_mode(r, v);
  case O_MACHINE_TLB:
    if (!(bad = set_number(r, "machine-tlb", v, 1024, &n)))
      r->config.machine_tlb = n ? (uint32_t)n : MB_MACHINE_TLB_OFF;
    return bad;
  case O_L2TLB:
    if (!(bad = set_number(r, "l2tlb", v, 1 << 16, &n))) r->config.l2tlb = n ? (uint32_t)n : MB_L2TLB_OFF;
    return bad;
  case O_MHZ:
    if (!(bad = set_number(r, "mhz", v, 100000, &n))) r->config.mhz = (uint32_t)n;
    return bad ? bad : n ? 0 : request_fail(r, "--mhz 0: time would stand still");
  case O_PACE:
    if (!(bad = set_word(r, "pace", v, "max", "real", &choice)))
      r->run->machine.pace = choice ? MB_PACE_REAL : MB_PACE_MAX;
    return bad;
  case O_JOBS:
    if (!options_number(v, false, MB_JOBS_MAX, &n) || !n)
      return request_fail(r, "--jobs %s: not a number from 1 to %d", v, MB_JOBS_MAX);
    r->run->machine.jobs = (unsigned)n;
    return 0;
  case O_RTC: return request_set_rtc(r, v);
  case O_SEED: return set_number(r, "seed", v, UINT64_MAX, &r->config.seed);
  default: return 0;
  }
}

static int set_option(struct request *r, enum row row, const char *v) {
  uint64_t n;
  int bad;
  switch (row) {
  case O_KERNEL: r->kernel = v; return 0;
  case O_INITRD: r->initrd = v; return 0;
  case O_APPEND: r->config.append = v; return 0;
  case O_DISK: return request_set_disk(r, v);
  case O_NET: return set_net(r, v);
  case O_UNTIL: return set_until(r, v);
  case O_TIMEOUT: return set_timeout(r, v);
  case O_TYPE: return set_type(r, v);
  case O_STATS: r->run->stats = v; return 0;
  case O_STATUS: r->run->status = v; return 0;
  case O_MERGE: r->run->machine.merge = true; return 0;
  case O_PROFILE: return set_profile(r, v);
  case O_EXACT: return set_exact(r, v);
  case O_EVERY: return set_every(r, v);
  case O_TRACE: return set_trace(r, v);
  case O_SYMBOLS:
    r->symbols = true;
    r->symbols_file = v;
    return 0;
  case O_CONSOLE: return set_console(r, v);
  case O_COVERAGE: return set_coverage(r, v);
  case O_DEBUG_INFO: r->debug_info = v; return 0;
  case O_EVENTS: r->config.events = true; return 0;
  case O_TIMESTAMPS: r->config.timestamps = true; return 0;
  case O_HOST_CALLS: r->host_calls = v; return 0;
  case O_GDB: r->gdb = v; return 0;
  case O_CHECK: return set_check(r, v);
  case O_CHECK_ALLOW: r->check_allow = v; return 0;
  case O_PARALLEL: r->config.parallel = true; return 0;
  case O_CODE_CACHE: return request_set_code_cache(r, v);
  case O_CODE_STORE: r->run->code_store = v; return 0;
  case O_BOOT_STORE: r->run->boot_store = v; return 0;
  case O_NUMA: return places_numa(r, v);
  case O_NUMA_SAMPLE: return places_numa_sample(r, v);
  case O_NUMA_MACHINE: return places_numa_machine(r, v);
  case O_CHECKPOINT: r->run->checkpoint = v; return 0;
  case O_FROM: r->run->from = v; return 0;
  case O_RECORD: r->run->record = v; return 0;
  case O_REPLAY: r->run->replay = v; return 0;
  case O_REPLAY_TO: return set_replay_to(r, v);
  case O_PLACE: return places_place(r, v);
  case O_POLICY: return places_policy(r, v);
  case O_POLICY_FEED: return places_feed(r, v);
  case O_POLICY_SET: return places_setting(r, v);
  case O_PAGE_LOG: r->run->machine.placement.page_log = v; return 0;
  case O_SCHED: return places_sched(r, v);
  case O_PIN: return places_pin(r, v);
  case O_CPUS:
    if (!(bad = set_number(r, "cpus", v, 1024, &n))) r->run->machine.cpus = (unsigned)n;
    return bad ? bad : n ? 0 : request_fail(r, "--cpus 0: a machine has at least one");
  case O_MACHINE: r->run->file = v; return 0;
  case O_PRINT: r->run->print = true; return 0;
  case O_HELP: print_help(); return -1;
  default: return set_machine(r, row, v);
  }
}

int request_set(struct request *r, int row, const char *value) {
  struct request_given *more = realloc(r->given, (r->givens + 1) * sizeof *more);
  if (!more) return request_fail(r, "out of memory");
  r->given = more;
  r->given[r->givens++] = (struct request_given){row, value};
  return set_option(r, (enum row)row, value);
}

void request_begin(struct request *r, struct request_run *run) {
  *r = (struct request){.run = run, .until_insns = UINT64_MAX, .until_ns = UINT64_MAX};
}

void request_fini(struct request *r) {
  guests_free(&r->guest);
  for (unsigned i = 0; i < MB_DISKS_MAX; i++) free(r->disk_path[i]);
  for (unsigned i = 0; i < r->config.nets; i++) free((char *)(uintptr_t)r->config.net[i].subnet);
  free(r->given);
}

const char *request_keep(struct request_run *run, const char *text) {
  char **more = realloc(run->text, (run->texts + 1) * sizeof *more), *copy = strdup(text);
  if (more) run->text = more;
  if (!more || !copy) return free(copy), NULL;
  return run->text[run->texts++] = copy;
}

bool request_wants_lines(const struct request *r) {
  for (unsigned i = 0; i < r->coverages; i++) {
    const char *dot = strrchr(r->coverage[i], '.');
    if (dot && !strcmp(dot, ".info")) return true;
  }
  return false;
}

int request_check(struct request *r) {
  if (r->file) r->line = r->begins;
  if (r->config.profile_every && !r->profiles) return request_fail(r, "--profile-every goes with --profile FILE");
  if (r->profiles && !r->config.profile_every) r->config.profile_every = PROFILE_EVERY;
  if (r->check_allow && !r->config.check) return request_fail(r, "--check-allow goes with --check");
  if (!r->name && !r->kernel && !r->run->from && !r->run->replay)
    return request_fail(r, r->file ? "what is to run? Give a guest (mirrorball guests list) or a kernel"
                                   : "what? Name a guest (mirrorball guests list) or a --kernel FILE");
  return 0;
}

/* The VMs are the file's; beside it there is room for how they are run. */
static int check_beside_file(const struct request *r) {
  if (r->name) return options_fail("run: the machine file says what is run, not \"%s\"", r->name);
  for (size_t i = 0; i < r->givens; i++)
    if (kind[r->given[i].row] == KEY || kind[r->given[i].row] == REPEATS)
      return options_fail("run: --%s goes into the machine file, as a key of a VM", request_rows[r->given[i].row].name);
  return 0;
}

/* Of the machine that VMs are put into, or of who shares it. */
static bool describes_cpus(int row) {
  return request_is_machine_key(row) || row == O_CPUS || row == O_PIN;
}

/* The VMs are the checkpoint's, or the record's; what no guest can tell may be said anew. */
static int check_beside_checkpoint(struct request *r) {
  const char *what = r->run->from ? "checkpoint" : "record", *option = r->run->from ? "from" : "replay";
  // clang-format off
  static const unsigned char free_rows[] = {
      O_TIER, O_MODE, O_MACHINE_TLB, O_UNTIL, O_TYPE, O_PROFILE, O_EXACT, O_EVERY, O_EVENTS, O_TRACE, O_SYMBOLS,
      O_CONSOLE, O_TIMESTAMPS, O_CODE_CACHE, O_GDB, O_COVERAGE, O_DEBUG_INFO,
  };
  // clang-format on
  if (r->name) return options_fail("run: the %s says what goes on, not \"%s\"", what, r->name);
  if (r->run->file || r->run->print)
    return options_fail("run: --%s goes neither with --machine nor --print-machine", option);
  for (size_t i = 0; i < r->givens; i++) {
    int row = r->given[i].row;
    bool anew = r->run->from && describes_cpus(row);
    bool fine = anew || kind[row] == RUN || memchr(free_rows, row, sizeof free_rows);
    fine |= r->run->from && row == O_HOST_CALLS; /* a record has what they gave */
    r->run->machine.anew |= anew;
    if (!fine) return options_fail("run: --%s cannot be said anew: it comes from the %s", request_rows[row].name, what);
  }
  return 0;
}

/* What the options say about all VMs goes for those that say nothing of their own. */
static int share(const struct request *from, struct request *to) {
  int bad = 0;
  for (size_t i = 0; !bad && i < from->givens; i++) {
    bool own = kind[from->given[i].row] != ALL;
    for (size_t k = 0; k < to->givens; k++) own |= to->given[k].row == from->given[i].row;
    if (!own) bad = request_set(to, from->given[i].row, from->given[i].value);
  }
  return bad;
}

static int parse(struct request *r, int argc, char **argv) {
  struct options o;
  options_begin(&o, argc, argv, request_rows);
  for (;;) {
    int row = options_next(&o), bad = 0;
    if (row == OPTIONS_END) break;
    if (row == OPTIONS_ERROR) return EXIT_INPUT;
    if (row == OPTIONS_WORD) {
      if (r->name) return options_fail("run: one guest at a time, not both \"%s\" and \"%s\"", r->name, o.value);
      r->name = o.value;
    } else if ((bad = request_set(r, row, o.value))) {
      return bad;
    }
  }
  if (r->run->machine.numa_machine && !r->run->machine.numa)
    return options_fail("run: --numa-machine goes with --numa tlb or cache");
  if (r->run->machine.sampling.every && r->run->machine.numa < MB_NUMA_SAMPLE &&
      r->run->machine.placement.feed != MB_FEED_SAMPLE)
    return options_fail("run: --numa-sample goes with --numa sample, or --policy-feed sample");
  if (r->run->machine.placement.feed && (r->run->machine.numa < MB_NUMA_CACHE || r->run->machine.numa > MB_NUMA_ALL))
    return options_fail("run: --policy-feed goes with --numa cache");
  if (r->run->replay && (r->run->from || r->run->record))
    return options_fail("run: --replay goes neither with --from nor --record");
  if (r->run->replay && r->types) return options_fail("run: --type goes into a record, not beside --replay");
  if (r->run->has_replay_to && !r->run->replay) return options_fail("run: --replay-to goes with --replay FILE");
  if ((r->run->from || r->run->replay) && check_beside_checkpoint(r)) return EXIT_INPUT;
  return r->run->file ? check_beside_file(r) : request_check(r);
}

static int read_file(struct request_run *run) {
  int bad = machine_file_read(run);
  for (size_t i = 0; !bad && i < run->vms; i++) bad = share(&run->options, run->vm[i]);
  return bad;
}

int cmd_run(int argc, char **argv) {
  struct request_run run = {0};
  request_begin(&run.options, &run);
  int code = parse(&run.options, argc, argv);
  if (!code && run.file) code = read_file(&run);
  if (!code) code = run.print ? machine_file_print(&run, stdout) : boot_run(&run);
  for (size_t i = 0; i < run.vms; i++) {
    request_fini(run.vm[i]);
    free(run.vm[i]);
  }
  free(run.vm);
  request_fini(&run.options);
  for (size_t i = 0; i < run.texts; i++) free(run.text[i]);
  free(run.text);
  return code < 0 ? 0 : code;
}
