/* criterion-tests/test_dev_uart.c: the 16550s: interrupts as the 8250 driver expects, FIFOs, typed bytes kept. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "test_dev_steps.h"

enum {
  U = BOARD_PORT_UART0,
  THR = U,
  RBR = U,
  IER = U + 1,
  IIR = U + 2,
  FCR = U + 2,
  LCR = U + 3,
  MCR = U + 4,
  LSR = U + 5,
  MSR = U + 6,
  SCR = U + 7
};
enum { CHAR = 86806 * 12 }; /* ns for 10 bits at 9600 baud, the reset divisor */
enum { MS = 1000000 };

/* The master i8259 set up as Linux does, IRQ4 open. */
#define PICS_READY                                                                                                     \
  {WR, 0x20, 0x11}, {WR, 0x21, 0}, {WR, 0x21, 4}, {WR, 0x21, 1}, {                                                     \
    WR, 0x21, 0xef                                                                                                     \
  }
#define EOI                                                                                                            \
  { WR, 0x20, 0x64 }

Test(uart, registers_read_back) {
  static struct bench b;
  bench_init(&b);
  static const struct step steps[] = {
      {WR, SCR, 0x5a}, {RD, SCR, 0x5a},     {RD, LSR, 0x60}, {RD, IIR, 0x01},      {RD, IER, 0},    {WR, IER, 0xff},
      {RD, IER, 0x0f}, {WR, IER, 0},        {WR, LCR, 0x83}, {WR, U, 0x34},        {WR, IER, 0x12}, {RD, U, 0x34},
      {RD, IER, 0x12}, {WR, LCR, 3},        {RD, IER, 0},    {RD, RBR, 0},         {WR, FCR, 1},    {RD, IIR, 0xc1},
      {WR, FCR, 0},    {RD, IIR, 0x01},     {RD, MSR, 0xb0}, {WR, MCR, 0xff},      {RD, MCR, 0x1f}, {WR, THR, 'x'},
      {RD, LSR, 0x61}, {SHOWN, .text = ""}, /* looped back */
      {RD, RBR, 'x'},  {WR, MCR, 0},        {WR, THR, 'y'},  {SHOWN, .text = "y"},
  };
  BENCH_RUN(&b, steps);
}

Test(uart, loopback_modem_lines) {
  static struct bench b;
  bench_init(&b);
  static const struct step steps[] = {
      {WR, MCR, 0x1a}, {RD, MSR, 0x90, .mask = 0xf0}, /* loop with RTS and OUT2: CTS and DCD, as autoconfig checks */
      {WR, MCR, 0x10}, {RD, MSR, 0x09},
      {RD, MSR, 0x00}, /* both went away; deltas clear on read */
      {WR, MCR, 0x14}, {RD, MSR, 0x40},
      {WR, MCR, 0x10}, {RD, MSR, 0x04}, /* RI counts on its trailing edge only */
  };
  BENCH_RUN(&b, steps);
}

Test(uart, transmit_interrupt) {
  static struct bench b;
  bench_init(&b);
  static const struct step steps[] = {
      PICS_READY,     {WR, MCR, 8},
      {LINE, 0, 0},   {WR, IER, 2},
      {LINE, 0, 1},   {ACK, 0, 4},
      {RD, IIR, 2}, /* enabling with an empty THR interrupts */
      {RD, IIR, 1},   EOI,
      {LINE, 0, 0}, /* reading IIR acknowledged it */
      {WR, IER, 0},   {WR, IER, 2},
      {LINE, 0, 1},   {RD, IIR, 2}, /* and toggling enables again */
      {ACK, 0, 7},    {WR, THR, 'a'},
      {LINE, 0, 1},   {ACK, 0, 4},
      {RD, IIR, 2},   EOI,
      {WR, THR, 'b'}, {WR, IER, 0},
      {LINE, 0, 0},   {SHOWN, .text = "ab"},
      {WR, IER, 2},   {WR, MCR, 0},
      {LINE, 0, 0}, /* OUT2 gates the interrupt */
  };
  BENCH_RUN(&b, steps);
}

Test(uart, timed_transmitter) {
  static struct bench b;
  bench_config(&b);
  b.config.uart_timed = true;
  bench_start(&b);
  static const struct step steps[] = {
      PICS_READY,          {WR, MCR, 8},    {WR, LCR, 3},    {WR, FCR, 1},
      {WR, IER, 2},        {ACK, 0, 4},     {RD, IIR, 0xc2}, EOI,
      {WR, THR, '1'},      {WR, THR, '2'},  {WR, THR, '3'},  {SHOWN, .text = "123"},
      {RD, LSR, 0},        {LINE, 0, 0},    {PASS, CHAR},    {RD, LSR, 0},
      {PASS, CHAR + 2000}, {RD, LSR, 0x20}, {LINE, 0, 1},    {RD, IIR, 0xc2},
      {PASS, CHAR},        {RD, LSR, 0x60},
  };
  BENCH_RUN(&b, steps);
}

