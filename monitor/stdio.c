/* monitor/stdio.c: consoles on the host's stdin and stdout, and what the escape keys do. */
/* SPDX-License-Identifier: Apache-2.0 */
/* At a terminal one of them is shown and gets what is typed; what the others say is kept until they are. Without a
 * terminal nobody could switch: the first gets all input, and each line begins with the name of its VM, where there are
 * several. */
#define _GNU_SOURCE
#include "iosys/host_tty.h"
#include "monitor/monitor.h"
#include "monitor/outlet.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A VM's end of it. */
struct end {
  struct mon_stdio *stdio;
  struct mb_vm *vm;     /* borrowed */
  struct mon_kept text; /* not shown yet: said while another was shown, or the beginning of a line */
};

struct mon_stdio {
  struct io_host_tty tty;
  struct mb_machine *machine; /* borrowed */
  struct end end[MB_VMS_MAX];
  unsigned ends, shown;
  bool asked;    /* a key did, for the status line */
  bool mid_line; /* the screen's last line is not finished */
};

static void put_bytes(struct mon_stdio *s, const uint8_t *bytes, size_t n) {
  for (size_t i = 0; i < n; i++) io_host_tty_put(&s->tty, bytes[i]);
  if (n) s->mid_line = bytes[n - 1] != '\n' && bytes[n - 1] != '\r';
}

static void show(struct mon_stdio *s, const char *text) {
  put_bytes(s, (const uint8_t *)text, strlen(text));
  (void)io_host_tty_flush(&s->tty);
}

bool mon_stdio_asked(const struct mon_stdio *s) {
  return s && s->asked;
}

void mon_stdio_tell(struct mon_stdio *s) {
  struct mb_stats now;
  char text[400], symbol[128];
  if (!mon_stdio_asked(s)) return;
  s->asked = false;
  struct mb_vm *vm = s->machine->shown;
  mb_get_stats(vm, &now);
  snprintf(text, sizeof text,
           "\r\n[%s%s%" PRIu64 ".%03u virtual s, %" PRIu64 " M instructions, %" PRIu64 " %% idle, pc 0x%" PRIx64
           " %s]\r\n",
           vm->config.name ? vm->config.name : "", vm->config.name ? ": " : "", now.virtual_ns / 1000000000,
           (unsigned)(now.virtual_ns / 1000000 % 1000), now.instructions / 1000000,
           now.cycles ? now.idle_cycles * 100 / now.cycles : 0, now.pc, mb_symbol(vm, now.pc, symbol, sizeof symbol));
  show(s, text);
}

static void show_help(struct mon_stdio *s) {
  char text[160];
  show(s, "\r\n");
  show(s, io_escape_help);
  for (unsigned i = 0; s->ends > 1 && i < s->ends; i++) {
    const struct mb_vm *vm = s->end[i].vm;
    snprintf(text, sizeof text, "Ctrl-A %c  show %s%s%s%s\r\n", i < 9 ? (char)('1' + i) : 'n', vm->config.name,
             i == s->shown ? " (now)" : "", vm->stopping ? ", which has stopped: " : "",
             vm->stopping ? mb_stop_name(vm->why) : "");
    show(s, text);
  }
}

static void switch_to(struct mon_stdio *s, unsigned i) {
  char text[120];
  if (i >= s->ends || i == s->shown) return;
  struct end *e = &s->end[i];
  s->shown = i;
  s->machine->shown = e->vm;
  snprintf(text, sizeof text, "\r\n[%s]\r\n", e->vm->config.name);
  show(s, text);
  if (e->text.lost) {
    snprintf(text, sizeof text, "[%" PRIu64 " bytes before this were not kept]\r\n", e->text.lost);
    show(s, text);
  }
  put_bytes(s, e->text.bytes, e->text.n);
  (void)io_host_tty_flush(&s->tty);
  mon_kept_fini(&e->text);
}

static void handle_event(struct mon_stdio *s) {
  switch (io_host_tty_event(&s->tty)) {
  case IO_ESCAPE_QUIT: mb_machine_interrupt(s->machine); break;
  case IO_ESCAPE_HELP: show_help(s); break;
  case IO_ESCAPE_STATUS: s->asked = true; break;
  case IO_ESCAPE_NEXT: switch_to(s, (s->shown + 1) % s->ends); break;
  case IO_ESCAPE_PICK: switch_to(s, s->tty.picked - 1u); break;
  case IO_ESCAPE_BYTE:
  case IO_ESCAPE_PREFIX:
  case IO_ESCAPE_UNKNOWN: break;
  }
}

