/* iosys/host_tty.h: the host's terminal: raw mode that is always undone, an escape key, buffered output. */
/* SPDX-License-Identifier: Apache-2.0 */
/* While raw, Ctrl-C and friends go to the guest; the escape key (Ctrl-A, then a letter) is the way out. The terminal
 * is restored by io_host_tty_fini(). A caller that can die otherwise must also restore it: install handlers for
 * SIGTERM, SIGHUP, SIGINT, SIGQUIT that call io_host_tty_restore() (async-signal-safe) before re-raising, for SIGTSTP
 * likewise, and for SIGCONT call io_host_tty_raw(). No thread safety: one thread owns it. */
#ifndef IOSYS_HOST_TTY_H
#define IOSYS_HOST_TTY_H
#include "iosys/dev.h"
#include <stddef.h>
#include <termios.h>

enum io_escape {
  IO_ESCAPE_BYTE,   /* an ordinary byte for the guest */
  IO_ESCAPE_PREFIX, /* the escape key went by: wait for the letter */
  IO_ESCAPE_HELP,
  IO_ESCAPE_QUIT,
  IO_ESCAPE_STATUS,
  IO_ESCAPE_NEXT,    /* show the next console, */
  IO_ESCAPE_PICK,    /* or the one of this number */
  IO_ESCAPE_UNKNOWN, /* a letter without a meaning: dropped */
};

/* The escape machine: pure, no terminal. State is 0 at the start. */
struct io_escape_state {
  bool prefixed;
};
/* Feed one typed byte. On IO_ESCAPE_BYTE *out is what the guest gets, on IO_ESCAPE_PICK the number, 1 to 9. */
enum io_escape io_escape_feed(struct io_escape_state *s, uint8_t in, uint8_t *out);
/* What the keys do, one per line: for the help text. */
extern const char io_escape_help[];

struct io_host_tty {
  int in, out;                     /* descriptors, borrowed */
  bool is_tty, raw, ended, failed; /* ended: end of input; failed: output went away, further bytes are dropped */
  struct termios saved;
  struct io_escape_state escape;
  enum io_escape event; /* the last command typed and not yet asked for; IO_ESCAPE_BYTE: none */
  uint8_t picked;       /* with IO_ESCAPE_PICK */
  uint8_t keys[256];
  unsigned keys_at, keys_n;
  uint8_t buffer[4096];
  unsigned n;
};

/* Take the terminal; switches to raw mode when `in` is one and raw is asked for. Returns 0, or -1 (errno) when the
 * mode cannot be set; fini is harmless then. */
__attribute__((warn_unused_result)) int io_host_tty_init(struct io_host_tty *t, int in, int out, bool raw);
/* Flush and restore. Twice is harmless, and so is a zeroed one. */
void io_host_tty_fini(struct io_host_tty *t);
/* Enter raw mode (again), leave it. Both do nothing when `in` is no terminal. */
int io_host_tty_raw(struct io_host_tty *t);
void io_host_tty_restore(struct io_host_tty *t);

/* Next byte for the guest, or -1 when there is none now. Never blocks; handles escapes on the way. */
int io_host_tty_get(void *tty);
/* Queue a byte for the screen; written when a line or the buffer is full, and by flush. */
void io_host_tty_put(void *tty, uint8_t byte);
/* Write all that is queued, waiting for a slow reader. Returns 0, or -1 when the output has gone. */
int io_host_tty_flush(struct io_host_tty *t);
/* The command typed since the last call, IO_ESCAPE_BYTE when none. */
enum io_escape io_host_tty_event(struct io_host_tty *t);
static inline struct io_tty io_host_tty_line(struct io_host_tty *t) {
  return (struct io_tty){io_host_tty_get, io_host_tty_put, t};
}
#endif