Test(uart, receive_interrupts_and_timeout) {
  static struct bench b;
  bench_init(&b);
  static const struct step steps[] = {
      PICS_READY,
      {WR, MCR, 8},
      {WR, LCR, 3},
      {WR, FCR, 0x41}, /* FIFO, trigger 4 */
      {TYPE, .text = "hello"},
      {PASS, 50 * MS},
      {RD, LSR, 0x60}, /* nobody listens: nothing is taken */
      {WR, IER, 1},
      {PASS, 3 * MS},
      {LINE, 0, 0},
      {PASS, 3 * MS},
      {LINE, 0, 1},
      {ACK, 0, 4},
      {RD, IIR, 0xc4},
      {RD, RBR, 'h'},
      {RD, RBR, 'e'},
      EOI,
      {LINE, 0, 0},
      {PASS, 9 * MS},
      {LINE, 0, 1},
      {ACK, 0, 4},
      {RD, IIR, 0xcc}, /* the rest is below the trigger */
      {RD, LSR, 0x61},
      {RD, RBR, 'l'},
      {RD, RBR, 'l'},
      {RD, RBR, 'o'},
      {RD, LSR, 0x60},
      EOI,
      {LINE, 0, 0},
  };
  BENCH_RUN(&b, steps);
}

/* What the 8250 driver does on open: it must not eat what was typed before or meanwhile. */
Test(uart, typed_bytes_survive_open) {
  static struct bench b;
  bench_init(&b);
  static const struct step steps[] = {
      {TYPE, .text = "abc"}, {WR, THR, '>'},  {RD, LSR, 0x60}, {WR, THR, '>'},  {RD, LSR, 0x60}, /* printing does not
                                                                                                    listen */
      {RD, LSR, 0x60},       {RD, LSR, 0x60}, {RD, LSR, 0x61}, /* a fourth idle look in a row does */
      {WR, FCR, 1},          {WR, FCR, 7},    {WR, FCR, 0},    {RD, LSR, 0x60}, {RD, RBR, 0},    {RD, IIR, 1},
      {RD, MSR, 0xb0},       {WR, FCR, 1},    {WR, MCR, 8},    {WR, IER, 1},    {PASS, 60 * MS}, {RD, RBR, 'a'},
      {RD, RBR, 'b'},        {RD, RBR, 'c'},  {RD, LSR, 0x60},
  };
  BENCH_RUN(&b, steps);
}

Test(uart, polling_reader_gets_everything) {
  static struct bench b;
  bench_init(&b);
  static const char text[] = "the quick brown fox jumps over it";
  strcpy(b.typed, text);
  char got[64] = "";
  unsigned n = 0;
  for (int looks = 0; looks < 1000 && n < sizeof text - 1; looks++)
    if (io_board_read(&b.board, BOARD_UART0 + 5, 1) & 1) got[n++] = (char)io_board_read(&b.board, BOARD_UART0, 1);
  cr_expect_str_eq(got, text);
}

Test(uart, fifo_never_overruns_from_the_tty) {
  static struct bench b;
  bench_init(&b);
  static const struct step steps[] = {
      {WR, FCR, 1}, {WR, IER, 1}, {TYPE, .text = "0123456789abcdefGHIJ"}, {PASS, 100 * MS}, {RD, LSR, 0x61},
  };
  BENCH_RUN(&b, steps);
  for (const char *p = "0123456789abcdefGHIJ"; *p; p++) {
    cr_expect_eq(io_board_read(&b.board, BOARD_UART0, 1), (uint64_t)*p);
    bench_pass(&b, 2 * MS);
  }
}

Test(uart, cbus_uart_in_both_orders) {
  for (int big = 0; big < 2; big++) {
    static struct bench b;
    bench_config(&b);
    b.config.big_endian = big;
    bench_start(&b);
    enum { C = BOARD_UART2 };
    static const struct step steps[] = {
        {WR, C + 7 * 8, 0xa5},     {RD, C + 7 * 8, 0xa5},   {RD, C + 5 * 8, 0x60},     {WR, C, 'u'},
        {SHOWN, .text = "u"},      {WR, C + 8, 2},          {LINE, BOARD_HW_UART2, 1}, {RD, C + 16, 2},
        {LINE, BOARD_HW_UART2, 0}, {WR, C, 'v', .size = 1}, {SHOWN, .text = "v"},
    };
    BENCH_RUN(&b, steps);
  }
}