/* The whole lines of what has been said, each with the name of who said it. */
static void show_lines(struct end *e) {
  const char *name = e->vm->config.name;
  size_t at = 0;
  for (const uint8_t *end; e->text.n > at && (end = memchr(e->text.bytes + at, '\n', e->text.n - at));) {
    size_t n = (size_t)(end - e->text.bytes) + 1 - at;
    put_bytes(e->stdio, (const uint8_t *)name, strlen(name));
    put_bytes(e->stdio, (const uint8_t *)"| ", 2);
    put_bytes(e->stdio, e->text.bytes + at, n);
    at += n;
  }
  mon_kept_seen(&e->text, at);
}

static bool names_lines(const struct mon_stdio *s) {
  return s->ends > 1 && !s->tty.is_tty;
}

/* Nobody reads on: a run that only fills a closed pipe is over. */
static void flush(struct mon_stdio *s) {
  if (io_host_tty_flush(&s->tty)) mb_machine_interrupt(s->machine);
}

static void stdio_put(void *ctx, const uint8_t *bytes, size_t n) {
  struct end *e = ctx;
  struct mon_stdio *s = e->stdio;
  if (!names_lines(s) && e == &s->end[s->shown])
    put_bytes(s, bytes, n);
  else
    mon_keep(&e->text, bytes, n);
  if (s->machine->side_by_side) return;
  if (names_lines(s)) show_lines(e);
  flush(s);
}

void mon_stdio_show(struct mb_machine *m) {
  struct mon_stdio *s = m->stdio;
  if (!s) return;
  for (unsigned i = 0; names_lines(s) && i < s->ends; i++) show_lines(&s->end[i]);
  flush(s);
}

static int stdio_get(void *ctx, uint8_t *bytes, size_t room) {
  struct end *e = ctx;
  struct mon_stdio *s = e->stdio;
  size_t n = 0;
  int byte;
  if (e != &s->end[s->shown]) return s->tty.is_tty && !s->tty.ended ? 0 : -1;
  if (s->tty.is_tty && s->machine->side_by_side) return 0; /* keys may be about others: between rounds */
  while (n < room && (byte = io_host_tty_get(&s->tty)) >= 0) bytes[n++] = (uint8_t)byte;
  handle_event(s);
  return n ? (int)n : s->tty.ended ? -1 : 0;
}

/* Keys wake us for who gets them. */
static int stdio_fd(void *ctx) {
  const struct end *e = ctx;
  return e == &e->stdio->end[e->stdio->shown] ? e->stdio->tty.in : -1;
}

int mb_console_attach_stdio(struct mb_vm *vm) {
  struct mb_machine *m = vm->machine;
  if (m->started || vm->console.host.put) return mon_fail(&m->error, MB_ERR_STATE, "the console is connected already");
  struct mon_stdio *s = m->stdio;
  if (!s && !(s = m->stdio = calloc(1, sizeof *s))) return mon_fail(&m->error, MB_ERR_MEMORY, "out of memory");
  struct end *e = &s->end[s->ends++];
  *e = (struct end){.stdio = s, .vm = vm};
  s->machine = m;
  if (!m->shown) m->shown = vm;
  vm->console.host = (struct mb_console){.put = stdio_put, .get = stdio_get, .fd = stdio_fd, .ctx = e};
  return MB_OK;
}

void mb_console_show(struct mb_vm *vm) {
  struct mon_stdio *s = vm->machine->stdio;
  for (unsigned i = 0; s && i < s->ends; i++)
    if (s->end[i].vm == vm) s->shown = i, s->machine->shown = vm;
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

void mon_stdio_stopped(const struct mb_vm *vm) {
  struct mon_stdio *s = vm->machine->stdio;
  char text[160];
  if (vm->machine->vms < 2 || !mon_stdio_is_tty(s)) return;
  snprintf(text, sizeof text, "%s[%s: %s%s]\r\n", s->mid_line ? "\r\n" : "", vm->config.name, mb_stop_name(vm->why),
           s->ends > 1 && vm == vm->machine->shown ? "; Ctrl-A n shows the next" : "");
  show(s, text);
}

void mon_stdio_free(struct mon_stdio *s) {
  if (!s) return;
  for (unsigned i = 0; i < s->ends; i++) {
    if (s->end[i].text.n && !s->tty.is_tty) {
      mon_keep(&s->end[i].text, (const uint8_t *)"\n", 1);
      show_lines(&s->end[i]);
    }
    mon_kept_fini(&s->end[i].text);
  }
  if (s->mid_line && isatty(STDOUT_FILENO)) show(s, "\r\n");
  io_host_tty_fini(&s->tty);
  free(s);
}
