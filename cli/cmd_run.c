/* cli/cmd_run.c: mirrorball run: boot a kernel or a guest known by name, and say how it ended. */
/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "cli/guests.h"
#include "cli/guests_parts.h"
#include "cli/nets.h"
#include "cli/options.h"
#include "mirrorball.h"
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

int cmd_run(int argc, char **argv);

enum {
  EXIT_POWER_OFF = 0,
  EXIT_OURS = 1,
  EXIT_INPUT = 2,
  EXIT_RESET = 3,
  EXIT_STUCK = 4,
  EXIT_DEAD = 5,
  EXIT_UNTIL = 6,
  EXIT_TIMEOUT = 7,
  EXIT_INTERRUPTED = 8,
  EXIT_GUEST = 64, /* + the guest's code, 1..63 */
};

enum row {
  O_KERNEL,
  O_INITRD,
  O_APPEND,
  O_DISK,
  O_NET,
  O_CPU,
  O_MEM,
  O_BOARD,
  O_VCPUS,
  O_ENDIAN,
  O_LOAD,
  O_ENTRY,
  O_TIER,
  O_L2TLB,
  O_MHZ,
  O_PACE,
  O_RTC,
  O_SEED,
  O_UNTIL,
  O_TIMEOUT,
  O_TYPE,
  O_STATS,
  O_PROFILE,
  O_EVERY,
  O_TRACE,
  O_SYMBOLS,
  O_TIMESTAMPS,
  O_CODE_CACHE,
  O_CODE_STORE,
  O_HELP
};

static const struct option_row rows[] = {
    [O_KERNEL] = {"kernel", "FILE", "ELF or uImage, gzipped or not; raw with --endian"},
    [O_INITRD] = {"initrd", "FILE", "initial RAM disk"},
    [O_APPEND] = {"append", "TEXT", "kernel parameters"},
    [O_DISK] = {"disk", "FILE[,cow|ro|persist][,virtio|ide]",
                "attach a disk image. cow: what the guest writes is forgotten at the end\n"
                "(so unless given); ro: it cannot write; persist: it writes into FILE,\n"
                "and what it has flushed is there to stay. On virtio unless ide is given.\n"
                "May be repeated: two virtio disks, four IDE disks"},
    [O_NET] = {"net", nets_words, nets_help},
    [O_CPU] = {"cpu", "MODEL", "cpu model; --cpu help lists them (24Kf, or MIPS64R2-generic for a\n64-bit kernel)"},
    [O_MEM] = {"mem", "SIZE", "memory, 8M to 2G (256M)"},
    [O_BOARD] = {"board", "NAME", "--board help lists them (malta, or what NAME runs on)"},
    [O_VCPUS] = {"vcpus", "N", "how many cpus the board has (1; disco takes 16)"},
    [O_ENDIAN] = {"endian", "big|little", "byte order of a raw image or uImage; ELF files know theirs"},
    [O_LOAD] = {"load-addr", "ADDR", "where a raw image goes (0x80100000)"},
    [O_ENTRY] = {"entry", "ADDR", "where a raw image begins (its load address)"},
    [O_TIER] = {"tier", "auto|eval|stencil|llvm", "how guest code is executed (auto); never changes what it does"},
    [O_L2TLB] = {"l2tlb", "N",
                 "entries of the second-level TLB, which answers for what TLBWR has\n"
                 "replaced: 0 or a power of two up to 65536 (1024). It decides how\n"
                 "many refills the guest sees"},
    [O_MHZ] = {"mhz", "N", "guest clock: instructions per virtual microsecond (200)"},
    [O_PACE] = {"pace", "max|real",
                "max: skip idle time. real: virtual time keeps to the wall clock.\n"
                "Unless given: max, but a guest at a terminal that has been idle\n"
                "for 2 s idles in real time"},
    [O_RTC] = {"rtc", "WHEN",
               "clock at power-on: host, 2024-01-31, 2024-01-31T23:59:59 (UTC) or\n"
               "Unix seconds (2024-01-01)"},
    [O_SEED] = {"seed", "N", "offer the guest random numbers that follow from N"},
    [O_UNTIL] = {"until", "WHAT",
                 "console:TEXT stops when the console shows TEXT,\n"
                 "insns:N after N instructions, to the instruction (a branch and its\ndelay slot are one step)"},
    [O_TIMEOUT] = {"timeout", "SECONDS", "stop after so much wall time"},
    [O_TYPE] = {"type", "TEXT=>KEYS",
                "when the console has shown TEXT, type KEYS; may be repeated, then\n"
                "in order. Both may have \\n \\r \\t \\e \\\\ \\xNN"},
    [O_STATS] = {"stats", "FILE", "write statistics as JSON at the end, and when SIGUSR1 comes"},
    [O_PROFILE] = {"profile", "FILE",
                   "write at the end where the guest spent its instructions, by function:\n"
                   "text; FILE.json: JSON; FILE.folded: stacks for flame graph tools.\n"
                   "May be repeated; SIGUSR1 writes it, too"},
    [O_EVERY] = {"profile-every", "N", "guest instructions from one sample to the next (100003)"},
    [O_TRACE] = {"trace", "KINDS=FILE", "write a trace; KINDS is any of insn,exc,tlb,dev"},
    [O_SYMBOLS] = {"symbols", "[FILE]",
                   "name addresses from FILE (System.map or ELF); without FILE insist\n"
                   "that the kernel has symbols or a System.map beside it"},
    [O_TIMESTAMPS] = {"timestamps", NULL, "begin console lines with virtual seconds and instruction count"},
    [O_CODE_CACHE] = {"code-cache", "SIZE", "host memory for compiled code (64M)"},
    [O_CODE_STORE] =
        {"code-store", "DIR|none",
         "where optimized code is kept from run to run\n($XDG_CACHE_HOME/mirrorball/code or ~/.cache/mirrorball/code)"},
    [O_HELP] = {"help", NULL, "this text"},
    {0},
};

