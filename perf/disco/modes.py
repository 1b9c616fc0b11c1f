# perf/disco/modes.py: the paper's workloads in each mode, from a checkpoint behind the boot: what mirrorball compare says.
# SPDX-License-Identifier: Apache-2.0
import json
import subprocess
from dataclasses import dataclass

from measure import MADE, TOP, Trouble, mirrorball, say, table

GUEST, MEMORY = "debian-generic32", "256M"


@dataclass(frozen=True)
class Workload:
    words: str  # for the driver, behind the workload's name
    paper: int  # Fig. 5: all of it, IRIX by itself being 100


# The paper ran two compilers at a time, twelve simulations, a ray tracer, and a database's decision support.
WORKLOADS = {
    "pmake": Workload("2 1 4", 116),
    "engineering": Workload("2 1 1 1500", 106),
    "raytrace": Workload("1 1 1 160", 103),
    "database": Workload("2 1 1 10000", 116),
}

HEADING = ["workload", "Mcycles", "kernel %", "trap", "translate", "kseg0", "paper", "bare s", "translate x", "each pair",
           "trap x", "traps, k", "us more"]
LEGEND = """Modelled cycles, bare = 100: trap, translate (of which for accesses to kseg0), and the paper's; host CPU seconds bare, and
times that: translate (medians, and pairs by turns), trap; host traps, and microseconds more in trap for each.
build/perf/modes-*.html has all events and services."""


def checkpoint(name, disk):
    """Where the workload's mark is on the console: all is mapped and in memory."""
    to = MADE / f"modes-{name}.mb"
    run = f"mount -t ext4 /dev/vda /mnt; sh /mnt/bench/driver {name} {WORKLOADS[name].words}"
    command = [mirrorball(), "checkpoint", str(to), GUEST, "--mem", MEMORY, "--disk", f"{disk},cow", "--console", "none",
               "--append", f'console=ttyS0 mb.run="{run}"', "--at", f"console:@begin {name}"]
    done = subprocess.run(command, cwd=TOP, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True)
    if done.returncode or not to.exists():
        raise Trouble(f"{name} did not begin: {done.stdout.strip()}")
    return to


def compare(name, start, repeat):
    """The document of mirrorball compare."""
    to, html = MADE / f"modes-{name}.json", MADE / f"modes-{name}.html"
    done = subprocess.run([mirrorball(), "compare", "--from", str(start), "--repeat", str(repeat), "--json", str(to), "--html",
                           str(html), "--", "--until", f"console:@good {name}"], stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL)
    if done.returncode:
        raise Trouble(f"{name}: mirrorball compare ended with exit code {done.returncode}")
    return json.loads(to.read_text())


def row(name, document):
    setting = document["settings"][0]
    mode = {m["mode"]: m for m in setting["modes"]}
    bare, trap, translate = (mode[m] for m in ("bare", "trap", "translate"))
    traps = sum(t["count"] for t in trap["traps"].values())
    each = (trap["cpu"]["median"] - bare["cpu"]["median"]) / traps * 1e6
    cpu = [f'{y / x:.2f}' for x, y in zip(bare["cpu"]["all"], translate["cpu"]["all"])]
    return [name, f'{sum(setting["cycles"].values()) / 1e6:.0f}', f'{bare["percent"]["kernel"]:.1f}',
            f'{trap["percent"]["total"]:.1f}', f'{translate["percent"]["total"]:.1f}',
            f'{translate["monitor_parts"]["segment"]:.1f}', str(WORKLOADS[name].paper), f'{bare["cpu"]["median"]:.2f}',
            f'{translate["cpu_ratio"]:.3f}', f"{min(cpu)}..{max(cpu)}", f'{trap["cpu_ratio"]:.2f}', f"{traps / 1e3:.0f}", f"{each:.1f}"]


def measure(names, repeat, disk):
    if repeat < 1:
        raise Trouble("--repeat wants a number above 0")
    rows = [HEADING]
    for name in names:
        say(f"booting for {name}")
        start = checkpoint(name, disk)
        rows.append(row(name, compare(name, start, repeat)))
        start.unlink()
    table(rows)
    print(LEGEND)
    return 0
