/* criterion-tests/test_vms.c: VMs side by side: each is the run that it is alone, however the machine is cut. */
/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "criterion-tests/harness.h"
#include "mirrorball.h"
#include <criterion/criterion.h>
#include <fcntl.h>
#include <pty.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

enum { WORDS = 24, VMS = 6 };

/* Programs for a raw image at 0x80100000. */
static const struct program {
  const char *what;
  uint32_t word[WORDS];
  enum mb_stop end;
} programs[] = {
    {"counts and stores, ends with code 0",
     {0x3c100008, 0x3c118020, 0xae300000, 0x26310ffc, 0x32310fff, 0x3c088020, 0x01118821, 0x2610ffff, 0x1600fff9, 0,
      0x3c08bf00, 0x3c094d42, 0xad090a00},
     MB_STOP_EXIT},
    {"ends with code 9",
     {0x3c100003, 0x2610ffff, 0x1600fffe, 0, 0x3c08bf00, 0x3c094d42, 0x35290009, 0xad090a00},
     MB_STOP_EXIT},
    {"faults without handlers", {0x3c100002, 0x2610ffff, 0x1600fffe, 0, 0x8c000001}, MB_STOP_DEAD},
    {"halts", {0x3c100001, 0x2610ffff, 0x1600fffe, 0, 0x40806000, 0x42000020, 0x1000fffe}, MB_STOP_HALTED},
    {"waits for its timer four times, then halts", /* Compare: Count + 100000; Status: IM7 and IE, by BEV to the boot
                                                      ROM: so poll with IE clear */
     {0x24100004, 0x40086000, 0x3c09ffff, 0x01094024, 0x35088000, 0x40886000, 0x40084800,
      0x3c090001, 0x01094021, 0x40885800, 0x40096800, 0x31298000, 0x1120fffd, 0,
      0x2610ffff, 0x1600fff6, 0,          0x40806000, 0x42000020, 0x1000fffe},
     MB_STOP_HALTED},
};
enum { PROGRAMS = sizeof programs / sizeof *programs };

struct state {
  uint64_t instructions, hash;
  enum mb_stop why;
  unsigned code;
};

static struct mb_vm *add(struct mb_machine *m, const struct program *p, const char *name, unsigned mhz) {
  char path[64];
  struct mb_vm *vm;
  int fd = memfd_create("kernel", 0);
  cr_assert_eq(write(fd, p->word, sizeof p->word), (ssize_t)sizeof p->word);
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  struct mb_config c = {.name = name, .endian = MB_ENDIAN_LITTLE, .memory = 16 << 20, .mhz = mhz};
  cr_assert_eq(mb_vm_add(m, &vm, &c), MB_OK, "%s", mb_error_text(m));
  cr_assert_eq(mb_load_kernel(vm, path, &(struct mb_raw){0}), MB_OK, "%s", mb_error_text(m));
  close(fd);
  return vm;
}

static struct mb_machine *new_machine_for(unsigned jobs) {
  struct mb_machine *m;
  cr_assert_eq(mb_machine_new(&m, &(struct mb_machine_config){.pace = MB_PACE_MAX, .jobs = jobs}), MB_OK);
  return m;
}
static struct mb_machine *new_machine(void) {
  return new_machine_for(0);
}

static struct state state_of(struct mb_vm *vm) {
  struct mb_stats s;
  mb_get_stats(vm, &s);
  return (struct state){s.instructions, mb_state_hash(vm), mb_vm_stop(vm), s.guest_code};
}

static struct state alone(const struct program *p, unsigned mhz) {
  struct mb_machine *m = new_machine();
  struct mb_vm *vm = add(m, p, NULL, mhz);
  cr_assert_eq(mb_machine_start(m), MB_OK, "%s", mb_error_text(m));
  mb_machine_run(m);
  struct state s = state_of(vm);
  cr_assert_eq(s.why, p->end, "%s: %s", p->what, mb_stop_text(vm));
  mb_machine_free(m);
  return s;
}

static void check_same(const struct program *p, struct state a, struct state b) {
  cr_assert(a.instructions == b.instructions && a.hash == b.hash && a.why == b.why && a.code == b.code,
            "%s: alone %lu %016lx, together %lu %016lx", p->what, (unsigned long)a.instructions, (unsigned long)a.hash,
            (unsigned long)b.instructions, (unsigned long)b.hash);
}

