/* iosys/dev_uart.c: 16550A UART: two on the SuperIO, one on the CBUS. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Typed bytes are never lost: one is taken from the tty only when the guest listens (receive interrupt enabled, or it
 * spins on LSR doing nothing else) and the FIFO has room; a FIFO reset while they wait puts them back in line, since a
 * driver resets FIFOs when it opens the port. Register names as in the PC16550D data sheet, section 8. */
#include "iosys/devices.h"
#include <string.h>

enum { RBR_THR, IER, IIR_FCR, LCR, MCR, LSR, MSR, SCR };
enum { IER_RX = 1, IER_THR = 2, IER_LINE = 4, IER_MODEM = 8 };
enum { IIR_NONE = 1, IIR_MODEM = 0, IIR_THR = 2, IIR_RX = 4, IIR_LINE = 6, IIR_TIMEOUT = 12, IIR_FIFO = 0xc0 };
enum { FCR_ENABLE = 1, FCR_RX_RESET = 2, FCR_TX_RESET = 4 };
enum { LCR_DLAB = 0x80 };
enum { MCR_DTR = 1, MCR_RTS = 2, MCR_OUT1 = 4, MCR_OUT2 = 8, MCR_LOOP = 16 };
enum { LSR_DATA = 1, LSR_OVERRUN = 2, LSR_THRE = 0x20, LSR_TEMT = 0x40 };
enum { MSR_CTS = 0x10, MSR_DSR = 0x20, MSR_RI = 0x40, MSR_DCD = 0x80 };

enum {
  POLL_NS = 1000000, /* how often an idle line is looked at */
  IDLE_POLLS = 4,    /* LSR reads that make a polling reader; a driver waiting to send never makes two */
};

static uint64_t char_ns(const struct io_uart *u) {
  unsigned divisor = u->divisor ? u->divisor : 1;
  unsigned bits = 2 + 5 + (u->lcr & 3) + ((u->lcr >> 2) & 1) + ((u->lcr >> 3) & 1);
  return (uint64_t)bits * divisor * 16 * 1000000000u / u->clock_hz;
}

static unsigned fifo_size(const struct io_uart *u) {
  return u->fcr & FCR_ENABLE ? IO_UART_FIFO : 1;
}

static unsigned trigger(const struct io_uart *u) {
  static const uint8_t level[] = {1, 4, 8, 14};
  return u->fcr & FCR_ENABLE ? level[u->fcr >> 6] : 1;
}

/* Characters still in the transmitter, the one being shifted out included. */
static unsigned tx_busy(const struct io_uart *u) {
  uint64_t now = io_clock_ns(u->clock), one = char_ns(u);
  return u->tx_done > now ? (unsigned)((u->tx_done - now + one - 1) / one) : 0;
}

static uint8_t line_status(const struct io_uart *u) {
  unsigned busy = u->timed ? tx_busy(u) : 0;
  return (uint8_t)(u->lsr_errors | (u->rx_n ? LSR_DATA : 0) | (busy <= 1 ? LSR_THRE : 0) | (busy ? 0 : LSR_TEMT));
}

static uint8_t interrupt_id(const struct io_uart *u) {
  if (u->ier & IER_LINE && u->lsr_errors) return IIR_LINE;
  if (u->ier & IER_RX && u->rx_n >= trigger(u)) return IIR_RX;
  if (u->ier & IER_RX && u->rx_n && u->rx_timeout) return IIR_TIMEOUT;
  if (u->ier & IER_THR && u->thr_empty_irq) return IIR_THR;
  if (u->ier & IER_MODEM && u->msr_delta) return IIR_MODEM;
  return IIR_NONE;
}

/* On a PC-style board OUT2 gates the interrupt onto the bus; Malta's SuperIO does so too. Loop-back opens the gate's
 * input, so nothing gets out then; the 8250 driver's irq probing relies on it. */
static void update(struct io_uart *u) {
  bool gate = u->shift || (u->mcr & MCR_OUT2 && !(u->mcr & MCR_LOOP));
  io_irq_set(&u->line, gate && interrupt_id(u) != IIR_NONE);
}

static void receive(struct io_uart *u, uint8_t byte, bool looped) {
  if (u->rx_n == fifo_size(u)) {
    u->lsr_errors |= LSR_OVERRUN;
    return;
  }
  u->rx[(u->rx_first + u->rx_n++) % IO_UART_FIFO] = byte;
  u->rx_looped = looped;
  if (u->rx_n == 1) u->rx_timeout = false;
}

/* The next byte that arrives on the line, or -1. */
static int arriving(struct io_uart *u) {
  if (u->kept_n) {
    uint8_t byte = u->kept[0];
    memmove(u->kept, u->kept + 1, --u->kept_n);
    return byte;
  }
  return u->tty.get ? u->tty.get(u->tty.ctx) : -1;
}

static bool listening(const struct io_uart *u) {
  return u->ier & IER_RX && !(u->mcr & MCR_LOOP) && (u->tty.get || u->kept_n);
}

