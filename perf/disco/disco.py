# perf/disco/disco.py: the paper's workloads in Debian guests: makes the disk they run from, runs the experiments, reports.
# SPDX-License-Identifier: Apache-2.0
import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import image  # noqa: E402
import modes  # noqa: E402
from measure import MADE, TOP, Trouble, debian_machine, mirrorball, say  # noqa: E402

GUEST, PACKAGES = "debian-generic32", ["gcc", "libc6-dev", "make", "iverilog", "sqlite3"]
FOLDERS = "pmake", "engineering", "database"
SPLASH, DISK_MIB = TOP / "guests" / "splash", 320
ABOUT = """Makes build/perf/disco.ext4, a disk with Debian's gcc and make and the workloads, if it is not there, then runs the
experiments of perf/disco/*.experiment that are named (all), which go on where they were broken off, and writes a page.
Everything is the same each time, whatever the host does meanwhile; docs/experiments.md has what came of it.

modes: pmake, engineering, raytrace and database by one vcpu, as if its kernel owned the machine, trapping, and translated
(mirrorball compare), from a checkpoint behind the boot: a table beside the paper's Fig. 5."""


def splash(root):
    """The parallel programs of guests/splash, for Linux's threads."""
    compiler = image.COMPILERS["mipsel"]
    for program in "raytrace", "radix":
        sources = [str(SPLASH / name) for name in ("host.c", "words.c", f"{program}.c")]
        image.run([compiler, "-O2", "-static", "-ffp-contract=off", "-pthread", *image.FLAGS["mipsel"].split(), *sources,
                   "-o", str(root / "bench" / program), "-lm"], f"building {program}")


def memsys(root):
    """The simulator of a memory system that engineering runs beside Icarus Verilog."""
    image.run([image.COMPILERS["mipsel"], "-O2", "-static", *image.FLAGS["mipsel"].split(),
               str(HERE / "engineering" / "memsys.c"), "-o", str(root / "bench" / "memsys")], "building memsys")


def make_disk(to):
    """An ext4 file system, the same bytes each time but for the packages' versions."""
    machine = debian_machine(GUEST)
    root = MADE / "root-disco"
    shutil.rmtree(root, ignore_errors=True)
    for folder in "bin", "dev", "proc", "tmp", "bench":
        (root / folder).mkdir(parents=True, exist_ok=True)
    for deb in image.fetch(image.apt_config(machine), machine.arch, PACKAGES):
        image.run(["dpkg-deb", "-x", str(deb), str(root)], "unpacking")
    for folder in image.DROPPED:
        shutil.rmtree(root / folder, ignore_errors=True)
    shutil.copy(Path(machine.kernel).parent / "busybox", root / "bin/busybox")
    (root / "bin/busybox").chmod(0o755)
    for applet in "sh", "cat", "seq", "sed", "echo", "true":
        if not (root / "bin" / applet).exists():
            (root / "bin" / applet).symlink_to("busybox")
    splash(root)
    shutil.copy(HERE / "driver", root / "bench/driver")
    memsys(root)
    for folder in FOLDERS:
        shutil.copytree(HERE / folder, root / "bench" / folder)
    for source in list(image.SOURCES.glob("*.[ch]")):
        shutil.copy(source, root / "bench/pmake" / source.name)
    say("making the disk")
    new = to.with_suffix(".new")
    new.unlink(missing_ok=True)
    image.run(["mke2fs", "-q", "-F", "-t", "ext4", "-b", "4096", "-m", "0", "-U", "6d697272-6f72-4261-8c6c-000000000001",
               "-E", "hash_seed=6d697272-6f72-4261-8c6c-000000000002", "-d", str(root), str(new), f"{DISK_MIB}M"],
              "making the disk", env=os.environ | {"E2FSPROGS_FAKE_TIME": "1704067200"})
    new.rename(to)


def ready_disk(anew):
    """The disk, made if it is not there, or is older than what it is made of."""
    disk, sources = MADE / "disco.ext4", [HERE / "driver", *(p for folder in FOLDERS for p in (HERE / folder).iterdir())]
    if anew or not disk.exists() or disk.stat().st_mtime < max(p.stat().st_mtime for p in sources):
        make_disk(disk)
    return disk


def main():
    own = sorted(p.stem for p in HERE.glob("*.experiment"))
    parser = argparse.ArgumentParser(prog="perf/disco/run", description=ABOUT, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("experiments", nargs="*", metavar="EXPERIMENT", help=f"of {', '.join(own)}; or modes")
    parser.add_argument("--db", default=str(MADE / "disco.db"), help="where results are kept (%(default)s)")
    parser.add_argument("--html", default=str(MADE / "disco.html"), help="the page (%(default)s)")
    parser.add_argument("--jobs", help="runs at a time (as many as the host has cpus)")
    parser.add_argument("--disk", action="store_true", help="make the disk anew")
    parser.add_argument("--repeat", type=int, default=3, metavar="N", help="modes: runs in each mode, by turns (3)")
    parser.add_argument("--only", metavar="WORKLOAD", action="append", choices=modes.WORKLOADS,
                        help="modes: this one; may be repeated")
    a = parser.parse_args()
    if a.experiments == ["modes"]:
        MADE.mkdir(parents=True, exist_ok=True)
        return modes.measure(a.only or list(modes.WORKLOADS), a.repeat, ready_disk(a.disk))
    for name in a.experiments:
        if name not in own:
            raise Trouble(f"there is no experiment {name}: {', '.join(own)}")
    MADE.mkdir(parents=True, exist_ok=True)
    ready_disk(a.disk)
    code = 0
    for name in a.experiments or own:
        command = [mirrorball(), "numa", str(HERE / f"{name}.experiment"), "--db", a.db]
        code = max(code, subprocess.run(command + (["--jobs", a.jobs] if a.jobs else []), cwd=TOP).returncode)
    if code < 2:
        code = max(code, subprocess.run([mirrorball(), "report", a.db, "--html", a.html]).returncode)
        say(f"the page is {a.html}")
    return code


try:
    sys.exit(main())
except Trouble as t:
    say(t)
    sys.exit(2)
