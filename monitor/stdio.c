/* monitor/stdio.c: the console on the host's stdin and stdout, and what the escape keys do. */
/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "iosys/host_tty.h"
#include "monitor/monitor.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct mon_stdio {
  struct io_host_tty tty;
  struct mb_vm *vm; /* whose console it is; borrowed */
  bool mid_line;    /* the screen's last line is not finished */
};

static void show(struct mon_stdio *s, const char *text) {
  for (; *text; text++) io_host_tty_put(&s->tty, (uint8_t)*text);
  (void)io_host_tty_flush(&s->tty);
}

static void show_status(struct mon_stdio *s) {
  struct mb_stats now;
  char text[320], symbol[128];
  mb_get_stats(s->vm, &now);
  snprintf(text, sizeof text,
           "\r\n[%" PRIu64 ".%03u virtual s, %" PRIu64 " M instructions, %" PRIu64 " %% idle, pc 0x%" PRIx64 " %s]\r\n",
           now.virtual_ns / 1000000000, (unsigned)(now.virtual_ns / 1000000 % 1000), now.instructions / 1000000,
           now.cycles ? now.idle_cycles * 100 / now.cycles : 0, now.pc,
           mb_symbol(s->vm, now.pc, symbol, sizeof symbol));
  show(s, text);
}

static void handle_event(struct mon_stdio *s) {
  switch (io_host_tty_event(&s->tty)) {
  case IO_ESCAPE_QUIT: mb_machine_interrupt(s->vm->machine); break;
  case IO_ESCAPE_HELP:
    show(s, "\r\n");
    show(s, io_escape_help);
    break;
  case IO_ESCAPE_STATUS: show_status(s); break;
  case IO_ESCAPE_BYTE:
  case IO_ESCAPE_PREFIX:
  case IO_ESCAPE_UNKNOWN: break;
  }
}

static void stdio_put(void *ctx, const uint8_t *bytes, size_t n) {
  struct mon_stdio *s = ctx;
  for (size_t i = 0; i < n; i++) io_host_tty_put(&s->tty, bytes[i]);
  if (n) s->mid_line = bytes[n - 1] != '\n' && bytes[n - 1] != '\r';
  /* Nobody reads on: a run that only fills a closed pipe is over. */
  if (io_host_tty_flush(&s->tty)) mb_machine_interrupt(s->vm->machine);
}

static int stdio_get(void *ctx, uint8_t *bytes, size_t room) {
  struct mon_stdio *s = ctx;
  size_t n = 0;
  int byte;
  while (n < room && (byte = io_host_tty_get(&s->tty)) >= 0) bytes[n++] = (uint8_t)byte;
  handle_event(s);
  return n ? (int)n : s->tty.ended ? -1 : 0;
}

static int stdio_fd(void *ctx) {
  return ((struct mon_stdio *)ctx)->tty.in;
}

int mb_console_attach_stdio(struct mb_vm *vm) {
  struct mb_machine *m = vm->machine;
  if (m->started || m->stdio) return mon_fail(&m->error, MB_ERR_STATE, "the console is connected already");
  m->stdio = calloc(1, sizeof *m->stdio);
  if (!m->stdio) return mon_fail(&m->error, MB_ERR_MEMORY, "out of memory");
  m->stdio->vm = m->shown = vm;
  vm->console.host = (struct mb_console){.put = stdio_put, .get = stdio_get, .fd = stdio_fd, .ctx = m->stdio};
  return MB_OK;
}

int mon_stdio_start(struct mb_machine *m) {
  struct mon_stdio *s = m->stdio;
  if (!s) return MB_OK;
  if (io_host_tty_init(&s->tty, STDIN_FILENO, STDOUT_FILENO, true))
    return mon_fail(&m->error, MB_ERR_FILE, "the terminal: %s", strerror(errno));
  return MB_OK;
}

bool mon_stdio_is_tty(const struct mon_stdio *s) {
  return s && s->tty.is_tty;
}

void mon_stdio_free(struct mon_stdio *s) {
  if (!s) return;
  if (s->mid_line && isatty(STDOUT_FILENO)) show(s, "\r\n");
  io_host_tty_fini(&s->tty);
  free(s);
}
