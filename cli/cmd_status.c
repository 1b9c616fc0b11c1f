/* cli/cmd_status.c: mirrorball status: ask runs that go on how far they are, what they wait for and what memory they
 * have. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/guests_parts.h"
#include "cli/options.h"
#include "cli/runs.h"
#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int cmd_status(int argc, char **argv);

enum row { O_ALL, O_JSON, O_HELP };
static const struct option_row rows[] = {
    [O_ALL] = {"all", NULL, "of all runs, each VM; else, of several runs, a line each"},
    [O_JSON] = {"json", NULL, "what they answer, as a JSON array"},
    [O_HELP] = {"help", NULL, "this text"},
    {0},
};

enum { PATIENCE_MS = 2000, WAIT_MS = 60000, ANSWER_MAX = 16 << 20 };

struct answers {
  json_t *all; /* objects, in the order of the processes */
  bool failed; /* one line was printed */
};

static void print_help(void) {
  puts("Usage: mirrorball status [PID|SOCKET] [OPTION...]\n"
       "\n"
       "Asks runs of this user that go on (mirrorball run) how far each VM is, what it waits for and what memory\n"
       "it has. They are not disturbed: each remains the run it is. Without a PID all runs are asked.\n");
  options_help(stdout, rows);
  puts("\n"
       "States: runs; waits for a timer, for input; stopped, and why. Memory is in MiB: what a VM has written to\n"
       "or read (resident), what of that other VMs have too (shared), and its part, where a page that N have\n"
       "counts 1/N: the sum of that is what the machine's memory holds.\n"
       "\n"
       "Each run has a socket in $XDG_RUNTIME_DIR/mirrorball, else /tmp/mirrorball-UID. Who connects gets one JSON\n"
       "object. Sockets that killed runs have left behind are removed.\n"
       "\n"
       "Exit code: 0, or 2 when there is no such run or it does not answer.");
}

/* --- asking --- */

/* All that comes until the other end hangs up: owned by the caller. NULL: errno says why. */
static char *read_all(int fd, const char *who) {
  char *text = NULL;
  size_t n = 0;
  for (int waited = 0;;) {
    struct pollfd p = {.fd = fd, .events = POLLIN};
    int ready = poll(&p, 1, waited ? WAIT_MS : PATIENCE_MS);
    if (ready < 0 && errno == EINTR) continue;
    if (!ready && !waited++) {
      fprintf(stderr, "mirrorball: %s is busy, waiting for its answer\n", who);
      continue;
    }
    char *more = ready > 0 && n < ANSWER_MAX ? realloc(text, n + 65536 + 1) : NULL;
    if (!more) break;
    text = more;
    ssize_t k = read(fd, text + n, 65536);
    if (k < 0) break;
    n += (size_t)k;
    text[n] = 0;
    if (!k && n) return text;
    if (!k) break;
  }
  free(text);
  errno = ETIMEDOUT;
  return NULL;
}

static int call(const char *path) {
  struct sockaddr_un at = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof at.sun_path) return errno = ENAMETOOLONG, -1;
  strcpy(at.sun_path, path);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || !connect(fd, (struct sockaddr *)&at, sizeof at)) return fd;
  int error = errno;
  close(fd);
  errno = error;
  return -1;
}

/* `listed`: it was found in the folder, and may end, or have ended, any time. */
static void ask(struct answers *a, const char *path, const char *who, bool listed) {
  int fd = call(path);
  if (fd < 0 && listed) {
    if (errno == ECONNREFUSED) unlink(path);
    return;
  }
  if (fd < 0) {
    options_fail("status: %s: %s", who,
                 errno == ENOENT || errno == ECONNREFUSED ? "there is no such run (mirrorball status lists them)"
                                                          : strerror(errno));
    a->failed = true;
    return;
  }
  char *text = read_all(fd, who);
  json_t *o = text ? json_loads(text, 0, NULL) : NULL;
  free(text);
  close(fd);
  if (json_is_object(o)) {
    json_array_append_new(a->all, o);
    return;
  }
  json_decref(o);
  if (listed) return; /* it has ended meanwhile */
  options_fail("status: %s gives no answer", who);
  a->failed = true;
}

/* --- telling --- */

static double number_of(const json_t *o, const char *key) {
  return json_number_value(json_object_get(o, key));
}

static const char *text_of(const json_t *o, const char *key) {
  const char *text = json_string_value(json_object_get(o, key));
  return text ? text : "-";
}

static double mib(const json_t *o, const char *key) {
  return number_of(json_object_get(o, "memory_use"), key) / (1 << 20);
}

static void put_run(const json_t *o) {
  printf("process %.0f: %.0f of %zu VMs run, since %.1f s; %.1f MiB of machine memory in use\n", number_of(o, "pid"),
         number_of(o, "running"), json_array_size(json_object_get(o, "vms")), number_of(o, "wall_seconds"),
         mib(o, "part"));
}

