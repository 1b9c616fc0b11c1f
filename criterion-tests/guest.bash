# criterion-tests/guest.bash: shared by the tests that boot whole guests: fetching, running, comparing consoles.
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash source-path=SCRIPTDIR source=check.bash
source "$(dirname "${BASH_SOURCE[0]}")/check.bash"

# need_guest NAME: fetch it, or skip when Debian's archive cannot be reached. Sets kernel, initrd; last_words, which its
# kernel says when it ends; qemu and cpu, where QEMU has the board, else qemu is empty; the board's disk buses and network
# cards.
need_guest() {
  local paths
  paths=$("$program" guests get "$1") || { echo "skipped: $1 cannot be fetched"; exit 77; }
  kernel=$(sed -n 1p <<<"$paths") initrd=$(sed -n 2p <<<"$paths") last_words='reboot: Power down' qemu=
  buses=(virtio ide) cards=(virtio pcnet)
  case $1 in
    *4kc) qemu=qemu-system-mipsel cpu=24Kf ;;
    *5kc) qemu=qemu-system-mips64el cpu=MIPS64R2-generic ;;
    *generic*)
      last_words='reboot: System halted' # it has no driver for the power switch
      buses=(virtio) cards=(virtio)
      ;;
  esac
}

# Skip without the tools that make, check and read file systems.
need_e2fsprogs() {
  PATH=$PATH:/usr/sbin:/sbin
  command -v mke2fs e2fsck debugfs >/dev/null && return
  echo "skipped: e2fsprogs is not installed"
  exit 77
}

# ext4_image FILE SIZE [OPTIONS OF mke2fs]: the same bytes each time.
ext4_image() {
  local file=$1 size=$2
  shift 2
  E2FSPROGS_FAKE_TIME=1704067200 mke2fs -F -t ext4 -U 6d697272-6f72-4261-8c6c-000000000001 \
    -E hash_seed=6d697272-6f72-4261-8c6c-000000000002 "$@" "$file" "$size" >/dev/null 2>&1
  check "mke2fs makes $file" $?
}

# stat FILE KEY: a number or string out of a --stats file.
stat_of() { sed -n "s/^ *\"$2\": \"\{0,1\}\([^\",]*\).*/\1/p" "$1" | head -1; }

# What in a console depends on how fast or when it runs, or on what only one machine offers. Each line says why.
mask_console() {
  tr -d '\r' | sed -E \
    -e 's/^\[ *[0-9]+\.[0-9]+\] //'                      `# time stamps` \
    -e 's/\x1b\[6n//g'                                   `# the shell asks for the cursor position` \
    -e '/^reboot: Power down/d'                         `# with mb.run ours ends at the exit code's store, just before` \
    -e '/^random: crng init done/d'                      `# QEMU seeds the guest from the host` \
    -e '/^Kernel command line:/d; /^Initial ramdisk at/d' `# initrd addresses are sign-extended differently` \
    -e '/^Memory: [0-9]+K/d'                             `# depends on where the initrd lies` \
    -e '/^CPU frequency /d; /^clocksource: MIPS:/d; /^sched_clock: /d' `# QEMU: 333 MHz, ours: --mhz` \
    -e '/^Calibrating delay loop/d; /^[0-9.]+ BogoMIPS/d; /^Performance counters:/d' \
    -e '/^audit: type=2000/d; /rtc_cmos .* setting system clock/d' `# wall-clock dates` \
    -e '/^FPU revision is:/d'                            `# QEMU claims MIPS-3D, which it does not have` \
    -e '/^pci 0000:00:00\.0: /d'                         `# the GT-64120 has six BARs, QEMU models none` \
    -e '/^ata[0-9]+: PATA max /d; /^ata_piix .*: enabling device/d' `# the bus master lies where the cards leave room` \
    -e '/^atkbd serio1: keyboard reset failed/d'         `# a mouse is no keyboard; QEMU's passes for one` \
    -e '/^reboot: Power down/d'                         `# with mb.run ours ends at the exit code's store, just before` |
    sort # kernel threads write between the lines of the boot: no fixed order
}

# Serve a file `big` of random bytes, so large, over HTTP on this host's loopback until the test ends, or to skip without
# python3. Sets server, its process; port; and big, the file's SHA-256.
serve_big() { # size
  command -v python3 >/dev/null || { echo "skipped: python3, which serves HTTP, is not installed"; exit 77; }
  head -c "$1" /dev/urandom >big
  big=$(sha256sum <big) big=${big%% *}
  python3 - >port 2>/dev/null <<'EOF' &
import http.server
s = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
print(s.server_port, flush=True)
s.serve_forever()
EOF
  server=$!
  trap 'kill $server 2>/dev/null; rm -rf "$folder"' EXIT
  until [[ -s port ]]; do sleep 0.05; done
  port=$(<port)
}
