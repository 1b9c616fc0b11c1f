/* cli/main.c: the mirrorball program: which subcommand is it? */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/options.h"
#include "mirrorball.h"
#include <string.h>

int cmd_run(int argc, char **argv);
int cmd_checkpoint(int argc, char **argv);
int cmd_compare(int argc, char **argv);
int cmd_disasm(int argc, char **argv);
int cmd_guests(int argc, char **argv);
int cmd_test(int argc, char **argv);
int cmd_diff(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_numa(int argc, char **argv);
int cmd_report(int argc, char **argv);
static int cmd_help(int argc, char **argv);
static int cmd_version(int argc, char **argv);

static const struct command {
  const char *name;
  int (*run)(int argc, char **argv);
  const char *about;
} commands[] = {
    {"run", cmd_run, "boot a kernel, or a guest known by name"},
    {"checkpoint", cmd_checkpoint, "save a machine at some point of its run, for run --from; or show what is saved"},
    {"compare", cmd_compare, "run the same guest bare, trapping and translated, and say what each mode costs"},
    {"test", cmd_test, "run scenarios on guests, and judge: did a change break something?"},
    {"diff", cmd_diff, "run two kernels through the same, and say what differs, to the instruction"},
    {"status", cmd_status, "ask runs that go on how far they are and what memory they have"},
    {"numa", cmd_numa, "run a matrix of machines, policies and workloads from one description"},
    {"report", cmd_report, "show what numa has found, as a table or a page of plots"},
    {"guests", cmd_guests, "list and fetch the guests known by name"},
    {"disasm", cmd_disasm, "show how a block of MIPS code is translated"},
    {"help", cmd_help, "this text, or that of a command"},
    {"version", cmd_version, "which version this is"},
};
enum { COMMANDS = sizeof commands / sizeof *commands };

static const char *command_name(const void *ctx, size_t i) {
  (void)ctx;
  return i < COMMANDS ? commands[i].name : NULL;
}

static const struct command *find(const char *name) {
  for (size_t i = 0; i < COMMANDS; i++)
    if (!strcmp(commands[i].name, name)) return &commands[i];
  return NULL;
}

static int unknown(const char *name) {
  const char *near = options_nearest(name, command_name, NULL);
  return near ? options_fail("there is no command \"%s\"; did you mean \"%s\"?", name, near)
              : options_fail("there is no command \"%s\" (mirrorball help)", name);
}

static void print_help(FILE *to) {
  fputs("mirrorball runs MIPS systems, instruction for instruction the same each time.\n"
        "\n"
        "Usage: mirrorball COMMAND [OPTION...]\n"
        "\n",
        to);
  for (size_t i = 0; i < COMMANDS; i++) fprintf(to, "  %-10s %s\n", commands[i].name, commands[i].about);
  fputs("\n"
        "Try it:\n"
        "  mirrorball guests list                what there is to run\n"
        "  mirrorball run debian-4kc             boot Debian's 32-bit kernel to a shell; Ctrl-A x quits\n"
        "  mirrorball run --kernel vmlinux       boot a kernel of yours\n"
        "  mirrorball run --help                 all options, and what the exit codes mean\n",
        to);
}

static int cmd_help(int argc, char **argv) {
  char help[] = "--help";
  if (argc < 2 || !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) return print_help(stdout), 0;
  const struct command *c = find(argv[1]);
  if (!c) return unknown(argv[1]);
  char *args[] = {argv[1], help, NULL};
  return c->run == cmd_help ? (print_help(stdout), 0) : c->run(2, args);
}

static int cmd_version(int argc, char **argv) {
  static const struct option_row rows[] = {{"help", NULL, "this text"}, {0}};
  struct options o;
  options_begin(&o, argc, argv, rows);
  switch (options_next(&o)) {
  case OPTIONS_END: printf("mirrorball %s\n", mb_version()); return 0;
  case OPTIONS_ERROR: return 2;
  case OPTIONS_WORD: return options_fail("version: \"%s\" is too much", o.value);
  default: puts("Usage: mirrorball version\n\nPrints the version."); return 0;
  }
}

int main(int argc, char **argv) {
  if (argc < 2) {
    print_help(stderr);
    return 2;
  }
  if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) return cmd_help(1, argv);
  if (!strcmp(argv[1], "--version")) return cmd_version(1, argv + 1);
  if (argv[1][0] == '-') return options_fail("there is no option %s before a command (mirrorball help)", argv[1]);
  const struct command *c = find(argv[1]);
  return c ? c->run(argc - 1, argv + 1) : unknown(argv[1]);
}