static void print_help(void) {
  puts("Usage: mirrorball run [OPTION...] [NAME]\n"
       "\n"
       "Boots NAME (mirrorball guests list) or --kernel FILE on an emulated MIPS board, with the\n"
       "first serial port on stdin and stdout. On a terminal Ctrl-A is the escape key: Ctrl-A h\n"
       "shows its keys, Ctrl-A x quits. Options override what NAME stands for.\n");
  options_help(stdout, rows);
  puts("\n"
       "Two runs of one command are the same run: same output, same instruction counts, same state\n"
       "hash in --stats. Typing at a terminal is the only thing that differs, and what comes from\n"
       "outside through --net nat; --type is scripted typing that does not.\n"
       "\n"
       "Exit codes:\n"
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
       "\n"
       "Try it:\n"
       "  mirrorball run debian-4kc\n"
       "  mirrorball run --kernel vmlinux --initrd initrd.gz --append 'console=ttyS0 rdinit=/bin/sh'\n"
       "  mirrorball run debian-5kc --until 'console:Run /init' --stats boot.json --timestamps\n"
       "  mirrorball run debian-4kc --disk disk.img,persist\n"
       "  mirrorball run debian-4kc --net nat --type '# =>udhcpc; wget http://10.0.2.2:8000/\\n'\n"
       "  mirrorball run debian-4kc --type '# =>uname -a; poweroff\\n'");
}

/* --- from words to a configuration --- */

enum { STEPS_MAX = 64, PROFILES_MAX = 8 };
#define PROFILE_EVERY 100003 /* a prime, so that no loop of the guest keeps step with it */

struct request {
  struct mb_machine_config machine;
  struct mb_config config;
  const char *name, *kernel, *initrd, *stats, *symbols_file, *until_text, *code_store, *type[STEPS_MAX],
      *profile[PROFILES_MAX];
  char *disk_path[MB_DISKS_MAX];
  unsigned types, profiles;
  bool symbols, has_raw, has_rtc;
  struct mb_raw raw;
  uint64_t until_insns;
  struct guest guest;
};

static const char *model_name(const void *ctx, size_t i) {
  (void)ctx;
  return mb_cpu_model(i, NULL);
}

static int list_models(void) {
  const char *name, *about;
  for (size_t i = 0; (name = mb_cpu_model(i, &about)); i++) printf("%-18s %s\n", name, about);
  return -1;
}

