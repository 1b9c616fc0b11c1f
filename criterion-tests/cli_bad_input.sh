#!/bin/bash
# criterion-tests/cli_bad_input.sh: whatever is wrong with a command, it ends with exit 2, one clear line, and no trace.
# SPDX-License-Identifier: Apache-2.0
# Each case is: expected exit code, a piece of the expected line on stderr, the command's words.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source-path=SCRIPTDIR source=images.bash
source "$here/images.bash"
program=${MIRRORBALL:?the program to test}
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
mkdir files work
failed=0 ran=0

bad() { # exit fragment words...
  local want=$1 text=$2 code lines left
  shift 2
  ran=$((ran + 1))
  (cd work && timeout 600 "$program" "$@" >../out 2>../err </dev/null)
  code=$? lines=$(wc -l <err) left=$(ls -A work)
  if ((code != want)) || ((lines != 1)) || [[ -s out || -n $left ]] || ! grep -qF -- "$text" err ||
    ! grep -q '^mirrorball: ' err; then
    failed=$((failed + 1))
    echo "FAILED: mirrorball $*"
    echo "  exit $code, expected $want; stderr must be one line with: $text; left behind: ${left:-nothing}"
    sed 's/^/  | /' err
    rm -rf work && mkdir work
  fi
}

# --- images ---
f=../files
off='3c08bf00 3c094d42 ad090a00 00000000' # lui t0,0xbf00; lui t1,0x4d42; sw t1,0xa00(t0): end with code 0
# shellcheck disable=SC2086
{
  elf little 32 $off >files/good
  elf big 32 $off >files/good.eb
  elf little 64 $off >files/good64
}
: >files/empty
echo "this is no kernel" >files/text
head -c 30 files/good >files/cut30
head -c 70 files/good >files/cut70
head -c $(($(wc -c <files/good) - 1)) files/good >files/cut1
gzip -c files/good >files/good.gz
head -c 60 files/good.gz >files/cut.gz
{ head -c 40 files/good.gz; printf 'XXXX'; tail -c +45 files/good.gz; } >files/damaged.gz
cp /bin/true files/host-program
printf '\xfd7zXZ\0\0\4' >files/some.xz
printf '\x27\x05\x19\x56' >files/cut.uimage
{ printf '\x27\x05\x19\x56'; head -c 100 /dev/zero; } >files/wrong.uimage
truncate -s 300M files/huge
head -c 4096 /dev/zero >files/disk
head -c 1000 /dev/zero >files/odd
cp "$(command -v sleep)" files/busy # a program that runs cannot be written to, not even by root
truncate -s %512 files/busy
mkdir files/folder
mkfifo files/pipe

# --- words ---
bad 2 'no command "rum"; did you mean "run"' rum
bad 2 'no command "frobnicate"' frobnicate
bad 2 'no option --boot' --boot
bad 2 'what? Name a guest' run
bad 2 'no option --kernal; did you mean --kernel' run --kernal x
bad 2 'no option --zzzzzzzz' run --zzzzzzzz
bad 2 'begin with two dashes' run -k x
bad 2 '--kernel wants FILE' run --kernel
bad 2 '--timestamps takes no value' run --timestamps=yes
bad 2 'no guest "debian-4kx"; did you mean "debian-4kc"' run debian-4kx
bad 2 'no guest "nothing-like-it-at-all"' run nothing-like-it-at-all
bad 2 'use --kernel' run $f/good
bad 2 'one guest at a time' run own-mips32el own-mips32eb
bad 2 'is too much' version now
bad 2 'no command "runn"' help runn

