# perf/run.py: runs the suite in Debian guests on mirrorball, QEMU and natively, in turns. Run perf/run.
# SPDX-License-Identifier: Apache-2.0
import argparse
import json
import re
import signal
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import image
import page
from measure import (MADE, Callgrind, Mirrorball, Progress, Qemu, Session, Trouble, debian_machine, geometric_mean, host_description,
                     main, median, number, say, speed, spread, table, write_json)
from suite import ALSO, BOOTS, GROUPS, WORKLOADS

HELP = """Runs workloads inside Debian guests on mirrorball, and when asked on QEMU and natively, and prints medians,
ratios with their spread, and geometric means by group."""
MORE = """examples:
  perf/run --vs qemu --native --only 'fib|crc32' --guest debian-4kc       a minute
  perf/run --vs qemu --native --json all.json --html all.html             everything: about an hour
  perf/run --list                                                         the workloads and what they run
  perf/run --tier eval --only smc --scale 0.1                             a small one of one

How: a guest boots once on each emulator (same kernel, initramfs, parameters, CPU model, memory; no address space
randomisation) and then waits. For each repetition of each workload the emulators take turns; the others are stopped
meanwhile. The time is taken on the host, between two lines on the console. Native is the amd64 build of the same sources
and the same Debian packages, in a root folder of its own. Outputs are compared: a wrong answer is an error (exit code 1). The groups boot and
breadth are cold boots; "boot, kept" is one of a machine that mirrorball has booted before and kept (--boot-store). Ratios are mirrorball's time to the other's, so less is better: x qemu and x native of wall time,
x CPU of host CPU seconds to QEMU's, which others on the host disturb less. +- is half the range of the repetitions.
Exit codes: 0; 1 when outputs differ or a workload fails; 2 when something is missing."""

APPEND = "nokaslr norandmaps rootfstype=ramfs quiet mb.run=\"sh /bench/driver console\""
PATIENCE = 900  # seconds for one workload
CPUS = {"debian-4kc": ["24Kf", "34Kf"], "debian-5kc": ["MIPS64R2-generic"]}


