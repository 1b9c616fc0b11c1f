/* guests/kernel/shell.c: the small kernel's shell and the programs it runs, each in a process of its own. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "user.h"

/* --- programs: the argument, the exit code --- */

static int program_help(const char *arg);

static int program_hello(const char *arg) {
  print("hello%s%s from process %d\n", *arg ? ", " : "", arg, (int)call(CALL_PID, 0, 0));
  return 0;
}

static int program_ps(const char *arg) {
  (void)arg;
  static const char *const states[STATES] = {"free", "ready", "key", "sleep", "wait", "dead"};
  struct info info;
  print("  pid parent   state    ticks  pages\n");
  for (long slot = 1; !call(CALL_INFO, (long)&info, slot); slot++)
    if (info.state != STATE_FREE)
      print("%5d %6d   %8s %5d %6d\n", info.pid, info.parent, states[info.state], info.used, info.pages);
  call(CALL_INFO, (long)&info, 0);
  print("idle %d ticks, %d pages free\n", info.used, info.free_pages);
  return 0;
}

static int program_primes(const char *arg) {
  int n = (int)number(arg, 10000), count = 0;
  static unsigned char sieve[100001];
  if (n > 100000) n = 100000;
  for (int i = 2; i <= n; i++) {
    if (sieve[i]) continue;
    count++;
    for (int k = 2 * i; k <= n; k += i) sieve[k] = 1;
  }
  print("%d primes up to %d\n", count, n);
  return 0;
}

/* Two processes count at once, never yielding: only the timer takes the cpu from one and gives it to the other. */
static int program_race(const char *arg) {
  long rounds = number(arg, 3);
  volatile int work = 0;
  long children[2];
  for (int c = 0; c < 2; c++)
    if (!(children[c] = call(CALL_FORK, 0, 0))) {
      for (int i = 1; i <= rounds; i++) {
        for (int spin = 0; spin < 10000000; spin++) work = work + spin;
        print("%s%d\n", c ? "        right " : "left ", i);
      }
      call(CALL_EXIT, c + 1, 0);
    }
  int first = (int)call(CALL_WAIT, children[0], 0), second = (int)call(CALL_WAIT, children[1], 0);
  print("exit codes %d and %d\n", first, second);
  return first + second == 3 ? 0 : 1;
}

/* The same address holds different bytes in two processes. */
static int program_private(const char *arg) {
  (void)arg;
  static volatile int word = 1;
  long child = call(CALL_FORK, 0, 0);
  if (!child) {
    for (int i = 0; i < 5; i++) word = word * 3, call(CALL_YIELD, 0, 0);
    call(CALL_EXIT, word, 0);
  }
  for (int i = 0; i < 5; i++) word = word * 2, call(CALL_YIELD, 0, 0);
  int theirs = (int)call(CALL_WAIT, child, 0);
  print("one address, two values: here %d, in the child %d\n", word, theirs);
  return word == 32 && theirs == 243 ? 0 : 1;
}

/* Touch fresh pages, then something that is nobody's. */
static int program_fault(const char *arg) {
  (void)arg;
  volatile char *fresh = (char *)0x00430000;
  fresh[0] = 5, fresh[8192] = 6;
  print("fresh pages hold %d and %d; now the kernel's memory:\n", fresh[0], fresh[8192]);
  *(volatile int *)(intptr_t)(int32_t)0x80100000 = 1;
  return 1;
}

static int program_sleep(const char *arg) {
  call(CALL_SLEEP, number(arg, 100), 0);
  return 0;
}

_Noreturn static int program_spin(const char *arg) {
  (void)arg;
  for (volatile int i = 0;; i++) {
  }
}

static int program_kill(const char *arg) {
  long r = call(CALL_KILL, number(arg, 0), 0);
  if (r) print("no such process\n");
  return (int)r;
}

static int program_uptime(const char *arg) {
  (void)arg;
  int t = (int)call(CALL_TICKS, 0, 0);
  print("up %d.%d%d s\n", t / 100, t / 10 % 10, t % 10);
  return 0;
}

/* Everything above that ends by itself; the exit code says whether it was right. */
static int program_test(const char *arg);

