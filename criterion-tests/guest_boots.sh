#!/bin/bash
# criterion-tests/guest_boots.sh: a booted machine that is kept: the same run, used when it may be, and never in the way.
# SPDX-License-Identifier: Apache-2.0
# shellcheck source-path=SCRIPTDIR source=guest.bash
source "$(dirname "${BASH_SOURCE[0]}")/guest.bash"
need_guest debian-4kc
cd "$folder" || exit 1

session=(--type '# =>echo $((6*7)); exit\n' --timestamps)
# boot NAME OPTION...: to its end; stdin is given.
boot() {
  local name=$1
  shift
  "$program" run debian-4kc --timeout 900 --stats "$name.stats" "$@" >"$name.out" 2>"$name.err"
}
# kept NAME yes|no: did it begin with what was kept?
kept() {
  [[ $(stat_of "$1.stats" boot_kept) == $([[ $2 == yes ]] && echo true || echo false) ]]
  held=$?
  check "$1: begins with what was kept: $2; $(tail -1 "$1.err")" "$held"
}
same() { # NAME AS
  [[ $(stat_of "$1.stats" state_hash) == 0x* && $(stat_of "$1.stats" state_hash) == "$(stat_of "$2.stats" state_hash)" &&
    $(stat_of "$1.stats" instructions) == "$(stat_of "$2.stats" instructions)" ]] && cmp "$1.out" "$2.out"
  check "$1 is the run that $2 is: state, instructions, console with its times" $?
}

boot fresh "${session[@]}" </dev/null
check "boots and powers off: $(cat fresh.err)" $?
kept fresh no
check "scripts keep nothing unless they say so" "$([[ ! -e boots ]]; echo $?)"
for name in first second; do
  boot $name "${session[@]}" --boot-store boots </dev/null
  same $name fresh
done
kept first no
kept second yes
check "one machine is kept" "$(($(find boots -type f | wc -l) != 1))"

# Where the text that is awaited was shown before, or the instruction came before, the boot is lived through.
for until in 'console:Linux version' insns:1000000; do
  for name in plain early; do
    store=none
    [[ $name == early ]] && store=boots
    boot $name --until "$until" --timestamps --boot-store "$store" </dev/null
    check "--until $until is reached" $(($? != 6))
  done
  kept early no
  same early plain
done
# Another machine is another boot, and so is one that is watched from the beginning, typed at, or run by a tier that was asked for.
for options in '--mem 128M' '--append console=ttyS0' '--tier stencil' '--profile profile.txt' '--mode translate' '--rtc host'; do
  # shellcheck disable=SC2086
  boot other $options --until insns:200000000 --boot-store boots </dev/null
  kept other no
done
echo x | boot typed --until insns:4000000000 --boot-store boots
kept typed no
boot later --until insns:3900000000 --boot-store boots </dev/null
kept later yes

# What is damaged counts for nothing, and is replaced.
printf rubbish | dd of="$(find boots -type f)" bs=1 seek=5000000 conv=notrunc status=none
boot damaged "${session[@]}" --boot-store boots </dev/null
kept damaged no
same damaged fresh
boot mended "${session[@]}" --boot-store boots </dev/null
kept mended yes
check "nothing else lies about: $(ls boots)" "$(($(find boots -type f | wc -l) != 1))"
(ulimit -f $((300 << 10)); rm -r boots; boot full "${session[@]}" --boot-store /proc/self/no </dev/null)
same full fresh
grep -q 'warning: the booted machine is not kept' full.err
held=$?
check "a folder that cannot be is a warning: $(cat full.err)" "$held"

# A person at a terminal, who has typed nothing yet, need not ask for it.
mkfifo keyboard && exec 9<>keyboard
at_terminal() { # NAME
  XDG_CACHE_HOME=$folder/cache script -qec "'$program' run debian-4kc --stats $1.stats --timeout 900 --type '# =>exit\n'" \
    /dev/null >"$1.out" 2>"$1.err" <keyboard
}
if command -v script >/dev/null; then
  for name in morning noon; do at_terminal $name; done
  kept morning no
  kept noon yes
  [[ $(stat_of morning.stats state_hash) == "$(stat_of noon.stats state_hash)" ]]
  check "at a terminal it is the same run, too" $?
  grep -q 'was booted before' noon.out
  check "and a person is told" $?
fi
finish
