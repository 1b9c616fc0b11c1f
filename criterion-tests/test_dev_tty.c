/* criterion-tests/test_dev_tty.c: the escape key machine; the host terminal on pipes and on a pseudo-terminal. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "iosys/host_tty.h"
#include <criterion/criterion.h>
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

/* '.' ordinary byte, ^ prefix, h q s n # commands, ? unknown; what the guest gets is in out. */
Test(tty, escape_machine) {
  static const struct {
    const char *typed, *verdicts, *out;
  } rows[] = {
      {"ls\r", "...", "ls\r"},
      {"\001x", "^q", ""},
      {"\001h\001s", "^h^s", ""},
      {"\001?", "^h", ""},
      {"\001n1\0019", "^n.^#", "1"},
      {"\0010", "^?", ""},
      {"\001\001", "^.", "\001"},
      {"\001a", "^.", "\001"},
      {"\001\001x", "^..", "\001x"}, /* a doubled prefix is used up */
      {"\001zx", "^?.", "x"},        /* an unknown letter drops the prefix */
      {"xhs\003\032", ".....", "xhs\003\032"},
      {"\001", "^", ""},
  };
  static const char sign[] = {
      [IO_ESCAPE_BYTE] = '.',   [IO_ESCAPE_PREFIX] = '^', [IO_ESCAPE_HELP] = 'h', [IO_ESCAPE_QUIT] = 'q',
      [IO_ESCAPE_STATUS] = 's', [IO_ESCAPE_NEXT] = 'n',   [IO_ESCAPE_PICK] = '#', [IO_ESCAPE_UNKNOWN] = '?'};
  for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct io_escape_state s = {0};
    char verdicts[16] = "", out[16] = "";
    unsigned n = 0, m = 0;
    for (const char *p = rows[i].typed; *p; p++) {
      uint8_t byte = 0;
      enum io_escape e = io_escape_feed(&s, (uint8_t)*p, &byte);
      verdicts[n++] = sign[e];
      if (e == IO_ESCAPE_BYTE) out[m++] = (char)byte;
    }
    cr_expect_str_eq(verdicts, rows[i].verdicts, "row %u: %s", i, verdicts);
    cr_expect_str_eq(out, rows[i].out, "row %u", i);
  }
  cr_expect(strstr(io_escape_help, "Ctrl-A x") != NULL);
}

Test(tty, pipe_is_transparent) {
  int in[2], out[2];
  cr_assert(!pipe(in) && !pipe(out));
  struct io_host_tty t;
  cr_assert_eq(io_host_tty_init(&t, in[0], out[1], true), 0);
  struct io_tty line = io_host_tty_line(&t);
  cr_expect_eq(line.get(line.ctx), -1, "nothing yet, and no waiting for it");
  cr_assert_eq(write(in[1], "a\001x", 3), 3);
  cr_expect_eq(line.get(line.ctx), 'a');
  cr_expect_eq(line.get(line.ctx), 1, "no escape key without a terminal");
  cr_expect_eq(line.get(line.ctx), 'x');
  close(in[1]);
  cr_expect_eq(line.get(line.ctx), -1);
  cr_expect(t.ended);
  char got[8] = "";
  line.put(line.ctx, 'h');
  line.put(line.ctx, 'i');
  fcntl(out[0], F_SETFL, O_NONBLOCK);
  cr_expect_eq(read(out[0], got, 8), -1, "held back until a line ends");
  line.put(line.ctx, '\n');
  cr_expect_eq(read(out[0], got, 8), 3);
  cr_expect_arr_eq(got, "hi\n", 3);
  close(out[0]);
  io_host_tty_fini(&t);
  io_host_tty_fini(&t);
}

Test(tty, partial_writes) {
  int out[2];
  cr_assert(!pipe(out));
  fcntl(out[1], F_SETFL, O_NONBLOCK);
  static char sink[70000];
  size_t have = 0;
  while (write(out[1], sink, 1000) > 0) have += 1000; /* nearly full: the next write cannot go at once */
  pid_t child = fork();
  cr_assert(child >= 0);
  struct io_host_tty t;
  if (!child) {
    close(out[0]);
    if (io_host_tty_init(&t, -1, out[1], false)) _exit(1);
    for (int i = 0; i < 10000; i++) io_host_tty_put(&t, (uint8_t)i);
    _exit(io_host_tty_flush(&t) ? 1 : 0);
  }
  close(out[1]);
  usleep(20000);
  size_t total = 0;
  bool right = true;
  for (;;) {
    ssize_t n = read(out[0], sink, 777);
    if (n <= 0) break;
    for (ssize_t i = 0; i < n; i++, total++)
      if (total >= have) right &= (uint8_t)sink[i] == (uint8_t)(total - have);
  }
  cr_expect_eq(total, have + 10000);
  cr_expect(right);
  close(out[0]);
}

Test(tty, gone_reader_is_an_error_not_a_loop) {
  int out[2];
  cr_assert(!pipe(out));
  close(out[0]);
  struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
  sigaction(SIGPIPE, &ignore, &before);
  struct io_host_tty t;
  cr_assert_eq(io_host_tty_init(&t, -1, out[1], true), 0);
  io_host_tty_put(&t, 'x');
  cr_expect_eq(io_host_tty_flush(&t), -1);
  io_host_tty_put(&t, '\n');
  io_host_tty_fini(&t);
  sigaction(SIGPIPE, &before, NULL);
  close(out[1]);
}

static bool is_cooked(int fd) {
  struct termios t;
  tcgetattr(fd, &t);
  return t.c_lflag & ICANON && t.c_lflag & ECHO && t.c_lflag & ISIG;
}

Test(tty, terminal_is_raw_and_restored) {
  int master, slave;
  cr_assert_eq(openpty(&master, &slave, NULL, NULL, NULL), 0);
  struct io_host_tty t;
  cr_assert(is_cooked(slave));
  cr_assert_eq(io_host_tty_init(&t, slave, slave, true), 0);
  cr_expect(t.is_tty);
  cr_expect_not(is_cooked(slave));
  cr_assert_eq(write(master, "a\003\001sb", 5), 5);
  cr_expect_eq(io_host_tty_get(&t), 'a');
  cr_expect_eq(io_host_tty_get(&t), 3, "Ctrl-C is the guest's");
  cr_expect_eq(io_host_tty_get(&t), -1, "a command stops for the caller");
  cr_expect_eq(io_host_tty_event(&t), IO_ESCAPE_STATUS);
  cr_expect_eq(io_host_tty_event(&t), IO_ESCAPE_BYTE);
  cr_expect_eq(io_host_tty_get(&t), 'b');
  io_host_tty_restore(&t);
  cr_expect(is_cooked(slave));
  cr_expect_eq(io_host_tty_raw(&t), 0);
  cr_expect_not(is_cooked(slave));
  io_host_tty_fini(&t);
  cr_expect(is_cooked(slave));
  close(master);
  close(slave);
}