static const struct program {
  const char *name, *what;
  int (*run)(const char *arg);
} programs[] = {
    {"help", "this list", program_help},
    {"hello", "[NAME]  say hello", program_hello},
    {"ps", "processes and memory", program_ps},
    {"primes", "[N]  count primes", program_primes},
    {"race", "[N]  two processes at once", program_race},
    {"private", "two processes, one address", program_private},
    {"fault", "touch memory that is not there", program_fault},
    {"sleep", "[TICKS]  wait, 100 ticks a second", program_sleep},
    {"spin", "run for ever (try: spin &, ps, kill)", program_spin},
    {"kill", "PID  end a process", program_kill},
    {"uptime", "time since boot", program_uptime},
    {"test", "run the checks, power off with their verdict", program_test},
};
enum { PROGRAMS = sizeof programs / sizeof *programs };

static int program_help(const char *arg) {
  (void)arg;
  for (int i = 0; i < PROGRAMS; i++) print("  %8s %s\n", programs[i].name, programs[i].what);
  print("  %8s power off (a number: the exit code)\n  COMMAND & runs it beside the shell\n", "exit");
  return 0;
}

static int run_and_wait(int (*run)(const char *), const char *arg) {
  long child = call(CALL_FORK, 0, 0);
  if (!child) call(CALL_EXIT, run(arg), 0);
  return (int)call(CALL_WAIT, child, 0);
}

static int program_test(const char *arg) {
  (void)arg;
  int bad = 0;
  bad += run_and_wait(program_hello, "") != 0;
  bad += run_and_wait(program_primes, "100000") != 0;
  bad += run_and_wait(program_private, "") != 0;
  bad += run_and_wait(program_fault, "") != -5;
  bad += run_and_wait(program_race, "2") != 0;
  bad += run_and_wait(program_sleep, "5") != 0;
  print("test: %s\n", bad ? "failed" : "passed");
  call(CALL_OFF, bad, 0);
  return bad;
}

/* --- the shell --- */

static void read_line(char *line, int room) {
  int n = 0;
  for (;;) {
    int c = (int)call(CALL_KEY, 0, 0);
    if (c == '\r' || c == '\n') break;
    if ((c == 8 || c == 127) && n) {
      n--;
      print("\b \b");
    } else if (c >= ' ' && c < 127 && n < room - 1) {
      line[n++] = (char)c;
      print("%c", c);
    }
  }
  line[n] = 0;
  print("\n");
}

/* Cut a line into the command, its argument and whether it ends in &. */
static const char *cut(char *line, bool *beside) {
  int n = 0;
  while (line[n]) n++;
  while (n && line[n - 1] == ' ') line[--n] = 0;
  *beside = n && line[n - 1] == '&';
  if (*beside) line[--n] = 0;
  while (n && line[n - 1] == ' ') line[--n] = 0;
  char *arg = line;
  while (*arg && *arg != ' ') arg++;
  while (*arg == ' ') *arg++ = 0;
  return arg;
}

static int execute(char *line) {
  while (*line == ' ') line++;
  bool beside;
  const char *arg = cut(line, &beside);
  if (!*line) return 0;
  if (same(line, "exit") || same(line, "poweroff")) call(CALL_OFF, number(arg, 0), 0);
  for (int i = 0; i < PROGRAMS; i++) {
    if (!same(line, programs[i].name)) continue;
    long child = call(CALL_FORK, 0, 0);
    if (child < 0) print("too many processes, or no memory\n");
    if (child) return (int)call(CALL_WAIT, child, 0);
    if (beside && (child = call(CALL_FORK, 0, 0))) { /* an orphan needs nobody to wait for it */
      print("process %d\n", (int)child);
      call(CALL_EXIT, 0, 0);
    }
    call(CALL_EXIT, programs[i].run(arg), 0);
  }
  print("%s: no such command; type help\n", line);
  return 127;
}

int shell(void) {
  static char line[128];
  call(CALL_BOOTLINE, (long)line, sizeof line);
  for (char *p = line; *p; p++) { /* run=COMMAND among the kernel parameters: that and nothing else */
    if ((p != line && p[-1] != ' ') || p[0] != 'r' || p[1] != 'u' || p[2] != 'n' || p[3] != '=') continue;
    for (char *c = p; *c; c++)
      if (*c == ',') *c = ' ';
    call(CALL_OFF, execute(p + 4), 0);
  }
  print("type help\n");
  for (;;) {
    print("own> ");
    read_line(line, sizeof line);
    execute(line);
  }
}
