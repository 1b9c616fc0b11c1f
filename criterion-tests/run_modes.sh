#!/bin/bash
# criterion-tests/run_modes.sh: bare-metal programs and the own kernel in every mode and tier: the same run, and real
# traps where there are to be.
# SPDX-License-Identifier: Apache-2.0
# shellcheck source-path=SCRIPTDIR source=guest.bash
source "$(dirname "${BASH_SOURCE[0]}")/guest.bash"
guests=${MB_BUILD:?}/guests
[[ -d $guests ]] || { echo "skipped: guests/build has not run (no cross compilers?)"; exit 77; }
cd "$folder" || exit 1

# runs NAME WORDS...: once in each mode and tier; all must be the first.
runs() {
  local name=$1 first='' mode tier this code
  shift
  for mode in bare trap translate; do
    for tier in eval stencil llvm auto; do
      [[ $mode == trap || $tier == eval || $tier == auto ]] || continue # the others run bare in other tests
      timeout 600 "$program" run "$@" --mode $mode --tier $tier --code-store none --stats stats >out 2>err </dev/null
      code=$?
      ((code == 2)) && continue # a build without this tier
      this="exit $code, $(stat_of stats instructions) instructions, state $(stat_of stats state_hash), console $(cksum <out)"
      first=${first:-$this}
      check "$name, --mode $mode --tier $tier: $this, not $first" "$([[ $this == "$first" ]]; echo $?)"
      [[ $mode == trap ]] || continue
      traps=$(sed -n '/"traps"/,/^  }/p' stats)
      [[ $tier == eval ]] && as_eval=$(grep count <<<"$traps")
      check "$name: eval has the same traps as $tier" "$([[ $(grep count <<<"$traps") == "$as_eval" ]]; echo $?)"
      check "$name: privileged instructions trap" "$([[ $(stat_of stats privileged) != 0 ]]; echo $?)"
    done
  done
}

targets=(mips32r2el mips32r2eb mips64r2el mips64r2eb)
[[ ${MB_QUICK-} ]] && targets=(mips64r2eb)
for target in "${targets[@]}"; do
  cpu=24Kf full=MIPS32R2-full
  [[ $target == mips64* ]] && cpu=MIPS64R2-generic full=$cpu
  for path in "$guests/$target"/*; do
    name=${path##*/} on=$cpu options=()
    case $target-$name in
      *-splash-* | *-hostile) continue ;; # they have tests of their own
      *-kernel) runs "$target the own kernel" --kernel "$path" --cpu "$cpu" --append run=test; continue ;;
      mips32*-irq) on=34Kf options=(--until insns:150000) ;; # vectored interrupts; waits by reading Count
      *-irq) options=(--until insns:150000) ;;
      *-rixi | *-user | *-watch) on=$full ;; # RI/XI, UserLocal
    esac
    runs "$target $name" --kernel "$path" --cpu "$on" --mem 64M "${options[@]}"
  done
done

# The strict rule: no access to kseg0 is let through.
k=$guests/mips32r2el/tlb
"$program" run --kernel "$k" --mem 64M --stats bare >/dev/null 2>&1 </dev/null
"$program" run --kernel "$k" --mem 64M --mode trap --machine-tlb 0 --stats strict >/dev/null 2>&1 </dev/null
check "without entries for kseg0 it is the same run" "$([[ $(stat_of bare state_hash) == "$(stat_of strict state_hash)" ]]; echo $?)"
finish