/* "12/3.4": of a kind, and what of that is shared. */
static void put_kind(const json_t *memory, const char *kind) {
  const json_t *use = json_object_get(memory, kind);
  char text[40];
  snprintf(text, sizeof text, "%.1f/%.1f", number_of(use, "resident") / (1 << 20),
           number_of(use, "shared") / (1 << 20));
  printf(" %12s", text);
}

static void put_vm(const json_t *vm) {
  const json_t *tiers = json_object_get(vm, "tiers"), *memory = json_object_get(vm, "memory_use");
  double cycles = number_of(vm, "cycles");
  printf("  %-12s %12.1f %10.3f %6.1f  %5.1f/%5.1f/%5.1f", text_of(vm, "name"), number_of(vm, "instructions") / 1e6,
         number_of(vm, "virtual_ns") / 1e9, cycles > 0 ? 100 * number_of(vm, "idle_cycles") / cycles : 0,
         100 * number_of(tiers, "eval"), 100 * number_of(tiers, "stencil"), 100 * number_of(tiers, "llvm"));
  printf(" %8.1f %8.1f %8.1f", mib(vm, "resident"), mib(vm, "shared"), mib(vm, "part"));
  put_kind(memory, "kernel_text");
  put_kind(memory, "buffer_cache");
  put_kind(memory, "other");
  printf("  %s\n", text_of(vm, "state"));
}

static void put_vcpus(const json_t *vm) {
  const json_t *vcpus = json_object_get(vm, "vcpus"), *c;
  size_t i;
  json_array_foreach(vcpus, i, c) {
    printf("    vcpu %-2zu %-6s %10.1f million instructions, at %s\n", i, text_of(c, "state"),
           number_of(c, "instructions") / 1e6, text_of(c, "at"));
  }
}

static void put_all(const json_t *all, bool each) {
  const json_t *run, *vm;
  size_t i, k;
  json_array_foreach(all, i, run) {
    put_run(run);
    if (!each) continue;
    printf("  %-12s %12s %10s %6s  %17s %8s %8s %8s %12s %12s %12s\n", "VM", "M instr.", "virtual s", "idle %",
           "eval/stencil/llvm", "resident", "shared", "part", "text/shr.", "cache/shr.", "other/shr.");
    json_array_foreach(json_object_get(run, "vms"), k, vm) {
      put_vm(vm);
      put_vcpus(vm);
    }
  }
}

/* --- the command --- */

static int ask_those_listed(struct answers *a) {
  char *why, *folder = runs_folder(&why);
  pid_t *pids = folder ? runs_list(folder) : NULL;
  if (!pids) options_fail("status: %s", why ? why : "out of memory");
  for (size_t i = 0; pids && pids[i]; i++) {
    char *path = runs_socket(folder, pids[i]), who[40];
    snprintf(who, sizeof who, "process %ld", (long)pids[i]);
    if (path) ask(a, path, who, true);
    free(path);
  }
  bool bad = !pids;
  free(pids);
  free(folder);
  free(why);
  return bad ? 2 : 0;
}

static int ask_one(struct answers *a, const char *word) {
  uint64_t pid;
  if (!options_number(word, false, INT32_MAX, &pid)) return ask(a, word, word, false), 0;
  char *why, *folder = runs_folder(&why), *path = folder ? runs_socket(folder, (pid_t)pid) : NULL;
  char who[40];
  snprintf(who, sizeof who, "process %s", word);
  int bad = path ? 0 : options_fail("status: %s", why ? why : "out of memory");
  if (path) ask(a, path, who, false);
  free(path);
  free(folder);
  free(why);
  return bad;
}

static int parse(int argc, char **argv, const char **word, bool *all, bool *json) {
  struct options o;
  options_begin(&o, argc, argv, rows);
  for (int row; (row = options_next(&o)) != OPTIONS_END;) {
    if (row == OPTIONS_ERROR) return 2;
    if (row == O_HELP) return print_help(), -1;
    if (row == O_ALL) *all = true;
    if (row == O_JSON) *json = true;
    if (row != OPTIONS_WORD) continue;
    if (*word)
      return options_fail("status: one run at a time, not both \"%s\" and \"%s\" (--all asks all)", *word, o.value);
    *word = o.value;
  }
  return *word && *all ? options_fail("status: either --all or \"%s\"", *word) : 0;
}

int cmd_status(int argc, char **argv) {
  const char *word = NULL;
  bool all = false, json = false;
  int code = parse(argc, argv, &word, &all, &json);
  if (code) return code < 0 ? 0 : code;
  struct answers a = {.all = json_array()};
  code = !a.all ? options_fail("status: out of memory") : word ? ask_one(&a, word) : ask_those_listed(&a);
  if (a.failed) code = 2;
  size_t n = json_array_size(a.all);
  if (!code && json)
    code = json_dumpf(a.all, stdout, JSON_INDENT(2)) || putchar('\n') == EOF ? 2 : 0;
  else if (!code && !n)
    puts("nothing runs");
  else if (!code)
    put_all(a.all, all || n == 1);
  json_decref(a.all);
  return code;
}
