# perf/boot.py: boots Debian's kernels on mirrorball and on QEMU, in turns, and says how long it took. Run perf/boot.
# SPDX-License-Identifier: Apache-2.0
import argparse

from measure import (CountPlugin, Mirrorball, Progress, Qemu, Session, debian_machine, host_description, main, median,
                     number, say, speed, spread, table, write_json)

HELP = """Boots Debian's Malta kernels on mirrorball and on QEMU and prints, for each guest and emulator, the wall time
to the first line of /init and to the shell's prompt, host CPU seconds, guest instructions and host memory."""
MORE = """examples:
  perf/boot                                    both kernels, both emulators, three times each: about a minute
  perf/boot --runs 1 --guest debian-5kc        one of each, once
  perf/boot --tier eval --at-least 60          exit code 1 unless the boots reach 60 million instructions a second
  perf/boot --json boot.json                   all single runs, for scripts

Both emulators get the same kernel, initramfs, parameters, CPU model and memory, and no devices beside the board's.
They take turns, so that what else the host does hits both. The table has medians, +- is half the range of the runs.
Speeds are of wall time, or of CPU seconds where those are fewer (a busy host). QEMU does not say how many instructions
it ran; one more, untimed run under a counting plugin does (--no-count: leave it out).
Exit codes: 0; 1 when --at-least or the limit on memory (guest memory + 64 MiB) is missed; 2 when something is missing."""

MARKS = {"init": "mirrorball: init on ", "shell": "debian:/root# "}
MEMORY_MARGIN_MIB = 64


def arguments():
    p = argparse.ArgumentParser(prog="perf/boot", description=HELP, epilog=MORE,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--guest", action="append", help="debian-4kc or debian-5kc; may be repeated (both)")
    p.add_argument("--cpu", help="CPU model for both emulators (what the guest likes)")
    p.add_argument("--runs", type=int, default=3, metavar="N", help="times each boot is run (3)")
    p.add_argument("--tier", help="mirrorball's tier (auto)")
    p.add_argument("--no-qemu", action="store_true", help="mirrorball alone")
    p.add_argument("--no-count", action="store_true", help="do not count QEMU's instructions")
    p.add_argument("--at-least", type=float, metavar="M", help="million guest instructions a second to shell")
    p.add_argument("--json", metavar="FILE", help="write all runs as JSON")
    a = p.parse_args()
    if a.runs < 1:
        p.error("--runs wants at least 1")
    return a


def boot(emulator, machine):
    """Boot to the prompt once; a Mark for each of MARKS."""
    with Session(emulator, machine, timeout=120) as session:
        return {name: vars(session.wait(text)) for name, text in MARKS.items()}


def measure(machines, a):
    """All runs, by guest and emulator: lists of what boot() gives."""
    jobs, counted, runs = [], [], {}
    for m in machines:
        jobs.append((m, Mirrorball(a.tier)))
        if not a.no_qemu:
            qemu = Qemu(m.arch)
            jobs.append((m, qemu))
            if not a.no_count:
                counted.append((m, Qemu(m.arch, CountPlugin(qemu.program))))
    progress = Progress(len(jobs) * a.runs + 2 * len(counted))
    for i in range(a.runs):
        for m, emulator in jobs if i % 2 == 0 else reversed(jobs):
            progress.step(f"{m.guest} on {emulator.name}")
            runs.setdefault((m.guest, emulator.name), []).append(boot(emulator, m))
    for m, emulator in counted:
        progress.step(f"{m.guest} on qemu, counting", 2)
        try:
            once = boot(emulator, m)
        finally:
            emulator.plugin.close()
        for run in runs[m.guest, "qemu"]:
            for name in MARKS:
                run[name]["insns"] = once[name]["insns"]
    progress.end()
    return dict(sorted(runs.items()))


def row(guest, emulator, runs):
    def values(mark, what):
        return [r[mark][what] for r in runs]

    def seconds(mark):
        return f"{median(values(mark, 'wall')):.2f} s +-{spread(values(mark, 'wall')) * 100:.0f} %"

    insns, cpu = median(values("shell", "insns")), median(values("shell", "cpu"))
    return [f"{guest} {emulator}", seconds("init"), seconds("shell"), f"{median(values('init', 'cpu')):.2f} s",
            f"{cpu:.2f} s", number(median(values("init", "insns")) / 1e6, ",.0f"), number(insns / 1e6, ",.0f"),
            number(median([speed(r["shell"]) for r in runs]), ",.0f"),
            f"{max(values('shell', 'rss_kib')) / 1024:.0f} MiB"]


def ratio_row(guest, ours, theirs):
    cells = []
    for what in "wall", "cpu":
        for mark in MARKS:
            cells.append(f"{median([r[mark][what] for r in ours]) / median([r[mark][what] for r in theirs]):.2f}")
    return [f"{guest} ratio to qemu", *cells]


def report(runs):
    rows = [["", "wall to /init", "wall to shell", "CPU to /init", "CPU to shell", "M insns to /init", "to shell",
             "M insns/s", "max RSS"]]
    for (guest, emulator), single in runs.items():
        rows.append(row(guest, emulator, single))
        if emulator == "qemu":
            ours = next(r for (g, e), r in runs.items() if g == guest and e != "qemu")
            rows += [ratio_row(guest, ours, single), []]
    table(rows)


def limits(machines, runs, a):
    """1 when a limit is missed, having said which."""
    missed = 0
    for m in machines:
        for (guest, emulator), single in runs.items():
            if guest != m.guest or emulator == "qemu":
                continue
            rss = max(r["shell"]["rss_kib"] for r in single) / 1024
            reached = median([speed(r["shell"]) for r in single])
            if rss > m.mem_mib + MEMORY_MARGIN_MIB:
                say(f"{guest}: {rss:.0f} MiB of host memory is more than the guest's {m.mem_mib} + {MEMORY_MARGIN_MIB}")
                missed = 1
            if a.at_least and reached < a.at_least:
                say(f"{guest}: {reached:.0f} million instructions a second, wanted {a.at_least:.0f}")
                missed = 1
    return missed


def work():
    a = arguments()
    machines = [debian_machine(g) for g in a.guest or ["debian-4kc", "debian-5kc"]]
    if a.cpu:
        machines = [m.altered(cpu=a.cpu) for m in machines]
    runs = measure(machines, a)
    report(runs)
    if a.json:
        write_json(a.json, {"host": host_description(), "mirrorball": Mirrorball().version(),
                            "machines": [vars(m) for m in machines],
                            "runs": [{"guest": g, "emulator": e, "marks": r} for (g, e), rs in runs.items()
                                     for r in rs]})
    return limits(machines, runs, a)


if __name__ == "__main__":
    main(work)
