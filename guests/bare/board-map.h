/* guests/bare/board-map.h: the emulator's own board constants, for guests, and what guests do with the board. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BARE_BOARD_MAP_H
#define BARE_BOARD_MAP_H
#ifdef __ASSEMBLER__
#include "iosys/board.h"
#else
#define __ASSEMBLER__ /* the constants, without the host's declarations */
#include "iosys/board.h"
#undef __ASSEMBLER__
#include <stdint.h>
void board_put(char c);
int board_get(void); /* a key, or -1 */
/* End the run: with this exit code under mirrorball, by power-off elsewhere. Interrupts must be off. */
_Noreturn void board_off(int code);
#endif
/* GT-64120 registers, from BOARD_GT: PCI configuration cycles. */
#define GT_PCI0_CFGADDR 0xcf8
#define GT_PCI0_CFGDATA 0xcfc
/* Function 3 of the PIIX4 (power management), as a configuration address. */
#define PIIX4_PM_DEVFN ((BOARD_SLOT_PIIX4 << 3 | 3) << 8)
#endif