static int set_cpu(struct request *r, const char *v) {
  if (!strcmp(v, "help")) return list_models();
  const char *name;
  for (size_t i = 0; (name = mb_cpu_model(i, NULL)); i++)
    if (!strcasecmp(name, v)) {
      r->config.cpu = name;
      return 0;
    }
  const char *near = options_nearest(v, model_name, NULL);
  return near ? options_fail("run: there is no cpu model %s; did you mean %s?", v, near)
              : options_fail("run: there is no cpu model %s (mirrorball run --cpu help)", v);
}

static const char *board_name(const void *ctx, size_t i) {
  (void)ctx;
  return mb_board(i, NULL);
}

static int set_board(struct request *r, const char *v) {
  const char *name, *about;
  bool help = !strcmp(v, "help");
  for (size_t i = 0; (name = mb_board(i, &about)); i++)
    if (help)
      printf("%-18s %s\n", name, about);
    else if (!strcmp(name, v))
      return r->config.board = name, 0;
  if (help) return -1;
  const char *near = options_nearest(v, board_name, NULL);
  return options_fail(near ? "run: there is no board %s; did you mean %s?"
                           : "run: there is no board %s (mirrorball run --board help)",
                      v, near);
}

static int set_mem(struct request *r, const char *v) {
  uint64_t n;
  if (!options_number(v, true, UINT64_MAX, &n)) return options_fail("run: --mem %s: not a size such as 256M or 1G", v);
  if (n < MB_MEMORY_MIN || n > MB_MEMORY_MAX || n & 0xfffff)
    return options_fail("run: --mem %s: the board takes 8M to 2G, in steps of 1M", v);
  r->config.memory = n;
  return 0;
}

static int set_code_cache(struct request *r, const char *v) {
  uint64_t n;
  if (!options_number(v, true, UINT64_MAX, &n) || n < MB_CODE_CACHE_MIN || n > MB_CODE_CACHE_MAX)
    return options_fail("run: --code-cache %s: not a size from 1M to 1G", v);
  r->config.code_cache = n;
  return 0;
}

/* Where optimized code is kept: the caller frees. NULL: nowhere. */
static char *code_store(const char *v) {
  if (v) return strcmp(v, "none") ? strdup(v) : NULL;
  const char *s = getenv("XDG_CACHE_HOME");
  if (s && *s == '/') return guests_text("%s/mirrorball/code", s);
  return (s = getenv("HOME")) && *s == '/' ? guests_text("%s/.cache/mirrorball/code", s) : NULL;
}

static int set_until(struct request *r, const char *v) {
  if (!strncmp(v, "console:", 8)) {
    if (!v[8]) return options_fail("run: --until console: wants a text after the colon");
    r->until_text = v + 8;
    return 0;
  }
  if (!strncmp(v, "insns:", 6)) {
    if (options_number(v + 6, true, UINT64_MAX - 1, &r->until_insns)) return 0;
    return options_fail("run: --until %s: not a number of instructions", v);
  }
  return options_fail("run: --until %s: neither console:TEXT nor insns:N", v);
}

static int set_rtc(struct request *r, const char *v) {
  struct tm t = {0};
  uint64_t seconds;
  const char *end;
  r->has_rtc = true;
  if (!strcmp(v, "host")) {
    r->config.rtc_start = (int64_t)time(NULL);
  } else if (options_number(v, false, UINT32_MAX, &seconds) && seconds) {
    r->config.rtc_start = (int64_t)seconds;
  } else if (((end = strptime(v, "%Y-%m-%dT%H:%M:%S", &t)) && !*end) ||
             (t = (struct tm){0}, (end = strptime(v, "%Y-%m-%d", &t)) && !*end)) {
    r->config.rtc_start = (int64_t)timegm(&t);
    if (r->config.rtc_start <= 0) return options_fail("run: --rtc %s: before 1970", v);
  } else {
    return options_fail("run: --rtc %s: neither host nor a date such as 2024-01-31", v);
  }
  return 0;
}

static int set_trace(struct request *r, const char *v) {
  static const struct {
    const char *name;
    unsigned bit;
  } kinds[] = {{"insn", MB_TRACE_INSN}, {"exc", MB_TRACE_EXC}, {"tlb", MB_TRACE_TLB}, {"dev", MB_TRACE_DEV}};
  const char *equals = strchr(v, '=');
  if (!equals || !equals[1]) return options_fail("run: --trace %s: not KINDS=FILE, such as exc,tlb=trace.txt", v);
  for (const char *p = v; p < equals;) {
    size_t n = strcspn(p, ",="), k = 0;
    while (k < 4 && (strlen(kinds[k].name) != n || memcmp(kinds[k].name, p, n))) k++;
    if (k == 4) return options_fail("run: --trace %s: \"%.*s\" is none of insn, exc, tlb, dev", v, (int)n, p);
    r->config.trace |= kinds[k].bit;
    p += n + (p[n] == ',');
  }
  if (!r->config.trace) return options_fail("run: --trace %s: none of insn, exc, tlb, dev", v);
  r->config.trace_file = equals + 1;
  return 0;
}