/* Random company, on one or several threads; sometimes the whole is interrupted and goes on. */
Test(vms, each_is_the_run_it_is_alone) {
  uint64_t seed = 4;
  for (unsigned round = 0; round < 12; round++) {
    struct mb_machine *m = new_machine_for(round % 4 + 1);
    struct mb_vm *vm[VMS];
    struct state expected[VMS];
    const struct program *p[VMS];
    unsigned n = 1 + rig_below(&seed, VMS);
    for (unsigned i = 0; i < n; i++) {
      unsigned mhz = 1 + rig_below(&seed, 400);
      p[i] = &programs[rig_below(&seed, PROGRAMS)];
      expected[i] = alone(p[i], mhz);
      vm[i] = add(m, p[i], (char[]){(char)('a' + i), 0}, mhz);
    }
    cr_assert_eq(mb_machine_start(m), MB_OK, "%s", mb_error_text(m));
    unsigned cuts = rig_below(&seed, 4);
    for (unsigned i = 0; i < cuts; i++) {
      mb_machine_interrupt(m);
      cr_assert_eq(mb_machine_run(m), MB_STOP_INTERRUPTED);
    }
    mb_machine_run(m);
    for (unsigned i = 0; i < n; i++) check_same(p[i], expected[i], state_of(vm[i]));
    mb_machine_free(m);
  }
}

Test(vms, limits_are_each_ones_own_and_are_no_end) {
  struct mb_machine *m = new_machine();
  struct mb_vm *a = add(m, &programs[0], "a", 100), *b = add(m, &programs[1], "b", 200);
  struct state whole = alone(&programs[0], 100);
  cr_assert_eq(mb_machine_start(m), MB_OK);
  mb_vm_limit(a, 12345);
  cr_assert_eq(mb_machine_run(m), MB_STOP_LIMIT);
  cr_assert_eq(state_of(a).instructions / 2, 12346u / 2); /* a branch and its slot are one step */
  cr_assert_eq(state_of(b).code, 9u);
  mb_vm_limit(a, UINT64_MAX);
  cr_assert_eq(mb_machine_run(m), MB_STOP_EXIT, "b's code");
  check_same(&programs[0], whole, state_of(a));
  cr_assert_eq(mb_vm_at(m, 1), b);
  cr_assert_null(mb_vm_at(m, 2));
  mb_machine_free(m);
}

Test(vms, names_and_sums) {
  struct mb_machine *m = new_machine();
  struct mb_vm *vm;
  add(m, &programs[0], "a", 100);
  cr_assert_eq(mb_vm_add(m, &vm, &(struct mb_config){.name = "a"}), MB_ERR_ARGUMENT);
  cr_assert(strstr(mb_error_text(m), "\"a\""));
  cr_assert_eq(mb_vm_add(m, &vm, &(struct mb_config){0}), MB_ERR_ARGUMENT);
  cr_assert_null(vm);
  cr_assert_null(mb_vm_at(m, 1));
  mb_machine_free(m);
  const struct mb_machine_config small[] = {{.cpus = 1}, {.memory = 31 << 20}, {.memory = UINT64_C(1) << 60}};
  for (unsigned i = 0; i < 3; i++) {
    cr_assert_eq(mb_machine_new(&m, &small[i]), MB_OK);
    add(m, &programs[0], "a", 100);
    add(m, &programs[1], "b", 100);
    cr_assert_eq(mb_machine_start(m), i ? MB_ERR_FIT : MB_ERR_ARGUMENT, "case %u", i);
    mb_machine_free(m);
  }
}

/* --- consoles --- */

enum { LINES = 300 };
/* Says a letter, so many times, each in a line of its own; then ends with code 0. */
static struct program talker(char letter) {
  return (struct program){
      "talks",
      {0x3c10b800, 0x34110000 | LINES, 0x920903fd, 0x31290020, 0x1120fffd, 0,          0x340a0000u | (uint8_t)letter,
       0xa20a03f8, 0x920903fd,         0x31290020, 0x1120fffd, 0,          0x340a000a, 0xa20a03f8,
       0x2631ffff, 0x1620fff2,         0,          0x3c08bf00, 0x3c094d42, 0xad090a00},
      MB_STOP_EXIT};
}

static struct mb_vm *add_talker(struct mb_machine *m, char letter) {
  struct program p = talker(letter);
  return add(m, &p, (char[]){letter, 0}, 100);
}

static unsigned count(const char *text, size_t n, const char *what) {
  unsigned all = 0;
  for (const char *s = text; (s = memmem(s, n - (size_t)(s - text), what, strlen(what))); s++) all++;
  return all;
}

static size_t read_all(int fd, char *text, size_t room) {
  size_t n = 0;
  for (ssize_t k; n < room && (k = read(fd, text + n, room - n)) > 0;) n += (size_t)k;
  return n;
}