# --- values ---
bad 2 'not a size' run --kernel $f/good --mem lots
bad 2 'not a size' run --kernel $f/good --mem 256X
bad 2 'not a size' run --kernel $f/good --mem 99999999999999999999G
bad 2 '8M to 2G' run --kernel $f/good --mem 4M
bad 2 '8M to 2G' run --kernel $f/good --mem 3G
bad 2 '8M to 2G' run --kernel $f/good --mem 0
bad 2 'steps of 1M' run --kernel $f/good --mem 16385K
bad 2 'no cpu model 24Kx; did you mean 24Kf' run --kernel $f/good --cpu 24Kx
bad 2 'no cpu model pentium' run --kernel $f/good --cpu pentium
bad 2 'no board sead3' run --kernel $f/good --board sead3
bad 2 'no board malte; did you mean malta' run --kernel $f/good --board malte
bad 2 'takes cpus with a coherence manager' run --kernel $f/good --board disco --cpu 34Kf
bad 2 'malta has at most 1 vcpu' run --kernel $f/good --vcpus 2
bad 2 'disco has at most 16 vcpus' run --kernel $f/good --board disco --vcpus 17
bad 2 'at least one' run --kernel $f/good --board disco --vcpus 0
bad 2 'a disco board takes 2 virtio disks and 0 IDE' run --kernel $f/good --board disco --disk $f/good,ide
bad 2 'at most 4000 MHz' run --kernel $f/good --board disco --mhz 5000
bad 2 'neither auto nor eval' run --kernel $f/good --tier fast
bad 2 'neither bare nor trap' run --kernel $f/good --mode native
bad 2 'number from 0 to 1024' run --kernel $f/good --machine-tlb 1025
bad 2 'not a size from 1M to 1G' run --kernel $f/good --code-cache 1k
bad 2 'time would stand still' run --kernel $f/good --mhz 0
bad 2 'not a number' run --kernel $f/good --mhz -5
bad 2 'not a number from 1 to 64' run --kernel $f/good --jobs 0
bad 2 'take turns' run --kernel $f/good --board disco --vcpus 2 --parallel --events
bad 2 'take turns' run --kernel $f/good --board disco --vcpus 2 --parallel --profile $f/p
bad 2 'take turns' run --kernel $f/good --board disco --vcpus 2 --parallel --check race
bad 2 '"racing" is none of tlb' run --kernel $f/good --check tlb,racing
bad 2 'wants any of' run --kernel $f/good --check ''
bad 2 'goes with --check' run --kernel $f/good --check-allow $f/good
bad 2 'No such file' run --kernel $f/good --check race --check-allow $f/absent
bad 2 'is no text' run --kernel $f/good --check race --check-allow $f/good
bad 2 'neither max nor real' run --kernel $f/good --pace slow
bad 2 'neither host nor a date' run --kernel $f/good --rtc yesterday
bad 2 'neither host nor a date' run --kernel $f/good --rtc 2024-13-01
bad 2 'neither console:TEXT nor insns:N' run --kernel $f/good --until forever
bad 2 'wants a text' run --kernel $f/good --until console:
bad 2 'bad backslash' run --kernel $f/good --until 'console:\q'
bad 2 'not a number of instructions' run --kernel $f/good --until insns:many
bad 2 'not a number of seconds' run --kernel $f/good --timeout soon
bad 2 'not a number of seconds' run --kernel $f/good --timeout 0
bad 2 'not TEXT=>KEYS' run --kernel $f/good --type hello
bad 2 'bad backslash' run --kernel $f/good --type 'x=>\x1'
bad 2 'not KINDS=FILE' run --kernel $f/good --trace insn
bad 2 '"foo" is none of' run --kernel $f/good --trace insn,foo=t
bad 2 'neither big nor little' run --kernel $f/good --endian middle
bad 2 'not a number' run --kernel $f/text --endian big --load-addr here

