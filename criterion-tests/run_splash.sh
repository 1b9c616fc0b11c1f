#!/bin/bash
# criterion-tests/run_splash.sh: the parallel programs on the library OS, small: right, and the same run in each tier.
# SPDX-License-Identifier: Apache-2.0
declare -A words=([radix]='n=20011 radix=64 seed=7' [raytrace]='size=28 balls=1')
targets='mips32r2eb mips64r2el' tiers='auto stencil eval'
on=$'1 threads=3\n4\n16'
# shellcheck source-path=SCRIPTDIR source=splash.bash
source "$(dirname "${BASH_SOURCE[0]}")/splash.bash"

# A picture on a disk: what the host's own would be; and words that cannot be done.
truncate -s 4096 picture
"$program" run --board disco --vcpus 2 --kernel "$guests/mips32r2eb/splash-raytrace" --append 'size=28 balls=1 ppm=2' \
  --disk picture,persist >out 2>err </dev/null
code=$?
"$program" run --board disco --vcpus 2 --kernel "$guests/mips64r2el/splash-raytrace" --append 'size=28 balls=1 ppm=1' \
  2>>err </dev/null | tr -d '\r' | sed '1,/^P3/d' | tr '\n' ' ' >text
head -c 32 picture | tr -s '\n ' ' ' >header
tail -c +33 picture | head -c 2352 | od -An -v -tu1 | xargs | tr -d '\n' >bytes
[[ $code == 0 && $(<header) == 'P6 28 28 255 ' && $(xargs <text) == "$(<bytes)" && $(wc -w <bytes) == 2352 ]]
held=$?
check "the picture is on the disk as on the console (exit code $code): $(<header)$(head -c 60 text): $(cat err)" "$held"
for bad in n=0 n= n=12x what=1 what threads=257; do
  "$program" run --board disco --kernel "$guests/mips64r2eb/splash-radix" --append "$bad" >out 2>err </dev/null
  code=$?
  [[ $code == 66 && $(wc -l <out) == 1 ]] && grep -qF "cannot do \"$bad\"; the words are n=" out
  held=$?
  check "$bad is refused in a line (exit code $code): $(cat out)" "$held"
done
finish