/* One of two words. */
static int set_word(const char *option, const char *v, const char *first, const char *second, int *out) {
  if (!strcmp(v, first)) return *out = 0, 0;
  if (!strcmp(v, second)) return *out = 1, 0;
  return options_fail("run: --%s %s: neither %s nor %s", option, v, first, second);
}

static int set_number(const char *option, const char *v, uint64_t max, uint64_t *out) {
  if (options_number(v, false, max, out)) return 0;
  return options_fail("run: --%s %s: not a number from 0 to %" PRIu64, option, v, max);
}

static int set_tier(struct request *r, const char *v) {
  static const char *const name[] = {
      [MB_TIER_AUTO] = "auto", [MB_TIER_EVAL] = "eval", [MB_TIER_STENCIL] = "stencil", [MB_TIER_LLVM] = "llvm"};
  for (int i = MB_TIER_AUTO; i <= MB_TIER_LLVM; i++) {
    if (strcmp(v, name[i])) continue;
    r->config.tier = (enum mb_tier)i;
    return mb_has_tier(r->config.tier)
               ? 0
               : options_fail("run: --tier %s: left out of this build, which needs clang-19%s and an x86-64 Linux host",
                              v, i == MB_TIER_LLVM ? ", LLVM 19" : "");
  }
  return options_fail("run: --tier %s: neither auto nor eval nor stencil nor llvm", v);
}

static int set_timeout(struct request *r, const char *v) {
  char *end;
  double seconds = strtod(v, &end);
  if (end == v || *end || !(seconds > 0) || seconds > 1e9)
    return options_fail("run: --timeout %s: not a number of seconds", v);
  r->machine.timeout = seconds;
  return 0;
}

static int set_type(struct request *r, const char *v) {
  if (!strstr(v, "=>")) return options_fail("run: --type %s: not TEXT=>KEYS", v);
  if (r->types == STEPS_MAX) return options_fail("run: more than %d --type steps", STEPS_MAX);
  r->type[r->types++] = v;
  return 0;
}

static int set_profile(struct request *r, const char *v) {
  if (r->profiles == PROFILES_MAX) return options_fail("run: more than %d --profile files", PROFILES_MAX);
  r->profile[r->profiles++] = v;
  return 0;
}

/* FILE, and words behind commas: one of each kind at most. */
static int set_disk(struct request *r, const char *v) {
  static const struct {
    const char *name;
    bool is_bus;
    int value;
  } words[] = {{"cow", false, MB_DISK_COW},
               {"ro", false, MB_DISK_RO},
               {"persist", false, MB_DISK_PERSIST},
               {"virtio", true, MB_DISK_VIRTIO},
               {"ide", true, MB_DISK_IDE}};
  enum { WORDS = sizeof words / sizeof *words };
  struct mb_config *c = &r->config;
  size_t n = strcspn(v, ","), k;
  int chosen[2] = {-1, -1};
  if (!n) return options_fail("run: --disk %s: wants a FILE", v);
  if (c->disks == MB_DISKS_MAX) return options_fail("run: more than %d disks", MB_DISKS_MAX);
  for (const char *p = v + n; *p; p += n) {
    n = strcspn(++p, ",");
    for (k = 0; k < WORDS && (strlen(words[k].name) != n || memcmp(words[k].name, p, n)); k++) {
    }
    if (k == WORDS)
      return options_fail("run: --disk %s: \"%.*s\" is none of cow, ro, persist, virtio, ide", v, (int)n, p);
    if (chosen[words[k].is_bus] >= 0)
      return options_fail("run: --disk %s: either %s or %s", v, words[chosen[words[k].is_bus]].name, words[k].name);
    chosen[words[k].is_bus] = (int)k;
  }
  char *path = r->disk_path[c->disks] = strndup(v, strcspn(v, ","));
  if (!path) return options_fail("run: out of memory");
  c->disk[c->disks++] = (struct mb_disk){
      .path = path,
      .mode = chosen[0] < 0 ? MB_DISK_COW : (enum mb_disk_mode)words[chosen[0]].value,
      .bus = chosen[1] < 0 ? MB_DISK_VIRTIO : (enum mb_disk_bus)words[chosen[1]].value,
  };
  return 0;
}

