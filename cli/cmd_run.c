/* cli/cmd_run.c: mirrorball run: boot a kernel or a guest known by name, and say how it ended. */
/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "cli/request_rows.h"
#include <stdlib.h>
#include <string.h>

int cmd_run(int argc, char **argv);

static void print_help(void) {
  puts("Usage: mirrorball run [OPTION...] [NAME]\n"
       "\n"
       "Boots NAME (mirrorball guests list) or --kernel FILE on an emulated MIPS board, with the\n"
       "first serial port on stdin and stdout. On a terminal Ctrl-A is the escape key: Ctrl-A h\n"
       "shows its keys, Ctrl-A x quits. Options override what NAME stands for.\n");
  options_help(stdout, request_rows);
  puts("\n"
       "Two runs of one command are the same run: same output, same instruction counts, same state\n"
       "hash in --stats. Typing at a terminal is the only thing that differs, and what comes from\n"
       "outside through --net nat; --type is scripted typing that does not, and --record keeps it all for\n"
       "--replay. With --parallel runs differ.\n"
       "\n"
       "Exit codes (a --replay that has come to its end: 0 it was the same run, 1 it was another):\n"
       "  0    the guest turned the power off, halted (waits with interrupts off), or asked to end with\n"
       "       code 0\n"
       "  1    our own failure during the run (host out of memory, statistics not writable)\n"
       "  2    bad input: one line on stderr says what\n"
       "  3    the guest asked for a reset\n"
       "  4    the guest is stuck: it waits for an interrupt that cannot come, or jumps to itself with\n"
       "       interrupts off\n"
       "  5    the guest died: it can only repeat the same exception; pc and cause on stderr\n"
       "  6    --until was reached\n"
       "  7    --timeout\n"
       "  8    quit by Ctrl-A x, SIGINT, SIGTERM or SIGHUP, or nobody reads our output any more\n"
       "  64+n the guest asked to end with code n (1..63, more count as 63): a 32-bit store of\n"
       "       0x4d420000 + n to physical 0x1f000a00\n"
       "Of several VMs: that of the first in the file that did not end well; 7 and 8 are everybody's.\n"
       "\n"
       "Try it:\n"
       "  mirrorball run debian-4kc\n"
       "  mirrorball run --kernel vmlinux --initrd initrd.gz --append 'console=ttyS0 rdinit=/bin/sh'\n"
       "  mirrorball run debian-5kc --until 'console:Run /init' --stats boot.json --timestamps\n"
       "  mirrorball run debian-4kc --disk disk.img,persist\n"
       "  mirrorball run debian-4kc --print-machine >my.machine; mirrorball run --machine my.machine\n"
       "  mirrorball run debian-4kc --net nat --type '# =>udhcpc; wget http://10.0.2.2:8000/\\n'\n"
       "  mirrorball run debian-4kc --gdb 1234 --append 'console=ttyS0 nokaslr'\n"
       "  mirrorball run debian-4kc --type '# =>uname -a; exit\\n'\n"
       "  mirrorball checkpoint booted.mb debian-4kc --at 'console:# '\n"
       "  mirrorball run --from booted.mb --type '=>uname -a; exit\\n'\n"
       "  mirrorball run debian-4kc --net nat --record it.mbr; mirrorball run --replay it.mbr --tier eval");
}

/* The VMs are the file's; beside it there is room for how they are run. */
static int check_beside_file(const struct request *r) {
  if (r->name) return options_fail("run: the machine file says what is run, not \"%s\"", r->name);
  for (size_t i = 0; i < r->givens; i++)
    if (request_kind(r->given[i].row) == KEY || request_kind(r->given[i].row) == REPEATS)
      return options_fail("run: --%s goes into the machine file, as a key of a VM", request_rows[r->given[i].row].name);
  return 0;
}

/* Of the machine that VMs are put into, or of who shares it. */
static bool describes_cpus(int row) {
  return request_is_machine_key(row) || row == O_CPUS || row == O_PIN;
}

