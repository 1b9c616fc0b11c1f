/* cli/request_rows.c: the options of mirrorball run: their words for people, and what each describes. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/request_rows.h"
#include "cli/nets.h"

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

enum request_kind request_kind(int row) {
  return (enum request_kind)kind[row];
}

bool request_is_key(int row) {
  return kind[row] < RUN;
}

bool request_is_machine_key(int row) {
  return kind[row] >= MACHINE;
}

bool request_repeats(int row) {
  return kind[row] == REPEATS || kind[row] == MACHINE_REPEATS;
}