def arguments():
    p = argparse.ArgumentParser(prog="perf/run", description=HELP, epilog=MORE,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--vs", choices=["qemu"], help="measure this emulator too")
    p.add_argument("--native", action="store_true", help="run the amd64 builds on the host, too")
    p.add_argument("--only", metavar="REGEX", default="", help="workloads or groups whose name matches")
    p.add_argument("--guest", action="append", choices=CPUS, help="may be repeated (both)")
    p.add_argument("--cpu", action="append", help="CPU model; may be repeated (24Kf and 34Kf; MIPS64R2-generic)")
    p.add_argument("--tier", help="mirrorball's tier (auto)")
    p.add_argument("--runs", type=int, default=3, metavar="N", help="repetitions (3)")
    p.add_argument("--scale", type=float, default=1.0, metavar="X", help="multiply the sizes of the workloads (1)")
    p.add_argument("--json", metavar="FILE", help="write all single runs")
    p.add_argument("--html", metavar="FILE", help="write a page of plots")
    p.add_argument("--host-insns", action="store_true",
                   help="count host instructions for each guest instruction, too: once more\n"
                   "under valgrind, 50 times slower (use a small --scale)")
    p.add_argument("--list", action="store_true", help="list the workloads and end")
    a = p.parse_args()
    if a.runs < 1 or not a.scale > 0:
        p.error("--runs and --scale want a number above 0")
    for path in a.json, a.html:
        if path and not Path(path).absolute().parent.is_dir():
            p.error(f"{path}: there is no such folder")
    try:
        wanted = re.compile(a.only)
    except re.error as e:
        p.error(f"--only {a.only}: {e}")
    a.workloads = [w for w in WORKLOADS if wanted.search(w.name) or wanted.search(w.group)]
    a.boots = [b for b in BOOTS if wanted.search(b.name) or wanted.search(b.group)]
    if not a.workloads and not a.boots:
        p.error(f"--only {a.only}: no workload has such a name (--list)")
    return a


COUNTERS = ["tlb_refills", "l2tlb_hits", "tlbwr", "device_accesses"]


class Bench:
    """A guest (or the native root) that has booted and runs what it is told."""

    def __init__(self, emulator, machine, stack):
        self.name, self.native = emulator.name, isinstance(emulator, image.Native)
        self.stats_file = getattr(emulator, "stats", None)
        self.session = stack.enter_context(Session(emulator, machine, timeout=PATIENCE))
        self.session.wait("@ready")
        self.counters = self.stats()
        self.pause(True)

    def stats(self):
        """mirrorball's counters as they are now; it writes them when it gets SIGUSR1."""
        if not self.stats_file:
            return {}
        self.stats_file.unlink(missing_ok=True)
        self.session.process.send_signal(signal.SIGUSR1)
        begun = time.monotonic()
        while not self.stats_file.exists():
            if time.monotonic() - begun > 60 or self.session.process.poll() is not None:
                raise Trouble(f"{self.name} does not answer SIGUSR1")
            time.sleep(0.01)
        return json.loads(self.stats_file.read_text())

    def pause(self, yes):
        """Stop the emulator's process, or let it go on. The native side waits by itself."""
        if not self.native:
            self.session.process.send_signal(signal.SIGSTOP if yes else signal.SIGCONT)

    def run(self, workload):
        s = self.session
        s.timeout = time.monotonic() - s.begun + PATIENCE
        self.pause(False)
        s.type(workload.name + "\n")
        a, b = s.wait(f"@begin {workload.name}"), s.wait(f"@done {workload.name}")
        s.wait("@result ")
        start = s._at
        s.wait(" @")
        before, self.counters = self.counters, self.stats()
        self.pause(True)
        code, digest = s.text[start:s._at].decode().split()[:2]
        insns = b.insns - a.insns if b.insns is not None else None
        return {"wall": b.wall - a.wall, "cpu": b.cpu - a.cpu, "insns": insns, "rss_kib": b.rss_kib, "code": int(code),
                "counters": {k: self.counters[k] - before[k] for k in COUNTERS if k in before},
                "digest": digest, "said": s.tail(5) if code != "0" else ""}


def emulators(machine, a, native, stats=None, boot_store=None):
    yield Mirrorball(a.tier, stats, boot_store)
    if a.vs:
        yield Qemu(machine.arch)
    if native:
        yield native


def rotated(items, i):
    i %= len(items)
    return items[i:] + items[:i]


def run_suite(machine, a, native, progress, runs):
    """All workloads on one machine, booted once on each emulator. Returns mirrorball's statistics of the session."""
    stats = MADE / "stats.json"
    stats.unlink(missing_ok=True)
    with ExitStack() as stack:
        benches = []
        for e in emulators(machine, a, native, stats):
            progress.step(f"{machine.guest} {machine.cpu}: booting {e.name}", 0)
            benches.append(Bench(e, machine, stack))
        for i in range(a.runs):
            for w in a.workloads:
                for b in rotated(benches, i):
                    progress.step(f"{machine.guest} {machine.cpu}: {w.name} on {b.name}")
                    result = b.run(w)
                    runs.setdefault((machine.guest, machine.cpu, w.name, b.name), []).append(result)
        benches[0].pause(False)
        benches[0].session.type("end\n")
        benches[0].session.finish()
    return json.loads(stats.read_text()) if stats.exists() else None


def count_host_insns(machine, a, progress, counts):
    """Host instructions for each guest instruction, by workload; not timed."""
    with ExitStack() as stack:
        emulator = Callgrind(a.tier, stack.enter_context(tempfile.TemporaryDirectory()))
        progress.step(f"{machine.guest} {machine.cpu}: booting under valgrind", 0)
        s = stack.enter_context(Session(emulator, machine, timeout=PATIENCE))
        s.wait("@ready")
        for w in a.workloads:
            progress.step(f"{machine.guest} {machine.cpu}: counting host instructions of {w.name}")
            s.timeout = time.monotonic() - s.begun + PATIENCE
            emulator.begin(s.process.pid)
            s.type(w.name + "\n")
            first, last = s.wait(f"@begin {w.name}"), s.wait(f"@done {w.name}")
            counts[machine.guest, machine.cpu, w.name] = emulator.end(s.process.pid) / (last.insns - first.insns)
            s.wait("@result ")
            s.wait(" @")


def run_boots(name, cpu, a, progress, runs):
    for b in a.boots:
        with tempfile.TemporaryDirectory() as store:
            run_boot(b, name, cpu, a, progress, runs, store)


def run_boot(b, name, cpu, a, progress, runs, store):
    machine = debian_machine(b.guest.replace("{cpu}", name.split("-")[1]))
    machine = machine.altered(cpu=cpu, append=f"{machine.append} nokaslr {b.append}".strip())
    sides = list(emulators(machine, a, None, boot_store=store if b.kept else None))
    if b.kept:
        with Session(sides[0], machine, timeout=PATIENCE) as s:
            s.wait(b.text)
    for i in range(a.runs):
        for e in rotated(sides, i):
            progress.step(f"{machine.guest} {cpu}: {b.name} on {e.name}")
            with Session(e, machine, timeout=PATIENCE) as s:
                mark = s.wait(b.text)
            runs.setdefault((name, cpu, b.name, e.name), []).append({**vars(mark), "code": 0, "digest": ""})


def machines(a):
    """The machine of each guest, its image made; with the native side where one is wanted."""
    for name in a.guest or CPUS:
        base = debian_machine(name)
        native = versions = None
        if a.workloads:
            config = image.apt_config(base)
            root, versions = image.make_root(base.arch, config, a.workloads, a.scale)
            initrd, digest = image.make_initrd(base, root)
            versions = {"packages": versions, "initrd_sha256": digest}
            if a.native:
                host_root, host_versions = image.make_root("amd64", image.apt_config_native(base), a.workloads, a.scale)
                native = image.Native(host_root)
                versions["native_packages"] = host_versions
            base = base.altered(initrd=initrd, append=f"{base.append} {APPEND}")
        for cpu in a.cpu or CPUS[name]:
            yield base.altered(cpu=cpu), native, versions


# --- what came out ---


def ratio(ours, theirs, what="wall"):
    """Median and half range of the ratio of times, paired by repetition."""
    pairs = [x[what] / y[what] for x, y in zip(ours, theirs)]
    return {"median": median(pairs), "spread": spread(pairs)}


def summarise(runs, host_insns):
    """One row a workload: medians, and ratios to the others. host_insns: by guest, CPU model and workload."""
    groups = {w.name: w.group for w in [*WORKLOADS, *BOOTS]}
    rows = []
    for (guest, cpu, name, emulator), single in runs.items():
        if not emulator.startswith("mirrorball"):
            continue
        row = {"guest": guest, "cpu": cpu, "group": groups[name], "name": name, "emulator": emulator,
               "host_insns": host_insns.get((guest, cpu, name)),
               "counters": {k: median([r["counters"][k] for r in single]) for k in single[0].get("counters", {})}}
        for side in emulator, "qemu", "native":
            theirs = runs.get((guest, cpu, name, side))
            if theirs:
                row["mirrorball" if side == emulator else side] = {
                    "wall": median([r["wall"] for r in theirs]), "spread": spread([r["wall"] for r in theirs]),
                    "cpu": median([r["cpu"] for r in theirs]), "insns": median([r["insns"] for r in theirs]),
                    "rss_kib": max(r["rss_kib"] for r in theirs)}
        for side in "qemu", "native":
            theirs = runs.get((guest, cpu, name, side))
            row[f"to_{side}"] = ratio(single, theirs) if theirs else None
        qemu, native = runs.get((guest, cpu, name, "qemu")), runs.get((guest, cpu, name, "native"))
        row["qemu_to_native"] = ratio(qemu, native) if qemu and native else None
        row["to_qemu_cpu"] = ratio(single, qemu, "cpu") if qemu else None
        rows.append(row)
    return sorted(rows, key=lambda r: (r["guest"], r["cpu"], GROUPS.index(r["group"])))


RATIOS = ["to_qemu", "to_qemu_cpu", "to_native", "qemu_to_native"]


def means(rows):
    """Geometric means of the ratios by guest, CPU model and group, and over all groups that have one."""
    rows = [r for r in rows if r["group"] != ALSO]
    out = []
    for guest, cpu in dict.fromkeys((r["guest"], r["cpu"]) for r in rows):
        for group in [*GROUPS, "all"]:
            some = [r for r in rows if (r["guest"], r["cpu"]) == (guest, cpu) and group in (r["group"], "all")]
            if some:
                out.append({"guest": guest, "cpu": cpu, "group": group, "count": len(some), **{
                    k: geometric_mean([r[k]["median"] for r in some if r[k]]) for k in RATIOS}})
    return out


def side_cells(side):
    if not side:
        return ["-", "-"]
    return [f"{number(side['wall'], '.3f')} +-{side['spread'] * 100:.0f} %", number(side["cpu"], ".3f")]


def print_report(rows):
    heads = ["mirrorball s", "CPU s", "M insns", "M/s", "host/guest", "tlbwr", "qemu s", "CPU s", "native s", "CPU s",
             "x qemu", "+-", "x CPU", "x native", "qemu x native"]
    lines, last = [], None
    for r in rows:
        place = (r["guest"], r["cpu"], r["group"])
        if place != last:
            lines += [[], [" ".join(place), *heads]]
            last = place
        ours, to_qemu = r["mirrorball"], r["to_qemu"] or {}
        lines.append([f"  {r['name']}", *side_cells(ours), number(ours["insns"] / 1e6, ",.0f"),
                      number(speed(ours), ",.0f"), number(r["host_insns"], ".2f"),
                      number(r["counters"].get("tlbwr"), ",.0f"), *side_cells(r.get("qemu")),
                      *side_cells(r.get("native")), number(to_qemu.get("median"), ".2f"),
                      number(to_qemu.get("spread", 0) * 100 if to_qemu else None, ".0f"),
                      *(number((r[k] or {}).get("median"), f) for k, f in zip(RATIOS[1:], [".2f", ".1f", ".1f"]))])
    table(lines[1:])
    print()
    table([["geometric means of ratios", "count", "x qemu", "x CPU", "x native", "qemu x native"],
           *([f"{m['guest']} {m['cpu']} {m['group']}", str(m["count"]), number(m["to_qemu"], ".2f"),
              number(m["to_qemu_cpu"], ".2f"), number(m["to_native"], ".1f"), number(m["qemu_to_native"], ".1f")]
             for m in means(rows))])


def judge(runs):
    """1, having said why, when a workload failed or two sides disagree on its output."""
    bad, seen = 0, {}
    targets = {w.name for w in WORKLOADS if w.target_output}
    for (guest, cpu, name, emulator), single in runs.items():
        for r in single:
            if r["code"]:
                say(f"{guest} {cpu}: {name} on {emulator} ended with code {r['code']}:\n{r['said']}")
                bad = 1
                break
            where = (name, guest if name in targets else "", emulator == "native" and name in targets)
            first = seen.setdefault(where, (r["digest"], f"{guest} {cpu} on {emulator}"))
            if r["digest"] != first[0]:
                say(f"{name}: {guest} {cpu} on {emulator} gave another output than {first[1]}")
                bad = 1
                break
    return bad


def work():
    a = arguments()
    if a.list:
        table([["NAME", "GROUP", "COMMAND"], *([w.name, w.group, w.script(a.scale)] for w in a.workloads),
               *([b.name, b.group, f"boot of {b.guest} to {b.text!r}"] for b in a.boots)])
        return 0
    runs, host_insns, made, sessions, interrupted = {}, {}, list(machines(a)), [], False
    sides, each = 1 + bool(a.vs), len(a.workloads)
    steps = a.runs * (each * (sides + a.native) + len(a.boots) * sides) + each * a.host_insns
    progress = Progress(max(1, len(made) * steps))
    try:
        for machine, native, _ in made:
            if a.workloads:
                sessions.append(run_suite(machine, a, native, progress, runs))
                if a.host_insns:
                    count_host_insns(machine, a, progress, host_insns)
            run_boots(machine.guest, machine.cpu, a, progress, runs)
    except KeyboardInterrupt:
        interrupted = True
        say("interrupted; this is what there is so far")
    progress.end()
    rows = summarise(runs, host_insns)
    if rows:
        print_report(rows)
        for s in filter(None, sessions):
            print(f"mirrorball's session on {s['cpu']}: {s['instructions'] / 1e6:,.0f} M instructions, "
                  f"{s['tlb_refills']:,} TLB refills, {s['tlbwr']:,} tlbwr")
    data = {"host": host_description(), "when": time.strftime("%Y-%m-%d %H:%M"), "scale": a.scale,
            "versions": [e.version() for e in [Mirrorball(), *([Qemu(made[0][0].arch)] if a.vs else [])]],
            "machines": [{**vars(m), "image": v} for m, _, v in made], "sessions": sessions,
            "rows": rows, "means": means(rows),
            "runs": [{"guest": g, "cpu": c, "name": n, "emulator": e, "runs": r} for (g, c, n, e), r in runs.items()]}
    if a.json:
        write_json(a.json, data)
    if a.html:
        Path(a.html).write_text(page.render(data))
    return 130 if interrupted else judge(runs)


if __name__ == "__main__":
    main(work)
