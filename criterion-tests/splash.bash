# criterion-tests/splash.bash: the parallel programs on the library OS; sourced with `targets`, `tiers`, `on` (lines of
# vcpus and further words) and `words` (of each program) set.
# Each answers as the same source does on this computer, whatever the number of vcpus and threads, and each tier runs the
# same instructions.
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash source-path=SCRIPTDIR source=guest.bash
source "$(dirname "${BASH_SOURCE[0]}")/guest.bash"
guests=${MB_BUILD:?}/guests source=${MB_SOURCE:?}/guests/splash
[[ -d $guests ]] || { echo "skipped: guests/build has not run (no cross compilers?)"; exit 77; }
command -v gcc >/dev/null || { echo "skipped: no gcc to say what is right"; exit 77; }
cd "$folder" || exit 1

declare -A right # last words of a program
for name in "${!words[@]}"; do
  gcc -O2 -ffp-contract=off -fno-math-errno -pthread "$source"/{host,words,$name}.c -o "$name" &&
    right[$name]=$(./"$name" threads=3 "${words[$name]}" | grep digest)
  check "$name runs on this computer: ${right[$name]-}" $?
done

run() { # target program vcpus tier words: into out, err, stats; sets code
  "$program" run --board disco --kernel "$guests/$1/splash-$2" --vcpus "$3" --tier "$4" --append "splash $2 ${words[$2]} $5" \
    --stats stats --code-store none --timeout 600 >out 2>err </dev/null
  code=$?
}

for name in "${!words[@]}"; do
  for target in ${targets:?}; do
    while read -r vcpus more; do
      first=
      for tier in ${tiers:?}; do
        run "$target" "$name" "$vcpus" "$tier" "$more"
        ((code == 2)) && continue # a build without this tier
        tr -d '\r' <out | grep -qxF "${right[$name]}"
        result=$?
        check "$target $name, $vcpus vcpus $more, $tier: ${right[$name]} (exit code $code): $(tail -2 out)$(cat err)" \
          $((result || code))
        outcome="$(stat_of stats instructions) $(stat_of stats state_hash)"
        [[ $outcome == "${first:=$outcome}" ]]
        check "$target $name, $vcpus vcpus $more: the same run: $first, with --tier $tier $outcome" $?
      done
    done <<<"${on:?}"
  done
done
