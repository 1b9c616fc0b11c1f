#!/bin/bash
# criterion-tests/guest_test.sh: every kind of step on one of Debian's kernels; a scenario catches seeded bugs; the suite boots.
# SPDX-License-Identifier: Apache-2.0
# shellcheck source-path=SCRIPTDIR source=guest.bash
source "$(dirname "${BASH_SOURCE[0]}")/guest.bash"
source_dir=${MB_SOURCE:?} build=${MB_BUILD:?}

judge() { # exit fragment words...
  local want=$1 text=$2
  shift 2
  "$program" test "$@" >"$folder/out" 2>&1 </dev/null
  local code=$? held
  grep -qF -- "$text" "$folder/out"
  held=$?
  check "test $*: exit $code, expected $want and \"$text\": $(cat "$folder/out")" $((code != want || held))
}

# --- the small kernel, sound and with bugs that were put there ---
own=$source_dir/guests/suites/own/processes.test
if [[ -f $build/guests/mips32r2el/kernel ]]; then
  judge 0 'good' --guest own-mips32el --keep-going "$own"
fi
if command -v mipsel-linux-gnu-gcc patch >/dev/null; then
  for bug in "$source_dir"/guests/suites/seeded/*.patch; do
    name=$(basename "$bug" .patch)
    mkdir "$folder/$name"
    cp -r "$source_dir/guests" "$source_dir/iosys" "$folder/$name/"
    patch -s -p1 -d "$folder/$name" <"$bug" && "$folder/$name/guests/build" "$folder/$name/build/" mips32r2el kernel >/dev/null 2>&1
    check "$name applies and builds" $?
    case $name in
      0001*) text='step 3: match ^one address' ;;
      0002*) text='when "free" was kept' ;;
      *) text='step 8: match ^up' ;;
    esac
    judge 1 "$text" --guest own-mips32el --kernel "$folder/$name/build/mips32r2el/kernel" "$own"
  done
fi

# --- steps that want Linux ---
need_guest debian-5kc
cat >"$folder/steps.test" <<'END'
guests = ["debian-5kc"];
machine = { net = "nat,restrict"; };
files = ( { to = "/bin/hello"; text = "#!/bin/sh\necho hello $1\nexit 3\n"; mode = "755"; } );
disks = ( { size = "8M"; }, { files = ( { to = "a/b.txt"; text = "on a disk\n"; } ); } );
allow = ["I/O error, dev vda"];
covered = ["vfs_read", "do_exit"];
steps = (
  { run = "hello 'w\\o'rld;echo 'two\nlines'"; output = "two\nlines"; },
  { run = "hello world"; code = 3; matches = "^hello world$"; },
  { run = "cd /tmp && tar xf /dev/vdb && cat a/b.txt"; output = "on a disk"; },
  { disk-error = 0; from = 8192; size = 4096; on = "read"; },
  { run = "dd if=/dev/vda of=/dev/null bs=4k count=4"; code = 1; output = "Input/output error"; },
  { disk-error = 0; times = 0; },
  { run = "pwd; dd if=/dev/vda of=/dev/null bs=4k count=4"; matches = "^/tmp$"; },
  { run = "udhcpc -i eth0 -q -n >/dev/null && ping -c 1 10.0.2.2"; output = "1 packets received"; },
  { net = "cut"; },
  { run = "ping -c 1 -W 1 10.0.2.2"; code = 1; },
  { net = "mend"; },
  { run = "ping -c 1 -W 1 10.0.2.2"; },
  { call = "nr_iowait"; returns = 0; keep = "waiting"; },
  { call = "nr_iowait"; same = "waiting"; },
  { interrupt = 2; for = "2ms"; },
  { wait = "100ms"; },
  { send = "echo still here\n"; },
  { expect = "still here\n"; }
);
END
judge 0 '1 good' "$folder/steps.test"
# Booted once, tested often: from the checkpoint it is the same run; a damaged one is made again.
export MIRRORBALL_CACHE=$folder/cache
mkdir "$folder/cache" && cp -as "$(dirname "$kernel")" "$folder/cache/"
cat >"$folder/once.test" <<'END'
guests = ["debian-5kc"];
steps = ( { run = "uname -m"; output = "mips64"; }, { run = "echo $((6 * 7))"; output = "42"; } );
console = ["Linux version"];
END
once() { # power-on|checkpoint words...
  judge 0 '1 good' --results "$folder/once.json" "${@:2}" "$folder/once.test"
  grep -q "\"from\": \"$1\"" "$folder/once.json"
  local held=$?
  check "it began at $1, not $(grep '"from"' "$folder/once.json")" $held
  cp "$folder/out" "$folder/same"
}
once power-on
cp "$folder/same" "$folder/first"
once checkpoint --set tier=eval
cmp -s "$folder/first" "$folder/same"
check "from the checkpoint it is the same run: $(cat "$folder/same")" $?
for f in "$folder"/cache/checkpoints/*.mb; do truncate -s 20000 "$f"; done
once power-on
cmp -s "$folder/first" "$folder/same"
check "a cut checkpoint does no harm: $(cat "$folder/same")" $?
once checkpoint
# Two machines are kept as one.
sed '/guests = /s/(.*"debian-5kc",.*/( "debian-5kc" );/; /smp64/d' "$source_dir/guests/suites/two.test" >"$folder/once.test"
once power-on
cp "$folder/same" "$folder/first"
once checkpoint --set tier=stencil
cmp -s "$folder/first" "$folder/same"
check "two machines from their checkpoint are the same run: $(cat "$folder/same")" $?
unset MIRRORBALL_CACHE

# What the kernel says of an error of memory is a complaint, and told with where it came from.
cat >"$folder/parity.test" <<'END'
guests = ["debian-5kc"];
steps = ( { run = "true"; }, { wait = "50ms"; }, { memory-error = "cache"; }, { wait = "1s"; } );
END
judge 1 'which matches "' "$folder/parity.test"
grep -qE 'Cache error exception' "$folder/out"
check "the kernel has seen a cache error" $?
grep -q 'step 4: wait' "$folder/out"
check "it complained behind the error" $?

finish
