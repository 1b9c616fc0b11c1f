/* cli/cmd_checkpoint.c: mirrorball checkpoint: run to some point and save the machine; or show what is saved. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/options.h"
#include "cli/request.h"
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

int cmd_checkpoint(int argc, char **argv);
int cmd_run(int argc, char **argv);

enum row { O_AT, O_SHOW, O_JSON, O_HELP };
static const struct option_row rows[] = {
    [O_AT] = {"at", "WHAT", "when: console:TEXT, once the console shows TEXT; insns:N, after N instructions"},
    [O_SHOW] = {"show", "FILE", "say what is in a checkpoint, and check that it is whole"},
    [O_JSON] = {"json", NULL, "with --show: all of it, as JSON"},
    [O_HELP] = {"help", NULL, "this text"},
    {0},
};

static void print_help(void) {
  puts("Usage: mirrorball checkpoint FILE --at WHAT [OPTION of run...] [NAME]\n"
       "       mirrorball checkpoint FILE --machine FILE [OPTION of run...]\n"
       "       mirrorball checkpoint --show FILE [--json]\n"
       "\n"
       "Runs NAME or --kernel, as mirrorball run does and with its options, up to some point, and saves\n"
       "the whole machine in FILE: every VM, cpu and device, memory, virtual time, what is on its way, and\n"
       "what was written to copy-on-write disks. With --machine it is the file that says when, as the\n"
       "key until of a VM: the first that comes there stops all, within 1 ms. mirrorball run --from FILE goes on from "
       "there, in\n"
       "milliseconds, as often as you like, and each time exactly as this run would have gone on.\n");
  options_help(stdout, rows);
  puts("\n"
       "When it goes on, how the machine is run and watched may differ (--tier, --mode, --jobs, --pace,\n"
       "--console, --trace, --profile, --stats, more --type); what it is made of may not, and comes from\n"
       "FILE. A modelled machine (--numa, --sched) goes on with it, caches and all, unless another is\n"
       "asked for: so what was run fast up to here can be measured from here on. Disk images stay where\n"
       "they are: one that has changed since is refused. Connections through --net nat end; ports are\n"
       "forwarded anew. Several runs from one FILE share its memory in the host.\n"
       "\n"
       "Exit code: 0 when the checkpoint was written, 1 when the guest ended before; else as run's.\n"
       "\n"
       "Try it:\n"
       "  mirrorball checkpoint booted.mb debian-4kc --at 'console:# '\n"
       "  mirrorball checkpoint --show booted.mb\n"
       "  mirrorball run --from booted.mb --type '=>uname -a; exit\\n'");
}

/* --- showing --- */

static json_int_t number(const json_t *o, const char *key) {
  return json_integer_value(json_object_get(o, key));
}
static const char *text(const json_t *o, const char *key) {
  const char *s = json_string_value(json_object_get(o, key));
  return s ? s : "-";
}

static void show_vm(const json_t *vm) {
  const json_t *disks = json_object_get(vm, "disks"), *nets = json_object_get(vm, "nets"), *o;
  size_t i;
  json_int_t ns = number(vm, "virtual_ns");
  printf("VM %s: board %s, %d %s, %d MiB, %d MHz, %s-endian\n", text(vm, "name"), text(vm, "board"),
         (int)number(vm, "vcpus"), text(vm, "cpu"), (int)(number(vm, "memory") >> 20), (int)number(vm, "mhz"),
         json_is_true(json_object_get(vm, "big_endian")) ? "big" : "little");
  printf("  kernel %s\n  at instruction %lld, %lld.%06d virtual seconds; stopped: %s\n", text(vm, "kernel"),
         (long long)number(vm, "instructions"), (long long)ns / 1000000000, (int)(ns % 1000000000 / 1000),
         text(vm, "stopped"));
  json_array_foreach(disks, i, o) {
    static const char *const modes[] = {[MB_DISK_COW] = "cow", [MB_DISK_RO] = "ro", [MB_DISK_PERSIST] = "persist"};
    json_int_t mode = number(o, "mode");
    printf("  disk %s, %s, %lld bytes\n", text(o, "file"), mode >= 0 && mode <= MB_DISK_PERSIST ? modes[mode] : "?",
           (long long)number(o, "size"));
  }
  json_array_foreach(nets, i, o) {
    bool subnet = number(o, "kind") == MB_NET_SUBNET;
    printf("  net %s%s\n", subnet ? "subnet=" : "nat", subnet ? text(o, "subnet") : "");
  }
}

