/* guests/mirrorball-guest.h: what a guest may ask of mirrorball, in C and in assembly. */
/* SPDX-License-Identifier: Apache-2.0 */
/* A 32-bit store of MB_GUEST_EXIT(code) to guest-physical MB_GUEST_EXIT_GPA ends the run; `mirrorball run` then exits
 * with 0 for code 0, else 64 + code (127 at most; --stats has the exact code). The register lies in a part of Malta's
 * FPGA that real boards and QEMU leave unused: there the store does nothing, so follow it by a power-off. From Linux,
 * as root: busybox devmem 0x1f000a00 32 $((0x4d420000 + code))
 */
#ifndef MIRRORBALL_GUEST_H
#define MIRRORBALL_GUEST_H
#define MB_GUEST_EXIT_GPA   0x1f000a00
#define MB_GUEST_EXIT_MARK  0x4d420000 /* 'M' 'B' */
#define MB_GUEST_EXIT(code) (MB_GUEST_EXIT_MARK | ((code)&0xffff))
#endif
