# perf/image.py: what the workloads run in: Debian packages and cross-built programs, as an initramfs or a native root.
# SPDX-License-Identifier: Apache-2.0
import gzip
import hashlib
import os
import shlex
import shutil
import stat
import subprocess
from pathlib import Path

from measure import MADE, TOP, Trouble, say

SOURCES = TOP / "perf" / "workloads"
COMPILERS = {"mipsel": "mipsel-linux-gnu-gcc", "mips64el": "mips64el-linux-gnuabi64-gcc", "amd64": "gcc"}
FLAGS = {"mipsel": "-mips32r2 -mabi=32", "mips64el": "-mips64r2 -mabi=64", "amd64": "-m64"}  # also for the guest's cc1
DROPPED = ["usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/info", "usr/share/lintian",
           "usr/share/doc-base"]


def run(command, what, **more):
    """A command that must work; its output only when it does not."""
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                              text=True, **more)
    except FileNotFoundError:
        raise Trouble(f"{what}: there is no {command[0]}: install what .ci/packages names (perf, guest)")
    if done.returncode:
        raise Trouble(f"{what} failed: {shlex.join(command)}\n" + "\n".join(done.stdout.splitlines()[-8:]))
    return done.stdout


# --- packages ---


def apt_config(machine):
    """apt's configuration for the machine's architecture, as `mirrorball guests get` has left it beside the kernel."""
    config = Path(machine.kernel).parent.parent / f"apt-{machine.arch}" / "apt.conf"
    if not config.exists():
        raise Trouble(f"there is no {config}: mirrorball guests get {machine.guest} --refresh")
    return config


def apt_config_native(machine):
    """The same archive and suite for amd64."""
    theirs = apt_config(machine).parent
    ours = MADE / "apt-amd64"
    for folder in "lists/partial", "cache/archives/partial", "empty":
        (ours / folder).mkdir(parents=True, exist_ok=True)
    for name in "apt.conf", "debian.sources", "preferences", "status":
        text = (theirs / name).read_text()
        (ours / name).write_text(text.replace(str(theirs), str(ours)).replace(f'"{machine.arch}"', '"amd64"'))
    if not any((ours / "lists").glob("*Packages*")):
        say("reading Debian's package lists for amd64")
        run(["apt-get", "update"], "apt-get update", env=os.environ | {"APT_CONFIG": str(ours / "apt.conf")})
    return ours / "apt.conf"


def fetch(config, arch, packages):
    """Download packages with all they depend on; the .deb files."""
    env = os.environ | {"APT_CONFIG": str(config), "LC_ALL": "C"}
    folder = MADE / f"debs-{arch}"
    (folder / "partial").mkdir(parents=True, exist_ok=True)
    command = ["apt-get", "-o", f"Dir::Cache::archives={folder}", "-y", "--no-install-recommends"]
    listed = run([*command, "--print-uris", "install", *packages], "resolving packages", env=env)
    # What is here already is not listed, so the simulation names the packages and versions.
    planned = run([*command, "-s", "install", *packages], "resolving packages", env=env)
    wanted = [(w[1], w[2].strip("(")) for w in map(str.split, planned.splitlines()) if w and w[0] == "Inst"]
    if any(line.startswith("'") for line in listed.splitlines()):
        say(f"fetching {', '.join(packages)} for {arch}")
        run([*command, "-d", "install", *packages], "fetching packages", env=env)
    debs = []
    for name, version in wanted:
        found = list(folder.glob(f"{name}_{version.replace(':', '%3a')}_*.deb"))
        if not found:
            raise Trouble(f"apt did not fetch {name} {version} for {arch}")
        debs += found
    return debs


# --- a root folder ---


