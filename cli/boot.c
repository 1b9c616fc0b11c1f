/* cli/boot.c: the machine that was asked for: built, run, and how it ended. */
/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "cli/flame.h"
#include "cli/guests_parts.h"
#include "cli/request.h"
#include "cli/runs.h"
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static char *cache_folder(const char *name) {
  const char *s = getenv("XDG_CACHE_HOME");
  if (s && *s == '/') return guests_text("%s/mirrorball/%s", s, name);
  return (s = getenv("HOME")) && *s == '/' ? guests_text("%s/.cache/mirrorball/%s", s, name) : NULL;
}

char *boot_code_store(const char *v) {
  if (v) return strcmp(v, "none") ? strdup(v) : NULL;
  return cache_folder("code");
}

/* Scripts measure, test and count boots; who sits at a terminal waits for them. */
static char *boot_store(const struct request_run *run) {
  const char *v = run->boot_store, *console = run->options.console;
  bool person = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && (!console || !strcmp(console, "tty"));
  if ((v && !strcmp(v, "none")) || run->options.host_time) return NULL; /* a clock of its own for each boot */
  if (v && strcmp(v, "kept") != 0) return strdup(v);
  return v || person ? cache_folder("boots") : NULL;
}

/* --- preparing --- */

static const char *guest_name(const void *ctx, size_t i) {
  struct guest g;
  (void)ctx;
  if (!guests_row(i, &g)) return NULL;
  const char *name = g.name; /* the catalogue's own: stays when the rest goes */
  guests_free(&g);
  return name;
}

int request_known_guest(const struct request *r, const char *name) {
  const char *s;
  for (size_t i = 0; (s = guest_name(NULL, i)); i++)
    if (!strcmp(s, name)) return 0;
  const char *near = options_nearest(name, guest_name, NULL);
  if (!access(name, R_OK))
    return request_fail(r, "there is no guest \"%s\"; to boot the file use %skernel %s", name, r->file ? "" : "--",
                        name);
  return near ? request_fail(r, "there is no guest \"%s\"; did you mean \"%s\"?", name, near)
              : request_fail(r, "there is no guest \"%s\" (mirrorball guests list)", name);
}

int boot_guest(struct request *r) {
  struct guest *g = &r->guest;
  if (!r->name) return 0;
  if (request_known_guest(r, r->name) || guests_get(r->name, false, g)) return EXIT_INPUT;
  if (!r->kernel) r->kernel = g->kernel;
  if (!r->initrd) r->initrd = g->initrd;
  if (!r->config.append) r->config.append = g->append;
  if (!r->config.board) r->config.board = g->board;
  if (!r->config.cpu && !strcmp(r->config.board, g->board)) r->config.cpu = g->cpu;
  if (!r->config.memory) r->config.memory = (uint64_t)g->mem_mib << 20;
  return 0;
}

/* Find out now, not after an hour's run, that the file cannot be written. */
static int check_file(const struct request *r, const char *option, const char *path) {
  struct stat st;
  if (!path) return 0;
  if (!*path) return request_fail(r, "--%s wants a FILE", option);
  if (!stat(path, &st) && S_ISDIR(st.st_mode)) return request_fail(r, "--%s %s: is a folder", option, path);
  char *folder = strdup(path);
  if (!folder) return request_fail(r, "out of memory");
  char *slash = strrchr(folder, '/');
  if (slash) slash[slash == folder] = 0;
  int bad = access(slash ? folder : ".", W_OK | X_OK) && (stat(path, &st) || access(path, W_OK));
  int error = errno;
  free(folder);
  return bad ? request_fail(r, "--%s %s: %s", option, path, strerror(error)) : 0;
}

static int check_files(const struct request *r) {
  int bad = 0;
  for (unsigned i = 0; !bad && i < r->profiles; i++) bad = check_file(r, "profile", r->profile[i]);
  for (unsigned i = 0; !bad && i < r->exacts; i++) bad = check_file(r, "profile-exact", r->exact[i]);
  for (unsigned i = 0; !bad && i < r->coverages; i++) bad = check_file(r, "coverage", r->coverage[i]);
  return bad;
}

/* The library's last error is about this VM. */
static int vm_fail(const struct request *r, const struct mb_machine *m) {
  if (!r->file) return options_fail("run: %s", mb_error_text(m));
  return options_fail("%s:%d: VM %s: %s", r->file, r->begins, r->config.name, mb_error_text(m));
}