static int set_net(struct request *r, const char *v) {
  struct mb_config *c = &r->config;
  if (c->nets == MB_NETS_MAX) return options_fail("run: more than %d networks", MB_NETS_MAX);
  return nets_parse(&c->net[c->nets++], v);
}

static int set_every(struct request *r, const char *v) {
  int bad = set_number("profile-every", v, UINT32_MAX, &r->config.profile_every);
  return bad || r->config.profile_every ? bad : options_fail("run: --profile-every 0: no sample would ever be taken");
}

static int set_machine(struct request *r, enum row row, const char *v) {
  uint64_t n;
  int choice = 0, bad = 0;
  switch (row) {
  case O_CPU: return set_cpu(r, v);
  case O_MEM: return set_mem(r, v);
  case O_BOARD: return set_board(r, v);
  case O_VCPUS:
    if (!(bad = set_number("vcpus", v, UINT32_MAX, &n))) r->config.vcpus = (unsigned)n;
    return bad ? bad : n ? 0 : options_fail("run: --vcpus 0: a board has at least one");
  case O_ENDIAN:
    if (!(bad = set_word("endian", v, "big", "little", &choice)))
      r->config.endian = choice ? MB_ENDIAN_LITTLE : MB_ENDIAN_BIG;
    return bad;
  case O_LOAD: r->has_raw = true; return set_number("load-addr", v, UINT64_MAX, &r->raw.load);
  case O_ENTRY: r->has_raw = true; return set_number("entry", v, UINT64_MAX, &r->raw.entry);
  case O_TIER: return set_tier(r, v);
  case O_L2TLB:
    if (!(bad = set_number("l2tlb", v, 1 << 16, &n))) r->config.l2tlb = n ? (uint32_t)n : MB_L2TLB_OFF;
    return bad;
  case O_MHZ:
    if (!(bad = set_number("mhz", v, 100000, &n))) r->config.mhz = (uint32_t)n;
    return bad ? bad : n ? 0 : options_fail("run: --mhz 0: time would stand still");
  case O_PACE:
    if (!(bad = set_word("pace", v, "max", "real", &choice))) r->machine.pace = choice ? MB_PACE_REAL : MB_PACE_MAX;
    return bad;
  case O_RTC: return set_rtc(r, v);
  case O_SEED: return set_number("seed", v, UINT64_MAX, &r->config.seed);
  default: return 0;
  }
}

/* 0, 2 (one line was printed), or -1: all is done. */
static int set_option(struct request *r, enum row row, const char *v) {
  switch (row) {
  case O_KERNEL: r->kernel = v; return 0;
  case O_INITRD: r->initrd = v; return 0;
  case O_APPEND: r->config.append = v; return 0;
  case O_DISK: return set_disk(r, v);
  case O_NET: return set_net(r, v);
  case O_UNTIL: return set_until(r, v);
  case O_TIMEOUT: return set_timeout(r, v);
  case O_TYPE: return set_type(r, v);
  case O_STATS: r->stats = v; return 0;
  case O_PROFILE: return set_profile(r, v);
  case O_EVERY: return set_every(r, v);
  case O_TRACE: return set_trace(r, v);
  case O_SYMBOLS:
    r->symbols = true;
    r->symbols_file = v;
    return 0;
  case O_TIMESTAMPS: r->config.timestamps = true; return 0;
  case O_CODE_CACHE: return set_code_cache(r, v);
  case O_CODE_STORE: r->code_store = v; return 0;
  case O_HELP: print_help(); return -1;
  default: return set_machine(r, row, v);
  }
}