static bool take_byte(struct io_uart *u) {
  if (u->rx_n >= fifo_size(u)) return false;
  int byte = arriving(u);
  if (byte < 0) return false;
  u->n_rx++;
  receive(u, (uint8_t)byte, false);
  return true;
}

/* One look at the line. Bytes come a character time apart; a pause with bytes below the trigger level raises the
 * time-out interrupt (section 8.4.1; four character times there, the next look here). */
static void rx_look(void *uart) {
  struct io_uart *u = uart;
  if (!listening(u)) return;
  bool got = take_byte(u);
  if (!got && u->rx_n) u->rx_timeout = true;
  update(u);
  bool soon = got || (u->rx_n && !u->rx_timeout);
  io_timer_set(u->clock, &u->rx_timer, io_clock_ns(u->clock) + (soon ? char_ns(u) : POLL_NS));
}

static void rx_arm(struct io_uart *u) {
  if (!listening(u))
    io_timer_cancel(u->clock, &u->rx_timer);
  else if (!u->rx_timer.armed)
    io_timer_set(u->clock, &u->rx_timer, io_clock_ns(u->clock) + char_ns(u));
}

static void tx_drained(void *uart) {
  struct io_uart *u = uart;
  u->thr_empty_irq = true;
  update(u);
}

static void transmit(struct io_uart *u, uint8_t byte) {
  if (u->mcr & MCR_LOOP) {
    receive(u, byte, true);
  } else {
    u->n_tx++;
    if (u->tty.put) u->tty.put(u->tty.ctx, byte);
  }
  u->thr_empty_irq = !u->timed;
  if (u->timed) {
    uint64_t now = io_clock_ns(u->clock), one = char_ns(u);
    if (u->tx_done < now) u->tx_done = now;
    u->tx_done += one;
    io_timer_set(u->clock, &u->tx_timer, u->tx_done - one); /* the holding register empties one earlier */
  }
  update(u);
}

static uint8_t modem_status(const struct io_uart *u) {
  if (!(u->mcr & MCR_LOOP)) return MSR_CTS | MSR_DSR | MSR_DCD | u->msr_delta;
  return (uint8_t)((u->mcr & MCR_RTS ? MSR_CTS : 0) | (u->mcr & MCR_DTR ? MSR_DSR : 0) |
                   (u->mcr & MCR_OUT1 ? MSR_RI : 0) | (u->mcr & MCR_OUT2 ? MSR_DCD : 0) | u->msr_delta);
}

static void fifo_reset(struct io_uart *u) {
  if (!u->rx_looped) {
    uint8_t all[IO_UART_FIFO];
    unsigned n = 0;
    while (n < u->rx_n) {
      all[n] = u->rx[(u->rx_first + n) % IO_UART_FIFO];
      n++;
    }
    for (unsigned i = 0; i < u->kept_n && n < IO_UART_FIFO; i++) all[n++] = u->kept[i];
    memcpy(u->kept, all, n);
    u->kept_n = (uint8_t)n;
  }
  u->rx_n = u->rx_first = 0;
  u->rx_timeout = u->rx_looped = false;
  u->lsr_errors = 0;
}

static uint8_t read_rx(struct io_uart *u) {
  if (!u->rx_n) return 0;
  uint8_t byte = u->rx[u->rx_first];
  u->rx_first = (u->rx_first + 1) % IO_UART_FIFO;
  u->rx_n--;
  u->rx_timeout = u->rx_timeout && u->rx_n;
  rx_arm(u);
  return byte;
}

static uint8_t read_lsr(struct io_uart *u) {
  uint8_t v = line_status(u);
  bool idle = v & LSR_THRE && !(v & LSR_DATA) && !(u->mcr & MCR_LOOP) && !(u->ier & IER_RX);
  u->idle_polls = idle ? u->idle_polls + (u->idle_polls < IDLE_POLLS) : 0;
  if (u->idle_polls == IDLE_POLLS && take_byte(u)) v |= LSR_DATA;
  u->lsr_errors = 0;
  return v;
}

static uint64_t uart_read(void *dev, uint32_t off, int size) {
  struct io_uart *u = dev;
  (void)size;
  uint32_t reg = off >> u->shift & 7;
  uint64_t v = 0;
  if (reg != LSR && reg != RBR_THR) u->idle_polls = 0;
  switch (reg) {
  case RBR_THR: v = u->lcr & LCR_DLAB ? u->divisor & 0xff : read_rx(u); break;
  case IER: v = u->lcr & LCR_DLAB ? u->divisor >> 8 : u->ier; break;
  case IIR_FCR:
    v = interrupt_id(u) | (u->fcr & FCR_ENABLE ? IIR_FIFO : 0);
    if ((v & 15) == IIR_THR) u->thr_empty_irq = false; /* reading IIR acknowledges it: table IV */
    break;
  case LCR: v = u->lcr; break;
  case MCR: v = u->mcr; break;
  case LSR: v = read_lsr(u); break;
  case MSR:
    v = modem_status(u);
    u->msr_delta = 0;
    break;
  case SCR: v = u->scr; break;
  }
  update(u);
  return v;
}

