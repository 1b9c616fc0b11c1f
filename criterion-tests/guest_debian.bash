# criterion-tests/guest_debian.bash: the checks on one of Debian's kernels with a shell; sourced with `guest` set.
# With $MB_QUICK (under a sanitizer) two boots are all.
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/guest.bash"
need_guest "${guest:?}"
cd "$folder" || exit 1

# A person at the prompt: commands work, and leaving the shell turns the power off.
session=(--type '# =>uname -m; echo $((6*7)); ls /proc/self/exe; false || echo no\n' --type 'no\r\n=>exit\n')
for run in 1 2; do
  "$program" run "$guest" "${session[@]}" --timeout 600 --timestamps --stats "stats$run" \
    --code-store kept >"console$run" 2>"err$run" </dev/null
  code=$?
  check "$guest powers off cleanly (exit code $code, $(cat "err$run"))" "$code"
done
grep -q '42' console1 && grep -q "${last_words:?}" console1
code=$?
check "the shell answers, the kernel says $last_words: $(tail -3 console1)" "$code"

# The same run twice, the second with the first one's optimized code: the same instruction at each console line, the same final state.
cmp console1 console2
check "two runs show the same lines at the same instructions" $?
[[ $(stat_of stats1 state_hash) == 0x* && $(stat_of stats1 state_hash) == "$(stat_of stats2 state_hash)" ]]
check "two runs end in the same state" $?
[[ $(stat_of stats1 instructions) == "$(stat_of stats2 instructions)" ]]
check "two runs take the same number of instructions" $?
[[ ${MB_QUICK-} ]] && finish

# Run by other tiers, and cut into slices in another way: nothing the guest sees may depend on it. Nor on a profile, which
# is the same in two tiers, with the names the kernel keeps in its memory.
for tier in eval stencil llvm auto; do
  profile=()
  [[ $tier == eval || $tier == auto ]] && profile=(--profile "profile.$tier.txt" --profile "profile.$tier.folded")
  "$program" run "$guest" "${session[@]}" --timeout 600 --stats "stats.$tier" --tier $tier --pace real \
    --code-store store "${profile[@]}" >console3 2>err3 </dev/null
  code=$?
  ((code == 2)) && continue # a build without this tier
  [[ $code == 0 && $(stat_of stats1 state_hash) == "$(stat_of "stats.$tier" state_hash)" ]]
  held=$?
  check "with --tier $tier ${profile[*]} it is still the same run: $(cat err3)" "$held"
done
cmp profile.auto.folded profile.eval.folded
check "both tiers have the same profile" $?
for name in inflate_fast kmem_cache_alloc strcmp; do
  grep -q " $name\$" profile.auto.txt
  check "$name is in the profile" $?
done
grep -qE '^kernel;(.*;)?start_kernel;.*;kmem_cache_alloc [0-9]+$' profile.auto.folded &&
  grep -qE '^kernel;ret_from_kernel_thread;kthread;' profile.auto.folded
check "callers are found back to where the kernel and its threads begin" $?
"$program" run "$guest" --until 'console:Run /init' --timeout 600 >/dev/null 2>err </dev/null
grep -qE 'at 0x[0-9a-f]+ \([a-z_0-9.]+(\+0x[0-9a-f]+)?\)' err
held=$?
check "where it stopped has a name: $(cat err)" "$held"

rss=$(stat_of stats1 max_rss)
check "the host needs at most 64 MiB beyond the guest's 256: $rss" $((rss > (256 + 64) << 20))

"$program" run "$guest" --append 'console=ttyS0 mb.run=/bin/false' --timeout 600 >ours 2>ours.err </dev/null
code=$?
check "the exit code of a command is the run's: $code" $((code != 65))
[[ ${qemu:-} ]] || finish

# An outsider's opinion: QEMU boots the same kernel to the same console, but for what mask_console names.
append='console=ttyS0 mb.run=/bin/true'
"$program" run "$guest" --append "$append" --timeout 600 >ours 2>ours.err </dev/null
code=$?
check "$guest runs a command and powers off (exit code $code, $(cat ours.err))" "$code"
if command -v "$qemu" >/dev/null; then
  timeout 600 "$qemu" -M malta -cpu "$cpu" -m 256 -nodefaults -nographic -serial stdio -no-reboot -kernel "$kernel" \
    -initrd "$initrd" -append "$append" >theirs 2>theirs.err </dev/null
  mask_console <ours >ours.masked
  mask_console <theirs >theirs.masked
  lines=$(wc -l <theirs.masked)
  check "QEMU boots it too ($lines lines; $(tail -2 theirs.err))" $((lines <= 100))
  diff theirs.masked ours.masked # for the log
  digests="$(sha256sum <theirs.masked | cut -c1-16) and $(sha256sum <ours.masked | cut -c1-16)"
  check "the digests of the masked consoles, QEMU's and ours, are equal: $digests" \
    "$([[ ${digests% and *} == "${digests#* and }" ]]; echo $?)"
else
  check "$qemu is installed" 1
fi
finish
