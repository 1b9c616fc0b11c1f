#!/bin/bash
# criterion-tests/code_store.sh: optimized code on disk: found again, damaged, not writable, full, shared; the run is the same.
# SPDX-License-Identifier: Apache-2.0
# shellcheck source-path=SCRIPTDIR source=guest.bash
source "$(dirname "${BASH_SOURCE[0]}")/guest.bash"
cd "$folder" || exit 1
"$program" run --help | grep -q 'auto|eval|stencil|llvm' || exit 1

# A loop for ever: addiu $2, $2, 1; xor $3, $3, $2; b loop; nop
printf '\x01\x00\x42\x24\x26\x18\x62\x00\xfd\xff\x00\x10\x00\x00\x00\x00' >loop
run() { # stats-name option...
  local name=$1
  shift
  "$program" run --kernel loop --endian little --until insns:600000000 --stats "$name" "$@" \
    >"$name.out" 2>"$name.err" </dev/null
  [[ $? == 6 ]]
}
same() { [[ $(stat_of plain state_hash) == 0x* && $(stat_of plain state_hash) == "$(stat_of "$1" state_hash)" ]]; }

run plain --tier eval
held=$?
check "the loop runs to its end: $(cat plain.err)" "$held"
if ! run none --tier llvm --code-store none; then
  grep -q 'left out of this build' none.err && { echo "skipped: this build has no LLVM tier"; exit 77; }
fi
same none
check "without a store it is the same run" $?

for pass in cold warm; do
  run $pass --code-store store
  held=$?
  check "$pass: $(cat $pass.err)" "$held"
  same $pass
  check "$pass: the same run" $?
done
check "something is kept" "$([[ -n $(ls store) ]]; echo $?)"
check "and found: $(stat_of warm regions_found)" $(($(stat_of warm regions_found) < 1))

for file in store/*; do printf 'rubbish' | dd of="$file" bs=1 seek=200 conv=notrunc status=none; done
run damaged --code-store store
held=$?
check "damaged: $(cat damaged.err)" "$held"
same damaged
check "damaged: the same run" $?
check "damaged files are not used" "$(stat_of damaged regions_found)"
for file in store/*; do : >"$file"; done
run empty --code-store store && same empty
check "empty files: the same run" $?

# Two at once.
rm -r store
run one --code-store store &
run two --code-store store
check "two at once" $?
wait $!
check "two at once, the other" $?
same one && same two
check "two at once: the same run" $?
check "nothing half-written is left" "$(find store -name 'new-*' | wc -l)"

# A folder that cannot be made: one warning, nothing else.
run nowhere --code-store loop/store
held=$?
check "no folder: $(cat nowhere.err)" "$held"
same nowhere
check "no folder: the same run" $?
check "one warning: $(cat nowhere.err)" "$(($(grep -c warning nowhere.err) != 1))"

# A full disk, which only who may mount one can have: one warning, and what was kept before is still found. --tier llvm
# compiles and keeps before the run is over.
cat >full.sh <<'EOF'
mount -t tmpfs -o size=64k none disk || exit 77
run() { # kernel stats-name
  "$program" run --kernel "$1" --endian little --until insns:3000000 --tier llvm --code-store disk/store --stats "$2" \
    >"$2.out" 2>"$2.err" </dev/null
  [[ $? == 6 ]]
}
run loop before && cp -r disk/store kept && ! cat /dev/zero >disk/zeroes 2>/dev/null && run loop2 full && run loop after &&
  diff -r disk/store kept
EOF
mkdir disk
printf '\x03\x00\x42\x24\x26\x18\x62\x00\xfd\xff\x00\x10\x00\x00\x00\x00' >loop2 # addiu $2, $2, 3
export program
unshare=(unshare -m)
"${unshare[@]}" true 2>/dev/null || unshare=(unshare -rm)
"${unshare[@]}" bash full.sh >full.log 2>&1
code=$?
if ((code == 77)) || ! "${unshare[@]}" true 2>/dev/null; then
  echo "no full disk: this user may not mount one: $(cat full.log)"
else
  check "full: runs end as always, what was kept stays: $(cat full.log before.err full.err after.err)" $code
  for name in loop loop2; do
    "$program" run --kernel $name --endian little --until insns:3000000 --tier eval --stats $name.eval >/dev/null 2>&1 </dev/null
  done
  [[ $(stat_of full state_hash) == 0x* && $(stat_of full state_hash) == "$(stat_of loop2.eval state_hash)" &&
    $(stat_of after state_hash) == "$(stat_of loop.eval state_hash)" ]]
  check "full: the same run" $?
  check "full: regions are made all the same" $(($(stat_of full regions_made) < 1))
  check "full: one warning: $(cat full.err)" "$(($(grep -c 'warning.*No space left on device' full.err) != 1 ||
    $(grep -c . full.err) != 2))"
  check "full: what is there is found, without a warning: $(cat after.err)" \
    "$(($(stat_of after regions_found) < 1 || $(grep -c warning after.err) != 0))"
fi

# The user may have no large files: code memory is one to the host, so eval runs all; guest memory is one, too.
run small --mem 16M --tier eval
(ulimit -f 20000 && run limited --mem 16M --code-store store3)
held=$?
check "a limit on the size of files: $(cat limited.err)" "$held"
check "a limit on the size of files: the same run" "$([[ $(stat_of small state_hash) == "$(stat_of limited state_hash)" ]]; echo $?)"
check "... by eval" "$([[ $(stat_of limited blocks_compiled) == 0 ]]; echo $?)"
if (ulimit -f 4 && "$program" --version) >/dev/null 2>&1; then # TSan's own memory needs more
  (ulimit -f 4 && exec "$program" run --kernel loop --endian little) 2>err </dev/null
  code=$?
  check "no room for guest memory: $code, $(cat err)" "$((code != 2 || $(grep -c 'ulimit -f' err) != 1))"
fi

HOME='' XDG_CACHE_HOME='' run homeless && same homeless
check "no home" $?
finish