static int add_step(const struct request *r, struct mb_machine *m, struct mb_vm *vm, const char *step) {
  const char *arrow = step; /* the last "=>": a prompt may well contain one */
  for (const char *s = step; (s = strstr(s, "=>")); s++) arrow = s;
  size_t text_n, keys_n;
  char *text = options_unescape(step, (size_t)(arrow - step), &text_n);
  char *keys = options_unescape(arrow + 2, strlen(arrow + 2), &keys_n);
  int bad = !text || !keys ? request_fail(r, "--type %s: a bad backslash escape", step)
            : mb_console_type(vm, text, text_n, keys, keys_n) ? vm_fail(r, m)
                                                              : 0;
  free(text);
  free(keys);
  return bad;
}

static int add_console(struct mb_machine *m, struct mb_vm *vm, const struct request *r) {
  for (unsigned i = 0; i < r->types; i++)
    if (add_step(r, m, vm, r->type[i])) return EXIT_INPUT;
  if (r->until_text) {
    size_t n;
    char *text = options_unescape(r->until_text, strlen(r->until_text), &n);
    int bad = !text ? request_fail(r, "--until console:%s: a bad backslash escape", r->until_text)
              : mb_console_until(vm, text, n) ? vm_fail(r, m)
                                              : 0;
    free(text);
    if (bad) return bad;
  }
  return mb_console_open(vm, r->console ? r->console : "tty") ? vm_fail(r, m) : 0;
}

int boot_debug_info(struct mb_vm *vm, const struct request *r) {
  const char *own = r->guest.debug && !access(r->guest.debug, R_OK) ? r->guest.debug : NULL;
  if (r->debug_info) return mb_load_debug_info(vm, r->debug_info);
  if (request_wants_lines(r)) return mb_load_debug_info(vm, own ? own : r->symbols_file);
  return own ? mb_offer_debug_info(vm, own) : 0;
}

static int load(struct mb_machine *m, struct mb_vm *vm, const struct request *r) {
  bool raw = r->has_raw || r->config.endian != MB_ENDIAN_KERNEL;
  if (mb_load_kernel(vm, r->kernel, raw ? &r->raw : NULL) || (r->initrd && mb_load_initrd(vm, r->initrd)) ||
      (r->symbols && mb_load_symbols(vm, r->symbols_file)) || boot_debug_info(vm, r))
    return r->file ? vm_fail(r, m) : options_fail("%s", mb_error_text(m));
  return 0;
}

/* --- running --- */

static struct mb_machine *_Atomic running; /* these two are for the signal handler alone */
static atomic_bool stats_wanted;

static void on_signal(int n) {
  struct mb_machine *m = atomic_load(&running);
  if (n == SIGUSR1) atomic_store(&stats_wanted, true);
  if (m) mb_machine_interrupt(m);
}