# --- kernels ---
bad 2 'No such file' run --kernel $f/absent
bad 2 'is a folder' run --kernel $f/folder
bad 2 'neither a file nor a pipe' run --kernel /dev/null
bad 2 'is empty' run --kernel $f/empty
bad 2 'is empty' run --kernel $f/pipe
bad 2 'no kernel we know' run --kernel $f/text
bad 2 'truncated' run --kernel $f/cut30
bad 2 'truncated' run --kernel $f/cut70
bad 2 'truncated' run --kernel $f/cut1
bad 2 'truncated' run --kernel $f/cut.gz
bad 2 'damaged' run --kernel $f/damaged.gz
bad 2 'not for MIPS' run --kernel $f/host-program
bad 2 'xz data' run --kernel $f/some.xz
bad 2 'truncated' run --kernel $f/cut.uimage
bad 2 'checksum' run --kernel $f/wrong.uimage
bad 2 '64-bit kernel' run --kernel $f/good64 --cpu 24Kf
bad 2 'big-endian, but little-endian' run --kernel $f/good.eb --endian little
bad 2 'no address of memory' run --kernel $f/text --endian big --load-addr 0xc0000000
bad 2 'does not fit' run --kernel $f/text --endian big --load-addr 0x81000000 --mem 16M
bad 2 'multiple of 4' run --kernel $f/text --endian big --entry 0x80100002
bad 2 'does not fit' run --kernel $f/good --initrd $f/huge --mem 512M
bad 2 'larger than' run --kernel $f/good --initrd $f/huge --mem 64M
bad 2 'No such file' run --kernel $f/good --initrd $f/absent
bad 2 'is empty' run --kernel $f/good --initrd $f/empty
bad 2 'kernel parameters' run --kernel $f/good --append "$(printf '%05000d' 0)"
bad 2 'no symbols' run --kernel $f/good --symbols
bad 2 'line 1' run --kernel $f/good --symbols=$f/text
bad 2 'No such file' run --kernel $f/good --symbols=$f/absent

# --- disks ---
bad 2 'wants a FILE' run --kernel $f/good --disk ,cow
bad 2 '"cwo" is none of cow, ro, persist, virtio, ide' run --kernel $f/good --disk $f/disk,cwo
bad 2 'is none of' run --kernel $f/good --disk $f/disk,
bad 2 'either ro or persist' run --kernel $f/good --disk $f/disk,ro,ide,persist
bad 2 'No such file' run --kernel $f/good --disk $f/absent
bad 2 'is a folder' run --kernel $f/good --disk $f/folder
bad 2 'is no file' run --kernel $f/good --disk $f/pipe
bad 2 'is empty' run --kernel $f/good --disk $f/empty
bad 2 'not a multiple of 512' run --kernel $f/good --disk $f/odd
bad 2 '2 virtio disks and 4 IDE disks' run --kernel $f/good --disk={,,}$f/disk
bad 2 '2 virtio disks and 4 IDE disks' run --kernel $f/good --disk=$f/disk,ide{,,,,}
bad 2 'more than 16' run --kernel $f/good --disk=$f/disk,{ide,ro}{,,}{,,}
bad 2 'in use as a disk already' run --kernel $f/good --disk=$f/disk,persist{,',ide'}
bad 2 'in use as a disk already' run --kernel $f/good --disk $f/disk --disk $f/disk,persist
bad 2 'its one user' run --kernel $f/good --disk $f/disk,persist --disk $f/disk,ro
files/busy 60 &
until [[ $(readlink "/proc/$!/exe") == */busy ]]; do sleep 0.05; done
bad 2 'Text file busy' run --kernel $f/good --disk $f/busy,persist
kill $!

