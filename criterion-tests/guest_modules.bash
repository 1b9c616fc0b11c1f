# criterion-tests/guest_modules.bash: functions and lines of modules that one of Debian's kernels loads, in coverage, exact
# profiles and the backtrace of a panic; compared with what the guest says itself, and with binutils on the debug files;
# sourced with `guest` set. With $MB_QUICK one tier is all.
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/guest.bash"
need_guest "${guest:?}"
need_e2fsprogs
"$program" guests get "$guest" --dbg >/dev/null || { echo "skipped: its debug information cannot be fetched"; exit 77; }
home=$(dirname "$kernel")
cd "$folder" || exit 1
mkdir -p files/sub && : >files/sub/file
ext4_image base 16M -d files

# The guest tells where its modules' functions and sections are.
# shellcheck disable=SC2016 # its shell is to expand that
commands='mount -t ext4 /dev/vda /mnt; ls /mnt/sub; dd if=/dev/zero of=/mnt/zeros bs=4k count=64; sync; umount /mnt;
cat /proc/modules; grep -F [ /proc/kallsyms;
for m in /sys/module/*/sections/.text; do echo section $m $(cat $m); done; echo told'
tell() { # tier options of run...
  timeout 900 "$program" run "$guest" --disk base,cow --tier "$1" --code-store store --stats "stats.$1" "${@:2}" \
    --type "# =>stty -echo; ${commands//$'\n'/ }; exit\n" </dev/null >console 2>err
}
tell auto
code=$?
check "$code: it is told: $(cat err) $(tail -3 console)" "$(grep -q '^told' console; echo $?)"
mv stats.auto stats.plain
tiers=(auto stencil)
[[ ${MB_QUICK-} ]] && tiers=(auto)
for tier in "${tiers[@]}"; do
  tell "$tier" --coverage "c.$tier.info" --coverage "c.$tier.json" --profile-exact "p.$tier.folded" --profile-exact "p.$tier.json" \
    --profile "s.$tier.folded" --profile-every 2000
  code=$?
  ((code == 2)) && continue # a build without this tier
  same=$([[ $(stat_of "stats.$tier" instructions) == "$(stat_of stats.plain instructions)" &&
    $(stat_of "stats.$tier" state_hash) == "$(stat_of stats.plain state_hash)" ]]; echo $?)
  check "$tier: exit $code, the run is the one that nobody watches: $(cat err)" "$same"
  cmp -s c.auto.info "c.$tier.info" && cmp -s c.auto.json "c.$tier.json" && cmp -s p.auto.folded "p.$tier.folded" &&
    cmp -s s.auto.folded "s.$tier.folded"
  held=$?
  check "$tier: counts and names are those of auto" $held
done

# Each function is where the guest's /proc/kallsyms has it; each that was entered has the line that addr2line finds.
cat >compare.py <<'END'
import collections, json, os, re, subprocess, sys
home, tool = sys.argv[1:]
text = open("console", errors="replace").read().replace("\r", "")
mask = 0xffffffff if re.search(r"^[0-9a-f]{8} \w ", text, re.M) else (1 << 64) - 1
there = {(n, m): set() for _, n, m in re.findall(r"^([0-9a-f]{8,16}) \w (\S+)\t\[(\w+)\]$", text, re.M)}
for a, n, m in re.findall(r"^([0-9a-f]{8,16}) \w (\S+)\t\[(\w+)\]$", text, re.M): there[n, m].add(int(a, 16))
base = {m.replace("-", "_"): int(a, 16) for m, a in re.findall(r"^section /sys/module/([^/]+)/sections/\.text 0x([0-9a-f]+)$", text, re.M)}
loaded = set(re.findall(r"^(\w+) \d+ \d+ .* Live 0x", text, re.M))
seen, wrong, entered = collections.Counter(), [], collections.defaultdict(dict)
for f in json.load(open("c.auto.json"))["functions"]:
    named = re.fullmatch(r"(\S+) \[(\w+)\]", f["name"])
    if not named: continue
    at = int(f["address"], 16) & mask
    seen[named[2]] += 1
    if at not in there.get(named.groups(), ()): wrong.append(f["name"])
    if f["entered"] and at >= base.get(named[2], 1 << 64): entered[named[2]][at] = f
print("functions", sum(seen.values()), "in", " ".join(sorted(seen)), "wrong:", *wrong)
assert not wrong and sum(seen.values()) > 200 and {"ext4", "jbd2", "virtio_blk", "virtio_ring"} <= set(seen) <= loaded

def sums(file, rows, key): # by name: some are in several files
    n = collections.Counter()
    for r in json.load(open(file))[rows]: n[r["name"]] += r[key] if "[" in r["name"][1:] else 0
    return +n
assert sums("p.auto.json", "code", "self") == sums("c.auto.json", "functions", "instructions")

lines, source = collections.defaultdict(dict), None
for l in open("c.auto.info"):
    if l.startswith("SF:"): source = os.path.basename(l[3:].strip())
    if l.startswith("DA:"):
        n, count = map(int, l[3:].split(","))
        lines[source][n] = max(count, lines[source].get(n, 0))
assert lines["super.c"] and lines["virtio_blk.c"]
if not tool: sys.exit()
checked, bad = 0, []
for module, functions in entered.items():
    ko = f"{home}/modules/{module}.ko"
    ask = "".join(f"{at - base[module]:x}\n" for at in functions)
    told = subprocess.run([tool, "-e", ko, "-j", ".text"], input=ask, capture_output=True, text=True).stdout.split("\n")
    for where, f in zip(told, functions.values()):
        place = re.match(r"(.*):(\d+)", where)
        if not place or place[2] == "0": continue # assembler, or code past .text
        checked += 1
        if lines[os.path.basename(place[1])].get(int(place[2]), 0) < f["entered"]: bad.append((where, f["name"], f["entered"]))
print("lines", checked, "wrong:", *bad)
assert checked > 200 and not bad
END
tool=mipsel-linux-gnu-addr2line
[[ $guest == *4kc || $guest == *32 ]] || tool=mips64el-linux-gnuabi64-addr2line
command -v $tool >/dev/null || tool=
python3 compare.py "$home" "$tool" >out 2>&1
held=$?
check "functions and lines are the guest's and binutils': $(tail -5 out)" $held
grep -q ';ext4_lookup_\[ext4\];' p.auto.folded && grep -q '^kernel;.*virtblk_done_\[virtio_blk\].* [0-9]*$' p.auto.folded
check "call paths go through modules" $?
grep -q '_\[ext4\]' s.auto.folded && grep -q '_\[jbd2\]' s.auto.folded
check "so do samples" $?

# A panic in a module: the kernel says itself in which line; a function of a module is called.
cat >panic.test <<'END'
guests = ["GUEST"];
quiet = true;
machine = { disk = "base,cow"; };
steps = (
  { run = "mount -t ext4 -o errors=panic /dev/vda /mnt"; },
  { call = "crc16"; args = (0, "123456789", 9); returns = 0xbb3d; }, # of CRC-16/ARC
  { disk-error = 0; on = "read"; },
  { run = "ls /mnt/sub"; }
);
END
sed -i "s/GUEST/$guest/" panic.test
timeout 900 "$program" test panic.test >out 2>err </dev/null
code=$?
line=$(sed -n 's/.*EXT4-fs error .*: __ext4_find_entry:\([0-9]*\):.*/\1/p' out)
check "exit $code: the kernel panics for its line $line: $(cat out err)" $((code != 1 || ${line:-0} == 0))
grep -qE " __ext4_find_entry\+0x[0-9a-f]+ \[ext4\] \(.*/fs/ext4/namei\.c:$line\)" out && grep -qE ' ext4_lookup\+.* \[ext4\] \(.*/fs/ext4/namei\.c:[0-9]+\)' out &&
  grep -qE ' __lookup_slow\+.* \(.*/fs/namei\.c:[0-9]+\)' out && grep -qE ' panic\+.* \(.*/kernel/panic\.c:[0-9]+\)' out
check "the backtrace names lines in modules, and goes on below them" $?
[[ ${MB_QUICK-} ]] && finish

# Functions of modules may be called, and must have been executed.
cat >covered.test <<END
guests = ["$guest"];
machine = { disk = "base,cow"; };
covered = ["ext4_lookup", "virtblk_done"];
steps = ( { run = "mount -t ext4 /dev/vda /mnt; ls /mnt/sub"; output = "file"; } );
END
timeout 900 "$program" test covered.test >out 2>err </dev/null
code=$?
check "ext4_lookup is covered: exit $code, $(cat out err)" $code
sed -i 's/ext4_lookup/ext4_rename/' covered.test
timeout 900 "$program" test covered.test >out 2>err </dev/null
code=$?
check "ext4_rename is not: exit $code, $(cat out err)" "$([[ $code == 1 ]] && grep -q ext4_rename out; echo $?)"

# Debug files of another build are not believed; without debug information there are pages, and the reason.
mkdir -p "other/$guest/modules" "none/$guest"
ln -s "$home"/{kernel,initrd,info,vmlinux} "other/$guest/"
ln -s "$home"/{kernel,initrd,info} "none/$guest/"
cp "$home/modules/virtio_blk.ko" "other/$guest/modules/ext4.ko"
printf '\x7fELF' >"other/$guest/modules/jbd2.ko"
head -c 100000 "$home/modules/virtio_blk.ko" >"other/$guest/modules/virtio_blk.ko"
mount=(--type '# =>mount -t ext4 /dev/vda /mnt\n' --until 'console:mounted filesystem' --disk base,cow --code-store store)
MIRRORBALL_CACHE=$folder/other timeout 900 "$program" run "$guest" "${mount[@]}" --coverage o.info --coverage o.txt </dev/null >console 2>err
code=$?
grep -q ' ext4_fill_super \[ext4\]$' o.txt && ! grep -q 'SF:.*/fs/ext4/super.c$' o.info && ! grep -q 'SF:.*/virtio_blk.c$' o.info
held=$?
check "files of other builds, and damaged ones, give no lines: exit $code, $(cat err)" $held
MIRRORBALL_CACHE=$folder/none timeout 900 "$program" run "$guest" "${mount[@]}" --profile-exact n.txt --coverage n.cov.txt </dev/null >console 2>err
code=$?
grep -q '^modules are by page: .*--dbg' n.txt && grep -q '^modules are by page: .*--dbg' n.cov.txt && ! grep -q '\[ext4\]' n.cov.txt
held=$?
check "without debug information it is said what it takes: exit $code, $(cat err)" $held
finish
