/* guests/bare/board.c: Malta for guests: console, power-off. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "../mirrorball-guest.h"
#include "board-map.h"

#define KSEG1(pa) ((void *)(intptr_t)(int32_t)(0xa0000000u | (pa)))
#define UART      KSEG1(BOARD_UART0)

void board_put(char c) {
  volatile uint8_t *uart = UART;
  if (c == '\n') board_put('\r');
  while (!(uart[5] & 0x20)) {
  } /* LSR.THRE */
  uart[0] = (uint8_t)c;
}

int board_get(void) {
  volatile uint8_t *uart = UART;
  return uart[5] & 1 ? uart[0] : -1;
}

static uint32_t little(uint32_t v) { /* the GT-64120's registers and PCI ports are little-endian */
#ifdef __MIPSEB__
  return __builtin_bswap32(v);
#else
  return v;
#endif
}
static volatile uint32_t *gt(uint32_t offset) {
  return KSEG1(BOARD_GT + offset);
}
static void pci_config(uint32_t where, uint32_t value) {
  *gt(GT_PCI0_CFGADDR) = little(0x80000000u | PIIX4_PM_DEVFN | where);
  *gt(GT_PCI0_CFGDATA) = value; /* to another device than itself: its byte swappers are set for the cpu's order */
}

_Noreturn void board_off(int code) {
  *(volatile uint32_t *)KSEG1(MB_GUEST_EXIT_GPA) = MB_GUEST_EXIT(code);
  pci_config(0x40, BOARD_PORT_PM | 1);
  pci_config(0x80, 1); /* PMREGMISC: answer at PMBASE */
  pci_config(0x04, 1); /* command: I/O space */
  volatile uint16_t *control = KSEG1(BOARD_PCI_IO + BOARD_PORT_PM + 4);
  *control = (uint16_t)(little(0x2000) >> (little(1) == 1 ? 0 : 16)); /* PMCNTRL: suspend now, type 0 = soft off */
  for (;;) __asm__ volatile("wait");
}