Test(vms, consoles_go_to_files_and_sockets) {
  char folder[] = "/tmp/mirrorball.XXXXXX", where[2][64], text[4 * LINES];
  cr_assert(mkdtemp(folder));
  snprintf(where[0], sizeof where[0], "file:%s/f", folder);
  snprintf(where[1], sizeof where[1], "socket:%s/s", folder);
  struct mb_machine *m = new_machine();
  for (int i = 0; i < 2; i++)
    cr_assert_eq(mb_console_open(add_talker(m, (char)('x' + i)), where[i]), MB_OK, "%s", mb_error_text(m));
  cr_assert_eq(mb_console_open(add_talker(m, 'q'), "none"), MB_OK);
  cr_assert_eq(mb_machine_start(m), MB_OK, "%s", mb_error_text(m));
  struct mb_machine *other = new_machine();
  cr_assert_eq(mb_console_open(add_talker(other, 'o'), where[1]), MB_OK);
  cr_assert_eq(mb_machine_start(other), MB_ERR_FILE, "somebody listens there");
  mb_machine_free(other);
  cr_assert_eq(mb_machine_run(m), MB_STOP_EXIT);
  /* Who comes late has lost nothing. */
  struct sockaddr_un at = {.sun_family = AF_UNIX};
  snprintf(at.sun_path, sizeof at.sun_path, "%s", where[1] + 7);
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  cr_assert_eq(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
  mb_machine_free(m);
  size_t n = read_all(fd, text, sizeof text);
  cr_assert_eq(count(text, n, "y\n"), (unsigned)LINES);
  cr_assert_eq(n, 2u * LINES);
  close(fd);
  FILE *f = fopen(where[0] + 5, "r");
  n = fread(text, 1, sizeof text, f);
  fclose(f);
  cr_assert_eq(count(text, n, "x\n"), (unsigned)LINES);
  cr_assert_eq(n, 2u * LINES);
  cr_assert(access(at.sun_path, F_OK), "the socket is gone");
  unlink(where[0] + 5);
  rmdir(folder);
}

Test(vms, lines_tell_whose_they_are_without_a_terminal) {
  char text[16 * LINES];
  int in = open("/dev/null", O_RDONLY), out = memfd_create("out", 0);
  cr_assert(dup2(in, STDIN_FILENO) == STDIN_FILENO && dup2(out, STDOUT_FILENO) == STDOUT_FILENO);
  struct mb_machine *m = new_machine();
  for (int i = 0; i < 2; i++) cr_assert_eq(mb_console_open(add_talker(m, (char)('x' + i)), "tty"), MB_OK);
  cr_assert_eq(mb_machine_start(m), MB_OK, "%s", mb_error_text(m));
  mb_machine_run(m);
  mb_machine_free(m);
  lseek(out, 0, SEEK_SET);
  size_t n = read_all(out, text, sizeof text);
  cr_assert_eq(count(text, n, "x| x\n"), (unsigned)LINES);
  cr_assert_eq(count(text, n, "y| y\n"), (unsigned)LINES);
  cr_assert_eq(n, 2u * 5 * LINES);
}

/* Keys are typed before anything runs: what y said before it was shown comes when it is. */
Test(vms, keys_switch_at_a_terminal) {
  char text[1 << 14];
  int master, slave;
  cr_assert_eq(openpty(&master, &slave, NULL, NULL, NULL), 0);
  cr_assert(dup2(slave, STDIN_FILENO) == STDIN_FILENO && dup2(slave, STDOUT_FILENO) == STDOUT_FILENO);
  struct mb_machine *m = new_machine();
  struct mb_vm *vm[3];
  for (int i = 0; i < 3; i++) {
    vm[i] = add_talker(m, (char)('x' + i));
    cr_assert_eq(mb_console_open(vm[i], "tty"), MB_OK);
  }
  mb_console_show(vm[2]);
  cr_assert_eq(mb_machine_start(m), MB_OK, "%s", mb_error_text(m));
  for (int i = 0; i < 3; i++) mb_vm_limit(vm[i], 600);
  mb_machine_run(m);
  static const char keys[] = "\001h\0012\001n\0011\0019";
  cr_assert_eq(write(master, keys, sizeof keys - 1), (ssize_t)sizeof keys - 1);
  int there = 0; /* the host brings them over when it likes */
  for (int i = 0; i < 5000 && there < (int)sizeof keys - 1; i++) {
    usleep(1000);
    cr_assert_eq(ioctl(slave, FIONREAD, &there), 0);
  }
  for (int i = 0; i < 3; i++) mb_vm_limit(vm[i], UINT64_MAX);
  for (int i = 0; i < 6; i++) { /* a key is taken at each look at the host */
    mb_machine_interrupt(m);
    mb_machine_run(m);
  }
  mb_machine_run(m);
  mb_machine_free(m);
  int null = open("/dev/null", O_RDWR); /* nobody has the terminal any more: reading it ends */
  cr_assert(dup2(null, STDIN_FILENO) == STDIN_FILENO && dup2(null, STDOUT_FILENO) == STDOUT_FILENO);
  close(slave);
  size_t n = read_all(master, text, sizeof text);
  cr_assert(count(text, n, "Ctrl-A 3  show z (now)"), "%.*s", (int)n, text);
  cr_assert(count(text, n, "[y]\r\ny\n"), "%.*s", (int)n, text);
  cr_assert(count(text, n, "[x]\r\nx\n"), "%.*s", (int)n, text);
  cr_assert(count(text, n, "[z: guest-exit"), "%.*s", (int)n, text);
}
