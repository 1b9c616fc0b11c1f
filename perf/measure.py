# perf/measure.py: guests, emulators, and what a host can see of a run: console marks, time, memory, counts.
# SPDX-License-Identifier: Apache-2.0
"""Everything is timed from outside: an emulator's console is read through a pipe, and when an awaited text shows up
the host's clock, the emulator's CPU time and memory are noted. The guest's own clock is never believed."""
import json
import math
import os
import selectors
import shutil
import signal
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
BUILD = TOP / "build"
MADE = BUILD / "perf"  # what is made for measuring: programs, images


class Trouble(Exception):
    """Something is missing or went wrong; its text says what and what to do. Ends the program with code 2."""


def say(text):
    print(f"perf/{Path(sys.argv[0]).stem}: {text}", file=sys.stderr, flush=True)


class Progress:
    """One line on stderr: what is running, how much is done, how long the rest may take."""

    def __init__(self, total):
        self.total, self.done, self.begun, self.shown = total, 0, time.monotonic(), 0.0

    def step(self, what, share=1):
        """`what` begins; it is `share` of the total."""
        passed = time.monotonic() - self.begun
        left = f", about {passed / self.done * (self.total - self.done):.0f} s left" if self.done else ""
        line = f"perf/{Path(sys.argv[0]).stem}: {self.done * 100 // self.total} % {what}{left}"
        if sys.stderr.isatty():
            print(f"\r{line}\033[K", end="", file=sys.stderr, flush=True)
        elif not self.shown or passed - self.shown > 10:
            print(line, file=sys.stderr, flush=True)
            self.shown = passed
        self.done += share

    def end(self):
        if sys.stderr.isatty():
            print("\r\033[K", end="", file=sys.stderr, flush=True)


# --- what is run ---


@dataclass
class Machine:
    """What both emulators are given. The same for both, or the numbers mean nothing."""
    guest: str  # its name in tables
    arch: str   # as Debian calls it
    cpu: str
    mem_mib: int
    kernel: str
    initrd: str | None = None
    append: str = ""

    def altered(self, **changes):
        return replace(self, **changes)


def mirrorball():
    program = BUILD / "mirrorball"
    if not program.exists():
        raise Trouble("there is no build/mirrorball: cmake --preset release && ninja -C build")
    return str(program)


def debian_machine(name):
    """One of mirrorball's guests by name, fetched if need be."""
    if subprocess.run([mirrorball(), "guests", "get", name], stdout=subprocess.DEVNULL).returncode:
        raise Trouble(f"the guest {name} cannot be had (above)")
    rows = json.loads(subprocess.run([mirrorball(), "guests", "list", "--json"], stdout=subprocess.PIPE,
                                     check=True).stdout)
    row = next(r for r in rows if r["name"] == name)
    return Machine(name, row["arch"], row["cpu"], row["mem_mib"], row["kernel"], row.get("initrd"), row["append"])


class Mirrorball:
    name = "mirrorball"

    def __init__(self, tier=None, stats=None, boot_store=None):
        self.program, self.tier, self.stats = mirrorball(), tier, stats  # stats: a file, written at the end
        self.boot_store = boot_store  # where booted machines are kept; None: nowhere
        if tier:
            self.name = f"mirrorball-{tier}"

    def version(self):
        return subprocess.run([self.program, "--version"], stdout=subprocess.PIPE, text=True).stdout.strip()

    def argv(self, m):
        argv = [self.program, "run", "--kernel", m.kernel, "--cpu", m.cpu, "--mem", f"{m.mem_mib}M", "--timestamps"]
        argv += ["--initrd", m.initrd] if m.initrd else []
        argv += ["--append", m.append] if m.append else []
        argv += ["--stats", str(self.stats)] if self.stats else []
        argv += ["--boot-store", self.boot_store] if self.boot_store else []
        return argv + (["--tier", self.tier] if self.tier else [])


