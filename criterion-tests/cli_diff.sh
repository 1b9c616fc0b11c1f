#!/bin/bash
# criterion-tests/cli_diff.sh: mirrorball diff on kernels of a few instructions: a kernel and itself, a planted function, a
# new complaint, recordings, scenarios; and what is refused.
# SPDX-License-Identifier: Apache-2.0
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source-path=SCRIPTDIR source=images.bash
source "$here/images.bash"
# shellcheck source-path=SCRIPTDIR source=check.bash
source "$here/check.bash"
cd "$folder" || exit 1

# start: sp; jal work; nop; the texts; the end. work, behind 64 KiB of nothing: counts from N to 0 in a loop of 2.
kernel() { # file count-as-hex text...
  local words='3c08b800 0c040080 00000000' text
  for text in "${@:3}"; do words+=$(says "$text"); done
  words+=' 3c08bf00 3c094d42 ad090a00 1000ffff 00000000'
  # shellcheck disable=SC2206
  local all=($words)
  while ((${#all[@]} < 128)); do all+=(00000000); done
  elf little 32 "${all[@]}" "240a$2" 1540ffff 254affff 03e00008 00000000 >"$1"
}
printf '80100000 T start\n80100200 T work\n' >map
kernel old 0064 '[    0.000100] Linux version 1' 'one' 'two'
kernel same 0064 '[    0.000100] Linux version 1' 'one' 'two'
kernel later 0064 '[    0.000900] Linux version 1' 'one' 'two'
kernel slow 0065 '[    0.000100] Linux version 1' 'one' 'two'
kernel bug 0064 '[    0.000100] Linux version 1' 'one' 'BUG: no' 'two'
said() { # exit fragment words...
  local want=$1 text=$2 code held
  shift 2
  timeout 600 "$program" diff "$@" >out 2>err </dev/null
  code=$?
  grep -qE -- "$text" out err
  held=$?
  check "diff $*: exit $code, expected $want and \"$text\": $(cat out err)" $((code != want || held))
}

said 0 '^the same run' --threshold 0 old same -- --symbols=map
check "a kernel and its copy differ in nothing" "$(! grep -qE '^(Functions|Console)' out; echo $?)"
said 0 'Nothing has grown' --threshold 0 old later -- --symbols=map
check "the console's time is masked" "$(! grep -q '^Console' out; echo $?)"
said 1 '^work +205 +207 +\+2 +\+0.98%' --threshold 0 old slow --json slow.json -- --symbols=map
check "2 instructions in all: $(grep ^instructions out)" "$(grep -qE '^instructions +[0-9]+ +[0-9]+ +\+2 ' out; echo $?)"
check "no other function differs" $(($(grep -cE '^(work|start) ' out) != 1))
said 0 '^work ' --threshold 1 old slow -- --symbols=map
said 0 '^work +207 +205 +-2' --threshold 0 slow old -- --symbols=map
said 1 'new on the console: BUG: no' --threshold 50 old bug -- --symbols=map
check "the line is shown where it stands" "$(grep -A1 '^  one$' out | grep -qx '+ BUG: no'; echo $?)"

# Recordings, and pages.
said 1 '^work ' --threshold 0 --record kept old slow -- --symbols=map
check "the recordings are kept" "$([[ -s kept/a/stats.json && -s kept/a/console && -s kept/b/coverage.json ]]; echo $?)"
said 1 '^work ' --threshold 0 kept/a slow --json again.json -- --symbols=map
cmp -s <(sed '/"[ab]": "/d' slow.json) <(sed '/"[ab]": "/d' again.json)
held=$?
check "a recording is as good as a run" $held
said 0 '^the same run' --threshold 0 kept/b kept/b
if [[ -e /usr/share/javascript/chart.js/chart.min.js || -e /usr/share/javascript/chart.js/Chart.min.js ]]; then
  said 1 '^work ' --threshold 0 kept/a kept/b --html page.html
  check "a page that loads nothing" "$(grep -q 'Two kernels' page.html && ! grep -qE '(src|href)=.?https?:' page.html; echo $?)"
fi

# Scenarios, and what of a function they want covered.
cat >s.test <<'EOF'
machine = { kernel = "old"; mem = "8M"; symbols = "map"; };
steps = ({ expect = "two"; });
end = "guest-exit";
covered = ["work"];
EOF
said 1 '^work +205 +207' --threshold 0 --scenario s.test old slow
check "virtual time, too: $(grep virtual out)" "$(grep -qE '^virtual_ns +[0-9]+ +[0-9]+ +\+10 ' out; echo $?)"
sed 's/"work"/"absent"/' s.test >absent.test
"$program" test absent.test >out 2>err </dev/null
code=$?
check "covered wants a function that is there: exit $code, $(cat out)" "$([[ $code == 1 ]] && grep -q 'has no function absent' out; echo $?)"
printf '80100000 T start\n80100200 T work\n80100214 T never\n' >map
sed 's/"work"/"never"/' s.test >never.test
"$program" test never.test >out 2>err </dev/null
code=$?
check "and that was executed: exit $code, $(cat out)" "$([[ $code == 1 ]] && grep -q 'never was never executed' out; echo $?)"

# Refused, in one line.
refused() { # fragment words...
  local text=$1
  shift
  timeout 600 "$program" diff "$@" >out 2>err </dev/null
  local code=$?
  [[ $code == 2 && $(wc -l <err) == 1 && ! -s out ]] && grep -qF -- "$text" err
  local held=$?
  check "diff $*: exit $code, \"$text\": $(cat err)" $held
}
refused 'which two' old
refused 'and "slow"?' old same slow
refused 'not a number of percent' old same --threshold much
refused 'there is no guest "absent"' old absent
refused 'no option --mhx' old same -- --mhx 3
refused '--scenario says what is done' old same --scenario s.test -- --mhz 3
cp -r kept/a broken && echo '{' >broken/stats.json
refused 'broken/stats.json' broken kept/b
cp kept/a/stats.json broken/ && rm broken/console
refused 'broken/console' broken kept/b

finish
