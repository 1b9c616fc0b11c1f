# perf/loop.py: guest instructions a second on two plain loops (perf/loop.S), beside QEMU. Run perf/loop.
# SPDX-License-Identifier: Apache-2.0
import argparse
import re
import subprocess

from measure import (MADE, TOP, Machine, Mirrorball, Progress, Qemu, Session, Trouble, host_description, main, median,
                     say, speed, spread, table, write_json)

HELP = """Runs two plain loops on the bare machine (no operating system, kseg0, no interrupts) and prints how many guest
instructions a second mirrorball and QEMU execute: arithmetic in registers, and loads, stores and a call."""
MORE = """examples:
  perf/loop                                 32- and 64-bit CPU models, three runs each: half a minute
  perf/loop --tier eval --at-least 100      exit code 1 unless every loop reaches 100 million a second
  perf/loop --count 100M                    longer loops, for faster tiers

The loops are perf/loop.S. A loop's instructions are counted by mirrorball and held against what the source has; QEMU
runs the same program. Speeds are of wall time, or of CPU seconds where those are fewer (a busy host).
Exit codes: 0; 1 when --at-least is missed; 2 when something is missing."""

TARGETS = {"24Kf": ("mipsel", "mipsel-linux-gnu-gcc", ["-mabi=32", "-march=mips32r2"]),
           "MIPS64R2-generic": ("mips64el", "mips64el-linux-gnuabi64-gcc", ["-mabi=64", "-march=mips64r2", "-msym32"])}
LETTERS = "ABC"  # what the program prints before, between and after its loops


def arguments():
    p = argparse.ArgumentParser(prog="perf/loop", description=HELP, epilog=MORE,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--cpu", action="append", choices=TARGETS, help="CPU model; may be repeated (both)")
    p.add_argument("--runs", type=int, default=3, metavar="N", help="times each is run (3)")
    p.add_argument("--count", default="40M", metavar="N", help="times round each loop (40M)")
    p.add_argument("--tier", help="mirrorball's tier (auto)")
    p.add_argument("--no-qemu", action="store_true", help="mirrorball alone")
    p.add_argument("--at-least", type=float, metavar="M", help="million guest instructions a second")
    p.add_argument("--json", metavar="FILE", help="write all runs as JSON")
    a = p.parse_args()
    number = re.fullmatch(r"(\d+)([kM]?)", a.count)
    if a.runs < 1 or not number:
        p.error("--runs and --count want a number of at least 1")
    a.count = int(number[1]) * {"": 1, "k": 1000, "M": 1000000}[number[2]]
    if not 0 < a.count < 1 << 31:
        p.error("--count: at most 2147M")
    return a


def build(cpu, count):
    """The program for a CPU model, and the loops in it: name and instructions in an iteration."""
    arch, compiler, flags = TARGETS[cpu]
    source = TOP / "perf" / "loop.S"
    MADE.mkdir(parents=True, exist_ok=True)
    program = MADE / f"loop-{arch}"
    command = [compiler, *flags, "-mno-abicalls", "-fno-pic", "-G0", "-nostdlib", "-static", f"-DN={count}",
               "-Wl,--build-id=none", f"-Wl,-T,{TOP}/guests/bare/link.ld", str(source), "-o", str(program)]
    try:
        if subprocess.run(command).returncode:
            raise Trouble("perf/loop.S does not build (above)")
    except FileNotFoundError:
        raise Trouble(f"there is no {compiler}: apt-get install gcc-{compiler.removesuffix('-gcc')}")
    loops = [(name, int(n)) for name, n in re.findall(r"#: (\w+) (\d+)", source.read_text())]
    return Machine(cpu, arch, cpu, 64, str(program)), loops


def run(emulator, machine, loops, count):
    """One run; seconds by loop."""
    with Session(emulator, machine, timeout=300) as session:
        marks = [session.wait(letter + "\n") for letter in LETTERS[:len(loops) + 1]]
    result = {}
    for (name, insns), a, b in zip(loops, marks, marks[1:]):
        if a.insns is not None and not 0 <= b.insns - a.insns - insns * count < 1000:
            raise Trouble(f"loop {name} took {b.insns - a.insns} instructions, but its source has {insns} x {count}")
        result[name] = {"wall": b.wall - a.wall, "cpu": b.cpu - a.cpu, "insns": insns * count}
    return result


def measure(a):
    built = [build(cpu, a.count) for cpu in a.cpu or TARGETS]
    jobs = [(m, loops, e) for m, loops in built
            for e in [Mirrorball(a.tier), *([] if a.no_qemu else [Qemu(m.arch)])]]
    progress, runs = Progress(len(jobs) * a.runs), {}
    for i in range(a.runs):
        for m, loops, emulator in jobs if i % 2 == 0 else reversed(jobs):
            progress.step(f"{m.cpu} on {emulator.name}")
            for name, single in run(emulator, m, loops, a.count).items():
                runs.setdefault((m.cpu, name, emulator.name), []).append(single)
    progress.end()
    return dict(sorted(runs.items()))


def work():
    a = arguments()
    runs, rows, missed = measure(a), [["cpu", "loop", "emulator", "M insns/s", "+-", "of qemu's"]], 0
    for (cpu, name, emulator), single in runs.items():
        speeds = [speed(r) for r in single]
        peer = runs.get((cpu, name, "qemu"))
        ratio = median(speeds) / median([speed(r) for r in peer]) if peer else None
        rows.append([cpu, name, emulator, f"{median(speeds):,.0f}", f"{spread(speeds) * 100:.0f} %",
                     f"{ratio:.2f}" if ratio else ""])
        if emulator != "qemu" and a.at_least and median(speeds) < a.at_least:
            say(f"{cpu}, {name}: {median(speeds):.0f} million instructions a second, wanted {a.at_least:.0f}")
            missed = 1
    table(rows)
    if a.json:
        write_json(a.json, {"host": host_description(), "mirrorball": Mirrorball().version(), "count": a.count,
                            "runs": [{"cpu": c, "loop": n, "emulator": e, "runs": r} for (c, n, e), r in runs.items()]})
    return missed


if __name__ == "__main__":
    main(work)
