# perf/suite.py: the workloads of perf/run: what each runs, which group it is in, which Debian packages it needs.
# SPDX-License-Identifier: Apache-2.0
"""A command is run by busybox's sh, inside a guest or (the native side) in a root folder of the same packages. /bench has
the programs of perf/workloads, $T/text is 4 MiB of generated text. {n} is the size: scaled by --scale, at least 1."""
from dataclasses import dataclass


@dataclass(frozen=True)
class Workload:
    name: str
    group: str
    command: str
    size: int = 1
    packages: tuple = ()
    target_output: bool = False  # the output depends on the architecture: not compared with the native one's

    def script(self, scale):
        return self.command.replace("{n}", str(max(1, round(self.size * scale))))


INTEGER, FLOAT, MEMORY = "integer", "floating point", "memory and TLB"
SYSTEM, REAL = "system", "real programs"
BOOT, AGAIN, BREADTH = "boot", "boot, kept", "breadth"
ALSO = "also measured"  # in no group's mean, nor in that over all
GROUPS = [INTEGER, FLOAT, MEMORY, SYSTEM, REAL, BOOT, AGAIN, BREADTH, ALSO]

W = Workload
WORKLOADS = [
    W("sha256", INTEGER, "/bench/sha256 {n}", 80),
    W("crc32", INTEGER, "/bench/crc32 {n}", 40),
    W("nqueens", INTEGER, "for i in $(seq {n}); do /bench/nqueens 12; done", 4),
    W("fib", INTEGER, "for i in $(seq {n}); do /bench/fib 33; done", 4),
    W("qsort", INTEGER, "/bench/qsort {n}", 5),
    W("int64", INTEGER, "/bench/int64 {n}", 8_000_000),
    W("atomics", INTEGER, "/bench/atomics {n}", 12_000_000),
    W("matmul", FLOAT, "/bench/matmul {n}", 4),
    W("nbody", FLOAT, "/bench/nbody {n}", 250_000),
    W("sieve", MEMORY, "/bench/sieve {n}", 3),
    W("stream", MEMORY, "/bench/stream {n}", 150),
    W("memcpy", MEMORY, "/bench/memcpyb {n}", 150),
    W("tlbwalk", MEMORY, "/bench/tlbwalk {n} 1024", 2500),
    W("sort", MEMORY, "sort $T/text | head -c {n}000 | md5sum", 500),
    W("getppid", SYSTEM, "/bench/getppid {n}", 2_500_000),
    W("pingpong", SYSTEM, "/bench/pingpong {n}", 16_000),
    W("forkexec", SYSTEM, "/bench/forkexec {n}", 300),
    W("shfork", SYSTEM, "i=0; while [ $i -lt {n} ]; do /bin/busybox true; i=$((i+1)); done", 200),
    W("smc", SYSTEM, "/bench/smc {n}", 100_000),
    W("gzip", REAL, "for i in $(seq {n}); do gzip -c $T/text; done | md5sum", 1),
    W("sha256sum", REAL, "for i in $(seq {n}); do sha256sum <$T/text; done", 16),
    W("awk", REAL, "head -c {n}000 $T/text | awk '{for(i=1;i<=NF;i++)c[$i]++} END{for(k in c)n+=c[k]*length(k);"
                   " print n}'", 300),
    W("grep", REAL, "head -c {n}000 $T/text | grep -c -E 'kern.*(tlb|slot).*[ae]n?'", 1500),
    W("xz", REAL, "head -c {n}000 $T/text | /usr/bin/xz -6 | md5sum", 100, ("xz-utils",)),
    W("python", REAL, "/usr/bin/python3 -I -S /bench/pybench.py {n}", 1, ("python3-minimal",)),
    W("lua", REAL, "/usr/bin/lua5.4 /bench/bench.lua {n}", 4, ("lua5.4",)),
    W("sqlite", REAL, "sed 's/@N/{n}/' /bench/bench.sql | /usr/bin/sqlite3 :memory:", 8000, ("sqlite3",)),
    W("cc1", REAL, "for f in $(ls /bench/i/*.i | head -n {n}); do $(ls /usr/lib/gcc*/*/*/cc1) -quiet -O2"
               " -fpreprocessed $(cat /bench/i/flags) $f -o - || exit 1;"
                   " done", 4, ("cpp",), target_output=True),
    W("tmpfs", ALSO, "for i in $(seq {n}); do dd if=/dev/zero of=$T/z bs=4k count=4000 2>/dev/null;"
                     " dd if=$T/z of=/dev/null bs=4k 2>/dev/null; done; rm $T/z", 8),
    W("openssl", ALSO, "for i in $(seq {n}); do /usr/bin/openssl dgst -sha512 <$T/text; done", 4, ("openssl",)),
]


@dataclass(frozen=True)
class Boot:
    """A workload that is a boot: from starting the emulator until the console shows a text."""
    name: str
    group: str
    guest: str    # {cpu}: 4kc or 5kc
    text: str
    append: str = ""
    kept: bool = False  # mirrorball has booted it before, and kept the machine (--boot-store)


BOOTS = [
    Boot("boot", BOOT, "debian-{cpu}", "mirrorball: init on "),
    Boot("boot-kept", AGAIN, "debian-{cpu}", "mirrorball: init on ", kept=True),
    Boot("installer", BREADTH, "debian-installer-{cpu}", "Select a language", "priority=high TERM=vt102"),
]