static int parse(struct request *r, int argc, char **argv) {
  struct options o;
  options_begin(&o, argc, argv, rows);
  for (;;) {
    int row = options_next(&o), bad = 0;
    if (row == OPTIONS_END) break;
    if (row == OPTIONS_ERROR) return EXIT_INPUT;
    if (row == OPTIONS_WORD) {
      if (r->name) return options_fail("run: one guest at a time, not both \"%s\" and \"%s\"", r->name, o.value);
      r->name = o.value;
    } else if ((bad = set_option(r, (enum row)row, o.value))) {
      return bad;
    }
  }
  if (r->config.profile_every && !r->profiles) return options_fail("run: --profile-every goes with --profile FILE");
  if (r->profiles && !r->config.profile_every) r->config.profile_every = PROFILE_EVERY;
  if (!r->name && !r->kernel)
    return options_fail("run: what? Name a guest (mirrorball guests list) or a --kernel FILE");
  return 0;
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

static int known_guest(const char *name) {
  const char *s;
  for (size_t i = 0; (s = guest_name(NULL, i)); i++)
    if (!strcmp(s, name)) return 0;
  const char *near = options_nearest(name, guest_name, NULL);
  if (!access(name, R_OK))
    return options_fail("run: there is no guest \"%s\"; to boot the file use --kernel %s", name, name);
  return near ? options_fail("run: there is no guest \"%s\"; did you mean \"%s\"?", name, near)
              : options_fail("run: there is no guest \"%s\" (mirrorball guests list)", name);
}

/* What the guest's name stands for, where no option says otherwise. */
static int resolve_guest(struct request *r) {
  struct guest *g = &r->guest;
  if (!r->name) return 0;
  if (known_guest(r->name) || guests_get(r->name, false, g)) return EXIT_INPUT;
  if (!r->kernel) r->kernel = g->kernel;
  if (!r->initrd) r->initrd = g->initrd;
  if (!r->config.append) r->config.append = g->append;
  if (!r->config.board) r->config.board = g->board;
  if (!r->config.cpu && !strcmp(r->config.board, g->board)) r->config.cpu = g->cpu;
  if (!r->config.memory) r->config.memory = (uint64_t)g->mem_mib << 20;
  return 0;
}

/* Find out now, not after an hour's run, that the file cannot be written. */
static int check_file(const char *option, const char *path) {
  struct stat st;
  if (!path) return 0;
  if (!*path) return options_fail("run: --%s wants a FILE", option);
  if (!stat(path, &st) && S_ISDIR(st.st_mode)) return options_fail("run: --%s %s: is a folder", option, path);
  char *folder = strdup(path);
  if (!folder) return options_fail("run: out of memory");
  char *slash = strrchr(folder, '/');
  if (slash) slash[slash == folder] = 0;
  int bad = access(slash ? folder : ".", W_OK | X_OK) && (stat(path, &st) || access(path, W_OK));
  int error = errno;
  free(folder);
  return bad ? options_fail("run: --%s %s: %s", option, path, strerror(error)) : 0;
}

static int check_files(const struct request *r) {
  int bad = check_file("stats", r->stats);
  for (unsigned i = 0; !bad && i < r->profiles; i++) bad = check_file("profile", r->profile[i]);
  return bad;
}

static int add_step(struct mb_machine *m, struct mb_vm *vm, const char *step) {
  const char *arrow = step; /* the last "=>": a prompt may well contain one */
  for (const char *s = step; (s = strstr(s, "=>")); s++) arrow = s;
  size_t text_n, keys_n;
  char *text = options_unescape(step, (size_t)(arrow - step), &text_n);
  char *keys = options_unescape(arrow + 2, strlen(arrow + 2), &keys_n);
  int bad = !text || !keys ? options_fail("run: --type %s: a bad backslash escape", step)
            : mb_console_type(vm, text, text_n, keys, keys_n) ? options_fail("run: %s", mb_error_text(m))
                                                              : 0;
  free(text);
  free(keys);
  return bad;
}

static int add_console(struct mb_machine *m, struct mb_vm *vm, const struct request *r) {
  for (unsigned i = 0; i < r->types; i++)
    if (add_step(m, vm, r->type[i])) return EXIT_INPUT;
  if (r->until_text) {
    size_t n;
    char *text = options_unescape(r->until_text, strlen(r->until_text), &n);
    int bad = !text ? options_fail("run: --until console:%s: a bad backslash escape", r->until_text)
              : mb_console_until(vm, text, n) ? options_fail("run: %s", mb_error_text(m))
                                              : 0;
    free(text);
    if (bad) return bad;
  }
  return mb_console_attach_stdio(vm) ? options_fail("run: %s", mb_error_text(m)) : 0;
}

static int load(struct mb_machine *m, struct mb_vm *vm, const struct request *r) {
  bool raw = r->has_raw || r->config.endian != MB_ENDIAN_KERNEL;
  if (mb_load_kernel(vm, r->kernel, raw ? &r->raw : NULL) || (r->initrd && mb_load_initrd(vm, r->initrd)) ||
      (r->symbols && mb_load_symbols(vm, r->symbols_file)))
    return options_fail("%s", mb_error_text(m));
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
  case MB_STOP_LIMIT:
  case MB_STOP_CONSOLE: return EXIT_UNTIL;
  case MB_STOP_TIMEOUT: return EXIT_TIMEOUT;
  case MB_STOP_INTERRUPTED: return EXIT_INTERRUPTED;
  case MB_STOP_ERROR: return EXIT_OURS;
  case MB_STOP_EXIT: break;
  }
  mb_get_stats(vm, &s);
  return !s.guest_code ? EXIT_POWER_OFF : EXIT_GUEST + (int)(s.guest_code < 63 ? s.guest_code : 63);
}