def compile_programs(arch, bench):
    compiler = COMPILERS[arch]
    flags = FLAGS[arch].split()
    (bench / "i").mkdir()
    (bench / "i" / "flags").write_text(FLAGS[arch] + "\n")
    for source in sorted(SOURCES.glob("*.c")):
        run([compiler, "-O2", "-static", *flags, str(source), "-o", str(bench / source.stem), "-lm"], "building")
        run([compiler, "-O2", *flags, "-E", "-P", str(source), "-o", str(bench / "i" / f"{source.stem}.i")], "building")


def make_root(arch, config, workloads, scale):
    """A folder with the packages and programs of these workloads; the packages' versions."""
    root = MADE / f"root-{arch}"
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    packages = sorted({p for w in workloads for p in w.packages} | ({"busybox-static"} if arch == "amd64" else set()))
    debs = fetch(config, arch, packages) if packages else []
    for deb in debs:
        run(["dpkg-deb", "-x", str(deb), str(root)], "unpacking")
    for folder in DROPPED:
        shutil.rmtree(root / folder, ignore_errors=True)
    bench = root / "bench"
    (bench / "jobs").mkdir(parents=True)
    compile_programs(arch, bench)
    for f in SOURCES.iterdir():
        if f.suffix not in (".c", ".h"):
            shutil.copy(f, bench / f.name)
    for w in workloads:
        (bench / "jobs" / w.name).write_text(w.script(scale) + "\n")
    names = [d.name.split("_") for d in debs]
    return root, {n[0]: n[1].replace("%3a", ":") for n in names}


# --- as an initramfs ---


def cpio_entry(out, number, name, mode, data):
    header = [number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0]
    out.write(b"070701" + "".join(f"{v:08x}" for v in header).encode())
    for part in name.encode() + b"\0", data:
        out.write(part)
        size = 110 + len(part) if part is not data else len(part)
        out.write(bytes(-size % 4))


def make_initrd(machine, root):
    """The guest's own initramfs with the root folder behind it: the kernel unpacks one after the other."""
    out_path = MADE / f"initrd-{machine.arch}"
    base = Path(machine.initrd).read_bytes()
    with open(out_path, "wb") as raw:
        raw.write(base + bytes(-len(base) % 512))
        with gzip.GzipFile(filename="", fileobj=raw, mode="wb", compresslevel=6, mtime=0) as out:
            for i, path in enumerate(sorted(root.rglob("*"))):
                st = path.lstat()
                data = os.readlink(path).encode() if stat.S_ISLNK(st.st_mode) else \
                    path.read_bytes() if stat.S_ISREG(st.st_mode) else b""
                cpio_entry(out, i + 1, str(path.relative_to(root)), st.st_mode, data)
            cpio_entry(out, 0, "TRAILER!!!", 0, b"")
    return str(out_path), hashlib.sha256(out_path.read_bytes()).hexdigest()


# --- as a place to run natively ---


class Native:
    """The amd64 build of the same, in a root folder of its own. Stands where an emulator does."""
    name = "native"
    children_count = True

    def __init__(self, root):
        self.root = root
        (root / "bin").mkdir(exist_ok=True)
        for folder in "dev", "proc", "tmp":
            (root / folder).mkdir(exist_ok=True)
        busybox = next(p for p in (root / "bin/busybox", root / "usr/bin/busybox") if p.exists())
        for applet in run([str(busybox), "--list"], "busybox").split():
            link = root / "bin" / applet
            if not link.exists() and not link.is_symlink():
                link.symlink_to("busybox" if busybox.parent.name == "bin" else "/usr/bin/busybox")

    def argv(self, _):
        enter = ('mount --rbind /dev "$1/dev" && mount -t proc proc "$1/proc" && mount -t tmpfs tmpfs "$1/tmp" &&'
                 ' PATH=/bin:/sbin HOME=/ exec chroot "$1" /bin/sh /bench/driver')
        return ["setarch", "-R", "unshare", "--user", "--map-root-user", "--mount", "--pid", "--fork", "--kill-child",
                "sh", "-c", enter, "sh", str(self.root)]
