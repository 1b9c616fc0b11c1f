#!/bin/bash
# criterion-tests/guest_splash.sh: the parallel programs on the library OS, large: they gain from each vcpu.
# SPDX-License-Identifier: Apache-2.0
declare -A words=([radix]='n=1048576' [raytrace]='size=128')
targets='mips32r2el mips64r2eb' tiers='auto stencil'
on=$'2 threads=5\n8'
# shellcheck source-path=SCRIPTDIR source=splash.bash
source "$(dirname "${BASH_SOURCE[0]}")/splash.bash"

# Virtual time, with up to 16 vcpus: at least 9 tenths of what each could bring.
declare -A phase=([radix]=sort [raytrace]=render)
for name in radix raytrace; do
  for vcpus in 1 2 4 8 16; do
    run mips64r2el $name $vcpus auto ''
    us=$(sed -n "s/^$name: ${phase[$name]} \([0-9]*\) us.*/\1/p" out)
    ((vcpus == 1)) && alone=$us
    ((us && 10 * alone >= 9 * vcpus * us))
    check "$name, $vcpus vcpus: ${phase[$name]} takes $us us, with one $alone" $?
  done
done
finish