static bool write_files(struct mb_machine *m, const struct request *r) {
  bool written = !r->stats || !mb_stats_write(m, r->stats);
  for (unsigned i = 0; written && i < r->profiles; i++) written = !mb_profile_write(mb_vm_at(m, 0), r->profile[i]);
  return written;
}

/* Run to the end; on the way SIGUSR1 asks for the statistics so far. */
static enum mb_stop run_on(struct mb_machine *m, const struct request *r) {
  for (;;) {
    enum mb_stop why = mb_machine_run(m);
    if (why != MB_STOP_INTERRUPTED || !atomic_exchange(&stats_wanted, false)) return why;
    (void)write_files(m, r); /* a failure will be told at the end */
  }
}

/* Boot and run a loaded machine. *text: what to tell people, owned by the caller; NULL when all went as it should. */
static int boot(struct mb_machine *m, const struct request *r, char **text) {
  if (mb_machine_start(m)) return options_fail("%s", mb_error_text(m));
  if (mb_nets_outside(m))
    fputs("mirrorball: what comes through --net nat from outside may differ in each run\n", stderr);
  catch_signals(m);
  enum mb_stop why = run_on(m, r);
  int code = exit_code(mb_vm_at(m, 0), why);
  if (code != EXIT_POWER_OFF) *text = strdup(mb_stop_text(mb_vm_at(m, 0)));
  if (!write_files(m, r)) {
    free(*text);
    *text = strdup(mb_error_text(m));
    code = EXIT_OURS;
  }
  catch_signals(NULL);
  return code;
}

int cmd_run(int argc, char **argv) {
  struct request r = {.until_insns = UINT64_MAX};
  struct mb_machine *m = NULL;
  struct mb_vm *vm = NULL;
  char *text = NULL;
  int code = parse(&r, argc, argv);
  if (!code) code = check_files(&r);
  if (!code) code = resolve_guest(&r);
  char *store = code ? NULL : code_store(r.code_store);
  r.config.code_store = store;
  signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error, not the end */
  if (!code && (mb_machine_new(&m, &r.machine) || mb_vm_add(m, &vm, &r.config)))
    code = options_fail("run: %s", mb_error_text(m));
  if (!code) code = add_console(m, vm, &r);
  if (!code) code = load(m, vm, &r);
  if (!code) mb_vm_limit(vm, r.until_insns);
  if (!code) code = boot(m, &r, &text);
  const char *trouble = vm ? mb_code_store_trouble(vm) : NULL;
  char *warning = trouble ? strdup(trouble) : NULL;
  mb_machine_free(m); /* restores the terminal */
  if (warning) fprintf(stderr, "mirrorball: warning: optimized code is not kept: %s\n", warning);
  free(warning);
  free(store);
  if (text) options_fail("%s", text);
  free(text);
  guests_free(&r.guest);
  for (unsigned i = 0; i < MB_DISKS_MAX; i++) free(r.disk_path[i]);
  for (unsigned i = 0; i < r.config.nets; i++) free((char *)(uintptr_t)r.config.net[i].subnet);
  return code < 0 ? 0 : code;
}