static void catch_signals(struct mb_machine *m) {
  static const int stopping[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
  struct sigaction a = {.sa_handler = m ? on_signal : SIG_DFL};
  atomic_store(&running, m);
  for (size_t i = 0; i < sizeof stopping / sizeof *stopping; i++) sigaction(stopping[i], &a, NULL);
  sigaction(SIGUSR1, &a, NULL);
  signal(SIGPIPE, SIG_IGN);
}

static int exit_code(struct mb_vm *vm, enum mb_stop why) {
  struct mb_stats s;
  switch (why) {
  case MB_STOP_POWER_OFF:
  case MB_STOP_HALTED: return EXIT_POWER_OFF;
  case MB_STOP_RESET: return EXIT_RESET;
  case MB_STOP_STUCK: return EXIT_STUCK;
  case MB_STOP_DEAD: return EXIT_DEAD;
  case MB_STOP_TOGETHER:
  case MB_STOP_RETURNED: /* nobody calls functions here */
  case MB_STOP_LIMIT:
  case MB_STOP_CONSOLE: return EXIT_UNTIL;
  case MB_STOP_TIMEOUT: return EXIT_TIMEOUT;
  case MB_STOP_INTERRUPTED: return EXIT_INTERRUPTED;
  case MB_STOP_POLICY: return EXIT_INPUT;
  case MB_STOP_ERROR: return EXIT_OURS;
  case MB_STOP_EXIT: break;
  }
  mb_get_stats(vm, &s);
  return !s.guest_code ? EXIT_POWER_OFF : EXIT_GUEST + (int)(s.guest_code < 63 ? s.guest_code : 63);
}

/* The request behind VM i; NULL past the last. */
static struct request *request_at(struct request_run *run, size_t i) {
  if (run->file) return i < run->vms ? run->vm[i] : NULL;
  return i ? NULL : &run->options;
}

static bool any_parallel(struct request_run *run) {
  const struct request *r;
  bool any = false;
  for (size_t i = 0; (r = request_at(run, i)); i++) any |= r->config.parallel && r->config.vcpus > 1;
  return any;
}

static bool write_profile(struct mb_vm *vm, const struct request *r, bool exact, const char *path) {
  const char *dot = strrchr(path, '.');
  if (dot && !strcmp(dot, ".html")) return !flame_write(vm, r->name ? r->name : r->kernel, exact, path);
  return !(exact ? mb_profile_exact_write : mb_profile_write)(vm, path);
}

static bool write_files(struct mb_machine *m, struct request_run *run) {
  bool written = (!run->stats || !mb_stats_write(m, run->stats)) && (!run->status || !mb_memory_write(m, run->status));
  const struct request *r;
  written = written && !mb_page_log_write(m);
  for (size_t k = 0; (r = request_at(run, k)); k++) {
    for (unsigned i = 0; written && i < r->profiles; i++)
      written = write_profile(mb_vm_at(m, k), r, false, r->profile[i]);
    for (unsigned i = 0; written && i < r->exacts; i++) written = write_profile(mb_vm_at(m, k), r, true, r->exact[i]);
    for (unsigned i = 0; written && i < r->coverages; i++) written = !mb_coverage_write(mb_vm_at(m, k), r->coverage[i]);
  }
  return written;
}

/* Have all stopped only because one came to its end, of its own? */
static bool may_go_on_together(const struct mb_machine *m) {
  struct mb_vm *vm;
  bool any = false;
  for (size_t i = 0; (vm = mb_vm_at(m, i)); i++) {
    enum mb_stop why = mb_vm_stop(vm);
    if (why != MB_STOP_TOGETHER && why < MB_STOP_POWER_OFF) return false;
    any |= why == MB_STOP_TOGETHER;
  }
  return any;
}

/* Run to the end; on the way SIGUSR1 asks for the statistics so far. */
static enum mb_stop run_on(struct mb_machine *m, struct request_run *run) {
  for (;;) {
    enum mb_stop why = mb_machine_run(m);
    if (may_go_on_together(m)) continue;
    if (why != MB_STOP_INTERRUPTED || !atomic_exchange(&stats_wanted, false)) return why;
    (void)write_files(m, run); /* a failure will be told at the end */
  }
}

/* What to tell people about VMs that did not end well: a line for each, owned by the caller. */
static char *bad_ends(const struct mb_machine *m) {
  struct mb_vm *vm;
  char *text = NULL;
  size_t n = 0;
  FILE *f = open_memstream(&text, &n);
  for (size_t i = 0; f && (vm = mb_vm_at(m, i)); i++)
    if (exit_code(vm, mb_vm_stop(vm)))
      fprintf(f, "%s%s%s\n", mb_vm_name(vm) ? mb_vm_name(vm) : "", mb_vm_name(vm) ? ": " : "", mb_stop_text(vm));
  if (f) fclose(f);
  return text;
}

/* What checks have found. */
static void say_checks(const struct mb_machine *m) {
  struct mb_vm *vm;
  for (size_t i = 0; (vm = mb_vm_at(m, i)); i++) {
    char *text = mb_check_text(vm);
    if (text)
      fprintf(stderr, "\nmirrorball: check%s%s: %s", mb_vm_name(vm) ? " " : "", mb_vm_name(vm) ? mb_vm_name(vm) : "",
              text);
    free(text);
  }
}

/* That of what stopped all, else of the first VM that did not end well. */
static int exit_code_of_all(const struct mb_machine *m, enum mb_stop why) {
  struct mb_vm *vm = mb_vm_at(m, 0);
  int code = 0;
  if (why == MB_STOP_TIMEOUT || why == MB_STOP_INTERRUPTED) return exit_code(vm, why);
  for (size_t i = 0; !code && (vm = mb_vm_at(m, i)); i++) code = exit_code(vm, mb_vm_stop(vm));
  return code;
}

/* Let mirrorball status find the run: one without that is as good. */
static void be_found(struct mb_machine *m) {
  char *why, *folder = runs_folder(&why), *path = folder ? runs_socket(folder, getpid()) : NULL;
  if (!path || mb_status_listen(m, path))
    fprintf(stderr, "mirrorball: warning: mirrorball status will not find this run: %s\n",
            why    ? why
            : path ? mb_error_text(m)
                   : "out of memory");
  free(path);
  free(folder);
  free(why);
}

/* How gdb attaches. */
static void say_gdb(const struct mb_machine *m) {
  struct mb_vm *vm;
  for (size_t i = 0; (vm = mb_vm_at(m, i)); i++) {
    const char *command = mb_gdb_command(vm), *name = mb_vm_name(vm);
    if (!command) continue;
    fprintf(stderr, "mirrorball: %s%s%s gdb: %s\n", name ? name : "", name ? ": " : "",
            mb_gdb_waits(vm) ? "waiting for" : "ready for", command);
  }
}

/* People see how far it is, once they had to wait. */
static void tell_saving(void *ctx, uint64_t done, uint64_t all) {
  struct timespec *next = ctx, now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  if (now.tv_sec < next->tv_sec) return;
  next->tv_sec = now.tv_sec + 2;
  fprintf(stderr, "mirrorball: saving: %u of %u MiB\n", (unsigned)(done >> 20), (unsigned)(all >> 20));
}

/* Write the checkpoint, if the run came to where one was wanted. */
static bool save(struct mb_machine *m, const struct request_run *run, int code) {
  struct timespec next;
  clock_gettime(CLOCK_MONOTONIC, &next);
  next.tv_sec += 2;
  if (code == EXIT_UNTIL) return !mb_machine_save(m, run->checkpoint, &(struct mb_progress){tell_saving, &next});
  fprintf(stderr, "mirrorball: warning: no checkpoint was written: --until was not reached\n");
  return true;
}

/* Is a replay the run that was recorded? Says so instead of *text; the exit code. */
static int replayed(struct mb_machine *m, int code, char **text) {
  char *verdict;
  enum mb_replay_end end = mb_replay_check(m, &verdict);
  if (end == MB_REPLAY_NONE) return code;
  free(*text);
  *text = verdict;
  return end == MB_REPLAY_SAME ? 0 : end == MB_REPLAY_DIFFERS ? EXIT_OURS : code;
}

/* Boot and run a loaded machine. *text: lines to tell people, owned by the caller. */
static int boot(struct mb_machine *m, struct request_run *run, char **text) {
  if ((run->record && mb_record(m, run->record)) || mb_machine_start(m))
    return options_fail("%s%s%s", run->file ? run->file : "", run->file ? ": " : "", mb_error_text(m));
  if (mb_nets_outside(m))
    fputs("mirrorball: what comes through --net nat from outside may differ in each run\n", stderr);
  if (mb_boot_was_kept(m) && !run->boot_store)
    fputs("mirrorball: this was booted before, and goes on where its kernel was ready (--boot-store none: anew)\r\n",
          stderr);
  if (any_parallel(run)) fputs("mirrorball: with --parallel no two runs are alike\n", stderr);
  be_found(m);
  say_gdb(m);
  catch_signals(m);
  int code = exit_code_of_all(m, run_on(m, run));
  *text = bad_ends(m);
  say_checks(m);
  bool written = !mb_record_end(m) && (!run->checkpoint || save(m, run, code));
  if (written) code = replayed(m, code, text);
  if (!written || !write_files(m, run)) {
    free(*text);
    *text = strdup(mb_error_text(m));
    code = EXIT_OURS;
  }
  catch_signals(NULL);
  return code;
}

/* The VM of a checkpoint, where there is one: how it is watched. */
static int watch_vm(struct mb_machine *m, struct mb_vm *vm, const struct request *r) {
  int code = add_console(m, vm, r);
  if (!code && r->host_calls && mb_host_calls_load(vm, r->host_calls)) code = vm_fail(r, m);
  if (!code && r->symbols && mb_load_symbols(vm, r->symbols_file)) code = vm_fail(r, m);
  if (!code && boot_debug_info(vm, r)) code = vm_fail(r, m);
  if (!code && r->check_allow && mb_check_allow(vm, r->check_allow)) code = vm_fail(r, m);
  if (!code && r->gdb && mb_gdb_open(vm, r->gdb)) code = vm_fail(r, m);
  if (!code) mb_vm_limit(vm, r->until_insns);
  if (!code && r->until_ns != UINT64_MAX) mb_vm_limit_ns(vm, r->until_ns);
  return code;
}

/* Several share the terminal, and nothing that is said here is about one of them. */
static int restore(struct mb_machine *m, const struct request *r) {
  struct mb_vm *vm;
  const char *path = r->run->from ? r->run->from : r->run->replay;
  if (r->run->from ? mb_machine_restore(m, path, &r->config) : mb_replay(m, path, &r->config))
    return options_fail("run: %s", mb_error_text(m));
  if (!mb_vm_at(m, 1)) return watch_vm(m, mb_vm_at(m, 0), r);
  for (unsigned i = 0; i < MB_PINS_MAX; i++)
    if (r->config.pin[i]) return options_fail("run: %s: has several VMs: --pin is for one", path);
  if (r->types || r->until_text || r->until_insns != UINT64_MAX || r->until_ns != UINT64_MAX || r->host_calls ||
      r->symbols || r->profiles || r->exacts || r->gdb)
    return options_fail(
        "run: %s: has several VMs: --type, --until, --replay-to, --profile, --symbols, --host-calls and "
        "--gdb are for one",
        path);
  for (size_t i = 0; (vm = mb_vm_at(m, i)); i++)
    if (mb_console_open(vm, r->console ? r->console : "tty")) return vm_fail(r, m);
  return 0;
}

int boot_vm(struct mb_machine *m, const struct request *r) {
  struct mb_vm *vm;
  if (mb_vm_add(m, &vm, &r->config)) return vm_fail(r, m);
  int code = add_console(m, vm, r);
  if (!code && r->host_calls && mb_host_calls_load(vm, r->host_calls)) code = vm_fail(r, m);
  if (!code) code = load(m, vm, r);
  if (!code && r->check_allow && mb_check_allow(vm, r->check_allow)) code = vm_fail(r, m);
  if (!code && r->gdb && mb_gdb_open(vm, r->gdb)) code = vm_fail(r, m);
  if (!code) mb_vm_limit(vm, r->until_insns);
  return code;
}

static int build(struct mb_machine **m, struct request_run *run, const char *store) {
  struct request *r;
  int code = check_file(&run->options, "stats", run->stats);
  if (!code) code = check_file(&run->options, "status", run->status);
  if (!code) code = check_file(&run->options, "page-log", run->machine.placement.page_log);
  for (size_t i = 0; !code && (r = request_at(run, i)); i++) {
    code = check_files(r);
    if (!code) code = boot_guest(r);
    r->config.code_store = store;
  }
  if (!code) code = check_file(&run->options, "checkpoint", run->checkpoint);
  if (!code) code = check_file(&run->options, "record", run->record);
  run->machine.together = run->checkpoint != NULL; /* the first that comes to where it is to be saved has all saved */
  if (!code && mb_machine_new(m, &run->machine)) code = options_fail("run: %s", mb_error_text(*m));
  if (run->from || run->replay) return code ? code : restore(*m, &run->options);
  for (size_t i = 0; !code && (r = request_at(run, i)); i++) code = boot_vm(*m, r);
  for (size_t i = 0; !code && (r = request_at(run, i)); i++) {
    if (!r->console || strcmp(r->console, "tty")) continue;
    mb_console_show(mb_vm_at(*m, i));
    break;
  }
  return code;
}

static void say_lines(char *text) {
  for (char *line = text, *end; line && *line; line = end) {
    end = line + strcspn(line, "\n");
    if (*end) *end++ = 0;
    options_fail("%s", line);
  }
}

int boot_run(struct request_run *run) {
  struct mb_machine *m = NULL;
  struct mb_vm *vm;
  char *text = NULL, *store = boot_code_store(run->code_store), *boots = boot_store(run), *warning = NULL;
  signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error, not the end */
  run->machine.boot_store = boots;
  int code = build(&m, run, store);
  if (!code) code = boot(m, run, &text);
  for (size_t i = 0; m && !warning && (vm = mb_vm_at(m, i)); i++) {
    const char *trouble = mb_code_store_trouble(vm);
    warning = trouble ? strdup(trouble) : NULL;
  }
  const char *lost = m ? mb_boot_store_trouble(m) : NULL;
  char *unkept = lost ? strdup(lost) : NULL;
  mb_machine_free(m); /* restores the terminal */
  if (unkept) fprintf(stderr, "mirrorball: warning: the booted machine is not kept: %s\n", unkept);
  free(unkept);
  if (warning) fprintf(stderr, "mirrorball: warning: optimized code is not kept: %s\n", warning);
  say_lines(text);
  free(warning);
  free(store);
  free(boots);
  free(text);
  return code;
}
