# criterion-tests/scenarios.bash: shared by the tests of mirrorball test: kernels that show a text, verdicts, bad scenarios.
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Sourced behind images.bash and check.bash, in the folder that the scenarios are in.

# A kernel that shows a text on the first serial port, and then does what the words say, or ends with code 0.
kernel() { # file text [words]
  # shellcheck disable=SC2046
  elf little 32 3c08b800 $(says "$2") ${3-3c08bf00 3c094d42 ad090a00 1000ffff 00000000} >"$1"
}

# A scenario on a kernel: NAME.test.
scenario() { # name kernel text...: the rest of the file
  printf 'machine = { kernel = "%s"; mem = "8M"; };\n%s\n' "$2" "${*:3}" >"$1.test"
}

judged() { # exit fragment words...
  local want=$1 text=$2
  shift 2
  "$program" test "$@" >out 2>err </dev/null
  local code=$? held
  grep -qF -- "$text" out err
  held=$?
  check "test $*: exit $code, expected $want and \"$text\": $(cat out err)" $((code != want || held))
}

# A line for each result, and one for each of its VMs, of what no host may change.
verdicts() { # results
  python3 -c '
import json, sys
for r in json.load(open(sys.argv[1]))["results"]:
    print(*(r.get(k) for k in ("scenario", "guest", "verdict", "why", "instructions", "virtual_ns", "console_digest", "state_hash")))
    for v in r.get("vms", []): print(v["name"], v["instructions"], v["state_hash"], v.get("console"))' "$1"
}

# The same verdicts, however many at a time, in each tier, of so many lines.
same_verdicts() { # lines scenario...
  local lines=$1
  shift
  "$program" test --jobs 1 --keep-going --results one.json "$@" >/dev/null
  "$program" test --jobs 4 --keep-going --results four.json "$@" >/dev/null
  "$program" test --set tier=eval --keep-going --results eval.json "$@" >/dev/null
  verdicts one.json >one && [[ $(wc -l <one) == "$lines" ]]
  check "results of $lines lines are written: $(cat one)" $?
  verdicts four.json | diff one - >different
  check "four at a time are as one by one: $(cat different)" $?
  verdicts eval.json | diff one - >different
  check "interpreted they are as compiled: $(cat different)" $?
}

# What is no scenario: one line says why.
bad() { # fragment text
  printf '%b' "$2" >bad.test
  "$program" test bad.test >out 2>err </dev/null
  local code=$?
  grep -qF -- "$1" err
  local held=$?
  check "exit $code and one line with \"$1\", not: $(cat out err)" $((code != 2 || held || $(wc -l <err) != 1 || $(wc -c <out) != 0))
}