static void show_numa(const json_t *numa) {
  static const char *const name[] = {
      [MB_NUMA_OFF] = "off", [MB_NUMA_TLB] = "tlb", [MB_NUMA_CACHE] = "cache", [MB_NUMA_ALL] = "cache-all"};
  json_int_t fidelity = number(numa, "fidelity");
  if (numa)
    printf("modelled machine %s, numa %s, policy %s\n", text(numa, "name"),
           fidelity >= 0 && fidelity <= MB_NUMA_ALL ? name[fidelity] : "?", text(numa, "policy"));
}

static void show_text(const char *path, const json_t *about) {
  const json_t *vms = json_object_get(about, "vms"), *vm;
  size_t i;
  printf("%s: written by mirrorball %s, %.1f MiB of memory that is not zero, %.1f MiB of other state\n", path,
         text(about, "mirrorball"), (double)number(about, "memory_bytes") / (1 << 20),
         (double)number(about, "state_bytes") / (1 << 20));
  show_numa(json_object_get(about, "numa"));
  json_array_foreach(vms, i, vm) show_vm(vm);
}

static int show(const char *path, bool json) {
  struct mb_machine *m;
  char *what = NULL;
  int code = mb_machine_new(&m, &(struct mb_machine_config){0});
  if (!code) code = mb_checkpoint_about(m, path, &what);
  json_t *about = what ? json_loads(what, 0, NULL) : NULL;
  if (code)
    code = options_fail("checkpoint: %s", mb_error_text(m));
  else if (json)
    puts(what);
  else
    show_text(path, about);
  json_decref(about);
  free(what);
  mb_machine_free(m);
  return code;
}

static int cmd_show(int argc, char **argv) {
  struct options o;
  const char *path = NULL;
  bool json = false;
  options_begin(&o, argc, argv, rows);
  for (int row; (row = options_next(&o)) != OPTIONS_END;) {
    if (row == OPTIONS_ERROR) return EXIT_INPUT;
    if (row == OPTIONS_WORD || row == O_AT) return options_fail("checkpoint: --show FILE stands alone, or with --json");
    if (row == O_SHOW) path = o.value;
    json |= row == O_JSON;
  }
  return path ? show(path, json) : options_fail("checkpoint: --json goes with --show FILE");
}

/* --- saving --- */

/* All that follows FILE is run's, but that it says --until for --at. */
static int save(int argc, char **argv) {
  static char run[] = "run", checkpoint[] = "--checkpoint", until[] = "--until";
  char **args = calloc((size_t)argc + 2, sizeof *args), *joined = NULL;
  int n = 0, code = EXIT_OURS;
  bool at = false, machine = false;
  if (!args) return options_fail("out of memory");
  args[n++] = run;
  args[n++] = checkpoint;
  args[n++] = argv[1];
  for (int i = 2; i < argc; i++) {
    bool is_at = !strcmp(argv[i], "--at"), with_value = !strncmp(argv[i], "--at=", 5);
    at |= is_at || with_value;
    machine |= !strcmp(argv[i], "--machine") || !strncmp(argv[i], "--machine=", 10);
    if (with_value && !joined && (joined = malloc(strlen(argv[i]) + sizeof until)))
      sprintf(joined, "%s%s", until, argv[i] + 4);
    args[n++] = is_at ? until : with_value && joined ? joined : argv[i];
  }
  if (at || machine)
    code = cmd_run(n, args);
  else
    code = options_fail("checkpoint: when? Say --at console:TEXT or --at insns:N");
  free(joined);
  free(args);
  return code == EXIT_UNTIL ? 0 : code == EXIT_POWER_OFF ? EXIT_OURS : code;
}

int cmd_checkpoint(int argc, char **argv) {
  bool shows = false;
  for (int i = 1; i < argc; i++) {
    if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) return print_help(), 0;
    shows |= !strncmp(argv[i], "--show", 6);
  }
  if (shows) return cmd_show(argc, argv);
  if (argc < 2 || argv[1][0] == '-')
    return options_fail("checkpoint: into which FILE? It comes first: mirrorball checkpoint FILE --at WHAT ...");
  return save(argc, argv);
}
