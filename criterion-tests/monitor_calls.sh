#!/bin/bash
# criterion-tests/monitor_calls.sh: a guest makes every monitor call, in each tier: the same answers, the same run.
# SPDX-License-Identifier: Apache-2.0
# shellcheck source-path=SCRIPTDIR source=guest.bash
source "$(dirname "${BASH_SOURCE[0]}")/guest.bash"
guests=${MB_BUILD:?}/guests
cd "$folder" || exit 1

cat >host.c <<'EOF'
#include <stddef.h>
#include <string.h>
const char *const mb_host_calls[] = {
    "long long host_add(int a, long long b)",
    "double host_scale(unsigned char, double by, float);",
    "size_t host_length(const char *text)",
    "int host_reverse(void *bytes, size_t n)",
    NULL,
};
long long host_add(int a, long long b) { return a + b; }
double host_scale(unsigned char a, double by, float also) { return a * by * 2 + also; }
size_t host_length(const char *text) { return strlen(text); }
int host_reverse(void *bytes, size_t n) {
  char *b = bytes;
  for (size_t i = 0; i < n / 2; i++) {
    char c = b[i];
    b[i] = b[n - 1 - i], b[n - 1 - i] = c;
  }
  return 42;
}
EOF
cc -shared -fPIC -o host.so host.c || { echo "skipped: no compiler"; exit 77; }

bad() { # text option...
  local text=$1
  shift
  printf '\0\0\0\0' >raw
  "$program" run --kernel raw --endian little "$@" >out 2>err </dev/null
  local code=$?
  grep -qF -- "$text" err && (($(wc -l <err) == 1 && code == 2))
  held=$?
  check "$*: $code, $(cat err)" "$held"
}
printf 'const char *const mb_host_calls[] = {"int absent(int)", 0};' | cc -shared -fPIC -x c - -o absent.so
printf 'const char *const mb_host_calls[] = {"char *f(int)", 0}; char *f(int i) { return 0; }' |
  cc -shared -fPIC -x c - -o pointer.so
printf 'int f(int i) { return i; }' | cc -shared -fPIC -x c - -o nameless.so
bad 'there is no such file' --host-calls nothing.so
bad 'invalid ELF header' --host-calls host.c
bad 'has no mb_host_calls' --host-calls nameless.so
bad 'has no function absent' --host-calls absent.so
bad 'a result cannot be a pointer' --host-calls pointer.so
[[ -d $guests ]] || { echo "skipped: guests/build has not run (no cross compilers?)"; ((failed)) && finish; exit 77; }

cat >expected <<'EOF'
calls present 1
calls zero 0
calls zeros 111
calls free 0
calls freed 1
calls remap 0
calls remapped 11
calls apart 1
calls unaligned 2
calls nowhere 2
calls off the end 2
calls too many 3
calls high 2
calls overlap 3
calls remap nowhere 2 2
calls code 20000
calls code remap 0
calls code after 60000
calls unknown 1
calls unknown result 0
calls nothing 0
calls console works
calls console 0
calls console nowhere 2
calls console too long 3
calls exit too large 3
calls no block 77
calls find 1
calls find nowhere 2
calls call unknown 1
EOF
cp expected with
echo 'calls end' >>expected
cat >>with <<'EOF'
calls add 0 1234567 89abcdea
calls scale 0 40200000
calls length 0 8
calls length nowhere 2
calls reverse 0 42 fedcba
calls reverse nowhere 2
calls reverse too long 3
calls many 0beb9af0
calls end
EOF
for target in mips32r2el mips32r2eb mips64r2el mips64r2eb; do
  cpu=24Kf
  [[ $target == mips64* ]] && cpu=MIPS64R2-generic
  first=
  for tier in eval stencil llvm auto; do
    run() { # expected option...
      local want=$1
      shift
      "$program" run --kernel "$guests/$target/calls" --cpu $cpu --mem 64M --tier $tier --code-store none --timeout 600 \
        --stats s.json "$@" </dev/null >out 2>err
      code=$?
      ((code == 2)) && grep -q 'left out of this build' err && return
      tr -d '\r' <out | diff "$want" - >diff
      local same=$?
      check "$target $tier $*: $code, $(cat err) $(head -5 diff)" $((code || same))
    }
    run expected
    [[ $target$tier == mips32r2elstencil ]] && plain=$(stat_of s.json state_hash)
    run with --host-calls host.so
    this=$(stat_of s.json state_hash)$(stat_of s.json instructions)
    [[ -z $first || $first == "$this" ]]
    check "$target $tier is the same run: $first, $this" $?
    first=$this
  done
done

# Recorded and replayed: the functions are not there any more, and what they gave is.
tier=stencil target=mips64r2eb cpu=MIPS64R2-generic
run with --host-calls host.so --record it.mbr
if ((code != 2)); then
  mv host.so away.so
  "$program" run --replay it.mbr --tier eval </dev/null >out 2>err
  code=$?
  ((code == 0)) && grep -q 'the same run, to the state it ended in' err && tr -d '\r' <out | diff with - >diff
  held=$?
  check "replayed without the functions: $code, $(cat err) $(head -5 diff)" $held
  mv away.so host.so
fi

# As events: one for each call that was answered, and one for each page that a call cleared or remapped.
count_of() { grep -A 2 "\"name\": \"$1\"" s.json | sed -n 's/.*"count": \([0-9]*\),/\1/p'; }
tier=stencil target=mips32r2el cpu=24Kf
run expected --events
if ((code != 2)); then
  check "monitor calls count: $(count_of 'monitor call'), pages $(count_of 'page of a monitor call')" \
    "$([[ $(count_of 'monitor call') -gt 20 && $(count_of 'page of a monitor call') -gt 3 ]]; echo $?)"
  check "it is the same run: $(stat_of s.json state_hash)" "$([[ $(stat_of s.json state_hash) == "$plain" ]]; echo $?)"
fi
finish