static void write_ier(struct io_uart *u, uint8_t v) {
  uint8_t rising = (uint8_t)(v & ~u->ier);
  u->ier = v & 15;
  /* Enabling the interrupt with an empty holding register raises it again. */
  if (rising & IER_THR && line_status(u) & LSR_THRE) u->thr_empty_irq = true;
  rx_arm(u);
}

static void write_mcr(struct io_uart *u, uint8_t v) {
  uint8_t before = modem_status(u) & 0xf0;
  u->mcr = v & 31;
  uint8_t after = modem_status(u) & 0xf0, changed = before ^ after;
  if (changed & MSR_RI && !(before & MSR_RI)) changed &= (uint8_t)~MSR_RI; /* only RI's trailing edge counts */
  u->msr_delta |= changed >> 4;
  rx_arm(u);
}

static void write_fcr(struct io_uart *u, uint8_t v) {
  if ((v ^ u->fcr) & FCR_ENABLE) v |= FCR_RX_RESET | FCR_TX_RESET; /* section 8.3, FCR0 */
  u->fcr = v & (0xc0 | FCR_ENABLE);
  if (v & FCR_RX_RESET) fifo_reset(u);
  if (v & FCR_TX_RESET && u->timed) {
    u->tx_done = 0;
    io_timer_cancel(u->clock, &u->tx_timer);
    u->thr_empty_irq = true;
  }
}

static void uart_write(void *dev, uint32_t off, uint64_t value, int size) {
  struct io_uart *u = dev;
  uint8_t v = (uint8_t)value;
  (void)size;
  u->idle_polls = 0;
  switch (off >> u->shift & 7) {
  case RBR_THR:
    if (u->lcr & LCR_DLAB)
      u->divisor = (uint16_t)((u->divisor & 0xff00) | v);
    else
      transmit(u, v);
    break;
  case IER:
    if (u->lcr & LCR_DLAB)
      u->divisor = (uint16_t)((u->divisor & 0xff) | v << 8);
    else
      write_ier(u, v);
    break;
  case IIR_FCR: write_fcr(u, v); break;
  case LCR: u->lcr = v; break;
  case MCR: write_mcr(u, v); break;
  case LSR: break; /* factory test */
  case MSR: break;
  case SCR: u->scr = v; break;
  }
  update(u);
}

static void uart_reset(void *dev) {
  struct io_uart *u = dev;
  fifo_reset(u);
  u->ier = u->lcr = u->mcr = u->scr = u->fcr = u->msr_delta = u->idle_polls = 0;
  u->divisor = 12; /* undefined on the chip; firmware leaves 9600 baud */
  u->thr_empty_irq = false;
  u->tx_done = 0;
  io_timer_cancel(u->clock, &u->rx_timer);
  io_timer_cancel(u->clock, &u->tx_timer);
  update(u);
}

void io_uart_init(struct io_uart *u, const struct io_uart_config *config) {
  *u = (struct io_uart){.clock = config->clock,
                        .line = config->line,
                        .tty = config->tty,
                        .clock_hz = config->clock_hz,
                        .shift = config->shift,
                        .timed = config->timed,
                        .rx_timer = {.fn = rx_look, .ctx = u},
                        .tx_timer = {.fn = tx_drained, .ctx = u}};
  uart_reset(u);
}

const struct dev_ops uart_ops = {"uart", uart_read, uart_write, uart_reset};

void io_uart_state(void *uart, struct snap *s) {
  struct io_uart *u = uart;
  bool connected = u->tty.get != NULL;
  SNAP(s, u->ier);
  SNAP(s, u->lcr);
  SNAP(s, u->mcr);
  SNAP(s, u->scr);
  SNAP(s, u->fcr);
  SNAP(s, u->msr_delta);
  SNAP(s, u->lsr_errors);
  SNAP(s, u->divisor);
  SNAP_ARRAY(s, u->rx, u->rx[0]);
  SNAP(s, u->rx_first);
  SNAP(s, u->rx_n);
  SNAP(s, u->rx_looped);
  SNAP(s, u->rx_timeout);
  SNAP(s, u->thr_empty_irq);
  SNAP(s, u->idle_polls);
  SNAP_ARRAY(s, u->kept, u->kept[0]);
  SNAP(s, u->kept_n);
  SNAP(s, u->tx_done);
  io_timer_state(u->clock, &u->rx_timer, s);
  io_timer_state(u->clock, &u->tx_timer, s);
  SNAP(s, u->n_tx);
  SNAP(s, u->n_rx);
  SNAP(s, connected);
  if (!snap_check(s, u->rx_first < IO_UART_FIFO && u->rx_n <= IO_UART_FIFO && u->kept_n <= IO_UART_FIFO)) return;
  if (u->tty.get && !connected) rx_arm(u); /* nobody could type there before */
}
