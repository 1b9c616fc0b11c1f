#!/bin/bash
# criterion-tests/run_gdb.sh: gdb at the project's own guests: breakpoints, watchpoints, steps, registers, in each tier,
# width and byte order, with several vcpus; and the run is the one it is without gdb.
# SPDX-License-Identifier: Apache-2.0
# shellcheck source-path=SCRIPTDIR source=guest.bash
source "$(dirname "${BASH_SOURCE[0]}")/guest.bash"
guests=${MB_BUILD:?}/guests
[[ -d $guests ]] || { echo "skipped: guests/build has not run (no cross compilers?)"; exit 77; }
command -v gdb-multiarch >/dev/null || { echo "skipped: gdb-multiarch is not installed"; exit 77; }
cd "$folder" || exit 1

same_run() { # STATS: instructions and hash
  stat_of "$1" instructions
  stat_of "$1" state_hash
}

# debug KERNEL SCRIPT OPTIONS...: run it under gdb. The session is in `session`, its exit code in $code, the run's in $end.
debug() {
  local kernel=$1 script=$2
  shift 2
  rm -f sock stats
  { timeout 100 "$program" run --kernel "$kernel" --code-store none --stats stats --gdb ./sock "$@" >out 2>err </dev/null; echo $? >end; } &
  while [[ ! -S sock ]] && kill -0 $! 2>/dev/null; do sleep 0.05; done
  timeout 100 gdb-multiarch -nx -batch -ex 'set height 0' -ex 'set width 0' -ex 'set confirm off' \
    -ex 'target remote ./sock' -x "$script" "$kernel" >session 2>&1
  code=$?
  wait
  end=$(<end)
}

cat >kernel.gdb <<'G'
monitor insns
break process_init
continue
monitor insns
print image == user_image
stepi
stepi
next
monitor insns
delete
watch ticks
continue
monitor insns
continue
print ticks
monitor insns
delete
rwatch current
continue
monitor insns
delete
awatch ticks
continue
continue
monitor insns
delete
tbreak schedule
continue
finish
monitor insns
hbreak kernel_trap
ignore 6 3
continue
info breakpoints
monitor insns
delete
stepi 50
info registers
print $c0_epc
monitor cp0
monitor tlb
continue
continue
G
# Whatever a stop at an instruction shows: where, and after how many.
for target in mips32r2el mips32r2eb mips64r2el mips64r2eb; do
  [[ ${MB_QUICK-} && $target != mips32r2el && $target != mips64r2eb ]] && continue
  cpu=24Kf
  [[ $target == mips64* ]] && cpu=MIPS64R2-generic
  options=(--cpu $cpu --append run=test --until insns:20000000)
  timeout 100 "$program" run --kernel "$guests/$target/kernel" --code-store none --stats plain "${options[@]}" >out 2>err </dev/null
  code=$?
  check "$target: runs without gdb: $code, $(cat err)" $((code != 6))
  plain=$(same_run plain) first=
  for tier in eval stencil llvm auto; do
    debug "$guests/$target/kernel" kernel.gdb "${options[@]}" --tier $tier
    ((end == 2)) && grep -q 'left out of this build' err && continue
    check "$target --tier $tier: gdb ends well: $code, run $end, $(cat err)" $((code != 0 || end != 6))
    now=$(same_run stats)
    check "$target --tier $tier: the run is the one without gdb: $now, not $plain" "$([[ $now == "$plain" ]]; echo $?)"
    : "${first:=$(<session)}"
    held=$(diff <(echo "$first") session) || true
    check "$target --tier $tier: gdb is shown the same: $held" "$([[ -z $held ]]; echo $?)"
  done
  for wanted in 'Breakpoint 1, process_init (image=' '^\$1 = 1$' 'Old value = 0' '^\$2 = 2$' \
    'Hardware read watchpoint 3: current' 'Hardware access (read/write) watchpoint 4: ticks' 'Temporary breakpoint 5' \
    'breakpoint already hit 4 times' '^#\?.*kernel_trap (p=' '^entryhi \| entryhi ' \
    'second-level TLB' 'exited normally'; do
    held=$(grep -e "$wanted" session)
    check "$target: gdb says $wanted: $held" $?
  done
  ! grep -q 'warning\|rror\|Ignoring packet' session
  check "$target: and nothing else: $(grep 'warning\|rror\|Ignoring packet' session)" $?
done

# Nobody is there to type: the kernel waits for its timer. A step from there is one in idle(), however much the interrupt does.
cat >idle.gdb <<'G'
break idle
continue
delete
stepi 12
info symbol $pc
monitor insns
detach
G
options=(--cpu 24Kf --until insns:20000000)
timeout 100 "$program" run --kernel "$guests/mips32r2el/kernel" --code-store none --stats plain "${options[@]}" >out 2>err </dev/null
debug "$guests/mips32r2el/kernel" idle.gdb "${options[@]}"
check "idle: gdb ends well: $code, run $end" $((code != 0))
held=$(grep -c '^idle\( + [0-9]*\)\? in section' session)
check "idle: steps stay there: $(cat session)" $((held != 1))
now=$(same_run stats) plain=$(same_run plain)
check "idle: the run is the one without gdb: $now, not $plain" "$([[ $now == "$plain" ]]; echo $?)"

# Vcpus are threads. All of them come to sort(); to step one lets the others go on, as their turns come.
cat >smp.gdb <<'G'
tbreak thread_start
continue
info threads
break sort
continue
thread
monitor insns
next
monitor insns
thread 3
stepi
stepi
monitor insns
thread apply all print $pc != 0
delete
watch sum_after
continue
info threads
monitor backtrace
delete
continue
G
for target in mips32r2eb mips64r2el; do
  [[ ${MB_QUICK-} && $target == mips32* ]] && continue
  options=(--board disco --vcpus 4 --append 'n=65536 threads=4')
  timeout 100 "$program" run --kernel "$guests/$target/splash-radix" --code-store none --stats plain "${options[@]}" >out 2>err </dev/null
  code=$?
  check "$target, 4 vcpus: runs without gdb: $code, $(cat err)" $((code != 0))
  plain=$(same_run plain) first=
  for tier in stencil auto; do
    debug "$guests/$target/splash-radix" smp.gdb "${options[@]}" --tier $tier
    ((end == 2)) && grep -q 'left out of this build' err && continue
    check "$target, 4 vcpus, --tier $tier: gdb ends well: $code, run $end, $(cat err)" $((code != 0 || end != 0))
    now=$(same_run stats)
    check "$target, 4 vcpus, --tier $tier: the run is the one without gdb: $now, not $plain" "$([[ $now == "$plain" ]]; echo $?)"
    : "${first:=$(<session)}"
    held=$(diff <(echo "$first") session) || true
    check "$target, 4 vcpus, --tier $tier: gdb is shown the same: $held" "$([[ -z $held ]]; echo $?)"
  done
done
finish
