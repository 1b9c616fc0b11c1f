/* iosys/host_tty.c: the host's terminal: raw mode, escape key, buffered output with partial writes. */
/* SPDX-License-Identifier: Apache-2.0 */
/* Input is polled before each read instead of being set non-blocking: O_NONBLOCK belongs to the open file, which the
 * user's shell shares. */
#include "iosys/host_tty.h"
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

enum { KEY = 1 /* Ctrl-A */ };

const char io_escape_help[] = "Ctrl-A h  this help\r\n"
                              "Ctrl-A x  quit\r\n"
                              "Ctrl-A s  show status\r\n"
                              "Ctrl-A n  show the next VM (of several); Ctrl-A 1 to 9: that one\r\n"
                              "Ctrl-A a  send Ctrl-A to the guest (also Ctrl-A Ctrl-A)\r\n";

enum io_escape io_escape_feed(struct io_escape_state *s, uint8_t in, uint8_t *out) {
  *out = in;
  if (!s->prefixed) {
    s->prefixed = in == KEY;
    return s->prefixed ? IO_ESCAPE_PREFIX : IO_ESCAPE_BYTE;
  }
  s->prefixed = false;
  switch (in) {
  case KEY:
  case 'a': *out = KEY; return IO_ESCAPE_BYTE;
  case 'h':
  case '?': return IO_ESCAPE_HELP;
  case 'x': return IO_ESCAPE_QUIT;
  case 's': return IO_ESCAPE_STATUS;
  case 'n': return IO_ESCAPE_NEXT;
  default: break;
  }
  if (in < '1' || in > '9') return IO_ESCAPE_UNKNOWN;
  *out = in - '0';
  return IO_ESCAPE_PICK;
}

int io_host_tty_raw(struct io_host_tty *t) {
  if (!t->is_tty) return 0;
  struct termios now = t->saved;
  now.c_iflag &= ~(tcflag_t)(BRKINT | ICRNL | INPCK | ISTRIP | IXON | INLCR | IGNCR);
  now.c_oflag &= ~(tcflag_t)OPOST; /* the guest's kernel sends CR LF itself */
  now.c_lflag &= ~(tcflag_t)(ECHO | ICANON | IEXTEN | ISIG);
  now.c_cflag = (now.c_cflag & ~(tcflag_t)(CSIZE | PARENB)) | CS8;
  now.c_cc[VMIN] = 1;
  now.c_cc[VTIME] = 0;
  if (tcsetattr(t->in, TCSANOW, &now)) return -1;
  t->raw = true;
  return 0;
}

void io_host_tty_restore(struct io_host_tty *t) {
  if (!t->raw) return;
  t->raw = false;
  tcsetattr(t->in, TCSANOW, &t->saved);
}

int io_host_tty_init(struct io_host_tty *t, int in, int out, bool raw) {
  memset(t, 0, sizeof *t);
  t->in = in;
  t->out = out;
  t->is_tty = isatty(in) && !tcgetattr(in, &t->saved);
  return raw ? io_host_tty_raw(t) : 0;
}

void io_host_tty_fini(struct io_host_tty *t) {
  if (!t) return;
  (void)io_host_tty_flush(t);
  io_host_tty_restore(t);
}

/* Fill the key buffer if the host has something; false when it has not. */
static bool refill(struct io_host_tty *t) {
  struct pollfd p = {.fd = t->in, .events = POLLIN};
  if (t->ended || poll(&p, 1, 0) <= 0) return false;
  ssize_t n = read(t->in, t->keys, sizeof t->keys);
  if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) t->ended = true;
  t->keys_at = 0;
  t->keys_n = n > 0 ? (unsigned)n : 0;
  return n > 0;
}

int io_host_tty_get(void *tty) {
  struct io_host_tty *t = tty;
  if (t->n) (void)io_host_tty_flush(t); /* a guest that looks for input has shown its prompt */
  while (t->keys_at < t->keys_n || refill(t)) {
    uint8_t in = t->keys[t->keys_at++], out = in;
    /* Without a terminal there is nobody to escape: a piped file is the guest's, byte for byte. */
    enum io_escape e = t->is_tty ? io_escape_feed(&t->escape, in, &out) : IO_ESCAPE_BYTE;
    if (e == IO_ESCAPE_BYTE) return out;
    if (e != IO_ESCAPE_PREFIX && e != IO_ESCAPE_UNKNOWN) {
      t->event = e;
      t->picked = out;
      return -1; /* let the caller see it before the next byte goes to the guest */
    }
  }
  return -1;
}

enum io_escape io_host_tty_event(struct io_host_tty *t) {
  enum io_escape e = t->event;
  t->event = IO_ESCAPE_BYTE;
  return e;
}

int io_host_tty_flush(struct io_host_tty *t) {
  unsigned at = 0;
  while (at < t->n && !t->failed) {
    ssize_t n = write(t->out, t->buffer + at, t->n - at);
    if (n > 0) {
      at += (unsigned)n;
    } else if (n < 0 && errno == EAGAIN) {
      struct pollfd p = {.fd = t->out, .events = POLLOUT};
      (void)poll(&p, 1, -1);
    } else if (n < 0 && errno != EINTR) {
      t->failed = true;
    }
  }
  t->n = 0;
  return t->failed ? -1 : 0;
}

void io_host_tty_put(void *tty, uint8_t byte) {
  struct io_host_tty *t = tty;
  t->buffer[t->n++] = byte;
  if (byte == '\n' || t->n == sizeof t->buffer) (void)io_host_tty_flush(t);
}