# --- networks ---
net() { bad 2 "$1" run --kernel $f/good "${@:2}"; }
net 'neither nat nor subnet=NAME' --net user
net 'neither nat nor subnet=NAME' --net ''
net '"e1000" is none of virtio, pcnet, restrict, forward=...' --net nat,e1000
net 'is none of' --net nat,
net 'one card, either' --net nat,virtio,pcnet
net 'wants a NAME' --net subnet=
net 'restrict goes with nat' --net subnet=a,restrict
net 'forward goes with nat' --net subnet=a,forward=tcp:1:2
net 'is not tcp:HOSTPORT:GUESTPORT' --net nat,forward=sctp:1:2
net 'lacks :GUESTPORT' --net nat,forward=tcp:8080
net '"65536" is no port' --net nat,forward=tcp:8080:65536
net '"0" is no port' --net nat,forward=tcp:0:80
net '"" is no port' --net nat,forward=udp::80
net '"-1" is no port' --net nat,forward=tcp:-1:80
net '"http" is no port' --net nat,forward=tcp:8080:http
net 'more than 16 forwards' --net "nat$(printf ',forward=tcp:%d:80' {40001..40017})"
net 'port 40123 of this host is in use' --net=nat,forward=tcp:40123:8{0,1}
net 'port 40123 of this host is in use' --net nat,forward=udp:40123:1,forward=udp:40123:2
net 'takes 2 virtio cards and 1 pcnet' --net=nat{,,}
net 'takes 2 virtio cards and 1 pcnet' --net={nat,subnet=a},pcnet
net 'takes 2 virtio cards and 0 pcnet' --board disco --net nat,pcnet
net 'too few for 2 virtio networks' --net=nat{,} --disk=$f/disk{,} --seed 1
net 'more than 16 networks' --net=nat{,,,}{,,,},virtio --net nat

# --- consoles ---
bad 2 'none of tty, none, file:PATH, socket:PATH' run --kernel $f/good --console tyy
bad 2 'none of tty, none, file:PATH, socket:PATH' run --kernel $f/good --console file:
bad 2 'No such file' run --kernel $f/good --console file:absent/f
bad 2 'Is a directory' run --kernel $f/good --console file:$f/folder
bad 2 'No such file' run --kernel $f/good --console socket:absent/s
bad 2 'Address already in use' run --kernel $f/good --console socket:$f/good
bad 2 'longer than' run --kernel $f/good --console "socket:$(printf '%0200d' 0)"

bad 2 'No such file' run --kernel $f/absent --console file:f
bad 2 'does not fit' run --kernel $f/good --initrd $f/huge --mem 512M --console socket:s

# --- machine files ---
machine() { # fragment text: a file that cannot be run
  printf '%b' "$2" >files/m
  bad 2 "$1" run --machine $f/m
}
vm="{ name = \"a\"; kernel = \"$f/good\"; }"
bad 2 'No such file' run --machine $f/absent
bad 2 'is a folder' run --machine $f/folder
bad 2 'is empty' run --machine $f/empty
bad 2 'is empty' run --machine $f/pipe
bad 2 'is no text' run --machine $f/disk
bad 2 'too long' run --machine $f/huge
bad 2 'is no text' run --machine $f/good
bad 2 'text:1: syntax error' run --machine $f/text
machine 'is empty' ' \n\n'
machine 'describes no VM' '# nothing\n'
machine 'm:2: syntax error' 'cpus = 1;\nvms = ('
machine 'm:2: duplicate setting name' 'cpus = 1;\ncpus = 2;'
machine 'm:1: there is no key "cpu"; did you mean "cpus"?' "cpu = 1; vms = ($vm);"
machine 'm:2: there is no key "frobnicate"' "vms = ($vm);\nfrobnicate = 1;"
machine 'm:2: there is no key "kernal"; did you mean "kernel"?' 'vms = ({\nkernal = "x"; });'
machine 'm:1: there is no key "timeout"' 'vms = ({ name = "a"; timeout = 3; });'
machine 'm:3: @include' 'cpus = 1;\n\n  @include "/"\n'
machine 'm:1: cpus 0: not a number from 1' 'cpus = 0;'
machine 'm:1: cpus -1: not a number from 1' 'cpus = -1;'
machine 'm:1: cpus: neither' 'cpus = [1];'
machine 'm:1: memory lots: not a size' 'memory = "lots";'
machine 'm:1: vms: is written as' 'vms = { name = "a"; };'
machine 'm:1: vms: a machine has at least one' 'vms = ();'
machine 'm:1: vms: a VM is written as' 'vms = (1);'
machine 'm:1: vms: more than 64' "vms = ($vm$(printf ",$vm%.0s" {1..64}));"
machine 'm:1: name: each VM wants one' "vms = ({ kernel = \"$f/good\"; });"
machine 'm:1: VM a b: "a b" is no name' "vms = ({ name = \"a b\"; kernel = \"$f/good\"; });"
machine 'm:2: name: two VMs are called "a" (the other in line 1)' "vms = ($vm,\n$vm);"
machine 'm:1: what is to run?' 'vms = ({ name = "a"; });'
machine 'm:1: there is no guest "debian-4kx"; did you mean' 'vms = ({ name = "a";\nguest = "debian-4kx"; });'
machine 'm:2: mem lots: not a size' 'vms = ({ name = "a";\nmem = "lots"; });'
machine 'm:2: mem: takes one value' 'vms = ({ name = "a";\nmem = ["16M", "32M"]; });'
machine 'm:2: mem: neither "text" nor a whole number' 'vms = ({ name = "a";\nmem = 1.5; });'
machine 'm:1: timestamps: neither true nor false' 'vms = ({ name = "a"; timestamps = 1; });'
machine 'm:1: cpu help: is for the command line' 'vms = ({ name = "a"; cpu = "help"; });'
machine 'm:1: VM a: the board malta has at most 1' "vms = ({ name = \"a\"; vcpus = 2; kernel = \"$f/good\"; });"
machine 'm:1: VM a: kernel ../files/absent: No such file' "vms = ({ name = \"a\"; kernel = \"$f/absent\"; });"
machine 'm:2: VM b: disk ../files/absent: No such file' \
  "vms = ($vm,\n{ name = \"b\"; kernel = \"$f/good\"; disk = \"$f/absent\"; });"