class Callgrind(Mirrorball):
    """mirrorball under valgrind, which counts host instructions where it is told to."""

    def __init__(self, tier, folder):
        super().__init__(tier)
        self.valgrind, self.folder = shutil.which("valgrind"), Path(folder)
        if not self.valgrind:
            raise Trouble("there is no valgrind: apt-get install valgrind")

    def argv(self, m):
        return [self.valgrind, "-q", "--tool=callgrind", "--instr-atstart=no", "--smc-check=all",
                "--vex-iropt-register-updates=allregs-at-mem-access",  # regions go on after a fault
                f"--callgrind-out-file={self.folder}/out", *super().argv(m)]

    def control(self, pid, *what):
        subprocess.run(["callgrind_control", *what, str(pid)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                       check=True)

    def begin(self, pid):
        self.control(pid, "-z")
        self.control(pid, "-i", "on")

    def end(self, pid):
        """Host instructions since begin()."""
        self.control(pid, "-d")
        self.control(pid, "-i", "off")
        newest = max(self.folder.glob("out.*"), key=lambda p: int(p.suffix[1:]))
        return int(newest.read_text().split("summary:")[1].split()[0])


class Qemu:
    name = "qemu"

    def __init__(self, arch, plugin=None):
        self.short = f"qemu-system-{arch}"
        self.program, self.plugin = shutil.which(self.short), plugin
        if not self.program:
            raise Trouble(f"there is no {self.short}: apt-get install qemu-system-mips")

    def version(self):
        return subprocess.run([self.program, "--version"], stdout=subprocess.PIPE, text=True).stdout.splitlines()[0]

    def argv(self, m):
        argv = [self.program, "-M", "malta", "-cpu", m.cpu, "-m", str(m.mem_mib), "-nodefaults", "-nographic",
                "-serial", "stdio", "-no-reboot", "-kernel", m.kernel]
        argv += ["-initrd", m.initrd] if m.initrd else []
        argv += ["-append", m.append] if m.append else []
        return argv + (["-plugin", self.plugin.option()] if self.plugin else [])


class CountPlugin:
    """QEMU's count of guest instructions, through perf/count-plugin.c and a shared file."""

    def __init__(self, qemu_program):
        self.file = MADE / f"count.{os.getpid()}"
        self.library = self._build(qemu_program)

    def _build(self, qemu_program):
        MADE.mkdir(parents=True, exist_ok=True)
        source = TOP / "perf" / "count-plugin.c"
        for version in range(1, 10):  # each QEMU takes a range of interface versions; what we use is in all
            library = MADE / f"count-plugin-{version}.so"
            command = ["cc", "-O2", "-Wall", "-shared", "-fPIC", f"-DVERSION={version}", str(source), "-o", str(library)]
            if subprocess.run(command).returncode:
                raise Trouble("perf/count-plugin.c does not build (above)")
            probe = [qemu_program, "-M", "none", "-display", "none", "-monitor", "stdio", "-plugin",
                     f"{library},count=/dev/null"]
            if not subprocess.run(probe, input=b"quit\n", stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL).returncode:
                return library
        raise Trouble("this QEMU takes no plugins: run without counting its instructions")

    def option(self):
        self.file.write_bytes(bytes(8))
        return f"{self.library},count={self.file}"

    def count(self):
        return int.from_bytes(self.file.read_bytes()[:8], sys.byteorder)

    def close(self):
        self.file.unlink(missing_ok=True)


# --- running it ---


@dataclass
class Mark:
    """The moment the console showed a text. Seconds since the emulator was started."""
    wall: float
    cpu: float            # of the emulator, all its threads
    rss_kib: int          # the most it has had so far
    insns: int | None     # guest instructions, where the emulator tells


@dataclass
class Session:
    """A running emulator. Use as a context manager: it is gone at the end, whatever happens."""
    emulator: object
    machine: Machine
    timeout: float = 600.0
    text: bytes = b""
    _at: int = field(default=0, repr=False)

    def __enter__(self):
        self.begun = time.monotonic()
        self.process = subprocess.Popen(self.emulator.argv(self.machine), stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.process.stdout, selectors.EVENT_READ)
        return self

    def __exit__(self, *_):
        self.selector.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

    def type(self, keys):
        self.process.stdin.write(keys.encode())
        self.process.stdin.flush()

    def read(self):
        """Wait for more of the console; False when there will be none."""
        left = self.begun + self.timeout - time.monotonic()
        if left <= 0 or not self.selector.select(left):
            raise Trouble(f"{self.emulator.name}: {self.machine.guest} took longer than {self.timeout:.0f} s; "
                          f"it last said:\n{self.tail()}")
        chunk = os.read(self.process.stdout.fileno(), 1 << 16)
        self.text += chunk
        return bool(chunk)

    def tail(self, lines=12):
        return "\n".join("    " + line for line in self.text.decode("utf-8", "replace").splitlines()[-lines:])

    def wait(self, text):
        """Wait until the console shows `text`, behind what was awaited before."""
        text = text.encode()
        while (found := self.text.find(text, self._at)) < 0:
            if not self.read():
                raise Trouble(f"{self.emulator.name}: {self.machine.guest} ended before it showed {text.decode()!r}; "
                              f"it last said:\n{self.tail()}")
        mark = self._mark(found)
        self._at = found + len(text)
        return mark

    def _mark(self, at):
        wall = time.monotonic() - self.begun
        pid = self.process.pid
        try:
            cpu = self._cpu(pid)
            status = Path(f"/proc/{pid}/status").read_text()
            rss = int(status.split("VmHWM:")[1].split()[0])
        except (OSError, IndexError):  # it has ended meanwhile
            cpu, rss = math.nan, 0
        return Mark(wall, cpu, rss, self._insns(at))

    def _cpu(self, pid):
        if not getattr(self.emulator, "children_count", False):
            return time.clock_gettime((~pid << 3) | 2)  # the CPU clock of a process: clock_getcpuclockid(3)
        return sum(ticks for _, ticks in family(pid)) / os.sysconf("SC_CLK_TCK")

    def _insns(self, at):
        plugin = getattr(self.emulator, "plugin", None)
        if plugin:
            return plugin.count()
        line = self.text[self.text.rfind(b"\n", 0, at) + 1:at]
        if not isinstance(self.emulator, Mirrorball) or not line.startswith(b"["):
            return None
        return int(line[1:line.index(b"]")].split()[1])  # "[seconds instructions] text"

    def finish(self):
        """Let it run to its end."""
        while self.read():
            pass
        self.process.wait()


def family(pid):
    """A process and its descendants: (pid, clock ticks used by it and its children that have ended)."""
    stats = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            words = path.read_text().rsplit(")", 1)[1].split()
        except OSError:  # it has ended meanwhile
            continue
        stats[int(path.parent.name)] = int(words[1]), sum(map(int, words[11:15]))
    wanted = {pid}
    while more := {p for p, (parent, _) in stats.items() if parent in wanted} - wanted:
        wanted |= more
    return [(p, stats[p][1]) for p in wanted if p in stats]


# --- numbers ---


def speed(mark):
    """Million guest instructions a second. Of wall time, or of CPU time where that is less: when others use the host."""
    if mark["insns"] is None:
        return math.nan
    return mark["insns"] / 1e6 / min(mark["wall"], mark["cpu"] if mark["cpu"] > 0 else mark["wall"])


def number(value, form):
    return format(value, form) if value is not None and not math.isnan(value) else "-"


def median(values):
    values = [v for v in values if v is not None and not math.isnan(v)]
    return statistics.median(values) if values else math.nan


def spread(values):
    """Half the range, as a share of the median: how far single runs were off."""
    middle = median(values)
    return (max(values) - min(values)) / 2 / middle if middle else math.nan


def geometric_mean(values):
    values = [v for v in values if v and v > 0 and not math.isnan(v)]
    return math.exp(sum(map(math.log, values)) / len(values)) if values else math.nan


def table(rows, out=sys.stdout):
    """Print rows of cells, the first column left-aligned, the others right-aligned. An empty row is a blank line."""
    columns = max(map(len, rows))
    widths = [max((len(r[i]) for r in rows if len(r) > i), default=0) for i in range(columns)]
    for row in rows:
        cells = (c.ljust(w) if not i else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths)))
        print("  ".join(cells).rstrip(), file=out)


def host_description():
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    return f"{model}, {os.cpu_count()} CPUs, Linux {os.uname().release}"


def write_json(path, data):
    Path(path).write_text(json.dumps(data, indent=2) + "\n")


def main(work):
    """Run work() the way all programs here end: 0, 1 for a limit missed, 2 for trouble, 130 for Ctrl-C."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        sys.exit(work() or 0)
    except Trouble as e:
        say(str(e))
        sys.exit(2)
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w")
        sys.exit(1)
    except KeyboardInterrupt:
        say("interrupted")
        sys.exit(130)
