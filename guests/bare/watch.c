/* guests/bare/watch.c: the watch registers, where there are any: what they keep, and that the low bits are flags. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Watch exceptions themselves are not shown: QEMU, the oracle, has none. */
#include "bare.h"

void program(void) {
  if (!(get32(CP0_CONFIG1) & 8)) {
    REPORT("watch", "absent");
    return;
  }
  setreg(CP0_WATCHLO, 0x00123458);
  REPORT("lo", HEX, getreg(CP0_WATCHLO) & ~(reg)7);
  setreg(CP0_WATCHLO, 0);
  REPORT("lo-off", HEX, getreg(CP0_WATCHLO));
  set32(CP0_WATCHHI, 1u << 30 | 0x33u << 16 | 0xff8);
  REPORT("hi", "global %u asid %x mask %x", get32(CP0_WATCHHI) >> 30 & 1, get32(CP0_WATCHHI) >> 16 & 0xff,
         get32(CP0_WATCHHI) & 0xff8);
  set32(CP0_WATCHHI, 0);
}