disk="kernel = \"$f/good\"; disk = \"$f/disk,persist\";"
machine 'm:2: VM b: disk ../files/disk: is in use as a disk already' "vms = ({ name = \"a\"; $disk },\n{ name = \"b\"; $disk });"
machine 'together, the machine has 1 cpus' "cpus = 1; vms = ($vm, { name = \"b\"; kernel = \"$f/good\"; });"
machine 'together, the machine has 128' "memory = \"128M\"; vms = ($vm);"
machine 'MiB of memory, this host' "memory = \"4000000G\"; vms = ($vm);"
machine 'm:1: console tyy: none of' 'vms = ({ name = "a"; console = "tyy"; });'
printf '%b' "vms = ($vm);" >files/m
bad 2 'the machine file says what is run' run --machine $f/m own-mips32el
bad 2 '--mem goes into the machine file' run --machine $f/m --mem 32M
bad 2 '--disk goes into the machine file' run --machine $f/m --disk $f/disk

# --- nothing is begun that could not be finished ---
bad 2 'No such file' run --kernel $f/absent --stats s.json --trace exc=t.txt
bad 2 'does not fit' run --kernel $f/good --initrd $f/huge --mem 512M --stats s.json --trace exc=t.txt
bad 2 'No such file' run --kernel $f/good --stats absent/s.json
bad 2 'is a folder' run --kernel $f/good --stats $f/folder
bad 2 'No such file' run --kernel $f/good --profile absent/p.txt
bad 2 'is a folder' run --kernel $f/good --profile $f/folder
bad 2 '--profile wants FILE' run --kernel $f/good --profile
bad 2 'wants a FILE' run --kernel $f/good --profile ''
bad 2 'no sample would ever be taken' run --kernel $f/good --profile p.txt --profile-every 0
bad 2 'not a number' run --kernel $f/good --profile p.txt --profile-every often
bad 2 'goes with --profile' run --kernel $f/good --profile-every 1000
bad 2 'more than 8' run --kernel $f/good --profile{,,,}{,,}=p.txt
bad 2 'trace' run --kernel $f/good --trace exc=absent/t.txt

echo "$((ran - failed)) of $ran commands were refused as they should"
((failed == 0))