/* The VMs are the checkpoint's, or the record's; what no guest can tell may be said anew. */
static int check_beside_checkpoint(struct request *r) {
  const char *what = r->run->from ? "checkpoint" : "record", *option = r->run->from ? "from" : "replay";
  // clang-format off
  static const unsigned char free_rows[] = {
      O_TIER, O_MODE, O_MACHINE_TLB, O_UNTIL, O_TYPE, O_PROFILE, O_EXACT, O_EVERY, O_EVENTS, O_TRACE, O_SYMBOLS,
      O_CONSOLE, O_TIMESTAMPS, O_CODE_CACHE, O_GDB, O_COVERAGE, O_DEBUG_INFO,
  };
  // clang-format on
  if (r->name) return options_fail("run: the %s says what goes on, not \"%s\"", what, r->name);
  if (r->run->file || r->run->print)
    return options_fail("run: --%s goes neither with --machine nor --print-machine", option);
  for (size_t i = 0; i < r->givens; i++) {
    int row = r->given[i].row;
    bool anew = r->run->from && describes_cpus(row);
    bool fine = anew || request_kind(row) == RUN || memchr(free_rows, row, sizeof free_rows);
    fine |= r->run->from && row == O_HOST_CALLS; /* a record has what they gave */
    r->run->machine.anew |= anew;
    if (!fine) return options_fail("run: --%s cannot be said anew: it comes from the %s", request_rows[row].name, what);
  }
  return 0;
}

/* What the options say about all VMs goes for those that say nothing of their own. */
static int share(const struct request *from, struct request *to) {
  int bad = 0;
  for (size_t i = 0; !bad && i < from->givens; i++) {
    bool own = request_kind(from->given[i].row) != ALL;
    for (size_t k = 0; k < to->givens; k++) own |= to->given[k].row == from->given[i].row;
    if (!own) bad = request_set(to, from->given[i].row, from->given[i].value);
  }
  return bad;
}

static int parse(struct request *r, int argc, char **argv) {
  struct options o;
  options_begin(&o, argc, argv, request_rows);
  for (;;) {
    int row = options_next(&o), bad = 0;
    if (row == OPTIONS_END) break;
    if (row == OPTIONS_ERROR) return EXIT_INPUT;
    if (row == OPTIONS_WORD) {
      if (r->name) return options_fail("run: one guest at a time, not both \"%s\" and \"%s\"", r->name, o.value);
      r->name = o.value;
    } else if (row == O_HELP) {
      return print_help(), -1;
    } else if ((bad = request_set(r, row, o.value))) {
      return bad;
    }
  }
  if (r->run->machine.numa_machine && !r->run->machine.numa)
    return options_fail("run: --numa-machine goes with --numa tlb or cache");
  if (r->run->machine.sampling.every && r->run->machine.numa < MB_NUMA_SAMPLE &&
      r->run->machine.placement.feed != MB_FEED_SAMPLE)
    return options_fail("run: --numa-sample goes with --numa sample, or --policy-feed sample");
  if (r->run->machine.placement.feed && (r->run->machine.numa < MB_NUMA_CACHE || r->run->machine.numa > MB_NUMA_ALL))
    return options_fail("run: --policy-feed goes with --numa cache");
  if (r->run->replay && (r->run->from || r->run->record))
    return options_fail("run: --replay goes neither with --from nor --record");
  if (r->run->replay && r->types) return options_fail("run: --type goes into a record, not beside --replay");
  if (r->run->has_replay_to && !r->run->replay) return options_fail("run: --replay-to goes with --replay FILE");
  if ((r->run->from || r->run->replay) && check_beside_checkpoint(r)) return EXIT_INPUT;
  return r->run->file ? check_beside_file(r) : request_check(r);
}

static int read_file(struct request_run *run) {
  int bad = machine_file_read(run);
  for (size_t i = 0; !bad && i < run->vms; i++) bad = share(&run->options, run->vm[i]);
  return bad;
}

int cmd_run(int argc, char **argv) {
  struct request_run run = {0};
  request_begin(&run.options, &run);
  int code = parse(&run.options, argc, argv);
  if (!code && run.file) code = read_file(&run);
  if (!code) code = run.print ? machine_file_print(&run, stdout) : boot_run(&run);
  for (size_t i = 0; i < run.vms; i++) {
    request_fini(run.vm[i]);
    free(run.vm[i]);
  }
  free(run.vm);
  request_fini(&run.options);
  for (size_t i = 0; i < run.texts; i++) free(run.text[i]);
  free(run.text);
  return code < 0 ? 0 : code;
}
